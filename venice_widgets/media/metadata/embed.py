"""Recipes inside image files: written into a copy with its pixels untouched, and read back.

A copy gets three layers: infotext, which AUTOMATIC1111 and Civitai read; XMP with IPTC's fields for images made by
machines (IPTC Photo Metadata Standard 2025.1), which image managers read; and our own JSON, which alone is exact.

What the original already carried:

* With ``metadata="full"`` everything is kept. Our XMP properties are merged into its packet and replace only those of
  the same names; an EXIF comment and a PNG ``parameters`` text make room for ours, with a notice. A block that cannot
  be read is replaced, with a notice.
* With ``"no-prompt"`` and ``"none"`` its EXIF, XMP and comments are left out, because they may hold
  the prompt. The color profile, the animation and the orientation are kept.
* A file signed with C2PA is not altered, since any change breaks the signature; the recipe comes as a sidecar.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

from venice_widgets.errors import InvalidRequest, UnreadableFile

from . import exif, foreign, infotext, jpeg, layers, png, webp, xmp
from .container import Embedded, Metadata
from .orientation import orientation
from .recipe import Recipe, from_json

if TYPE_CHECKING:
    from types import ModuleType

    from .layers import Notices

Privacy = Literal["full", "no-prompt", "none"]

_COMPOSE = {png: layers.for_png, jpeg: layers.for_jpeg, webp: layers.for_webp}
_CARRY = {png: layers.json_for_png, jpeg: layers.json_for_jpeg, webp: layers.json_for_webp}
_MAX_INFOTEXT_CHARACTERS = 2**20
_INFOTEXT_FIELDS = ("UserComment", "ImageDescription", "XPComment")


@dataclass(frozen=True, slots=True)
class Written:
    """A copy of an image that carries its recipe, or the image itself where it may not be altered."""

    data: bytes
    notices: tuple[str, ...] = ()
    """What could not be done as asked, a sentence each, to be shown."""

    sidecar: bytes | None = None
    """XMP to be stored beside the image, because the image was not altered."""


@dataclass(frozen=True, slots=True)
class Found:
    """A recipe read from a file."""

    recipe: Recipe
    layer: Literal["venice", "infotext"]
    exact: bool
    """Whether it is the request itself, whole. Anyone can write into a file: exact is not proven."""

    notices: tuple[str, ...] = ()


def write_recipe(source: bytes, recipe: Recipe, *, metadata: Privacy = "full", alter_signed: bool = False) -> Written:
    """Copy a PNG, JPEG or WebP with its recipe inside and its pixels untouched.

    Args:
        source: the image's bytes; they are not changed.
        recipe: what made it.
        metadata: ``"full"``; ``"no-prompt"``, which leaves out every prompt; ``"none"``, which leaves out everything.
        alter_signed: change a file signed with C2PA too, which breaks its signature.

    Raises:
        UnreadableFile: it is not one of the three, or is damaged.
        InvalidRequest: `metadata` is not one of the three words, or the recipe is larger than 4 MiB.
    """
    if metadata not in get_args(Privacy):
        raise InvalidRequest(f"metadata is {metadata!r}.", 'Say "full", "no-prompt" or "none".', field="metadata")
    container = _container(source)
    found = container.read(source)
    if found.signed and not alter_signed:
        return _left_alone(source, recipe, metadata)
    composed, notices = _layers(found, recipe, metadata, container)
    if found.signed:
        notices = (*notices, "The C2PA signature of this file no longer holds: the file was changed, as asked.")
    return Written(container.write(source, composed, bare=metadata != "full"), notices)


def sidecar(recipe: Recipe, *, metadata: Privacy = "full") -> bytes:
    """The recipe as an XMP file to be stored beside an image; `read_recipe_bytes` reads it back.

    With ``"none"`` it says only that a machine made the image.
    """
    if metadata == "none":
        return xmp.packet({layers.SOURCE_TYPE: layers.TRAINED_ALGORITHMIC_MEDIA})
    return layers.sidecar(recipe.without_prompt() if metadata == "no-prompt" else recipe)


def write_json(source: bytes, text: str, *, simulated: bool) -> bytes:
    """Copy an image of ours with JSON where the recipe of a single image stands, and its pixels untouched.

    Args:
        source: a PNG, JPEG or WebP without metadata of its own.
        text: the JSON, in ASCII.
        simulated: whether its parts were drawn by a simulator.

    Raises:
        UnreadableFile: it is not one of the three.
    """
    container = _container(source)
    composed = _CARRY[container](text, simulated=simulated)
    written: bytes = container.write(source, composed, bare=False)
    return written


def own_json(data: bytes) -> str | None:
    """The JSON that `write_json` wrote, or that of a recipe; None without either.

    Raises:
        UnreadableFile: it is not a PNG, JPEG or WebP, or is damaged before it.
    """
    return _own(_container(data).read(data, lenient=True).metadata)


def is_signed(data: bytes) -> bool:
    """Whether an image file holds a C2PA manifest. One that is stored elsewhere is not noticed.

    Raises:
        UnreadableFile: it is not a PNG, JPEG or WebP, or is damaged.
    """
    return look_into(data).signed


def look_into(data: bytes) -> Embedded:
    """What an image file carries besides its pixels.

    Raises:
        UnreadableFile: it is not a PNG, JPEG or WebP, or is damaged.
    """
    found: Embedded = _container(data).read(data)
    return found


def read_recipe_bytes(data: bytes) -> Found | None:
    """The recipe in an image or a sidecar: our own JSON, else infotext, which is never exact; None without either.

    Of a damaged file, what is whole is read, with a notice.

    Raises:
        UnreadableFile: it is not a PNG, JPEG, WebP or XMP file, is damaged without a recipe in its whole part, or
            carries the recipe of a program whose format is not read.
    """
    embedded = None if _is_xmp(data) else _container(data).read(data, lenient=True)
    carried = embedded.metadata if embedded else Metadata(xmp=data)
    damage = embedded.damage if embedded else ""
    found = _found(carried)
    if found is None:
        _raise_if_foreign(carried)
        if damage:
            raise UnreadableFile(damage, "Use the original file, or fetch it again.")
        return None
    notices = (f"{damage} What made the image was read from its whole part.",) if damage else ()
    return replace(found, notices=(*found.notices, *notices))


def _found(carried: Metadata) -> Found | None:
    own = _own(carried)
    if not own:
        return _from_infotext(carried)
    try:
        recipe = from_json(own)
    except UnreadableFile as exc:
        second_best = _from_infotext(carried)
        if second_best is None:
            raise
        return replace(second_best, notices=(*second_best.notices, exc.message))
    return Found(recipe, "venice", exact=not recipe.withheld)


def _raise_if_foreign(carried: Metadata) -> None:
    """Say whose recipe it is that is not read."""
    name = foreign.program(carried)
    if name:
        raise UnreadableFile(
            f"This file carries the recipe of {name}, whose format is not read here.",
            f"Open it in {name}. PNG, JPEG and WebP files with infotext (AUTOMATIC1111, Civitai) can be read.",
        )


def _own(carried: Metadata) -> str | None:
    """Our own JSON, wherever the container holds it."""
    return carried.recipe or _from_xmp(carried.xmp) or _from_xmp(carried.extended_xmp)


def _from_xmp(packet: bytes) -> str | None:
    return xmp.read_property(packet, layers.RECIPE)


def _container(data: bytes) -> ModuleType:
    if data.startswith(png.SIGNATURE):
        return png
    if data.startswith(jpeg.SIGNATURE):
        return jpeg
    if webp.is_webp(data):
        return webp
    raise UnreadableFile(
        f"This file is not a PNG, JPEG or WebP: it {f'begins with {data[:12]!r}' if data else 'is empty'}.",
        "A recipe can be stored in these three, or in a sidecar beside any file.",
    )


def _is_xmp(data: bytes) -> bool:
    return data[:256].lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<?xpacket", b"<x:xmpmeta", b"<?xml"))


def _left_alone(source: bytes, recipe: Recipe, metadata: Privacy) -> Written:
    why = "This file is signed with C2PA and was not altered, since any change breaks the signature"
    if metadata == "none":
        return Written(source, (f"{why}; it still carries what its signer wrote into it.",))
    return Written(source, (f"{why}; its recipe is in a sidecar.",), sidecar(recipe, metadata=metadata))


def _layers(found: Embedded, recipe: Recipe, metadata: Privacy, container: ModuleType) -> tuple[Metadata, Notices]:
    """Everything that the copy shall carry, and the notices about it."""
    if metadata == "full":
        return _COMPOSE[container](found, found.metadata, recipe)
    carried = found.metadata
    raw_profile = carried.others.get("Raw profile type exif") or carried.others.get("Raw profile type APP1", "")
    turn = orientation(carried.exif, raw_profile, carried.xmp)
    existing = Metadata(exif=exif.only_orientation(turn))
    notices = ("The file's own EXIF or XMP was left out, since it may hold the prompt.",) if _says(found) else ()
    if metadata == "none":
        return existing, notices
    composed, more = _COMPOSE[container](found, existing, recipe.without_prompt())
    return composed, notices + more


def _says(found: Embedded) -> bool:
    return any((found.metadata.exif, found.metadata.xmp, found.metadata.parameters, found.metadata.recipe))


def _from_infotext(carried: Metadata) -> Found | None:
    """From the first text that holds infotext: PNG's own, then the EXIF fields that programs use for it."""
    fields = exif.texts(carried.exif) if carried.exif else {}
    for text in (carried.parameters, *(fields.get(name, "") for name in _INFOTEXT_FIELDS)):
        if len(text) > _MAX_INFOTEXT_CHARACTERS:
            raise UnreadableFile(f"The infotext of this file has {len(text):,} characters.", "It is not infotext.")
        parsed = None if text.lstrip().startswith("{") else infotext.parse(text)
        if parsed is not None:
            return _as_found(parsed)
    if carried.exif and not fields:
        exif.user_comment(carried.exif)  # says what is wrong with a block that nothing can be read from
    return None


