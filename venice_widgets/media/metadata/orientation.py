"""How a viewer turns an image: from EXIF, else from the raw profile that ImageMagick writes into PNG, else from XMP."""

from __future__ import annotations

import binascii
import re

from . import exif

UPRIGHT = 1
_IN_XMP = re.compile(rb"""tiff:Orientation(?:\s*=\s*["']|\s*>\s*)([1-8])""")
_EXIF_PREFIX = b"Exif\0\0"


def orientation(tiff: bytes, raw_profile: str = "", xmp: bytes = b"") -> int:
    """The orientation of an image, 1 (upright) to 8, by EXIF's numbers.

    Args:
        tiff: the image's EXIF; may be empty or damaged.
        raw_profile: the text under the PNG keyword ``Raw profile type exif`` (or ``APP1``): EXIF in hexadecimal.
        xmp: the image's XMP packet.
    """
    for block in (tiff, _from_raw_profile(raw_profile)):
        found = exif.orientation(block.removeprefix(_EXIF_PREFIX)) if block else None
        if found is not None:
            return found
    match = _IN_XMP.search(xmp)
    return int(match[1]) if match else UPRIGHT


def _from_raw_profile(text: str) -> bytes:
    """A name and a length on lines of their own, then hexadecimal digits."""
    lines = text.strip().split("\n")
    if len(lines) < 3:
        return b""
    try:
        return binascii.unhexlify("".join("".join(lines[2:]).split()))
    except (binascii.Error, ValueError):
        return b""
