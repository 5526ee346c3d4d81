"""Files that users name, read whole as long as they are of a sensible size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from venice_widgets.errors import UnreadableFile

from .presence import is_file

if TYPE_CHECKING:
    from pathlib import Path

MAX_FILE_BYTES = 256 << 20
"""A larger file is not an image or a notebook of ours."""


def read_bounded(file: Path) -> bytes:
    """The bytes of a file of a sensible size.

    Raises:
        UnreadableFile: it is not a file, or is too large.
    """
    try:
        if not is_file(file):
            raise UnreadableFile(f"{file} is not a file.", "Check the path.")
        if file.stat().st_size > MAX_FILE_BYTES:
            raise UnreadableFile(f"{file} is larger than {MAX_FILE_BYTES >> 20} MB.", "Give the image itself.")
        return file.read_bytes()
    except (OSError, ValueError) as exc:
        raise UnreadableFile(f"{file} cannot be read: {getattr(exc, 'strerror', None) or exc}.", "Check it.") from exc