def _as_found(parsed: infotext.Infotext) -> Found:
    """A request by the API's field names. Model names and seeds of other programs are passed on as they are."""
    settings = parsed.settings
    size = re.fullmatch(r"(\d{1,6})x(\d{1,6})", settings.get("Size", ""))
    width, height = (int(size[1]), int(size[2])) if size else (None, None)
    seed, steps = _whole(settings.get("Seed")), _whole(settings.get("Steps"))
    notices = parsed.notices
    if seed is not None and seed < 0 and not settings.get("Version", "").startswith("venice-widgets"):
        seed, notices = None, (*notices, f"Its seed is given as {seed}, which means that the seed is not known.")
    request = {
        "model": settings.get("Model") or None,
        "prompt": parsed.prompt or None,
        "negative_prompt": parsed.negative_prompt or None,
        "width": width,
        "height": height,
        "steps": steps,
        "cfg_scale": _number(settings.get("CFG scale")),
        "seed": seed,
    }
    known = {name: value for name, value in request.items() if value is not None}
    recipe = Recipe(
        known, seed=seed, width=width, height=height, steps=steps, service="", software="", settings=settings
    )
    return Found(recipe, "infotext", exact=False, notices=notices)


def _whole(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch(r"-?\d{1,18}", text) else None


def _number(text: str | None) -> float | None:
    return float(text) if text and re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text) else None
