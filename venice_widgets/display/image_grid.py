"""Images in a grid, each with its caption."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from .html import (
    BADGE,
    CODE,
    DOT,
    EMPTY,
    FLUID,
    MUTED,
    Bundle,
    attribute,
    base64_text,
    box,
    escaped,
    image_tag,
    labeled,
    one_line,
    root,
    sentence,
    shortened,
    unmarked,
)
from .terminal import fitted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_log = logging.getLogger("venice_widgets.display")


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One image with the words under it, or a tile of the same shape for one that is missing."""

    heading: str
    """What tells it from its neighbors: ``seed 41``."""
    alt: str
    """What represents the image where it cannot be seen: the prompt. Shortened at a word."""
    data: bytes = b""
    """The preview, a JPEG or PNG; empty where the image is missing."""
    mime: str = "image/jpeg"
    """Of the preview."""
    width: int = 1
    """Of the preview, or expected of the missing image, in pixels or as one side of a ratio."""
    height: int = 1
    """As `width`."""
    aside: str = ""
    """Small, opposite the heading: the end of the run's id."""
    details: str = ""
    """``1024 × 1024 · $0.01 · webp``; a new line is kept."""
    caption: str = ""
    """A prompt of its own, where the images of one output have several; about three lines are shown."""
    notes: tuple[str, ...] = ()
    """What must not be overlooked: ``blurred by safe mode``."""
    section: str = ""
    """The heading above it and its neighbors of the same section; empty for none."""
    hint: str = ""
    """Shown while the pointer rests on the image: how to see it at its full size."""
    missing: str = ""
    """Why there is no image, in words: ``refused by the content policy, not charged``."""


def image_cards(
    cards: Sequence[Card],
    *,
    summary: str,
    notes: Sequence[str] = (),
    plain: str,
    record: Mapping[str, Any],
    prompt: str = "",
    simulated: bool = False,
) -> Bundle:
    """Show images as one grid that wraps, with the summary above and the notes below.

    Args:
        cards: the images in order.
        summary: one line: count × price, model, size, time.
        notes: what the whole output should say once.
        plain: one line for each image, for a terminal. Missing images and notes follow it on lines of their own.
        record: JSON for the notebook's metadata, under the key ``venice``; empty for none.
        prompt: of all images, where no cell above them tells it; about five lines are shown.
        simulated: label the output as not real and free of charge.
    """
    head = labeled(sentence(summary), simulated=simulated)
    parts = [f'<p style="margin:0 0 8px;{MUTED}">{head}</p>' if head else ""]
    parts += [f'<p dir="auto" style="margin:0 0 8px">{escaped(shortened(prompt, 500))}</p>'] if prompt else []
    parts += [
        f"{_heading(section)}{_grid(list(group))}" for section, group in groupby(cards, lambda card: card.section)
    ]
    parts.extend(box(note, "note", None) for note in notes)
    first = "\n".join(map(one_line, plain.splitlines()))
    first += " · simulated" if simulated and "simulated" not in plain else ""
    rest = [f"{card.heading}: {card.missing}" for card in cards if not card.data] + [unmarked(note) for note in notes]
    image, image_metadata = _image(cards)
    data = {"text/html": root(*parts), "text/plain": fitted([first, *map(one_line, rest)]), **image}
    return Bundle(data, {**({"venice": dict(record)} if record else {}), **image_metadata})


def full_size(data: bytes, mime: str, width: int, height: int, *, alt: str, caption: str) -> Bundle:
    """Show one image at its own size, in a frame that scrolls.

    Args:
        data: the image as it was received: a browser reads it.
        mime: of the image.
        width: in pixels.
        height: in pixels.
        alt: what represents it where it cannot be seen: the prompt.
        caption: the line under it, and all that a terminal shows.
    """
    image = image_tag(data, mime, alt, (width, height), "max-width:none")
    frame = f'<div style="overflow-x:auto">{image}</div><p style="margin:4px 0 12px;{MUTED}">{escaped(caption)}</p>'
    return Bundle({"text/html": root(frame), "text/plain": one_line(caption)}, {})


def _heading(section: str) -> str:
    return f'<p style="margin:10px 0 6px"><b>{escaped(section)}</b></p>' if section else ""


def _grid(cards: Sequence[Card]) -> str:
    """Columns of equal width, as many as make even rows in the width that there is.

    One expression decides, since neither scripts nor media queries reach an output: of all numbers of columns that give
    even rows, the greatest whose columns are wide enough. ``max(share, (least - 100%) * 999)`` is the share where the
    grid is wider than that number of columns needs, and huge where it is not. The first declaration is for sanitizers
    that drop such expressions.
    """
    if not cards:
        return ""
    ratio = math.exp(sum(math.log(card.width / card.height) for card in cards) / len(cards))
    least, best = _least_width(ratio), _best_width(ratio, len(cards))
    counts = _even_columns(len(cards))
    widths = [
        f"max(calc({99.9 / count:.2f}% - {_GAP}px),calc(({_total(least, count)}px - 100%)*999))" for count in counts
    ]
    style = (
        f"display:grid;gap:{_GAP}px;align-items:start;justify-content:start;max-width:{_total(best, counts[0])}px;"
        f"grid-template-columns:repeat(auto-fill,minmax({least}px,1fr));"
        f"grid-template-columns:repeat(auto-fill,minmax(min(100%,{','.join(widths)}),1fr))"
    )
    widest = max(card.width / card.height for card in cards)
    return f'<div style="{style}">{"".join(_figure(card, best, widest) for card in cards)}</div>'


