"""A loopback Venice with its images made beforehand: its own time is small, and the same for everyone.

``python canned.py KIND=FILE …`` serves until its input ends, and says its base URL first. A request for images gets
those of the kind that its prompt begins with, the seed choosing the first of them; after as many seconds as it says
then. Questions are answered by the simulator. ``GET /api/v1/busy`` tells the processor seconds of all answers.
"""

import base64
import sys
import threading
import time
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from venice_widgets.simulator import Simulator
from venice_widgets.simulator.received import ReceivedRequest


class Canned(ThreadingHTTPServer):
    """The server; `kinds` holds the base64 of each kind's images."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, kinds: dict[str, list[bytes]]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.kinds, self.simulator = kinds, Simulator(requests_per_minute=None)
        self.busy_seconds, self.lock = 0.0, threading.Lock()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Canned

    def do_GET(self) -> None:
        if self.path.endswith("/busy"):
            return self._send([repr(self.server.busy_seconds).encode()])
        started = time.thread_time()
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.simulator.handle(ReceivedRequest("GET", self.path, headers), time.sleep)
        self._send([answer.body], answer.headers)
        return self._count(started)

    def do_POST(self) -> None:
        started = time.thread_time()
        received = ReceivedRequest("POST", self.path, {}, self.rfile.read(int(self.headers["content-length"])))
        wanted = received.json
        kind, seconds, *_ = wanted["prompt"].split()
        time.sleep(float(seconds))
        images = self.server.kinds[kind]
        chosen = [images[(wanted["seed"] + place) % len(images)] for place in range(wanted.get("variants", 1))]
        parts = [b'{"id":"canned","images":["', *_between(b'","', chosen), b'"],"request":null,"timing":null}']
        self._send(parts, (("content-type", "application/json"), ("x-venice-is-content-violation", "false")))
        self._count(started)

    def log_message(self, *_: object) -> None:
        """Silence."""

    def _send(self, parts: list[bytes], headers: tuple[tuple[str, str], ...] = ()) -> None:
        self.send_response(200)
        for name, value in (*headers, ("content-length", str(sum(map(len, parts))))):
            self.send_header(name, value)
        self.end_headers()
        for part in parts:
            self.wfile.write(part)

    def _count(self, started: float) -> None:
        with self.server.lock:
            self.server.busy_seconds += time.thread_time() - started


def _between(separator: bytes, parts: list[bytes]) -> list[bytes]:
    return [piece for part in parts for piece in (separator, part)][1:]


def main() -> None:
    """Serve ``KIND=FILE`` arguments until standard input ends."""
    kinds: dict[str, list[bytes]] = defaultdict(list)
    for argument in sys.argv[1:]:
        kind, _, path = argument.partition("=")
        kinds[kind].append(base64.b64encode(Path(path).read_bytes()))
    server = Canned(kinds)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}/api/v1\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
