"""Metadata in WebP: EXIF and XMP chunks beside image chunks that are copied byte for byte.

WebP is RIFF (WebP container specification, RFC 9649). A simple file holds one ``VP8`` or ``VP8L`` chunk and has no
room for metadata; it is raised to the extended form by a ``VP8X`` chunk with the image's size, its alpha flag and
the flags of what was added.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from venice_widgets.errors import UnreadableFile

from .container import MAX_PARTS, MAX_TEXT_BYTES, Embedded, Metadata, collected, damaged, too_large

if TYPE_CHECKING:
    from collections.abc import Iterator

_ALPHA, _HAS_EXIF, _HAS_XMP = 0x10, 0x08, 0x04
_METADATA = frozenset({b"EXIF", b"XMP "})
_APPEARANCE = frozenset({b"VP8X", b"ICCP", b"ANIM", b"ANMF", b"ALPH", b"VP8 ", b"VP8L"})


class _Chunk(NamedTuple):
    kind: bytes
    body: memoryview


def is_webp(data: bytes) -> bool:
    """Whether the file begins as a WebP does."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def read(data: bytes, *, lenient: bool = False) -> Embedded:
    """Read what a WebP carries.

    Args:
        data: the file.
        lenient: of a damaged file, read the chunks that come before the damage, and what is there of the last one.

    Raises:
        UnreadableFile: it is truncated, or a length is wrong.
    """
    chunks, damage = collected(_chunks(data), lenient=lenient)
    width, height, _ = (0, 0, False) if damage else _canvas(chunks)
    exif = _first(chunks, b"EXIF")
    return Embedded(
        width,
        height,
        signed=any(chunk.kind == b"C2PA" for chunk in chunks),
        # Some writers keep the prefix that only JPEG needs.
        metadata=Metadata(exif=exif.removeprefix(b"Exif\0\0"), xmp=_first(chunks, b"XMP ")),
        damage=damage,
    )


def declared_size(head: bytes) -> tuple[int, int]:
    """The width and height in pixels that the first 64 bytes of a WebP claim; 0 × 0 where they claim nothing."""
    if len(head) < 30:
        return 0, 0
    try:
        width, height, _ = _canvas([_Chunk(head[12:16], memoryview(head)[20:30])])
    except UnreadableFile:
        return 0, 0
    return width, height


def write(data: bytes, metadata: Metadata, *, bare: bool) -> bytes:
    """Copy a WebP with its EXIF and XMP replaced.

    Args:
        data: the file to copy.
        metadata: the layers that the copy shall have.
        bare: leave out every chunk that does not change how the image looks, and what follows its end.
    """
    chunks = list(_chunks(data))
    kept = [c for c in chunks if c.kind not in _METADATA and (not bare or c.kind in _APPEARANCE)]
    layers = [_Chunk(kind, memoryview(body)) for kind, body in _layers(metadata) if body]
    if layers or kept[0].kind == b"VP8X":
        kept = [_extended_header(chunks, metadata), *(c for c in kept if c.kind != b"VP8X")]
    # A C2PA manifest stays last, where its own specification puts it.
    manifest = [c for c in kept if c.kind == b"C2PA"]
    body = b"".join(_packed(c) for c in [*(c for c in kept if c.kind != b"C2PA"), *layers, *manifest])
    trailing = b"" if bare else data[_declared_end(data) :]
    return struct.pack("<4sI4s", b"RIFF", len(body) + 4, b"WEBP") + body + trailing


def _declared_end(data: bytes) -> int:
    size = int.from_bytes(data[4:8], "little")
    return 8 + size + size % 2


def _chunks(data: bytes) -> Iterator[_Chunk]:
    (size,) = struct.unpack_from("<I", data, 4)
    end, cut = 8 + size, 8 + size > len(data)
    view, position = memoryview(data), 12
    for _ in range(MAX_PARTS):
        if position >= end and not cut:
            return
        if min(end, len(data)) < position + 8:
            raise damaged("WebP file", "it ends inside a chunk's header")
        kind, length = struct.unpack_from("<4sI", data, position)
        yield _Chunk(kind, view[position + 8 : position + 8 + length])
        if position + 8 + length > min(end, len(data)):
            raise damaged("WebP file", f"a chunk claims {length:,} bytes and the file ends before that")
        position += 8 + length + length % 2
    raise too_large("WebP file", f"it has more than {MAX_PARTS:,} chunks")


def _canvas(chunks: list[_Chunk]) -> tuple[int, int, bool]:
    """Width, height in pixels, and whether there is an alpha channel."""
    first = chunks[0] if chunks else _Chunk(b"", memoryview(b""))
    head = bytes(first.body[:10])
    if first.kind == b"VP8X" and len(head) == 10:
        width, height = (int.from_bytes(head[n : n + 3], "little") + 1 for n in (4, 7))
        return width, height, bool(head[0] & _ALPHA)
    if first.kind == b"VP8 " and len(head) == 10 and head[3:6] == b"\x9d\x01\x2a":
        width, height = (size & 0x3FFF for size in struct.unpack_from("<HH", head, 6))
        if width and height:
            return width, height, False
    if first.kind == b"VP8L" and len(head) >= 5 and head[0] == 0x2F:
        bits = int.from_bytes(head[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1)
    raise damaged("WebP file", "it does not begin with an image or its header")


def _first(chunks: list[_Chunk], kind: bytes) -> bytes:
    body = next((chunk.body for chunk in chunks if chunk.kind == kind), memoryview(b""))
    if len(body) > MAX_TEXT_BYTES:
        raise too_large("WebP file", f"its {kind.decode().strip()} chunk has {len(body):,} bytes")
    return bytes(body)


def _layers(metadata: Metadata) -> list[tuple[bytes, bytes]]:
    return [(b"EXIF", metadata.exif), (b"XMP ", metadata.xmp)]


def _extended_header(chunks: list[_Chunk], metadata: Metadata) -> _Chunk:
    width, height, has_alpha = _canvas(chunks)
    if chunks[0].kind == b"VP8X":
        flags, reserved = chunks[0].body[0], bytes(chunks[0].body[1:4])
    else:
        flags, reserved = (_ALPHA if has_alpha else 0), b"\0\0\0"
    flags &= ~(_HAS_EXIF | _HAS_XMP)
    flags |= (_HAS_EXIF if metadata.exif else 0) | (_HAS_XMP if metadata.xmp else 0)
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return _Chunk(b"VP8X", memoryview(bytes([flags]) + reserved + sizes))


def _packed(chunk: _Chunk) -> bytes:
    return struct.pack("<4sI", chunk.kind, len(chunk.body)) + chunk.body + b"\0" * (len(chunk.body) % 2)
