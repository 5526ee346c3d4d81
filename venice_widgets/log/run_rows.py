"""How a run enters the log and how it changes, with everything that is derived from it: totals and prompt index.

A run's number carries its time: milliseconds since 1970, shifted by 20 bits, and a place within the millisecond. So
"newest first", "since" and "until" are ranges of one number, in the runs and in the index of prompts alike, and an
old run that is imported today is in its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from venice_widgets.errors import StoreError

from .records import RUN_ENDING, Status
from .rows import body_row, draft_row, image_row, insert, keep_document, storable

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from .records import BodyRecord, ImageRecord, RunDraft

_PLACES_BITS = 20
_LARGEST_NUMBER = 2**63 - 1
_AMOUNTS = ("estimated", "charged", "reserved", "unknown", "margin", "unpriced")
_COUNT = """
INSERT INTO totals (scope, name, runs, {names})
SELECT scope, name, {sign} 1, {values}
FROM contributions WHERE number = ?
ON CONFLICT (scope, name) DO UPDATE SET runs = runs + excluded.runs, {sums}
"""
_SUMS = ", ".join(f"{name} = {name} + excluded.{name}" for name in _AMOUNTS)
_ADD, _SUBTRACT = (
    _COUNT.format(
        sign=sign, names=", ".join(_AMOUNTS), values=", ".join(f"{sign} {name}" for name in _AMOUNTS), sums=_SUMS
    )
    for sign in "+-"
)
_RECOUNT = (
    f"SELECT scope, name, count(*), {', '.join(f'sum({name})' for name in _AMOUNTS)} "  # noqa: S608  ours
    "FROM contributions GROUP BY scope, name"
)
_INDEX = (
    "INSERT INTO prompts (rowid, text) SELECT number, search_text(prompt, enhanced_prompt) FROM runs WHERE number = ?"
)
_UNINDEX = (
    "INSERT INTO prompts (prompts, rowid, text) "
    "SELECT 'delete', number, search_text(prompt, enhanced_prompt) FROM runs WHERE number = ?"
)


def first_number(moment: datetime) -> int:
    """The least number that a run of this moment can have; a time that SQLite cannot count is limited."""
    return min(max(int(moment.timestamp() * 1000), 0) << _PLACES_BITS, _LARGEST_NUMBER)


def add_runs(connection: sqlite3.Connection, drafts: Sequence[RunDraft], *, made_here: bool = True) -> None:
    """Put runs on record as pending.

    Args:
        connection: in a transaction.
        drafts: the runs.
        made_here: False for runs of another store, which never become the ``last`` one.
    """
    kept: dict[int, str] = {}
    for draft in drafts:
        documents = {}
        for name in ("catalogue_entry", "environment", "context"):
            document = getattr(draft, name)
            # The runs of one generation share their documents: writing them out once is most of the work.
            if id(document) not in kept:
                kept[id(document)] = keep_document(connection, document)
            documents[name] = kept[id(document)]
        number = _next_number(connection, draft.created_at)
        arrival = _next_arrival(connection) if made_here else None
        insert(connection, "runs", {"number": number, "arrival": arrival, **draft_row(draft), **documents})
        connection.execute(_ADD, (number,))
        connection.execute(_INDEX, (number,))


def change_run(connection: sqlite3.Connection, run_id: str, changes: Mapping[str, Any], *allowed: Status) -> None:
    """Change a run that is in one of the `allowed` states.

    Raises:
        StoreError: it is not, or there is no such run.
    """
    row = connection.execute("SELECT number, status FROM runs WHERE run_id = ?", (run_id,)).fetchone()
    if row is None or row["status"] not in allowed:
        present = f"{row['status']}, not {' or '.join(allowed)}" if row else "not in the log"
        raise StoreError(f"run {run_id[-RUN_ENDING:]} is {present}.", "%venice show shows its state.")
    number = row["number"]
    columns = ", ".join(f"{name} = ?" for name in changes)
    indexed = any(changes.get(name) for name in ("prompt", "enhanced_prompt"))
    connection.execute(_SUBTRACT, (number,))
    if indexed:
        connection.execute(_UNINDEX, (number,))
    values = map(storable, changes.values())
    connection.execute(f"UPDATE runs SET {columns} WHERE number = ?", (*values, number))  # noqa: S608  ours
    connection.execute(_ADD, (number,))
    if indexed:
        connection.execute(_INDEX, (number,))


def complete_run(
    connection: sqlite3.Connection,
    run_id: str,
    changes: Mapping[str, Any],
    images: Sequence[ImageRecord],
    bodies: Sequence[BodyRecord] = (),
) -> None:
    """Say how a run ended, with what arrived.

    A late response still completes a run that was given up, also one that the user has settled by hand: what was
    thought of it then gives way to what is known.
    """
    row = connection.execute("SELECT status, charge_source FROM runs WHERE run_id = ?", (run_id,)).fetchone()
    by_hand = row is not None and row["charge_source"] == BY_HAND
    answered = changes["status"] in (Status.SUCCEEDED, Status.REFUSED)
    forget = {"charged_micro_usd": None, "charge_source": None} if by_hand and answered else {}
    settled = (Status(row["status"]),) if by_hand else ()
    change_run(connection, run_id, {**changes, **forget}, Status.PENDING, Status.SENT, Status.UNKNOWN, *settled)
    connection.execute("DELETE FROM arrivals WHERE run_id = ?", (run_id,))
    for position, image in enumerate(images):
        insert(connection, "images", {"run_id": run_id, "position": position, **image_row(image)})
        connection.execute("DELETE FROM deletions WHERE sha256 = ?", (image.sha256,))
    add_bodies(connection, run_id, bodies)


def add_bodies(connection: sqlite3.Connection, run_id: str, bodies: Sequence[BodyRecord]) -> None:
    """Put bytes on record as what a run was answered; the same bytes twice are one."""
    for body in bodies:
        known = "SELECT 1 FROM bodies WHERE run_id = ? AND sha256 = ?"
        if connection.execute(known, (run_id, body.sha256)).fetchone() is None:
            (position,) = connection.execute("SELECT count(*) FROM bodies WHERE run_id = ?", (run_id,)).fetchone()
            insert(connection, "bodies", {"run_id": run_id, "position": position, **body_row(body)})


BY_HAND = "by hand"
"""The source of a charge that the user stated."""


def recount(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """The scopes and names whose stored totals differ from the sum over all runs; for checking, it reads everything."""
    kept = {tuple(row) for row in connection.execute("SELECT * FROM totals WHERE runs <> 0")}
    counted = {tuple(row) for row in connection.execute(_RECOUNT)}
    return sorted({(scope, name) for scope, name, *_ in kept ^ counted})


def _next_number(connection: sqlite3.Connection, moment: datetime) -> int:
    first = first_number(moment)
    row = connection.execute("SELECT max(number) FROM runs WHERE number < ?", (first + (1 << _PLACES_BITS),)).fetchone()
    return max(first, (row[0] or 0) + 1)


def _next_arrival(connection: sqlite3.Connection) -> int:
    """Counts what came in, whatever the clock says: "last" is meant by it."""
    newest = "SELECT arrival FROM runs WHERE arrival IS NOT NULL ORDER BY arrival DESC LIMIT 1"
    row = connection.execute(newest).fetchone()
    return int(row[0]) + 1 if row else 1
