"""What can go wrong: one class for each remedy.

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
    ├── PossiblyCharged         check the balance before trying again
    ├── GenerationIncomplete    some images of a generation are missing; it says which and why
    ├── CatalogueError          the list of models cannot be read
    ├── ResponseError           a response that is not about an image cannot be read
    ├── StoreError              free space, or repair the store
    ├── UnreadableFile          use another file: this one is not an image, or is damaged
    └── ConfigurationError      change the setting that is named

    Interrupted (a KeyboardInterrupt)   the user stopped it; it says what became of the money

Each class says in `charged` whether the request that raised it was paid for: ``"no"``, ``"maybe"``, or
``"see message"`` where one error speaks of several requests, or can come before and after sending.

``str(error)`` is made to be read: what happened, to which value, what is allowed, what to do. In a notebook these
errors show as a few lines instead of a traceback; after ``%xmode Verbose`` (or in ``%debug``) the traceback is there.
All of them can be pickled, so that they travel between processes.
"""

from __future__ import annotations

import textwrap
import traceback
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from .redact import redact_own_words
from .shell import running_shell, terminal_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Charged = Literal["no", "maybe", "see message"]

NOTHING_SENT = "Nothing was sent."
"""The end of a refusal's remedy: what became of the money."""
_RED, _BOLD, _RESET = "\x1b[31m", "\x1b[1m", "\x1b[0m"
_LINE_CHARACTERS = 100


class DisplayedError(BaseException):
    """An exception that IPython shows as its message instead of a traceback.

    Attributes:
        message: what happened, to which value.
        remedy: what is allowed and what to do; may be empty.
        charged: whether the request was paid for.
        ends_generation: whether the other requests of a generation would end the same way, so that they are not sent.
    """

    charged: ClassVar[Charged] = "see message"
    ends_generation: ClassVar[bool] = False

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
    """Lines as wide as a notebook: JupyterLab breaks longer ones in the middle of a word."""
    width = min(_LINE_CHARACTERS, terminal_columns() or _LINE_CHARACTERS)
    wrap = partial(textwrap.wrap, width=width, break_long_words=False, break_on_hyphens=False)
    return [line for paragraph in text.splitlines() for line in wrap(paragraph) or [""]]


def _printable(text: str) -> str:
    """Unpaired surrogates escaped: a terminal or notebook that cannot encode one would lose the whole message.

    And without keys: a message quotes what was typed, and a notebook saves it.
    """
    return redact_own_words(text.encode("utf-8", "backslashreplace").decode("utf-8"))


def _shell_wants_tracebacks() -> bool:
    return getattr(getattr(running_shell(), "InteractiveTB", None), "mode", "") == "Verbose"


class VeniceError(DisplayedError, Exception):
    """Anything that this package raises on purpose, an interrupt excepted."""


class InvalidRequest(VeniceError):
    """The request cannot be sent as it is, or the API refused its parameters (400).

    Attributes:
        field: the API's name of the field at fault, or None if it is the whole request.
    """

    charged = "no"
    ends_generation = True

    def __init__(self, message: str, remedy: str = "", *, field: str | None = None) -> None:
        super().__init__(message, remedy)
        self.field = field


class ModelUnavailable(InvalidRequest):
    """There is no such model, or it is offline, retired, or does not make images (404)."""


class SpendingRefused(VeniceError):
    """A limit, a budget or the user declined before anything was sent."""

    charged = "no"
    ends_generation = True


class CredentialsRefused(VeniceError):
    """No key, a wrong key, or a key that may not do this (401)."""

    charged = "no"
    ends_generation = True


class PaymentRequired(VeniceError):
    """The balance, the key's own limit or the wallet does not cover it (402)."""

    charged = "no"
    ends_generation = True


class AccessDenied(VeniceError):
    """This account, model or region is closed to the caller (403)."""

    charged = "no"
    ends_generation = True


class ContentRefused(VeniceError):
    """The content policy refused it (422, or a blacked-out image). A refusal is not charged."""

    charged = "no"


class RateLimited(VeniceError):
    """Too many requests, or the model is overloaded (429). The request did not run.

    Attributes:
        retry_after_seconds: how long the service asked to wait, or None if it did not say.
    """

    charged = "no"

    def __init__(self, message: str, remedy: str = "", *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message, remedy)
        self.retry_after_seconds = retry_after_seconds


class ServiceUnavailable(VeniceError):
    """The request did not run: no connection could be made, or the model is at capacity or offline (503).

    Attributes:
        retry_after_seconds: how long the service asked to wait, or None if it did not say.
    """

    charged = "no"

    def __init__(self, message: str, remedy: str = "", *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message, remedy)
        self.retry_after_seconds = retry_after_seconds


class PossiblyCharged(VeniceError):
    """The request was sent, and what became of it is unknown: 500, a timeout, a response cut short or unreadable."""

    charged = "maybe"


class GenerationIncomplete(VeniceError):
    """Some or all images of a generation are missing; those that arrived are shown and stored.

    Attributes:
        generation: the `Generation`, with every image that arrived; None once the error was pickled.
        errors: the error of each unfinished seed, in the order of the seeds.
    """

    def __init__(
        self, message: str, remedy: str = "", *, generation: Any = None, errors: Sequence[BaseException] = ()
    ) -> None:
        super().__init__(message, remedy)
        self.generation = generation
        self.errors = tuple(errors)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self.args, {**vars(self), "generation": None, "errors": tuple(map(_ours, self.errors))}


class CatalogueError(VeniceError):
    """The list of models could not be fetched or understood, and there is no stored copy."""

    charged = "no"


class ResponseError(VeniceError):
    """A response to a free question (balance, styles, models) could not be understood."""

    charged = "no"


class StoreError(VeniceError):
    """The folder or database that stores images and records cannot be read or written."""

    ends_generation = True


class UnreadableFile(VeniceError):
    """The file is not an image that can be read here, or it is damaged."""

    charged = "no"


class ConfigurationError(VeniceError):
    """A setting has a value that cannot be used."""

    charged = "no"
    ends_generation = True


class Interrupted(DisplayedError, KeyboardInterrupt):
    """The user stopped the cell. Images of requests that were sent are still stored as they arrive.

    Attributes:
        generation: the partial `Generation`; None once the error was pickled.
    """

    def __init__(self, message: str, remedy: str = "", *, generation: Any = None) -> None:
        super().__init__(message, remedy)
        self.generation = generation

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self.args, {**vars(self), "generation": None}


def _ours(error: BaseException) -> BaseException:
    """An error that can be pickled: another library's may hold anything, so only its text travels."""
    return error if isinstance(error, DisplayedError) else VeniceError(f"{type(error).__name__}: {error}")


MOST_QUOTED = 60
"""So many characters of a value a message quotes."""


def clipped(text: str, most: int = MOST_QUOTED) -> str:
    """The text, or its beginning and … where it has more than `most` characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def written(value: object, write: Callable[[Any], str] = str) -> str:
    """A value that somebody gave, as text in full.

    Python does not write out whole numbers of more than 4,300 digits, and what a stranger's class says of itself may
    fail: such a value is named by its type.

    Args:
        value: anything.
        write: `str`, or `repr` for a value in quotes.
    """
    try:
        return write(value)
    except Exception:  # noqa: BLE001  a stranger's class may raise anything
        return f"({type(value).__name__} that cannot be written out)"


def shown(value: object, write: Callable[[Any], str] = str) -> str:
    """`written`, cut short."""
    return clipped(written(value, write))
