"""The images of this panel: what the browser is sent of each, and where its bytes come from."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from venice_widgets.display.html import shortened
from venice_widgets.errors import StoreError
from venice_widgets.generation.result import price_text, seed_text, size_text
from venice_widgets.generation.run import money_text
from venice_widgets.generation.stored_images import recalled
from venice_widgets.log import RUN_ENDING

from .protocol import image_key
from .state import as_lines

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from venice_widgets.generation.result import Image
    from venice_widgets.log import Log, ObjectStore

    from .sending import Job

MOST_IMAGES = 60
"""The oldest beyond this leave the gallery (not the log), but for the newest generation, pinned and compared ones."""
MOST_COMPARED = 4
SAVE_PATTERN = "{model}-{seed}-{run_id}.{ext}"


class Gallery:
    """The images, newest generation first. Guarded by the panel's lock."""

    def __init__(self) -> None:
        self._groups: dict[str, list[str]] = {}
        self._images: dict[str, Image] = {}
        self.pinned: dict[str, Image] = {}
        self.compared: dict[str, Image] = {}
        self.left = 0
        """How many have left it."""

    def add(self, group: str, images: Iterable[Image]) -> list[str]:
        """Show images of one generation, in the order of their seeds; the keys of those that are new."""
        found = {image_key(image.run_id, image.sha256): image for image in images}
        new = [key for key in found if key not in self._images]
        self._images |= {key: found[key] for key in new}
        known = self._groups.pop(group, []) if group not in self._groups else self._groups[group]
        elsewhere = {key for name, keys in self._groups.items() if name != group for key in keys}
        self._groups[group] = [key for key in dict.fromkeys([*found, *known]) if key not in elsewhere]
        self._shrink(group)
        return new

    def _shrink(self, newest: str) -> None:
        kept = {*self.pinned, *self.compared, *self._groups[newest]}
        free = [key for keys in self._groups.values() for key in keys if key not in kept]
        for key in free[: max(0, len(self._images) - MOST_IMAGES)]:
            self._remove(key)
            self.left += 1

    def _remove(self, key: str) -> None:
        self._images.pop(key, None)
        for keys in self._groups.values():
            if key in keys:
                keys.remove(key)

    def forget(self, key: str) -> None:
        """Take an image out of everything."""
        self._remove(key)
        self.pinned.pop(key, None)
        self.compared.pop(key, None)

    def get(self, key: str) -> Image | None:
        """An image that is here."""
        return self._images.get(key)

    @property
    def keys(self) -> list[str]:
        """In the order in which they are shown."""
        return [key for keys in reversed(self._groups.values()) for key in keys]

    def cards(self, favorites: Collection[str] = ()) -> list[dict[str, Any]]:
        """What the browser draws of each."""
        return [self.card(key, self._images[key], favorites) for key in self.keys if key in self._images]

    def card(self, key: str, image: Image, favorites: Collection[str] = ()) -> dict[str, Any]:
        """What the browser draws of one image."""
        return {
            "key": key,
            "run": image.run_id,
            "ending": image.run_id[-RUN_ENDING:],
            "seed": seed_text(image.seed),
            "price": price_text(image),
            "model": image.model,
            "size": size_text(image),
            "width": image.small.width,
            "height": image.small.height,
            "prompt": shortened(str(image.request.get("prompt", "")), 400),
            "remarks": list(image.remarks),
            "pinned": key in self.pinned,
            "compared": key in self.compared,
            "favorite": image.run_id in favorites,
        }


def placeholders(job: Job) -> list[dict[str, Any]]:
    """A tile for each image of a job that is not here yet."""
    generation = job.generation
    shape = _shape(job)
    if generation is None:
        return []
    waiting = [run for run in generation.runs if run.in_progress]
    return [
        {"key": f"{job.name}:{run.seed}", "seed": f"seed {run.seed}", "waiting": money_text(run.status), **shape}
        for run in waiting
    ]


def _shape(job: Job) -> dict[str, int]:
    """About the shape that the image will have."""
    request = job.quote.request
    if request is None:
        return {"width": 1, "height": 1}
    stated = str(request.fields.get("aspect_ratio") or request.model.default_aspect_ratio)
    wide, _, high = stated.partition(":")
    if wide.isdecimal() and high.isdecimal() and int(high):
        return {"width": int(wide), "height": int(high)}
    return {"width": int(request.fields.get("width", 1024)), "height": int(request.fields.get("height", 1024))}


def image_of(log: Log, key: str) -> Image:
    """An image by its key, from the log.

    Raises:
        StoreError: it is not there.
    """
    run_id, _, start = key.partition(":")
    found = [image for image in recalled(log, log.get(run_id)) if image.sha256.startswith(start)]
    if not found:
        raise StoreError(
            f"the image of run {run_id[-RUN_ENDING:]} is not in the store.", "%venice verify lists what is."
        )
    return found[0]


def download(image: Image) -> tuple[str, bytes]:
    """The name and the bytes of a copy that carries its recipe."""
    with tempfile.TemporaryDirectory() as folder:
        saved = image.save_copy(Path(folder) / image.fill(SAVE_PATTERN)).path
        return saved.name, saved.read_bytes()


def with_reference_files(request: Mapping[str, Any], objects: ObjectStore) -> dict[str, Any]:
    """A request whose reference images are named by the files that the store has of them."""
    references = request.get("style_references")
    if not references:
        return dict(request)
    return {**request, "style_references": as_lines(_reference(each, objects) for each in references)}


def _reference(reference: Mapping[str, Any], objects: ObjectStore) -> str:
    path = str(objects.path(str(reference["image"]).removeprefix("sha256:")))
    return f"{path}@{reference['strength']}" if "strength" in reference else path


def differing(requests: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """The fields in which requests differ, with each one's value as text; what is absent reads "not sent"."""
    names = list(dict.fromkeys(name for request in requests for name in request))
    rows = [(name, [str(request[name]) if name in request else "not sent" for request in requests]) for name in names]
    return [(name, values) for name, values in rows if len(set(values)) > 1]


def at_no_cost(image: Image) -> Image:
    """An image that is shown from the log."""
    return replace(image, remarks=tuple(dict.fromkeys([*image.remarks, "from the log"])))
