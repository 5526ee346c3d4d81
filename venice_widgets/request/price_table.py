"""The prices of one model as a table, by the rule that estimates go by: cheapest, default and chosen one named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from venice_widgets.display import Bundle, Cell, facts, price_grid, table
from venice_widgets.money import usd_text

from .estimate import stated_price

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from .catalogue import Model

Place = tuple[str, str]


def price_table(
    model: Model,
    *,
    resolution: str = "",
    quality: str = "",
    choosing: bool = False,
    title: str = "Price of one picture",
) -> Bundle:
    """Resolution × quality, by resolution, or the one price.

    Args:
        model: whose prices.
        resolution: the chosen tier; empty for the model's default.
        quality: the chosen quality; empty for the model's default.
        choosing: whether what is chosen is marked.
        title: above the table.
    """
    if not (model.price_quality or model.price_resolutions):
        return facts(title, [("any size", _text(model.price_generation))])
    rows, columns = _names(model)
    prices = {(row, column): stated_price(model, row, column)[0] for row in rows for column in columns}
    default = _place(rows, columns, model.default_resolution, model.default_quality)
    chosen = _place(rows, columns, resolution or model.default_resolution, quality or model.default_quality)
    marks = _marks(prices, {"default": default, **({"chosen": chosen} if choosing else {})})
    texts = {place: _text(price) for place, price in prices.items()}
    if columns == ("",):
        cells: list[list[str | Cell]] = [
            [row, Cell(texts[row, ""], "right", mark=marks.get((row, ""), ""))] for row in rows
        ]
        return table(["Resolution", "Price"], cells, caption=f"**{title}**")
    return price_grid(rows, columns, texts, marks=marks, caption=f"**{title}**")


def _names(model: Model) -> tuple[Sequence[str], Sequence[str]]:
    """Tiers and qualities as the limits name them, else as the prices do; one empty quality where there is none."""
    rows = model.resolutions or tuple(model.price_quality or model.price_resolutions)
    if not model.price_quality:
        return rows, ("",)
    return rows, model.qualities or tuple(next(iter(model.price_quality.values())))


def _text(price: Decimal | None) -> str:
    return "unknown" if price is None else usd_text(price)


def _place(rows: Sequence[str], columns: Sequence[str], row: str, column: str) -> Place:
    """Names as they stand in the table; a model without qualities has one column for all of them."""
    return _same(rows, row), columns[0] if len(columns) == 1 else _same(columns, column)


def _same(names: Sequence[str], name: str) -> str:
    return next((each for each in names if each.casefold() == name.casefold()), "")


def _marks(prices: Mapping[Place, Decimal | None], named: Mapping[str, Place]) -> dict[Place, str]:
    known = {place: price for place, price in prices.items() if price is not None}
    cheapest = {"cheapest": min(known, key=lambda place: known[place])} if len(known) > 1 else {}
    words = {place: [word for word, at in {**cheapest, **named}.items() if at == place] for place in prices}
    return {place: ", ".join(each) for place, each in words.items() if each}
