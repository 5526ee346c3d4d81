"""``{{ name }}`` in a prompt: names and attributes from the notebook; nothing is evaluated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from venice_widgets.request.axes import Axis, as_axis

from .variables import HOLE, Several, Variables

if TYPE_CHECKING:
    from collections.abc import Mapping

_RAW = "--raw sends the braces as they are. Nothing was sent."


@dataclass(frozen=True, slots=True)
class PromptTemplate:
    """A prompt as it was typed, with the values of its variables."""

    parts: tuple[str, ...]
    """Text and the names of variables in turn: every second part is a name."""
    values: Mapping[str, str]
    """The text of each variable that holds one value."""
    axes: tuple[Axis, ...] = ()
    """The texts of each variable that holds several values."""

    def fill(self, chosen: Mapping[str, str] | None = None) -> str:
        """The prompt as it is sent.

        Args:
            chosen: one text for each variable that holds several.
        """
        texts = {**self.values, **(chosen or {})}
        return "".join(texts[part] if place % 2 else part for place, part in enumerate(self.parts))


def read_template(text: str, namespace: Mapping[str, Any]) -> PromptTemplate:
    """A prompt with its ``{{ name }}`` and ``{{ name.attribute }}`` looked up.

    Raises:
        InvalidRequest: what is between the braces is not a name, or unknown, or neither text nor a number.
    """
    variables = Variables(namespace, "in the prompt", "prompt", _RAW)
    values: dict[str, str] = {}
    axes: dict[str, Axis] = {}
    parts = HOLE.split(text)
    for place in range(1, len(parts), 2):
        name = parts[place] = variables.name_in(parts[place])
        if name in values or name in axes:  # a generator can be read only once
            continue
        found = variables.value(name)
        if isinstance(found, Several):
            axes[name] = as_axis([variables.text(name, value) for value in found.values], name)
        else:
            values[name] = variables.text(name, found)
    return PromptTemplate(tuple(parts), values, tuple(axes.values()))
