"""``%venice log`` and ``show``: what is on record, what it cost, and one run whole."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from IPython.core.error import UsageError

from venice_widgets.display import Bundle, Cell, code, facts, join, line, notice, table
from venice_widgets.generation.result import show
from venice_widgets.generation.stored_images import lost_pictures, recalled, small_picture
from venice_widgets.log import RUN_ENDING, Status
from venice_widgets.money import usd_text

from .command import Command
from .maintenance import act, reconcile
from .recipe_files import is_file_name, show_file
from .record_text import as_json, counted, price_text, record_facts

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from venice_widgets.log import Cost, RunRecord
    from venice_widgets.session import Session

_AGO = re.compile(r"(\d{1,5})\s*([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_MOST_THUMBNAILS = 200
"""A megabyte in the saved notebook."""
_COST_BY: Mapping[str, Literal["day", "model", "notebook"]] = {"day": "day", "model": "model", "notebook": "notebook"}


def _log(session: Session, given: Mapping[str, Any]) -> Bundle:
    if words := given.get("action"):
        if words[0] in LOG.words:
            _refuse_others(given, words[0], "action", "yes")
        return act(session, words, yes=bool(given.get("yes")))
    if given.get("cost"):
        _refuse_others(given, "--cost", "cost")
        return _costs(session, given["cost"])
    if given.get("reconcile"):
        _refuse_others(given, "--reconcile", "reconcile", "since")
        return reconcile(session, parse_since(given.get("since") or "30d"))
    number = _whole(given.get("number"), "-n")
    found = session.log.search(
        given.get("query"),
        model=given.get("model"),
        seed=_whole(given.get("seed"), "--seed"),
        status=given.get("status"),
        since=parse_since(given["since"]) if given.get("since") else None,
        notebook=given.get("notebook"),
        limit=20 if number is None else number,
    )
    if given.get("json"):
        return code("\n".join(json.dumps(as_json(record), ensure_ascii=False) for record in found), language="json")
    if not found:
        return notice(_none_found(session, given), kind="information")
    columns = ["run", "prompt", "model", "seed", "price", "status", "time (UTC)"]
    rows = [_row(session, record, pictured=place < _MOST_THUMBNAILS) for place, record in enumerate(found)]
    only = f" Only the newest {_MOST_THUMBNAILS} are with their pictures." if len(rows) > _MOST_THUMBNAILS else ""
    return table(columns, rows, footer=f"%venice show RUN shows one whole.{only}")


def _refuse_others(given: Mapping[str, Any], deed: str, *allowed: str) -> None:
    """An option that changes nothing would be taken for one that does, as ``--since`` with ``--cost``."""
    others = [_flag(name) for name, value in given.items() if value and name not in allowed]
    if others:
        raise UsageError(f"%venice log {deed}: it does not go with {' and '.join(others)}.")


def _flag(name: str) -> str:
    return {"number": "-n", "query": "-q", "action": "other words"}.get(name, f"--{name}")


def _none_found(session: Session, given: Mapping[str, Any]) -> str:
    asked = any(name in given for name in ("query", "model", "seed", "status", "since", "notebook"))
    said = "The log holds no such run" if asked else "The log is empty"
    other = "the demo's" if not session.settings.demo else "the real"
    switch = "on" if not session.settings.demo else "off"
    return f"{said}: {session.log.folder}. It is kept apart from {other} log: %venice demo {switch}."


def _row(session: Session, record: RunRecord, *, pictured: bool) -> list[Cell | str]:
    draft = record.draft
    return [
        Cell(
            record.run_id[-RUN_ENDING:],
            code=True,
            thumbnail=small_picture(session.log, record) if pictured else b"",
        ),
        draft.prompt if len(draft.prompt) <= 80 else f"{draft.prompt[:79]}…",
        Cell(draft.model, code=True),
        Cell(str(draft.seed), align="right"),
        Cell(price_text(record), align="right"),
        record.status.value,
        Cell(draft.created_at.strftime("%Y-%m-%d %H:%M"), muted=True),
    ]


def parse_since(text: str) -> datetime:
    """The moment that ``2d``, ``3h`` or an ISO date means.

    Raises:
        UsageError: it is neither.
    """
    if match := _AGO.fullmatch(text.strip()):
        return datetime.now(UTC) - timedelta(**{_UNITS[match.group(2)]: int(match.group(1))})
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"%venice log: --since {text!r} is no time. Write 30m, 3h, 2d, 1w or 2026-08-31.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _whole(text: str | None, option: str) -> int | None:
    try:
        return None if text is None else int(text)
    except ValueError:
        raise UsageError(f"%venice log: {option} {text!r} is not a whole number.") from None


def _costs(session: Session, by: str) -> Bundle:
    if by not in (*_COST_BY, "all"):
        raise UsageError(f"%venice log --cost {by}: it is by {' or '.join(_COST_BY)}.")
    tables = [_cost_table(session, kind) for kind in _COST_BY if by in (kind, "all")]
    footer = "Estimated: by the catalogue, the charge is not known. Perhaps charged: %venice resolve settles it."
    return join(line(_total_text(session)), *tables, line(footer))


def _total_text(session: Session) -> str:
    """``In all $1.47 for 10 runs (simulated): $1.47 estimated.``, what is nothing left out."""
    spent = session.log.spent()
    kinds = {"charged": spent.charged_usd, "estimated": spent.estimated_usd}
    kinds |= {"perhaps charged": spent.unknown_usd, "reserved": spent.reserved_usd}
    parts = [f"{usd_text(amount)} {kind}" for kind, amount in kinds.items() if amount]
    parts += [f"{counted(spent.unpriced_runs, 'run')} of unknown price"] if spent.unpriced_runs else []
    simulated = " (simulated)" if session.settings.demo else ""
    told = f": {', '.join(parts)}" if parts else ""
    return f"In all {usd_text(spent.total_usd)} for {counted(spent.runs, 'run')}{simulated}{told}."


def _cost_table(session: Session, by: str) -> Bundle:
    columns = [by, "runs", "estimated", "charged", "perhaps charged", "reserved", "of unknown price"]
    simulated = " (simulated)" if session.settings.demo else ""
    rows = [_cost_row(cost) for cost in session.log.costs(_COST_BY[by])]
    return table(columns, rows, caption=f"Cost by {by}{simulated}")


def _cost_row(cost: Cost) -> list[Cell | str]:
    spent = cost.spent
    amounts = (spent.estimated_usd, spent.charged_usd, spent.unknown_usd, spent.reserved_usd)
    figures = (str(spent.runs), *map(usd_text, amounts), str(spent.unpriced_runs))
    return [cost.name or "(no notebook)", *(Cell(figure, align="right") for figure in figures)]


def _show(session: Session, given: Mapping[str, Any]) -> Bundle:
    if is_file_name(given["run"]):
        return show_file(session, given["run"])
    record = session.log.get(given["run"])
    if given.get("json"):
        return code(json.dumps(as_json(record), indent=2, ensure_ascii=False), language="json")
    draft, lost = record.draft, lost_pictures(session.log, record)
    pictures = show(
        recalled(session.log, record),
        summary=f"run {draft.run_id} · from the store, for nothing",
        prompt=draft.prompt,
        notes=[each.text for each in lost],
        base_url=draft.base_url,
    )
    # What is left of a large picture that is not there any more.
    thumbnails = filter(None, (session.log.thumbnails.read(each.image.sha256) for each in lost))
    pairs: list[tuple[str, str | Cell]] = [
        *(("thumbnail", Cell("", thumbnail=data)) for data in thumbnails),
        *record_facts(record),
    ]
    request = code(json.dumps(json.loads(draft.request), indent=2, ensure_ascii=False), language="json")
    return join(pictures, facts("Record", pairs), request)


def _declare_log(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        nargs="*",
        default=None,
        help="backup PATH: copy the log, while it is in use. forget RUN: delete its picture, and keep the record.",
    )
    parser.add_argument("-n", dest="number", metavar="N", help="How many, newest first (20).")
    parser.add_argument(
        "-q", "--query", metavar="TEXT", help='Words of the prompt; "red fox" a phrase, fox* a beginning.'
    )
    parser.add_argument("-m", "--model", help="Of this model.")
    parser.add_argument("-s", "--seed", help="With this seed.")
    parser.add_argument("--status", choices=[status.value for status in Status], help="In this state.")
    parser.add_argument("--since", metavar="TIME", help="Not older: 30m, 3h, 2d, 1w or a date.")
    parser.add_argument("--notebook", metavar="PATH", help="From this notebook (its path, or the end of it).")
    parser.add_argument("--json", action="store_true", default=None, help="The whole records, one a line.")
    parser.add_argument(
        "--cost", nargs="?", const="all", metavar="BY", help="What was spent, by day, model or notebook; or by each."
    )
    parser.add_argument(
        "--reconcile", action="store_true", default=None, help="Ask the billing ledger what was charged (ADMIN key)."
    )
    parser.add_argument("-y", "--yes", action="store_true", default=None, help="Forget without asking.")


def _declare_show(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", help="A run's id, any unique ending of it, last, or a file: a picture or a notebook.")
    parser.add_argument("--json", action="store_true", default=None, help="The whole record of a run as JSON.")


LOG = Command(
    "log", "What is on record, newest first; and what it cost.", _log, _declare_log, words=("backup", "forget")
)
SHOW = Command("show", "One run whole, or what made the picture in a file.", _show, _declare_show, words=("last",))
