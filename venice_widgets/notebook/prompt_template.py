"""``{{ name }}`` in a prompt: names and attributes from the notebook; nothing is evaluated."""

from __future__ import annotations

import re
from decimal import Decimal
from numbers import Number
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from venice_widgets.errors import InvalidRequest
from venice_widgets.suggest import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

_BRACES = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_NAME = re.compile(r"\s*([^\W\d]\w*(?:\.[^\W\d]\w*)*)\s*")
_RAW = "--raw sends the braces as they are. Nothing was sent."


def fill(text: str, namespace: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """Put the values of variables in the place of ``{{ name }}`` and ``{{ name.attribute }}``.

    Returns:
        The filled text, and the value that each name stood for.

    Raises:
        InvalidRequest: what stands between the braces is no name, unknown, or neither text nor a number.
    """
    used: dict[str, str] = {}

    def value(match: re.Match[str]) -> str:
        name = _NAME.fullmatch(match.group(1))
        if name is None:
            raise _refusal(
                f"{match.group()!r} in the prompt is no variable.", "Only names and attributes are filled in."
            )
        used[name.group(1)] = _text(name.group(1), namespace)
        return used[name.group(1)]

    return _BRACES.sub(value, text), used


def _text(path: str, namespace: Mapping[str, Any]) -> str:
    first, *attributes = path.split(".")
    if first not in namespace:
        near = nearest(first, [name for name in namespace if not name.startswith("_")])
        hint = f"Did you mean {' or '.join(near)}?" if near else "Define it in a cell above."
        raise _refusal(f"{{{{ {path} }}}} in the prompt: there is no variable {first!r}.", hint)
    value = namespace[first]
    for attribute in attributes:
        value = _attribute(value, attribute, path)
    if isinstance(value, bool) or not isinstance(value, str | Number | Decimal | PurePath):
        raise _refusal(
            f"{{{{ {path} }}}} in the prompt is of type {type(value).__name__}.", "Only text and numbers are filled in."
        )
    return str(value)


def _attribute(value: Any, name: str, path: str) -> Any:
    try:
        return getattr(value, name)
    except AttributeError:
        near = nearest(name, [known for known in dir(value) if not known.startswith("_")])
        hint = f"Did you mean {' or '.join(near)}?" if near else ""
        raise _refusal(f"{{{{ {path} }}}} in the prompt: there is no attribute {name!r}.", hint) from None
    except Exception as exc:  # a property may run anything
        problem = f"{{{{ {path} }}}} in the prompt: {name!r} cannot be read: {type(exc).__name__}: {exc}."
        raise _refusal(problem, "") from exc


def _refusal(message: str, remedy: str) -> InvalidRequest:
    return InvalidRequest(message, f"{remedy} {_RAW}".strip(), field="prompt")
