"""The contact sheet of a grid: one labeled image for a paper, with the recipe of the whole plan inside.

Images are at full resolution or share a given width. Labels are drawn in whatever script they are written in (see
`labels`): long ones take several lines, and a sheet has a heading for each row, each column and each page.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from io import BytesIO
from operator import index as index_of
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex, get_args

from venice_widgets.config import DEMO_BASE_URL
from venice_widgets.display import Bundle
from venice_widgets.display.html import base64_text
from venice_widgets.errors import InvalidRequest
from venice_widgets.files.user_path import user_path
from venice_widgets.files.whole import holds
from venice_widgets.log.export.new_files import name_is_taken, new_file
from venice_widgets.media.preview import preview

from .labels import Label, fit
from .sheet_recipe import with_recipe
from .table import headings, page_text
from .tiles import open_stored

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PIL import Image

    from .grid_cells import GridCells

SheetMetadata = Literal["full", "none"]
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
MOST_PIXELS = 400_000_000
"""A larger sheet takes more than a gigabyte of memory."""
MOST_SIDE = {"PNG": 100_000, "JPEG": 65_000, "WEBP": 16_383}
LEAST_TILE_PIXELS = 48
MOST_CELLS_OF_SMALL, SMALL_PIXELS, SMALL_BYTES = 64, 640, 60_000
"""Of the copy beside the HTML of a grid: no one sees anything in a smaller one."""
_INK, _PAPER, _GREY, _FRAME = "#1f2328", "white", "#57606a", "#8c959f"


@dataclass(slots=True)
class _Page:
    """One table of the sheet."""

    title: str
    rows: list[tuple[tuple[int, ...], str]]
    columns: list[tuple[tuple[int, ...], str]]
    cells: dict[tuple[tuple[int, ...], tuple[int, ...]], int]


@dataclass(slots=True)
class _Plan:
    """Where everything goes, in pixels."""

    tile: tuple[int, int]
    gap: int
    font: int
    label_width: int
    pages: list[_Page]
    columns: int
    title: list[Label] = field(default_factory=list)
    footer: list[Label] = field(default_factory=list)
    head_lines: int = 1
    of_tiles: bool = False

    @property
    def line(self) -> int:
        """The height of a line of text."""
        return round(self.font * 1.35)

    @property
    def width(self) -> int:
        """Of the sheet."""
        return self.label_width + self.columns * (self.tile[0] + self.gap) + self.gap


def write_sheet(
    grid: GridCells,
    path: str | Path,
    width: int | None = None,
    *,
    title: str = "",
    metadata: SheetMetadata = "full",
) -> Path:
    """Write a sheet to a new file; one that holds exactly this sheet already stays as it is. See `Grid.sheet`.

    Raises:
        InvalidRequest: the file exists, its ending or `metadata` is unknown, there is no image, or the sheet would be
            too large.
        StoreError: it cannot be written.
    """
    target = user_path(path)
    kind = FORMATS.get(target.suffix.lower())
    if kind is None:
        raise InvalidRequest(f"{target} does not end like an image.", f"It takes {', '.join(FORMATS)}.", field="path")
    taken = name_is_taken(target)
    if metadata not in get_args(SheetMetadata):
        raise InvalidRequest(
            f"metadata is {metadata!r}.",
            'A sheet takes "full" or "none": its labels show the prompt.',
            field="metadata",
        )
    if not isinstance(title, str):
        raise InvalidRequest(f"title {title!r} is not text.", "Write it like 'Foxes'.", field="title")
    sheet = draw_sheet(grid, _pixels(width), title=title)
    if max(sheet.size) > MOST_SIDE[kind]:
        raise _too_large(f"a {kind} has at most {MOST_SIDE[kind]:,} pixels a side")
    data = _encoded(sheet, kind)
    data = with_recipe(data, grid) if metadata == "full" else data
    if taken and holds(target, data):
        return target
    with new_file(target) as file:
        file.write(data)
    return target


def _pixels(width: object) -> int | None:
    if width is None:
        return None
    if isinstance(width, bool) or not isinstance(width, SupportsIndex) or index_of(width) < 1:
        raise InvalidRequest(f"width {width!r} is not a number of pixels.", "Write it like 3000.", field="width")
    return index_of(width)


def with_small_sheet(shown: Bundle, grid: GridCells) -> Bundle:
    """A grid as it is shown, and a small labeled copy of it for where HTML is not shown, such as PDF by LaTeX."""
    if len(grid.indices) > MOST_CELLS_OF_SMALL:
        return shown
    try:
        sheet = draw_sheet(grid, SMALL_PIXELS, of_tiles=True)
    except InvalidRequest:  # no image, or too many columns
        return shown
    buffer = BytesIO()
    sheet.save(buffer, "PNG")
    small = preview(buffer.getvalue(), longest_side_pixels=2 * SMALL_PIXELS, max_bytes=SMALL_BYTES)
    return Bundle(
        shown.data | {small.mime: base64_text(small.data)},
        shown.metadata | {small.mime: {"width": small.width, "height": small.height}},
    )


def draw_sheet(grid: GridCells, width: int | None = None, *, title: str = "", of_tiles: bool = False) -> Image.Image:
    """The sheet as a Pillow image; of the grid's small images, which are read faster, where that is enough."""
    from PIL import Image, ImageDraw

    pages = _pages(grid)
    if not any(grid.result(index).sha256 for page in pages for index in page.cells.values()):
        raise InvalidRequest("there is no image to put on a sheet.", "Run the plan first.")
    plan = _arranged(grid, pages, width, title)
    plan.of_tiles = of_tiles
    height = _height(plan)
    if plan.width * height > MOST_PIXELS:
        raise _too_large(f"it would have {plan.width:,} × {height:,} pixels")
    sheet = Image.new("RGB", (plan.width, height), _PAPER)
    pen = ImageDraw.Draw(sheet)
    top = plan.gap
    for label in plan.title:
        top = _text(sheet, pen, label, plan.gap, top, _INK)
    for page in plan.pages:
        top = _draw_page(grid, sheet, pen, plan, page, top)
    for label in plan.footer:
        top = _text(sheet, pen, label, plan.gap, top, _GREY)
    return sheet


