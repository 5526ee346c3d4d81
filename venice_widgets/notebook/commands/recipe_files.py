"""``%venice show FILE``: what made the image in a file, or all that a notebook holds."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from venice_widgets.display import Bundle, Card, Cell, code, facts, image_cards, join, notice, table
from venice_widgets.errors import UnreadableFile, clipped
from venice_widgets.files.bounded import read_bounded
from venice_widgets.files.user_path import user_path
from venice_widgets.generation.result import seed_text
from venice_widgets.log import RUN_ENDING
from venice_widgets.plan.sheet_recipe import find_sheet
from venice_widgets.replays.notebook_runs import runs_in
from venice_widgets.replays.read_recipe import FoundRecipe, read_recipe

from .sheet_files import show_sheet, whereabouts, with_preview
from .times import time_text

if TYPE_CHECKING:
    from pathlib import Path

    from venice_widgets.session import Session

_ORIGINS = {
    "file": "the file itself",
    "sidecar": "the XMP file beside it",
    "log": "the log, by the file's hash",
    "infotext": "infotext of another program: not exact",
    "notebook": "the notebook",
}


def show_file(session: Session, name: str) -> Bundle:
    """What a file tells of the request that made it.

    Raises:
        UnreadableFile: it tells nothing, or cannot be read.
    """
    file = user_path(name)
    if name.lower().endswith(".ipynb"):
        return _notebook(file)
    try:
        found = read_recipe(file, session=session)
    except UnreadableFile as exc:
        return _sheet(session, file, exc)
    request = code(json.dumps(dict(found.recipe.request), indent=2, ensure_ascii=False), language="json")
    parts = [_image(found), facts("Recipe", _facts(session, found)), request]
    if found.notices:
        parts.append(notice("\n".join(found.notices), kind="warning"))
    return join(*(part for part in parts if part is not None))


def _sheet(session: Session, file: Path, problem: UnreadableFile) -> Bundle:
    """A file that is a sheet and no image; else the problem is raised that keeps it from being read."""
    sheet = None
    with suppress(UnreadableFile):
        data = read_bounded(file)
        sheet = find_sheet(data)
    if sheet is None:
        raise problem
    return show_sheet(session, file, data, sheet)


def _image(found: FoundRecipe) -> Bundle | None:
    if found.image_bytes is None:
        return None
    card = Card(heading=seed_text(found.recipe.seed), alt=found.recipe.prompt, aside=found.run_id[-RUN_ENDING:])
    return image_cards([with_preview(card, found.image_bytes)], summary=found.where, plain=found.where, record={})


def _facts(session: Session, found: FoundRecipe) -> list[tuple[str, str]]:
    recipe = found.recipe
    pairs = [
        ("from", _ORIGINS[found.origin]),
        ("exact", "yes" if found.exact else "no: it cannot be sent again as it was"),
        ("run", f"{recipe.run_id} ({whereabouts(session, recipe.run_id)})" if recipe.run_id else "unknown"),
        ("prompt", recipe.prompt),
        ("negative prompt", recipe.negative_prompt),
        ("model", recipe.model_used),
        ("sent", time_text(recipe.sent_at) if recipe.sent_at else ""),
        ("service", " ".join(part for part in (recipe.service, recipe.service_version) if part)),
        ("base URL", recipe.base_url),
        *recipe.settings.items(),
    ]
    return [(name, text) for name, text in pairs if text]


def _notebook(path: Path) -> Bundle:
    runs = runs_in(path)
    if not runs and not runs.problems:
        return notice(f"{path.name} holds no output with images of ours. Were its outputs cleared, or never saved?")
    rows: list[list[Cell | str]] = [
        [
            Cell(run.run_id[-RUN_ENDING:], code=True),
            run.where.rpartition(" cell ")[2],
            clipped(run.recipe.prompt, 80),
            Cell(run.recipe.model_used, code=True),
            Cell("unknown" if run.recipe.seed is None else str(run.recipe.seed), align="right"),
            "yes" if run.exact else "no",
        ]
        for run in runs
    ]
    shown = table(
        ["run", "cell", "prompt", "model", "seed", "exact"],
        rows,
        caption=f"{len(runs)} images in {path.name}",
        footer=f"%venice replay RUN --from {path.name} makes one again.",
    )
    return join(shown, notice("\n".join(runs.problems), kind="warning")) if runs.problems else shown
