"""From the log back to images: what a run gave, shown again from the store, exactly and at no cost."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from venice_widgets.config import DEMO_BASE_URL
from venice_widgets.errors import StoreError, VeniceError
from venice_widgets.log import Status
from venice_widgets.log.provenance import recipe_in
from venice_widgets.media.marks import pixels_sha256
from venice_widgets.media.preview import SIDE_PIXELS, examine, thumbnail
from venice_widgets.media.stored_preview import stored_preview

from .image import Image, remarks_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from venice_widgets.log import ImageRecord, Log, RunRecord

    from .result import Generation
    from .run import Run


@dataclass(frozen=True, slots=True)
class MissingImage:
    """An image on record that cannot be shown as it was received."""

    image: ImageRecord
    text: str
    """What became of it, in a sentence."""


@dataclass(frozen=True, slots=True)
class StoredRuns:
    """The runs of a generation that the log holds already: shown again at no cost."""

    log: Log
    known: Mapping[int, RunRecord]
    """By seed."""
    generation: Generation

    def load(self) -> None:
        """Read their images, while the others are in flight; it takes 80 ms for each."""
        for run in self.generation.runs:
            if run.from_log:
                self.generation.update(self._loaded(run))

    def _loaded(self, run: Run) -> Run:
        free = Decimal(0)
        try:
            images = recalled(self.log, self.known[run.seed])
        except Exception as exc:  # noqa: BLE001  on this thread it would not be seen: it is reported with its run
            return replace(run, status=Status.FAILED, error=exc, charged_usd=free)
        if not images:
            lost = StoreError("the stored image is damaged or gone by now.", "Make it anew with --again (again=True).")
            return replace(run, status=Status.FAILED, error=lost, charged_usd=free)
        # The images say what they cost when they were made: their output is the same each time. The summary says
        # that they come from the log.
        return replace(run, status=Status.SUCCEEDED, images=images, charged_usd=free)


def recalled(log: Log, record: RunRecord) -> tuple[Image, ...]:
    """The images of a run whose bytes are in the store as they were received."""
    return tuple(_image(log, record, image) for image in record.images if log.objects.is_whole(image.sha256))


def missing_images(log: Log, record: RunRecord) -> tuple[MissingImage, ...]:
    """The other images of a run: deleted on purpose, missing, or damaged."""
    lost = [image for image in record.images if not log.objects.is_whole(image.sha256)]
    return tuple(MissingImage(image, f"The image {image.sha256[:12]}… {_state(log, image)}") for image in lost)


def _state(log: Log, image: ImageRecord) -> str:
    deleted_at = log.deleted_at(image.sha256)
    if deleted_at is not None:
        return f"was deleted on {deleted_at.astimezone():%Y-%m-%d}; its record stays."
    if not log.objects.has(image.sha256):
        return "is missing from the store; it can come back from a backup of objects/."
    return "is damaged: its bytes are not what was received. %venice verify lists all that are."


def _image(log: Log, record: RunRecord, image: ImageRecord) -> Image:
    draft, path = record.draft, log.objects.path(image.sha256)
    request = json.loads(draft.request)
    facts, small = examine(path)
    return Image(
        record=image,
        run_id=draft.run_id,
        model=draft.model,
        request=request,
        request_hash=draft.request_hash,
        path=path,
        small=stored_preview(path, small, facts, SIDE_PIXELS),
        seed=image.seed,
        price_usd=_share(draft.estimate_usd if record.charged_usd is None else record.charged_usd, request),
        remarks=remarks_of(draft, image.seed, record.outcome) if record.outcome else (),
        simulated=draft.base_url == DEMO_BASE_URL,
        recipe=recipe_in(record, image),
        base_url=draft.base_url,
    )


def _share(run_usd: Decimal | None, request: Mapping[str, Any]) -> Decimal | None:
    """One image's part of what its run cost, which is that of all its variants."""
    return None if run_usd is None else run_usd / int(request.get("variants", 1))


def small_image(log: Log, record: RunRecord) -> bytes:
    """The thumbnail of a run's first image, made where there is none yet; empty where there can be none."""
    return small_copy(log, record.images[0]) if record.images else b""


def small_copy(log: Log, image: ImageRecord) -> bytes:
    """The thumbnail of an image, made where there is none yet; empty where its bytes are gone or damaged."""
    kept = log.thumbnails.read(image.sha256)
    if kept is not None or not log.objects.is_whole(image.sha256):
        return kept or b""
    try:
        made = thumbnail(log.objects.path(image.sha256), longest_side_pixels=128).data
    except VeniceError:
        return b""
    with suppress(StoreError):  # a store that cannot be written can still be looked at
        log.thumbnails.keep(image.sha256, made)
    return made


def forget(log: Log, image: ImageRecord) -> None:
    """Delete an image's bytes for good; its record, hashes and thumbnail stay.

    Raises:
        StoreError: it cannot be deleted.
    """
    small, pixels = small_copy(log, image), None
    if log.objects.is_whole(image.sha256):
        with suppress(VeniceError):
            pixels = pixels_sha256(log.objects.path(image.sha256))
    log.delete_image(image.sha256, small, pixels)
