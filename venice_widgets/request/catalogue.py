"""What Venice sells: models, their limits and their prices, as frozen facts.

The wire is ``GET /models?type=image`` (with ``/models/traits`` and ``/image/styles`` beside it). Its fields come and
go, so each fact here is declared once, with the path where the wire keeps it; what is missing stays missing, what is
unknown is ignored, and an entry that cannot be understood loses only itself and is kept in `Catalogue.problems`.

What the wire does not say (which models use a seed, a negative prompt, steps) stands in one table at the end of this
file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AliasPath, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from venice_widgets.errors import CatalogueError, ModelUnavailable
from venice_widgets.suggest import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Sizing(StrEnum):
    """How a model is told the size of its picture."""

    PIXELS = "pixels"
    RATIO = "ratio"
    TIERS = "tiers"


class FieldSupport(StrEnum):
    """What is known of a field that a model takes without complaint."""

    SUPPORTED = "supported"
    IGNORED = "ignored"
    UNKNOWN = "unknown"


def _usd(price: Any) -> Any:
    """``{"usd": 0.01, "diem": 0.01}`` -> 0.01; through text, so that no binary fraction gets in."""
    amount = price.get("usd") if isinstance(price, dict) else price
    if isinstance(amount, bool):
        raise ValueError("a price is a number")  # noqa: TRY004  pydantic collects ValueError
    return str(amount) if isinstance(amount, float) else amount


def _at(*path: str) -> Any:
    return AliasPath("model_spec", *path)


Usd = Annotated[Decimal, BeforeValidator(_usd), Field(ge=0, le=1_000_000, allow_inf_nan=False)]
Names = tuple[str, ...]
Count = Annotated[int, Field(ge=1)]


class Model(BaseModel):
    """One entry of the catalogue. Source: GET /models?type=image, ``model_spec``; prices in US dollars."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=False)

    id: str = Field(min_length=1)
    name: str = Field("", validation_alias=_at("name"))
    description: str = Field("", validation_alias=_at("description"))
    privacy: str = Field("", validation_alias=_at("privacy"))
    traits: Names = Field((), validation_alias=_at("traits"))
    offline: bool = Field(default=False, validation_alias=_at("offline"))
    beta: bool = Field(default=False, validation_alias=_at("betaModel"))
    uncensored: bool = Field(default=False, validation_alias=_at("uncensored"))
    deprecation_date: str = Field("", validation_alias=_at("deprecation", "date"))
    deprecation_replacement: str = Field("", validation_alias=_at("deprecation", "replacement"))
    supports_web_search: bool = Field(default=False, validation_alias=_at("supportsWebSearch"))
    supports_style_references: bool = Field(default=False, validation_alias=_at("supportsStyleReferences"))
    supports_optimize_prompt_thinking: bool = Field(
        default=False, validation_alias=_at("supportsOptimizePromptThinking")
    )

    prompt_character_limit: Count | None = Field(None, validation_alias=_at("constraints", "promptCharacterLimit"))
    steps_default: Count | None = Field(None, validation_alias=_at("constraints", "steps", "default"))
    steps_max: Count | None = Field(None, validation_alias=_at("constraints", "steps", "max"))
    width_height_divisor: Count | None = Field(None, validation_alias=_at("constraints", "widthHeightDivisor"))
    aspect_ratios: Names = Field((), validation_alias=_at("constraints", "aspectRatios"))
    default_aspect_ratio: str = Field("", validation_alias=_at("constraints", "defaultAspectRatio"))
    resolutions: Names = Field((), validation_alias=_at("constraints", "resolutions"))
    default_resolution: str = Field("", validation_alias=_at("constraints", "defaultResolution"))
    qualities: Names = Field((), validation_alias=_at("constraints", "qualities"))
    default_quality: str = Field("", validation_alias=_at("constraints", "defaultQuality"))
    max_style_references: Count | None = Field(None, validation_alias=_at("constraints", "maxStyleReferences"))
    supports_style_reference_strength: bool = Field(
        default=False, validation_alias=_at("constraints", "supportsStyleReferenceStrength")
    )

    price_generation: Usd | None = Field(None, validation_alias=_at("pricing", "generation"))
    price_resolutions: dict[str, Usd] = Field({}, validation_alias=_at("pricing", "resolutions"))
    price_quality: dict[str, dict[str, Usd]] = Field({}, validation_alias=_at("pricing", "quality"))

    entry: dict[str, Any] = Field({}, repr=False)
    """The entry as it stood on the wire, for the record."""

    @property
    def sizing(self) -> Sizing:
        """Tiers where the model lists resolutions, else ratio where it lists aspect ratios, else pixels."""
        if self.resolutions:
            return Sizing.TIERS
        return Sizing.RATIO if self.aspect_ratios else Sizing.PIXELS

    @property
    def generates(self) -> bool:
        """Whether it makes pictures from text; ``bria-bg-remover`` stands in the list and does not."""
        return not _matches(self.id, _GENERATE_NOTHING)

    def support(self, name: str) -> FieldSupport:
        """What is known of the field `name` (``seed``, ``negative_prompt``, ``steps``) on this model."""
        return field_support(self.id, name)

    def takes(self, name: str) -> bool:
        """Whether the field `name` means anything to this model, by what the catalogue says of it."""
        stated = {
            "width": self.sizing is Sizing.PIXELS,
            "height": self.sizing is Sizing.PIXELS,
            "aspect_ratio": bool(self.aspect_ratios),
            "resolution": bool(self.resolutions),
            "quality": bool(self.qualities),
            "style_references": self.supports_style_references,
            "enable_web_search": self.supports_web_search,
            "disable_prompt_optimization_thinking": self.supports_optimize_prompt_thinking,
        }
        return stated.get(name, True)

    def unit_prices(self) -> tuple[Decimal, ...]:
        """Every price of one picture that this entry states for billing, ascending; empty where it states none."""
        matrix = [price for row in self.price_quality.values() for price in row.values()]
        prices = matrix or list(self.price_resolutions.values())
        if not prices and self.price_generation is not None:
            prices = [self.price_generation]
        return tuple(sorted(set(prices)))


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
        """Seconds since it was fetched."""
        return (datetime.now(UTC) - self.fetched_at).total_seconds()

    def find(self, name: str) -> Model | None:
        """The model of this id or trait, or None. Ids are case-sensitive and win over traits."""
        by_id = {model.id: model for model in self.models}
        return by_id.get(name) or by_id.get(self.traits.get(name, ""))

    def resolve(self, name: str | None) -> Model:
        """The model meant by an id, a trait, or nothing (the ``default`` trait).

        Raises:
            ModelUnavailable: no such model, or it makes no pictures, or it is offline.
        """
        model = self.find(name or "default")
        if model is None:
            raise ModelUnavailable(*self._unknown(name), field="model")
        if not model.generates:
            raise ModelUnavailable(
                f"model {model.id} makes no pictures from text.", "See %venice models. Nothing was sent.", field="model"
            )
        if model.offline:
            raise ModelUnavailable(
                f"model {model.id} is offline, says the catalogue.",
                "Choose another (%venice models), or look again later (%venice models --refresh). Nothing was sent.",
                field="model",
            )
        return model

    def _unknown(self, name: str | None) -> tuple[str, str]:
        if name is None:
            return (
                "the catalogue names no default model.",
                "Choose one with --model; see %venice models. Nothing was sent.",
            )
        if name in self.traits:
            gone = f"{name} stands for {self.traits[name]!r}, which is not in the catalogue."
            return gone, "Choose another; %venice models lists them. Nothing was sent."
        near = nearest(name, [*(model.id for model in self.models), *self.traits])
        hint = f"Did you mean {' or '.join(near)}? " if near else ""
        return f"model {name!r} is not in the catalogue.", f"{hint}%venice models lists them. Nothing was sent."


