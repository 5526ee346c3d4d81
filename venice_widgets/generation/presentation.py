"""A generation as a notebook shows it: its images, and a tile with the reason for each one that is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from venice_widgets.display import Bundle, Card, image_cards
from venice_widgets.log import RUN_ENDING

from .image import card_of, output_record, plain_line
from .run import MissingImages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .image import Image
    from .run import Run

FROM_LOG = "From the log, at no cost"


def show(
    images: Sequence[Image],
    *,
    summary: str,
    prompt: str,
    notes: Sequence[str],
    missing: Sequence[Run] = (),
    from_log: Sequence[Image] = (),
    base_url: str = "",
) -> Bundle:
    """Images and what is missing, as one grid; images from the log under a heading of their own.

    Args:
        images: the new ones.
        summary: the line above them.
        prompt: the alternative text of all.
        notes: what to say once about all of them.
        missing: the runs without an image.
        from_log: images that were made before and are shown again.
        base_url: where the requests were sent.
    """
    cards = [card_of(image, prompt) for image in images]
    cards += [_missing_card(run) for run in missing]
    section = FROM_LOG if cards and from_log else ""
    cards += [card_of(image, prompt, section=section) for image in from_log]
    shown = (*images, *from_log)  # in the order of the cards, by which a notebook's reader tells which is which
    plain = "\n".join(plain_line(image) for image in shown) or summary
    return image_cards(
        cards,
        summary=summary,
        notes=list(notes),
        plain=plain,
        record=output_record(shown, base_url),
        simulated="simulated" not in summary and any(image.simulated for image in shown),
    )


def _missing_card(run: Run) -> Card:
    reason = MissingImages((run,)).reason
    return Card(alt="", heading=f"seed {run.seed}", aside=run.run_id[-RUN_ENDING:], missing=reason)
