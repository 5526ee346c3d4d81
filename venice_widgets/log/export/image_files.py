"""Every image of the log as a file with its recipe inside, named by model, seed and run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from venice_widgets.errors import InvalidRequest
from venice_widgets.log import RUN_ENDING
from venice_widgets.log.export.new_files import name_is_taken
from venice_widgets.log.provenance import recipe_in
from venice_widgets.media.saving import EXTENSIONS, check_metadata, save_copy

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from venice_widgets.log import ImageRecord, Log, RunRecord
    from venice_widgets.media.saving import Metadata

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def write_images(
    log: Log, folder: Path, records: Iterable[RunRecord], metadata: Metadata = "full"
) -> tuple[int, tuple[str, ...]]:
    """Save a copy of every image into a folder; files that are there already stay, and are not counted.

    Returns:
        How many were written, and the notices, a sentence each.

    Raises:
        InvalidRequest: `metadata` is not one of the choices.
        StoreError: the folder cannot be written.
    """
    check_metadata(metadata)
    count, notices = 0, dict[str, None]()
    for record in records:
        for place, image in enumerate(record.images):
            if log.is_deleted(image.sha256):
                continue
            name = file_name(record, image, place)
            try:
                count += _save(log, folder / name, record, image, metadata, notices)
            except InvalidRequest as exc:
                notices[f"{name}: {exc.message}"] = None
    return count, tuple(notices)


def file_name(record: RunRecord, image: ImageRecord, place: int) -> str:
    """``z-image-turbo-41-K7Q2M9XD.webp``; a second image of a run has its place as well."""
    model = _UNSAFE.sub("_", record.draft.model).strip(".")[:60] or "model"
    more = f"-{place + 1}" if place else ""
    seed = "unknown" if image.seed is None else image.seed
    return f"{model}-{seed}-{record.run_id[-RUN_ENDING:]}{more}.{EXTENSIONS.get(image.mime, 'bin')}"


def _save(
    log: Log, path: Path, record: RunRecord, image: ImageRecord, metadata: Metadata, notices: dict[str, None]
) -> int:
    if name_is_taken(path):
        notices[f"{path.name} was there already and stays."] = None
        return 0
    data = log.objects.read_if_whole(image.sha256)
    if data is None:
        notices[f"{path.name} is left out: its image is missing or damaged in the store (%venice verify)."] = None
        return 0
    saved = save_copy(data, path, recipe_in(record, image), mime=image.mime, metadata=metadata)
    notices.update(dict.fromkeys(saved.notices))
    return 1
