"""A form or a request as the ``%%venice`` cell, or the Python call, that sends the same body byte for byte.

What is varied is in its option as it was typed: cell, Python and panel share one grammar. A cell's options are one
line and its body loses one final line break. Where a value does not survive that (a line break in a negative prompt,
say), `cell_text` gives the Python call instead.
"""

from __future__ import annotations

import shlex
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from venice_widgets.errors import VeniceError
from venice_widgets.request.fields import field_facts, is_switch

from .quote import image_count
from .state import REPLACE
from .sweep import in_order

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from .state import Form


def form_text(form: Form, make: Callable[..., str] | None = None) -> str:
    """The text of a form, by `cell_text` or `python_text`."""
    images = None
    if not form.lists_seeds:
        with suppress(VeniceError):
            images = image_count(form.images)
    fields = {**form.fields(), **form.sweep}
    skip = form.skip_invalid and bool(form.sweep)
    return (make or cell_text)(
        form.prompt, fields, seed=form.seeds or None, images=images, again=form.again, sweep=form.sweep, skip=skip
    )


def cell_text(
    prompt: str,
    fields: Mapping[str, Any],
    *,
    seed: int | str | None = None,
    images: int | None = None,
    again: bool = False,
    sweep: Collection[str] = (),
    skip: bool = False,
) -> str:
    """The cell. Its body is the prompt, unchanged; a Python call where the magic could not carry a value.

    Args:
        prompt: what the images show.
        fields: the chosen fields, ``model`` among them.
        seed: a number, list or range; None to let the cell draw one.
        images: how many; None or 1 says nothing.
        again: send also what the log holds.
        sweep: the fields that have several values, ``replace`` among them.
        skip: leave out what a model cannot make.
    """
    if not _fits_a_cell(prompt, fields) or any(name != REPLACE and is_switch(name) for name in sweep):
        return python_text(prompt, fields, seed=seed, images=images, again=again, sweep=sweep, skip=skip)
    words = ["%%venice"]
    for name, facts in field_facts().items():
        if fields.get(name) is not None and name != "seed":
            words += _option(facts.option, fields[name])
    if seed is not None:
        words += _option("seed", seed)
    if images and images > 1:
        words.append(f"-n {images}")
    if REPLACE in sweep:
        words += _option(REPLACE, fields[REPLACE])
    words += [option for option, is_on in (("--skip-invalid", skip), ("--again", again)) if is_on]
    if _reads_as_more(prompt):
        words.append("--raw")
    return f"{' '.join(words)}\n{prompt}" + ("\n" if prompt.endswith("\n") else "")


def python_text(
    prompt: str,
    fields: Mapping[str, Any],
    *,
    seed: int | str | None = None,
    images: int | None = None,
    again: bool = False,
    sweep: Collection[str] = (),
    skip: bool = False,
) -> str:
    """The call of `venice_widgets.generate`, or of `Session.plan` where several values are given."""
    given = {name: fields[name] for name in field_facts() if fields.get(name) is not None and name != "seed"}
    if seed is not None:
        given["seed"] = seed
    if images and images > 1:
        given["images"] = images
    if again:
        given["again"] = True
    if sweep:
        return _plan_text(prompt, given, fields.get(REPLACE), skip=skip)
    return "\n".join(["import venice_widgets", "", "venice_widgets.generate(", *_arguments(prompt, given), ")"])


def _plan_text(prompt: str, given: dict[str, Any], replace: str | None, *, skip: bool) -> str:
    more = {"search_replace": replace, "skip_invalid": skip or None, "raw": ("{{" in prompt) or None}
    others = {name: value for name, value in given.items() if name not in field_facts()}
    named = {**in_order(given), **others, **{name: value for name, value in more.items() if value is not None}}
    plan = ["session = venice_widgets.current_session()", "plan = session.plan(", *_arguments(prompt, named), ")"]
    run = f"grid = plan.run({'again=True' if 'again' in given else ''})"
    return "\n".join(["import venice_widgets", "", *plan, run, "grid"])


def _arguments(prompt: str, given: Mapping[str, Any]) -> list[str]:
    return [f"    {prompt!r},", *(f"    {name}={value!r}," for name, value in given.items())]


def _fits_a_cell(prompt: str, fields: Mapping[str, Any]) -> bool:
    """Whether IPython and the magic hand everything over as it is.

    The magic's line is one line that is stripped, and filled in where it holds ``{{``. The body must begin with a line
    that is not blank, and hold no line break but the plain one.
    """
    lists = [value if isinstance(value, list | tuple) else [value] for value in fields.values()]
    values = [str(each) for value in lists for each in value]
    plain = all(_is_one_line(value) and value == value.strip() and "{{" not in value for value in values)
    return (
        plain and all(map(_is_one_line, prompt.split("\n"))) and (not prompt or bool(prompt.partition("\n")[0].strip()))
    )


def _reads_as_more(prompt: str) -> bool:
    """Whether a cell would read variables, commands or options in it."""
    return "{{" in prompt or any(line.lstrip().startswith(("%venice", "%%venice", "--")) for line in prompt.split("\n"))


def _is_one_line(text: str) -> bool:
    """Whether it holds neither a line break of any kind nor another control character than a tab."""
    return (
        len(text.splitlines()) < 2
        and text.splitlines() != [text[:-1]]
        and min(text.replace("\t", " "), default=" ") >= " "
    )


def _option(option: str, value: Any) -> Iterator[str]:
    if isinstance(value, bool):
        yield f"--{option}" if value else f"--no-{option}"
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _option(option, each)
    else:
        quoted = shlex.quote(str(value))
        yield f"--{option}={quoted}" if str(value).startswith("-") else f"--{option} {quoted}"
