"""A plan while it runs: a line of progress, and the grid as it fills, in few bytes.

A plan of 400 images takes twenty minutes, and a notebook stores what it is sent. So what is sent while it runs is held
to a small part of what the finished grid weighs: the line comes less often as time goes on, and the mosaic of
the grid comes when the images that have arrived since have earned its bytes.
"""

from __future__ import annotations

import sys
import time
from io import BytesIO
from typing import TYPE_CHECKING, Any

from venice_widgets.display import Bundle, progress
from venice_widgets.display.html import attribute, base64_text, root
from venice_widgets.generation.progress import ProgressLine, tell
from venice_widgets.money import usd_text
from venice_widgets.shell import in_kernel, is_terminal, write_to

from .table import page_text

if TYPE_CHECKING:
    from .grid_cells import GridCells
    from .outlook import Outlook
    from .sender import PlanSender

FREE_BYTES, BYTES_FOR_EACH = 40_000, 200
"""What the line, and the mosaic, may take: some at once, and some for each image that has arrived. A tile of the
finished grid takes about 10,000 bytes."""
ENVELOPE_BYTES = 200
TILE_PIXELS, SMALL_TILE_PIXELS = 56, 28
MANY_TILES, MOST_TILES = 60, 400


class LiveView:
    """Shows a plan's progress in a notebook or on a terminal.

    Args:
        whole_cell: whether the cell shows nothing else, so that its output can be cleared at the end.
    """

    def __init__(self, *, whole_cell: bool = False) -> None:
        self._whole_cell = whole_cell
        self._started_at = time.monotonic()
        self._shown_at = 0.0
        self._line: Any = None
        self._mosaic: Any = None
        self._terminal = ProgressLine("")
        self._arrived = -1
        self._line_bytes = self._mosaic_bytes = 0

    def open(self, outlook: Outlook) -> None:
        """Show the price, before anything is sent."""
        self._shown_at = time.monotonic()
        if in_kernel() or is_terminal(sys.stderr):
            self._show_line(0, len(outlook.to_send), outlook.estimate.text, 0.0)
        else:
            tell(outlook.estimate.text)

    def update(self, grid: GridCells, sender: PlanSender) -> None:
        """Show the state now, where that is due."""
        seconds = time.monotonic() - self._started_at
        if time.monotonic() - self._shown_at >= max(1.0, seconds / 80) and self._may(grid, self._line_bytes):
            self._shown_at = time.monotonic()
            self._show_line(*progress_of(grid, sender, seconds), seconds)
        if in_kernel() and grid.arrived != self._arrived:
            self._show_mosaic(grid)

    def _show_line(self, done: int, total: int, words: str, seconds: float) -> None:
        if not in_kernel():
            self._terminal.show(done, total, seconds, words)
            return
        bundle = progress(done, total, seconds, words=words)
        self._line_bytes += sum(len(str(part)) for part in bundle.data.values()) + ENVELOPE_BYTES
        self._line = _shown(self._line, bundle)

    @staticmethod
    def _may(grid: GridCells, spent_bytes: float) -> bool:
        return not in_kernel() or spent_bytes <= FREE_BYTES + BYTES_FOR_EACH * grid.arrived

    def _show_mosaic(self, grid: GridCells) -> None:
        small = mosaic(grid)
        if small is None:
            return
        taken = self._mosaic_bytes + len(small) * 4 / 3 + ENVELOPE_BYTES
        if not self._may(grid, taken):
            return
        self._arrived, self._mosaic_bytes = grid.arrived, round(taken)
        markup = f'<img alt="{attribute(_where(grid))}" src="data:image/jpeg;base64,{base64_text(small)}">'
        self._mosaic = _shown(self._mosaic, Bundle({"text/html": root(markup), "text/plain": ""}, {}))

    def clear(self) -> None:
        """Leave nothing behind."""
        self._terminal.make_room()
        if self._line is None and self._mosaic is None:
            return
        if self._whole_cell:
            from IPython.display import clear_output

            clear_output(wait=True)
            return
        for handle in (self._line, self._mosaic):
            if handle is not None:
                handle.update(Bundle({"text/html": "", "text/plain": ""}, {}))


