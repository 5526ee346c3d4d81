"""What scenes are composed of: skies, ridges, trees, water, houses, rings.

Every motif takes its places and sizes from the same source of random numbers, so that a seed decides them all.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from .canvas import mix

if TYPE_CHECKING:
    from random import Random

    from .canvas import Canvas, Colour, Point
    from .palettes import Palette


def sky(canvas: Canvas, rng: Random, palette: Palette, sun_height: float) -> None:
    """The whole sky with its light, and below the horizon the colour of the haze."""
    canvas.gradient(palette.sky, 0, 0.75)
    canvas.gradient((palette.sky[-1], palette.sky[-1]), 0.75, 1)
    stars(canvas, rng, palette, 0.5)
    sun = rng.uniform(0.18, 0.82), sun_height
    canvas.glow(sun, 0.6, mix(palette.sun, palette.sky[-1], 0.45), 0.5 if palette.night else 0.75)
    canvas.disc(sun, rng.uniform(0.05, 0.09), palette.sun)
    clouds(canvas, rng, palette, 0.5)


def stars(canvas: Canvas, rng: Random, palette: Palette, lowest: float, *, always: bool = False) -> None:
    """A hundred points above a height; only by night unless always."""
    if not (palette.night or always):
        return
    size = 0.0022
    for share, grow in ((0.5, 1.0), (0.95, 1.4)):
        places = [(rng.random(), rng.random() * lowest) for _ in range(90 if share < 0.6 else 14)]
        boxes = [(x, y, x + size * grow / canvas.aspect, y + size * grow) for x, y in places]
        canvas.rectangles(boxes, mix(palette.sky[1], palette.sun, share))


def clouds(canvas: Canvas, rng: Random, palette: Palette, lowest: float) -> None:
    """Long flat bars with round ends, two or three in a bank."""
    for _ in range(rng.randrange(1, 4)):
        colour = mix(palette.sky[-1], palette.sun, rng.random())
        left, y, length = rng.uniform(-0.1, 0.85), rng.uniform(0.12, 0.75) * lowest, rng.uniform(0.14, 0.3)
        for bar in range(rng.randrange(2, 4)):
            shift, thick = rng.uniform(-0.4, 0.4) * length, 0.009 - 0.0015 * bar
            _bar(canvas, left + shift, y + bar * 0.0145, length * rng.uniform(0.5, 1), thick, colour)


def _bar(canvas: Canvas, left: float, y: float, length: float, thick: float, colour: Colour) -> None:
    end = thick / canvas.aspect
    turns = [math.pi / 2 + step / 10 * math.pi for step in range(11)]
    around = [(left + math.cos(a) * end, y + math.sin(a) * thick) for a in turns]
    around += [(left + length - math.cos(a) * end, y - math.sin(a) * thick) for a in turns]
    canvas.polygon(around, colour)


def waves(rng: Random, level: float, swing: float, frequency: float) -> list[Point]:
    """A rolling line about a level: four octaves of a sine."""
    parts = [(swing / 1.9**octave, frequency * 2.1**octave, rng.random() * math.tau) for octave in range(4)]
    return [
        (step / 96, level + sum(size * math.sin(math.tau * often * step / 96 + phase) for size, often, phase in parts))
        for step in range(97)
    ]


def crags(rng: Random, level: float, swing: float) -> list[Point]:
    """A jagged line about a level with one summit, by displaced midpoints."""
    heights = [rng.uniform(-0.5, 0.6) for _ in range(4)]
    heights[rng.randrange(1, 3)] = -1.1
    roughness = 0.42
    for _ in range(5):
        between = [(a + b) / 2 + rng.uniform(-1, 1) * roughness for a, b in itertools.pairwise(heights)]
        heights = [value for pair in zip(heights, between, strict=False) for value in pair] + heights[-1:]
        roughness *= 0.52
    return [(index / (len(heights) - 1), level + swing * height) for index, height in enumerate(heights)]


def snow(canvas: Canvas, rng: Random, ridge: list[Point], colour: Colour) -> None:
    """A cap on the heights: from the ridge down to a ragged line, the deeper the higher the ridge."""
    lowest, highest = max(y for _, y in ridge), min(y for _, y in ridge)
    line = highest + (lowest - highest) * 0.5
    depths = [max(0.0, line - y) * rng.uniform(0.25, 0.85) for _, y in ridge]
    under = [(x, y + depth) for (x, y), depth in zip(ridge, depths, strict=True)]
    canvas.polygon([*ridge, *reversed(under)], colour)


def firs(canvas: Canvas, rng: Random, ridge: list[Point], colour: Colour, height: float) -> None:
    """A stand of trees on a ridge, thickest about one place."""
    centre, spread = rng.random(), rng.uniform(0.12, 0.3)
    for _ in range(14):
        x, tall = rng.gauss(centre, spread), height * rng.uniform(0.6, 1.25)
        half = tall * 0.2 / canvas.aspect
        under = [y for place, y in ridge if abs(place - x) <= half + 0.01]
        for tier in range(3 if under else 0):
            base, reach = max(under) + 0.004 - tall * tier * 0.27, half * (1 - tier * 0.22)
            canvas.polygon([(x - reach, base), (x, base - tall * 0.48), (x + reach, base)], colour)


def water(canvas: Canvas, rng: Random, palette: Palette, surface: float, light_at: float | None = None) -> None:
    """From its surface to the lower edge: the sky upside down, darker, and broken light."""
    shades = [mix(shade, palette.near, 0.25 + 0.45 * index / 4) for index, shade in enumerate(reversed(palette.sky))]
    canvas.gradient(shades, surface, 1)
    middle = rng.uniform(0.2, 0.8) if light_at is None else light_at
    for _ in range(130):
        deep = rng.random() ** 1.6
        y, spread = surface + 0.006 + deep * (1 - surface), 0.03 + 0.16 * deep
        x, half = rng.gauss(middle, spread), (0.012 + 0.05 * deep * rng.random())
        thick = 0.0018 + 0.004 * deep
        colour = mix(palette.sun, shades[min(4, int(deep * 5))], min(0.9, 0.15 + abs(x - middle) / spread * 0.4))
        canvas.polygon([(x - half, y), (x, y - thick), (x + half, y), (x, y + thick)], colour)


def sail(canvas: Canvas, rng: Random, palette: Palette, horizon: float) -> None:
    """A boat with two sails, near the horizon."""
    x, y, tall = rng.uniform(0.15, 0.85), horizon + rng.uniform(0.03, 0.09), rng.uniform(0.08, 0.13)
    wide = tall * 0.5 / canvas.aspect
    canvas.polygon([(x - wide * 0.1, y - tall), (x - wide * 0.1, y - 0.012), (x - wide, y - 0.012)], palette.accent)
    canvas.polygon(
        [(x, y - tall * 0.9), (x, y - 0.012), (x + wide * 0.7, y - 0.012)], mix(palette.accent, palette.sun, 0.6)
    )
    canvas.polygon(
        [(x - wide, y - 0.006), (x + wide, y - 0.006), (x + wide * 0.6, y + 0.012), (x - wide * 0.7, y + 0.012)],
        palette.near,
    )


def street(canvas: Canvas, rng: Random, palette: Palette, colour: Colour, depth: float) -> None:
    """A row of houses from edge to edge with their windows; depth runs from 0, far, to 1, near."""
    left = -rng.random() * 0.05
    houses, windows = [], []
    while left < 1:
        wide = rng.uniform(0.045, 0.1) * (0.8 + 0.6 * depth) / max(1.0, canvas.aspect)
        top = 0.38 + 0.3 * depth + rng.random() ** 2 * 0.24
        houses.append((left, top, left + wide, 1.0))
        if rng.random() < 0.25:
            houses.append((left + wide * 0.46, top - 0.06, left + wide * 0.54, top))
        windows += _windows(rng, (left, top, left + wide), depth, canvas.aspect)
        left += wide
    canvas.rectangles(houses, colour)
    canvas.rectangles(windows, mix(colour, palette.accent, 0.35 + 0.5 * depth))


def _windows(
    rng: Random, house: tuple[float, float, float], depth: float, aspect: float
) -> list[tuple[float, float, float, float]]:
    if depth == 0:
        return []
    left, top, right = house
    step_y = 0.014 + 0.008 * depth
    step_x = step_y * 0.9 / aspect
    columns, rows = int((right - left) / step_x) - 1, int((0.98 - top) / step_y)
    corners = [(left + step_x * (0.8 + c), top + step_y * (0.7 + r)) for r in range(rows) for c in range(columns)]
    return [(x, y, x + step_x * 0.55, y + step_y * 0.6) for x, y in corners if rng.random() < 0.3]


def dune(rng: Random, level: float) -> list[Point]:
    """A crest with one high point, off the middle, over a slow swell."""
    peak, height, phase = rng.uniform(0.15, 0.85), rng.uniform(0.06, 0.13), rng.random() * math.tau
    crest = []
    for step in range(97):
        x = step / 96
        rise = math.exp(-(((x - peak) / (0.2 if x < peak else 0.34)) ** 2))
        crest.append((x, level + 0.02 * math.sin(math.tau * x * 1.1 + phase) - height * rise))
    return crest


def lee_side(canvas: Canvas, rng: Random, crest: list[Point], *fill: Colour) -> None:
    """The shadow of a dune: between its crest and a curve that leaves the high point and bends with the wind."""
    top = min(range(len(crest)), key=lambda index: crest[index][1])
    x, y = crest[top]
    reach, bend = rng.uniform(0.25, 0.45), rng.uniform(0.05, 0.14)
    edge = [(x - bend * math.sin(t / 24 * math.pi * 1.4) + 0.3 * (t / 24) ** 2, y + reach * t / 24) for t in range(25)]
    canvas.polygon([*crest[top:], (1.0, y + reach), *reversed(edge)], *fill)


def bands(rng: Random, palette: Palette) -> list[Colour]:
    """The stripes of a planet, from pole to pole."""
    shades = [palette.sky[-1], palette.accent, palette.sky[-2], palette.far, palette.sky[-3], palette.sun]
    return [mix(rng.choice(shades), palette.sky[2], rng.random() * 0.5) for _ in range(11)]


def shade(canvas: Canvas, centre: Point, radius: float, dark: Colour) -> None:
    """The night side of a planet, lower right: crescents one over the other, so that dusk comes in steps."""
    half = [index / 40 * math.pi - math.pi / 2 for index in range(41)]
    limb = [_across_light(canvas, centre, radius * 1.005, angle, 1.0) for angle in half]
    for width in (-0.25, 0.0, 0.22, 0.42, 0.6):
        dusk = [_across_light(canvas, centre, radius * 1.005, angle, width) for angle in reversed(half)]
        canvas.polygon([*limb, *dusk], dark, opacity=0.34)


def _across_light(canvas: Canvas, centre: Point, radius: float, angle: float, width: float) -> Point:
    """A point of an ellipse whose long axis stands across the light from the upper left."""
    x, y, tilt = math.cos(angle) * radius * width, math.sin(angle) * radius, math.pi / 4
    return (
        centre[0] + (x * math.cos(tilt) - y * math.sin(tilt)) / canvas.aspect,
        centre[1] + x * math.sin(tilt) + y * math.cos(tilt),
    )


def ring(canvas: Canvas, palette: Palette, centre: Point, radius: float, tilt: float, *, behind: bool) -> None:
    """Half of a planet's ring: the half behind it, or the one before it."""
    start = math.pi if behind else 0.0
    for reach, colour in ((1.75, palette.accent), (1.55, mix(palette.accent, palette.sun, 0.6))):
        outer = _arc(canvas, centre, radius * reach, tilt, start)
        inner = _arc(canvas, centre, radius * (reach - 0.13), tilt, start)
        canvas.polygon([*outer, *reversed(inner)], colour)


