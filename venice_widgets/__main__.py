"""``python -m venice_widgets``: runs a plan without a notebook, on a cluster or in a terminal."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

if __name__ == "__main__":
    import venice_widgets.current  # noqa: F401  it lets a plan from a file use the session of the environment
    from venice_widgets.plan.command_line import main

    status = main()
    try:
        sys.stdout.flush()
    except OSError:  # whoever read it has gone: what is left would end Python with another status
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(status)
