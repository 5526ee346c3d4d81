"""``%venice log`` and ``show``: the record of all runs, what they cost, and one run in full."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from venice_widgets.config import DEMO_BASE_URL
from venice_widgets.display import Bundle, Cell, code, facts, full_size, join, notice, table
from venice_widgets.errors import clipped
from venice_widgets.generation.image import plain_line
from venice_widgets.generation.result import show
from venice_widgets.generation.stored_images import missing_images, recalled, small_image
from venice_widgets.log import REPLAY_OF, RUN_ENDING
from venice_widgets.notebook.line_parser import whole_number
from venice_widgets.replays.read_recipe import is_file_name

from .command import Command
from .costs import costs
from .maintenance import ACTIONS, act, reconcile
from .recipe_files import show_file
from .record_text import as_json, counted, price_parts, record_facts
from .selectors import SELECTORS, declare_selectors, filters, is_given
from .times import parse_moment, times_in_column

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from venice_widgets.generation.image import Image
    from venice_widgets.log import RunRecord
    from venice_widgets.session import Session

_SHOWN = 20
_EVERYTHING = 2**31
_IN_COLUMNS = ("model", "seed")
_MOST_THUMBNAILS = 200
"""A megabyte in the saved notebook."""


def _log(session: Session, given: Mapping[str, Any]) -> Bundle:
    if words := given.get("action"):
        allowed = SELECTORS if words[0] == "forget" else ()
        if words[0] in ACTIONS:
            _refuse_others(given, words[0], "action", "yes", *allowed)
        return act(session, words, given)
    if given.get("cost"):
        _refuse_others(given, "--cost", "cost")
        return costs(session, given["cost"])
    if given.get("reconcile"):
        _refuse_others(given, "--reconcile", "reconcile", "since")
        return reconcile(session, parse_moment(given.get("since") or "30d", "%venice log: --since"))
    chosen = filters(given, "%venice log")
    limit = _EVERYTHING if given.get("all") else given.get("number", _SHOWN)
    found = session.log.search(limit=limit, **chosen)
    if given.get("json"):
        return code("\n".join(json.dumps(as_json(record), ensure_ascii=False) for record in found), language="json")
    if not found:
        return notice(_none_found(session), kind="information")
    return _listed(session, found, session.log.count(**chosen))


def _listed(session: Session, found: Sequence[RunRecord], there_are: int) -> Bundle:
    heading, times = times_in_column(record.draft.created_at for record in found)
    rows = [
        _row(session, record, time, with_thumbnail=place < _MOST_THUMBNAILS)
        for place, (record, time) in enumerate(zip(found, times, strict=True))
    ]
    notes = ["%venice show RUN shows one in full."]
    if len(found) < there_are:
        notes.insert(0, f"The newest {len(found):,} of {counted(there_are, 'run')}; -n 100 or --all shows more.")
    if len(rows) > _MOST_THUMBNAILS:
        notes.append(f"Only the newest {_MOST_THUMBNAILS} have their images.")
    columns = ["run", "prompt", "model", "seed", "price", "status", heading]
    return table(
        columns, rows, caption="Prices are simulated." if session.settings.demo else None, footer=" ".join(notes)
    )


def _refuse_others(given: Mapping[str, Any], action: str, *allowed: str) -> None:
    """An option that changes nothing would be taken for one that does, as ``--since`` with ``--cost``."""
    others = [_flag(name) for name, value in given.items() if is_given(value) and name not in allowed]
    if others:
        raise UsageError(f"%venice log {action}: it does not go with {' and '.join(others)}.")


def _flag(name: str) -> str:
    return {"number": "-n", "query": "-q", "action": "other words"}.get(name, f"--{name}")


def _none_found(session: Session) -> str:
    held = session.log.count()
    said = "The log is empty" if not held else f"None of the {counted(held, 'run')} in the log is like that"
    other = "The demo's" if not session.settings.demo else "The real"
    switch = "on" if not session.settings.demo else "off"
    return f"{said}: {session.log.folder}. {other} log is a separate one: %venice demo {switch}."


def _row(session: Session, record: RunRecord, time: str, *, with_thumbnail: bool) -> list[Cell | str]:
    draft = record.draft
    amount, certainty = price_parts(record)
    return [
        Cell(
            record.run_id[-RUN_ENDING:],
            code=True,
            thumbnail=small_image(session.log, record) if with_thumbnail else b"",
        ),
        Cell(clipped(draft.prompt, 80), mark=_origin(record)),
        Cell(draft.model, code=True, mark=f"made by {record.other_model}" if record.other_model else ""),
        Cell(str(draft.seed), align="right"),
        Cell(amount, align="right", mark="" if draft.base_url == DEMO_BASE_URL else certainty),
        record.status.value,
        Cell(time, muted=True),
    ]


def _origin(record: RunRecord) -> str:
    """What tells runs of one prompt apart: their place in a sweep, or the run that they repeat."""
    draft = record.draft
    place = draft.context.get("plan")
    cell = place.get("cell") if isinstance(place, dict) else None
    named = cell.items() if isinstance(cell, dict) else ()  # an imported record may hold anything
    labels = [f"{name} {label}" for name, label in named if name not in _IN_COLUMNS]
    if draft.parent_run_id and draft.relation == REPLAY_OF:
        labels.append(f"replay of {draft.parent_run_id[-RUN_ENDING:]}")
    return clipped(" · ".join(labels), 120)


def _show(session: Session, given: Mapping[str, Any]) -> Bundle:
    if is_file_name(given["run"]):
        if given.get("full"):
            raise UsageError("%venice show: --full is for a run; open the file itself.")
        return show_file(session, given["run"])
    record = session.log.get(given["run"])
    if given.get("json"):
        return code(json.dumps(as_json(record), indent=2, ensure_ascii=False), language="json")
    draft, lost = record.draft, missing_images(session.log, record)
    images = recalled(session.log, record)
    if given.get("full") and images:
        return join(*map(_full_size, images))
    shown = show(
        images,
        summary=f"run {draft.run_id} · from the log, at no cost",
        prompt=draft.prompt,
        notes=[each.text for each in lost],
        base_url=draft.base_url,
    )
    # What is left of a large image that is not there any more.
    thumbnails = filter(None, (session.log.thumbnails.read(each.image.sha256) for each in lost))
    pairs: list[tuple[str, str | Cell]] = [
        *(("thumbnail", Cell("", thumbnail=data)) for data in thumbnails),
        *record_facts(record, tuple(image.path for image in images)),
        *([("verdict", verdict.text)] if (verdict := session.log.verdict(record.run_id)) else []),
        *([("full size", f"%venice show {record.run_id[-RUN_ENDING:]} --full")] if images else []),
    ]
    request = code(json.dumps(json.loads(draft.request), indent=2, ensure_ascii=False), language="json")
    return join(shown, facts("Record", pairs), request)


def _full_size(image: Image) -> Bundle:
    return full_size(
        image.data,
        image.mime,
        image.width,
        image.height,
        alt=str(image.request.get("prompt", "")),
        caption=f"{plain_line(image)} · {image.path}",
    )


def _declare_log(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", nargs="*", default=None, help=" ".join(ACTIONS.values()))
    parser.add_argument("-n", dest="number", type=whole_number, metavar="N", help=f"How many, newest first ({_SHOWN}).")
    parser.add_argument("--all", action="store_true", default=None, help="All of them.")
    declare_selectors(parser)
    parser.add_argument("--json", action="store_true", default=None, help="The whole records, one a line.")
    parser.add_argument(
        "--cost", nargs="?", const="all", metavar="BY", help="What was spent, by day, model or notebook; or by each."
    )
    parser.add_argument(
        "--reconcile", action="store_true", default=None, help="Ask the billing ledger what was charged (ADMIN key)."
    )
    parser.add_argument("-y", "--yes", action="store_true", default=None, help="Forget without asking.")


def _declare_show(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", help="A run's id, any unique ending of it, last, or a file: an image or a notebook.")
    parser.add_argument("--full", action="store_true", default=None, help="Its images as received, at their own size.")
    parser.add_argument("--json", action="store_true", default=None, help="The whole record of a run as JSON.")


LOG = Command(
    "log", "The record of every request, newest first, and what it cost.", _log, _declare_log, words=tuple(ACTIONS)
)
SHOW = Command(
    "show", "One run in full, or what made the image in a file.", _show, _declare_show, words=("last",), takes_run=True
)
