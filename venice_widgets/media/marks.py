"""What identifies an image besides its bytes: what its file says about its origin, and the hash of its pixels.

Marks are read from the container without decoding, as each image arrives. The pixels' hash needs the whole image
decoded, which takes as long as the preview, and can be computed from the bytes at any time; so it is recorded when the
bytes are deleted.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from venice_widgets.media.metadata.embed import look_into

from .format import open_image

if TYPE_CHECKING:
    from pathlib import Path

_STRIP = 256
"""Rows that are converted at once, so that a large image is not in memory twice."""


@dataclass(frozen=True, slots=True)
class Marks:
    """What a file says about its origin; None where it is not known."""

    signed: bool | None = None
    """Whether it holds a C2PA manifest."""
    exif: bool | None = None
    """Whether it holds EXIF."""


def marks(path: Path) -> Marks:
    """The marks of a PNG, JPEG or WebP; of other formats, and of what cannot be read, nothing is known.

    Never raises: an image that was paid for is not lost to a remark about it.
    """
    try:
        found = look_into(path.read_bytes())
    except Exception:  # noqa: BLE001  whatever a stranger's metadata does to its reader
        return Marks()
    return Marks(found.signed, bool(found.metadata.exif))


def pixels_sha256(path: Path) -> str:
    """sha256, in hexadecimal, over ``RGB 1024x1024`` and a new line, then the 8-bit values row by row.

    ``RGBA`` where the file allows transparency; of an animation the first frame. Neither color profile nor EXIF
    orientation is applied.

    Raises:
        UnreadableFile: it is not an image, or is damaged.
    """
    with open_image(path) as image:
        mode = "RGBA" if image.has_transparency_data else "RGB"
        image.load()
        digest = hashlib.sha256(f"{mode} {image.width}x{image.height}\n".encode())
        for top in range(0, image.height, _STRIP):
            strip = image.crop((0, top, image.width, min(top + _STRIP, image.height)))
            digest.update(strip.convert(mode).tobytes())
        return digest.hexdigest()
