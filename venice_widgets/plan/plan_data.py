"""`PlanData`: what is to be made, as frozen data that can be stored and cut into parts.

A plan is a template and its axes. Every cell is one request: the template with one value of each axis, and one seed.
Nothing here sends or prices anything; `plan.Plan` adds that.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from operator import index as index_of
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, SupportsIndex

from venice_widgets.errors import NOTHING_SENT, InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Self

    from venice_widgets.request.axes import Axis

    from .host import Host

SCHEMA = 1
KIND = "venice-plan"
"""What a plan's JSON says that it is."""
MAX_CELLS = 100_000
BRACES = re.compile(r"\{\{\s*([^\W\d]\w*(?:\.[^\W\d]\w*)*)\s*\}\}")

FIELD, PROMPT, VARIABLE, REPLACE, ROW = "field", "prompt", "variable", "replace", "row"


@dataclass(frozen=True, slots=True)
class PlanAxis:
    """An axis and what its values are for."""

    kind: str
    """``field``, ``prompt`` (whole prompts), ``variable`` (of the prompt), ``replace``, or ``row`` (of a table)."""
    axis: Axis

    @property
    def name(self) -> str:
        """What headings and coordinates call it."""
        return self.axis.name


@dataclass(frozen=True, slots=True)
class PlanCell:
    """One request of a plan, not yet held to its model's limits."""

    index: int
    """Its place in the whole plan, from 0. It stays the same in every part."""
    coordinates: Mapping[str, str]
    """Axis -> label."""
    prompt: str
    fields: Mapping[str, Any]
    """Without the seed."""
    seed: int


