"""After a crash: what the runs of programs that ended are, and the images that had arrived.

A run that was never sent is cancelled. One that was sent is unknown and keeps its reservation, since it may have been
charged, unless its image had arrived (see `leftovers`). A file in ``incoming`` of a run that has ended is stored with
it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import time as clock
from typing import TYPE_CHECKING, Any

from venice_widgets.client.response import ImageResponse

from . import processes
from .leftovers import WHOLE_BODY, Found, IncomingFile, find, incoming_files
from .records import RunOutcome, Status
from .rows import insert, json_text, outcome_row, public_headers, time
from .run_rows import add_bodies, complete_run

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from .database import Database
    from .object_store import ObjectStore

__all__ = ["READ_TIMEOUT_SECONDS", "WHOLE_BODY", "Recovered", "note_arrival", "recover"]

READ_TIMEOUT_SECONDS = 330.0
_GRACE_SECONDS = 60.0
PENDING_ELSEWHERE_SECONDS = 7200.0
"""How long another machine may take to send what it put on record: 1000 images at 20 a minute take 50 minutes.

If it was only slower, its attempt to send is refused then, and nothing is lost."""

_UNDER_WAY = "SELECT * FROM runs WHERE status IN ('pending', 'sent') AND status <> 'succeeded'"


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was found to be over, by run id in the order of their times."""

    cancelled: tuple[str, ...] = ()
    """Never sent; their money is free again."""
    unknown: tuple[str, ...] = ()
    """Sent; they may have been charged, and their money stays reserved."""
    completed: tuple[str, ...] = ()
    """Their images had arrived and were found."""

    def __bool__(self) -> bool:
        return bool(self.cancelled or self.unknown or self.completed)


def note_arrival(
    connection: sqlite3.Connection,
    run_id: str,
    position: int,
    sha256: str | None,
    status_code: int | None,
    headers: Mapping[str, str],
) -> None:
    """Note that the image at a place of a run's response is about to become an object, or that its body comes."""
    row: dict[str, Any] = {"run_id": run_id, "position": position, "sha256": sha256, "status_code": status_code}
    known = connection.execute(
        "SELECT status_code, headers FROM arrivals WHERE run_id = ? AND position = ?", (run_id, position)
    ).fetchone()
    row["headers"] = json_text(public_headers(headers))
    if known is not None and not headers:
        row |= dict(known)
    insert(connection, "arrivals", row, word="INSERT OR REPLACE")


def recover(database: Database, objects: ObjectStore, read_timeout_seconds: float) -> Recovered:
    """Settle the runs of programs that ended; where there are none this only looks."""
    now = datetime.now(UTC)
    files = incoming_files(objects)
    if not database.read(_left_of_ended_runs, files) and not database.read(_abandoned, now, read_timeout_seconds):
        return Recovered()
    ended = database.write(_settle_all, objects, files, now, read_timeout_seconds)
    cancelled, unknown = ended.pop(Status.CANCELLED, []), ended.pop(Status.UNKNOWN, [])
    completed = [run_id for runs in ended.values() for run_id in runs]
    return Recovered(tuple(cancelled), tuple(unknown), tuple(completed))


def _settle_all(
    connection: sqlite3.Connection,
    objects: ObjectStore,
    files: Sequence[IncomingFile],
    now: datetime,
    read_timeout_seconds: float,
) -> dict[Status, list[str]]:
    ended: dict[Status, list[str]] = {}
    for row in _abandoned(connection, now, read_timeout_seconds):
        status = _settle(connection, objects, row, files, now)
        ended.setdefault(status, []).append(row["run_id"])
    for row in _left_of_ended_runs(connection, files):
        if _add_late(connection, objects, row, files, now):
            ended.setdefault(Status.SUCCEEDED, []).append(row["run_id"])
    return ended


