"""The notebook's variables as values: what ``{{ name }}`` stands for, in a prompt and on the line of a magic.

Names and attributes are looked up; nothing is evaluated. A value is used as it is: it is never read as part of a
command line, so no value can add an option. Values of numpy and pandas become plain Python values, an `Enum` becomes
its own value, and what is missing (None, NaN, pandas' NA) is refused by name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from itertools import islice
from numbers import Number
from pathlib import PurePath
from typing import Any

from venice_widgets.errors import NOTHING_SENT, InvalidRequest
from venice_widgets.suggest import nearest

HOLE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
"""``{{ name }}``, with whatever is between the braces."""
MOST_VALUES = 10_000
"""A longer list, and a generator without an end, is taken for a mistake."""
_NAME = re.compile(r"\s*([^\W\d]\w*(?:\.[^\W\d]\w*)*)\s*")
_MOST_BITS = 4096
"""Python does not write out whole numbers of more than 4,300 digits; no field takes one of a fraction of that."""


@dataclass(frozen=True, slots=True)
class Several:
    """A variable that holds several values."""

    name: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Variables:
    """Looks up variables for one place, such as the prompt; its refusals name that place."""

    namespace: Mapping[str, Any]
    place: str
    """Where the braces are: ``in the prompt``, ``at --seed``."""
    field: str | None = None
    """The field or option that a refusal belongs to."""
    advice: str = NOTHING_SENT
    """The last sentence of every refusal."""

    def name_in(self, hole: str) -> str:
        """The name between two pairs of braces.

        Raises:
            InvalidRequest: it is not a name.
        """
        match = _NAME.fullmatch(hole)
        if match is None:
            raise self.refusal(
                f"'{{{{{hole}}}}}' {self.place} is not the name of a variable.",
                "Only names and attributes can be filled in.",
            )
        return match[1]

    def value(self, hole: str) -> Any:
        """The value of what is between two pairs of braces, or `Several`.

        Raises:
            InvalidRequest: it is not a name, it is not known, or it holds nothing that can be used.
        """
        name = self.name_in(hole)
        found = self._look_up(name)
        listed = self._listed(name, found)
        return self._plain(name, found) if listed is None else Several(name, self._several(name, listed))

    def text(self, name: str, value: Any) -> str:
        """A value as text.

        Raises:
            InvalidRequest: it is neither text nor a number.
        """
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, bool) or not isinstance(value, Number | Decimal | PurePath):
            raise self._wrong_type(name, value, "Only text and numbers can be filled in.")
        try:
            return str(value)
        except Exception as exc:
            raise self.refusal(f"{{{{ {name} }}}} {self.place} cannot be written as text: {_words(exc)}.") from exc

    def refusal(self, message: str, remedy: str = "") -> InvalidRequest:
        """The error about this place."""
        return InvalidRequest(message, f"{remedy} {self.advice}".strip(), field=self.field)

    def _look_up(self, path: str) -> Any:
        first, *attributes = path.split(".")
        if first not in self.namespace:
            near = nearest(first, [name for name in self.namespace if not name.startswith("_")])
            hint = f"Did you mean {' or '.join(near)}?" if near else "Define it in a cell above."
            raise self.refusal(f"{{{{ {path} }}}} {self.place}: there is no variable {first!r}.", hint)
        value = self.namespace[first]
        for attribute in attributes:
            value = self._attribute(path, value, attribute)
        return value

    def _attribute(self, path: str, value: Any, name: str) -> Any:
        try:
            return getattr(value, name)
        except AttributeError:
            near = nearest(name, [known for known in dir(value) if not known.startswith("_")])
            hint = f"Did you mean {' or '.join(near)}?" if near else ""
            raise self.refusal(f"{{{{ {path} }}}} {self.place}: there is no attribute {name!r}.", hint) from None
        except Exception as exc:  # a property may run anything
            raise self.refusal(f"{{{{ {path} }}}} {self.place}: {name!r} cannot be read: {_words(exc)}.") from exc

    def _listed(self, name: str, value: Any) -> Iterable[Any] | None:
        """The values of what holds several; None for a single value."""
        if isinstance(value, str | bytes | bytearray | Enum | Number | PurePath):
            return None
        if isinstance(value, Mapping) or type(value).__name__ == "DataFrame":
            raise self._wrong_type(name, value, "A list, a range or a series works.")
        if callable(to_list := getattr(value, "tolist", None)):  # numpy, pandas, array
            made = self._call(name, to_list)
            return made if isinstance(made, list) else None
        if isinstance(value, set | frozenset):
            return sorted(value, key=lambda each: (not isinstance(each, Number), str(type(each)), each))
        return value if isinstance(value, Iterable) else None

    def _several(self, name: str, values: Iterable[Any]) -> tuple[Any, ...]:
        try:
            found = tuple(islice(values, MOST_VALUES + 1))
        except Exception as exc:  # a generator may run anything
            raise self.refusal(f"{{{{ {name} }}}} {self.place} cannot be read: {_words(exc)}.") from exc
        if not found:
            raise self.refusal(f"{{{{ {name} }}}} {self.place} holds no values.", "Give it one or more.")
        if len(found) > MOST_VALUES:
            raise self.refusal(f"{{{{ {name} }}}} {self.place} holds more than {MOST_VALUES:,} values.")
        return tuple(self._plain(f"{name}[{place}]", value) for place, value in enumerate(found))

    def _plain(self, name: str, value: Any) -> Any:
        """A single value in Python's own types."""
        while isinstance(value, Enum):
            value = value.value
        if type(value).__module__.partition(".")[0] == "numpy" and callable(to_list := getattr(value, "tolist", None)):
            value = self._call(name, to_list)
        if problem := _missing(value):
            raise self.refusal(
                f"{{{{ {name} }}}} {self.place} is {problem}.", "Give it a value, or leave out what it is for."
            )
        if isinstance(value, int) and value.bit_length() > _MOST_BITS:
            raise self.refusal(f"{{{{ {name} }}}} {self.place} is a whole number of more than 1,200 digits.")
        if isinstance(value, bytes | bytearray | list | tuple | set | Mapping):
            raise self._wrong_type(name, value, "Only single values work here, such as text and numbers.")
        return value

    def _call(self, name: str, function: Any) -> Any:
        try:
            return function()
        except Exception as exc:
            raise self.refusal(f"{{{{ {name} }}}} {self.place} cannot be read: {_words(exc)}.") from exc

    def _wrong_type(self, name: str, value: Any, remedy: str) -> InvalidRequest:
        return self.refusal(f"{{{{ {name} }}}} {self.place} is of type {type(value).__name__}.", remedy)


def _missing(value: Any) -> str:
    """What a missing value is called; empty for one that is there."""
    if value is None:
        return "None"
    if type(value).__name__ in ("NAType", "NaTType"):
        return "missing (NA)"
    try:
        return "not a number (NaN)" if isinstance(value, float | Decimal) and math.isnan(value) else ""
    except ValueError:  # a signaling NaN
        return "not a number (NaN)"


def _words(exc: Exception) -> str:
    """What another program's exception says, though its own text may fail as well."""
    try:
        return f"{type(exc).__name__}: {exc}".rstrip(": .")
    except Exception:  # noqa: BLE001
        return type(exc).__name__
