"""Saving every image of a grid under a name of its own."""

from __future__ import annotations

import unicodedata
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from venice_widgets.errors import InvalidRequest
from venice_widgets.generation.copies import check_file_name, copies_of, write_each
from venice_widgets.media.saving import EXTENSIONS, fill_pattern, true_name

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from venice_widgets.generation.copies import Copies, Written
    from venice_widgets.media.saving import Saved

    from .grid_cells import GridCell, GridCells
    from .outlook import Outlook
    from .plan_data import PlanCell, PlanData


def save_each(grid: GridCells, pattern: str | os.PathLike[str], metadata: str = "full") -> Written:
    """Save a copy of every image for which that is possible; nothing is overwritten.

    Raises:
        InvalidRequest: the pattern cannot be filled, or gives two images one name; or `metadata` is not valid.
    """
    copies = copies_of(pattern, metadata)
    if copies is None:
        raise InvalidRequest("save None is not the name of a file.", "Write it like 'fox-{seed}.{ext}'.", field="save")
    check_names(copies.pattern, grid.plan, grid.indices)
    return write_each(partial(_save, cell, copies) for cell in grid.cells)


def _save(cell: GridCell, copies: Copies) -> Saved | None:
    pattern = filled(copies.pattern, cell.coordinates, cell.index)
    return None if (image := cell.image) is None else image.save_copy(pattern, copies.metadata)


def filled(pattern: str, coordinates: Any, index: int) -> str:
    """The pattern with the labels of a cell; what belongs to its image is left for `Image.save`."""
    named = {**{name: _safe(label) for name, label in coordinates.items() if name != "seed"}, "index": str(index)}
    for name, label in named.items():
        pattern = pattern.replace(f"{{{name}}}", label.replace("{", "{{").replace("}", "}}"))
    return pattern


def check_pattern(pattern: str, names: list[str]) -> None:
    """Refuse a pattern that names something unknown, or one file for several images."""
    labels = dict.fromkeys([*names, "index"], "label")
    trial = filled(pattern, dict.fromkeys(names, "label"), 0)
    fill_pattern(trial, **{**labels, "seed": "1", "ext": "webp", "run_id": "1", "model": "model"})
    if "{" not in pattern:
        raise InvalidRequest(
            f"{pattern!r} names one file for several images.", "Put {index} or {run_id} in it.", field="save"
        )


def check_names(pattern: str, plan: PlanData, indices: Iterable[int] | None = None) -> None:
    """Refuse a pattern that gives two images of a plan one name, before anything is sent or saved.

    Args:
        pattern: of the files' names.
        plan: the plan.
        indices: the cells; None for all.

    Raises:
        InvalidRequest: it does, or it names something unknown.
    """
    check_pattern(pattern, [axis.name for axis in plan.axes])
    seen: set[str] = set()
    for index in plan.indices if indices is None else indices:
        cell = plan.cell(index)
        stated = _name(pattern, cell, str(cell.fields.get("model", "")))
        name = str(true_name(Path(stated), _mime(cell)))
        one = unicodedata.normalize("NFC", name).casefold()  # one file on some systems
        if one in seen:
            raise InvalidRequest(
                f"{pattern!r} gives several images the name {name}.",
                f"Put {{index}} or {{run_id}} in it, or each axis: {_braced(plan)}. Nothing was sent or saved.",
                field="save",
            )
        seen.add(one)


def check_files(pattern: str, outlook: Outlook) -> None:
    """Refuse names that cannot be written for what is to be sent; what the log holds may have been saved before.

    Raises:
        InvalidRequest: names the file, and why.
    """
    for index in outlook.to_send:
        cell = outlook.plan.cell(index)
        name = _name(pattern, cell, outlook.models[index])
        check_file_name(name, _mime(cell), known="{run_id" not in pattern)


def _name(pattern: str, cell: PlanCell, model: str) -> str:
    """The file of a cell; each run has an id of its own, which is not known yet."""
    trial = filled(pattern, cell.coordinates, cell.index)
    extension = EXTENSIONS.get(_mime(cell), "webp")
    return fill_pattern(trial, seed=str(cell.seed), ext=extension, run_id=f"{cell.index:08d}", model=model)


def _mime(cell: PlanCell) -> str:
    return f"image/{cell.fields.get('format', 'webp')}"


def _braced(plan: PlanData) -> str:
    return ", ".join(f"{{{axis.name}}}" for axis in plan.axes)


def _safe(label: str) -> str:
    """A label as a part of a file's name: letters with their marks, digits, and few signs."""
    return "".join(letter if _is_plain(letter) else "-" for letter in label).strip(" .")[:80] or "-"


def _is_plain(letter: str) -> bool:
    return letter.isalnum() or letter in " -_.,+" or unicodedata.category(letter).startswith("M")
