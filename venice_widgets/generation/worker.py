"""One run from its draft to its end, in the order that loses nothing.

Draw the seed and hash the body; put the run on record as pending; mark it sent; send; keep the bytes; put the outcome
on record; show. Each step here is one function, and the money decides what an error is called: what is certain not to
have run is failed, everything else is unknown.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache, partial
from io import BytesIO
from typing import TYPE_CHECKING

from venice_widgets.client.response import ImageResponse, unreadable
from venice_widgets.client.response_body import read_body
from venice_widgets.errors import (
    AccessDenied,
    ConfigurationError,
    ContentRefused,
    CredentialsRefused,
    InvalidRequest,
    PaymentRequired,
    PossiblyCharged,
    RateLimited,
    ServiceUnavailable,
    VeniceError,
)
from venice_widgets.log import RUN_ENDING, ImageRecord, Log, RunDraft, RunOutcome, Status
from venice_widgets.log.provenance import recipe_of
from venice_widgets.media.marks import marks
from venice_widgets.media.preview import examine
from venice_widgets.request.request import canonical, sha256_tag

from .drafts import with_body
from .result import Generation, Image, Run, seed_remark

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from venice_widgets.client.image_channel import Channel
    from venice_widgets.client.response import StoredImage
    from venice_widgets.log.object_store import ObjectWriter
    from venice_widgets.request.estimate import Estimate
    from venice_widgets.request.request import GenerationRequest

    from .dispatch import Delivery

_HOPELESS = (InvalidRequest, CredentialsRefused, PaymentRequired, AccessDenied, ConfigurationError)

NOT_RUN = (*_HOPELESS, ContentRefused, RateLimited, ServiceUnavailable)
"""The errors that prove that nothing was charged."""


def ends_all(error: BaseException) -> bool:
    """Whether the other requests of the generation would end the same way, so that sending them only costs patience."""
    return isinstance(error, _HOPELESS)


@cache
def get_ready() -> None:
    """Let everything be imported that answers need, while the first one is on its way; returns at once."""
    threading.Thread(target=_practise, name="venice-practice", daemon=True).start()


def _practise() -> None:
    with suppress(Exception):  # what fails here fails again with a real answer, and is told then
        read_body(BytesIO(b"{}"), None)
        examine(_ONE_PIXEL)


_ONE_PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a49444154789c636000000002000148afa4710000000049454e44ae426082"
)


@dataclass(frozen=True, slots=True)
class _Ending:
    """What became of a run."""

    outcome: RunOutcome
    images: tuple[Image, ...] = ()
    error: BaseException | None = None
    notes: tuple[str, ...] = ()


@dataclass
class RunWorker:
    """Sends the runs of one generation and files what comes back. Called from several threads."""

    request: GenerationRequest
    estimate: Estimate
    log: Log
    channel: Channel
    generation: Generation
    _rewritten: str | None = field(default=None, init=False)
    _sent: dict[str, GenerationRequest] = field(default_factory=dict, init=False)
    """By run id, what it sends: the same at every attempt."""
    _left: set[str] = field(default_factory=set, init=False)
    """The runs whose last attempt was handed to the network."""
    _sent_at: dict[str, datetime] = field(default_factory=dict, init=False)
    _answers: dict[str, ImageResponse] = field(default_factory=dict, init=False)

    def send(self, draft: RunDraft) -> ImageResponse:
        """Mark a run as sent and send it.

        Raises:
            VeniceError: there is no picture; what was answered, if anything was, is kept for `settle`.
        """
        self._left.discard(draft.run_id)
        self._answers.pop(draft.run_id, None)
        # From here on nothing takes it back, so an interrupt must not call it unsent while the record is written.
        self.generation.update(Run(draft.run_id, draft.seed, Status.SENT))
        request = self._request_for(draft)
        self.log.mark_sent(draft.run_id)
        body = canonical(request.body(draft.seed))
        self._left.add(draft.run_id)
        self._sent_at[draft.run_id] = datetime.now(UTC)
        answer = self.channel.generate(body, partial(self._place, draft.run_id))
        self._answers[draft.run_id] = answer
        if answer.error is not None:
            raise answer.error
        if self._enhances and draft.position == 0:
            self._rewritten = answer.enhanced_prompt or request.prompt
        return answer

    def _place(
        self, run_id: str, status_code: int, headers: Mapping[str, str], place: int
    ) -> AbstractContextManager[ObjectWriter]:
        """Where a picture's bytes go: the log notes whose they are before they get their name."""
        return self.log.picture_writer(run_id, place, status_code=status_code, headers=headers)

    @property
    def _enhances(self) -> bool:
        return bool(self.request.fields.get("enhance_prompt"))

    def _request_for(self, draft: RunDraft) -> GenerationRequest:
        """Later pictures of an enhanced generation send the text that the first came back with: one fee, one prompt."""
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
            self.log.finish(draft.run_id, replace(ending.outcome, attempts=delivery.attempts))
        except Exception as exc:  # noqa: BLE001  the picture is there and paid for: it is shown, with what went wrong
            error = error or exc
            notes += (f"Run {draft.run_id[-RUN_ENDING:]} could not be put on record as {ending.outcome.status}: {exc}",)
        delivery.error = error
        status = ending.outcome.status
        charged = Decimal(0) if status in (Status.CANCELLED, Status.FAILED, Status.REFUSED) else None
        self.generation.update(Run(draft.run_id, draft.seed, status, ending.images, error, charged, notes))

    def _ending(self, draft: RunDraft, error: BaseException | None) -> _Ending:
        answer = self._answers.get(draft.run_id)
        if error is not None:
            return self._failed(draft, answer, error)
        if answer is None:
            return _Ending(RunOutcome(status=Status.CANCELLED, finished_at=datetime.now(UTC)))
        if answer.violation:
            refusal = ContentRefused(
                "Venice blacked the picture out: content violation.", "Change the prompt. It was not charged."
            )
            return _Ending(_outcome(answer, Status.REFUSED, refusal), error=refusal)
        return self._arrived(draft, answer)

    def _failed(self, draft: RunDraft, answer: ImageResponse | None, error: BaseException) -> _Ending:
        """What did not leave cost nothing, whatever the error; what left may have, unless the error rules it out."""
        free = isinstance(error, NOT_RUN) or draft.run_id not in self._left
        status = Status.FAILED if free else Status.UNKNOWN
        if isinstance(error, ContentRefused):
            status = Status.REFUSED
        if self.channel.aborted and status is Status.UNKNOWN:
            given_up = PossiblyCharged("given up while it was on its way.", "It may have been charged.")
            given_up.__cause__ = error
            error = given_up
        return _Ending(_outcome(answer, status, error), error=error)

    def _arrived(self, draft: RunDraft, answer: ImageResponse) -> _Ending:
        """Every picture that can be read; a run without any may have been charged all the same."""
        images: list[Image] = []
        problems: list[str] = []
        for place, picture in answer.images.items():
            try:
                images.append(self._image(draft, picture, place, answer))
            except Exception as exc:  # noqa: BLE001  a stranger's bytes may do anything to what reads them
                problems.append(exc.message if isinstance(exc, VeniceError) else f"{picture.path}: {exc!r}")
        if not images:
            lost = unreadable(f"what it sent is no picture: {' '.join(problems)}")
            return _Ending(_outcome(answer, Status.UNKNOWN, lost), error=lost)
        outcome = _outcome(answer, Status.SUCCEEDED, None)
        notes = (*_answer_notes(answer, draft, self.request), *_missing_notes(self.request, len(images), problems))
        records = tuple(image.record for image in images)
        return _Ending(replace(outcome, images=records), tuple(images), notes=notes)

    def _image(self, draft: RunDraft, picture: StoredImage, place: int, answer: ImageResponse) -> Image:
        facts, preview = examine(picture.path)
        found = marks(picture.path)
        record = ImageRecord(
            sha256=picture.sha256,
            size_bytes=picture.size_bytes,
            mime=facts.mime,
            width=facts.width,
            height=facts.height,
            mode=facts.mode,
            seed=draft.seed if place == 0 else None,
            signed=found.signed,
            exif=found.exif,
        )
        remarks = [
            *(seed_remark(draft.model) if place == 0 else ()),
            *(["blurred by safe mode"] if answer.blurred else []),
        ]
        sent = self._sent[draft.run_id].record(draft.seed)
        draft = replace(draft, request_hash=sha256_tag(canonical(sent)))
        outcome = _outcome(answer, Status.SUCCEEDED, None)
        return Image(
            record=record,
            run_id=draft.run_id,
            model=draft.model,
            request=sent,
            request_hash=draft.request_hash,
            path=picture.path,
            preview=preview,
            seed=record.seed,
            price_usd=self.estimate.unit_price_usd,
            remarks=tuple(remarks),
            simulated=self.estimate.simulated,
            recipe=recipe_of(draft, sent, outcome, record, self._sent_at.get(draft.run_id)),
        )


