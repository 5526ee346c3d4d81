"""Copies that the user asked for (``--save``): checked before anything is paid, written once the images are there.

What would keep a copy from being written as asked is found before sending: a pattern that cannot be filled, a name that
this system cannot write, a file that exists already, one name for several images, a folder that is not one or that
cannot be written. What fails all the same loses no image: it is in the store, and it is shown.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, get_args

from venice_widgets.credentials import refuse_keys
from venice_widgets.errors import NOTHING_SENT, InvalidRequest, VeniceError, shown
from venice_widgets.files.presence import is_folder, is_taken
from venice_widgets.files.user_path import user_path
from venice_widgets.media.saving import EXTENSIONS, Metadata, check_metadata, fill_pattern, true_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from venice_widgets.media.saving import Saved

    from .prepared import Prepared
    from .result import Generation


@dataclass(frozen=True, slots=True)
class Copies:
    """Where copies of the images go, and what they carry."""

    pattern: str
    """A file's name; ``{seed}``, ``{ext}``, ``{run_id}`` and ``{model}`` in it are filled in."""
    metadata: Metadata = "full"
    """How much of the recipe a copy carries, see `media.saving`."""

    def check(self, prepared: Prepared) -> None:
        """Refuse what could not be written as asked.

        Raises:
            InvalidRequest: names the file, and why.
        """
        check_metadata(self.metadata)
        mime = f"image/{prepared.request.fields.get('format', 'webp')}"
        names = list(self._names(prepared, EXTENSIONS[mime]))
        if len(set(names)) < len(names):
            variants = int(prepared.request.fields.get("variants", 1)) > 1
            raise InvalidRequest(
                f"save {self.pattern!r} names one file for {len(names)} images.",
                f"Put {'{seed}' if variants else '{seed} or {run_id}'} in it. {NOTHING_SENT}",
                field="save",
            )
        # What the log holds may have been saved before: whether it is the same file is seen when it is written.
        for name in self._names(prepared, EXTENSIONS[mime], prepared.to_send):
            check_file_name(name, mime, known="{run_id" not in self.pattern)

    def _names(self, prepared: Prepared, extension: str, seeds: Sequence[int] | None = None) -> Iterator[str]:
        """A name for each image; what cannot be known yet appears as something of its own."""
        for number, seed in enumerate(prepared.plan.seeds if seeds is None else seeds):
            for place in range(int(prepared.request.fields.get("variants", 1))):
                yield fill_pattern(
                    self.pattern,
                    seed=str(seed) if place == 0 else f"unknown-{place:06x}",
                    ext=extension,
                    run_id=f"{number:08d}",
                    model=prepared.request.model.id,
                )

    def write(self, generation: Generation) -> Written:
        """Write a copy of every image for which that is possible."""
        return write_each(partial(image.save_copy, self.pattern, self.metadata) for image in generation.images)


@dataclass(frozen=True, slots=True)
class Written:
    """What became of the copies."""

    files: tuple[Path, ...]
    notices: tuple[str, ...]
    """What is not as it was asked, a sentence each."""
    problem: VeniceError | None
    """The first error; to be raised once the images are shown."""


def write_each(saves: Iterable[Callable[[], Saved | None]]) -> Written:
    """Do each, whatever becomes of the others; None is one that has no image."""
    files: list[Path] = []
    notices: dict[str, None] = {}
    problem: VeniceError | None = None
    for save in saves:
        try:
            saved = save()
        except VeniceError as exc:
            problem = problem or exc
            continue
        if saved is not None:
            files.append(saved.path)
            notices.update(dict.fromkeys(saved.notices))
    return Written(tuple(files), tuple(notices), problem)


def copies_of(save: str | os.PathLike[str] | None, metadata: str = "full") -> Copies | None:
    """The copies that were asked for; None where none were.

    Raises:
        InvalidRequest: it is not a path, or `metadata` is not one of the choices, or is given without `save`.
    """
    check_metadata(metadata)
    if save is None and metadata != "full":
        raise InvalidRequest(
            "metadata says what the copies carry, and none is saved.",
            f"Give save too, or leave metadata out. {NOTHING_SENT}",
            field="metadata",
        )
    if save is None:
        return None
    pattern = os.fspath(save) if isinstance(save, str | os.PathLike) else None
    if not isinstance(pattern, str) or not pattern:
        raise InvalidRequest(
            f"save {shown(save, repr)} is not the name of a file.",
            f"Write it like 'fox-{{seed}}.{{ext}}'. {NOTHING_SENT}",
            field="save",
        )
    refuse_keys({"save": pattern}, ())
    return Copies(pattern, next(choice for choice in get_args(Metadata) if choice == metadata))


def check_file_name(name: str, mime: str, *, known: bool) -> None:
    """Refuse a name that this system cannot write, or where a file or a folder is in the way, before anything is paid.

    Args:
        name: of the file.
        mime: the format that is asked for.
        known: whether it is the name itself, and not one with something in it that is not known yet.

    Raises:
        InvalidRequest: names the file, and why.
    """
    try:
        target = user_path(name, "save")
    except InvalidRequest as exc:
        raise InvalidRequest(exc.message, f"{exc.remedy} {NOTHING_SENT}", field="save") from exc
    try:
        target = target.absolute()
        os.fsencode(target)
        taken = [path for path in (target, true_name(target, mime)) if is_taken(path)] if known else []
        above = next(folder for folder in target.parents if is_taken(folder))
    except (OSError, ValueError) as exc:  # a ValueError: a null, or a letter that no file name can hold
        raise InvalidRequest(
            f"save {name!r} cannot be the name of a file here: {_reason(exc)}.", NOTHING_SENT, field="save"
        ) from exc
    if taken:
        raise InvalidRequest(
            f"{taken[0]} exists, and nothing is overwritten.",
            f"Choose another name, or put {{run_id}} in it. {NOTHING_SENT}",
            field="save",
        )
    if not is_folder(above):
        raise InvalidRequest(f"save {name!r}: {above} is not a folder.", NOTHING_SENT, field="save")
    if not os.access(above, os.W_OK | os.X_OK):
        raise InvalidRequest(f"save {name!r}: {above} cannot be written.", NOTHING_SENT, field="save")


def _reason(exc: Exception) -> str:
    if isinstance(exc, UnicodeEncodeError):
        return "it holds a character that file names here cannot hold"
    return str(getattr(exc, "strerror", None) or exc)