def _shown(handle: Any, bundle: Bundle) -> Any:
    from IPython.display import display

    if handle is None:
        return display(bundle, display_id=True)
    handle.update(bundle)
    return handle


def progress_of(grid: GridCells, sender: PlanSender, seconds: float) -> tuple[int, int, str]:
    """How many cells have ended, of how many, and words: money, time left, what is waited for."""
    total = len(grid.outlook.to_send)
    done = grid.ended
    label = " simulated" if grid.outlook.estimate.simulated else ""
    price, most = grid.outlook.estimate.price_usd, grid.outlook.estimate.upper_bound_usd
    bound = f" (at most {usd_text(most)})" if most is not None and price is not None and most > price else ""
    of_price = f" of {usd_text(price)}{bound}" if price is not None else ""
    words = [f"{usd_text(grid.spent_usd)}{of_price}{label}"]
    left = seconds_left(grid, done, total, seconds)
    if left is not None:
        words.append(f"about {left / 60:.0f} min left" if left > 90 else f"about {left:.0f} s left")
    until = sender.waiting_until
    if until is not None and until - time.monotonic() > 0.5:
        words.append(f"waiting for the rate limit, {until - time.monotonic():.0f} s")
    return done, total, " · ".join(words)


def seconds_left(grid: GridCells, done: int, total: int, seconds: float) -> float | None:
    """By the rate so far, or the rate limit where that is slower; None where no one can tell."""
    if not done or done >= total:
        return None
    by_rate = seconds / done * (total - done)
    per_minute = grid.outlook.per_minute
    return max(by_rate, (total - done - per_minute) / per_minute * 60) if per_minute else by_rate


def _where(grid: GridCells) -> str:
    last = grid.last
    if last is None or not grid.layout.pages:
        return "the images so far"
    places = grid.places(last)
    return page_text(grid, grid.layout, [places[number] for number in grid.layout.pages])


def mosaic(grid: GridCells) -> bytes | None:
    """The page of the grid that the last image belongs to, as one small JPEG; None where nothing has arrived."""
    from PIL import Image

    last = grid.last
    if last is None:
        return None
    layout = grid.layout
    page = tuple(grid.places(last)[number] for number in layout.pages)
    cells: dict[tuple[tuple[int, ...], tuple[int, ...]], int] = {}
    for index in grid.indices:
        places = grid.places(index)
        if tuple(places[number] for number in layout.pages) == page:
            cells[
                tuple(places[number] for number in layout.rows), tuple(places[number] for number in layout.columns)
            ] = index
        if len(cells) >= MOST_TILES:
            break
    rows, columns = sorted({row for row, _ in cells}), sorted({column for _, column in cells})
    side = TILE_PIXELS if len(cells) <= MANY_TILES else SMALL_TILE_PIXELS
    wrap = 12 if not layout.rows else len(columns)
    sheet = Image.new("RGB", (min(wrap, len(columns)) * side, -(-len(columns) // wrap) * len(rows) * side), "#888888")
    for (row, column), index in cells.items():
        sha256 = grid.result(index).sha256
        tile = grid.tiles.read(sha256) if sha256 else None
        if tile is None:
            continue
        place = columns.index(column)
        with Image.open(BytesIO(tile.data)) as opened:
            small = opened.convert("RGB")
            small.thumbnail((side - 2, side - 2))
        sheet.paste(small, (place % wrap * side + 1, (rows.index(row) + place // wrap) * side + 1))
    buffer = BytesIO()
    sheet.save(buffer, "JPEG", quality=55)
    return buffer.getvalue()


def print_line(text: str) -> None:
    """A line on the standard output, at once. Where no one can read it, the images are made and stored all the same."""
    write_to(sys.stdout, f"{text}\n")
