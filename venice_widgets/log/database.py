"""The SQLite file: how it is opened, how it is written and read, and how foreign errors become ours.

Every change is one ``BEGIN IMMEDIATE`` transaction: a deferred one that reads and then writes loses most of its
writes when several processes share the store, whatever the busy timeout. The journal is WAL, or DELETE where WAL
cannot work (network file systems, SQLite documentation, "Write-Ahead Logging"). Everything is done by one thread that
no interrupt reaches (see `sql_thread`).
"""

from __future__ import annotations

import sqlite3
import time
from functools import partial
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar
from urllib.parse import quote

from venice_widgets.errors import InvalidRequest, StoreError
from venice_widgets.files.platform import MOUNTS, can_write, file_system, shares_memory, touch
from venice_widgets.files.presence import is_there

from .fulltext import search_text
from .schema import migrate, refuse_newer, refuse_older
from .sql_thread import SqlThread, release_cursors

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

BUSY_TIMEOUT_SECONDS = 30.0
"""How long is waited for another program that holds the file."""
_SLICE_SECONDS = 0.2
"""How long SQLite itself waits: after that it is looked whether anybody still wants the result."""


class Database:
    """One file, shared by the threads of this process and by other processes."""

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self.path = path
        self.read_only = read_only
        """Whether it lies where this process cannot write: it can be looked at."""
        self.journal_mode = ""
        """``wal``, or ``delete`` where WAL cannot work."""
        self.busy_timeout_seconds = BUSY_TIMEOUT_SECONDS
        self._identity: tuple[int, int] | None = None
        self._thread = SqlThread(partial(_connect, path, read_only=read_only))

    @classmethod
    def open(cls, path: Path) -> Database:
        """Open the file, making it where there is none, and bring its tables up to date.

        Raises:
            StoreError: it cannot be opened or written, or a newer version of this package wrote it.
        """
        read_only = is_there(path) and not (can_write(path) and can_write(path.parent))
        database = cls(path, read_only=read_only)
        try:
            database.journal_mode = database._patiently(_journal_mode)
        except (OSError, sqlite3.Error) as exc:
            remedy = _remedy(exc) or "Fix it, or set VENICE_STORE to a folder that can be written."
            if read_only:
                remedy = "Copy the folder to a place that can be written, and open it there."
            raise StoreError(
                f"the store {path.parent} cannot be opened: {exc}.", f"{remedy} Nothing was sent."
            ) from exc
        database._identity = _identity(path)
        return database

    def close(self) -> None:
        """Close the file, once what was asked before is done."""
        self._thread.close()

    @property
    def is_lost(self) -> bool:
        """Whether the file is not in its place any more: SQLite goes on writing to a file that cannot be found."""
        return _identity(self.path) != self._identity

    def refuse_lost(self) -> None:
        """Raise `StoreError` where the file is not in its place any more."""
        if self.is_lost:
            raise StoreError(
                f"the store {self.path.parent} was moved, deleted or replaced since it was opened.",
                "Put it back, or restart the kernel, which opens what is there then. Nothing was sent.",
            )

    def write(
        self,
        change: Callable[Concatenate[sqlite3.Connection, Arguments], Result],
        *args: Arguments.args,
        **named: Arguments.kwargs,
    ) -> Result:
        """One change, all or nothing, on the disk when this returns.

        Args:
            change: a function of the connection; what it returns is returned.
            args: passed on to it.
            named: passed on to it.

        Raises:
            StoreError: it could not be written; or a newer version of this package has upgraded the store.
        """
        return self._run(lambda connection: change(connection, *args, **named), durable=True)

    def write_soon(
        self,
        change: Callable[Concatenate[sqlite3.Connection, Arguments], Result],
        *args: Arguments.args,
        **named: Arguments.kwargs,
    ) -> Result:
        """As `write`, for what may be lost with the machine's power, though never with the process.

        Under WAL it costs no flush.
        """
        return self._run(lambda connection: change(connection, *args, **named), durable=False)

    def read(
        self,
        ask: Callable[Concatenate[sqlite3.Connection, Arguments], Result],
        *args: Arguments.args,
        **named: Arguments.kwargs,
    ) -> Result:
        """What a function finds in one state of the log; it returns rows, never a cursor.

        Raises:
            StoreError: it cannot be read.
        """

        def question(connection: sqlite3.Connection) -> Result:
            return ask(connection, *args, **named)

        try:
            return self._patiently(partial(_in_transaction, "BEGIN", "ROLLBACK", question))
        except sqlite3.Error as exc:
            raise self._error(exc, "read") from exc
        except (UnicodeEncodeError, OverflowError) as exc:
            raise _no_such_value(exc) from exc

    def _run(self, change: Callable[[sqlite3.Connection], Result], *, durable: bool) -> Result:
        if self.read_only:
            raise StoreError(
                f"the store {self.path.parent} is read-only: its folder cannot be written.",
                "Set VENICE_STORE to a folder that can be written. Nothing was sent, nothing was changed.",
            )
        try:
            return self._patiently(partial(_change, change, durable=durable))
        except sqlite3.Error as exc:
            raise self._error(exc, "written") from exc
        except (UnicodeEncodeError, OverflowError) as exc:
            raise _no_such_value(exc) from exc

    def _patiently(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Try again what another program kept from being done, as long as somebody waits, and not for ever."""

        def trying(connection: sqlite3.Connection, is_abandoned: Callable[[], bool]) -> Result:
            end = time.monotonic() + self.busy_timeout_seconds
            while True:
                try:
                    return work(connection)
                except sqlite3.OperationalError as exc:
                    if not is_busy(exc) or is_abandoned() or time.monotonic() >= end:
                        raise
                time.sleep(0.005)

        return self._thread.run(trying)

    def _error(self, exc: sqlite3.Error, action: str) -> StoreError:
        if is_busy(exc):
            return StoreError(
                f"the log {self.path} is locked by another program and cannot be {action} now (database is locked).",
                "Wait for the other program or end it, then try again. Nothing was changed.",
            )
        remedy = _remedy(exc) or "Make room, or see whether its folder can be written."
        return StoreError(f"the log {self.path} cannot be {action}: {exc}.", f"{remedy} Nothing was changed.")


def _no_such_value(exc: UnicodeEncodeError | OverflowError) -> InvalidRequest:
    """Half a character, or a number beyond 64 bits, which SQLite cannot hold."""
    return InvalidRequest(f"the log cannot hold such a value: {exc}.", "Nothing was changed.")


def _change(change: Callable[[sqlite3.Connection], Result], connection: sqlite3.Connection, *, durable: bool) -> Result:
    if durable:
        return _in_transaction("BEGIN IMMEDIATE", "COMMIT", partial(_if_not_newer, change), connection)
    connection.execute("PRAGMA synchronous = NORMAL")
    try:
        return _in_transaction("BEGIN IMMEDIATE", "COMMIT", partial(_if_not_newer, change), connection)
    finally:
        connection.execute("PRAGMA synchronous = FULL")


def _if_not_newer(change: Callable[[sqlite3.Connection], Result], connection: sqlite3.Connection) -> Result:
    refuse_newer(connection)
    return change(connection)


def _in_transaction(
    begin: str, end: str, work: Callable[[sqlite3.Connection], Result], connection: sqlite3.Connection
) -> Result:
    """Do some work between two statements; however it ends, no transaction and no cursor stays open."""
    try:
        connection.execute(begin)
        result = work(connection)
        connection.execute(end)
    except BaseException as exc:
        release_cursors(exc)
        raise
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    return result


def is_of_database(error: StoreError) -> bool:
    """Whether SQLite itself refused: another program held the file, or the disk was full. It may go well later."""
    return isinstance(error.__cause__, sqlite3.Error)


def is_busy(exc: BaseException | None) -> bool:
    """Whether another program holds the file."""
    return getattr(exc, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _identity(path: Path) -> tuple[int, int] | None:
    """What identifies a file, whatever its name; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """Open the file; where other programs open it too, wait for them: SQLite does not for a change of journal."""
    end = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            return _connected(path, read_only=read_only)
        except sqlite3.OperationalError as exc:
            if not is_busy(exc) or time.monotonic() >= end:
                raise
        time.sleep(0.01)


def _connected(path: Path, *, read_only: bool) -> sqlite3.Connection:
    if not read_only:
        # SQLite gives its -wal and -shm the rights of the file, so the file is made here.
        touch(path)
    connection = sqlite3.connect(
        _uri(path) if read_only else path, timeout=_SLICE_SECONDS, isolation_level=None, uri=read_only
    )
    try:
        _prepare(connection, path, read_only=read_only)
    except BaseException:
        connection.close()
        raise
    return connection


def _uri(path: Path) -> str:
    """To be looked at only; where no other file belongs to it, without any lock, as on a DVD."""
    wal = path.with_name(path.name + "-wal")
    alone = not is_there(wal) or not wal.stat().st_size
    return f"file:{quote(str(path.absolute()))}?mode=ro{'&immutable=1' if alone else ''}"


def _prepare(connection: sqlite3.Connection, path: Path, *, read_only: bool) -> None:
    connection.row_factory = sqlite3.Row
    connection.create_function("search_text", 2, search_text, deterministic=True)
    if read_only:
        refuse_newer(connection)
        refuse_older(connection, path)
        return
    choose_journal(connection, path)
    connection.execute("PRAGMA synchronous = FULL")
    migrate(connection, path)


def _journal_mode(connection: sqlite3.Connection) -> str:
    return str(connection.execute("PRAGMA journal_mode").fetchone()[0]).lower()


def choose_journal(connection: sqlite3.Connection, path: Path, mounts: Path = MOUNTS) -> str:
    """Ask for WAL, and take DELETE where it is known, answered or found out that WAL cannot work."""
    if not shares_memory(file_system(path, mounts)):
        return _ask_for_journal(connection, "DELETE")
    try:
        answer = _ask_for_journal(connection, "WAL")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as exc:
        if is_busy(exc):
            raise
        return _ask_for_journal(connection, "DELETE")
    return answer if answer == "wal" else _ask_for_journal(connection, "DELETE")


def _ask_for_journal(connection: sqlite3.Connection, mode: str) -> str:
    return str(connection.execute(f"PRAGMA journal_mode = {mode}").fetchone()[0]).lower()


def _remedy(exc: Exception) -> str:
    """What to do about a file that is damaged; empty where something else is wrong."""
    if getattr(exc, "sqlite_errorcode", 0) & 0xFF not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return ""
    return (
        "The file is damaged. Move it and its -wal and -shm away, and put a backup (%venice log backup) in its place, "
        "or go on with a new log; the images in objects/ are files of their own."
    )
