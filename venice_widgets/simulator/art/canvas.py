"""What the scenes are painted with: gradients, glows and smooth shapes on a picture whose sides run from 0 to 1.

Pillow alone. Shapes are drawn on stencils of twice the size and reduced, which is what makes their edges smooth.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Colour = tuple[int, int, int]
Point = tuple[float, float]


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """A colour between two: the first at 0, the second at 1."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


class Canvas:
    """A picture under work.

    Args:
        width: in pixels.
        height: in pixels.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self.image = Image.new("RGB", (width, height))

    @property
    def aspect(self) -> float:
        """Width over height, which keeps circles round."""
        return self.width / self.height

    def gradient(self, colours: Sequence[Colour], top: float = 0.0, bottom: float = 1.0) -> None:
        """Fill a band of the picture from its first colour at the top to its last at the bottom."""
        first = round(top * self.height)
        last = max(first + 1, round(bottom * self.height))
        self.image.paste(_blend(colours, self.width, last - first), (0, first))

    def veil(self, colour: Colour, top: float, bottom: float, strength: float) -> None:
        """Mist: nothing at the top of the band, its full strength (0 … 1) at the bottom."""
        first, last = round(top * self.height), round(bottom * self.height)
        strip = Image.new("L", (1, 2))
        strip.putdata([0, round(255 * strength)])
        self.image.paste(colour, (0, first), _stretched(strip, self.width, max(1, last - first)))

    def glow(self, centre: Point, radius: float, colour: Colour, strength: float = 1.0) -> None:
        """Light that fades from the centre; the radius is in heights of the picture."""
        side = max(2, round(radius * self.height * 2))
        # Pillow's radial gradient is 0 in the middle and reaches the edge of its circle at 180.
        fading = [round(max(0.0, 1 - value / 180) ** 2 * 255 * strength) for value in range(256)]
        mask = Image.radial_gradient("L").point(fading).resize((side, side), Image.Resampling.BILINEAR)
        corner = round(centre[0] * self.width - side / 2), round(centre[1] * self.height - side / 2)
        self.image.paste(colour, corner, mask)

    def disc(self, centre: Point, radius: float, *fill: Colour) -> None:
        """A filled circle; the radius is in heights of the picture."""
        turns = [step / 120 * math.tau for step in range(120)]
        across = radius / self.aspect
        self.polygon([(centre[0] + math.cos(a) * across, centre[1] + math.sin(a) * radius) for a in turns], *fill)

    def land(self, ridge: Sequence[Point], *fill: Colour) -> None:
        """All that lies under a line from the left edge to the right."""
        self.polygon([*ridge, (1.0, 1.0), (0.0, 1.0)], *fill)

    def polygon(self, points: Sequence[Point], *fill: Colour, opacity: float = 1.0) -> None:
        """A shape filled with one colour, or with several from its top to its bottom; opacity is 0 … 1."""
        left, top, right, bottom = self._bounds(points)
        if left >= right or top >= bottom:
            return
        stencil = Image.new("L", ((right - left) * 2, (bottom - top) * 2))
        places = [((x * self.width - left) * 2, (y * self.height - top) * 2) for x, y in points]
        ImageDraw.Draw(stencil).polygon(places, fill=round(255 * opacity))
        paint: Image.Image | Colour = fill[0] if len(fill) == 1 else _blend(fill, right - left, bottom - top)
        self.image.paste(paint, (left, top, right, bottom), stencil.reduce(2))

    def rectangles(self, boxes: Iterable[tuple[float, float, float, float]], colour: Colour) -> None:
        """Upright rectangles: left, top, right, bottom."""
        draw = ImageDraw.Draw(self.image)
        for left, top, right, bottom in boxes:
            x, y = round(left * self.width), round(top * self.height)
            draw.rectangle(
                (x, y, max(x, round(right * self.width) - 1), max(y, round(bottom * self.height) - 1)), colour
            )

    def _bounds(self, points: Sequence[Point]) -> tuple[int, int, int, int]:
        xs = [x * self.width for x, _ in points]
        ys = [y * self.height for _, y in points]
        return (
            max(0, math.floor(min(xs))),
            max(0, math.floor(min(ys))),
            min(self.width, math.ceil(max(xs))),
            min(self.height, math.ceil(max(ys))),
        )


def _blend(colours: Sequence[Colour], width: int, height: int) -> Image.Image:
    strip = Image.new("RGB", (1, len(colours)))
    strip.putdata(list(colours))
    return _stretched(strip, width, height)


def _stretched(strip: Image.Image, width: int, height: int) -> Image.Image:
    """A strip one pixel wide as a band: interpolated between the middles of its first and last pixel."""
    box = (0.0, 0.5, 1.0, strip.height - 0.5) if strip.height > 1 else None
    column = strip.resize((1, height), Image.Resampling.BILINEAR, box=box)
    return column.resize((width, height), Image.Resampling.NEAREST)
