"""Sends a plan: some requests in flight, the next ones put on record just before they leave, the rest not yet made.

A plan may have ten thousand cells, so nothing here grows with them: cells are taken from an iterator, a few at a time,
reserved in the log together, and forgotten when they have ended. What one request does, from its record to its stored
image, is `generation.worker.RunWorker`, the same as for a cell with one image.

The error budget: the service locks a key out of a model after some fifty failed requests. So after the first 4xx of a
kind, what would fail the same way is not sent: everything for a key or a balance, the model's other cells for the rest.
"""

from __future__ import annotations

import _thread
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, replace
from itertools import islice
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from ulid import ULID

from venice_widgets.client.wallet import in_flight_limit, uses_wallet
from venice_widgets.errors import (
    AccessDenied,
    ConfigurationError,
    CredentialsRefused,
    InvalidRequest,
    PaymentRequired,
    PossiblyCharged,
    RateLimited,
    ServiceUnavailable,
    SpendingRefused,
    StoreError,
)
from venice_widgets.generation.dispatch import Delivery, retry_delay_seconds
from venice_widgets.generation.drafts import draft_runs
from venice_widgets.generation.error_budget import MOST_UNKNOWN_IN_A_ROW
from venice_widgets.generation.run import Run
from venice_widgets.generation.safe_event import SafeEvent
from venice_widgets.generation.worker import RunWorker
from venice_widgets.log import Status
from venice_widgets.request.estimate import estimate
from venice_widgets.request.seeds import Plan as Seeds

from .outlook import RequestBuilder, hash_of
from .results import ELSEWHERE, NOT_SENT, CellResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from venice_widgets.client.response import ImageResponse
    from venice_widgets.config import Settings
    from venice_widgets.log import RunDraft
    from venice_widgets.request.catalogue import Catalogue
    from venice_widgets.request.request import GenerationRequest

    from .host import Host
    from .outlook import Outlook
    from .plan_data import PlanCell

    News = Callable[[int, CellResult, Run | None], None]

IN_FLIGHT, MOST_IN_FLIGHT = 8, 20
FAILURES_IN_A_ROW = 5
"""So many requests in a row that the service is too busy for stop a plan."""

_ENDS_ALL = (CredentialsRefused, PaymentRequired, ConfigurationError, SpendingRefused, StoreError)
_ENDS_MODEL = (InvalidRequest, AccessDenied)
_IN_A_ROW = {
    PossiblyCharged: MOST_UNKNOWN_IN_A_ROW, RateLimited: FAILURES_IN_A_ROW, ServiceUnavailable: FAILURES_IN_A_ROW
}  # fmt: skip
"""How many of a kind in a row stop a plan."""


def flights(settings: Settings, per_minute: int | None) -> int:
    """How many requests a plan has in flight: as many as the rate limit lets out, since slow models need them all."""
    if "in_flight" in settings.sources or uses_wallet(settings):
        return in_flight_limit(settings)
    return IN_FLIGHT if per_minute is None else max(1, min(per_minute, MOST_IN_FLIGHT))


@dataclass(slots=True)
class _Job:
    """One cell between its record and its end."""

    cell: PlanCell
    request: GenerationRequest
    draft: RunDraft
    worker: RunWorker
    inbox: _Inbox


@dataclass(slots=True)
class _Inbox:
    """Takes the news of one run from its worker."""

    run: Run | None = None

    def update(self, run: Run) -> None:
        self.run = run


