"""The measures that a comparison rests on, with Pillow alone.

Images are processed in strips, so that a pair in 4K takes little more than its own size, and in tiles of 32 pixels,
so that a change in one place is found there. Values are 8 bits a channel.
"""

from __future__ import annotations

import math
import statistics
from array import array
from typing import TYPE_CHECKING, NamedTuple

from .format import open_image
from .limits import COMPARED_PIXELS, check_pixels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.Image import Image

_TILE, _BLOCK, _STRIP = 32, 8, 256
_SIDE, _LOW = 32, 8


class Box(NamedTuple):
    """A part of an image, in pixels; right and bottom are the first pixels outside."""

    left: int
    top: int
    right: int
    bottom: int


class Tile(NamedTuple):
    """A tile and the mean of its squared differences, over its pixels and channels."""

    box: Box
    squared_error: float


def decoded(data: bytes) -> Image:
    """The first frame of a file, as RGB, or as RGBA where it is transparent somewhere.

    Raises:
        UnreadableFile: it cannot be decoded, or has more than `limits.COMPARED_PIXELS` pixels.
    """
    with open_image(data) as image:
        check_pixels(image.width, image.height, COMPARED_PIXELS, "This image")
        return _in_eight_bits(image)


def scaled(image: Image, size: tuple[int, int]) -> Image:
    """The image in another size, or itself."""
    from PIL import Image

    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)


def same_mode(first: Image, second: Image) -> tuple[Image, Image]:
    """Both with an alpha channel, multiplied in, if one has it: colors under full transparency do not count."""
    if first.mode == second.mode == "RGB":
        return first, second
    return first.convert("RGBA").convert("RGBa"), second.convert("RGBA").convert("RGBa")


def luma(image: Image) -> Image:
    """Brightness, over mid-gray where the image is transparent."""
    from PIL import Image

    if image.mode == "RGB":
        return image.convert("L")
    whole = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", whole.size, (128, 128, 128, 255)), whole).convert("L")


def tiles(first: Image, second: Image) -> list[Tile]:
    """Every tile, row by row, with its error."""
    return list(_tiles(*same_mode(first, second)))


def mean_squared_error(measured: list[Tile]) -> float:
    """Over the whole image; tiles at the edges are smaller and count less."""
    areas = [(box.right - box.left) * (box.bottom - box.top) for box, _ in measured]
    return sum(tile.squared_error * area for tile, area in zip(measured, areas, strict=True)) / sum(areas)


def psnr_db(squared_error: float) -> float:
    """Peak signal-to-noise ratio of 8-bit values, infinite where there is no error."""
    return 10 * math.log10(255**2 / squared_error) if squared_error else math.inf


def around(boxes: list[Box]) -> Box | None:
    """The smallest box around all, or None without any."""
    if not boxes:
        return None
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return Box(min(lefts), min(tops), max(rights), max(bottoms))


def ssim(first: Image, second: Image) -> float:
    """Structural similarity (Wang et al. 2004) of two luma images, over blocks of 8 × 8 pixels, from −1 to 1."""
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    total, blocks = 0.0, 0
    for strip in _strips(first):
        x, y = first.crop(strip).convert("F"), second.crop(strip).convert("F")
        products = (_product(x, x), _product(y, y), _product(x, y))
        for a, b, aa, bb, ab in zip(*(_means(image, _BLOCK) for image in (x, y, *products)), strict=True):
            luminance = (2 * a * b + c1) / (a * a + b * b + c1)
            structure = (2 * (ab - a * b) + c2) / (aa - a * a + bb - b * b + c2)
            total, blocks = total + luminance * structure, blocks + 1
    return total / blocks


def hash_distance(first: Image, second: Image) -> int:
    """Bits of 64 in which the perceptual hashes of two luma images differ; about 32 where nothing is common."""
    return (_perceptual_hash(first) ^ _perceptual_hash(second)).bit_count()


def detail(image: Image) -> list[float]:
    """The energy of a luma image's fine detail, which is what a small blur takes away, in the order of `tiles`."""
    from PIL import ImageChops, ImageFilter

    fine = ImageChops.difference(image, image.filter(ImageFilter.BoxBlur(2)))
    parts = [fine.crop(strip) for strip in _strips(fine)]
    return [energy for part in parts for energy in _means(_product(part, part), _TILE)]


def _in_eight_bits(image: Image) -> Image:
    if image.mode.startswith("I"):
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L").convert("RGB")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _strips(image: Image) -> Iterator[tuple[int, int, int, int]]:
    for top in range(0, image.height, _STRIP):
        yield 0, top, image.width, min(top + _STRIP, image.height)


def _tiles(first: Image, second: Image) -> Iterator[Tile]:
    from PIL import ImageChops

    for strip in _strips(first):
        _, start, width, end = strip
        bands = ImageChops.difference(first.crop(strip), second.crop(strip)).split()
        errors = zip(*(_means(_product(band, band), _TILE) for band in bands), strict=True)
        columns = math.ceil(width / _TILE)
        for number, error in enumerate(errors):
            left, top = number % columns * _TILE, start + number // columns * _TILE
            box = Box(left, top, min(left + _TILE, width), min(top + _TILE, end))
            yield Tile(box, sum(error) / len(bands))


def _product(first: Image, second: Image) -> Image:
    from PIL import ImageMath

    product: Image = ImageMath.lambda_eval(lambda given: given["a"] * given["b"], a=first, b=second)
    return product.convert("F")


def _means(image: Image, side: int) -> array[float]:
    """The means of the squares of this side in an image of floats, row by row."""
    return array("f", image.reduce(side).tobytes())


def _perceptual_hash(image: Image) -> int:
    """Which of the 64 lowest cosine frequencies of the image, made small, lie above their median."""
    from PIL import Image

    small = image.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS).tobytes()
    waves = [[math.cos(math.pi * k * (2 * n + 1) / (2 * _SIDE)) for n in range(_SIDE)] for k in range(_LOW)]
    rows = [[_dot(wave, small[y * _SIDE : (y + 1) * _SIDE]) for y in range(_SIDE)] for wave in waves]
    frequencies = [_dot(wave, row) for wave in waves for row in rows]
    middle = statistics.median(frequencies)
    return sum((value > middle) << place for place, value in enumerate(frequencies))


def _dot(wave: list[float], values: list[float] | bytes) -> float:
    return sum(a * b for a, b in zip(wave, values, strict=True))
