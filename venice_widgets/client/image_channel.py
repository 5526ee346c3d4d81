"""The connections of one generation, and what is made of the responses that come over them.

A generation has connections of its own so that giving it up frees its threads at once: shutting a socket down wakes
whoever reads from it, and closing a client does not.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from venice_widgets.errors import ContentRefused, PossiblyCharged, VeniceError
from venice_widgets.redact import disarm, redact, redact_own_words, safe_headers

from .decompress import accepted_encodings, beginning_of, body_pieces
from .error_body import ErrorBody, cleaned, is_error_document, read_error
from .http_errors import MAYBE_CHARGED, NOT_CHARGED, error_for
from .response import ImageResponse, unreadable
from .response_body import Reading, read_body
from .transport_errors import transport_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from venice_widgets.config import Secret

    from .response import BodyFile, ResponseStorage

_ERROR_BODY_BYTES = 256 << 10
_LONGEST_REDACTED_BYTES = 8 << 20
"""A longer body without an image is stored as it came: what quotes a request back is a page, not megabytes."""
_LARGEST_BODY_BYTES = 1 << 30


class Channel:
    """The connections of one generation; usable from several threads.

    Args:
        base_url: where to.
        http: what sends; it signs its requests itself.
        secrets: what must not appear in any error.
        owns_http: whether `close` may close `http`, whose transport others may share.
        on_headers: called with the headers of every response, secrets included.
    """

    def __init__(
        self,
        base_url: str,
        http: httpx.Client,
        secrets: tuple[Secret, ...],
        *,
        owns_http: bool,
        on_headers: Callable[[Mapping[str, str]], None] = lambda _: None,
    ) -> None:
        self._url, self._http, self._owns_http = f"{base_url}/image/generate", http, owns_http
        self._reader = _ResponseReader(urlsplit(base_url).hostname or base_url, secrets)
        self._on_headers = on_headers
        self._streams: list[Any] = []
        self._lock = threading.Lock()
        self.aborted = False

    def generate(self, body: bytes, storage: ResponseStorage, *, replacement: str = "") -> ImageResponse:
        """Send one request for images and store what comes.

        Args:
            body: the JSON as bytes.
            storage: where the response goes while it arrives.
            replacement: the model that the catalogue names in place of the one that is asked for.

        Returns:
            What was answered; its `error` says why, where that is not an image.

        Raises:
            ServiceUnavailable: no connection could be made; nothing was sent.
            PossiblyCharged: it was sent, and no response came.
            StoreError: the response could not be written to the disk.
        """
        request = self._http.build_request(
            "POST",
            self._url,
            content=body,
            headers={"Content-Type": "application/json", "Accept-Encoding": accepted_encodings()},
            extensions={"trace": self._remember_streams},
        )
        response = self._send(request)
        try:
            self._on_headers(response.headers)
            return self._reader.read(response, storage, replacement)
        finally:
            with suppress(httpx.HTTPError, OSError):
                response.close()

    def _send(self, request: httpx.Request) -> httpx.Response:
        try:
            return self._http.send(request, stream=True)
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            raise self._reader.lost(exc) from exc
        except BaseException as exc:
            disarm(exc, self._reader.secrets)  # whatever it is, frames below hold the bytes that were sent
            raise

    def abort(self) -> None:
        """Give up whatever is in flight: shut the sockets down, so that every thread that reads from one wakes."""
        with self._lock:
            self.aborted = True
            streams = list(self._streams)
        for stream in streams:
            _shut_down(stream)
        if not self._owns_http:  # a transport within this process has no sockets: closing it wakes who waits on it
            self._http.close()

    def close(self) -> None:
        """Free the connections once nothing is in flight."""
        if self._owns_http:
            self._http.close()

    def _remember_streams(self, event: str, facts: Mapping[str, Any]) -> None:
        """Take news from httpcore's trace hook: remember each new connection's stream, the one with TLS as well."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            with self._lock:
                self._streams.append(facts["return_value"])
                aborted = self.aborted
            if aborted:
                _shut_down(facts["return_value"])


def _shut_down(stream: Any) -> None:
    connection = stream.get_extra_info("socket")
    if connection is not None:
        with suppress(OSError, ValueError):
            connection.shutdown(socket.SHUT_RDWR)


