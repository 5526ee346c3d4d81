"""At what price one image is billed: what is chosen, and the model's defaults, looked up in the list that is billed.

A model with qualities but without a price list for them states the price of its default quality alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .fields import price_axes, price_lists
from .prices import billed_list, part_at

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from .fields import PriceList
    from .model import Model


def billed_values(model: Model, fields: Mapping[str, Any]) -> dict[str, str]:
    """For each field that can decide a price: what was chosen, else the model's default, else nothing."""
    return {name: str(fields.get(name) or model.default_of(name) or "") for name in price_axes()}


def decisive_fields(model: Model) -> tuple[str, ...]:
    """The fields whose values decide this model's price, in the order of its price list."""
    billed = billed_list(model.prices)
    if billed is None:
        return ()
    held = [name for name, each in price_axes().items() if each.default_only and name not in billed.by]
    return (*billed.by, *(name for name in held if model.takes(name)))


def stated_price(model: Model, values: Mapping[str, str]) -> tuple[Decimal | None, str]:
    """What the catalogue says that one image is billed at.

    Args:
        model: whose price.
        values: the field values that are billed, defaults included (`billed_values`).

    Returns:
        US dollars, and where in the catalogue they are; or None, and why the price is unknown.
    """
    billed = billed_list(model.prices)
    if billed is None:
        return None, f"the catalogue states no price for {model.id}"
    price, beyond = _look_up(model, billed, values), _beyond_default(model, billed, values)
    if price is None or beyond:
        return None, _missing(model, billed, values, beyond if price is not None else "")
    return price, billed.name + "".join(f"[{values[name]}]" for name in billed.by if values.get(name))


def legacy_price(model: Model, values: Mapping[str, str]) -> Decimal | None:
    """The price by the next less exact list that is indexed at all: a limit holds against the larger of the two.

    It speaks of the default alone, so it is None where another value was chosen, or where there is no such list.
    """
    billed = billed_list(model.prices)
    older = [each for each in price_lists() if each.name in model.prices and each.by and each is not billed]
    if billed is None or not older or _beyond_default(model, older[0], values):
        return None
    return _look_up(model, older[0], values)


def _look_up(model: Model, prices: PriceList, values: Mapping[str, str]) -> Decimal | None:
    """The price at these values. A field that the model does not have indexes nothing."""
    part: Any = model.prices[prices.name]
    for name in prices.by:
        if not values.get(name) and not model.takes(name):
            continue
        part = part_at(part, values.get(name, ""))
    return part if not isinstance(part, dict) else None


def _beyond_default(model: Model, prices: PriceList, values: Mapping[str, str]) -> str:
    """The first field by which this list does not tell prices apart, where another value than its default is billed."""
    for name, each in price_axes().items():
        if each.default_only and name not in prices.by and model.takes(name):
            default = str(model.default_of(name) or "")
            if values.get(name, "").casefold() != default.casefold():
                return name
    return ""


def _missing(model: Model, prices: PriceList, values: Mapping[str, str], beyond: str) -> str:
    if beyond:
        default = model.default_of(beyond)
        only = f", only for the default, {default}" if default else ""
        return f"the catalogue states no price for {model.id} at {beyond} {values[beyond]}{only}"
    named = [
        f"{name} {values[name]}" if values.get(name) else f"no {name} and no default"
        for name in prices.by
        if values.get(name) or model.takes(name)
    ]
    return f"the catalogue states no price for {model.id}" + (f" at {' '.join(named)}" if named else "")
