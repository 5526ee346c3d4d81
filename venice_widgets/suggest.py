"""The nearest right names for a mistyped one, and our names for what other tools call otherwise."""

from __future__ import annotations

from difflib import SequenceMatcher, get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MUCH_LESS_ALIKE = 0.15
ELSEWHERE = {
    "n": "images",
    "num": "images",
    "count": "images",
    "batch_size": "images",
    "num_images": "images",
    "num_outputs": "images",
    "number_of_images": "images",
    "num_images_per_prompt": "images",
    "size": "width and height, aspect_ratio, or resolution, as the model is sized",
    "image_size": "width and height, aspect_ratio, or resolution, as the model is sized",
    "ratio": "aspect_ratio",
    "ar": "aspect_ratio",
    "cfg": "cfg_scale",
    "guidance": "cfg_scale",
    "guidance_scale": "cfg_scale",
    "negative": "negative_prompt",
    "no": "negative_prompt",
    "num_inference_steps": "steps",
    "sampling_steps": "steps",
    "style": "style_preset",
    "image": "style_references",
    "reference": "style_references",
    "output_format": "format",
    "response_format": "format",
    "nsfw": "safe_mode",
    "safety_checker": "safe_mode",
    "moderation": "safe_mode",
    "user": "anon_user_id",
    "save": "save(path) of the result, or --save in a cell",
    "output": "save(path) of the result, or --save in a cell",
}
"""What other image tools call a parameter -> its name here."""


def nearest(name: str, candidates: Iterable[str], *, count: int = 3) -> list[str]:
    """The candidates that a mistyped name may mean, best first; case is ignored.

    First those of which one is the beginning of the other, then those that are spelled alike, then those that hold
    it (``sd35`` in ``venice-sd35``) or its letters in order (``gpt2`` for ``gpt-image-2``).
    """
    by_folded = {candidate.casefold(): candidate for candidate in candidates}
    folded = name.casefold()
    inside = [key for key in by_folded if folded and (key.startswith(folded) or folded.startswith(key))]
    close = _closest(folded, get_close_matches(folded, by_folded, n=count, cutoff=0.6))
    begun = sorted(inside, key=lambda key: abs(len(key) - len(folded)))
    abbreviated = sorted((key for key in by_folded if _is_held(folded, key) or _abbreviates(folded, key)), key=len)
    return [by_folded[key] for key in dict.fromkeys([*begun, *close, *abbreviated])][:count]


def _closest(name: str, matches: Sequence[str]) -> list[str]:
    """Without those that are much less alike than the best one: one wrong letter needs no second guess."""
    ratios = {match: SequenceMatcher(None, name, match).ratio() for match in matches}
    best = max(ratios.values(), default=0.0)
    return [match for match, ratio in ratios.items() if ratio >= best - _MUCH_LESS_ALIKE]


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """``Did you mean cfg_scale? `` with its final space, for a name from elsewhere or a mistyped one; else nothing."""
    known = ELSEWHERE.get(name.replace("-", "_").casefold())
    near = [known] if known else nearest(name, candidates)
    return f"Did you mean {' or '.join(near)}? " if near else ""


def _is_held(short: str, long: str) -> bool:
    return len(short) > 2 and short in long


def _abbreviates(short: str, long: str) -> bool:
    """Whether all letters of a name of three or more occur in another one in this order, the first at its start."""
    letters = iter(long)
    return len(short) >= 3 and long[:1] == short[:1] and all(letter in letters for letter in short)
