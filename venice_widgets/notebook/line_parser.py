"""The line of a magic, taken apart: words quoted as in a shell, options that must be spelled out, refusals that help.

Built on argparse, whose messages are said again here in a sentence each, as IPython's `UsageError`: its exact class,
since only that is shown without a traceback.
"""

from __future__ import annotations

import argparse
import re
import shlex
from typing import TYPE_CHECKING, Any, NoReturn

from IPython.core.error import UsageError

from venice_widgets.errors import ConfigurationError
from venice_widgets.money import parse_usd
from venice_widgets.redact import redact

from .line_variables import LineVariables, has_variable, is_variable
from .option_hints import elsewhere, near
from .variables import Several

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from decimal import Decimal

_NO_BREAK_SPACES = "\xa0\u202f"
"""What option and space give on some keyboards, and what pasted text holds."""
_HELP = ("-h", "--help")
_NEGATIVE_NUMBER = re.compile(r"-\.?\d")
"""Begins a value, not an option: argparse's own pattern since Python 3.14, with which ``--seed -5..-3`` is a range."""
_NEEDS_VALUE = re.compile(r"argument (?P<flags>\S+): expected (?:one|at least one) argument")
_TAKES_NO_VALUE = re.compile(r"argument (?P<flags>\S+): ignored explicit argument (?P<value>.+)")
_MISSING = re.compile(r"the following arguments are required: (?P<names>.+)")