@dataclass(frozen=True, slots=True)
class _ResponseReader:
    """Makes an `ImageResponse` of an HTTP response, without secrets in it."""

    host: str
    secrets: tuple[Secret, ...]

    def read(self, response: httpx.Response, storage: ResponseStorage, replacement: str) -> ImageResponse:
        head = ImageResponse(
            status_code=response.status_code,
            headers=safe_headers(response.headers, self.secrets),
            first_byte_at=datetime.now(UTC),
        )
        if response.is_success:
            filled = self._success(head, response, storage)
        else:
            filled = self._failure(head, response, replacement)
        return replace(filled, finished_at=datetime.now(UTC))

    def _failure(self, head: ImageResponse, response: httpx.Response, replacement: str) -> ImageResponse:
        body = beginning_of(response, _ERROR_BODY_BYTES)
        error = error_for(response.status_code, response.headers, body, clean=self._clean, replacement=replacement)
        return replace(head, document=read_error(body, self._clean).document, error=redacted(error, self.secrets))

    def _success(self, head: ImageResponse, response: httpx.Response, storage: ResponseStorage) -> ImageResponse:
        place = None if head.violation else partial(storage.image, head.status_code, head.headers)
        content_type = response.headers.get("content-type", "")
        storage.note(head.status_code, head.headers)
        broken = _receive(response, storage.body)
        reading = read_body(storage.body.read_from_start(), place, content_type=content_type, whole=broken is None)
        filled = replace(head, document=cleaned(reading.document, self._clean), images=reading.images)
        if head.violation or (reading.images and not reading.problem and broken is None):
            return filled
        return self._damaged(filled, reading, storage, broken)

    def _damaged(
        self, filled: ImageResponse, reading: Reading, storage: ResponseStorage, broken: httpx.HTTPError | None
    ) -> ImageResponse:
        """What was paid for and is not stored as whole images: the body is stored as it came, less credentials."""
        error = None if reading.images else self._unreadable(storage.body.read_from_start(), reading, broken)
        stored = storage.body.size_bytes and not isinstance(error, ContentRefused)
        if not reading.images and 0 < storage.body.size_bytes <= _LONGEST_REDACTED_BYTES:
            storage.body.redact(self._clean if storage.body.size_bytes <= _ERROR_BODY_BYTES else self._clean_long)
        bodies = (storage.keep_body(filled.headers.get("content-type", "")),) if stored else ()
        problem = self._clean(str(broken)) if broken else reading.problem
        notes = (f"The response was damaged: {problem}.",) if reading.images else ()
        return replace(filled, error=error, notes=notes, bodies=bodies)

    def _unreadable(self, body: IO[bytes], reading: Reading, broken: httpx.HTTPError | None) -> VeniceError:
        """The error of a success without an image: the connection that broke on the way, or what came instead."""
        if broken is not None:
            return self.lost(broken)
        if is_error_document(reading.document):
            return redacted(_error_in_success(read_error(body.read(_ERROR_BODY_BYTES), self._clean)), self.secrets)
        beginning = self._clean(body.read(600).decode("utf-8", "replace"))[:60]
        said = f"it begins {beginning!r}" if beginning else "it is empty"
        return redacted(unreadable(f"{reading.problem or 'it holds no image'}; {said}"), self.secrets)

    def lost(self, exc: Exception) -> VeniceError:
        """The error of a connection that failed, which is then safe to be its cause."""
        disarm(exc, self.secrets)
        return redacted(transport_error(exc, self.host), self.secrets)

    def _clean(self, text: str) -> str:
        return redact(text, self.secrets)

    def _clean_long(self, text: str) -> str:
        """Known secrets alone: what looks like a credential in a long body may be a part of an image."""
        return redact_own_words(text, self.secrets)


def _error_in_success(read: ErrorBody) -> VeniceError:
    """An error document that came with success is shown whole."""
    said = f"Venice answered with success and an error: {read.whole_text}"
    if read.is_moderation:
        return ContentRefused(said, f"Change the prompt or the style reference. {NOT_CHARGED}")
    return PossiblyCharged(said, MAYBE_CHARGED)


def redacted(error: VeniceError, secrets: Iterable[Secret]) -> VeniceError:
    """An error whose text was written by somebody else may quote the key back: take it out."""
    error.message, error.remedy = redact(error.message, secrets), redact(error.remedy, secrets)
    error.args = (error.message, error.remedy)
    return error


def _receive(response: httpx.Response, body: BodyFile) -> httpx.HTTPError | None:
    """Write the decoded body; returns what broke it off, so that what came can still be looked at.

    Raises:
        StoreError: the disk did not take it.
    """
    try:
        for piece in body_pieces(response, _LARGEST_BODY_BYTES):
            body.write(piece)
    except httpx.HTTPError as exc:
        return exc
    return None
