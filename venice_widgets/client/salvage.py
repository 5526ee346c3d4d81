"""Images in a body that is not the documented JSON: whatever text in it is base64 of an image is one.

A paid response whose document is nested without end, holds ``NaN``, or lists its images under another name
(``data[].b64_json``) cannot be read as it should be, and its images can be had all the same.
"""

from __future__ import annotations

import mmap
import re
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from venice_widgets.media.format import begins_like_image

from .json_strings import decoded

if TYPE_CHECKING:
    from collections.abc import Iterator

_BASE64_STRING = re.compile(rb'"((?:data:image\\?/[^,"]{0,100},)?[A-Za-z0-9+/_-](?:[A-Za-z0-9+/_=-]|\\[/nr]){63,})"')
_PIECE_BYTES = 256 << 10
_MOST_IMAGES = 16


def images_in(file: IO[bytes]) -> Iterator[Iterator[bytes]]:
    """The bytes of each image in the body, in order, each as pieces that can raise ValueError."""
    with _text_of(file) as text:
        found = 0
        for match in _BASE64_STRING.finditer(text):
            if found == _MOST_IMAGES:
                return
            if not _is_echo(text, match.start()) and _is_image(
                text[match.start(1) : min(match.start(1) + 400, match.end(1))]
            ):
                found += 1
                yield decoded(_pieces(text, *match.span(1)))


@contextmanager
def _text_of(file: IO[bytes]) -> Iterator[Any]:
    """The file's bytes, mapped where it is on the disk, so that 160 MB are not held."""
    file.seek(0)
    try:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError, AttributeError):  # it is in memory, or empty
        yield file.read()
        return
    try:
        yield mapped
    finally:
        mapped.close()


def _is_echo(text: Any, start: int) -> bool:
    """Whether it is a style reference of the request, which the response may repeat."""
    key = text[max(0, start - 40) : start].rstrip().removesuffix(b":").rstrip()
    return bool(key.endswith(b'"image"')) and text.rfind(b'"style_references"', 0, start) >= 0


def _is_image(text: bytes) -> bool:
    try:
        unescaped = _unescaped(text)
        beginning = b"".join(decoded([unescaped[: len(unescaped) - len(unescaped) % 4]]))
    except ValueError:
        return False
    return begins_like_image(beginning[:64])


def _pieces(text: Any, start: int, end: int) -> Iterator[bytes]:
    if text.find(b"\\", start, end) >= 0:  # an escape may span two pieces
        yield _unescaped(text[start:end])
        return
    for place in range(start, end, _PIECE_BYTES):
        yield text[place : min(place + _PIECE_BYTES, end)]


def _unescaped(text: bytes) -> bytes:
    return text.replace(b"\\/", b"/").replace(b"\\n", b"").replace(b"\\r", b"")
