"""The queue of generations: each is checked again when it is clicked, and sent when it is its turn.

A `Job` is one click. It keeps the session and the request that the click was about; what is sent is that or nothing.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from venice_widgets.errors import NOTHING_SENT, SpendingRefused, VeniceError
from venice_widgets.generation.run import interrupted
from venice_widgets.log import Status
from venice_widgets.plan.outlook import Outlook
from venice_widgets.plan.runner import look_for_run, prepare_run

from .notices import Notice, ending, error_notice
from .quote import differences, image_count
from .serial_queue import SerialQueue
from .sweep import plan_of, refuse_other
from .sweep_run import SweepRun

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from venice_widgets.generation.prepared import Prepared
    from venice_widgets.generation.result import Generation
    from venice_widgets.session import Session

    from .quote import Quote
    from .state import Form

_WAITS_SECONDS = 0.25
_STOPPING = "Stopping while it is being sent. What became of it is shown here in a moment."
_numbers = count(1)


@dataclass(slots=True, eq=False)
class Job:
    """One click in progress. Changed only under the panel's lock."""

    session: Session = field(repr=False)
    form: Form
    quote: Quote = field(repr=False)
    cell: str = field(default="", repr=False)
    """The cell that makes the same, for the log."""
    name: str = field(default_factory=lambda: f"job-{next(_numbers)}")
    prepared: Prepared | Outlook | None = field(default=None, repr=False)
    generation: Generation | None = None
    sweep: SweepRun | None = None
    handed_over: bool = False
    """It is being sent, or was."""
    cancelled: bool = False
    failure: BaseException | None = None
    """What kept it from being sent."""
    ended: bool = False
    """Nothing of it is waited for any more."""

    @property
    def state(self) -> str:
        """``checking``, ``waiting`` or ``running``."""
        if self.work is not None:
            return "running"
        return "checking" if self.prepared is None else "waiting"

    @property
    def work(self) -> Generation | SweepRun | None:
        """What is being sent, or was."""
        return self.generation if self.sweep is None else self.sweep

    @property
    def arrived(self) -> int:
        """How much of it has come: images, or the cells of a sweep that have ended."""
        return self.sweep.ended if self.sweep is not None else len(self.generation.images) if self.generation else 0

    def send(self) -> None:
        """Send what was prepared; returns once it is being sent.

        Raises:
            VeniceError: it cannot be sent.
        """
        context = {"from": "panel", "cell": self.cell}
        if isinstance(self.prepared, Outlook):
            shown, plan = self.prepared, self.prepared.plan
            run = prepare_run(plan, self.session, yes=True, again=self.form.again, context=context, shown=shown)
            sweep = SweepRun(run)
            sweep.start()
            self.sweep = sweep
        elif self.prepared is not None:
            self.generation = self.session.send(self.prepared, yes=True, ask=None, context=context)

    def stopped(self) -> Notice:
        """What became of the money when it was stopped by hand."""
        if self.generation is not None:
            return Notice(str(interrupted(self.generation)), "warning")
        return self.sweep.stopped() if self.sweep is not None else Notice("Stopped. Nothing was sent.")

    def ending(self) -> list[Notice]:
        """What there is to say at its end."""
        if self.generation is not None:
            return ending(self.generation)
        return self.sweep.ending() if self.sweep is not None else []


