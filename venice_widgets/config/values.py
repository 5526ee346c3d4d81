"""What each setting may be: a value as somebody gave it is turned into what `Settings` holds, or refused."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any
from urllib.parse import SplitResult, urlsplit

from venice_widgets.errors import ConfigurationError, clipped, written
from venice_widgets.money import parse_usd
from venice_widgets.redact import redact

from .settings import BASE_URL


def checked(name: str, value: Any, source: str) -> Any:
    """The value as `Settings` holds it.

    Args:
        name: of the setting.
        value: as it was given.
        source: who gave it, in words.

    Raises:
        ConfigurationError: it cannot be used; the message names the setting, the value, its source and what is allowed.
    """
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
    shown = clipped(redact(written(value, repr)))
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
            f"base URL {without_secrets(url)} ({source}) would send the key in the clear.",
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
            f"base URL {without_secrets(url)} ({source}) cannot be read.", f"Write it like {BASE_URL}."
        )
    return parts


def without_secrets(address: str) -> str:
    """The address as it was given, or its host alone where anything else in it may be a password or a key."""
    if not any(mark in address for mark in "@?#"):
        return redact(repr(address))
    try:
        return repr(urlsplit(address).hostname or "…")
    except ValueError:
        return "'…'"
