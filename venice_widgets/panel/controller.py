"""What the panel knows and does, without any widget: the state, the session behind it, and an answer to every message.

Messages come on any thread. One lock guards everything; what takes time (the network, the log, images) runs in queues,
and whatever changed is published once, as the slices that are new.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

from venice_widgets.client.catalogue_cache import FRESH_SECONDS
from venice_widgets.current import current_session
from venice_widgets.errors import SpendingRefused, VeniceError
from venice_widgets.generation.prepared import known_requests
from venice_widgets.request.seeds import plan_seeds

from .account import Account, account_name, read_account, read_balance, usual_seconds
from .cell_text import form_text
from .gallery import Gallery
from .history import favorite_runs, recent_models
from .notices import Notice, error_notice
from .protocol import Message, Outbox, parse_message
from .quote import Quote, Terms, differences, image_count, quote
from .saved_output import saved
from .sending import Job, Sending, unsent_seeds
from .serial_queue import SerialQueue
from .state import SeedMode, carried, drawn, edited, form_from_wire, heard, is_news, replaced, reset, settled, spliced

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from venice_widgets.generation.result import Generation
    from venice_widgets.request.catalogue import Catalogue, Model
    from venice_widgets.session import Session

    from .saved_output import Saved
    from .state import Form, State

SAME_CLICK_SECONDS = 0.6
"""The same click again this soon is one click: a bouncing button, a held key."""
READ_SECONDS = 0.7
"""Nobody reads a question and answers it sooner."""


class Answering(Protocol):
    """What a view can ask and do, see `answers`."""

    def answer(self, asked: Mapping[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
        """The reply to a question, and its buffers."""

    def act(self, asked: Mapping[str, Any]) -> None:
        """Do something with an image or a run."""

    def take_recipe(self, asked: Mapping[str, Any], buffers: Sequence[bytes]) -> None:
        """Put the recipe of a file into the form."""


@dataclass(frozen=True, slots=True)
class Question:
    """A price that the user is asked to confirm."""

    name: str
    form: Form
    quote: Quote
    asked_at: float


class Controller:
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
        self.lock = threading.RLock()
        self.state, self._given, self._post = state, session, post
        self._draw = draw
        self._on_change, self._on_saved, self._on_output = on_change, on_saved, on_output
        self._outbox = Outbox()
        self.network = SerialQueue("venice-panel-network", self.tell_error)
        self.records = SerialQueue("venice-panel-log", self.tell_error)
        self.sending = Sending(self.lock, self.publish, self.tell, self._on_images, self._on_end)
        self.gallery, self.notices = Gallery(), dict[str, list[Notice]]()
        self.answers = answers(self)
        self.question: Question | None = None
        self.subshells = True
        """Whether the kernel answers beside a running cell."""
        self.generation: Generation | None = None
        self._newest: Job | None = None
        self._clicked: tuple[Form | None, float] = (None, 0.0)
        self._known: tuple[Form | None, frozenset[int]] = (None, frozenset())
        self._forget_session(session or current_session())

    # The session, and what is known of it.

    def _forget_session(self, session: Session) -> None:
        self.session = session
        self.catalogue: Catalogue | None = None
        self.load_error: VeniceError | None = None
        self.account, self.balance = Account(), ""
        self.usual: dict[str, float | None] = {}
        self.recent: list[str] = []
        self.favorites: frozenset[str] = frozenset()
        self._known = (None, frozenset())
        with suppress(VeniceError):
            self._adopt(session.catalogue_keeper.known())

    def _follow(self) -> None:
        """Take the session in use, where the panel was not given one of its own."""
        session = self._given or current_session()
        if session is not self.session:
            self._forget_session(session)
            self.question = None
            self.look_again()

    def look_again(self) -> None:
        """Read everything that may have changed elsewhere, in the background."""
        self.records.submit_once(self._read_log)
        self.network.submit_once(self._read_network)

    def after_cell(self) -> None:
        """A cell has run: it may have changed session, limits or log. Costs no request while prices are fresh."""
        self.records.submit_once(self._catch_up)

    def _catch_up(self) -> None:
        with self.lock:
            self._follow()
        if self.catalogue is None or self.catalogue.age_seconds >= FRESH_SECONDS:
            self.network.submit_once(self._read_network)
        self._read_log()

    def _adopt(self, catalogue: Catalogue | None) -> None:
        if catalogue is None or catalogue is self.catalogue:
            return
        self.catalogue, self.load_error = catalogue, None
        if model := catalogue.find(self.state.form.model or "default"):
            self.state = settled(self.state, model)

    def load(self) -> None:
        """Have a catalogue as fresh as a cell's; over the network where it must be.

        Raises:
            VeniceError: it cannot be had.
        """
        session = self.session
        try:
            catalogue = session.catalogue(max_age_seconds=FRESH_SECONDS)
        except VeniceError as exc:
            with self.lock:
                self.load_error = exc if session is self.session else self.load_error
            raise
        with self.lock:
            if session is self.session:
                self._adopt(catalogue)

    def _read_network(self) -> None:
        with suppress(VeniceError):  # it stands where the models would
            self.load()
        self.publish()
        session = self.session
        balance = read_balance(session)
        with self.lock:
            if session is self.session:
                self.balance = balance
        self.publish()
        self.records.submit_once(self._read_log)

    def _read_log(self) -> None:
        session, model = self.session, self.state.form.model
        account, usual = read_account(session), usual_seconds(session, model)
        recent, favorites = recent_models(session.log), favorite_runs(session.log)
        with self.lock:
            if session is self.session:
                self.account, self.usual[model], self.recent, self.favorites = account, usual, recent, favorites
        self._look_up_known()
        self.publish()

    def _look_up_known(self) -> None:
        """Whether the log holds this very request: for seeds that were given, and without reading references."""
        with self.lock:
            session, form, request = self.session, self.state.form, self.quote().request
        if request is None or form.seeds is None or request.reference_specs:
            return
        plan = plan_seeds(form.seeds, None if form.lists_seeds else image_count(form.images))
        found = known_requests(session.log, request, plan, session.settings.base_url)
        with self.lock:
            self._known = (replace(form, again=False), frozenset(found))
        self.publish()

    # What is on the screen.

    @property
    def model(self) -> Model | None:
        """The chosen model, where it is in the catalogue."""
        return self.catalogue.find(self.state.form.model or "default") if self.catalogue else None

    def quote(self, form: Form | None = None) -> Quote:
        """What a form, or the one on the screen, comes to now.

        Raises:
            VeniceError: a setting cannot be used.
        """
        with self.lock:
            form = form or self.state.form
            terms = Terms(self.session.settings, account_name(self.session), self.account.left_usd)
            if self.catalogue is None:
                problem = self.load_error or VeniceError("the models are not loaded yet.", "Nothing was sent.")
                return Quote(problem=problem, facts={"account": terms.account})
            known = self._known[1] if self._known[0] == replace(form, again=False) else ()
            return quote(form, self.catalogue, terms, known)

    def safe_quote(self) -> Quote:
        """`quote`, with a setting that cannot be used as its problem."""
        try:
            return self.quote()
        except VeniceError as exc:
            return Quote(problem=exc, model=self.model)

    def publish(self, edit: Mapping[str, Any] | None = None) -> None:
        """Bring every view up to date."""
        with self.lock:
            news = self._outbox.news(self._slices(), self.state.seen, edit)
            if news:
                self._post(news, [])
            self._on_change()

    def _slices(self) -> dict[str, Any]:
        try:
            return self._draw(self)
        except Exception as exc:  # noqa: BLE001  a mistake of ours: shown once, where drawing again would fail again
            return {"notices": [error_notice(exc).wire("")]}

    def tell(self, name: str, notices: Sequence[Notice]) -> None:
        """Say something under a name, in place of what was said under it."""
        with self.lock:
            self.notices.pop(name, None)
            if notices:
                self.notices[name] = list(notices)
        self.publish()

    def tell_error(self, error: BaseException) -> None:
        """Say what went wrong."""
        self.tell("", [error_notice(error)])

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
                self._follow()
                edit = getattr(self, f"_on_{message.kind}")(message)
                self.publish(edit)
        except Exception as exc:  # noqa: BLE001  on this thread nobody would see it: the panel shows it
            self.tell_error(exc)

    def _on_hello(self, message: Message) -> None:
        self._post(self._outbox.whole(self._slices(), self.state.seen), [])
        have = set(message.content.get("have", ()))
        self.post_images([key for key in self.gallery.keys if key not in have])
        self.look_again()

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
                self._post({"type": "resync", "view": message.view}, [])
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
            self.records.submit_once(self._read_log)
        elif self.state.form.seeds is not None:
            self.records.submit_once(self._look_up_known)

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
            self.records.submit_once(self._look_up_known)

    def _on_generate(self, message: Message) -> None:
        form = form_from_wire(message.content["form"])
        if form != self.state.form:
            self.state = carried(self.state, form)
        self.start(dict(message.content["shown"]))

    def start(self, shown: Mapping[str, Any] | None = None, *, yes: bool = False) -> Job | None:
        """Send what is on the screen, or ask about its price; None where nothing is sent.

        Args:
            shown: the facts that stood on the user's screen; None for a program, which has none.
            yes: the price is confirmed.

        Raises:
            VeniceError: it cannot be sent, or what was shown is not what would be.
        """
        with self.lock:
            now, form = self.quote(), self.state.form
            if shown is not None and (said := differences(shown, now.facts)):
                raise SpendingRefused(" ".join(said), "Nothing was sent. Look at the price, and click again.")
            if now.problem or not now.facts.get("price"):
                raise now.problem or VeniceError("the models are not loaded yet.", "Nothing was sent.")
            if shown is not None and self._is_same_click(form):
                return None
            if now.needs_confirmation and not yes:
                self._ask(form, now)
                return None
            return self._accept(form, now)

    def _is_same_click(self, form: Form) -> bool:
        before, self._clicked = self._clicked, (form, time.monotonic())
        return before[0] == form and time.monotonic() - before[1] < SAME_CLICK_SECONDS

    def _ask(self, form: Form, now: Quote) -> None:
        if self.question is None or (self.question.form, self.question.quote.facts) != (form, now.facts):
            self.question = Question(uuid4().hex[:8], form, now, time.monotonic())

    def _on_confirm(self, message: Message) -> None:
        question = self.question
        if question is None or message.content.get("id") != question.name:
            return
        if time.monotonic() - question.asked_at < READ_SECONDS:
            return
        self.question = None
        now = self.quote(question.form)
        if said := differences(question.quote.facts, now.facts):
            raise SpendingRefused(" ".join(said), "Nothing was sent.")
        if now.problem:
            raise now.problem
        self._accept(question.form, now)

    def _on_decline(self, _: Message) -> None:
        if self.question is not None:
            self.question = None
            self.notices[""] = [Notice("Declined. Nothing was sent.")]

    def _accept(self, form: Form, now: Quote) -> Job:
        job = Job(self.session, form, now, cell=form_text(form))
        self.question = None
        for name in [name for name in self.notices if name not in self._in_flight()]:
            del self.notices[name]
        self.sending.add(job)
        if form.seed_mode is SeedMode.COUNTING:
            self.state = replaced(self.state, replace(self.state.form, seed=str(_next_seed(form)), again=False))
        return job

    def _in_flight(self) -> set[str]:
        return {job.name for job in self.sending.jobs}

    def _on_cancel(self, _: Message) -> None:
        self.sending.cancel()

    def _on_drop(self, message: Message) -> None:
        self.sending.cancel(str(message.content.get("job")))

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
            self._post(reply, buffers)

    def _on_upload(self, message: Message) -> None:
        self.records.submit(lambda: self.answers.take_recipe(message.content, message.buffers))

    # News of generations; from their threads.

    def post_images(self, keys: Sequence[str]) -> None:
        """Send previews; under the lock."""
        previews = [(key, image.preview) for key in keys if (image := self.gallery.get(key))]
        for start in range(0, len(previews), 8):
            part = previews[start : start + 8]
            message = {"type": "images", "keys": [key for key, _ in part], "mimes": [each.mime for _, each in part]}
            self._post(message, [each.data for _, each in part])

    def _on_images(self, job: Job) -> None:
        generation = job.generation
        if generation is None:
            return
        with self.lock:
            if self._newest is None or _number(job) >= _number(self._newest):
                self._newest, self.generation = job, generation
            self.post_images(self.gallery.add(generation.generation_id, generation.images))
        self.publish()

    def _on_end(self, job: Job) -> None:
        with self.lock:
            if job.generation is not None:
                self._on_images(job)
            self._take_back_seeds(job)
            if job is self._newest and job.generation is not None and job.generation.images:
                self.save()
        self.look_again()

    def save(self) -> None:
        """Write the saved output."""
        self._on_saved(saved(self.generation, tuple(self.gallery.pinned.values())))

    def _take_back_seeds(self, job: Job) -> None:
        """Counting up goes on with the first seed that made nothing and cost nothing."""
        form = self.state.form
        if job.form.seed_mode is not SeedMode.COUNTING or form.seed != str(_next_seed(job.form)):
            return
        unsent = unsent_seeds(job.generation) if job.generation else [min(_seeds(job.form))]
        if unsent:
            self.state = replaced(self.state, replace(form, seed=str(min(unsent))))

    def close(self) -> None:
        """Stop what is not sent, and forget what waits."""
        self.sending.cancel()
        for queue in (self.network, self.records):
            queue.clear()


def _seeds(form: Form) -> tuple[int, ...]:
    return plan_seeds(form.seeds, None if form.lists_seeds else image_count(form.images)).seeds


def _next_seed(form: Form) -> int:
    return max(_seeds(form)) + 1


def _number(job: Job) -> int:
    return int(job.name.rpartition("-")[2])


def _says_all(before: dict[str, Any], after: dict[str, Any], content: Mapping[str, Any]) -> bool:
    """Whether an edit alone tells the other views what the form is now."""
    if "splice" in content:
        return {**after, "prompt": ""} == {**before, "prompt": ""}
    changes = dict(content.get("changes", {}))
    values = {**before["values"], **changes.pop("values", {})}
    expected = {**before, **changes, "values": {k: v for k, v in values.items() if v not in (None, "", [])}}
    return expected == after
