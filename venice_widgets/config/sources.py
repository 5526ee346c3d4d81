"""Where settings come from: arguments, the environment, IPython and two files, read by the precedence of this room.

Each value is kept with the name of its source until it is checked, so that a refusal can say who gave it.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from venice_widgets.errors import ConfigurationError, shown
from venice_widgets.files.notebook import start_folder
from venice_widgets.files.presence import is_file
from venice_widgets.files.settings_files import PROJECT_FILE, project_settings, read_toml
from venice_widgets.files.store_folder import CONFIG_FILE, find_store
from venice_widgets.shell import running_shell
from venice_widgets.suggest import nearest

from .secret import as_secret
from .settings import CONFIGURED, LIMITS, Settings
from .values import checked, without_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

IPYTHON = "IPython's configuration"
_KEYS = ("api_key", "wallet_key")
ENVIRONMENT = {
    "api_key": "VENICE_API_KEY",
    "wallet_key": "VENICE_WALLET_KEY",
    "base_url": "VENICE_API_BASE_URL",
    "store": "VENICE_STORE",
    "max_cost_usd": "VENICE_MAX_COST",
    "confirm_above_usd": "VENICE_CONFIRM_ABOVE",
}
IN_FILE = (
    "max_cost_usd",
    "confirm_above_usd",
    "session_budget_usd",
    "day_budget_usd",
    "project_budget_usd",
    "read_timeout_seconds",
    "in_flight",
    "requests_per_minute",
    "reuse",
    "model",
    "format",
    "preview_pixels",
    "demo",
)
_OF_NOW = (*LIMITS, "reuse", *CONFIGURED)
"""The settings that are read again before every request."""


def read_settings(
    arguments: Mapping[str, Any] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Settings:
    """Read every setting by the precedence that this room documents.

    Args:
        arguments: values given in Python, by the names of `Settings`; None means "not given".
        environ: the environment, the process's own when None; empty values count as not given.
        folder: where the search for the store begins; None for the notebook's folder, else the one in which IPython
            or the process was started, wherever the working directory is by now.

    Raises:
        ConfigurationError: a value cannot be used; the message names the setting and where it came from.
    """
    # No clear text in this frame: tracebacks and debuggers show what it holds.
    arguments = {name: as_secret(value) if name in _KEYS else value for name, value in (arguments or {}).items()}
    _refuse_unknown(arguments)
    given = {name: value for name, value in arguments.items() if value is not None}
    found = _from_environment(os.environ if environ is None else environ)
    found |= {name: (value, getattr(value, "source", "argument")) for name, value in given.items()}
    found = _one_payer(found, [name for name in _KEYS if name in given])
    stated = found.get("store", (None, ""))
    start = folder or start_folder()
    store = _store(stated[0], stated[1], start) if stated[0] else _found_store(start)
    found = _from_files(store, start) | found
    found["store"] = (store, stated[1] or "found from the notebook")
    values = {name: checked(name, value, source) for name, (value, source) in found.items()}
    return Settings(**values, sources=MappingProxyType({name: source for name, (_, source) in found.items()}))


def with_limits_of_now(settings: Settings, arguments: Mapping[str, Any]) -> Settings:
    """The same settings with the limits as they are stated now: one that is set in a cell must hold from then on.

    Args:
        settings: as they were read when the session began; the demo's have no limits.
        arguments: the values given in Python then.

    Raises:
        ConfigurationError: a value cannot be used.
    """
    if settings.demo:
        return settings
    given = {name: arguments.get(name) for name in _OF_NOW}
    now = read_settings({**given, "store": settings.store})
    sources = {name: source for name, source in settings.sources.items() if name not in _OF_NOW}
    sources |= {name: source for name, source in now.sources.items() if name in _OF_NOW}
    return replace(settings, **{name: getattr(now, name) for name in _OF_NOW}, sources=MappingProxyType(sources))


def states_key(environ: Mapping[str, str] | None = None) -> bool:
    """Whether the environment, the process's own when None, holds a key."""
    return any(name in _KEYS for name in _from_environment(os.environ if environ is None else environ))