class Sending:
    """The jobs, one running at a time.

    Args:
        lock: the panel's.
        on_change: called when there is something new to draw, from any thread.
        tell: shows notices under a job's name.
        on_images: told that a job has new images.
        on_end: told that a job has ended, or is no longer waited for.
    """

    def __init__(
        self,
        lock: threading.RLock,
        on_change: Callable[[], None],
        tell: Callable[[str, Sequence[Notice]], None],
        on_images: Callable[[Job], None],
        on_end: Callable[[Job], None],
    ) -> None:
        self._settled = threading.Condition(lock)
        self._changed, self._tell, self._on_images, self._on_end = on_change, tell, on_images, on_end
        self._checks = SerialQueue("venice-panel-check", self._unexpected)
        self._turns = SerialQueue("venice-panel-send", self._unexpected)
        self.jobs: list[Job] = []
        """What is waited for, in the order of the clicks."""
        self.last: Job | None = None
        """The newest click."""

    def add(self, job: Job) -> None:
        """Check it again over the network, and send it when it is its turn; returns at once."""
        with self._settled:
            self.jobs.append(job)
            self.last = job
        self._checks.submit(lambda: self._check(job))

    def _check(self, job: Job) -> None:
        try:
            prepared = _checked(job)
        except Exception as exc:  # noqa: BLE001  on this thread no one would see it: the panel shows it
            self._fail(job, exc)
            return
        with self._settled:
            job.prepared = prepared
        self._changed()
        self._turns.submit(lambda: self._take_turn(job))

    def _take_turn(self, job: Job) -> None:
        with self._settled:
            if job not in self.jobs or job.prepared is None:
                return
            job.handed_over = True
        try:
            job.send()
        except Exception as exc:  # noqa: BLE001  likewise
            self._fail(job, exc)
            return
        with self._settled:
            if job not in self.jobs:  # it came while it was being handed over
                self._stop(job)
        if job.sweep is not None:
            self._on_images(job)
        self._changed()
        self._watch(job)

    def _watch(self, job: Job) -> None:
        """Wait for its images; a job that is cancelled is watched aside, and the next one takes its turn."""
        if self._follow(job):
            self._finish(job)
        else:
            watcher = threading.Thread(target=self._watch_late, args=(job,), daemon=True)
            watcher.name = "venice-panel-late"
            watcher.start()

    def _follow(self, job: Job, *, late: bool = False) -> bool:
        shown, said, work = 0, "", job.work
        while work is not None:
            done = work.wait(_WAITS_SECONDS)
            if job.arrived > shown:
                shown = job.arrived
                self._on_images(job)
            if said != work.activity:
                said = work.activity
                self._changed()
            if done or (job.cancelled and not late):
                return done
        return True

    def _watch_late(self, job: Job) -> None:
        try:
            self._follow(job, late=True)
            self._tell(job.name, [job.stopped(), *(job.ending() if job.sweep is None else [])])
            self._on_end(job)
        except Exception as exc:  # noqa: BLE001  likewise
            self._unexpected(exc)

    def _finish(self, job: Job) -> None:
        try:
            self._tell(job.name, job.ending())
            self._on_end(job)
        finally:
            self._leave(job)

    def _fail(self, job: Job, error: BaseException) -> None:
        with self._settled:
            job.failure = error
            cancelled = job.cancelled
        if not cancelled:
            self._tell(job.name, [error_notice(error)])
        self._on_end(job)
        self._leave(job)

    def _leave(self, job: Job) -> None:
        with self._settled:
            job.ended = True
            if job in self.jobs:
                self.jobs.remove(job)
            self._settled.notify_all()
        self._changed()

    def _unexpected(self, error: BaseException) -> None:
        """A mistake of ours: it is shown, and keeps nothing else from being waited for."""
        self._tell("", [error_notice(error)])

    def cancel(self, name: str | None = None) -> None:
        """Stop one job, or all: send nothing more, and stop waiting. What is in flight is filed as it arrives."""
        with self._settled:
            stopped = [job for job in self.jobs if name in (None, job.name)]
            for job in stopped:
                job.cancelled = job.ended = True
                self.jobs.remove(job)
                if job.work is not None:
                    self._stop(job)
                elif job.handed_over:
                    self._tell(job.name, [Notice(_STOPPING)])
            self._tell_unsent([job for job in stopped if job.work is None and not job.handed_over])
            self._settled.notify_all()
        self._changed()

    def _tell_unsent(self, jobs: Sequence[Job]) -> None:
        if jobs:
            count = "" if len(jobs) == 1 else f" {len(jobs)} in the queue"
            self._tell(jobs[0].name, [Notice(f"Stopped{count}. Nothing was sent{' of them' if count else ''}.")])

    def _stop(self, job: Job) -> None:
        if job.work is not None:
            job.work.cancel()
        self._tell(job.name, [job.stopped()])

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Wait until no job is waited for; whether that came in time."""
        with self._settled:
            return self._settled.wait_for(lambda: not self.jobs, timeout_seconds)


def build(session: Session, form: Form) -> Prepared:
    """What a form comes to, with the catalogue as fresh as a cell's.

    Raises:
        VeniceError: it cannot be sent.
    """
    fields: dict[str, Any] = form.fields()
    if form.seeds is not None:
        fields["seed"] = form.seeds
    images = None if form.lists_seeds else image_count(form.images)
    return session.build(form.prompt, images=images, again=form.again, **fields)


def _checked(job: Job) -> Prepared | Outlook:
    """What a job comes to with the catalogue as fresh as a cell's, held against what was on the screen.

    Raises:
        VeniceError: it cannot be sent, or differs.
    """
    if not job.form.sweep:
        prepared = build(job.session, job.form)
        _refuse_difference(job, prepared)
        return prepared
    outlook = look_for_run(plan_of(job.form, job.session), job.session, again=job.form.again)
    refuse_other(job.quote, outlook)
    return outlook


def _refuse_difference(job: Job, prepared: Prepared) -> None:
    """Hold what would be sent against what was on the screen; what sends nothing costs nothing."""
    if not prepared.to_send:
        return
    now = {"price": prepared.estimate.text, "most": str(prepared.estimate.upper_bound_usd)}
    if said := differences({**job.quote.facts, "account": None}, {**now, "account": None}):  # type: ignore[dict-item]
        raise SpendingRefused(" ".join(said), NOTHING_SENT)
    request = job.quote.request
    same = request is not None and (request.model.id, request.prompt, dict(request.fields)) == (
        prepared.request.model.id,
        prepared.request.prompt,
        dict(prepared.request.fields),
    )
    if not same and not prepared.known:
        raise VeniceError("what the panel showed and what would be sent differ.", NOTHING_SENT)


def unsent_seeds(generation: Generation) -> list[int]:
    """The seeds that made no image and cost nothing."""
    return [run.seed for run in generation.runs if run.status in (Status.FAILED, Status.CANCELLED, Status.PENDING)]
