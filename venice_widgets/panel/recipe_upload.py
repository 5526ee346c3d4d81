"""From an image's file back to the form: by its path, or uploaded, dropped or pasted."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from venice_widgets.errors import InvalidRequest
from venice_widgets.files.hashed import digest_of_tag
from venice_widgets.replays.read_recipe import read_recipe
from venice_widgets.request.fields import MAX_SEED, check_fields, field_facts

if TYPE_CHECKING:
    from venice_widgets.replays.read_recipe import FoundRecipe
    from venice_widgets.request.catalogue import Catalogue
    from venice_widgets.session import Session

_FIRST = ("prompt", "model", "seed")


def read_upload(name: str, content: bytes, session: Session) -> FoundRecipe:
    """The recipe of an uploaded file.

    Raises:
        UnreadableFile: it cannot be read, or nothing tells what made it.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"upload{Path(name).suffix[:8]}"
        file.write_bytes(content)
        return read_recipe(file, session=session)


def usable(found: FoundRecipe, catalogue: Catalogue | None) -> tuple[dict[str, Any], list[str]]:
    """What a recipe says that the form can take, and the names of what it cannot.

    A file from elsewhere may name a model of another service, a seed out of range, or values of the wrong kind.
    """
    stated = dict(found.recipe.request)
    if found.recipe.seed is not None:
        stated.setdefault("seed", found.recipe.seed)
    taken = {name: value for name, value in stated.items() if _is_usable(name, value, catalogue)}
    others = [name for name in stated if name not in taken and name not in _FIRST]
    return taken, [name for name in _FIRST if name not in taken] + others


def recipe_text(found: FoundRecipe, name: str, gaps: list[str]) -> str:
    """What is said after a recipe was taken."""
    exact = "" if found.exact else " It is not exact."
    missing = f" Left as it was: {', '.join(gaps)}." if gaps else ""
    return f"The form now holds the recipe of {name}.{exact}{missing}"


def _is_usable(name: str, value: Any, catalogue: Catalogue | None) -> bool:
    if name == "prompt":
        return isinstance(value, str) and bool(value)
    if name == "model":
        return isinstance(value, str) and catalogue is not None and catalogue.find(value) is not None
    if name == "seed":
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_SEED
    if name == "style_references":
        return isinstance(value, list) and all(
            isinstance(each, dict) and digest_of_tag(each.get("image")) for each in value
        )
    with suppress(InvalidRequest):
        return name in field_facts() and bool(check_fields({name: value}))
    return False
