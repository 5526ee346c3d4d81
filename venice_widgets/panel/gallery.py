"""The gallery: pictures with seed, price and model, and what can be done with each.

A card is made once and kept; its picture is the preview, sent once. Cards share their layouts and styles, a row of
buttons is one widget, and the rarer actions come when somebody asks for them: dozens of pictures stay light.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import ipywidgets as W  # noqa: N812

from venice_widgets.display.html import attribute, escaped, shortened
from venice_widgets.generation.result import price_text, seed_text, size_text
from venice_widgets.log import RUN_ENDING

from .parts import Actions, named, set_trait

if TYPE_CHECKING:
    from collections.abc import Mapping

    from venice_widgets.generation.result import Image

MOST_CARDS = 36
"""The oldest beyond this leave the gallery (not the log), but for those that are pinned or compared."""
PIN, UNPIN, COMPARE, LEAVE, MORE = "Pin", "Unpin", "Compare", "Leave Compare", "More"
Act = Callable[[], Any]
Key = tuple[str, str]


def key_of(image: Image) -> Key:
    """What tells one picture from another."""
    return image.run_id, image.sha256


class Looks:
    """What the widgets of all cards share, so that each card is a few messages and not dozens."""

    def __init__(self) -> None:
        layout = W.Layout()
        self.box = {"layout": layout}
        self.picture = {"layout": layout}
        self.caption = {"layout": layout, "style": W.HTML().style}
        self.actions = {"layout": layout, "style": W.ToggleButtons().style, "_dom_classes": ("venice-actions",)}


class PictureCard:
    """One picture, its caption and its actions.

    Args:
        image: the picture.
        looks: what all cards share.
        actions: makes a row of buttons.
        first: the actions at hand, by label.
        more: the actions one click away, by label.
    """

    def __init__(
        self,
        image: Image,
        looks: Looks,
        actions: Callable[[Mapping[str, Act]], Actions],
        first: Mapping[str, Callable[[Image], Any]],
        more: Mapping[str, Callable[[Image], Any]],
    ) -> None:
        self.image, self._make_actions = image, actions
        self._more = more
        self._more_row: Actions | None = None
        self._pinned = self._compared = False
        kind = image.preview.mime.removeprefix("image/")
        self.picture = W.Image(value=image.preview.data, format=kind, **looks.picture)
        self._caption = W.HTML(_caption(image), **looks.caption)
        self._first = actions({**self._bound(first), MORE: self._toggle})
        children = (self.picture, self._caption, self._first.widget)
        self.widget = W.VBox(children, _dom_classes=("venice-card",), **looks.box)

    def _bound(self, actions: Mapping[str, Callable[[Image], Any]]) -> dict[str, Act]:
        return {label: partial(act, self.image) for label, act in actions.items()}

    def _toggle(self) -> None:
        if self._more_row is None:
            self._more_row = self._make_actions(self._labelled())
        shown = self._more_row.widget
        others = tuple(child for child in self.widget.children if child is not shown)
        self.widget.children = others if len(others) < len(self.widget.children) else (*others, shown)

    def _labelled(self) -> dict[str, Act]:
        now = {PIN: UNPIN if self._pinned else PIN, COMPARE: LEAVE if self._compared else COMPARE}
        return {now.get(label, label): act for label, act in self._bound(self._more).items()}

    def mark(self, *, pinned: bool, compared: bool) -> None:
        """Say under the caption that it is pinned or compared, and on the buttons what they do now."""
        self._pinned, self._compared = pinned, compared
        words = [*(["pinned"] if pinned else []), *(["in Compare"] if compared else [])]
        set_trait(self._caption, "value", _caption(self.image, " · ".join(words)))
        if self._more_row is not None:
            self._more_row.relabel(self._labelled())

    def close(self) -> None:
        """Take it out of the browser's memory."""
        more = [self._more_row.widget] if self._more_row is not None else []
        for widget in {*self.widget.children, *more, self.widget}:
            widget.close()


def _caption(image: Image, words: str = "") -> str:
    """Seed and price where the eye falls; the prompt as a tooltip."""
    prompt = attribute(shortened(str(image.request.get("prompt", "")), 240))
    remarks = "".join(f"<div>{escaped(remark)}</div>" for remark in (*image.remarks, *([words] if words else [])))
    return (
        f'<div title="{prompt}"><div class="venice-heading"><b>{escaped(seed_text(image.seed))}</b>'
        f'<span class="venice-muted">{escaped(image.run_id[-RUN_ENDING:])}</span></div>'
        f"<div>{escaped(price_text(image))}</div>"
        f'<div class="venice-muted">{escaped(image.model)}<br>{escaped(size_text(image))}</div>{remarks}</div>'
    )


class Gallery:
    """The pictures of this panel, the newest first."""

    def __init__(self, make_card: Callable[[Image], PictureCard]) -> None:
        self._make_card = make_card
        self._cards: dict[Key, PictureCard] = {}
        self._generations: dict[str, tuple[Key, ...]] = {}
        self.pinned: dict[Key, Image] = {}
        self.compared: dict[Key, Image] = {}
        self._empty = W.HTML('<div class="venice-muted">No pictures yet.</div>')
        self.widget = named(W.Box([self._empty]), "venice-cards")

    def add(self, generation_id: str, images: tuple[Image, ...]) -> None:
        """Show what a generation has so far: the newest generation first, each in the order of its seeds."""
        new = [image for image in images if key_of(image) not in self._cards]
        if not new:
            return
        self._cards |= {key_of(image): self._make_card(image) for image in new}
        self._generations[generation_id] = tuple(map(key_of, images))
        order = [key for keys in reversed(self._generations.values()) for key in keys if key in self._cards]
        dropped = self._dropped(order)
        self.widget.children = tuple(self._cards[key].widget for key in order if key not in dropped)
        for key in dropped:
            self._cards.pop(key).close()

    def _dropped(self, order: list[Key]) -> set[Key]:
        kept = self.pinned.keys() | self.compared.keys()
        free = [key for key in order if key not in kept]
        return set(free[len(free) - (len(order) - MOST_CARDS) :]) if len(order) > MOST_CARDS else set()

    def card(self, image: Image) -> PictureCard | None:
        """The card of a picture, while it is in the gallery."""
        return self._cards.get(key_of(image))

    def mark(self, image: Image) -> None:
        """Say on its card whether a picture is pinned or compared."""
        card = self.card(image)
        if card is not None:
            key = key_of(image)
            card.mark(pinned=key in self.pinned, compared=key in self.compared)
