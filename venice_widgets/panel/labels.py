"""What the browser draws: models, filters and controls, as JSON. The rules stay here."""

from __future__ import annotations

from decimal import Decimal
from math import gcd
from typing import TYPE_CHECKING, Any

from venice_widgets.request.catalogue import FieldSupport, Sizing
from venice_widgets.request.fields import field_facts, price_axes

from .state import NOT_VALUES, REPLACE, VARIED

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from venice_widgets.request.catalogue import Catalogue, Model
    from venice_widgets.request.fields import FieldFacts

PRICES = ("0.01", "0.03", "0.05", "0.10", "0.25")
"""What the price filter offers, in US dollars."""
DEFAULT_PIXELS = 1024
"""What the API takes where nothing is sent (VENICE API, POST /image/generate)."""
RATIOS = ("1:1", "4:3", "3:4", "3:2", "2:3", "16:9", "9:16", "21:9")
"""Presets for models that are sized in pixels."""
_PLACES = {
    "width": "size", "height": "size", "aspect_ratio": "main", "style_preset": "main", "format": "main",
    "negative_prompt": "main", "style_references": "main",
}  # fmt: skip
"""Where each control is, in this order, after those that decide the price; every other one is one click away."""
_LABELS = {
    "anon_user_id": "Anonymous user ID",
    "cfg_scale": "CFG scale",
    "lora_strength": "LoRA strength",
    "embed_exif_metadata": "Embed EXIF metadata",
    "width": "Width (px)",
    "height": "Height (px)",
}
_HINTS = {
    "negative_prompt": "What the image should not show",
    "style_references": "A file or URL per line, with @0.1 … @1 for its strength",
}
_REPLACED = {"start": "", "hint": "fox, owl, bear: the first is what the prompt says"}
MOST_OFFERED = 4
"""A sweep starts with all of a field's values where there are so few."""
_SEEDS = {
    FieldSupport.SUPPORTED: "seeds are used",
    FieldSupport.IGNORED: "seeds are ignored",
    FieldSupport.UNKNOWN: "not known whether seeds are used",
}


def model_list(catalogue: Catalogue) -> list[dict[str, Any]]:
    """The models that generate images, cheapest first, each with the filters that let it through."""
    shown = sorted((model for model in catalogue.models if model.generates), key=_by_price)
    return [
        {
            "id": model.id,
            "name": model.name,
            "price": model.price_range,
            "state": ", ".join(model.states()),
            "groups": _groups(model),
        }
        for model in shown
    ]


def filter_list(catalogue: Catalogue) -> list[dict[str, Any]]:
    """The filters of the model list; each option is a name in a model's groups."""
    privacies = sorted({model.privacy for model in catalogue.models if model.privacy})
    return [
        {"label": "Price", "options": [["", "any price"], *([f"≤{usd}", f"up to ${usd}"] for usd in PRICES)]},
        {"label": "Privacy", "options": [["", "any privacy"], *([name, name] for name in privacies)]},
        {"label": "Sized by", "options": [["", "any size"], *([kind.value, kind.value] for kind in Sizing)]},
        {"label": "Show", "options": [["", "all models"], ["recent", "used recently"]]},
    ]


def _groups(model: Model) -> list[str]:
    prices = model.unit_prices()
    within = [f"≤{usd}" for usd in PRICES if prices and prices[0] <= Decimal(usd)]
    return [*within, model.privacy, model.sizing.value]


def _by_price(model: Model) -> tuple[Decimal, str]:
    return (model.unit_prices() or (Decimal(10**9),))[0], model.id


def model_facts(model: Model) -> str:
    """One line of what matters before choosing it."""
    limit = model.prompt_character_limit
    parts = [
        model.price_range,
        model.privacy or "privacy not stated",
        _SEEDS[model.support("seed")],
        f"prompt up to {limit:,} characters" if limit else "prompt limit unknown",
        *model.states(),
    ]
    return " · ".join(parts)


def left_out_text(values: Mapping[str, Any], model: Model) -> str:
    """What was chosen and this model does not take; empty where it takes everything."""
    if not values:
        return ""
    said = ", ".join(f"{label_of(field_facts()[name]).lower()} {str(value)[:40]}" for name, value in values.items())
    return f"Not sent, because {model.id} does not take it: {said}."


