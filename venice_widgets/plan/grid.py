"""`Grid`: the images of a plan, by their coordinates, and why the others are missing.

Images stay in the store: a grid holds the run and hash of each, and reads bytes when they are asked for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

from venice_widgets.errors import GenerationIncomplete, InvalidRequest
from venice_widgets.log import Status
from venice_widgets.request.axes import is_several, label_of, plain_value
from venice_widgets.suggest import nearest

from .frame import frame_of
from .grid_cells import GridCells, Layout, first_results
from .overview import how_to_go_on, summary_of
from .results import HELD
from .save import save_each
from .sheet import with_small_sheet, write_sheet
from .table import record_of, show_grid

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from venice_widgets.display import Bundle
    from venice_widgets.generation.result import Image

    from .host import Host
    from .outlook import Outlook
    from .plan_data import PlanAxis
    from .sheet import SheetMetadata


class Grid(GridCells):
    """The cells of a plan, or some of them.

    ``grid["owl", 5, :]`` selects by labels, in the order of the axes or of any that has the label; ``grid.at(model=…)``
    by name. One cell gives its `Image`, several give a `Grid`. Iteration gives the images that are there.
    """

    def __getitem__(self, key: Any) -> Any:
        """The cells with these labels: an `Image` for one, a `Grid` for several.

        Raises:
            InvalidRequest: no axis has the label, or several do.
            LookupError: the one cell that is meant has no image.
        """
        given = key if isinstance(key, tuple) else (key,)
        keys = [list(each) if is_several(each) else each for each in given]  # an iterator can be read only once
        if len(keys) > len(self.plan.axes):
            raise InvalidRequest(f"{len(keys)} labels are given, and the plan has {len(self.plan.axes)} axes.")
        chosen: dict[str, Any] = {}
        for place, wanted in enumerate(keys):
            if wanted is not Ellipsis and not (isinstance(wanted, slice) and wanted == slice(None)):
                chosen[self._axis_for(wanted, place, chosen)] = wanted
        return self.at(**chosen)

    def _axis_for(self, wanted: Any, place: int, taken: Mapping[str, Any]) -> str:
        """The axis that a label belongs to: the one in its place, else the only other one that has it."""
        free = [axis for axis in self.plan.axes if axis.name not in taken]
        having = [axis.name for axis in free if set(_labels(wanted, axis)) <= set(axis.axis.labels)]
        here = self.plan.axes[place].name
        if here in having:
            return here
        if len(having) != 1:
            labels = _labels(wanted, self.plan.axes[place])
            known = [label for axis in self.plan.axes for label in axis.axis.labels]
            near = nearest(labels[0], known)
            hint = f"Several axes have it: use at({having[0]}=…)." if having else ""
            raise InvalidRequest(
                f"{', '.join(labels)!r} is not a label of {here}.",
                hint or (f"Did you mean {' or '.join(near)}?" if near else f"It has {', '.join(known[:20])}."),
            )
        return having[0]

    def at(self, **labels: Any) -> Any:
        """The cells with these values or labels, by axis; a list means any of them.

        Raises:
            InvalidRequest: no such axis.
            LookupError: the one cell that is meant has no image.
        """
        axes = {axis.name: axis for axis in self.plan.axes}
        wanted: dict[str, set[str]] = {}
        for name, label in labels.items():
            if name not in axes:
                raise InvalidRequest(f"there is no axis {name!r}.", f"Axes are {', '.join(axes)}.")
            wanted[name] = set(_labels(label, axes[name]))
            if missing := wanted[name].difference(axes[name].axis.labels):
                raise InvalidRequest(
                    f"{name} has no value {min(missing)}.", f"It has {', '.join(axes[name].axis.labels[:20])}."
                )
        found = [index for index in self._selection if self._matches(index, wanted)]
        single = len(found) == 1 and len(wanted) == len([axis for axis in self.plan.axes if len(axis.axis) > 1])
        if single:
            return self._one(found[0])
        return Grid(self.outlook, self._host, self._results, selection=found)

    def _matches(self, index: int, wanted: Mapping[str, set[str]]) -> bool:
        coordinates = self.plan.coordinates(index)
        return all(coordinates[name] in labels for name, labels in wanted.items())

    def _one(self, index: int) -> Image:
        cell = self.cell(index)
        image = cell.image
        if image is None:
            raise LookupError(f"this cell has no image: {cell.result.text}")
        return image

    def pivot(self, *, rows: str | Sequence[str] = (), columns: str | Sequence[str] = ()) -> Grid:
        """The same cells with other axes as rows and columns; what is in neither makes a table each.

        Args:
            rows: an axis, or several, which then make rows of every combination.
            columns: likewise.

        Raises:
            InvalidRequest: no such axis, or one that is both.
        """
        across, down = self._dimensions_of(columns), self._dimensions_of(rows)
        if set(across) & set(down):
            raise InvalidRequest("an axis is both rows and columns.", "Leave it out of one.")
        seen = [self.places(index) for index in self._selection]
        rest = (n for n in range(len(self.plan.groups)) if n not in (*across, *down))
        pages = tuple(number for number in rest if len({place[number] for place in seen}) > 1)
        layout = Layout(down, across, pages)
        return Grid(self.outlook, self._host, self._results, selection=self._selection, layout=layout)

    def frame(self) -> Any:
        """A pandas data frame, one cell a row: its coordinates, seed, model, status, price, run, file and reason.

        Raises:
            StoreError: pandas is not installed.
        """
        return frame_of(self)

    def sheet(
        self,
        path: str | Path,
        width: int | None = None,
        *,
        title: str = "",
        metadata: SheetMetadata = "full",
    ) -> Path:
        """Write a labeled contact sheet, for a paper or a talk, with its plan inside, which `Plan.from_sheet` reads.

        Args:
            path: a new file; ``.png``, ``.jpg`` or ``.webp`` decides the format.
            width: of the whole sheet in pixels; None puts every image at its full resolution.
            title: above the sheet.
            metadata: ``"full"`` writes the plan and the run of every image into the file; ``"none"`` nothing.

        Returns:
            The path. A file that held exactly this sheet before is left as it is.

        Raises:
            InvalidRequest: another file has the name (nothing is overwritten), its ending is not one of these, or the
                sheet would be too large.
            StoreError: it cannot be written.
        """
        return write_sheet(self, path, width, title=title, metadata=metadata)

    def save(self, pattern: str | os.PathLike[str], metadata: str = "full") -> list[Path]:
        """Save a copy of every image, each with its recipe.

        Args:
            pattern: as for `Image.save`; ``{animal}`` and the like stand for labels of axes.
            metadata: as for `Image.save`.

        Returns:
            The files. One that held exactly these bytes before is among them, and was left as it is.

        Raises:
            InvalidRequest: the pattern cannot be filled, or another file has a name; the other images are saved.
            StoreError: a file cannot be written; the others are saved.
        """
        written = save_each(self, pattern, metadata)
        if written.problem:
            raise written.problem
        return list(written.files)

    @property
    def summary(self) -> str:
        """How many images there are, what they really cost, and what became of the rest."""
        return summary_of(self)

    def raise_for_missing(self) -> None:
        """Fail where cells have no image, with one message for each kind of failure.

        Raises:
            GenerationIncomplete: it says how many are missing and why; refused ones alone are no failure, unless all
                are.
        """
        missing = self.missing
        refused = sum(self.result(index).status == Status.REFUSED for index in self._selection)
        if not missing and (len(self) or not refused):
            return
        errors = tuple(self._errors())
        count = len(missing) or refused
        kinds: dict[str, int] = {}
        for cell in missing or self.cells:
            reason = replace(cell.result, run_id="").text
            kinds[reason] = kinds.get(reason, 0) + 1
        lines = [f"{number:,} × {reason}" for reason, number in sorted(kinds.items(), key=lambda kind: -kind[1])[:6]]
        held = sum(cell.result.status in (Status.UNKNOWN, HELD) for cell in missing)
        again = how_to_go_on(self.outlook, len(missing), held) if missing else "Change the prompt."
        raise GenerationIncomplete(
            f"{count:,} of {len(self._selection):,} images are missing. {self.summary}.",
            "\n".join([*lines, *(_why(error, kinds) for error in errors[:3]), again]).strip(),
            generation=self,
            errors=errors,
        )

    def record(self) -> dict[str, Any]:
        """What the notebook's output metadata holds under ``venice``."""
        return record_of(self, self._selection)

    def bundle(self) -> Bundle:
        """The grid as a notebook shows it."""
        return with_small_sheet(show_grid(self), self)

    def __deepcopy__(self, _: Any) -> Grid:
        return self  # what it shows is in the store

    def __reduce__(self) -> NoReturn:
        raise TypeError("a grid belongs to its session: send grid.plan.to_json(), and use Plan.from_json(…).grid()")

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle = self.bundle()
        return bundle.data, bundle.metadata


