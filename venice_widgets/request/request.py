"""A checked request: what N images have in common, its body on the wire, its form in the record, and its hash."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import rfc8785

from venice_widgets.errors import NOTHING_SENT, InvalidRequest, clipped, shown

from .checks import RULES, check_applies, check_references, check_text
from .fields import DEFAULT_SIDE_PIXELS, attribution_fields, check_fields, check_names, is_switch, refusal
from .model import Sizing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from .catalogue import Catalogue
    from .model import Model
    from .style_reference import StyleReference

SHAPE_OPEN = "the shape is chosen by the model"
NOT_RANDOM = "Seed -1 is a seed like any other here; leave the seed out to have one drawn."
"""Other programs take -1 for "any seed"."""


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """A prompt and its fields, checked against one model's limits: what N images have in common."""

    model: Model
    prompt: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    """The chosen fields, spelled as the catalogue spells them; without model, seed and references."""
    reference_specs: tuple[str | Path | StyleReference, ...] = ()
    """Style references as they were given."""
    references: tuple[StyleReference, ...] = ()
    """Style references as they will be sent, once read."""
    asked_model: str | None = None
    """The id or alias that was asked for; None where the default was taken."""
    notes: tuple[str, ...] = ()
    """What the model will ignore, a sentence each."""
    stand_in: Model | None = None
    """The model that answers in place of `model` once that has ended, see `Catalogue.stand_in`."""

    @classmethod
    def build(cls, prompt: str, fields: Mapping[str, Any], catalogue: Catalogue) -> GenerationRequest:
        """Check everything that can be checked before sending.

        Raises:
            InvalidRequest: names the field, the value, what is allowed and the nearest right one.
            ModelUnavailable: no such model, or one that cannot make an image now.
        """
        if not isinstance(prompt, str):
            raise refusal(
                "prompt", shown(prompt, repr), "is not text", "It takes one text; call again for each further prompt."
            )
        given = check_names(fields)
        asked = check_fields({"model": given.pop("model", None)}).get("model")
        model = catalogue.resolve(asked)
        check_applies({name: given[name] for name in given if not is_switch(name)}, model, catalogue)
        checked = check_fields(given)
        check_applies(checked, model, catalogue)
        seed = checked.pop("seed", None)
        specs = tuple(checked.pop("style_references", ()))
        check_text("prompt", prompt, model)
        notes = [NOT_RANDOM] if str(seed).strip() == "-1" else []
        for rule in RULES:
            notes += rule(checked, model, catalogue)
        notes += check_references(specs, model)
        return cls(
            model,
            prompt,
            MappingProxyType(checked),
            specs,
            asked_model=asked,
            notes=tuple(notes),
            stand_in=catalogue.stand_in(model),
        )

    def with_references(self, references: Sequence[StyleReference]) -> GenerationRequest:
        """The same request with its style references read."""
        return replace(self, references=tuple(references))

    def with_prompt(self, prompt: str) -> GenerationRequest:
        """The same request with a prompt that was already enhanced, and enhancement off."""
        fields = {name: value for name, value in self.fields.items() if name != "enhance_prompt"}
        return replace(self, prompt=prompt, fields=MappingProxyType(fields))

    def __repr__(self) -> str:
        return f"<GenerationRequest {self.model.id}: {clipped(self.prompt)!r}>"

    @property
    def resolution(self) -> str:
        """The tier that will be billed, the model's default included; empty where the model has none."""
        return str(self.fields.get("resolution") or self.model.default_resolution)

    @property
    def quality(self) -> str:
        """The quality that will be billed, the model's default included; empty where the model has none."""
        return str(self.fields.get("quality") or self.model.default_quality)

    @property
    def size_text(self) -> str:
        """The size as it is sent: ``1024 × 1024``, ``16:9``, ``2K · 16:9``; empty where it is not known."""
        if self.model.sizing is Sizing.PIXELS:
            width, height = (self.fields.get(name, DEFAULT_SIDE_PIXELS) for name in ("width", "height"))
            return f"{width} × {height}"
        tier = self.resolution if self.model.sizing is Sizing.TIERS else ""
        return " · ".join(part for part in (tier, self.open_shape or self._aspect_ratio) if part)

    @property
    def open_shape(self) -> str:
        """That the shape is known only once the image has come; empty where it is known before."""
        return SHAPE_OPEN if is_open_shape(self._aspect_ratio) else ""

    @property
    def _aspect_ratio(self) -> str:
        return str(self.fields.get("aspect_ratio") or self.model.default_aspect_ratio)

    def body(self, seed: int) -> dict[str, Any]:
        """The JSON object for the wire: what was chosen and the seed, nothing else."""
        return self._body(seed, [reference.wire() for reference in self.references])

    def record(self, seed: int) -> dict[str, Any]:
        """The body as it is stored, shown and hashed: images as ``sha256:…``, and without what only attributes it."""
        body = self._body(seed, [reference.record() for reference in self.references])
        return {name: value for name, value in body.items() if name not in attribution_fields()}

    def _body(self, seed: int, references: list[dict[str, Any]]) -> dict[str, Any]:
        body = {"model": self.model.id, "prompt": self.prompt, **self.fields, "seed": seed}
        return {**body, "style_references": references} if references else body


def plain_record(
    prompt: str, fields: Mapping[str, Any], seed: int, references: Sequence[StyleReference] = ()
) -> dict[str, Any]:
    """The record of a request as it was given, whatever its model takes today: for what the log holds of it.

    Raises:
        InvalidRequest: a field that does not exist, or no model is named.
    """
    checked = check_fields(fields)
    if "model" not in checked:
        raise refusal("model", "", "is not given", "Name it.")
    kept = {name: value for name, value in checked.items() if name not in (*attribution_fields(), "style_references")}
    body = {**kept, "prompt": prompt, "seed": seed}
    return {**body, "style_references": [each.record() for each in references]} if references else body


def is_open_shape(aspect_ratio: object) -> bool:
    """Whether this ratio leaves the image's shape to the model."""
    return str(aspect_ratio).casefold() == "auto"


def canonical(document: Mapping[str, Any]) -> bytes:
    """Canonical JSON by RFC 8785, UTF-8: the form that is sent, stored and hashed.

    Raises:
        InvalidRequest: it holds a number beyond ±2^53, on which JSON readers disagree.
    """
    try:
        return rfc8785.dumps(dict(document))
    except rfc8785.CanonicalizationError as exc:
        raise InvalidRequest(f"the request cannot be written as canonical JSON: {exc}.", NOTHING_SENT) from exc


def sha256_tag(data: bytes) -> str:
    """``sha256:`` and the hash in hexadecimal."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
