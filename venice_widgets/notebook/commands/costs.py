"""``%venice log --cost``: what was spent, in all and by day, model and notebook."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

from venice_widgets.display import Bundle, Cell, join, line, table
from venice_widgets.money import usd_text
from venice_widgets.notebook.line_parser import usage_error

from .record_text import counted
from .times import zone_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from venice_widgets.log import Cost, Spent
    from venice_widgets.session import Session

_BY: Mapping[str, Literal["day", "model", "notebook"]] = {"day": "day", "model": "model", "notebook": "notebook"}
_AMOUNTS = {
    "estimated": "estimated_usd", "perhaps more": "margin_usd", "charged": "charged_usd",
    "perhaps charged": "unknown_usd", "reserved": "reserved_usd",
}  # fmt: skip
_MEANINGS = {
    "estimated": "Estimated: by the catalogue; what was charged is not known.",
    "perhaps more": "Perhaps more: what it may have cost beyond the estimate.",
    "perhaps charged": "Perhaps charged: %venice resolve settles it.",
    "reserved": "Reserved: not sent yet, or in flight.",
}


def costs(session: Session, by: str) -> Bundle:
    """The total, and a table by day, model or notebook; ``all`` for the three of them.

    Raises:
        UsageError: by something else.
    """
    if by not in (*_BY, "all"):
        raise usage_error(f"%venice log --cost {by}: it is by {' or '.join(_BY)}.")
    found = {kind: session.log.costs(_BY[kind]) for kind in _BY if by in (kind, "all")}
    every = [cost.spent for kind in found.values() for cost in kind]
    columns = [name for name, field in _AMOUNTS.items() if any(getattr(spent, field) for spent in every)]
    simulated = " (simulated)" if session.settings.demo else ""
    tables = [_table(kind, rows, columns, f"Cost by {kind}{simulated}") for kind, rows in found.items() if rows]
    meanings = [_MEANINGS[name] for name in columns if name in _MEANINGS]
    return join(line(_total_text(session)), *tables, *([line(" ".join(meanings))] if meanings else []))


def _total_text(session: Session) -> str:
    """``In all $1.47 for 10 runs (simulated): $1.47 estimated.``, what is nothing left out."""
    spent = session.log.spent()
    parts = [f"{usd_text(getattr(spent, field))} {name}" for name, field in _AMOUNTS.items() if getattr(spent, field)]
    parts += [f"{counted(spent.unpriced_runs, 'run')} of unknown price"] if spent.unpriced_runs else []
    simulated = " (simulated)" if session.settings.demo else ""
    made_of = f": {', '.join(parts)}" if parts else ""
    return f"In all {usd_text(spent.total_usd)} for {counted(spent.runs, 'run')}{simulated}{made_of}."


def _table(kind: str, rows: Sequence[Cost], columns: Sequence[str], caption: str) -> Bundle:
    """Without the columns that hold nothing."""
    unpriced = any(cost.spent.unpriced_runs for cost in rows)
    head = [
        f"day ({zone_text(datetime.now().astimezone())})" if kind == "day" else kind,
        "runs",
        *columns,
        *(["of unknown price"] if unpriced else []),
    ]
    return table(head, [_row(cost, columns, unpriced=unpriced) for cost in rows], caption=caption)


def _row(cost: Cost, columns: Sequence[str], *, unpriced: bool) -> list[Cell | str]:
    spent: Spent = cost.spent
    amounts = [usd_text(getattr(spent, _AMOUNTS[name])) for name in columns]
    figures = (str(spent.runs), *amounts, *([str(spent.unpriced_runs)] if unpriced else []))
    return [cost.name or "(no notebook)", *(Cell(figure, align="right") for figure in figures)]
