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
def test_an_ipython_that_nobody_types_into_is_not_at_a_terminal(shell, monkeypatch, tmp_path, stdin):
    with (tmp_path / "input").open("w+") as file:
        monkeypatch.setattr(sys, "stdin", stdin and file)
        assert not surroundings.at_terminal()
