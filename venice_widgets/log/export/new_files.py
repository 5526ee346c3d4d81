"""New files and folders of an export: nothing is overwritten, and one that fails leaves nothing behind."""

from __future__ import annotations

from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from venice_widgets.errors import InvalidRequest, StoreError
from venice_widgets.files.presence import is_folder, is_taken
from venice_widgets.files.whole import NewFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that does not exist yet, to be written in bytes.

    Raises:
        InvalidRequest: it exists.
        StoreError: it cannot be written.
    """
    try:
        with NewFile(path) as file:
            yield file
    except FileExistsError as exc:
        raise exists(path) from exc
    except (OSError, ValueError) as exc:
        raise not_written(path, exc) from exc


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
    except (OSError, ValueError) as exc:
        raise not_written(path, exc) from exc


def names_folder(path: Path) -> bool:
    """Whether a path without an ending is meant as a folder, or is one.

    Raises:
        StoreError: the system does not tell.
    """
    try:
        return path.suffix == "" or is_folder(path)
    except (OSError, ValueError) as exc:
        raise not_written(path, exc) from exc


def name_is_taken(path: Path) -> bool:
    """Whether something has this name.

    Raises:
        StoreError: the system does not tell: a folder that may not be searched, a name that is too long.
    """
    try:
        return is_taken(path)
    except (OSError, ValueError) as exc:
        raise not_written(path, exc) from exc


def exists(path: Path) -> InvalidRequest:
    """The error of a name that is taken."""
    return InvalidRequest(f"{path} exists, and nothing is overwritten.", "Choose another name.")


def not_written(path: Path, exc: OSError | ValueError) -> StoreError:
    """The error of a place that cannot be written."""
    return StoreError(
        f"{path} cannot be written: {getattr(exc, 'strerror', None) or exc}.", "Make room, or name another place."
    )
