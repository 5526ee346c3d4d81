"""From an answer's body to its pictures, one at a time.

An answer holds its pictures as base64 inside one JSON document: four large ones are 160 MB of text. It is therefore
spooled to a file and read as a stream of events; each picture is lifted out of the text and decoded straight into the
place where it will be kept, a few hundred kilobytes at a time.

What was paid for is not lost to damage beside it: every picture that is whole is kept, by its place in the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from venice_widgets.errors import StoreError
from venice_widgets.media.format import begins_like_picture

from .http_errors import encodable
from .json_strings import LiftedText, decoded
from .response import Sink, StoredImage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_READ_BYTES = 1 << 20
_DEEPEST = 100
"""More containers within each other than this are no answer, and would cost more than their length later on."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a body holds."""

    document: dict[str, Any] | None
    """The JSON without ``images``; None where it is none."""
    pictures: dict[int, StoredImage]
    problem: str | None = None
    """What is wrong with it; None if nothing."""


NewSink = Callable[[int], AbstractContextManager[Sink]]
"""Opens a place for the bytes of one picture, given its place in the answer, from 0."""


def read_body(file: IO[bytes], new_sink: NewSink | None, *, content_type: str = "", whole: bool = True) -> Reading:
    """Read an answer's body from the start of `file`: a picture itself, or a JSON document that holds some.

    The bytes decide which it is, and where they are neither, what the answer calls them.

    Args:
        file: the body, decompressed.
        new_sink: where pictures go; None where they are not wanted.
        content_type: the header of that name.
        whole: whether the body came to its end: half a picture is none, though the first of several may be whole.

    Raises:
        StoreError: the disk did not take the first picture.
    """
    beginning = file.read(64)
    file.seek(0)
    is_json = beginning.lstrip(b"\xef\xbb\xbf\t\n\r ").startswith((b"{", b"["))
    if begins_like_picture(beginning) or (content_type.lower().startswith("image/") and not is_json):
        return Reading(None, {0: _keep_all(file, new_sink)} if new_sink and whole else {})
    file.seek(3 if beginning.startswith(b"\xef\xbb\xbf") else 0)
    return _read_document(file, new_sink)


def _keep_all(file: IO[bytes], new_sink: NewSink) -> StoredImage:
    with new_sink(0) as sink:
        while piece := file.read(_READ_BYTES):
            sink.write(piece)
        return sink.keep()


def _read_document(file: IO[bytes], new_sink: NewSink | None) -> Reading:
    """Read JSON by ijson's own backend: without its pictures an answer is short, and C stops at numbers above 2⁶³."""
    import ijson
    from ijson.backends import python as events

    reader = _Reader(new_sink)
    text = LiftedText(file, reader.lift)
    try:
        for event, value in events.basic_parse(_InUtf8(text), use_float=True):
            reader.take(event, value)
            text.wanted = reader.a_picture_may_follow(event)
    except (ijson.JSONError, ValueError):  # the second is what strings raise that are none
        reader.problems.append("it is no JSON to its end")
    except _TooDeep:
        reader.problems.append(f"its JSON is nested more than {_DEEPEST} deep")
    return reader.reading()


class _TooDeep(Exception):
    pass


@dataclass(frozen=True, slots=True)
class _InUtf8:
    """Puts a mark for each byte that is no text: where the reader stumbles, it loses what stands before as well."""

    text: LiftedText

    def read(self, size: int) -> bytes:
        return self.text.read(size).decode("utf-8", "replace").encode()


class _Reader:
    """Takes the events of a JSON document: pictures go to their places, the rest is built."""

    def __init__(self, new_sink: NewSink | None) -> None:
        from ijson.common import ObjectBuilder

        self.problems: list[str] = []
        self._new_sink = new_sink
        self._builder = ObjectBuilder()
        self._pictures: dict[int, StoredImage] = {}
        self._refused: StoreError | None = None
        self._depth = self._place = 0
        self._in_images = self._in_list = self._lifted = False

    def take(self, event: str, value: Any) -> None:
        """Take one event of ``ijson.basic_parse``."""
        if self._depth == 1 and event in ("map_key", "end_map"):
            self._in_images = value == "images"
            if self._in_images:
                return
        ends = event.startswith("end_")
        self._depth -= ends
        if not self._in_images:
            self._builder.event(event, encodable(value) if isinstance(value, str) else value)
        elif self._depth == 1 and not ends:
            self._in_list = event == "start_array"
            if event == "string":
                self._take_picture(event, value)
        elif self._depth == 2 and self._in_list and not ends:
            self._take_picture(event, value)
        self._depth += event.startswith("start_")
        if self._depth > _DEEPEST:
            raise _TooDeep

    def a_picture_may_follow(self, event: str) -> bool:
        """Whether a string that comes after this event, the last one taken, is a picture."""
        return self._in_images and ((self._depth == 1 and event == "map_key") or (self._depth == 2 and self._in_list))

    def lift(self, pieces: Iterator[bytes]) -> None:
        """Take a picture while its text comes; its event, an empty text, follows."""
        self._lifted = True
        self._keep_picture(pieces)
        with suppress(EOFError):
            for _ in pieces:
                pass

    def _take_picture(self, event: str, value: Any) -> None:
        """Take an element of ``images``, or a text that stands in the list's place."""
        if self._lifted:
            self._lifted = False
        elif event != "string" or not value:
            self.problems.append(f"its image {self._place + 1} is {'empty' if event == 'string' else 'no text'}")
        else:
            self._keep_picture((value.encode(errors="replace"),))
        self._place += 1

    def _keep_picture(self, pieces: Iterable[bytes]) -> None:
        if self._new_sink is None:
            return
        try:
            self._pictures[self._place] = _keep(pieces, self._new_sink(self._place))
        except ValueError as exc:
            self.problems.append(f"its image {self._place + 1} is no base64 ({exc})")
        except EOFError:
            self.problems.append(f"its image {self._place + 1} is cut off")
        except StoreError as exc:
            self._refused = self._refused or exc
            self.problems.append(f"its image {self._place + 1} could not be kept: {exc.message}")

    def reading(self) -> Reading:
        """Everything that was taken."""
        if self._refused is not None and not self._pictures:
            raise self._refused
        document = getattr(self._builder, "value", None)
        problem = "; ".join(self.problems[:4]) or None
        return Reading(document if isinstance(document, dict) else None, self._pictures, problem)


def _keep(pieces: Iterable[bytes], new_sink: AbstractContextManager[Sink]) -> StoredImage:
    """Decode one picture into its sink as its text comes.

    Raises:
        ValueError: it is no base64.
    """
    with new_sink as sink:
        for data in decoded(pieces):
            sink.write(data)
        return sink.keep()
