"""What there is to draw at one moment, as frozen facts; and the board on which the parts of the panel write."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from venice_widgets.errors import VeniceError
from venice_widgets.generation.run import missing_images

if TYPE_CHECKING:
    from collections.abc import Callable

    from venice_widgets.generation.result import Generation
    from venice_widgets.generation.run import MissingImages
    from venice_widgets.request.catalogue import Catalogue

    from .choices import Choices
    from .look import Look
    from .purse import Purse


class Phase(StrEnum):
    """Where the next generation is."""

    IDLE = "idle"
    ASKING = "asking"
    """The price is above the limit: the next click agrees to it."""
    SENDING = "sending"
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class Word:
    """Something to tell the person."""

    text: str
    kind: str = "information"
    """A kind of `display.notice`."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that is drawn, at one moment."""

    choices: Choices
    catalogue: Catalogue | None
    look: Look
    phase: Phase
    generation: Generation | None
    purse: Purse
    usual_seconds: float | None
    words: tuple[Word, ...]

    @property
    def busy(self) -> bool:
        """Whether something is on its way that is waited for."""
        return self.phase in (Phase.SENDING, Phase.RUNNING)


class Board:
    """The panel's one lock, and what is told to the person.

    Args:
        on_change: told that there is something new to draw; called from any thread, without the lock.
    """

    def __init__(self, on_change: Callable[[], None]) -> None:
        self.lock = threading.RLock()
        self.changed = on_change
        self.words: tuple[Word, ...] = ()

    def tell(self, *words: Word) -> None:
        """Say something, in place of what was said."""
        with self.lock:
            self.words = words
        self.changed()

    def tell_error(self, error: BaseException) -> None:
        """Say what went wrong. A mistake of ours is told by its class, never as a traceback."""
        self.tell(error_word(error))


def error_word(error: BaseException) -> Word:
    """An error in words that can be read."""
    return Word(str(error) if isinstance(error, VeniceError) else f"{type(error).__name__}: {error}", "error")


def told(generation: Generation) -> tuple[Word, ...]:
    """What there is to say about a generation that has ended: what is missing and why, then what to know."""
    words = [Word(_missing_text(group), "error") for group in missing_images(generation.runs)]
    return (*words, *(Word(note, "note") for note in generation.notes))


def _missing_text(group: MissingImages) -> str:
    count = len(group.runs)
    return f"{count} {'image' if count == 1 else 'images'} missing ({group.seeds}): {group.reason}"