def _left_of_ended_runs(connection: sqlite3.Connection, files: Sequence[IncomingFile]) -> list[sqlite3.Row]:
    """The runs that have ended and yet have files in ``incoming``, which no program writes any more."""
    old = {file.run_id for file in files if file.run_id and _is_old(file.path)}
    rows = (connection.execute("SELECT * FROM runs WHERE run_id = ?", (run_id,)).fetchone() for run_id in sorted(old))
    return [row for row in rows if row is not None and row["status"] not in (Status.PENDING, Status.SENT)]


def _is_old(path: Path) -> bool:
    try:
        return clock() - path.stat().st_mtime > _GRACE_SECONDS
    except OSError:
        return False


def _add_late(
    connection: sqlite3.Connection,
    objects: ObjectStore,
    row: sqlite3.Row,
    files: Sequence[IncomingFile],
    now: datetime,
) -> bool:
    """Store what is left of an ended run's response with it; whether that completes a run that was given up."""
    found = find(connection, objects, row, files)
    if found.images and row["status"] == Status.UNKNOWN:
        outcome = _arrived_outcome(found, now)
        complete_run(connection, row["run_id"], outcome_row(outcome), outcome.images, outcome.bodies)
        return True
    add_bodies(connection, row["run_id"], found.bodies)
    return False


def _abandoned(connection: sqlite3.Connection, now: datetime, read_timeout_seconds: float) -> list[sqlite3.Row]:
    states: dict[str, processes.ProcessState] = {}
    found = []
    for row in connection.execute(f"{_UNDER_WAY} ORDER BY number"):
        process = row["process"]
        if process not in states:
            states[process] = processes.process_state(process)
        if _is_over(row, states[process], now, read_timeout_seconds):
            found.append(row)
    return found


def _is_over(row: sqlite3.Row, state: processes.ProcessState, now: datetime, read_timeout_seconds: float) -> bool:
    if state is not processes.ProcessState.CANNOT_TELL:
        return state is processes.ProcessState.GONE
    if row["status"] == Status.PENDING:
        since, patience = row["created_at"], PENDING_ELSEWHERE_SECONDS
    else:
        since, patience = row["sent_at"], read_timeout_seconds + _GRACE_SECONDS
    moment = time(since) or now
    return (now - moment).total_seconds() > patience  # which may be any number of seconds


def _settle(
    connection: sqlite3.Connection,
    objects: ObjectStore,
    row: sqlite3.Row,
    files: Sequence[IncomingFile],
    now: datetime,
) -> Status:
    outcome = _outcome(connection, objects, row, files, now)
    complete_run(connection, row["run_id"], outcome_row(outcome), outcome.images, outcome.bodies)
    return outcome.status


def _outcome(
    connection: sqlite3.Connection,
    objects: ObjectStore,
    row: sqlite3.Row,
    files: Sequence[IncomingFile],
    now: datetime,
) -> RunOutcome:
    if row["status"] == Status.PENDING:
        text = "The program ended before this was sent."
        return RunOutcome(status=Status.CANCELLED, finished_at=now, attempts=0, error=text)
    found = find(connection, objects, row, files)
    if found.images:
        return _arrived_outcome(found, now)
    text = "The program ended before a response was on record. It may have been charged."
    if found.bodies:
        text = "The program ended before this was on record. What arrived is stored with the run, and is not an image "
        text += "that can be read. It may have been charged."
    return RunOutcome(
        status=Status.UNKNOWN,
        finished_at=now,
        error_class="PossiblyCharged",
        error=text,
        headers=found.headers,
        status_code=found.status_code,
        bodies=tuple(found.bodies),
    )


def _arrived_outcome(found: Found, now: datetime) -> RunOutcome:
    headers = {name.lower(): value for name, value in found.headers.items()}
    response = ImageResponse(status_code=found.status_code or 0, headers=headers)
    outcome = RunOutcome(
        status=Status.REFUSED if response.violation else Status.SUCCEEDED,
        finished_at=now,
        error="The program ended before the rest of the response was on record; its image was found.",
        images=() if response.violation else tuple(found.images[place] for place in sorted(found.images)),
        bodies=tuple(found.bodies),
    )
    return replace(outcome.answered(response), headers=found.headers, status_code=found.status_code)
