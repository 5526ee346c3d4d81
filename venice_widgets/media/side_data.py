"""A PNG without the side data that Pillow refuses: texts and profiles that expand beyond a megabyte, or are damaged.

Pillow calls a whole PNG damaged when one text in it is too long or has a wrong checksum. Such chunks say nothing about
the pixels, so a copy without them is what it reads.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import mmap
    from collections.abc import Iterator

_SIGNATURE_BYTES = 8
_PIXELS = frozenset({b"tRNS", b"acTL", b"fcTL", b"fdAT"})
_LARGEST_CHUNK_BYTES, _LARGEST_TOTAL_BYTES = 1 << 20, 16 << 20
"""Pillow's limit for one text, and a quarter of its limit for all of them."""


def without_bad_side_data(png: bytes | mmap.mmap) -> bytes | None:
    """A copy of a PNG that Pillow reads; None where Pillow reads it as it is."""
    dropped = list(_bad_chunks(png))
    if not dropped:
        return None
    kept, position = [], 0
    for start, end in dropped:
        kept.append(png[position:start])
        position = end
    return b"".join([*kept, png[position:]])


def _bad_chunks(png: bytes | mmap.mmap) -> Iterator[tuple[int, int]]:
    """Where each chunk of side data begins and ends that Pillow would not accept."""
    position, left = _SIGNATURE_BYTES, _LARGEST_TOTAL_BYTES
    while position + 12 <= len(png):
        length, kind = struct.unpack(">I4s", png[position : position + 8])
        end = position + 12 + length
        if end > len(png) or kind == b"IEND":
            return
        if kind[0] & 0x20 and kind not in _PIXELS:
            size = _expanded_bytes(kind, png[position + 8 : end - 4], png[end - 4 : end])
            left -= size or 0
            if size is None or size > _LARGEST_CHUNK_BYTES or left < 0:
                yield position, end
        position = end


def _expanded_bytes(kind: bytes, body: bytes, checksum: bytes) -> int | None:
    """How long the content of a chunk is, as far as the limit; None where it is damaged."""
    if zlib.crc32(kind + body) != int.from_bytes(checksum, "big"):
        return None
    if kind not in (b"zTXt", b"iTXt", b"iCCP"):
        return len(body)
    _, _, rest = body.partition(b"\0")
    if kind == b"iTXt":
        if not rest[:1].strip(b"\0"):
            return len(body)
        rest = rest[1:].split(b"\0", 2)[-1]
    try:
        return len(zlib.decompressobj().decompress(rest[1:] if kind != b"iTXt" else rest, _LARGEST_CHUNK_BYTES + 1))
    except zlib.error:
        return None
