"""What a request will cost, or "unknown".

The price of one image by `price_rule`, times the images, plus surcharges, which are upper bounds. A price that cannot
be found is unknown, never zero: `Estimate.price_usd` is then None. A price of zero is shown as it is stated and counts
as unknown wherever a limit is set.

Where a model states the quality matrix and a price per resolution as well, the matrix is what is billed, and the
other is a legacy schedule that can be a cent dearer at the default quality. Limits are held against the dearer of the
two.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from venice_widgets.money import usd_text

from .price_rule import billed_values, decisive_fields, legacy_price, stated_price
from .prices import UNKNOWN

if TYPE_CHECKING:
    from .request import GenerationRequest

ENHANCEMENT_USD = Decimal("0.04")
"""Charged once per request when a rewrite is applied (the API's document of ``enhance_prompt``)."""
WEB_SEARCH_USD = Decimal("0.01")
"""Free today; a reserve for the day it is not."""


@dataclass(frozen=True, slots=True)
class Surcharge:
    """An amount that may be added, an upper bound."""

    name: str
    price_usd: Decimal
    """For the whole generation."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The price of a generation before it is sent, and what it rests on."""

    images: int
    unit_price_usd: Decimal | None
    """One image; None where the catalogue does not say."""
    guard_unit_price_usd: Decimal | None
    """One image at the highest price that the catalogue states for it: what limits are held against."""
    basis: str
    """Where in the catalogue the price is, such as ``quality[2K][medium]``; or why it is unknown."""
    why_more: str = ""
    """Why it may cost more than `price_usd`, where the catalogue itself says so; else empty."""
    defaults: tuple[str, ...] = ()
    """The model's defaults that will be billed, such as ``quality high``."""
    surcharges: tuple[Surcharge, ...] = ()
    unlisted: str = ""
    """What is charged in addition, by an amount that no catalogue lists; empty where nothing is."""
    shape: str = ""
    """That the images' shape is not known before they come; empty where it is."""
    simulated: bool = False
    """Whether the simulator responds, so that nothing is charged."""

    @property
    def price_usd(self) -> Decimal | None:
        """The whole generation, surcharges included; None where it is unknown."""
        return self._total(self.unit_price_usd)

    @property
    def upper_bound_usd(self) -> Decimal | None:
        """The most that it can cost, which limits are held against and budgets reserve; None where it is unknown."""
        return None if self.unlisted or self._is_free else self._total(self.guard_unit_price_usd)

    @property
    def why_unbounded(self) -> str:
        """Why `upper_bound_usd` is None."""
        if self.price_usd is None:
            return self.basis
        return "the catalogue states a price of $0.00, which may be an oversight" if self._is_free else self.unlisted

    @property
    def _is_free(self) -> bool:
        """Whether images are stated to cost nothing; with the simulator that is true."""
        return self.images > 0 and self.guard_unit_price_usd == 0 and not self.simulated

    def _total(self, unit: Decimal | None) -> Decimal | None:
        if unit is None:
            return None
        return unit * self.images + sum((extra.price_usd for extra in self.surcharges), Decimal(0))

    @property
    def formula(self) -> str:
        """The sum in writing: ``2 × $0.13 = $0.26``."""
        if self.price_usd is None or self.unit_price_usd is None:
            return f"{self.images} × {UNKNOWN}: {self.basis}"
        extras = "".join(f" + up to {usd_text(extra.price_usd)} {extra.name}" for extra in self.surcharges)
        bound = self.upper_bound_usd
        most = f" (at most {usd_text(bound)})" if bound is not None and bound > self.price_usd else ""
        unlisted = f" and {self.unlisted}" if self.unlisted else ""
        return f"{self.images} × {usd_text(self.unit_price_usd)}{extras} = {usd_text(self.price_usd)}{most}{unlisted}"

    @property
    def text(self) -> str:
        """The formula with the defaults that are billed, an open shape, and whether it is only simulated."""
        defaults = f"{', '.join(self.defaults)} (the model's default)" if self.defaults else ""
        simulated = "simulated, nothing is charged" if self.simulated else ""
        return " · ".join(part for part in (self.formula, self.why_more, defaults, self.shape, simulated) if part)


def estimate(request: GenerationRequest, requests: int = 1, *, simulated: bool = False) -> Estimate:
    """The price of `requests` requests that differ only in their seeds."""
    unit, guard, basis = _unit_prices(request)
    why_more = _also_listed(unit, guard)
    unlisted = ["an unlisted surcharge for style references"] if request.reference_specs else []
    if request.model.deprecation.may_be_remapped():
        others = _stand_in_prices(request)
        unlisted += [] if others else [f"what another model costs beyond that, which answers as {request.model.id}"]
        if request.stand_in is not None and guard is not None and max(others, default=guard) > guard:
            guard = max(others)
            why_more = f"{usd_text(guard)} an image if {request.stand_in.id} answers"
    return Estimate(
        images=requests * int(request.fields.get("variants", 1)),
        unit_price_usd=unit,
        guard_unit_price_usd=guard,
        basis=basis,
        why_more=why_more,
        defaults=_billed_defaults(request),
        surcharges=_surcharges(request, requests),
        unlisted=" and ".join(unlisted),
        shape=request.open_shape,
        simulated=simulated,
    )


def _also_listed(unit: Decimal | None, guard: Decimal | None) -> str:
    if unit is None or guard is None or guard <= unit:
        return ""
    return f"the catalogue also lists {usd_text(guard)} an image"


def _unit_prices(request: GenerationRequest) -> tuple[Decimal | None, Decimal | None, str]:
    """The price, the dearest that the catalogue states for it, and where they are."""
    values = billed_values(request.model, request.fields)
    price, basis = stated_price(request.model, values)
    legacy = None if price is None else legacy_price(request.model, values)
    return price, price if legacy is None or price is None else max(price, legacy), basis


def _stand_in_prices(request: GenerationRequest) -> list[Decimal]:
    """What the model that may answer in place of the one that is named could cost; empty where that is not known."""
    if request.stand_in is None:
        return []
    return [price for price in _unit_prices(replace(request, model=request.stand_in))[:2] if price is not None]


def _billed_defaults(request: GenerationRequest) -> tuple[str, ...]:
    """What was not chosen but decides the price."""
    left_open = [name for name in decisive_fields(request.model) if name not in request.fields]
    return tuple(f"{name} {default}" for name in left_open if (default := request.model.default_of(name)))


def _surcharges(request: GenerationRequest, requests: int) -> tuple[Surcharge, ...]:
    """Enhancement is paid once: the first request's rewritten prompt is sent for the rest, with enhancement off."""
    extras = []
    if request.fields.get("enhance_prompt") and requests:
        extras.append(Surcharge("for enhancement", ENHANCEMENT_USD))
    if request.fields.get("enable_web_search") and requests:
        extras.append(Surcharge("for web search", WEB_SEARCH_USD * requests))
    return tuple(extras)
