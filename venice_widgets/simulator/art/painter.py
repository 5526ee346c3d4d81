"""From what decides an image to its bytes: the scene, the DEMO stamp, the format.

The same `Commission` gives the same bytes with the same Pillow. Small and large images of one commission show the same
scene: its places are shares of its sides.
"""

from __future__ import annotations

import hashlib
import io
import math
import re
from dataclasses import dataclass
from random import Random

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from .scenes import PALETTES, RIDGES, scene

DRAWN_SIDE_PIXELS = 96, 768
"""The longer side that a scene is drawn with, at least and at most."""
SMALLEST_STAMPED_SIDE = 64
SUBJECTS = {
    "sea": r"sea|ocean|lake|beach|harbou?r|ship|boat|water|wave|coast",
    "city": r"city|cities|street|skyline|town|tower|building|house|architect",
    "peaks": r"mountain|peak|alp|glacier|snow|desert|dune",
    "hills": r"forest|fox|hill|tree|wood|valley|field|deer|cabin|landscape",
}


@dataclass(frozen=True, slots=True)
class Commission:
    """All that decides what an image looks like."""

    prompt: str
    settings: str
    """The model and every other field that changes the image, as text."""
    content: int
    """The seed, or a random number where the seed changes nothing."""
    width: int
    height: int
    stamp: str
    """Written small after DEMO."""
    format: str = "webp"
    blurred: bool = False
    blacked_out: bool = False
    exif_description: str | None = None


def paint(commission: Commission) -> bytes:
    """The image in its format: webp, png or jpeg."""
    size = (commission.width, commission.height)
    if commission.blacked_out:
        return _encode(Image.new("RGB", size), commission)
    image = _scene(commission)
    if commission.blurred:
        image = image.resize((24, 24)).filter(ImageFilter.GaussianBlur(2))
    if image.size != size:
        image = image.resize(size, Image.Resampling.BICUBIC)
    _stamp(image, commission.stamp)
    return _encode(image, commission)


def _scene(commission: Commission) -> Image.Image:
    least, most = DRAWN_SIDE_PIXELS
    longer = max(commission.width, commission.height)
    scale = min(most, max(least, longer)) / longer
    width, height = max(1, round(commission.width * scale)), max(1, round(commission.height * scale))
    rng = Random(_number(f"{commission.prompt}\n{commission.settings}\n{commission.content}"))  # noqa: S311 - scenery
    palette = PALETTES[(_number(commission.prompt) + commission.content) % len(PALETTES)]
    return scene(_subject(commission.prompt), rng, palette, width, height)


def _subject(prompt: str) -> str:
    for subject, words in SUBJECTS.items():
        if re.search(rf"\b(?:{words})", prompt, re.IGNORECASE):
            return subject
    return sorted(RIDGES)[_number(prompt) % len(RIDGES)]


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8])


def _stamp(image: Image.Image, text: str) -> None:
    """DEMO in a corner, large enough to read when the image is shown small."""
    if min(image.size) < SMALLEST_STAMPED_SIDE:
        return
    side = min(math.sqrt(image.width * image.height), 2 * min(image.size))
    large, small = ImageFont.load_default(side * 0.062), ImageFont.load_default(side * 0.036)
    edge, high, wide = round(side * 0.03), round(side * 0.09), round(large.getlength("DEMO"))
    top = image.height - edge - high
    plate = Image.new("L", (min(image.width - 2 * edge, edge * 3 + wide + round(small.getlength(text))), high))
    ImageDraw.Draw(plate).rounded_rectangle((0, 0, plate.width - 1, high - 1), high * 0.28, fill=185)
    image.paste((14, 16, 24), (edge, top), plate)
    draw, middle = ImageDraw.Draw(image), top + high / 2
    bold = round(side * 0.0016)
    draw.text((edge * 2, middle), "DEMO", (255, 255, 255), large, "lm", stroke_width=bold, stroke_fill=(255, 255, 255))
    draw.text((edge * 3 + wide, middle), text, (228, 231, 238), small, "lm")


def _encode(image: Image.Image, commission: Commission) -> bytes:
    buffer = io.BytesIO()
    formats: dict[str, dict[str, object]] = {
        "png": {"compress_level": 1},
        "jpeg": {"quality": 88},
        "webp": {"quality": 80, "method": 0},
    }
    options = formats[commission.format]
    if commission.exif_description is not None:
        exif = Image.Exif()
        exif[0x010E] = commission.exif_description
        exif[0x0131] = "Venice simulator"
        options = {**options, "exif": exif}
    image.save(buffer, commission.format, **options)
    return buffer.getvalue()
