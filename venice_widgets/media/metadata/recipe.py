"""A recipe: what made one picture, as a file can carry it, and its JSON form.

The JSON has the shape of the ``venice`` metadata of a notebook's outputs, with one run, so that one reader serves
both::

    {"schema": 1, "base_url": …, "software": …, "runs": [{"run_id": …, "request": {…}, "request_hash": …,
     "image": {"seed": 41, "sha256": …, "mime": …, "width": 1024, "height": 1024}}]}

What is empty or unknown is left out. ``"withheld": "prompt"`` says that the prompts were taken out on purpose.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from venice_widgets.errors import UnreadableFile

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = 1
_XML_ILLEGAL = re.compile("[\ud800-\udfff\ufffe\uffff\x7f-\x9f]")
_IN_WHOLE = ("base_url", "service", "software", "withheld")
_IN_RUN = ("run_id", "request", "request_hash", "model", "steps", "rewritten_prompt", "service_version", "settings")
_IN_IMAGE = {"seed": "seed", "image_sha256": "sha256", "mime": "mime", "width": "width", "height": "height"}
_TEXTS = ("run_id", "request_hash", "model", "rewritten_prompt", "service_version", "image_sha256", "mime")
_NUMBERS = ("steps", "seed", "width", "height")


@dataclass(frozen=True, slots=True)
class Recipe:
    """What made one picture."""

    request: Mapping[str, Any]
    """The body as sent, by the API's field names; a reference image stands as ``sha256:…``."""

    seed: int | None = None
    """The seed of this picture, or None where nobody can know it."""

    model: str = ""
    """The id that answered; empty where it is the request's own."""

    steps: int | None = None
    """The number of steps that were run, where it is known and not in the request. Never a guess."""

    rewritten_prompt: str = ""
    """The prompt that the service put in place of the request's."""

    run_id: str = ""
    request_hash: str = ""
    base_url: str = ""

    service: str = "Venice.ai"
    """Who made the picture, by name."""

    service_version: str = ""
    """The service's own version, from its headers."""

    image_sha256: str = ""
    """Of the bytes as received, before any recipe was written into a copy."""

    mime: str = ""
    width: int | None = None
    """In pixels."""

    height: int | None = None
    """In pixels."""

    sent_at: datetime | None = None
    """Aware, UTC."""

    simulated: bool = False
    """Whether a simulator drew the picture, by rule and from no training data."""

    software: str = "venice-widgets"
    settings: Mapping[str, str] = field(default_factory=dict)
    """Further facts by infotext's own keys (``Sampler``), from a file of another program."""

    withheld: str = ""
    """``"prompt"`` where prompts were taken out, else empty."""

    @property
    def prompt(self) -> str:
        """The prompt that made the picture: the rewritten one where there is one."""
        return self.rewritten_prompt or str(self.request.get("prompt") or "")

    @property
    def negative_prompt(self) -> str:
        """The request's negative prompt, or nothing."""
        return str(self.request.get("negative_prompt") or "")

    @property
    def model_used(self) -> str:
        """The id that answered, else the one asked for."""
        return self.model or str(self.request.get("model") or "")

    def without_prompt(self) -> Recipe:
        """The same recipe without any text of a prompt.

        The hash of the request goes too: with everything else known, it would tell whether a guessed prompt is right.
        """
        return replace(
            self,
            request={key: value for key, value in self.request.items() if not _tells_a_prompt(key, value)},
            settings={key: value for key, value in self.settings.items() if not _tells_a_prompt(key, value)},
            rewritten_prompt="",
            request_hash="",
            withheld="prompt",
        )


def to_json(recipe: Recipe) -> str:
    """The recipe as compact JSON that any XML or UTF-8 container can hold."""
    run: dict[str, Any] = {name: getattr(recipe, name) for name in _IN_RUN}
    run["sent_at"] = recipe.sent_at.astimezone(UTC).isoformat() if recipe.sent_at else None
    run["image"] = _known({key: getattr(recipe, name) for name, key in _IN_IMAGE.items()})
    whole = {"schema": SCHEMA, **{name: getattr(recipe, name) for name in _IN_WHOLE}}
    whole["simulated"] = recipe.simulated or None
    # An empty request is a fact; an empty anything else is not.
    runs = [{"request": dict(recipe.request), **_known(run)}]
    text = json.dumps({**_known(whole), "runs": runs}, ensure_ascii=False, separators=(",", ":"), default=_plain)
    return _XML_ILLEGAL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def from_json(text: str) -> Recipe:
    """Read a recipe that `to_json` wrote.

    Raises:
        UnreadableFile: it is no such JSON, or of a newer schema.
    """
    try:
        whole = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as exc:
        raise _unusable(f"it is not JSON ({exc})") from exc
    if not isinstance(whole, dict) or not isinstance(whole.get("schema"), int):
        raise _unusable("it does not say its schema")
    if whole["schema"] > SCHEMA:
        raise _unusable(f"it is of schema {whole['schema']}, and this version reads up to {SCHEMA}")
    runs = whole.get("runs")
    if not (isinstance(runs, list) and len(runs) == 1 and isinstance(runs[0], dict)):
        raise _unusable("it does not hold one run")
    return _from_run(whole, runs[0])


def _from_run(whole: dict[str, Any], run: dict[str, Any]) -> Recipe:
    image = _expect(run, "image", dict) or {}
    fields = {**{name: run.get(name) for name in _IN_RUN}, **{name: image.get(key) for name, key in _IN_IMAGE.items()}}
    fields |= {name: whole.get(name) for name in _IN_WHOLE}
    for name in (*_TEXTS, *_IN_WHOLE):
        _expect(fields, name, str)
    for name in _NUMBERS:
        _expect(fields, name, int)
    settings = _expect(fields, "settings", dict) or {}
    if not isinstance(fields["request"], dict) or not all(isinstance(value, str) for value in settings.values()):
        raise _unusable("its request or its settings are not what they should be")
    return Recipe(
        **_known(fields)
        | {
            "request": fields["request"],
            "sent_at": _time(run.get("sent_at")),
            "simulated": whole.get("simulated") is True,
        }
    )


def _expect(fields: Mapping[str, Any], name: str, kind: type) -> Any:
    value = fields.get(name)
    if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
        raise _unusable(f"its {name} is not a {kind.__name__}")
    return value


def _time(text: object) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise _unusable(f"its time is {text!r}") from exc


def _known(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None and value not in ("", {})}


def _tells_a_prompt(key: str, value: object) -> bool:
    """By the API's and by other programs' names; ``enhance_prompt`` is a switch, not a text."""
    return isinstance(value, str) and any(word in key.lower() for word in ("prompt", "template"))


def _plain(value: object) -> object:
    """Numbers that came from JSON as `Decimal` go back as they were; nothing else is expected in a request."""
    from decimal import Decimal

    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"a request holds {value!r}, which JSON cannot hold")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _unusable(what: str) -> UnreadableFile:
    return UnreadableFile(f"The recipe in this file cannot be used: {what}.", "Use the original file.")
