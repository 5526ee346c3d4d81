"""What the panel knows and does, without any widget: choices, the catalogue at hand, money, one generation at a time.

Every method may be called from any thread and returns at once. What takes time (the network, the log) runs in a lane;
whoever draws the panel is told by `on_change` that something is new, and takes a `Snapshot`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from venice_widgets.request.seeds import plan_seeds

from .choices import Choices, SeedMode
from .lane import Lane
from .look import Look, look_at
from .purse import Purse, read_balance, read_books, usual_seconds
from .sending import Sending
from .state import Board, Phase, Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from venice_widgets.generation.result import Generation
    from venice_widgets.session import Session


class Desk:
    """The panel's state and its actions.

    Args:
        session: who builds and sends.
        choices: to begin with.
        on_change: told that there is something new to draw; called from any thread.
        on_pictures: told that a generation has news; the flag says that it has ended, or is no longer waited for.
    """

    def __init__(
        self,
        session: Session,
        choices: Choices,
        on_change: Callable[[], None],
        on_pictures: Callable[[Generation, bool], None],
    ) -> None:
        self.session = session
        self.board = Board(on_change)
        self.wire = Lane("venice-panel-wire", self.board.tell_error)
        self.books = Lane("venice-panel-log", self.board.tell_error)
        self.sending = Sending(session, self.board, on_pictures, self._ended)
        self._choices = choices
        self._catalogue = session.catalogue_keeper.known()
        self._purse = Purse()
        self._usual: dict[str, float | None] = {}
        self._name_model()

    def open(self) -> None:
        """Fetch what the panel wants to know, in the background."""
        self.wire.submit(self._load)
        self._refresh()

    def _load(self) -> None:
        catalogue = self.session.catalogue()
        with self.board.lock:
            self._catalogue = catalogue
            self._name_model()
        self.board.changed()
        self.books.submit(self._learn_usual)

    def load_if_needed(self) -> None:
        """Have a catalogue; for programs, which can wait for it."""
        with self.board.lock:
            missing = self._catalogue is None
        if missing:
            self._load()

    def _name_model(self) -> None:
        """Choose by id: an alias moves, and what is remembered for each model would move with it."""
        model = self._catalogue.find(self._choices.model or "default") if self._catalogue else None
        if model is not None and model.id != self._choices.model:
            own = {(model.id, name): value for (_, name), value in self._choices.own.items()}
            self._choices = replace(self._choices, model=model.id, own=own)

    def snapshot(self) -> Snapshot:
        """Everything at this moment."""
        with self.board.lock:
            return Snapshot(
                choices=self._choices,
                catalogue=self._catalogue,
                look=self.look(),
                phase=self.sending.phase,
                generation=self.sending.generation,
                purse=self._purse,
                usual_seconds=self._usual.get(self._choices.model),
                words=self.board.words,
            )

    def look(self) -> Look:
        """What the choices come to now."""
        with self.board.lock:
            if self._catalogue is None:
                return Look()
            return look_at(self._choices, self._catalogue, self.session.settings)

    @property
    def choices(self) -> Choices:
        """What is chosen now."""
        with self.board.lock:
            return self._choices

    def choose(self, change: Callable[[Choices], Choices]) -> None:
        """Change the choices; a price that was asked about is asked about anew."""
        with self.board.lock:
            before, self._choices = self._choices, change(self._choices)
            if self._choices == before:
                return
            self.sending.forget_question()
            if self.sending.phase is Phase.IDLE:
                self.board.words = ()
        self.board.changed()
        if self._choices.model not in self._usual:
            self.books.submit(self._learn_usual)

    def generate(self, *, yes: bool = False) -> bool:
        """Send what is chosen now, see `Sending.generate`; without a catalogue, ask for one again instead."""
        with self.board.lock:
            if self._catalogue is None:
                self.wire.submit(self._load)
            return self.sending.generate(self._choices, self.look(), yes=yes)

    def _ended(self, sent: Choices | None) -> None:
        with self.board.lock:
            if (
                sent
                and self._choices.seed_mode is SeedMode.COUNTING
                and self._choices.seeds == sent.seeds
                and sent.seeds
            ):
                seeds = plan_seeds(sent.seeds, sent.images_or_none).seeds
                self._choices = replace(self._choices, seed=str(max(seeds) + 1))
        self._refresh()
        self.books.submit(self._learn_usual)

    def _refresh(self) -> None:
        self.books.submit(self._read_books)
        self.wire.submit(self._read_balance)

    def _read_books(self) -> None:
        books = read_books(self.session)
        with self.board.lock:
            self._purse = replace(self._purse, spent=books.spent, left=books.left)
        self.board.changed()

    def _read_balance(self) -> None:
        balance = read_balance(self.session)
        with self.board.lock:
            self._purse = replace(self._purse, balance=balance)
        self.board.changed()

    def _learn_usual(self) -> None:
        model = self.choices.model
        seconds = usual_seconds(self.session, model)
        with self.board.lock:
            self._usual[model] = seconds
        self.board.changed()
