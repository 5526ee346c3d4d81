"""A grid as a pandas data frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from venice_widgets.errors import StoreError

from .plan_data import FIELD, ROW

if TYPE_CHECKING:
    from .grid_cells import GridCell, GridCells

_FACTS = ("seed", "model", "status", "price_usd", "from_log", "run_id", "sha256", "path", "reason")


def frame_of(grid: GridCells) -> Any:
    """One cell a row, by its place in the plan.

    Columns named like an axis hold its values as they were given. Where a variable of the prompt has the name of
    another column, that column is called ``run_…``.

    Raises:
        StoreError: pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as exc:
        raise StoreError("a data frame needs pandas, which is not installed.", "Run %pip install pandas.") from exc
    axes = grid.plan.axes
    variables = {axis.name for axis in axes if axis.kind != FIELD}
    names = {name: f"run_{name}" if name in variables else name for name in _FACTS}
    rows = [
        _values(grid, index) | {names[name]: fact for name, fact in _facts(grid.cell(index)).items()}
        for index in grid.indices
    ]
    columns = dict.fromkeys([*(axis.name for axis in axes), *names.values()])
    return pd.DataFrame(rows, index=pd.Index(list(grid.indices), name="index"), columns=list(columns))


def _values(grid: GridCells, index: int) -> dict[str, Any]:
    """What a cell has of each axis; of a row of a table, its label."""
    plan = grid.plan
    chosen = zip(plan.axes, plan.places(index), strict=True)
    return {
        axis.name: axis.axis.labels[place] if axis.kind == ROW else axis.axis.values[place] for axis, place in chosen
    }


def _facts(cell: GridCell) -> dict[str, Any]:
    """What became of a cell."""
    result = cell.result
    return {
        "seed": cell.seed,
        "model": cell.model,
        "status": str(result.status),
        "price_usd": result.price_usd,
        "from_log": result.from_log,
        "run_id": result.run_id or None,
        "sha256": result.sha256 or None,
        "path": str(cell.host.log.objects.path(result.sha256)) if result.sha256 else None,
        "reason": result.reason or None,
    }
