"""From a prepared generation to requests on their way: on record first, then dispatched, and shown as they come."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from ulid import ULID

from venice_widgets.client.wallet import in_flight_limit
from venice_widgets.errors import Interrupted, VeniceError
from venice_widgets.log import RUN_ENDING, Status

from .dispatch import Dispatch, describe
from .drafts import draft_runs
from .result import Generation, Run
from .stored_images import recalled
from .worker import RunWorker, ends_all, get_ready

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from venice_widgets.client.client import Client
    from venice_widgets.client.image_channel import Channel
    from venice_widgets.client.response import ImageResponse
    from venice_widgets.config import Settings
    from venice_widgets.log import Budgets, Log, RunDraft, RunRecord

    from .dispatch import RateLimiter
    from .prepared import Prepared
    from .result import Image


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

    def send(self, prepared: Prepared, context: Mapping[str, Any], notes: Sequence[str] = ()) -> Generation:
        """Put a generation on record, start sending it, and return at once.

        Args:
            prepared: what is to be sent; what the log already holds of it is shown from there.
            context: where it comes from.
            notes: what to tell with it.

        Raises:
            SpendingRefused: a budget does not cover it; nothing is on record then.
            StoreError: the record cannot be written; nothing was sent.
        """
        generation_id = str(ULID())
        drafts = self._drafts(prepared, context, generation_id)
        generation = self._generation(prepared, drafts, generation_id, notes)
        if not drafts:
            generation.update(generation.runs[0])
            return generation
        dispatch = self._dispatch(prepared, drafts, generation)
        for reference in prepared.request.references:
            self.log.objects.add(reference.data)
        try:
            self.log.reserve(drafts, self.budgets)
            dispatch.start()
            get_ready()
        except VeniceError:
            raise  # nothing is on record
        except BaseException:
            dispatch.cancel()  # an interrupt: what has not left never will, and what has is filed when it comes
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
        runs = [new.get(seed) or self._known_run(seed, prepared.known[seed]) for seed in prepared.plan.seeds]
        return Generation(
            generation_id,
            prepared.request.with_references(()),  # megabytes that ``Out`` would hold for nothing
            prepared.plan,
            prepared.estimate,
            runs,
            self.settings.base_url,
            opening_notes=notes,
            earlier=self._earlier(prepared),
        )

    def _known_run(self, seed: int, record: RunRecord) -> Run:
        """A run of the log that is shown again: it costs nothing now."""
        images = [
            replace(image, price_usd=Decimal(0), remarks=(*image.remarks, "from the log"))
            for image in recalled(self.log, record)
        ]
        return Run(record.run_id, seed, Status.SUCCEEDED, tuple(images), charged_usd=Decimal(0))

    def _earlier(self, prepared: Prepared) -> tuple[Image, ...]:
        """The pictures of these very requests that were made before, where they are about to be made again."""
        if prepared.reuse:
            return ()
        return tuple(image for record in prepared.known.values() for image in recalled(self.log, record))

    def _dispatch(
        self, prepared: Prepared, drafts: Sequence[RunDraft], generation: Generation
    ) -> Dispatch[RunDraft, ImageResponse]:
        """What will send the drafts, with the generation in hand; nothing is sent before it starts."""
        channel = self.client.channel()
        courier = RunWorker(prepared.request, prepared.estimate, self.log, channel, generation)
        dispatch: Dispatch[RunDraft, ImageResponse] = Dispatch(
            drafts,
            courier.send,
            courier.settle,
            in_flight=in_flight_limit(self.settings),
            pace=self.pace,
            first_alone=bool(prepared.request.fields.get("enhance_prompt")),
            ends_all=ends_all,
            on_end=partial(_end, channel, generation),
        )
        generation.attach(
            wait=dispatch.wait,
            cancel=dispatch.cancel,
            abort=channel.abort,
            activity=lambda: describe(dispatch.deliveries),
        )
        return dispatch


def _end(channel: Channel, generation: Generation) -> None:
    channel.close()
    generation.release()


def interrupted(generation: Generation) -> Interrupted:
    """The error of a generation that was stopped by hand: what became of its money."""
    sent = [run for run in generation.runs if run.status is Status.SENT]
    unsent = sum(run.status in (Status.PENDING, Status.CANCELLED) for run in generation.runs)
    parts = [f"{len(generation.images)} of {generation.estimate.images} pictures arrived"]
    if unsent:
        parts.append(f"{unsent} were not sent and cost nothing")
    if sent:
        parts.append(f"{len(sent)} are on their way and may be charged")
    endings = ", ".join(run.run_id[-RUN_ENDING:] for run in sent)
    remedy = f"They are filed as they arrive: %venice show RUN shows them ({endings})." if sent else ""
    return Interrupted(f"stopped: {'; '.join(parts)}.", remedy, generation=generation)
