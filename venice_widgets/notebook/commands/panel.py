"""``%venice panel``: explore by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .command import Command, argument

if TYPE_CHECKING:
    from collections.abc import Mapping

    from venice_widgets.panel import Panel
    from venice_widgets.session import Session


def _panel(_: Session, given: Mapping[str, Any]) -> Panel:
    from venice_widgets.panel import Panel

    return Panel(model=given["id"]) if "id" in given else Panel()


PANEL = Command(
    "panel",
    "Explore by hand, with the price in view.",
    _panel,
    argument("id", "The model to begin with.", optional=True),
    takes_model=True,
)
