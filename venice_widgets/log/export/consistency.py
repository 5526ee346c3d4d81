"""Whether a run from another store says the same in all its parts.

Its request has a hash, is what a replay sends, and finds the image that is shown again at no cost. The run's own seed,
model and prompt are copies of it, for searching and showing. A copy that disagrees was changed: believed, it would show
a seed that never made the image.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from venice_widgets.errors import UnreadableFile
from venice_widgets.files.hashed import digest_of_tag
from venice_widgets.log import Status
from venice_widgets.log.rows import COPIES, contradictions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from venice_widgets.log import RunRecord

_NEAR = timedelta(hours=1)
"""A run's id and its time are taken from the clock together; the clock may be set between them."""


def check_consistent(record: RunRecord) -> None:
    """Refuse a run whose parts contradict each other.

    Raises:
        UnreadableFile: the first contradiction, with both values.
    """
    for check in (_copies, _entry, _images, _charge, _origin):
        for contradiction in check(record):
            raise UnreadableFile(f"{contradiction}: it was changed.")


def _copies(record: RunRecord) -> Iterator[str]:
    request = json.loads(record.draft.request)
    said = {name: getattr(record.draft, name) for name in COPIES}
    for name in contradictions(record.draft.request, said):
        yield f"its {name} is {said[name]!r:.60}, and its request says {request.get(name)!r:.60}"
    if digest_of_tag(record.draft.body_sha256) is None:
        yield f"the hash of its body is {record.draft.body_sha256!r:.60}"
    variants = request.get("variants", 1)
    if type(variants) is not int or variants < 1:
        yield f"its request asks for {variants!r:.60} variants"


def _entry(record: RunRecord) -> Iterator[str]:
    """The catalogue entry is what a replay's price is compared with."""
    described = record.draft.catalogue_entry.get("id", record.draft.model)
    if described != record.draft.model:
        yield f"its model is {record.draft.model!r:.60}, and its catalogue entry is of {described!r:.60}"


def _images(record: RunRecord) -> Iterator[str]:
    """Only a run that succeeded has images, and only the first of several variants has a known seed."""
    if bool(record.images) != (record.status is Status.SUCCEEDED):
        yield f"it is {record.status}, and has {len(record.images) or 'no'} images"
    for place, image in enumerate(record.images):
        if image.seed is not None and (place or image.seed != record.draft.seed):
            yield f"its image {place + 1} has the seed {image.seed}, and its request sent {record.draft.seed}"


def _charge(record: RunRecord) -> Iterator[str]:
    if (record.charged_usd is None) != (record.charge_source is None):
        yield f"its charge is {record.charged_usd}, and who says so is {record.charge_source!r:.60}"


def _origin(record: RunRecord) -> Iterator[str]:
    from ulid import ULID

    draft = record.draft
    if draft.parent_run_id == draft.run_id:
        yield "it is its own parent"
    if bool(draft.parent_run_id) != bool(draft.relation):
        yield f"its parent is {draft.parent_run_id!r:.60}, and what it is to it is {draft.relation!r:.60}"
    made = ULID.from_str(draft.run_id).datetime
    if abs(made - draft.created_at) > _NEAR:
        yield f"its id is of {made:%Y-%m-%d %H:%M}, and its time is {draft.created_at:%Y-%m-%d %H:%M}"
