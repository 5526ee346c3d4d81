"""Several values of one option: `Axis`, and the grammar in which people write them.

=====================  =====================================================================
``3,5,7``              a list
``1..5``               a range in steps of 1, both ends included
``1-5``                the same, for an option that takes no negative number
``1-10 (+2)``          a range with a step: 1, 3, 5, 7, 9; ``10-1 (-3)`` runs down
``0-1 [5]``            so many values, evenly spaced: 0, 0.25, 0.5, 0.75, 1
``fox, owl, bear``     for the prompt: search and replace. The first is in the prompt
=====================  =====================================================================

Parts may be combined: ``1,3,10-20 (+5)``. Text values with a comma are quoted as in CSV: ``"a, b",c``. The grammar is
that of other image tools' grids, so people know it. A single value is not an axis.
"""

from __future__ import annotations

import csv
import operator
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from itertools import islice
from numbers import Real
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, SupportsIndex

from .fields import field_facts, refusal
from .seeds import MAX_IMAGES
from .style_reference import StyleReference

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from venice_widgets.errors import InvalidRequest

    from .fields import FieldFacts

MAX_VALUES = 10_000
"""More values than this on one axis are taken for a mistake. For seeds, the limit is that of a generation."""

_NUMBER = r"[+-]?(?:\d{1,15}(?:\.\d{1,15})?|\.\d{1,15})"
_RANGE = re.compile(
    rf"(?P<low>{_NUMBER})\s*(?P<mark>\.\.|-)\s*(?P<high>{_NUMBER})\s*"
    rf"(?:\(\s*(?P<step>[+-]\s*(?:\d{{1,15}}(?:\.\d{{1,15}})?|\.\d{{1,15}}))\s*\)|\[\s*(?P<count>\d{{1,6}})\s*\])?",
    re.ASCII,
)
_ONE_NUMBER = re.compile(_NUMBER, re.ASCII)
_NUMBERS = "It takes a list such as 3,5,7, a range such as 1..5, a step as in 1..10 (+2), or a count as in 0..1 [5]."
_SWITCH = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}


@dataclass(frozen=True, slots=True)
class Axis:
    """The values that one thing takes in a plan, in order; no two are equal."""

    name: str
    """The field, the variable of the prompt, or, for search and replace, the text in “quotes”."""
    values: tuple[Any, ...]
    labels: tuple[str, ...]
    """What the headings call the values."""

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.values)


def parse_axis(text: str, field: str) -> Any:
    """The values that `text` names for an option.

    Args:
        text: what the user typed.
        field: a name of `Fields`, or ``prompt`` for search and replace.

    Returns:
        An `Axis` for several values. For one, the value: a number, true or false where the text is one, else the text
        as it is, for the request's own check to judge.

    Raises:
        InvalidRequest: a range or list that cannot be read, runs backwards, repeats a value, or names too many.
    """
    if field == "prompt":
        return _replacements(text)
    if not can_vary(field):
        return text
    facts = field_facts()[field]
    if facts.kind in (int, float) or field == "seed":
        return _numbers(text, facts)
    if facts.kind is bool:
        return _switches(text, field)
    words = _words(text, field)
    return _axis(field, words) if len(words) > 1 else text


def can_vary(field: str) -> bool:
    """Whether text can name several values of this field: not where it is prose, or one value is a list already."""
    facts = field_facts().get(field)
    return facts is not None and not facts.about.prose and field != "style_references"


def as_axis(values: Iterable[Any] | Mapping[str, Any], name: str) -> Axis:
    """An axis of Python values: a list, tuple, range, array, series, generator or set (sorted).

    Args:
        values: the values. Of a mapping, the keys are the labels.
        name: a name of `Fields`, ``prompt`` for whole prompts, or a variable of the prompt.

    Raises:
        InvalidRequest: there are none or too many, or one is missing (None, NaN), repeated, or not text or a number.
    """
    if is_table(values):
        raise refusal(name, "", "is given a table", "Give one of its columns.")
    labels = None if not isinstance(values, Mapping) else tuple(map(str, values))
    listed = list(values.values()) if isinstance(values, Mapping) else _listed(values, name)
    return _axis(name, [plain_value(value, name) for value in listed], labels)


