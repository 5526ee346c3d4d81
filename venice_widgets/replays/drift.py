"""Is a model still what it was? A few of its runs are repeated within a budget, and the verdicts counted by date.

The same runs are repeated every time where that is possible, so that the dates can be compared: those that were
repeated before come first, then others spread over the time that the log covers.
"""

from __future__ import annotations

import collections
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from venice_widgets.display import Bundle, Cell, join, notice, table
from venice_widgets.errors import InvalidRequest, VeniceError
from venice_widgets.log import REPLAY_OF, RUN_ENDING, Status
from venice_widgets.log.arguments import text, whole
from venice_widgets.media.compare import Grade
from venice_widgets.money import parse_usd, usd_text

from .prepare import look
from .replay import Replay, replay

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from venice_widgets.log import Log, RunRecord, VerdictRecord
    from venice_widgets.session import Session

MOST_RUNS = 20
_LOOKED_AT = 1000
_CATALOGUE_SECONDS = 60.0
_OTHER = "no grade"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """What a few replays found about a model, and all those before them."""

    model: str
    budget_usd: Decimal
    replays: tuple[Replay, ...]
    left_out: tuple[str, ...] = ()
    """Runs that were not repeated, and why, a sentence each."""
    history: Mapping[str, Mapping[str, int]]
    """UTC date, newest first -> grade (or ``no grade``) -> how many replays, today's included."""
    problem: VeniceError | None = None
    """What ended it early; the replays before it count."""

    @property
    def estimated_usd(self) -> Decimal | None:
        """What the replays of this time cost by the catalogue; None where it does not say."""
        prices = [each.generation.estimate.price_usd for each in self.replays if each.generation]
        return None if None in prices else sum((price for price in prices if price is not None), Decimal(0))

    def bundle(self) -> Bundle:
        """The verdicts of this time, and how many of each grade by date."""
        parts = [_verdicts(self), _by_date(self)] if self.replays else [_by_date(self)] if self.history else []
        told = [note for each in self.replays if each.generation for note in each.generation.notes]
        said = [*self.left_out, *dict.fromkeys(told), *([str(self.problem)] if self.problem else [])]
        if not self.replays:
            said = [f"No run of {self.model} was repeated.", *said]
        return join(*parts, *([notice("\n".join(said))] if said else []))

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle = self.bundle()
        return bundle.data, bundle.metadata


def drift(session: Session, model: str, budget_usd: Decimal | str | float, *, runs: int = 3) -> Drift:
    """Repeat a few runs of a model, and report how repeatable it is by date.

    The budget confirms the price: there is no further question, and nothing that could cost more than what is left of
    it, or whose price is unknown, is sent.

    Args:
        session: what sends them.
        model: the id that the runs were sent to.
        budget_usd: all replays together may cost this many US dollars.
        runs: how many at most, 1 … 20.

    Raises:
        InvalidRequest: the log holds no run of this model that could be repeated, a number is out of range, or
            something is of another type.
        ConfigurationError: the budget is not an amount.
    """
    budget = parse_usd(budget_usd, "budget")
    model, runs = text(model, "model"), whole(runs, "runs", 1, MOST_RUNS)
    chosen = choose(session.log, model)
    if not chosen:
        raise InvalidRequest(
            f"the log holds no run of {model} that could be repeated.",
            "It takes one that succeeded, was not blurred and did not search the web. Nothing was sent.",
            field="model",
        )
    done, left_out, problem = _repeat(session, chosen, budget, runs)
    return Drift(
        model=model,
        budget_usd=budget,
        replays=tuple(done),
        left_out=tuple(left_out),
        history=by_date(session.log.verdicts(model)),
        problem=problem,
    )


def _repeat(
    session: Session, chosen: Sequence[RunRecord], left_usd: Decimal, runs: int
) -> tuple[list[Replay], list[str], VeniceError | None]:
    """The replays that the budget allows, why others were left out, and what ended it early."""
    done: list[Replay] = []
    left_out: list[str] = []
    for record in chosen:
        if len(done) == runs:
            break
        try:
            outlook = look(session, record, max_age_seconds=_CATALOGUE_SECONDS)
        except VeniceError as exc:
            return done, left_out, exc
        most = outlook.prepared.estimate.upper_bound_usd if outlook.prepared else None
        why = outlook.obstacle or " ".join(outlook.doubts) or _too_expensive(most, left_usd)
        if why or most is None:
            left_out.append(f"Run {record.run_id[-RUN_ENDING:]} was left out: {why}")
            continue
        left_usd -= most
        try:
            done.append(replay(session, outlook, max_cost_usd=most, ask=None))
        except VeniceError as exc:
            return done, left_out, exc
    return done, left_out, None


