"""The one thread that uses a SQLite connection: no interrupt and no other thread ever reaches it.

An interrupt is raised in the main thread, between any two of its bytecodes. Were SQLite used there, it could fall
between taking and giving back a lock, leave a transaction open, or keep a cursor with its old snapshot alive in a
stored traceback: the log would then be dead for this kernel, or locked for all. Here the main thread only hands over a
function and waits for what it returns. Stopped meanwhile, it leaves nothing behind: what has begun is carried to its
end without it, and what has not begun is not done.

Nothing that is used for handing over is written in Python, where an interrupt could leave it half done: a queue, a lock
for each call and the start of the thread are each one call into C.

In a child made by `os.fork` the thread is missing. The child opens a connection of its own, and never touches that of
its parent, as SQLite demands. A fork waits until SQLite holds no lock of its own.
"""

from __future__ import annotations

import _thread
import traceback
import weakref
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from venice_widgets.errors import StoreError
from venice_widgets.files.platform import at_fork, take_no_signals

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

Result = TypeVar("Result")

_PAUSE_SECONDS = 2.0
"""How long a fork waits for what SQLite is doing."""
_LONGEST_PAUSE_SECONDS = 10.0
"""After which the thread goes on, should a fork never end."""


@dataclass(eq=False)
class _Job(Generic[Result]):
    """One call: what is to be done, and what came of it."""

    work: Callable[[_Job[Result]], Result]
    done: _thread.LockType = field(default_factory=_thread.allocate_lock)
    """Held until it is done."""
    result: Any = None
    error: BaseException | None = None
    abandoned: bool = False
    """Whether its caller no longer waits."""

    def __post_init__(self) -> None:
        self.done.acquire()

    def run(self) -> None:
        """Do it, in the thread."""
        try:
            if not self.abandoned:
                self.result = self.work(self)
        except BaseException as exc:  # noqa: BLE001  it belongs to whoever waits
            self.error = exc
        self.done.release()

    def outcome(self) -> Result:
        """What it returned; its error is raised."""
        error, self.error = self.error, None  # which would hold this frame, and be held by it
        if error is not None:
            try:
                raise error
            finally:
                del error
        result: Result = self.result
        return result


class _Connection:
    """The connection of the thread, opened by its first call."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._opened: sqlite3.Connection | None = None
        self._closed = False

    def get(self) -> sqlite3.Connection:
        """The open connection."""
        if self._closed:
            raise StoreError("the log is closed.", "Open a new session. Nothing was changed.")
        if self._opened is None:
            self._opened = self._connect()
        return self._opened

    def close(self) -> None:
        """Close it for good."""
        self._closed = True
        if self._opened is not None:
            self._opened.close()
            self._opened = None


class SqlThread:
    """Runs functions with a connection, one after the other, for any number of threads.

    Args:
        connect: opens the connection; called in the thread, and again in a child made by `os.fork`.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._start()
        _ALL.add(self)

    def _start(self) -> None:
        self._jobs: SimpleQueue[_Job[Any] | None] = SimpleQueue()
        self._connection = _Connection(self._connect)
        # When it is not used any more, the thread closes the file and ends. At exit, others may still be writing.
        weakref.finalize(self, self._jobs.put, None).atexit = False
        _thread.start_new_thread(_serve, (self._jobs, self._connection))

    def run(self, work: Callable[[sqlite3.Connection, Callable[[], bool]], Result]) -> Result:
        """What a function returns, given the connection and a function that says whether the caller no longer waits.

        Its error is raised here.
        """
        connection = self._connection
        return self._wait(_Job(lambda job: work(connection.get(), lambda: job.abandoned)))

    def close(self) -> None:
        """Close the file once everything that was asked before is done."""
        connection = self._connection
        self._wait(_Job(lambda _: connection.close()))

    def _wait(self, job: _Job[Result]) -> Result:
        self._jobs.put(job)
        try:
            job.done.acquire()
        except BaseException:
            job.abandoned = True
            raise
        return job.outcome()

    def pause(self) -> Callable[[], None]:
        """Let the thread rest between two calls, and return what lets it go on."""
        resting, resume = _thread.allocate_lock(), _thread.allocate_lock()
        resting.acquire()
        resume.acquire()

        def rest() -> None:
            resting.release()
            resume.acquire(timeout=_LONGEST_PAUSE_SECONDS)

        self._jobs.put(_Job(lambda _: rest()))
        resting.acquire(timeout=_PAUSE_SECONDS)
        return resume.release

    def leave_to_parent(self) -> None:
        """In a forked child: begin anew, and leave the parent's connection as it is."""
        _OF_PARENTS.append(self._connection)
        self._start()


def release_cursors(error: BaseException) -> None:
    """Let go of what the frames of an error hold: a cursor in one keeps its old snapshot of the database."""
    seen = set[int]()
    below: list[BaseException | None] = [error]
    while below:
        each = below.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            traceback.clear_frames(each.__traceback__)
            below += [each.__cause__, each.__context__]


def _serve(jobs: SimpleQueue[_Job[Any] | None], connection: _Connection) -> None:
    take_no_signals()
    while (job := jobs.get()) is not None:
        job.run()
        del job  # its result belongs to whoever waited
    connection.close()


_ALL: weakref.WeakSet[SqlThread] = weakref.WeakSet()
_OF_PARENTS: list[_Connection] = []
"""Never closed here: closing a parent's connection would end its locks and remove its files."""
_resume: list[Callable[[], None]] = []


def _before_fork() -> None:
    _resume[:] = [thread.pause() for thread in tuple(_ALL)]


def _in_parent() -> None:
    while _resume:
        _resume.pop()()


def _in_child() -> None:
    _resume.clear()
    for thread in tuple(_ALL):
        thread.leave_to_parent()


at_fork(before=_before_fork, in_parent=_in_parent, in_child=_in_child)