def _arc(canvas: Canvas, centre: Point, radius: float, tilt: float, start: float) -> list[Point]:
    points = []
    for step in range(49):
        x, y = math.cos(start + step / 48 * math.pi) * radius, math.sin(start + step / 48 * math.pi) * radius * 0.28
        turned = x * math.cos(tilt) - y * math.sin(tilt), x * math.sin(tilt) + y * math.cos(tilt)
        points.append((centre[0] + turned[0] / canvas.aspect, centre[1] + turned[1]))
    return points


def arcs(canvas: Canvas, rng: Random, palette: Palette) -> None:
    """Seven strokes about one centre."""
    centre = rng.uniform(0.2, 0.8), rng.uniform(0.2, 0.8)
    begin, sweep = rng.random() * math.tau, rng.uniform(1.6, 3.4)
    for index in range(7):
        radius, thick = 0.16 + index * 0.055, 0.004 + 0.003 * (index % 3)
        outer, inner = (
            [
                (
                    centre[0] + math.cos(begin + sweep * t / 48) * r / canvas.aspect,
                    centre[1] + math.sin(begin + sweep * t / 48) * r,
                )
                for t in range(49)
            ]
            for r in (radius + thick, radius - thick)
        )
        canvas.polygon([*outer, *reversed(inner)], mix(palette.sun, palette.accent, index / 7))