def _too_expensive(most: Decimal | None, left: Decimal) -> str:
    if most is None:
        return "what it can cost is unknown."
    return f"it can cost {usd_text(most)}, and {usd_text(left)} of the budget is left." if most > left else ""


def choose(log: Log, model: str) -> list[RunRecord]:
    """The runs to repeat, the best first, each request once."""
    found = log.search(model=model, status=Status.SUCCEEDED, limit=_LOOKED_AT)
    repeated = collections.Counter(record.draft.parent_run_id for record in found if record.draft.relation == REPLAY_OF)
    runs = {record.draft.request_hash: record for record in found if _can_be_repeated(record, log)}
    spread = _spread(sorted(runs.values(), key=lambda record: record.run_id))
    return sorted(spread, key=lambda record: -repeated[record.run_id])[:MOST_RUNS]


def _can_be_repeated(record: RunRecord, log: Log) -> bool:
    return (
        record.draft.relation != REPLAY_OF
        and record.outcome is not None
        and not record.outcome.blurred
        and bool(record.images)
        and log.objects.has(record.images[0].sha256)
        and '"enable_web_search":true' not in record.draft.request
    )


def _spread(runs: Sequence[RunRecord]) -> list[RunRecord]:
    """The oldest, the newest, the one in the middle, and so on into the gaps."""
    order: list[RunRecord] = []
    gaps = collections.deque([(0, len(runs) - 1)])
    if runs:
        order = [runs[0], runs[-1]] if len(runs) > 1 else [runs[0]]
    while gaps:
        first, last = gaps.popleft()
        middle = (first + last) // 2
        if first < middle < last:
            order.append(runs[middle])
            gaps += [(first, middle), (middle, last)]
    return order


def by_date(verdicts: Sequence[VerdictRecord]) -> dict[str, dict[str, int]]:
    """How many verdicts of each grade there were on each UTC date, newest first."""
    counted: dict[str, collections.Counter[str]] = {}
    for verdict in sorted(verdicts, key=lambda verdict: verdict.judged_at, reverse=True):
        day = verdict.judged_at.date().isoformat()
        counted.setdefault(day, collections.Counter())[verdict.grade or _OTHER] += 1
    return {day: dict(grades) for day, grades in counted.items()}


def _verdicts(found: Drift) -> Bundle:
    rows: list[list[Cell | str]] = []
    for each in found.replays:
        past, measured = each.outlook.past, each.verdict.comparison
        rows.append([
            Cell(past.run_id[-RUN_ENDING:], code=True),
            f"{past.made_at:%Y-%m-%d}" if past.made_at else "",
            Cell(each.run_id[-RUN_ENDING:], code=True),
            each.verdict.text,
            Cell("" if measured is None or measured.psnr_db is None else f"{measured.psnr_db:.1f} dB", align="right"),
            " ".join(each.verdict.reasons),
        ])  # fmt: skip
    spent = "unknown" if found.estimated_usd is None else usd_text(found.estimated_usd)
    simulated = any(each.generation and each.generation.estimate.simulated for each in found.replays)
    spent += " simulated" if simulated else ""
    return table(
        ["run", "made", "replay", "verdict", "PSNR", "because"],
        rows,
        caption=f"Replays of {found.model}",
        footer=f"Estimated {spent} of a budget of {usd_text(found.budget_usd)}. %venice show RUN shows an image.",
    )


def _by_date(found: Drift) -> Bundle:
    grades = [*map(str, Grade), _OTHER]
    rows: list[list[Cell | str]] = [
        [day, *(Cell(str(counts.get(grade, 0)), align="right") for grade in grades)]
        for day, counts in found.history.items()
    ]
    return table(["date (UTC)", *grades], rows, caption=f"Every replay of {found.model} by date")
