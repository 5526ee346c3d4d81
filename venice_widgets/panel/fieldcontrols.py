"""One control for one field of the request, made from the field's declaration and the model's limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as W  # noqa: N812

from .parts import Control, PromptArea, set_trait, show
from .words import negative_prompt_label

if TYPE_CHECKING:
    from venice_widgets.request.catalogue import Catalogue, Model
    from venice_widgets.request.fields import FieldFacts

    from .choices import Choices
    from .desk import Desk
    from .lane import Lane

Options = list[tuple[str, Any]]

DEFAULT = ""
"""Stands for None in a list: ipywidgets takes None for "nothing selected"."""

_LABELS = {
    "cfg_scale": "CFG scale",
    "lora_strength": "LoRA strength",
    "embed_exif_metadata": "Embed EXIF metadata",
    "style_references": "Style references · a file or URL a line, with @0.1 … @1 for its strength",
}


def label_of(facts: FieldFacts) -> str:
    """The field's name as a label."""
    return _LABELS.get(facts.name) or facts.name.replace("_", " ").capitalize()


class FieldControl:
    """A field of the request, shown where it applies to the model."""

    def __init__(self, facts: FieldFacts, desk: Desk, lane: Lane) -> None:
        self.facts = facts
        self.widget = self._widget()
        self._control = Control(self.widget, desk, lane, self._putter(desk))
        self._desk = desk

    def draw(self, choices: Choices, model: Model, catalogue: Catalogue) -> None:
        """Show what is chosen on this model."""
        applicable = model.takes(self.facts.name)
        show(self.widget, when=applicable)
        if not applicable:
            return
        if self.facts.name == "negative_prompt":
            set_trait(self.widget, "description", negative_prompt_label(model))
        value = choices.value(self.facts.name, model)
        options = self._options(model, catalogue)
        if options is None:
            self._control.draw(_text(value))
        else:
            self._control.draw_options(options, self._shown(value, model))

    def _shown(self, value: Any, model: Model) -> Any:
        """Tiers and qualities show the model's default as chosen: that is what is billed."""
        if value is None and self.facts.name in ("resolution", "quality"):
            default = getattr(model, f"default_{self.facts.name}")
            names = getattr(model, _LISTS[self.facts.name])
            return next((name for name in names if name.casefold() == default.casefold()), DEFAULT)
        return DEFAULT if value is None else value

    def _options(self, model: Model, catalogue: Catalogue) -> Options | None:
        """What can be chosen; None where the value is typed."""
        name = self.facts.name
        if name in ("resolution", "quality"):
            return [(each, each) for each in getattr(model, _LISTS[name])]
        if name == "aspect_ratio":
            default = model.default_aspect_ratio
            return _with_default(f"default ({default})" if default else "default", model.aspect_ratios)
        if name == "style_preset":
            return _with_default("none", catalogue.styles or ())
        if self.facts.kind is bool:
            return [(f"default ({self.facts.about.default})", DEFAULT), ("on", True), ("off", False)]
        return (
            _with_default(f"default ({self.facts.about.default})", self.facts.choices) if self.facts.choices else None
        )

    def _widget(self) -> Any:
        facts = self.facts
        said = {"description": label_of(facts), "tooltip": facts.about.help}
        if facts.name in ("resolution", "quality"):
            return W.ToggleButtons(options=(), **said)
        if facts.name in ("negative_prompt", "style_references"):
            return PromptArea(rows=2, placeholder=facts.about.default, **said)
        if facts.choices or facts.kind is bool or facts.name in ("aspect_ratio", "style_preset"):
            return W.Dropdown(options=(), **said)
        return W.Text(placeholder=_placeholder(facts), **said)

    def _putter(self, desk: Desk) -> Any:
        def put(value: Any) -> None:
            desk.choose(lambda choices: choices.with_field(self.facts.name, value))

        return put


_LISTS = {"resolution": "resolutions", "quality": "qualities"}


def _with_default(label: str, names: Any) -> Options:
    return [(label, DEFAULT), *((name, name) for name in names)]


def _placeholder(facts: FieldFacts) -> str:
    return " · ".join(filter(None, (f"default: {facts.about.default}", facts.range_text)))


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "\n".join(map(str, value))
    return "" if value is None else str(value)
