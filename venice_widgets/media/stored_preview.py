"""The preview of an image that lies in the store: its size is held, its bytes are made again when they are needed.

``Out`` holds every result of a notebook, and with it each of its images: their previews would
take half a megabyte for a cell of four, as long as the notebook runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .preview import Preview, fit, preview

if TYPE_CHECKING:
    from pathlib import Path

    from .format import ImageFacts

RECENT_BYTES = 32_000_000
"""About 230 previews are at hand; others take some 50 ms each."""

_recent: dict[tuple[Path, int], Preview] = {}
"""The last one used is at the end. There is no lock, which an interrupt could leave held: see `_remember`."""


@dataclass(frozen=True, slots=True)
class StoredPreview:
    """Where a preview can be made from, and how large it is."""

    path: Path
    """The image's file in the store, which never changes."""
    longest_side_pixels: int
    width: int
    """Pixels, upright."""
    height: int
    """Pixels, upright."""

    def load(self) -> Preview:
        """The preview itself.

        Raises:
            OSError: the file is gone.
            UnreadableFile: it was damaged.
        """
        key = self.path, self.longest_side_pixels
        made = _recent.get(key) or preview(self.path, longest_side_pixels=self.longest_side_pixels)
        _remember(key, made)
        return made


def stored_preview(path: Path, made: Preview | None, facts: ImageFacts, longest_side_pixels: int) -> StoredPreview:
    """What to hold of a preview that was just made; the preview itself stays at hand for a while.

    Of one that could not be made, its size is held: it is tried again when the image is shown.
    """
    if made is None:
        return StoredPreview(path, longest_side_pixels, *fit(facts.width, facts.height, longest_side_pixels))
    _remember((path, longest_side_pixels), made)
    return StoredPreview(path, longest_side_pixels, made.width, made.height)


def _remember(key: tuple[Path, int], made: Preview) -> None:
    _recent.pop(key, None)
    _recent[key] = made
    try:
        held = list(_recent.items())
    except RuntimeError:  # another thread changed it meanwhile, and that one makes room
        return
    excess = sum(len(each.data) for _, each in held) - RECENT_BYTES
    for oldest, each in held:
        if excess <= 0:
            return
        _recent.pop(oldest, None)
        excess -= len(each.data)
