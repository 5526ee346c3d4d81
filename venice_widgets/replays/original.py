"""What a replay starts from: a request as it was sent, and what is known of the image that it made.

It comes from the log, or from a file or a notebook alone; then it may lack the image, the prices of its time and the
version of the service, and anyone may have written it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from venice_widgets.errors import InvalidRequest, StoreError
from venice_widgets.generation.image import Image
from venice_widgets.log import RunRecord
from venice_widgets.log.provenance import SERVICE_VERSION

from .read_recipe import FoundRecipe, is_file_name, read_recipe

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from venice_widgets.log import Log
    from venice_widgets.session import Session

    from .read_recipe import ImageKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """A request of the past and its first image."""

    run_id: str
    """Empty where it is not known."""
    request: Mapping[str, Any]
    """The body as sent, reference images as ``sha256:…``."""
    exact: bool = True
    """Whether it is the request itself, whole."""
    base_url: str = ""
    made_at: datetime | None = None
    rewritten_prompt: str = ""
    answered: bool = True
    """Whether an image came, so that a missing rewritten prompt means that none was rewritten."""
    service_version: str = ""
    model_id: str = ""
    """The model that answered, where that is known."""
    entry: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The model's catalogue entry as it stood; empty where it is not known."""
    blurred: bool | None = None
    sha256: str = ""
    """Of the image as received; empty where there was none."""
    image_bytes: bytes | None = field(default=None, repr=False)
    image_kind: ImageKind = "received"
    missing: str = ""
    """Why the image is not available, a clause."""
    notices: tuple[str, ...] = ()
    """What is wrong with the file that it was read from, a sentence each."""


Source = str | Path | Image | RunRecord | FoundRecipe
"""What a replay can start from: see `past_of`."""


def past_of(source: Source, session: Session) -> Original:
    """The original that a user means.

    Args:
        source: a run's id or unique ending, ``last``, its record or one of its images; a file with its recipe, by its
            path or a name with more than letters and digits; or what was read from a file or notebook.
        session: whose log is searched.

    Raises:
        InvalidRequest: it is nothing of these.
        StoreError: no such run.
        UnreadableFile: the file cannot be read, or does not say what made it.
    """
    if isinstance(source, Path) or (isinstance(source, str) and source and is_file_name(source)):
        source = read_recipe(source, session=session)
    if isinstance(source, FoundRecipe):
        return _of_found(source, session.log)
    if isinstance(source, RunRecord):
        return _of_record(source, session.log)
    name = source.run_id if isinstance(source, Image) else source
    if not isinstance(name, str):
        raise InvalidRequest(
            f"{name!r} is nothing that can be replayed.", "Give a run's id, an image, or a file. Nothing was sent."
        )
    return _of_record(session.log.get(name), session.log)


def _of_record(record: RunRecord, log: Log) -> Original:
    draft, outcome = record.draft, record.outcome
    headers = outcome.headers if outcome else {}
    sha256 = record.images[0].sha256 if record.images else ""
    image_bytes, missing = _kept(log, sha256) if sha256 else (None, f"the run was {record.status} and has no image")
    return Original(
        run_id=draft.run_id,
        request=json.loads(draft.request),
        base_url=draft.base_url,
        made_at=record.sent_at or draft.created_at,
        rewritten_prompt=(outcome.enhanced_prompt if outcome else None) or "",
        answered=bool(record.images),
        service_version=headers.get(SERVICE_VERSION, ""),
        model_id=(outcome.served_model if outcome else "") or "",
        entry=draft.catalogue_entry,
        blurred=outcome.blurred if outcome else None,
        sha256=sha256,
        image_bytes=image_bytes,
        missing=missing,
    )


def _of_found(found: FoundRecipe, log: Log) -> Original:
    """From the log where the run is there and its request is the same; else from what was found alone."""
    recipe = found.recipe
    try:
        record = log.get(recipe.run_id) if len(recipe.run_id) == 26 else None
    except StoreError:
        record = None
    exact = found.exact and recipe.seed is not None
    if record is not None and exact and record.draft.request_hash == recipe.request_hash:
        return _of_record(record, log)
    image_bytes, kind, missing = found.image_bytes, found.image_kind, ""
    kept, _ = _kept(log, recipe.image_sha256) if recipe.image_sha256 else (None, "")
    if kept is not None:
        image_bytes, kind = kept, "received"
    if image_bytes is None:
        missing = f"{found.where} does not hold it"
    return Original(
        run_id=recipe.run_id,
        request=recipe.request,
        exact=exact,
        base_url=recipe.base_url,
        made_at=recipe.sent_at,
        rewritten_prompt=recipe.rewritten_prompt,
        service_version=recipe.service_version,
        model_id=recipe.model,
        sha256=recipe.image_sha256,
        image_bytes=image_bytes,
        image_kind=kind,
        missing=missing,
        notices=found.notices,
    )


def _kept(log: Log, sha256: str) -> tuple[bytes | None, str]:
    """An image from the object store, if it still has its hash; else why not."""
    try:
        data = log.objects.read(sha256)
    except StoreError:
        return None, "it is not in the store any longer"
    if hashlib.sha256(data).hexdigest() != sha256:
        return None, "its file in the store is damaged (%venice verify)"
    return data, ""
