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
from venice_widgets.redact import scrub
from venice_widgets.suggest import nearest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

_NO_BREAK_SPACES = "\xa0\u202f"
"""What option and space give on some keyboards, and what pasted text holds."""
_HELP = ("-h", "--help")
_NEEDS_VALUE = re.compile(r"argument (?P<flags>\S+): expected (?:one|at least one) argument")
_TAKES_NO_VALUE = re.compile(r"argument (?P<flags>\S+): ignored explicit argument (?P<value>.+)")
_MISSING = re.compile(r"the following arguments are required: (?P<names>.+)")


class LineParser(argparse.ArgumentParser):
    """An argparse parser whose errors are IPython's `UsageError`, with the near options for a mistyped one."""

    def __init__(self, command: str, **settings: Any) -> None:
        super().__init__(prog=command, add_help=False, allow_abbrev=False, **settings)
        self.color = False  # since Python 3.14 the help would hold escape sequences
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
        """As argparse's, but for help that is taken as it stands, per cent signs included."""
        if isinstance(settings.get("help"), str):
            settings["help"] = settings["help"].replace("%", "%%")
        if names and str(names[0]).startswith("-") and settings.get("action", "store") == "store":
            settings["action"] = _Once
        return super().add_argument(*names, **settings)

    def parse_line(self, line: str) -> dict[str, Any]:
        """The options of a line; what was not given is absent.

        Raises:
            UsageError: it cannot be understood.
        """
        words = split(line, self.prog)
        if any(word in _HELP for word in words):
            return {"help": True}
        self._refuse_single_dash(words)
        found, rest = self.parse_known_intermixed_args(words)
        if rest:
            self._refuse(rest)
        return {name: value for name, value in vars(found).items() if value is not None}

    def error(self, message: str) -> NoReturn:
        """What argparse says, as a usage error."""
        raise _usage_error(f"{self.prog}: {self._reworded(message)} {self.prog} --help shows more.") from None

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
        """``-seed 4`` would be read as ``-s eed``."""
        for word in words:
            if re.match(r"-[^-]{2,}", word) and f"-{word.partition('=')[0]}" in self._option_string_actions:
                raise _usage_error(f"{self.prog}: {word} needs two dashes: -{word}.")

    def _refuse(self, rest: Sequence[str]) -> NoReturn:
        wrong = next((word for word in rest if re.match(r"--?[^-\s]", word)), None)
        if wrong is None or wrong.startswith("--prompt"):
            raise _usage_error(self._unexpected(rest))
        near = self._near(wrong)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise _usage_error(f"{self.prog}: there is no option {wrong}.{hint} {self.prog} --help lists them.")

    def _near(self, wrong: str) -> list[str]:
        """Those that begin like it, or else the most alike."""
        name = wrong.partition("=")[0].lstrip("-").replace("_", "-")
        names = [flag.removeprefix("--") for flag in self.flags]
        beginning = [known for known in names if len(name) > 1 and known.startswith(name.casefold())]
        return [f"--{known}" for known in beginning[:3] or nearest(name, names)]

    def _unexpected(self, rest: Sequence[str]) -> str:
        words = " ".join(rest)
        if re.search("[“”„‘’]", words):
            return f"{self.prog}: {words!r} is not understood. Quote with straight quotes: \" or '."
        if self.prog.startswith("%%"):
            return f"{self.prog}: {words!r} is no option. The prompt goes below this line; quote values with spaces."
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
            parser.error(f"{self.option_strings[-1]} is given twice")
        setattr(namespace, self.dest, values)


def _usage_error(text: str) -> UsageError:
    """It quotes what was typed, and people do type keys."""
    return UsageError(scrub(text))


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
        raise _usage_error(f"{command}: {problem} in {line!r}.") from exc


def usd(text: str) -> Decimal:
    """An amount of dollars, for an option's ``type``.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        return parse_usd(text, "amount")
    except ConfigurationError as exc:
        raise argparse.ArgumentTypeError(f"{text!r} is no amount of dollars. Write it like 0.50 or 2") from exc


def whole_number(text: str) -> int:
    """A whole number, for an option's ``type``.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    if not re.fullmatch(r"[+-]?[0-9]{1,12}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
    return int(text)
