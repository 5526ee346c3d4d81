"""The two budgets of VENICE API: image requests a minute, and failed requests in half a minute."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a budget."""

    limit: int
    remaining: int
    resets_at: float
    """Unix time in seconds."""


class Window:
    """A budget that begins with the first use and is whole again when its time is over. Safe from any thread.

    Args:
        limit: how much may be used in one window; None is without limit.
        seconds: how long a window lasts.
        clock: Unix time in seconds.
    """

    def __init__(self, limit: int | None, seconds: float, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._used: dict[str, tuple[int, float]] = {}

    def use(self, holder: str, amount: int = 1) -> bool:
        """Use so much of the holder's budget; False, and nothing used, if not that much is left."""
        with self._lock:
            used, ends_at = self._current(holder)
            if self._limit is not None and used + amount > self._limit:
                return False
            self._used[holder] = (used + amount, ends_at)
            return True

    def left(self, holder: str) -> Allowance | None:
        """What is left to the holder; None without limit."""
        if self._limit is None:
            return None
        with self._lock:
            used, ends_at = self._current(holder)
            return Allowance(self._limit, max(0, self._limit - used), ends_at)

    def _current(self, holder: str) -> tuple[int, float]:
        now = self._clock()
        used, ends_at = self._used.get(holder, (0, 0.0))
        return (used, ends_at) if now < ends_at else (0, now + self._seconds)
