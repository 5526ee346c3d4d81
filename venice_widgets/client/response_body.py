"""From a response's body to its images, one at a time.

A response holds its images as base64 inside one JSON document: four large ones are 160 MB of text. It is therefore
spooled to a file and read as a stream of events; each image is lifted out of the text and decoded straight into the
place where it will be stored, a few hundred kilobytes at a time.

What was paid for is not lost to damage beside it: every image that is whole is stored, by its position in the
response. Where the document cannot be read, or lists no images where they should be, its text is searched for them.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from venice_widgets.errors import StoreError
from venice_widgets.media.format import begins_like_image

from .error_body import encodable, is_error_document
from .json_strings import LiftedText, decoded
from .response import Sink, StoredImage
from .salvage import images_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .json_strings import Readable

_READ_BYTES = 1 << 20
_DEEPEST = 100
"""More containers within each other than this are not a response, and would cost more than their length later on."""
_UTF_16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be", b"{\x00": "utf-16-le", b"\x00{": "utf-16-be"}


@dataclass(frozen=True, slots=True)
class Reading:
    """What a body holds."""

    document: dict[str, Any] | None
    """The JSON without ``images``; None where it is not JSON."""
    images: dict[int, StoredImage]
    """By their positions, from 0."""
    problem: str | None = None
    """What is wrong with it; None if nothing."""
    lists_images: bool = True
    """Whether ``images`` is where it should be, be it empty."""


NewSink = Callable[[int], AbstractContextManager[Sink]]
"""Opens a place for the bytes of one image, given its position in the response, from 0."""


def read_body(file: IO[bytes], new_sink: NewSink | None, *, content_type: str = "", whole: bool = True) -> Reading:
    """Read a response's body from the start of `file`: an image itself, or a JSON document that holds some.

    The bytes decide which it is, and where they are neither, what the response calls them.

    Args:
        file: the body, decompressed.
        new_sink: where images go; None where they are not wanted.
        content_type: the header of that name.
        whole: whether the body came to its end: half an image is not one, though the first of several may be whole.

    Raises:
        StoreError: the disk did not take the first image.
    """
    beginning = file.read(64)
    file.seek(0)
    is_json = beginning.lstrip(b"\xef\xbb\xbf\xff\xfe\x00\t\n\r ").startswith((b"{", b"["))
    if begins_like_image(beginning) or (content_type.lower().startswith("image/") and not is_json):
        return Reading(None, {0: _store_all(file, new_sink)} if new_sink and whole else {})
    reading = _read_document(_as_utf_8(file, beginning), new_sink)
    searched = reading.problem is not None or not reading.lists_images
    if reading.images or new_sink is None or not searched or is_error_document(reading.document):
        return reading
    found = _salvaged(file, new_sink)
    return Reading(reading.document, found, reading.problem or ("it lists no images" if found else None))


def _as_utf_8(file: IO[bytes], beginning: bytes) -> Readable:
    """The text after its byte order mark, in UTF-8, which is what JSON is in."""
    if beginning.startswith(codecs.BOM_UTF8):
        file.seek(3)
    encoding = _UTF_16.get(beginning[:2])
    return _Transcoded(file, codecs.getincrementaldecoder(encoding)("replace")) if encoding else file


@dataclass(frozen=True, slots=True)
class _Transcoded:
    """A file whose text is read as UTF-8, whatever it is in."""

    file: IO[bytes]
    decoder: codecs.IncrementalDecoder

    def read(self, size: int, /) -> bytes:
        data = self.file.read(size)
        return self.decoder.decode(data, final=not data).removeprefix("\ufeff").encode("utf-8", "replace")


def _store_all(file: IO[bytes], new_sink: NewSink) -> StoredImage:
    with new_sink(0) as sink:
        while piece := file.read(_READ_BYTES):
            sink.write(piece)
        return sink.keep()


def _salvaged(file: IO[bytes], new_sink: NewSink) -> dict[int, StoredImage]:
    """Every image that is anywhere in the text."""
    found: dict[int, StoredImage] = {}
    for pieces in images_in(file):
        with suppress(ValueError), new_sink(len(found)) as sink:
            for piece in pieces:
                sink.write(piece)
            found[len(found)] = sink.keep()
    return found


def _read_document(file: Readable, new_sink: NewSink | None) -> Reading:
    """Read JSON by ijson's own backend: without its images a response is short, and C stops at numbers above 2⁶³."""
    import ijson
    from ijson.backends import python as events

    reader = _Reader(new_sink)
    text = LiftedText(file, reader.lift)
    try:
        for event, value in events.basic_parse(_InUtf8(text), use_float=True):
            reader.take(event, value)
            text.wanted = reader.an_image_may_follow(event)
    except (ijson.JSONError, ValueError):  # the second is what malformed strings raise
        reader.problems.append("it is not JSON to its end")
    except _TooDeep:
        reader.problems.append(f"its JSON is nested more than {_DEEPEST} deep")
    return reader.reading()


