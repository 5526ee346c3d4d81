"""``{{ name }}`` on the line of a magic: taken out before the line is split, put back as a value afterwards.

The line is split and parsed with a mark in the place of each variable, and a mark is never read as an option. So
whatever a variable holds stays one value: text such as ``--yes`` from a variable is text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .variables import HOLE, Several, Variables

if TYPE_CHECKING:
    from collections.abc import Mapping

_OPEN, _CLOSE = "\ufdd0", "\ufdd1"
"""Noncharacters: Unicode keeps them out of text, so none can be typed."""
_MARK = re.compile(f"{_OPEN}([0-9]+){_CLOSE}")
_NAME = r"[^\W\d][\w.]*"
_OTHER_WAYS = re.compile(rf"\{{({_NAME})\}}|\$({_NAME})|\$\{{({_NAME})\}}")


class LineVariables:
    """The variables of one line.

    Args:
        line: as it was typed.
        namespace: the notebook's variables; None to leave braces alone.
    """

    def __init__(self, line: str, namespace: Mapping[str, Any] | None) -> None:
        self._namespace = {} if namespace is None else namespace
        self._holes: list[str] = []
        self.line = line if namespace is None else HOLE.sub(self._mark, re.sub(f"[{_OPEN}{_CLOSE}]", "\ufffd", line))
        """The line with a mark in the place of each variable."""

    def _mark(self, match: re.Match[str]) -> str:
        self._holes.append(match[1])
        return f"{_OPEN}{len(self._holes) - 1}{_CLOSE}"

    def typed(self, text: str) -> str:
        """Text with its variables as they were typed, for messages."""
        return _MARK.sub(lambda mark: f"{{{{{self._holes[int(mark[1])]}}}}}", text)

    def value(self, word: str, option: str, field: str, *, escape: bool = False) -> Any:
        """What a word of the line stands for.

        Args:
            word: a word with marks.
            option: as it was typed, for messages.
            field: the field or option that a refusal belongs to.
            escape: double the braces of what is filled in, for a pattern in which single ones have a meaning.

        Returns:
            The variable's value, or `Several`, where it is the whole word; otherwise the word with texts filled in.

        Raises:
            InvalidRequest: a variable is unknown, or holds nothing that can be used.
        """
        variables = Variables(self._namespace, f"at {option}", field)
        if whole := _MARK.fullmatch(word):
            found = variables.value(self._holes[int(whole[1])])
            return self._escaped(found) if escape and isinstance(found, str) else found
        return _MARK.sub(lambda mark: self._text(variables, self._holes[int(mark[1])], escape=escape), word)

    def _text(self, variables: Variables, hole: str, *, escape: bool) -> str:
        name = variables.name_in(hole)
        found = variables.value(hole)
        if isinstance(found, Several):
            raise variables.refusal(
                f"{{{{ {name} }}}} {variables.place} holds several values, and is inside other text.",
                "A variable with several values must be the whole value of the option.",
            )
        text = variables.text(name, found)
        return self._escaped(text) if escape else text

    @staticmethod
    def _escaped(text: str) -> str:
        return text.replace("{", "{{").replace("}", "}}")

    def otherwise_written(self, word: str) -> str:
        """The name in ``{name}``, ``$name`` and ``${name}``, which other tools fill in; empty for other words."""
        match = _OTHER_WAYS.fullmatch(word)
        return next(filter(None, match.groups())) if match else ""

    def holds(self, name: str) -> bool:
        """Whether the notebook has a variable of this name."""
        return name.partition(".")[0] in self._namespace


def has_variable(word: object) -> bool:
    """Whether a word of a line holds the mark of a variable."""
    return isinstance(word, str) and _MARK.search(word) is not None


def is_variable(word: str) -> bool:
    """Whether a word of a line is the mark of a variable and nothing else."""
    return _MARK.fullmatch(word) is not None