def is_several(value: Any, name: str = "") -> bool:
    """Whether a Python value stands for several: anything that can be iterated, text and paths excepted.

    A flat list of style references is one value, since one request takes several.
    """
    if name == "style_references":
        return isinstance(value, list | tuple) and any(isinstance(each, list | tuple) for each in value)
    if isinstance(value, str | bytes | PurePath | StyleReference):
        return False
    return isinstance(value, Iterable) and getattr(value, "ndim", 1) != 0  # an array of one number is that number


def is_table(value: Any) -> bool:
    """Whether it is a data frame of pandas or of a library like it."""
    return hasattr(value, "to_dict") and hasattr(value, "columns")


def plain_value(value: Any, name: str) -> Any:
    """A value as a request takes it: an `Enum` by its value, numbers of numpy and pandas as Python's.

    Raises:
        InvalidRequest: it is missing (None, NaN, pandas NA), or neither text, a number, a switch nor a path.
    """
    value = unwrapped(value)
    if is_missing(value):
        raise refusal(name, repr(value), "is not a value", "Fill it in, or leave it out.")
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool | PurePath | StyleReference):
        return value
    if isinstance(value, list | tuple) and name == "style_references":  # one request takes several
        return value
    if type(value).__name__ in ("bool_", "bool"):  # numpy's, which is not Python's
        return bool(value)
    if isinstance(value, SupportsIndex):
        with suppress(TypeError):  # an array has the method, and most arrays have no answer
            return operator.index(value)
    elif isinstance(value, Real | Decimal):
        return float(value)
    raise refusal(name, repr(value), f"is of type {type(value).__name__}", "It takes text or numbers.")


def unwrapped(value: Any) -> Any:
    """The value of an `Enum`; everything else as it is. One that is text as well is written as its name by `str`."""
    while isinstance(value, Enum):
        value = value.value
    return value


def is_missing(value: Any) -> bool:
    """Whether it stands for "no value": None, NaN, or pandas' NA and NaT."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, Real | Decimal) and bool(value != value)  # noqa: PLR0124  only NaN differs from itself


def label_of(value: Any) -> str:
    """What a heading calls a value."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(label_of, value))
    return str(value)


def _axis(name: str, values: Sequence[Any], labels: tuple[str, ...] | None = None) -> Axis:
    """Labels default to the values. Everything that makes an axis comes through here."""
    if not values:
        raise refusal(name, "", "has no values", "Give at least one.")
    said = tuple(map(label_of, values))
    repeated = _repeated(said) or _repeated(labels or said)
    if repeated is not None:
        raise refusal(name, repeated, "is named twice: the same image would be paid for twice", "Leave it out once.")
    return Axis(name, tuple(values), labels or said)


def _repeated(labels: Sequence[str]) -> str | None:
    return next((label for label, count in Counter(labels).items() if count > 1), None)


def _listed(values: Iterable[Any], name: str) -> list[Any]:
    """The values in order, read no further than one too many; a set has no order, so it is sorted."""
    if isinstance(values, set | frozenset):
        values = sorted(values, key=_order)
    limit = _limit(name)
    found = list(islice(values, limit + 1))
    if len(found) > limit:
        raise _too_many(name, "", limit)
    return found


def _order(value: object) -> tuple[bool, float, str]:
    return (False, float(value), "") if isinstance(value, Real) else (True, 0.0, str(value))


def _limit(name: str) -> int:
    return MAX_IMAGES if name == "seed" else MAX_VALUES


def _too_many(name: str, text: str, limit: int) -> InvalidRequest:
    return refusal(name, text, f"names more than {limit:,} values", "Ask for fewer at a time.")


def _replacements(text: str) -> Axis:
    """Search and replace in the prompt: the text that is there, and what to put in its place."""
    words = _words(text, "prompt")
    if len(words) < 2:
        raise refusal("replace", text, "names one text", "It takes the text that is in the prompt, then others.")
    return replacement_axis(words)


def replacement_axis(words: Sequence[str]) -> Axis:
    """Search and replace in the prompt: `words` holds what is in the prompt, and what to put in its place."""
    return _axis(f"“{words[0]}”", words)


