"""The moods that a simulated picture can have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .canvas import Colour


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours that go together."""

    sky: tuple[Colour, ...]
    """From the zenith to the horizon."""
    sun: Colour
    far: Colour
    near: Colour
    accent: Colour
    night: bool = False


def _colour(code: str) -> Colour:
    return int(code[0:2], 16), int(code[2:4], 16), int(code[4:6], 16)


def _palette(sky: str, sun: str, far: str, near: str, accent: str, *, night: bool = False) -> Palette:
    shades = tuple(_colour(code) for code in sky.split())
    return Palette(shades, _colour(sun), _colour(far), _colour(near), _colour(accent), night)


PALETTES = (
    _palette("3b2f63 8e4a7b e8776a fbb56b ffdf9e", "fff3cf", "b5607a", "21183d", "ffc46b"),
    _palette("0f4c5c 1f7a8c 5fb49c b8dfb4 eef5cf", "fffbe0", "5d9f97", "0b2b33", "f4a259"),
    _palette("0b1030 1b2559 3c3f8f 7a5ba6 c98bb9", "f7f3e3", "4b4a8e", "080b1f", "ffd27d", night=True),
    _palette("5aa9e6 8cc7ee b9def2 e3f1ee fdf3dc", "ffffff", "86b5ba", "1e4d4a", "ff8360"),
    _palette("5b2333 a23e48 e2725b f6a96c ffd9a0", "ffeec2", "b2504f", "2b0f1c", "7fc8c2"),
    _palette("274060 3f6c8f 8bb0bf d9dcd1 f6e9d7", "fff8ec", "7d98a1", "1b2a38", "e07a5f"),
    _palette("06141f 0d2b38 13525c 2a8c82 86d6b0", "eafff4", "16505a", "041016", "b8f2c9", night=True),
    _palette("f2a5a0 f7bfa9 fbd8ba fdebd0 fff6e3", "ffffff", "e2a29a", "6d3b52", "5c80bc"),
    _palette("24324f 4d5d8b 9a86b2 dba9b4 fbd6c0", "fff1df", "8d7da6", "1c2440", "f9c784"),
)
