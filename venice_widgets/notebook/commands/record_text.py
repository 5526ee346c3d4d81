"""Records, prices and ages in words, as several commands show them; and a record as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from venice_widgets.config import DEMO_BASE_URL
from venice_widgets.log import Status
from venice_widgets.money import usd_text
from venice_widgets.request.defaults import defaults_text
from venice_widgets.request.spending import STALE_SECONDS

from .times import time_text

if TYPE_CHECKING:
    from pathlib import Path

    from venice_widgets.log import ImageRecord, RunRecord, Size
    from venice_widgets.request.catalogue import Catalogue
    from venice_widgets.session import Session

_ELSEWHERE = ("template", "resolution")
"""Parts of a run's context that the cell and the defaults say already."""
_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60))


def counted(number: int, one: str, many: str = "") -> str:
    """``1 run``, ``2 runs``, ``2 entries``."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def bytes_text(size_bytes: int) -> str:
    """``0.3 MB``, ``12.0 MB``; less than that in kB."""
    return f"{size_bytes / 1e6:,.1f} MB" if size_bytes >= 100_000 else f"{size_bytes / 1e3:,.1f} kB"


def size_text(size: Size) -> str:
    """``12 runs, 10 images, 8.3 MB``: records, images and thumbnails."""
    size_bytes = size.objects_bytes + size.database_bytes + size.thumbnails_bytes
    return f"{counted(size.runs, 'run')}, {counted(size.objects, 'image')}, {bytes_text(size_bytes)}"


def ago(seconds: float) -> str:
    """``just now``, ``1 minute ago``, ``3 hours ago``, ``4 days ago``."""
    if seconds < 60:
        return "just now"
    unit, length = next((each for each in _UNITS if seconds >= 2 * each[1]), ("minute", 60))
    return f"{counted(int(seconds // length), unit)} ago"


def age_text(session: Session, catalogue: Catalogue) -> str:
    """How old the prices are, and whether that matters."""
    simulated = " from the simulator: they are simulated" if session.settings.demo else ""
    parts = [f"Prices fetched {ago(catalogue.age_seconds)}{simulated}"]
    if session.catalogue_keeper.problem is not None:
        parts.append(f"They could not be fetched again: {session.catalogue_keeper.problem.message}")
    if catalogue.age_seconds > STALE_SECONDS:
        parts.append("Under a limit, prices this old count as unknown")
    if catalogue.problems:
        parts.append(f"{counted(len(catalogue.problems), 'entry', 'entries')} could not be read, see %venice doctor")
    return ". ".join(part.rstrip(".") for part in parts) + "."


def price_text(record: RunRecord) -> str:
    """``$0.01 estimated``: what a run cost, and how certain that is; or that it is simulated."""
    amount, certainty = price_parts(record)
    return " ".join(filter(None, (amount, "simulated" if record.draft.base_url == DEMO_BASE_URL else certainty)))


def price_parts(record: RunRecord) -> tuple[str, str]:
    """The amount that a run cost, and how certain it is: ``charged``, ``estimated``, ``reserved``, ``perhaps``."""
    if record.charged_usd is not None:
        return usd_text(record.charged_usd), _charged_text(record)
    if record.status in (Status.FAILED, Status.REFUSED, Status.CANCELLED):
        return "nothing", ""
    if record.draft.estimate_usd is None:
        return "unknown", ""
    words = {Status.UNKNOWN: "perhaps", Status.PENDING: "reserved", Status.SENT: "reserved"}
    return usd_text(record.draft.estimate_usd), words.get(record.status, "estimated")


def _charged_text(record: RunRecord) -> str:
    """Which currency paid, where the ledger names another one than US dollars."""
    currencies = (record.charge_currency or "USD").split("+")
    return "charged" if currencies == ["USD"] else f"charged in {' and '.join(currencies)}"


def record_facts(record: RunRecord, files: tuple[Path, ...] = ()) -> list[tuple[str, str]]:
    """A run's record in words, without what is empty.

    Args:
        record: the run.
        files: where its images are stored.
    """
    draft, outcome = record.draft, record.outcome
    flags = [] if outcome is None else [name for name in ("blurred", "violation") if getattr(outcome, name)]
    asked = f" (asked for as {draft.asked_model})" if draft.asked_model not in (None, draft.model) else ""
    pairs = [
        ("status", f"{record.status}{': ' + ', '.join(flags) if flags else ''}"),
        ("error", f"{outcome.error_class}: {outcome.error}" if outcome and outcome.error else ""),
        ("model", f"{draft.model}{asked}"),
        ("made by", record.other_model),
        ("seed", f"{draft.seed} ({'drawn here' if draft.seed_drawn else 'given'})"),
        ("price", f"{price_text(record)} · {draft.formula}"),
        ("created", time_text(draft.created_at)),
        ("took", _took(record)),
        ("rewritten prompt", (outcome.enhanced_prompt or "") if outcome else ""),
        ("images", ", ".join(map(_image_text, record.images))),
        ("file", "\n".join(map(str, files))),
        ("request hash", draft.request_hash),
        ("response id", (outcome.response_id or "") if outcome else ""),
        ("parent", f"{draft.relation} {draft.parent_run_id}" if draft.parent_run_id else ""),
        ("by default", defaults_text(draft.context.get("resolution", {}))),
        *((name, _words(value)) for name, value in sorted(draft.context.items()) if value and name not in _ELSEWHERE),
        ("base URL", draft.base_url),
    ]
    return [(name, text) for name, text in pairs if text]


def _words(value: Any) -> str:
    """A part of the context as people read it; the JSON of the record has it as it is."""
    if isinstance(value, Mapping):
        return " · ".join(f"{name} {_words(each)}" for name, each in value.items() if each not in (None, "", [], {}))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(_words, value))
    return str(value)


def _image_text(image: ImageRecord) -> str:
    carried = [name for name, there in (("C2PA", image.signed), ("EXIF", image.exif)) if there]
    carries = f", carries {' and '.join(carried)}" if carried else ""
    return f"{image.width} × {image.height} {image.mime} sha256 {image.sha256[:12]}…{carries}"


def _took(record: RunRecord) -> str:
    if record.sent_at is None or record.outcome is None:
        return ""
    return f"{(record.outcome.finished_at - record.sent_at).total_seconds():.1f} s"


def as_json(record: RunRecord) -> dict[str, Any]:
    """The whole record as JSON takes it: times as ISO 8601, money as text."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(record), default=str))
    return plain
