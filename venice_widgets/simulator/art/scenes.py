"""The scenes of simulated images: ridges under a sun, in the shape of hills, peaks or a city, or the sea.

The prompt chooses the shape, the seed chooses colors and places: one prompt with many seeds looks like one idea tried
many times. Places are shares of the image: 0 to 1 from its left and from its top.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

Color = tuple[int, int, int]
Ridge = list[tuple[float, float]]

SMOOTH = 2
"""Scenes are drawn this many times larger and reduced, which makes their edges smooth."""


def _colors(codes: str) -> list[Color]:
    return [(int(code[0:2], 16), int(code[2:4], 16), int(code[4:6], 16)) for code in codes.split()]


PALETTES = [
    _colors(codes)
    for codes in (
        "3b2f63 8e4a7b e8776a fbb56b ffdf9e fff3cf b5607a 21183d",
        "0f4c5c 1f7a8c 5fb49c b8dfb4 eef5cf fffbe0 5d9f97 0b2b33",
        "0b1030 1b2559 3c3f8f 7a5ba6 c98bb9 f7f3e3 4b4a8e 080b1f",
        "5aa9e6 8cc7ee b9def2 e3f1ee fdf3dc ffffff 86b5ba 1e4d4a",
        "5b2333 a23e48 e2725b f6a96c ffd9a0 ffeec2 b2504f 2b0f1c",
        "06141f 0d2b38 13525c 2a8c82 86d6b0 eafff4 16505a 041016",
        "f2a5a0 f7bfa9 fbd8ba fdebd0 fff6e3 ffffff e2a29a 6d3b52",
        "24324f 4d5d8b 9a86b2 dba9b4 fbd6c0 fff1df 8d7da6 1c2440",
    )
]
"""Five colors of the sky from the top down, the sun, the farthest ridge, the nearest."""


def scene(subject: str, rng: Random, palette: Sequence[Color], width: int, height: int) -> Image.Image:
    """The scene of a subject.

    Args:
        subject: one of `RIDGES`.
        rng: decides every place.
        palette: one of `PALETTES`.
        width: in pixels.
        height: in pixels.
    """
    *sky, sun, far, near = palette
    image = _gradient(sky, width * SMOOTH, height * SMOOTH)
    horizon = rng.uniform(0.52, 0.62)
    _sun(image, rng, sun, horizon if subject == "sea" else 0.4)
    draw = ImageDraw.Draw(image)
    layers = 1 if subject == "sea" else 4
    for layer in range(layers):
        depth = layer / 3
        ridge = RIDGES[subject](rng, horizon - 0.1 + 0.4 * depth, 0.04 if subject == "sea" else 0.16 - 0.05 * depth)
        color = mix(mix(far, sky[-1], 0.3), near, depth)
        _polygon(draw, [*ridge, (1.0, 1.0), (0.0, 1.0)], color)
        if subject == "city" and layer:
            _windows(draw, rng, ridge, mix(color, sun, 0.2 + 0.6 * depth))
    if subject == "sea":
        _water(image, rng, [mix(color, near, 0.4) for color in reversed(sky)], sun, horizon)
    return image.reduce(SMOOTH)


def mix(first: Color, second: Color, share: float) -> Color:
    """A color between two: the first at 0, the second at 1."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def _gradient(colors: Sequence[Color], width: int, height: int) -> Image.Image:
    strip = Image.new("RGB", (1, len(colors)))
    strip.putdata(list(colors))
    column = strip.resize((1, max(1, height)), Image.Resampling.BILINEAR, box=(0.0, 0.5, 1.0, len(colors) - 0.5))
    return column.resize((width, max(1, height)), Image.Resampling.NEAREST)


def _sun(image: Image.Image, rng: Random, color: Color, lowest: float) -> None:
    """A disk with a glow around it, above the lowest place."""
    side = min(image.size)
    x, y = rng.uniform(0.2, 0.8) * image.width, rng.uniform(0.14, lowest - 0.08) * image.height
    for radius, strength in ((0.62 * side, 0.6), (rng.uniform(0.06, 0.1) * side, None)):
        box = (round(x - radius), round(y - radius), round(x + radius), round(y + radius))
        if strength is None:
            ImageDraw.Draw(image).ellipse(box, color)
            continue
        # Pillow's radial gradient is 0 in the middle and reaches the edge of its circle at 180.
        fade = [round(max(0.0, 1 - value / 180) ** 2 * 255 * strength) for value in range(256)]
        glow = Image.radial_gradient("L").point(fade).resize((box[2] - box[0], box[3] - box[1]))
        image.paste(color, box[:2], glow)


