"""What is in flight when a session is closed or the program ends: waited for, or given up with a word about the money.

Worker threads end with their process. So outside a notebook, whose kernel lives on, the end of the process waits for
the images that may already be paid for; an interrupt while it waits gives them up and says so.
"""

from __future__ import annotations

import atexit
import os
import sys
import weakref
from typing import TYPE_CHECKING, NoReturn, Protocol

from venice_widgets.errors import Interrupted
from venice_widgets.shell import in_kernel, write_to

from .run import interrupted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .run import Run

_GIVING_UP_SECONDS = 3.0
"""How long requests that were given up may take to be put on record as that."""
_sessions: weakref.WeakSet[InFlight] = weakref.WeakSet()


class Sending(Protocol):
    """What is waited for: a `Generation`, or a plan."""

    @property
    def runs(self) -> Sequence[Run]:
        """Its requests, at least those in flight."""
        ...

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Wait until everything has ended; whether it has."""
        ...

    def cancel(self) -> None:
        """Send nothing more."""

    def abort(self) -> None:
        """Send nothing more, and give up what is in flight."""


class InFlight:
    """The generations of a session that have not ended.

    Without a lock: an interrupt of the main thread could leave it held, and whoever waits for the end would hang.
    """

    def __init__(self) -> None:
        self._generations: dict[int, Sending] = {}
        """By their identity; each of the operations on it is one step of the interpreter."""
        self._process = os.getpid()
        _sessions.add(self)

    def add(self, generation: Sending) -> None:
        """Know a generation that is about to be sent."""
        self._generations[id(generation)] = generation

    def discard(self, generation: Sending) -> None:
        """Forget a generation that has ended, or was never sent."""
        self._generations.pop(id(generation), None)

    def finish(self, *, cancel: bool) -> None:
        """Wait for everything that has not ended.

        Args:
            cancel: whether what was not sent yet is not sent any more.

        Raises:
            Interrupted: the user did not want to wait; what was in flight was given up, and it says what became of it.
        """
        waiting = self._waiting()
        try:
            for generation in waiting:
                if cancel:
                    generation.cancel()
                generation.wait()
        except KeyboardInterrupt:
            self.give_up()

    def give_up(self) -> NoReturn:
        """Wait no longer.

        Raises:
            Interrupted: always; it says what became of the money.
        """
        given_up = self._waiting()
        for generation in given_up:
            generation.abort()
        for generation in given_up:
            generation.wait(_GIVING_UP_SECONDS)
        told = [interrupted(generation, waits_for_rest=False) for generation in given_up]
        words = "\n".join(error.message for error in told) or "stopped."
        raise Interrupted(words, told[0].remedy if told else "", generation=given_up[0] if given_up else None) from None

    @property
    def requests(self) -> int:
        """How many requests are in flight."""
        return sum(run.status == "sent" for generation in self._waiting() for run in generation.runs)

    def _waiting(self) -> list[Sending]:
        if self._process != os.getpid():  # a forked child has no threads that it could wait for
            return []
        return list(self._generations.values())


def _at_exit() -> None:
    if in_kernel():  # its front end ends the process soon after, whatever it waits for
        return
    for session in list(_sessions):
        try:
            _finish(session)
        except KeyboardInterrupt as exc:
            _tell(str(exc))


def _finish(session: InFlight) -> None:
    try:
        requests = session.requests
        if requests:
            words = "1 request is" if requests == 1 else f"{requests} requests are"
            _tell(f"{words} in flight and may be charged; waiting for the images. Ctrl-C gives up.")
        session.finish(cancel=True)
    except Interrupted:
        raise
    except KeyboardInterrupt:
        session.give_up()


def _tell(text: str) -> None:
    write_to(sys.stderr, f"venice_widgets: {text}\n")


atexit.register(_at_exit)
