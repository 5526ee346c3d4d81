"""``%venice model`` and ``price``: one model's limits, and what one of its pictures costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from venice_widgets.catalogue import Catalogue, Model, Sizing
from venice_widgets.display import Bundle, facts, join, notice, price_grid
from venice_widgets.estimate import usd_text

from .age import age_text
from .command import Command, argument

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from venice_widgets.session import Session


def _model(session: Session, given: Mapping[str, Any]) -> Bundle:
    catalogue = session.catalogue()
    model = _found(catalogue, given["id"])
    pairs = [
        ("sized by", _sizing_text(model)),
        ("aspect ratios", _with_default(model.aspect_ratios, model.default_aspect_ratio)),
        ("resolutions", _with_default(model.resolutions, model.default_resolution)),
        ("qualities", _with_default(model.qualities, model.default_quality)),
        (
            "prompt",
            f"up to {model.prompt_character_limit:,} characters" if model.prompt_character_limit else "limit unknown",
        ),
        ("negative prompt", model.honours("negative_prompt").value),
        ("seed", model.honours("seed").value),
        ("steps", f"{_steps_text(model)} · {model.honours('steps').value}"),
        ("style references", _references_text(model)),
        ("web search", "yes" if model.supports_web_search else "no"),
        ("privacy", model.privacy or "unknown"),
        ("state", ", ".join(_states(model)) or "available"),
        ("traits", ", ".join(name for name, target in catalogue.traits.items() if target == model.id)),
        ("about", model.description),
    ]
    sheet = facts(f"{model.id} — {model.name}" if model.name else model.id, [pair for pair in pairs if pair[1]])
    return join(sheet, prices_of(model), notice(age_text(session, catalogue), kind="information"))


def _found(catalogue: Catalogue, name: str) -> Model:
    return catalogue.find(name) or catalogue.resolve(name)


def _sizing_text(model: Model) -> str:
    if model.sizing is Sizing.PIXELS:
        steps = f" in steps of {model.width_height_divisor}" if model.width_height_divisor else ""
        return f"width and height, 1 … 1280 pixels{steps}"
    return "resolution and aspect ratio" if model.sizing is Sizing.TIERS else "aspect ratio"


def _with_default(names: Sequence[str], default: str) -> str:
    return ", ".join(f"{name} (default)" if name == default else name for name in names)


def _steps_text(model: Model) -> str:
    if model.steps_max is None:
        return "limit unknown"
    return f"up to {model.steps_max}" + (f", default {model.steps_default}" if model.steps_default else "")


def _references_text(model: Model) -> str:
    if not model.supports_style_references:
        return "none"
    strength = "with strength" if model.supports_style_reference_strength else "without strength"
    return f"up to {model.max_style_references or 'an unknown number'}, {strength}"


def _states(model: Model) -> list[str]:
    deprecated = f"deprecated {model.deprecation_date[:10]}"
    instead = f", replaced by {model.deprecation_replacement}" if model.deprecation_replacement else ""
    return [
        *(["offline"] if model.offline else []),
        *(["beta"] if model.beta else []),
        *([deprecated + instead] if model.deprecation_date else []),
        *(["makes no pictures from text"] if not model.generates else []),
    ]


def _price(session: Session, given: Mapping[str, Any]) -> Bundle:
    catalogue = session.catalogue()
    return join(prices_of(_found(catalogue, given["id"])), notice(age_text(session, catalogue), kind="information"))


def prices_of(model: Model) -> Bundle:
    """The price of one picture: resolution × quality, by resolution, or the one price."""
    rows = model.resolutions or tuple(model.price_quality or model.price_resolutions)
    if model.price_quality:
        columns: Sequence[str] = model.qualities or tuple(next(iter(model.price_quality.values())))
        prices = {(row, column): _matrix_price(model, row, column) for row in rows for column in columns}
        default = (model.default_resolution, model.default_quality)
    elif model.price_resolutions:
        columns = ("price",)
        prices = {(row, "price"): _look_up(model.price_resolutions, row) for row in rows}
        default = (model.default_resolution, "price")
    else:
        price = model.price_generation
        return facts("Price of one picture", [(model.id, "unknown" if price is None else usd_text(price))])
    return price_grid(
        rows,
        columns,
        {place: None if price is None else usd_text(price) for place, price in prices.items()},
        marks=_marks(prices, default),
        caption=f"Price of one picture of {model.id}",
    )


def _look_up(prices: Mapping[str, Any], name: str) -> Any:
    return next((value for key, value in prices.items() if key.casefold() == name.casefold()), None)


def _matrix_price(model: Model, row: str, column: str) -> Decimal | None:
    found: Decimal | None = _look_up(_look_up(model.price_quality, row) or {}, column)
    return found


def _marks(prices: Mapping[tuple[str, str], Decimal | None], default: tuple[str, str]) -> dict[tuple[str, str], str]:
    known = {place: price for place, price in prices.items() if price is not None}
    marks = {min(known, key=lambda place: known[place]): "cheapest"} if len(known) > 1 else {}
    if default in prices:
        marks[default] = f"{marks[default]}, default" if default in marks else "default"
    return marks


MODEL = Command(
    "model", "All limits of one model, and its prices.", _model, argument("id", "The model."), takes_model=True
)
PRICE = Command("price", "What one picture of a model costs.", _price, argument("id", "The model."), takes_model=True)
