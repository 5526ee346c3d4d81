"""Completion of options, and of the values that are valid for the model already chosen on the line.

Everything comes from what is at hand, in memory or in the store; a matcher never waits for the network. Source:
IPython's matcher API v2, ``Completer.custom_matchers``.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from venice_widgets.request.catalogue import Catalogue

_LINE = re.compile(r"\s*(?:[^%=]+=\s*(?=%v))?(?P<magic>%%?venice)(?P<text>\s.*|$)", re.DOTALL)
"""Also ``prices = %venice price …``."""


def add_matcher(shell: Any) -> None:
    """Complete in this shell; does nothing where it has no such completer."""
    completer: Any = getattr(shell, "Completer", None)
    if _knows_context(completer):
        if venice_matcher not in completer.custom_matchers:
            completer.custom_matchers.append(venice_matcher)
    elif hasattr(completer, "magic_arg_matchers"):
        from .older_completion import add_line_matcher

        add_line_matcher(completer, _offer)


def remove_matcher(shell: Any) -> None:
    """Complete no more."""
    completer: Any = getattr(shell, "Completer", None)
    if _knows_context(completer):
        if venice_matcher in completer.custom_matchers:
            completer.custom_matchers.remove(venice_matcher)
    elif hasattr(completer, "magic_arg_matchers"):
        from .older_completion import remove_line_matcher

        remove_line_matcher(completer)


def _knows_context(completer: Any) -> bool:
    """Whether the completer has matchers of version 2, which see the whole cell: IPython 8.6 and newer."""
    return hasattr(completer, "custom_matchers") and hasattr(
        import_module("IPython.core.completer"), "SimpleCompletion"
    )


def _offer(before_cursor: str, rest: str) -> tuple[str, list[str]]:
    """What a line can go on with, for a matcher that sees nothing else."""
    match = _LINE.match(before_cursor)
    if match is None or not match["text"]:
        return "", []
    try:
        return complete(match["magic"], match["text"], rest)
    except Exception:  # noqa: BLE001  whoever types must never meet an error of ours
        return "", []


def venice_matcher(context: Any) -> dict[str, Any]:
    """What can be at the cursor of a ``%%venice`` or ``%venice`` line."""
    from IPython.core.completer import SimpleCompletion

    match = _LINE.match(context.text_until_cursor)
    if match is None or not match["text"]:
        return {"completions": []}
    try:
        if match["magic"] == "%%venice" and not _on_top(context):
            return {"completions": []}
        rest = context.line_with_cursor[context.cursor_position :]
        fragment, values = complete(match["magic"], match["text"], rest)
        said = _prompts_of_runs(match["text"]) if match["magic"] == "%venice" else {}
    except Exception:  # noqa: BLE001  whoever types must never meet an error of ours
        return {"completions": []}
    completions = [SimpleCompletion(text=value, type=said.get(value, "venice")) for value in values]
    return {"completions": completions, "matched_fragment": fragment, "suppress": bool(completions), "ordered": True}


def _on_top(context: Any) -> bool:
    """Whether only other cell magics are above the cursor's line, so that it is not part of a text."""
    above = context.full_text.split("\n")[: context.cursor_line]
    return all(not line.strip() or line.lstrip().startswith("%%") for line in above) and not any(
        _LINE.match(line) for line in above
    )


# IPython reads the version from the function itself; its decorator would need an import at load.
venice_matcher.matcher_api_version = 2  # type: ignore[attr-defined]
venice_matcher.matcher_priority = 0  # type: ignore[attr-defined]
venice_matcher.matcher_identifier = "venice_widgets"  # type: ignore[attr-defined]


def complete(magic: str, text: str, rest: str = "") -> tuple[str, list[str]]:
    """The word being typed at the end of `text`, and what it can become.

    Args:
        magic: ``%%venice`` or ``%venice``.
        text: the line after the magic's name, up to the cursor.
        rest: the line behind the cursor, where the model may be.
    """
    before, fragment = _cut(text)
    if magic == "%venice":
        return fragment, _starting(fragment, _quoted(_command_values(before, fragment)))
    words = [*before, *_cut(f"{rest} ")[0]]
    option, equals, value = fragment.partition("=")
    if equals and option.startswith("-"):
        return value, _starting(value, _quoted(_values(option, words) or ()))
    if before and (values := _values(before[-1], words)) is not None:
        return fragment, _starting(fragment, _quoted(values))
    return fragment, _starting(fragment, _option_flags(words)) if fragment.startswith("-") or not fragment else []


