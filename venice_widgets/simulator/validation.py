"""Reading the body of ``POST /image/generate``: strict where Venice is strict, silent where it is silent.

Two checks, as at the service: the schema, which knows no model, and then the limits of the model that serves it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from . import error_bodies
from .catalogue import STYLES, find_model
from .error_bodies import Issue
from .response import ErrorResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .models import Model
    from .received import ReceivedRequest
    from .state import State

MAX_BODY_BYTES = 35_000_000
MAX_REFERENCE_BYTES = 8_000_000
MAX_SEED = 999_999_999
MAX_USER_ID = 128
REQUIRED = ("model", "prompt")


def read_json(request: ReceivedRequest) -> dict[str, Any]:
    """The parsed body.

    Raises:
        ErrorResponse: 413 over 35 MB; 400 for another content type and for what is not a JSON object.
    """
    if len(request.body) > MAX_BODY_BYTES:
        raise ErrorResponse(error_bodies.too_large())
    content_type = request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise ErrorResponse(error_bodies.plain(400, "'Content-Type' must be 'application/json'"))
    if request.json is None:
        raise ErrorResponse(error_bodies.plain(400, "Invalid JSON request"))
    if not isinstance(request.json, dict):
        wrong = f"Expected object, received {_type_name(request.json)}"
        raise ErrorResponse(error_bodies.invalid([Issue((), wrong, "invalid_type")]))
    return request.json


def check_schema(body: Mapping[str, Any]) -> None:
    """Everything that can be wrong without knowing the model.

    Raises:
        ErrorResponse: 400 with every field at fault.
    """
    if issues := list(_schema_issues(body)):
        raise ErrorResponse(error_bodies.invalid(issues))


def named_model(name: str) -> Model:
    """The model with this id or trait.

    Raises:
        ErrorResponse: 404 for unknown and retired ones.
    """
    model = find_model(name)
    if model is None:
        raise ErrorResponse(error_bodies.model_not_found(name, _suggestion(name)))
    return model


def serving_model(named: Model, state: State) -> Model:
    """The model that serves requests for the named one.

    Raises:
        ErrorResponse: 410 for one that has ended, 503 for one that is offline, 400 for one that makes no images.
    """
    model = state.serving_model(named)
    if model is None:
        raise ErrorResponse(error_bodies.model_gone(named.id, named.replacement))
    if model.offline:
        text = f"The model {model.id} is temporarily offline. Please try again later."
        raise ErrorResponse(error_bodies.unavailable(text))
    if not model.generates:
        raise ErrorResponse(error_bodies.unfit(f"Model {model.id} does not support image generation"))
    return model


def check_limits(body: Mapping[str, Any], model: Model) -> None:
    """What the model that serves the request refuses.

    Raises:
        ErrorResponse: 400 with every field at fault.
    """
    if body.get("style_references") and not model.max_style_references:
        raise ErrorResponse(error_bodies.unfit(f"Model {model.id} does not support style references"))
    if issues := list(_limit_issues(body, model)):
        raise ErrorResponse(error_bodies.invalid(issues))


def _suggestion(name: str) -> str | None:
    import difflib

    from .catalogue import MODELS, listed_models

    if name in MODELS:
        return MODELS[name].replacement
    lowered = {model.id.lower(): model.id for model in listed_models()}
    near = difflib.get_close_matches(name.lower(), lowered, n=1)
    return lowered[near[0]] if near else None


def _schema_issues(body: Mapping[str, Any]) -> Iterator[Issue]:
    if "inpaint" in body:
        yield Issue(("inpaint",), "The inpaint feature was removed and is no longer supported")
    if unknown := [name for name in body if name not in FIELDS and name != "inpaint"]:
        names = ", ".join(f"'{name}'" for name in unknown)
        yield Issue((), f"Unrecognized key(s) in object: {names}", "unrecognized_keys")
    for name in REQUIRED:
        if name not in body:
            yield Issue((name,), "Required", "invalid_type")
    for name, value in body.items():
        if name in FIELDS and (wrong := FIELDS[name](value)):
            yield Issue((name,), wrong[1], wrong[0])
    yield from _reference_issues(body.get("style_references", []))
    if body.get("return_binary") is True and "variants" in body:
        yield Issue(("variants",), "Variants are only supported when return_binary is false")


def _reference_issues(references: Any) -> Iterator[Issue]:
    if not isinstance(references, list):
        return
    for index, reference in enumerate(references):
        path = ("style_references", index)
        if not isinstance(reference, dict):
            yield Issue(path, f"Expected object, received {_type_name(reference)}", "invalid_type")
            continue
        if unknown := reference.keys() - {"image", "strength"}:
            names = ", ".join(f"'{name}'" for name in sorted(unknown))
            yield Issue(path, f"Unrecognized key(s) in object: {names}", "unrecognized_keys")
        if wrong := _reference_image(reference.get("image")):
            yield Issue((*path, "image"), wrong)
        if "strength" in reference and (found := _number(0.1, 1)(reference["strength"])):
            yield Issue((*path, "strength"), found[1], found[0])


def _reference_image(image: Any) -> str | None:
    import base64
    import binascii

    if not isinstance(image, str):
        return "Required"
    if image.startswith(("http://", "https://")):
        return None
    try:
        content = base64.b64decode(image.partition(",")[2] if image.startswith("data:") else image, validate=True)
    except (binascii.Error, ValueError):
        return "Must be a base64-encoded image, a data URI or a URL starting with http:// or https://"
    if len(content) >= MAX_REFERENCE_BYTES:
        return "Style reference image must be less than 8MB"
    if image.startswith("data:image/svg") or b"<svg" in content[:1000]:
        return "SVG images are not supported"
    return None


def _limit_issues(body: Mapping[str, Any], model: Model) -> Iterator[Issue]:
    for name in ("prompt", "negative_prompt"):
        if _utf16_units(body.get(name, "")) > model.prompt_limit:
            yield Issue((name,), f"String must contain at most {model.prompt_limit} character(s)", "too_big")
    for name, values in (("resolution", model.resolutions), ("quality", model.qualities)):
        if values and name in body and body[name] not in values:
            yield Issue((name,), _not_one_of(values, body[name]), "invalid_enum_value")
    if model.refuses_pixels:
        for name in ("width", "height"):
            if name in body:
                yield Issue((name,), f"{name} is not supported by {model.id}. Use aspect_ratio instead.")
    if model.uses_steps and "steps" in body and (wrong := _number(1, model.steps[1])(body["steps"])):
        yield Issue(("steps",), wrong[1], wrong[0])
    if len(body.get("style_references", [])) > model.max_style_references:
        limit = model.max_style_references
        yield Issue(("style_references",), f"Array must contain at most {limit} element(s)", "too_big")


def _utf16_units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _not_one_of(values: tuple[str, ...], received: Any) -> str:
    return f"Invalid enum value. Expected {' | '.join(repr(value) for value in values)}, received {received!r}"


def _type_name(value: Any) -> str:
    names = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


def _text(*, least: int = 0) -> Callable[[Any], tuple[str, str] | None]:
    def check(value: Any) -> tuple[str, str] | None:
        if not isinstance(value, str):
            return "invalid_type", f"Expected string, received {_type_name(value)}"
        if len(value) < least:
            return "too_small", f"String must contain at least {least} character(s)"
        return None

    return check


def _one_of(*values: str) -> Callable[[Any], tuple[str, str] | None]:
    def check(value: Any) -> tuple[str, str] | None:
        return None if value in values else ("invalid_enum_value", _not_one_of(values, value))

    return check


def _user_id(value: Any) -> tuple[str, str] | None:
    if not isinstance(value, str):
        return "invalid_type", f"Expected string, received {_type_name(value)}"
    if not 1 <= len(value) <= MAX_USER_ID:
        return "too_big" if value else "too_small", f"String must contain 1 to {MAX_USER_ID} character(s)"
    if not all(" " <= letter <= "~" for letter in value) or "||" in value:
        return "invalid_string", "Must be printable ASCII without '||'"
    return None


def _flag(value: Any) -> tuple[str, str] | None:
    return None if isinstance(value, bool) else ("invalid_type", f"Expected boolean, received {_type_name(value)}")


def _list(value: Any) -> tuple[str, str] | None:
    return None if isinstance(value, list) else ("invalid_type", f"Expected array, received {_type_name(value)}")


def _number(
    least: float, most: float, *, exclusive: bool = False, whole: bool = False
) -> Callable[[Any], tuple[str, str] | None]:
    """JavaScript's numbers: 8.0 is an integer."""

    def check(value: Any) -> tuple[str, str] | None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return "invalid_type", f"Expected number, received {_type_name(value)}"
        if whole and value != value // 1:
            return "invalid_type", "Expected integer, received float"
        if value < least or (exclusive and value == least):
            return "too_small", f"Number must be greater than {'' if exclusive else 'or equal to '}{least}"
        return None if value <= most else ("too_big", f"Number must be less than or equal to {most}")

    return check


FIELDS: dict[str, Callable[[Any], tuple[str, str] | None]] = {
    "model": _text(least=1),
    "prompt": _text(least=1),
    "negative_prompt": _text(),
    "width": _number(0, 1280, exclusive=True, whole=True),
    "height": _number(0, 1280, exclusive=True, whole=True),
    "aspect_ratio": _text(),
    "resolution": _text(),
    "quality": _text(),
    "steps": _number(-math.inf, math.inf, whole=True),
    "cfg_scale": _number(0, 20, exclusive=True),
    "lora_strength": _number(0, 100, whole=True),
    "style_preset": _one_of(*STYLES),
    "style_references": _list,
    "format": _one_of("jpeg", "png", "webp"),
    "seed": _number(-MAX_SEED, MAX_SEED, whole=True),
    "variants": _number(1, 4, whole=True),
    "return_binary": _flag,
    "anon_user_id": _user_id,
    "safe_mode": _flag,
    "hide_watermark": _flag,
    "embed_exif_metadata": _flag,
    "enable_web_search": _flag,
    "enhance_prompt": _flag,
    "disable_prompt_optimization_thinking": _flag,
}
