"""A generation that was checked and priced, and not sent: what one looks at before one pays."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from venice_widgets.request.request import canonical, sha256_tag

if TYPE_CHECKING:
    from collections.abc import Mapping

    from venice_widgets.log import Log, Parent, RunRecord
    from venice_widgets.request.estimate import Estimate
    from venice_widgets.request.request import GenerationRequest
    from venice_widgets.request.seeds import Plan


@dataclass(frozen=True, slots=True)
class Prepared:
    """What `Session.build` gives and `Session.send` takes."""

    request: GenerationRequest
    plan: Plan
    estimate: Estimate
    """Of what will be sent."""
    prices_fetched_at: datetime
    known: Mapping[int, RunRecord] = field(default_factory=dict)
    """What the log already holds of these very requests, pictures included, by seed."""
    reuse: bool = False
    """Whether that is shown instead of sent again."""
    parent: Parent | None = None
    """The run that it repeats or comes from."""
    built_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def price_age_seconds(self) -> float:
        """How old the prices are by now."""
        return (datetime.now(UTC) - self.prices_fetched_at).total_seconds()

    @property
    def age_seconds(self) -> float:
        """How long ago it was checked and priced."""
        return (datetime.now(UTC) - self.built_at).total_seconds()

    @property
    def to_send(self) -> tuple[int, ...]:
        """The seeds that will be sent."""
        return seeds_to_send(self.plan, self.known, reuse=self.reuse)

    def bodies(self) -> list[dict[str, Any]]:
        """The JSON of each request as it is shown and stored: reference images stand as ``sha256:…``."""
        return [self.request.record(seed) for seed in self.to_send]


def seeds_to_send(plan: Plan, known: Mapping[int, RunRecord], *, reuse: bool) -> tuple[int, ...]:
    """The planned seeds, less those that the log holds where it is to be used."""
    return tuple(seed for seed in plan.seeds if not (reuse and seed in known))


def known_requests(log: Log, request: GenerationRequest, plan: Plan, base_url: str) -> dict[int, RunRecord]:
    """What the log holds of these very requests, the newest of each, by seed. A drawn seed is never there."""
    if plan.drawn:
        return {}
    hashes = {seed: sha256_tag(canonical(request.record(seed))) for seed in plan.seeds}
    same = {seed: log.find_same(name, base_url=base_url) for seed, name in hashes.items()}
    newest = {seed: next((record for record in found if _is_whole(log, record)), None) for seed, found in same.items()}
    return {seed: record for seed, record in newest.items() if record is not None}


def as_rewritten(request: GenerationRequest, known: Mapping[int, RunRecord]) -> GenerationRequest:
    """An enhanced request as its later pictures are sent, by what the log holds of its first: one fee, one prompt."""
    first = next(iter(known.values()), None)
    if first is None or first.outcome is None or not request.fields.get("enhance_prompt"):
        return request
    return request.with_prompt(first.outcome.enhanced_prompt or request.prompt)


def _is_whole(log: Log, record: RunRecord) -> bool:
    """A picture that is missing or damaged cannot be shown in the place of a new one."""
    return all(log.objects.is_whole(image.sha256) for image in record.images)