def parse_catalogue(
    models: bytes,
    traits: bytes | None = None,
    styles: bytes | None = None,
    *,
    base_url: str = "",
    fetched_at: datetime | None = None,
) -> Catalogue:
    """Read the three answers of the API; what cannot be read in them is reported, never guessed.

    Raises:
        CatalogueError: `models` is no list of models at all.
    """
    entries = _load(models)
    entries = entries.get("data") if isinstance(entries, dict) else entries
    if not isinstance(entries, list):
        raise CatalogueError(
            "the answer of /models is no list of models.", "Try again; %venice doctor shows what came instead."
        )
    found: dict[str, Model] = {}
    problems: list[Problem] = []
    for place, entry in enumerate(entries):
        model = _parse_entry(place, entry)
        if isinstance(model, Problem):
            problems.append(model)
        elif model.id in found:
            problems.append(Problem(model.id, "stands twice in the list; the first entry counts"))
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
        raise CatalogueError(f"the list of models is no JSON: {exc}", "Try again in a minute.") from exc


def _parse_entry(place: int, entry: Any) -> Model | Problem:
    if not isinstance(entry, dict):
        return Problem(f"entry {place}", f"is {type(entry).__name__}, not an object")
    name = entry["id"] if isinstance(entry.get("id"), str) and entry["id"] else f"entry {place}"
    try:
        stated = _without_nulls(entry)
        if misshapen := _misshapen(stated):
            return Problem(name, f"{misshapen} is no object")
        return Model.model_validate({**stated, "entry": entry})
    except RecursionError:
        return Problem(name, "is nested too deeply")
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])).removeprefix("model_spec.")
        return Problem(name, f"{where}: {first['msg']}")


