"""What an error promises to those who read it."""

import inspect
import pickle
import re
import sys
from types import SimpleNamespace

import pytest

from venice_widgets import errors
from venice_widgets.errors import (
    DisplayedError,
    GenerationIncomplete,
    Interrupted,
    InvalidRequest,
    ModelUnavailable,
    RateLimited,
    SpendingRefused,
    VeniceError,
    clipped,
    shown,
    written,
)

CLASSES = [
    value
    for value in vars(errors).values()
    if inspect.isclass(value) and issubclass(value, DisplayedError) and value is not DisplayedError
]


def test_the_tree_in_the_docstring_is_the_tree_in_the_code():
    drawn = set(re.findall(r"(?:├──|└──|^    )\s*(VeniceError|Interrupted|[A-Z]\w+)", errors.__doc__, re.MULTILINE))
    assert drawn == {each.__name__ for each in CLASSES}
    assert "│   └── ModelUnavailable" in errors.__doc__
    assert ModelUnavailable.__mro__[1] is InvalidRequest


@pytest.mark.parametrize("each", [each for each in CLASSES if each is not Interrupted])
def test_one_except_clause_catches_everything_raised_on_purpose(each):
    assert issubclass(each, VeniceError)
    assert issubclass(each, Exception)


def test_an_interrupt_is_a_keyboard_interrupt_and_escapes_except_exception():
    assert issubclass(Interrupted, KeyboardInterrupt)
    assert not issubclass(Interrupted, Exception)


def test_an_error_reads_as_its_message_and_then_its_remedy():
    assert str(SpendingRefused("It costs $2.00.", "Raise --max-cost.")) == "It costs $2.00.\nRaise --max-cost."
    assert str(SpendingRefused("It costs $2.00.")) == "It costs $2.00."


def test_long_lines_are_broken_between_words_and_addresses_stay_whole():
    address = "https://venice.ai/" + "x" * 120
    lines = SpendingRefused(
        "It costs too much. " * 12, f"  1. Go to {address}\n  2. " + "Pay. " * 40
    )._render_traceback_()
    bare = [re.sub(r"\x1b\[\d*m", "", line) for line in lines]
    assert all(len(line) <= 100 for line in bare if address not in line)
    assert bare[0].startswith("SpendingRefused: It costs too much.")
    assert " ".join(" ".join(bare).split()).count("It costs too much.") == 12
    assert any(address in line for line in bare)
    assert bare[-1].endswith("Pay.")


def test_errors_carry_what_programs_need():
    assert InvalidRequest("a", field="width").field == "width"
    assert InvalidRequest("a").field is None
    assert RateLimited("a", retry_after_seconds=2.5).retry_after_seconds == 2.5
    failure = ValueError("x")
    partial = GenerationIncomplete("a", generation="partial", errors=[failure])
    assert (partial.generation, partial.errors) == ("partial", (failure,))
    assert Interrupted("a", generation="partial").generation == "partial"


def test_an_error_survives_the_way_to_another_process():
    back = pickle.loads(pickle.dumps(ModelUnavailable("No such model.", "Choose another.", field="model")))
    assert (type(back), str(back), back.field) == (ModelUnavailable, "No such model.\nChoose another.", "model")


def test_an_error_can_be_printed_whatever_it_quotes():
    error = InvalidRequest("model \ud800 cannot be used.", "Not \udfff.")
    assert str(error).encode() == rb"model \ud800 cannot be used." + b"\n" + rb"Not \udfff."


def test_a_notebook_shows_a_few_lines_and_no_traceback():
    lines = SpendingRefused("It costs $2.00.", "Raise --max-cost.")._render_traceback_()
    assert len(lines) == 2
    assert "SpendingRefused" in lines[0]
    assert "It costs $2.00." in lines[0]
    assert lines[0].startswith("\x1b[31m")
    assert lines[0].endswith("\x1b[0m")
    assert lines[1] == "Raise --max-cost."


def test_an_error_without_words_still_shows_its_name():
    assert "SpendingRefused" in SpendingRefused("")._render_traceback_()[0]


def test_the_verbose_mode_of_the_shell_brings_the_traceback_back(monkeypatch):
    shell = SimpleNamespace(InteractiveTB=SimpleNamespace(mode="Verbose"))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    with pytest.raises(SpendingRefused) as caught:
        raise SpendingRefused("It costs $2.00.")
    shown = "\n".join(caught.value._render_traceback_())
    assert "Traceback" in shown
    assert "test_errors.py" in shown
    shell.InteractiveTB.mode = "Context"
    assert "Traceback" not in "\n".join(SpendingRefused("It costs $2.00.")._render_traceback_())


def test_long_text_ends_in_an_ellipsis_and_other_text_stays():
    assert clipped("a fox") == "a fox"
    assert clipped("x" * 60) == "x" * 60
    assert clipped("x" * 61) == "x" * 59 + "…"
    assert clipped("abcdef", 3) == "ab…"


class Wordless:
    def __repr__(self):
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    ("value", "type_name"),
    [(10**5000, "int"), ([10**5000], "list"), (Wordless(), "Wordless")],
    ids=["number", "list", "class"],
)
@pytest.mark.parametrize("write", [str, repr])
def test_what_cannot_be_written_out_is_named_by_its_type(value, type_name, write):
    assert written(value, write) == shown(value, write) == f"({type_name} that cannot be written out)"


@pytest.mark.parametrize("kind", [InvalidRequest, VeniceError, Interrupted])
def test_a_key_that_was_typed_in_the_wrong_place_is_not_repeated(kind):
    key = "VENICE_INFERENCE_KEY_0123456789abcdef"
    raised = kind(f"there is no run {key!r}.", f"Give another than {key}.")
    assert "0123456789abcdef" not in f"{raised} {raised!r} {vars(raised)} {raised.args}"
    assert "there is no run 'VENICE_INFERENCE_KEY_[removed]'." in str(raised)
