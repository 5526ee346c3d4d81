"""What a request will cost, or "unknown".

The rule (VENICE API, the catalogue's ``pricing``): the quality matrix where there is one, else the price of the
resolution, else the one price; with the model's defaults for what was omitted; times the pictures; plus surcharges,
which are upper bounds. A price that cannot be found is unknown, never zero: `Estimate.price_usd` is then None.

Where a model states the quality matrix and a price per resolution as well, the matrix is what is billed, and the
other is a legacy schedule that can be a cent dearer at the default quality. Limits are held against the dearer of the
two.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

from venice_widgets.money import usd_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .catalogue import Model
    from .request import GenerationRequest

Value = TypeVar("Value")

ENHANCEMENT_USD = Decimal("0.04")
"""Charged once per request when a rewrite is applied (VENICE API, ``enhance_prompt``)."""
WEB_SEARCH_USD = Decimal("0.01")
"""Free today; a guard for the day it is not."""


@dataclass(frozen=True, slots=True)
class Surcharge:
    """An amount that may come on top, an upper bound."""

    name: str
    price_usd: Decimal
    """For the whole generation."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The price of a generation before it is sent, and what it rests on."""

    images: int
    unit_price_usd: Decimal | None
    """One picture; None where the catalogue does not say."""
    guard_unit_price_usd: Decimal | None
    """One picture at the dearest that the catalogue states for it: what limits are held against."""
    basis: str
    """Where in the catalogue the price stands, such as ``quality[2K][medium]``; or why it is unknown."""
    defaults: tuple[str, ...] = ()
    """The model's defaults that will be billed, such as ``quality high``."""
    surcharges: tuple[Surcharge, ...] = ()
    unlisted: str = ""
    """What is charged on top by an amount that no catalogue lists; empty where nothing is."""
    simulated: bool = False
    """Whether the simulator answers, so that nothing is charged."""

    @property
    def price_usd(self) -> Decimal | None:
        """The whole generation, surcharges included; None where it is unknown."""
        return self._total(self.unit_price_usd)

    @property
    def upper_bound_usd(self) -> Decimal | None:
        """The most that it can cost, which limits are held against and budgets reserve; None where nobody can say."""
        return None if self.unlisted else self._total(self.guard_unit_price_usd)

    @property
    def why_unbounded(self) -> str:
        """Why `upper_bound_usd` is None."""
        return self.basis if self.price_usd is None else self.unlisted

    def _total(self, unit: Decimal | None) -> Decimal | None:
        if unit is None:
            return None
        return unit * self.images + sum((extra.price_usd for extra in self.surcharges), Decimal(0))

    @property
    def formula(self) -> str:
        """The sum as one writes it: ``2 × $0.13 = $0.26``."""
        if self.price_usd is None or self.unit_price_usd is None:
            return f"{self.images} × unknown: {self.basis}"
        extras = "".join(f" + up to {usd_text(extra.price_usd)} {extra.name}" for extra in self.surcharges)
        bound = self.upper_bound_usd
        most = f" (at most {usd_text(bound)})" if bound is not None and bound > self.price_usd else ""
        unlisted = f" and {self.unlisted}" if self.unlisted else ""
        return f"{self.images} × {usd_text(self.unit_price_usd)}{extras} = {usd_text(self.price_usd)}{most}{unlisted}"

    @property
    def text(self) -> str:
        """The formula with the defaults that are billed, and whether it is only simulated."""
        defaults = f" · {', '.join(self.defaults)} (the model's default)" if self.defaults else ""
        return f"{self.formula}{defaults}{' · simulated, nothing is charged' if self.simulated else ''}"


def estimate(request: GenerationRequest, requests: int = 1, *, simulated: bool = False) -> Estimate:
    """The price of `requests` requests that differ only in their seeds."""
    unit, guard, basis = _unit_prices(request)
    return Estimate(
        images=requests * int(request.fields.get("variants", 1)),
        unit_price_usd=unit,
        guard_unit_price_usd=guard,
        basis=basis,
        defaults=_billed_defaults(request),
        surcharges=_surcharges(request, requests),
        unlisted="an unlisted surcharge for style references" if request.reference_specs else "",
        simulated=simulated,
    )


def stated_price(model: Model, resolution: str, quality: str) -> tuple[Decimal | None, str]:
    """What the catalogue says that one picture is billed at.

    Args:
        model: whose price.
        resolution: the tier that is billed, the model's default included; empty where it has none.
        quality: likewise.

    Returns:
        US dollars, and where in the catalogue they stand; or None, and why the price is unknown.
    """
    if model.price_quality:
        price = _look_up(_look_up(model.price_quality, resolution) or {}, quality)
        place = f"quality[{resolution}][{quality}]"
    elif model.price_resolutions:
        price, place = _look_up(model.price_resolutions, resolution), f"resolutions[{resolution}]"
    else:
        price, place = model.price_generation, "generation"
    return price, place if price is not None else _missing(model, resolution, quality)


def _unit_prices(request: GenerationRequest) -> tuple[Decimal | None, Decimal | None, str]:
    """The price, the dearest that the catalogue states for it, and where they stand."""
    price, basis = stated_price(request.model, request.resolution, request.quality)
    legacy = None
    if price is not None and request.model.price_quality and _is_default_quality(request):
        legacy = _look_up(request.model.price_resolutions, request.resolution)
    return price, price if legacy is None or price is None else max(price, legacy), basis


def _missing(model: Model, resolution: str, quality: str) -> str:
    if not (model.price_quality or model.price_resolutions):
        return f"the catalogue states no price for {model.id}"
    tier = f"resolution {resolution}" if resolution else "no resolution and no default"
    chosen = f"{tier} quality {quality}" if quality else tier
    return f"the catalogue states no price for {model.id} at {chosen}"


def _is_default_quality(request: GenerationRequest) -> bool:
    return request.quality.casefold() == request.model.default_quality.casefold()


def _look_up(table: Mapping[str, Value], name: str) -> Value | None:
    """The value of a key that may be spelled in another case than elsewhere in the same entry."""
    return next((value for key, value in table.items() if key.casefold() == name.casefold()), None)


def _billed_defaults(request: GenerationRequest) -> tuple[str, ...]:
    """What was not chosen but decides the price."""
    names = [
        name
        for name, priced in (
            ("resolution", request.model.price_resolutions or request.model.price_quality),
            ("quality", request.model.price_quality),
        )
        if priced and name not in request.fields and getattr(request.model, f"default_{name}")
    ]
    return tuple(f"{name} {getattr(request.model, f'default_{name}')}" for name in names)


def _surcharges(request: GenerationRequest, requests: int) -> tuple[Surcharge, ...]:
    """Enhancement is paid once: the first request's rewritten prompt is sent for the rest, with enhancement off."""
    extras = []
    if request.fields.get("enhance_prompt") and requests:
        extras.append(Surcharge("for enhancement", ENHANCEMENT_USD))
    if request.fields.get("enable_web_search") and requests:
        extras.append(Surcharge("for web search", WEB_SEARCH_USD * requests))
    return tuple(extras)
