"""Where keys are found, where they are kept, and what kind they are.

The first of these places that holds a key wins; within one place an API key comes before a wallet key:

1. the argument given in Python,
2. the environment: ``VENICE_API_KEY``, ``VENICE_WALLET_KEY``,
3. a ``.env`` file, only when asked for by its path (``Session(dotenv=…)``, extra ``dotenv``),
4. Colab's secrets of the same two names, where the notebook may read them,
5. the system's keyring, if ``keyring`` is installed: service ``venice-widgets``, user ``api_key`` or ``wallet_key``.

The last three may ask the user or unlock something, so they are looked at only when nothing came before, and never
when the extension is loaded. ``%venice login``, typed or with ``--dotenv``, gives its key as an argument.
"""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import PurePath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from .config import Secret, Settings
from .errors import ConfigurationError, InvalidRequest
from .redact import disarm, holds_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

SERVICE = "venice-widgets"
"""The keyring's name for us."""

KeyName = Literal["api_key", "wallet_key"]
_VARIABLES: dict[KeyName, str] = {"api_key": "VENICE_API_KEY", "wallet_key": "VENICE_WALLET_KEY"}


@dataclass(frozen=True, slots=True)
class Credential:
    """A key and where it was found."""

    name: KeyName
    """Which of the two kinds it is, by the setting's name."""
    secret: Secret
    source: str
    """Where it was found, in words for ``%venice config``."""


def find_credential(settings: Settings, *, dotenv: Path | None = None) -> Credential | None:
    """The key that pays, from the first place that has one, or None.

    Args:
        settings: what `read_settings` found in the arguments and the environment.
        dotenv: a ``.env`` file to read as well.

    Raises:
        ConfigurationError: the ``.env`` that was asked for cannot be read, or the keyring is locked or broken.
    """
    for name in _VARIABLES:
        if secret := getattr(settings, name):
            return Credential(name, secret, settings.sources.get(name, "argument"))
    for source, look_up in _elsewhere(dotenv):
        for name in _VARIABLES:
            if secret := look_up(name):
                return Credential(name, secret, source)
    return None


def credential_in(dotenv: Path) -> Credential:
    """The key that a ``.env`` file holds, whatever is elsewhere.

    Raises:
        ConfigurationError: it cannot be read, or holds none.
    """
    look_up = _dotenv_look_up(dotenv)
    for name in _VARIABLES:
        if secret := look_up(name):
            return Credential(name, secret, str(dotenv))
    raise ConfigurationError(f"{dotenv} holds no key.", f"It may set {' or '.join(_VARIABLES.values())}.")


def with_credential(settings: Settings, *, dotenv: Path | None = None) -> Settings:
    """The same settings with the key that `find_credential` finds, and its source; unchanged where they have one."""
    found = find_credential(settings, dotenv=dotenv)
    if found is None or getattr(settings, found.name) == found.secret:
        return settings
    sources = MappingProxyType({**settings.sources, found.name: found.source})
    changed: dict[str, Any] = {found.name: found.secret}
    return replace(settings, **changed, sources=sources)


def kind_of_key(secret: Secret) -> Literal["inference", "admin", "unknown"]:
    """What an API key is allowed, by its prefix. Only an admin key may read ``/billing``."""
    if secret.reveal().startswith("VENICE_INFERENCE_KEY_"):
        return "inference"
    return "admin" if secret.reveal().startswith("VENICE_ADMIN_KEY_") else "unknown"


def refuse_keys(texts: Mapping[str, object], secrets: Iterable[Secret | None]) -> None:
    """Refuse texts, and lists of texts, into which a key slipped: they would be sent, shown and kept.

    Raises:
        InvalidRequest: it names the field, by whose name each text is in `texts`.
    """
    known = tuple(secrets)
    for name, text in texts.items():
        if any(holds_key(each, known) for each in _texts(text)):
            raise InvalidRequest(
                f"the {name} holds your key.",
                "Take it out: it would be sent and stored. Nothing was sent.",
                field=name,
            )


