"""Completion in IPython before 8.6 (Google Colab's is 7.34), whose matchers see the line alone and return words.

Such a matcher is asked before all others, with the whole line. What it returns takes the place of the last word, which
ends at more characters than a word of ours: ``--style-preset "Analog F`` has the word ``F`` there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class LineMatcher:
    """A matcher for ``IPCompleter.magic_arg_matchers``.

    Args:
        completer: IPython's.
        offer: gives the word being typed, and what it can become, for a line before and behind the cursor.
    """

    def __init__(self, completer: Any, offer: Callable[[str, str], tuple[str, Sequence[str]]]) -> None:
        self._completer, self._offer = completer, offer
        self.__qualname__ = "venice_widgets"  # IPython names the origin of each completion by it

    def __call__(self, line: str) -> list[str]:
        """The words that the last one can become."""
        before_cursor: str = self._completer.text_until_cursor
        fragment, values = self._offer(before_cursor, line[len(before_cursor) :])
        word = self._completer.splitter.split_line(line, len(before_cursor))
        kept = fragment.removesuffix(word)
        return [value.removeprefix(kept) for value in values if value.casefold().startswith(kept.casefold())]


def add_line_matcher(completer: Any, offer: Callable[[str, str], tuple[str, Sequence[str]]]) -> None:
    """Complete in this older shell."""
    remove_line_matcher(completer)
    completer.magic_arg_matchers.append(LineMatcher(completer, offer))


def remove_line_matcher(completer: Any) -> None:
    """Complete no more."""
    completer.magic_arg_matchers[:] = [
        each for each in completer.magic_arg_matchers if not isinstance(each, LineMatcher)
    ]
