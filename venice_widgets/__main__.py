"""``python -m venice_widgets``: runs a plan without a notebook, on a cluster or in a terminal."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    import venice_widgets.current  # noqa: F401  it lets a plan from a file use the session of the environment
    from venice_widgets.plan.command_line import main

    sys.exit(main())
