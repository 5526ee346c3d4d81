"""What is chosen in the panel: frozen facts and pure functions from one state to the next. No widget, no session.

`Form` is what is on the screen, and everything that a click sends. `Memory` is what was chosen for other models, so
that switching models and coming back loses nothing; it never decides a request. `State` holds both with the version
numbers by which an older message is told from a newer one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from dataclasses import fields as dataclass_fields
from enum import StrEnum
from random import SystemRandom
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from venice_widgets.request.axes import can_vary
from venice_widgets.request.fields import MAX_SEED, attribution_fields, field_facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from venice_widgets.request.catalogue import Model

PER_MODEL = frozenset({"width", "height"}) | {
    name for name, facts in field_facts().items() if facts.about.listed or facts.about.model_default
}
"""Fields that each model has its own limits for: remembered for each model."""
NOT_VALUES = frozenset({"model", "seed"})
"""Fields that have a place of their own in `Form`."""
REPLACE = "replace"
"""The axis of search and replace in the prompt."""
VARIED = frozenset(name for name in field_facts() if can_vary(name)) - attribution_fields() - {"seed"} | {REPLACE}
"""What a sweep can vary; several seeds are in the seed's own place."""


class SeedMode(StrEnum):
    """Where the next generation's seed comes from."""

    NEW = "new"
    FIXED = "fixed"
    COUNTING = "counting"


@dataclass(frozen=True, slots=True)
class Form:
    """What is on the screen. Numbers are as they were typed: `quote` reads and checks them."""

    model: str = ""
    """An id; empty before the catalogue is known."""
    prompt: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    """Field -> value, for what was chosen; a field that is absent is left to the model and the API."""
    seed_mode: SeedMode = SeedMode.NEW
    seed: str = ""
    """A number, list or range."""
    images: str = "1"
    again: bool = False
    """Send also what the log holds already."""
    sweep: Mapping[str, str] = field(default_factory=dict)
    """What is varied -> its values as they were typed, in the cell's grammar. Where there are any, they are sent in
    place of the one value."""
    skip_invalid: bool = False
    """Leave out the cells of a sweep that their model cannot make."""

    @property
    def seeds(self) -> str | None:
        """The seeds as `Session.build` takes them; None to draw them."""
        return None if self.seed_mode is SeedMode.NEW else self.seed.strip()

    @property
    def lists_seeds(self) -> bool:
        """Whether the seeds themselves say how many images there are."""
        return any(mark in (self.seeds or "") for mark in (",", ".."))

    def fields(self) -> dict[str, Any]:
        """The chosen fields as `Session.build` takes them, without the seed and what is varied."""
        values = {"model": self.model or None, **self.values}
        names = [name for name in field_facts() if name not in self.sweep]
        return dict(_chosen({name: as_sent(name, values.get(name)) for name in names}))

    def wire(self) -> dict[str, Any]:
        """As the browser holds it, and sends it back with a click."""
        parts = {part.name: getattr(self, part.name) for part in dataclass_fields(self)}
        return {**parts, "values": dict(self.values), "sweep": dict(self.sweep), "seed_mode": str(self.seed_mode)}


FORM_KINDS = {name: type(value) for name, value in Form().wire().items()}
"""Part of the form -> its kind, as the browser sends it."""


def form_from_wire(document: Mapping[str, Any]) -> Form:
    """The form that a click carries.

    Raises:
        KeyError: a part of it is missing.
        ValueError: a part of it is of the wrong kind.
    """
    parts = {name: document[name] for name in FORM_KINDS}
    if wrong := [name for name, kind in FORM_KINDS.items() if not isinstance(parts[name], kind)]:
        raise ValueError(f"the form has no such {wrong[0]}")
    if unknown := [name for name in parts["values"] if name not in field_facts() or name in NOT_VALUES]:
        raise ValueError(f"the form has no field {unknown[0]!r}")
    return Form(**{**read_parts(parts), "values": _chosen(parts["values"])})


def read_parts(parts: Mapping[str, Any]) -> dict[str, Any]:
    """Parts of a form as it holds them.

    Raises:
        ValueError: no such way to choose seeds, or something that cannot be varied.
    """
    return {name: _READERS.get(name, lambda same: same)(value) for name, value in parts.items()}


