"""Plans in the store: written before the first request of a run, so that what was interrupted can go on.

A plan whose seeds were drawn gets others each time it is made. So the plan that was begun and not finished is looked
for by its template, and its seeds are used again: the same cell run again sends only what is missing.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from venice_widgets.errors import InvalidRequest, StoreError
from venice_widgets.files.presence import is_there
from venice_widgets.files.whole import write_new

from .plan_data import PlanData
from .read import read_plan

if TYPE_CHECKING:
    from pathlib import Path

    from .host import Host

Whole = TypeVar("Whole", bound=PlanData)

RESUMED_SECONDS = 7 * 24 * 3600.0
"""What was begun longer ago is not gone on with unasked."""


def folder(host: Host) -> Path:
    """Where the plans of a store are."""
    return host.settings.store / "plans"


def store_plan(plan: PlanData, host: Host) -> None:
    """Write a plan that is about to be sent. The file's name tells its template, its id, and which cells are left.

    Raises:
        StoreError: it cannot be written.
    """
    place = _place(plan, host)
    try:
        write_new(place, replace(plan, kept=None, part="").to_json().encode(), replaces=True)
    except OSError as exc:
        raise StoreError(
            f"the plan cannot be written to {place.parent}: {exc.strerror or exc}.", "Make room. Nothing was sent."
        ) from exc


def is_begun(plan: PlanData, host: Host) -> bool:
    """Whether a plan was begun and not finished.

    Raises:
        StoreError: the system does not tell. "No" would draw new seeds, and buy the images again.
    """
    place = _place(plan, host)
    try:
        return is_there(place) or is_there(_place(replace(plan, kept=None), host))
    except OSError as exc:
        raise StoreError(
            f"the plan {place} cannot be looked at: {exc.strerror or exc}.", "Fix its permissions. Nothing was sent."
        ) from exc


def mark_finished(plan: PlanData, host: Host) -> None:
    """Note that nothing of a plan is missing: the next one like it draws seeds of its own."""
    with contextlib.suppress(OSError):
        place = _place(plan, host)
        place.rename(place.with_suffix(".done"))


def resume_drawn(plan: Whole, host: Host) -> Whole:
    """The plan with the seeds of the same one that was begun and not finished, where there is one."""
    if not plan.seed_drawn:
        return plan
    for place in sorted(folder(host).glob(f"{plan.template_id}.*.json"), key=_modified, reverse=True):
        if time.time() - _modified(place) > RESUMED_SECONDS:
            break
        with contextlib.suppress(OSError, UnicodeDecodeError, InvalidRequest):
            begun = PlanData(**read_plan(place.read_text("utf-8")))
            if begun.template_id == plan.template_id:
                note = "It goes on with the seeds of the same plan that was begun before; --again draws new ones."
                return replace(plan, fields=begun.fields, axes=begun.axes, notes=(*plan.notes, note))
    return plan


def _place(plan: PlanData, host: Host) -> Path:
    """The file of a plan, and of all its parts. A filtered plan has one of its own: it ends before the whole does."""
    is_filtered = plan.kept is not None and not plan.part
    cells = f".{hashlib.sha256(repr(plan.kept).encode()).hexdigest()[:8]}" if is_filtered else ""
    return folder(host) / f"{plan.template_id}.{plan.plan_id}{cells}.json"


def _modified(place: Path) -> float:
    try:
        return place.stat().st_mtime
    except OSError:
        return 0.0
