"""The magics come with the extension, cost nothing to load, answer a question mark, and go with it."""

import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest
from IPython.core.error import UsageError

from venice_widgets.notebook.cell_options import cell_help
from venice_widgets.notebook.magic import NAME, CellMagic, LineMagic

LOADED = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
before = set(sys.modules)
shell.run_line_magic("load_ext", "venice_widgets")
print(json.dumps(sorted(set(sys.modules) - before)))
"""
HEAVY = ("httpx", "PIL", "pydantic", "ipywidgets", "sqlite3", "rfc8785", "ulid", "ijson")


def test_loading_the_extension_imports_ten_modules_at_most_and_nothing_heavy():
    told = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, timeout=60, check=True,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "HOME": str(Path.cwd())},
    )  # fmt: skip
    new = json.loads(told.stdout)
    assert "venice_widgets.notebook.magic" in new
    assert len(new) <= 10, new
    assert not [name for name in new if name.partition(".")[0] in HEAVY]


def magics(shell):
    return [kind for kind in ("cell", "line") if NAME in shell.magics_manager.magics[kind]]


def test_both_magics_come_and_go_with_the_extension(shell):
    assert magics(shell) == ["cell", "line"]
    shell.run_line_magic("reload_ext", "venice_widgets")
    assert magics(shell) == ["cell", "line"]
    shell.run_line_magic("unload_ext", "venice_widgets")
    assert magics(shell) == []
    assert not [each for each in shell.input_transformers_cleanup if "venice" in getattr(each, "__module__", "")]
    shell.run_line_magic("load_ext", "venice_widgets")
    assert magics(shell) == ["cell", "line"]


@pytest.mark.usefixtures("session")
def test_a_reloaded_extension_takes_bodies_as_they_are(shell, simulator):
    shell.run_line_magic("reload_ext", "venice_widgets")
    shell.run_cell("%%venice --seed 1\n>>> A fox").raise_error()
    assert [request.json["prompt"] for request in simulator.requests if request.method == "POST"] == [">>> A fox"]


@pytest.mark.parametrize(("name", "text"), [("%%venice", "--aspect-ratio, -a RATIO"), ("%venice", "%venice models")])
def test_a_question_mark_shows_the_help(shell, monkeypatch, name, text):
    pages = []
    monkeypatch.setattr("IPython.core.page.page", lambda data, *_, **__: pages.append(str(data)))
    shell.run_cell(f"{name}?").raise_error()
    assert len(pages) == 1
    assert text in pages[0]


def test_the_help_of_an_object_is_the_help_of_the_magic():
    assert CellMagic(None).getdoc() == cell_help()
    assert "%venice COMMAND" in LineMagic(None).getdoc()
    assert inspect.getdoc(CellMagic)


def test_ipython_fills_nothing_into_the_line(shell, session, simulator, tmp_path):
    shell.user_ns |= {"seed": "WRONG", "x": "WRONG"}
    shell.run_cell(
        f'%%venice --seed 4 --negative-prompt "$x {{x}}" --save "{tmp_path}/{{seed}}.{{ext}}"\nA fox'
    ).raise_error()
    assert simulator.requests[-1].json["negative_prompt"] == "$x {x}"
    assert (tmp_path / "4.webp").exists()


def test_the_line_magic_alone_and_its_help_list_the_commands(shell, capsys):
    for line in ("%venice", "%venice --help", "%venice -h", "%venice help"):
        shell.run_cell(line).raise_error()
        assert "%venice models" in capsys.readouterr().out


def test_a_mistyped_command_is_a_usage_error_with_its_neighbours(shell, capsys):
    result = shell.run_cell("%venice modles")
    assert type(result.error_in_exec) is UsageError
    assert "there is no command 'modles'. Did you mean models or model?" in capsys.readouterr().err


def test_a_result_can_be_assigned_and_is_not_shown_then(shell, session, capsys):
    shell.run_cell("prices = %venice price z-image-turbo").raise_error()
    assert not capsys.readouterr().out
    assert "$0.01" in shell.user_ns["prices"].data["text/plain"]
