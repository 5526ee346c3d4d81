"""Settings: one frozen `Settings`, by one documented precedence.

For every setting the first of these that says anything wins:

1. the argument given in Python (``Session(max_cost_usd="0.50")``),
2. the environment (``VENICE_MAX_COST=0.50``),
3. IPython's configuration (``c.Venice.model = "z-image-turbo"`` in ``ipython_config.py``),
4. ``config.toml`` in the store's folder (``max_cost_usd = "0.50"``),
5. ``[tool.venice]`` in the nearest ``pyproject.toml`` at or above the notebook (``model = "z-image-turbo"``),
6. the default.

Credentials, the base URL and the store are read from the first two alone. Where requests go and which account pays is
decided when a session begins; limits are read again before every request.

`Settings.sources` remembers which of them it was, for ``%venice config``. A `Secret` never prints itself. Keys are
looked for in more places than these, by `credentials.find_credential`, which starts from what stands here.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from .errors import ConfigurationError
from .files.notebook import start_folder
from .files.settings_files import PROJECT_FILE, project_settings, read_toml
from .files.store_folder import CONFIG_FILE, NAMES, find_store
from .money import parse_usd
from .redact import scrub
from .shell import running_shell
from .suggest import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

BASE_URL = "https://api.venice.ai/api/v1"
DEMO_BASE_URL = "http://simulator.localhost/api/v1"
STORE_FOLDER = NAMES[0]


class Secret:
    """A value that can be used but not seen: repr, str and format show a mask, and it refuses to be pickled.

    Args:
        value: the clear text; white space and quotes around it are dropped (``%env VENICE_API_KEY="…"`` keeps them).
        source: who gave it, in words for ``%venice config``.
    """

    __slots__ = ("_value", "source")

    def __init__(self, value: str, source: str = "argument") -> None:
        self._value = _unquoted(value.strip())
        self.source = source

    def reveal(self) -> str:
        """The value itself, for the one place that puts it on the wire."""
        return self._value

    @property
    def masked(self) -> str:
        """Enough to tell two keys apart: a long key's last four characters."""
        return f"…{self._value[-4:]}" if len(self._value) >= 16 else "…"

    def __repr__(self) -> str:
        return f"Secret({self.masked})"

    def __str__(self) -> str:
        return self.masked

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a Secret cannot be pickled: it would be written out in the clear")


def _unquoted(value: str) -> str:
    quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1].strip() if quoted else value


