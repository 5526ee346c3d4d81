"""From a prepared generation to requests in flight: on record first, then dispatched, and shown as they come."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ulid import ULID

from venice_widgets.client.wallet import in_flight_limit

from .dispatch import Dispatch, describe
from .drafts import draft_runs
from .result import Generation
from .run import Run
from .stored_images import StoredRuns
from .worker import RunWorker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from venice_widgets.client.client import Client
    from venice_widgets.client.image_channel import Channel
    from venice_widgets.client.response import ImageResponse
    from venice_widgets.config import Settings
    from venice_widgets.log import Budgets, Log, RunDraft

    from .in_flight import InFlight
    from .prepared import Prepared
    from .rate_limiter import RateLimiter


@dataclass(frozen=True, slots=True)
class Sender:
    """Everything that sending needs and that outlives a generation."""

    settings: Settings
    client: Client
    log: Log
    pace: RateLimiter
    budgets: Budgets
    session_id: str
    """What a session's budget counts together."""
    in_flight: InFlight
    """Where the generation is known until it has ended."""

    def send(
        self,
        prepared: Prepared,
        context: Mapping[str, Any],
        notes: Sequence[str] = (),
        allow: Callable[[], None] = lambda: None,
        *,
        once: bool = False,
    ) -> Generation:
        """Put a generation on record, start sending it, and return at once.

        Args:
            prepared: what is to be sent; what the log already holds of it is shown from there.
            context: where it comes from.
            notes: what to tell with it.
            allow: called before each request; raises `SpendingRefused` where a limit was lowered since.
            once: whether to refuse what is in flight already.

        Raises:
            InvalidRequest: it is in flight already; nothing is on record then.
            SpendingRefused: a budget does not cover it; nothing is on record then.
            StoreError: the record cannot be written; nothing was sent.
        """
        generation_id = str(ULID())
        drafts = self._drafts(prepared, context, generation_id)
        generation = self._generation(prepared, drafts, generation_id, notes)
        dispatch = self._dispatch(prepared, drafts, generation, allow)
        for reference in prepared.request.references if drafts else ():
            self.log.objects.add(reference.data)
        prepared.sending.begin(generation)  # from here on an interrupt cancels it, and says what became of it
        self.in_flight.add(generation)
        try:
            if drafts:
                self.log.reserve(drafts, self.budgets, once=once)
            dispatch.start()
        except Exception:  # whatever it is, nothing was sent: a generation that never ends would be waited for forever
            prepared.sending.undo()
            generation.cancel()
            self.in_flight.discard(generation)
            raise
        return generation

    def _drafts(self, prepared: Prepared, context: Mapping[str, Any], generation_id: str) -> tuple[RunDraft, ...]:
        if not prepared.to_send:
            return ()
        return draft_runs(
            prepared.request,
            replace(prepared.plan, seeds=prepared.to_send),
            prepared.estimate,
            base_url=self.settings.base_url,
            context=context,
            generation_id=generation_id,
            session_id=self.session_id,
            parent=prepared.parent,
        )

    def _generation(
        self, prepared: Prepared, drafts: Sequence[RunDraft], generation_id: str, notes: Sequence[str]
    ) -> Generation:
        new = {draft.seed: Run(draft.run_id, draft.seed) for draft in drafts}
        runs = [new.get(seed) or Run(prepared.known[seed].run_id, seed, from_log=True) for seed in prepared.plan.seeds]
        return Generation(
            generation_id,
            prepared.request.with_references(()),  # megabytes that ``Out`` would hold without need
            prepared.plan,
            prepared.estimate,
            runs,
            self.settings.base_url,
            opening_notes=notes,
        )

    def _dispatch(
        self,
        prepared: Prepared,
        drafts: Sequence[RunDraft],
        generation: Generation,
        allow: Callable[[], None],
    ) -> Dispatch[RunDraft, ImageResponse]:
        """What will send the drafts, with the generation in hand; nothing is sent before it starts."""
        channel = self.client.channel() if drafts else None
        worker = RunWorker(
            prepared.request, prepared.estimate, self.log, channel, generation, self.settings.preview_pixels, allow
        )
        stored = StoredRuns(self.log, prepared.known, generation)
        dispatch: Dispatch[RunDraft, ImageResponse] = Dispatch(
            drafts,
            partial(_send, worker, self.pace),
            worker.settle,
            in_flight=in_flight_limit(self.settings),
            pace=self.pace,
            first_alone=bool(prepared.request.fields.get("enhance_prompt")),
            ends_all=worker.error_budget,
            on_claim=worker.claim,
            beside=stored.load if len(drafts) < len(prepared.plan.seeds) else None,
            on_end=partial(_end, channel, generation, self.in_flight),
            name=_name,
        )
        generation.attach(
            wait=dispatch.wait,
            cancel=dispatch.cancel,
            abort=channel.abort if channel else _nothing,
            activity=lambda: describe(dispatch.deliveries),
        )
        return dispatch


def _send(worker: RunWorker, pace: RateLimiter, draft: RunDraft) -> ImageResponse:
    """Send a run, and learn from its response what the rate limit is."""
    response = worker.send(draft)
    pace.learn(response.headers)
    return response


def _name(draft: RunDraft) -> str:
    return f"run {draft.run_id}, seed {draft.seed}"


def _nothing() -> None:
    pass


def _end(channel: Channel | None, generation: Generation, in_flight: InFlight) -> None:
    if channel:
        channel.close()
    generation.release()
    in_flight.discard(generation)
