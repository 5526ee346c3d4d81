"""``%venice model`` and ``price``: one model's limits, and what one of its pictures costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from venice_widgets.display import Bundle, facts, join, notice
from venice_widgets.request.catalogue import Catalogue, Model, Sizing
from venice_widgets.request.fields import MAX_SIDE_PIXELS, field_facts
from venice_widgets.request.price_table import price_table

from .command import Command, argument
from .record_text import age_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from venice_widgets.session import Session


def _model(session: Session, given: Mapping[str, Any]) -> Bundle:
    catalogue = session.catalogue()
    model = _found(catalogue, given["id"])
    pairs = [
        ("sized by", _sizing_text(model)),
        *_listed(model),
        (
            "prompt",
            f"up to {model.prompt_character_limit:,} characters" if model.prompt_character_limit else "limit unknown",
        ),
        ("negative prompt", model.support("negative_prompt").value),
        ("seed", model.support("seed").value),
        ("steps", f"{_steps_text(model)} · {model.support('steps').value}"),
        ("style references", _references_text(model)),
        ("web search", "yes" if model.supports_web_search else "no"),
        ("privacy", model.privacy or "unknown"),
        ("state", ", ".join(model.states()) or "available"),
        ("traits", ", ".join(name for name, target in catalogue.traits.items() if target == model.id)),
        ("about", model.description),
    ]
    sheet = facts(f"{model.id} — {model.name}" if model.name else model.id, [pair for pair in pairs if pair[1]])
    return join(sheet, price_table(model), notice(age_text(session, catalogue), kind="information"))


def _found(catalogue: Catalogue, name: str) -> Model:
    return catalogue.find(name) or catalogue.resolve(name)


def _sizing_text(model: Model) -> str:
    if model.sizing is Sizing.PIXELS:
        steps = f" in steps of {model.width_height_divisor}" if model.width_height_divisor else ""
        return f"width and height, 1 … {MAX_SIDE_PIXELS} pixels{steps}"
    return "resolution and aspect ratio" if model.sizing is Sizing.TIERS else "aspect ratio"


def _listed(model: Model) -> list[tuple[str, str]]:
    """A line for each field that models limit by a list; empty where this model has none."""
    limited = [(name, facts.about.listed) for name, facts in field_facts().items() if facts.about.listed]
    return [(attribute.replace("_", " "), _values_text(model, name)) for name, attribute in limited]


def _values_text(model: Model, name: str) -> str:
    default = str(model.default_of(name) or "").casefold()
    return ", ".join(f"{each} (default)" if each.casefold() == default else each for each in model.allowed(name))


def _steps_text(model: Model) -> str:
    if model.steps_max is None:
        return "limit unknown"
    return f"up to {model.steps_max}" + (f", default {model.steps_default}" if model.steps_default else "")


def _references_text(model: Model) -> str:
    if not model.supports_style_references:
        return "none"
    strength = "with strength" if model.supports_style_reference_strength else "without strength"
    return f"up to {model.max_style_references or 'an unknown number'}, {strength}"


def _price(session: Session, given: Mapping[str, Any]) -> Bundle:
    catalogue = session.catalogue()
    model = _found(catalogue, given["id"])
    prices = price_table(model, title=f"Price of one picture of {model.id}")
    return join(prices, notice(age_text(session, catalogue), kind="information"))


MODEL = Command(
    "model", "All limits of one model, and its prices.", _model, argument("id", "The model."), takes_model=True
)
PRICE = Command("price", "What one picture of a model costs.", _price, argument("id", "The model."), takes_model=True)
