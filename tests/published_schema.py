"""The API's own schema of a request, where this checkout has ``../shared`` beside it: what is sent is judged by it.

It has three known gaps: `anon_user_id` came later; qualities are each model's own names, where the schema lists three;
and the length of a prompt is each model's, where the schema has one for all.
"""

import json
from pathlib import Path
from typing import Any

import jsonschema

_NAME = "shared/data/generate-request.schema.json"
ABSENT = f"../{_NAME} is not beside this checkout"


def _published() -> dict[str, Any] | None:
    places = (Path(__file__).parents[up] / _NAME for up in (2, 3))
    schema = next((json.loads(path.read_text()) for path in places if path.exists()), None)
    if schema is None:
        return None
    properties = {
        **schema["properties"],
        "anon_user_id": {"type": "string", "minLength": 1, "maxLength": 128},
        "quality": {"type": "string"},
        "prompt": {"type": "string"},
        "negative_prompt": {"type": "string"},
    }
    return {**schema, "properties": properties}


def _validator() -> jsonschema.protocols.Validator | None:
    """Checked once: that takes longer than to judge a body by it."""
    if SCHEMA is None:
        return None
    kind = jsonschema.validators.validator_for(SCHEMA)
    kind.check_schema(SCHEMA)
    return kind(SCHEMA)


SCHEMA = _published()
_VALIDATOR = _validator()


def assert_published(*bodies: dict[str, Any]) -> None:
    """Hold bodies against the schema; nothing where it is absent."""
    for body in bodies if _VALIDATOR is not None else ():
        _VALIDATOR.validate(body)
