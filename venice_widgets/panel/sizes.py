"""Width and height for models that are sized in pixels: in steps of their divisor, with a ratio that can be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as W  # noqa: N812

from venice_widgets.request.fields import field_facts

from .parts import Control, named, row, set_trait, show

if TYPE_CHECKING:
    from venice_widgets.request.catalogue import Model

    from .choices import Choices
    from .desk import Desk
    from .lane import Lane

DEFAULT_PIXELS = 1024
"""What the API takes where nothing is sent (VENICE API, POST /image/generate)."""


class Pixels:
    """Two numbers and whether their ratio stays."""

    def __init__(self, desk: Desk, lane: Lane) -> None:
        self._desk = desk
        self._divisor, self._ratio = 1, 1.0
        most = int(field_facts()["width"].maximum or DEFAULT_PIXELS)
        self._most = most
        self._width, self._height = (self._number(name) for name in ("width", "height"))
        self._keep = W.Checkbox(description="Keep the ratio", indent=False, tooltip="Change one, and the other follows")
        self._controls = {
            "width": Control(self._width, desk, lane, lambda value: self._put("width", value)),
            "height": Control(self._height, desk, lane, lambda value: self._put("height", value)),
        }
        self._keep.observe(self._on_keep, "value")
        self.widget = row(self._width, self._height, named(self._keep, "venice-narrow"))

    def _number(self, name: str) -> Any:
        facts = field_facts()[name]
        return W.BoundedIntText(
            min=1, max=self._most, value=DEFAULT_PIXELS, description=f"{name.capitalize()} in pixels",
            tooltip=facts.about.help,
        )  # fmt: skip

    def draw(self, choices: Choices, model: Model) -> None:
        """Show what is chosen on this model."""
        applicable = model.takes("width")
        show(self.widget, when=applicable)
        if not applicable:
            return
        self._divisor = model.width_height_divisor or 1
        for name, control in self._controls.items():
            set_trait(control.widget, "step", self._divisor)
            control.draw(choices.value(name, model) or DEFAULT_PIXELS)

    def _on_keep(self, change: Any) -> None:
        if change["new"]:
            self._ratio = self._width.value / self._height.value

    def _put(self, name: str, value: int) -> None:
        changed = {name: value}
        if self._keep.value:
            other = "height" if name == "width" else "width"
            changed[other] = self._stepped(value / self._ratio if name == "width" else value * self._ratio)
        self._desk.choose(lambda choices: choices.with_fields(changed))

    def _stepped(self, pixels: float) -> int:
        """The nearest multiple of the divisor within bounds."""
        most = self._most // self._divisor * self._divisor
        return max(self._divisor, min(most, round(pixels / self._divisor) * self._divisor))
