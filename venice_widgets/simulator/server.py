"""The simulator on a loopback socket: HTTP/1.1 with keep-alive, a daemon thread for each connection."""

from __future__ import annotations

import contextlib
import select
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from .received import ReceivedRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .response import Response
    from .state import Handler

LOOK_EVERY_SECONDS = 0.05


class HungUp(Exception):
    """The client is gone, or the server is closing: nothing waits for the response."""


class SimulatorServer(ThreadingHTTPServer):
    """Listens on 127.0.0.1.

    Args:
        simulator: what responds.
        port: where to listen; 0 takes a free one.
    """

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, simulator: Handler, port: int) -> None:
        self.simulator = simulator
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, so that closing ends it."""
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection and end it."""
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Lost connections are part of the game; anything else is a mistake of the simulator and is shown."""
        if not isinstance(sys.exception(), HungUp | OSError):
            super().handle_error(request, client_address)

    def end(self) -> None:
        """Stop listening and end every connection, those that hang too."""
        self.closing.set()
        self.shutdown()
        self.server_close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def running_server(simulator: Handler, port: int) -> Iterator[str]:
    """A server for as long as the block lasts; gives its host and port."""
    server = SimulatorServer(simulator, port)
    thread = threading.Thread(
        target=server.serve_forever, args=(LOOK_EVERY_SECONDS,), name="venice-simulator", daemon=True
    )
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.end()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "cloudflare"
    sys_version = ""
    disable_nagle_algorithm = True
    server: SimulatorServer

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PUT = do_DELETE = do_PATCH = do_GET  # noqa: N815 - the names that http.server calls

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the name that http.server uses
        """Silence: tests and notebooks print what they want to."""

    def _serve(self) -> None:
        received = ReceivedRequest(
            method=self.command,
            target=self.path,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self._body(),
        )
        self._send(self.server.simulator.handle(received, self._pause))

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            return b"".join(self._chunks())
        return self._read(int(self.headers.get("content-length") or 0))

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline().partition(b";")[0] or b"0", 16):
            yield self._read(size)
            self.rfile.readline()
        while (line := self.rfile.readline()).strip():
            pass
        if not line:
            raise HungUp

    def _read(self, size: int) -> bytes:
        """So many bytes: a request that its client did not send to the end has not arrived."""
        data = self.rfile.read(size)
        if len(data) < size:
            raise HungUp
        return data

    def _send(self, response: Response) -> None:
        if response.delivery == "none":
            self.close_connection = True
            return
        self.send_response(response.status)
        for name, value in (*response.headers, ("content-length", str(len(response.body)))):
            self.send_header(name, value)
        self.end_headers()
        whole = response.delivery == "whole"
        self.wfile.write(response.body if whole else response.body[: len(response.body) // 2])
        self.close_connection |= not whole

    def _pause(self, seconds: float | None) -> None:
        """Wait in slices, and look between them whether the client is still there."""
        until = None if seconds is None else time.monotonic() + seconds
        while until is None or time.monotonic() < until:
            left = LOOK_EVERY_SECONDS if until is None else min(LOOK_EVERY_SECONDS, max(0.0, until - time.monotonic()))
            if self.server.closing.wait(left) or self._is_gone():
                raise HungUp

    def _is_gone(self) -> bool:
        readable, _, _ = select.select([self.connection], [], [], 0)
        return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)
