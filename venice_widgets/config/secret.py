"""Keys out of sight: tracebacks, debuggers, notebooks and pickles show what variables hold."""

from __future__ import annotations

from typing import Any


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


def as_secret(value: str | bytes | Secret | None) -> Secret | None:
    """The value out of sight; to be called before anything can fail, since tracebacks show arguments."""
    if value is None or isinstance(value, Secret):
        return value
    return Secret(value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))
