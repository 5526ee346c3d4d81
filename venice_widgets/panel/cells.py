"""A request as the ``%%venice`` cell that makes it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from venice_widgets.request.fields import field_facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def cell_text(
    prompt: str, fields: Mapping[str, Any], *, seed: int | str | None = None, images: int | None = None
) -> str:
    """The cell. Its body is the prompt as it stands; ``--raw`` where the prompt holds ``{{``.

    Args:
        prompt: what the pictures show.
        fields: the chosen fields, ``model`` among them.
        seed: a number, list or range; None to let the cell draw one.
        images: how many; None or 1 says nothing.
    """
    words = ["%%venice"]
    for name, facts in field_facts().items():
        if fields.get(name) is not None and name != "seed":
            words += _option(facts.option, fields[name])
    if seed is not None:
        words += _option("seed", seed)
    if images and images > 1:
        words.append(f"-n {images}")
    if "{{" in prompt:
        words.append("--raw")
    return f"{' '.join(words)}\n{prompt}"


def _option(option: str, value: Any) -> Iterator[str]:
    if isinstance(value, bool):
        yield f"--{option}" if value else f"--no-{option}"
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _option(option, each)
    else:
        quoted = shlex.quote(str(value))
        yield f"--{option}={quoted}" if str(value).startswith("-") else f"--{option} {quoted}"
