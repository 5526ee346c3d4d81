"""What the simulator knows of one image model: what its catalogue entry says, and what it really does.

The two differ on purpose, as they do at Venice: the catalogue does not say which models ignore seeds, drop negative
prompts or answer in another format than was asked. Facts: VENICE API, GET /models and POST /image/generate.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

_Value = TypeVar("_Value")

UPSCALE_PRICES = {"2x": "0.02", "4x": "0.08"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One image model. Prices are US dollars as text, so that they are exact."""

    id: str
    name: str
    created: int = 1_764_086_377
    privacy: Literal["private", "anonymized"] = "anonymized"
    traits: tuple[str, ...] = ()

    prompt_limit: int = 1500
    steps: tuple[int, int] = (20, 50)
    divisor: int = 1
    ratios: tuple[str, ...] = ()
    resolutions: tuple[str, ...] = ()
    qualities: tuple[str, ...] = ()
    default_quality: str | None = None

    price: str | None = None
    tier_prices: Mapping[str, str] = field(default_factory=dict)
    quality_prices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    unlisted_price: str | None = None
    """Billed although no catalogue entry says so."""
    unlisted_reference_surcharge: str = "0"

    offline: bool = False
    beta: bool = False
    uncensored: bool = False
    web_search: bool = False
    optimizes_prompts: bool = False
    max_style_references: int = 0
    takes_reference_strength: bool = False
    deprecation_date: str | None = None
    replacement: str | None = None
    retired: bool = False
    """In no list any more; asking for it is a 404 that names the replacement."""

    generates: bool = True
    honours_seed: bool = True
    uses_negative_prompt: bool = False
    uses_steps: bool = False
    has_loras: bool = False
    refuses_pixels: bool = False
    always_format: str | None = None
    """The provider's own format, sent whatever was asked."""

    @property
    def sized_by(self) -> Literal["tiers", "ratio", "pixels"]:
        """How a request says the size of the picture."""
        if self.resolutions:
            return "tiers"
        return "ratio" if self.ratios else "pixels"

    def billed_price(self, resolution: str | None, quality: str | None) -> Decimal:
        """What one picture costs, in USD; the names of tiers and qualities compare without case."""
        tier = _lower(self.quality_prices).get((resolution or "").lower())
        if tier and (amount := _lower(tier).get((quality or "").lower())):
            return Decimal(amount)
        amount = _lower(self.tier_prices).get((resolution or "").lower()) or self.price or self.unlisted_price
        return Decimal(amount or "0")

    def entry(self) -> dict[str, Any]:
        """The model as an element of ``GET /models?type=image``."""
        return {
            "created": self.created,
            "id": self.id,
            "model_spec": self._specification(),
            "object": "model",
            "owned_by": "venice.ai",
            "type": "image",
        }

    def _specification(self) -> dict[str, Any]:
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
        if self.deprecation_date:
            specification["deprecation"] = {"date": self.deprecation_date, "replacement": self.replacement}
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


def _both(price: str) -> dict[str, float]:
    return {"usd": float(price), "diem": float(price)}


def _lower(prices: Mapping[str, _Value]) -> dict[str, _Value]:
    return {name.lower(): value for name, value in prices.items()}
