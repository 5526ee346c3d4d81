"""Whether what a magic returns will be seen: IPython shows the value of a cell's last line alone.

A command in the middle of a cell, in a loop, or in a file that ``ipython file.ipy`` runs returns to code that throws
its value away. Such a value is displayed at once; all others are returned, so that they can be assigned.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from venice_widgets.shell import drops_value

if TYPE_CHECKING:
    from types import FrameType

_CALLERS = ("run_line_magic", "run_cell_magic")


def shown_or_returned(value: Any) -> Any:
    """The value, for the code that called the magic; None where that throws it away, and it is displayed here."""
    if value is None or not _is_discarded():
        return value
    from IPython.display import display

    display(value)
    return None


def _is_discarded() -> bool:
    frame = _calling_frame()
    return frame is not None and drops_value(frame)


def _calling_frame() -> FrameType | None:
    """The code that asked IPython for the magic; None where something else called it."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_name not in _CALLERS:
        frame = frame.f_back
    return None if frame is None else frame.f_back
