"""The price of a plan: a sum over prices that differ, each taken as often as it will be paid."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from venice_widgets.money import usd_text
from venice_widgets.request.estimate import ENHANCEMENT_USD, Estimate, Surcharge

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class PriceLine:
    """Requests of one price."""

    requests: int
    images: int
    unit_usd: Decimal | None
    guard_unit_usd: Decimal | None
    model: str
    basis: str
    unlisted: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanEstimate(Estimate):
    """The price of a plan: a sum over prices that differ."""

    lines: tuple[PriceLine, ...] = ()

    @property
    def price_usd(self) -> Decimal | None:
        """What will be sent, surcharges included; None where a price is unknown."""
        return self._sum([line.unit_usd for line in self.lines])

    @property
    def upper_bound_usd(self) -> Decimal | None:
        """The most that it can cost; None where no one can say."""
        if any(line.unlisted for line in self.lines):
            return None
        return self._sum([line.guard_unit_usd for line in self.lines])

    def _sum(self, units: Sequence[Decimal | None]) -> Decimal | None:
        total = sum((extra.price_usd for extra in self.surcharges), Decimal(0))
        for line, unit in zip(self.lines, units, strict=True):
            if unit is None:
                return None
            total += unit * line.images
        return total

    @property
    def why_unbounded(self) -> str:
        """Why `upper_bound_usd` is None."""
        unknown = next((line.basis for line in self.lines if line.unit_usd is None), "")
        return unknown or next((line.unlisted for line in self.lines if line.unlisted), "")

    @property
    def formula(self) -> str:
        """The sum as people write it: ``8 × $0.01 + 4 × $0.04 = $0.24``."""
        prices: Counter[Decimal | None] = Counter()
        for line in self.lines:
            prices[line.unit_usd] += line.images
        if not prices:
            return "nothing to send"
        parts = [f"{count} × {'unknown' if unit is None else usd_text(unit)}" for unit, count in prices.items()]
        parts += [f"up to {usd_text(extra.price_usd)} {extra.name}" for extra in self.surcharges]
        price, most = self.price_usd, self.upper_bound_usd
        if price is None:
            return f"{' + '.join(parts)}: {self.why_unbounded}"
        bound = f" (at most {usd_text(most)})" if most is not None and most > price else ""
        unlisted = "" if most is not None else f" and {self.why_unbounded}"
        return f"{' + '.join(parts)} = {usd_text(price)}{bound}{unlisted}"


NOTHING = PlanEstimate(images=0, unit_price_usd=None, guard_unit_price_usd=None, basis="")
"""The price of a plan that was not looked at yet."""


def estimate_plan(
    every: Mapping[int, Estimate], models: Mapping[int, str], sent: Iterable[int], fees: int, *, simulated: bool
) -> PlanEstimate:
    """One line for each price; the fee for a rewritten prompt once for each prompt.

    Args:
        every: cell -> its own price, those of the log included.
        models: cell -> the id of its model.
        sent: the cells that will be sent.
        fees: how many prompts will be rewritten.
        simulated: whether nothing is charged.
    """
    counted: Counter[tuple[str, int]] = Counter()
    prices: dict[tuple[str, int], Estimate] = {}
    searches = Decimal(0)
    for index in sent:
        price = every[index]
        key = models[index], id(price)
        counted[key] += 1
        prices[key] = price
        searches += sum((extra.price_usd for extra in price.surcharges if "search" in extra.name), Decimal(0))
    lines = tuple(
        PriceLine(
            count, count * price.images, price.unit_price_usd, price.guard_unit_price_usd, key[0], price.basis,
            price.unlisted,
        )
        for key, count in counted.items()
        for price in (prices[key],)
    )  # fmt: skip
    extras = [Surcharge("for enhancement", ENHANCEMENT_USD * fees)] if fees else []
    extras += [Surcharge("for web search", searches)] if searches else []
    return PlanEstimate(
        images=sum(line.images for line in lines),
        unit_price_usd=None,
        guard_unit_price_usd=None,
        basis="",
        why_more=_why_more(prices.values()),
        surcharges=tuple(extras),
        shape=_open_shapes(every.values()),
        simulated=simulated,
        lines=_merged(lines),
    )


def _why_more(prices: Iterable[Estimate]) -> str:
    """The one reason why it may cost more; of several, that there are."""
    reasons = list(dict.fromkeys(price.why_more for price in prices if price.why_more))
    return "for several reasons, which %venice price tells" if len(reasons) > 1 else "".join(reasons)


def _open_shapes(prices: Iterable[Estimate]) -> str:
    """What is known of the images' shapes, those of the log included."""
    shapes = {price.shape for price in prices}
    return "some shapes are chosen by the model" if len(shapes) > 1 else "".join(shapes)


def _merged(lines: Iterable[PriceLine]) -> tuple[PriceLine, ...]:
    """Lines of one model and price as one."""
    found: dict[tuple[Any, ...], PriceLine] = {}
    for line in lines:
        key = line.model, line.unit_usd, line.guard_unit_usd, line.unlisted, line.basis
        same = found.get(key)
        found[key] = (
            line
            if same is None
            else replace(same, requests=same.requests + line.requests, images=same.images + line.images)
        )
    return tuple(found.values())
