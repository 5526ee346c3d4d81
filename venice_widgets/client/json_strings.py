"""JSON text for a reader, with its long strings taken out, so that 44 MB of base64 are not held to get one image.

An event reader gives a string when it has all of it, and holds it twice until then. So the text goes through here
first: where the reader's user says that the next string is wanted, its characters go somewhere else as they come, and
the reader sees an empty string in their place. Everything else passes unchanged.

It rests on the order of things: the reader turns all that it was given into events before it asks for more, and it is
never given the beginning of a string without its end. So the user knows, when a long string comes, where it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

import pybase64

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_SLICE_BYTES = 64 << 10
_PIECE_BYTES = 256 << 10
_DATA_URI = re.compile(rb"data:[^,]{0,200},", re.IGNORECASE)
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
"""The other alphabet of base64 (RFC 4648, 5): both are read, as no letter means two things."""
_SPACES = (b" ", b"\n", b"\r", b"\t")
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_LEADING_STRING = re.compile(_STRING, re.DOTALL)
_WHOLE_STRINGS = re.compile(rb'[^"]*+(?:' + _STRING + rb'[^"]*+)*+', re.DOTALL)


class Readable(Protocol):
    """Where the text comes from."""

    def read(self, size: int, /) -> bytes: ...  # noqa: D102


class LiftedText:
    """A file of JSON whose wanted strings are lifted out.

    Args:
        file: the text.
        take: gets the pieces of each wanted string, which it must use up, and an `EOFError` where the text ends before
            the string does; the first is 256 KB, or all.
            A string shorter than 64 KB, or one with escapes in its first 256 KB, still comes the usual way.
    """

    def __init__(self, file: Readable, take: Callable[[Iterator[bytes]], None]) -> None:
        self._file, self._take = file, take
        self._held = b""
        """Text that was read and not given; it begins with the quote of a string whose end was not there yet."""
        self.wanted = False
        """Whether a string that comes now is to be lifted; the reader's user sets it."""

    def read(self, size: int = -1) -> bytes:
        """The next part of the text, of a length that suits it; nothing at the end, or where `size` is 0.

        Raises:
            EOFError: the text ends within a lifted string, and `take` let this error pass.
        """
        if size == 0:
            return b""
        text, self._held = self._held or self._file.read(_SLICE_BYTES), b""
        found = _WHOLE_STRINGS.match(text)
        end = found.end() if found else 0
        if text and not end:
            return self._string(text)
        self._held = text[end:]
        return text[:end]

    def _string(self, text: bytes) -> bytes:
        """What the reader gets of the string that begins `text`."""
        text += self._file.read(_PIECE_BYTES)
        beginning = text[1:].partition(b'"')[0]
        if not self.wanted or not beginning or b"\\" in beginning:
            return self._whole(text)
        self._take(self._pieces(text[1:]))
        return b'""'

    def _whole(self, text: bytes) -> bytes:
        while not (found := _LEADING_STRING.match(text)) and (more := self._file.read(len(text))):
            text += more
        end = found.end() if found else len(text)
        self._held = text[end:]
        return text[:end]

    def _pieces(self, text: bytes) -> Iterator[bytes]:
        while (end := text.find(b'"')) < 0:
            yield text
            text = self._file.read(_PIECE_BYTES)
            if not text:
                raise EOFError("it ends within a string")
        self._held = text[end + 1 :]
        yield text[:end]


def decoded(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes of base64 that comes in pieces: of either alphabet, as a data URI, with white space, without padding.

    Raises:
        ValueError: it is not base64.
    """
    rest = b""
    for number, piece in enumerate(pieces):
        text = rest + (piece if number else _without_header(piece))
        if any(space in text for space in _SPACES):
            text = b"".join(text.split())
        if b"-" in text or b"_" in text:
            text = text.translate(_URL_SAFE)
        whole = len(text) // 4 * 4
        rest = text[whole:]
        yield pybase64.b64decode(text[:whole], validate=True)
    yield pybase64.b64decode(rest + b"=" * (-len(rest) % 4), validate=True)


def _without_header(text: bytes) -> bytes:
    text = text.lstrip()
    header = _DATA_URI.match(text)
    return text[header.end() :] if header else text
