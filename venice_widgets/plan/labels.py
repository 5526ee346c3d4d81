"""Text on a sheet in any script: in the fonts of this machine, and right to left where that is so.

Pillow draws one font at a time and brings Latin letters only. Here a line is cut into runs, each in the first font that
has its letters; Pillow's own layout (Raqm, HarfBuzz) then shapes each run. Emoji come from a color font where there is
one. A letter that no font has is drawn as its code point in brackets, so that a label never turns into boxes.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from venice_widgets.files.platform import font_folders

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from PIL import Image, ImageFont

_PREFERRED = (
    "NotoSans-Regular", "DejaVuSans", "LiberationSans-Regular", "Arial", "Helvetica", "SegoeUI", "segoeui",
    "NotoSansArabic-Regular", "NotoNaskhArabic-Regular", "NotoSansHebrew-Regular", "NotoSansCJK-Regular",
    "NotoSansCJKjp-Regular", "PingFang", "msyh", "YuGothM", "NotoSansThai-Regular", "NotoSansDevanagari-Regular",
    "NotoColorEmoji", "Apple Color Emoji", "seguiemj",
)  # fmt: skip
"""Tried first, in this order; then every other regular font."""
_EMOJI = ("NotoColorEmoji", "Apple Color Emoji", "seguiemj")
_BITMAP_PIXELS = 109
"""The one size that Noto Color Emoji has."""
_JOINERS = "\u200d\ufe0e\ufe0f\u200c"
_SKIN_TONES = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
_MOST_FONTS = 400
_MOST_CODES = 8
"""Of a letter with its marks on average; longer texts are made of marks."""


@dataclass(frozen=True, slots=True)
class _Run:
    """Letters that one font has."""

    text: str
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont
    width: int
    emoji: bool
    rtl: bool


@dataclass(frozen=True, slots=True)
class Label:
    """One line, ready to be drawn."""

    runs: tuple[_Run, ...]
    size: int
    rtl: bool

    @property
    def width(self) -> int:
        """In pixels."""
        return sum(run.width for run in self.runs)

    @property
    def height(self) -> int:
        """In pixels, with the space to the next line."""
        return round(self.size * 1.35)

    def draw(self, sheet: Image.Image, pen: Any, left: int, top: int, ink: str) -> None:
        """Draw it with its upper left corner there."""
        baseline = top + round(self.size * 1.05)
        for run in reversed(self.runs) if self.rtl else self.runs:
            if run.emoji:
                _draw_emoji(sheet, run, left, top, self.size)
            else:
                direction = _direction(run.font, run.rtl)
                pen.text((left, baseline), run.text, fill=ink, font=run.font, anchor="ls", direction=direction)
            left += run.width


def fit(text: str, size: int, width: int, *, lines: int) -> list[Label]:
    """A text on at most so many lines of so many pixels; the last one ends in … where it is longer.

    Args:
        text: any text; white space is made one space.
        size: the font's, in pixels.
        width: of a line.
        lines: at most.
    """
    words = _bounded(" ".join(text.split()), lines * _most_letters(size, width))
    found: list[Label] = []
    while words and len(found) < lines:
        taken, rest = _line(words, size, width)
        if rest and len(found) == lines - 1:
            taken, rest = _shortened(words, size, width), ""
        found.append(_label(taken, size))
        words = rest
    return found or [_label("", size)]


def _bounded(text: str, most: int) -> str:
    """Not more than can be seen, since each measurement lays the whole text out: a label may be a prompt of 7,000."""
    most *= _MOST_CODES
    return text if len(text) <= most else f"{text[:most]}…"


def _most_letters(size: int, width: int) -> int:
    """More letters than a line can hold: the narrowest, such as ``i``, take a quarter of the font's size."""
    return max(0, width) * 8 // size + 1


