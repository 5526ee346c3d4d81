"""One image model of the simulator: what its catalogue entry says, and what it really does.

The two differ on purpose, as they do at Venice: the catalogue does not say which models ignore seeds, drop negative
prompts or respond in another format than the request asked for. Sources: GET /models and POST /image/generate.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

_Value = TypeVar("_Value")

UPSCALE_PRICES = {"2x": "0.02", "4x": "0.08"}
NOTICE = timedelta(days=14)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deprecation:
    """The announced end of a model.

    Attributes:
        removed_on: the day of the end, as an ISO date; or, as a number, how many days it is away from the day on which
            the simulator starts (negative: in the past).
        auto_remap: after the end, the id is served by the replacement. Without it, the id is a 410.
        replacement: the id of the model that replaces it.
        legacy_shape: the entry names the replacement as it did before September 2026.
    """

    removed_on: str | int
    auto_remap: bool = False
    replacement: str | None = None
    legacy_shape: bool = False

    def removed_at(self, started: datetime) -> datetime:
        """When the model ends, for a simulator that started at that time."""
        if isinstance(self.removed_on, str):
            return datetime.fromisoformat(self.removed_on).replace(tzinfo=UTC)
        return datetime.combine(started.date() + timedelta(days=self.removed_on), time(), UTC)

    def entry(self, started: datetime) -> dict[str, Any]:
        """The ``deprecation`` of the catalogue entry."""
        end = self.removed_at(started)
        if self.legacy_shape:
            return {"date": iso(end), "replacement": self.replacement}
        entry = {
            "date": iso(end),
            "startsAt": iso(end - NOTICE),
            "removesAt": iso(end),
            "autoRemap": self.auto_remap,
        }
        return entry | ({"replacementModelId": self.replacement} if self.replacement else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One image model. Prices are US dollars as text, so that they are exact."""

    id: str
    name: str
    created: int = 1_764_086_377
    privacy: str = "anonymized"
    """An open set of words: only ``private`` means that nothing is kept."""
    traits: tuple[str, ...] = ()

    prompt_limit: int = 1500
    steps: tuple[int, int] = (20, 50)
    divisor: int = 1
    ratios: tuple[str, ...] = ()
    """The first is the default, here and in `resolutions`."""
    resolutions: tuple[str, ...] = ()
    qualities: tuple[str, ...] = ()
    default_quality: str | None = None

    price: str | None = None
    tier_prices: Mapping[str, str] = field(default_factory=dict)
    quality_prices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    unlisted_price: str | None = None
    """Billed although no catalogue entry says so."""
    unlisted_quality_prices: Mapping[str, str] = field(default_factory=dict)
    """Billed for these qualities instead of `price`, although no catalogue entry says so."""
    unlisted_reference_surcharge: str = "0"

    offline: bool = False
    beta: bool = False
    uncensored: bool = False
    web_search: bool = False
    optimizes_prompts: bool = False
    max_style_references: int = 0
    takes_reference_strength: bool = False
    deprecation: Deprecation | None = None
    retired: bool = False
    """Not in any list any more; a request for it is a 404 that names the replacement."""

    generates: bool = True
    honors_seed: bool = True
    uses_negative_prompt: bool = False
    uses_steps: bool = False
    has_loras: bool = False
    refuses_pixels: bool = False
    always_format: str | None = None
    """The provider's own format, sent whatever the request asked for."""

    @property
    def sized_by(self) -> Literal["tiers", "ratio", "pixels"]:
        """How a request sets the size of the image."""
        if self.resolutions:
            return "tiers"
        return "ratio" if self.ratios else "pixels"

    @property
    def replacement(self) -> str | None:
        """The id of the model that replaces this one."""
        return self.deprecation.replacement if self.deprecation else None

    def billed_price(self, resolution: str | None, quality: str | None) -> Decimal:
        """What one image costs, in USD; the names of tiers and qualities compare without case."""
        tier, level = (resolution or "").lower(), (quality or "").lower()
        candidates = (
            _lower(_lower(self.quality_prices).get(tier, {})).get(level),
            self.unlisted_quality_prices.get(level),
            _lower(self.tier_prices).get(tier),
            self.price,
            self.unlisted_price,
        )
        return Decimal(next((amount for amount in candidates if amount), "0"))

    def entry(self, started: datetime) -> dict[str, Any]:
        """The model as an element of ``GET /models?type=image``, for a simulator that started at that time."""
        return {
            "created": self.created,
            "id": self.id,
            "model_spec": self._specification(started),
            "object": "model",
            "owned_by": "venice.ai",
            "type": "image",
        }

    def _specification(self, started: datetime) -> dict[str, Any]:
        specification: dict[str, Any] = {
            "pricing": self._pricing(),
            "constraints": self._constraints(),
            "traits": list(self.traits),
            "name": self.name,
            "privacy": self.privacy,
            "offline": self.offline,
            "supportsWebSearch": self.web_search,
        }
        optional = {
            "betaModel": self.beta,
            "uncensored": self.uncensored,
            "supportsStyleReferences": self.max_style_references > 0,
            "supportsOptimizePromptThinking": self.optimizes_prompts,
        }
        specification |= {name: True for name, value in optional.items() if value}
        if self.deprecation:
            specification["deprecation"] = self.deprecation.entry(started)
        return specification

    def _pricing(self) -> dict[str, Any]:
        pricing: dict[str, Any] = {"upscale": {factor: _both(price) for factor, price in UPSCALE_PRICES.items()}}
        if self.price:
            pricing["generation"] = _both(self.price)
        if self.tier_prices:
            pricing["resolutions"] = {tier: _both(price) for tier, price in self.tier_prices.items()}
        if self.quality_prices:
            pricing["quality"] = {
                tier: {quality: _both(price) for quality, price in prices.items()}
                for tier, prices in self.quality_prices.items()
            }
        return pricing

    def _constraints(self) -> dict[str, Any]:
        constraints: dict[str, Any] = {
            "promptCharacterLimit": self.prompt_limit,
            "steps": {"default": self.steps[0], "max": self.steps[1]},
            "widthHeightDivisor": self.divisor,
        }
        if self.ratios:
            constraints |= {"aspectRatios": list(self.ratios), "defaultAspectRatio": self.ratios[0]}
        if self.resolutions:
            constraints |= {"resolutions": list(self.resolutions), "defaultResolution": self.resolutions[0]}
        if self.qualities:
            constraints |= {"qualities": list(self.qualities), "defaultQuality": self.default_quality}
        if self.max_style_references:
            constraints["maxStyleReferences"] = self.max_style_references
            constraints["supportsStyleReferenceStrength"] = self.takes_reference_strength
        return constraints


def iso(moment: datetime) -> str:
    """A time as the API writes it: UTC, milliseconds, Z."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def number(amount: Decimal) -> float:
    """An amount as the API's JSON writes it: whole ones without a point."""
    return int(amount) if amount == int(amount) else float(amount)


def _both(price: str) -> dict[str, float]:
    return {"usd": float(price), "diem": float(price)}


def _lower(prices: Mapping[str, _Value]) -> dict[str, _Value]:
    return {name.lower(): value for name, value in prices.items()}