def _too_large(reason: str) -> InvalidRequest:
    return InvalidRequest(f"the sheet is too large: {reason}.", "Give a width, such as width=3000.", field="width")


# Where everything goes.


def _pages(grid: GridCells) -> list[_Page]:
    layout = grid.layout
    found: dict[tuple[int, ...], dict[tuple[tuple[int, ...], tuple[int, ...]], int]] = {}
    for index in grid.indices:
        places = grid.places(index)
        key = tuple(places[number] for number in layout.rows), tuple(places[number] for number in layout.columns)
        found.setdefault(tuple(places[number] for number in layout.pages), {})[key] = index
    pages = []
    for page, cells in sorted(found.items()):
        rows = headings(grid, layout.rows, {row for row, _ in cells}, _heading)
        columns = headings(grid, layout.columns, {column for _, column in cells}, _heading)
        pages += _wrapped(page_text(grid, layout, page), rows, columns, cells)
    return pages


def _heading(name: str, label: str) -> str:
    """A number alone does not say what it is: ``cfg_scale 5``."""
    try:
        float(label)
    except ValueError:
        return label
    return f"{name} {label}"


def _wrapped(title: str, rows: Any, columns: Any, cells: Any) -> list[_Page]:
    """One row of many images becomes several rows, so that the sheet is not a ribbon."""
    if rows != [((), "")] or len(columns) <= 8:
        return [_Page(title, rows, columns, cells)]
    across = math.ceil(math.sqrt(len(columns)))
    parts = [columns[start : start + across] for start in range(0, len(columns), across)]
    return [
        _Page(title if not number else "", rows, part, {((), key): cells[(), key] for key, _ in part})
        for number, part in enumerate(parts)
    ]


