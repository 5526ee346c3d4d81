"""The runs that a notebook holds: every output of ours leaves its requests in the notebook's metadata."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, overload

from venice_widgets.config import DEMO_BASE_URL
from venice_widgets.errors import UnreadableFile
from venice_widgets.files.bounded import read_bounded
from venice_widgets.files.user_path import user_path
from venice_widgets.log.provenance import DEMO_SERVICE
from venice_widgets.media.metadata.recipe import from_json

from .read_recipe import FoundRecipe, judged

if TYPE_CHECKING:
    from pathlib import Path

    from venice_widgets.media.metadata.recipe import Recipe

_IMAGE = re.compile(r'src="data:image/(?:jpeg|png);base64,([A-Za-z0-9+/=]+)"')
_FEWEST_FORMAT = 4
_MOST_SHOWN = 20
"""So many runs are printed."""


@dataclass(frozen=True, slots=True, repr=False)
class NotebookRuns(Sequence[FoundRecipe]):
    """The images of a notebook in its order, each with what made it."""

    path: Path
    runs: tuple[FoundRecipe, ...]
    problems: tuple[str, ...] = ()
    """Records that could not be understood, a sentence each."""

    @overload
    def __getitem__(self, index: int) -> FoundRecipe: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[FoundRecipe]: ...
    def __getitem__(self, index: int | slice) -> FoundRecipe | Sequence[FoundRecipe]:
        return self.runs[index]

    def __len__(self) -> int:
        return len(self.runs)

    def __repr__(self) -> str:
        lines = [f"<NotebookRuns of {self.path}: {len(self.runs)} images>"]
        lines += [f"[{place}] {run!r}" for place, run in enumerate(self.runs[:_MOST_SHOWN])]
        lines += [f"and {len(self.runs) - _MOST_SHOWN} more"] if len(self.runs) > _MOST_SHOWN else []
        return "\n".join([*lines, *self.problems])


def runs_in(path: str | Path) -> NotebookRuns:
    """The images in a notebook's outputs, with what made them; needs neither the log nor the network.

    An image that is shown several times counts once. The notebook holds previews, not the images as received.

    Raises:
        UnreadableFile: it is not a notebook of format 4.
    """
    file = user_path(path)
    cells = _cells(file)
    runs: dict[tuple[str, str], FoundRecipe] = {}
    problems: list[str] = []
    for number, output in _outputs(cells):
        for each in _found(output, f"{file} cell {number}"):
            if isinstance(each, UnreadableFile):
                problems.append(f"cell {number}: {each.message}")
            else:
                runs.setdefault((each.run_id, each.recipe.image_sha256), each)
    return NotebookRuns(file, tuple(runs.values()), tuple(problems))


def _cells(file: Path) -> list[Any]:
    try:
        notebook = json.loads(read_bounded(file).decode("utf-8-sig"))
    except (ValueError, RecursionError) as exc:
        raise UnreadableFile(f"{file} is not a notebook: it is not JSON ({exc}).", "Give an .ipynb file.") from exc
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list) or not isinstance(notebook.get("nbformat"), int):
        raise UnreadableFile(
            f"{file} is not a notebook of format {_FEWEST_FORMAT}: it has no list of cells.",
            "Give an .ipynb file; Jupyter upgrades an older one when it opens and saves it.",
        )
    return cells


def _outputs(cells: Sequence[Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Every output with a record of ours, with the number of its cell from 1."""
    for number, cell in enumerate(cells, 1):
        outputs = cell.get("outputs") if isinstance(cell, dict) else None
        for output in outputs if isinstance(outputs, list) else ():
            metadata = output.get("metadata") if isinstance(output, dict) else None
            if isinstance(metadata, dict) and "venice" in metadata:
                yield number, output


def _found(output: dict[str, Any], where: str) -> Iterator[FoundRecipe | UnreadableFile]:
    """What made each image of an output, or why that is not known."""
    record = output["metadata"]["venice"]
    runs = record.get("runs") if isinstance(record, dict) else None
    if not isinstance(runs, list):
        yield UnreadableFile("its record of runs is not a list.", "")
        return
    for run, image_bytes in zip(runs, _previews(output, len(runs)), strict=True):
        try:
            recipe = _recipe(record, run)
        except UnreadableFile as exc:
            yield exc
        else:
            yield judged(recipe, origin="notebook", where=where, image_bytes=image_bytes, image_kind="preview")


def _recipe(record: dict[str, Any], run: Any) -> Recipe:
    try:
        text = json.dumps({**record, "runs": [run]})
    except (ValueError, RecursionError) as exc:
        raise UnreadableFile(f"its record is not JSON ({exc}).", "") from exc
    recipe = from_json(text)
    if recipe.base_url == DEMO_BASE_URL:
        return replace(recipe, service=DEMO_SERVICE, simulated=True)
    return recipe


def _previews(output: dict[str, Any], count: int) -> list[bytes | None]:
    """The image of each run, in the order of the output's own HTML; None where they do not match one by one."""
    data = output.get("data")
    markup = data.get("text/html") if isinstance(data, dict) else None
    text = "".join(map(str, markup)) if isinstance(markup, list) else markup
    found = _IMAGE.findall(text) if isinstance(text, str) else []
    if len(found) != count:
        return [None] * count
    try:
        return [base64.b64decode(image_bytes, validate=True) for image_bytes in found]
    except binascii.Error:
        return [None] * count
