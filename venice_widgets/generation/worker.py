"""One run from its draft to its end, in the order that loses nothing.

Draw the seed and hash the body; put the run on record as pending; mark it sent; send; store the bytes; put the outcome
on record; show. Each step here is one function, and the money decides what an error is called: what is certain not to
have run is failed, everything else is unknown.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from venice_widgets.client.response import ImageResponse, unreadable
from venice_widgets.errors import ContentRefused, PossiblyCharged, VeniceError
from venice_widgets.log import RUN_ENDING, BodyRecord, ImageRecord, Log, RunDraft, RunOutcome, Status
from venice_widgets.log.provenance import recipe_of
from venice_widgets.media.marks import marks
from venice_widgets.media.preview import examine
from venice_widgets.media.stored_preview import stored_preview
from venice_widgets.request.request import canonical, sha256_tag

from .drafts import with_body
from .error_budget import ErrorBudget, certainly_free
from .get_ready import get_ready
from .image import Image, remarks_of
from .outcome import missing_notes, outcome_of, response_notes, unreadable_image
from .run import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from venice_widgets.client.image_channel import Channel
    from venice_widgets.client.response import StoredImage
    from venice_widgets.log.object_store import ObjectWriter, Spool
    from venice_widgets.request.estimate import Estimate
    from venice_widgets.request.request import GenerationRequest

    from .dispatch import Delivery


@dataclass(frozen=True, slots=True)
class _Ending:
    """What became of a run."""

    outcome: RunOutcome
    images: tuple[Image, ...] = ()
    error: BaseException | None = None
    notes: tuple[str, ...] = ()


class Receiver(Protocol):
    """What is reported of each run: a `Generation`, or a part of a plan."""

    def update(self, run: Run) -> None:
        """Take the news of one run, from any thread."""


@dataclass(frozen=True, slots=True)
class RunStorage:
    """Where the response to one run goes: the log notes whose bytes they are before they get their name."""

    log: Log
    run_id: str
    body: Spool

    def note(self, status_code: int, headers: Mapping[str, str]) -> None:
        """Take down the head of a response whose body is about to come."""
        self.log.note_response(self.run_id, status_code, headers)

    def image(self, status_code: int, headers: Mapping[str, str], place: int) -> ObjectWriter:
        """A place for one image, by its position in the response from 0."""
        return self.log.image_writer(self.run_id, place, status_code=status_code, headers=headers)

    def keep_body(self, content_type: str) -> BodyRecord:
        """Store the body as it came."""
        return self.log.keep_body(self.run_id, self.body, content_type=content_type)


@dataclass
class RunWorker:
    """Sends the runs of one generation and stores what comes back. Called from several threads."""

    request: GenerationRequest
    estimate: Estimate
    log: Log
    channel: Channel | None
    """None where nothing is sent."""
    generation: Receiver
    preview_pixels: int = 1024
    """The longer side of the previews."""
    allow: Callable[[], None] = lambda: None
    """Called before each request; raises `SpendingRefused` where a limit was lowered since."""
    error_budget: ErrorBudget = field(default_factory=ErrorBudget)
    _rewritten: str | None = field(default=None, init=False)
    _sent: dict[str, GenerationRequest] = field(default_factory=dict, init=False)
    """By run id, what it sends: the same at every attempt."""
    _left: set[str] = field(default_factory=set, init=False)
    """The runs whose last attempt was handed to the network."""
    _sent_at: dict[str, datetime] = field(default_factory=dict, init=False)
    _attempts: Counter[str] = field(default_factory=Counter, init=False)
    """By run id, how often it was handed to the network: an attempt that was refused here does not count."""
    _responses: dict[str, ImageResponse] = field(default_factory=dict, init=False)

    def claim(self, draft: RunDraft) -> None:
        """From here on nothing takes a run back, so an interrupt must not call it unsent."""
        self.generation.update(Run(draft.run_id, draft.seed, Status.SENT))

    def send(self, draft: RunDraft) -> ImageResponse:
        """Mark a run as sent and send it.

        Raises:
            VeniceError: there is no image; what was answered, if anything was, is kept for `settle`.
        """
        get_ready()
        self._left.discard(draft.run_id)
        self._responses.pop(draft.run_id, None)
        self.allow()
        self.log.objects.refuse_full()
        request = self._request_for(draft)
        with self.log.open_spool(draft.run_id) as spool:
            response = self._exchange(draft, request, RunStorage(self.log, draft.run_id, spool))
            # Its images are objects by now; a body that could not be read in full is one too.
            spool.discard()
        if response.error is not None:
            raise response.error
        if self._enhances and draft.position == 0:
            self._rewritten = response.enhanced_prompt or request.prompt
        return response

    def _exchange(self, draft: RunDraft, request: GenerationRequest, storage: RunStorage) -> ImageResponse:
        """The moment at which money may be spent."""
        assert self.channel is not None  # noqa: S101  there is one where there are drafts
        body = canonical(request.body(draft.seed))
        try:
            self._sent_at[draft.run_id] = self.log.mark_sent(draft.run_id)
            self._left.add(draft.run_id)
            self._attempts[draft.run_id] += 1
            response = self._responses[draft.run_id] = self.channel.generate(
                body, storage, replacement=request.model.deprecation.replacement
            )
        finally:
            if not storage.body.size_bytes:
                storage.body.discard()  # nothing came that could be lost
        return response

    @property
    def _enhances(self) -> bool:
        return bool(self.request.fields.get("enhance_prompt"))

    def _request_for(self, draft: RunDraft) -> GenerationRequest:
        """Later images of an enhanced generation send the text that the first came back with: one fee, one prompt."""
        if draft.run_id not in self._sent:
            request = self.request
            if self._enhances and draft.position and self._rewritten is not None:
                request = self.request.with_prompt(self._rewritten)
                self.log.amend(with_body(draft, request))
            self._sent[draft.run_id] = request
        return self._sent[draft.run_id]

    def settle(self, delivery: Delivery[RunDraft, ImageResponse]) -> None:
        """Put on record how a run ended, and let the generation show it, whatever happens to the record."""
        draft = delivery.job
        ending = self._ending(draft, delivery.error)
        notes, error = ending.notes, ending.error
        try:
            self.log.finish(draft.run_id, replace(ending.outcome, attempts=self._attempts[draft.run_id]))
        except Exception as exc:  # noqa: BLE001  the image is there and paid for: it is shown, with what went wrong
            error = error or exc
            notes += (f"Run {draft.run_id[-RUN_ENDING:]} could not be put on record as {ending.outcome.status}: {exc}",)
        delivery.error = error
        status = ending.outcome.status
        charged = Decimal(0) if status in (Status.CANCELLED, Status.FAILED, Status.REFUSED) else None
        self.generation.update(Run(draft.run_id, draft.seed, status, ending.images, error, charged, notes))

    def _ending(self, draft: RunDraft, error: BaseException | None) -> _Ending:
        response = self._responses.get(draft.run_id)
        if error is not None:
            return self._failed(draft, response, error)
        if response is None:
            reason = (self.error_budget.reason,) if self.error_budget.reason else ()
            return _Ending(RunOutcome(status=Status.CANCELLED, finished_at=datetime.now(UTC)), notes=reason)
        if response.violation:
            refusal = ContentRefused(
                "Venice blacked the image out: content violation.", "Change the prompt. It was not charged."
            )
            return _Ending(outcome_of(response, Status.REFUSED, refusal), error=refusal)
        return self._arrived(draft, response)

    def _failed(self, draft: RunDraft, response: ImageResponse | None, error: BaseException) -> _Ending:
        """What was not sent cost nothing, whatever the error; what was may have, unless the error rules it out."""
        free = certainly_free(error) or draft.run_id not in self._left
        status = Status.FAILED if free else Status.UNKNOWN
        if isinstance(error, ContentRefused):
            status = Status.REFUSED
        if self.channel and self.channel.aborted and status is Status.UNKNOWN:
            given_up = PossiblyCharged("given up while it was in flight.", "It may have been charged.")
            given_up.__cause__ = error
            error = given_up
        return _Ending(outcome_of(response, status, error), error=error)

    def _arrived(self, draft: RunDraft, response: ImageResponse) -> _Ending:
        """Every image that can be read. What cannot be read was paid for all the same, and belongs to its run."""
        images: list[Image] = []
        unreadable_images: list[BodyRecord] = []
        problems: list[str] = []
        for place, stored in response.images.items():
            try:
                images.append(self._image(draft, stored, place, response))
            except Exception as exc:  # noqa: BLE001  a stranger's bytes may do anything to what reads them
                problems.append(exc.message if isinstance(exc, VeniceError) else f"{stored.path}: {exc!r}")
                unreadable_images.append(unreadable_image(stored, place))
        bodies = (*response.bodies, *unreadable_images)
        if not images:
            lost = unreadable(f"what it sent is not an image that can be read: {' '.join(problems)}")
            return _Ending(replace(outcome_of(response, Status.UNKNOWN, lost), bodies=bodies), error=lost)
        outcome = replace(outcome_of(response, Status.SUCCEEDED, None), bodies=bodies)
        records = tuple(image.record for image in images)
        notes = (*response_notes(response, draft, self.request), *missing_notes(self.request, len(images), problems))
        return _Ending(replace(outcome, images=records), tuple(images), notes=notes)

    def _image(self, draft: RunDraft, stored: StoredImage, place: int, response: ImageResponse) -> Image:
        facts, preview = examine(stored.path, longest_side_pixels=self.preview_pixels)
        found = marks(stored.path)
        record = ImageRecord(
            sha256=stored.sha256,
            size_bytes=stored.size_bytes,
            mime=facts.mime,
            width=facts.width,
            height=facts.height,
            mode=facts.mode,
            seed=draft.seed if place == 0 else None,
            signed=found.signed,
            exif=found.exif,
        )
        sent = self._sent[draft.run_id].record(draft.seed)
        draft = replace(draft, request_hash=sha256_tag(canonical(sent)))
        outcome = outcome_of(response, Status.SUCCEEDED, None)
        return Image(
            record=record,
            run_id=draft.run_id,
            model=draft.model,
            request=sent,
            request_hash=draft.request_hash,
            path=stored.path,
            small=stored_preview(stored.path, preview, facts, self.preview_pixels),
            seed=record.seed,
            price_usd=self.estimate.unit_price_usd,
            remarks=remarks_of(draft, record.seed, outcome),
            simulated=self.estimate.simulated,
            recipe=recipe_of(draft, sent, outcome, record, self._sent_at.get(draft.run_id)),
            base_url=draft.base_url,
        )