def _misshapen(entry: Mapping[str, Any]) -> str:
    """The first group of facts that is no object: passed over, it would leave a model without limits or prices."""
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
        return moving, [Problem("traits", "the answer of /models/traits is no object of names")]
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
        return None, [Problem("styles", "the answer of /image/styles is no list")]
    names = tuple(name for name in stated if isinstance(name, str))
    odd = [Problem("styles", f"{len(stated) - len(names)} entries are no names")] if len(names) < len(stated) else []
    return names if names or not stated else None, odd


def _matches(model_id: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(model_id.lower(), pattern) for pattern in patterns)


_GENERATE_NOTHING = ("bria-bg-remover", "*-bg-remover")

_USE_STEPS = ("venice-sd35", "lustify-*", "wai-illustrious")

# What the API takes without complaint and the catalogue does not tell apart, by patterns of ids in lower case:
# field -> (models known to use it, models known to drop it). Everything else is unknown. Sources: the published
# guides, the vendor's notes for client authors, and what other clients' authors measured.
_KNOWN: dict[str, tuple[Names, Names]] = {
    "seed": (
        ("z-image-turbo", "seedream-v4", "nano-banana-2", "venice-sd35"),
        (
            "gpt-image*",
            "muse*",
            "luma*",
            "recraft*",
            "imagineart*",
            "seedream-v5-pro",
            "nano-banana-pro",
            "grok-imagine*",
        ),
    ),
    "negative_prompt": (
        (*_USE_STEPS, "qwen-image-2", "qwen-image-2-pro", "qwen-image-3", "qwen-image-3-pro", "wan-2-7-*"),
        ("z-image-turbo", "chroma"),
    ),
    "steps": (_USE_STEPS, ()),
}


def field_support(model_id: str, name: str) -> FieldSupport:
    """`Model.support` for an id whose entry is not at hand."""
    honoured, ignored = _KNOWN[name]
    if _matches(model_id, honoured):
        return FieldSupport.SUPPORTED
    return FieldSupport.IGNORED if _matches(model_id, ignored) else FieldSupport.UNKNOWN


def known_users(name: str) -> Names:
    """Patterns of the model ids known to use the field `name`."""
    return _KNOWN[name][0]
