"""Plain text that fits the terminal: sentences break between words, and tables get narrower.

A notebook gets lines of any length, which it wraps itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from venice_widgets.shell import terminal_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_INDENT = re.compile(r"\s*(?:\S+(?: \S+)*\s{2,})?")
"""What the later lines of an entry are aligned with: the text after its name."""
_PIECES = re.compile(r"\s+|(?<=[^\W\d]-)(?=\w)")
"""Where a line may break: between words, and after a hyphen in a name, but not within a date."""
_LEAST = 12
"""The narrowest that a column of text gets."""
_OUT = 9
"""How far IPython moves a line that is alone to the right: ``Out[42]: ``."""


def fitted(lines: Iterable[str]) -> str:
    """Lines of an output, each as several where it is wider than the terminal."""
    columns = terminal_columns()
    whole = "\n".join(lines)
    if columns is None:
        return whole
    alone = "\n" not in whole and len(whole) > columns - _OUT
    text = "\n".join(part for line in whole.split("\n") for part in _hanging(line, columns))
    return f"{text}\n" if alone and "\n" not in text else text


def wrapped(text: str, columns: int) -> list[str]:
    """One line as several, none wider than `columns` unless a single word is."""
    from wcwidth import wcswidth

    lines = [""]
    start = 0
    for gap in [*_PIECES.finditer(text), None]:
        piece = text[start : gap.start() if gap else None]
        room = columns - max(wcswidth(lines[-1]), 0)
        if lines[-1].strip() and max(wcswidth(piece), 0) > room:
            lines[-1] = lines[-1].rstrip()
            lines.append("")
        lines[-1] += piece + (gap[0] if gap else "")
        start = gap.end() if gap else start
    lines[-1] = lines[-1].rstrip()
    return lines


def narrowed(rows: Sequence[Sequence[str]], gap: int) -> tuple[list[int], bool]:
    """The width of each column, and whether the table fits the terminal.

    The widest columns get narrower first, none so narrow that a word breaks or that it is read with pain.
    """
    from wcwidth import wcswidth

    texts = list(zip(*rows, strict=True))
    widths = [max(max(wcswidth(text), 0) for text in column) for column in texts]
    columns = terminal_columns()
    if columns is None:
        return widths, True
    words = [max(max(wcswidth(word), 0) for text in column for word in _PIECES.split(text)) for column in texts]
    least = [max(word, min(width, _LEAST)) for word, width in zip(words, widths, strict=True)]
    while sum(widths) + gap * (len(widths) - 1) > columns:
        spare = [width if width > low else 0 for width, low in zip(widths, least, strict=True)]
        if not any(spare):
            return widths, False
        widths[spare.index(max(spare))] -= 1
    return widths, True


def _hanging(line: str, columns: int) -> list[str]:
    from wcwidth import wcswidth

    if wcswidth(line) <= columns:
        return [line]
    indent = _INDENT.match(line)
    head = indent[0] if indent and len(indent[0]) <= columns // 2 else ""
    first, *more = wrapped(line[len(head) :], columns - len(head))
    return [head + first, *(" " * len(head) + each for each in more)]
