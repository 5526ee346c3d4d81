"""One job after another, outside of whatever thread asked for it.

Messages of the widget come on threads that no one can predict, beside a running cell or in the middle of one. They hand
what takes time to a queue and return: its jobs run in order, on a daemon thread that lives as long as there are any.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class SerialQueue:
    """Jobs in order, one at a time.

    Args:
        name: of its thread.
        on_error: is given what a job raised; it must not raise itself.
    """

    def __init__(self, name: str, on_error: Callable[[BaseException], None]) -> None:
        self._name, self._on_error = name, on_error
        self._jobs: deque[Callable[[], None]] = deque()
        self._idle = threading.Condition()
        self._thread: threading.Thread | None = None

    def submit(self, job: Callable[[], None]) -> None:
        """Do this after what is already waiting; returns at once.

        As the interpreter ends nothing is done: a panel is closed then too, and starting a thread would wait for ever.
        """
        if sys.is_finalizing():
            return
        with self._idle:
            self._jobs.append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()

    def submit_once(self, job: Callable[[], None]) -> None:
        """The same, unless this very job is waiting already."""
        with self._idle:
            if job in self._jobs:
                return
        self.submit(job)

    def clear(self) -> None:
        """Forget what is waiting."""
        with self._idle:
            self._jobs.clear()

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Wait until nothing is left to do; whether that came in time."""
        with self._idle:
            return self._idle.wait_for(lambda: self._thread is None, timeout_seconds)

    def _work(self) -> None:
        while (job := self._next()) is not None:
            try:
                job()
            except Exception as exc:  # noqa: BLE001  on this thread no one would see it: the panel shows it
                self._on_error(exc)

    def _next(self) -> Callable[[], None] | None:
        with self._idle:
            if self._jobs:
                return self._jobs.popleft()
            self._thread = None
            self._idle.notify_all()
            return None
