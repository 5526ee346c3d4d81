"""A run's record in words and as JSON, as several commands show it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from venice_widgets.config import DEMO_BASE_URL
from venice_widgets.log import Status
from venice_widgets.money import usd_text
from venice_widgets.request.defaults import defaults_text

if TYPE_CHECKING:
    from venice_widgets.log import ImageRecord, RunRecord, Size

_ELSEWHERE = ("template", "resolution")
"""Parts of a run's context that the cell and the defaults tell already."""


def price_text(record: RunRecord) -> str:
    """What a run cost, and how sure that is; or that it is simulated."""
    if record.charged_usd is not None:
        return f"{usd_text(record.charged_usd)} charged"
    if record.status in (Status.FAILED, Status.REFUSED, Status.CANCELLED):
        return "nothing"
    estimate = record.draft.estimate_usd
    if estimate is None:
        return "unknown"
    if record.draft.base_url == DEMO_BASE_URL:
        return f"{usd_text(estimate)} simulated"
    words = {Status.UNKNOWN: "perhaps", Status.PENDING: "reserved", Status.SENT: "reserved"}
    return f"{usd_text(estimate)} {words.get(record.status, 'estimated')}"


def counted(number: int, noun: str) -> str:
    """``1 run``, ``2 runs``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def size_text(size: Size) -> str:
    """``12 runs, 10 pictures, 8.3 MB``: records, pictures and thumbnails."""
    size_bytes = size.objects_bytes + size.database_bytes + size.thumbnails_bytes
    return f"{counted(size.runs, 'run')}, {counted(size.objects, 'picture')}, {bytes_text(size_bytes)}"


def bytes_text(size_bytes: int) -> str:
    """``0.3 MB``, ``12.0 MB``; less than that in kB."""
    return f"{size_bytes / 1e6:,.1f} MB" if size_bytes >= 100_000 else f"{size_bytes / 1e3:,.1f} kB"


def record_facts(record: RunRecord) -> list[tuple[str, str]]:
    """A run's record in words, without what is empty."""
    draft, outcome = record.draft, record.outcome
    flags = [] if outcome is None else [name for name in ("blurred", "violation") if getattr(outcome, name)]
    asked = f" (asked for as {draft.asked_model})" if draft.asked_model not in (None, draft.model) else ""
    pairs = [
        ("status", f"{record.status}{': ' + ', '.join(flags) if flags else ''}"),
        ("error", f"{outcome.error_class}: {outcome.error}" if outcome and outcome.error else ""),
        ("model", f"{draft.model}{asked}"),
        ("seed", f"{draft.seed} ({'drawn here' if draft.seed_drawn else 'given'})"),
        ("price", f"{price_text(record)} · {draft.formula}"),
        ("created", draft.created_at.isoformat(sep=" ", timespec="seconds")),
        ("took", _took(record)),
        ("rewritten prompt", (outcome.enhanced_prompt or "") if outcome else ""),
        ("pictures", ", ".join(map(_picture_text, record.images))),
        ("request hash", draft.request_hash),
        ("response id", (outcome.response_id or "") if outcome else ""),
        ("parent", f"{draft.relation} {draft.parent_run_id}" if draft.parent_run_id else ""),
        ("by default", defaults_text(draft.context.get("resolution", {}))),
        *((name, str(value)) for name, value in sorted(draft.context.items()) if value and name not in _ELSEWHERE),
        ("base URL", draft.base_url),
    ]
    return [(name, text) for name, text in pairs if text]


def _picture_text(image: ImageRecord) -> str:
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
