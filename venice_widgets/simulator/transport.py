"""The simulator without a socket: an httpx transport that responds in the caller's own thread."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import httpx

from .received import ReceivedRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .response import Response
    from .state import Handler

CHUNK_BYTES = 1 << 16


class SimulatorTransport(httpx.BaseTransport):
    """Carries requests to a simulator. Safe from any thread.

    Args:
        simulator: what responds.
    """

    def __init__(self, simulator: Handler) -> None:
        self._simulator = simulator
        self._closed = threading.Event()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The response, or the httpx error that a socket would have led to."""
        wait = _Wait(self._closed, request)
        received = ReceivedRequest(
            method=request.method,
            target=request.url.raw_path.decode("ascii"),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=request.read(),
        )
        response = self._simulator.handle(received, wait)
        if response.delivery == "none":
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request)
        headers = [*response.headers, ("content-length", str(len(response.body)))]
        extensions = {"http_version": b"HTTP/1.1"}
        return httpx.Response(response.status, headers=headers, stream=_Body(response), extensions=extensions)

    def close(self) -> None:
        """End every waiting request; later ones are served again."""
        self._closed.set()
        self._closed = threading.Event()


class _Wait:
    """Waits no longer than the client's read timeout, nor than the transport is open."""

    def __init__(self, closed: threading.Event, request: httpx.Request) -> None:
        self._closed = closed
        self._request = request
        patience = request.extensions.get("timeout", {}).get("read")
        self._deadline = None if patience is None else time.monotonic() + patience

    def __call__(self, seconds: float | None) -> None:
        patience = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
        limits = [limit for limit in (seconds, patience) if limit is not None]
        if self._closed.wait(min(limits) if limits else None):
            raise httpx.ReadError("The client was closed while it waited.", request=self._request)
        if patience is not None and (seconds is None or seconds > patience):
            raise httpx.ReadTimeout("The read operation timed out", request=self._request)


class _Body(httpx.SyncByteStream):
    """The body in pieces; one that is cut short ends as a lost connection does."""

    def __init__(self, response: Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        body, whole = self._response.body, self._response.delivery == "whole"
        sent = len(body) if whole else len(body) // 2
        for start in range(0, sent, CHUNK_BYTES):
            yield body[start : min(start + CHUNK_BYTES, sent)]
        if not whole:
            raise httpx.RemoteProtocolError(
                "peer closed connection without sending complete message body "
                f"(received {sent} bytes, expected {len(body)})"
            )
