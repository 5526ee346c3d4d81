"""What the code runs in."""

import sys

import IPython
import pytest

from venice_widgets import shell as surroundings


class InKernel:
    kernel = object()


@pytest.fixture
def terminal(monkeypatch):
    class Terminal:
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdin", Terminal())


def test_plain_python_is_neither(monkeypatch, terminal):
    monkeypatch.delitem(sys.modules, "IPython")
    assert surroundings.running_shell() is None
    assert not surroundings.in_kernel()
    assert not surroundings.at_terminal()


def test_a_kernel_is_one_by_its_shell(monkeypatch, terminal):
    monkeypatch.setattr(IPython, "get_ipython", InKernel)
    assert surroundings.in_kernel()
    assert not surroundings.at_terminal()


def test_an_ipython_at_a_terminal_is_no_kernel(shell, terminal):
    assert surroundings.running_shell() is shell
    assert surroundings.at_terminal()
    assert not surroundings.in_kernel()


@pytest.mark.parametrize("stdin", [None, open], ids=["none", "no terminal"])
def test_an_ipython_that_no_one_types_into_is_not_at_a_terminal(shell, monkeypatch, tmp_path, stdin):
    with (tmp_path / "input").open("w+") as file:
        monkeypatch.setattr(sys, "stdin", stdin and file)
        assert not surroundings.at_terminal()


@pytest.mark.parametrize(("columns", "seen"), [("60", 60), ("5", 20)])
def test_a_terminal_has_a_width(shell, monkeypatch, columns, seen):
    class Terminal:
        def isatty(self):
            return True

    assert surroundings.terminal_columns() is None, "pytest catches what is written"
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("COLUMNS", columns)
    assert surroundings.terminal_columns() == seen


def test_a_kernel_has_no_width(monkeypatch):
    monkeypatch.setattr(IPython, "get_ipython", InKernel)
    assert surroundings.terminal_columns() is None
