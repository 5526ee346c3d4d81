"""A plan before it is sent and a grid after it, in words: what it makes, costs, takes, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from venice_widgets.display import Bundle, Cell, facts, join, notice, table
from venice_widgets.errors import clipped
from venice_widgets.log import Status
from venice_widgets.money import usd_text
from venice_widgets.request.style_reference import reference_label

from .outlook import SHOWN_REASONS, cells_text
from .results import NOT_SENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .grid_cells import GridCells
    from .outlook import Outlook
    from .plan_data import PlanAxis, PlanData

_STATES: dict[str, str] = {
    Status.REFUSED: "refused, not charged",
    Status.FAILED: "failed, not charged",
    Status.UNKNOWN: "may have been charged",
    Status.SENT: "in flight",
    Status.CANCELLED: NOT_SENT,
}
_HELD = (
    "What may have been charged is not sent again by itself: %venice resolve RUN not-charged settles one, "
    "--resend-unknown (resend_unknown=True) sends them all."
)
SHOWN_VALUES = 12
FEW_VALUES = 8


def overview(plan: PlanData, outlook: Outlook, extra: Sequence[str] = ()) -> Bundle:
    """A plan as a notebook shows it before anything is sent.

    Args:
        plan: the plan.
        outlook: it at today's prices.
        extra: further sentences, such as what the budgets leave.
    """
    title = f"Plan {plan.plan_id[:8]}{f', part {plan.part}' if plan.part else ''}"
    parts = [facts(title, [*map(_axis_row, plan.axes), *_fixed_rows(plan), *_outlook_rows(plan, outlook)])]
    if len(outlook.estimate.lines) > 1:
        parts.append(_price_table(outlook))
    if outlook.invalid:
        parts.append(_invalid_table(plan, outlook))
    if outlook.held:
        parts.append(notice(unknown_text(outlook), kind="warning"))
    parts += [notice(note, kind="note") for note in dict.fromkeys([*outlook.notes, *extra]) if note]
    return join(*parts)


def plan_facts(plan: PlanData) -> Bundle:
    """What a plan is made of, without prices: its axes, and what all its cells share."""
    rows = [*map(_axis_row, plan.axes), *_fixed_rows(plan)]
    return facts(f"Plan {plan.plan_id[:8]}", [*rows, ("cells", f"{len(plan):,}")])


def _axis_row(axis: PlanAxis) -> tuple[str, str | Cell]:
    labels = axis.axis.labels
    shown = labels if len(labels) <= SHOWN_VALUES else (*labels[:FEW_VALUES], "…", labels[-1])
    return axis.name, f"{len(labels):,} values: {', '.join(clipped(label, 40) for label in shown)}"


def _shown(name: str, value: object) -> object:
    """An address may hold a key, which must not be saved with a notebook."""
    return reference_label(value) if name == "style_references" else value


def _fixed_rows(plan: PlanData) -> list[tuple[str, str | Cell]]:
    drawn = " (drawn for this plan)" if plan.seed_drawn else ""
    rows: list[tuple[str, str | Cell]] = [("prompt", plan.prompt)] if plan.prompt else []
    rows += [(name, f"{_shown(name, value)}{drawn if name == 'seed' else ''}") for name, value in plan.fields.items()]
    return [*rows, *((name, str(value)) for name, value in plan.variables.items())]


def _outlook_rows(plan: PlanData, outlook: Outlook) -> list[tuple[str, str | Cell]]:
    sent = len(outlook.to_send)
    rows: list[tuple[str, str | Cell]] = [
        ("cells", cells_line(plan, outlook)),
        ("to send", f"{sent:,} requests, {outlook.images:,} images" if sent else "nothing"),
        ("price", outlook.estimate.text),
    ]
    if sent and outlook.per_minute:
        rows.append(("time", time_line(outlook)))
    return rows


def cells_line(plan: PlanData, outlook: Outlook) -> str:
    """How many cells there are, and how many of them will not be sent: ``12 · 3 are in the log, at no cost``."""
    cells = [f"{len(plan):,}"]
    for count, text in (
        (len(outlook.invalid), "cannot be made"),
        (len(outlook.known) if not outlook.again else 0, "are in the log, at no cost"),
        (len(outlook.held), "may have been charged before"),
        (len(outlook.elsewhere), "in flight already"),
        (len(outlook.blocked), "wait for a rewritten prompt"),
    ):
        cells += [f"{count:,} {text}"] if count else []
    return " · ".join(cells)


def time_line(outlook: Outlook) -> str:
    """How long the rate limit makes it take at least."""
    minutes = outlook.minutes or 0
    said = f"about {minutes:.0f} min" if minutes < 120 else f"about {minutes / 60:.1f} h"
    return f"{said if minutes else 'under a minute'} at {outlook.per_minute} requests a minute"


def _price_table(outlook: Outlook) -> Bundle:
    rows: list[list[str | Cell]] = [
        [
            line.model,
            Cell(f"{line.images:,}", "right"),
            Cell("unknown" if line.unit_usd is None else usd_text(line.unit_usd), "right"),
            Cell("unknown" if line.unit_usd is None else usd_text(line.unit_usd * line.images), "right"),
        ]
        for line in outlook.estimate.lines[:SHOWN_VALUES]
    ]
    more = len(outlook.estimate.lines) - len(rows)
    return table(["Model", "Images", "Each", "Sum"], rows, footer=f"{more:,} more prices" if more else None)


def _invalid_table(plan: PlanData, outlook: Outlook) -> Bundle:
    reasons = outlook.reasons()
    rows: list[list[str | Cell]] = [
        [cells_text(plan, indices), Cell(f"{len(indices):,}", "right"), reason]
        for reason, indices in reasons[:SHOWN_REASONS]
    ]
    way_out = "The plan is refused with them; --skip-invalid (skip_invalid=True) leaves them out."
    left = "They are left out." if plan.skip_invalid else way_out
    more = f"{len(reasons) - SHOWN_REASONS} other reasons. " if len(reasons) > SHOWN_REASONS else ""
    return table(["Cells that cannot be made", "Count", "Why"], rows, footer=f"{more}{left}")


def unknown_text(outlook: Outlook) -> str:
    """That requests of an earlier run may have been charged, and what to do about it."""
    return (
        f"{len(outlook.held):,} requests of an earlier run may have been charged and gave no image. They are not "
        "sent again: %venice resolve RUN not-charged settles one, --resend-unknown (resend_unknown=True) sends them "
        "all."
    )


def how_to_go_on(outlook: Outlook, missing: int = 0, held: int = 0) -> str:
    """What sends the rest of a plan that did not end, and pays for nothing twice.

    Args:
        outlook: what was sent.
        missing: how many images are missing; 0 where that is not known yet.
        held: how many of these may have been charged.
    """
    if outlook.again:
        return "Run it without --again (again=True): only what the log does not hold is sent."
    rest = "" if held and held == missing else "Run it again: only what is missing is sent."
    return f"{rest} {_HELD if held else ''}".strip()


def summary_of(grid: GridCells) -> str:
    """One line: images, what was really spent, what became of the rest, and how to make anew what was not sent."""
    is_from_log = not grid.spent_usd and grid.counts().get("from the log")
    return f"{outcome_of(grid)}{' · --again makes them anew' if is_from_log else ''}"


def outcome_of(grid: GridCells) -> str:
    """How many images there are, what was really spent, and what became of the rest."""
    counts = grid.counts()
    parts = [f"{len(grid):,} of {len(grid.indices):,} images", spent_text(grid)]
    if grid.unknown_usd:
        parts[-1] += f", up to {usd_text(grid.unknown_usd)} more may have been charged"
    parts += [grid.outlook.estimate.shape] if grid.outlook.estimate.shape else []
    said: dict[str, int] = {}
    for name, count in counts.items():
        if name != Status.SUCCEEDED:
            words = _STATES.get(name, name)
            said[words] = said.get(words, 0) + count
    parts += [f"{count:,} {words}" for words, count in said.items()]
    return " · ".join(parts)


def spent_text(grid: GridCells) -> str:
    """What was spent; an image of unknown price may have cost anything."""
    spent, unpriced = grid.spent_usd, grid.unpriced
    said = f"{usd_text(spent)} {'simulated' if grid.outlook.estimate.simulated else 'spent'}"
    if unpriced:
        images = "1 image" if unpriced == 1 else f"{unpriced:,} images"
        said = f"{f'{said}, and ' if spent else ''}{images} of unknown price"
    return said
