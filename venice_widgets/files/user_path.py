"""A path as a user gave it, with ``~`` filled in: one place for what is no path, and for a home that no one has."""

from __future__ import annotations

import os
from pathlib import Path

from venice_widgets.errors import InvalidRequest, shown


def user_path(value: object, name: str = "path") -> Path:
    """The path that a user means.

    Args:
        value: text or a path; ``~`` and ``~user`` stand for a home folder.
        name: what it is called where it was given, for the error.

    Raises:
        InvalidRequest: it is neither text nor a path, or names a home that is not known here.
    """
    text = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if not isinstance(text, str) or not text:
        raise InvalidRequest(
            f"{name} {shown(value, repr)} is not a path.", "Give the name of a file or folder.", field=name
        )
    try:
        return Path(text).expanduser()
    except RuntimeError as exc:
        raise InvalidRequest(f"{name} {text!r}: there is no such home.", "Give its full path.", field=name) from exc
