"""Pictures in a grid, each with the words under it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .html import (
    CODE,
    MUTED,
    SOFT,
    Bundle,
    attribute,
    base64_text,
    box,
    escaped,
    one_line,
    root,
    sentence,
    shortened,
    unmarked,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_BADGE = "display:inline-block;margin:3px 4px 0 0;padding:0 6px;border-radius:3px"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One picture with the words under it, or a tile of the same shape for one that is missing."""

    heading: str
    """What tells it from its neighbours: ``seed 41``."""
    alt: str
    """What stands for the picture where it cannot be seen: the prompt. Shortened at a word."""
    data: bytes = b""
    """The preview, a JPEG or PNG; empty where the picture is missing."""
    mime: str = "image/jpeg"
    """Of the preview."""
    width: int = 1
    """Of the preview, or expected of the missing picture, in pixels or as one side of a ratio."""
    height: int = 1
    """As `width`."""
    aside: str = ""
    """Small, opposite the heading: the end of the run's id."""
    details: str = ""
    """``1024 × 1024 · $0.01 · webp``; a new line is kept."""
    caption: str = ""
    """A prompt of its own, where the pictures of one output have several; about three lines are shown."""
    notes: tuple[str, ...] = ()
    """What must not be overlooked: ``blurred by safe mode``."""
    missing: str = ""
    """Why there is no picture, in words: ``refused by the content policy, not charged``."""


def pictures(
    cards: Sequence[Card],
    *,
    summary: str,
    notes: Sequence[str] = (),
    plain: str,
    record: Mapping[str, Any],
    prompt: str = "",
    simulated: bool = False,
) -> Bundle:
    """Show pictures as one grid that wraps, with the summary above and the notes below.

    Args:
        cards: the pictures in order.
        summary: one line: count × price, model, size, time.
        notes: what the whole output should say once.
        plain: one line for each picture, for a terminal. Missing pictures and notes follow it on lines of their own.
        record: JSON for the notebook's metadata, under the key ``venice``; empty for none.
        prompt: of all pictures, where no cell above them tells it; about five lines are shown.
        simulated: label the output as not real and free of charge.
    """
    label = f'<span style="{_BADGE};background-color:rgba(128,128,128,.2)">simulated</span> ' if simulated else ""
    parts = [f'<p style="margin:0 0 8px;{MUTED}">{label}{sentence(summary)}</p>' if summary or simulated else ""]
    parts += [f'<p dir="auto" style="margin:0 0 8px">{escaped(shortened(prompt, 500))}</p>'] if prompt else []
    parts.append(_grid(cards))
    parts.extend(box(note, "note", None) for note in notes)
    first = "\n".join(map(one_line, plain.splitlines()))
    first += " · simulated" if simulated and "simulated" not in plain else ""
    rest = [f"{card.heading}: {card.missing}" for card in cards if not card.data] + [unmarked(note) for note in notes]
    image, image_metadata = _image(cards)
    data = {"text/html": root(*parts), "text/plain": "\n".join([first, *map(one_line, rest)]), **image}
    return Bundle(data, {**({"venice": dict(record)} if record else {}), **image_metadata})


def _grid(cards: Sequence[Card]) -> str:
    # Three or four stand in one row of a notebook 920 pixels wide.
    side = {1: 448, 2: 250, 3: 218, 4: 218}.get(len(cards), 180)
    # Two stand side by side even in a narrow window; one alone may take the whole width.
    widest = "100%" if len(cards) == 1 else "48%"
    figures = "".join(_figure(card, side, widest) for card in cards)
    return f'<div style="display:flex;flex-wrap:wrap;align-items:flex-start;gap:14px">{figures}</div>' if cards else ""


def _figure(card: Card, side_pixels: int, widest: str) -> str:
    """A picture of about the same area as its neighbours, whatever its shape."""
    ratio = card.width / card.height
    width = min(700, max(160, round(side_pixels * math.sqrt(ratio))))
    height = max(1, round(width / ratio))
    return (
        f'<figure style="margin:0 0 4px;width:min({width}px,{widest})">'
        f"{_img(card, width, height) if card.data else _tile(card, height / width)}"
        f'<figcaption style="margin-top:5px;text-align:left">{_figcaption(card)}</figcaption></figure>'
    )


def _img(card: Card, width: int, height: int) -> str:
    return (
        f'<img alt="{attribute(shortened(card.alt, 240))}" width="{width}" height="{height}" '
        f'style="display:block;width:100%;height:auto;border-radius:6px" '
        f'src="data:{attribute(card.mime)};base64,{base64_text(card.data)}">'
    )


def _tile(card: Card, height_to_width: float) -> str:
    """A frame of the picture's shape: padding in percent follows the width, as a picture does."""
    frame = f"position:relative;padding:0 0 {100 * height_to_width:.1f}%"
    words = (
        f"position:absolute;top:0;bottom:0;left:0;right:0;padding:8px;overflow:hidden;background-color:{SOFT};"
        "border:1px dashed rgba(128,128,128,.6);border-radius:6px;"
        "display:flex;align-items:center;justify-content:center;text-align:center"
    )
    reason = escaped(shortened(card.missing or "no picture", 160))
    return f'<div style="{frame}"><div style="{words}"><span>{reason}</span></div></div>'


def _figcaption(card: Card) -> str:
    aside = f'<span style="{CODE};{MUTED}">{escaped(card.aside)}</span>' if card.aside else ""
    heading = (
        f'<div style="display:flex;justify-content:space-between;gap:8px"><b>{escaped(card.heading)}</b> {aside}</div>'
    )
    lines = "\n".join(map(_unbroken, card.details.splitlines()))
    details = f'<div style="white-space:pre-line;{MUTED}">{lines}</div>' if lines else ""
    prompt = f'<div dir="auto" title="{attribute(shortened(card.caption, 300))}">' if card.caption else ""
    caption = f"{prompt}{escaped(shortened(card.caption, 120))}</div>" if card.caption else ""
    return heading + details + caption + " ".join(map(_badge, card.notes))


def _unbroken(line: str) -> str:
    """A line that breaks between its parts alone, not within a size or a price, while these are short."""
    parts = [part.replace(" ", "\N{NO-BREAK SPACE}") if len(part) <= 24 else part for part in line.split(" · ")]
    return escaped(" · ".join(parts))


def _badge(text: str) -> str:
    return (
        f'<span dir="auto" style="{_BADGE};background-color:rgba(255,193,7,.3)">{escaped(shortened(text, 160))}</span>'
    )


def _image(cards: Sequence[Card]) -> tuple[dict[str, str], dict[str, Any]]:
    """The one picture that stands for the output where HTML is not shown, and its size."""
    from venice_widgets.media.preview import Preview, contact_sheet

    shown: list[Preview | None] = [
        Preview(card.data, card.mime, card.width, card.height) if card.data else None for card in cards
    ]
    if not any(shown):
        return {}, {}
    labels = [f"{card.heading} · {card.aside if card.data else card.missing}".strip(" ·") for card in cards]
    picture = shown[0] if len(shown) == 1 and shown[0] else contact_sheet(shown, labels)
    return {picture.mime: base64_text(picture.data)}, {picture.mime: {"width": picture.width, "height": picture.height}}