def _from_environment(environ: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    stated = {name: (environ.get(variable, "").strip(), variable) for name, variable in ENVIRONMENT.items()}
    return {
        name: (as_secret(value) if name in _KEYS else value, variable)
        for name, (value, variable) in stated.items()
        if value
    }


def _one_payer(found: dict[str, tuple[Any, str]], given: list[str]) -> dict[str, tuple[Any, str]]:
    """A key given in Python outranks the other kind from the environment: it says whose money is meant."""
    if len(given) == 2:
        raise ConfigurationError(
            "Both an API key and a wallet key were given.", "Give the one that is to pay; they are never sent together."
        )
    outranked = {"api_key": "wallet_key", "wallet_key": "api_key"}[given[0]] if given else None
    return {name: value for name, value in found.items() if name != outranked}


def _refuse_unknown(arguments: Mapping[str, Any]) -> None:
    names = [name for name in Settings.__slots__ if name != "sources"]
    if unknown := sorted(set(arguments) - set(names)):
        raise ConfigurationError(f"there is no setting {', '.join(unknown)}.", f"There are {', '.join(names)}.")


def _found_store(start: Path | None) -> Path:
    if start is None:
        raise ConfigurationError(
            "the folder in which this program was started is gone, and the store is looked for from there.",
            "Set VENICE_STORE to a folder, or start again in one that exists.",
        )
    return find_store(start, IN_FILE)


def _store(value: Any, source: str, start: Path | None) -> Path:
    """The folder that was stated; a relative one is relative to `start`."""
    if not isinstance(value, str | os.PathLike):
        raise ConfigurationError(f"store {shown(value, repr)} ({source}) is not a path.", "Give a folder's path.")
    if "://" in str(value):
        raise ConfigurationError(
            f"store {without_secrets(str(value))} ({source}) is a database address.",
            "This version keeps its store in a folder: give a path.",
        )
    try:
        path = (start or Path()) / Path(value).expanduser()
    except RuntimeError as exc:
        raise ConfigurationError(f"store {value} ({source}): no such home.", "Give the folder's full path.") from exc
    except TypeError as exc:
        raise ConfigurationError(f"store {shown(value, repr)} ({source}) is no path.", "Give a folder's path.") from exc
    try:
        if b"\0" in os.fsencode(path):
            raise ValueError("a null")  # noqa: TRY301  beside those that the system raises
        if is_file(path):
            raise ConfigurationError(f"store {path} ({source}) is a file.", "Give a folder; it is made if need be.")
        return path.absolute()
    except (OSError, ValueError) as exc:
        raise ConfigurationError(
            f"store {str(value)!r} ({source}) is not a path that this system can use.", "Give a folder's path."
        ) from exc


def _from_files(store: Path, start: Path | None) -> dict[str, tuple[Any, str]]:
    """What the places say in which defaults are kept: the later of them first, so that the earlier win."""
    project, table = project_settings(start)
    found = {name: (value, PROJECT_FILE) for name, value in _known(table, f"[tool.venice] in {project}").items()}
    path = store / CONFIG_FILE
    found |= {name: (value, CONFIG_FILE) for name, value in _known(read_toml(path), str(path)).items()}
    told = _known(_from_ipython(), "c.Venice in IPython's configuration")
    return found | {name: (value, IPYTHON) for name, value in told.items()}


def _from_ipython() -> Mapping[str, Any]:
    """``c.Venice.… = …``; empty outside of IPython."""
    section = getattr(running_shell(), "config", {}).get("Venice", {})
    return dict(section) if isinstance(section, dict) else {}


def _known(values: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    if unknown := sorted(map(str, set(values) - set(IN_FILE))):
        close = nearest(unknown[0], IN_FILE, count=1)
        raise ConfigurationError(
            f"{where} sets {', '.join(unknown)}, which it cannot.",
            f"{f'Did you mean {close[0]}? ' if close else ''}It may set {', '.join(IN_FILE)}.",
        )
    return values
