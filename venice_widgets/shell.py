"""What this runs in: a kernel, IPython at a terminal, or plain Python; found out without importing IPython."""

from __future__ import annotations

import dis
import shutil
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType


def running_shell() -> Any:
    """The IPython shell around this code, or None."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def in_kernel() -> bool:
    """Whether a front end listens, such as a notebook; that a kernel's package is loaded proves nothing."""
    return getattr(running_shell(), "kernel", None) is not None


def at_terminal() -> bool:
    """Whether the user types into IPython at a terminal."""
    return running_shell() is not None and not in_kernel() and has_terminal()


def has_terminal() -> bool:
    """Whether the user can answer at standard input."""
    return sys.stdin is not None and sys.stdin.isatty()


def terminal_columns() -> int | None:
    """How wide the terminal is that the output goes to; None where it goes to a notebook, a file or another program."""
    if in_kernel() or sys.stdout is None or not sys.stdout.isatty():
        return None
    return max(20, shutil.get_terminal_size().columns)


def drops_value(frame: FrameType) -> bool:
    """Whether the code that is being called from throws the value away, so that IPython shows nothing of it."""
    following = (each.opname for each in dis.get_instructions(frame.f_code) if each.offset > frame.f_lasti)
    return next(following, "") == "POP_TOP"