def _outcome(answer: ImageResponse | None, status: Status, error: BaseException | None) -> RunOutcome:
    outcome = RunOutcome(
        status=status,
        finished_at=datetime.now(UTC),
        error_class=type(error).__name__ if error else None,
        error=str(error) if error else None,
    )
    if answer is None:
        return outcome
    return replace(
        outcome,
        finished_at=answer.finished_at or outcome.finished_at,
        response_id=answer.response_id,
        response=answer.document,
        headers=answer.headers,
        status_code=answer.status_code,
        first_byte_at=answer.first_byte_at,
        blurred=answer.blurred,
        violation=answer.violation,
        enhanced_prompt=answer.enhanced_prompt,
        balance_before_usd=answer.balance_before_usd,
    )


def _answer_notes(answer: ImageResponse, draft: RunDraft, request: GenerationRequest) -> tuple[str, ...]:
    """What the answer said that the person should know, a sentence each."""
    notes = list(answer.notes)
    if answer.echoed_seed is not None and answer.echoed_seed != draft.seed:
        notes.append(f"Seed {draft.seed} was sent, but Venice says that it used {answer.echoed_seed}.")
    if answer.served_model_id and answer.served_model_id != draft.model:
        notes.append(f"{draft.model} was asked for, but {answer.served_model_id} answered.")
    if answer.enhanced_prompt:
        notes.append(f"The prompt was rewritten: {answer.enhanced_prompt}")
    going_away = answer.deprecation_text(draft.model)
    if going_away and not request.model.deprecation_date:  # else it was told before sending
        notes.append(going_away)
    if len(answer.images) > 1:
        notes.append("Only the first picture of --variants has a known seed; use -n to know them all.")
    return tuple(notes)


def _missing_notes(request: GenerationRequest, images: int, problems: list[str]) -> tuple[str, ...]:
    """What ``variants`` promised and did not bring."""
    asked = int(request.fields.get("variants", 1))
    missing = (f"{images} of {asked} pictures came; all may have been charged.",) if images < asked else ()
    return (*missing, *problems)
