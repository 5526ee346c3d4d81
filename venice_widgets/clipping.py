"""What a message quotes: long text cut short, and any value as text, even one that cannot be written out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_CHARACTERS = 60


def clipped(text: str, most: int = MOST_CHARACTERS) -> str:
    """The text, or its beginning and … where it has more than `most` characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def written(value: object, write: Callable[[Any], str] = str) -> str:
    """A value that somebody gave, as text in full.

    Python does not write out whole numbers of more than 4,300 digits, and what a stranger's class says of itself may
    fail: such a value is named by its type.

    Args:
        value: anything.
        write: `str`, or `repr` for a value in quotes.
    """
    try:
        return write(value)
    except Exception:  # noqa: BLE001  a stranger's class may raise anything
        return f"({type(value).__name__} that cannot be written out)"


def shown(value: object, write: Callable[[Any], str] = str) -> str:
    """`written`, cut short."""
    return clipped(written(value, write))
