"""The store's health: what is missing or changed, what belongs to no run, how large it is."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from venice_widgets.errors import StoreError
from venice_widgets.files.hashed import mentioned
from venice_widgets.files.presence import is_taken, is_there

from . import schema
from .budgets import spent
from .leftovers import IncomingFile, incoming_files
from .rows import contradictions, insert, record, text_sha256, time, time_text
from .run_rows import recount

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from .database import Database
    from .object_store import ObjectStore
    from .records import RunRecord


@dataclass(frozen=True, slots=True)
class Fault:
    """An object that is not as the log says."""

    sha256: str
    run_ids: tuple[str, ...]
    """The runs that gave it or sent it, at most nine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What re-hashing everything found."""

    objects: int
    """How many were read."""
    missing: tuple[Fault, ...]
    """On record and not there."""
    changed: tuple[Fault, ...]
    """Their bytes are not what they were."""
    changed_requests: tuple[str, ...]
    """Runs whose request does not have its hash any more, or whose seed, model or prompt is not that of its request."""
    changed_documents: tuple[str, ...]
    """Catalogue entries, environments and contexts that do not have their hash any more."""
    wrong_totals: tuple[str, ...]
    """Kept totals that are not the sum of their runs, as ``scope name``."""
    database: tuple[str, ...]
    """What SQLite's own check complains about."""

    @property
    def ok(self) -> bool:
        """Whether everything is as it was written."""
        return not any((
            self.missing, self.changed, self.changed_requests, self.changed_documents, self.wrong_totals, self.database
        ))  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large the store is."""

    runs: int
    database_bytes: int
    objects: int
    objects_bytes: int
    thumbnails_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What `%venice doctor` says about the store."""

    folder: Path
    schema_version: int
    sqlite_version: str
    journal_mode: str
    unknown: tuple[RunRecord, ...]
    """Runs that may have been charged and wait for ``%venice resolve``, newest first."""
    under_way: tuple[RunRecord, ...]
    """Runs that a living program, or one about which nothing is known, has pending or sent."""
    orphans: tuple[str, ...]
    """Objects that no run mentions. They may have been paid for: by a run whose record was lost."""
    incoming: tuple[IncomingFile, ...]
    """What is arriving now, or was left by a program that ended; each with its run, where its name says."""
    size: Size


def verify(database: Database, objects: ObjectStore) -> Verification:
    """Hash every object, request and document again. Reads everything; takes as long as the disk does."""
    present = set(objects.names())
    whole = {sha256 for sha256 in present if objects.is_whole(sha256)}
    return database.read(_verify, objects, present, whole)


def _verify(connection: sqlite3.Connection, objects: ObjectStore, present: set[str], whole: set[str]) -> Verification:
    sent = _sent_along(connection)
    expected = (_received(connection) | sent.keys()) - _deleted(connection)
    # Hashing takes its time: images come and are forgotten meanwhile.
    there = {sha256 for sha256 in (expected | present) - whole if objects.has(sha256)}
    return Verification(
        objects=len(present),
        missing=tuple(_fault(connection, sha256, sent) for sha256 in sorted(expected - whole - there)),
        changed=tuple(_fault(connection, sha256, sent) for sha256 in sorted(present & there)),
        changed_requests=tuple(_changed_requests(connection)),
        changed_documents=tuple(_changed_documents(connection)),
        wrong_totals=tuple(f"{scope} {name}".strip() for scope, name in recount(connection)),
        database=tuple(row[0] for row in connection.execute("PRAGMA quick_check") if row[0] != "ok"),
    )


def orphans(database: Database, objects: ObjectStore) -> tuple[str, ...]:
    """The objects that no run gave, sent or is about to be completed with."""
    # Objects first: one that arrives meanwhile is on record by the time the log is asked.
    present = set(objects.names())
    return tuple(sorted(present - database.read(_known)))


def _known(connection: sqlite3.Connection) -> set[str]:
    """The hashes of what any run gave, sent, or is about to be completed with."""
    arriving = {row[0] for row in connection.execute("SELECT sha256 FROM arrivals WHERE sha256 IS NOT NULL")}
    return _received(connection) | _sent_along(connection).keys() | arriving


def health(database: Database, objects: ObjectStore, size: Size) -> Health:
    """The facts for `%venice doctor`."""
    unknown = database.read(_records, "status = 'unknown' AND charged_micro_usd IS NULL")
    under_way = database.read(_records, "status IN ('pending', 'sent')")
    return Health(
        folder=database.path.parent,
        schema_version=schema.VERSION,
        sqlite_version=sqlite3.sqlite_version,
        journal_mode=database.journal_mode,
        unknown=unknown,
        under_way=under_way,
        orphans=orphans(database, objects),
        incoming=tuple(incoming_files(objects)),
        size=size,
    )


