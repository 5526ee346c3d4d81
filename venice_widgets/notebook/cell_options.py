"""Options and help of ``%%venice``, made from the declaration of the request's fields and nothing else.

Values are checked where they are declared, in `request`; the cell's own options are declared and checked here.
"""

from __future__ import annotations

import textwrap
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from venice_widgets.media.saving import METADATA
from venice_widgets.request.axes import Axis, as_axis, parse_axis
from venice_widgets.request.fields import About, FieldFacts, field_facts
from venice_widgets.shell import terminal_columns

from .line_parser import LineParser, OnOff, usd, whole_number
from .variables import Several

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CELL = "This cell"

CELL_OPTIONS: Mapping[str, FieldFacts] = {
    facts.name: facts
    for facts in (
        FieldFacts(
            name="images",
            kind=int,
            about=About(
                group=CELL,
                short="n",
                help="How many images: each is a request of its own, with seeds s, s+1, …",
                default="1, or as many as --seed lists",
                example="4",
            ),
            minimum=1,
            maximum=1000,
        ),
        FieldFacts(
            name="dry_run",
            kind=bool,
            about=About(group=CELL, help="Show the request and its price, and send nothing.", default="off"),
        ),
        FieldFacts(
            name="max_cost",
            kind=float,
            about=About(
                group=CELL,
                help="Refuse to send if it could cost more US dollars than this; an unknown price is refused.",
                default="VENICE_MAX_COST, or no limit",
                example="0.50",
            ),
            minimum=0,
        ),
        FieldFacts(
            name="yes",
            kind=bool,
            about=About(
                group=CELL, short="y", help="Do not ask before spending more than VENICE_CONFIRM_ABOVE.", default="off"
            ),
        ),
        FieldFacts(
            name="out",
            kind=str,
            about=About(
                group=CELL, short="o", help="Put the result into this variable too.", default="none", example="foxes"
            ),
        ),
        FieldFacts(
            name="save",
            kind=str,
            about=About(
                group=CELL,
                help="Save a copy of each image with its recipe inside, never overwriting; fills in {seed}, {ext}, "
                "{run_id}, {model}.",
                default="none",
                example='"fox-{seed}.{ext}"',
            ),
        ),
        FieldFacts(
            name="metadata",
            kind=str,
            about=About(
                group=CELL,
                help="What --save writes into the file: the whole recipe, all but the prompts, nothing, or the bytes "
                "as received.",
                default="full",
                example="no-prompt",
            ),
            choices=METADATA,
        ),
        FieldFacts(
            name="again",
            kind=bool,
            about=About(
                group=CELL,
                help="Send the request even where the log holds it with its image, and pay for it once more.",
                default="off: a request with a given seed that the log holds is shown from there, at no cost",
            ),
        ),
        FieldFacts(
            name="reuse",
            kind=bool,
            about=About(
                group=CELL,
                help="Show what the log holds of this request even where the configuration says reuse = never.",
                default="off",
            ),
        ),
        FieldFacts(
            name="zip",
            kind=bool,
            about=About(
                group=CELL,
                help="With several values for several options: pair the first with the first, the second with the "
                "second, instead of every value with every other.",
                default="off",
            ),
        ),
        FieldFacts(
            name="skip_invalid",
            kind=bool,
            about=About(
                group=CELL,
                help="With several values: leave out what a model does not take instead of refusing everything.",
                default="off",
            ),
        ),
        FieldFacts(
            name="replace",
            kind=str,
            about=About(
                group=CELL,
                help="Search and replace: a text that is in the prompt, and others to put in its place, one each.",
                default="none",
                example='"fox, owl, badger"',
                prose=True,
            ),
        ),
        FieldFacts(
            name="resend_unknown",
            kind=bool,
            about=About(
                group=CELL,
                help="With several values: send again what may have been charged before and gave no image.",
                default="off",
            ),
        ),
        FieldFacts(
            name="raw",
            kind=bool,
            about=About(group=CELL, help="Send {{ }} in the prompt as it is, without variables.", default="off"),
        ),
    )
}


def all_options() -> Mapping[str, FieldFacts]:
    """Every option of the cell magic by its field's name: the API's first, then the cell's own."""
    return {**field_facts(), **CELL_OPTIONS}


@cache
def cell_parser() -> LineParser:
    """The parser of ``%%venice``."""
    parser = LineParser("%%venice")
    for facts in all_options().values():
        flags = [f"--{facts.option}", *([f"-{facts.about.short}"] if facts.about.short else [])]
        if facts.kind is bool:
            action = OnOff if facts.name in field_facts() else "store_true"
            parser.add_argument(*flags, dest=facts.name, action=action, default=None)
        elif facts.name == "style_references":
            parser.add_argument(*flags, dest=facts.name, action="append")
        else:
            parser.add_argument(*flags, dest=facts.name, type=_CONVERTERS.get(facts.name, str))
    parser.of_request = frozenset(field_facts())
    parser.patterns = frozenset({"save"})
    parser.read = _read
    parser.prose = frozenset(name for name, facts in all_options().items() if facts.about.prose)
    return parser


