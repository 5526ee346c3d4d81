"""From JSON back to a plan: everything is checked, since the file may come from anywhere."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from venice_widgets.errors import InvalidRequest
from venice_widgets.request.axes import Axis

from .cell_seeds import check_seeds
from .plan_data import KIND, MAX_CELLS, PROMPT, ROW, SCHEMA, VARIABLE, PlanAxis, PlanData, is_rising, names_in

Value = str | int | FiniteFloat | bool
Fields = dict[str, Value | list[str]]
Place = Annotated[int, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class _Row(_Part):
    prompt: str
    fields: Fields
    variables: dict[str, Value]


class _Values(_Part):
    name: str
    labels: Annotated[list[str], Field(min_length=1)]


class _FieldAxis(_Values):
    kind: Literal["field"]
    values: list[Value | list[str]]


class _VariableAxis(_Values):
    kind: Literal["variable"]
    values: list[Value]


class _TextAxis(_Values):
    kind: Literal["prompt", "replace"]
    values: list[str]


class _RowAxis(_Values):
    kind: Literal["row"]
    values: list[_Row]


class _Plan(_Part):
    prompt: str
    fields: Fields
    variables: dict[str, Value]
    axes: list[Annotated[_FieldAxis | _VariableAxis | _TextAxis | _RowAxis, Field(discriminator="kind")]]
    groups: list[Annotated[list[Place], Field(min_length=1)]]
    seed_drawn: bool
    part: str = ""
    skip_invalid: bool = False
    id: str | None = None
    cells: list[Annotated[list[Place], Field(min_length=3, max_length=3)]] | None = None


_Axis = _FieldAxis | _VariableAxis | _TextAxis | _RowAxis


def read_plan(text: str) -> dict[str, Any]:
    """The parts of a plan that `Plan.to_json` wrote, checked.

    Raises:
        InvalidRequest: it is not a plan, or a newer version wrote it.
    """
    try:
        found = json.loads(text)
    except (TypeError, ValueError, RecursionError) as exc:
        raise _not_a_plan(f"it is not JSON ({exc})") from exc
    if not isinstance(found, dict) or found.get("kind") != KIND:
        _refuse("it does not say so")
    if found.get("schema") != SCHEMA:
        _refuse(f"it has schema {found.get('schema')}, and this version reads {SCHEMA}")
    try:
        return _parts(_Plan.model_validate(found))
    except ValidationError as exc:
        problem = exc.errors(include_url=False, include_context=False)[0]
        raise _not_a_plan(f"its {'.'.join(map(str, problem['loc']))}: {problem['msg']}") from exc


def _parts(found: _Plan) -> dict[str, Any]:
    parts: dict[str, Any] = {
        "prompt": found.prompt,
        "fields": found.fields,
        "variables": found.variables,
        "axes": tuple(map(_axis, found.axes)),
        "groups": tuple(map(tuple, found.groups)),
        "seed_drawn": found.seed_drawn,
        "part": found.part,
        "skip_invalid": found.skip_invalid,
    }
    plan = PlanData(**parts)
    _check(plan)
    if found.id not in (None, plan.plan_id):
        _refuse("its id does not belong to it: it was changed by hand. Remove the id")
    return {**parts, "kept": None if found.cells is None else _indices(found.cells, plan.size)}


def _axis(found: _Axis) -> PlanAxis:
    if len(found.values) != len(found.labels) or len(set(found.labels)) != len(found.labels):
        _refuse(f"the axis {found.name!r} has labels that do not fit its values")
    values = [value.model_dump() if isinstance(value, _Row) else value for value in found.values]
    return PlanAxis(found.kind, Axis(found.name, tuple(values), tuple(found.labels)))


def _check(plan: PlanData) -> None:
    """Whether its parts fit together."""
    places = sorted(place for group in plan.groups for place in group)
    if places != list(range(len(plan.axes))) or len({axis.name for axis in plan.axes}) != len(plan.axes):
        _refuse("its groups of axes")
    if any(len({len(plan.axes[place].axis) for place in group}) > 1 for group in plan.groups):
        _refuse("zipped axes have different lengths")
    _check_names(plan)
    if plan.size > MAX_CELLS:
        _refuse(f"it has {plan.size:,} cells, more than {MAX_CELLS:,}")
    try:
        check_seeds(plan)
    except InvalidRequest as exc:
        raise _not_a_plan(exc.message.rstrip(".")) from exc


def _check_names(plan: PlanData) -> None:
    """Whether the prompts have a place for every variable, and a variable for every place.

    A plan without any variable may have braces that stand for themselves.
    """
    rows = [row for axis in plan.axes if axis.kind == ROW for row in axis.axis.values]
    whole = [value for axis in plan.axes if axis.kind == PROMPT for value in axis.axis.values]
    shared = {*plan.variables, *(axis.name for axis in plan.axes if axis.kind == VARIABLE)}
    filled = [(text, shared) for text in (plan.prompt, *whole)]
    filled += [(row["prompt"], {*shared, *row["variables"]}) for row in rows]
    given = {name for _, names in filled for name in names}
    missing = {name for text, names in filled for name in set(names_in(text)) - names}
    if given and missing:
        _refuse(f"its prompt has {{{{ {min(missing)} }}}}, and no value is given for it")
    if unused := given - {name for text, _ in filled for name in names_in(text)}:
        _refuse(f"no prompt of it has {{{{ {min(unused)} }}}}")


def _indices(ranges: list[list[int]], size: int) -> tuple[int, ...]:
    found: list[int] = []
    for first, last, step in ranges:
        # Before it is made: a few letters of a file must not fill the memory.
        if not first <= last < size or len(found) > size:
            _refuse("it names cells that it does not have")
        found += range(first, last + 1, step or 1)
    if not is_rising(found):
        _refuse("it names cells twice or out of order")
    return tuple(found)


def _not_a_plan(reason: str) -> InvalidRequest:
    return InvalidRequest(f"this is not a plan: {reason}.", "Plan.to_json() writes one. Nothing was sent.")


def _refuse(reason: str) -> NoReturn:
    raise _not_a_plan(reason)
