"""Plain text that fits the terminal it is shown at."""

import pytest
from wcwidth import wcswidth

from venice_widgets import display
from venice_widgets.display import terminal
from venice_widgets.notebook.cell_options import cell_help

WORDS = "The demo is on: the built-in simulator makes the images, nothing is charged, and no one is asked."
LONG = [["gpt-image-2", "A red fox asleep under a maple", "狐狸 在夜里 睡在枫树下", "2026-11-26 10:04", "$0.26"]] * 3
NAMES = ["model", "prompt", "another prompt", "time", "price"]


@pytest.fixture(params=[40, 60, 80, 120])
def columns(request, monkeypatch):
    for module in ("display.terminal", "notebook.cell_options"):
        monkeypatch.setattr(f"venice_widgets.{module}.terminal_columns", lambda: request.param)
    return request.param


def plain(bundle):
    return bundle.data["text/plain"]


def test_no_line_is_wider_than_the_terminal(columns):
    shown = [
        display.notice(WORDS),
        display.line(WORDS),
        display.table(NAMES, LONG, caption=WORDS, footer=WORDS),
        display.facts("Settings", [("model", WORDS), ("store", "/home/user")]),
        display.code(cell_help()),
    ]
    for bundle in shown:
        assert all(wcswidth(line) <= columns for line in plain(bundle).splitlines()), plain(bundle)


def test_nothing_is_lost_where_lines_break(columns):
    assert plain(display.notice(WORDS)).split() == WORDS.split()
    table = plain(display.table(NAMES, LONG))
    assert all(cell.split()[0] in table for row in LONG for cell in row)


def test_a_notebook_gets_whole_lines(monkeypatch):
    monkeypatch.setattr(terminal, "terminal_columns", lambda: None)
    assert plain(display.notice(WORDS)) == WORDS
    assert len(plain(display.table(NAMES, LONG)).splitlines()) == len(LONG) + 2


def test_a_table_too_wide_for_columns_names_every_value(monkeypatch):
    monkeypatch.setattr(terminal, "terminal_columns", lambda: 40)
    words = " ".join(plain(display.table(["run", *NAMES], [["K7Q2M9XD", *LONG[0]]])).split())
    assert words.startswith("K7Q2M9XD model gpt-image-2 · prompt A red fox asleep under a maple · another prompt")


def test_later_lines_of_an_entry_stand_under_its_text(monkeypatch):
    monkeypatch.setattr(terminal, "terminal_columns", lambda: 40)
    first, second, *_ = plain(display.code(f"  %venice log  {WORDS}")).splitlines()
    assert first.startswith("  %venice log  The demo")
    assert second.startswith(" " * 15)


def test_a_path_is_not_broken(monkeypatch):
    monkeypatch.setattr(terminal, "terminal_columns", lambda: 40)
    path = "/home/user/" + "x" * 60
    assert path in plain(display.facts("Settings", [("store", path)]))


def test_a_line_that_would_not_fit_behind_its_prompt_begins_a_line_of_its_own(monkeypatch):
    monkeypatch.setattr(terminal, "terminal_columns", lambda: 40)
    assert "\n" not in plain(display.notice("x" * 30))
    assert "\n" in plain(display.notice("x" * 35))


def test_progress_stays_one_line_that_the_next_is_written_over(monkeypatch):
    monkeypatch.setattr(terminal, "terminal_columns", lambda: 40)
    assert "\n" not in plain(display.progress(1, 2, 3.0, words=WORDS))
