"""From the log back to pictures: what a run gave, shown again from the store, exactly and for nothing."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from venice_widgets.config import DEMO_BASE_URL
from venice_widgets.errors import StoreError, VeniceError
from venice_widgets.log.provenance import recipe_in
from venice_widgets.media.marks import pixels_sha256
from venice_widgets.media.preview import preview, thumbnail

from .result import Image, seed_remark

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from venice_widgets.log import ImageRecord, Log, RunRecord


@dataclass(frozen=True, slots=True)
class MissingImage:
    """A picture on record whose bytes are not as they were received."""

    image: ImageRecord
    text: str
    """What became of it, in a sentence."""


def recalled(log: Log, record: RunRecord) -> tuple[Image, ...]:
    """The pictures of a run whose bytes are in the store as they were received."""
    return tuple(_image(log, record, image) for image in record.images if log.objects.is_whole(image.sha256))


def lost_pictures(log: Log, record: RunRecord) -> tuple[MissingImage, ...]:
    """The other pictures of a run: deleted on purpose, missing, or damaged."""
    lost = [image for image in record.images if not log.objects.is_whole(image.sha256)]
    return tuple(MissingImage(image, f"The picture {image.sha256[:12]}… {_fate(log, image)}") for image in lost)


def _fate(log: Log, image: ImageRecord) -> str:
    deleted_at = log.deleted_at(image.sha256)
    if deleted_at is not None:
        return f"was deleted on {deleted_at:%Y-%m-%d}; its record stays."
    if not log.objects.path(image.sha256).exists():
        return "is missing from the store; it can come back from a backup of objects/."
    return "is damaged: its bytes are not what was received. %venice verify lists all that are."


def _image(log: Log, record: RunRecord, image: ImageRecord) -> Image:
    draft, path = record.draft, log.objects.path(image.sha256)
    blurred = record.outcome is not None and record.outcome.blurred
    request = json.loads(draft.request)
    return Image(
        record=image,
        run_id=draft.run_id,
        model=draft.model,
        request=request,
        request_hash=draft.request_hash,
        path=path,
        preview=preview(path),
        seed=image.seed,
        price_usd=_share(draft.estimate_usd if record.charged_usd is None else record.charged_usd, request),
        remarks=(
            *(() if image.seed is None else seed_remark(draft.model)),
            *(("blurred by safe mode",) if blurred else ()),
        ),
        simulated=draft.base_url == DEMO_BASE_URL,
        recipe=recipe_in(record, image),
    )


def _share(run_usd: Decimal | None, request: Mapping[str, Any]) -> Decimal | None:
    """One picture's part of what its run cost, which is that of all its variants."""
    return None if run_usd is None else run_usd / int(request.get("variants", 1))


def small_picture(log: Log, record: RunRecord) -> bytes:
    """The thumbnail of a run's first picture, made where there is none yet; empty where there can be none."""
    return small_copy(log, record.images[0]) if record.images else b""


def small_copy(log: Log, image: ImageRecord) -> bytes:
    """The thumbnail of a picture, made where there is none yet; empty where its bytes are gone or damaged."""
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
    """Delete a picture's bytes for good; its record, hashes and thumbnail stay.

    Raises:
        StoreError: it cannot be deleted.
    """
    small, pixels = small_copy(log, image), None
    if log.objects.is_whole(image.sha256):
        with suppress(VeniceError):
            pixels = pixels_sha256(log.objects.path(image.sha256))
    log.delete_picture(image.sha256, small, pixels)
