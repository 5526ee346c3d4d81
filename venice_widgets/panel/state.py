"""What there is to draw at one moment, as frozen facts; and the board on which the parts of the panel write."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from venice_widgets.errors import VeniceError
from venice_widgets.log import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from venice_widgets.generation.result import Generation, Run
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
    missing: dict[str, list[Run]] = {}
    for run in generation.runs:
        if run.status is not Status.SUCCEEDED:
            missing.setdefault(_why(run), []).append(run)
    words = [Word(f"{_which(runs)}: {why}", "error") for why, runs in missing.items()]
    return (*words, *(Word(note, "note") for note in generation.notes))


def _which(runs: list[Run]) -> str:
    seeds = ", ".join(str(run.seed) for run in runs[:6]) + (" …" if len(runs) > 6 else "")
    return f"{len(runs)} {'picture' if len(runs) == 1 else 'pictures'} missing (seed {seeds})"


def _why(run: Run) -> str:
    money = fate(run.status)
    return f"{money}.\n{error_word(run.error).text}" if run.error else f"{money}."


def fate(status: str) -> str:
    """What became of a run without a picture, its money above all."""
    said = {
        "refused": "refused by the content policy, not charged",
        "failed": "failed, not charged",
        "cancelled": "not sent, not charged",
        "unknown": "no picture; may have been charged",
        "sent": "on its way; may be charged",
        "pending": "not sent yet",
    }
    return said.get(status, status)
