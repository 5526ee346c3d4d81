"""From a commission to the bytes of a picture: the scene, the DEMO stamp, the format.

The same commission gives the same bytes with the same Pillow. Small pictures and large ones of one commission show the
same scene: it is painted at one size and scaled.
"""

from __future__ import annotations

import hashlib
import io
import math
import re
from dataclasses import dataclass
from random import Random

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from .canvas import Canvas
from .palettes import PALETTES
from .scenes import SCENES

PAINTED_SIDE = 1024
SMALLEST_STAMPED_SIDE = 64
SUBJECTS = {
    "sea": r"sea|ocean|lake|beach|harbou?r|ship|boat|water|wave|coast",
    "city": r"city|cities|street|skyline|town|tower|building|house|architect",
    "peaks": r"mountain|peak|alp|glacier|snow",
    "dunes": r"desert|dune|sand|camel",
    "planet": r"planet|space|galaxy|cosm|star|moon|astronaut",
    "abstract": r"abstract|logo|icon|pattern|geometr|poster",
    "hills": r"forest|fox|hill|tree|wood|valley|field|deer|cabin|landscape",
}


@dataclass(frozen=True, slots=True)
class Commission:
    """All that decides what a picture looks like."""

    prompt: str
    settings: str
    """The model and every other field that has an influence, as text."""
    content: int
    """The seed, or a number drawn where the seed has no influence."""
    width: int
    height: int
    stamp: str
    """Written small behind DEMO."""
    format: str = "webp"
    blurred: bool = False
    blacked_out: bool = False
    exif_description: str | None = None


def paint(commission: Commission) -> bytes:
    """The picture in its format: webp, png or jpeg."""
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
    scale = PAINTED_SIDE / max(commission.width, commission.height)
    canvas = Canvas(max(1, round(commission.width * scale)), max(1, round(commission.height * scale)))
    idea = _number(commission.prompt)
    rng = Random(_number(f"{commission.prompt}\n{commission.settings}\n{commission.content}"))  # noqa: S311 - scenery
    SCENES[_subject(commission.prompt)](canvas, rng, PALETTES[(idea + commission.content) % len(PALETTES)])
    return canvas.image


def _subject(prompt: str) -> str:
    for subject, words in SUBJECTS.items():
        if re.search(rf"\b(?:{words})", prompt, re.IGNORECASE):
            return subject
    return sorted(SCENES)[_number(prompt) % len(SCENES)]


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8])


def _stamp(image: Image.Image, text: str) -> None:
    """DEMO in a corner, large enough to be read when the picture is shown small."""
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
    ways: dict[str, dict[str, object]] = {
        "png": {"compress_level": 1},
        "jpeg": {"quality": 88},
        "webp": {"quality": 80, "method": 0 if max(image.size) > 1600 else 1},
    }
    options = ways[commission.format]
    if commission.exif_description is not None:
        exif = Image.Exif()
        exif[0x010E] = commission.exif_description
        exif[0x0131] = "Venice simulator"
        options = {**options, "exif": exif}
    image.save(buffer, commission.format, **options)
    return buffer.getvalue()