def _arranged(grid: GridCells, pages: list[_Page], width: int | None, title: str) -> _Plan:
    columns = max(len(page.columns) for page in pages)
    tile = full = _full_size(grid)
    labeled = any(text for page in pages for _, text in page.rows)
    if width is not None:
        share = (width - (width // 8 if labeled else 0)) / columns * 0.98
        tile = max(1, round(share)), max(1, round(share * tile[1] / tile[0]))
    if tile[0] < LEAST_TILE_PIXELS:
        raise InvalidRequest(
            f"width {width} leaves {tile[0]} pixels for each of {columns} columns.", "Give more.", field="width"
        )
    font = max(11, round(tile[0] / 16))
    gap = max(4, round(tile[0] / 40))
    label_width = 0 if not labeled else max(round(tile[0] * 0.34), font * 6)
    if width is not None:
        used = label_width + gap + columns * gap
        tile_width = max(1, (width - used) // columns)
        # Images are not enlarged: where there is more room than they need, the rows stay close.
        tile = tile_width, max(1, min(full[1], round(tile_width * tile[1] / tile[0])))
        label_width += width - used - columns * tile_width
    plan = _Plan(tile, gap, font, label_width, pages, columns)
    plan.head_lines = max(len(fit(text, font, tile[0], lines=4)) for page in pages for _, text in page.columns)
    if title:
        plan.title = fit(title, round(font * 1.4), plan.width - 2 * gap, lines=4)
    plan.footer = fit(_footer(grid), max(10, round(font * 0.8)), plan.width - 2 * gap, lines=6)
    return plan


def _footer(grid: GridCells) -> str:
    """What is across and down, the seed where all images share it, how many there are, and whether they are real.

    It says nothing of money, so that a sheet of the same images is the same file.
    """
    layout, names = grid.layout, grid.dimensions
    across = ", ".join(names[number][0] for number in layout.columns)
    down = ", ".join(names[number][0] for number in layout.rows)
    seeds = {grid.plan.cell(index).seed for index in grid.indices}
    parts = [f"across: {across}" if across else "", f"down: {down}" if down else ""]
    parts += [f"seed {next(iter(seeds))}"] if len(seeds) == 1 else []
    parts += [f"{len(grid):,} of {len(grid.indices):,} images"]
    parts += ["simulated"] if grid.base_url == DEMO_BASE_URL else []
    return " · ".join(part for part in parts if part)


def _full_size(grid: GridCells) -> tuple[int, int]:
    """The largest width and height of the images, so that none is made smaller."""
    width = height = 1
    for index in grid.indices:
        result = grid.result(index)
        if result.sha256:
            for image in grid.record_in_log(result.run_id).images[:1]:
                width, height = max(width, image.width), max(height, image.height)
    return width, height


def _head_height(plan: _Plan, page: _Page) -> int:
    return plan.head_lines * plan.line + plan.gap if any(text for _, text in page.columns) else 0


def _title_lines(plan: _Plan, page: _Page) -> list[Label]:
    return fit(page.title, round(plan.font * 1.15), plan.width - 2 * plan.gap, lines=3) if page.title else []


def _height(plan: _Plan) -> int:
    total = 2 * plan.gap + sum(label.height for label in (*plan.title, *plan.footer))
    for page in plan.pages:
        total += sum(label.height for label in _title_lines(plan, page)) + _head_height(plan, page)
        total += len(page.rows) * (plan.tile[1] + plan.gap) + plan.gap
    return total


# Drawing.


def _draw_page(grid: GridCells, sheet: Image.Image, pen: Any, plan: _Plan, page: _Page, top: int) -> int:
    for label in _title_lines(plan, page):
        top = _text(sheet, pen, label, plan.gap, top, _INK)
    head = _head_height(plan, page)
    for place, (_, text) in enumerate(page.columns):
        left = plan.gap + plan.label_width + place * (plan.tile[0] + plan.gap)
        lines = fit(text, plan.font, plan.tile[0], lines=4)
        _column(sheet, pen, lines, left, top + head - plan.gap // 2 - sum(line.height for line in lines), plan.tile[0])
    top += head
    for row, text in page.rows:
        if plan.label_width:
            _row_label(sheet, pen, plan, text, top)
        for place, (column, _) in enumerate(page.columns):
            left = plan.gap + plan.label_width + place * (plan.tile[0] + plan.gap)
            index = page.cells.get((row, column))
            if index is not None:
                _draw_cell(grid, sheet, pen, plan, index, (left, top))
        top += plan.tile[1] + plan.gap
    return top + plan.gap


def _text(sheet: Image.Image, pen: Any, label: Label, left: int, top: int, ink: str) -> int:
    label.draw(sheet, pen, left, top, ink)
    return top + label.height


def _column(sheet: Image.Image, pen: Any, lines: Sequence[Label], left: int, top: int, width: int) -> None:
    for line in lines:
        line.draw(sheet, pen, left + max(0, (width - line.width) // 2), top, _INK)
        top += line.height


def _row_label(sheet: Image.Image, pen: Any, plan: _Plan, text: str, top: int) -> None:
    most = max(1, plan.tile[1] // plan.line)
    lines = fit(text, plan.font, plan.label_width - plan.gap, lines=min(12, most))
    below = top + max(0, (plan.tile[1] - sum(line.height for line in lines)) // 2)
    for line in lines:
        line.draw(sheet, pen, plan.gap + max(0, plan.label_width - plan.gap - line.width), below, _INK)
        below += line.height


def _draw_cell(grid: GridCells, sheet: Image.Image, pen: Any, plan: _Plan, index: int, place: tuple[int, int]) -> None:
    from PIL import ImageOps

    result = grid.result(index)
    image = _opened(grid, result.sha256, of_tiles=plan.of_tiles) if result.sha256 else None
    if image is None:
        _draw_missing(sheet, pen, plan, result.text if not result.sha256 else "its file is missing", place)
        return
    if image.width > plan.tile[0] or image.height > plan.tile[1]:
        image = ImageOps.contain(image, plan.tile)
    left, top = place[0] + (plan.tile[0] - image.width) // 2, place[1] + (plan.tile[1] - image.height) // 2
    sheet.paste(image, (left, top), image if image.mode == "RGBA" else None)


def _opened(grid: GridCells, sha256: str, *, of_tiles: bool) -> Image.Image | None:
    if not of_tiles:
        return grid.open_image(sha256)
    tile = grid.tiles.read(sha256)
    return open_stored(tile.data) if tile else None


def _draw_missing(sheet: Image.Image, pen: Any, plan: _Plan, text: str, place: tuple[int, int]) -> None:
    left, top = place
    pen.rectangle((left, top, left + plan.tile[0] - 1, top + plan.tile[1] - 1), outline=_FRAME)
    size = max(10, round(plan.font * 0.85))
    most = max(1, plan.tile[1] // round(size * 1.5) - 1)
    for label in fit(text, size, plan.tile[0] - 2 * plan.gap, lines=min(8, most)):
        top = _text(sheet, pen, label, left + plan.gap, top + plan.gap // 2, _GREY)


# The file.


def _encoded(sheet: Image.Image, kind: str) -> bytes:
    buffer = BytesIO()
    sheet.save(buffer, kind, quality=92)
    return buffer.getvalue()
