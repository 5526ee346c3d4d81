"""Many requests at once: some in flight, within a rate, retried where that is safe, and given up when asked.

Daemon threads do the talking, so that neither an interrupt nor the end of the process waits for a slow response. What a
job is, and what sending it means, is the caller's: here are only order, rate and waiting.

The main thread may be interrupted between any two instructions. `threading.Event`, `Condition` and `Thread.start` take
locks in Python code, and an interrupt there leaves them held: the workers would wait for ever. So whatever the main
thread calls here uses raw locks and `SafeEvent` alone, and a conductor, a thread that no signal reaches, starts the
workers and settles what was called off.
"""

from __future__ import annotations

import _thread
import logging
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from venice_widgets.errors import RateLimited, ServiceUnavailable

from .safe_event import SafeEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .rate_limiter import RateLimiter

Job = TypeVar("Job")
Result = TypeVar("Result")

_log = logging.getLogger("venice_widgets.generation")

MAX_ATTEMPTS = 5
LONGEST_WAIT_SECONDS = 120.0


def retry_delay_seconds(error: BaseException, attempt: int) -> float | None:
    """Whether to send again after `error`: None for no, else the seconds to wait first.

    Only what proves that nothing ran is sent again: a connection that was never made, 429 and 503.

    Args:
        error: what the attempt ended with.
        attempt: which attempt it was, from 1.
    """
    if attempt >= MAX_ATTEMPTS or not isinstance(error, RateLimited | ServiceUnavailable):
        return None
    doubled = 2.0 ** (attempt - 1)
    if error.retry_after_seconds is None:
        return doubled * (2.0 if isinstance(error, RateLimited) else 0.5)
    # Never at once: a reset that is past by this machine's clock may be to come by the service's.
    wait = max(error.retry_after_seconds + 0.1, 0.5 * doubled)
    return wait if wait <= LONGEST_WAIT_SECONDS else None


@dataclass
class Delivery(Generic[Job, Result]):
    """One job and what became of it."""

    job: Job
    result: Result | None = None
    error: BaseException | None = None
    attempts: int = 0
    """How often it was sent; 0 for a job that was called off."""
    finished: bool = False
    waiting_until: float | None = None
    """A `time.monotonic` moment, while it waits for its place or to be sent again."""


