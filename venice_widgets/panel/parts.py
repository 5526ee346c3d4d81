"""Widgets tied to choices, and the few shapes that the panel is made of.

A `Control` knows what it last showed or was told. It draws a value only where that differs, so that what a person is
typing is never overwritten by an older state of the same text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as W  # noqa: N812  as its documents and every notebook call it
from traitlets import CUnicode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .desk import Desk
    from .lane import Lane

Options = "Sequence[tuple[str, Any]]"


class PromptArea(W.Textarea):  # type: ignore[misc]  # ipywidgets is published without types
    """A text area whose text is not sent back to the browser at every key, however long it is."""

    value = CUnicode(help="String value").tag(sync=True, echo_update=False)


class Control:
    """One widget tied to one choice.

    Args:
        widget: has a ``value``.
        desk: where the choice is kept.
        lane: where the panel is drawn: what is set there was not set by a person.
        put: takes a value that a person has set.
    """

    def __init__(self, widget: Any, desk: Desk, lane: Lane, put: Callable[[Any], None]) -> None:
        self.widget, self._desk, self._lane, self._put = widget, desk, lane, put
        self._known = widget.value
        widget.observe(self._on_value, "value")

    def _on_value(self, change: Any) -> None:
        if self._lane.is_mine:
            return
        try:
            with self._desk.board.lock:
                self._put(change["new"])
                self._known = change["new"]
        except Exception as exc:  # noqa: BLE001  in a callback nobody would see it
            self._desk.board.tell_error(exc)

    def draw(self, value: Any) -> None:
        """Show a value, unless it is what the person sees already."""
        if value != self._known:
            self._known = value
            self.widget.value = value

    def draw_options(self, options: Sequence[tuple[str, Any]], value: Any) -> None:
        """Show what can be chosen, and what is; a value that is no option is shown as one that does not fit."""
        if value not in [option for _, option in options]:
            options = [*options, ("nothing chosen" if value == "" else f"{value} · does not fit", value)]
        if tuple(options) != self.widget.options:
            with self.widget.hold_sync():
                self.widget.options = tuple(options)
                self.widget.value = value
            self._known = value
        self.draw(value)


def set_trait(widget: Any, name: str, value: Any) -> None:
    """Set a trait only where it differs: nothing is sent otherwise."""
    if getattr(widget, name) != value:
        setattr(widget, name, value)


def show(widget: Any, *, when: bool) -> None:
    """Show a widget, or leave no trace of it."""
    set_trait(widget.layout, "display", None if when else "none")


def row(*children: Any, name: str = "venice-row") -> Any:
    """Widgets beside each other, wrapping where it is narrow."""
    return named(W.Box(list(children)), name)


def column(*children: Any, name: str = "venice-column") -> Any:
    """Widgets below each other."""
    return named(W.VBox(list(children)), name)


def named(widget: Any, *names: str) -> Any:
    """A widget with names for the style sheet."""
    for name in names:
        widget.add_class(name)
    return widget


def button(label: str, on_click: Callable[[], Any], desk: Desk, *, tooltip: str = "", name: str = "") -> Any:
    """A button whose handler's errors are told in the panel."""
    made = W.Button(description=label, tooltip=tooltip or None)
    tie(made, on_click, desk)
    return named(made, name) if name else made


def tie(widget: Any, on_click: Callable[[], Any], desk: Desk) -> None:
    """Let a button do something."""

    def clicked(_: Any) -> None:
        try:
            on_click()
        except Exception as exc:  # noqa: BLE001  in a callback nobody would see it
            desk.board.tell_error(exc)

    widget.on_click(clicked)


class Actions:
    """A row of buttons as one widget, so that dozens of rows stay light.

    Args:
        acts: what each button does, by its label.
        desk: where errors are told.
        lane: where the panel is drawn.
        shared: widget traits that many rows share: their layout and style.
    """

    def __init__(
        self, acts: Mapping[str, Callable[[], Any]], desk: Desk, lane: Lane, shared: Mapping[str, Any]
    ) -> None:
        self._acts, self._desk, self._lane = dict(acts), desk, lane
        self.widget = W.ToggleButtons(options=tuple(acts), value=None, **shared)
        self.widget.observe(self._on_value, "value")

    def _on_value(self, change: Any) -> None:
        if self._lane.is_mine or change["new"] is None:
            return
        self._lane.submit(self._release)
        try:
            self._acts[change["new"]]()
        except Exception as exc:  # noqa: BLE001  in a callback nobody would see it
            self._desk.board.tell_error(exc)

    def _release(self) -> None:
        """A button is no switch: none stays pressed."""
        self.widget.value = None

    def relabel(self, acts: Mapping[str, Callable[[], Any]]) -> None:
        """Other words for what the buttons do now."""
        self._acts = dict(acts)
        if tuple(acts) != self.widget.options:
            with self.widget.hold_sync():
                self.widget.options = tuple(acts)
                self.widget.value = None
