"""A grid in HTML: rows and columns with their headings, and a table that opens for each further value.

It works without scripts, since a saved notebook runs none: further values are ``<details>``. Columns share the width of
the window and shrink with it; below a least width the table scrolls.
"""

from __future__ import annotations

import json
from itertools import product
from typing import TYPE_CHECKING, Any

from venice_widgets.display import Bundle
from venice_widgets.display.html import (
    EMPTY,
    FLUID,
    LINE,
    MUTED,
    SOFT,
    attribute,
    box,
    escaped,
    image_tag,
    labeled,
    one_line,
    root,
    sentence,
    shortened,
    unmarked,
)  # fmt: skip
from venice_widgets.display.terminal import fitted
from venice_widgets.generation.image import remarks_of, run_entry
from venice_widgets.log import RUN_ENDING
from venice_widgets.money import usd_text

from .overview import summary_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from venice_widgets.media.preview import Preview

    from .grid_cells import GridCells, Layout
    from .results import CellResult

MOST_CELLS = 800
"""More images than this make a notebook that no browser likes."""
SHOWN_LINES = 20
WRAP_COLUMNS = 6
"""A single row of more images than this wraps."""
_LABEL_PIXELS, _LEAST_PIXELS = 104, 84
_HEAD = f"padding:4px 8px;border:{LINE};background-color:{SOFT};text-align:left;vertical-align:top;font-weight:600"
_BODY = f"padding:4px;border:{LINE};text-align:left;vertical-align:top;font-size:11px"
_LABEL = "overflow-wrap:anywhere"


def show_grid(grid: GridCells) -> Bundle:
    """The grid as a notebook shows it: the summary, the tables, the notes."""
    shown = list(grid.indices[:MOST_CELLS])
    head = labeled(sentence(summary_of(grid)), simulated=grid.outlook.estimate.simulated)
    parts = [f'<p style="margin:0 0 8px;{MUTED}">{head}</p>']
    parts += _pages(grid, shown)
    notes = [*grid.outlook.notes, *grid.problems[:3], *_more(grid, len(shown))]
    parts += [box(note, "note", None) for note in dict.fromkeys(notes)]
    lines = [f"Grid {grid.plan.plan_id[:8]}: {unmarked(summary_of(grid))}", *_plain(grid, shown), *notes]
    data = {"text/html": root(*parts), "text/plain": fitted(map(one_line, lines))}
    return Bundle(data, {"venice": record_of(grid, _in_order(grid, shown))})


def _more(grid: GridCells, shown: int) -> list[str]:
    more = len(grid.indices) - shown
    text = f"{more:,} more cells are not shown: grid.at(…) shows some of them, grid.sheet(…) writes all to a file."
    return [text] if more > 0 else []


def _plain(grid: GridCells, shown: Sequence[int]) -> list[str]:
    lines = []
    for index in shown[:SHOWN_LINES]:
        cell = grid.cell(index)
        where = ", ".join(f"{name} {label}" for name, label in cell.coordinates.items() if name != "seed")
        where = where or ("" if "seed" in cell.coordinates else "the one cell")
        reason = "" if cell.result.sha256 else cell.result.text
        lines.append(" · ".join(filter(None, (where, caption_of(grid, index), reason))))
    return [*lines, f"… {len(grid.indices) - SHOWN_LINES:,} more"] if len(grid.indices) > SHOWN_LINES else lines


def caption_of(grid: GridCells, index: int) -> str:
    """``seed 41 · $0.01``."""
    cell = grid.cell(index)
    result = cell.result
    if result.from_log and result.sha256:
        price = "from the log"
    elif result.price_usd is None:
        price = "price unknown" if result.sha256 else ""
    else:
        price = usd_text(result.price_usd)
    return " · ".join(filter(None, (f"seed {cell.seed}", price)))


# Pages.


def _pages(grid: GridCells, shown: Sequence[int]) -> list[str]:
    layout = grid.layout
    by_page: dict[tuple[int, ...], dict[tuple[tuple[int, ...], tuple[int, ...]], int]] = {}
    for index in shown:
        places = grid.places(index)
        key = tuple(places[number] for number in layout.rows), tuple(places[number] for number in layout.columns)
        by_page.setdefault(tuple(places[number] for number in layout.pages), {})[key] = index
    tables = {page: _table(grid, layout, cells) for page, cells in sorted(by_page.items())}
    if not layout.pages:
        return list(tables.values())
    return [
        f'<details{" open" if number == 0 else ""} style="margin:6px 0"><summary style="cursor:pointer">'
        f'<b dir="auto">{escaped(shortened(page_text(grid, layout, page), 300))}</b>'
        f'<span style="{MUTED}"> {number + 1} of {len(tables)}</span></summary>{markup}</details>'
        for number, (page, markup) in enumerate(tables.items())
    ]


