"""From a picture's file back to the controls: by its path, or uploaded."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as W  # noqa: N812

from venice_widgets.errors import InvalidRequest
from venice_widgets.replay.read_recipe import read_recipe
from venice_widgets.request.fields import MAX_SEED, check_fields, field_facts

from .again import remix, use_all
from .parts import button, named, row
from .state import Word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from venice_widgets.replay.read_recipe import FoundRecipe

    from .choices import Choices
    from .desk import Desk


class FromFile:
    """Takes up the recipe that a file carries, or that the log has of it.

    Args:
        desk: whose choices change.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._path = W.Text(description="Recipe from a file", placeholder="path of a picture", continuous_update=False)
        self._upload = W.FileUpload(description="Upload a picture", accept="image/*", multiple=False)
        self._upload.observe(self._on_upload, "value")
        take = named(button("Take up", self._on_path, desk), "venice-narrow")
        self.widget = row(named(self._path, "venice-wide"), take, named(self._upload, "venice-narrow"))

    def _on_path(self) -> None:
        path = self._path.value.strip()
        if path:
            self._desk.books.submit(lambda: self._take(Path(path), path))

    def _on_upload(self, change: Any) -> None:
        for file in change["new"]:
            self._desk.books.submit(partial(self._take_bytes, str(file["name"]), bytes(file["content"])))

    def _take_bytes(self, name: str, content: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"upload{Path(name).suffix[:8]}"
            file.write_bytes(content)
            self._take(file, name)

    def _take(self, file: Path, name: str) -> None:
        found = read_recipe(file, session=self._desk.session)
        objects = self._desk.session.log.objects
        request, gaps = usable(found, self._desk.session.catalogue_keeper.known())

        def taken_up(choices: Choices) -> Choices:
            whole = {"model": choices.model, "prompt": choices.prompt, **request}
            return (use_all if "seed" in whole else remix)(choices, whole, objects)

        self._desk.choose(taken_up)
        exact = "" if found.exact else " It is not exact."
        missing = f" Left as it was: {', '.join(gaps)}." if gaps else ""
        self._desk.board.tell(Word(f"The recipe of {name} was taken up.{exact}{missing}"))


def usable(found: FoundRecipe, catalogue: Any) -> tuple[dict[str, Any], list[str]]:
    """What a recipe says that the controls can take, and the names of what they cannot.

    A stranger's file may name a model of another service, a seed out of range, or values of the wrong kind.
    """
    stated = dict(found.recipe.request)
    if found.recipe.seed is not None:
        stated.setdefault("seed", found.recipe.seed)
    taken = {name: value for name, value in stated.items() if _is_usable(name, value, catalogue)}
    return taken, [name for name in ("prompt", "model", "seed") if name not in taken] + [
        name for name in stated if name not in taken and name not in ("prompt", "model", "seed")
    ]


def _is_usable(name: str, value: Any, catalogue: Any) -> bool:
    if name == "prompt":
        return isinstance(value, str) and bool(value)
    if name == "model":
        return isinstance(value, str) and catalogue is not None and catalogue.find(value) is not None
    if name == "seed":
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_SEED
    if name == "style_references":
        return isinstance(value, list) and all(_is_reference(each) for each in value)
    with suppress(InvalidRequest):
        return name in field_facts() and bool(check_fields({name: value}))
    return False


def _is_reference(value: Mapping[str, Any] | Any) -> bool:
    return isinstance(value, dict) and str(value.get("image", "")).startswith("sha256:")