_CONVERTERS: Mapping[str, Callable[[str], Any]] = {"images": whole_number, "max_cost": usd}
"""Of the cell's own options; the request converts its fields itself."""


def parse_cell_line(line: str, namespace: Mapping[str, Any] | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields of the request, and the cell's own options.

    Args:
        line: without the name of the magic.
        namespace: the notebook's variables, which fill in ``{{ name }}``; None to leave braces alone.

    Returns:
        Fields as text or as the values of variables. A field with several values is an `Axis`, but for seeds, which
        are text or a list.

    Raises:
        UsageError: it cannot be understood.
        InvalidRequest: a variable or a list of values cannot be used.
    """
    given = cell_parser().parse_line(line, namespace)
    fields = {name: _axis_or_value(name, value) for name, value in given.items() if name in field_facts()}
    return fields, {name: value for name, value in given.items() if name not in field_facts()}


def _axis_or_value(name: str, value: Any) -> Any:
    if isinstance(value, Several):
        return list(value.values) if name == "seed" else as_axis(value.values, name)
    return value


def _read(name: str, text: str) -> Any:
    """The `Axis` that a text names; any other text as it is, for the request's own check to judge."""
    parsed = text if name == "seed" or name not in field_facts() else parse_axis(text, name)
    return parsed if isinstance(parsed, Axis) else text


def with_seed_axis(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The same fields for a plan, in which several seeds are an axis like any other."""
    seed = fields.get("seed")
    if seed is None:
        return dict(fields)
    return {**fields, "seed": parse_axis(seed, "seed") if isinstance(seed, str) else _seed_axis(seed)}


def _seed_axis(seed: Any) -> Any:
    return as_axis(seed, "seed") if isinstance(seed, list) else seed


def cell_help() -> str:
    """The help of ``%%venice``, grouped, each option with its range, default, takers and an example."""
    groups: dict[str, list[str]] = {}
    for facts in all_options().values():
        groups.setdefault(facts.about.group, []).append(_option_help(facts))
    body = "\n\n".join(f"{group}\n{'-' * len(group)}\n" + "\n".join(lines) for group, lines in groups.items())
    return f"{_filled(_INTRODUCTION)}\n\n{body}\n\n{_filled(_CLOSING)}"


def _filled(text: str) -> str:
    """Sentences as wide as the help; what is typed stays as it is."""
    paragraphs = text.split("\n\n")
    return "\n\n".join(each if each.startswith((" ", "%%")) else "\n".join(_wrapped(each, "")) for each in paragraphs)


def _option_help(facts: FieldFacts) -> str:
    flag, of_request = f"--{facts.option}", facts.name in field_facts()
    opposite = f"--no-{facts.option}" if facts.kind is bool and of_request else ""
    short = f"-{facts.about.short}" if facts.about.short else ""
    value = "" if facts.kind is bool else f" {facts.option.rpartition('-')[2].upper()}"
    details = [
        f"Takes {facts.range_text}." if facts.range_text else "",
        f"Default: {facts.about.default}.",
        f"For {facts.about.taken_by}." if of_request else "",
    ]
    example = opposite if facts.about.default == "on" else f"{flag} {facts.about.example}".rstrip()
    head = f"  {', '.join(filter(None, (flag, opposite, short)))}{value}"
    words = [*_wrapped(facts.about.help), *_wrapped(" ".join(filter(None, details)))]
    return "\n".join([head, *words, f"      Example: {example}"])


def _wrapped(text: str, indent: str = " " * 6) -> list[str]:
    width = min(100, terminal_columns() or 100)
    wrap = partial(textwrap.wrap, initial_indent=indent, subsequent_indent=indent, break_long_words=False)
    return wrap(text, width, break_on_hyphens=False)


_INTRODUCTION = """\
%%venice [options]
the prompt

Make images with Venice.ai. The price is shown before anything is sent. Each image is shown with its
seed, stored as it was received, and recorded in the log. Everything below the first line is the prompt.
It is sent as it is, except for {{ name }}, which is filled in from the notebook's variables.

  %%venice --model z-image-turbo --seed 41 -n 2
  A fox in {curly braces}, $5 in its paw

{{ name }} also gives the value of an option. An option with several values makes one image for each, as
a grid: write a list (a,b), a range (1..5, or 1..9 (+2) in quotes), or a variable that holds a list.

  %%venice --model z-image-turbo,venice-sd35 --cfg-scale "3..9 (+2)" --seed {{ seeds }} --dry-run
  A {{ animal }} at night"""

_CLOSING = """\
Quote values with spaces as in a shell: --style-preset "Analog Film". Text that begins with a dash needs
an equals sign: --negative-prompt=-blur. %venice lists the commands that make no images."""
