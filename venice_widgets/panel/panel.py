"""`Panel`: the controller, drawn by one widget, and the output that keeps its images."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Unpack
from uuid import uuid4

from traitlets import Any as AnyTrait
from traitlets import Bunch

from venice_widgets.current import check_session, session_or_current
from venice_widgets.errors import SpendingRefused
from venice_widgets.request.fields import check_fields
from venice_widgets.request.style_reference import StyleReference
from venice_widgets.shell import running_shell

from .answers import Answers
from .cell_text import call_of
from .controller import Controller
from .notices import error_notice
from .saved_output import SavedOutput
from .serial_queue import SerialQueue
from .slices import all_slices
from .state import as_lines, started
from .widget import PanelWidget, has_subshells

if TYPE_CHECKING:
    from collections.abc import Mapping

    from venice_widgets.generation.result import Generation
    from venice_widgets.plan import Grid
    from venice_widgets.request.fields import Fields
    from venice_widgets.session import Session

    from .saved_output import Saved


class Panel(PanelWidget):
    """Explore by hand, and keep what was found. Display it, leave it as a cell's last line, or put it into a box.

    ``request``, ``estimate`` and ``generation`` are traits: ``panel.observe(handler, "generation")``. Handlers are
    called on a thread of the panel's own; of a generation they hear at its first image and once more when it has ended.

    Args:
        session: who sends; None for the one that the magics use, whichever that is at the click.
        prompt: to begin with.
        images: how many images, 1 … 1,000.
        sweep: what is varied to begin with, in the cell's grammar: ``{"steps": "10..30 (+10)"}``; ``replace`` for
            search and replace in the prompt.
        fields: to begin with, see `Fields`; a seed is then fixed.

    Raises:
        InvalidRequest: a field that does not exist, or a value of the wrong kind.
        ConfigurationError: a setting cannot be used.
    """

    request = AnyTrait(None, allow_none=True, read_only=True, help="The checked request; None while there is none.")
    estimate = AnyTrait(None, allow_none=True, read_only=True, help="Its price; None while it is not known.")
    generation = AnyTrait(None, allow_none=True, read_only=True, help="The newest generation; None before the first.")

    def __init__(
        self,
        session: Session | None = None,
        *,
        prompt: str = "",
        images: int = 1,
        sweep: Mapping[str, str] | None = None,
        **fields: Unpack[Fields],
    ) -> None:
        check_session(session)
        given = check_fields(fields)
        super().__init__(place=f"venice-panel-{uuid4().hex[:8]}")
        self._saved = SavedOutput(f"{self.place}-saved")
        self._has_output = False
        self._announcements = SerialQueue("venice-panel-announce", self._tell_handler_error)
        model, seed = given.pop("model", ""), _seed_text(given.pop("seed", None))
        state = started(model, prompt or "", str(images), seed, _plain(given, session), sweep)
        self._controller = Controller(
            session, state, self.post, all_slices, Answers, self._changed, self._save, self._become_html
        )
        self._controller.subshells = has_subshells()
        self.listen(self._controller.receive)
        self._forget_cells = _after_each_cell(self._controller)
        self._controller.look_again()
        self._announce()

    @property
    def widget(self) -> PanelWidget:
        """The widget: the panel itself."""
        return self

    def _ipython_display_(self) -> None:
        from IPython.display import display

        data, metadata = self._repr_mimebundle_() or ({}, {})
        plain = "A panel, which is used in Jupyter: run the cell there."
        display({**data, "text/plain": plain}, metadata=metadata, raw=True, display_id=self.place)
        self._has_output = True
        self._saved.display()

    def _become_html(self) -> None:
        """Replace the widget's output by an element that the view fills: one that is saved without an error."""
        if self._has_output:
            self._announcements.submit(self._show_place)

    def _show_place(self) -> None:
        from IPython.display import update_display

        html = f'<div class="venice-place" data-venice-panel="{self.place}"></div>'
        update_display({"text/html": html, "text/plain": "A panel."}, raw=True, display_id=self.place)

    def _changed(self) -> None:
        self._announcements.submit_once(self._announce)

    def _announce(self) -> None:
        """Set the traits, and tell of a generation that ended: it is the same object, so the trait would not."""
        controller = self._controller
        with controller.lock:
            quoted, generation = controller.safe_quote(), controller.generation
        before = self.generation
        self.set_trait("request", quoted.request)
        self.set_trait("estimate", quoted.estimate)
        self.set_trait("generation", generation)
        if generation is not None and generation.done and self._told is not generation:
            self._told = generation
            if before is generation:
                news = Bunch(name="generation", old=generation, new=generation, owner=self, type="change")
                self.notify_change(news)

    _told: Generation | None = None

    def _tell_handler_error(self, error: BaseException) -> None:
        """What a handler of the user's raised; no one would see it on this thread."""
        self._controller.tell("handler", [error_notice(error)])

    def _save(self, kept: Saved) -> None:
        self._announcements.submit(lambda: self._saved.show(kept))

    # For programs.

    def generate(self, *, yes: bool = False) -> None:
        """Send what is chosen now and return at once; `wait` waits. It joins the queue where something is running.

        Args:
            yes: confirm a price above ``VENICE_CONFIRM_ABOVE``.

        Raises:
            InvalidRequest: what is chosen cannot be sent.
            SpendingRefused: a limit forbids it, or the price needs `yes`.
        """
        if self._controller.catalogue is None:
            self._controller.load()
        if self._controller.start(yes=yes) is None:
            quoted = self._controller.quote()
            self._controller.publish()
            raise SpendingRefused(
                f"{quoted.facts['price']} is more than is spent without asking.",
                "Click the button that names the amount, or call generate(yes=True). Nothing was sent.",
            )
        self._controller.publish()

    def cancel(self) -> None:
        """Send nothing more, and stop waiting. What is in flight is filed as it arrives, since it may be charged."""
        self._controller.sending.cancel()

    @property
    def grid(self) -> Grid | None:
        """The images of the newest sweep, by their coordinates; None before the first."""
        sweep = self._controller.sweep
        return sweep.grid if sweep else None

    def wait(self, timeout_seconds: float | None = None) -> Generation | Grid | None:
        """Wait until nothing is waited for; the generation of the newest click, or its grid, or None before the first.

        Raises:
            TimeoutError: it takes longer.
            VeniceError: the newest click was not sent, and why.
        """
        sending = self._controller.sending
        if not sending.wait(timeout_seconds):
            raise TimeoutError(f"the images are not here after {timeout_seconds:g} s; panel.cancel() stops.")
        self._announcements.wait(timeout_seconds)
        if sending.last is None:
            return None
        if sending.last.failure is not None:
            raise sending.last.failure
        return sending.last.sweep.grid if sending.last.sweep else sending.last.generation

    def to_cell(self) -> str:
        """The ``%%venice`` cell that makes what is chosen now; Python where a cell could not carry it."""
        return call_of(self._controller.state.form).cell()

    def to_python(self) -> str:
        """The Python that makes what is chosen now: `venice_widgets.generate`, or `Session.plan` for a sweep."""
        return call_of(self._controller.state.form).python()

    def close(self) -> None:
        """Stop what is not sent, and free the channel. What is in flight is filed as it arrives."""
        if "_forget_cells" in self.__dict__:  # there is none where it could not be made, or is closed already
            self.__dict__.pop("_forget_cells")()
            self._controller.close()
            self.unobserve_all()
        super().close()

    def __del__(self) -> None:
        """Do not close, as ipywidgets would: at the end of the program no thread can be started for it."""

    def __repr__(self) -> str:
        return f"<Panel {self._controller.state.form.model}>".replace(" >", ">")