class LineParser(argparse.ArgumentParser):
    """An argparse parser whose errors are IPython's `UsageError`, with the near options for a mistyped one."""

    def __init__(self, command: str, **settings: Any) -> None:
        super().__init__(prog=command, add_help=False, allow_abbrev=False, **settings)
        self._variables = LineVariables("", None)
        self.of_request: frozenset[str] = frozenset()
        """The options whose values go to the API as they are; of these, a variable may hold several values."""
        self.patterns: frozenset[str] = frozenset()
        """The options in which single braces have a meaning of their own."""
        self.prose: frozenset[str] = frozenset()
        """The options that take any text, braces and dollars included."""
        self.read: Callable[[str, str], Any] = lambda _, word: word
        """Turns the words of an option, given its name, into its value."""
        self.color = False  # since Python 3.14 the help would hold escape sequences
        self._negative_number_matcher = _NEGATIVE_NUMBER
        self.add_argument(*_HELP, action="store_true", default=None, help="Show this help.")

    @property
    def flags(self) -> list[str]:
        """Every long option, with its dashes."""
        return [flag for flag in self._option_string_actions if flag.startswith("--")]

    def values_of(self, flag: str) -> tuple[str, ...] | None:
        """The closed set that the option `flag` takes, empty where it takes anything; None where it takes no value."""
        action = self._option_string_actions.get(flag)
        if action is None or action.nargs == 0:
            return None
        return tuple(map(str, action.choices or ()))

    def add_argument(self, *names: Any, **settings: Any) -> argparse.Action:
        """As argparse's, but for help that is taken as it is, per cent signs included."""
        if isinstance(settings.get("help"), str):
            settings["help"] = settings["help"].replace("%", "%%")
        if names and str(names[0]).startswith("-") and settings.get("action", "store") == "store":
            settings["action"] = _Once
        return super().add_argument(*names, **settings)

    def parse_line(self, line: str, namespace: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The options of a line; what was not given is absent.

        Args:
            line: without the name of the magic.
            namespace: the notebook's variables, which fill in ``{{ name }}``; None to leave braces alone.

        Returns:
            Values by name. What a variable gives is its value in Python, or `Several` for an option that takes several.

        Raises:
            UsageError: it cannot be understood.
            InvalidRequest: a variable cannot be used.
        """
        self._variables = LineVariables(line, namespace)
        words = split(self._variables.line, self.prog)
        if any(word in _HELP for word in words):
            return {"help": True}
        self._refuse_single_dash(words)
        words, switches = self._switches(words)
        found, rest = self.parse_known_intermixed_args(words)
        if rest:
            self._refuse([self._variables.typed(word) for word in rest])
        given = {name: self._filled(name, value) for name, value in vars(found).items() if value is not None}
        return given | {
            name: value for name, value in switches.items() if value is not False or name in self.of_request
        }

    def _switches(self, words: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
        """Take out every switch whose value is a variable: ``--safe-mode {{ safe }}``."""
        kept: list[str] = []
        found: dict[str, Any] = {}
        place = 0
        while place < len(words):
            flag, equals, value = words[place].partition("=")
            value = value if equals else next(iter(words[place + 1 : place + 2]), "")
            action = self._option_string_actions.get(flag)
            if action is None or action.nargs != 0 or flag.startswith("--no-") or not is_variable(value):
                kept.append(words[place])
                place += 1
            else:
                found[action.dest] = self._switch(action, value)
                place += 1 if equals else 2
        return kept, found

    def _switch(self, action: argparse.Action, word: str) -> Any:
        flag = _long("/".join(action.option_strings))
        value = self._variables.value(word, flag, action.dest)
        several = isinstance(value, Several) and action.dest in self.of_request
        values = value.values if several else (value,)
        if not all(isinstance(each, bool) for each in values):
            raise usage_error(f"{self.prog}: {flag} {self._variables.typed(word)} is neither True nor False.")
        return value

    def _filled(self, name: str, value: Any) -> Any:
        """A value with its variables filled in."""
        action = next(action for action in self._actions if action.dest == name)
        if isinstance(value, list):
            filled = [self._filled_word(action, word) for word in value]
            return [one for each in filled for one in (each.values if isinstance(each, Several) else [each])]
        return self._filled_word(action, value)

    def _filled_word(self, action: argparse.Action, word: Any) -> Any:
        flag = _long("/".join(action.option_strings)) or action.dest
        if not isinstance(word, str):
            return word
        if not has_variable(word):
            self._refuse_other_braces(action, flag, word)
            return self.read(action.dest, word)
        value = self._variables.value(word, flag, action.dest, escape=action.dest in self.patterns)
        if action.dest in self.of_request:
            return value
        if isinstance(value, Several):
            raise usage_error(f"{self.prog}: {flag} {self._variables.typed(word)} holds several values; it takes one.")
        try:
            converted = self._get_value(action, str(value))
            self._check_value(action, converted)
        except argparse.ArgumentError as exc:
            self.error(str(exc))
        return converted

    def _refuse_other_braces(self, action: argparse.Action, flag: str, word: str) -> None:
        name = self._variables.otherwise_written(word)
        if not name or action.dest in self.patterns:
            return
        if self._variables.holds(name) or (action.dest in self.of_request and action.dest not in self.prose):
            raise usage_error(f"{self.prog}: {flag} {word}: a variable is written {{{{ {name} }}}}.")

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> Any:
        """``--negative-prompt=--`` as it was typed; argparse of Python 3.11 drops it, as the end of the options."""
        if not (action.option_strings and arg_strings == ["--"]):
            return super()._get_values(action, arg_strings)
        value = self._get_value(action, "--")
        self._check_value(action, value)
        return value

    def _get_value(self, action: argparse.Action, arg_string: str) -> Any:
        """What stands for a variable is converted once it is filled in."""
        return arg_string if has_variable(arg_string) else super()._get_value(action, arg_string)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if not has_variable(value):
            super()._check_value(action, value)

    def error(self, message: str) -> NoReturn:
        """What argparse says, as a usage error."""
        said = self._variables.typed(self._reworded(message))
        raise usage_error(f"{self.prog}: {said} {self.prog} --help shows more.") from None

    def _reworded(self, message: str) -> str:
        if match := _NEEDS_VALUE.match(message):
            flag = _long(match["flags"])
            return f"{flag} needs a value. One that begins with a dash needs an equals sign: {flag}=-…"
        if match := _TAKES_NO_VALUE.match(message):
            return f"{' and '.join(match['flags'].split('/'))} take no value; {match['value']} is too much."
        if match := _MISSING.match(message):
            return f"{match['names']} is missing."
        return f"{message.removeprefix('argument ')}."

    def _refuse_single_dash(self, words: Sequence[str]) -> None:
        """``-seed 4`` would be read as ``-s eed``, ``-num 4`` as ``-n um``."""
        for word in words:
            if not re.match(r"-[^-]{2,}", word):
                continue
            if f"-{word.partition('=')[0]}" in self._option_string_actions:
                raise usage_error(f"{self.prog}: {word} needs two dashes: -{word}.")
            if self._elsewhere(word):
                self._refuse([word])

    def _refuse(self, rest: Sequence[str]) -> NoReturn:
        wrong = next((word for word in rest if re.match(r"--?[^-\s]", word)), None)
        if wrong is None or wrong.startswith("--prompt"):
            raise usage_error(self._unexpected(rest))
        meant = self._elsewhere(wrong) or " or ".join(near(wrong, self.flags))
        hint = f" Did you mean {meant}?" if meant else ""
        raise usage_error(f"{self.prog}: there is no option {wrong}.{hint} {self.prog} --help lists them.")

    def _elsewhere(self, wrong: str) -> str:
        options = {action.dest: _long("/".join(action.option_strings)) for action in self._actions}
        return elsewhere(wrong, options, self.flags)

    def _unexpected(self, rest: Sequence[str]) -> str:
        words = " ".join(rest)
        if "{{" in words:
            return (
                f"{self.prog}: {words} is not the value of an option. A variable gives a value: --seed {{{{ name }}}}."
            )
        if re.search("[“”„‘’]", words):
            return f"{self.prog}: {words!r} is not understood. Quote with straight quotes: \" or '."
        if self.prog.startswith("%%"):
            return (
                f"{self.prog}: {words!r} is not an option. The prompt goes below this line; quote values with spaces."
            )
        return f"{self.prog}: {words!r} is not understood. {self.prog} --help shows what is."


class _Once(argparse.Action):
    """Keep a value; a second one would contradict the first, and one of them would be dropped in silence."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,  # noqa: ARG002  argparse passes it
    ) -> None:
        if getattr(namespace, self.dest, None) is not None:
            parser.error(f"{_long('/'.join(self.option_strings))} is given twice")
        setattr(namespace, self.dest, values)


