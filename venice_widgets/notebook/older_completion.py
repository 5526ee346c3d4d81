"""Completion in IPython before 8.6 (Google Colab's is 7.34), whose matchers see the line alone and return words.

Such a matcher is asked before all others, with the whole line. What it returns takes the place of the last word, which
ends at more characters than a word of ours: ``--style-preset "Analog F`` has the word ``F`` there.
"""

from __future__ import annotations

from typing import Any

from .completion import complete, magic_at_cursor


class LineMatcher:
    """A matcher for ``IPCompleter.magic_arg_matchers``."""

    def __init__(self, completer: Any) -> None:
        self._completer = completer
        self.__qualname__ = "venice_widgets"  # IPython names the origin of each completion by it

    def __call__(self, line: str) -> list[str]:
        """The words that the last one can become."""
        before_cursor: str = self._completer.text_until_cursor
        try:
            if (match := magic_at_cursor(before_cursor)) is None:
                return []
            fragment, values = complete(match["magic"], match["text"], line[len(before_cursor) :])
        except Exception:  # noqa: BLE001  whoever types must never meet an error of ours
            return []
        word = self._completer.splitter.split_line(line, len(before_cursor))
        kept = fragment.removesuffix(word)
        return [value.removeprefix(kept) for value in values if value.casefold().startswith(kept.casefold())]


def add_line_matcher(completer: Any) -> None:
    """Complete in this older shell."""
    remove_line_matcher(completer)
    completer.magic_arg_matchers.append(LineMatcher(completer))


def remove_line_matcher(completer: Any) -> None:
    """Complete no more."""
    completer.magic_arg_matchers[:] = [
        each for each in completer.magic_arg_matchers if not isinstance(each, LineMatcher)
    ]
