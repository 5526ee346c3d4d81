"""An image written where the user wants it: a copy that carries its recipe, under the file name of its true format.

The default is the whole recipe (``metadata="full"``), because a file that leaves the store is what people send on,
publish and find again years later, and what they then miss most is the prompt, the seed and the model. The pixels and
the file in the store are untouched. ``"no-prompt"`` and ``"none"`` leave the prompt out, and ``"original"`` gives the
bytes as received, whose hash is on record.

Where no recipe can be written into the file (it is signed with C2PA, or of a format without a place for one) it is
written as received, with the recipe in an XMP file beside it: ``fox.jpg`` and ``fox.jpg.xmp``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from string import Formatter
from typing import TYPE_CHECKING, Literal, get_args

from venice_widgets.errors import InvalidRequest, StoreError, UnreadableFile, shown
from venice_widgets.files.presence import is_taken
from venice_widgets.files.whole import holds, write_new
from venice_widgets.media.format import FORMATS
from venice_widgets.media.metadata.embed import Privacy, Written, sidecar, write_recipe

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from venice_widgets.media.metadata.recipe import Recipe

Metadata = Literal[Privacy, "original"]

METADATA = (*get_args(Privacy), "original")
"""What a saved file may carry: the whole recipe, without prompts, nothing, or the bytes as received."""

_SUFFIXES = {
    "image/webp": (".webp",),
    "image/png": (".png", ".apng"),
    "image/jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "image/gif": (".gif",),
    "image/avif": (".avif", ".avifs"),
}
_OF_IMAGES = {*(suffix for names in _SUFFIXES.values() for suffix in names), ".bmp", ".tif", ".tiff", ".heic", ".jp2"}


EXTENSIONS = {kind.mime: kind.extension for kind in FORMATS.values()}
"""The file extension of each format of an image."""


class SaveNotice(UserWarning):
    """Something about a saved file that is not as it was requested."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What was written."""

    path: Path
    sidecar: Path | None = None
    """The recipe, where it could not be written into the image's file."""
    notices: tuple[str, ...] = ()
    """What is not as it was requested, a sentence each, to be shown."""


def check_metadata(metadata: str) -> None:
    """Refuse a word that is not valid, before any money is spent.

    Raises:
        InvalidRequest: it is not one of the four.
    """
    if metadata not in METADATA:
        words = ", ".join(METADATA)
        raise InvalidRequest(f"metadata {shown(metadata, repr)} is not valid.", f"It takes {words}.", field="metadata")


def save_copy(
    data: bytes,
    target: Path,
    recipe: Recipe,
    *,
    mime: str,
    metadata: Metadata = "full",
    alter_signed: bool = False,
) -> Saved:
    """Write an image with its recipe to a new file. A file that holds exactly these bytes already stays as it is.

    Args:
        data: the image as received.
        target: the file; an ending of another format than the image's is replaced by its own.
        recipe: what made it.
        mime: the image's format by its own bytes.
        metadata: how much of the recipe the file carries, see the module.
        alter_signed: write into a file signed with C2PA too, which breaks its signature.

    Raises:
        InvalidRequest: another file has its name (nothing is ever overwritten), or `metadata` is not valid.
        StoreError: it cannot be written.
    """
    check_metadata(metadata)
    path = true_name(target, mime)
    renamed = () if path == target else (_renamed(target, path, mime),)
    written = Written(data) if metadata == "original" else _written(data, recipe, metadata, alter_signed=alter_signed)
    beside = path.with_name(f"{path.name}.xmp") if written.sidecar is not None else None
    _write_all({path: written.data} if beside is None else {beside: written.sidecar or b"", path: written.data})
    return Saved(path, beside, (*renamed, *written.notices))


def true_name(target: Path, mime: str) -> Path:
    """The name under which other programs open it: they go by the ending, and pixels are not converted here."""
    suffix, own = target.suffix.lower(), _SUFFIXES.get(mime)
    if own is None or suffix in own or suffix not in _OF_IMAGES:
        return target
    return target.with_suffix(own[0])


def _renamed(target: Path, path: Path, mime: str) -> str:
    asked, got = target.suffix.lower().removeprefix("."), mime.removeprefix("image/")
    kind = "jpeg" if target.suffix.lower() in _SUFFIXES["image/jpeg"] else asked
    way = f"Ask for it with --format {kind} next time, or convert" if kind in ("jpeg", "png", "webp") else "Convert"
    renamed = f"The image came as {got}, not {asked}: it is saved as {path}, its pixels untouched."
    return f"{renamed} {way} this one with .pil().save({str(target)!r})."


def _written(data: bytes, recipe: Recipe, metadata: Privacy, *, alter_signed: bool) -> Written:
    try:
        return write_recipe(data, recipe, metadata=metadata, alter_signed=alter_signed)
    except UnreadableFile as exc:
        why = f"The file is saved as received, since no recipe can be written into it: {exc.message}"
        if metadata == "none":
            return Written(data, (why,))
        return Written(data, (f"{why} The recipe is in a file beside it.",), sidecar(recipe, metadata=metadata))


def _write_all(files: Mapping[Path, bytes]) -> None:
    """All of them or none; the last one is the image."""
    missing = {path: data for path, data in files.items() if not _is_written(path, data)}
    written: list[Path] = []
    try:
        for path, data in missing.items():
            _write_new(path, data)
            written.append(path)
    except (InvalidRequest, StoreError):
        for path in written:
            path.unlink(missing_ok=True)
        raise


def _is_written(path: Path, data: bytes) -> bool:
    """Whether a file holds these bytes already. Another program may write it now, so its name is looked at first."""
    try:
        taken = is_taken(path)
    except (OSError, ValueError) as exc:
        raise _not_written(path, exc) from exc
    if taken and not holds(path, data):
        raise _exists(path)
    return taken


def _write_new(path: Path, data: bytes) -> None:
    try:
        write_new(path, data)
    except FileExistsError as exc:
        if not holds(path, data):
            raise _exists(path) from exc
    except (OSError, ValueError) as exc:
        raise _not_written(path, exc) from exc


def _not_written(path: Path, exc: OSError | ValueError) -> StoreError:
    reason = getattr(exc, "strerror", None) or exc
    return StoreError(f"{path} cannot be written: {reason}.", "The image is safe in the store.")


def _exists(path: Path) -> InvalidRequest:
    return InvalidRequest(
        f"{path} exists, and nothing is overwritten.",
        "Choose another name, or put {seed} or {run_id} in it. The image is safe in the store.",
        field="save",
    )


def fill_pattern(pattern: str, **values: str) -> str:
    """Fill the names of a file pattern; each value is one part of a path and cannot lead to another folder.

    Raises:
        InvalidRequest: it names something that an image does not have.
    """
    filled = []
    try:
        for text, name, form, conversion in Formatter().parse(pattern):
            value = "" if name is None else values[name if not (form or conversion) else ""]
            filled += [text, re.sub(r"[/\\\0]", "_", value)]
    except (KeyError, ValueError) as exc:
        raise InvalidRequest(
            f"the file pattern {pattern!r} cannot be filled.",
            f"It may name {', '.join(f'{{{name}}}' for name in values)}; nothing was written.",
            field="save",
        ) from exc
    return "".join(filled)
