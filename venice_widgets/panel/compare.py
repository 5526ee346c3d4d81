"""Two to four pictures side by side, or two blended by a slider, and what differs between their requests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import ipywidgets as W  # noqa: N812

from venice_widgets.display import Cell, table
from venice_widgets.display.html import escaped
from venice_widgets.generation.result import seed_text

from .parts import column, named, set_trait, show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from venice_widgets.generation.result import Image

MOST_COMPARED = 4
SIDE_BY_SIDE, BLENDED = "Side by side", "Blended"


class Compare:
    """The pictures that were put into it. A picture is the gallery's own widget, so that it is not sent again."""

    def __init__(self, blend_name: str) -> None:
        self._blend_name = blend_name
        self._hint = W.HTML(_hint(0))
        self._mode = W.ToggleButtons(options=(SIDE_BY_SIDE, BLENDED), description="Show")
        self._slider = W.IntSlider(value=50, max=100, description="Blend in %")
        self._opacity = W.HTML()
        self._pictures = named(W.Box(), "venice-compared")
        self._differences = W.HTML()
        self.widget = column(self._hint, self._mode, self._slider, self._pictures, self._differences, self._opacity)
        self._count = 0
        self._mode.observe(lambda _: self._arrange(), "value")
        self._slider.observe(lambda _: self._fade(), "value")
        self._arrange()

    def draw(self, images: Sequence[Image], pictures: Sequence[Any]) -> None:
        """Show these pictures."""
        self._count = len(images)
        set_trait(self._hint, "value", _hint(self._count))
        captioned = [_captioned(image, picture) for image, picture in zip(images, pictures, strict=True)]
        self._pictures.children = tuple(captioned)
        if self._count == 2:
            first, second = (seed_text(image.seed) for image in images)
            set_trait(self._slider, "description", f"Blend in % · from {first} to {second}")
        set_trait(self._differences, "value", differences_html(images))
        self._arrange()

    def _arrange(self) -> None:
        show(self._mode, when=self._count == 2)
        blended = self._count == 2 and self._mode.value == BLENDED
        show(self._slider, when=blended)
        (self._pictures.add_class if blended else self._pictures.remove_class)(self._blend_name)
        self._fade()

    def _fade(self) -> None:
        """Opacity is no trait of a picture: a rule of one line says it."""
        blended = self._count == 2 and self._mode.value == BLENDED
        rule = f".{self._blend_name} > :nth-child(2) {{ opacity: {self._slider.value / 100:g} }}"
        set_trait(self._opacity, "value", f"<style>{rule}</style>" if blended else "")


def _hint(count: int) -> str:
    words = {
        0: "Nothing to compare yet. In the gallery, choose More and then Compare on two to four pictures.",
        1: "One picture. Choose Compare on another one.",
    }
    return f'<div class="venice-muted">{escaped(words.get(count, f"{count} pictures"))}</div>'


def _captioned(image: Image, picture: Any) -> Any:
    return column(
        picture, W.HTML(f"<b>{escaped(seed_text(image.seed))}</b> · {escaped(image.model)}"), name="venice-compared-one"
    )


def differences(requests: Sequence[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    """The fields in which requests differ, with each one's value as text; what is absent reads "not sent"."""
    names = list(dict.fromkeys(name for request in requests for name in request))
    rows = [(name, [_value_text(request, name) for request in requests]) for name in names]
    return [(name, values) for name, values in rows if len(set(values)) > 1]


def _value_text(request: dict[str, Any], name: str) -> str:
    if name not in request:
        return "not sent"
    value = request[name]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def differences_html(images: Sequence[Image]) -> str:
    """What differs, as a table."""
    if len(images) < 2:
        return ""
    found = differences([dict(image.request) for image in images])
    if not found:
        return '<div class="venice-muted">The requests do not differ.</div>'
    columns = ["field", *(seed_text(image.seed) for image in images)]
    rows: list[list[str | Cell]] = [[Cell(name, code=True), *values] for name, values in found]
    return str(table(columns, rows, caption="**What differs between the requests**").data["text/html"])
