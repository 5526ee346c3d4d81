"""A grid as a pandas data frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from venice_widgets.errors import StoreError

from .plan_data import ROW

if TYPE_CHECKING:
    from .grid_cells import GridCells


def frame_of(grid: GridCells) -> Any:
    """One cell a row. Columns named like an axis hold its values as they were given."""
    try:
        import pandas as pd
    except ImportError as exc:
        raise StoreError("a data frame needs pandas, which is not installed.", "Run %pip install pandas.") from exc
    plan, rows = grid.plan, []
    for index in grid.indices:
        cell = grid.cell(index)
        values = {
            axis.name: label if axis.kind == ROW else axis.axis.values[place]
            for axis, place, label in zip(plan.axes, plan.places(index), cell.coordinates.values(), strict=True)
        }
        result = cell.result
        rows.append({
            "index": index,
            **values,
            "seed": cell.seed,
            "model": cell.model,
            "status": str(result.status),
            "price_usd": result.price_usd,
            "from_log": result.from_log,
            "run_id": result.run_id or None,
            "sha256": result.sha256 or None,
            "path": str(cell.host.log.objects.path(result.sha256)) if result.sha256 else None,
            "reason": result.reason or None,
        })  # fmt: skip
    return pd.DataFrame(rows).set_index("index")
