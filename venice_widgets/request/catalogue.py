"""What Venice sells: the models that an account can see, with their moving names and the style presets.

The wire is ``GET /models?type=image`` (with ``/models/traits`` and ``/image/styles`` beside it). Its fields come and
go: what is missing stays missing, what is unknown is ignored, and an entry that cannot be understood loses only itself
and is reported in `Catalogue.problems`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from venice_widgets.errors import NOTHING_SENT, CatalogueError, ModelUnavailable, clipped
from venice_widgets.redact import redact
from venice_widgets.suggest import nearest

from .field_support import FieldSupport, field_support, known_users
from .model import Model, Names, Sizing

if TYPE_CHECKING:
    from collections.abc import Mapping

CLOCK_SKEW_SECONDS = 300.0
"""A catalogue that is dated this far in the future says that the clock was set back."""

__all__ = [
    "CLOCK_SKEW_SECONDS", "Catalogue", "FieldSupport", "Model", "Problem", "Sizing", "field_support", "known_users",
    "parse_catalogue",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Problem:
    """An entry that could not be understood."""

    name: str
    """The entry's id, or its place in the list."""
    reason: str
    """What is wrong with it."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The models that an account can see, with the moving names (traits) and the style presets."""

    models: tuple[Model, ...]
    traits: Mapping[str, str] = field(default_factory=dict)
    """Moving alias -> model id, from GET /models/traits?type=image."""
    styles: Names | None = None
    """Exact style preset names from GET /image/styles; None where they could not be read."""
    problems: tuple[Problem, ...] = ()
    fetched_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    base_url: str = ""

    @property
    def age_seconds(self) -> float:
        """Seconds since it was fetched; negative where the clock was set back since."""
        return (datetime.now(UTC) - self.fetched_at).total_seconds()

    def is_older_than(self, seconds: float) -> bool:
        """Whether it is that old, or dated in the future, so that its age cannot be known."""
        return not -CLOCK_SKEW_SECONDS <= self.age_seconds < seconds

    def find(self, name: str) -> Model | None:
        """The model of this id or trait, or None. Ids are case-sensitive and win over traits."""
        by_id = {model.id: model for model in self.models}
        return by_id.get(name) or by_id.get(self.traits.get(name, ""))

    def with_recorded(self, entry: Mapping[str, Any]) -> Catalogue:
        """The same with one model as an earlier catalogue stated it; unchanged where that cannot be read."""
        model = _parse_entry(0, dict(entry))
        if isinstance(model, Problem):
            return self
        return replace(self, models=(*(each for each in self.models if each.id != model.id), model))

    def stand_in(self, model: Model) -> Model | None:
        """The model that answers under this one's id once it has ended; None where that is not known for certain."""
        named = self.find(model.deprecation.replacement) if model.deprecation.auto_remap else None
        return None if named is None or named.deprecation.may_be_remapped() else named

    def resolve(self, name: str | None) -> Model:
        """The model meant by an id, a trait, or nothing (the ``default`` trait).

        Raises:
            ModelUnavailable: no such model, or it makes no images, or it is offline.
        """
        model = self.find(name or "default")
        if model is None:
            raise ModelUnavailable(*self._unknown(name), field="model")
        if not model.generates:
            raise ModelUnavailable(
                f"model {model.id} makes no images from text.", f"See %venice models. {NOTHING_SENT}", field="model"
            )
        if model.offline:
            raise ModelUnavailable(
                f"model {model.id} is offline according to the catalogue.",
                f"Choose another (%venice models), or look again later (%venice models --refresh). {NOTHING_SENT}",
                field="model",
            )
        return model

    def _unknown(self, name: str | None) -> tuple[str, str]:
        if name is None:
            return (
                "the catalogue names no default model.",
                f"Choose a model; %venice models lists them. {NOTHING_SENT}",
            )
        if name in self.traits:
            gone = f"{name} stands for {self.traits[name]!r}, which is not in the catalogue."
            return gone, f"Choose another; %venice models lists them. {NOTHING_SENT}"
        near = nearest(name, [*(model.id for model in self.models), *self.traits])
        hint = f"Did you mean {' or '.join(near)}? " if near else ""
        # A key that was typed in its place is not shown; a name of any length is cut short.
        return (
            f"model {clipped(redact(repr(name)))} is not in the catalogue.",
            f"{hint}%venice models lists them. {NOTHING_SENT}",
        )


