"""The log from the panel: search it, look at a run, and take up where it stood."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import ipywidgets as W  # noqa: N812

from venice_widgets.display import facts
from venice_widgets.display.html import shortened
from venice_widgets.generation.stored_images import recalled
from venice_widgets.log import RUN_ENDING, Status
from venice_widgets.money import usd_text

from .fromfile import FromFile
from .parts import button, column, named, row, set_trait, show

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from venice_widgets.log import RunRecord

    from .desk import Desk
    from .lane import Lane

MOST_RUNS = 40


class History:
    """What the log holds.

    Args:
        desk: whose log.
        lane: where the panel is drawn.
        actions: by label, what to do with the request of the chosen run.
    """

    def __init__(self, desk: Desk, lane: Lane, actions: Mapping[str, Callable[[Mapping[str, Any]], None]]) -> None:
        self._desk, self._lane = desk, lane
        self._text = W.Text(
            description="Search the log",
            placeholder='words of the prompt, "a phrase" or a beginning*',
            continuous_update=False,
        )
        self._runs = named(W.Select(options=(), rows=9, description="Runs, newest first"), "venice-runs")
        self._facts = W.HTML()
        self._picture = W.Image(format="jpeg")
        self._buttons = row(
            *(button(label, partial(self._act, act), desk) for label, act in actions.items()),
            name="venice-buttons",
        )
        self.widget = column(
            row(named(self._text, "venice-wide"), named(button("Search", self.search, desk), "venice-narrow")),
            self._runs,
            named(W.Box([column(self._facts, self._buttons), self._picture]), "venice-recalled"),
            FromFile(desk).widget,
        )
        self._found: dict[str, RunRecord] = {}
        self._text.observe(self._on_text, "value")
        self._runs.observe(self._on_run, "value")
        self._draw_run(None)

    def search(self) -> None:
        """Ask the log, in the background."""
        text = self._text.value.strip()
        self._desk.books.submit(lambda: self._search(text))

    def reveal(self, run_id: str) -> None:
        """Show one run, whatever was searched for."""
        self._desk.books.submit(lambda: self._reveal(run_id))

    def _on_text(self, _: Any) -> None:
        if not self._lane.is_mine:
            self.search()

    def _on_run(self, change: Any) -> None:
        if not self._lane.is_mine:
            self._desk.books.submit(lambda: self._look_at(change["new"]))

    def _search(self, text: str) -> None:
        runs = self._desk.session.log.search(text or None, limit=MOST_RUNS)
        self._lane.submit(lambda: self._draw_runs(runs, runs[0].run_id if runs else None))

    def _reveal(self, run_id: str) -> None:
        log = self._desk.session.log
        runs = {run.run_id: run for run in (log.get(run_id), *log.search(limit=MOST_RUNS))}
        newest_first = sorted(runs.values(), key=lambda run: run.run_id, reverse=True)
        self._lane.submit(lambda: self._draw_runs(newest_first, run_id))

    def _draw_runs(self, runs: list[RunRecord], chosen: str | None) -> None:
        self._found = {run.run_id: run for run in runs}
        options = [(run_label(run), run.run_id) for run in runs]
        with self._runs.hold_sync():
            self._runs.options = options
            self._runs.value = chosen
        found = f"the newest {len(runs)}" if len(runs) >= MOST_RUNS else f"{len(runs)} found"
        set_trait(self._runs, "description", f"Runs, newest first · {found}")
        self._desk.books.submit(lambda: self._look_at(chosen))

    def _look_at(self, run_id: str | None) -> None:
        run = self._found.get(run_id or "")
        picture = _preview(self._desk, run) if run else b""
        self._lane.submit(lambda: self._draw_run(run, picture))

    def _draw_run(self, run: RunRecord | None, picture: bytes = b"") -> None:
        if run is not None and self._runs.value != run.run_id:
            return
        show(self._buttons, when=run is not None)
        show(self._picture, when=bool(picture))
        set_trait(self._picture, "value", picture)
        nothing = '<div class="venice-muted">No run is chosen.</div>'
        set_trait(self._facts, "value", facts(*run_facts(run)).data["text/html"] if run else nothing)

    def _act(self, act: Callable[[Mapping[str, Any]], None]) -> None:
        run = self._found.get(self._runs.value or "")
        if run is not None:
            act(json.loads(run.draft.request))


def _preview(desk: Desk, run: RunRecord) -> bytes:
    images = recalled(desk.session.log, run)
    return images[0].preview.data if images else b""


def run_label(run: RunRecord) -> str:
    """``11-22 09:41 · seed 41 · A fox … · z-image-turbo · $0.01``, and how it ended where that was not well."""
    draft = run.draft
    price = draft.estimate_usd if run.charged_usd is None else run.charged_usd
    parts = (
        f"{draft.created_at:%m-%d %H:%M}",
        f"seed {draft.seed}",
        *([] if run.status is Status.SUCCEEDED else [run.status.value]),
        shortened(draft.prompt, 60),
        draft.model,
        "price unknown" if price is None else usd_text(price),
    )
    return " · ".join(parts)


def run_facts(run: RunRecord) -> tuple[str, list[tuple[str, str]]]:
    """The title and the pairs of one run's sheet."""
    request = json.loads(run.draft.request)
    sent = [(name, value if isinstance(value, str) else json.dumps(value)) for name, value in request.items()]
    error = run.outcome.error if run.outcome and run.outcome.error else ""
    pairs = [("when", f"{run.draft.created_at:%Y-%m-%d %H:%M:%S} UTC"), ("state", run.status.value), *sent]
    return f"Run {run.run_id[-RUN_ENDING:]}", [*pairs, *([("problem", error)] if error else [])]
