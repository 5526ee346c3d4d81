"""How many pixels an image may have for each use: what a file's header claims decides, before anything is decoded.

A decoded pixel takes 4 bytes, of a progressive JPEG 6 more, so these are a few hundred megabytes. The largest images
of the API have 17 megapixels.
"""

from __future__ import annotations

from venice_widgets.errors import UnreadableFile

DECODED_PIXELS = 70_000_000
"""Of an image that is decoded at all, and of an animation's canvas: 8192 × 8192."""

COMPARED_PIXELS = 50_000_000
"""Of two images that are compared, for which several copies are in memory."""

SHOWN_PIXELS = 20_000_000
"""Of a file that a stranger may have made, shown by its name."""

JPEG_SCANS = 100
"""Each scan of a progressive JPEG touches every pixel again; encoders write about ten."""


def check_pixels(width: int, height: int, limit: int, what: str) -> None:
    """Refuse an image that is too large.

    Args:
        width: in pixels, as the file claims.
        height: in pixels, as the file claims.
        limit: one of the limits of this module.
        what: the image, as the subject of a sentence.

    Raises:
        UnreadableFile: it has more pixels than the limit.
    """
    if width * height > limit:
        raise UnreadableFile(
            f"{what} claims {width} × {height} pixels, which are too many.",
            f"The limit is {limit // 1_000_000} megapixels.",
        )
