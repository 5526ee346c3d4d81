"""Several previews on one sheet, labeled, for places where only one image can be shown: a terminal, a PDF.

The sheet for a paper, with fonts for every script, is `plan.sheet`.
"""

from __future__ import annotations

import math
import unicodedata
from bisect import bisect_right
from typing import TYPE_CHECKING

from .format import open_image
from .preview import Preview, encode_preview

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image, ImageFont

_SIDE_PIXELS = 1600
_MAX_BYTES = 300_000
_TILE_PIXELS = 640
_GAP_PIXELS = 24
_FONT_PIXELS = 24


def contact_sheet(
    previews: Sequence[Preview | None],
    labels: Sequence[str],
    *,
    tile_pixels: int = _TILE_PIXELS,
    max_bytes: int = _MAX_BYTES,
) -> Preview:
    """Put several images on one white JPEG, each above its label, for places where only one image can be shown.

    Args:
        previews: the images in order; None is one that is missing and leaves an empty frame.
        labels: one or more short lines each; what is too long for its column is shortened. The bundled font knows
            English.
        tile_pixels: the longer side of each image at most.
        max_bytes: size of the sheet at most, in bytes.

    Raises:
        ValueError: nothing was given, or not one label for each image.
    """
    from PIL import Image, ImageDraw, ImageFont

    if not previews or len(previews) != len(labels):
        raise ValueError(f"{len(previews)} images and {len(labels)} labels do not make a sheet.")
    tile_width, tile_height, columns = _layout(previews, tile_pixels)
    letters = min(_FONT_PIXELS, max(14, tile_width // 18))
    lines = max(label.count("\n") for label in labels) + 1
    step_x, step_y = tile_width + _GAP_PIXELS, tile_height + _GAP_PIXELS + (1 + lines) * letters
    rows = math.ceil(len(previews) / columns)
    sheet = Image.new("RGB", (columns * step_x + _GAP_PIXELS, rows * step_y + _GAP_PIXELS), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(letters)
    for index, (image, label) in enumerate(zip(previews, labels, strict=True)):
        left = _GAP_PIXELS + index % columns * step_x
        top = _GAP_PIXELS + index // columns * step_y
        if image is None:
            pen.rectangle((left, top, left + tile_width - 1, top + tile_height - 1), outline="#999999", width=2)
        else:
            _paste(sheet, image, (left, top, tile_width, tile_height))
        for number, line in enumerate(label.split("\n")):
            text = _fitted(line, font, tile_width)
            pen.text(
                (left, top + tile_height + letters // 3 + number * letters * 6 // 5), text, fill="#1f2328", font=font
            )
    return encode_preview(sheet, max_bytes, None)


def _layout(previews: Sequence[Preview | None], tile_pixels: int) -> tuple[int, int, int]:
    """Tile width, tile height and number of columns that come nearest to a square sheet."""
    sizes = [(p.width, p.height) for p in previews if p] or [(1, 1)]
    aspect = max(width / height for width, height in sizes)
    tallest = max(height / width for width, height in sizes)

    def shape(columns: int) -> tuple[float, int]:
        rows = math.ceil(len(previews) / columns)
        return abs(math.log(columns * min(1.0, aspect) / (rows * min(1.0, tallest)))), -columns

    columns = min(range(1, len(previews) + 1), key=shape)
    rows = math.ceil(len(previews) / columns)
    tile = min(tile_pixels, _SIDE_PIXELS // max(columns, rows) - _GAP_PIXELS)
    return max(96, round(tile * min(1.0, aspect))), max(96, round(tile * min(1.0, tallest))), columns


def _paste(sheet: Image.Image, image: Preview, box: tuple[int, int, int, int]) -> None:
    from PIL import ImageOps

    left, top, width, height = box
    with open_image(image.data) as opened:
        tile = ImageOps.contain(opened.convert("RGBA" if image.mime == "image/png" else "RGB"), (width, height))
    place = left + (width - tile.width) // 2, top + (height - tile.height) // 2
    sheet.paste(tile, place, tile if tile.mode == "RGBA" else None)


_SPELLED = str.maketrans({"×": "x", "–": "-", "—": "-", "’": "'", "‘": "'", "“": '"', "”": '"'})


def _drawable(label: str) -> str:
    """The label in letters that the bundled font has: it shows boxes for accents and for most signs."""
    spelled = unicodedata.normalize("NFD", label.translate(_SPELLED))
    return "".join(letter for letter in spelled if not unicodedata.combining(letter))


def _fitted(label: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width_pixels: int) -> str:
    """The label on one line, shortened until it is at most as wide as its image."""
    text = _drawable(" ".join(label.split()))
    if font.getlength(text) <= width_pixels:
        return text
    # By halves: a label may be a whole prompt, and each measurement draws the text.
    fitting = bisect_right(range(len(text)), width_pixels, key=lambda end: int(font.getlength(f"{text[:end]}…")))
    return f"{text[: max(fitting - 1, 0)].rstrip()}…"
