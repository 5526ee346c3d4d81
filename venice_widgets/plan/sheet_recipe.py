"""The recipe of a sheet: its plan, and the run of every image on it, as the sheet's file carries them.

It stands where the recipe of a single image does (see `media.metadata.embed`), with a ``kind`` of its own::

    {"schema": 1, "kind": "venice-sheet", "base_url": …, "plan": {…}, "images": [{"index": 0, "cell": {"animal": "fox"},
     "seed": 41, "run_id": …, "sha256": …, "request_hash": …}]}

``plan`` is what `Plan.to_json` writes. It is left out where a file cannot hold it.
"""

from __future__ import annotations

import json
import re
import warnings
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from venice_widgets.config import DEMO_BASE_URL
from venice_widgets.errors import UnreadableFile
from venice_widgets.media.metadata.container import MAX_TEXT_BYTES
from venice_widgets.media.metadata.embed import own_json, write_json
from venice_widgets.media.metadata.recipe import SCHEMA, SHEET_KIND
from venice_widgets.media.saving import SaveNotice

from .read import read_plan

if TYPE_CHECKING:
    from .grid_cells import GridCells


_PRIVATE_ADDRESS = re.compile(r"https?://[^\s\"]*[@?#]")
_PRIVATE = (
    "The sheet carries the runs of its images without their plan, since the address of a style reference may hold a "
    "password or a key."
)
_TOO_LARGE = (
    "The sheet carries the runs of its images without their plan, which is too large for a file of this kind. "
    "Plan.to_json() writes it to a file of its own."
)


class SheetImage(BaseModel):
    """One image of a sheet."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    index: int = Field(ge=0)
    """The place of its cell in the whole plan, from 0."""
    cell: dict[str, str] = {}
    """Axis -> label."""
    seed: int
    run_id: str
    sha256: str
    """Of the bytes as received, in hexadecimal."""
    request_hash: str = ""


class SheetRecipe(BaseModel):
    """What the file of a sheet says of its images."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    schema_: int = Field(alias="schema", le=SCHEMA)
    kind: Literal["venice-sheet"]
    base_url: str = ""
    """Where the requests were sent."""
    plan: dict[str, Any] = {}
    """As `Plan.to_json` writes it; empty where the file could not hold it."""
    images: tuple[SheetImage, ...]

    @property
    def is_simulated(self) -> bool:
        """Whether the simulator drew its images."""
        return self.base_url == DEMO_BASE_URL

    def notes(self, base_url: str) -> tuple[str, ...]:
        """What a user must know before the plan is run where requests are sent to this address."""
        demo = base_url == DEMO_BASE_URL
        if demo == self.is_simulated:
            return ()
        if demo:
            return ("The images of this sheet are real. The demo is on: what is made now is simulated.",)
        return ("The images of this sheet were simulated. The demo is off: what is made now is real, and is paid for.",)


def recipe_of(grid: GridCells) -> dict[str, Any]:
    """What the file of a sheet is to carry."""
    images = [
        {"index": index, "cell": dict(cell.coordinates), "seed": cell.seed, "run_id": cell.result.run_id,
         "sha256": cell.result.sha256, "request_hash": grid.outlook.hashes.get(index, "")}
        for index in grid.indices
        if (cell := grid.cell(index)).result.sha256
    ]  # fmt: skip
    plan = json.loads(grid.plan.to_json())
    return {"schema": SCHEMA, "kind": SHEET_KIND, "base_url": grid.base_url, "plan": plan, "images": images}


def with_recipe(sheet: bytes, grid: GridCells) -> bytes:
    """The encoded sheet with its recipe inside.

    A plan that no file can hold is left out, with a `SaveNotice`: the runs of the images stay.
    """
    recipe = recipe_of(grid)
    text = json.dumps(recipe, separators=(",", ":"))
    if "style_references" in text and _PRIVATE_ADDRESS.search(text):
        text = json.dumps(recipe | {"plan": {}}, separators=(",", ":"))
        warnings.warn(SaveNotice(_PRIVATE), stacklevel=4)
    elif len(text) > MAX_TEXT_BYTES:
        text = json.dumps(recipe | {"plan": {}}, separators=(",", ":"))
        warnings.warn(SaveNotice(_TOO_LARGE), stacklevel=4)
    return write_json(sheet, text, simulated=grid.base_url == DEMO_BASE_URL)


def find_sheet(data: bytes) -> SheetRecipe | None:
    """The recipe in the file of a sheet; None where it is something else.

    Raises:
        UnreadableFile: it is a sheet whose recipe cannot be used, or a damaged image.
    """
    text = own_json(data)
    if not text or SHEET_KIND not in text:
        return None
    try:
        found = json.loads(text)
        if not isinstance(found, dict) or found.get("kind") != SHEET_KIND:
            return None
        return SheetRecipe.model_validate(found)
    except ValidationError as exc:
        problem = exc.errors(include_url=False, include_context=False)[0]
        raise _unusable(f"its {'.'.join(map(str, problem['loc']))}: {problem['msg']}") from exc
    except (ValueError, RecursionError) as exc:
        raise _unusable(f"it is not JSON ({exc})") from exc


def plan_parts(sheet: SheetRecipe | None, name: str, base_url: str) -> dict[str, Any]:
    """What a `Plan` is made of, from the recipe of a sheet.

    Args:
        sheet: what `find_sheet` returned.
        name: of its file, for errors.
        base_url: where the plan would be sent.

    Raises:
        UnreadableFile: it is no sheet, or one without its plan.
        InvalidRequest: its plan was changed, or a newer version wrote it.
    """
    if sheet is None:
        raise UnreadableFile(f"{name} is not a sheet with a plan inside.", "grid.sheet(...) writes one.")
    if not sheet.plan:
        raise UnreadableFile(f"{name} is a sheet without its plan.", "plan.to_json() wrote it, if it was kept.")
    return {**read_plan(json.dumps(sheet.plan)), "notes": sheet.notes(base_url)}


def _unusable(what: str) -> UnreadableFile:
    return UnreadableFile(f"The recipe in this sheet cannot be used: {what}.", "Use the original file.")
