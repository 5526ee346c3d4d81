"""What one model's limits make of the chosen fields: an error that names the remedy, or a note.

First `check_applies`: a field that the model does not take is an error, whatever its value. Then, with types and
ranges checked, each rule in `RULES`: it gets the chosen fields, may spell a value as the catalogue spells it, returns
notes on what the model will ignore, and raises what would be refused or come out wrong. Which list, default or flag
of a model belongs to which field is part of the field's declaration.

Source of the rules: the Venice API's document of ``POST /image/generate`` and the vendor's notes for client authors.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from venice_widgets.errors import NOTHING_SENT, InvalidRequest
from venice_widgets.money import usd_text
from venice_widgets.suggest import nearest

from .field_support import FieldSupport, known_users
from .fields import MAX_SIDE_PIXELS, field_facts, refusal
from .model import Sizing
from .price_rule import billed_values, stated_price
from .style_reference import StyleReference, split_strength

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from .catalogue import Catalogue
    from .model import Model

_TIER = re.compile(r"([0-9]{1,4}(?:\.[0-9]{1,4})?)[kK]")
WITHOUT_WIDTH = "\u200b\u2060\ufeff"
"""A space, a joiner and a byte order mark that nobody sees: alone they are no prompt."""
_SIZE_FIELDS = ("width", "height", "aspect_ratio", "resolution")


def check_text(name: str, text: str, model: Model) -> None:
    """Check a text's length. It is counted in UTF-16 units, as the API's own validator (JavaScript) counts."""
    try:
        units = len(text.encode("utf-16-le")) // 2
    except UnicodeEncodeError as exc:
        raise refusal(
            name, repr(text[exc.start]), "is half a character (a lone surrogate)", "Remove or retype it."
        ) from exc
    if name == "prompt" and not "".join(text.split()).strip(WITHOUT_WIDTH):
        raise InvalidRequest("the prompt is empty.", f"Write what the image should show. {NOTHING_SENT}", field=name)
    limit = model.prompt_character_limit
    if limit is not None and units > limit:
        raise InvalidRequest(
            f"{name} has {units:,} characters, {units - limit:,} more than {model.id} takes.",
            f"It takes up to {limit:,}. {NOTHING_SENT}",
            field=name,
        )


_Checked = dict[str, Any]


def check_applies(given: Mapping[str, Any], model: Model, catalogue: Catalogue) -> None:
    """Refuse each field that means nothing to this model, before anything is said of its value.

    Raises:
        InvalidRequest: such a field; the API would ignore it in silence or refuse it.
    """
    for name, value in given.items():
        off = value is False or (isinstance(value, list | tuple) and not value)
        if off or model.takes(name) or field_facts()[name].about.ignored_elsewhere:
            continue
        if name in _SIZE_FIELDS and not (name == "aspect_ratio" and model.sizing is Sizing.TIERS):
            raise refusal(name, value, f"does not apply: {model.id} is sized {_sized(model)}", _choose(model))
        if name not in _SIZE_FIELDS:
            shown = "on" if value is True else f"({len(value)})" if isinstance(value, list | tuple) else value
            takers = _takers(name, catalogue) or "See %venice model ID for what it takes."
            raise refusal(name, shown, f"does not apply: {model.id} does not support it", takers)


def _sized(model: Model) -> str:
    names = {Sizing.TIERS: "by resolution and aspect_ratio", Sizing.RATIO: "by aspect_ratio"}
    return names.get(model.sizing, "in pixels")


def _choose(model: Model) -> str:
    if model.sizing is Sizing.PIXELS:
        return "Give width and height, such as 1280 and 720."
    ratios = f"aspect_ratio {', '.join(model.aspect_ratios)}" if model.aspect_ratios else ""
    tiers = f"resolution {', '.join(model.resolutions)}" if model.resolutions else ""
    return f"It takes {' and '.join(part for part in (tiers, ratios) if part)}."


def _takers(name: str, catalogue: Catalogue) -> str:
    """The first models of the catalogue that take the field."""
    found = [model.id for model in catalogue.models if model.generates and not model.offline and model.takes(name)]
    return f"{' and '.join(found[:2])} {'takes' if len(found) == 1 else 'take'} it." if found else ""


def _negative_prompt_rule(fields: _Checked, model: Model, catalogue: Catalogue) -> list[str]:
    if "negative_prompt" not in fields:
        return []
    check_text("negative_prompt", fields["negative_prompt"], model)
    return _use(model, catalogue, "negative_prompt")


def _steps_rule(fields: _Checked, model: Model, catalogue: Catalogue) -> list[str]:
    return _use(model, catalogue, "steps") if "steps" in fields else []


def _use(model: Model, catalogue: Catalogue, name: str) -> list[str]:
    """That a model drops a field that it accepts, or may do so; and a model that uses it."""
    users = [each.id for each in catalogue.models if each.support(name) is FieldSupport.SUPPORTED]
    known = f"{(users or list(known_users(name)))[0]} uses it."
    match model.support(name):
        case FieldSupport.IGNORED:
            return [f"{name} has no effect: {model.id} ignores it without saying so. {known}"]
        case FieldSupport.UNKNOWN:
            return [f"{name} may have no effect: whether {model.id} uses it is not known. {known}"]
    return []


def _most_rule(fields: _Checked, model: Model, _: Catalogue) -> list[str]:
    for name, facts in field_facts().items():
        most = getattr(model, facts.about.at_most) if facts.about.at_most else None
        if most is not None and fields.get(name, 0) > most:
            raise refusal(name, fields[name], f"is more than {model.id} takes", f"It takes 1 … {most}.")
    return []


def _divisor_rule(fields: _Checked, model: Model, _: Catalogue) -> list[str]:
    divisor = model.width_height_divisor or 1
    for name in ("width", "height"):
        value = fields.get(name, 0)
        if value % divisor:
            sides = (value // divisor * divisor, -(-value // divisor) * divisor)
            near = " and ".join(str(side) for side in sides if 1 <= side <= MAX_SIDE_PIXELS)
            raise refusal(
                name, value, f"is not a multiple of {divisor}, as {model.id} needs it", f"The nearest are {near}."
            )
    return []


def _listed_rule(fields: _Checked, model: Model, catalogue: Catalogue) -> list[str]:
    """Each field that models limit by a list: one of this model's values, spelled as the catalogue spells it."""
    notes = []
    for name in [name for name, facts in field_facts().items() if facts.about.listed and name in fields]:
        allowed = model.allowed(name)
        if allowed:
            fields[name] = _spelled(name, fields[name], allowed, model)
        elif field_facts()[name].about.ignored_elsewhere:
            notes.append(f"{name} has no effect: {model.id} has no choice of it. {_takers(name, catalogue)}".strip())
        else:
            notes.append(f"{name} was not checked: the catalogue lists none for {model.id}.")
    return notes


