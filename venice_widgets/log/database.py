"""The SQLite file: how it is opened, how it is written and read, and how foreign errors become ours.

Every change is one ``BEGIN IMMEDIATE`` transaction: a deferred one that reads and then writes loses most of its
writes when several processes share the store, whatever the busy timeout. The journal is WAL, or DELETE where WAL
cannot work (network file systems, SQLite documentation, "Write-Ahead Logging").
"""

from __future__ import annotations

import sqlite3
import threading
import time
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING

from venice_widgets.errors import StoreError
from venice_widgets.files.platform import MOUNTS, file_system, shares_memory

from .fulltext import search_text
from .schema import migrate, refuse_newer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUSY_TIMEOUT_SECONDS = 30.0


class Database:
    """One file, shared by the threads of this process and by other processes."""

    def __init__(self, path: Path, connection: sqlite3.Connection, journal_mode: str) -> None:
        self.path = path
        self.connection = connection
        self.journal_mode = journal_mode
        """``wal``, or ``delete`` where WAL cannot work."""
        self._lock = threading.Lock()
        # A log that nobody holds any more leaves no open file behind; at exit, threads may still be writing.
        weakref.finalize(self, connection.close).atexit = False
        self._identity = _identity(path)

    @classmethod
    def open(cls, path: Path) -> Database:
        """Open the file, making it where there is none, and bring its tables up to date.

        Raises:
            StoreError: it cannot be opened or written, or a newer version of this package wrote it.
        """
        try:
            connection = sqlite3.connect(
                path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
            )
            try:
                return cls(path, connection, _prepare(connection, path))
            except BaseException:
                connection.close()
                raise
        except (OSError, sqlite3.Error) as exc:
            remedy = _remedy(exc) or "Mend it, or set VENICE_STORE to a folder that can be written."
            raise StoreError(
                f"the store {path.parent} cannot be opened: {exc}.", f"{remedy} Nothing was sent."
            ) from exc

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self.connection.close()

    def refuse_lost(self) -> None:
        """Raise `StoreError` where the file is not in its place any more: SQLite writes on to what nobody finds."""
        if _identity(self.path) != self._identity:
            raise StoreError(
                f"the store {self.path.parent} was moved, deleted or replaced since it was opened.",
                "Put it back, or restart the kernel, which opens what is there then. Nothing was sent.",
            )

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """One change, all or nothing, on the disk when it returns.

        Args:
            durable: False for what may be lost with the machine's power, though never with the process: under WAL
                it costs no flush.

        Raises:
            StoreError: it could not be written; or a newer version of this package has upgraded the store.
        """
        with self._lock, self._translating("written"):
            if not durable:
                self.connection.execute("PRAGMA synchronous = NORMAL")
            try:
                self.connection.execute("BEGIN IMMEDIATE")
                refuse_newer(self.connection)
                yield self.connection
                self.connection.execute("COMMIT")
            finally:
                self._end_transaction()
                if not durable:
                    self.connection.execute("PRAGMA synchronous = FULL")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Several questions about one state of the log.

        Raises:
            StoreError: it cannot be read.
        """
        with self._lock, self._translating("read"):
            try:
                self.connection.execute("BEGIN")
                yield self.connection
            finally:
                self._end_transaction()

    def _end_transaction(self) -> None:
        """Give back the lock, also of a transaction whose beginning an interrupt fell into."""
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

    @contextmanager
    def _translating(self, deed: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as exc:
            remedy = _remedy(exc) or "Make room, or see whether another program holds it."
            raise StoreError(f"the log {self.path} cannot be {deed}: {exc}.", remedy) from exc


def is_of_database(error: StoreError) -> bool:
    """Whether SQLite itself refused: another program held the file, or the disk was full. It may go well later."""
    return isinstance(error.__cause__, sqlite3.Error)


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from another one of its name; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _prepare(connection: sqlite3.Connection, path: Path) -> str:
    connection.row_factory = sqlite3.Row
    connection.create_function("search_text", 2, search_text, deterministic=True)
    journal_mode = choose_journal(connection, path)
    connection.execute("PRAGMA synchronous = FULL")
    migrate(connection, path)
    return journal_mode


def choose_journal(connection: sqlite3.Connection, path: Path, mounts: Path = MOUNTS) -> str:
    """Ask for WAL, and take DELETE where it is known, answered or found out that WAL cannot work."""
    if not shares_memory(file_system(path, mounts)):
        return _ask_for_journal(connection, "DELETE")
    try:
        answer = _ask_for_journal(connection, "WAL")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as exc:
        if _is_busy(exc):
            raise
        return _ask_for_journal(connection, "DELETE")
    return answer if answer == "wal" else _ask_for_journal(connection, "DELETE")


def _ask_for_journal(connection: sqlite3.Connection, mode: str) -> str:
    """Change the journal; SQLite's own busy timeout does not hold for it, so the waiting is done here."""
    end = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            return str(connection.execute(f"PRAGMA journal_mode = {mode}").fetchone()[0]).lower()
        except sqlite3.OperationalError as exc:
            if not _is_busy(exc) or time.monotonic() >= end:
                raise
        time.sleep(0.01)


def _is_busy(exc: sqlite3.OperationalError) -> bool:
    return getattr(exc, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _remedy(exc: Exception) -> str:
    """What to do about a file that is damaged; empty where something else is wrong."""
    if getattr(exc, "sqlite_errorcode", 0) & 0xFF not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return ""
    return (
        "The file is damaged. Move it and its -wal and -shm away, and put a backup (%venice log backup) in its place, "
        "or go on with a new log; the pictures in objects/ are files of their own."
    )