def as_secret(value: str | Secret | None) -> Secret | None:
    """The value out of sight; to be called before anything can fail, since tracebacks show arguments."""
    return value if value is None or isinstance(value, Secret) else Secret(str(value))


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a session needs to know before it does anything."""

    api_key: Secret | None = None
    """The bearer key; never written anywhere."""
    wallet_key: Secret | None = None
    """A wallet's private key, used only where there is no `api_key`."""
    base_url: str = BASE_URL
    """Where requests go; https, or http on the loopback."""
    store: Path = Path(STORE_FOLDER)
    """The folder of images and records."""
    max_cost_usd: Decimal | None = None
    """No request may cost more; an unknown price is refused as well."""
    confirm_above_usd: Decimal = Decimal("1.00")
    """Above this the user is asked first."""
    session_budget_usd: Decimal | None = None
    """What one session may spend in all."""
    day_budget_usd: Decimal | None = None
    """What may be spent from this store in one UTC day."""
    project_budget_usd: Decimal | None = None
    """What may be spent from this store in all."""
    read_timeout_seconds: float = 330.0
    """How long an image may take: minutes at high quality, and 30 s more for prompt enhancement."""
    in_flight: int = 4
    """How many requests may be in flight at once."""
    requests_per_minute: int = 20
    """The API's default limit for images."""
    reuse: str = "always"
    """Whether a request whose seed was given is shown from the log where it holds its image: "always", "never"."""
    model: str | None = None
    """The model where none is named; None for the catalogue's default."""
    format: str | None = None
    """The format where none is named; None for the API's default."""
    preview_pixels: int = 1024
    """The longer side of the previews that notebooks hold."""
    legacy_header: bool = False
    """Whether a wallet signs in by the old header, ``X-Sign-In-With-X``."""
    demo: bool = False
    """Whether the built-in simulator answers instead of Venice."""
    sources: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Setting name -> where its value came from, for those that are not defaults."""

    def for_demo(self) -> Settings:
        """These settings with the simulator behind them: no credentials, a store of its own.

        Limits that protect money do not hold, except those given in Python for this very session.
        """
        lifted = [name for name in LIMITS if self.sources.get(name) != "argument"]
        changed = ("base_url", "store", "api_key", *lifted)
        values: dict[str, Any] = dict.fromkeys(name for name in lifted if name != "confirm_above_usd")
        return replace(
            self,
            demo=True,
            api_key=Secret("demo"),
            wallet_key=None,
            base_url=DEMO_BASE_URL,
            store=self.store / "demo",
            sources=MappingProxyType({**self.sources, **dict.fromkeys(changed, "demo")}),
            **values,
        )


_KEYS = ("api_key", "wallet_key")
_ENVIRONMENT = {
    "api_key": "VENICE_API_KEY",
    "wallet_key": "VENICE_WALLET_KEY",
    "base_url": "VENICE_API_BASE_URL",
    "store": "VENICE_STORE",
    "max_cost_usd": "VENICE_MAX_COST",
    "confirm_above_usd": "VENICE_CONFIRM_ABOVE",
}
_IN_FILE = (
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


def read_settings(
    arguments: Mapping[str, Any] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Settings:
    """Read every setting by the precedence that this module documents.

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
    values = {name: _convert(name, value, source) for name, (value, source) in found.items()}
    return Settings(**values, sources=MappingProxyType({name: source for name, (_, source) in found.items()}))


LIMITS = ("max_cost_usd", "confirm_above_usd", "session_budget_usd", "day_budget_usd", "project_budget_usd")
"""The settings that hold money back."""
_OF_NOW = (*LIMITS, "reuse", "model", "format")
"""The settings that are read again before every request."""


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
    stated = {name: (environ.get(variable, "").strip(), variable) for name, variable in _ENVIRONMENT.items()}
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
    return find_store(start, _IN_FILE)


def _store(value: Any, source: str, start: Path | None) -> Path:
    """The folder that was stated; a relative one is relative to `start`."""
    if "://" in str(value):
        raise ConfigurationError(
            f"store {_without_secrets(str(value))} ({source}) is a database address.",
            "This version keeps its store in a folder: give a path.",
        )
    try:
        path = (start or Path()) / Path(value).expanduser()
    except RuntimeError as exc:
        raise ConfigurationError(f"store {value} ({source}): no such home.", "Give the folder's full path.") from exc
    try:
        if b"\0" in os.fsencode(path):
            raise ValueError("a null")  # noqa: TRY301  beside those that the system raises
        if path.is_file():
            raise ConfigurationError(f"store {path} ({source}) is a file.", "Give a folder; it is made if need be.")
        return path.absolute()
    except (OSError, ValueError) as exc:
        raise ConfigurationError(
            f"store {str(value)!r} ({source}) is not a path that this system can use.", "Give a folder's path."
        ) from exc


def _without_secrets(address: str) -> str:
    """The address as it was given, or its host alone where anything else in it may be a password or a key."""
    if not any(mark in address for mark in "@?#"):
        return scrub(repr(address))
    try:
        return repr(urlsplit(address).hostname or "…")
    except ValueError:
        return "'…'"


def _from_files(store: Path, start: Path | None) -> dict[str, tuple[Any, str]]:
    """What the places say in which defaults are kept: the later of them first, so that the earlier win."""
    project, table = project_settings(start)
    found = {name: (value, PROJECT_FILE) for name, value in _known(table, f"[tool.venice] in {project}").items()}
    path = store / CONFIG_FILE
    found |= {name: (value, CONFIG_FILE) for name, value in _known(read_toml(path), str(path)).items()}
    told = _known(_from_ipython(), "c.Venice in IPython's configuration")
    return found | {name: (value, IPYTHON) for name, value in told.items()}