def control_list(model: Model) -> list[dict[str, Any]]:
    """The controls of the fields that this model takes."""
    facts = field_facts()
    order = dict.fromkeys([*price_axes(), *_PLACES, *facts])
    names = [name for name in order if name not in NOT_VALUES and model.takes(name)]
    return [_control(facts[name], model) for name in names]


def varied_list(model: Model) -> dict[str, dict[str, str]]:
    """What a sweep can vary, each with the values to start with, where the model has few, and a hint."""
    names = [name for name in field_facts() if name in VARIED and (name == "model" or model.takes(name))]
    return {**{name: _varied(field_facts()[name], model) for name in names}, REPLACE: _REPLACED}


def _varied(facts: FieldFacts, model: Model) -> dict[str, str]:
    if facts.kind in (int, float):
        return {"start": "", "hint": "3,5,7 or 1..10 (+3)"}
    if facts.kind is bool:
        return {"start": "on,off", "hint": "on,off"}
    values = model.allowed(facts.name) if facts.about.listed else facts.choices
    few = ",".join(values) if 1 < len(values) <= MOST_OFFERED else ""
    return {"start": few, "hint": "with commas between them"}


def label_of(facts: FieldFacts) -> str:
    """The field's name as a label."""
    return _LABELS.get(facts.name) or facts.name.replace("_", " ").capitalize()


def _control(facts: FieldFacts, model: Model) -> dict[str, Any]:
    control = {
        "name": facts.name,
        "label": label_of(facts),
        "place": "price" if facts.about.prices else _PLACES.get(facts.name, "more"),
        "help": facts.about.help,
        **_input(facts, model),
    }
    if facts.name == "negative_prompt":
        support = model.support(facts.name)
        control["folded"] = support is FieldSupport.IGNORED
        control["suffix"] = {
            FieldSupport.SUPPORTED: "",
            FieldSupport.IGNORED: f"{model.id} drops it",
            FieldSupport.UNKNOWN: f"may have no effect on {model.id}",
        }[support]
    return control


def _input(facts: FieldFacts, model: Model) -> dict[str, Any]:
    """How it is chosen: ``segments``, ``select``, ``area`` or ``text``; an option's value null means the default."""
    name, about = facts.name, facts.about
    if about.prices:
        return {
            "kind": "segments",
            "options": _named(model.allowed(name)),
            "default": str(model.default_of(name) or ""),
        }
    if name in _HINTS:
        return {"kind": "area", "hint": _HINTS[name]}
    unset = [None, f"default ({(model.default_of(name) if about.model_default else None) or about.default})"]
    options = {
        "style_preset": [[None, "none"]],
        **({name: [unset, *_named(model.allowed(name))]} if about.listed else {}),
        **({name: [unset, [True, "on"], [False, "off"]]} if facts.kind is bool else {}),
        **({name: [unset, *_named(facts.choices)]} if facts.choices else {}),
    }
    if name not in options:
        return {"kind": "text", "hint": _hint(facts, model)}
    return {"kind": "select", "options": options[name], **({"more": "styles"} if name == "style_preset" else {})}


def _named(names: Collection[str]) -> list[list[Any]]:
    return [[name, name] for name in names]


def _hint(facts: FieldFacts, model: Model) -> str:
    if facts.name in ("width", "height"):
        return f"{DEFAULT_PIXELS}"
    if facts.name == "steps":
        default = f"default: {model.steps_default}" if model.steps_default else "default: the model's"
        return f"{default} · 1 … {model.steps_max}" if model.steps_max else default
    default = "" if facts.about.default == "the API's" else f"default: {facts.about.default}"
    return " · ".join(filter(None, (default, facts.range_text))) or "default: the API's"


def size_presets(model: Model) -> list[dict[str, str]]:
    """For models that are sized in pixels: the largest size of each ratio that keeps it exactly."""
    if not model.takes("width"):
        return []
    step, most = model.width_height_divisor or 1, int(field_facts()["width"].maximum or DEFAULT_PIXELS)
    found = [(ratio, _size(ratio, step, most)) for ratio in RATIOS]
    return [{"label": ratio, "width": str(size[0]), "height": str(size[1])} for ratio, size in found if size]


def _size(ratio: str, step: int, most: int) -> tuple[int, int] | None:
    wide, high = (int(side) for side in ratio.split(":"))
    unit = gcd(wide, high)
    wide, high = wide // unit * step, high // unit * step
    count = (DEFAULT_PIXELS if wide == high else most) // max(wide, high)
    return (wide * count, high * count) if count else None
