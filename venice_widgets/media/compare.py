"""How alike two images are: a grade, and the figures that it rests on.

No single measure is safe. A heavy blur leaves a perceptual hash where it was; a changed patch leaves the structure at
0.98; a mirrored image on a plain background keeps it at 0.95. So each is used only for what it is good at:

=================  =================================================================================================
equivalent         at least 40 dB over all pixels, and no tile of 32 pixels below 30 dB: nothing changed anywhere
similar            the same composition (perceptual hash, or most of what has detail unchanged), structure (SSIM) and
                   colors (the typical tile), and not blurred (fine detail is kept); it may have changed in one
                   place, which is then located
different          everything else, a heavy blur above all: another image as far as a replay goes
=================  =================================================================================================

Where an image has no fine detail, a blur changes nothing that could be measured, and is not visible either. Stored
pixels are compared, in 8 bits a channel; color profiles and orientation are ignored, and of an animation only the first
frame counts.
"""

from __future__ import annotations

import io
import math
import statistics
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from . import measures

if TYPE_CHECKING:
    from PIL.Image import Image

    from .measures import Box

EQUIVALENT_PSNR_DB = 40.0
FINE_TILE_PSNR_DB = 30.0
SIMILAR_TYPICAL_TILE_PSNR_DB = 20.0
SIMILAR_SSIM = 0.7
SIMILAR_HASH_DISTANCE = 16
SIMILAR_DETAIL_KEPT = 0.25
SIMILAR_DETAIL_UNCHANGED = 0.5
_DETAILED = 4.0


class Grade(StrEnum):
    """From the same file to another image."""

    IDENTICAL_BYTES = "identical bytes"
    IDENTICAL_PIXELS = "identical pixels"
    EQUIVALENT = "equivalent"
    SIMILAR = "similar"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The comparison of two images; places are in pixels of the original."""

    grade: Grade
    size_changed: bool = False
    """Whether the replay has other dimensions; it was scaled to the original's, and is similar at best."""

    psnr_db: float | None = None
    """Over all channels of all pixels; None where no pixel differs."""

    typical_tile_psnr_db: float | None = None
    """The median over the tiles; None where more than half of them are the same."""

    worst_tile_psnr_db: float | None = None
    """None where no pixel differs."""

    worst_tile: Box | None = None
    changed_area: Box | None = None
    """Around every tile below 30 dB; None where there is none."""

    changed_share: float = 0.0
    """How many of the tiles are below 30 dB, from 0 to 1."""

    ssim: float = 1.0
    """Structural similarity of the brightness, from −1 to 1; 1 is the same."""

    hash_distance: int = 0
    """Bits of 64 in which the perceptual hashes differ; about 32 where nothing is common."""

    detail_kept: float = 1.0
    """Energy of fine detail, the replay's over the original's; near 0 the replay is blurred.

    The median over the tiles where the original has fine detail, so that neither a changed patch nor a plain
    background decides it; 1 where there are none.
    """

    detail_unchanged: float | None = None
    """How many of those tiles are at 30 dB or better, from 0 to 1; None where there are none."""


def compare(original: bytes, replay: bytes) -> Comparison:
    """Compare an image with the one that its recipe made again.

    Raises:
        UnreadableFile: one of them cannot be decoded, or has more than 50 million pixels.
    """
    if original == replay:
        return Comparison(Grade.IDENTICAL_BYTES)
    first, second = measures.decoded(original), measures.decoded(replay)
    measured = _measured(first, second)
    return replace(measured, grade=_grade(measured))


def difference_image(original: bytes, replay: bytes, *, amplification: int = 8) -> bytes:
    """Where and how much two images differ, as a PNG in the size of the original: black is the same.

    Args:
        original: the image that is compared with.
        replay: the image that is compared; scaled where its size differs.
        amplification: what each channel's difference is multiplied by, 1 to 255; what passes white stays white.

    Raises:
        UnreadableFile: one of them cannot be decoded, or has more than 50 million pixels.
    """
    from PIL import ImageChops

    first, second = _in_one_size(measures.decoded(original), measures.decoded(replay))
    difference = ImageChops.difference(*measures.same_mode(first, second))
    if difference.mode != "RGB":
        *colors, alpha = difference.split()
        difference = _joined([ImageChops.lighter(band, alpha) for band in colors])
    file = io.BytesIO()
    difference.point(lambda value: min(255, value * amplification)).save(file, "PNG", compress_level=1)
    return file.getvalue()


def _measured(first: Image, second: Image) -> Comparison:
    """All figures; the grade is not decided yet."""
    size_changed = first.size != second.size
    first, second = _in_one_size(first, second)
    tiles = measures.tiles(first, second)
    worst = max(tiles, key=lambda tile: tile.squared_error)
    if worst.squared_error == 0:
        return Comparison(Grade.IDENTICAL_PIXELS, size_changed=size_changed)
    lumas = measures.luma(first), measures.luma(second)
    changed = [box for box, error in tiles if not _is_fine(error)]
    detailed = [
        (after / before, _is_fine(tile.squared_error))
        for before, after, tile in zip(*(measures.detail(luma) for luma in lumas), tiles, strict=True)
        if before > _DETAILED
    ]
    return Comparison(
        Grade.DIFFERENT,
        size_changed=size_changed,
        psnr_db=_decibels(measures.mean_squared_error(tiles)),
        typical_tile_psnr_db=_decibels(statistics.median(error for _, error in tiles)),
        worst_tile_psnr_db=_decibels(worst.squared_error),
        worst_tile=worst.box,
        changed_area=measures.around(changed),
        changed_share=len(changed) / len(tiles),
        ssim=measures.ssim(*lumas),
        hash_distance=measures.hash_distance(*lumas),
        detail_kept=statistics.median(ratio for ratio, _ in detailed) if detailed else 1.0,
        detail_unchanged=statistics.fmean(is_fine for _, is_fine in detailed) if detailed else None,
    )


def _grade(measured: Comparison) -> Grade:
    if not measured.size_changed:
        if measured.psnr_db is None:
            return Grade.IDENTICAL_PIXELS
        if measured.psnr_db >= EQUIVALENT_PSNR_DB and measured.changed_area is None:
            return Grade.EQUIVALENT
    typical = math.inf if measured.typical_tile_psnr_db is None else measured.typical_tile_psnr_db
    is_composed_alike = (
        measured.hash_distance <= SIMILAR_HASH_DISTANCE or (measured.detail_unchanged or 0) >= SIMILAR_DETAIL_UNCHANGED
    )
    is_similar = (
        is_composed_alike
        and measured.ssim >= SIMILAR_SSIM
        and typical >= SIMILAR_TYPICAL_TILE_PSNR_DB
        and measured.detail_kept >= SIMILAR_DETAIL_KEPT
    )
    return Grade.SIMILAR if is_similar else Grade.DIFFERENT


def _in_one_size(first: Image, second: Image) -> tuple[Image, Image]:
    """Both in the first one's size; where the second is smaller, the first loses the detail that it cannot have."""
    if first.width * first.height > second.width * second.height:
        return measures.scaled(measures.scaled(first, second.size), first.size), measures.scaled(second, first.size)
    return first, measures.scaled(second, first.size)


def _is_fine(squared_error: float) -> bool:
    return measures.psnr_db(squared_error) >= FINE_TILE_PSNR_DB


def _decibels(squared_error: float) -> float | None:
    return measures.psnr_db(squared_error) if squared_error else None


def _joined(bands: list[Image]) -> Image:
    from PIL import Image

    return Image.merge("RGB", bands)
