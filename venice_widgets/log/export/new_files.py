"""New files, whole or not at all: an export overwrites nothing, and one that fails leaves nothing behind."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING

from venice_widgets.errors import InvalidRequest, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from venice_widgets.log import Log


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that does not exist yet, to be written in bytes.

    Raises:
        InvalidRequest: it exists.
        StoreError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise not_written(path, exc) from exc
    try:
        file = path.open("xb")
    except FileExistsError as exc:
        raise exists(path) from exc
    except OSError as exc:
        raise not_written(path, exc) from exc
    try:
        with file:
            yield file
    except BaseException as exc:
        with suppress(OSError):
            path.unlink()
        if isinstance(exc, OSError):
            raise not_written(path, exc) from exc
        raise


def new_folder(path: Path) -> None:
    """Make a folder that is not there, or take one that is empty.

    Raises:
        InvalidRequest: it holds something.
        StoreError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        if any(path.iterdir()):
            raise InvalidRequest(f"{path} is not empty, and nothing is overwritten.", "Name a new folder.")
    except FileExistsError as exc:
        raise exists(path) from exc
    except OSError as exc:
        raise not_written(path, exc) from exc


def read_whole(log: Log, sha256: str) -> bytes | None:
    """An object's bytes, if they are there and still have their hash."""
    try:
        data = log.objects.read(sha256)
    except StoreError:
        return None
    return data if hashlib.sha256(data).hexdigest() == sha256 else None


def exists(path: Path) -> InvalidRequest:
    """The error of a name that is taken."""
    return InvalidRequest(f"{path} exists, and nothing is overwritten.", "Choose another name.")


def not_written(path: Path, exc: OSError) -> StoreError:
    """The error of a place that cannot be written."""
    return StoreError(f"{path} cannot be written: {exc.strerror or exc}.", "Make room, or name another place.")
