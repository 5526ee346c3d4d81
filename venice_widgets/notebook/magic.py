"""``%%venice`` and ``%venice``, registered at no cost: everything heavy is imported when they are first used.

The objects that are registered answer ``getdoc()``, so that ``%%venice?`` shows help that is made from the request's
fields without any of it being imported before.
"""

from __future__ import annotations

from typing import Any

NAME = "venice"


class CellMagic:
    """``%%venice``."""

    _ipython_magic_no_var_expand = True
    """IPython must not fill in ``$x`` and ``{x}`` on the line: ``--save fox-{seed}.{ext}``."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell

    def __call__(self, line: str, cell: str) -> Any:
        """Run a cell."""
        from .cell import run_cell
        from .return_value import shown_or_returned

        return shown_or_returned(run_cell(self._shell, line, cell))

    def getdoc(self) -> str:
        """The help, for ``%%venice?``."""
        from .cell_options import cell_help

        return cell_help()


class LineMagic:
    """``%venice``."""

    _ipython_magic_no_var_expand = True

    def __init__(self, shell: Any) -> None:
        self._shell = shell

    def __call__(self, line: str) -> Any:
        """Run a command."""
        from .commands import run_command
        from .return_value import shown_or_returned

        return shown_or_returned(run_command(self._shell, line))

    def getdoc(self) -> str:
        """The help, for ``%venice?``."""
        from .commands import overview

        return overview()


def register(shell: Any) -> None:
    """Give a shell the two magics and their completion."""
    from .completion import add_matcher
    from .output_history import add_hook
    from .raw_cells import add_transformer

    shell.register_magic_function(CellMagic(shell), "cell", NAME)
    shell.register_magic_function(LineMagic(shell), "line", NAME)
    add_matcher(shell)
    add_transformer(shell)
    add_hook(shell)


def unregister(shell: Any) -> None:
    """Take back what `register` gave."""
    from .completion import remove_matcher
    from .output_history import remove_hook
    from .raw_cells import remove_transformer

    for kind in ("cell", "line"):
        shell.magics_manager.magics[kind].pop(NAME, None)
    remove_matcher(shell)
    remove_transformer(shell)
    remove_hook(shell)