def _spelled(name: str, value: str, allowed: Sequence[str], model: Model) -> str:
    """The catalogue's own spelling of a value that was given without regard to case."""
    for candidate in allowed:
        if candidate.casefold() == value.casefold():
            return candidate
    raise refusal(
        name, value, f"is not one that {model.id} takes", f"It takes {', '.join(allowed)}.{_near(value, allowed)}"
    )


def _near(value: str, allowed: Sequence[str]) -> str:
    """The nearest of the allowed values: by proportion for ratios, by size for tiers, else by spelling."""
    if _proportion(value):
        return _near_ratio(value, allowed)
    near = _near_tier(value, allowed) or next(iter(nearest(value, allowed)), "")
    return f" The nearest is {near}." if near else ""


def _near_ratio(ratio: str, allowed: Sequence[str]) -> str:
    """The ratio of the nearest proportion, and the same shape turned where that is allowed."""
    wanted = _proportion(ratio)
    known = {name: value for name in allowed if (value := _proportion(name))}
    if not wanted or not known:
        return ""
    best = min(known, key=lambda name: abs(math.log(known[name] / wanted)))
    turned = ":".join(reversed(ratio.split(":")))
    also = f"; {turned} is the same shape turned" if turned in known and turned != best else ""
    return f" The nearest is {best}{also}."


