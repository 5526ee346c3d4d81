"""What a response says of its run: the outcome for the record, and the sentences that go with its images."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from venice_widgets.log import BodyRecord, RunOutcome
from venice_widgets.request.checks import deprecation_text
from venice_widgets.request.fields import attribution_fields

if TYPE_CHECKING:
    from venice_widgets.client.response import ImageResponse, StoredImage
    from venice_widgets.log import RunDraft, Status
    from venice_widgets.request.request import GenerationRequest


def unreadable_image(stored: StoredImage, place: int) -> BodyRecord:
    """The record of a paid image that cannot be read: its bytes belong to their run all the same."""
    return BodyRecord(sha256=stored.sha256, size_bytes=stored.size_bytes, part=f"image {place + 1}")


def outcome_of(response: ImageResponse | None, status: Status, error: BaseException | None) -> RunOutcome:
    """How a run ended, with what its response says of it."""
    outcome = RunOutcome(
        status=status,
        finished_at=datetime.now(UTC),
        error_class=type(error).__name__ if error else None,
        error=str(error) if error else None,
    )
    if response is None:
        return outcome
    return replace(
        outcome.answered(response),
        finished_at=response.finished_at or outcome.finished_at,
        first_byte_at=response.first_byte_at,
        response_id=response.response_id,
        response=_without_attribution(response.document),
        bodies=tuple(response.bodies),
    )


def _without_attribution(document: Any) -> Any:
    """The document as it is stored: what only attributes a request stands in its echo, and in no record."""
    if not isinstance(document, dict):
        return document
    left_out = attribution_fields()
    return {name: _without_attribution(value) for name, value in document.items() if name not in left_out}


def response_notes(response: ImageResponse, draft: RunDraft, request: GenerationRequest) -> tuple[str, ...]:
    """What the response said that the user should know, a sentence each."""
    notes = list(response.notes)
    if response.echoed_seed is not None and response.echoed_seed != draft.seed:
        notes.append(f"Seed {draft.seed} was sent, but Venice says that it used {response.echoed_seed}.")
    if response.served_model_id not in (None, draft.model, _announced(request)):
        notes.append(
            f"{draft.model} was asked for, but {response.served_model_id} answered. It may be billed at the price of "
            "that model, which was not part of the estimate."
        )
    if response.enhanced_prompt:
        notes.append(f"The prompt was rewritten: {response.enhanced_prompt}")
    if not request.model.deprecation.is_near():  # else it was reported before sending
        notes += _going_away(response, request)
    if len(response.images) > 1:
        notes.append("Only the first image of --variants has a known seed; use -n to know them all.")
    return tuple(notes)


def _announced(request: GenerationRequest) -> str | None:
    """The model that was said to answer, before the request was sent."""
    end = request.model.deprecation
    return end.replacement if end.may_be_remapped() else None


def _going_away(response: ImageResponse, request: GenerationRequest) -> list[str]:
    """In the catalogue's words, which say more than the headers."""
    model = request.model
    if model.deprecation.stated:
        return [deprecation_text(model, request.stand_in, request.fields)]
    text = response.deprecation_text(model.id)
    return [text] if text else []


def missing_notes(request: GenerationRequest, images: int, problems: list[str]) -> tuple[str, ...]:
    """What ``variants`` promised and did not bring."""
    asked = int(request.fields.get("variants", 1))
    missing = (f"{images} of {asked} images came; all may have been charged.",) if images < asked else ()
    return (*missing, *problems)