class OnOff(argparse.BooleanOptionalAction):
    """``--name`` and ``--no-name``; both on one line contradict each other, and one would be dropped in silence."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Keep the switch, or refuse its opposite."""
        before = getattr(namespace, self.dest, None)
        super().__call__(parser, namespace, values, option_string)
        if before not in (None, getattr(namespace, self.dest)):
            parser.error(f"{' and '.join(self.option_strings)} contradict each other")


def usage_error(text: str) -> UsageError:
    """What was typed cannot be understood; it is quoted without keys, which people do type."""
    return UsageError(redact(text))


def _long(flags: str) -> str:
    return next((flag for flag in flags.split("/") if flag.startswith("--")), flags)


def split(line: str, command: str) -> list[str]:
    """The words of a line, quoted as in a shell.

    Raises:
        UsageError: a quote is not closed.
    """
    lexer = shlex.shlex(line, posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.commenters = True, ""
    lexer.whitespace += _NO_BREAK_SPACES
    try:
        return list(lexer)
    except ValueError as exc:
        problem = "nothing follows the last backslash" if "escape" in str(exc) else "a quote is not closed"
        raise usage_error(f"{command}: {problem} in {line!r}.") from exc


def usd(text: str) -> Decimal:
    """An amount of dollars, for an option's ``type``.

    Raises:
        argparse.ArgumentTypeError: it is not one.
    """
    try:
        return parse_usd(text, "amount")
    except ConfigurationError as exc:
        raise argparse.ArgumentTypeError(f"{text!r} is not an amount of dollars. Write it like 0.50 or 2") from exc


def whole_number(text: str) -> int:
    """A whole number, for an option's ``type``.

    Raises:
        argparse.ArgumentTypeError: it is not one.
    """
    if not re.fullmatch(r"[+-]?[0-9]{1,25}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)
