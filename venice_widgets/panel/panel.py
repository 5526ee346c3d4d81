"""`Panel`: the desk, drawn with widgets, and the output that keeps its pictures."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack
from uuid import uuid4

import ipywidgets as W  # noqa: N812
from traitlets import Any as AnyTrait
from traitlets import Bunch, HasTraits

from venice_widgets.current import current_session
from venice_widgets.request.fields import check_fields

from .cells import cell_text
from .choices import Choices, SeedMode
from .desk import Desk
from .form import Form
from .lane import Lane
from .offer import Offer
from .parts import column, named
from .saved import SavedPictures, Shelf
from .shelves import Shelves

if TYPE_CHECKING:
    from venice_widgets.generation.result import Generation, Image
    from venice_widgets.request.fields import Fields
    from venice_widgets.session import Session


class Panel(HasTraits):
    """Explore by hand, and keep what was found. Display it, or leave it as a cell's last line.

    ``request``, ``estimate`` and ``generation`` are traits: ``panel.observe(handler, "generation")``. Handlers are
    called on a thread of the panel's own; of a generation they hear when it begins and once more when it has ended.

    Args:
        session: who sends; None for the one that the magics use.
        prompt: to begin with.
        images: how many pictures.
        fields: to begin with, see `Fields`; a seed is then fixed.

    Raises:
        InvalidRequest: a field that does not exist, or a value of the wrong kind.
        ConfigurationError: a setting cannot be used.
    """

    request = AnyTrait(None, allow_none=True, read_only=True, help="The checked request; None while there is none.")
    estimate = AnyTrait(None, allow_none=True, read_only=True, help="Its price; None while it cannot be said.")
    generation = AnyTrait(None, allow_none=True, read_only=True, help="The newest generation; None before the first.")

    def __init__(
        self, *, session: Session | None = None, prompt: str = "", images: int = 1, **fields: Unpack[Fields]
    ) -> None:
        super().__init__()
        name = f"venice-panel-{uuid4().hex[:8]}"
        self._lane = Lane("venice-panel-draw", self._tell_error)
        self._drawing = threading.Lock()
        self._is_stale = False
        choices = _choices(prompt, images, check_fields(fields))
        self.desk = Desk(session or current_session(), choices, self._on_change, self._on_pictures)
        self._form = Form(self.desk, self._lane)
        self._offer = Offer(self.desk, self._form, self._show_cell)
        self._shelves = Shelves(self.desk, self._lane, self._on_pinned, f"{name}-blend")
        self._saved = SavedPictures(name)
        self._shelf = Shelf()
        self.widget = self._assembled()
        self._lane.submit(self._draw)  # what is set outside of the lane would be taken for a person's choice
        self._lane.wait()
        self.desk.open()

    def _assembled(self) -> Any:
        sheet = named(
            W.HTML(f"<style>{Path(__file__).with_name('style.css').read_text('utf-8')}</style>"), "venice-sheet"
        )
        main = named(W.Box([self._form.widget, self._offer.widget]), "venice-main")
        return column(sheet, main, self._shelves.widget, name="venice-panel")

    def _ipython_display_(self) -> None:
        from IPython.display import display

        view = self.widget._repr_mimebundle_()
        display({**view, "text/plain": "A panel, which is used in Jupyter: run the cell there."}, raw=True)
        self._saved.display()

    # Drawing: in one lane, the newest state only.

    def _on_change(self) -> None:
        with self._drawing:
            if self._is_stale:
                return
            self._is_stale = True
        self._lane.submit(self._redraw)

    def _redraw(self) -> None:
        with self._drawing:
            self._is_stale = False
        self._draw()

    def _draw(self) -> None:
        with self.desk.board.lock:
            now = self.desk.snapshot()
            self._form.draw(now)
        self._offer.draw(now)
        self.set_trait("request", now.look.request)
        self.set_trait("estimate", now.look.estimate)
        self.set_trait("generation", now.generation)

    def _tell_error(self, error: BaseException) -> None:
        self.desk.board.tell_error(error)

    def _on_pictures(self, generation: Generation, ended: bool) -> None:  # noqa: FBT001  the desk's own callback
        images = generation.images
        self._lane.submit(lambda: self._shelves.gallery.add(generation.generation_id, images))
        if ended and generation is self.desk.sending.generation:
            self._lane.submit(lambda: self._keep(generation))
            self._lane.submit(lambda: self._announce(generation))

    def _announce(self, generation: Generation) -> None:
        """Tell observers that it has ended: the object is the same, and a trait alone would say nothing."""
        self.set_trait("generation", generation)
        self.notify_change(Bunch(name="generation", old=generation, new=generation, owner=self, type="change"))

    def _keep(self, generation: Generation) -> None:
        """Write the output. Without any new picture, what stands there is worth more than an empty place."""
        if not generation.images and self._shelf.images:
            return
        self._shelf = Shelf.of(generation, tuple(self._shelves.gallery.pinned.values()))
        self._saved.show(self._shelf)

    def _on_pinned(self, image: Image) -> None:
        """A picture of the last generation stands in the output already: nothing is sent for it."""
        generation = self.desk.sending.generation
        if generation is not None and image not in self._shelf.images:
            self._keep(generation)

    # For programs.

    def generate(self, *, yes: bool = False) -> None:
        """Send what is chosen now and return at once; `wait` waits. Nothing happens while something is on its way.

        Args:
            yes: agree to a price above ``VENICE_CONFIRM_ABOVE``.

        Raises:
            InvalidRequest: what is chosen cannot be sent.
            SpendingRefused: a limit forbids it, or the price needs `yes`.
        """
        self.desk.load_if_needed()
        if not self.desk.generate(yes=yes) and not self.desk.snapshot().busy and self.desk.sending.failure:
            raise self.desk.sending.failure

    def cancel(self) -> None:
        """Send nothing more, and stop waiting. What is on its way is filed as it arrives, since it may be charged."""
        self.desk.sending.cancel()

    def wait(self, timeout_seconds: float | None = None) -> Generation | None:
        """Wait until nothing is on its way; the newest generation, or None.

        Raises:
            TimeoutError: it takes longer.
            VeniceError: nothing was sent, and why.
        """
        drawn = self.desk.sending.wait(timeout_seconds) and (self._lane.is_mine or self._lane.wait(timeout_seconds))
        if not drawn:
            raise TimeoutError(f"the pictures are not there after {timeout_seconds:g} s; panel.cancel() stops.")
        if self.desk.sending.failure is not None:
            raise self.desk.sending.failure
        return self.desk.sending.generation

    def to_cell(self) -> str:
        """The ``%%venice`` cell that makes what is chosen now."""
        now = self.desk.snapshot()
        model = now.look.model
        fields = {"model": now.choices.model, **(now.choices.fields(model) if model else {})}
        chosen = {name: value for name, value in fields.items() if value}
        return cell_text(now.choices.prompt, chosen, seed=now.choices.seeds, images=now.choices.images_or_none)

    def _show_cell(self) -> None:
        self._shelves.show_cell(self.to_cell())

    def __repr__(self) -> str:
        return f"<Panel {self.desk.choices.model}>" if self.desk.choices.model else "<Panel>"


def _choices(prompt: str, images: int, fields: dict[str, Any]) -> Choices:
    seed = fields.pop("seed", None)
    model = fields.pop("model", "")
    listed = ",".join(map(str, seed)) if isinstance(seed, list | tuple) else "" if seed is None else str(seed)
    mode = SeedMode.FIXED if listed else SeedMode.NEW
    return Choices(model=model, prompt=prompt, seed_mode=mode, seed=listed, images=images).with_fields(fields)
