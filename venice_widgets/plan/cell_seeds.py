"""Every cell of a plan has one seed, and one that can be sent: else an image could not be made again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from venice_widgets.request.fields import MAX_SEED, refusal

from .plan_data import FIELD, ROW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .plan_data import PlanData

_TAKES = f"A seed is a whole number, -{MAX_SEED:,} … {MAX_SEED:,}."


def check_seeds(plan: PlanData) -> None:
    """Refuse a plan with a cell that has no seed, or one that cannot be sent.

    Raises:
        InvalidRequest: it names the seed.
    """
    for seed in _stated(plan):
        if type(seed) is not int or abs(seed) > MAX_SEED:
            raise refusal("seed", repr(seed), "is not a valid seed", _TAKES)
    if "seed" not in plan.fields and not any(map(_covers, plan.axes)):
        raise refusal("seed", "", "is missing for some cells", "Give one for all, or one in every row.")


def _stated(plan: PlanData) -> Iterator[Any]:
    """Every seed that stands in it."""
    if "seed" in plan.fields:
        yield plan.fields["seed"]
    for axis in plan.axes:
        if axis.kind == FIELD and axis.name == "seed":
            yield from axis.axis.values
        elif axis.kind == ROW:
            yield from (row["fields"]["seed"] for row in axis.axis.values if "seed" in row["fields"])


def _covers(axis: Any) -> bool:
    """Whether an axis gives every cell a seed."""
    if axis.kind == ROW:
        return all("seed" in row["fields"] for row in axis.axis.values)
    return bool(axis.kind == FIELD and axis.name == "seed")