def _line(text: str, size: int, width: int) -> tuple[str, str]:
    """As many words as go on a line, at least some letters of the first; and the rest."""
    pieces = list(islice(_clusters(text), _most_letters(size, width)))
    head = "".join(pieces[: _fitting(pieces, size, width)])
    if head == text:
        return text, ""
    cut = head.rfind(" ")
    if cut > len(head) * 0.4:
        return head[:cut], text[cut + 1 :]
    return head, text[len(head) :].lstrip()


def _shortened(text: str, size: int, width: int) -> str:
    pieces = list(islice(_clusters(text), _most_letters(size, width)))
    return "".join(pieces[: _fitting(pieces, size, width, "…")]).rstrip() + "…"


def _fitting(pieces: Sequence[str], size: int, width: int, end: str = "") -> int:
    """How many letters are at most as wide as a line, with what follows them; one at least."""
    known = range(1, len(pieces) + 1)
    found = bisect_right(known, width, key=lambda count: _label("".join(pieces[:count]) + end, size).width)
    return max(1, found)


def _clusters(text: str) -> Iterator[str]:
    """What must not be torn apart: a letter with its marks, an emoji with what is joined to it."""
    cluster = ""
    for letter in text:
        joined = letter in _JOINERS or unicodedata.category(letter)[0] == "M" or letter in _SKIN_TONES
        if cluster and not joined and not cluster.endswith("\u200d"):
            yield cluster
            cluster = ""
        cluster += letter
    if cluster:
        yield cluster


@lru_cache(maxsize=2048)
def _label(text: str, size: int) -> Label:
    base_rtl = _is_rtl(text)
    runs = tuple(_runs(text, size, base_rtl=base_rtl))
    return Label(runs, size, base_rtl)


def _is_rtl(text: str) -> bool:
    """By its first letter with a direction, as the Unicode bidirectional algorithm has it (rule P2)."""
    for letter in text:
        kind = unicodedata.bidirectional(letter)
        if kind in ("R", "AL"):
            return True
        if kind == "L":
            return False
    return False


def _runs(text: str, size: int, *, base_rtl: bool) -> Iterator[_Run]:
    """Pieces in one font and one direction. Spaces and digits go with what is around them."""
    pending, key = "", None
    for cluster in _clusters(text):
        this = _font_for(cluster, size), _rtl_of(cluster, base_rtl if key is None else key[1])
        # A space goes with what is before it, but for that of a font of emoji, which is as wide as an emoji.
        stays = cluster.isspace() and not (key is not None and key[0] is not None and key[0][1])
        if key is not None and this != key and not stays:
            yield _run(pending, *key, size)
            pending = ""
            key = this
        pending += cluster
        key = key or this
    if pending and key is not None:
        yield _run(pending, *key, size)


def _rtl_of(cluster: str, before: bool) -> bool:  # noqa: FBT001  a direction, not a switch
    kind = unicodedata.bidirectional(cluster[0])
    return True if kind in ("R", "AL") else False if kind in ("L", "EN") else before


def _run(text: str, source: tuple[str, bool] | None, rtl: bool, size: int) -> _Run:  # noqa: FBT001  likewise
    if source is None:
        shown = "".join(f"[U+{ord(letter):04X}]" for letter in text if letter not in _JOINERS)
        font = _default(size)
        return _Run(shown, font, round(font.getlength(shown)), emoji=False, rtl=False)
    path, emoji = source
    font = _load(path, _BITMAP_PIXELS if emoji else size)
    direction = None if emoji else _direction(font, rtl)
    width = font.getlength(text, direction=direction) if direction else font.getlength(text)
    return _Run(text, font, round(width * (size / _BITMAP_PIXELS if emoji else 1)), emoji=emoji, rtl=rtl)


def _direction(font: ImageFont.FreeTypeFont | ImageFont.ImageFont, rtl: bool) -> str | None:  # noqa: FBT001  likewise
    """What tells Pillow to write from right to left; None for a font without Raqm, such as Pillow's own."""
    from PIL import ImageFont

    shaped = getattr(font, "layout_engine", None) == ImageFont.Layout.RAQM and _has_raqm()
    return "rtl" if rtl and shaped else None


