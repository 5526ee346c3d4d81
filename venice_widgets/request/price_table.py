"""The prices of one model as a table, by the rule of estimates; the cheapest, default and chosen one are marked."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from venice_widgets.display import Bundle, Cell, facts, price_grid, table
from venice_widgets.money import usd_text

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
    cells = price_cells(model, fields or {}, choosing=choosing)
    if not cells.names:
        return facts(title, [("any size", price_text(cells.prices["", ""]))])
    chosen = billed_values(model, fields or {})
    return _drawn(cells, _caption(title, cells.names[2:], chosen))


@dataclass(frozen=True, slots=True)
class PriceCells:
    """The prices of one model by what decides them, without any form."""

    names: tuple[str, ...]
    """The fields that decide the price: of the rows, of the columns, and those held fixed."""
    rows: Sequence[str]
    columns: Sequence[str]
    """One empty name where one field alone decides."""
    prices: Mapping[Place, Decimal | None]
    """(row, column) -> US dollars; None where the catalogue does not say."""
    marks: Mapping[Place, str]
    """(row, column) -> what to say of it, such as ``cheapest, default``."""


def price_cells(model: Model, fields: Mapping[str, Any], *, choosing: bool = True) -> PriceCells:
    """What `price_table` shows, for those who draw it themselves; its arguments are the same."""
    chosen, default = billed_values(model, fields), billed_values(model, {})
    names = decisive_fields(model)
    if not names:
        return PriceCells((), ("",), ("",), {("", ""): stated_price(model, chosen)[0]}, {})
    first, second = (*names, "")[:2]
    rows, columns = _values(model, first), _values(model, second) if second else ("",)
    prices = {
        (row, column): stated_price(model, {**chosen, first: row, **({second: column} if second else {})})[0]
        for row, column in product(rows, columns)
    }
    named = {"default": _place(rows, columns, default[first], default.get(second, ""))}
    if choosing:
        named["chosen"] = _place(rows, columns, chosen[first], chosen.get(second, ""))
    return PriceCells(tuple(names), rows, columns, prices, _marks(prices, named))


def _drawn(cells: PriceCells, caption: str) -> Bundle:
    titles = [name.replace("_", " ").capitalize() for name in cells.names]
    if cells.columns != ("",):
        return price_grid(
            cells.rows,
            cells.columns,
            {place: None if price is None else usd_text(price) for place, price in cells.prices.items()},
            row_title=titles[0],
            column_title=titles[1],
            marks=cells.marks,
            caption=caption,
        )
    rows: list[list[str | Cell]] = [
        [row, Cell(price_text(price), "right", muted=price is None, mark=cells.marks.get((row, ""), ""))]
        for (row, _), price in cells.prices.items()
    ]
    return table([titles[0], "Price"], rows, caption=caption)


def _caption(title: str, held: Sequence[str], chosen: Mapping[str, str]) -> str:
    at = ", ".join(f"{name} {chosen[name]}" for name in held if chosen.get(name))
    return f"**{title}{f', {at}' if at else ''}**"


def _values(model: Model, name: str) -> Sequence[str]:
    """What the field can be, as the model's limits name it; else as its prices do, in the catalogue's order."""
    return model.allowed(name) or model.priced_values(name)


def _place(rows: Sequence[str], columns: Sequence[str], row: str, column: str) -> Place:
    """Names as in the table."""
    return _same(rows, row), _same(columns, column)


def _same(names: Sequence[str], name: str) -> str:
    return next((each for each in names if each.casefold() == name.casefold()), "")


def _marks(prices: Mapping[Place, Decimal | None], named: Mapping[str, Place]) -> dict[Place, str]:
    """The cheapest may be several, and is none where there is nothing to choose between."""
    known = {price for price in prices.values() if price is not None}
    cheapest = [place for place, price in prices.items() if len(known) > 1 and price == min(known)]
    words = {
        place: ["cheapest"] * (place in cheapest) + [word for word, at in named.items() if at == place]
        for place in prices
    }
    return {place: ", ".join(each) for place, each in words.items() if each}
