"""At most so many requests a minute, over everything that one account sends from one store.

The service counts a key's requests together, whichever kernel they come from. So kernels that share a store share its
limit: each start is a row in ``<store>/rate.sqlite``. Where that file cannot be used, a process counts for itself.

A start counts for a minute and a little more: it is noted before the request leaves, and the service counts it when it
arrives. That holds for a service that counts in fixed minutes as well as for one with a sliding window. What the
response headers say wins over the configured default: the true limit, and that nothing is left until a moment.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import threading
import time
import weakref
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from venice_widgets.files.platform import make_folder, touch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

MINUTE_SECONDS = 60.0
MARGIN = 0.005
"""The part of a minute by which a start counts longer: 0.3 s."""
LONGEST_PAUSE_SECONDS = 120.0
_MILLISECONDS = 1e11
"""A Unix time above this is in milliseconds: the service's pages say seconds, and clients see milliseconds."""


class Starts(Protocol):
    """Remembers when requests started. Safe from any thread."""

    def take(self, limit: int, seconds: float) -> float:
        """Note a start and return 0, or return the seconds until there is room for one."""

    def pause(self, seconds: float) -> None:
        """Let nothing start for so long."""

    def close(self) -> None:
        """Free what it holds; it can be used again."""


class OwnStarts:
    """For one process."""

    def __init__(self) -> None:
        self._starts: deque[float] = deque()
        self._paused_until = 0.0
        self._lock = threading.Lock()

    def take(self, limit: int, seconds: float) -> float:
        """Note a start and return 0, or return the seconds until there is room for one."""
        with self._lock:
            now = time.monotonic()
            while self._starts and self._starts[0] <= now - seconds:
                self._starts.popleft()
            delay = self._paused_until - now
            if len(self._starts) >= limit:
                delay = max(delay, self._starts[len(self._starts) - limit] + seconds - now)
            if delay > 0:
                return delay
            self._starts.append(now)
            return 0.0

    def pause(self, seconds: float) -> None:
        """Let nothing start for so long."""
        with self._lock:
            self._paused_until = max(self._paused_until, time.monotonic() + seconds)

    def close(self) -> None:
        """Nothing is held."""


class SharedStarts:
    """For all processes that share a file, on one machine or several whose clocks agree.

    Where the file cannot be used, be it damaged or the disk full, starts are counted for this process alone: the rate
    alone must not keep anything from being sent.

    Args:
        path: the file; made where there is none.
        account: whose limit it is. It is stored as a hash.
    """

    def __init__(self, path: Path, account: str) -> None:
        self._path, self._account = path, hashlib.sha256(account.encode()).hexdigest()[:16]
        self._lock = threading.Lock()
        self._own = OwnStarts()
        self._connection: sqlite3.Connection | None = None
        self._free: Callable[[], object] = lambda: None

    def take(self, limit: int, seconds: float) -> float:
        """Note a start and return 0, or return the seconds until there is room for one."""
        with self._lock:
            try:
                with self._transaction() as connection:
                    return self._take(connection, limit, seconds)
            except (OSError, sqlite3.Error):
                return self._own.take(limit, seconds)

    def _take(self, connection: sqlite3.Connection, limit: int, seconds: float) -> float:
        now = time.time()
        # What lies in the future was noted by a clock that has been set back since.
        connection.execute("DELETE FROM starts WHERE at <= ? OR at > ?", (now - seconds, now + 1))
        row = connection.execute(
            "SELECT at FROM starts WHERE account = ? ORDER BY at DESC LIMIT 1 OFFSET ?", (self._account, limit - 1)
        ).fetchone()
        paused = connection.execute("SELECT until FROM pauses WHERE account = ?", (self._account,)).fetchone()
        delays = [row[0] + seconds - now] if row else []
        if paused and paused[0] - now <= LONGEST_PAUSE_SECONDS:
            delays.append(paused[0] - now)
        delay = max(delays, default=0.0)
        if delay > 0:
            return delay
        connection.execute("INSERT INTO starts VALUES (?, ?)", (self._account, now))
        return 0.0

    def pause(self, seconds: float) -> None:
        """Let nothing start for so long."""
        self._own.pause(seconds)
        until = time.time() + seconds
        with self._lock, contextlib.suppress(OSError, sqlite3.Error), self._transaction() as connection:
            connection.execute(
                "INSERT INTO pauses VALUES (?, ?) ON CONFLICT (account) DO UPDATE SET until = max(until, ?)",
                (self._account, until, until),
            )

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """A change of the file, all of it or nothing. One that stayed open would keep the file from everyone."""
        connection = self._open()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        finally:
            connection.rollback()  # of what was not committed

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            make_folder(self._path.parent)
            touch(self._path)  # with the folder's rights: people who share a store share its limit
            connection = sqlite3.connect(self._path, timeout=5.0, isolation_level=None, check_same_thread=False)
            try:
                # What is lost with the power is older than a minute when it is back.
                connection.execute("PRAGMA synchronous = OFF")
                connection.execute("CREATE TABLE IF NOT EXISTS starts (account TEXT NOT NULL, at REAL NOT NULL)")
                connection.execute("CREATE TABLE IF NOT EXISTS pauses (account TEXT PRIMARY KEY, until REAL NOT NULL)")
            except BaseException:
                connection.close()
                raise
            free = weakref.finalize(self, connection.close)
            free.atexit = False  # others may still be sending, and SQLite crashes where it is closed meanwhile
            self._connection, self._free = connection, free
        return self._connection

    def close(self) -> None:
        """Close the file; the next start opens it again."""
        with self._lock:
            self._free()
            self._connection = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What a response says of the rate limit."""

    per_minute: int | None
    remaining: int | None
    resets_in_seconds: float | None


def limits_in(headers: Mapping[str, str]) -> Limits:
    """The rate limit by a response's headers (lower-case names)."""
    return Limits(
        _whole(headers.get("x-ratelimit-limit-requests")),
        _whole(headers.get("x-ratelimit-remaining-requests")),
        _resets_in(headers),
    )


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else None


