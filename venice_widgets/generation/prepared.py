"""A generation that was checked and priced, and not sent: what the user looks at before paying."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from venice_widgets.errors import InvalidRequest
from venice_widgets.log import RUN_ENDING
from venice_widgets.request.request import GenerationRequest, canonical, plain_record, sha256_tag

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from venice_widgets.log import Log, Parent, RunRecord
    from venice_widgets.request.catalogue import Catalogue
    from venice_widgets.request.estimate import Estimate
    from venice_widgets.request.seeds import Plan
    from venice_widgets.request.style_reference import StyleReference

    from .result import Generation


class Sending:
    """What became of a `Prepared`: it is sent once, so that a line that is run twice is not paid for twice."""

    def __init__(self) -> None:
        self._taken = threading.Lock()
        self._times = 0
        self.generation: Generation | None = None
        """What it became; set before anything is sent, so that an interrupt at any moment can say what became of it."""

    def take(self, *, again: bool) -> None:
        """Claim the one time that it is sent.

        Raises:
            InvalidRequest: it was sent before, and `again` is false.
        """
        if not self._taken.acquire(blocking=False) and not again:
            raise InvalidRequest(
                "this was sent already, and its images would be paid for a second time.",
                "Send it with again=True, or build it anew. Nothing was sent.",
            )
        self.generation = None

    def give_back(self) -> None:
        """It was not sent after all, and can be sent later."""
        if not self._times and self._taken.locked():
            self._taken.release()

    def begin(self, generation: Generation) -> None:
        """It is about to be sent as this generation."""
        self.generation = generation
        self._times += 1

    def undo(self) -> None:
        """Nothing is on record of it: `begin` did not happen."""
        self.generation = None
        self._times -= 1


@dataclass(frozen=True, slots=True)
class Prepared:
    """What `Session.build` returns and `Session.send` takes."""

    request: GenerationRequest
    plan: Plan
    estimate: Estimate
    """Of what will be sent."""
    prices_fetched_at: datetime
    known: Mapping[int, RunRecord] = field(default_factory=dict)
    """What the log already holds of exactly these requests, images included, by seed."""
    again: bool = False
    """Whether that is sent once more; otherwise it is shown from the log at no cost."""
    parent: Parent | None = None
    """The run that it repeats or comes from."""
    built_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    sending: Sending = field(default_factory=Sending, repr=False, compare=False)
    """Whether it was sent."""

    @property
    def price_age_seconds(self) -> float:
        """How old the prices are by now; below zero if the clock was set back."""
        return (datetime.now(UTC) - self.prices_fetched_at).total_seconds()

    @property
    def age_seconds(self) -> float:
        """How long ago it was checked and priced; below zero if the clock was set back."""
        return (datetime.now(UTC) - self.built_at).total_seconds()

    @property
    def to_send(self) -> tuple[int, ...]:
        """The seeds that will be sent."""
        return seeds_to_send(self.plan, self.known, again=self.again)

    @property
    def from_log(self) -> tuple[int, ...]:
        """The seeds whose images are shown from the log at no cost."""
        sent = set(self.to_send)
        return tuple(seed for seed in self.plan.seeds if seed not in sent)

    def bodies(self) -> list[dict[str, Any]]:
        """The JSON of each request as it is shown and stored: reference images appear as ``sha256:…``."""
        return [self.request.record(seed) for seed in self.to_send]


def seeds_to_send(plan: Plan, known: Mapping[int, RunRecord], *, again: bool) -> tuple[int, ...]:
    """The planned seeds, less those that the log holds, unless they are made again."""
    return plan.seeds if again else tuple(seed for seed in plan.seeds if seed not in known)


def known_requests(log: Log, request: GenerationRequest, plan: Plan, base_url: str) -> dict[int, RunRecord]:
    """What the log holds of exactly these requests, by seed. A drawn seed is never there.

    Of several it is the first of `Log.find_same`.
    """
    if plan.drawn:
        return {}
    found = {seed: _held(log, request.record(seed), base_url) for seed in plan.seeds}
    return {seed: record for seed, record in found.items() if record is not None}


def as_recorded(
    prompt: str,
    fields: Mapping[str, Any],
    plan: Plan,
    log: Log,
    catalogue: Catalogue,
    references: Sequence[StyleReference],
) -> GenerationRequest | None:
    """A request with given seeds that its model refuses today, as the model took it when all these images were made.

    The model is described by the catalogue of that day, which the log holds. None where the log lacks an image, or
    holds those of another request: what is returned is never sent.

    Raises:
        InvalidRequest: a field does not exist, or no model is named.
    """
    own = {name: value for name, value in fields.items() if name != "seed"}
    documents = [plain_record(prompt, own, seed, references) for seed in plan.seeds]
    records = [_held(log, document, catalogue.base_url) for document in documents]
    if records[0] is None or None in records:
        return None
    then = catalogue.with_recorded(records[0].draft.catalogue_entry)
    request = GenerationRequest.build(prompt, dict(fields), then).with_references(references)
    if [request.record(seed) for seed in plan.seeds] != documents:
        return None
    note = f"{own['model']} does not take this request today: it is shown from the log, and cannot be made again."
    return replace(request, notes=(*request.notes, note))


def _held(log: Log, document: Mapping[str, Any], base_url: str) -> RunRecord | None:
    """The newest run of exactly this request whose images are whole."""
    found = log.find_same(sha256_tag(canonical(document)), base_url=base_url)
    return next((record for record in found if _is_whole(log, record)), None)


def refuse_made(prepared: Prepared, log: Log, base_url: str) -> None:
    """Refuse what another cell or program has made since this was built.

    Raises:
        InvalidRequest: the log holds an image of it by now.
    """
    plan = replace(prepared.plan, seeds=prepared.to_send)
    for seed, record in known_requests(log, prepared.request, plan, base_url).items():
        raise InvalidRequest(
            f"this request with seed {seed} was made since it was built (run {record.run_id[-RUN_ENDING:]}), and its "
            "image would be paid for a second time.",
            "Build it again, or run the cell again: that image is then shown from the log at no cost. To pay for "
            "another one, use --again (again=True). Nothing was sent.",
            field="seed",
        )


def as_rewritten(request: GenerationRequest, known: Mapping[int, RunRecord]) -> GenerationRequest:
    """An enhanced request as its later images are sent, by what the log holds of its first: one fee, one prompt."""
    first = next(iter(known.values()), None)
    if first is None or first.outcome is None or not request.fields.get("enhance_prompt"):
        return request
    return request.with_prompt(first.outcome.enhanced_prompt or request.prompt)


def _is_whole(log: Log, record: RunRecord) -> bool:
    """An image that is missing or damaged cannot be shown in place of a new one."""
    return all(log.objects.is_whole(image.sha256) for image in record.images)
