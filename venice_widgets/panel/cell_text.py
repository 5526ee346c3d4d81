"""A form or a request as the ``%%venice`` cell, or the Python call, that sends the same body byte for byte.

What is varied is in its option as it was typed: cell, Python and panel share one grammar. A cell's options are one
line and its body loses one final line break. Where a value does not survive that (a line break in a negative prompt,
say), `Call.cell` gives the Python call instead.
"""

from __future__ import annotations

import shlex
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from venice_widgets.errors import VeniceError
from venice_widgets.request.fields import field_facts, is_switch

from .quote import image_count
from .state import REPLACE
from .sweep import in_order

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from .state import Form


@dataclass(frozen=True, slots=True)
class Call:
    """What a cell or a Python call says."""

    prompt: str
    fields: Mapping[str, Any]
    """The chosen fields, ``model`` among them; of what is varied all values, ``replace`` among them."""
    seed: int | str | None = None
    """A number, list or range; None to draw one."""
    images: int | None = None
    """How many; None or 1 says nothing."""
    again: bool = False
    """Send also what the log holds."""
    sweep: Collection[str] = ()
    """The names in `fields` that have several values."""
    skip_invalid: bool = False
    """Leave out what a model cannot make."""

    def cell(self) -> str:
        """The cell. Its body is the prompt, unchanged; a Python call where the magic could not carry a value."""
        if not _fits_a_cell(self.prompt, self.fields) or any(
            name != REPLACE and is_switch(name) for name in self.sweep
        ):
            return self.python()
        words = ["%%venice"]
        for name, value in self._given().items():
            words += _option(field_facts()[name].option, value)
        if self.images and self.images > 1:
            words.append(f"-n {self.images}")
        if REPLACE in self.sweep:
            words += _option(REPLACE, self.fields[REPLACE])
        switches = {"--skip-invalid": self.skip_invalid, "--again": self.again, "--raw": _reads_as_more(self.prompt)}
        words += [option for option, is_on in switches.items() if is_on]
        return f"{' '.join(words)}\n{self.prompt}" + ("\n" if self.prompt.endswith("\n") else "")

    def python(self) -> str:
        """The call of `venice_widgets.generate`, or of `Session.plan` where several values are given."""
        given = self._given()
        if self.images and self.images > 1:
            given["images"] = self.images
        if self.again:
            given["again"] = True
        if self.sweep:
            return self._plan(given)
        return "\n".join(
            ["import venice_widgets", "", "venice_widgets.generate(", *_arguments(self.prompt, given), ")"]
        )

    def _given(self) -> dict[str, Any]:
        """The fields that say something, in the order of the cell's options; the seed last."""
        said = {name: self.fields[name] for name in field_facts() if self.fields.get(name) is not None}
        return {**said, **({} if self.seed is None else {"seed": self.seed})}

    def _plan(self, given: dict[str, Any]) -> str:
        options = {
            "search_replace": self.fields.get(REPLACE),
            "skip_invalid": self.skip_invalid or None,
            "raw": ("{{" in self.prompt) or None,
        }
        others = {name: value for name, value in {**given, **options}.items() if name not in field_facts()}
        named = {**in_order(given), **{name: value for name, value in others.items() if value is not None}}
        plan = [
            "session = venice_widgets.current_session()", "plan = session.plan(", *_arguments(self.prompt, named), ")"
        ]  # fmt: skip
        run = f"grid = plan.run({'again=True' if self.again else ''})"
        return "\n".join(["import venice_widgets", "", *plan, run, "grid"])


def call_of(form: Form) -> Call:
    """What a form comes to; a number of images that cannot be read is left out."""
    images = None
    if not form.lists_seeds:
        with suppress(VeniceError):
            images = image_count(form.images)
    skip = form.skip_invalid and bool(form.sweep)
    return Call(form.prompt, {**form.fields(), **form.sweep}, form.seeds or None, images, form.again, form.sweep, skip)


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
