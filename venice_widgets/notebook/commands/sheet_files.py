"""``%venice show SHEET``: the plan and the runs that the file of a sheet carries."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from venice_widgets.display import Bundle, Card, Cell, code, image_cards, join, notice, table
from venice_widgets.errors import StoreError, VeniceError
from venice_widgets.files.store_folder import has_log
from venice_widgets.log import RUN_ENDING
from venice_widgets.media.format import identify
from venice_widgets.media.limits import SHOWN_PIXELS, check_pixels
from venice_widgets.media.preview import preview
from venice_widgets.plan import Plan
from venice_widgets.plan.overview import plan_facts
from venice_widgets.plan.sheet_recipe import plan_parts

if TYPE_CHECKING:
    from pathlib import Path

    from venice_widgets.plan.sheet_recipe import SheetRecipe
    from venice_widgets.session import Session

_SHOWN_IMAGES = 40
_HOW = """\
plan = venice_widgets.Plan.from_sheet({name})
plan.grid()  # the images that the log holds, at no cost
plan.run()  # makes the others"""


def show_sheet(session: Session, file: Path, data: bytes, sheet: SheetRecipe) -> Bundle:
    """A sheet, what its plan varies, and the run of each of its images."""
    card = with_preview(Card(heading="sheet", alt=str(file), aside=""), data)
    parts = [image_cards([card], summary=str(file), plain=str(file), record={})]
    try:
        plan = Plan(**plan_parts(sheet, str(file), session.settings.base_url), host=session)
    except VeniceError as exc:
        return join(*parts, notice(str(exc), kind="warning"), _images(session, sheet))
    name = repr(str(file))
    parts += [plan_facts(plan), _images(session, sheet), code(_HOW.format(name=name), language="text")]
    return join(*parts, *(notice(note, kind="warning") for note in plan.notes))


def _images(session: Session, sheet: SheetRecipe) -> Bundle:
    axes = list(dict.fromkeys(name for image in sheet.images for name in image.cell))
    shown = sheet.images[:_SHOWN_IMAGES]
    rows: list[list[Cell | str]] = [
        [
            Cell(image.run_id[-RUN_ENDING:], code=True),
            *(image.cell.get(name, "") for name in axes),
            *([] if "seed" in axes else [Cell(str(image.seed), align="right")]),
            whereabouts(session, image.run_id),
        ]
        for image in shown
    ]
    more = len(sheet.images) - len(shown)
    return table(
        ["run", *axes, *([] if "seed" in axes else ["seed"]), "where"],
        rows,
        caption=f"{len(sheet.images)} images on the sheet",
        footer=f"{more} more are not listed." if more else "",
    )


def with_preview(card: Card, data: bytes) -> Card:
    """A card with the preview of an image from outside, or with the reason why there is none."""
    try:
        claimed = identify(data)
        check_pixels(claimed.width, claimed.height, SHOWN_PIXELS, "The file")
        small = preview(data)
    except VeniceError as exc:
        return replace(card, missing=f"not shown: {exc.message}")
    return replace(card, data=small.data, mime=small.mime, width=small.width, height=small.height)


def whereabouts(session: Session, run_id: str) -> str:
    """Whether a run from a file is in the log here, and how it is shown."""
    try:
        if not has_log(session.settings.store):
            return "there is no log here"
        record = session.log.get(run_id)
    except StoreError:
        return "not in the log here"
    return f"in the log: %venice show {record.run_id[-RUN_ENDING:]}"
