"""The subjects of simulated pictures: a few landscapes, a city, a planet, an abstract.

A scene is a function of a canvas, a source of random numbers and a palette. The prompt chooses the scene, the seed
chooses how it is composed, so that one prompt with many seeds looks like one idea tried many times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .canvas import mix
from .motifs import (
    arcs,
    bands,
    clouds,
    crags,
    dune,
    firs,
    lee_side,
    ring,
    sail,
    shade,
    sky,
    snow,
    stars,
    street,
    water,
    waves,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from .canvas import Canvas
    from .palettes import Palette


def hills(canvas: Canvas, rng: Random, palette: Palette) -> None:
    """Rolling land in the haze, a sun above it, firs in front."""
    sky(canvas, rng, palette, sun_height=rng.uniform(0.2, 0.42))
    layers = 5
    for layer in range(layers):
        depth = layer / (layers - 1)
        level = 0.5 + 0.34 * depth + rng.uniform(-0.02, 0.02)
        ridge = waves(rng, level, 0.05 + 0.035 * depth, 1.2 + rng.random() * 1.6)
        colour = mix(palette.far, palette.near, depth**0.8)
        canvas.land(ridge, mix(colour, palette.sky[-1], 0.22 * (1 - depth)), colour)
        canvas.veil(palette.sky[-1], level, min(1.0, level + 0.2), 0.3 * (1 - depth))
        if layer >= layers - 2:
            firs(canvas, rng, ridge, mix(colour, palette.near, 0.6), 0.05 + 0.07 * depth)


def peaks(canvas: Canvas, rng: Random, palette: Palette) -> None:
    """Jagged ranges, the farthest with the light on one side, over a still lake."""
    sky(canvas, rng, palette, sun_height=rng.uniform(0.14, 0.3))
    shore = rng.uniform(0.74, 0.8)
    for layer in range(3):
        depth = layer / 2
        ridge = crags(rng, 0.36 + 0.19 * depth, 0.2 - 0.06 * depth)
        colour = mix(palette.far, palette.near, 0.15 + 0.7 * depth)
        canvas.land(ridge, mix(colour, palette.sun, 0.25 * (1 - depth)), colour, mix(colour, palette.sky[-1], 0.3))
        if layer == 0:
            snow(canvas, rng, ridge, mix(palette.sun, palette.sky[-1], 0.2))
        canvas.veil(palette.sky[-1], 0.5 + 0.1 * depth, shore, 0.5 - 0.2 * depth)
    water(canvas, rng, palette, shore)


def sea(canvas: Canvas, rng: Random, palette: Palette) -> None:
    """Water to the horizon, the sun low over it and its path on the waves, a sail."""
    horizon = rng.uniform(0.52, 0.64)
    sun = (rng.uniform(0.25, 0.75), horizon - rng.uniform(0.02, 0.14))
    canvas.gradient(palette.sky, 0, horizon)
    stars(canvas, rng, palette, horizon * 0.8)
    canvas.glow(sun, 0.55, mix(palette.sun, palette.sky[-1], 0.4), 0.75)
    canvas.disc(sun, rng.uniform(0.06, 0.1), palette.sun, mix(palette.sun, palette.sky[-2], 0.6))
    clouds(canvas, rng, palette, horizon)
    coast = [(x, min(horizon, y + 0.005)) for x, y in waves(rng, horizon - 0.015, 0.035, 1.4)]
    canvas.polygon([*coast, (1, horizon), (0, horizon)], mix(palette.far, palette.sky[-1], 0.45))
    water(canvas, rng, palette, horizon, sun[0])
    sail(canvas, rng, palette, horizon)


def city(canvas: Canvas, rng: Random, palette: Palette) -> None:
    """Rows of buildings against the last light, their windows lit."""
    sky(canvas, rng, palette, sun_height=rng.uniform(0.3, 0.5))
    for layer in range(4):
        depth = layer / 3
        colour = mix(mix(palette.far, palette.sky[-1], 0.35), palette.near, depth)
        street(canvas, rng, palette, colour, depth)
        canvas.veil(palette.sky[-1], 0.6, 1.0, 0.4 * (1 - depth))


def dunes(canvas: Canvas, rng: Random, palette: Palette) -> None:
    """Sand in long curves, each crest with a side in the light and a side in the shade."""
    sky(canvas, rng, palette, sun_height=rng.uniform(0.16, 0.3))
    light, dusk = mix(palette.accent, palette.sun, 0.4), mix(palette.far, palette.near, 0.5)
    for layer in range(4):
        haze = 0.6 * (1 - layer / 3)
        crest = dune(rng, 0.5 + 0.12 * layer)
        bright, dark = mix(light, palette.sky[-1], haze), mix(dusk, palette.sky[-1], haze)
        canvas.land(crest, bright, mix(bright, palette.far, 0.45))
        lee_side(canvas, rng, crest, mix(dark, bright, 0.15), mix(dark, bright, 0.65))


def planet(canvas: Canvas, rng: Random, palette: Palette) -> None:
    """A world with its ring among stars and clouds of light."""
    dark = mix(palette.near, (4, 5, 16), 0.6)
    canvas.gradient((dark, mix(dark, palette.sky[0], 0.5), dark))
    for _ in range(5):
        place = rng.uniform(-0.1, 1.1), rng.uniform(-0.1, 1.1)
        canvas.glow(place, rng.uniform(0.3, 0.7), rng.choice([palette.sky[1], palette.far, palette.sky[2]]), 0.4)
    stars(canvas, rng, palette, 1.0, always=True)
    centre, radius = (rng.uniform(0.35, 0.65), rng.uniform(0.4, 0.58)), rng.uniform(0.2, 0.3)
    tilt = rng.uniform(-0.45, 0.45)
    canvas.glow(centre, radius * 2.1, palette.sky[-2], 0.5)
    ring(canvas, palette, centre, radius, tilt, behind=True)
    canvas.disc(centre, radius, *bands(rng, palette))
    shade(canvas, centre, radius, dark)
    ring(canvas, palette, centre, radius, tilt, behind=False)
    moon = centre[0] - radius * rng.uniform(1.5, 1.9) / canvas.aspect, centre[1] - radius * rng.uniform(0.9, 1.4)
    canvas.disc(moon, radius * 0.16, palette.sun, palette.far)


def abstract(canvas: Canvas, rng: Random, palette: Palette) -> None:
    """Clouds of colour under thin-edged discs and arcs."""
    canvas.gradient(palette.sky)
    for colour in (palette.far, palette.accent, palette.sky[0], palette.sun, palette.near, palette.accent):
        canvas.glow((rng.random(), rng.random()), rng.uniform(0.35, 0.8), colour, 0.85)
    for _ in range(3):
        centre, radius = (rng.uniform(0.15, 0.85), rng.uniform(0.15, 0.85)), rng.uniform(0.08, 0.24)
        canvas.glow((centre[0] + 0.02, centre[1] + 0.04), radius * 1.5, palette.near, 0.45)
        ends = rng.sample([palette.accent, palette.sun, palette.far, palette.sky[0], palette.sky[2]], 2)
        canvas.disc(centre, radius, *ends)
    arcs(canvas, rng, palette)


SCENES: dict[str, Callable[[Canvas, Random, Palette], None]] = {
    "hills": hills,
    "sea": sea,
    "peaks": peaks,
    "city": city,
    "dunes": dunes,
    "planet": planet,
    "abstract": abstract,
}