def _polygon(draw: ImageDraw.ImageDraw, points: Ridge, color: Color) -> None:
    width, height = draw.im.size
    draw.polygon([(x * width, y * height) for x, y in points], color)


def _hills(rng: Random, level: float, swing: float) -> Ridge:
    """A rolling line: three octaves of a sine."""
    waves = [(swing / 3 / 1.8**octave, (1.1 + rng.random()) * 2**octave, rng.random()) for octave in range(3)]
    return [
        (
            step / 64,
            level + sum(size * math.sin(math.tau * (often * step / 64 + phase)) for size, often, phase in waves),
        )
        for step in range(65)
    ]


def _peaks(rng: Random, level: float, swing: float) -> Ridge:
    """A jagged line with one summit, by displaced midpoints."""
    heights = [rng.uniform(-0.5, 0.6) for _ in range(4)]
    heights[rng.randrange(1, 3)], rough = -1.2, 0.45
    for _ in range(5):
        middles = [(a + b) / 2 + rng.uniform(-rough, rough) for a, b in itertools.pairwise(heights)]
        heights = [value for pair in zip(heights, middles, strict=False) for value in pair] + heights[-1:]
        rough /= 2
    return [(index / (len(heights) - 1), level + swing * height) for index, height in enumerate(heights)]


def _city(rng: Random, level: float, swing: float) -> Ridge:
    """A line of roofs."""
    roofs: Ridge = []
    left = -0.02
    while left < 1:
        right, top = left + rng.uniform(0.04, 0.1), level + swing * rng.uniform(-1.5, 0.6)
        roofs += [(left, top), (right, top)]
        left = right
    return roofs


def _windows(draw: ImageDraw.ImageDraw, rng: Random, roofs: Ridge, color: Color) -> None:
    """Lit windows under the roofs."""
    width, height = draw.im.size
    step = min(width, height) / 50
    for (left, top), (right, _) in zip(roofs[::2], roofs[1::2], strict=True):
        rows, columns = int((1 - top) * height / step), int((right - left) * width / step)
        places = [(row, column) for row in range(1, rows) for column in range(columns)]
        for row, column in rng.sample(places, len(places) // 4):
            x, y = left * width + (column + 0.3) * step, top * height + row * step
            draw.rectangle((x, y, x + step * 0.4, y + step * 0.5), color)


def _water(image: Image.Image, rng: Random, shades: Sequence[Color], light: Color, horizon: float) -> None:
    """The sky upside down and darker, with broken light on it and a sail."""
    top = round(horizon * image.height)
    image.paste(_gradient(shades, image.width, image.height - top), (0, top))
    draw, middle = ImageDraw.Draw(image), rng.uniform(0.25, 0.75)
    for _ in range(90):
        deep = rng.random() ** 1.6
        x, y = rng.gauss(middle, 0.03 + 0.14 * deep), horizon + 0.01 + deep * (1 - horizon)
        half, thick = 0.01 + 0.04 * deep * rng.random(), 0.002 + 0.004 * deep
        _polygon(draw, [(x - half, y), (x, y - thick), (x + half, y), (x, y + thick)], mix(light, shades[1], deep / 2))
    x, y, tall = rng.uniform(0.15, 0.85), horizon + rng.uniform(0.04, 0.1), rng.uniform(0.09, 0.15)
    _polygon(draw, [(x, y - tall), (x + tall / 2, y), (x, y)], light)
    _polygon(draw, [(x - 0.005, y - tall * 0.8), (x - 0.005, y), (x - tall / 3, y)], mix(light, shades[0], 0.3))
    _polygon(
        draw,
        [(x - tall / 2, y + 0.006), (x + tall / 2, y + 0.006), (x + tall / 3, y + 0.025), (x - tall / 3, y + 0.025)],
        shades[-1],
    )


RIDGES: dict[str, Callable[[Random, float, float], Ridge]] = {
    "hills": _hills,
    "peaks": _peaks,
    "city": _city,
    "sea": _hills,
}
"""The subjects, and the line that each is built of."""
