"""What a person has chosen in the panel, without any widget: frozen, and kept when they look at another model.

A value stands here as it was chosen. Whether it applies is asked of each model anew, so that switching models and
coming back loses nothing: sizes and tiers are remembered for each model, everything else is shared.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from venice_widgets.request.fields import field_facts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from venice_widgets.request.catalogue import Model

OWN = frozenset({"width", "height", "aspect_ratio", "resolution", "quality", "steps"})
"""What each model has its own limits for: remembered for each."""
ELSEWHERE = frozenset({"model", "seed"})
"""Fields that are chosen by controls of their own."""


class SeedMode(StrEnum):
    """Where the next generation's seed comes from."""

    NEW = "new each time"
    FIXED = "fixed"
    COUNTING = "counting up"


@dataclass(frozen=True, slots=True)
class Choices:
    """Everything that decides the next generation."""

    model: str = ""
    """An id; empty for the catalogue's default."""
    prompt: str = ""
    shared: Mapping[str, Any] = field(default_factory=dict)
    """Field -> value, as it was last chosen on any model."""
    own: Mapping[tuple[str, str], Any] = field(default_factory=dict)
    """(model, field) -> value, for the fields in `OWN`; None where the model's default was chosen."""
    seed_mode: SeedMode = SeedMode.NEW
    seed: str = ""
    """A number, list or range, as it was typed."""
    images: int = 1

    def with_field(self, name: str, value: Any) -> Choices:
        """The same with one field chosen; None for the model's or API's own default."""
        value = None if value in ("", (), []) else value
        own = {**self.own, (self.model, name): value} if name in OWN else self.own
        return replace(self, shared=MappingProxyType({**self.shared, name: value}), own=MappingProxyType(dict(own)))

    def with_fields(self, fields: Mapping[str, Any]) -> Choices:
        """The same with several fields chosen."""
        chosen = self
        for name, value in fields.items():
            chosen = chosen.with_field(name, value)
        return chosen

    def without_fields(self) -> Choices:
        """The same with every field at its default, on this model and as a start on the others."""
        own = {place: value for place, value in self.own.items() if place[0] != self.model}
        defaults = {(self.model, name): None for name in OWN}
        return replace(self, shared=MappingProxyType({}), own=MappingProxyType({**own, **defaults}))

    def value(self, name: str, model: Model) -> Any:
        """What is chosen for a field where it applies to this model; None for the default."""
        if not model.takes(name):
            return None
        if (model.id, name) in self.own:
            return self.own[model.id, name]
        value = self.shared.get(name)
        return value if fits(name, value, model) else None

    def fields(self, model: Model) -> dict[str, Any]:
        """The fields of the request: what was chosen, applies to this model, and is not a default."""
        values = {name: _as_sent(name, self.value(name, model)) for name in field_facts() if name not in ELSEWHERE}
        return {name: value for name, value in values.items() if value is not None}

    @property
    def seeds(self) -> str | None:
        """What the plan is told of seeds; None to draw them."""
        return None if self.seed_mode is SeedMode.NEW else self.seed.strip()

    @property
    def seeds_are_listed(self) -> bool:
        """Whether the seeds themselves say how many pictures there are."""
        text = self.seeds or ""
        return "," in text or ".." in text

    @property
    def images_or_none(self) -> int | None:
        """How many pictures, where the seeds leave that open."""
        return None if self.seeds_are_listed else self.images


def _as_sent(name: str, value: Any) -> Any:
    """References are typed one a line; numbers are read where every value is checked."""
    if name == "style_references" and isinstance(value, str):
        return [line.strip() for line in value.splitlines() if line.strip()] or None
    return value.strip() or None if isinstance(value, str) and name not in ("prompt", "negative_prompt") else value


def fits(name: str, value: Any, model: Model) -> bool:
    """Whether a value that was chosen on another model can be this model's too."""
    if value is None:
        return True
    listed = {"aspect_ratio": model.aspect_ratios, "resolution": model.resolutions, "quality": model.qualities}
    if name in listed:
        return value in listed[name]
    if name in ("width", "height"):
        return isinstance(value, int) and value % (model.width_height_divisor or 1) == 0
    if name == "steps" and str(value).isdecimal():
        return model.steps_max is None or int(value) <= model.steps_max
    return True
