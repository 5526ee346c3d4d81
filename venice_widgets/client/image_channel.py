"""The way of pictures: the connections of one generation, and what is made of the answers that come over them.

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

from venice_widgets.redact import disarm, safe_headers, scrub

from .http_errors import cleaned, error_document, error_for, transport_error
from .response import ImageResponse, unreadable
from .response_body import Reading, read_body

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from venice_widgets.config import Secret
    from venice_widgets.errors import VeniceError

    from .response import BodyFile, ResponseStorage

_ERROR_BODY_BYTES = 64 << 10
_LARGEST_ANSWER_BYTES = 1 << 30


class Channel:
    """The connections of one generation; usable from several threads.

    Args:
        base_url: where to.
        http: what sends; it signs its requests itself.
        secrets: what must not stand in any error.
        owns_http: whether `close` may close `http`, whose transport others may share.
    """

    def __init__(self, base_url: str, http: httpx.Client, secrets: tuple[Secret, ...], *, owns_http: bool) -> None:
        self._url, self._http, self._owns_http = f"{base_url}/image/generate", http, owns_http
        self._reader = _AnswerReader(urlsplit(base_url).hostname or base_url, secrets)
        self._streams: list[Any] = []
        self._lock = threading.Lock()
        self.aborted = False

    def generate(self, body: bytes, storage: ResponseStorage) -> ImageResponse:
        """Send one request for images and store what comes.

        Args:
            body: the JSON as bytes.
            storage: where the response goes while it arrives.

        Returns:
            What came back; its `error` says why, where that is not an image.

        Raises:
            ServiceUnavailable: no connection could be made; nothing was sent.
            PossiblyCharged: it was sent, and no response came.
            StoreError: the response could not be written to the disk.
        """
        request = self._http.build_request(
            "POST",
            self._url,
            content=body,
            headers={"Content-Type": "application/json"},
            extensions={"trace": self._remember_streams},
        )
        try:
            response = self._http.send(request, stream=True)
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            raise self._reader.lost(exc) from exc
        except BaseException as exc:
            disarm(exc, self._reader.secrets)  # whatever it is, frames below hold the bytes on their way
            raise
        try:
            return self._reader.read(response, storage)
        finally:
            with suppress(httpx.HTTPError, OSError):
                response.close()

    def abort(self) -> None:
        """Give up whatever is on its way: shut the sockets down, so that every thread that reads from one wakes."""
        with self._lock:
            self.aborted = True
            streams = list(self._streams)
        for stream in streams:
            _shut_down(stream)
        if not self._owns_http:  # a transport within this process has no sockets: closing it wakes who waits on it
            self._http.close()

    def close(self) -> None:
        """Free the connections once nothing is on its way."""
        if self._owns_http:
            self._http.close()

    def _remember_streams(self, event: str, facts: Mapping[str, Any]) -> None:
        """Take news from httpcore's trace hook: keep each new connection's stream, the one with TLS as well."""
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
class _AnswerReader:
    """Makes an `ImageResponse` of an HTTP response, without secrets in it."""

    host: str
    secrets: tuple[Secret, ...]

    def read(self, response: httpx.Response, storage: ResponseStorage) -> ImageResponse:
        answer = ImageResponse(
            status_code=response.status_code,
            headers=safe_headers(response.headers, self.secrets),
            first_byte_at=datetime.now(UTC),
        )
        filled = self._success(answer, response, storage) if response.is_success else self._failure(answer, response)
        return replace(filled, finished_at=datetime.now(UTC))

    def _failure(self, answer: ImageResponse, response: httpx.Response) -> ImageResponse:
        body = _beginning(response)
        error = error_for(response.status_code, response.headers, body, clean=self._clean)
        return replace(answer, document=error_document(body, self._clean), error=scrubbed(error, self.secrets))

    def _success(self, answer: ImageResponse, response: httpx.Response, storage: ResponseStorage) -> ImageResponse:
        place = None if answer.violation else partial(storage.image, answer.status_code, answer.headers)
        content_type = response.headers.get("content-type", "")
        storage.note(answer.status_code, answer.headers)
        broken = _spool(response, storage.body)
        file = storage.body.read_from_start()
        reading = read_body(file, place, content_type=content_type, whole=broken is None)
        nothing = not reading.pictures and not answer.violation
        error = self._unreadable(file, reading, broken) if nothing else None
        problem = self._clean(str(broken)) if broken else reading.problem
        notes = (f"The response was damaged: {problem}.",) if problem and reading.pictures else ()
        document = cleaned(reading.document, self._clean)
        # What could not be read in full may have been paid for all the same: its bytes are stored as they came.
        bodies = (storage.keep_body(content_type),) if (nothing or problem) and storage.body.size_bytes else ()
        return replace(answer, document=document, images=reading.pictures, bodies=bodies, error=error, notes=notes)

    def _unreadable(self, file: IO[bytes], reading: Reading, broken: Exception | None) -> VeniceError:
        """The error of a success without an image: the connection that broke meanwhile, or what came instead."""
        if broken is not None:
            return self.lost(broken)
        file.seek(0)
        beginning = self._clean(file.read(600).decode("utf-8", "replace"))[:60]
        problem = reading.problem or "it holds no image"
        return scrubbed(unreadable(f"{problem}; it begins {beginning!r}"), self.secrets)

    def lost(self, exc: Exception) -> VeniceError:
        """The error of a connection that failed, which is then safe to be its cause."""
        disarm(exc, self.secrets)
        return scrubbed(transport_error(exc, self.host), self.secrets)

    def _clean(self, text: str) -> str:
        return scrub(text, self.secrets)


def scrubbed(error: VeniceError, secrets: Iterable[Secret]) -> VeniceError:
    """An error whose text was written by somebody else may quote the key back: take it out."""
    error.message, error.remedy = scrub(error.message, secrets), scrub(error.remedy, secrets)
    error.args = (error.message, error.remedy)
    return error


def _spool(response: httpx.Response, body: BodyFile) -> Exception | None:
    """Write the decoded body; returns what broke it off, so that what came can still be looked at."""
    try:
        for piece in response.iter_bytes():
            if body.size_bytes + len(piece) > _LARGEST_ANSWER_BYTES:
                return httpx.ReadError(f"more than {_LARGEST_ANSWER_BYTES:,} bytes came")
            body.write(piece)
    except httpx.HTTPError as exc:
        return exc
    return None


def _beginning(response: httpx.Response) -> bytes:
    """As much of an error's body as is worth reading."""
    data = b""
    with suppress(httpx.HTTPError):
        for piece in response.iter_bytes():
            data += piece
            if len(data) >= _ERROR_BODY_BYTES:
                break
    return data[:_ERROR_BODY_BYTES]
