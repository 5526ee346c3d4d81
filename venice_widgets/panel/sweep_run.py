"""A sweep while it is sent and afterwards: what became of each cell, sent to the views once, and how it ended."""

from __future__ import annotations

import time
from itertools import count
from typing import TYPE_CHECKING, Any

from venice_widgets.errors import GenerationIncomplete
from venice_widgets.money import usd_text
from venice_widgets.plan.overview import outcome_of
from venice_widgets.plan.results import NOT_SENT
from venice_widgets.plan.table import caption_of

from .notices import Notice, error_notice
from .protocol import image_key

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from venice_widgets.media.preview import Preview
    from venice_widgets.plan import Grid
    from venice_widgets.plan.results import CellResult
    from venice_widgets.plan.runner import PlanRun

TILE = "tile:"
"""What the key of an image begins with where the small image of a grid is meant."""
_numbers = count(1)


class SweepRun:
    """One sweep in progress. What it was told and tells is guarded by the panel's lock.

    Args:
        run: prepared, and not started yet.
    """

    def __init__(self, run: PlanRun) -> None:
        self.name = f"sweep-{next(_numbers)}"
        self._run = run
        self._told: dict[int, tuple[CellResult, bool]] = {}
        self.over = False
        """Whether nothing more is sent or waited for."""
        self.outcome = outcome_of(run.grid)
        """The progress, in words."""

    @property
    def grid(self) -> Grid:
        """Its images, and why the others are missing."""
        return self._run.grid

    def start(self) -> None:
        """Begin to send; returns at once."""
        self._run.start()

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Wait until every cell has ended; whether they have."""
        return self._run.wait(timeout_seconds)

    def cancel(self) -> None:
        """Send nothing more. What is in flight is stored as it arrives."""
        self._run.cancel()

    @property
    def ended(self) -> int:
        """How many of the cells that were to be sent have ended."""
        return self.grid.ended

    @property
    def activity(self) -> str:
        """What was spent so far, and whether the rate limit is waited for. Changes with the images, not with time."""
        sender, estimate = self._run.sender, self.grid.outlook.estimate
        if sender is None:
            return ""
        of_price = "" if estimate.price_usd is None else f" of {usd_text(estimate.price_usd)}"
        label = " simulated" if estimate.simulated else ""
        waits = sender.waiting_until is not None and sender.waiting_until > time.monotonic()
        return f"{usd_text(self.grid.spent_usd)}{of_price}{label}{' · waiting for the rate limit' if waits else ''}"

    def stopped(self) -> Notice:
        """What became of the money when it was stopped by hand."""
        self.over = True
        return Notice(str(self._run.stopped()), "warning")

    def ending(self) -> list[Notice]:
        """What there is to say at its end: what is missing and why."""
        self.over = True
        try:
            self._run.finish()
        except GenerationIncomplete as exc:
            return [error_notice(exc)]
        return []

    # What is sent to the views.

    def news(self) -> list[dict[str, Any]]:
        """The cells that have changed since they were last sent."""
        grid = self.grid
        states = {index: (result, self._waits(result)) for index in grid.indices for result in (grid.result(index),)}
        changed = [index for index, state in states.items() if self._told.get(index) != state]
        self._told |= {index: states[index] for index in changed}
        if changed:
            self.outcome = outcome_of(grid)
        return [self._cell(index) for index in changed]

    def whole(self) -> list[dict[str, Any]]:
        """Every cell, for a view that was just opened."""
        return [self._cell(index) for index in self.grid.indices]

    def _waits(self, result: CellResult) -> bool:
        return not (result.ended or self.over)

    def _cell(self, index: int) -> dict[str, Any]:
        grid = self.grid
        result = grid.result(index)
        waits = self._waits(result)
        text = "waiting" if waits and result.status == NOT_SENT else result.text
        key = image_key(result.run_id, result.sha256)
        made = {"key": key, "remarks": list(result.remarks)} if result.sha256 else {"text": text}
        return {
            "index": index,
            "at": list(grid.places(index)),
            "caption": caption_of(grid, index),
            "waiting": waits,
            **made,
        }

    def tiles(self, keys: Collection[str]) -> Iterator[tuple[str, Preview]]:
        """The small images of these cells' images, each with its key; reads files."""
        results = [self.grid.result(index) for index in self.grid.indices]
        hashes = {image_key(result.run_id, result.sha256): result.sha256 for result in results if result.sha256}
        for key in keys:
            tile = self.grid.tiles.read(hashes[key])
            if tile is not None:
                yield f"{TILE}{key}", tile

    def describe(self) -> dict[str, Any]:
        """Its headings, as the browser draws them: what never changes while it runs."""
        layout = self.grid.layout
        return {
            "name": self.name,
            "axes": [{"name": name, "labels": list(labels)} for name, labels in self.grid.dimensions],
            "rows": list(layout.rows),
            "columns": list(layout.columns),
            "pages": list(layout.pages),
        }