def _why(error: BaseException, reasons: Iterable[str]) -> str:
    """What ended a plan, unless it is the reason of a cell already; and what to do about it."""
    message, remedy = " ".join(str(getattr(error, "message", error)).split()), str(getattr(error, "remedy", ""))
    is_said = any(message[:40] in " ".join(reason.split()) for reason in reasons)
    return remedy if is_said else f"{message}\n{remedy}".strip()


def _labels(wanted: Any, axis: PlanAxis) -> list[str]:
    """The labels of an axis that a key means: one, or several of them, by the label or by the value.

    Raises:
        InvalidRequest: it is neither text nor a number.
    """
    listed = list(wanted) if is_several(wanted) else [wanted]
    return [_label(plain_value(each, axis.name), axis) for each in listed]


def _label(value: Any, axis: PlanAxis) -> str:
    label = label_of(value)
    if label in axis.axis.labels:
        return label
    same = (text for each, text in zip(axis.axis.values, axis.axis.labels, strict=True) if _is_same(each, value))
    return next(same, label)


def _is_same(one: Any, other: Any) -> bool:
    """Whether two values are equal; a switch is no number."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def grid_from_log(outlook: Outlook, host: Host) -> Grid:
    """What the log holds of a plan."""
    from dataclasses import replace as replaced

    quiet = replaced(outlook, again=False, resend_unknown=False)
    return Grid(quiet, host, first_results(quiet, host))
