"""Errors in the words of a cell: a field is named as it is typed there, ``--aspect-ratio`` for ``aspect_ratio``."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from venice_widgets.errors import ModelUnavailable, VeniceError
from venice_widgets.request.fields import field_facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@contextmanager
def in_words_of_a_cell(given: Mapping[str, Any], namespace: Mapping[str, Any]) -> Iterator[None]:
    """Reword the errors about a field that leave this block.

    Args:
        given: the fields as they were given on the line.
        namespace: the notebook's variables.
    """
    try:
        yield
    except VeniceError as exc:
        field = getattr(exc, "field", None)
        if field is not None:
            hint = _forgotten_braces(given.get(field), namespace)
            message, remedy = as_options(exc.message, begins=not isinstance(exc, ModelUnavailable)), exc.remedy
            exc.message, exc.remedy = message, f"{hint}{as_options(remedy, begins=False)}"
            exc.args = (exc.message, exc.remedy)
        raise


def as_options(text: str, *, begins: bool = True) -> str:
    """Text in which fields are named as options.

    Args:
        text: a message that names fields as Python does.
        begins: whether the text begins with the name of the field that it is about.
    """
    names = {name: f"--{facts.option}" for name, facts in field_facts().items()} | {"images": "--images"}
    # The others, such as width, are words of English too: they are options only where a message begins with them.
    if begins:
        # In a list of reasons, each stands after what it is about: "model venice-sd35: steps 90 is more than …".
        pattern = rf"(\A|^.*?: )({'|'.join(names)})(?= )"
        text = re.sub(pattern, lambda match: match[1] + names[match[2]], text, flags=re.MULTILINE)
    sure = [name for name in names if "_" in name]
    return re.sub(rf"(?<![\w-])({'|'.join(sure)})(?![\w=-])", lambda match: names[match[1]], text)


def _forgotten_braces(value: Any, namespace: Mapping[str, Any]) -> str:
    """That a word on the line is also the name of a variable, where it may have been meant."""
    if isinstance(value, str) and value.isidentifier() and value in namespace:
        return f"The variable {value} is written {{{{ {value} }}}}. "
    return ""