def _resets_in(headers: Mapping[str, str]) -> float | None:
    try:
        moment = float(headers["x-ratelimit-reset-requests"])
    except (KeyError, ValueError):
        return None
    moment = moment / 1000 if moment > _MILLISECONDS else moment
    return moment - time.time()


class Cancelled(Protocol):
    """What tells a rate limiter that it need not wait any longer: a `SafeEvent`, or an event."""

    def is_set(self) -> bool:
        """Whether it was set."""
        ...

    def wait(self, timeout_seconds: float, /) -> object:
        """Wait until it is set, or for so long."""
        ...


class RateLimiter:
    """At most so many starts in any minute, and so many in flight at once, over everything that a session sends.

    Args:
        per_minute: starts; None for no limit.
        in_flight: in flight; None for no limit beyond each generation's own.
        starts: where starts are noted; None for this process alone.
        minute_seconds: how long a minute lasts, for tests.
        fixed: whether `per_minute` is the user's own choice, which a higher limit of the service does not lift.
    """

    def __init__(
        self,
        per_minute: int | None,
        in_flight: int | None = None,
        *,
        starts: Starts | None = None,
        minute_seconds: float = MINUTE_SECONDS,
        fixed: bool = False,
    ) -> None:
        self._stated, self._fixed = per_minute, fixed
        self._live: int | None = None
        self._starts = starts or OwnStarts()
        self._window_seconds = minute_seconds * (1 + MARGIN)
        self._slots = threading.BoundedSemaphore(in_flight) if in_flight else None

    @property
    def per_minute(self) -> int | None:
        """The limit that holds now: the service's own where it is known; None for no limit."""
        if self._stated is None or self._live is None:
            return self._stated
        return min(self._stated, self._live) if self._fixed else self._live

    def wait(self, cancelled: Cancelled, tell: Callable[[float], None] = lambda _: None) -> bool:
        """Wait for a place, telling the seconds until there is one; False if `cancelled` came first.

        Whoever has a place gives it back with `leave`.
        """
        while not cancelled.is_set():
            if self._slots and not self._slots.acquire(timeout=0.05):
                continue
            limit = self.per_minute
            delay = self._starts.take(limit, self._window_seconds) if limit else 0.0
            if delay <= 0:
                return True
            self.leave()
            tell(delay)
            cancelled.wait(min(delay, 1.0))
        return False

    def leave(self) -> None:
        """Give the place back: the response is there, or will not come."""
        if self._slots:
            self._slots.release()

    def learn(self, headers: Mapping[str, str]) -> None:
        """Take what a response says of the limit: how high it is, and that nothing is left until a moment."""
        if self._stated is None:
            return
        found = limits_in(headers)
        if found.per_minute:
            self._live = found.per_minute
        if found.remaining == 0 and found.resets_in_seconds is not None and found.resets_in_seconds > 0:
            self.pause(min(found.resets_in_seconds, 2 * self._window_seconds))

    def pause(self, seconds: float) -> None:
        """Let nothing start for so long: the service said so."""
        self._starts.pause(min(seconds, LONGEST_PAUSE_SECONDS))

    def close(self) -> None:
        """Free the file in which starts are noted; the next start opens it again."""
        self._starts.close()