def page_text(grid: GridCells, layout: Layout, page: Sequence[int]) -> str:
    """What the cells of one page have in common: ``animal fox · time dawn``."""
    dimensions = grid.dimensions
    named = (
        f"{dimensions[number][0]} {dimensions[number][1][place]}"
        for number, place in zip(layout.pages, page, strict=True)
    )
    return " · ".join(named)


def headings(
    grid: GridCells, numbers: Sequence[int], used: set[tuple[int, ...]], label: Callable[[str, str], str] | None = None
) -> list[tuple[tuple[int, ...], str]]:
    """The rows or columns of a table in order, each with its heading.

    Args:
        grid: whose.
        numbers: the dimensions that they run through.
        used: those that have cells.
        label: makes the text of a value, from its axis and its label; None for the label alone.
    """
    dimensions = [(name, [label(name, each) if label else each for each in labels]) for name, labels in grid.dimensions]
    every = product(*(range(len(dimensions[number][1])) for number in numbers))
    return [
        (key, " · ".join(dimensions[number][1][place] for number, place in zip(numbers, key, strict=True)))
        for key in every
        if key in used
    ]


def _table(grid: GridCells, layout: Layout, cells: Mapping[Any, int]) -> str:
    rows = headings(grid, layout.rows, {row for row, _ in cells})
    columns = headings(grid, layout.columns, {column for _, column in cells})
    if not layout.rows and len(columns) > WRAP_COLUMNS:
        return _wrapped(grid, [(text, cells[(), key]) for key, text in columns])
    side = _side(grid, len(columns))
    name = _corner(grid, layout)
    head = f'<th scope="col" style="{_HEAD};width:{_LABEL_PIXELS}px">{name}</th>' if layout.rows else ""
    head += "".join(f'<th scope="col" style="{_HEAD}">{_heading(text)}</th>' for _, text in columns)
    body = "".join(
        '<tr style="background-color:transparent">'
        + (f'<th scope="row" style="{_HEAD}">{_heading(text)}</th>' if layout.rows else "")
        + "".join(_td(grid, cells.get((row, column)), side) for column, _ in columns)
        + "</tr>"
        for row, text in rows
    )
    above = f'<p style="margin:2px 0 4px;{MUTED}">{_axis_names(grid, layout.columns)}</p>' if layout.columns else ""
    label = _LABEL_PIXELS if layout.rows else 0
    widest, least = (label + len(columns) * pixels for pixels in (side + 10, _LEAST_PIXELS))
    style = "table-layout:fixed;border-collapse:collapse;width:100%;margin:0"
    style += f";max-width:{widest}px;min-width:{least}px"
    row = f"<thead><tr>{head}</tr></thead>" if layout.columns or layout.rows else ""
    return f'{above}<div style="overflow-x:auto"><table style="{style}">{row}<tbody>{body}</tbody></table></div>'


def _heading(text: str) -> str:
    whole, short = attribute(shortened(text, 300)), escaped(shortened(text, 90))
    return f'<span dir="auto" style="{_LABEL}" title="{whole}">{short}</span>'


def _axis_names(grid: GridCells, numbers: Sequence[int]) -> str:
    return escaped(" · ".join(grid.dimensions[number][0] for number in numbers)) + " →"


def _corner(grid: GridCells, layout: Layout) -> str:
    return escaped(" · ".join(grid.dimensions[number][0] for number in layout.rows)) + " ↓" if layout.rows else ""


