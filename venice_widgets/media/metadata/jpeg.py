"""Metadata in JPEG: EXIF and XMP segments beside a scan that is copied byte for byte.

A JPEG opens with segments of at most 65,533 bytes each (ITU-T T.81, annex B); from the first scan on, nothing is
looked at or changed. XMP that is larger goes into the ExtendedXMP segments of the XMP specification, part 3, section
1.1.3.1: cut into pieces, each under the MD5 of the whole, which the main packet names.
"""

from __future__ import annotations

import hashlib
import re
import struct
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

from .container import MAX_PARTS, MAX_TEXT_BYTES, Embedded, Metadata, collected, damaged, too_large

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNATURE = b"\xff\xd8\xff"
_EXIF = b"Exif\0\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENDED_XMP = b"http://ns.adobe.com/xmp/extension/\0"
_EXTENDED_HEADER = struct.Struct(">32sII")
_MAX_PAYLOAD = 65_533
_PIECE = 65_000

MAX_EXIF_BYTES = _MAX_PAYLOAD - len(_EXIF)
MAX_XMP_BYTES = _MAX_PAYLOAD - len(_XMP)

_START_OF_SCAN, _APP0, _APP1, _APP2, _APP11, _APP14 = 0xDA, 0xE0, 0xE1, 0xE2, 0xEB, 0xEE
_END_OF_IMAGE = 0xD9
_MARKER_IN_SCAN = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_APPLICATION_OR_COMMENT = frozenset({*range(0xE0, 0xF0), 0xFE})


class _Segment(NamedTuple):
    marker: int
    payload: memoryview
    whole: memoryview


def read(data: bytes, *, lenient: bool = False) -> Embedded:
    """Read what a JPEG carries.

    Args:
        data: the file.
        lenient: of a damaged file, read the segments that come before the damage.

    Raises:
        UnreadableFile: it is truncated, or a length is wrong.
    """
    segments, damage = collected(_segments(data), lenient=lenient)
    width, height = (0, 0) if damage else _size(segments)
    xmp = next((bytes(s.payload[len(_XMP) :]) for s in segments if _is(s, _APP1, _XMP)), b"")
    return Embedded(
        width,
        height,
        signed=any(_is(s, _APP11, b"JP") and b"c2pa" in bytes(s.payload) for s in segments),
        metadata=Metadata(
            exif=next((bytes(s.payload[len(_EXIF) :]) for s in segments if _is(s, _APP1, _EXIF)), b""),
            xmp=xmp,
            extended_xmp=_extended(segments, xmp),
        ),
        damage=damage,
    )


def write(data: bytes, metadata: Metadata, *, bare: bool) -> bytes:
    """Copy a JPEG with its EXIF and XMP replaced.

    Args:
        data: the file to copy.
        metadata: the layers that the copy shall have; each must fit its segment.
        bare: leave out every comment and application segment that does not change how the image looks, and what
            follows its end.
    """
    segments = list(_segments(data))
    kept = [s for s in segments if not _replaced(s) and (not bare or _changes_appearance(s))]
    opening = list(takewhile(lambda s: s.marker == _APP0, kept))
    scan = 2 + sum(len(s.whole) for s in segments)
    pixels = memoryview(data)[scan : _end_of_image(data, scan) if bare else None]
    parts: list[bytes | memoryview] = [b"\xff\xd8", *(s.whole for s in opening), *_layers(metadata)]
    return b"".join([*parts, *(s.whole for s in kept[len(opening) :]), pixels])


def extended_xmp_guid(extended_xmp: bytes) -> str:
    """The name under which the main packet must point to an extended one, in ``xmpNote:HasExtendedXMP``."""
    return hashlib.md5(extended_xmp, usedforsecurity=False).hexdigest().upper()


