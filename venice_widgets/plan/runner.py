"""Running a plan: refuse, ask, send, show, and fail where images are missing.

`run_plan` does it in the main thread. `prepare_run` gives what another thread starts, waits for and cancels.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from venice_widgets.errors import NOTHING_SENT, Interrupted, StoreError
from venice_widgets.generation.may_send import refuse_lowered
from venice_widgets.log import Status
from venice_widgets.money import parse_usd
from venice_widgets.request.spending import ask_user

from .grid import Grid
from .grid_cells import first_results
from .live import LiveView
from .outlook import look
from .overview import how_to_go_on, spent_text
from .permit import permit
from .results import ELSEWHERE, CellResult
from .sender import PlanSender
from .stored_plans import is_begun, mark_finished, store_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from decimal import Decimal

    from venice_widgets.generation.result import Run
    from venice_widgets.request.catalogue import Catalogue

    from .host import Host
    from .outlook import Outlook
    from .plan_data import PlanData

    Watch = Callable[[Grid, PlanSender], None]

_log = logging.getLogger("venice_widgets.plan")

TICK_SECONDS = 0.5
ELSEWHERE_SECONDS = 60.0
"""How long to wait at the end for what another program is making."""


class PlanRun:
    """A plan that may be sent, or is being sent. Threads do the work.

    Args:
        grid: what becomes of its cells.
        host: the session.
        sender: what sends; None where the log holds everything.
    """

    def __init__(self, grid: Grid, host: Host, sender: PlanSender | None) -> None:
        self.grid, self.sender, self._host = grid, sender, host

    def start(self) -> None:
        """Begin to send. Returns at once."""
        if self.sender is not None:
            self._host.in_flight.add(self.sender)
            self.sender.start()

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Wait until every cell has ended; whether they have."""
        return self.sender is None or self.sender.wait(timeout_seconds)

    def cancel(self) -> None:
        """Send nothing more. What is in flight is stored as it arrives, since it may be charged."""
        if self.sender is not None:
            self.sender.cancel()

    def finish(self) -> Grid:
        """Take what another program has made meanwhile, and note a plan of which nothing is missing.

        Raises:
            GenerationIncomplete: images are missing.
        """
        _await_elsewhere(self.grid, self._host)
        plan = self.grid.plan
        if not plan.part and not self.grid.missing:
            mark_finished(plan, self._host)
        self.grid.raise_for_missing()
        return self.grid

    def stopped(self) -> Interrupted:
        """What became of the money of a plan that was stopped by hand."""
        grid = self.grid
        counts = grid.counts()
        flying = counts.get(Status.SENT, 0)
        unsent = sum(not grid.result(index).ended for index in grid.indices) - flying
        parts = [f"{len(grid):,} of {len(grid.indices):,} images arrived", spent_text(grid)]
        parts += [f"{counts[Status.REFUSED]} were refused"] if counts.get(Status.REFUSED) else []
        parts += [f"{flying:,} in flight that may be charged"] if flying else []
        elsewhere = counts.get(ELSEWHERE, 0)
        parts += [f"{elsewhere:,} being made by another program"] if elsewhere else []
        parts += [f"{unsent:,} not sent"] if unsent else []
        stored = "What is in flight is stored as it arrives. " if flying else ""
        return Interrupted(f"stopped: {', '.join(parts)}.", f"{stored}{how_to_go_on(grid.outlook)}", generation=grid)


def look_for_run(
    plan: PlanData,
    host: Host,
    *,
    again: bool | None = False,
    resend_unknown: bool = False,
    catalogue: Catalogue | None = None,
    fetch: Callable[[str], bytes] | None = None,
) -> Outlook:
    """What running a plan now would send.

    Where the configuration says that nothing is shown from the log, what was interrupted goes on all the same.

    Args:
        plan: the plan.
        host: the session.
        again: see `run_plan`.
        resend_unknown: see `run_plan`.
        catalogue: see `look`.
        fetch: see `look`.

    Raises:
        VeniceError: see `look`.
    """
    anew = host.settings.reuse == "never" and again is False and not is_begun(plan, host)
    return look(plan, host, again=bool(again) or anew, resend_unknown=resend_unknown, catalogue=catalogue, fetch=fetch)


