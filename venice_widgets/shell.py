"""What this runs in: a kernel, an IPython at a terminal, or plain Python; found out without importing IPython."""

from __future__ import annotations

import sys
from typing import Any


def running_shell() -> Any:
    """The IPython shell around this code, or None."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def in_kernel() -> bool:
    """Whether a front end listens, such as a notebook; that a kernel's package is loaded proves nothing."""
    return getattr(running_shell(), "kernel", None) is not None


def at_terminal() -> bool:
    """Whether a person types into an IPython at a terminal."""
    return running_shell() is not None and not in_kernel() and has_terminal()


def has_terminal() -> bool:
    """Whether a person can answer at standard input."""
    return sys.stdin is not None and sys.stdin.isatty()
