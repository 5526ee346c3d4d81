"""What one model's limits make of the chosen fields: an error that names the remedy, or a note.

Each rule is a function of its own, and stands in `RULES`: it gets the chosen fields, may spell a value as the catalogue
spells it, returns notes on what the model will ignore in silence, and raises what would be refused or come out wrong.

Source of the rules: the Venice API's document of ``POST /image/generate`` and the vendor's notes for client authors.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from venice_widgets.errors import InvalidRequest
from venice_widgets.suggest import nearest

from .catalogue import FieldSupport, Sizing
from .fields import NOTHING_SENT, field_facts, refusal
from .style_reference import StyleReference, split_strength

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from .catalogue import Catalogue, Model

_TIER = re.compile(r"([0-9]{1,4}(?:\.[0-9]{1,4})?)[kK]")


def check_text(name: str, text: str, model: Model) -> None:
    """Length is counted in UTF-16 units, as the API's own validator (JavaScript) counts it."""
    try:
        units = len(text.encode("utf-16-le")) // 2
    except UnicodeEncodeError as exc:
        raise refusal(
            name, repr(text[exc.start]), "is half a character (a lone surrogate)", "Remove or retype it."
        ) from exc
    if name == "prompt" and not text.strip():
        raise InvalidRequest("the prompt is empty.", f"Write what the picture should show. {NOTHING_SENT}", field=name)
    limit = model.prompt_character_limit
    if limit is not None and units > limit:
        raise InvalidRequest(
            f"{name} has {units:,} characters, {units - limit:,} more than {model.id} takes.",
            f"It takes up to {limit:,}. {NOTHING_SENT}",
            field=name,
        )


_Checked = dict[str, Any]


def _negative_prompt_rule(fields: _Checked, model: Model, _: Catalogue) -> list[str] | None:
    text = fields.get("negative_prompt")
    if text is None:
        return None
    check_text("negative_prompt", text, model)
    users = "qwen-image-2 uses it."
    return _ignored("negative_prompt", model, users)


def _ignored(name: str, model: Model, users: str) -> list[str]:
    option = field_facts()[name].option
    match model.support(name):
        case FieldSupport.IGNORED:
            return [f"--{option} has no effect: {model.id} drops it without saying so. {users}"]
        case FieldSupport.UNKNOWN:
            return [f"--{option} may have no effect: whether {model.id} uses it is not known. {users}"]
    return []


def _steps_rule(fields: _Checked, model: Model, _: Catalogue) -> list[str] | None:
    steps = fields.get("steps")
    if steps is None:
        return None
    if model.steps_max is not None and steps > model.steps_max:
        raise refusal("steps", steps, f"is more than {model.id} takes", f"It takes 1 … {model.steps_max}.")
    return _ignored("steps", model, "venice-sd35 uses it.")


def _pixels_rule(fields: _Checked, model: Model, _: Catalogue) -> None:
    for name in ("width", "height"):
        value = fields.get(name)
        if value is None:
            continue
        if model.sizing is not Sizing.PIXELS:
            raise refusal(name, value, f"does not apply: {model.id} is sized by {_sized_by(model)}", _choose(model))
        divisor = model.width_height_divisor or 1
        if value % divisor:
            below, above = value // divisor * divisor, -(-value // divisor) * divisor
            near = " and ".join(str(size) for size in (below, above) if 1 <= size <= 1280)
            raise refusal(
                name, value, f"is no multiple of {divisor}, as {model.id} needs it", f"The nearest are {near}."
            )


def _sized_by(model: Model) -> str:
    return {Sizing.TIERS: "resolution and aspect_ratio", Sizing.RATIO: "aspect_ratio", Sizing.PIXELS: "pixels"}[
        model.sizing
    ]


def _choose(model: Model) -> str:
    if model.sizing is Sizing.PIXELS:
        return "Give width and height, such as 1280 and 720."
    ratios = f"aspect_ratio {', '.join(model.aspect_ratios)}" if model.aspect_ratios else ""
    tiers = f"resolution {', '.join(model.resolutions)}" if model.resolutions else ""
    return f"It takes {' and '.join(part for part in (tiers, ratios) if part)}."


def _ratio_rule(fields: _Checked, model: Model, _: Catalogue) -> list[str] | None:
    ratio = fields.get("aspect_ratio")
    if ratio is None:
        return None
    if model.sizing is Sizing.PIXELS:
        raise refusal("aspect_ratio", ratio, f"does not apply: {model.id} is sized in pixels", _choose(model))
    if not model.aspect_ratios:
        return [f"--aspect-ratio was not checked: the catalogue lists no ratios for {model.id}."]
    if ratio not in model.aspect_ratios:
        raise refusal(
            "aspect_ratio",
            ratio,
            f"is not one that {model.id} takes",
            f"It takes {', '.join(model.aspect_ratios)}.{_near_ratio(ratio, model.aspect_ratios)}",
        )
    return None