class _TooDeep(Exception):
    pass


@dataclass(frozen=True, slots=True)
class _InUtf8:
    """Puts a mark for each byte that is not text: where the reader stumbles, it loses what comes before as well."""

    text: LiftedText

    def read(self, size: int) -> bytes:
        return self.text.read(size).decode("utf-8", "replace").encode()


class _Reader:
    """Takes the events of a JSON document: images go to their places, the rest is built."""

    def __init__(self, new_sink: NewSink | None) -> None:
        from ijson.common import ObjectBuilder

        self.problems: list[str] = []
        self._new_sink = new_sink
        self._builder = ObjectBuilder()
        self._images: dict[int, StoredImage] = {}
        self._refused: StoreError | None = None
        self._depth = self._position = 0
        self._in_images = self._in_list = self._lifted = self._lists_images = False

    def take(self, event: str, value: Any) -> None:
        """Take one event of ``ijson.basic_parse``."""
        if self._depth == 1 and event in ("map_key", "end_map"):
            self._in_images = value == "images"
            if self._in_images:
                self._lists_images = True
                return
        ends = event.startswith("end_")
        self._depth -= ends
        if not self._in_images:
            self._builder.event(event, encodable(value) if isinstance(value, str) else value)
        elif self._depth == 1 and not ends:
            self._in_list = event == "start_array"
            if event == "string":
                self._take_image(event, value)
        elif self._depth == 2 and self._in_list and not ends:
            self._take_image(event, value)
        self._depth += event.startswith("start_")
        if self._depth > _DEEPEST:
            raise _TooDeep

    def an_image_may_follow(self, event: str) -> bool:
        """Whether a string that comes after this event, the last one taken, is an image."""
        return self._in_images and ((self._depth == 1 and event == "map_key") or (self._depth == 2 and self._in_list))

    def lift(self, pieces: Iterator[bytes]) -> None:
        """Take an image while its text comes; its event, an empty text, follows."""
        self._lifted = True
        self._store_image(pieces)
        with suppress(EOFError):
            for _ in pieces:
                pass

    def _take_image(self, event: str, value: Any) -> None:
        """Take an element of ``images``, or a text in the list's place."""
        if self._lifted:
            self._lifted = False
        elif event != "string" or not value:
            self.problems.append(f"its image {self._position + 1} is {'empty' if event == 'string' else 'not text'}")
        else:
            self._store_image((value.encode(errors="replace"),))
        self._position += 1

    def _store_image(self, pieces: Iterable[bytes]) -> None:
        if self._new_sink is None:
            return
        try:
            self._images[self._position] = _store(pieces, self._new_sink(self._position))
        except ValueError as exc:
            self.problems.append(f"its image {self._position + 1} is not base64 ({exc})")
        except EOFError:
            self.problems.append(f"its image {self._position + 1} is cut off")
        except StoreError as exc:
            self._refused = self._refused or exc
            self.problems.append(f"its image {self._position + 1} could not be stored: {exc.message}")

    def reading(self) -> Reading:
        """Everything that was taken."""
        if self._refused is not None and not self._images:
            raise self._refused
        document = getattr(self._builder, "value", None)
        problem = "; ".join(self.problems[:4]) or None
        document = document if isinstance(document, dict) else None
        return Reading(document, self._images, problem, self._lists_images)


def _store(pieces: Iterable[bytes], new_sink: AbstractContextManager[Sink]) -> StoredImage:
    """Decode one image into its sink as its text comes.

    Raises:
        ValueError: it is not base64.
    """
    with new_sink as sink:
        for data in decoded(pieces):
            sink.write(data)
        return sink.keep()
