"""Running a plan in the main thread: refuse, ask, send, show, and fail where images are missing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from venice_widgets.errors import Interrupted
from venice_widgets.log import Status
from venice_widgets.money import usd_text
from venice_widgets.request.spending import ask_user

from .grid import Grid
from .grid_cells import first_results
from .live import LiveView
from .outlook import look
from .permit import permit
from .results import ELSEWHERE, CellResult
from .sender import PlanSender
from .stored_plans import is_begun, mark_finished, store_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from decimal import Decimal

    from venice_widgets.generation.result import Run

    from .host import Host
    from .outlook import Outlook
    from .plan_data import PlanData

    Watch = Callable[[Grid, PlanSender], None]

TICK_SECONDS = 0.5
ELSEWHERE_SECONDS = 60.0
"""How long to wait at the end for what another program is making."""


def run_plan(  # noqa: PLR0913  each is a choice of its caller
    plan: PlanData,
    host: Host,
    *,
    max_cost_usd: Decimal | str | float | None = None,
    yes: bool = False,
    again: bool | None = False,
    resend_unknown: bool = False,
    context: Mapping[str, Any] | None = None,
    ask: Callable[[str], bool | None] | None = ask_user,
    watch: Watch | None = None,
    whole_cell: bool = False,
    shown: Outlook | None = None,
    checked: Callable[[Outlook], None] = lambda _: None,
) -> Grid:
    """Make every image of a plan that the log does not hold yet. See `Plan.run`.

    Args:
        plan: the plan.
        host: the session.
        max_cost_usd: the limit for this plan.
        yes: the user has confirmed.
        again: also make anew what the log holds; None shows it from there also where the setting ``reuse`` is "never".
        resend_unknown: also send again what may have been charged.
        context: where it comes from.
        ask: puts a question to the user; None where nobody can answer.
        watch: shows the progress; None for a view in the notebook or terminal.
        whole_cell: whether the view is all that the cell shows, so that it can be cleared away.
        shown: what the user saw last of its price.
        checked: called once the plan is priced, before the question.
    """
    host.log.recover()
    catalogue = host.catalogue()
    # Where the configuration says that nothing is shown from the log, what was interrupted goes on all the same.
    anew = host.settings.reuse == "never" and again is False and not is_begun(plan, host)
    outlook = look(plan, host, again=bool(again) or anew, resend_unknown=resend_unknown)
    outlook.refuse_invalid()
    results = first_results(outlook, host)
    if not outlook.to_send:
        grid = Grid(outlook, host, results)
        return _finished(grid, plan, host)
    view = LiveView(whole_cell=whole_cell) if watch is None else None
    checked(outlook)
    permit(outlook, host, shown=shown, max_cost_usd=max_cost_usd, yes=yes, ask=ask)
    store_plan(plan, host)

    def news(index: int, result: CellResult, run: Run | None) -> None:
        if result.sha256 and run is not None:
            grid.tiles.make(result.sha256, run.images[0].preview.data)
        results.put(index, result, sent=True)

    sender = PlanSender(outlook, host, catalogue, host.circumstances(context or {}), news)
    grid = Grid(outlook, host, results, errors=lambda: sender.errors)
    host.in_flight.add(sender)
    sender.start()
    try:
        _wait(grid, sender, watch or (view.update if view else None))
    except KeyboardInterrupt:
        sender.cancel()
        raise _interrupted(grid) from None
    finally:
        if view is not None:
            view.clear()
    return _finished(grid, plan, host)


def _wait(grid: Grid, sender: PlanSender, watch: Watch | None) -> None:
    while not sender.wait(TICK_SECONDS):
        if watch is not None:
            watch(grid, sender)
    if watch is not None:
        watch(grid, sender)


def _finished(grid: Grid, plan: PlanData, host: Host) -> Grid:
    _await_elsewhere(grid, host)
    if not plan.part and all(cell.result.ended for cell in grid.missing) and not grid.missing:
        mark_finished(plan, host)
    grid.raise_for_missing()
    return grid


def _await_elsewhere(grid: Grid, host: Host) -> None:
    """Take what another program has made meanwhile of the same plan."""
    end = time.monotonic() + ELSEWHERE_SECONDS
    while waiting := [index for index in grid.indices if grid.result(index).status == ELSEWHERE]:
        hashes = {index: grid.outlook.hashes[index] for index in waiting}
        standing = host.log.standing(set(hashes.values()), base_url=host.settings.base_url)
        for index, name in hashes.items():
            found = standing.get(name)
            if found is not None and found.status is Status.SUCCEEDED:
                grid.note(index, CellResult(found.status, found.run_id, found.images[0], from_log=True))
            elif found is None or found.status is Status.UNKNOWN:
                grid.note(
                    index, CellResult(Status.UNKNOWN if found else Status.CANCELLED, found.run_id if found else "")
                )
        if time.monotonic() >= end:
            return
        time.sleep(0.2)


def _interrupted(grid: Grid) -> Interrupted:
    """What became of the money of a plan that was stopped by hand."""
    counts = grid.counts()
    unsent = sum(not grid.result(index).ended for index in grid.indices)
    parts = [f"{len(grid):,} of {len(grid.indices):,} images arrived", f"{usd_text(grid.spent_usd)} spent"]
    parts += [f"{counts[Status.REFUSED]} were refused"] if counts.get(Status.REFUSED) else []
    return Interrupted(
        f"stopped: {', '.join(parts)}; {unsent:,} are not there yet.",
        "What is in flight is stored as it arrives. Run it again: only what is missing is sent.",
        generation=grid,
    )
