"""What one ``%venice`` command is made of.

A new one is declared beside the function that runs it, and listed once in `registry`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from venice_widgets.notebook.line_parser import LineParser

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping, Sequence

    from venice_widgets.display import Bundle
    from venice_widgets.panel import Panel
    from venice_widgets.replays import Drift, Replay
    from venice_widgets.session import Session

    Displayed = Bundle | Panel | Replay | Drift


@dataclass(frozen=True, slots=True)
class Command:
    """One ``%venice`` command."""

    name: str
    summary: str
    run: Callable[[Session, Mapping[str, Any]], Displayed]
    """Does it; what it returns is displayed."""
    declare: Callable[[argparse.ArgumentParser], Any] = lambda parser: parser
    """Adds its arguments to its parser."""
    takes_model: bool = False
    """Whether its argument is a model's id, for completion."""
    takes_run: bool = False
    """Whether its argument is a run, for completion."""
    words: Sequence[str] = ()
    """What its argument can be, for completion."""

    def parser(self) -> LineParser:
        """The parser of its line."""
        parser = LineParser(f"%venice {self.name}", description=self.summary)
        self.declare(parser)
        return parser


def argument(name: str, words: str, *, optional: bool = False) -> Callable[[argparse.ArgumentParser], Any]:
    """The declaration of a command that takes one argument."""
    return partial(_add_argument, name=name, words=words, optional=optional)


def _add_argument(parser: argparse.ArgumentParser, *, name: str, words: str, optional: bool) -> None:
    parser.add_argument(name, nargs="?" if optional else None, help=words)
