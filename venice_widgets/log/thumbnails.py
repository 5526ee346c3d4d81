"""Small images derived from the large ones, one file each, beside the store's objects.

Files and not rows, since the database holds no images: a hundred thousand thumbnails would make it a gigabyte that
every backup copies. They can be made again at any time, so nothing is flushed; deleting the folder costs only time,
except for images whose own bytes were deleted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from venice_widgets.errors import StoreError
from venice_widgets.files.whole import write_new

if TYPE_CHECKING:
    from pathlib import Path


class Thumbnails:
    """A folder of files named by the sha256 of the image that each is derived from."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, sha256: str) -> Path:
        """Where the thumbnail of this image is, or would be."""
        return self.folder / sha256[:2] / sha256[2:]

    def read(self, sha256: str) -> bytes | None:
        """The thumbnail of this image; None where there is none."""
        try:
            return self.path(sha256).read_bytes() or None
        except OSError:
            return None

    def keep(self, sha256: str, data: bytes) -> None:
        """Keep an image's thumbnail, whole or not at all.

        Raises:
            StoreError: the disk is full, or the folder cannot be written.
        """
        place = self.path(sha256)
        try:
            write_new(place, data, replaces=True)
        except OSError as exc:
            raise StoreError(
                f"{self.folder} cannot be written: {exc.strerror or exc}.", "Make room or fix its permissions."
            ) from exc
