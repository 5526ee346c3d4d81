"""The service's limits: image requests a minute, failed requests in half a minute, a wallet's requests in flight."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a budget."""

    limit: int
    remaining: int
    resets_at: float
    """Unix time in seconds."""


class Window:
    """A budget that begins with the first use and is restored when its time is over. Safe from any thread.

    Args:
        limit: how much may be used in one window; None for no limit.
        seconds: how long a window lasts.
        clock: Unix time in seconds.
    """

    def __init__(self, limit: int | None, seconds: float, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._used: dict[str, tuple[int, float]] = {}

    @property
    def limit(self) -> int | None:
        """How much may be used in one window; None for no limit."""
        return self._limit

    def use(self, key: str, amount: int = 1) -> bool:
        """Use that much of the budget of a key; False, and nothing used, where less is left."""
        with self._lock:
            used, ends_at = self._current(key)
            if self._limit is not None and used + amount > self._limit:
                return False
            self._used[key] = (used + amount, ends_at)
            return True

    def left(self, key: str) -> Allowance | None:
        """What is left to a key; None without a limit."""
        if self._limit is None:
            return None
        with self._lock:
            used, ends_at = self._current(key)
            return Allowance(self._limit, max(0, self._limit - used), ends_at)

    def _current(self, key: str) -> tuple[int, float]:
        now = self._clock()
        used, ends_at = self._used.get(key, (0, 0.0))
        return (used, ends_at) if now < ends_at else (0, now + self._seconds)


class InFlight:
    """Counts the requests that a key has in flight. Safe from any thread.

    Args:
        limit: how many there may be at the same time.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._count: dict[str, int] = {}

    @contextlib.contextmanager
    def enter(self, key: str) -> Iterator[bool]:
        """Count one request while the block lasts; gives False, and counts nothing, where it is one too many."""
        with self._lock:
            admitted = self._count.get(key, 0) < self._limit
            self._count[key] = self._count.get(key, 0) + admitted
        try:
            yield admitted
        finally:
            with self._lock:
                self._count[key] -= admitted
