"""How an older store becomes a newer one: each step of `migrations` once, all in one transaction, after a backup."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from venice_widgets.errors import StoreError
from venice_widgets.files.platform import touch

from .migrations import MIGRATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BEFORE_FIRST = 4
"""The highest number of a schema that no released version wrote."""
VERSION = BEFORE_FIRST + len(MIGRATIONS)
"""The schema that this package reads and writes."""


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the store in `path` up to this version; one that holds anything is copied beside itself first.

    Raises:
        StoreError: a newer version of this package wrote it.
    """
    if version(connection) == VERSION:
        return
    refuse_newer(connection)
    if 0 < version(connection) <= BEFORE_FIRST:
        raise StoreError(
            f"the store {path.parent} was written by venice-widgets before its first version.",
            f"Move {path.name} away; the images in objects/ are files of their own. Nothing was changed.",
        )
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have done it while this one waited for the lock.
        present = version(connection)
        if BEFORE_FIRST < present < VERSION:
            back_up(path, path.with_name(f"{path.stem}.schema-{present}.{_now_text()}{path.suffix}"))
        for step in MIGRATIONS[max(present - BEFORE_FIRST, 0) :]:
            for statement in _statements(step):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def refuse_older(connection: sqlite3.Connection, path: Path) -> None:
    """Raise `StoreError` where the store would have to be upgraded, and is only looked at."""
    if version(connection) != VERSION:
        raise StoreError(
            f"the store {path.parent} was written by an older version of venice-widgets, and cannot be written here.",
            "Copy the folder to a place that can be written, and open it there.",
        )


def version(connection: sqlite3.Connection) -> int:
    """The schema's number; 0 for an empty file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def refuse_newer(connection: sqlite3.Connection) -> None:
    """Raise `StoreError` where a newer version of this package wrote, or has just upgraded, the store."""
    present = version(connection)
    if present > VERSION:
        raise StoreError(
            f"the store was written by a newer version of venice-widgets (schema {present}, here {VERSION}).",
            "Upgrade venice-widgets and restart the kernel. Nothing was changed, nothing was sent.",
        )


def back_up(path: Path, target: Path) -> None:
    """Copy a database that may be in use; what is half copied never has the target's name."""
    partial = target.with_name(target.name + ".partial")
    partial.unlink(missing_ok=True)
    try:
        touch(partial)
        with closing(sqlite3.connect(path, timeout=30)) as source, closing(sqlite3.connect(partial)) as copy:
            source.backup(copy)
            # One file that can be carried anywhere, without a -wal beside it.
            copy.execute("PRAGMA journal_mode = DELETE")
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _now_text() -> str:
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")


def _statements(script: str) -> Iterator[str]:
    """The statements of a script one by one: `executescript` would commit the transaction that they belong to."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
