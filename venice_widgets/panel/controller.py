"""What the panel knows and does, without any widget: the state, the session behind it, and an answer to every message.

Messages come on any thread. One lock guards everything; what takes time (the network, the log, images) runs in queues,
and whatever changed is published once, as the slices that are new.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from venice_widgets.errors import VeniceError

from .clicks import Clicks
from .notices import error_notice
from .protocol import Message, Outbox, parse_message
from .state import SeedMode, carried, drawn, edited, form_from_wire, heard, is_news, reset, settled, spliced
from .sweep_run import TILE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import date

    from venice_widgets.request.catalogue import Catalogue
    from venice_widgets.session import Session

    from .saved_output import Saved
    from .state import State
    from .sweep_run import SweepRun


class Answering(Protocol):
    """What a view can ask and do, see `answers`."""

    def answer(self, asked: Mapping[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
        """The reply to a question, and its buffers."""

    def act(self, asked: Mapping[str, Any]) -> None:
        """Do something with an image or a run."""

    def take_recipe(self, asked: Mapping[str, Any], buffers: Sequence[bytes]) -> None:
        """Put the recipe of a file into the form."""


class Controller(Clicks):
    """The panel's state and its actions.

    Args:
        session: who builds and sends; None to follow the one that the magics use.
        state: to begin with.
        post: hands a message and its buffers to the views.
        draw: the state as the browser draws it.
        answers: what a view can ask and do.
        on_change: called after a change, from any thread and under the lock.
        on_saved: given what the saved output should hold.
        on_output: told that a view can be an output of plain HTML.
    """

    def __init__(
        self,
        session: Session | None,
        state: State,
        post: Callable[[dict[str, Any], list[bytes]], None],
        draw: Callable[[Controller], dict[str, Any]],
        answers: Callable[[Controller], Answering],
        on_change: Callable[[], None],
        on_saved: Callable[[Saved], None],
        on_output: Callable[[], None],
    ) -> None:
        super().__init__(session, state, post, on_saved)
        self._draw, self._on_change, self._on_output = draw, on_change, on_output
        self._outbox = Outbox()
        self.answers = answers(self)
        self.lists: tuple[Catalogue, date, dict[str, Any]] | None = None
        """What `slices` made of a catalogue on a day."""
        self.subshells = True
        """Whether the kernel answers beside a running cell."""

    # What is sent to the views.

    def publish(self, edit: Mapping[str, Any] | None = None) -> None:
        """Bring every view up to date."""
        with self.lock:
            news = self._outbox.news(self._slices(), self.state.seen, edit)
            if news:
                self.post(news, [])
            self._on_change()

    def _slices(self) -> dict[str, Any]:
        try:
            return self._draw(self)
        except Exception as exc:  # noqa: BLE001  a mistake of ours: shown once, where drawing again would fail again
            return {"notices": [error_notice(exc).wire("")]}

    # Messages.

    def receive(self, content: Any, buffers: Sequence[Any] = ()) -> None:
        """Answer a message of a view; from any thread. What goes wrong is shown in the panel."""
        edit = None
        try:
            message = parse_message(content, buffers)
            with self.lock:
                if not is_news(self.state, message.view, message.number):
                    return
                self.state = heard(self.state, message.view, message.number)
                self.follow()
                edit = getattr(self, f"_on_{message.kind}")(message)
                self.publish(edit)
        except Exception as exc:  # noqa: BLE001  on this thread no one would see it: the panel shows it
            self.tell_error(exc)

    def _on_hello(self, message: Message) -> None:
        self.post(self._outbox.whole(self._slices(), self.state.seen), [])
        have = set(message.content.get("have", ()))
        self.post_images([key for key in self.gallery.keys if key not in have])
        if self.sweep is not None:
            self._tell_sweep(self.sweep, have)
        self.look_again()

    def _tell_sweep(self, sweep: SweepRun, have: Collection[str]) -> None:
        cells = sweep.whole()
        self.post_cells(sweep, cells)
        missing = [cell["key"] for cell in cells if "key" in cell and f"{TILE}{cell['key']}" not in have]
        self.records.submit(lambda: self.post_tiles(sweep, missing))

    def _on_place(self, _: Message) -> None:
        self._on_output()

    def _on_refresh(self, _: Message) -> None:
        self.look_again()

    def _on_edit(self, message: Message) -> Mapping[str, Any] | None:
        before = self.state
        if "splice" in message.content:
            splice, base = tuple(message.content["splice"]), message.content.get("base", -1)
            after = spliced(before, message.view, message.number, splice, base)
            if after is None:
                self.post({"type": "resync", "view": message.view}, [])
                return None
        else:
            after = self._edited(before, message)
        self.state, self.question = after, None
        self.notices.pop("", None)
        self._ask_log_later(before)
        if not _says_all(before.form.wire(), after.form.wire(), message.content):
            return None
        said = {name: message.content[name] for name in ("changes", "splice") if name in message.content}
        self._outbox.assume("form", {"v": after.version, **after.form.wire()})
        return {"view": message.view, "base": before.version, "v": after.version, **said}

    def _edited(self, before: State, message: Message) -> State:
        changes = message.content.get("changes", {})
        model = self.catalogue.find(changes.get("model", before.form.model)) if self.catalogue else None
        after = edited(before, message.view, message.number, changes, model)
        if after.form.seed_mode is not SeedMode.NEW and not after.form.seed and before.form.seed_mode is SeedMode.NEW:
            last = self.generation.plan.seeds[0] if self.generation else 1
            after = replace(after, form=replace(after.form, seed=str(last)))
        return after

    def _ask_log_later(self, before: State) -> None:
        if self.state.form.model not in self.usual or before.form.model != self.state.form.model:
            self.records.submit_once(self.read_log)
        elif self.state.form.seeds is not None:
            self.records.submit_once(self.look_up_known)

    def _on_reset(self, _: Message) -> None:
        self.change(reset)
        if self.model:
            self.state = settled(self.state, self.model)

    def _on_draw(self, _: Message) -> None:
        self.change(drawn)

    def change(self, how: Callable[[State], State]) -> None:
        """Another form, made by Python."""
        with self.lock:
            self.state, self.question = how(self.state), None
            self.records.submit_once(self.look_up_known)

    def _on_generate(self, message: Message) -> None:
        form = form_from_wire(message.content["form"])
        if form != self.state.form:
            self.state = carried(self.state, form)
        self.start(dict(message.content["shown"]))

    def _on_confirm(self, message: Message) -> None:
        self.confirm(message.content.get("id"))

    def _on_decline(self, _: Message) -> None:
        self.decline()

    def _on_cancel(self, _: Message) -> None:
        self.stop()

    def _on_drop(self, message: Message) -> None:
        self.stop(str(message.content.get("job")))

    def _on_act(self, message: Message) -> None:
        self.answers.act(message.content)

    def _on_ask(self, message: Message) -> None:
        self.records.submit(lambda: self._answer(message))

    def _answer(self, message: Message) -> None:
        reply: dict[str, Any] = {"type": "reply", "view": message.view, "id": message.content.get("id")}
        buffers: list[bytes] = []
        try:
            answer, buffers = self.answers.answer(message.content)
            reply |= answer
        except VeniceError as exc:
            reply["problem"] = str(exc)
        with self.lock:
            self.post(reply, buffers)

    def _on_upload(self, message: Message) -> None:
        self.records.submit(lambda: self.answers.take_recipe(message.content, message.buffers))

    def close(self) -> None:
        """Stop what is not sent, and forget what waits."""
        self.sending.cancel()
        for queue in (self.network, self.records):
            queue.clear()


def _says_all(before: dict[str, Any], after: dict[str, Any], content: Mapping[str, Any]) -> bool:
    """Whether an edit alone tells the other views what the form is now."""
    if "splice" in content:
        return {**after, "prompt": ""} == {**before, "prompt": ""}
    changes = dict(content.get("changes", {}))
    values = {**before["values"], **changes.pop("values", {})}
    expected = {**before, **changes, "values": {k: v for k, v in values.items() if v not in (None, "", [])}}
    return expected == after