class PlanSender:
    """Sends the cells of an outlook. Threads do the work; `wait` and `cancel` are for the main thread.

    Args:
        outlook: what is to be sent.
        host: the session.
        catalogue: that the outlook was made with.
        context: where it comes from, for the log.
        news: called in the sending threads with a cell's index, what became of it, and its run where there is one.
        allow: called before each request; raises `SpendingRefused` where a limit was lowered since.
    """

    def __init__(
        self,
        outlook: Outlook,
        host: Host,
        catalogue: Catalogue,
        context: Mapping[str, Any],
        news: News,
        allow: Callable[[], None] = lambda: None,
    ) -> None:
        self._outlook, self._host, self._context, self._news = outlook, host, context, news
        self._allow = allow
        self._builder = RequestBuilder(catalogue, host.client.fetch_reference)
        self._limiter = host.rate_limiter
        self._generation_id = str(ULID())
        self._channel = host.client.channel()
        self._lock = threading.Lock()
        self._change = threading.Condition(self._lock)
        self._cancelled, self._done = SafeEvent(), SafeEvent()
        self._flying: dict[str, Run] = {}
        self._ready: deque[_Job] = deque()
        self._source: Iterator[int] = iter([index for index in outlook.to_send if outlook.hashes[index]])
        self._followers = deque(index for index in outlook.to_send if not outlook.hashes[index])
        self._rewritten = dict(outlook.rewritten)
        self._in_flight = 0
        self._failures: Counter[int] = Counter()
        """In a row, by how many of their kind stop it."""
        self._stopped_models: dict[str, BaseException] = {}
        self.stopped_by: BaseException | None = None
        """Why the rest was not sent; None where nothing stopped it."""
        self.waiting_until: float | None = None
        """A `time.monotonic` moment, while everything waits for the rate limit."""
        in_flight = flights(host.settings, self._limiter.per_minute)
        self._slots = threading.BoundedSemaphore(in_flight)
        # More threads than requests in flight: the next request leaves while an image is decoded and put on record.
        self._threads = in_flight + max(2, in_flight // 2)
        self._alive = self._threads

    @property
    def errors(self) -> tuple[BaseException, ...]:
        """One error for each kind that kept cells from being sent."""
        everything = () if self.stopped_by is None else (self.stopped_by,)
        return tuple(dict.fromkeys([*everything, *self._stopped_models.values()]))

    def start(self) -> None:
        """Begin. Returns at once."""
        # Not `Thread.start`, which an interrupt leaves with a lock held: see `generation.dispatch`.
        _thread.start_new_thread(self._conduct, ())

    def _conduct(self) -> None:
        for number in range(self._threads):
            try:
                threading.Thread(target=self._work, name=f"venice-plan-{number}", daemon=True).start()
            except RuntimeError:  # the system's limit on threads
                self._go_on_with(number)
                return

    def _go_on_with(self, started: int) -> None:
        """Send with the threads that there are; with this one, where there is none."""
        working = max(1, started)
        with self._lock:
            self._alive -= self._threads - working
            has_ended = self._alive == 0
        if not started:
            self._work()
        elif has_ended:
            self._end()

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Wait until every cell has ended. An interrupt gets through.

        Returns:
            Whether they have.
        """
        return self._done.wait_in_slices(timeout_seconds)

    def cancel(self) -> None:
        """Send nothing more. What is in flight is stored as it arrives, since it may be charged. Returns at once."""
        self._cancelled.set()

    @property
    def runs(self) -> tuple[Run, ...]:
        """What is in flight now."""
        with self._lock:
            return tuple(self._flying.values())

    @property
    def estimate(self) -> Any:
        """As many images as there are in flight, for the words about what is waited for."""
        return SimpleNamespace(images=len(self.runs))

    def abort(self) -> None:
        """Send nothing more, and give up what is in flight: it may be charged all the same."""
        self.cancel()
        self._channel.abort()

    def _call_off(self) -> None:
        """Settle what is on record and was not sent."""
        with self._lock:
            unsent = list(self._ready)
            self._ready.clear()
            self._change.notify_all()
        for job in unsent:
            self._settle(job, Delivery(job.draft))

    # Threads.

    def _work(self) -> None:
        try:
            while (job := self._next()) is not None:
                try:
                    self._settle(job, self._deliver(job))
                finally:
                    with self._lock:
                        self._in_flight -= 1
                        self._change.notify_all()
        except BaseException as exc:  # noqa: BLE001  what no request is to blame for ends the plan, and is reported at its end
            self._stop(exc)
        finally:
            with self._lock:
                self._alive -= 1
                last = self._alive == 0
            if last:
                self._end()

    def _end(self) -> None:
        self._call_off()
        self._channel.close()
        self._host.in_flight.discard(self)
        self._done.set()

    def _next(self) -> _Job | None:
        """The next cell, on record; None where there is none. Waits for prompts that are being rewritten."""
        while True:
            stale = None
            with self._lock:
                if self._cancelled.is_set():
                    return None
                if not self._ready:
                    self._refill()
                if self._ready:
                    job = self._ready.popleft()
                    if job.draft.model not in self._stopped_models:
                        self._in_flight += 1
                        return job
                    stale = job
                elif self._cancelled.is_set() or not (self._in_flight and self._followers):
                    return None
                else:
                    self._change.wait(0.5)
            if stale is not None:
                self._settle(stale, Delivery(stale.draft))

    def _refill(self) -> None:
        """Put the next cells on record, together: one write to the disk for several."""
        while not self._ready and not self._cancelled.is_set():
            jobs = [job for index in islice(self._source, self._threads) for job in self._job(index)]
            if not jobs:
                if not self._take_followers():
                    return
                continue
            self._reserve(jobs)

    def _take_followers(self) -> bool:
        """Once the first cell of each prompt is back, go on with the others, which send the same rewritten text."""
        if self._in_flight or not self._followers:
            return False
        self._source, self._followers = iter(self._followers), deque()
        return True

    def _job(self, index: int) -> list[_Job]:
        """What will send a cell; nothing where its model is stopped or its prompt was not rewritten."""
        cell = self._outlook.plan.cell(index)
        model = self._outlook.models[index]
        if model in self._stopped_models:
            self._news(index, CellResult(NOT_SENT, reason=f"an earlier request of {model} was refused"), None)
            return []
        request = self._builder.build(cell)
        priced = self._outlook.hashes[index]
        if priced != hash_of(request, cell.seed) and request.fields.get("enhance_prompt"):
            text = self._rewritten.get(request.prompt)  # another cell has its prompt rewritten
            if text is None:
                self._news(index, CellResult(NOT_SENT, reason="its prompt could not be rewritten"), None)
                return []
            request = request.with_prompt(text)
        if priced and priced != hash_of(request, cell.seed):
            self._news(index, CellResult(NOT_SENT, reason="its style reference has changed since it was priced"), None)
            return []
        price = estimate(request, 1, simulated=self._host.settings.demo)
        inbox = _Inbox()
        draft = self._draft(cell, request, price)
        worker = RunWorker(request, price, self._host.log, self._channel, inbox, allow=self._allow)
        return [_Job(cell, request, draft, worker, inbox)]

    def _draft(self, cell: PlanCell, request: GenerationRequest, price: Any) -> RunDraft:
        plan = self._outlook.plan
        place = {"id": plan.plan_id, "cell": dict(cell.coordinates), "index": cell.index}
        drafts = draft_runs(
            request,
            Seeds((cell.seed,), plan.seed_drawn),
            price,
            base_url=self._host.settings.base_url,
            context={**self._context, "plan": place},
            generation_id=self._generation_id,
            session_id=self._host.session_id,
        )
        return replace(drafts[0], position=cell.index)

    def _reserve(self, jobs: list[_Job]) -> None:
        """Put cells on record; where a budget covers only some of them, those."""
        sent_again = self._sent_again([job.cell.index for job in jobs])
        for job in jobs:
            for reference in job.request.references:
                self._host.log.objects.add(reference.data)
        try:
            taken = self._host.log.reserve_missing(
                [job.draft for job in jobs], self._host.budgets, sent_again=sent_again
            )
        except SpendingRefused as exc:
            if len(jobs) == 1:
                # What is on record already is covered, and is sent.
                self.stopped_by = exc
                self._source, self._followers = iter(()), deque()
                return
            half = len(jobs) // 2
            self._reserve(jobs[:half])
            if self.stopped_by is None:
                self._reserve(jobs[half:])
            return
        names = {draft.run_id for draft in taken}
        for job in jobs:
            if job.draft.run_id in names:
                self._ready.append(job)
            else:
                self._news(job.cell.index, CellResult(ELSEWHERE), None)

    def _sent_again(self, indices: list[int]) -> set[str]:
        """The earlier runs of these cells that do not keep them from being sent."""
        found: set[str] = set()
        for index in indices:
            if self._outlook.again and index in self._outlook.known:
                found.add(self._outlook.known[index])
            if index in self._outlook.unknown:
                found.add(self._outlook.unknown[index])
        return found

    # One cell.

    def _deliver(self, job: _Job) -> Delivery[RunDraft, ImageResponse]:
        """Send a cell until it succeeds, must not be sent again, or is called off."""
        delivery: Delivery[RunDraft, ImageResponse] = Delivery(job.draft)
        while self._claim(delivery, job.draft.model):
            try:
                delivery.result = job.worker.send(job.draft)
            except BaseException as exc:  # noqa: BLE001  whatever it is, it belongs to this cell and is shown with it
                delivery.error = exc
                delay = retry_delay_seconds(exc, delivery.attempts)
                if delay is None:
                    self._judge(exc, job.draft.model)  # before its place is free: the next request would leave
            else:
                delivery.error = None
                self._limiter.learn(delivery.result.headers)
                return delivery
            finally:
                self._leave()
            if delay is None:
                return delivery
            if isinstance(delivery.error, RateLimited):
                self._limiter.pause(delay)
            self._cancelled.wait(delay)
        return delivery

    def _claim(self, delivery: Delivery[RunDraft, ImageResponse], model: str) -> bool:
        """Wait for a place in the rate, for each attempt anew; False if it is called off before."""
        if model in self._stopped_models or not self._enter():
            return False
        self.waiting_until = None
        with self._lock:
            if self._cancelled.is_set() or model in self._stopped_models:
                self._leave()
                return False
            delivery.attempts += 1
            draft = delivery.job
            self._flying[draft.run_id] = Run(draft.run_id, draft.seed, Status.SENT)
        self._news(draft.position, CellResult(Status.SENT, draft.run_id, price_usd=draft.reserve_usd), None)
        return True

    def _enter(self) -> bool:
        """Take a place in flight and in the rate; False if it is called off before."""
        while not self._slots.acquire(timeout=0.1):
            if self._cancelled.is_set():
                return False
        if self._limiter.wait(self._cancelled, self._note_wait):
            return True
        self._slots.release()
        return False

    def _leave(self) -> None:
        self._limiter.leave()
        self._slots.release()

    def _note_wait(self, seconds: float) -> None:
        self.waiting_until = time.monotonic() + seconds

    def _settle(self, job: _Job, delivery: Delivery[RunDraft, ImageResponse]) -> None:
        """Put on record how a cell ended, and tell it."""
        problem: BaseException | None = None
        judged = delivery.error
        with self._lock:
            self._flying.pop(job.draft.run_id, None)
        try:
            job.worker.settle(delivery)
        except Exception as exc:  # noqa: BLE001  what could not be put on record is reported with the cell
            problem = exc
        run = job.inbox.run
        error = delivery.error or problem or (run.error if run else None)
        if run is not None and run.status is Status.SUCCEEDED and job.request.fields.get("enhance_prompt"):
            said = delivery.result.enhanced_prompt if delivery.result else None
            self._rewritten[job.request.prompt] = said or job.request.prompt
        self._news(job.cell.index, _result(job, run, error), run)
        if error is None and delivery.attempts:
            self._failures.clear()
        elif error is not None and error is not judged and delivery.attempts:
            self._judge(error, job.draft.model)

    def _judge(self, error: BaseException, model: str) -> None:
        """What an error means for the cells that are still to be sent."""
        if isinstance(error, _ENDS_ALL):
            self._stop(error)
        elif isinstance(error, _ENDS_MODEL):
            self._stopped_models.setdefault(model, error)
        else:
            self._count(error)

    def _count(self, error: BaseException) -> None:
        kind = next((kind for kind in _IN_A_ROW if isinstance(error, kind)), None)
        if kind is None:
            return
        most = _IN_A_ROW[kind]
        with self._lock:
            self._failures[most] += 1
        if self._failures[most] >= most:
            self._stop(error)

    def _stop(self, error: BaseException) -> None:
        self.stopped_by = self.stopped_by or error
        self._cancelled.set()


def _result(job: _Job, run: Run | None, error: BaseException | None) -> CellResult:
    reason = " ".join(str(getattr(error, "message", error)).split()) if error is not None else ""
    if run is None:
        return CellResult(NOT_SENT, job.draft.run_id, reason=reason)
    if not run.images:
        free = run.status in (Status.CANCELLED, Status.FAILED, Status.REFUSED)
        price = job.draft.reserve_usd if not free else job.draft.reserve_usd and job.draft.reserve_usd * 0
        return CellResult(run.status, run.run_id, price_usd=price, reason=reason)
    image = run.images[0]
    more = (f"{len(run.images) - 1} more from this request",) if len(run.images) > 1 else ()
    return CellResult(
        run.status,
        run.run_id,
        sha256=image.sha256,
        price_usd=job.draft.estimate_usd,
        reason=reason,
        remarks=(*image.remarks, *more),
    )
