"""`Grid`: the images of a plan, by their coordinates, and why the others are missing.

Images stay in the store: a grid holds the run and hash of each, and reads bytes when they are asked for.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from venice_widgets.errors import InvalidRequest
from venice_widgets.generation.stored_images import recalled
from venice_widgets.log import Status
from venice_widgets.request.axes import is_several
from venice_widgets.request.request import SHAPE_OPEN, is_open_shape

from .results import ELSEWHERE, HELD, INVALID, NOT_SENT, CellResult
from .tiles import Tiles, open_stored, tile_pixels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from PIL.Image import Image as PillowImage

    from venice_widgets.generation.result import Image
    from venice_widgets.log import RunRecord

    from .host import Host
    from .outlook import Outlook
    from .plan_data import PlanAxis, PlanData


@dataclass(frozen=True, slots=True)
class GridCell:
    """One cell of a grid."""

    index: int
    """Its place in the whole plan, from 0."""
    coordinates: Mapping[str, str]
    """Axis -> label."""
    seed: int
    model: str
    result: CellResult
    host: Host

    @property
    def image(self) -> Image | None:
        """Its image, read from the store; None where there is none."""
        if not self.result.sha256:
            return None
        found = recalled(self.host.log, self.host.log.get(self.result.run_id))
        return next((image for image in found if image.sha256 == self.result.sha256), None)


@dataclass(frozen=True, slots=True)
class Layout:
    """Which dimensions are rows, columns, and pages."""

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    pages: tuple[int, ...]


class Results:
    """What became of each cell, filled in from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[int, CellResult] = {}
        self.ended = 0
        """How many cells that were sent have ended."""
        self.arrived = 0
        """How many images came, from the log or anew."""
        self.last: int | None = None
        """The cell that the last image belongs to."""

    def put(self, index: int, result: CellResult, *, sent: bool = False) -> None:
        """Note what became of a cell, and whether it was one that was to be sent."""
        with self._lock:
            before = self._found.get(index, _NOTHING_YET)
            self._found[index] = result
            self.ended += sent and result.status != Status.SENT and not before.ended
            if result.sha256:
                self.arrived += 1
                self.last = index

    def get(self, index: int) -> CellResult:
        """What became of a cell so far."""
        with self._lock:
            return self._found.get(index, _NOTHING_YET)


_NOTHING_YET = CellResult()


