"""The nearest right names for a mistyped one."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(name: str, candidates: Iterable[str], *, count: int = 3) -> list[str]:
    """The candidates that a mistyped name may have meant, best first; differences of case count for nothing.

    Those of which one is the beginning of the other come before those that are spelled alike.
    """
    by_folded = {candidate.casefold(): candidate for candidate in candidates}
    folded = name.casefold()
    inside = [key for key in by_folded if folded and (key.startswith(folded) or folded.startswith(key))]
    close = get_close_matches(folded, by_folded, n=count, cutoff=0.6)
    begun = sorted(inside, key=lambda key: abs(len(key) - len(folded)))
    return [by_folded[key] for key in dict.fromkeys([*begun, *close])][:count]
