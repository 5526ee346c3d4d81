"""From JSON back to a plan: everything is checked, since the file may come from anywhere."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from venice_widgets.errors import InvalidRequest
from venice_widgets.request.axes import Axis

from .plan_data import MAX_CELLS, ROW, SCHEMA, PlanAxis, PlanData, is_rising, kinds


def read_plan(text: str) -> dict[str, Any]:
    """The parts of a plan that `Plan.to_json` wrote, checked.

    Raises:
        InvalidRequest: it is not a plan, or a newer version wrote it.
    """
    try:
        found = json.loads(text)
    except (TypeError, ValueError, RecursionError) as exc:
        raise _not_a_plan(f"it is not JSON ({exc})") from exc
    if not isinstance(found, dict) or found.get("kind") != "venice-plan":
        _refuse("it does not say so")
    if found.get("schema") != SCHEMA:
        _refuse(f"it has schema {found.get('schema')}, and this version reads {SCHEMA}")
    try:
        parts = {
            "prompt": _of(str, found["prompt"]),
            "fields": _of(dict, found["fields"]),
            "variables": _of(dict, found["variables"]),
            "axes": tuple(_axis(axis) for axis in _of(list, found["axes"])),
            "groups": tuple(tuple(_of(int, place) for place in group) for group in _of(list, found["groups"])),
            "seed_drawn": _of(bool, found["seed_drawn"]),
            "part": _of(str, found.get("part", "")),
            "skip_invalid": _of(bool, found.get("skip_invalid", False)),
        }
        return {**parts, "kept": _kept(PlanData(**parts), found)}
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise _not_a_plan(f"{type(exc).__name__}: {exc}") from exc


def _axis(found: dict[str, Any]) -> PlanAxis:
    kind = _of(str, found["kind"])
    values, labels = tuple(_of(list, found["values"])), tuple(_of(str, label) for label in found["labels"])
    if kind not in kinds() or not values or len(values) != len(labels) or len(set(labels)) != len(labels):
        raise ValueError(f"axis {found.get('name')!r}")
    if kind == ROW:
        for row in values:
            _of(dict, row.get("fields", {})), _of(dict, row.get("variables", {})), _of(str, row.get("prompt", ""))
    return PlanAxis(kind, Axis(_of(str, found["name"]), values, labels))


def _kept(plan: PlanData, found: dict[str, Any]) -> tuple[int, ...] | None:
    """The cells that belong to it, once the rest has been found to fit together."""
    places = sorted(place for group in plan.groups for place in group)
    if places != list(range(len(plan.axes))) or not all(plan.groups):
        raise ValueError("groups of axes")
    if any(len({len(plan.axes[place].axis) for place in group}) > 1 for group in plan.groups):
        raise ValueError("zipped axes of different lengths")
    if not 1 <= plan.size <= MAX_CELLS:
        raise ValueError(f"{plan.size:,} cells")
    plan.cell(0)
    if found.get("id") not in (None, plan.plan_id):
        raise ValueError("its id does not belong to it: it was changed by hand. Remove the id")
    return _indices(found["cells"], plan.size) if "cells" in found else None


def _indices(ranges: Any, size: int) -> tuple[int, ...]:
    found: list[int] = []
    for first, last, step in ranges:
        # Before it is made: a few letters of a file must not fill the memory.
        if not 0 <= _of(int, first) <= _of(int, last) < size or _of(int, step) < 0 or len(found) > size:
            raise ValueError("cells")
        found += range(first, last + 1, step or 1)
    if not is_rising(found):
        raise ValueError("cells")
    return tuple(found)


def _of(kind: type, value: Any) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
        raise TypeError(f"{value!r} is not of type {kind.__name__}")
    return value


def _not_a_plan(reason: str) -> InvalidRequest:
    return InvalidRequest(f"this is not a plan: {reason}.", "Plan.to_json() writes one. Nothing was sent.")


def _refuse(reason: str) -> NoReturn:
    raise _not_a_plan(reason)