def varied(document: Mapping[str, Any]) -> Mapping[str, str]:
    """What a view says is varied.

    Raises:
        ValueError: it cannot be varied, or the values are not text.
    """
    for name, text in document.items():
        if name not in VARIED or not isinstance(text, str):
            raise ValueError(f"the form cannot vary {name!r}")
    return _frozen(document)


_READERS: Mapping[str, Callable[[Any], Any]] = {"seed_mode": SeedMode, "sweep": varied}


def as_sent(name: str, value: Any) -> Any:
    """A value as it is checked and sent: references one to a line; None where nothing was chosen."""
    if name == "style_references" and isinstance(value, str):
        return [line.strip() for line in value.splitlines() if line.strip()] or None
    if isinstance(value, str) and name != "negative_prompt":
        value = value.strip()
    return None if _is_empty(value) else value


def as_lines(references: Iterable[object]) -> str:
    """References as the form holds them: one to a line."""
    return "\n".join(map(str, references))


def _is_empty(value: Any) -> bool:
    """Nothing chosen. False and 0 are choices."""
    return value is None or value == "" or (isinstance(value, list | tuple) and not value)


@dataclass(frozen=True, slots=True)
class Memory:
    """What was chosen, on whatever model."""

    shared: Mapping[str, Any] = field(default_factory=dict)
    """Field -> value, as it was last chosen on any model."""
    own: Mapping[tuple[str, str], Any] = field(default_factory=dict)
    """(model, field) -> value for `PER_MODEL`; None where that model's default was chosen."""

    def with_value(self, model: str, name: str, value: Any) -> Memory:
        """The same with one field chosen on a model."""
        own = {**self.own, (model, name): value} if name in PER_MODEL else self.own
        return Memory(_frozen({**self.shared, name: value}), _frozen(own))

    def values(self, model: Model) -> dict[str, Any]:
        """What applies to this model."""
        names = [name for name in field_facts() if name not in NOT_VALUES and model.takes(name)]
        return dict(_chosen({name: self._value(name, model) for name in names}))

    def left_out(self, model: Model) -> dict[str, Any]:
        """What was chosen and this model does not take."""
        return {name: value for name, value in _chosen(self.shared).items() if not model.takes(name)}

    def _value(self, name: str, model: Model) -> Any:
        if (model.id, name) in self.own:
            return self.own[model.id, name]
        value = self.shared.get(name)
        return value if fits(name, value, model) else None


def fits(name: str, value: Any, model: Model) -> bool:
    """Whether a value that was chosen on another model can be this model's too."""
    if field_facts()[name].about.listed:
        return value in model.allowed(name)
    if name in ("width", "height"):
        return str(value).isdecimal() and int(value) % (model.width_height_divisor or 1) == 0
    if name == "steps" and str(value).isdecimal():
        return model.steps_max is None or int(value) <= model.steps_max
    return True


@dataclass(frozen=True, slots=True)
class State:
    """The choices, and what tells an older message from a newer one."""

    form: Form = field(default_factory=Form)
    memory: Memory = field(default_factory=Memory)
    version: int = 0
    """Counts the forms."""
    editor: tuple[str, int] = ("", 0)
    """The view that made this form, and the number of its message; no one's where Python made it."""
    seen: Mapping[str, int] = field(default_factory=dict)
    """View -> the number of its newest message."""


def is_news(state: State, view: str, number: int) -> bool:
    """Whether a message is newer than all of its view before."""
    return number > state.seen.get(view, 0)


def heard(state: State, view: str, number: int) -> State:
    """The state after a message has come."""
    return replace(state, seen=_frozen({**state.seen, view: number}))


def replaced(state: State, form: Form) -> State:
    """Another form, made by Python."""
    return replace(state, form=form, version=state.version + 1, editor=("", 0))


def carried(state: State, form: Form) -> State:
    """The form that a click carried: it is what a screen shows."""
    memory = state.memory
    for name in form.values.keys() | state.form.values.keys():
        if form.values.get(name) != state.form.values.get(name):
            memory = memory.with_value(form.model, name, form.values.get(name))
    return replace(replaced(state, form), memory=memory)


