"""The log as the panel shows it: pages of runs with thumbnails, found by words, model, state and date."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from venice_widgets.display.html import shortened
from venice_widgets.errors import InvalidRequest
from venice_widgets.generation.result import seed_text
from venice_widgets.generation.stored_images import small_image
from venice_widgets.log import RUN_ENDING, Status
from venice_widgets.money import usd_text

from .protocol import image_key

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from venice_widgets.log import Log, RunRecord
    from venice_widgets.request.catalogue import Catalogue

PAGE = 24
"""Runs on one page."""
MOST_FOUND = 1000
"""So many are looked through where words name models too."""
STATES = [["", "any state"], *([str(status), str(status)] for status in Status)]


def find_runs(log: Log, asked: Mapping[str, Any], catalogue: Catalogue | None) -> tuple[list[RunRecord], int]:
    """One page of runs, newest first, and how many there are in all.

    Args:
        log: where to look.
        asked: ``text`` (words of the prompt or of the model's name), ``model``, ``state``, ``since`` and ``until`` as
            ``2026-11-26``, ``favorite``, and ``page`` from 0.
        catalogue: by whose names models are found too.

    Raises:
        InvalidRequest: a date that is not one, or a text that holds no word.
    """
    text, begin = str(asked.get("text", "")).strip(), int(asked.get("page", 0)) * PAGE
    filters: dict[str, Any] = {
        "status": asked.get("state") or None,
        "since": _day(asked.get("since")),
        "until": _day(asked.get("until"), days=1),
        "favorite": True if asked.get("favorite") else None,
    }
    models = [asked["model"]] if asked.get("model") else _named(text, catalogue) if text else []
    if not models or asked.get("model"):
        filters["model"] = asked.get("model") or None
        found = log.search(text or None, limit=PAGE, offset=begin, **filters)
        return found, log.count(text or None, **filters)
    both = [log.search(text, limit=MOST_FOUND, **filters)]
    both += [log.search(None, model=model, limit=MOST_FOUND, **filters) for model in models]
    merged = {run.run_id: run for runs in both for run in runs}
    newest = sorted(merged.values(), key=lambda run: run.run_id, reverse=True)
    return newest[begin : begin + PAGE], len(newest)


def _named(text: str, catalogue: Catalogue | None) -> list[str]:
    """The models whose id or name holds all these words."""
    words = text.casefold().split()
    models = catalogue.models if catalogue else ()
    return [model.id for model in models if all(word in f"{model.id} {model.name}".casefold() for word in words)]


def _day(text: Any, *, days: int = 0) -> datetime | None:
    """The beginning of a day of the computer's own time zone."""
    if not text:
        return None
    try:
        return datetime.strptime(str(text), "%Y-%m-%d").astimezone() + timedelta(days=days)
    except ValueError as exc:
        raise InvalidRequest(f"{str(text)[:40]!r} is not a date.", "Write it like 2026-11-26.") from exc


def run_card(run: RunRecord, favorites: Collection[str] = ()) -> dict[str, Any]:
    """What the browser draws of one run."""
    price = run.draft.estimate_usd if run.charged_usd is None else run.charged_usd
    error = run.outcome.error if run.outcome and run.outcome.error else ""
    return {
        "run": run.run_id,
        "ending": run.run_id[-RUN_ENDING:],
        "seed": seed_text(run.draft.seed),
        "model": f"{run.draft.model}, made by {run.other_model}" if run.other_model else run.draft.model,
        "prompt": shortened(run.draft.prompt, 240),
        "price": "price unknown" if price is None else usd_text(price),
        "when": run.draft.created_at.isoformat(),
        "state": str(run.status),
        "problem": shortened(error, 240),
        "keys": [image_key(run.run_id, image.sha256) for image in run.images],
        "favorite": run.run_id in favorites,
    }


def thumbnails(log: Log, runs: list[RunRecord]) -> list[bytes]:
    """A small JPEG of each run's first image; empty where there is none."""
    return [small_image(log, run) for run in runs]


def favorite_runs(log: Log) -> frozenset[str]:
    """The runs that the store marks as favorites."""
    return frozenset(run.run_id for run in log.search(favorite=True, limit=MOST_FOUND))


def recent_models(log: Log) -> list[str]:
    """The models that were used last."""
    return list(dict.fromkeys(run.draft.model for run in log.search(limit=100)))


def recent_prompts(log: Log, limit: int = 20) -> list[str]:
    """The prompts that were sent last, each once."""
    return list(dict.fromkeys(run.draft.prompt for run in log.search(limit=200)))[:limit]
