"""What a cell needs after the images have come, checked before anything is paid: names of variables and files."""

from __future__ import annotations

import re
from keyword import iskeyword
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from venice_widgets.credentials import refuse_keys
from venice_widgets.errors import InvalidRequest, clipped
from venice_widgets.media.saving import check_metadata, fill_pattern

from .cell_options import cell_parser

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_COMMAND_LINE = re.compile(r"^[ \t]*(%%?venice\b.*|(?P<flag>--[a-z][a-z-]*)(?![^\s=]).*)$", re.MULTILINE)
_SINGLE_BRACES = re.compile(r"(?<!\{)\{([^\W\d]\w*)\}(?!\})")
_OF_IMAGES = {"seed": "1", "ext": "webp", "run_id": "1", "model": "model"}
"""What a file's pattern may name, with a value of each."""


def check_prompt(prompt: str) -> None:
    """Refuse a prompt with a line that was meant for IPython: it would be paid for, and draw something else.

    Raises:
        InvalidRequest: a line begins with ``%venice``, ``%%venice`` or an option of a cell.
    """
    flags = cell_parser().flags
    lines = _COMMAND_LINE.finditer(prompt)
    if match := next((line for line in lines if line["flag"] is None or line["flag"] in flags), None):
        kind = "a command" if match["flag"] is None else "an option"
        number = prompt.count("\n", 0, match.start()) + 1
        raise InvalidRequest(
            f"Line {number} of the prompt is {clipped(match[1])!r}, which looks like {kind}.",
            "Options belong on the first line of the cell, and a command in a cell of its own. --raw sends the prompt "
            "as it is. Nothing was sent.",
            field="prompt",
        )


def check_options(options: Mapping[str, Any], namespace: Mapping[str, Any], axes: Collection[str] = ()) -> None:
    """Refuse a variable's name and a file's pattern that cannot be used.

    Args:
        options: the cell's own options.
        namespace: the notebook's variables.
        axes: the names of what has several values, whose labels a pattern may name too.

    Raises:
        UsageError: the name of a variable, or two options that do not go together.
        InvalidRequest: the pattern; or one of them holds a key.
    """
    refuse_keys({name: options.get(name) for name in ("out", "save")}, ())
    _check_out(options.get("out"))
    if options.get("again") and options.get("reuse"):
        raise UsageError("%%venice: --again sends the request, --reuse shows it from the log. Leave one of them out.")
    if options.get("metadata") is not None:
        if options.get("save") is None:
            raise UsageError("%%venice: --metadata says what --save writes. Give --save too.")
        check_metadata(options["metadata"])
    if options.get("save") is not None:
        _check_pattern(options["save"], namespace, {**_OF_IMAGES, **dict.fromkeys(axes, "label")})


def _check_out(name: str | None) -> None:
    if name is not None and (not name.isidentifier() or iskeyword(name)):
        raise UsageError(f"%%venice: --out {name!r} is not a name for a variable, such as foxes_2.")


def _check_pattern(pattern: str, namespace: Mapping[str, Any], known: Mapping[str, str]) -> None:
    forgotten = [name for name in _SINGLE_BRACES.findall(pattern) if name not in known and name in namespace]
    if forgotten:
        raise UsageError(f"%%venice: --save {pattern}: a variable is written {{{{ {forgotten[0]} }}}}.")
    fill_pattern(pattern, **known)