_GAP = 14
_MOST_COLUMNS = 6


def _even_columns(count: int) -> list[int]:
    """The numbers of columns in which `count` images give even rows, descending: the last row lacks one at the most.

    Longer grids may lack up to half a row.
    """
    most = min(count, _MOST_COLUMNS)
    lacking = {columns: -count % columns for columns in range(1, most + 1)}
    return [
        columns
        for columns in range(most, 0, -1)
        if lacking[columns] <= (1 if count <= 2 * _MOST_COLUMNS else columns // 2)
    ]


def _least_width(ratio: float) -> int:
    """The narrowest column for images of this shape, in pixels: their captions must fit too."""
    return round(min(240, max(150, 150 * math.sqrt(ratio))))


def _best_width(ratio: float, count: int) -> int:
    """The width that a column has where there is room, in pixels: about the same area whatever the shape."""
    side = {1: 448, 2: 320}.get(count, 280)
    return round(min(700, max(180, side * math.sqrt(ratio))))


def _total(width: int, count: int) -> int:
    return width * count + _GAP * (count - 1)


def _figure(card: Card, best: int, widest: float) -> str:
    """An image of about the same area as its neighbors, whatever its shape."""
    ratio = card.width / card.height
    share = math.sqrt(ratio / widest)
    width = max(1, round(best * share))
    height = max(1, round(width / ratio))
    narrow = f";width:{100 * share:.1f}%" if share < 0.995 else ""
    return (
        f'<figure style="margin:0 0 4px{narrow}">'
        f"{_image_tag(card, (width, height)) if card.data else _tile(height / width)}"
        f'<figcaption style="margin-top:5px;text-align:left">{_figcaption(card)}</figcaption></figure>'
    )


def _image_tag(card: Card, size: tuple[int, int]) -> str:
    return image_tag(card.data or b"", card.mime, card.alt, size, f"{FLUID};border-radius:6px", card.hint)


def _tile(height_to_width: float) -> str:
    """An empty frame of the image's shape: padding in percent follows the width, as an image does."""
    return f'<div style="padding:0 0 {100 * height_to_width:.1f}%;border-radius:6px;{EMPTY}"></div>'


def _figcaption(card: Card) -> str:
    wrap = "nowrap" if len(card.heading) <= 24 else "normal"
    lines = [_parts([f'<b style="white-space:{wrap}">{escaped(card.heading)}</b>', *_aside(card)])]
    lines += [_parts([f"<span>{_unbroken(part)}</span>" for part in line.split(" · ")], MUTED) for line in _lines(card)]
    reason = f'<div dir="auto">{escaped(shortened(card.missing, 400))}</div>' if card.missing else ""
    prompt = f'<div dir="auto" title="{attribute(shortened(card.caption, 300))}">' if card.caption else ""
    caption = f"{prompt}{escaped(shortened(card.caption, 120))}</div>" if card.caption else ""
    return "".join(lines) + reason + caption + " ".join(map(_badge, card.notes))


def _aside(card: Card) -> list[str]:
    return [f'<span style="{CODE};{MUTED}">{escaped(card.aside)}</span>'] if card.aside else []


def _lines(card: Card) -> list[str]:
    return [line for line in card.details.split("\n") if line]


def _parts(parts: Sequence[str], style: str = "") -> str:
    """Parts on one line that breaks between them alone.

    On screen a gap divides them, so that no dot is at the beginning or the end of a line.
    """
    line = f"display:flex;flex-wrap:wrap;gap:0 10px{f';{style}' if style else ''}"
    return f'<div style="{line}">{DOT.join(parts)}</div>'


def _unbroken(text: str) -> str:
    """Text that does not break within itself while it is short: a size, a price, a seed."""
    return escaped(text.replace(" ", "\N{NO-BREAK SPACE}") if len(text) <= 24 else text)


def _badge(text: str) -> str:
    return (
        f'<span dir="auto" style="{BADGE};background-color:rgba(255,193,7,.3)">{escaped(shortened(text, 160))}</span>'
    )


def _image(cards: Sequence[Card]) -> tuple[dict[str, str], dict[str, Any]]:
    """A small labeled copy of everything, for where HTML is not shown: PDF by LaTeX, consoles, terminals.

    The HTML holds the previews, and this is far smaller than they are: a notebook stores no preview twice.
    """
    from venice_widgets.media.contact_sheet import contact_sheet
    from venice_widgets.media.preview import Preview

    shown: list[Preview | None] = [
        Preview(card.data, card.mime, card.width, card.height) if card.data else None for card in cards
    ]
    if not any(shown):
        return {}, {}
    labels = [" · ".join((card.heading, card.missing or _first_line(card))).strip(" ·") for card in cards]
    labels = ["\n".join((one_line(label), *card.notes)) for label, card in zip(labels, cards, strict=True)]
    try:
        sheet = contact_sheet(shown, labels, tile_pixels=480 if len(cards) == 1 else 300, max_bytes=_sheet_bytes(cards))
    except Exception:  # noqa: BLE001  whatever keeps this copy from being made, the images themselves are shown
        _log.debug("the small copy of an output cannot be made", exc_info=True)
        return {}, {}
    return {sheet.mime: base64_text(sheet.data)}, {sheet.mime: {"width": sheet.width, "height": sheet.height}}


def _first_line(card: Card) -> str:
    return next(iter(_lines(card)), "")


def _sheet_bytes(cards: Sequence[Card]) -> int:
    return min(100_000, 15_000 + 10_000 * len(cards))