@dataclass
class Dispatch(Generic[Job, Result]):
    """The deliveries of one generation.

    Args:
        jobs: what is to be sent, in order.
        send: sends one job, once; called from several threads; returns its result or raises.
        settle: called in the same thread when a job has ended, before it counts as finished.
        in_flight: how many threads.
        pace: the rate.
        first_alone: whether the others wait until the first job has succeeded, and are not sent if it fails.
        ends_all: told each job's error, or None, in the order in which they end; whether the jobs not yet sent should
            not be sent.
        on_claim: called when a job is about to be sent and can no longer be called off.
        beside: called once, in a thread of its own: something that needs no sending, and ends with the jobs.
        on_end: called once, when the last job has ended, and what goes on beside them.
        name: what the debug log calls a job.
    """

    jobs: Sequence[Job]
    send: Callable[[Job], Result]
    settle: Callable[[Delivery[Job, Result]], None]
    in_flight: int
    pace: RateLimiter
    first_alone: bool = False
    ends_all: Callable[[BaseException | None], bool] = lambda _: False
    on_claim: Callable[[Job], None] = lambda _: None
    beside: Callable[[], None] | None = None
    on_end: Callable[[], None] = lambda: None
    name: Callable[[Job], str] = str
    deliveries: list[Delivery[Job, Result]] = field(init=False)

    def __post_init__(self) -> None:
        self.deliveries = [Delivery(job) for job in self.jobs]
        self._unsent = deque(self.deliveries)
        self._lock = threading.Lock()
        self._conducts = threading.Lock()
        self._cancelled, self._done, self._first_done, self._conductor_wakes = (
            SafeEvent(),
            SafeEvent(),
            SafeEvent(),
            SafeEvent(),
        )
        self._unfinished = len(self.deliveries) + (self.beside is not None)
        if not self._unfinished:
            self._done.set()

    def start(self) -> None:
        """Begin; returns at once. Does nothing the second time.

        Raises:
            RuntimeError: no thread can be started; nothing was sent.
        """
        _thread.start_new_thread(self._conduct, ())

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Wait until every job has ended; whether they have.

        An interrupt gets through: the main thread waits in slices.
        """
        return self._done.wait_in_slices(timeout_seconds)

    def cancel(self) -> None:
        """Send nothing more; what is in flight goes on. Returns at once.

        After it, a job that was not claimed yet never will be sent; the conductor settles it.
        """
        with self._lock:
            self._cancelled.set()
        self._first_done.set()
        self._conductor_wakes.set()
        try:
            self.start()  # it may not have begun yet
        except RuntimeError:  # no threads at the end of the interpreter
            self._call_off()

    @property
    def cancelled(self) -> bool:
        """Whether the rest was called off."""
        return self._cancelled.is_set()

    @property
    def done(self) -> bool:
        """Whether every job has ended."""
        return self._done.is_set()

    def _conduct(self) -> None:
        """Start the workers, and settle what is called off while they are busy."""
        if not self._conducts.acquire(blocking=False):
            return
        if not self.cancelled:
            self._start_workers()
        if self.beside is not None:
            threading.Thread(target=self._go_beside, name="venice-beside", daemon=True).start()
        self._conductor_wakes.wait()
        self._call_off()

    def _start_workers(self) -> None:
        for number in range(min(self.in_flight, len(self.jobs))):
            try:
                threading.Thread(target=self._work, name=f"venice-{number}", daemon=True).start()
            except RuntimeError:  # the system's limit on threads
                if number == 0:
                    self._work()
                return

    def _go_beside(self) -> None:
        assert self.beside is not None  # noqa: S101  the conductor looked
        try:
            self.beside()
        finally:
            self._one_less()

    def _call_off(self) -> None:
        """Settle the jobs that were never claimed."""
        while (delivery := self._next()) is not None:
            self._finish(delivery)

    def _work(self) -> None:
        while (delivery := self._next()) is not None:
            if self.first_alone and delivery is not self.deliveries[0]:
                self._first_done.wait()
            try:
                self._deliver(delivery)
            except BaseException as exc:  # noqa: BLE001  a thread that ends without settling its job is waited for forever
                delivery.error = exc
            self._finish(delivery)

    def _next(self) -> Delivery[Job, Result] | None:
        with self._lock:
            return self._unsent.popleft() if self._unsent else None

    def _deliver(self, delivery: Delivery[Job, Result]) -> None:
        """Send a job until it succeeds, must not be sent again, or is called off."""
        while self._claim(delivery):
            try:
                delivery.result = self.send(delivery.job)
            except BaseException as exc:  # noqa: BLE001  whatever it is, it belongs to this job and is shown with it
                delivery.error = exc
            else:
                delivery.error = None
                return
            finally:
                self.pace.leave()
            delay = retry_delay_seconds(delivery.error, delivery.attempts)
            if delay is None:
                return
            _log.debug("%s: sent again in %.1f s", self.name(delivery.job), delay)
            delivery.waiting_until = time.monotonic() + delay
            self._cancelled.wait(delay)

    def _claim(self, delivery: Delivery[Job, Result]) -> bool:
        """Wait for a place in the rate, for each attempt anew; False if everything was called off before."""
        if not self.pace.wait(self._cancelled, partial(self._note_wait, delivery)):
            return False
        with self._lock:
            if self._cancelled.is_set():
                self.pace.leave()
                return False
            # Under the lock: whoever has called the rest off reads what is in flight, and it is exact.
            self.on_claim(delivery.job)
            delivery.attempts += 1
            delivery.waiting_until = None
        _log.debug("%s: attempt %d", self.name(delivery.job), delivery.attempts)
        return True

    def _note_wait(self, delivery: Delivery[Job, Result], seconds: float) -> None:
        if delivery.waiting_until is None:
            _log.debug("%s: waits %.1f s for the rate limit", self.name(delivery.job), seconds)
        delivery.waiting_until = time.monotonic() + seconds

    def _finish(self, delivery: Delivery[Job, Result]) -> None:
        delivery.waiting_until = None
        try:
            self.settle(delivery)
        except Exception as exc:  # noqa: BLE001  what could not be put on record is reported with the job, not to a thread
            delivery.error = exc
        first = delivery is self.deliveries[0]
        error = delivery.error
        with self._lock:
            if self.ends_all(error) or (error is not None and first and self.first_alone):
                self._cancelled.set()
                self._conductor_wakes.set()
            delivery.finished = True
        _log.debug("%s: ended with %s", self.name(delivery.job), type(error).__name__ if error else "success")
        if first:
            self._first_done.set()
        self._one_less()

    def _one_less(self) -> None:
        with self._lock:
            self._unfinished -= 1
            last = self._unfinished == 0
        if last:
            self._end()

    def _end(self) -> None:
        try:
            self.on_end()
        finally:
            self._done.set()
            self._conductor_wakes.set()


def describe(deliveries: Sequence[Delivery[Any, Any]]) -> str:
    """In words what is being waited for besides the images themselves; empty most of the time."""
    waits = [d.waiting_until for d in deliveries if d.waiting_until is not None]
    if not waits:
        return ""
    return f"waiting for the rate limit, {max(0, min(waits) - time.monotonic()):.0f} s"
