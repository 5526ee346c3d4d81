"""What is put on record of a run before it is sent: its seed, its body and hash, its price, where it comes from."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from venice_widgets.log import RunDraft
from venice_widgets.request.defaults import resolution
from venice_widgets.request.request import canonical, sha256_tag

from .origin import environment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from venice_widgets.log import Parent
    from venice_widgets.request.estimate import Estimate
    from venice_widgets.request.request import GenerationRequest
    from venice_widgets.request.seeds import Plan


def draft_runs(
    request: GenerationRequest,
    plan: Plan,
    estimate: Estimate,
    *,
    base_url: str,
    context: Mapping[str, Any],
    generation_id: str,
    session_id: str,
    parent: Parent | None = None,
) -> tuple[RunDraft, ...]:
    """One draft for each seed; the first carries what is charged once for the generation."""
    from ulid import ULID

    context = {**context, "resolution": resolution(request)}
    return tuple(
        with_body(
            RunDraft(
                run_id=str(ULID()),
                generation_id=generation_id,
                position=position,
                created_at=datetime.now(UTC),
                base_url=base_url,
                model=request.model.id,
                asked_model=request.asked_model,
                seed=seed,
                seed_drawn=plan.drawn,
                prompt="",
                request="",
                request_hash="",
                body_sha256="",
                estimate_usd=_share(estimate, estimate.unit_price_usd, len(plan.seeds), position),
                reserve_usd=_share(estimate, estimate.guard_unit_price_usd, len(plan.seeds), position),
                formula=estimate.formula,
                catalogue_entry=request.model.entry,
                environment=environment(),
                context=context,
                session_id=session_id,
                parent_run_id=parent.run_id if parent else None,
                relation=parent.relation if parent else None,
            ),
            request,
        )
        for position, seed in enumerate(plan.seeds)
    )


def with_body(draft: RunDraft, request: GenerationRequest) -> RunDraft:
    """The draft of a run that sends this request."""
    record = canonical(request.record(draft.seed))
    return replace(
        draft,
        prompt=request.prompt,
        request=record.decode(),
        request_hash=sha256_tag(record),
        body_sha256=sha256_tag(canonical(request.body(draft.seed))),
    )


def _share(estimate: Estimate, unit: Decimal | None, requests: int, position: int) -> Decimal | None:
    if unit is None:
        return None
    extras = sum((extra.price_usd for extra in estimate.surcharges), Decimal(0)) if position == 0 else Decimal(0)
    return unit * (estimate.images // requests) + extras
