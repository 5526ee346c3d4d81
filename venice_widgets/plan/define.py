"""From what a user gives to a plan: which options are axes, how they combine, and the seeds, drawn once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from venice_widgets.config import CONFIGURED
from venice_widgets.errors import NOTHING_SENT, InvalidRequest
from venice_widgets.request.axes import (
    Axis,
    as_axis,
    is_missing,
    is_several,
    is_table,
    label_of,
    parse_axis,
    plain_value,
    replacement_axis,
    unwrapped,
)
from venice_widgets.request.fields import field_facts, refusal
from venice_widgets.request.seeds import plan_seeds
from venice_widgets.request.style_reference import StyleReference, reference_label, refuse_password
from venice_widgets.suggest import nearest

from .cell_seeds import check_seeds
from .plan import Plan
from .plan_data import FIELD, MAX_CELLS, PROMPT, REPLACE, ROW, VARIABLE, PlanAxis, names_in

if TYPE_CHECKING:
    from .host import Host

    Where = Callable[[Mapping[str, Any]], Any]

LABEL_COLUMNS = ("label", "name")


def define(
    prompt: Any,
    *,
    host: Host | None = None,
    images: int | None = None,
    zipped: bool | Sequence[str] = False,
    skip_invalid: bool = False,
    search_replace: Sequence[str] | None = None,
    variables: Mapping[str, Any] | None = None,
    given: Mapping[str, Any] | None = None,
    raw: bool = False,
) -> Plan:
    """A plan of what was given.

    Args:
        prompt: a template; several whole prompts; or a table, one request a row (a list of dicts or a pandas frame).
        host: the session that it will run in.
        images: how many seeds, counted on from the given one or drawn.
        zipped: True lets all axes move together, names only those; otherwise every combination is a cell.
        skip_invalid: leave out cells that their model cannot make.
        search_replace: a text of the prompt, and what to put in its place.
        variables: of the template, by name: a value, or several for an axis.
        given: fields by name, and variables too where the template has them: a value, or several for an axis.
        raw: leave braces in the prompt as they are.

    Raises:
        InvalidRequest: a name that is neither a field nor a variable, values that cannot be used, or too many cells.
    """
    axes, template = _prompts(prompt, raw=raw)
    texts = _templates(template, axes)
    wanted = set() if raw else {name for text in texts for name in names_in(text)}
    fields: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for name, value, is_variable in _named(variables or {}, given or {}, wanted):
        if not is_variable and name not in field_facts():
            raise _no_such_name(name)
        if is_variable and name not in wanted:
            raise _not_in_prompt(name)
        found = several(value, name, prose=is_variable)
        if isinstance(found, Axis):
            axes.append(PlanAxis(VARIABLE if is_variable else FIELD, found))
        elif is_variable:
            values[name] = found
        elif found is not None:
            fields[name] = found
    fields = {**_configured(host, [*fields, *(axis.name for axis in axes if axis.kind == FIELD)]), **fields}
    if search_replace is not None:
        axes.append(PlanAxis(REPLACE, _replacement(search_replace, texts)))
    _refuse_unfilled(wanted, values, axes)
    axes, fields, drawn = _with_seeds(axes, fields, images)
    _refuse_in_rows(axes)
    groups = _groups(axes, zipped)
    plan = Plan(template, fields, values, tuple(axes), groups, None, drawn, skip_invalid=skip_invalid, host=host)
    if plan.size > MAX_CELLS:
        raise InvalidRequest(
            f"the plan has {plan.size:,} cells, more than {MAX_CELLS:,}.", f"Ask for fewer values. {NOTHING_SENT}"
        )
    check_seeds(plan)
    return plan


def _configured(host: Host | None, given: Sequence[str]) -> dict[str, Any]:
    """What the configuration states for fields that are not given, as for a single request."""
    stated = {} if host is None else {name: getattr(host.settings, name) for name in CONFIGURED}
    return {name: value for name, value in stated.items() if value is not None and name not in given}


def _named(variables: Mapping[str, Any], given: Mapping[str, Any], wanted: set[str]) -> list[tuple[str, Any, bool]]:
    """Everything that has a name, and whether it is a variable of the prompt."""
    if not isinstance(variables, Mapping):
        raise refusal("variables", repr(variables), "cannot be used", "It takes names with their values, as a dict.")
    fields = [(name, value, name not in field_facts() and name in wanted) for name, value in given.items()]
    return [*((name, value, True) for name, value in variables.items()), *fields]


def several(value: Any, name: str, *, prose: bool = False) -> Any:
    """An `Axis` where a value stands for several, else the value.

    Args:
        value: text in the grammar of `request.axes`, something that holds several values, or one value.
        name: a field or a variable.
        prose: whether text stands for itself.
    """
    value = unwrapped(value)
    if value is None and not prose:
        return None
    if isinstance(value, Axis):
        return replace(value, name=name)
    if name == "style_references":
        return _references(value)
    if isinstance(value, str):
        return str(value) if prose else parse_axis(value, name)
    if is_several(value, name):
        return as_axis(value, name)
    return plain_value(value, name)


def _references(value: Any) -> Any:
    """Style references as a plan stores them: paths and addresses, or an axis of several such lists."""
    if is_several(value, "style_references"):
        axis = as_axis([_references(each) for each in value], "style_references")
        return replace(axis, labels=_distinct([reference_label(specs) for specs in axis.values]))
    listed = isinstance(value, list | tuple)
    for spec in value if listed else [value]:
        if isinstance(spec, StyleReference):
            raise refusal("style_references", spec.origin, "is an image in memory", "A plan is data: give its file.")
        refuse_password(str(spec))
    return [str(spec) for spec in value] if listed else plain_value(value, "style_references")


def _prompts(prompt: Any, *, raw: bool) -> tuple[list[PlanAxis], str]:
    """The axis of whole prompts or of rows, where there is one, and the template."""
    prompt = unwrapped(prompt)
    if isinstance(prompt, str):
        return [], prompt
    if isinstance(prompt, Iterator):  # which can be read only once
        prompt = list(islice(prompt, MAX_CELLS + 1))
    rows = _rows(prompt)
    if rows is not None:
        return [PlanAxis(ROW, _row_axis(rows, raw=raw))], ""
    if isinstance(prompt, Axis):
        return [PlanAxis(PROMPT, replace(prompt, name="prompt"))], ""
    if is_several(prompt):
        axis = as_axis(prompt, "prompt")
        if all(isinstance(text, str) for text in axis.values):
            return [PlanAxis(PROMPT, axis)], ""
    raise refusal("prompt", repr(prompt), "cannot be used", "It takes text, several texts, or a table of requests.")


def _rows(prompt: Any) -> list[tuple[str, Mapping[str, Any]]] | None:
    """The rows of a table, each with its label; None where it is not a table."""
    if is_table(prompt):
        records, labels = _records(prompt)
    elif isinstance(prompt, Iterable) and not isinstance(prompt, Mapping | Axis):
        records = list(prompt)
        if not records or not all(isinstance(row, Mapping) for row in records):
            return None
        labels = [str(number) for number in range(1, len(records) + 1)]
    else:
        return None
    return [(_label(row, label), row) for row, label in zip(records, labels, strict=True)]


def _records(table: Any) -> tuple[list[Mapping[str, Any]], list[str]]:
    """The rows of a data frame of pandas, or of polars, which has no index."""
    columns = [str(name) for name in table.columns]
    if twice := next((name for name in columns if columns.count(name) > 1), None):
        raise refusal("prompt", twice, "is the name of two columns", "Rename one: the other would be lost.")
    if hasattr(table, "to_dicts"):
        records = table.to_dicts()
        return records, [str(number) for number in range(1, len(records) + 1)]
    return table.to_dict("records"), [str(label) for label in table.index]


def _label(row: Mapping[str, Any], label: str) -> str:
    stated = next((row[name] for name in LABEL_COLUMNS if name in row and not is_missing(row[name])), None)
    return label if stated is None else label_of(stated)


def _row_axis(rows: Sequence[tuple[str, Mapping[str, Any]]], *, raw: bool) -> Axis:
    if not rows:
        raise refusal("prompt", "", "has no rows", "Give at least one.")
    return Axis("row", tuple(_row(row, raw=raw) for _, row in rows), _distinct([label for label, _ in rows]))


def _distinct(labels: Sequence[str]) -> tuple[str, ...]:
    """The labels, numbered where two are the same."""
    if len(set(labels)) == len(labels):
        return tuple(labels)
    return tuple(f"{number}: {label}" for number, label in enumerate(labels, 1))


def _row(row: Mapping[str, Any], *, raw: bool) -> dict[str, Any]:
    """A row as a plan holds it; what is missing in it (None, NaN) was not given."""
    given = {str(name): value for name, value in row.items() if not is_missing(value)}
    prompt = unwrapped(given.pop("prompt", None))
    if not isinstance(prompt, str):
        raise refusal("prompt", repr(prompt), "of a row is not text", "Every row needs a prompt.")
    names = [] if raw else names_in(prompt)
    fields = {name: _one(value, name) for name, value in given.items() if name in field_facts()}
    unknown = next((name for name in given if name not in (*field_facts(), *names, *LABEL_COLUMNS)), None)
    if unknown is not None:
        raise _no_such_name(unknown)
    variables = {name: plain_value(given[name], name) for name in names if name in given}
    return {"prompt": prompt, "fields": fields, "variables": variables}


def _one(value: Any, name: str) -> Any:
    """The value of a field in a row: numbers of a column with gaps come as 3.0, and mean 3."""
    found = several(value, name)
    if isinstance(found, Axis):
        raise refusal(name, label_of(value), "in a row names several values", "A row is one request.")
    whole = field_facts()[name].kind is int or name == "seed"
    return int(found) if whole and isinstance(found, float) and found.is_integer() else found


def _refuse_in_rows(axes: Sequence[PlanAxis]) -> None:
    """Refuse an axis of what every row, or some rows, say themselves: one of the two would be lost."""
    rows = [row for axis in axes if axis.kind == ROW for row in axis.axis.values]
    said = {name for row in rows for name in (*row["fields"], *row["variables"])}
    twice = next((axis.name for axis in axes if axis.name in said), None)
    if twice is not None:
        raise InvalidRequest(
            f"{twice} stands in the rows, and is given several values beside them.",
            f"Leave it out of one. {NOTHING_SENT}",
            field=twice,
        )


def _templates(template: str, axes: Sequence[PlanAxis]) -> list[str]:
    texts = [template] if template else []
    for axis in axes:
        texts += [value["prompt"] if axis.kind == ROW else value for value in axis.axis.values]
    return texts


def _replacement(given: Any, texts: Sequence[str]) -> Axis:
    words = list(parse_axis(given, "prompt") if isinstance(given, str) else given if is_several(given) else ())
    if not words or not all(isinstance(word, str) for word in words):
        raise refusal("replace", repr(given), "cannot be used", "It takes a text that is in the prompt, then others.")
    axis = replacement_axis(words)
    if len(axis) < 2 or not all(axis.values[0] in text for text in texts):
        raise refusal("replace", axis.values[0], "is not in the prompt", "The first text is what is replaced.")
    return axis


def _refuse_unfilled(wanted: set[str], values: Mapping[str, Any], axes: Sequence[PlanAxis]) -> None:
    filled = {*values, *(axis.name for axis in axes if axis.kind == VARIABLE)}
    missing = sorted(wanted - filled - _filled_by_rows(axes))
    if missing:
        raise InvalidRequest(
            f"the prompt has {{{{ {missing[0]} }}}}, and no value is given for it.",
            f"Give {missing[0]}=…, several values for an axis. {NOTHING_SENT}",
            field="prompt",
        )


def _filled_by_rows(axes: Sequence[PlanAxis]) -> set[str]:
    """The variables that every row with a place for them fills."""
    rows = [row for axis in axes if axis.kind == ROW for row in axis.axis.values]
    gaps = {name for row in rows for name in names_in(row["prompt"]) if name not in row["variables"]}
    return {name for row in rows for name in row["variables"]} - gaps


def _with_seeds(
    axes: list[PlanAxis], fields: dict[str, Any], images: int | None
) -> tuple[list[PlanAxis], dict[str, Any], bool]:
    """One seed for all cells, or an axis of seeds; drawn where none was given, and then fixed."""
    place = next((number for number, axis in enumerate(axes) if axis.kind == FIELD and axis.name == "seed"), None)
    if place is not None:
        labels = axes[place].axis.labels
        seeds = plan_seeds(list(axes[place].axis.values), images).seeds
        axes[place] = PlanAxis(FIELD, Axis("seed", seeds, labels))
        return axes, fields, False
    rows = [row for axis in axes if axis.kind == ROW for row in axis.axis.values]
    if rows and images is None and "seed" not in fields and all("seed" in row["fields"] for row in rows):
        return axes, fields, False
    planned = plan_seeds(fields.get("seed"), images)
    if len(planned.seeds) == 1 and images is None:
        return axes, {**fields, "seed": planned.seeds[0]}, planned.drawn
    rest = {name: value for name, value in fields.items() if name != "seed"}
    return [*axes, PlanAxis(FIELD, Axis("seed", planned.seeds, tuple(map(str, planned.seeds))))], rest, planned.drawn


def _groups(axes: Sequence[PlanAxis], zipped: Any) -> tuple[tuple[int, ...], ...]:
    names = [axis.name for axis in axes]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise InvalidRequest(f"{repeated} is given twice.", f"Leave it out once. {NOTHING_SENT}", field=repeated)
    together = _zipped(zipped, names)
    unknown = next((name for name in together if name not in names), None)
    if unknown is not None:
        raise InvalidRequest(
            f"zip names {unknown!r}, which has not several values.", f"Axes are {', '.join(names)}. {NOTHING_SENT}"
        )
    places = tuple(number for number, name in enumerate(names) if name in together)
    lengths = {names[place]: len(axes[place].axis) for place in places}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise InvalidRequest(
            f"what is zipped needs the same number of values: {said}.",
            f"Make them equal, or name what is zipped: zip=[…]. {NOTHING_SENT}",
        )
    alone = [(number,) for number in range(len(axes)) if number not in places]
    return tuple(sorted([*alone, *([places] if places else [])]))


def _zipped(zipped: Any, names: list[str]) -> list[str]:
    """The axes that move together."""
    if isinstance(zipped, bool) or zipped is None:
        return names if zipped else []
    together = [zipped] if isinstance(zipped, str) else list(zipped) if is_several(zipped) else [zipped]
    if not all(isinstance(name, str) for name in together):
        raise refusal("zip", repr(zipped), "cannot be used", "It takes True, or the names of what moves together.")
    return together


def filtered(plan: Plan, where: Where | None) -> Plan:
    """The cells of a plan for which `where`, which gets each cell's values by name, is true.

    Raises:
        InvalidRequest: `where` is not a function, or leaves no cell.
    """
    if where is None:
        return plan
    if not callable(where):
        raise refusal("where", repr(where), "is no function", "It gets a cell's values by name.")
    kept = tuple(index for index in plan.indices if where(plan.values(index)))
    if not kept:
        raise InvalidRequest("where leaves no cell.", f"It gets a cell's values by name. {NOTHING_SENT}")
    return replace(plan, kept=kept)


def _no_such_name(name: str) -> InvalidRequest:
    near = nearest(name, field_facts())
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    return InvalidRequest(
        f"there is no field {name!r}, and the prompt has no {{{{ {name} }}}}.", f"{hint}{NOTHING_SENT}", field=name
    )


def _not_in_prompt(name: str) -> InvalidRequest:
    return InvalidRequest(
        f"{name} is not in the prompt.", f"Put {{{{ {name} }}}} where it belongs. {NOTHING_SENT}", field=name
    )
