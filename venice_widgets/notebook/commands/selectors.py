"""Which runs a command is about: the options that ``log``, ``log forget`` and ``export`` have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from venice_widgets.log import Status
from venice_widgets.notebook.line_parser import whole_number

from .times import WAYS, parse_moment

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

SELECTORS = ("query", "model", "seed", "status", "since", "until", "notebook", "favorite")


def declare_selectors(parser: argparse.ArgumentParser) -> None:
    """Add the options to a command's parser."""
    parser.add_argument(
        "-q", "--query", metavar="TEXT", help='Words of the prompt; "red fox" is a phrase, fox* a beginning.'
    )
    parser.add_argument("-m", "--model", help="Of this model.")
    parser.add_argument("-s", "--seed", type=whole_number, help="With this seed.")
    parser.add_argument("--status", choices=[status.value for status in Status], help="In this state.")
    parser.add_argument("--since", metavar="TIME", help=f"Not older: {WAYS}. Without a zone, your own.")
    parser.add_argument("--until", metavar="TIME", help="Not newer; a day is included.")
    parser.add_argument("--notebook", metavar="PATH", help="From this notebook (its path, or the end of it).")
    parser.add_argument("--favorite", action="store_true", default=None, help="Marked as a favorite.")


def selects(given: Mapping[str, Any]) -> bool:
    """Whether any of the options was given."""
    return any(given.get(name) not in (None, False) for name in SELECTORS)


def filters(given: Mapping[str, Any], command: str) -> dict[str, Any]:
    """The arguments of `Log.search` and `Log.count`, without a limit.

    Args:
        given: the options of a line.
        command: for errors, such as ``%venice log``.

    Raises:
        UsageError: a time cannot be read.
    """
    found = {name: given[name] for name in ("model", "seed", "status", "notebook", "favorite") if name in given}
    if given.get("query") is not None:
        found["text"] = given["query"]
    if given.get("since") is not None:
        found["since"] = parse_moment(given["since"], f"{command}: --since")
    if given.get("until") is not None:
        found["until"] = parse_moment(given["until"], f"{command}: --until", ends=True)
    return found
