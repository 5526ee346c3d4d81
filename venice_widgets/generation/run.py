"""`Run`: one request of a generation, and what became of its money, in the words that all parts use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from venice_widgets.errors import Interrupted, PossiblyCharged
from venice_widgets.log import RUN_ENDING, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal
    from typing import Any

    from .image import Image

_MONEY: dict[str, str] = {
    Status.PENDING: "not sent yet",
    Status.SENT: "in flight, may be charged",
    Status.SUCCEEDED: "arrived",
    Status.REFUSED: "refused by the content policy, not charged",
    Status.FAILED: "failed, not charged",
    Status.UNKNOWN: "no image, may have been charged",
    Status.CANCELLED: "not sent, not charged",
}
_SHOWN_SEEDS, _SHOWN_RUNS, _SHOWN_GROUPS = 12, 4, 6
MOST_NAMED = 8
"""Of more seeds than this only their number is reported."""


@dataclass(frozen=True, slots=True)
class Run:
    """One request of a generation, as far as it has come."""

    run_id: str
    seed: int
    status: Status = Status.PENDING
    images: tuple[Image, ...] = ()
    error: BaseException | None = None
    charged_usd: Decimal | None = None
    """What was charged, if that is known: 0 for what is certain not to have run."""
    notes: tuple[str, ...] = ()
    """What the response said beyond the image."""
    from_log: bool = False
    """Whether the log held its image already, so that nothing was sent."""

    @property
    def in_progress(self) -> bool:
        """Whether it has not ended yet."""
        return self.status in (Status.PENDING, Status.SENT)

    @property
    def ending(self) -> str:
        """The last characters of its id, which tell it from others."""
        return self.run_id[-RUN_ENDING:]

    @property
    def tells_money(self) -> bool:
        """Whether its error alone says what became of the money: a full disk's says nothing about what was sent."""
        return self.status is not Status.UNKNOWN or isinstance(self.error, PossiblyCharged)


def money_text(status: Status | str) -> str:
    """What became of a run without an image, above all of its money."""
    return _MONEY.get(status, str(status))


@dataclass(frozen=True, slots=True)
class MissingImages:
    """Runs without an image that ended in the same way."""

    runs: tuple[Run, ...]

    @property
    def reason(self) -> str:
        """What became of the money, and why: ``failed, not charged — the balance does not cover it.``."""
        first = self.runs[0]
        why = str(first.error) if first.error else " ".join(first.notes) if first.status is Status.CANCELLED else ""
        said = " ".join(why.split())
        return f"{money_text(first.status)}{f' — {said}' if said else ''}"

    @property
    def seeds(self) -> str:
        """``seed 41``, or ``seeds 41..44, 50`` as ``--seed`` takes them."""
        return f"seed{'s' if len(self.runs) > 1 else ''} {ranges(run.seed for run in self.runs)}"

    @property
    def run_ids(self) -> str:
        """``run 4T8XK2QM``, or the first few."""
        return f"run{'s' if len(self.runs) > 1 else ''} {_some([run.ending for run in self.runs], _SHOWN_RUNS)}"

    @property
    def text(self) -> str:
        """All of it in one line."""
        return f"{self.seeds}: {self.reason} ({self.run_ids})"


def missing_images(runs: Iterable[Run]) -> tuple[MissingImages, ...]:
    """The runs without an image, those that ended in the same way together, in the order of their seeds.

    Where many differ only in their words (each with an id of its own), those of one kind are reported together.
    """
    missing = [run for run in runs if run.status is not Status.SUCCEEDED]
    groups = _grouped(missing, lambda run: (run.status, str(run.error)))
    if len(groups) > _SHOWN_GROUPS:
        groups = _grouped(missing, lambda run: (run.status, type(run.error)))
    return tuple(MissingImages(tuple(group)) for group in groups)


def _grouped(runs: Sequence[Run], kind: Any) -> list[list[Run]]:
    groups: dict[Any, list[Run]] = {}
    for run in runs:
        groups.setdefault(kind(run), []).append(run)
    return list(groups.values())


def ranges(seeds: Iterable[int]) -> str:
    """``1..4, 9``: seeds as ``--seed`` takes them; very many are cut short."""
    parts: list[list[int]] = []
    for seed in seeds:
        if parts and seed == parts[-1][-1] + 1:
            parts[-1][1:] = [seed]
        else:
            parts.append([seed])
    return _some(["..".join(map(str, part)) for part in parts], _SHOWN_SEEDS)


def _some(texts: Sequence[str], most: int) -> str:
    rest = len(texts) - most
    return ", ".join(texts) if rest <= 0 else f"{', '.join(texts[:most])} and {rest} more"


def interrupted(generation: Any, *, waits_for_rest: bool = True) -> Interrupted:
    """The error of a generation that the user stopped: what became of its money.

    Args:
        generation: the `Generation`, cancelled already.
        waits_for_rest: whether what is in flight will still be stored; False where it was given up.
    """
    runs: Sequence[Run] = generation.runs
    by_status = {status: [run for run in runs if run.status is status] for status in Status}
    unsent = len(by_status[Status.PENDING]) + len(by_status[Status.CANCELLED])
    sent, unknown = by_status[Status.SENT], by_status[Status.UNKNOWN]
    arrived = sum(len(run.images) for run in runs if not run.from_log)
    parts = [f"{arrived} of {generation.estimate.images} images arrived"]
    parts += [f"{unsent} {_were(unsent)} not sent and cost nothing"] if unsent else []
    parts += [f"{len(sent)} {'is' if len(sent) == 1 else 'are'} in flight and may be charged"] if sent else []
    parts += [f"{len(unknown)} may have been charged"] if unknown else []
    return Interrupted(
        f"stopped: {'; '.join(parts)}.", _after(sent, generation, waits_for_rest=waits_for_rest), generation=generation
    )


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _after(sent: Sequence[Run], generation: Any, *, waits_for_rest: bool) -> str:
    """What becomes of the rest, and where the images are that have arrived."""
    lines = []
    if sent and waits_for_rest:
        endings = _some([run.ending for run in sent], _SHOWN_RUNS)
        lines.append(f"They are stored as they arrive: %venice show RUN shows them ({endings}).")
    elif sent:
        lines.append("They were given up. %venice balance shows whether they were charged.")
    stored = [run.ending for run in generation.runs if run.images and not run.from_log]
    if stored:
        lines.append(f"What arrived is in the log: %venice show RUN shows it ({_some(stored, _SHOWN_RUNS)}).")
    return "\n".join(lines)


def from_log_text(seeds: Sequence[int], planned: int) -> str:
    """What is shown from the log at no cost, in words; empty where nothing is.

    Args:
        seeds: of what the log holds.
        planned: how many images there are in all.
    """
    if not seeds:
        return ""
    named = f" (seed {', '.join(map(str, seeds))})" if len(seeds) <= MOST_NAMED else ""
    some = f"{len(seeds)} of {planned} from the log at no cost{named}"
    which = "from the log, nothing spent" if len(seeds) == planned else some
    return f"{which} · --again makes {'it' if len(seeds) == 1 else 'them'} anew"
