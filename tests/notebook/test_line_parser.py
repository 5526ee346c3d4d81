"""The line of a magic: words as in a shell, options spelled out, refusals that help."""

import shlex
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.error import UsageError

from venice_widgets.notebook.line_parser import LineParser, split, usd, whole_number


@pytest.fixture
def parser():
    made = LineParser("%venice test")
    made.add_argument("-m", "--model", help="100 % of it, %(prog)s and %s.")
    made.add_argument("--model-size", choices=["small", "large"])
    made.add_argument("--price", type=usd)
    made.add_argument("--count", type=whole_number)
    made.add_argument("--quiet", action="store_true", default=None)
    made.add_argument("--many", action="append")
    return made


def refusal(parser, line):
    with pytest.raises(UsageError) as caught:
        parser.parse_line(line)
    assert type(caught.value) is UsageError
    return str(caught.value)


def test_what_was_not_given_is_absent(parser):
    assert parser.parse_line("") == {}
    assert parser.parse_line("--quiet -m x") == {"quiet": True, "model": "x"}


@pytest.mark.parametrize("line", ["--quiet forget last", "forget --quiet last", "forget last --quiet"])
def test_an_option_may_stand_among_the_words(parser, line):
    parser.add_argument("words", nargs="*")
    assert parser.parse_line(line) == {"quiet": True, "words": ["forget", "last"]}


@pytest.mark.parametrize(
    "line", ["--model 'a b'", '--model "a b"', "--model='a b'", "-m 'a b'", "-m='a b'", r"-m a\ b"]
)
def test_values_are_quoted_as_in_a_shell(parser, line):
    assert parser.parse_line(line) == {"model": "a b"}


@given(values=st.lists(st.text(min_size=1), max_size=4))
def test_whatever_is_quoted_arrives(values):
    assert split(" ".join(map(shlex.quote, values)), "%venice") == values


@given(value=st.text(max_size=12) | st.text(alphabet=" -=mh", max_size=4))
def test_whatever_follows_an_equals_sign_arrives(value):
    made = LineParser("%venice test")
    made.add_argument("-m", "--model")
    for flag in ("--model", "-m"):
        assert made.parse_line(f"{flag}={shlex.quote(value)}") == {"model": value}


@given(line=st.text(alphabet=" -=mo'\"\\dela1,.\n\xa0🦊", max_size=30))
def test_any_line_is_understood_or_a_usage_error(line):
    made = LineParser("%venice test")
    made.add_argument("-m", "--model")
    with suppress(UsageError):
        assert made.parse_line(line).keys() <= {"model", "help"}


@pytest.mark.parametrize("value", ["-7", "-5..-3", "-foo", "--quiet"])
def test_a_value_may_begin_with_a_dash_after_an_equals_sign(parser, value):
    assert parser.parse_line(f"--model={value}") == {"model": value}
    assert "equals sign: --model=-…" in refusal(parser, "--model --quiet")


def test_a_space_without_a_break_divides_words_too(parser):
    assert parser.parse_line("\xa0--model\xa0x --many 'a\xa0b'") == {"model": "x", "many": ["a\xa0b"]}


def test_an_option_is_given_once_unless_it_may_repeat(parser):
    assert "--model is given twice." in refusal(parser, "--model a -m b")
    assert parser.parse_line("--many a --many b") == {"many": ["a", "b"]}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--mod x", "no option --mod. Did you mean --model or --model-size?"),
        ("--modle x", "no option --modle. Did you mean --model"),
        ("--model_size=small", "no option --model_size=small. Did you mean --model-size?"),
        ("-model x", "-model needs two dashes: --model."),
        ("--xyz", "no option --xyz. %venice test --help lists them."),
        ("--quiet=no", "--quiet take no value; 'no' is too much."),
        ("--model-size medium", "invalid choice: 'medium'"),
        ("--price lots", "--price: 'lots' is not an amount of dollars."),
        ("--count 1.5", "--count: '1.5' is not a whole number."),
        ("--count 1_000", "--count: '1_000' is not a whole number."),
        ("words", "'words' is not understood."),
        ("“words”", "Quote with straight quotes"),
        ("--model 'x", 'a quote is not closed in "--model \'x".'),
        ("--model x\\", "nothing follows the last backslash"),
    ],
)
def test_a_refusal_says_what_is_wrong_and_what_is_right(parser, line, words):
    assert words in refusal(parser, line)


def test_a_name_from_other_tools_leads_nowhere_where_the_command_has_no_such_option(parser):
    assert "no option --guidance-scale. %venice test --help" in refusal(parser, "--guidance-scale 3")
    assert "no option --n. %venice test --help" in refusal(parser, "--n 3")


@pytest.mark.parametrize("option", ["--model", "-m", "--many"])
@pytest.mark.parametrize("value", ["--", "-", "---"])
def test_dashes_alone_are_a_value_after_an_equals_sign(parser, option, value):
    (arrived,) = parser.parse_line(f"{option}={value}").values()
    assert arrived in (value, [value])


def test_dashes_alone_are_no_choice_and_no_amount(parser):
    assert "invalid choice: '--'" in refusal(parser, "--model-size=--")
    assert "'--' is not a whole number" in refusal(parser, "--count=--")


@pytest.mark.parametrize("line", ["-h", "--help", "--nonsense --help", "--model x -h words"])
def test_whoever_asks_for_help_gets_it(parser, line):
    assert parser.parse_line(line) == {"help": True}


def test_help_is_printed_as_it_was_written_per_cent_signs_included(parser):
    assert "100 % of it, %(prog)s and %s." in " ".join(parser.format_help().split())
    assert "\x1b" not in parser.format_help()
