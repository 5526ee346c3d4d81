"""Whole runs in and out: for exports, and for what another store exported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from venice_widgets.errors import InvalidRequest

from .maintenance import note_deletion
from .records import RUN_ENDING
from .rows import micro_usd, outcome_row, time_text
from .run_rows import add_runs, change_run, complete_run
from .verdicts import keep

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from .records import RunRecord
    from .verdicts import VerdictRecord


def add_or_complete(connection: sqlite3.Connection, run: RunRecord) -> None:
    """Put a run on record that another store holds, or complete it where it is on record here already."""
    assert run.outcome is not None  # noqa: S101  the caller completed it
    known = connection.execute("SELECT 1 FROM runs WHERE run_id = ?", (run.run_id,)).fetchone()
    if known is None:
        add_whole(connection, run, None, ())
    else:
        complete_run(connection, run.run_id, outcome_row(run.outcome), run.outcome.images, run.outcome.bodies)


def add_whole(
    connection: sqlite3.Connection, run: RunRecord, verdict: VerdictRecord | None, deleted: Iterable[str]
) -> None:
    """Put a run that ended elsewhere on record, unchanged.

    Raises:
        InvalidRequest: it has not ended.
    """
    if run.outcome is None:
        raise InvalidRequest(f"run {run.run_id[-RUN_ENDING:]} has not ended.", "Export it when it has.")
    add_runs(connection, [run.draft], made_here=False)
    complete_run(connection, run.run_id, outcome_row(run.outcome), run.outcome.images, run.outcome.bodies)
    changes = {
        "sent_at": time_text(run.sent_at),
        "charged_micro_usd": micro_usd(run.charged_usd),
        "charge_source": run.charge_source,
        "charge_currency": run.charge_currency,
    }
    change_run(connection, run.run_id, changes, run.status)
    if verdict is not None:
        keep(connection, verdict)
    for sha256 in deleted:
        note_deletion(connection, sha256)
