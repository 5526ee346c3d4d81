"""The body of a ``%%venice`` cell exactly as it was typed.

Before a magic sees its cell, IPython takes off prompts (``>>> ``, ``In [1]: ``), common indentation and the spaces of
empty lines. A prompt may hold all of these, so such cells are turned into the call of their magic here,
before IPython's own transformations. Source: IPython, ``core/inputtransformer2.py``, ``input_transformers_cleanup``.
"""

from __future__ import annotations

import re
from typing import Any

_LINE_END = r"(?:\r\n|\r|\n|\Z)"
_CELL = re.compile(
    rf"""\s*
    (?P<prompt>(?:(?:\[(?:nav|ins)\])?[ ]?In[ ]?\[\d+\]:|>>>)[ \t]*)?
    %%(?P<name>\w+)(?![^\s])(?P<line>[^\r\n]*){_LINE_END}""",
    re.VERBOSE,
)
_OURS = re.compile(rf"(?:%%\w+(?![^\s])[^\r\n]*{_LINE_END})*?%%venice(?![^\s])")
"""``%%venice``, or other cell magics with ``%%venice`` below them, such as ``%%time``."""


def as_typed(lines: list[str]) -> list[str]:
    """Turn a ``%%venice`` cell into the call of its magic; leave every other cell alone.

    Raises:
        UsageError: the cell was pasted with a prompt before its first line, so that no one can tell which prompts
            belong to the text.
    """
    text = "".join(lines)
    cell = _CELL.match(text) if "%%venice" in text else None
    if cell is None or not _OURS.match(text, cell.start("name") - len("%%")):
        return lines
    if cell["prompt"]:
        _refuse(cell["prompt"])
    # IPython refuses a cell magic whose body is empty; with --help it may well be.
    body = text[cell.end() :] or "\n"
    return [f"get_ipython().run_cell_magic({cell['name']!r}, {cell['line'].strip()!r}, {body!r})\n"]


def is_whole_cell(shell: Any) -> bool:
    """Whether the cell that is being run is nothing but a ``%%venice`` cell, with no other magic around it.

    Then all that it shows comes from the magic. A terminal does not tell, nor does a kernel between two cells.
    """
    request = shell.get_parent() if hasattr(shell, "get_parent") else None
    content = request.get("content") if isinstance(request, dict) else None
    cell = _CELL.match(str(content.get("code", ""))) if isinstance(content, dict) else None
    return cell is not None and cell["name"] == "venice"


# Where IPython only asks whether a cell is complete, it must see the cell magic itself.
as_typed.has_side_effects = True  # type: ignore[attr-defined]


def add_transformer(shell: Any) -> None:
    """Let cells of this shell reach ``%%venice`` as they were typed; does nothing where a shell has no transformers."""
    transformers = getattr(shell, "input_transformers_cleanup", None)
    if transformers is not None and as_typed not in transformers:
        transformers.insert(0, as_typed)


def remove_transformer(shell: Any) -> None:
    """Leave cells to IPython again."""
    transformers = getattr(shell, "input_transformers_cleanup", None)
    if transformers is not None and as_typed in transformers:
        transformers.remove(as_typed)


def _refuse(prompt: str) -> None:
    from IPython.core.error import UsageError

    raise UsageError(
        f"%%venice: take {prompt.strip()!r} off the first line. With it, IPython takes prompts off the text below too. "
        "Nothing was sent."
    )