def _segments(data: bytes) -> Iterator[_Segment]:
    """The segments before the first scan, after a check that the image has an end."""
    view, position = memoryview(data), 2
    for _ in range(MAX_PARTS):
        start = position
        while data[position : position + 2] == b"\xff\xff":
            position += 1
        if len(data) < position + 4:
            raise damaged("JPEG file", "it ends before its image begins")
        prefix, marker, length = struct.unpack_from(">BBH", data, position)
        end = position + 2 + length
        if prefix != 0xFF or length < 2:
            raise damaged("JPEG file", f"there is no segment at byte {position}")
        if marker == _START_OF_SCAN:
            _end_of_image(data, position)
            return
        if end > len(data):
            raise damaged("JPEG file", f"a segment claims {length:,} bytes and the file ends before that")
        yield _Segment(marker, view[position + 4 : end], view[start:end])
        position = end
    raise too_large("JPEG file", f"it has more than {MAX_PARTS:,} segments")


def _end_of_image(data: bytes, position: int) -> int:
    """Where the end marker is, from the first scan on: a progressive image has several, with tables between."""
    while found := _MARKER_IN_SCAN.search(data, position):
        position = found.end()
        if found[0][-1] == _END_OF_IMAGE:
            return position
        if len(data) < position + 2:
            break
        position += struct.unpack_from(">H", data, position)[0]
    raise damaged("JPEG file", "it ends inside its image")


def _size(segments: list[_Segment]) -> tuple[int, int]:
    for segment in segments:
        if segment.marker in _FRAMES and len(segment.payload) >= 5:
            height, width = struct.unpack_from(">HH", segment.payload, 1)
            return width, height
    raise damaged("JPEG file", "it does not say how large its image is")


def _is(segment: _Segment, marker: int, name: bytes) -> bool:
    return segment.marker == marker and bytes(segment.payload[: len(name)]) == name


def _replaced(segment: _Segment) -> bool:
    return any(_is(segment, _APP1, name) for name in (_EXIF, _XMP, _EXTENDED_XMP))


def _changes_appearance(segment: _Segment) -> bool:
    """JFIF's density, the color profile and Adobe's color transform are kept even in a bare copy."""
    if segment.marker not in _APPLICATION_OR_COMMENT:
        return True
    return _is(segment, _APP0, b"JFIF\0") or _is(segment, _APP2, b"ICC_PROFILE\0") or _is(segment, _APP14, b"Adobe")


def _extended(segments: list[_Segment], xmp: bytes) -> bytes:
    """The extended packet that the main one names, if all its pieces are there."""
    named = re.search(rb"HasExtendedXMP\W{1,4}([0-9A-Fa-f]{32})", xmp)
    if not named:
        return b""
    pieces: dict[int, memoryview] = {}
    for segment in segments:
        head = len(_EXTENDED_XMP) + _EXTENDED_HEADER.size
        if not _is(segment, _APP1, _EXTENDED_XMP) or len(segment.payload) < head:
            continue
        guid, total, offset = _EXTENDED_HEADER.unpack_from(segment.payload, len(_EXTENDED_XMP))
        if total > MAX_TEXT_BYTES:
            raise too_large("JPEG file", f"its XMP claims {total:,} bytes")
        if guid.upper() == named[1].upper():
            pieces[offset] = segment.payload[head:]
    whole = b"".join(pieces[offset] for offset in sorted(pieces))
    return whole if extended_xmp_guid(whole) == named[1].decode().upper() else b""


def _layers(metadata: Metadata) -> list[bytes]:
    layers = []
    if metadata.exif:
        layers.append(_segment(_EXIF + metadata.exif))
    if metadata.xmp:
        layers.append(_segment(_XMP + metadata.xmp))
    whole = metadata.extended_xmp
    guid = extended_xmp_guid(whole).encode()
    for offset in range(0, len(whole), _PIECE):
        header = _EXTENDED_HEADER.pack(guid, len(whole), offset)
        layers.append(_segment(_EXTENDED_XMP + header + whole[offset : offset + _PIECE]))
    return layers


def _segment(payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, _APP1, len(payload) + 2) + payload
