"""The files in which people keep settings: the store's ``config.toml``, and ``[tool.venice]`` in ``pyproject.toml``.

A file is parsed once until it changes: settings are read again before every request.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from venice_widgets.errors import ConfigurationError

from .presence import is_file

if TYPE_CHECKING:
    from pathlib import Path

PROJECT_FILE = "pyproject.toml"
_TABLE = "venice"


def read_toml(path: Path) -> Mapping[str, Any]:
    """What a TOML file says, numbers exact; nothing where there is no file. A byte order mark is not part of it.

    Raises:
        ConfigurationError: it cannot be read.
    """
    try:
        found = path.stat()
        return _parsed(path, (found.st_mtime_ns, found.st_size, found.st_ino))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except UnicodeDecodeError as exc:
        raise ConfigurationError(
            f"{path} cannot be read: it is not UTF-8 text.", "Save it as UTF-8, or move it away."
        ) from exc
    except (OSError, ValueError, InvalidOperation) as exc:  # a TOMLDecodeError is a ValueError
        raise ConfigurationError(f"{path} cannot be read: {exc}.", "Fix it or move it away.") from exc


@lru_cache(maxsize=16)
def _parsed(path: Path, _: tuple[int, ...]) -> Mapping[str, Any]:
    return tomllib.loads(path.read_text("utf-8-sig"), parse_float=Decimal)


def project_settings(start: Path | None) -> tuple[Path | None, Mapping[str, Any]]:
    """``[tool.venice]`` of the nearest ``pyproject.toml`` at or above `start`, and that file.

    Raises:
        ConfigurationError: the file cannot be read, or that is not a table.
    """
    for folder in (start, *start.parents) if start else ():
        path = folder / PROJECT_FILE
        if _is_file(path):
            tools = read_toml(path).get("tool")
            table = tools.get(_TABLE, {}) if isinstance(tools, Mapping) else {}
            if not isinstance(table, Mapping):
                raise ConfigurationError(f"tool.{_TABLE} in {path} is not a table.", f"Write [tool.{_TABLE}].")
            return path, table
    return None, {}


def _is_file(path: Path) -> bool:
    try:
        return is_file(path)
    except OSError as exc:
        raise ConfigurationError(
            f"{path} cannot be looked at: {exc.strerror or exc}.", "It may hold a limit: fix its permissions."
        ) from exc
