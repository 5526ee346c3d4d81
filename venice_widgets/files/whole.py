"""Files that appear whole or not at all, and that replace nothing unless they are meant to."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from secrets import token_hex
from typing import IO, TYPE_CHECKING

from .platform import make_folder, remove, share_like_folder
from .presence import is_file

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType


def holds(path: Path, data: bytes) -> bool:
    """Whether a file holds exactly these bytes: what runs again writes the same files."""
    try:
        return is_file(path) and path.stat().st_size == len(data) and path.read_bytes() == data
    except (OSError, ValueError):
        return False


class NewFile:
    """Writes a file beside its place, and moves it there when the block ends without an error.

    Args:
        path: the place; the folders above it are made.
        replaces: whether a file that is there is replaced.

    Raises:
        FileExistsError: it is there, when the block begins or when it ends, and is not to be replaced.
        OSError: it cannot be written, or its name cannot be used.
    """

    def __init__(self, path: Path, *, replaces: bool = False) -> None:
        self._path, self._replaces = path, replaces
        # Not a longer name than the file's own, which may have the longest that there is.
        self._partial = path.parent / f".{token_hex(8)}.partial"

    def __enter__(self) -> IO[bytes]:
        if not self._replaces:
            self._refuse_present()
        make_folder(self._path.parent)
        self._file = self._partial.open("xb")
        return self._file

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._file.close()
            if kind is None:
                share_like_folder(self._partial)
                self._move()
        finally:
            with suppress(OSError):
                self._file.close()
            remove(self._partial)

    def _refuse_present(self) -> None:
        try:
            self._path.lstat()  # which also refuses a name that is too long
        except FileNotFoundError:
            return
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(self._path))

    def _move(self) -> None:
        if self._replaces:
            self._partial.replace(self._path)
            return
        try:
            self._path.hardlink_to(self._partial)  # unlike a rename, it never replaces what came meanwhile
        except FileExistsError:
            raise
        except (OSError, NotImplementedError):  # a file system without links
            self._refuse_present()
            self._partial.rename(self._path)


def write_new(path: Path, data: bytes, *, replaces: bool = False) -> None:
    """Write a file whole or not at all.

    Raises:
        FileExistsError: it is there already, and is not to be replaced.
        OSError: it cannot be written.
    """
    with NewFile(path, replaces=replaces) as file:
        file.write(data)
