"""The state as the browser draws it: slices of JSON, of which only those that changed are sent."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from venice_widgets.client.catalogue_cache import FRESH_SECONDS
from venice_widgets.generation.result import seed_text
from venice_widgets.money import usd_text

from .account import DEMO
from .gallery import differing, placeholders
from .history import STATES
from .labels import control_list, filter_list, left_out_text, model_facts, model_list, size_presets, varied_list
from .notices import standing_text
from .quote import Quote, price_grid
from .sweep import describe

if TYPE_CHECKING:
    from .controller import Controller
    from .sending import Job


def all_slices(panel: Controller) -> dict[str, Any]:
    """Every slice; under the panel's lock."""
    quoted = panel.safe_quote()
    return {
        "form": {"v": panel.state.version, **panel.state.form.wire()},
        "lists": _lists(panel),
        "controls": _controls(panel),
        "quote": _quote(panel, quoted),
        "grid": price_grid(panel.state.form, quoted.model) if quoted.model else None,
        "account": _account(panel, quoted),
        "jobs": _jobs(panel),
        "question": _question(panel),
        "notices": [notice.wire(name) for name, each in panel.notices.items() for notice in each],
        "gallery": _gallery(panel),
        "compare": _compare(panel),
        "plan": describe(panel.state.form, quoted),
        "sweep": panel.sweep.describe() if panel.sweep else None,
        "outcome": panel.sweep.outcome if panel.sweep else "",
        "recent": panel.recent,
        "kernel": {"subshells": panel.subshells},
    }


def _lists(panel: Controller) -> dict[str, Any] | None:
    """What changes with the catalogue and the day alone, and is long: made once for both."""
    catalogue, today = panel.catalogue, datetime.now(UTC).date()
    if catalogue is None:
        return None
    if panel.lists is None or panel.lists[0] is not catalogue or panel.lists[1] != today:
        made = {
            "models": model_list(catalogue),
            "filters": filter_list(catalogue),
            "styles": list(catalogue.styles or ()),
            "states": STATES,
        }
        panel.lists = (catalogue, today, made)
    return panel.lists[2]


def _controls(panel: Controller) -> dict[str, Any] | None:
    model = panel.model
    if model is None:
        return None
    return {
        "controls": control_list(model),
        "presets": size_presets(model),
        "limit": model.prompt_character_limit,
        "varied": varied_list(model),
    }


def _quote(panel: Controller, quoted: Quote) -> dict[str, Any]:
    model, problem = quoted.model, quoted.problem
    left_out = left_out_text(panel.state.memory.left_out(model), model) if model else ""
    return {
        "facts": dict(quoted.facts),
        "formula": _formula(quoted),
        "defaults": _defaults(quoted),
        "button": _button(panel, quoted),
        "problem": standing_text(problem),
        "field": str(getattr(problem, "field", None) or ""),
        "loading": panel.catalogue is None and panel.load_error is None,
        "failed": panel.catalogue is None and panel.load_error is not None,
        "model": model_facts(model) if model else "",
        "left_out": left_out,
        "notes": list(quoted.request.notes) if quoted.request else [],
        "known": quoted.known,
        "listed": panel.state.form.lists_seeds,
        "usual": panel.usual.get(panel.state.form.model),
    }


def _formula(quoted: Quote) -> str:
    if quoted.outlook is not None and not quoted.images:
        return "Nothing to send"
    if quoted.estimate is None:
        return "No price yet"
    return quoted.estimate.formula if quoted.estimate.images else "Nothing to send"


def _defaults(quoted: Quote) -> str:
    if quoted.estimate is None:
        return ""
    defaults = quoted.estimate.defaults
    said = f"with the model's {' and '.join(defaults)}" if defaults else ""
    return "\n".join(part for part in (said, quoted.estimate.shape) if part)


def _button(panel: Controller, quoted: Quote) -> str:
    """The price is on the button at all times."""
    verb = "Add to queue" if panel.sending.jobs else "Generate"
    if quoted.outlook is not None and quoted.images:
        verb = f"{verb} · {quoted.images:,} images" if quoted.images > 1 else f"{verb} · 1 image"
    if quoted.estimate is None:
        return verb
    if quoted.known and not quoted.estimate.images:
        return "Show from the log · no cost"
    simulated = " simulated" if quoted.estimate.simulated else ""
    return f"{verb} · {quoted.amount}{simulated}"


def _account(panel: Controller, quoted: Quote) -> dict[str, Any]:
    catalogue = panel.catalogue
    return {
        "demo": quoted.facts.get("account") == DEMO,
        "text": " · ".join(part for part in (panel.account.spent, panel.account.left, panel.balance) if part),
        "prices_from": catalogue.fetched_at.isoformat() if catalogue else "",
        "stale_after": FRESH_SECONDS,
    }


def _jobs(panel: Controller) -> dict[str, Any]:
    jobs = panel.sending.jobs
    prices = [job.quote.estimate.price_usd for job in jobs if job.quote.estimate]
    total = sum((price for price in prices if price is not None), Decimal(0))
    unknown = " and what is not known" if None in prices else ""
    return {"jobs": [_job(job) for job in jobs], "sum": f"{usd_text(total)}{unknown}" if len(jobs) > 1 else ""}


def _job(job: Job) -> dict[str, Any]:
    runs = job.generation.runs if job.generation else ()
    swept = job.sweep.grid.outlook.to_send if job.sweep else ()
    return {
        "name": job.name,
        "state": job.state,
        "label": f"Sweep, {job.quote.images:,} images" if job.form.sweep else f"{job.quote.images} × {job.form.model}",
        "prompt": job.form.prompt[:80],
        "price": job.quote.amount,
        "done": job.arrived if job.sweep else sum(not run.in_progress for run in runs),
        "total": len(swept or runs) or job.quote.images,
        "activity": job.work.activity if job.work is not None else "",
    }


def _question(panel: Controller) -> dict[str, Any] | None:
    question = panel.question
    if question is None:
        return None
    most = question.quote.most
    return {
        "id": question.name,
        "text": f"{question.quote.facts.get('price', '')}. This is more than is spent without asking.",
        "button": f"Spend {most}" if most.startswith("an ") else f"Spend up to {most}",
    }


def _gallery(panel: Controller) -> dict[str, Any]:
    waiting = [tile for job in panel.sending.jobs for tile in placeholders(job)]
    left = f"{panel.gallery.left} older images are in History." if panel.gallery.left else ""
    return {"cards": [*waiting, *panel.gallery.cards(panel.favorites)], "left": left}


def _compare(panel: Controller) -> dict[str, Any]:
    images = list(panel.gallery.compared.values())
    rows = differing([dict(image.request) for image in images]) if len(images) > 1 else []
    return {
        "keys": list(panel.gallery.compared),
        "names": [f"{seed_text(image.seed)} · {image.model}" for image in images],
        "rows": rows,
    }
