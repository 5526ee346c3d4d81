"""From what a user says about seeds to the seeds that are sent: one image, one explicit seed.

The API's ``variants`` returns images whose seeds cannot be known, so N images are N requests here, with seeds s,
s+1, … A list (``7,9,12``) or range (``1..5``, ``-5..-3``) of seeds sets the number of images itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from operator import index
from random import SystemRandom
from typing import TYPE_CHECKING, SupportsIndex

from venice_widgets.errors import NOTHING_SENT, InvalidRequest, shown

from .fields import MAX_SEED

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_IMAGES = 1000
"""More images than this in one generation are taken for a mistake."""

_INTEGER = re.compile(r"[+-]?[0-9]{1,12}")
_GRAMMAR = "It takes a number, a list such as 7,9,12 or a range such as 1..5, between -999,999,999 and 999,999,999."


@dataclass(frozen=True, slots=True)
class Plan:
    """The seeds of a generation, in order."""

    seeds: tuple[int, ...]
    drawn: bool
    """Whether this program drew the seeds (otherwise the user gave them)."""


def plan_seeds(seed: int | str | Sequence[int] | None = None, images: int | None = None) -> Plan:
    """The seeds to send.

    Args:
        seed: a number, a list or range as text, several numbers, or None to draw.
        images: how many images, 1 … 1000; None leaves it to `seed` (one, or as many as it lists).

    Raises:
        InvalidRequest: not a valid seed, out of range, given twice, or in conflict with `images`.
    """
    if images is not None and not _is_count(images):
        raise InvalidRequest(
            f"images {shown(images)} is out of range.", f"It takes 1 … {MAX_IMAGES:,}. {NOTHING_SENT}", field="images"
        )
    if seed is None:
        return Plan(_drawn(images or 1), drawn=True)
    listed = parse_seeds(seed)
    if _is_one_number(seed):
        return Plan(_checked(seed, range(listed[0], listed[0] + (images or 1))), drawn=False)
    if images is not None and images != len(listed):
        raise InvalidRequest(
            f"images {images} disagrees with seed {shown(seed)}, which names {len(listed)}.",
            f"Leave one of them out. {NOTHING_SENT}",
            field="images",
        )
    return Plan(_checked(seed, listed), drawn=False)


def _is_count(images: object) -> bool:
    return not isinstance(images, bool) and isinstance(images, SupportsIndex) and 1 <= index(images) <= MAX_IMAGES


def _is_one_number(seed: int | str | Sequence[int]) -> bool:
    """Whether more images may count up from it; a list or range of one says itself how many there are."""
    return bool(_INTEGER.fullmatch(seed.strip())) if isinstance(seed, str) else not isinstance(seed, Iterable)


def parse_seeds(seed: int | str | Sequence[int]) -> Sequence[int]:
    """The seeds that a number, a text or a sequence names, in its order.

    Raises:
        InvalidRequest: the text is neither a number, a list nor a range; or there are none, or too many.
    """
    if not isinstance(seed, str):
        return _counted(seed, _whole_numbers(seed))
    parts = [_part(seed, part.strip()) for part in seed.split(",")]
    if sum(map(len, parts)) > MAX_IMAGES:
        raise _refusal(seed, f"names more than {MAX_IMAGES:,} images", "Ask for fewer at a time.")
    return _counted(seed, tuple(value for part in parts for value in part))


def _whole_numbers(seed: int | Sequence[int]) -> tuple[int, ...]:
    """As plain integers, so that those of numpy will do; read no further than one too many."""
    if isinstance(seed, bool | bytes):
        raise _refusal(seed, "is not a valid seed", _GRAMMAR)
    try:
        values = tuple(islice(seed, MAX_IMAGES + 1)) if isinstance(seed, Iterable) else (seed,)
        if any(isinstance(value, bool) for value in values):
            raise TypeError("a switch")  # noqa: TRY301  beside those of other types
        return tuple(index(value) for value in values)
    except TypeError as exc:
        raise _refusal(seed, "is not a valid seed", _GRAMMAR) from exc


def _part(seed: str, part: str) -> range:
    first, dots, last = (side.strip() for side in part.partition(".."))
    if not _INTEGER.fullmatch(first) or (dots and not _INTEGER.fullmatch(last)):
        raise _refusal(seed, "is not a valid seed", _GRAMMAR)
    low, high = int(first), int(last or first)
    if low > high:
        raise _refusal(seed, "runs backwards", f"Write {high}..{low}.")
    return range(low, high + 1)


def _counted(seed: object, values: tuple[int, ...]) -> tuple[int, ...]:
    if not values:
        raise _refusal(seed, "names no image", _GRAMMAR)
    return values


def _checked(seed: object, values: Sequence[int]) -> tuple[int, ...]:
    if len(values) > MAX_IMAGES:
        raise _refusal(seed, f"names more than {MAX_IMAGES:,} images", "Ask for fewer at a time.")
    for value in values:
        if abs(value) > MAX_SEED:
            raise _refusal(seed, f"would send {shown(value)}, which is out of range", _GRAMMAR)
    if len(set(values)) < len(values):
        raise _refusal(seed, "names a seed twice: the same image would be paid for twice", "Leave it out once.")
    return tuple(values)


def _drawn(images: int) -> tuple[int, ...]:
    """Consecutive seeds from 1 … 999,999,999; never 0, which the API's schema takes for "none given".

    The system's random source, so that ``random.seed(0)`` in a notebook does not repeat yesterday's images.
    """
    first = SystemRandom().randint(1, MAX_SEED - images + 1)
    return tuple(range(first, first + images))


def _refusal(seed: object, problem: str, remedy: str) -> InvalidRequest:
    return InvalidRequest(f"seed {shown(seed)} {problem}.", f"{remedy} {NOTHING_SENT}", field="seed")
