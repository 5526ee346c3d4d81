"""httpx comes without its command line, and is otherwise itself."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
AFTER = "import sys; from venice_widgets.client.http import httpx; "


def outcome(code: str) -> str:
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return ended.stdout.strip()


def test_the_command_line_and_what_it_needs_are_not_imported():
    assert outcome(AFTER + "print({'httpx._main', 'click', 'rich'} & {*sys.modules})") == "set()"


def test_who_wants_the_command_line_still_gets_it():
    code = "import importlib.util; print(importlib.util.find_spec('httpx._main') is not None)"
    assert outcome(AFTER + code) == "True"


def test_an_httpx_that_was_imported_before_is_the_one_that_is_used():
    assert outcome("import httpx as before; " + AFTER + "print(httpx is before)") == "True"
