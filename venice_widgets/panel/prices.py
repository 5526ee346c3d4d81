"""The prices of one model as a table: the chosen one marked, the cheapest and the default named."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from venice_widgets.display import Bundle, facts, price_grid
from venice_widgets.estimate import usd_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from venice_widgets.catalogue import Model

Place = tuple[str, str]
Value = TypeVar("Value")


def price_table(model: Model, resolution: str, quality: str) -> Bundle:
    """Resolution × quality, by resolution, or the one price.

    Args:
        model: whose prices.
        resolution: the chosen tier; empty for the default.
        quality: the chosen quality; empty for the default.
    """
    rows, columns, prices = _prices(model)
    if not rows:
        price = model.price_generation
        return facts("Price of one picture", [("any size", "unknown" if price is None else usd_text(price))])
    default = _place(rows, columns, model.default_resolution, model.default_quality)
    chosen = _place(rows, columns, resolution or model.default_resolution, quality or model.default_quality)
    return price_grid(
        rows,
        columns,
        {place: None if price is None else usd_text(price) for place, price in prices.items()},
        marks=_marks(prices, default, chosen),
        caption="**Price of one picture**",
        column_title="Quality" if model.price_quality else "Any quality",
    )


def _prices(model: Model) -> tuple[Sequence[str], Sequence[str], dict[Place, Decimal | None]]:
    if model.price_quality:
        rows = model.resolutions or tuple(model.price_quality)
        columns = model.qualities or tuple(next(iter(model.price_quality.values())))
        table = {row: _look_up(model.price_quality, row) or {} for row in rows}
        return rows, columns, {(row, column): _look_up(table[row], column) for row in rows for column in columns}
    rows = model.resolutions or tuple(model.price_resolutions) if model.price_resolutions else ()
    return rows, ("price",), {(row, "price"): _look_up(model.price_resolutions, row) for row in rows}


def _look_up(table: Mapping[str, Value], name: str) -> Value | None:
    """Spelling differs in case between a model's limits and its prices."""
    return next((value for key, value in table.items() if key.casefold() == name.casefold()), None)


def _place(rows: Sequence[str], columns: Sequence[str], row: str, column: str) -> Place:
    return (
        next((name for name in rows if name.casefold() == row.casefold()), ""),
        next(
            (name for name in columns if name.casefold() == column.casefold()), columns[0] if len(columns) == 1 else ""
        ),
    )


def _marks(prices: Mapping[Place, Decimal | None], default: Place, chosen: Place) -> dict[Place, str]:
    known = {place: price for place, price in prices.items() if price is not None}
    cheapest = min(known, key=lambda place: known[place]) if len(known) > 1 else None
    named = (("cheapest", cheapest), ("default", default), ("chosen", chosen))
    words = {place: ", ".join(word for word, at in named if at == place) for place in prices}
    return {place: text for place, text in words.items() if text}
