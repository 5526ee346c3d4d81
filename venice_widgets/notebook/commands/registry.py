"""Every ``%venice`` command, in the order in which ``%venice`` lists them, and how a line finds its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from venice_widgets.current import current_session
from venice_widgets.display import code
from venice_widgets.notebook.line_parser import usage_error
from venice_widgets.suggest import nearest

from .account import BALANCE, CONFIG, DEMO
from .doctor import DOCTOR
from .export import EXPORT, IMPORT
from .log import LOG, SHOW
from .login import LOGIN
from .maintenance import RESOLVE, VERIFY
from .models import MODEL, MODELS, PRICE, STYLES
from .panel import PANEL
from .replay import DRIFT, REPLAY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .command import Command, Displayed

COMMANDS: Mapping[str, Command] = {
    command.name: command
    for command in (
        MODELS,
        MODEL,
        PRICE,
        STYLES,
        PANEL,
        BALANCE,
        DEMO,
        LOG,
        SHOW,
        REPLAY,
        DRIFT,
        EXPORT,
        IMPORT,
        VERIFY,
        RESOLVE,
        CONFIG,
        LOGIN,
        DOCTOR,
    )
}


def run_command(shell: Any, line: str) -> Displayed:
    """Run one ``%venice`` line.

    Raises:
        UsageError: there is no such command, or its options cannot be understood.
        VeniceError: by the command.
    """
    name, rest = [*line.split(None, 1), "", ""][:2]
    if name in ("--help", "-h", "help") and rest:
        name, rest = rest.strip(), "--help"
    if name in ("", "--help", "-h", "help"):
        return code(overview())
    if name not in COMMANDS:
        raise usage_error(_unknown(name, rest))
    parser = COMMANDS[name].parser()
    given = parser.parse_line(rest, getattr(shell, "user_ns", None))
    if given.get("help"):
        return code(parser.format_help())
    return COMMANDS[name].run(current_session(), given)


def _unknown(name: str, rest: str) -> str:
    """What is said of a word that is not a command: of one that was mistyped, or of a prompt."""
    near = nearest(name, COMMANDS) if len(name) > 1 else []
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    said = f"%venice: there is no command {name!r}.{hint}"
    if name.startswith("-") or (rest and not near):
        said += " Images are made by a cell that begins with %%venice; options go on that line, the prompt below it."
    return f"{said} %venice alone lists the commands."


def overview() -> str:
    """What ``%venice`` alone shows."""
    width = max(map(len, COMMANDS))
    lines = [f"  %venice {name.ljust(width)}  {command.summary}" for name, command in COMMANDS.items()]
    return "\n".join(
        [
            "%venice COMMAND",
            "",
            *lines,
            "",
            "%venice COMMAND --help shows more. Images are made by %%venice; see %%venice --help.",
        ]
    )
