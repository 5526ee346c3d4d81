"""From a click to a job and its images: what was shown is held against what would be sent, and asked about first.

A click carries the whole form and the facts that stood beside it. Where the price, the account or the request is
another one now, nothing is sent. A large amount is confirmed by an answer to a question that names it.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from venice_widgets.errors import NOTHING_SENT, SpendingRefused, StoreError, VeniceError

from .cell_text import call_of
from .gallery import Gallery
from .knowledge import Knowledge
from .notices import Notice, error_notice
from .quote import Quote, differences, planned_seeds
from .saved_output import saved
from .sending import Job, Sending, unsent_seeds
from .state import SeedMode, replaced

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from venice_widgets.generation.result import Generation
    from venice_widgets.media.preview import Preview
    from venice_widgets.session import Session

    from .saved_output import Saved
    from .state import Form, State
    from .sweep_run import SweepRun

SAME_CLICK_SECONDS = 0.6
"""The same click again this soon is one click: a bouncing button, a held key."""
READ_SECONDS = 0.7
"""No one reads a question and answers it sooner."""


@dataclass(frozen=True, slots=True)
class Question:
    """A price that the user is asked to confirm."""

    name: str
    form: Form
    quote: Quote
    asked_at: float


class Clicks(Knowledge):
    """What was clicked, and what became of it.

    Args:
        session: who builds and sends; None to follow the one that the magics use.
        state: to begin with.
        post: hands a message and its buffers to the views.
        on_saved: given what the saved output should hold.
    """

    def __init__(
        self,
        session: Session | None,
        state: State,
        post: Callable[[dict[str, Any], list[bytes]], None],
        on_saved: Callable[[Saved], None],
    ) -> None:
        super().__init__(session, state)
        self.post, self._on_saved = post, on_saved
        self.sending = Sending(self.lock, self.publish, self.tell, self._on_images, self._on_end)
        self.gallery, self.notices = Gallery(), dict[str, list[Notice]]()
        self.question: Question | None = None
        self.generation: Generation | None = None
        self.sweep: SweepRun | None = None
        """The newest sweep."""
        self._newest: Job | None = None
        self._clicked: tuple[Form | None, float] = (None, 0.0)

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

    def start(self, shown: Mapping[str, Any] | None = None, *, yes: bool = False) -> Job | None:
        """Send what is on the screen, or ask about its price; None where nothing is sent.

        Args:
            shown: the facts that stood on the user's screen; None for a program, which has none.
            yes: the price is confirmed.

        Raises:
            VeniceError: it cannot be sent, or what was shown is not what would be.
        """
        with self.lock:
            now, form = self.quote_at_once(), self.state.form
            if shown is not None and (said := differences(shown, now.facts)):
                raise SpendingRefused(" ".join(said), "Nothing was sent. Look at the price, and click again.")
            if now.problem or not now.facts.get("price"):
                raise now.problem or VeniceError("the models are not loaded yet.", NOTHING_SENT)
            if shown is not None and self._is_same_click(form):
                return None
            if now.needs_confirmation and not yes:
                self._ask(form, now)
                return None
            return self._accept(form, now)

    def _is_same_click(self, form: Form) -> bool:
        before, self._clicked = self._clicked, (form, time.monotonic())
        return before[0] == form and time.monotonic() - before[1] < SAME_CLICK_SECONDS

    def stop(self, job: str | None = None) -> None:
        """Stop one job, or all."""
        with self.lock:
            self._forget_click()
            self.sending.cancel(job)
            self.records.submit_once(self.read_log)

    def _forget_click(self) -> None:
        """What was clicked is taken back: the next click is another one, however soon it comes."""
        self._clicked = (None, 0.0)

    def _ask(self, form: Form, now: Quote) -> None:
        if self.question is None or (self.question.form, self.question.quote.facts) != (form, now.facts):
            self.question = Question(uuid4().hex[:8], form, now, time.monotonic())

    def confirm(self, name: Any) -> None:
        """Send what the question of this name was about.

        Raises:
            VeniceError: it cannot be sent now, or comes to another price.
        """
        question = self.question
        if question is None or name != question.name or time.monotonic() - question.asked_at < READ_SECONDS:
            return
        self.question = None
        now = self.quote_at_once(question.form)
        if said := differences(question.quote.facts, now.facts):
            raise SpendingRefused(" ".join(said), NOTHING_SENT)
        if now.problem:
            raise now.problem
        self._accept(question.form, now)

    def decline(self) -> None:
        """Take the question back."""
        if self.question is not None:
            self.question = None
            self._forget_click()
            self.notices[""] = [Notice("Declined. Nothing was sent.")]

    def _accept(self, form: Form, now: Quote) -> Job:
        job = Job(self.session, form, now, cell=call_of(form).cell())
        self.question = None
        for name in [name for name in self.notices if name not in self._in_flight()]:
            del self.notices[name]
        self.sending.add(job)
        if form.seed_mode is SeedMode.COUNTING:
            self.state = replaced(self.state, replace(self.state.form, seed=str(_next_seed(form)), again=False))
        return job

    def _in_flight(self) -> set[str]:
        return {job.name for job in self.sending.jobs}

    # News of generations; from their threads.

    def post_images(self, keys: Sequence[str]) -> None:
        """Send previews; under the lock."""
        found: list[tuple[str, Preview]] = []
        for key in keys:
            with suppress(StoreError):  # a file that is gone has no preview
                if image := self.gallery.get(key):
                    found.append((key, image.preview))
        self._post_previews(found)

    def _post_previews(self, previews: Sequence[tuple[str, Preview]]) -> None:
        for start in range(0, len(previews), 8):
            part = previews[start : start + 8]
            message = {"type": "images", "keys": [key for key, _ in part], "mimes": [each.mime for _, each in part]}
            self.post(message, [each.data for _, each in part])

    def post_cells(self, sweep: SweepRun, cells: list[dict[str, Any]]) -> None:
        """Tell what became of cells; under the lock."""
        if cells:
            self.post({"type": "cells", "sweep": sweep.name, "cells": cells}, [])

    def post_tiles(self, sweep: SweepRun, keys: Collection[str]) -> None:
        """Send the small images of cells; reads files, so it is not for a thread that answers messages."""
        tiles = list(sweep.tiles(keys))
        with self.lock:
            self._post_previews(tiles)

    def _is_newest(self, job: Job) -> bool:
        """Whether it is the newest click of those that have images."""
        if self._newest is None or _number(job) >= _number(self._newest):
            self._newest = job
        return job is self._newest

    def _on_sweep(self, job: Job, sweep: SweepRun) -> None:
        with self.lock:
            if self._is_newest(job):
                self.sweep = sweep
            if sweep is not self.sweep:
                return
            cells = sweep.news()
            self.publish()
            self.post_cells(sweep, cells)
        self.post_tiles(sweep, [cell["key"] for cell in cells if "key" in cell])

    def _on_images(self, job: Job) -> None:
        if job.sweep is not None:
            self._on_sweep(job, job.sweep)
            return
        generation = job.generation
        if generation is None:
            return
        with self.lock:
            if self._is_newest(job):
                self.generation = generation
            self.post_images(self.gallery.add(generation.generation_id, generation.images))
        self.publish()

    def _on_end(self, job: Job) -> None:
        with self.lock:
            if job.generation is not None:
                self._on_images(job)
            self._take_back_seeds(job)
        if job.sweep is not None:
            self._on_images(job)
        if job is self._newest and has_images(job):
            self.save()
        self.look_again()

    def save(self) -> None:
        """Write the saved output."""
        with self.lock:
            grid = self._newest.sweep.grid if self._newest and self._newest.sweep else None
            self._on_saved(saved(self.generation, tuple(self.gallery.pinned.values()), grid))

    def _take_back_seeds(self, job: Job) -> None:
        """Counting up goes on with the first seed that made nothing and cost nothing."""
        form = self.state.form
        if (
            job.sweep is not None
            or job.form.seed_mode is not SeedMode.COUNTING
            or form.seed != str(_next_seed(job.form))
        ):
            return
        unsent = unsent_seeds(job.generation) if job.generation else [min(planned_seeds(job.form).seeds)]
        if unsent:
            self.state = replaced(self.state, replace(form, seed=str(min(unsent))))


def has_images(job: Job) -> bool:
    """Whether anything arrived of a job."""
    return bool(len(job.sweep.grid) if job.sweep is not None else job.generation and job.generation.images)


def _next_seed(form: Form) -> int:
    return max(planned_seeds(form).seeds) + 1


def _number(job: Job) -> int:
    return int(job.name.rpartition("-")[2])
