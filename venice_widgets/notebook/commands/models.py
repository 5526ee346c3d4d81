"""``%venice models``, ``model``, ``price`` and ``styles``: what there is to choose from, its limits and prices."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

from venice_widgets.display import Bundle, Cell, facts, join, notice, table
from venice_widgets.money import usd_text
from venice_widgets.notebook.line_parser import usd
from venice_widgets.request.catalogue import Catalogue, FieldSupport, Model, Sizing
from venice_widgets.request.checks import deprecation_text
from venice_widgets.request.fields import MAX_SIDE_PIXELS, field_facts
from venice_widgets.request.price_rule import billed_values, decisive_fields, stated_price
from venice_widgets.request.price_table import price_table
from venice_widgets.request.prices import price_range_text

from .command import Command, argument
from .record_text import age_text

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from venice_widgets.session import Session

_NOT_SAID = "the API does not say whether the model uses it"
_TIERS = ("resolution", "quality", "aspect_ratio")
"""The fields by whose value the list can be narrowed; the first two also decide the price that is shown."""


def _models(session: Session, given: Mapping[str, Any]) -> Bundle:
    catalogue = session.catalogue(max_age_seconds=0) if given.get("refresh") else session.catalogue()
    makers = [model for model in catalogue.models if model.generates]
    chosen = [model for model in makers if _passes(model, given)]
    if not chosen:
        return notice(f"No model passes these filters.{_hint(makers, given)}", kind="information")
    at = ", ".join(given[name] for name in ("resolution", "quality") if name in given)
    columns = ["model", "sized by", f"price at {at}" if at else "price of one", "privacy", "seed", "state, traits"]
    by_name = given.get("sort") == "name"
    chosen.sort(key=lambda model: (model.id,) if by_name else _by_price(model, given))
    rows = [_model_row(model, catalogue, given) for model in chosen]
    return table(
        columns, rows, caption=f"{len(chosen)} of {len(makers)} models", footer=_footer(session, catalogue, chosen)
    )


def _footer(session: Session, catalogue: Catalogue, chosen: Sequence[Model]) -> str:
    unknown = any(model.support("seed") is FieldSupport.UNKNOWN for model in chosen)
    return f"{'Seed unknown: ' + _NOT_SAID + '. ' if unknown else ''}{age_text(session, catalogue)}"


def _by_price(model: Model, given: Mapping[str, Any]) -> tuple[Any, ...]:
    """The lowest price first; of equal ones, that which is paid where nothing else is chosen."""
    prices = _prices(model, given)
    usual = _usual_price(model, given)
    return (prices[0] if prices else float("inf"), float("inf") if usual is None else usual, model.id)


def _prices(model: Model, given: Mapping[str, Any]) -> tuple[Decimal, ...]:
    """What one image costs with the values that are asked for, ascending; all that it can cost where none are."""
    names = [name for name in ("resolution", "quality") if name in given]
    if not names:
        return model.unit_prices()
    values = {name: _spelled(model, name, given[name]) for name in names}
    open_names = [name for name in decisive_fields(model) if name not in values]
    choices = [model.allowed(name) or model.priced_values(name) for name in open_names]
    bodies = [{**values, **dict(zip(open_names, each, strict=True))} for each in product(*choices)]
    found = {stated_price(model, billed_values(model, body))[0] for body in bodies}
    return tuple(sorted(price for price in found if price is not None))


def _usual_price(model: Model, given: Mapping[str, Any]) -> Decimal | None:
    """What one image costs where only what was asked for is chosen."""
    values = {name: _spelled(model, name, given[name]) for name in ("resolution", "quality") if name in given}
    return stated_price(model, billed_values(model, values))[0]


def _price_text(model: Model, given: Mapping[str, Any]) -> str:
    """``$0.03–$0.50, $0.50 by default``: a range, and what is paid where nothing else is chosen."""
    prices, usual = _prices(model, given), _usual_price(model, given)
    more = f", {usd_text(usual)} by default" if len(prices) > 1 and usual is not None else ""
    return f"{price_range_text(prices)}{more}"


def _spelled(model: Model, name: str, value: str) -> str:
    """A value as the model spells it; empty where it does not take it."""
    return next((each for each in model.allowed(name) if each.casefold() == value.casefold()), "")


def _passes(model: Model, given: Mapping[str, Any]) -> bool:
    if not all(_spelled(model, name, given[name]) for name in _TIERS if name in given):
        return False
    prices = _prices(model, given)
    if given.get("max_price") is not None and not (prices and prices[0] <= given["max_price"]):
        return False
    text = str(given.get("text", "")).casefold()
    return (
        (not given.get("private") or model.is_private)
        and (not given.get("sized") or model.sizing == given["sized"])
        and (not given.get("seed") or model.support("seed") is FieldSupport.SUPPORTED)
        and (not given.get("references") or model.supports_style_references)
        and text in f"{model.id} {model.name}".casefold()
    )


def _hint(makers: Sequence[Model], given: Mapping[str, Any]) -> str:
    """That a word is the value of a filter, as in ``%venice models 2K``; or what values there are."""
    for name in _TIERS:
        # Models spell a value in more than one way: 2K, 2k.
        values = {value.casefold(): value for model in reversed(makers) for value in model.allowed(name)}
        option = f"--{name.replace('_', '-')}"
        if str(given.get("text", "")).casefold() in values:
            return f" For what has {given['text']}, write %venice models {option} {given['text']}."
        if name in given and given[name].casefold() not in values:
            return f" {option} is one of {', '.join(sorted(values.values()))}."
    return ""


def _model_row(model: Model, catalogue: Catalogue, given: Mapping[str, Any]) -> list[Cell | str]:
    traits = [name for name, target in catalogue.traits.items() if target == model.id]
    return [
        Cell(model.id, code=True),
        model.sizing.value,
        Cell(_price_text(model, given), align="right"),
        model.privacy,
        model.support("seed").value,
        ", ".join((*model.states(), *traits)),
    ]


def _styles(session: Session, given: Mapping[str, Any]) -> Bundle:
    styles = session.catalogue().styles
    if styles is None:
        return notice("The styles could not be fetched; %venice models --refresh tries again.", kind="warning")
    text = str(given.get("text", "")).casefold()
    chosen = [style for style in styles if text in style.casefold()]
    if not chosen:
        return notice("No style preset has this in its name.", kind="information")
    rows: list[list[Cell | str]] = [[Cell(style, code=True)] for style in chosen]
    return table(["style preset"], rows, caption=f"{len(chosen)} of {len(styles)} styles", footer="Case counts.")


def _declare_models(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", nargs="?", help="Part of an id or name.")
    parser.add_argument("--max-price", metavar="USD", type=usd, help="One image can be had for this or less.")
    parser.add_argument("--private", action="store_true", default=None, help="Private models only.")
    parser.add_argument("-r", "--resolution", help="Models with this tier, such as 2K, and their price at it.")
    parser.add_argument("-q", "--quality", help="Models with this quality, and their price at it.")
    parser.add_argument("-a", "--aspect-ratio", metavar="RATIO", help="Models that list this ratio, such as 16:9.")
    parser.add_argument("--sort", choices=("price", "name"), help="In this order (price, the lowest first).")
    parser.add_argument("--sized", choices=[kind.value for kind in Sizing], help="How the model is told the size.")
    parser.add_argument("--seed", action="store_true", default=None, help="Models known to use the seed.")
    parser.add_argument("--references", action="store_true", default=None, help="Models that take style references.")
    parser.add_argument("--refresh", action="store_true", default=None, help="Ask Venice now.")


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
        ("negative prompt", _use(model, "negative_prompt")),
        ("seed", _use(model, "seed")),
        ("steps", f"{_steps_text(model)} · {_use(model, 'steps')}"),
        ("style references", _references_text(model)),
        ("web search", "yes" if model.supports_web_search else "no"),
        ("privacy", model.privacy or "unknown"),
        ("state", ", ".join(model.states()) or "available"),
        ("traits", ", ".join(name for name, target in catalogue.traits.items() if target == model.id)),
        ("about", model.description),
    ]
    sheet = facts(f"{model.id} — {model.name}" if model.name else model.id, [pair for pair in pairs if pair[1]])
    return join(sheet, *_prices_shown(catalogue, model), notice(age_text(session, catalogue), kind="information"))


def _use(model: Model, name: str) -> str:
    """Whether the model uses a field that the API accepts for all."""
    support = model.support(name)
    return f"unknown: {_NOT_SAID}" if support is FieldSupport.UNKNOWN else support.value


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
    return join(*_prices_shown(catalogue, model), notice(age_text(session, catalogue), kind="information"))


def _prices_shown(catalogue: Catalogue, model: Model) -> list[Bundle]:
    """A model's prices, and those of the model that may answer in its place."""
    shown = [price_table(model, title=f"Price of one image of {model.id}")]
    if not model.deprecation.may_be_remapped():
        return shown
    other = catalogue.stand_in(model)
    shown += [price_table(other, title=f"Price of one image of {other.id}")] if other else []
    return [*shown, notice(deprecation_text(model, other, {}), kind="note")]


MODEL = Command(
    "model", "All limits of one model, and its prices.", _model, argument("id", "The model."), takes_model=True
)
PRICE = Command("price", "What one image of a model costs.", _price, argument("id", "The model."), takes_model=True)
MODELS = Command("models", "List the models: how sized, price, privacy, seed.", _models, _declare_models)
STYLES = Command("styles", "List the style presets.", _styles, argument("text", "Part of a name.", optional=True))
