"""What this runs in: a kernel, IPython at a terminal, or plain Python; found out without importing IPython."""

from __future__ import annotations

import dis
import shutil
import sys
from contextlib import suppress
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
    return is_terminal(sys.stdin)


def is_terminal(stream: Any) -> bool:
    """Whether a stream is a terminal; one that is missing, closed or a stranger's own is not."""
    try:
        return bool(stream.isatty())
    except (AttributeError, OSError, ValueError):
        return False


def write_to(stream: Any, text: str) -> None:
    """Write to a stream, as far as it takes it.

    A pipe that nobody reads any more, a full disk or a closed stream must not end what is being paid for.
    """
    with suppress(Exception):
        try:
            stream.write(text)
        except UnicodeEncodeError as exc:
            stream.write(text.encode(exc.encoding, "backslashreplace").decode(exc.encoding))
        stream.flush()


def terminal_columns() -> int | None:
    """How wide the terminal is that the output goes to; None where it goes to a notebook, a file or another program."""
    if in_kernel() or not is_terminal(sys.stdout):
        return None
    return max(20, shutil.get_terminal_size().columns)


def drops_value(frame: FrameType) -> bool:
    """Whether the code that is being called from throws the value away, so that IPython shows nothing of it."""
    following = (each.opname for each in dis.get_instructions(frame.f_code) if each.offset > frame.f_lasti)
    return next(following, "") == "POP_TOP"