def _texts(value: object) -> list[str]:
    """What of a field's value is text: itself, a path, or those that it lists."""
    values = value if isinstance(value, list | tuple) else (value,)
    return [str(each) for each in values if isinstance(each, str | PurePath)]


def store_key(secret: Secret, where: str = "keyring", *, name: KeyName = "api_key") -> str:
    """Keep a key for later sessions, and say where it now lies.

    Args:
        secret: the key, checked before.
        where: ``keyring``, the one place that keeps it encrypted. We write keys into no file.
        name: which kind of key it is.

    Raises:
        ConfigurationError: another place was named, or the keyring is missing, locked, or did not keep it.
    """
    if where != "keyring":
        raise ConfigurationError(f"A key cannot be stored in {where!r}.", f"{_CHOICES} The keyring is the one place.")
    try:
        import keyring
    except ImportError as exc:
        raise ConfigurationError(
            "Storing a key needs the library keyring, which is not installed.",
            f"Run: pip install 'venice-widgets[keyring]'. {_CHOICES}",
        ) from exc
    try:
        keyring.set_password(SERVICE, name, secret.reveal())
        kept = Secret(keyring.get_password(SERVICE, name) or "") == secret
    except Exception as exc:  # noqa: BLE001 (backends raise what they like, and their frames hold the key)
        raise _keyring_refused(exc, secret) from None
    if not kept:
        raise ConfigurationError("The keyring accepted the key but did not keep it.", _CHOICES)
    return f"keyring ({keyring.get_keyring().name})"


_CHOICES = "A key can always be given by VENICE_API_KEY, VENICE_WALLET_KEY or %venice login."


def _elsewhere(dotenv: Path | None) -> Iterator[tuple[str, Callable[[KeyName], Secret | None]]]:
    if dotenv is not None:
        found = credential_in(dotenv)  # it was asked for by name: silently another account would pay
        yield found.source, lambda name: found.secret if name == found.name else None
    yield "Colab secrets", _from_colab
    yield "keyring", _from_keyring


def _dotenv_look_up(path: Path) -> Callable[[KeyName], Secret | None]:
    try:
        from dotenv import dotenv_values
    except ImportError as exc:
        raise ConfigurationError(
            f"Reading {path} needs python-dotenv, which is not installed.", "Run: pip install 'venice-widgets[dotenv]'"
        ) from exc
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise ConfigurationError(f"{path} cannot be read: it is not UTF-8 text.", "Save it as UTF-8.") from exc
    except (OSError, ValueError) as exc:
        raise ConfigurationError(f"{path} cannot be read: {type(exc).__name__}.", "Give the path of a .env.") from exc
    # A "$" in a key is a "$": nothing is put in its place from the environment.
    values = dotenv_values(stream=StringIO(text), interpolate=False)
    return lambda name: _secret(values.get(_VARIABLES[name]), str(path))


def _from_colab(name: KeyName) -> Secret | None:
    if "google.colab" not in sys.modules:  # there its kernel has loaded it; elsewhere there is nothing to ask
        return None
    try:
        userdata = importlib.import_module("google.colab.userdata")
        return _secret(userdata.get(_VARIABLES[name]))
    except Exception:  # noqa: BLE001  whatever keeps an optional source from answering, there is no key
        return None


def _from_keyring(name: KeyName) -> Secret | None:
    try:
        import keyring
    except ImportError:
        return None
    try:
        return _secret(keyring.get_password(SERVICE, name))
    except keyring.errors.NoKeyringError:
        return None
    except Exception as exc:  # noqa: BLE001 (backends raise what they like)
        raise _keyring_refused(exc) from None


def _keyring_refused(exc: Exception, secret: Secret | None = None) -> ConfigurationError:
    disarm(exc, (secret,))  # it stays in reach, as the context
    return ConfigurationError(f"The keyring cannot be used: {type(exc).__name__}.", f"Unlock it. {_CHOICES}")


def _secret(value: str | None, source: str = "") -> Secret | None:
    return Secret(value, source) if value and value.strip() else None
