"""Which folder is the store: the nearest one marked as ours, at or above the notebook; else a new one beside it.

A folder is not taken for its name alone: the official command-line program keeps its settings in ``~/.venice``. Nor is
one taken that another user put above the notebook, or that lies where every user can put one, such as ``/tmp``.
"""

from __future__ import annotations

import stat
import tomllib
from contextlib import suppress
from typing import TYPE_CHECKING

from venice_widgets.errors import StoreError

from .platform import anybody_writes, belongs_to_other, can_write, make_folder, share_like_folder
from .presence import is_folder, is_taken, is_there

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

NAMES = (".venice", ".venice-widgets")
"""What a store is called; the second where the first is a file, or a folder of another program."""
MARK = "venice-widgets-store"
DATABASE_FILE = "log.sqlite"
CONFIG_FILE = "config.toml"

_OURS = frozenset((CONFIG_FILE, ".gitignore", "catalogue", "demo", "incoming", "objects", "thumbnails"))
_MARK_TEXT = "Images that were paid for and their records, by venice-widgets. Deleting this folder loses them.\n"


def find_store(start: Path, settings: Collection[str] = ()) -> Path:
    """The nearest store at or above `start`, as git finds its own; else where one is to be made.

    Args:
        start: the notebook's folder.
        settings: the names that ``config.toml`` may set: one with any of them is ours.
    """
    for folder in (start, *start.parents):
        for name in NAMES:
            if is_store(folder / name, settings) and _is_trusted(folder / name, at_start=folder == start):
                return folder / name
    return next((start / name for name in NAMES if _is_free(start / name)), start / NAMES[-1])


def is_store(folder: Path, settings: Collection[str] = ()) -> bool:
    """Whether a folder is a store of this package: by its mark, log or settings, or because it holds nothing else.

    Settings alone in a folder are ours whatever they are named: a limit that is misspelled must be reported.
    """
    try:
        if not is_folder(folder):
            return False
        if is_there(folder / MARK) or is_there(folder / DATABASE_FILE):
            return True
        if all(path.name in _OURS for path in folder.iterdir()):
            return True
        return is_there(folder / CONFIG_FILE) and _are_ours(folder / CONFIG_FILE, settings)
    except OSError:
        return False


def _are_ours(path: Path, settings: Collection[str]) -> bool:
    """Whether a ``config.toml`` is for this package. One that cannot be read is: reading it tells what is wrong."""
    try:
        values = tomllib.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError):
        return True
    return not values or bool(set(values) & set(settings))


def _is_trusted(store: Path, *, at_start: bool) -> bool:
    """Whether a store may be used that somebody may have put there."""
    if at_start:
        return not (anybody_writes(store.parent) and belongs_to_other(store))
    if anybody_writes(store.parent):
        return False
    return not belongs_to_other(store) or _is_shared(store)


def _is_shared(store: Path) -> bool:
    """Whether its owner lets a group write into it that this user is of."""
    with suppress(OSError):
        return bool(store.stat().st_mode & stat.S_IWGRP) and can_write(store)
    return False


def _is_free(place: Path) -> bool:
    """Whether a store can be made there."""
    with suppress(OSError):
        return not is_taken(place)
    return False


def has_log(store: Path) -> bool:
    """Whether a store holds a log; looking does not make one.

    Raises:
        StoreError: the system does not tell.
    """
    try:
        return is_there(store / DATABASE_FILE)
    except OSError as exc:
        raise StoreError(
            f"the store {store} cannot be looked at: {exc.strerror or exc}.",
            "Fix its permissions, or set VENICE_STORE to another folder.",
        ) from exc


def make_store(folder: Path) -> None:
    """Make a store's folder with its mark, and tell git to leave it alone.

    Raises:
        OSError: it cannot be made or written.
    """
    make_folder(folder)
    for place in (folder.parent, folder) if folder.parent.name in NAMES else (folder,):
        for name, text in ((MARK, _MARK_TEXT), (".gitignore", "*\n")):
            if not is_there(place / name):
                (place / name).write_text(text, "utf-8")
                share_like_folder(place / name)