def _cut(text: str) -> tuple[list[str], str]:
    """The finished words and the one being typed, its quotes kept; a quote may still be open."""
    words, word, quote = [], "", ""
    for letter in text:
        if quote or not letter.isspace():
            word += letter
            quote = "" if letter == quote else quote or (letter if letter in "\"'" else "")
        elif word:
            words.append(word)
            word = ""
    return words, word


def _starting(fragment: str, values: Iterable[str]) -> list[str]:
    bare = fragment.lstrip("\"'").casefold()
    return [value for value in values if value.lstrip("\"'").casefold().startswith(bare)]


def _quoted(values: Iterable[str]) -> list[str]:
    return [f'"{value}"' if " " in value else value for value in values]


def _option_flags(words: Sequence[str]) -> list[str]:
    """Every option, but for those that mean nothing to the model on the line."""
    from venice_widgets.request.fields import field_facts

    from .cell_options import cell_parser

    catalogue, name = _catalogue(), _model_on(words)
    model = catalogue.find(name) if catalogue and name else None
    useless = {facts.option for facts in field_facts().values() if model and not model.takes(facts.name)}
    return [flag for flag in cell_parser().flags if flag.removeprefix("--").removeprefix("no-") not in useless]


def _values(flag: str, words: Sequence[str]) -> Sequence[str] | None:
    """The values of the option `flag` for the model on the line, empty where no one can list them.

    None where `flag` is not an option that takes a value.
    """
    from .cell_options import all_options

    facts = next(
        (facts for facts in all_options().values() if flag in (f"--{facts.option}", f"-{facts.about.short}")), None
    )
    if facts is None or facts.kind is bool:
        return None
    if not (facts.about.listed or facts.name in _OF_CATALOGUE):
        return facts.choices
    catalogue = _catalogue()
    if catalogue is None:
        return ()
    if facts.name in _OF_CATALOGUE:
        return _OF_CATALOGUE[facts.name](catalogue)
    named = _model_on(words)
    model = catalogue.find(named or "default")
    listed = model.allowed(facts.name) if model else ()
    if listed or named:
        return listed
    # The default takes none, and a model that does may yet be named: Python's own names would be no better.
    return tuple(dict.fromkeys(value for each in catalogue.models for value in each.allowed(facts.name)))


_OF_CATALOGUE: dict[str, Callable[[Catalogue], Sequence[str]]] = {
    "model": lambda catalogue: [*_generating(catalogue), *catalogue.traits],
    "style_preset": lambda catalogue: catalogue.styles or (),
}
"""What the catalogue lists for all models alike; what one model lists is part of the field's declaration."""


def _generating(catalogue: Catalogue) -> list[str]:
    return [model.id for model in catalogue.models if model.generates]


def _model_on(words: Sequence[str]) -> str | None:
    for place, word in enumerate(words):
        if word in ("-m", "--model") and place + 1 < len(words):
            return words[place + 1].strip("\"'")
        if word.startswith("--model="):
            return word.partition("=")[2].strip("\"'")
    return None


def _command_values(before: Sequence[str], fragment: str) -> Sequence[str]:
    from .commands import COMMANDS

    if not before:
        return list(COMMANDS)
    command = COMMANDS.get(before[0])
    if command is None:
        return ()
    parser = command.parser()
    if (values := parser.values_of(before[-1])) is not None:
        return values
    if fragment.startswith("-"):
        return parser.flags
    catalogue = _catalogue() if command.takes_model else None
    if catalogue:
        return _generating(catalogue)
    return [*command.words, *_prompts_of_runs(" ".join(before))]


def _catalogue() -> Catalogue | None:
    from venice_widgets.current import current_session

    return current_session().known_catalogue()


def _prompts_of_runs(line: str) -> dict[str, str]:
    """The runs that a command can be about, with their prompts; empty for other commands."""
    from venice_widgets.current import current_session
    from venice_widgets.log import RUN_ENDING

    from .commands import COMMANDS

    command = COMMANDS.get(next(iter(line.split()), ""))
    if command is None or not command.takes_run:
        return {}
    runs = current_session().known_runs()
    return {run.run_id[-RUN_ENDING:]: " ".join(run.draft.prompt.split())[:40] for run in runs}
