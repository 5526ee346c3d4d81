"""The small images of a grid: made when an image arrives, stored beside the log's thumbnails, read when shown."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from venice_widgets.errors import StoreError, VeniceError
from venice_widgets.log.thumbnails import Thumbnails
from venice_widgets.media.format import open_image
from venice_widgets.media.preview import Preview, preview

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image

    from venice_widgets.log import Log

LARGE_PIXELS, SMALL_PIXELS = 384, 224
FEW_CELLS = 16


def tile_pixels(cells: int) -> int:
    """The longest side of each tile: a grid of 400 must not make a huge notebook."""
    return LARGE_PIXELS if cells <= FEW_CELLS else SMALL_PIXELS


class Tiles:
    """The tiles of one size."""

    def __init__(self, log: Log, pixels: int) -> None:
        self._log, self._pixels = log, pixels
        self._stored = Thumbnails(log.thumbnails.folder.with_name("tiles") / str(pixels))

    def make(self, sha256: str, data: bytes) -> None:
        """Store the tile of an image that has just arrived, from its preview."""
        with suppress(VeniceError):
            self._keep(sha256, preview(data, longest_side_pixels=self._pixels, max_bytes=self._max_bytes))

    def read(self, sha256: str) -> Preview | None:
        """The tile of an image, made where there is none yet; None where its bytes are gone."""
        stored = self._stored.read(sha256)
        if stored is not None:
            with suppress(VeniceError):
                return _as_preview(stored)
        try:
            path = self._log.objects.path(sha256)
            made = preview(path, longest_side_pixels=self._pixels, max_bytes=self._max_bytes)
        except (VeniceError, OSError):
            return None
        self._keep(sha256, made)
        return made

    @property
    def _max_bytes(self) -> int:
        return self._pixels * self._pixels // 4

    def _keep(self, sha256: str, made: Preview) -> None:
        with suppress(StoreError):  # a store that cannot be written can still be looked at
            self._stored.keep(sha256, made.data)


def _as_preview(data: bytes) -> Preview:
    with open_image(data) as image:
        mime = "image/png" if image.format == "PNG" else "image/jpeg"
        return Preview(data, mime, image.width, image.height)


def open_stored(path: bytes | Path) -> Image.Image | None:
    """An image, upright, in RGB or RGBA; None where it cannot be read."""
    from PIL import ImageOps

    try:
        with open_image(path) as opened:
            image = ImageOps.exif_transpose(opened)
            return image.convert("RGBA" if "A" in image.getbands() or "transparency" in image.info else "RGB")
    except (VeniceError, OSError):
        return None
