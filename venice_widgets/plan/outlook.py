"""What a plan comes to before anything is sent: cells that cannot be made, prices, minutes, and what the log holds."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from venice_widgets.credentials import refuse_keys
from venice_widgets.errors import NOTHING_SENT, InvalidRequest, VeniceError
from venice_widgets.log import Status
from venice_widgets.request.estimate import Estimate, estimate
from venice_widgets.request.fields import refusal
from venice_widgets.request.request import GenerationRequest, canonical, plain_record, sha256_tag
from venice_widgets.request.style_reference import read_reference, refuse_password

from .price import NOTHING, estimate_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from venice_widgets.request.catalogue import Catalogue
    from venice_widgets.request.style_reference import StyleReference

    from .host import Host
    from .plan_data import PlanCell, PlanData
    from .price import PlanEstimate

SHOWN_REASONS = 5
_HALF = re.compile("[\ud800-\udfff]")
_AWAITED = "its prompt is being rewritten by another program"
_HELD_BACK = "its prompt was to be rewritten by a request that may have been charged: settle or resend that one"
_ONE_IMAGE = "A cell of a plan is one image with its seed: use several seeds, or images (-n)."


@dataclass(frozen=True, slots=True)
class Outlook:
    """A plan held to the catalogue and the log, at one moment."""

    plan: PlanData
    estimate: PlanEstimate
    """Of what will be sent."""
    hashes: Mapping[int, str] = field(repr=False)
    """Cell -> its request's hash, for the cells that can be made. Empty where the prompt will be rewritten first."""
    prices: Mapping[int, Estimate] = field(repr=False)
    """Cell -> its own price."""
    models: Mapping[int, str] = field(repr=False)
    """Cell -> the id of its model."""
    invalid: Mapping[int, str] = field(repr=False)
    """Cell -> why its model cannot make it, and what it takes."""
    known: Mapping[int, str] = field(repr=False)
    """Cell -> the run that has its image."""
    unknown: Mapping[int, str] = field(repr=False)
    """Cell -> the run that may have been charged and gave no image. It is not sent again unless that is asked for."""
    elsewhere: Mapping[int, str] = field(repr=False)
    """Cell -> the run that another program is making now."""
    rewritten: Mapping[str, str] = field(repr=False)
    """Prompt -> what the service made of it, where the log tells."""
    notes: tuple[str, ...]
    prices_fetched_at: datetime
    per_minute: int | None
    """Requests that the rate limit allows."""
    again: bool = False
    resend_unknown: bool = False
    blocked: Mapping[int, str] = field(default_factory=dict, repr=False)
    """Cell -> why it waits for the prompt that another one has rewritten, where that one is not sent now."""

    @property
    def to_send(self) -> tuple[int, ...]:
        """The cells that will be sent, in order."""
        return tuple(index for index in self.hashes if self._is_sent(index))

    @property
    def held(self) -> tuple[int, ...]:
        """The cells that may have been charged before, and are not sent again."""
        return tuple(index for index in self.unknown if index in self.hashes and not self._is_sent(index))

    def _is_sent(self, index: int) -> bool:
        if index in self.elsewhere or index in self.blocked:
            return False
        if self.again:
            return True
        return index not in self.known and (self.resend_unknown or index not in self.unknown)

    @property
    def images(self) -> int:
        """How many images will be made."""
        return self.estimate.images

    @property
    def price_age_seconds(self) -> float:
        """How old the prices are by now."""
        return (datetime.now(UTC) - self.prices_fetched_at).total_seconds()

    @property
    def minutes(self) -> float | None:
        """How long the rate limit makes it take at least; None without a limit."""
        if not self.per_minute:
            return None
        return max(0, -(-len(self.to_send) // self.per_minute) - 1)

    def reasons(self) -> list[tuple[str, list[int]]]:
        """Why cells cannot be made, each reason with its cells, the most frequent first."""
        found: dict[str, list[int]] = {}
        for index, reason in self.invalid.items():
            found.setdefault(reason, []).append(index)
        return sorted(found.items(), key=lambda entry: -len(entry[1]))

    def refuse_invalid(self) -> None:
        """Raise `InvalidRequest` where cells cannot be made and are not to be left out, or none of the plan is left."""
        if not self.invalid or (self.plan.skip_invalid and (self.hashes or self.plan.part)):
            return
        reasons = self.reasons()
        lines = [f"{cells_text(self.plan, indices)}: {reason}" for reason, indices in reasons[:SHOWN_REASONS]]
        if len(reasons) > SHOWN_REASONS:
            lines.append(f"and {len(reasons) - SHOWN_REASONS} other reasons")
        leave_out = "Change the values, or leave these cells out with --skip-invalid (skip_invalid=True). "
        way_out = leave_out if self.hashes else ""
        raise InvalidRequest(
            f"{len(self.invalid):,} of {len(self.plan):,} cells cannot be made by their model.\n" + "\n".join(lines),
            f"{way_out}{NOTHING_SENT}",
            field="skip_invalid",
        )


def cells_text(plan: PlanData, indices: Sequence[int]) -> str:
    """Cells in words: what they have in common, and how many they are where that is more than one."""
    common = plan.coordinates(indices[0])
    for index in indices:
        if not common:
            break
        here = plan.coordinates(index)
        common = {name: label for name, label in common.items() if here[name] == label}
    said = ", ".join(f"{name} {label}" for name, label in common.items())
    if len(indices) == 1:
        return said or "the one cell"
    if len(indices) == len(plan):
        return f"all {len(indices):,} cells"
    return f"{said} ({len(indices):,} cells)" if said else f"{len(indices):,} cells"


def look(
    plan: PlanData,
    host: Host,
    *,
    again: bool = False,
    resend_unknown: bool = False,
    catalogue: Catalogue | None = None,
    fetch: Callable[[str], bytes] | None = None,
) -> Outlook:
    """Hold every cell to its model's limits, price it, and look it up in the log.

    Args:
        plan: the plan.
        host: the session.
        again: whether what the log holds will be made anew.
        resend_unknown: whether what may have been charged will be sent again.
        catalogue: the models and prices to hold it to; None for those of the session, which may ask the network.
        fetch: reads a style reference from its URL; None for the session's way.

    Raises:
        InvalidRequest: a text holds a key.
        VeniceError: the catalogue cannot be fetched, and there is no copy.
    """
    refuse_keys(_texts(plan), (host.settings.api_key, host.settings.wallet_key))
    _refuse_halves(plan)
    catalogue = catalogue or host.catalogue()
    builder = RequestBuilder(catalogue, fetch or host.client.fetch_reference)
    found = _Found()
    for cell in plan:
        found.take(cell, builder)
    _look_up(found, host)
    _refuse_twins(found, again=again)
    if again:
        _rewrite_anew(found)
    else:
        _recall(found, plan, host)
    return _finished(plan, host, catalogue, found, again=again, resend_unknown=resend_unknown)


def _texts(plan: PlanData) -> dict[str, Any]:
    """Every text that will be sent, stored or shown, once: prompts, fields, values and their labels."""
    texts = {"prompt": plan.prompt, **plan.fields, **plan.variables}
    for axis in plan.axes:
        for number, (value, label) in enumerate(zip(axis.axis.values, axis.axis.labels, strict=True)):
            texts |= {f"{axis.name} {number}": str(value), f"{axis.name} {number} (its label)": label}
    return texts


def _refuse_halves(plan: PlanData) -> None:
    """Refuse labels that no file can hold; the texts that are sent are checked with their requests."""
    for axis in plan.axes:
        half = next((label for label in axis.axis.labels if _HALF.search(label)), None)
        if half is not None:
            raise refusal(f"the label of {axis.name}", repr(half), "holds half a character", "Remove or retype it.")


class RequestBuilder:
    """Makes the checked request of each cell. Cells that differ in their seed alone share one."""

    def __init__(self, catalogue: Catalogue, fetch: Callable[[str], bytes]) -> None:
        self._catalogue, self._fetch = catalogue, fetch
        self._last: tuple[str, Mapping[str, Any], GenerationRequest] | None = None
        self._references: dict[str, StyleReference] = {}

    def build(self, cell: PlanCell) -> GenerationRequest:
        """The request of a cell.

        Raises:
            InvalidRequest: its model cannot make it.
        """
        if self._last is not None and self._last[:2] == (cell.prompt, cell.fields):
            return self._last[2]
        request = GenerationRequest.build(cell.prompt, cell.fields, self._catalogue)
        if request.fields.get("variants", 1) > 1:
            raise refusal("variants", request.fields["variants"], "gives images whose seeds no one knows", _ONE_IMAGE)
        if request.reference_specs:
            for spec in request.reference_specs:
                refuse_password(str(spec))
            request = request.with_references([self._reference(str(spec)) for spec in request.reference_specs])
        self._last = cell.prompt, cell.fields, request
        return request

    def recorded_hash(self, cell: PlanCell) -> str:
        """What the log would know a cell by that its model does not take today: retired, or with other limits.

        Raises:
            VeniceError: no such request can have been sent as a cell, or a reference of it cannot be read.
        """
        if "variants" in cell.fields:
            raise refusal("variants", cell.fields["variants"], "gives images whose seeds no one knows", _ONE_IMAGE)
        given = cell.fields.get("style_references") or ()
        specs = [str(spec) for spec in ([given] if isinstance(given, str) else given)]
        for spec in specs:
            refuse_password(spec)
        read = [self._reference(spec) for spec in specs]
        return sha256_tag(canonical(plain_record(cell.prompt, cell.fields, cell.seed, read)))

    def _reference(self, spec: str) -> StyleReference:
        if spec not in self._references:
            self._references[spec] = read_reference(spec, self._fetch)
        return self._references[spec]


@dataclass(slots=True)
class _Found:
    """What the cells come to, while they are gone through."""

    hashes: dict[int, str] = field(default_factory=dict)
    prices: dict[int, Estimate] = field(default_factory=dict)
    models: dict[int, str] = field(default_factory=dict)
    invalid: dict[int, str] = field(default_factory=dict)
    recorded: dict[int, str] = field(default_factory=dict)
    """Of these, cell -> the hash that the log may know it by."""
    known: dict[int, str] = field(default_factory=dict)
    unknown: dict[int, str] = field(default_factory=dict)
    elsewhere: dict[int, str] = field(default_factory=dict)
    enhanced: dict[int, GenerationRequest] = field(default_factory=dict)
    leaders: dict[str, int] = field(default_factory=dict)
    """Prompt -> the cell that has it rewritten, for the others."""
    rewritten: dict[str, str] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)
    seeds: dict[int, int] = field(default_factory=dict)
    _priced: tuple[GenerationRequest, Estimate] | None = None

    def take(self, cell: PlanCell, builder: RequestBuilder) -> None:
        try:
            request = builder.build(cell)
        except InvalidRequest as exc:
            self.invalid[cell.index] = " ".join(f"{exc.message} {exc.remedy.replace(NOTHING_SENT, '')}".split())
            with suppress(VeniceError):  # of a reference that cannot be read, nothing can be known
                self.recorded[cell.index] = builder.recorded_hash(cell)
            return
        if self._priced is None or self._priced[0] is not request:
            self._priced = request, estimate(request, 1)
            self.notes.update(dict.fromkeys(request.notes))
        self.models[cell.index] = request.model.id
        self.prices[cell.index] = self._priced[1]
        self.hashes[cell.index] = hash_of(request, cell.seed)
        if request.fields.get("enhance_prompt"):
            self._take_enhanced(cell, request)

    def _take_enhanced(self, cell: PlanCell, request: GenerationRequest) -> None:
        """One fee, one prompt: the first cell with a prompt has it rewritten, and the others send what it became."""
        leader = self.leaders.setdefault(request.prompt, cell.index)
        if leader != cell.index:
            self.enhanced[cell.index] = request
            self.seeds[cell.index] = cell.seed


def hash_of(request: GenerationRequest, seed: int) -> str:
    """The hash that the log knows a request by."""
    return sha256_tag(canonical(request.record(seed)))


def _refuse_twins(found: _Found, *, again: bool) -> None:
    """Of cells that are one and the same request, all but the first: each would be paid for."""
    first: dict[str, int] = {}
    for index, name in list(found.hashes.items()):
        if not name or first.setdefault(name, index) == index or (index in found.known and not again):
            continue
        found.invalid[index] = f"it is the same request as cell {first[name]}, and would be paid for a second time."
        for facts in (found.hashes, found.known, found.unknown, found.elsewhere):
            facts.pop(index, None)


def _look_up(found: _Found, host: Host) -> None:
    """What the log holds of the cells; of rewritten prompts first, since the others' requests rest on them."""
    if found.leaders:
        leaders = {index: found.hashes[index] for index in found.leaders.values()}
        _sort(found, leaders, host)
        for prompt, leader in found.leaders.items():
            if leader in found.known:
                outcome = host.log.get(found.known[leader]).outcome
                found.rewritten[prompt] = (outcome.enhanced_prompt if outcome else None) or prompt
        for index, request in found.enhanced.items():
            text = found.rewritten.get(request.prompt)
            found.hashes[index] = "" if text is None else hash_of(request.with_prompt(text), found.seeds[index])
    _sort(found, {index: name for index, name in found.hashes.items() if name}, host)


def _recall(found: _Found, plan: PlanData, host: Host) -> None:
    """What was made while its model took it is there, though it could not be made today."""
    standing = host.log.standing(set(found.recorded.values()), base_url=host.settings.base_url)
    recalled: dict[str, int] = {}
    for index, name in found.recorded.items():
        each = standing.get(name)
        if each is not None and each.status is Status.SUCCEEDED:
            reason = found.invalid.pop(index)
            recalled[reason] = recalled.get(reason, 0) + 1
            found.hashes[index], found.known[index] = name, each.run_id
            found.models[index] = str(plan.cell(index).fields["model"])
    for reason, count in recalled.items():
        why = f"{reason[:1].upper()}{reason[1:]}"
        found.notes[f"Cells from the log that could not be made anew: {count:,}. {why}"] = None


def _rewrite_anew(found: _Found) -> None:
    """Let the others wait for the new text of a prompt, which may be another one than the log holds."""
    for index, request in found.enhanced.items():
        if index in found.hashes and found.leaders[request.prompt] not in found.elsewhere:
            found.hashes[index] = ""
    found.rewritten = {
        prompt: text for prompt, text in found.rewritten.items() if found.leaders[prompt] in found.elsewhere
    }


def _blocked(found: _Found, sent: Collection[int]) -> dict[int, str]:
    """The cells whose prompt is rewritten by a request that is not sent now."""
    waiting = {index: found.leaders[request.prompt] for index, request in found.enhanced.items()}
    return {
        index: _AWAITED if leader in found.elsewhere else _HELD_BACK
        for index, leader in waiting.items()
        if found.hashes.get(index) == "" and leader not in sent
    }


def _sort(found: _Found, hashes: Mapping[int, str], host: Host) -> None:
    standing = host.log.standing(set(hashes.values()), base_url=host.settings.base_url)
    for index, name in hashes.items():
        state = standing.get(name)
        if state is None:
            continue
        place = {Status.SUCCEEDED: found.known, Status.UNKNOWN: found.unknown}.get(state.status, found.elsewhere)
        place[index] = state.run_id


def _finished(
    plan: PlanData, host: Host, catalogue: Catalogue, found: _Found, *, again: bool, resend_unknown: bool
) -> Outlook:
    outlook = Outlook(
        plan=plan,
        estimate=NOTHING,
        hashes=found.hashes,
        prices=found.prices,
        models=found.models,
        invalid=found.invalid,
        known=found.known,
        unknown=found.unknown,
        elsewhere=found.elsewhere,
        rewritten=found.rewritten,
        notes=(*plan.notes, *found.notes),
        prices_fetched_at=catalogue.fetched_at,
        per_minute=host.rate_limiter.per_minute,
        again=again,
        resend_unknown=resend_unknown,
    )
    outlook = replace(outlook, blocked=_blocked(found, set(outlook.to_send)))
    sent = outlook.to_send
    fees = len(set(found.leaders.values()) & set(sent))
    total = estimate_plan(found.prices, found.models, sent, fees, simulated=host.settings.demo)
    return replace(outlook, estimate=total)