def _words(text: str, field: str) -> list[str]:
    """Texts between commas, quoted as in CSV."""
    if "," not in text:
        return [text]
    try:
        words = [word.strip() for row in csv.reader([text], skipinitialspace=True, strict=True) for word in row]
    except csv.Error as exc:
        raise refusal(field, text, f"is not a list: {exc}", 'Quote a value that holds a comma: "a, b",c.') from exc
    if not all(words):
        raise refusal(field, text, "holds an empty value", "Remove the extra comma.")
    return words


def _switches(text: str, field: str) -> Any:
    words = _words(text, field)
    if len(words) == 1 or any(word.casefold() not in _SWITCH for word in words):
        return _SWITCH.get(text.strip().casefold(), text)
    return _axis(field, [_SWITCH[word.casefold()] for word in words])


def _numbers(text: str, facts: FieldFacts) -> Any:
    parts = [part.strip() for part in text.split(",")]
    if len(parts) == 1 and not _RANGE.fullmatch(parts[0]):
        return _one(parts[0], facts) if _ONE_NUMBER.fullmatch(parts[0]) and _fits(parts[0], facts) else text
    values: list[Any] = []
    for part in parts:
        values += _part(part, text, facts)
        if len(values) > _limit(facts.name):
            raise _too_many(facts.name, text, _limit(facts.name))
    return _axis(facts.name, values)


def _part(part: str, text: str, facts: FieldFacts) -> list[Any]:
    """The values of one part of a list: a number or a range."""
    if _ONE_NUMBER.fullmatch(part):
        if not _fits(part, facts):
            raise refusal(facts.name, part, "is not a whole number", _NUMBERS)
        return [_one(part, facts)]
    found = _RANGE.fullmatch(part)
    if found is None:
        raise refusal(facts.name, text, "cannot be read", _NUMBERS)
    if found["mark"] == "-" and (_may_be_negative(facts) or found["low"][0] in "+-" or found["high"][0] in "+-"):
        raise refusal(facts.name, part, "may mean a minus", f"Write {found['low']}..{found['high']}.")
    ends = Decimal(found["low"]), Decimal(found["high"])
    if found["count"] is not None:
        return _spaced(*ends, int(found["count"]), part, facts)
    step = Decimal((found["step"] or "+1").replace(" ", ""))
    if found["step"] is None and ends[0] <= ends[1] and (ends[1] - ends[0]) % 1:
        raise refusal(
            facts.name, part, f"does not reach {found['high']} in steps of 1", f"Give the step: {part} (+0.5)."
        )
    return _stepped(*ends, step, part, facts)


def _may_be_negative(facts: FieldFacts) -> bool:
    return facts.minimum is None or facts.minimum < 0


def _stepped(low: Decimal, high: Decimal, step: Decimal, part: str, facts: FieldFacts) -> list[Any]:
    if step == 0:
        raise refusal(facts.name, part, "has a step of 0", _NUMBERS)
    if (high - low) * step < 0:
        turned = f"{high}..{low}" if step == 1 else f"{low}..{high} ({-step:+})"
        raise refusal(facts.name, part, "runs backwards", f"Write {turned}.")
    steps = int((high - low) // step)
    if steps >= _limit(facts.name):
        raise _too_many(facts.name, part, _limit(facts.name))
    return [_exact(low + number * step, part, facts) for number in range(steps + 1)]


def _spaced(low: Decimal, high: Decimal, count: int, part: str, facts: FieldFacts) -> list[Any]:
    """Evenly spaced from end to end; whole numbers are the nearest ones."""
    if count < 2:
        raise refusal(facts.name, part, f"asks for {count} values", "A count is 2 or more.")
    if count > _limit(facts.name):
        raise _too_many(facts.name, part, _limit(facts.name))
    between = [low + (high - low) * number / (count - 1) for number in range(count)]
    return [round(value) if _whole(facts) else float(value) for value in between]


def _exact(value: Decimal, part: str, facts: FieldFacts) -> Any:
    if not _whole(facts):
        return float(value)
    if value != value.to_integral_value():
        raise refusal(facts.name, part, f"would send {value}, which is not a whole number", _NUMBERS)
    return int(value)


def _whole(facts: FieldFacts) -> bool:
    return facts.kind is int or facts.name == "seed"


def _fits(number: str, facts: FieldFacts) -> bool:
    return not _whole(facts) or "." not in number


def _one(number: str, facts: FieldFacts) -> Any:
    return int(number) if _whole(facts) else float(number)