def _proportion(ratio: str) -> float | None:
    try:
        across, up = (float(part) for part in ratio.split(":"))
    except ValueError:
        return None
    proportion = across / up if across > 0 and up > 0 else 0.0
    return proportion if 0 < proportion < math.inf else None


def _near_tier(value: str, allowed: Sequence[str]) -> str:
    """The tier of the nearest size (4K for 8K, which no likeness of spelling finds); empty where there is none."""
    sizes = {name: float(size[1]) for name in (value, *allowed) if (size := _TIER.fullmatch(name))}
    known = [name for name in allowed if sizes.get(name)]
    return min(known, key=lambda name: abs(math.log(sizes[name] / sizes[value]))) if known and sizes.get(value) else ""


def _style_rule(fields: _Checked, _: Model, catalogue: Catalogue) -> list[str]:
    style = fields.get("style_preset")
    if style is None or style in (catalogue.styles or ()):
        return []
    if catalogue.styles is None:
        return ["style_preset was not checked: the list of styles could not be fetched."]
    near = nearest(style, catalogue.styles)
    hint = f"Did you mean {' or '.join(near)}?" if near else "See %venice styles."
    raise refusal("style_preset", repr(style), "is not a style preset (case counts)", hint)


def _web_search_rule(fields: _Checked, _: Model, __: Catalogue) -> list[str]:
    if not fields.get("enable_web_search"):
        return []
    return ["With enable_web_search this image cannot be made again: the web will have changed."]


def _delivery_rule(fields: _Checked, _: Model, __: Catalogue) -> list[str]:
    if "variants" in fields and fields.get("return_binary"):
        raise refusal(
            "variants",
            fields["variants"],
            "cannot go with return_binary",
            "Use images (-n in a cell) instead of variants: each image then has its own seed.",
        )
    return []


def _deprecation_rule(fields: _Checked, model: Model, catalogue: Catalogue) -> list[str]:
    near = model.deprecation.is_near()
    return [deprecation_text(model, catalogue.stand_in(model), fields)] if near else []


def deprecation_text(model: Model, stand_in: Model | None, fields: Mapping[str, Any]) -> str:
    """What becomes of the model's id, and of its price where another model may answer by now.

    Args:
        model: what is going away.
        stand_in: what answers in its place, where that is known.
        fields: the chosen fields, which decide the price.
    """
    said = model.deprecation.sentence(model.id)
    if not model.deprecation.may_be_remapped():
        return said
    own, price = (stated_price(each, billed_values(each, fields))[0] if each else None for each in (model, stand_in))
    if stand_in is None or price is None:
        return f"{said} Its price may differ, and is not known."
    if price == own:
        return f"{said} {stand_in.id} costs the same."
    return f"{said} Its price may differ: {stand_in.id} costs {usd_text(price)} an image."


RULES = (
    _negative_prompt_rule,
    _steps_rule,
    _most_rule,
    _divisor_rule,
    _listed_rule,
    _style_rule,
    _web_search_rule,
    _delivery_rule,
    _deprecation_rule,
)


def check_references(specs: Sequence[str | Path | StyleReference], model: Model) -> list[str]:
    """Check the style references against what the model takes, before any of them is read."""
    if not specs:
        return []
    limit = model.max_style_references
    if limit is not None and len(specs) > limit:
        raise refusal("style_references", f"({len(specs)})", f"are more than {model.id} takes", f"It takes {limit}.")
    for strength in _strengths(specs):
        if not model.supports_style_reference_strength:
            raise refusal(
                "style_references",
                f"strength {strength:g}",
                f"does not apply: {model.id} takes references without a strength",
                "Leave out the @STRENGTH.",
            )
    return ["Style references may cost a little more than the price shown: the catalogue does not list it."]


def _strengths(specs: Sequence[str | Path | StyleReference]) -> Iterator[float]:
    for spec in specs:
        strength = spec.strength if isinstance(spec, StyleReference) else split_strength(str(spec))[1]
        if strength is not None:
            yield strength