def _after_each_cell(controller: Controller) -> Any:
    """Look again after each cell, which may have changed the session, a limit or the key; returns what stops that."""
    shell, alive = running_shell(), weakref.ref(controller)
    if shell is None:
        return lambda: None

    def look(*_: Any) -> None:
        panel = alive()
        if panel is not None:
            panel.after_cell()

    shell.events.register("post_run_cell", look)

    def forget() -> None:
        if look in shell.events.callbacks["post_run_cell"]:
            shell.events.unregister("post_run_cell", look)

    return forget


def _seed_text(seed: Any) -> str:
    if seed is None:
        return ""
    return ",".join(map(str, seed)) if isinstance(seed, list | tuple) else str(seed)


def _plain(fields: dict[str, Any], session: Session | None) -> dict[str, Any]:
    """Values that JSON can carry: references as lines of text, those that were given as bytes by the store's file."""
    references = fields.get("style_references")
    if not references:
        return fields
    return {**fields, "style_references": as_lines(_reference_text(each, session) for each in references)}


def _reference_text(reference: Any, session: Session | None) -> str:
    if not isinstance(reference, StyleReference):
        return str(reference)
    objects = session_or_current(session).log.objects
    objects.add(reference.data)
    path = objects.path(reference.sha256)
    return str(path) if reference.strength is None else f"{path}@{reference.strength}"
