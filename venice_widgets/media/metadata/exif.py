"""EXIF: the texts that carry infotext, read, and UserComment written without touching the other fields.

EXIF is TIFF: a byte order, then directories of 12-byte entries that point at values by offset (CIPA DC-008). A
comment is added to an existing block by appending: the value and new copies of two directories go to the end, and
every old offset, a camera's notes and a thumbnail included, stays as it was.

AUTOMATIC1111 writes the comment through piexif: ``UNICODE``, a zero, UTF-16 big-endian, in a big-endian TIFF. It
decodes big-endian whatever the TIFF says, so that is what is written even into an existing little-endian block;
exiftool guesses the order from the text and agrees.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from venice_widgets.errors import UnreadableFile

from .container import damaged

if TYPE_CHECKING:
    from collections.abc import Callable

_EXIF_DIRECTORY, _USER_COMMENT, _EXIF_VERSION, _ORIENTATION = 0x8769, 0x9286, 0x9000, 0x0112
_SHORT, _LONG, _UNDEFINED = 3, 4, 7
_UNICODE, _ASCII, _JIS = b"UNICODE\0", b"ASCII\0\0\0", b"JIS\0\0\0\0\0"
_EMPTY = b"MM\0*\0\0\0\x08" + b"\0\0" + b"\0\0\0\0"


class _Entry(NamedTuple):
    tag: int
    kind: int
    items: int
    value: bytes
    """Four bytes: the value itself, or the offset of the value."""


class _Directory(NamedTuple):
    entries: list[_Entry]
    next: bytes
    """Four bytes: the offset of the directory after this one."""


def user_comment(tiff: bytes) -> str:
    """The comment in an EXIF block, empty where there is none.

    Raises:
        UnreadableFile: an offset or a length in the block leads out of it.
    """
    order = _order(tiff)
    entry = _find(_exif_directory(tiff, order).entries, _USER_COMMENT)
    if entry is None:
        return ""
    value = _value(tiff, entry, order)
    if value is None:
        raise damaged("EXIF block", "its comment claims more bytes than there are")
    return _decoded(value)


def with_user_comment(tiff: bytes, text: str) -> bytes:
    """A copy of an EXIF block, which may be empty, with this comment in place of its own.

    Raises:
        UnreadableFile: an offset or a length in the block leads out of it.
    """
    if not tiff or _holds_only_a_comment(tiff):
        tiff = _EMPTY
    order = _order(tiff)
    main = _directory(tiff, order, _number(tiff[4:8], order))
    exif = _exif_directory(tiff, order)
    comment = _UNICODE + text.encode("utf-16-be")
    at = len(tiff) + len(tiff) % 2
    block = tiff.ljust(at, b"\0") + comment
    exif_entries = _with(exif.entries, _Entry(_USER_COMMENT, _UNDEFINED, len(comment), _pack(at, order)))
    if _find(exif_entries, _EXIF_VERSION) is None:
        exif_entries = _with(exif_entries, _Entry(_EXIF_VERSION, _UNDEFINED, 4, b"0232"))
    pointer = _Entry(_EXIF_DIRECTORY, _LONG, 1, _pack(len(block), order))
    block += _packed(_Directory(exif_entries, exif.next), order)
    header = block[:4] + _pack(len(block), order)
    return header + block[8:] + _packed(_Directory(_with(main.entries, pointer), main.next), order)


def orientation(tiff: bytes) -> int | None:
    """The orientation in a block, 1 to 8; None where it says none or is unreadable."""
    try:
        order = _order(tiff)
        entry = _find(_directory(tiff, order, _number(tiff[4:8], order)).entries, _ORIENTATION)
    except UnreadableFile:
        return None
    if entry is None or entry.kind != _SHORT:
        return None
    (turn,) = struct.unpack_from(order + "H", entry.value)
    return int(turn) if 1 <= turn <= 8 else None


def only_orientation(turn: int) -> bytes:
    """A block that holds only an orientation, or nothing where that is 1, upright."""
    if turn == 1:
        return b""
    entry = _Entry(_ORIENTATION, _SHORT, 1, struct.pack(">HH", turn, 0))
    return _EMPTY[:8] + _packed(_Directory([entry], b"\0\0\0\0"), ">")


def texts(tiff: bytes) -> dict[str, str]:
    """The texts in which programs keep what made an image, by the names of their tags, as far as they can be read."""
    found: dict[str, str] = {}
    try:
        order = _order(tiff)
        main = _directory(tiff, order, _number(tiff[4:8], order)).entries
    except UnreadableFile:
        return found
    try:
        inner = _exif_directory(tiff, order).entries
    except UnreadableFile:
        inner = []
    for name, (tag, decode) in _TEXTS.items():
        entry = _find(inner, tag) or _find(main, tag)
        value = _value(tiff, entry, order) if entry else None
        if value is not None:
            found[name] = decode(value)
    return found


def _value(tiff: bytes, entry: _Entry, order: str) -> bytes | None:
    """The bytes of a text entry; None where they lie outside the block."""
    if entry.items <= 4:
        return entry.value[: entry.items]
    start = _number(entry.value, order)
    return tiff[start : start + entry.items] if start + entry.items <= len(tiff) else None


def _order(tiff: bytes) -> str:
    orders = {b"MM\0*": ">", b"II*\0": "<"}
    if len(tiff) < 8 or tiff[:4] not in orders:
        raise damaged("EXIF block", "it does not begin as a TIFF block")
    return orders[tiff[:4]]


def _directory(tiff: bytes, order: str, offset: int) -> _Directory:
    if offset + 2 > len(tiff):
        raise damaged("EXIF block", "a directory lies outside it")
    (count,) = struct.unpack_from(order + "H", tiff, offset)
    end = offset + 2 + 12 * count
    if end > len(tiff):
        raise damaged("EXIF block", "a directory claims more entries than there are")
    rows = struct.iter_unpack(order + "HHI4s", tiff[offset + 2 : end])
    # Some writers leave out the last link.
    return _Directory([_Entry(*row) for row in rows], tiff[end : end + 4].ljust(4, b"\0"))


def _exif_directory(tiff: bytes, order: str) -> _Directory:
    main = _directory(tiff, order, _number(tiff[4:8], order))
    pointer = _find(main.entries, _EXIF_DIRECTORY)
    if pointer is None:
        return _Directory([], b"\0\0\0\0")
    return _directory(tiff, order, _number(pointer.value, order))


def _holds_only_a_comment(tiff: bytes) -> bool:
    """Whether nothing is lost by building the block anew, so that repeated writing does not pile comments up."""
    order = _order(tiff)
    main = _directory(tiff, order, _number(tiff[4:8], order))
    exif = _exif_directory(tiff, order)
    tags = {entry.tag for entry in main.entries} | {entry.tag for entry in exif.entries}
    return tags <= {_EXIF_DIRECTORY, _EXIF_VERSION, _USER_COMMENT} and not any(main.next)


def _find(entries: list[_Entry], tag: int) -> _Entry | None:
    return next((entry for entry in entries if entry.tag == tag), None)


def _with(entries: list[_Entry], added: _Entry) -> list[_Entry]:
    """TIFF wants its entries sorted by tag."""
    return sorted([*(entry for entry in entries if entry.tag != added.tag), added])


def _packed(directory: _Directory, order: str) -> bytes:
    rows = b"".join(struct.pack(order + "HHI4s", *entry) for entry in directory.entries)
    return struct.pack(order + "H", len(directory.entries)) + rows + directory.next


def _number(four_bytes: bytes, order: str) -> int:
    return int(struct.unpack(order + "I", four_bytes)[0])


def _pack(number: int, order: str) -> bytes:
    return struct.pack(order + "I", number)


def _decoded(comment: bytes) -> str:
    """A comment in its own encoding; programs write others than they declare, and some declare none."""
    code, text = comment[:8], comment[8:]
    if code == _UNICODE:
        return _unicode(text)
    if code == _JIS:
        return text.decode("iso2022_jp", "replace").rstrip("\0")
    if code == bytes(8):
        return _unicode(text)
    return (text if code == _ASCII else comment).decode("utf-8", "replace").rstrip("\0")


def _unicode(text: bytes) -> str:
    """UTF-16 in either order, with or without a byte order mark, or UTF-8, which has no zero bytes between letters."""
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"\xef\xbb\xbf", "utf-8")):
        if text.startswith(mark):
            return text[len(mark) :].decode(encoding, "replace").rstrip("\0")
    if b"\0" not in text.rstrip(b"\0"):
        try:
            return text.rstrip(b"\0").decode("utf-8")
        except UnicodeDecodeError:
            pass
    return text.decode(_utf16_order(text), "replace").rstrip("\0")


def _utf16_order(text: bytes) -> str:
    """Infotext always has ASCII in it, whose zero bytes tell the order; the TIFF's own order does not."""
    return "utf-16-be" if text[0::2].count(0) >= text[1::2].count(0) else "utf-16-le"


def _utf8(text: bytes) -> str:
    return text.decode("utf-8", "replace").rstrip("\0")


_TEXTS: dict[str, tuple[int, Callable[[bytes], str]]] = {
    "UserComment": (_USER_COMMENT, _decoded),
    "ImageDescription": (0x010E, _utf8),
    "XPComment": (0x9C9C, lambda text: text.decode("utf-16-le", "replace").rstrip("\0")),
    "Make": (0x010F, _utf8),
    "Model": (0x0110, _utf8),
    "Software": (0x0131, _utf8),
}
