"""Whether a file or a folder is there, the same on every Python.

`pathlib` answers "no" from Python 3.14 on, and raised before, where the system does not tell: a folder that may not be
searched, a name that is too long. "No" there means an image bought twice, or paid for and then not saved.
"""

from __future__ import annotations

import errno
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_NOTHING_THERE = frozenset((errno.ENOENT, errno.ENOTDIR, errno.ELOOP))


def is_there(path: Path) -> bool:
    """Whether something is there; a link that leads nowhere is nothing.

    Raises:
        OSError: the system does not tell.
    """
    return _mode(path) is not None


def is_taken(path: Path) -> bool:
    """Whether a name is in use, also by a link that leads nowhere.

    Raises:
        OSError: the system does not tell.
    """
    return _mode(path, follow=False) is not None


def is_file(path: Path) -> bool:
    """Whether a file is there.

    Raises:
        OSError: the system does not tell.
    """
    return stat.S_ISREG(_mode(path) or 0)


def is_folder(path: Path) -> bool:
    """Whether a folder is there.

    Raises:
        OSError: the system does not tell.
    """
    return stat.S_ISDIR(_mode(path) or 0)


def _mode(path: Path, *, follow: bool = True) -> int | None:
    try:
        return path.stat(follow_symlinks=follow).st_mode
    except OSError as exc:
        if exc.errno in _NOTHING_THERE:
            return None
        raise
