"""Which runs a command is about: the options that ``log``, ``log forget`` and ``export`` have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

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
    return any(is_given(given.get(name)) for name in SELECTORS)


def is_given(value: Any) -> bool:
    """Whether an option has a value; 0 is one, as in ``--seed 0``, and no words at all are none."""
    return value is not None and value is not False and value != []


def _refuse_empty(given: Mapping[str, Any], command: str) -> None:
    """Empty words choose every run: ``forget -q "$word"`` without a word would delete all images."""
    for name in SELECTORS:
        if isinstance(given.get(name), str) and not given[name].strip():
            raise UsageError(f"{command}: --{name} is empty. Give a value, or leave it out for all runs.")


def filters(given: Mapping[str, Any], command: str) -> dict[str, Any]:
    """The arguments of `Log.search` and `Log.count`, without a limit.

    Args:
        given: the options of a line.
        command: for errors, such as ``%venice log``.

    Raises:
        UsageError: a time cannot be read, or a value is empty.
    """
    _refuse_empty(given, command)
    found = {name: given[name] for name in ("model", "seed", "status", "notebook", "favorite") if name in given}
    if given.get("query") is not None:
        found["text"] = given["query"]
    if given.get("since") is not None:
        found["since"] = parse_moment(given["since"], f"{command}: --since")
    if given.get("until") is not None:
        found["until"] = parse_moment(given["until"], f"{command}: --until", ends=True)
    return found
