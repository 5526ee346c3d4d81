"""The one widget of the panel: a channel to its views, and nothing of what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anywidget
from traitlets import Any as AnyTrait
from traitlets import Unicode

from .bundle import script, style

if TYPE_CHECKING:
    from collections.abc import Callable


class PanelWidget(anywidget.AnyWidget):
    """A widget of one comm: its layout, which ipywidgets makes a widget of its own, is the browser's."""

    _esm = script()
    _css = style()
    layout = AnyTrait(None, allow_none=True).tag(sync=True)
    place = Unicode(help="The name of the output that the view fills, see `places.js`.").tag(sync=True)

    def __init__(self, place: str) -> None:
        super().__init__(place=place)
        _answer_beside_a_running_cell(self.comm)

    def listen(self, receive: Callable[[Any, Any], None]) -> None:
        """Give what the views send to a function."""
        self.on_msg(lambda _, content, buffers: receive(content, buffers))

    def post(self, message: dict[str, Any], buffers: list[bytes]) -> None:
        """Send a message to every view; silently none once the widget is closed."""
        if self.comm is not None:
            self.send(message, buffers or None)


def _answer_beside_a_running_cell(comm: Any) -> None:
    """Let every message be answered by the shell that it was sent to.

    ipykernel 7.4 sends a comm's messages to the shell that last published on it: for a widget that a cell opens, the
    main one, where they wait for the cell. The browser's own shell runs beside it. Other versions do not ask the comm.
    """
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = lambda _data, own: own  # noqa: SLF001  ipykernel has no public way


def has_subshells() -> bool:
    """Whether the kernel answers beside a running cell."""
    from venice_widgets.shell import running_shell

    kernel = getattr(running_shell(), "kernel", None)
    return bool(getattr(kernel, "_supports_kernel_subshells", False))
