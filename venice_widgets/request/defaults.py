"""What a request leaves open and how it was decided: every default made explicit, with where it came from.

The body on the wire holds only what was chosen. A year later its defaults may be others, so the record says what they
were: the model's by its catalogue entry, the API's by its documentation (as `fields` states it), and which fields this
model is known to use or ignore.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .field_support import JUDGED_FIELDS
from .fields import attribution_fields, field_facts

if TYPE_CHECKING:
    from .fields import FieldFacts
    from .request import GenerationRequest

GIVEN, OF_MODEL, OF_API = "given", "the model's default", "the API's default"
_WORDS = {"on": True, "off": False, "none": None}
_ELSEWHERE = ("model", "seed", "style_references")
"""What has a place of its own in the record, or no default."""


def resolution(request: GenerationRequest) -> dict[str, Any]:
    """How every field of a request was decided.

    Returns:
        By field name ``{"value": …, "from": …}``, where the source is ``given``, ``the model's default``, ``the API's
        default``, or of the model ``the alias fastest``; and under ``field_support`` what is known of the model's use
        of seed, negative prompt and steps. A default that is not documented has no value.
    """
    open_to_it = [name for name in field_facts() if name not in _ELSEWHERE and request.model.takes(name)]
    relevant = {*request.fields, *open_to_it} - attribution_fields()
    names = [name for name in field_facts() if name in relevant]
    return {
        "model": {"value": request.model.id, "from": _model_source(request)},
        **{name: _decided(request, field_facts()[name]) for name in names},
        "field_support": {name: str(request.model.support(name)) for name in JUDGED_FIELDS},
    }


def decided_value(document: Any, name: str) -> Any:
    """What a field was, given or by default; None where that is not known, as of a record that others wrote."""
    decided = document.get(name) if isinstance(document, dict) else None
    return decided.get("value") if isinstance(decided, dict) else None


def defaults_text(document: Any) -> str:
    """``steps 8, format webp, safe_mode on``: what was not given, in words; of a foreign record, what fits."""
    named = document.items() if isinstance(document, dict) else ()
    decided = [
        (name, each) for name, each in named if name not in ("model", "field_support") and isinstance(each, dict)
    ]
    taken = [
        (name, each["value"]) for name, each in decided if each.get("from") != GIVEN and each.get("value") is not None
    ]
    return ", ".join(f"{name} {_word(value)}" for name, value in taken)


def _word(value: Any) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else str(value)


def _model_source(request: GenerationRequest) -> str:
    if request.asked_model is None:
        return "the catalogue's default"
    return GIVEN if request.asked_model == request.model.id else f"the alias {request.asked_model}"


def _decided(request: GenerationRequest, facts: FieldFacts) -> dict[str, Any]:
    if facts.name in request.fields:
        return {"value": request.fields[facts.name], "from": GIVEN}
    of_model = request.model.default_of(facts.name)
    if of_model is not None:
        return {"value": of_model, "from": OF_MODEL}
    return {**_documented(facts), "from": OF_API}


def _documented(facts: FieldFacts) -> dict[str, Any]:
    """The API's default as a value; nothing where its documentation names none."""
    text = facts.about.default
    if text in _WORDS:
        return {"value": _WORDS[text]}
    if facts.kind is int and text.isdigit():
        return {"value": int(text)}
    return {"value": text} if text in facts.choices else {}
