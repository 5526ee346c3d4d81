"""Infotext: the plain text in which AUTOMATIC1111 and Civitai keep what made an image.

::

    a red fox, "waking up":
    in the snow
    Negative prompt: text, watermark
    Steps: 25, CFG scale: 7, Seed: 41, Size: 1024x1024, Model: venice-sd35, Style preset: "Film, 35 mm"

The last line is a row of ``Key: value`` pairs, at least three, or readers take it for a prompt; a value with a comma,
a colon or a line break is a JSON string. Civitai looks for the word ``Steps:`` and ignores a line without it. The text
has no escapes for the prompt itself, so reading it back is never exact: spaces at the ends of lines are lost, and a
prompt with a line ``Negative prompt:`` is cut there.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

NEGATIVE = "Negative prompt:"
_FEWEST_PAIRS, _MOST_PAIRS = 3, 1_000
_KEY = re.compile(r"\w[\w \-/]+$")
_STEPS = re.compile(r"(?:^|(?<=[\s,.]))Steps: \d{1,5},")
_BEGINS_WITH_SETTINGS = re.compile(r"\s*(?:Steps|CFG scale|Seed|Size|Model|Model hash|Sampler|Run|Version): ")
_LOOKS_LIKE_SETTINGS = re.compile(r"\b(?:steps|seed)\s*:\s*-?\d", re.IGNORECASE)
_ONE_LINE = "Its prompt, negative prompt and settings are on one line: where one ends and the next begins is a guess."
_QUOTED = re.compile(r'"(?:\\.|[^\\"])*"')


@dataclass(frozen=True, slots=True)
class Infotext:
    """What an infotext says."""

    prompt: str
    negative_prompt: str
    settings: Mapping[str, str]
    """The pairs of the last line, unquoted, in their order."""
    notices: tuple[str, ...] = ()
    """What is uncertain about it, a sentence each."""


def write(prompt: str, negative_prompt: str, settings: Mapping[str, str]) -> str:
    """Write infotext.

    Args:
        prompt: as many lines as it has; zero characters and lone surrogates, which readers fail on, are left out.
        negative_prompt: may be empty.
        settings: the pairs of the last line in order; empty values are left out.
    """
    parts = [prompt, f"{NEGATIVE} {negative_prompt}" if negative_prompt else ""]
    pairs = ", ".join(f"{key}: {_quoted(value)}" for key, value in settings.items() if value)
    text = "\n".join(part for part in [*parts, pairs] if part)
    return text.replace("\0", "").encode("utf-8", "ignore").decode()


def parse(text: str) -> Infotext | None:
    """Read infotext by AUTOMATIC1111's rules; None where no line holds settings.

    Where the last line is not a row of settings, a line that begins with ``Steps:`` is looked for, because some
    extensions write below it. Where everything is on one line, it is split before ``Negative prompt:`` and ``Steps:``.
    """
    lines = text.strip().split("\n")
    number = _settings_line(lines)
    if number is None:
        return None
    before, settings = _split_line(lines[number])
    lines = [*lines[:number], *before]
    prompts: tuple[list[str], list[str]] = ([], [])
    part = 0
    for line in (raw.strip() for raw in lines):
        is_negative = line.startswith(NEGATIVE)
        part = 1 if is_negative else part
        prompts[part].append(line.removeprefix(NEGATIVE).strip() if is_negative else line)
    notices = (_ONE_LINE,) if before else ()
    return Infotext("\n".join(prompts[0]), "\n".join(prompts[1]), _settings(settings), notices)


def holds_settings(prompt: str) -> bool:
    """Whether other programs could take a part of a prompt for the settings of its image."""
    return _LOOKS_LIKE_SETTINGS.search(prompt) is not None


def _split_line(line: str) -> tuple[list[str], str]:
    """The prompts on a settings line, a line each, and the settings."""
    start = _STEPS.search(line)
    if start is None or not line[: start.start()].strip() or _BEGINS_WITH_SETTINGS.match(line):
        return [], line
    prompt, negative, rest = line[: start.start()].partition(NEGATIVE)
    return [prompt.strip(), *([f"{NEGATIVE} {rest.strip()}"] if negative else [])], line[start.start() :]


def _settings_line(lines: Sequence[str]) -> int | None:
    if len(_settings(lines[-1])) >= _FEWEST_PAIRS:
        return len(lines) - 1
    return next((n for n in reversed(range(len(lines))) if lines[n].startswith("Steps: ")), None)


def _settings(line: str) -> dict[str, str]:
    return dict(islice(_pairs(line), _MOST_PAIRS))


def _quoted(value: str) -> str:
    needs_quotes = any(mark in value for mark in ',:"\n\r') or value != value.strip()
    return json.dumps(value, ensure_ascii=False) if needs_quotes else value


def _pairs(line: str) -> Iterator[tuple[str, str]]:
    """The pairs of a line, in one pass: a regular expression for the whole would take a hostile line's square."""
    position, has_quotes_ahead = 0, True
    while (colon := line.find(":", position)) >= 0:
        key = _KEY.search(line[max(position, colon - 100) : colon])
        start = colon + 1
        while start < len(line) and line[start] in " \t":
            start += 1
        quoted = _QUOTED.match(line, start) if has_quotes_ahead and line[start : start + 1] == '"' else None
        # An unclosed quote stays unclosed for every later start.
        has_quotes_ahead = has_quotes_ahead and (quoted is not None or line[start : start + 1] != '"')
        if quoted is None or line[quoted.end() : quoted.end() + 1] not in {"", ","}:
            comma = line.find(",", start)
            end = comma if comma >= 0 else len(line)
        else:
            end = quoted.end()
        if key and key[0].strip():
            yield key[0].strip(), _unquoted(line[start:end])
        position = end + 1


def _unquoted(value: str) -> str:
    if not (len(value) >= 2 and value[0] == value[-1] == '"'):
        return value.strip()
    try:
        text = json.loads(value)
    except ValueError:
        return value
    return text if isinstance(text, str) else value
