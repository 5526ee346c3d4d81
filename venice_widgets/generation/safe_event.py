"""An event that an interrupt cannot break.

The main thread may be interrupted between any two instructions. `threading.Event` and `Condition` take their locks in
Python code, and an interrupt there leaves them held: whoever sets the event would wait for ever.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress


class SafeEvent:
    """An event whose waiting an interrupt cannot break (see the module); set once, never cleared."""

    def __init__(self) -> None:
        self._is_set = False
        self._closed = threading.Lock()
        self._closed.acquire()

    def is_set(self) -> bool:
        """Whether it was set."""
        return self._is_set

    def set(self) -> None:
        """Let everyone go on who waits for it."""
        self._is_set = True
        self._open()

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Wait until it is set, or for so long; whether it is set."""
        if not self._is_set and self._closed.acquire(timeout=-1 if timeout_seconds is None else timeout_seconds):
            self._open()  # for the next one who waits
        return self._is_set

    def wait_in_slices(self, timeout_seconds: float | None = None) -> bool:
        """`wait` for the main thread, so that an interrupt gets through."""
        end = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        while not self.wait(0.05 if end is None else max(0.0, min(0.05, end - time.monotonic()))):
            if end is not None and time.monotonic() >= end:
                return False
        return True

    def _open(self) -> None:
        with suppress(RuntimeError):  # it is open already
            self._closed.release()
