"""What a cell needs after the images have come, checked before anything is paid: names of variables and files."""

from __future__ import annotations

import re
from keyword import iskeyword
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from venice_widgets.errors import InvalidRequest
from venice_widgets.media.saving import EXTENSIONS, check_metadata, fill_pattern, true_name

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from venice_widgets.generation.prepared import Prepared

_COMMAND_LINE = re.compile(r"^[ \t]*(%%?venice\b.*)$", re.MULTILINE)
_SINGLE_BRACES = re.compile(r"(?<!\{)\{([^\W\d]\w*)\}(?!\})")
_OF_IMAGES = {"seed": "1", "ext": "webp", "run_id": "1", "model": "model"}
"""What a file's pattern may name, with a value of each."""


def check_prompt(prompt: str) -> None:
    """Refuse a prompt with a line that was meant for IPython: it would be paid for, and draw something else.

    Raises:
        InvalidRequest: a line begins with ``%venice`` or ``%%venice``.
    """
    if match := _COMMAND_LINE.search(prompt):
        number = prompt.count("\n", 0, match.start()) + 1
        typed = match[1] if len(match[1]) <= 60 else f"{match[1][:59]}…"
        raise InvalidRequest(
            f"Line {number} of the prompt is {typed!r}, which looks like a command.",
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
        InvalidRequest: the pattern.
    """
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


def check_files(pattern: str | None, prepared: Prepared) -> None:
    """Refuse a file that would be written twice, or that exists already.

    Raises:
        InvalidRequest: names the file.
    """
    if pattern is None:
        return
    mime = f"image/{prepared.request.fields.get('format', 'webp')}"
    known = {"model": prepared.request.model.id, "ext": EXTENSIONS[mime], "run_id": "*"}
    files = [fill_pattern(pattern, seed=str(seed), **known) for seed in prepared.plan.seeds]
    variants = int(prepared.request.fields.get("variants", 1))
    names = ("seed",) if variants > 1 else ("seed", "run_id")  # variants share their run
    if len(files) * variants > 1 and not any(f"{{{name}" in pattern for name in names):
        raise InvalidRequest(
            f"--save {pattern!r} names one file for {len(files) * variants} images.",
            f"Put {' or '.join(f'{{{name}}}' for name in names)} in it. Nothing was sent.",
            field="save",
        )
    there = [taken for file in files if "*" not in file and (taken := _taken(file, mime))]
    if there:
        raise InvalidRequest(
            f"{there[0]} exists, and nothing is overwritten.",
            "Choose another name, or put {run_id} in it. Nothing was sent.",
            field="save",
        )


def _taken(file: str, mime: str) -> Path | None:
    """The file that is in the way, under this name or the one that an image of this format will have instead."""
    try:
        target = Path(file).expanduser()
        above = next((folder for folder in target.parents if folder.exists()), target)
        taken = next((path for path in (target, true_name(target, mime)) if path.exists()), None)
    except (OSError, ValueError, RuntimeError) as exc:
        reason = getattr(exc, "strerror", None) or exc
        raise InvalidRequest(
            f"--save {file!r} is not a valid file name: {reason}.", "Nothing was sent.", field="save"
        ) from exc
    if above.is_file():
        raise InvalidRequest(f"--save {file!r}: {above} is not a folder.", "Nothing was sent.", field="save")
    return taken