def parse_catalogue(
    models: bytes,
    traits: bytes | None = None,
    styles: bytes | None = None,
    *,
    base_url: str = "",
    fetched_at: datetime | None = None,
) -> Catalogue:
    """Read the three responses of the API; what cannot be read in them is reported, never guessed.

    Raises:
        CatalogueError: `models` is not a list of models at all.
    """
    entries = _load(models)
    entries = entries.get("data") if isinstance(entries, dict) else entries
    if not isinstance(entries, list):
        raise CatalogueError(
            "the response of /models is not a list of models.", "Try again; %venice doctor shows what came instead."
        )
    found: dict[str, Model] = {}
    problems: list[Problem] = []
    for place, entry in enumerate(entries):
        model = _parse_entry(place, entry)
        if isinstance(model, Problem):
            problems.append(model)
        elif model.id in found:
            problems.append(Problem(model.id, "is listed twice; the first entry counts"))
        elif (entry.get("type") or "image") == "image":
            found[model.id] = model
    moving, more = _parse_traits(traits, found)
    presets, most = _parse_styles(styles)
    return Catalogue(
        models=tuple(found.values()),
        traits=moving,
        styles=presets,
        problems=(*problems, *more, *most),
        fetched_at=fetched_at or datetime.now(UTC),
        base_url=base_url,
    )


def _load(text: bytes) -> Any:
    try:
        return json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError, InvalidOperation) as exc:
        raise CatalogueError(f"the list of models is not JSON: {exc}", "Try again in a minute.") from exc


def _parse_entry(place: int, entry: Any) -> Model | Problem:
    if not isinstance(entry, dict):
        return Problem(f"entry {place}", f"is {type(entry).__name__}, not an object")
    name = entry["id"] if isinstance(entry.get("id"), str) and entry["id"] else f"entry {place}"
    try:
        stated = _without_nulls(entry)
        if misshapen := _misshapen(stated):
            return Problem(name, f"{misshapen} is not an object")
        return Model.model_validate({**stated, "entry": entry})
    except RecursionError:
        return Problem(name, "is nested too deeply")
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])).removeprefix("model_spec.")
        return Problem(name, f"{where}: {first['msg']}")


def _misshapen(entry: Mapping[str, Any]) -> str:
    """The first group of facts that is not an object: ignored, it would leave a model without limits or prices."""
    groups = {"model_spec": entry.get("model_spec", {})}
    if isinstance(groups["model_spec"], dict):
        groups |= {name: groups["model_spec"].get(name, {}) for name in ("pricing", "constraints")}
    if isinstance(groups.get("constraints"), dict):
        groups["steps"] = groups["constraints"].get("steps", {})
    return next((name for name, group in groups.items() if not isinstance(group, dict)), "")


def _without_nulls(value: Any) -> Any:
    """A null means the same as a missing field here."""
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    return value


def _parse_traits(text: bytes | None, models: Mapping[str, Model]) -> tuple[dict[str, str], list[Problem]]:
    """The traits endpoint decides; the entries' own traits fill in what it does not say."""
    moving = {trait: model.id for model in models.values() for trait in model.traits}
    if text is None:
        return moving, [Problem("traits", "could not be fetched; the models' own traits are used")]
    try:
        data = _load(text)
    except CatalogueError as exc:
        return moving, [Problem("traits", exc.message)]
    stated = data.get("data") if isinstance(data, dict) else None
    if not isinstance(stated, dict):
        return moving, [Problem("traits", "the response of /models/traits is not an object of names")]
    return moving | {key: value for key, value in stated.items() if isinstance(value, str)}, []


def _parse_styles(text: bytes | None) -> tuple[Names | None, list[Problem]]:
    """``{"data": [...]}`` or a bare array: both are documented."""
    if text is None:
        return None, [Problem("styles", "could not be fetched; a style preset is not checked before sending")]
    try:
        data = _load(text)
    except CatalogueError as exc:
        return None, [Problem("styles", exc.message)]
    stated = data.get("data") if isinstance(data, dict) else data
    if not isinstance(stated, list):
        return None, [Problem("styles", "the response of /image/styles is not a list")]
    names = tuple(name for name in stated if isinstance(name, str))
    odd = [Problem("styles", f"{len(stated) - len(names)} entries are not names")] if len(names) < len(stated) else []
    return names if names or not stated else None, odd