IPYTHON = "IPython's configuration"


def _from_ipython() -> Mapping[str, Any]:
    """``c.Venice.… = …``; empty outside of IPython."""
    section = getattr(running_shell(), "config", {}).get("Venice", {})
    return dict(section) if isinstance(section, dict) else {}


def _known(values: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    if unknown := sorted(map(str, set(values) - set(_IN_FILE))):
        close = nearest(unknown[0], _IN_FILE, count=1)
        raise ConfigurationError(
            f"{where} sets {', '.join(unknown)}, which it cannot.",
            f"{f'Did you mean {close[0]}? ' if close else ''}It may set {', '.join(_IN_FILE)}.",
        )
    return values


def _convert(name: str, value: Any, source: str) -> Any:
    if name == "base_url":
        return check_base_url(str(value), source)
    if name.endswith("_usd"):
        return parse_usd(value, f"{name} ({source})")
    if name in _CHOICES:
        return _one_of(name, value, source, _CHOICES[name])
    if name in _BOUNDS:
        return _number(name, value, source, *_BOUNDS[name])
    if name in ("model", "demo"):
        return _of_kind(name, value, source, str if name == "model" else bool)
    return value


_CHOICES = {"reuse": ("always", "never"), "format": ("jpeg", "png", "webp")}
_BOUNDS = {
    "in_flight": (1, 64),
    "requests_per_minute": (1, 10_000),
    "read_timeout_seconds": (1.0, 3600.0),
    "preview_pixels": (64, 2048),
}
"""The smallest and the largest value; whole numbers where they are."""


def _one_of(name: str, value: Any, source: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise _unusable(name, value, source, ", ".join(choices))
    return str(value)


def _of_kind(name: str, value: Any, source: str, kind: type) -> Any:
    if not isinstance(value, kind) or value == "":
        raise _unusable(name, value, source, "true or false" if kind is bool else "a text")
    return value


def _number(name: str, value: Any, source: str, lowest: float, highest: float) -> Any:
    kind: Any = type(lowest)
    number = isinstance(value, int | float | Decimal) and not isinstance(value, bool) and math.isfinite(value)
    if not number or not lowest <= value <= highest or (kind is int and int(value) != value):
        words = "number" if kind is float else "whole number"
        raise _unusable(name, value, source, f"a {words} from {lowest:g} to {highest:g}")
    return kind(value)


def _unusable(name: str, value: Any, source: str, takes: str) -> ConfigurationError:
    shown = scrub(repr(value))
    shown = shown if len(shown) <= 60 else f"{shown[:59]}…"
    return ConfigurationError(f"{name} {shown} ({source}) cannot be used.", f"It takes {takes}.")


def check_base_url(url: str, source: str = "argument") -> str:
    """The base URL without its final slash, once it is sure that credentials may be sent there.

    Raises:
        ConfigurationError: not https, unless it is the loopback; or it carries credentials or a query itself;
            or it is no URL.
    """
    url = url.strip()
    parts = _split(url, source)
    host = parts.hostname or ""
    loopback = host in ("localhost", "127.0.0.1", "::1") or host.endswith(".localhost")
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
        raise ConfigurationError(
            f"base URL {_without_secrets(url)} ({source}) would send the key in the clear.",
            f"Use https, or http on the loopback only. The default is {BASE_URL}.",
        )
    if "@" in parts.netloc or "?" in url or "#" in url:
        raise ConfigurationError(
            f"base URL for {host} ({source}) carries credentials, a query or a fragment.",
            "Give scheme, host and path alone; the key goes into VENICE_API_KEY.",
        )
    return url.rstrip("/")


def _split(url: str, source: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        readable = bool(parts.hostname) and parts.port != 0 and url.isprintable() and " " not in url
    except ValueError:
        readable = False
    if not readable:
        raise ConfigurationError(
            f"base URL {_without_secrets(url)} ({source}) cannot be read.", f"Write it like {BASE_URL}."
        )
    return parts
