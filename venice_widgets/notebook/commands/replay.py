"""``%venice replay`` and ``drift``: run again, compare, verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from venice_widgets.display import join
from venice_widgets.errors import StoreError
from venice_widgets.generation.progress import ProgressLine
from venice_widgets.log import RUN_ENDING
from venice_widgets.notebook.dry_run import limit_notices
from venice_widgets.notebook.line_parser import usd, whole_number
from venice_widgets.replays.read_recipe import is_file_name
from venice_widgets.request.spending import ask_user

from .command import Command

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from venice_widgets.display import Bundle
    from venice_widgets.replays import Drift, Replay
    from venice_widgets.replays.read_recipe import FoundRecipe
    from venice_widgets.session import Session


def _replay(session: Session, given: Mapping[str, Any]) -> Bundle | Replay:
    from IPython.display import display

    from venice_widgets.replays import look, outlook_bundle, replay

    outlook = look(session, _source(session, given))
    before = outlook_bundle(outlook, anyway=bool(given.get("anyway")))
    if given.get("dry_run"):
        return join(before, *limit_notices(session, outlook.prepared, given)) if outlook.prepared else before
    display(before)
    line = ProgressLine(outlook.price_text)

    try:
        found = replay(
            session,
            outlook,
            max_cost_usd=given.get("max_cost"),
            yes=bool(given.get("yes")),
            anyway=bool(given.get("anyway")),
            ask=line.asking(ask_user),
            on_tick=line.tick,
        )
        return replace(found, outlook_is_shown=True)
    finally:
        line.clear()


def _source(session: Session, given: Mapping[str, Any]) -> str | FoundRecipe:
    """A run of the log, an image file, or a run of a notebook."""
    name = str(given["run"])
    if given.get("notebook"):
        return _in_notebook(name, given["notebook"])
    if not is_file_name(name):
        return name
    if name.lower().endswith(".ipynb"):
        raise UsageError(f"%venice replay: a notebook holds many runs. Say which: %venice replay RUN --from {name}.")
    from venice_widgets.replays.read_recipe import read_recipe

    return read_recipe(name, session=session)


def _in_notebook(name: str, path: str) -> FoundRecipe:
    from venice_widgets.replays.notebook_runs import runs_in

    runs = runs_in(path)
    if name == "last" and len(runs):
        return runs[-1]
    found = [run for run in runs if run.run_id and run.run_id.endswith(name.upper())]
    if len(found) != 1:
        endings = ", ".join(run.run_id[-RUN_ENDING:] for run in runs) or "none"
        raise StoreError(f"{path} holds {len(found) or 'no'} runs that end in {name!r}.", f"It holds: {endings}.")
    return found[0]


def _drift(session: Session, given: Mapping[str, Any]) -> Drift:
    from venice_widgets.replays import drift

    for name in ("model", "budget"):
        if name not in given:
            raise UsageError(f"%venice drift: --{name} is missing. For example: --model z-image-turbo --budget 0.10")
    found = drift(session, given["model"], given["budget"], runs=given.get("runs", 3))
    if found.problem is not None:
        from IPython.display import display

        display(found)
        raise found.problem
    return found


def _declare_replay(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", help="A run's id, any unique ending of it, last, or an image file.")
    parser.add_argument("--from", dest="notebook", metavar="NOTEBOOK", help="Take the run from a notebook's outputs.")
    parser.add_argument("--dry-run", action="store_true", default=None, help="Show price and changes; send nothing.")
    parser.add_argument("--max-cost", type=usd, metavar="USD", help="Refuse to send if it could cost more.")
    parser.add_argument("-y", "--yes", action="store_true", default=None, help="Do not ask before spending.")
    parser.add_argument(
        "--anyway",
        action="store_true",
        default=None,
        help="Send it even if it cannot come out the same (web search, a seed that is ignored).",
    )


def _declare_drift(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-m", "--model", help="The model whose runs are repeated.")
    parser.add_argument("--budget", type=usd, metavar="USD", help="All replays together may cost this much.")
    parser.add_argument("--runs", type=whole_number, metavar="N", help="Repeat at most so many, 1 … 20 (3).")


REPLAY = Command(
    "replay",
    "Send a stored request again, and judge what comes.",
    _replay,
    _declare_replay,
    words=("last",),
    takes_run=True,
)
DRIFT = Command("drift", "Repeat a few runs of a model within a budget, and report by date.", _drift, _declare_drift)