def edited(state: State, view: str, number: int, changes: Mapping[str, Any], model: Model | None) -> State:
    """A view's changes: parts of the form by name, or under ``values`` fields of the request.

    Args:
        state: before.
        view: whose changes.
        number: of its message.
        changes: what is new.
        model: what `changes` names as the model, else the one in use; None where it is not in the catalogue.
    """
    values = {name: value for name, value in changes.get("values", {}).items() if name in field_facts()}
    parts = read_parts({name: value for name, value in changes.items() if name != "values"})
    form, memory = replace(state.form, **parts), state.memory
    if "model" in parts and model is not None:
        form = replace(form, values=_frozen(memory.values(model)))
    for name, value in values.items():
        memory = memory.with_value(form.model, name, value)
    form = replace(form, values=_chosen({**form.values, **values}), again=parts.get("again") is True)
    return replace(state, form=form, memory=memory, version=state.version + 1, editor=(view, number))


def spliced(state: State, view: str, number: int, splice: tuple[int, int, str], base: int) -> State | None:
    """One change within the prompt; None where the view did not have this prompt before it."""
    if state.editor != (view, number - 1) and state.version != base:
        return None
    start, removed, text = splice
    units = state.form.prompt.encode("utf-16-le", "surrogatepass")
    whole = units[: 2 * start] + text.encode("utf-16-le", "surrogatepass") + units[2 * (start + removed) :]
    form = replace(state.form, prompt=whole.decode("utf-16-le", "surrogatepass"), again=False)
    return replace(state, form=form, version=state.version + 1, editor=(view, number))


def settled(state: State, model: Model) -> State:
    """The catalogue is here: the model by its id (an alias moves), and only the values that it takes."""
    asked = state.form.model
    own = {(model.id, name): value for (_, name), value in state.memory.own.items()} if asked != model.id else {}
    memory = replace(state.memory, own=_frozen({**state.memory.own, **own}))
    form = replace(state.form, model=model.id, values=_frozen(memory.values(model)))
    return state if form == state.form else replace(replaced(state, form), memory=memory)


def started(
    model: str, prompt: str, images: str, seed: str, values: Mapping[str, Any], sweep: Mapping[str, str] | None = None
) -> State:
    """The state that a panel begins with.

    Raises:
        ValueError: something in `sweep` cannot be varied.
    """
    mode = SeedMode.FIXED if seed else SeedMode.NEW
    state = State(Form(model=model, prompt=prompt, images=images, seed=seed, seed_mode=mode, sweep=varied(sweep or {})))
    return replace(edited(state, "", 0, {"values": values}, None), editor=("", 0))


def use_seed(state: State, seed: int) -> State:
    """One image with this seed."""
    return replaced(state, replace(state.form, seed_mode=SeedMode.FIXED, seed=str(seed), images="1", again=False))


def remix(state: State, model: Model | None, request: Mapping[str, Any]) -> State:
    """Everything of a request but its seed, which will be new."""
    name = model.id if model else str(request["model"])
    memory = Memory(own=_frozen({place: value for place, value in state.memory.own.items() if place[0] != name}))
    for field_name, value in request.items():
        if field_name in field_facts() and field_name not in NOT_VALUES:
            memory = memory.with_value(name, field_name, value)
    values = memory.values(model) if model else dict(memory.shared)
    form = replace(
        state.form,
        model=name,
        prompt=str(request["prompt"]),
        values=_frozen(values),
        seed_mode=SeedMode.NEW,
        again=False,
        sweep={},
        skip_invalid=False,
    )
    return replace(replaced(state, form), memory=memory)


def use_all(state: State, model: Model | None, request: Mapping[str, Any]) -> State:
    """Everything of a request: the same image again, where the model allows."""
    return use_seed(remix(state, model, request), request["seed"])


def reset(state: State) -> State:
    """Everything at its default, but for the model."""
    return replace(replaced(state, Form(model=state.form.model)), memory=Memory())


def drawn(state: State) -> State:
    """A seed drawn now and fixed; never 0, which the API's schema takes for "none given"."""
    return replaced(
        state,
        replace(
            state.form, seed_mode=SeedMode.FIXED, seed=str(SystemRandom().randint(1, MAX_SEED - 1000)), again=False
        ),
    )


def _chosen(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without what was not chosen."""
    return _frozen({name: value for name, value in values.items() if not _is_empty(value)})


def _frozen(mapping: Mapping[Any, Any]) -> Mapping[Any, Any]:
    return MappingProxyType(dict(mapping))
