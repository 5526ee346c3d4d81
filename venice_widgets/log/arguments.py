"""What Python code asks of the log, held to its types: SQLite would take a wrong one, or fail in its own words.

A model of None would mean every model, and ``charged="not-charged"`` would be true.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from operator import index
from typing import TYPE_CHECKING, Any, SupportsIndex

from venice_widgets.errors import InvalidRequest, shown
from venice_widgets.money import usd_or_none

from .rows import storable

if TYPE_CHECKING:
    from decimal import Decimal


def text(value: Any, name: str) -> str:
    """A text as the log holds it.

    Raises:
        InvalidRequest: it is not text.
    """
    if not isinstance(value, str):
        raise _refusal(value, name, "is not text", "Give a text.")
    held: str = storable(value)
    return held


def path_text(value: Any, name: str) -> str:
    """A path, or the end of one, as the log holds it.

    Raises:
        InvalidRequest: it is neither text nor a path.
    """
    return text(os.fspath(value) if isinstance(value, os.PathLike) else value, name)


def whole(value: Any, name: str, least: int | None = None, most: int | None = None) -> int:
    """A whole number, also one of numpy.

    Args:
        value: what was given; True and False are not numbers.
        name: what it is called where it was given.
        least: the smallest that is taken.
        most: the largest that is taken.

    Raises:
        InvalidRequest: it is not a whole number, or is out of range.
    """
    takes = f"It takes {least} … {most}." if most is not None else f"It takes {least} or more."
    if isinstance(value, bool) or not isinstance(value, SupportsIndex):
        raise _refusal(value, name, "is not a whole number", "Give one, such as 41." if least is None else takes)
    number = index(value)
    if (least is not None and number < least) or (most is not None and number > most):
        raise _refusal(value, name, "is out of range", takes)
    return number


def switch(value: Any, name: str) -> bool:
    """True or False, and nothing that Python takes for one of them.

    Raises:
        InvalidRequest: it is neither.
    """
    if not isinstance(value, bool):
        raise _refusal(value, name, "is neither True nor False", "Give one of them.")
    return value


def moment(value: Any, name: str) -> datetime:
    """A moment in UTC; without a zone it is local time.

    Raises:
        InvalidRequest: it is not a datetime.
    """
    if not isinstance(value, datetime):
        raise _refusal(value, name, "is not a moment", "Give a datetime.")
    try:
        return value.astimezone(UTC)
    except (OverflowError, ValueError, OSError):  # the first and last day of the calendar, which zones would leave
        return value.replace(tzinfo=UTC)


def several(values: Any, name: str) -> tuple[Any, ...]:
    """The members of a list or of whatever else can be gone through; a text is one value and not several.

    Raises:
        InvalidRequest: it cannot.
    """
    try:
        found = None if isinstance(values, str | bytes) else tuple(values)
    except TypeError:
        found = None
    if found is None:
        raise _refusal(values, name, "is not a list", "Give a list.")
    return found


def amount(value: Any, name: str, most: Decimal) -> Decimal:
    """An amount in US dollars, exactly as it is written.

    Raises:
        InvalidRequest: it is not a finite amount from 0 to `most`.
    """
    found = usd_or_none(value)
    if found is None or not 0 <= found <= most:
        raise _refusal(
            value,
            name,
            "is not an amount that a run can cost",
            f"It takes dollars from 0 to {most:,}, such as 0.05. Nothing was changed.",
        )
    return found


def _refusal(value: Any, name: str, problem: str, remedy: str) -> InvalidRequest:
    return InvalidRequest(f"{name} {shown(value, repr)} {problem}.", remedy, field=name)
