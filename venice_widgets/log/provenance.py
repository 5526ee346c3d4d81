"""From a run to the recipe of each of its images, which files and exports carry."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from venice_widgets.config import DEMO_BASE_URL
from venice_widgets.media.metadata.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from venice_widgets.log import ImageRecord, RunDraft, RunOutcome, RunRecord

SERVICE_VERSION = "x-venice-version"

DEMO_SERVICE = "venice-widgets simulator"
"""What drew a demo image."""


def recipe_of(
    draft: RunDraft,
    request: Mapping[str, Any],
    outcome: RunOutcome,
    image: ImageRecord,
    sent_at: datetime | None,
) -> Recipe:
    """What made an image.

    Args:
        draft: the run.
        request: its body as sent, reference images as ``sha256:…``.
        outcome: how it ended.
        image: one of its images.
        sent_at: when it was sent.
    """
    simulated = draft.base_url == DEMO_BASE_URL
    return Recipe(
        request=request,
        seed=image.seed,
        model=outcome.other_model(draft.model),
        rewritten_prompt=outcome.enhanced_prompt or "",
        run_id=draft.run_id,
        request_hash=draft.request_hash,
        base_url=draft.base_url,
        service=DEMO_SERVICE if simulated else "Venice.ai",
        simulated=simulated,
        service_version=outcome.headers.get(SERVICE_VERSION, ""),
        image_sha256=image.sha256,
        mime=image.mime,
        width=image.width,
        height=image.height,
        sent_at=sent_at,
    )


def recipe_in(record: RunRecord, image: ImageRecord) -> Recipe:
    """The recipe of one of the images of a run on record."""
    assert record.outcome is not None  # noqa: S101  it gave an image
    return recipe_of(record.draft, json.loads(record.draft.request), record.outcome, image, record.sent_at)