def _draw_emoji(sheet: Image.Image, run: _Run, left: int, top: int, pixels: int) -> None:
    from PIL import Image, ImageDraw

    box = run.font.getbbox(run.text)
    tile = Image.new("RGBA", (max(1, round(box[2])), max(1, round(box[3]))), (255, 255, 255, 0))
    ImageDraw.Draw(tile).text((0, 0), run.text, font=run.font, embedded_color=True)
    scale = pixels / _BITMAP_PIXELS
    size = max(1, round(tile.width * scale)), max(1, round(tile.height * scale))
    small = tile.resize(size, Image.Resampling.LANCZOS)
    sheet.paste(small, (left, top), small)


# Fonts.


def _font_for(cluster: str, size: int) -> tuple[str, bool] | None:
    """The first font that has every letter of a cluster, and whether it is one of emoji; None where none has."""
    del size
    letters = tuple(letter for letter in cluster if letter not in _JOINERS) or (" ",)
    if letters[0] in "\t\n\u00a0 ":
        letters = (" ",)
    emoji_first = "\ufe0f" in cluster or _is_emoji(letters[0])
    return _search(letters, emoji_first)


@lru_cache(maxsize=8192)
def _search(letters: tuple[str, ...], emoji_first: bool) -> tuple[str, bool] | None:  # noqa: FBT001  a cache key
    fonts = sorted(_fonts(), key=lambda path: not _is_emoji_font(path)) if emoji_first else _fonts()
    for path in ("", *fonts) if not emoji_first else fonts:
        if all(_has(path, letter) for letter in letters):
            return path, bool(path) and _is_emoji_font(path)
    return None


def _is_emoji(letter: str) -> bool:
    return "\U0001f000" <= letter <= "\U0001faff" or (unicodedata.category(letter) == "So" and letter >= "\u2600")


def _is_emoji_font(path: str) -> bool:
    return Path(path).stem in _EMOJI


@cache
def _fonts() -> tuple[str, ...]:
    """Every regular font of this machine, the well-known ones first."""
    found = [
        path
        for folder in font_folders()
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in (".ttf", ".otf", ".ttc")
    ]
    regular = [path for path in found if not _is_variant(path.stem)]
    rank = {name: number for number, name in enumerate(_PREFERRED)}
    ordered = sorted(regular, key=lambda path: (rank.get(path.stem, len(rank)), path.stem))
    return tuple(str(path) for path in ordered[:_MOST_FONTS])


def _is_variant(name: str) -> bool:
    words = ("bold", "italic", "oblique", "light", "thin", "black", "condensed", "mono", "medium", "serif")
    return any(word in name.casefold() for word in words)


@lru_cache(maxsize=65536)
def _has(path: str, letter: str) -> bool:
    """Whether a font has a letter: what it lacks is drawn like a code point that no font has."""
    try:
        font = _load(path, _BITMAP_PIXELS if path and _is_emoji_font(path) else 16)
        if letter == " ":
            return True
        return _shape(font, letter) != _shape(font, "\U000effff")
    except OSError:
        return False


def _shape(font: ImageFont.FreeTypeFont | ImageFont.ImageFont, letter: str) -> bytes:
    mask = font.getmask(letter, mode="1") if not hasattr(font, "path") else font.getmask(letter)
    return bytes(repr(mask.size), "ascii") + bytes(mask)


@lru_cache(maxsize=256)
def _load(path: str, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    from PIL import ImageFont

    return ImageFont.truetype(path, size) if path else _default(size)


@lru_cache(maxsize=64)
def _default(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    from PIL import ImageFont

    return ImageFont.load_default(size)


@cache
def _has_raqm() -> bool:
    from PIL import features

    return bool(features.check("raqm"))


def known_fonts() -> Sequence[str]:
    """The fonts that labels may use, for `%venice doctor` and tests."""
    return _fonts()
