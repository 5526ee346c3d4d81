"""What can go wrong, one class for each remedy.

::

    VeniceError
    ├── InvalidRequest          change the field that is named
    │   └── ModelUnavailable    choose another model
    ├── SpendingRefused         raise the limit, confirm, or choose something cheaper
    ├── CredentialsRefused      set or replace the key
    ├── PaymentRequired         top up the balance
    ├── AccessDenied            this account or region may not do this
    ├── ContentRefused          change the prompt
    ├── RateLimited             wait; the service did not run the request
    ├── ServiceUnavailable      try again; the service did not run the request
    ├── PossiblyCharged         look at the balance before trying again
    ├── GenerationIncomplete    some pictures of a generation are missing; it says which and why
    ├── CatalogueError          the list of models cannot be read
    ├── ResponseError           an answer that is not about a picture cannot be read
    ├── StoreError              make room, or mend the store
    ├── UnreadableFile          use another file: this one is no picture, or is damaged
    └── ConfigurationError      change the setting that is named

    Interrupted (a KeyboardInterrupt)   stopped by hand; it says what became of the money

``str(error)`` is made to be read: what happened, to which value, what is allowed, what to do. In a notebook these
errors show as a few lines instead of a traceback; after ``%xmode Verbose`` (or in ``%debug``) the traceback is there.
"""

from __future__ import annotations

import textwrap
import traceback
from functools import partial
from typing import TYPE_CHECKING, Any

from .shell import running_shell

if TYPE_CHECKING:
    from collections.abc import Sequence

_RED, _BOLD, _RESET = "\x1b[31m", "\x1b[1m", "\x1b[0m"
_LINE_CHARACTERS = 100


class DisplayedError(BaseException):
    """An exception that IPython shows as its message instead of a traceback.

    Attributes:
        message: what happened, to which value.
        remedy: what is allowed and what to do; may be empty.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        message, remedy = _printable(message), _printable(remedy)
        super().__init__(message, remedy)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n{self.remedy}" if self.remedy else self.message

    def _render_traceback_(self) -> list[str]:
        """What IPython prints for this exception, a list of lines."""
        if _shell_wants_tracebacks():
            return "".join(traceback.format_exception(self)).splitlines()
        name = type(self).__name__
        first, *more = _wrapped(f"{name}: {self.message}")
        red = [f"{_RED}{_BOLD}{name}{_RESET}{_RED}{first.removeprefix(name)}{_RESET}"]
        return [*red, *(f"{_RED}{line}{_RESET}" for line in more), *(_wrapped(self.remedy) if self.remedy else ())]


def _wrapped(text: str) -> list[str]:
    """Lines of a width that notebooks have: JupyterLab breaks longer ones in the middle of a word."""
    wrap = partial(textwrap.wrap, width=_LINE_CHARACTERS, break_long_words=False, break_on_hyphens=False)
    return [line for paragraph in text.splitlines() for line in wrap(paragraph) or [""]]


def _printable(text: str) -> str:
    """Half characters written out: a terminal or notebook that cannot encode one would lose the whole message."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _shell_wants_tracebacks() -> bool:
    return getattr(getattr(running_shell(), "InteractiveTB", None), "mode", "") == "Verbose"


class VeniceError(DisplayedError, Exception):
    """Anything that this package raises on purpose, an interrupt excepted."""


class InvalidRequest(VeniceError):
    """The request cannot be sent as it is, or the API refused its parameters (400). Nothing was charged.

    Attributes:
        field: the API's name of the field at fault, or None where it is the whole request.
    """

    def __init__(self, message: str, remedy: str = "", *, field: str | None = None) -> None:
        super().__init__(message, remedy)
        self.field = field


class ModelUnavailable(InvalidRequest):
    """No such model, or it is offline, retired, or makes no pictures (404). Choose another."""


class SpendingRefused(VeniceError):
    """A limit, a budget or the person said no before anything was sent."""


class CredentialsRefused(VeniceError):
    """No key, a wrong key, or a key that may not do this (401)."""


class PaymentRequired(VeniceError):
    """The balance, the key's own limit or the wallet does not cover it (402). Nothing was charged."""


class AccessDenied(VeniceError):
    """This account, model or region is closed to the caller (403)."""


class ContentRefused(VeniceError):
    """The content policy refused it (422, or a blacked-out picture). A refusal is not charged."""


class RateLimited(VeniceError):
    """Too many requests, or the model is overloaded (429). It did not run.

    Attributes:
        retry_after_seconds: what the service asked to wait, or None where it did not say.
    """

    def __init__(self, message: str, remedy: str = "", *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message, remedy)
        self.retry_after_seconds = retry_after_seconds


class ServiceUnavailable(VeniceError):
    """The request did not run: no connection could be made, or the model is at capacity or offline (503).

    Attributes:
        retry_after_seconds: what the service asked to wait, or None where it did not say.
    """

    def __init__(self, message: str, remedy: str = "", *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message, remedy)
        self.retry_after_seconds = retry_after_seconds


class PossiblyCharged(VeniceError):
    """The request left, and what became of it is unknown: 500, a timeout, an answer cut short or unreadable."""


class GenerationIncomplete(VeniceError):
    """Some or all pictures of a generation are missing; those that arrived are shown and kept.

    Attributes:
        generation: the `Generation`, with every picture that arrived.
        errors: the error of each unfinished seed, in the order of the seeds.
    """

    def __init__(self, message: str, remedy: str = "", *, generation: Any, errors: Sequence[BaseException]) -> None:
        super().__init__(message, remedy)
        self.generation = generation
        self.errors = tuple(errors)


class CatalogueError(VeniceError):
    """The list of models could not be fetched or understood, and there is no copy to fall back on."""


class ResponseError(VeniceError):
    """An answer to a question that costs nothing (balance, styles, models) could not be understood."""


class StoreError(VeniceError):
    """The folder or database that keeps pictures and records cannot be read or written."""


class UnreadableFile(VeniceError):
    """The file is no picture that can be read here, or it is damaged."""


class ConfigurationError(VeniceError):
    """A setting has a value that cannot be used."""


class Interrupted(DisplayedError, KeyboardInterrupt):
    """The person stopped the cell. What was sent keeps being filed in the store.

    Attributes:
        generation: the partial `Generation`.
    """

    def __init__(self, message: str, remedy: str = "", *, generation: Any) -> None:
        super().__init__(message, remedy)
        self.generation = generation
