"""After a crash: what the runs of programs that ended are, and the pictures that had arrived.

A run that was never sent is cancelled. One that was sent is unknown and keeps its reservation, since it may have been
charged, unless its picture had arrived: before a picture's bytes get their name in the object store, the log notes
which run they belong to, so that the next start finds them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from venice_widgets.client.response import ImageResponse
from venice_widgets.media.format import identify
from venice_widgets.media.marks import marks

from . import processes
from .records import ImageRecord, RunOutcome, Status
from .rows import insert, json_text, outcome_row, public_headers, time
from .run_rows import complete_run

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from .database import Database
    from .object_store import ObjectStore

READ_TIMEOUT_SECONDS = 330.0
_GRACE_SECONDS = 60.0
PENDING_ELSEWHERE_SECONDS = 7200.0
"""How long another machine may take to send what it put on record: 1000 pictures at 20 a minute take 50 minutes.

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
    """Their pictures had arrived and were found."""

    def __bool__(self) -> bool:
        return bool(self.cancelled or self.unknown or self.completed)


def note_arrival(
    connection: sqlite3.Connection,
    run_id: str,
    position: int,
    sha256: str,
    status_code: int | None,
    headers: Mapping[str, str],
) -> None:
    """Note that the picture at a place of a run's answer is about to become an object."""
    row = {"run_id": run_id, "position": position, "sha256": sha256, "status_code": status_code}
    insert(connection, "arrivals", {**row, "headers": json_text(public_headers(headers))})


def recover(database: Database, objects: ObjectStore, read_timeout_seconds: float) -> Recovered:
    """Settle the runs of programs that ended; where there are none this only looks."""
    now = datetime.now(UTC)
    with database.reading() as connection:
        if not _abandoned(connection, now, read_timeout_seconds):
            return Recovered()
    ended: dict[Status, list[str]] = {}
    with database.transaction() as connection:
        for row in _abandoned(connection, now, read_timeout_seconds):
            status = _settle(connection, objects, row, now)
            ended.setdefault(status, []).append(row["run_id"])
    cancelled, unknown = ended.pop(Status.CANCELLED, []), ended.pop(Status.UNKNOWN, [])
    completed = [run_id for runs in ended.values() for run_id in runs]
    return Recovered(tuple(cancelled), tuple(unknown), tuple(completed))


def _abandoned(connection: sqlite3.Connection, now: datetime, read_timeout_seconds: float) -> list[sqlite3.Row]:
    fates: dict[str, processes.Fate] = {}
    found = []
    for row in connection.execute(f"{_UNDER_WAY} ORDER BY number"):
        process = row["process"]
        if process not in fates:
            fates[process] = processes.fate(process)
        if _is_over(row, fates[process], now, read_timeout_seconds):
            found.append(row)
    return found


def _is_over(row: sqlite3.Row, fate: processes.Fate, now: datetime, read_timeout_seconds: float) -> bool:
    if fate is not processes.Fate.CANNOT_TELL:
        return fate is processes.Fate.GONE
    if row["status"] == Status.PENDING:
        since, patience = row["created_at"], PENDING_ELSEWHERE_SECONDS
    else:
        since, patience = row["sent_at"], read_timeout_seconds + _GRACE_SECONDS
    moment = time(since) or now
    return now - moment > timedelta(seconds=patience)


def _settle(connection: sqlite3.Connection, objects: ObjectStore, row: sqlite3.Row, now: datetime) -> Status:
    outcome = _outcome(connection, objects, row, now)
    complete_run(connection, row["run_id"], outcome_row(outcome), outcome.images)
    return outcome.status


def _outcome(connection: sqlite3.Connection, objects: ObjectStore, row: sqlite3.Row, now: datetime) -> RunOutcome:
    if row["status"] == Status.PENDING:
        text = "The program ended before this was sent."
        return RunOutcome(status=Status.CANCELLED, finished_at=now, attempts=0, error=text)
    rows = connection.execute("SELECT * FROM arrivals WHERE run_id = ? ORDER BY position", (row["run_id"],))
    arrivals = [arrival for arrival in rows if objects.is_whole(arrival["sha256"])]
    found = (_readable(objects, arrival, row["seed"]) for arrival in arrivals)
    images = tuple(image for image in found if image is not None)
    if not images:
        text = "The program ended before an answer was on record. It may have been charged."
        return RunOutcome(status=Status.UNKNOWN, finished_at=now, error_class="PossiblyCharged", error=text)
    return _arrived_outcome(images, arrivals[0]["status_code"], json.loads(arrivals[0]["headers"]), now)


def _arrived_outcome(
    images: tuple[ImageRecord, ...], status_code: int | None, headers: Mapping[str, str], now: datetime
) -> RunOutcome:
    answer = ImageResponse(
        status_code=status_code or 0, headers={name.lower(): value for name, value in headers.items()}
    )
    return RunOutcome(
        status=Status.REFUSED if answer.violation else Status.SUCCEEDED,
        finished_at=now,
        error="The program ended before the rest of the answer was on record; its picture was found.",
        headers=headers,
        status_code=status_code,
        blurred=answer.blurred,
        violation=answer.violation,
        enhanced_prompt=answer.enhanced_prompt,
        balance_before_usd=answer.balance_before_usd,
        images=() if answer.violation else images,
    )


def _readable(objects: ObjectStore, arrival: sqlite3.Row, seed: int) -> ImageRecord | None:
    try:
        return _image(objects, arrival, seed)
    except Exception:  # noqa: BLE001  a stranger's bytes may do anything to what reads them, and the store must open
        return None


def _image(objects: ObjectStore, arrival: sqlite3.Row, seed: int) -> ImageRecord:
    """A picture by its own bytes; only the first of several variants has a known seed."""
    path = objects.path(arrival["sha256"])
    facts, found = identify(path), marks(path)
    return ImageRecord(
        sha256=arrival["sha256"],
        size_bytes=path.stat().st_size,
        mime=facts.mime,
        width=facts.width,
        height=facts.height,
        mode=facts.mode,
        seed=seed if arrival["position"] == 0 else None,
        signed=found.signed,
        exif=found.exif,
    )
