"""What the catalogue does not say: which models use a seed, a negative prompt or steps, by patterns of their ids.

Sources: the published guides, the vendor's notes for client authors, and what authors of other clients measured. A
boolean about seeds in a model's catalogue entry, should one come, wins over this table.
"""

from __future__ import annotations

from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class FieldSupport(StrEnum):
    """What is known of a field that a model accepts without complaint."""

    SUPPORTED = "supported"
    IGNORED = "ignored"
    UNKNOWN = "unknown"


Patterns = tuple[str, ...]

_USE_STEPS = ("venice-sd35", "lustify-*", "wai-illustrious")

# Field -> (models known to use it, models known to drop it), ids in lower case. Everything else is unknown.
_KNOWN: dict[str, tuple[Patterns, Patterns]] = {
    "seed": (
        ("z-image-turbo", "seedream-v4", "nano-banana-2", "venice-sd35", "ideogram-v4-6"),
        (
            "gpt-image*",
            "muse*",
            "luma*",
            "recraft*",
            "imagineart*",
            "seedream-v5-pro",
            "nano-banana-pro",
            "grok-imagine*",
        ),
    ),
    "negative_prompt": (
        (*_USE_STEPS, "qwen-image-2", "qwen-image-2-pro", "qwen-image-3", "qwen-image-3-pro", "wan-2-7-*"),
        ("z-image-turbo", "chroma"),
    ),
    "steps": (_USE_STEPS, ()),
}
JUDGED_FIELDS = tuple(_KNOWN)
"""The fields that some models accept and ignore."""

_GENERATE_NOTHING = ("bria-bg-remover", "*-bg-remover")


def field_support(model_id: str, name: str, entry: Mapping[str, Any] | None = None) -> FieldSupport:
    """What is known of a field on a model.

    Args:
        model_id: the id, in any case.
        name: one of `JUDGED_FIELDS`.
        entry: the model's catalogue entry, where it is at hand.
    """
    stated = _seed_flag(entry or {}) if name == "seed" else None
    if stated is not None:
        return FieldSupport.SUPPORTED if stated else FieldSupport.IGNORED
    used, ignored = _KNOWN[name]
    if _matches(model_id, used):
        return FieldSupport.SUPPORTED
    return FieldSupport.IGNORED if _matches(model_id, ignored) else FieldSupport.UNKNOWN


def known_users(name: str) -> Patterns:
    """Patterns of the ids of the models known to use the field."""
    return _KNOWN[name][0]


def generates_images(model_id: str) -> bool:
    """Whether the model makes images from text; ``bria-bg-remover`` is in the list and does not."""
    return not _matches(model_id, _GENERATE_NOTHING)


def _seed_flag(entry: Mapping[str, Any]) -> bool | None:
    """A boolean about seeds under whatever name it comes: the model pages show "Repeatable: seed" since November 2026.

    Names that say the opposite (``ignoresSeed``) are read as that.
    """
    spec = entry.get("model_spec")
    groups = [spec, *(spec.get(name) for name in ("constraints", "capabilities"))] if isinstance(spec, dict) else []
    for name, value in (pair for group in groups if isinstance(group, dict) for pair in group.items()):
        folded = str(name).casefold()
        if isinstance(value, bool) and ("seed" in folded or "repeatable" in folded):
            return value is not any(word in folded for word in ("ignore", "unsupported", "no_seed", "noseed"))
    return None


@lru_cache(maxsize=4096)
def _matches(model_id: str, patterns: Patterns) -> bool:
    return any(fnmatchcase(model_id.lower(), pattern) for pattern in patterns)