def _near_ratio(ratio: str, allowed: Sequence[str]) -> str:
    """The ratio of the nearest proportion, and the same shape turned where that is allowed."""
    wanted = _proportion(ratio)
    known = {name: value for name in allowed if (value := _proportion(name))}
    if not wanted or not known:
        near = nearest(ratio, allowed)
        return f" The nearest is {near[0]}." if near else ""
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


def _resolution_rule(fields: _Checked, model: Model, _: Catalogue) -> None:
    value = fields.get("resolution")
    if value is None:
        return
    if not model.resolutions:
        raise refusal(
            "resolution",
            value,
            f"does not apply: {model.id} has no tiers, and would drop it in silence",
            _choose(model),
        )
    fields["resolution"] = _spelled("resolution", value, model.resolutions, model)


def _quality_rule(fields: _Checked, model: Model, _: Catalogue) -> list[str] | None:
    value = fields.get("quality")
    if value is None:
        return None
    if not model.qualities:
        return [f"--quality has no effect: {model.id} has only one quality. gpt-image-2 has several."]
    fields["quality"] = _spelled("quality", value, model.qualities, model)
    return None


def _spelled(name: str, value: str, allowed: Sequence[str], model: Model) -> str:
    """The catalogue's own spelling of a value that was given without regard to case."""
    for candidate in allowed:
        if candidate.casefold() == value.casefold():
            return candidate
    near = _near_tier(value, allowed) or next(iter(nearest(value, allowed)), "")
    hint = f" The nearest is {near}." if near else ""
    raise refusal(name, value, f"is not one that {model.id} takes", f"It takes {', '.join(allowed)}.{hint}")


def _near_tier(value: str, allowed: Sequence[str]) -> str:
    """The tier of the nearest size (4K for 8K, which no likeness of spelling finds); empty where there is none."""
    sizes = {name: float(size[1]) for name in (value, *allowed) if (size := _TIER.fullmatch(name))}
    known = [name for name in allowed if sizes.get(name)]
    return min(known, key=lambda name: abs(math.log(sizes[name] / sizes[value]))) if known and sizes.get(value) else ""


def _style_rule(fields: _Checked, _: Model, catalogue: Catalogue) -> list[str] | None:
    style = fields.get("style_preset")
    if style is None or style in (catalogue.styles or ()):
        return None
    if catalogue.styles is None:
        return ["--style-preset was not checked: the list of styles could not be fetched."]
    near = nearest(style, catalogue.styles)
    hint = f"Did you mean {' or '.join(near)}?" if near else "See %venice styles."
    raise refusal("style_preset", repr(style), "is no style preset (case counts)", hint)


def _support_rule(fields: _Checked, model: Model, _: Catalogue) -> list[str] | None:
    supported = {
        "enable_web_search": model.supports_web_search,
        "disable_prompt_optimization_thinking": model.supports_optimize_prompt_thinking,
    }
    for name, there in supported.items():
        if fields.get(name) and not there:
            raise refusal(
                name, "on", f"does not apply: {model.id} does not support it", "See %venice model ID for what it takes."
            )
    if fields.get("enable_web_search"):
        return ["With --enable-web-search this picture cannot be made again: the web will have changed."]
    return None


def _delivery_rule(fields: _Checked, _: Model, __: Catalogue) -> None:
    if "variants" in fields and fields.get("return_binary"):
        raise refusal(
            "variants",
            fields["variants"],
            "cannot go with return_binary",
            "Use --images/-n instead of --variants: each picture then keeps its own seed.",
        )


def _deprecation_rule(_: _Checked, model: Model, __: Catalogue) -> list[str] | None:
    if not model.deprecation_date:
        return None
    instead = f" {model.deprecation_replacement} replaces it." if model.deprecation_replacement else ""
    return [f"{model.id} is going away ({model.deprecation_date[:10]}).{instead}"]


RULES = (
    _negative_prompt_rule,
    _pixels_rule,
    _ratio_rule,
    _resolution_rule,
    _quality_rule,
    _steps_rule,
    _style_rule,
    _support_rule,
    _delivery_rule,
    _deprecation_rule,
)


def check_references(specs: Sequence[str | Path | StyleReference], model: Model) -> list[str]:
    """Hold the style references to what the model takes, before any of them is read."""
    if not specs:
        return []
    if not model.supports_style_references:
        raise refusal(
            "style_references", f"({len(specs)})", f"do not apply: {model.id} takes none", "krea-v2-large takes some."
        )
    limit = model.max_style_references
    if limit is not None and len(specs) > limit:
        raise refusal("style_references", f"({len(specs)})", f"are more than {model.id} takes", f"It takes {limit}.")
    for spec in specs:
        strength = spec.strength if isinstance(spec, StyleReference) else split_strength(str(spec))[1]
        if strength is not None and not model.supports_style_reference_strength:
            raise refusal(
                "style_references",
                f"strength {strength:g}",
                f"does not apply: {model.id} takes references without a strength",
                "Leave out the @STRENGTH.",
            )
    return ["Style references may cost a little more than the price shown: the catalogue does not list it."]
