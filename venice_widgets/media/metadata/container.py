"""What an image file carries besides its pixels, in the terms common to PNG, JPEG and WebP.

The three container modules (`png`, `jpeg`, `webp`) read files into an `Embedded` and write a `Metadata` into a copy.
They know where a layer is kept, never what it says. All of them treat a file as hostile: every length is checked
before it is used, nothing is decompressed past `MAX_TEXT_BYTES`, and the number of parts is bounded, so that a bad
file is an `UnreadableFile` within a second and without a large allocation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from venice_widgets.errors import UnreadableFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_Part = TypeVar("_Part")

MAX_TEXT_BYTES = 4 * 2**20
"""A prompt has 32,768 characters at most; a longer text than 4 MiB is not a recipe."""

OTHER_KEYWORDS = (
    "prompt", "workflow", "invokeai_metadata", "invokeai_graph", "sd-metadata", "Dream", "Comment", "Description",
    "Software", "Title", "fooocus_scheme", "Raw profile type exif", "Raw profile type APP1",
)  # fmt: skip
"""The PNG keywords by which other programs are known, and under which ImageMagick keeps EXIF."""

MAX_PARTS = 32_768
"""A PNG of 256 MiB in libpng's 8 KiB chunks has no more parts than this."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """The layers that a recipe lives in; an empty one is absent."""

    exif: bytes = b""
    """A TIFF block, without the ``Exif\\0\\0`` that JPEG puts before it."""

    xmp: bytes = b""
    """An XMP packet."""

    extended_xmp: bytes = b""
    """JPEG only: what did not fit into the packet (XMP specification part 3, section 1.1.3.1)."""

    parameters: str = ""
    """PNG only: the text under the keyword ``parameters``, which AUTOMATIC1111 writes."""

    recipe: str = ""
    """PNG only: the text under the keyword ``venice``, our own JSON."""

    others: Mapping[str, str] = field(default_factory=dict)
    """PNG only: the texts under the keywords `OTHER_KEYWORDS`, as far as they can be read."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """What was found in a file."""

    width: int
    """In pixels, from the header."""

    height: int
    """In pixels, from the header."""

    signed: bool
    """Whether it holds a C2PA manifest, which any change to the file would invalidate."""

    metadata: Metadata = field(default_factory=Metadata)

    damage: str = ""
    """What is wrong with the file, a sentence; only where it was read leniently."""


def collected(parts: Iterable[_Part], *, lenient: bool) -> tuple[list[_Part], str]:
    """The parts of a file, and what is wrong with it.

    Args:
        parts: raises `UnreadableFile` where the file is damaged.
        lenient: stop there instead, and return what came before.
    """
    found: list[_Part] = []
    try:
        found.extend(parts)
    except UnreadableFile as exc:
        if not lenient:
            raise
        return found, exc.message
    return found, ""


def damaged(kind: str, what: str) -> UnreadableFile:
    """The error for a file, or a block in it, that breaks its format's rules.

    Args:
        kind: what is damaged, in words: ``PNG file``.
        what: what is wrong, as a clause: ``it ends inside a chunk``.
    """
    return UnreadableFile(
        f"This {kind} is damaged: {what}.",
        "Use the original file, or fetch it again.",
    )


def too_large(kind: str, what: str) -> UnreadableFile:
    """The error for a part of a file that is larger than any recipe could be."""
    return UnreadableFile(
        f"This {kind} was not read: {what}.",
        f"A text of at most {MAX_TEXT_BYTES:,} bytes and a file of at most {MAX_PARTS:,} parts are read.",
    )