def prepare_run(
    plan: PlanData,
    host: Host,
    *,
    max_cost_usd: Decimal | str | float | None = None,
    yes: bool = False,
    again: bool | None = False,
    resend_unknown: bool = False,
    context: Mapping[str, Any] | None = None,
    ask: Callable[[str], bool | None] | None = None,
    shown: Outlook | None = None,
    checked: Callable[[Outlook], None] = lambda _: None,
) -> PlanRun:
    """Everything before the first request: check, price, limits, the question, and the plan in the store.

    Arguments and errors are those of `run_plan`. Nothing is sent until `PlanRun.start`.
    """
    host.log.recover()
    catalogue = host.catalogue()
    outlook = look_for_run(plan, host, again=again, resend_unknown=resend_unknown, catalogue=catalogue)
    outlook.refuse_invalid()
    results = first_results(outlook, host)
    if not outlook.to_send:
        return PlanRun(Grid(outlook, host, results), host, None)
    checked(outlook)
    settings = host.settings
    permit(outlook, host, shown=shown, max_cost_usd=max_cost_usd, yes=yes, ask=ask)
    store_plan(plan, host)

    def news(index: int, result: CellResult, run: Run | None) -> None:
        if result.sha256 and run is not None:
            with suppress(Exception):  # one that cannot be made now, for whatever reason, is made when it is shown
                grid.tiles.make(result.sha256, run.images[0].preview.data)
        results.put(index, result, sent=True)

    still_allowed = partial(
        refuse_lowered,
        outlook.estimate,
        settings,
        None if max_cost_usd is None else parse_usd(max_cost_usd, "max_cost_usd"),
        now=lambda: host.settings,
        left=lambda budgets: host.log.left(budgets, host.session_id),
    )
    sender = PlanSender(outlook, host, catalogue, host.circumstances(context or {}), news, still_allowed)
    grid = Grid(outlook, host, results, errors=lambda: sender.errors)
    return PlanRun(grid, host, sender)


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
        ask: puts a question to the user; None where no one can answer.
        watch: shows the progress; None for a view in the notebook or terminal.
        whole_cell: whether the view is all that the cell shows, so that it can be cleared away.
        shown: what the user saw last of its price.
        checked: called once the plan is priced, before the question.
    """
    try:
        run = prepare_run(
            plan,
            host,
            max_cost_usd=max_cost_usd,
            yes=yes,
            again=again,
            resend_unknown=resend_unknown,
            context=context,
            ask=ask,
            shown=shown,
            checked=checked,
        )
    except KeyboardInterrupt as exc:
        raise exc if isinstance(exc, Interrupted) else Interrupted("stopped by hand.", NOTHING_SENT) from None
    try:
        if run.sender is not None:
            _send(run, run.sender, watch, whole_cell=whole_cell)
        return run.finish()
    except KeyboardInterrupt:
        run.cancel()
        raise run.stopped() from None


def _send(run: PlanRun, sender: PlanSender, watch: Watch | None, *, whole_cell: bool) -> None:
    """Send it, and show the progress until every cell has ended."""
    view = LiveView(whole_cell=whole_cell) if watch is None else None
    if view is not None:
        _shown(view.open, run.grid.outlook)
    try:
        run.start()
        _wait(run.grid, sender, watch or (view.update if view else None))
    except BaseException:
        run.cancel()  # before anything else: the next request would leave
        raise
    finally:
        if view is not None:
            _shown(view.clear)


def _wait(grid: Grid, sender: PlanSender, watch: Watch | None) -> None:
    has_ended = False
    while not has_ended:
        has_ended = sender.wait(TICK_SECONDS)
        if watch is not None and not _shown(watch, grid, sender):
            watch = None


def _shown(show: Callable[..., None], *arguments: Any) -> bool:
    """Whether the progress could be shown: where an output fails, what is being paid for goes on without it."""
    try:
        show(*arguments)
    except Exception:  # noqa: BLE001  a display may fail in any way
        _log.debug("the progress cannot be shown", exc_info=True)
        return False
    return True


def _await_elsewhere(grid: Grid, host: Host) -> None:
    """Take what another program has made meanwhile of the same plan."""
    end = time.monotonic() + ELSEWHERE_SECONDS
    while waiting := [index for index in grid.indices if grid.result(index).status == ELSEWHERE]:
        with suppress(StoreError):  # the images that came are shown whatever becomes of these
            _take_elsewhere(grid, host, waiting)
        if time.monotonic() >= end:
            return
        time.sleep(0.2)


def _take_elsewhere(grid: Grid, host: Host, waiting: Sequence[int]) -> None:
    hashes = {index: grid.outlook.hashes[index] for index in waiting}
    standing = host.log.standing(set(hashes.values()), base_url=host.settings.base_url)
    for index, name in hashes.items():
        found = standing.get(name)
        if found is not None and found.status is Status.SUCCEEDED:
            grid.note(index, CellResult(found.status, found.run_id, found.images[0], from_log=True))
        elif found is None or found.status is Status.UNKNOWN:
            grid.note(index, CellResult(Status.UNKNOWN if found else Status.CANCELLED, found.run_id if found else ""))
