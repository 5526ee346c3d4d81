"""How large an image becomes: pixels, a ratio of about one megapixel, or a tier of that ratio.

Ratios that a model does not list fall back to its default without a word, as at the service.
"""

from __future__ import annotations

import math
import re
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .models import Model

BASE_PIXELS = 1024
ROUNDED_TO_PIXELS = 16


def image_size(
    model: Model, *, prompt: str, width: int, height: int, aspect_ratio: str | None, resolution: str | None
) -> tuple[int, int]:
    """Width and height in pixels of what the model draws. Where the ratio is ``auto``, the prompt decides it."""
    if model.sized_by == "pixels":
        return width, height
    ratio = _ratio(aspect_ratio if aspect_ratio in model.ratios else model.ratios[0]) or _chosen(model, prompt)
    side = BASE_PIXELS * _tier(resolution)
    return _rounded(side * math.sqrt(ratio)), _rounded(side / math.sqrt(ratio))


def _chosen(model: Model, prompt: str) -> float:
    choices = [ratio for ratio in map(_ratio, model.ratios) if ratio]
    return choices[zlib.crc32(prompt.encode("utf-8", "surrogatepass")) % len(choices)]


def _ratio(text: str | None) -> float | None:
    found = re.fullmatch(r"(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)", text or "")
    return float(found[1]) / float(found[2]) if found else None


def _tier(resolution: str | None) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)k", (resolution or "1K").lower())
    return float(found[1]) if found else 1.0


def _rounded(pixels: float) -> int:
    return max(ROUNDED_TO_PIXELS, round(pixels / ROUNDED_TO_PIXELS) * ROUNDED_TO_PIXELS)