class GridCells:
    """The cells of a plan, or some of them.

    ``grid["owl", 5, :]`` selects by labels, in the order of the axes or of any that has the label; ``grid.at(model=…)``
    by name. One cell gives its `Image`, several give a `Grid`. Iteration gives the images that are there.
    """

    def __init__(
        self,
        outlook: Outlook,
        host: Host,
        results: Results,
        *,
        selection: Sequence[int] | None = None,
        layout: Layout | None = None,
        errors: Callable[[], Sequence[BaseException]] = tuple,
    ) -> None:
        self.outlook, self._host, self._results = outlook, host, results
        self._selection = outlook.plan.indices if selection is None else selection
        self._layout, self._errors = layout, errors

    @property
    def plan(self) -> PlanData:
        """What was to be made."""
        return self.outlook.plan

    # Cells.

    @property
    def indices(self) -> Sequence[int]:
        """The cells, by their places in the whole plan."""
        return self._selection

    def result(self, index: int) -> CellResult:
        """What became of a cell."""
        return self._results.get(index)

    def cell(self, index: int) -> GridCell:
        """One cell by its place in the whole plan."""
        cell = self.plan.cell(index)
        model = self.outlook.models.get(index, str(cell.fields.get("model", "")))
        return GridCell(index, cell.coordinates, cell.seed, model, self.result(index), self._host)

    @property
    def cells(self) -> list[GridCell]:
        """Every cell, those without an image too."""
        return [self.cell(index) for index in self._selection]

    def __len__(self) -> int:
        """How many images are there."""
        return sum(bool(self.result(index).sha256) for index in self._selection)

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Image]:
        for index in self._selection:
            if self.result(index).sha256:
                image = self.cell(index).image
                if image is not None:
                    yield image

    @property
    def images(self) -> list[Image]:
        """The images that are there, in the order of the plan."""
        return list(self)

    @property
    def problems(self) -> list[str]:
        """What went wrong with images that are there, once each: such as a record that could not be written."""
        results = map(self.result, self._selection)
        return list(dict.fromkeys(result.reason for result in results if result.sha256 and result.reason))

    def note(self, index: int, result: CellResult) -> None:
        """Take what became of a cell."""
        self._results.put(index, result)

    @property
    def arrived(self) -> int:
        """How many images there are in all cells of the plan."""
        return self._results.arrived

    @property
    def ended(self) -> int:
        """How many of the cells that were to be sent have ended."""
        return self._results.ended

    @property
    def last(self) -> int | None:
        """The cell whose image came last."""
        return self._results.last

    @property
    def base_url(self) -> str:
        """Where it was sent."""
        return self._host.settings.base_url

    def record_in_log(self, run_id: str) -> RunRecord:
        """A run as the log holds it."""
        return self._host.log.get(run_id)

    def open_image(self, sha256: str) -> PillowImage | None:
        """An image of the store at full resolution, upright; None where it cannot be read."""
        return open_stored(self._host.log.objects.path(sha256))

    # Layout.

    @property
    def dimensions(self) -> list[tuple[str, tuple[str, ...]]]:
        """The axes as they move: (name, labels), zipped ones as one."""
        found = []
        for group in self.plan.groups:
            axes = [self.plan.axes[place] for place in group]
            labels = tuple(" · ".join(each) for each in zip(*map(_shown_labels, axes), strict=True))
            found.append((" · ".join(axis.name for axis in axes), labels))
        return found

    def places(self, index: int) -> tuple[int, ...]:
        """Where a cell is on each dimension."""
        places = self.plan.places(index)
        return tuple(places[group[0]] for group in self.plan.groups)

    @property
    def layout(self) -> Layout:
        """Columns are the last dimension, rows the one before, pages the others, unless `pivot` said otherwise."""
        if self._layout is not None:
            return self._layout
        seen = [self.places(index) for index in self._selection]
        varying = [number for number in range(len(self.plan.groups)) if len({place[number] for place in seen}) > 1]
        *pages, rows, columns = (-1, -1, *varying)
        return Layout(
            rows=() if rows < 0 else (rows,),
            columns=() if columns < 0 else (columns,),
            pages=tuple(number for number in pages if number >= 0),
        )

    def _dimensions_of(self, names: str | Sequence[str]) -> tuple[int, ...]:
        known = {self.plan.axes[place].name: number for number, group in enumerate(self.plan.groups) for place in group}
        wanted: list[Any] = list(names) if is_several(names) else [names]
        for name in wanted:
            if not isinstance(name, str) or name not in known:
                raise InvalidRequest(f"there is no axis {name!r}.", f"Axes are {', '.join(known)}.")
        return tuple(dict.fromkeys(known[name] for name in wanted))

    # What became of them.

    @property
    def tiles(self) -> Tiles:
        """The small images that it is shown with."""
        return Tiles(self._host.log, tile_pixels(len(self._selection)))

    @property
    def spent_usd(self) -> Decimal:
        """What was spent by this run, by the catalogue's prices: refused, failed and unsent cells cost nothing."""
        return self._sum(Status.SUCCEEDED)

    @property
    def unknown_usd(self) -> Decimal:
        """What may have been charged beyond that: for what is not known, and by a dearer price list or model."""
        return self._sum(Status.UNKNOWN, Status.SENT) + self._margin()

    @property
    def unpriced(self) -> int:
        """How many requests of this run were or may have been charged by an amount that is not known."""
        charged = (Status.SUCCEEDED, Status.UNKNOWN, Status.SENT)
        found = map(self.result, self._selection)
        return sum(each.status in charged and each.price_usd is None and not each.from_log for each in found)

    def _margin(self) -> Decimal:
        """By how much the images that were made may have cost more than their estimates."""
        results = ((index, self.result(index)) for index in self._selection)
        made = [index for index, each in results if each.status == Status.SUCCEEDED and not each.from_log]
        prices = [self.outlook.prices[index] for index in made if not self.outlook.estimate.simulated]
        bounds = ((each.upper_bound_usd, each.price_usd) for each in prices)
        return sum((most - price for most, price in bounds if most is not None and price is not None), Decimal(0))

    def _sum(self, *statuses: str) -> Decimal:
        found = (self.result(index) for index in self._selection)
        prices = (each.price_usd for each in found if each.status in statuses and not each.from_log)
        return sum((price for price in prices if price is not None), Decimal(0))

    def counts(self) -> dict[str, int]:
        """How many cells are in which state; images from the log count as ``from the log``."""
        found: dict[str, int] = {}
        for index in self._selection:
            result = self.result(index)
            name = "from the log" if result.from_log and result.sha256 else str(result.status)
            found[name] = found.get(name, 0) + 1
        return found

    @property
    def missing(self) -> list[GridCell]:
        """The cells that have no image and could have one: not those that were refused or left out."""
        done = (Status.SUCCEEDED, Status.REFUSED, INVALID)
        return [self.cell(index) for index in self._selection if self.result(index).status not in done]

    def __repr__(self) -> str:
        return f"<Grid {self.plan.plan_id[:8]}: {len(self)} of {len(self._selection)} images>"


def _shown_labels(axis: PlanAxis) -> tuple[str, ...]:
    labels = axis.axis.labels
    if axis.name != "aspect_ratio":
        return labels
    return tuple(f"{label}: {SHAPE_OPEN}" if is_open_shape(label) else label for label in labels)


def first_results(outlook: Outlook, host: Host) -> Results:
    """What is known before anything is sent: images of the log, and what will not be sent."""
    results = Results()
    shas, held = _images_of(outlook, host), frozenset(outlook.held)
    for index in outlook.plan.indices:
        if index in outlook.invalid:
            results.put(index, CellResult(INVALID, reason=outlook.invalid[index]))
        elif index in outlook.known and not outlook.again:
            run_id, sha256, status = outlook.known[index], *shas.get(outlook.known[index], ("", NOT_SENT))
            results.put(index, CellResult(status, run_id, sha256, Decimal(0), from_log=True))
        elif index in outlook.elsewhere:
            results.put(index, CellResult(ELSEWHERE, outlook.elsewhere[index]))
        elif index in outlook.blocked:
            results.put(index, CellResult(NOT_SENT, reason=outlook.blocked[index]))
        elif index in held:
            price = outlook.prices[index].guard_unit_price_usd
            text = "not sent again"
            results.put(index, CellResult(HELD, outlook.unknown[index], "", price, from_log=True, reason=text))
    return results


def _images_of(outlook: Outlook, host: Host) -> dict[str, tuple[str, str]]:
    if outlook.again or not outlook.known:
        return {}
    names = {outlook.hashes[index] for index in outlook.known}
    standing = host.log.standing(names, base_url=host.settings.base_url).values()
    return {each.run_id: (each.images[0], each.status) for each in standing if each.images}
