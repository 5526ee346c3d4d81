"""Saving every image of a grid under a name of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from venice_widgets.errors import InvalidRequest
from venice_widgets.media.saving import fill_pattern

if TYPE_CHECKING:
    from pathlib import Path

    from .grid_cells import GridCells
    from .plan_data import PlanData


def save_all(grid: GridCells, pattern: str, metadata: Any = "full") -> list[Path]:
    """Save a copy of every image; nothing is overwritten.

    Raises:
        InvalidRequest: two images would have one name, or a file exists.
    """
    check_pattern(pattern, [axis.name for axis in grid.plan.axes])
    saved: list[Path] = []
    for cell in grid.cells:
        image = cell.image
        if image is not None:
            saved.append(image.save_copy(filled(pattern, cell.coordinates, cell.index), metadata).path)
    return saved


def filled(pattern: str, coordinates: Any, index: int) -> str:
    """The pattern with the labels of a cell; what belongs to its image is left for `Image.save`."""
    named = {**{name: _safe(label) for name, label in coordinates.items() if name != "seed"}, "index": str(index)}
    for name, label in named.items():
        pattern = pattern.replace(f"{{{name}}}", label.replace("{", "{{").replace("}", "}}"))
    return pattern


def check_pattern(pattern: str, names: list[str]) -> None:
    """Refuse a pattern that names something unknown, or one file for several images."""
    trial = filled(pattern, dict.fromkeys(names, "label"), 0)
    fill_pattern(trial, seed="1", ext="webp", run_id="1", model="model")
    if "{" not in pattern:
        raise InvalidRequest(
            f"{pattern!r} names one file for several images.", "Put {index} or {run_id} in it.", field="save"
        )


def check_names(pattern: str, plan: PlanData) -> None:
    """Refuse a pattern that gives two images of a plan one name, before anything is sent.

    Raises:
        InvalidRequest: it does, or it names something unknown.
    """
    check_pattern(pattern, [axis.name for axis in plan.axes])
    seen: set[str] = set()
    for index in plan.indices:
        cell = plan.cell(index)
        model, run_id = str(cell.fields.get("model", "")), str(index)  # each run has an id of its own
        trial = filled(pattern, cell.coordinates, index)
        name = fill_pattern(trial, seed=str(cell.seed), ext="webp", run_id=run_id, model=model)
        if name.casefold() in seen:
            raise InvalidRequest(
                f"{pattern!r} gives several images the name {name}.",
                f"Put {{index}} or {{run_id}} in it, or each axis: {_braced(plan)}. Nothing was sent.",
                field="save",
            )
        seen.add(name.casefold())


def _braced(plan: PlanData) -> str:
    return ", ".join(f"{{{axis.name}}}" for axis in plan.axes)


def _safe(label: str) -> str:
    """A label as a part of a file's name."""
    return "".join(letter if letter.isalnum() or letter in " -_.,+" else "-" for letter in label).strip()[:80] or "-"
