"""Progress: one line with the price, replaced while it goes on; in a notebook the summary at the end."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TYPE_CHECKING, Any

from venice_widgets.display import Bundle, line, progress
from venice_widgets.shell import in_kernel, is_terminal, write_to

if TYPE_CHECKING:
    from collections.abc import Callable

    from .result import Generation

    Ask = Callable[[str], bool | None]


_LINE_SECONDS = 10.0
"""How often a program is shown the progress at most, where no line can be replaced."""


def tell(*lines: str) -> None:
    """Write lines to standard error, where it takes them."""
    write_to(sys.stderr, "".join(f"{line}\n" for line in lines))


class ProgressLine:
    """Shows the price before sending and the progress while waiting: in a notebook, on a terminal, or in a program."""

    def __init__(self, opening: str) -> None:
        self._opening = opening
        self._handle: Any = None
        self._width = 0
        self._told_at: float | None = None
        self._told_done = 0

    @property
    def told(self) -> str:
        """What was said before sending and stays on the screen: a program's first line."""
        return self._opening if self._told_at is not None else ""

    def show(self, done: int = 0, total: int = 0, seconds: float = 0.0, words: str = "") -> None:
        """Show the state now, in the place of what was shown before.

        A notebook begins with the price alone: a front end that cannot replace an output keeps that, and no "0 of 2".
        """
        bundle = progress(done, total, seconds, words=" · ".join(part for part in (self._opening, words) if part))
        if in_kernel():
            self._show_in_notebook(bundle if self._handle is not None else line(self._opening))
        elif is_terminal(sys.stderr):
            self._show_in_terminal(str(bundle.data["text/plain"]))
        else:
            self._show_in_program(done, str(bundle.data["text/plain"]))

    def tick(self, generation: Generation) -> None:
        """Show the progress of a generation."""
        ended = sum(not run.in_progress for run in generation.runs)
        self.show(ended, len(generation.runs), generation.seconds, generation.activity)

    def finish(self, generation: Generation) -> None:
        """Leave what there is to say above the images of a generation, as an output of its own.

        It differs from one execution to the next, and what holds the images does not.
        """
        self.make_room()
        if self._handle is not None:
            self._handle.update(generation.header())

    def clear(self) -> None:
        """Leave the price alone, in a notebook; nothing at a terminal."""
        if self._handle is not None:
            self._handle.update(line(self._opening))
        self.make_room()

    def make_room(self) -> None:
        """Let something else be written at a terminal's cursor, such as a question."""
        if self._width:
            write_to(sys.stderr, "\r" + " " * self._width + "\r")
            self._width = 0

    def asking(self, ask: Ask) -> Ask:
        """The same question, put where the line stood."""

        def asked(question: str) -> bool | None:
            self.make_room()
            return ask(question)

        return asked

    def _show_in_notebook(self, bundle: Bundle) -> None:
        from IPython.display import display

        if self._handle is None:
            self._handle = display(bundle, display_id=True)
        else:
            self._handle.update(bundle)

    def _show_in_program(self, done: int, text: str) -> None:
        """The price once, then a line for news, not more often than people read them."""
        if self._told_at is None:
            tell(*filter(None, [self._opening]))
        elif done == self._told_done or time.monotonic() - self._told_at < _LINE_SECONDS:
            return
        else:
            tell(text)
        self._told_at, self._told_done = time.monotonic(), done

    def _show_in_terminal(self, text: str) -> None:
        """In one row: what wraps cannot be written over."""
        from wcwidth import wcwidth

        columns = shutil.get_terminal_size().columns - 1
        width, shown = 0, ""
        for letter in text:
            width += max(wcwidth(letter), 0)
            if width > columns:
                break
            shown += letter
        self.make_room()
        write_to(sys.stderr, shown)
        self._width = min(width, columns)
