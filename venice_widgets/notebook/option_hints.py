"""What a mistyped option may mean: our name for what other image tools call otherwise, or the nearest option."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from venice_widgets.suggest import ELSEWHERE, nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


def name_of(word: str) -> str:
    """The name of an option as it was typed, without its dashes and its value: ``num-images`` of ``--num_images=4``."""
    return word.partition("=")[0].lstrip("-").replace("_", "-").casefold()


def elsewhere(word: str, options: Mapping[str, str], flags: Collection[str]) -> str:
    """What an option of other tools is called here; empty where they have none such, or this command has not.

    Args:
        word: as it was typed.
        options: the options of this command by the names of what they set: ``cfg_scale`` -> ``--cfg-scale``.
        flags: every long option of this command.
    """
    words = ELSEWHERE.get(name_of(word).replace("-", "_"), "")
    if in_cell := re.search(r"--(\S+) in a cell", words):
        words = in_cell[1]
    names, comma, when = words.partition(", as ")
    found = [name for name in re.findall(r"\w+", names) if name in options]
    if not found:
        return ""
    if not names.startswith(found[0]):  # such as %venice models, which has no --width
        return " or ".join(options[name] for name in found)
    plural = f"--{name_of(word)}s"  # --image may mean --images too
    also = f" or {plural}" if plural in flags else ""
    as_options = re.sub(r"\w+", lambda name: options.get(name[0], name[0]), names)
    return f"{as_options}{also}{comma}{when}"


def near(word: str, flags: Collection[str]) -> list[str]:
    """The options that begin like it, or else the most alike."""
    name, names = name_of(word), [flag.removeprefix("--") for flag in flags]
    beginning = [known for known in names if len(name) > 1 and known.startswith(name)]
    return [f"--{known}" for known in beginning[:3] or nearest(name, names)]