def size(database: Database, objects: ObjectStore, thumbnails: Path) -> Size:
    """How many runs and bytes there are; looks at every file's size."""
    runs = database.read(spent, "project", "").runs
    sizes = list(_sizes(objects.folder))
    names = (database.path, *(database.path.with_name(database.path.name + end) for end in ("-wal", "-shm")))
    return Size(
        runs=runs,
        database_bytes=sum(path.stat().st_size for path in names if is_there(path)),
        objects=len(sizes),
        objects_bytes=sum(sizes),
        thumbnails_bytes=sum(_sizes(thumbnails)),
    )


def backup(database: Database, path: Path) -> None:
    """Copy the database to a new file, while it is in use.

    Raises:
        StoreError: the file exists already, or cannot be written.
    """
    try:
        if is_taken(path):
            raise StoreError(f"{path} exists already.", "Name a new file: a backup overwrites nothing.")
        schema.back_up(database.path, path)
    except (OSError, ValueError, sqlite3.Error) as exc:
        raise StoreError(f"{path} cannot be written: {exc}.", "Make room, or name another place.") from exc


def note_deletion(connection: sqlite3.Connection, sha256: str, pixels_sha256: str | None = None) -> None:
    """Put on record that an image's bytes are deleted on purpose, and what its pixels were."""
    row = {"sha256": sha256, "deleted_at": time_text(datetime.now(UTC))}
    insert(connection, "deletions", row, word="INSERT OR IGNORE")
    connection.execute(
        "UPDATE images SET pixels_sha256 = coalesce(?, pixels_sha256) WHERE sha256 = ?", (pixels_sha256, sha256)
    )


def deleted_at(connection: sqlite3.Connection, sha256: str) -> datetime | None:
    """When an image's bytes were deleted on purpose."""
    row = connection.execute("SELECT deleted_at FROM deletions WHERE sha256 = ?", (sha256,)).fetchone()
    return time(row["deleted_at"]) if row else None


def _received(connection: sqlite3.Connection) -> set[str]:
    """Everything that runs were answered: images, and bodies that hold none."""
    return {row[0] for row in connection.execute("SELECT sha256 FROM images UNION SELECT sha256 FROM bodies")}


def senders(connection: sqlite3.Connection, hashes: Collection[str]) -> list[str]:
    """The runs whose requests sent one of these images along as a reference, in the order of their ids."""
    found = _sent_along(connection)
    return sorted({run_id for sha256 in hashes for run_id in found.get(sha256, ())})


def _sent_along(connection: sqlite3.Connection) -> dict[str, list[str]]:
    """The reference images of all requests, with the runs that sent them."""
    found: dict[str, list[str]] = {}
    for row in connection.execute("SELECT run_id, request FROM runs WHERE request LIKE '%sha256:%'"):
        for sha256 in mentioned(row["request"]):
            found.setdefault(sha256, []).append(row["run_id"])
    return found


def _deleted(connection: sqlite3.Connection) -> set[str]:
    return {row[0] for row in connection.execute("SELECT sha256 FROM deletions")}


def _fault(connection: sqlite3.Connection, sha256: str, sent: Mapping[str, list[str]]) -> Fault:
    rows = connection.execute(
        "SELECT run_id FROM images WHERE sha256 = :name UNION SELECT run_id FROM bodies WHERE sha256 = :name LIMIT 9",
        {"name": sha256},
    )
    return Fault(sha256, tuple([*(row[0] for row in rows), *sent.get(sha256, ())][:9]))


def _changed_requests(connection: sqlite3.Connection) -> Iterator[str]:
    for row in connection.execute("SELECT run_id, request, request_hash, model, prompt, seed FROM runs"):
        if row["request_hash"] != f"sha256:{text_sha256(row['request'])}" or contradictions(row["request"], row):
            yield row["run_id"]


def _changed_documents(connection: sqlite3.Connection) -> Iterator[str]:
    for row in connection.execute("SELECT sha256, text FROM documents"):
        if row["sha256"] != text_sha256(row["text"]):
            yield row["sha256"]


def _records(connection: sqlite3.Connection, condition: str) -> tuple[RunRecord, ...]:
    rows = connection.execute(
        f"SELECT * FROM runs WHERE {condition} AND status <> 'succeeded' ORDER BY number DESC"  # noqa: S608  ours
    )
    return tuple(record(connection, row) for row in rows.fetchall())


def _sizes(folder: Path) -> Iterator[int]:
    for place, _, names in os.walk(folder):
        for name in names:
            # A file that is being written may be gone by now.
            with suppress(FileNotFoundError):
                yield (Path(place) / name).stat().st_size
