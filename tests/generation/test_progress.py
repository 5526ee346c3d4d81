"""The line that says how far it is: one row on a terminal, gone at the end."""

import io
import os
import sys
from types import SimpleNamespace

import pytest

import venice_widgets
from venice_widgets.generation import progress as progress_module
from venice_widgets.generation.progress import ProgressLine, tell


class Terminal(io.StringIO):
    """What the user sees in one row: a carriage return goes back, letters replace."""

    def isatty(self):
        return True

    @property
    def row(self):
        assert "\n" not in self.getvalue()
        seen = ""
        for piece in self.getvalue().split("\r"):
            seen = piece + seen[len(piece) :]
        return seen.rstrip()


@pytest.fixture
def terminal(monkeypatch):
    made = Terminal()
    # pytest puts its own standard error in place between a fixture and its test.
    monkeypatch.setattr("venice_widgets.generation.progress.sys", SimpleNamespace(stderr=made, modules=sys.modules))
    monkeypatch.setattr("shutil.get_terminal_size", lambda *_, **__: os.terminal_size((40, 24)))
    return made


def test_a_terminal_shows_the_state_in_the_place_of_the_one_before(terminal):
    line = ProgressLine("2 × $0.01 = $0.02")
    line.show(0, 2, 0.0)
    assert terminal.row == "0 of 2 · 0.0 s · 2 × $0.01 = $0.02"
    line.show(1, 2, 0.5, "x")
    assert terminal.row == "1 of 2 · 0.5 s · 2 × $0.01 = $0.02 · x"
    line.show(2, 2, 1.0)
    assert terminal.row == "2 of 2 · 1.0 s · 2 × $0.01 = $0.02"


def test_a_terminal_is_left_empty(terminal):
    line = ProgressLine("$0.01")
    line.show(0, 1)
    line.clear()
    assert terminal.row == ""
    assert terminal.getvalue().endswith("\r")


@pytest.mark.parametrize("text", ["a" * 100, "狐" * 100, "🦊" * 100], ids=["latin", "wide", "emoji"])
def test_what_would_wrap_is_cut_since_a_second_row_could_not_be_written_over(terminal, text):
    from wcwidth import wcswidth

    line = ProgressLine(text)
    line.show(0, 1)
    assert 38 <= wcswidth(terminal.row) <= 39
    line.clear()
    assert terminal.row == ""


def test_a_question_gets_the_row_to_itself(terminal):
    line = ProgressLine("$2.00")
    line.show(0, 1)
    ask = line.asking(lambda question: bool(terminal.write(question)))
    assert ask("Spend it?")
    assert terminal.row == "Spend it?"


def test_a_file_or_pipe_gets_the_price_once_and_seldom_a_plain_line(monkeypatch):
    pipe = io.StringIO()
    monkeypatch.setattr("sys.stderr", pipe)
    line = ProgressLine("$0.40")
    for done in range(40):
        line.show(done, 40, float(done))
    assert pipe.getvalue() == "$0.40\n"
    monkeypatch.setattr(progress_module, "_LINE_SECONDS", 0.0)
    line.show(39, 40, 39.0)
    line.show(39, 40, 40.0)
    line.clear()
    assert pipe.getvalue() == "$0.40\n39 of 40 · 39 s · $0.40\n"


def test_no_standard_error_at_all_is_no_problem(monkeypatch):
    monkeypatch.setattr("sys.stderr", None)
    line = ProgressLine("$0.01")
    line.show(0, 1)
    line.clear()


class Broken(io.StringIO):
    """A pipe that nobody reads, or a disk that is full."""

    def __init__(self, terminal):
        super().__init__()
        self.terminal = terminal

    def isatty(self):
        return self.terminal

    def write(self, text):
        raise BrokenPipeError(32, "Broken pipe")


def closed():
    stream = io.StringIO()
    stream.close()
    return stream


class WithoutIsatty:
    write = flush = lambda *_: None


@pytest.mark.parametrize(
    "stream",
    [Broken(terminal=False), Broken(terminal=True), closed(), WithoutIsatty(), io.TextIOWrapper(io.BytesIO(), "ascii")],
    ids=["pipe", "terminal", "closed", "of a stranger", "ASCII"],
)
def test_a_stream_that_takes_no_progress_does_not_end_what_is_paid_for(session, monkeypatch, stream):
    monkeypatch.setattr("sys.stderr", stream)
    assert len(venice_widgets.generate("a fox", images=2, seed=1)) == 2


def test_letters_that_a_stream_does_not_know_are_escaped(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), "ascii")
    monkeypatch.setattr("sys.stderr", stream)
    tell("2 × $0.01")
    assert stream.buffer.getvalue() == b"2 \\xd7 $0.01\n"
