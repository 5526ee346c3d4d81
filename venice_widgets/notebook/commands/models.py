"""``%venice models`` and ``styles``: what there is to choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from venice_widgets.display import Bundle, Cell, notice, table
from venice_widgets.notebook.line_parser import usd
from venice_widgets.request.catalogue import Catalogue, FieldSupport, Model, Sizing

from .command import Command, argument
from .record_text import age_text

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from venice_widgets.session import Session


def _models(session: Session, given: Mapping[str, Any]) -> Bundle:
    catalogue = session.catalogue(max_age_seconds=0) if given.get("refresh") else session.catalogue()
    makers = [model for model in catalogue.models if model.generates]
    chosen = [model for model in makers if _passes(model, given)]
    if not chosen:
        return notice("No model passes these filters.", kind="information")
    columns = ["model", "name", "sized by", "price of one", "privacy", "seed", "state, traits"]
    rows = [_model_row(model, catalogue) for model in sorted(chosen, key=_by_price)]
    return table(columns, rows, caption=f"{len(chosen)} of {len(makers)} models", footer=age_text(session, catalogue))


def _by_price(model: Model) -> tuple[Any, str]:
    prices = model.unit_prices()
    return (prices[0] if prices else float("inf"), model.id)


def _passes(model: Model, given: Mapping[str, Any]) -> bool:
    prices = model.unit_prices()
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


def _model_row(model: Model, catalogue: Catalogue) -> list[Cell | str]:
    traits = [name for name, target in catalogue.traits.items() if target == model.id]
    return [
        Cell(model.id, code=True),
        model.name,
        model.sizing.value,
        Cell(model.price_range, align="right"),
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
    parser.add_argument("--max-price", metavar="USD", type=usd, help="One picture can be had for this or less.")
    parser.add_argument("--private", action="store_true", default=None, help="Private models only.")
    parser.add_argument("--sized", choices=[kind.value for kind in Sizing], help="How the model is told the size.")
    parser.add_argument("--seed", action="store_true", default=None, help="Models known to honour the seed.")
    parser.add_argument("--references", action="store_true", default=None, help="Models that take style references.")
    parser.add_argument("--refresh", action="store_true", default=None, help="Ask Venice now.")


MODELS = Command("models", "List the models: how sized, price, privacy, seed.", _models, _declare_models)
STYLES = Command("styles", "List the style presets.", _styles, argument("text", "Part of a name.", optional=True))
