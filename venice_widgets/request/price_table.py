"""The prices of one model as a table, by the rule of estimates; the cheapest, default and chosen one are marked."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

from venice_widgets.display import Bundle, Cell, facts, price_grid, table

from .price_rule import billed_values, decisive_fields, stated_price
from .prices import price_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from .model import Model

Place = tuple[str, str]


def price_table(
    model: Model,
    fields: Mapping[str, Any] | None = None,
    *,
    choosing: bool = False,
    title: str = "Price of one image",
) -> Bundle:
    """The prices by what decides them: one price, a list, or a grid.

    Args:
        model: whose prices.
        fields: the chosen fields of a request; the model's defaults stand in for the rest. A third field that decides
            the price is held at its value here.
        choosing: whether the chosen price is marked.
        title: above the table.
    """
    chosen, default = billed_values(model, fields or {}), billed_values(model, {})
    names = decisive_fields(model)
    if not names:
        return facts(title, [("any size", price_text(stated_price(model, chosen)[0]))])
    first, second, *held = (*names, "")[: max(2, len(names))]
    rows, columns = _values(model, first), _values(model, second) if second else ("",)
    prices = {
        (row, column): stated_price(model, {**chosen, first: row, **({second: column} if second else {})})[0]
        for row, column in product(rows, columns)
    }
    named = {"default": _place(rows, columns, default[first], default.get(second, ""))}
    if choosing:
        named["chosen"] = _place(rows, columns, chosen[first], chosen.get(second, ""))
    return _drawn(prices, (rows, columns), _marks(prices, named), first, _caption(title, held, chosen))


def _drawn(
    prices: Mapping[Place, Decimal | None],
    names: tuple[Sequence[str], Sequence[str]],
    marks: dict[Place, str],
    first: str,
    caption: str,
) -> Bundle:
    rows, columns = names
    texts = {place: price_text(price) for place, price in prices.items()}
    if columns != ("",):
        return price_grid(rows, columns, texts, marks=marks, caption=caption)
    cells: list[list[str | Cell]] = [
        [row, Cell(texts[row, ""], "right", mark=marks.get((row, ""), ""))] for row in rows
    ]
    return table([first.replace("_", " ").capitalize(), "Price"], cells, caption=caption)


def _caption(title: str, held: Sequence[str], chosen: Mapping[str, str]) -> str:
    at = ", ".join(f"{name} {chosen[name]}" for name in held if chosen.get(name))
    return f"**{title}{f', {at}' if at else ''}**"


def _values(model: Model, name: str) -> Sequence[str]:
    """What the field can be, as the model's limits name it; else as its prices do, in the catalogue's order."""
    return model.allowed(name) or model.priced_values(name)


def _place(rows: Sequence[str], columns: Sequence[str], row: str, column: str) -> Place:
    """Names as they stand in the table."""
    return _same(rows, row), _same(columns, column)


def _same(names: Sequence[str], name: str) -> str:
    return next((each for each in names if each.casefold() == name.casefold()), "")


def _marks(prices: Mapping[Place, Decimal | None], named: Mapping[str, Place]) -> dict[Place, str]:
    known = {place: price for place, price in prices.items() if price is not None}
    cheapest = {"cheapest": min(known, key=lambda place: known[place])} if len(known) > 1 else {}
    words = {place: [word for word, at in {**cheapest, **named}.items() if at == place] for place in prices}
    return {place: ", ".join(each) for place, each in words.items() if each}
