"""From a picture or a run of the log back to the choices that made it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .cells import cell_text
from .choices import SeedMode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from venice_widgets.log import ObjectStore

    from .choices import Choices


def use_seed(choices: Choices, request: Mapping[str, Any]) -> Choices:
    """The choices with the seed of a request, fixed."""
    return replace(choices, seed_mode=SeedMode.FIXED, seed=str(request["seed"]))


def remix(choices: Choices, request: Mapping[str, Any], objects: ObjectStore) -> Choices:
    """Everything of a request but its seed, which will be new."""
    start = replace(choices, model=str(request["model"]), prompt=str(request["prompt"]), seed_mode=SeedMode.NEW)
    return start.without_fields().with_fields(_fields(request, objects))


def use_all(choices: Choices, request: Mapping[str, Any], objects: ObjectStore) -> Choices:
    """Everything of a request: the same picture again, where the model allows."""
    return replace(use_seed(remix(choices, request, objects), request), images=1)


def cell_of(request: Mapping[str, Any], objects: ObjectStore) -> str:
    """The ``%%venice`` cell that sends a request again."""
    fields = {"model": request["model"], **_fields(request, objects)}
    return cell_text(str(request["prompt"]), fields, seed=request.get("seed"))


def _fields(request: Mapping[str, Any], objects: ObjectStore) -> dict[str, Any]:
    fields = {name: value for name, value in request.items() if name not in ("model", "prompt", "seed")}
    references = fields.get("style_references")
    if references:
        fields["style_references"] = [_reference(reference, objects) for reference in references]
    return fields


def _reference(reference: Mapping[str, Any], objects: ObjectStore) -> str:
    """A reference picture by the file that the store keeps of it."""
    path = str(objects.path(str(reference["image"]).removeprefix("sha256:")))
    return f"{path}@{reference['strength']}" if "strength" in reference else path