def _side(grid: GridCells, columns: int) -> int:
    """How wide an image may get: four columns fill a notebook of 900 pixels, and a tile is never enlarged much."""
    return max(_LEAST_PIXELS, min(grid_pixels(grid), 860 // max(columns, 2)))


def grid_pixels(grid: GridCells) -> int:
    """The longest side of the tiles."""
    from .tiles import tile_pixels

    return tile_pixels(len(grid.indices))


def _wrapped(grid: GridCells, cells: Sequence[tuple[str, int]]) -> str:
    """One axis with many values: cells that wrap, each under its own heading."""
    side = 168 if len(cells) > 12 else 200
    head = f"{_HEAD};font-size:12px"
    figures = "".join(
        f'<figure style="margin:0;width:min({side}px,46%);font-size:11px"><div style="{head}">{_heading(text)}</div>'
        f"{_content(grid, index, side)}</figure>"
        for text, index in cells
    )
    name = escaped(grid.dimensions[grid.layout.columns[0]][0]) if grid.layout.columns else ""
    above = f'<p style="margin:2px 0 4px;{MUTED}">{name}</p>' if name else ""
    return f'{above}<div style="display:flex;flex-wrap:wrap;gap:10px;align-items:flex-start">{figures}</div>'


def _td(grid: GridCells, index: int | None, side: int) -> str:
    return f'<td style="{_BODY}">{"" if index is None else _content(grid, index, side)}</td>'


def _content(grid: GridCells, index: int, side: int) -> str:
    """The image or why there is none, and the seed, price and run under it. Short: a grid has hundreds of these."""
    result = grid.result(index)
    tile = grid.tiles.read(result.sha256) if result.sha256 else None
    run = f' <code style="font-size:10px">{escaped(result.run_id[-RUN_ENDING:])}</code>' if result.run_id else ""
    caption = f"{escaped(caption_of(grid, index))}{run}"
    if tile is None:
        return f"{_missing(result.text if not result.sha256 else 'its file is missing from the store')}{caption}"
    remarks = "".join(map(_remark, _remarks(grid, result)))
    return f"{_image(grid, index, tile, side)}<div>{caption} {remarks}</div>"


def _remarks(grid: GridCells, result: CellResult) -> tuple[str, ...]:
    """What came with the image; of one from the log, what its record says."""
    record = grid.record_in_log(result.run_id) if result.from_log else None
    return remarks_of(record.draft, record.draft.seed, record.outcome) if record and record.outcome else result.remarks


def _image(grid: GridCells, index: int, tile: Preview, side: int) -> str:
    cell = grid.cell(index)
    alt = ", ".join(f"{name} {value}" for name, value in {**cell.coordinates, "seed": cell.seed}.items())
    return image_tag(
        tile.data, tile.mime, alt, (side, max(1, round(side * tile.height / tile.width))), f"{FLUID};margin:0"
    )


def _missing(text: str) -> str:
    style = f"min-height:64px;padding:6px;font-size:12px;border-radius:3px;overflow-wrap:anywhere;{EMPTY}"
    return f'<div dir="auto" style="{style}">{escaped(shortened(text, 200))}</div>'


def _remark(text: str) -> str:
    style = "display:inline-block;margin-top:2px;padding:0 5px;border-radius:3px;font-size:11px"
    style += ";background-color:rgba(255,193,7,.3)"
    return f'<span style="{style}">{escaped(shortened(text, 120))}</span> '


# What the notebook keeps beside it.


def _in_order(grid: GridCells, shown: Sequence[int]) -> list[int]:
    """The cells in the order of the HTML: by page, row and column."""
    layout = grid.layout

    def key(index: int) -> tuple[tuple[int, ...], ...]:
        places = grid.places(index)
        return tuple(
            tuple(places[number] for number in numbers) for numbers in (layout.pages, layout.rows, layout.columns)
        )

    return sorted(shown, key=key)


def record_of(grid: GridCells, indices: Sequence[int]) -> dict[str, Any]:
    """Every image's request, run and hash, as for any other output, and the cell it belongs to."""
    runs = [run for index in indices for run in _run_record(grid, index)]
    return {"schema": 1, "base_url": grid.base_url, "plan": grid.plan.plan_id, "runs": runs}


def _run_record(grid: GridCells, index: int) -> Iterator[dict[str, Any]]:
    result = grid.result(index)
    if not result.sha256 or grid.tiles.read(result.sha256) is None:
        return
    record = grid.record_in_log(result.run_id)
    image = next((image for image in record.images if image.sha256 == result.sha256), None)
    if image is None:
        return
    yield run_entry(
        image,
        run_id=result.run_id,
        request=json.loads(record.draft.request),
        request_hash=record.draft.request_hash,
        rewritten_prompt=(record.outcome.enhanced_prompt if record.outcome else None) or "",
    )
