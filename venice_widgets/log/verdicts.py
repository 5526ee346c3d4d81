"""What the replays of runs came to, so that a model's repeatability can be read off by date."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .rows import insert, json_text, time, time_text

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRecord:
    """The verdict on one replay, as the log holds it."""

    run_id: str
    """The replay; its parent is the run that it repeated."""
    judged_at: datetime
    """When the two images were compared."""
    grade: str | None
    """How alike the images are; None where there were no two to compare."""
    circumstances: tuple[str, ...] = ()
    """What else is to be known: blurred, refused, another version of the service."""
    figures: Mapping[str, Any] = field(default_factory=dict)
    """What the grade rests on, and under ``reasons`` the circumstances in sentences."""

    @property
    def text(self) -> str:
        """``different · another model: B answered the replay, and A the original.``."""
        kinds = " · ".join(filter(None, (self.grade, *self.circumstances)))
        reasons = self.figures.get("reasons")
        said = " ".join(map(str, reasons)) if isinstance(reasons, list) else ""
        return ": ".join(filter(None, (kinds, said)))


def keep(connection: sqlite3.Connection, verdict: VerdictRecord) -> None:
    """Put a verdict on record; a later one on the same run takes its place."""
    row = {
        "run_id": verdict.run_id,
        "judged_at": time_text(verdict.judged_at),
        "grade": verdict.grade,
        "circumstances": json_text(list(verdict.circumstances)),
        "figures": json_text(verdict.figures),
    }
    insert(connection, "verdicts", row, word="INSERT OR REPLACE")


def of_run(connection: sqlite3.Connection, run_id: str) -> VerdictRecord | None:
    """The verdict on a replay, or None."""
    row = connection.execute("SELECT * FROM verdicts WHERE run_id = ?", (run_id,)).fetchone()
    return _verdict(row) if row else None


def of_model(connection: sqlite3.Connection, model: str) -> list[VerdictRecord]:
    """Every verdict on replays of a model, newest first."""
    rows = connection.execute(
        "SELECT verdicts.* FROM verdicts JOIN runs ON runs.run_id = verdicts.run_id "
        "WHERE runs.model = ? ORDER BY judged_at DESC",
        (model,),
    )
    return [_verdict(row) for row in rows]


def _verdict(row: sqlite3.Row) -> VerdictRecord:
    judged_at = time(row["judged_at"])
    assert judged_at is not None  # noqa: S101  a column that is never empty
    return VerdictRecord(
        run_id=row["run_id"],
        judged_at=judged_at,
        grade=row["grade"],
        circumstances=tuple(json.loads(row["circumstances"])),
        figures=json.loads(row["figures"]),
    )
