"""The price lists that one catalogue entry states, and which of them is billed.

An entry holds up to three lists, from the most exact to the least: ``quality[resolution][quality]``,
``resolutions[resolution]``, ``generation``. The most exact one that is stated is billed. Which fields index a list is
part of their declaration (`fields.About.prices`). Resolutions and qualities are each model's own names, kept in the
catalogue's order. A list may have holes: a price that cannot be found is unknown, never zero and never guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from venice_widgets.money import usd_or_none, usd_text

from .fields import PriceList, price_lists

Prices = Mapping[str, Any]
"""List name -> its prices in US dollars: a Decimal, or one for each name, nested as the list is indexed."""

UNKNOWN = "unknown"
_DEAREST = Decimal(1_000_000)
"""A price above this is taken for a mistake."""


def read_prices(pricing: Any) -> Prices:
    """The price lists of a catalogue entry, read exactly; what is empty or null is a hole.

    Raises:
        ValueError: it is not an object, or one of its prices is not an amount.
    """
    if not isinstance(pricing, Mapping):
        raise ValueError("pricing is not an object")  # noqa: TRY004  pydantic collects ValueError
    found = {each.name: _read(pricing.get(each.name), len(each.by), each.name) for each in price_lists()}
    return {name: prices for name, prices in found.items() if prices is not None}


def _read(value: Any, depth: int, place: str) -> Any:
    """One list, or a part of it; None where there is nothing."""
    if value is None or value == {}:
        return None
    if not isinstance(value, Mapping) or "usd" in value:
        return _amount(value, place)
    if depth == 0:
        return None
    read = {str(name): _read(inner, depth - 1, f"{place}.{name}") for name, inner in value.items()}
    return {name: price for name, price in read.items() if price is not None}


def _amount(price: Any, place: str) -> Decimal | None:
    """``{"usd": 0.01, "diem": 0.01}`` or 0.01; through text, so that no binary fraction gets in."""
    stated = price.get("usd") if isinstance(price, Mapping) else price
    if stated is None:
        return None
    amount = usd_or_none(stated) if isinstance(stated, str | int | float | Decimal) else None
    if amount is None or not 0 <= amount <= _DEAREST:
        raise ValueError(f"{place}: {stated!r} is not a price")
    return amount


def billed_list(prices: Prices) -> PriceList | None:
    """The list by which an image is billed; None where none is stated."""
    return next((each for each in price_lists() if each.name in prices), None)


def every_price(prices: Prices) -> tuple[Decimal, ...]:
    """Every price of one image by the list that is billed, ascending, in US dollars; empty where none is stated."""
    billed = billed_list(prices)
    return tuple(sorted(set(_leaves(prices[billed.name])))) if billed else ()


def priced_values(prices: Prices, name: str) -> tuple[str, ...]:
    """The values of a field that the list that is billed has prices for, in the catalogue's order."""
    billed = billed_list(prices)
    if billed is None or name not in billed.by:
        return ()
    level: list[Any] = [prices[billed.name]]
    for _ in billed.by[: billed.by.index(name)]:
        level = [inner for part in level if isinstance(part, Mapping) for inner in part.values()]
    return tuple(dict.fromkeys(key for part in level if isinstance(part, Mapping) for key in part))


def price_range_text(stated: Sequence[Decimal]) -> str:
    """``$0.02 – $0.83`` or ``$0.01`` for a model's `every_price`; or that it is unknown."""
    if not stated:
        return UNKNOWN
    return usd_text(stated[0]) if len(stated) == 1 else f"{usd_text(stated[0])} – {usd_text(stated[-1])}"


def price_text(price: Decimal | None) -> str:
    """Dollars, or that the price is unknown."""
    return UNKNOWN if price is None else usd_text(price)


def part_at(part: Any, name: str) -> Any:
    """The part under a name that may be spelled in another case than elsewhere in the same entry."""
    pairs = part.items() if isinstance(part, Mapping) else ()
    return next((inner for key, inner in pairs if key.casefold() == name.casefold()), None)


def _leaves(part: Any) -> Iterator[Decimal]:
    if isinstance(part, Decimal):
        yield part
    elif isinstance(part, Mapping):
        for inner in part.values():
            yield from _leaves(inner)
