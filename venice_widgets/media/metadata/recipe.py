"""A recipe: what made one image, as a file can carry it, and its JSON form.

The JSON has the shape of the ``venice`` metadata of a notebook's outputs, with one run, so that one reader serves
both::

    {"schema": 1, "base_url": …, "software": …, "runs": [{"run_id": …, "request": {…}, "request_hash": …,
     "image": {"seed": 41, "sha256": …, "mime": …, "width": 1024, "height": 1024}}]}

What is empty or unknown is left out. ``"withheld": "prompt"`` says that the prompts were removed on purpose.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Len
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, InstanceOf, StrictInt, ValidationError

from venice_widgets.errors import UnreadableFile

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = 1
SHEET_KIND = "venice-sheet"
"""The ``kind`` of the recipe in a sheet of many images, see `plan.sheet_recipe`; that of one image has none."""
_XML_ILLEGAL = re.compile("[\ud800-\udfff\ufffe\uffff\x7f-\x9f]")
_IN_WHOLE = ("base_url", "service", "software", "withheld")
_IN_RUN = ("run_id", "request", "request_hash", "model", "steps", "rewritten_prompt", "service_version", "settings")
_IN_IMAGE = {"seed": "seed", "image_sha256": "sha256", "mime": "mime", "width": "width", "height": "height"}
_Text = InstanceOf[str]
"""Any text: pydantic's own type refuses half a surrogate pair, which a prompt may hold."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What made one image."""

    request: Mapping[str, Any]
    """The body as sent, by the API's field names; a reference image is held as ``sha256:…``."""

    seed: int | None = None
    """The seed of this image, or None where it is not known."""

    model: str = ""
    """The id of the model that answered; empty where it is the request's own."""

    steps: int | None = None
    """The number of steps that were run, where it is known and not in the request. Never a guess."""

    rewritten_prompt: str = ""
    """The prompt that the service put in place of the request's."""

    run_id: str = ""
    request_hash: str = ""
    base_url: str = ""

    service: str = "Venice.ai"
    """The service that made the image."""

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
    """Whether a simulator drew the image, by rule and from no training data."""

    software: str = "venice-widgets"
    settings: Mapping[str, str] = field(default_factory=dict)
    """Further facts by infotext's own keys (``Sampler``), from a file of another program."""

    withheld: str = ""
    """``"prompt"`` where prompts were removed, else empty."""

    @property
    def prompt(self) -> str:
        """The prompt that made the image: the rewritten one where there is one."""
        return self.rewritten_prompt or str(self.request.get("prompt") or "")

    @property
    def negative_prompt(self) -> str:
        """The request's negative prompt, or an empty text."""
        return str(self.request.get("negative_prompt") or "")

    @property
    def model_used(self) -> str:
        """The id that answered, else the one asked for."""
        return self.model or str(self.request.get("model") or "")

    def without_prompt(self) -> Recipe:
        """The same recipe without any text of a prompt.

        The hash of the request goes too: with everything else known, it would show whether a guessed prompt is right.
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


def _time(text: object) -> object:
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC) if text is not None else None
    except OverflowError as exc:
        raise ValueError(f"{text!r} is out of range") from exc


class _Part(BaseModel):
    """A part of the JSON: what is unknown in it is ignored, what is null is absent."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    def known(self) -> dict[str, Any]:
        """The values that are there, but for the parts below this one."""
        return _known({name: value for name, value in self if not isinstance(value, (_Part, list))})


class _ImagePart(_Part):
    seed: StrictInt | None = None
    image_sha256: _Text | None = Field(None, alias="sha256")
    mime: _Text | None = None
    width: StrictInt | None = None
    height: StrictInt | None = None


class _RunPart(_Part):
    request: dict[_Text, Any]
    run_id: _Text | None = None
    request_hash: _Text | None = None
    model: _Text | None = None
    steps: StrictInt | None = None
    rewritten_prompt: _Text | None = None
    service_version: _Text | None = None
    settings: dict[_Text, _Text] | None = None
    sent_at: Annotated[datetime, BeforeValidator(_time)] | None = None
    image: _ImagePart | None = None


class _Whole(_Part):
    schema_: StrictInt = Field(alias="schema", le=SCHEMA)
    base_url: _Text | None = None
    service: _Text | None = None
    software: _Text | None = None
    withheld: _Text | None = None
    simulated: Any = None
    runs: Annotated[list[_RunPart], Len(1, 1)]


def from_json(text: str) -> Recipe:
    """Read a recipe that `to_json` wrote.

    Raises:
        UnreadableFile: it is not such JSON, or is of a newer schema.
    """
    try:
        found = json.loads(text, parse_constant=_refuse_constant)
        _refuse_sheet(found)
        whole = _Whole.model_validate(found)
    except ValidationError as exc:
        raise _unusable(_first_problem(exc)) from exc
    except (ValueError, RecursionError) as exc:
        raise _unusable(f"it is not JSON ({exc})") from exc
    run = whole.runs[0]
    fields = whole.known() | run.known() | (run.image.known() if run.image else {})
    fields.pop("schema_")
    return Recipe(**fields | {"request": run.request, "simulated": whole.simulated is True})


def _refuse_sheet(found: Any) -> None:
    """A sheet of many images holds the recipe of their plan."""
    if not isinstance(found, dict) or found.get("kind") != SHEET_KIND:
        return
    images = found.get("images")
    images = images if isinstance(images, list) else []
    runs = [str(image.get("run_id", ""))[-8:] for image in images if isinstance(image, dict)]
    more = ", …" if len(runs) > 9 else ""
    raise UnreadableFile(
        f"This file is a sheet of {len(runs)} images, not one image.",
        f"Plan.from_sheet(file) reads its plan. Each image has a run: %venice show RUN ({', '.join(runs[:9])}{more}).",
    )


def _first_problem(exc: ValidationError) -> str:
    """The first thing that is wrong, as a clause: ``its runs.0.image.seed: Input should be a valid integer``."""
    problem = exc.errors(include_url=False, include_context=False)[0]
    if problem["loc"] == ("schema",) and problem["type"] == "less_than_equal":
        return f"it is of schema {problem['input']}, and this version reads up to {SCHEMA}"
    place = ".".join(str(part) for part in problem["loc"])
    return f"its {place}: {problem['msg']}" if place else "it is not an object"


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
    raise ValueError(f"{name} is not a JSON number")


def _unusable(what: str) -> UnreadableFile:
    return UnreadableFile(f"The recipe in this file cannot be used: {what}.", "Use the original file.")