@dataclass(frozen=True)
class PlanData:
    """Requests that differ in the values of some axes and in nothing else."""

    prompt: str
    """The template; empty where each cell has a prompt of its own."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """What all cells share, the seed included."""
    variables: Mapping[str, Any] = field(default_factory=dict)
    """Of the template: name -> value."""
    axes: tuple[PlanAxis, ...] = ()
    groups: tuple[tuple[int, ...], ...] = ()
    """The axes, by their places, that move together; each on its own unless zipped."""
    kept: tuple[int, ...] | None = None
    """The cells that belong to it, by index; None for all."""
    seed_drawn: bool = False
    """Whether the program drew the seeds, once, for this plan."""
    part: str = ""
    """``3/10`` for a part of a plan; empty for a whole one."""
    skip_invalid: bool = False
    """Whether cells that their model cannot make are left out."""
    notes: tuple[str, ...] = field(default=(), compare=False)
    """What the user should know of it, a sentence each."""
    host: Host | None = field(default=None, repr=False, compare=False)
    """The session that it runs in."""

    def __hash__(self) -> int:
        return hash((self.prompt, self.groups, self.kept, self.part))

    # The cells. What follows from the data is computed once; threads that come at the same time compute the same.

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """How many values each group of axes has."""
        return tuple(len(self.axes[group[0]].axis) for group in self.groups)

    @cached_property
    def size(self) -> int:
        """How many cells the whole plan has, those left out included."""
        total = 1
        for length in self.shape:
            total *= length
        return total

    @property
    def indices(self) -> Sequence[int]:
        """The cells that belong to it, by index."""
        return range(self.size) if self.kept is None else self.kept

    def __len__(self) -> int:
        return len(self.indices)

    def __iter__(self) -> Iterator[PlanCell]:
        return map(self.cell, self.indices)

    def places(self, index: int) -> tuple[int, ...]:
        """Which value of each axis a cell has.

        Raises:
            IndexError: there is no such cell.
        """
        if not 0 <= index < self.size:
            raise IndexError(f"there is no cell {index}: the cells are 0 … {self.size - 1:,}.")
        found = [0] * len(self.axes)
        for group, length in zip(reversed(self.groups), reversed(self.shape), strict=True):
            index, place = divmod(index, length)
            for axis in group:
                found[axis] = place
        return tuple(found)

    def coordinates(self, index: int) -> dict[str, str]:
        """Axis -> label of a cell."""
        return self._labels(self.places(index))

    def _labels(self, places: Sequence[int]) -> dict[str, str]:
        return {axis.name: axis.axis.labels[place] for axis, place in zip(self.axes, places, strict=True)}

    def cell(self, index: int) -> PlanCell:
        """One request."""
        places = self.places(index)
        chosen = [(axis, axis.axis.values[place]) for axis, place in zip(self.axes, places, strict=True)]
        prompt, fields, variables = self.prompt, dict(self.fields), dict(self.variables)
        for axis, value in chosen:
            if axis.kind == FIELD:
                fields[axis.name] = value
            elif axis.kind == VARIABLE:
                variables[axis.name] = value
            elif axis.kind == PROMPT:
                prompt = value
            elif axis.kind == ROW:
                prompt = value["prompt"]
                fields |= value["fields"]
                variables |= value["variables"]
        for axis, value in chosen:
            if axis.kind == REPLACE:
                prompt = replaced(prompt, axis.axis.values[0], value)
        seed = fields.pop("seed")
        return PlanCell(index, self._labels(places), fill(prompt, variables), fields, seed)

    def values(self, index: int) -> dict[str, Any]:
        """What a cell is made of, by name: fields, variables, ``prompt``."""
        cell = self.cell(index)
        axes = {axis.name: axis.axis.values[place] for axis, place in zip(self.axes, self.places(index), strict=True)}
        rows = [value for axis, value in zip(self.axes, axes.values(), strict=True) if axis.kind == ROW]
        named = {name: value for row in rows for name, value in row["variables"].items()}
        return {**self.variables, **named, **axes, **cell.fields, "seed": cell.seed, "prompt": cell.prompt}

    # As data.

    @cached_property
    def plan_id(self) -> str:
        """The same for every plan of the same cells and seeds, and for all its parts."""
        return _digest(self._definition())

    @cached_property
    def template_id(self) -> str:
        """The same for every plan that differs in drawn seeds alone."""
        return _digest(_without_drawn_seeds(self._definition()) if self.seed_drawn else self._definition())

    def to_json(self) -> str:
        """The plan as JSON, which `from_json` reads.

        Raises:
            InvalidRequest: a value is neither text, a number nor a path.
        """
        whole = {**self._definition(), "id": self.plan_id, "part": self.part, "skip_invalid": self.skip_invalid}
        if self.kept is not None:
            whole["cells"] = _ranges(self.kept)
        return json.dumps(whole, ensure_ascii=False, indent=1, default=_plain)

    def _definition(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "kind": KIND,
            "prompt": self.prompt,
            "fields": dict(self.fields),
            "variables": dict(self.variables),
            "axes": [
                {
                    "name": axis.name,
                    "kind": axis.kind,
                    "values": list(axis.axis.values),
                    "labels": list(axis.axis.labels),
                }
                for axis in self.axes
            ],
            "groups": [list(group) for group in self.groups],
            "seed_drawn": self.seed_drawn,
        }

    def shard(self, part: SupportsIndex, parts: SupportsIndex) -> Self:
        """Every `parts`-th cell, for a machine or job of its own. Together the parts are the plan.

        Args:
            part: which one, 1 … `parts`.
            parts: how many there are.

        Raises:
            InvalidRequest: there is no such part, or the parts would each pay for rewriting the same prompt.
        """
        number, count = _counted(part), _counted(parts)
        if not 1 <= number <= count:
            raise InvalidRequest(f"part {part} of {parts} does not exist.", "Parts are counted from 1.", field="shard")
        if self.part:
            raise InvalidRequest(f"this is part {self.part} already.", "Cut the whole plan.", field="shard")
        self._refuse_torn(count)
        return replace(self, kept=tuple(self.indices[number - 1 :: count]), part=f"{number}/{count}")

    def _refuse_torn(self, parts: int) -> None:
        """Each part would have a prompt rewritten anew: another fee, and images of another prompt."""
        if "enhance_prompt" not in self._field_names():
            return
        found: dict[str, int] = {}
        for place, cell in enumerate(self):
            if _is_on(cell.fields.get("enhance_prompt")) and found.setdefault(cell.prompt, place % parts) != (
                place % parts
            ):
                raise InvalidRequest(
                    "enhance_prompt has a prompt rewritten once for all its cells, and these parts would each have it "
                    "rewritten and pay for it.",
                    f"Run the whole plan, or send the rewritten prompt without enhance_prompt. {NOTHING_SENT}",
                    field="shard",
                )

    def _field_names(self) -> set[str]:
        """Every field that some cell has."""
        rows = (row for axis in self.axes if axis.kind == ROW for row in axis.axis.values)
        return {*self.fields, *(axis.name for axis in self.axes), *(name for row in rows for name in row["fields"])}

    def __repr__(self) -> str:
        axes = " × ".join(f"{axis.name} ({len(axis.axis)})" for axis in self.axes) or "one cell"
        return f"<Plan {self.plan_id[:8]}{f' part {self.part}' if self.part else ''}: {len(self)} cells, {axes}>"


def _counted(value: object) -> int:
    """A whole number of any library; 0 for what is none."""
    return index_of(value) if isinstance(value, SupportsIndex) and not isinstance(value, bool) else 0


def _is_on(value: Any) -> bool:
    """Whether a switch is on, as its field reads it."""
    return str(value).casefold() in ("true", "1", "yes", "on", "y", "t")


def fill(template: str, variables: Mapping[str, Any]) -> str:
    """The template with the values of its variables; other braces stay as they are."""
    if "{{" not in template:
        return template
    return BRACES.sub(lambda match: str(variables[match[1]]) if match[1] in variables else match[0], template)


def replaced(template: str, old: str, new: str) -> str:
    """The template with one text in place of another, the names in its braces excepted."""
    parts = re.split(rf"({BRACES.pattern.replace('(', '(?:', 1)})", template) if "{{" in template else [template]
    return "".join(part if place % 2 else part.replace(old, new) for place, part in enumerate(parts))


def names_in(template: str) -> list[str]:
    """The variables of a template, in the order of their first appearance."""
    return list(dict.fromkeys(BRACES.findall(template)))


def _plain(value: Any) -> Any:
    """What JSON does not know: a path as its text."""
    if isinstance(value, PurePath):
        return str(value)
    raise InvalidRequest(
        f"a plan cannot hold a value of type {type(value).__name__}.",
        f"Give text, numbers and paths: a style reference by its file. {NOTHING_SENT}",
    )


def _digest(document: Mapping[str, Any]) -> str:
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_plain)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _without_drawn_seeds(document: dict[str, Any]) -> dict[str, Any]:
    axes = [
        {**axis, "values": len(axis["values"]), "labels": None} if axis["name"] == "seed" else axis
        for axis in document["axes"]
    ]
    fields = {name: value for name, value in document["fields"].items() if name != "seed"}
    return {**document, "axes": axes, "fields": fields}


def _ranges(indices: Sequence[int]) -> list[list[int]]:
    """Indices as [first, last, step] triples, so that a part of ten thousand cells is a few of them."""
    found: list[list[int]] = []
    for index in indices:
        if found and (last := found[-1])[0] == last[1]:
            last[1:] = [index, index - last[0]]
        elif found and index - found[-1][1] == found[-1][2]:
            found[-1][1] = index
        else:
            found.append([index, index, 0])
    return found


def is_rising(indices: Sequence[int]) -> bool:
    """Whether no cell is there twice, and in order."""
    return all(first < second for first, second in pairwise(indices))
