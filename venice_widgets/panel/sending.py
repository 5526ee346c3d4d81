"""One generation at a time: asked about, sent, watched, cancelled.

A click that comes while something is on its way does nothing, so that a double click sends once. Each generation has a
ticket: what comes back under an older ticket never overwrites what is newer.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from venice_widgets.errors import SpendingRefused, VeniceError
from venice_widgets.generation.sender import interrupted

from .cells import cell_text
from .state import Phase, Word, error_word, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from venice_widgets.generation.prepared import Prepared
    from venice_widgets.generation.result import Generation
    from venice_widgets.request.estimate import Estimate
    from venice_widgets.request.fields import Fields
    from venice_widgets.session import Session

    from .choices import Choices
    from .look import Look
    from .state import Board

DOUBLE_CLICK_SECONDS = 0.6
"""A second click this soon is the same click, and agrees to no price."""
TICK_SECONDS = 1.0


class Sending:
    """What is on its way.

    Args:
        session: who builds and sends.
        board: the lock, and where to tell.
        on_pictures: told that a generation has news; the flag says that it has ended, or is no longer waited for.
        on_end: told the choices of a generation that has ended; None for one that was cancelled.
    """

    def __init__(
        self,
        session: Session,
        board: Board,
        on_pictures: Callable[[Generation, bool], None],
        on_end: Callable[[Choices | None], None],
    ) -> None:
        self._session, self._board = session, board
        self._on_pictures, self._on_end = on_pictures, on_end
        self._settled = threading.Condition(board.lock)
        self._asked_at, self._ticket = 0.0, 0
        self._agreed: Estimate | None = None
        self.phase = Phase.IDLE
        self.generation: Generation | None = None
        self.failure: BaseException | None = None
        """What kept the last generation from being sent."""

    def generate(self, choices: Choices, look: Look, *, yes: bool = False) -> bool:
        """Send what is chosen, unless something is on its way; whether it is being sent now.

        Args:
            choices: what to send.
            look: what they come to.
            yes: the person has agreed to the price. Where that is needed and missing, the panel asks, and the next
                call agrees (unless it comes as fast as a double click).
        """
        with self._board.lock:
            if self.phase in (Phase.SENDING, Phase.RUNNING):
                return False
            asked = self.phase is Phase.ASKING
            if asked and not yes and time.monotonic() - self._asked_at < DOUBLE_CLICK_SECONDS:
                return False
            started = self._start(choices, look, agreed=yes or asked)
        self._board.changed()
        return started

    def _start(self, choices: Choices, look: Look, *, agreed: bool) -> bool:
        if look.request is None or look.estimate is None:
            self.failure = look.problem or VeniceError("the models are not loaded yet.", "Wait a moment.")
            self._board.words = (error_word(self.failure),)
            return False
        if look.needs_yes and not agreed:
            self.failure = _not_agreed(look.estimate)
            self._ask()
            return False
        self.phase, self.failure, self._board.words = Phase.SENDING, None, ()
        self._agreed = look.estimate
        self._ticket += 1
        work = threading.Thread(target=self._send, args=(self._ticket, choices), name="venice-panel-send", daemon=True)
        work.start()
        return True

    def _ask(self, *words: Word) -> None:
        self.phase, self._asked_at, self._board.words = Phase.ASKING, time.monotonic(), words
        self._settled.notify_all()

    def forget_question(self) -> None:
        """The choices have changed: what was asked about them is asked anew."""
        with self._board.lock:
            if self.phase is Phase.ASKING:
                self.phase = Phase.IDLE

    def _send(self, ticket: int, choices: Choices) -> None:
        try:
            generation = self._hand_over(ticket, self._prepare(choices), choices)
        except Exception as exc:  # noqa: BLE001  on this thread nobody would see it: it is shown in the panel
            self._fail(ticket, exc)
            return
        if generation is not None:
            self._board.changed()
            self._watch(ticket, generation, choices)

    def _prepare(self, choices: Choices) -> Prepared:
        model = self._session.catalogue().resolve(choices.model or None)
        fields: dict[str, Any] = choices.fields(model)
        fields |= {name: value for name, value in (("model", choices.model), ("seed", choices.seeds)) if value}
        chosen: Fields = fields  # type: ignore[assignment]  # checked by `build` itself
        return self._session.build(choices.prompt, images=choices.images_or_none, **chosen)

    def _hand_over(self, ticket: int, prepared: Prepared, choices: Choices) -> Generation | None:
        """Send it, unless it was called off or has become dearer than what was agreed to."""
        with self._board.lock:
            if ticket != self._ticket:
                self._board.tell(Word("Stopped. Nothing was sent."))
                return None
            if self._is_dearer(prepared.estimate):
                self._ask(Word(f"The price is now {prepared.estimate.formula}. Nothing was sent.", "warning"))
                self._board.changed()
                return None
        fields = {"model": prepared.request.model.id, **choices.fields(prepared.request.model)}
        cell = cell_text(choices.prompt, fields, seed=choices.seeds, images=choices.images_or_none)
        generation = self._session.send(prepared, yes=True, ask=None, context={"from": "panel", "cell": cell})
        with self._board.lock:
            if ticket == self._ticket:
                self.generation, self.phase = generation, Phase.RUNNING
                return generation
        generation.cancel()
        self._board.tell(Word(str(interrupted(generation)), "warning"))
        return generation

    def _is_dearer(self, now: Estimate) -> bool:
        seen = self._agreed.upper_bound_usd if self._agreed else None
        most = now.upper_bound_usd
        return most != seen and (most is None or (seen is not None and most > seen))

    def _fail(self, ticket: int, error: BaseException) -> None:
        with self._settled:
            if ticket != self._ticket:
                return
            self.phase, self.failure = Phase.IDLE, error
            self._settled.notify_all()
        self._board.tell_error(error)

    def _watch(self, ticket: int, generation: Generation, choices: Choices) -> None:
        shown = 0
        while not generation.wait(TICK_SECONDS):
            if len(generation.images) > shown:
                shown = len(generation.images)
                self._on_pictures(generation, False)  # noqa: FBT003
            if self._is_current(generation):
                self._board.changed()
        self._end(ticket, generation, choices)

    def _end(self, ticket: int, generation: Generation, choices: Choices) -> None:
        try:
            self._on_pictures(generation, True)  # noqa: FBT003
        finally:
            with self._settled:
                if self._is_current(generation) and self.phase in (Phase.IDLE, Phase.RUNNING):
                    self._board.words = told(generation)
                self._on_end(choices if ticket == self._ticket else None)
                if ticket == self._ticket:
                    self.phase = Phase.IDLE
                self._settled.notify_all()
            self._board.changed()

    def _is_current(self, generation: Generation) -> bool:
        with self._board.lock:
            return generation is self.generation

    def cancel(self) -> None:
        """Send nothing more, and stop waiting. What is on its way is filed as it arrives, since it may be charged."""
        with self._settled:
            words = self._stop()
            if words is None:
                return
            stopped = self.generation if self.phase is Phase.RUNNING else None
            self._ticket += 1
            self.phase, self._board.words = Phase.IDLE, (words,)
            self._settled.notify_all()
        if stopped is not None:
            self._on_pictures(stopped, True)  # noqa: FBT003
        self._board.changed()

    def _stop(self) -> Word | None:
        if self.phase is Phase.RUNNING and self.generation is not None:
            self.generation.cancel()
            return Word(str(interrupted(self.generation)), "warning")
        said = {Phase.SENDING: "Stopping: nothing more is sent.", Phase.ASKING: "Nothing was sent."}
        return Word(said[self.phase]) if self.phase in said else None

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Wait until nothing is being sent or waited for; whether that came in time."""
        with self._settled:
            return self._settled.wait_for(lambda: self.phase in (Phase.IDLE, Phase.ASKING), timeout_seconds)


def _not_agreed(estimate: Estimate) -> SpendingRefused:
    return SpendingRefused(
        f"{estimate.formula} is more than is spent without asking.",
        "Click the button that names the price, or generate(yes=True). Nothing was sent.",
    )
