"""The body of a cell reaches the wire as it was typed."""

import io
import json
import re
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from IPython.core.error import UsageError
from IPython.core.inputtransformer2 import TransformerManager
from PIL import Image

from venice_widgets import current
from venice_widgets.generation.rate_limiter import RateLimiter
from venice_widgets.notebook.raw_cells import as_typed, is_whole_cell
from venice_widgets.request.checks import WITHOUT_WIDTH
from venice_widgets.session import Session
from venice_widgets.simulator import Simulator

PIECES = st.sampled_from([
    "{}", "{fox}", "$x", "$5", "%", "%%venice", "%time", "\\", "\\n", "'", '"', '"""', "'''", "`", ";", "!ls", "?",
    ">>> ", "... ", "In [1]: ", "   ...: ", "[ins] In [1]: ", "Out[1]: ", "  ", "\t", "\n", "\n\n", "\r\n", "\r",
    "??", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\x1b[31m", "\ufeff", "\u200b", "\u202e",
    "\x00", "שלום", "مرحبا", "🦊", "👩🏽‍🎨", "e\u0301", "\ufdd0", "\U0010ffff",
    "# -*- coding: latin-1 -*-", "exit", "get_ipython()", "A fox",
])  # fmt: skip
TEXT = st.one_of(st.text(max_size=60), st.lists(PIECES | st.text(max_size=5), max_size=12).map("".join))


def without_final_newline(text):
    return re.sub(r"(\r\n|\r|\n)\Z", "", text)


def sent_to(simulator):
    """The prompts of the images that were asked for, as the wire carried them."""
    return [json.loads(request.body)["prompt"] for request in simulator.requests if request.method == "POST"]


@pytest.fixture
def wire():
    """A simulator with one small image for everything, behind a session without a rate limit."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PNG")
    made = Simulator(requests_per_minute=None, errors_per_half_minute=None, paint=lambda commission: file.getvalue())
    session = Session(api_key="VENICE_INFERENCE_KEY_0123456789abcdef", transport=made.transport())
    session._pace = RateLimiter(None)
    current.use_session(session)
    return made


VISIBLE = TEXT.filter(lambda text: "".join(text.split()).strip(WITHOUT_WIDTH))
MANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@MANY
@given(
    body=TEXT.filter(lambda text: "".join(text.split()).strip(WITHOUT_WIDTH)),
    store_history=st.booleans(),
    silent=st.booleans(),
)
@example(body="  indented\n\n    \n  {fox} \\", store_history=True, silent=False)
@example(body=">>> a\n... b", store_history=False, silent=True)
@example(body="A fox\n\n\n", store_history=True, silent=False)
def test_any_text_reaches_the_wire_but_for_one_final_newline(wire, shell, body, store_history, silent):
    result = shell.run_cell(f"%%venice --raw\n{body}", store_history=store_history, silent=silent)
    result.raise_error()
    assert sent_to(wire)[-1] == without_final_newline(body)


@MANY
@given(body=TEXT)
def test_the_magic_gets_any_text_as_it_was_typed(body):
    manager = TransformerManager()
    manager.cleanup_transforms.insert(0, as_typed)
    called = manager.transform_cell(f"%%venice -n 2\n{body}")
    whole = f"{body}" if body.endswith("\n") else f"{body}\n"
    assert called == f"get_ipython().run_cell_magic('venice', '-n 2', {whole!r})\n"


@pytest.mark.parametrize("above", ["", "\n\n", "  ", "\t\n  ", "%%time\n", "%%capture --no-stderr out\n%%time\n"])
def test_what_stands_before_the_magic_changes_nothing_below(wire, shell, above):
    shell.run_cell(f"{above}%%venice\n  >>> a\n   \n  b").raise_error()
    assert sent_to(wire) == ["  >>> a\n   \n  b"]


@pytest.mark.parametrize("prompt", ["In [1]: ", "[ins] In [12]: ", ">>> "])
def test_a_cell_pasted_with_its_prompt_is_refused_since_ipython_would_change_the_text(wire, shell, prompt, capsys):
    result = shell.run_cell(f"{prompt}%%venice\nA fox")
    assert type(result.error_before_exec) is UsageError
    assert f"take {prompt.strip()!r} off the first line" in capsys.readouterr().err
    assert not sent_to(wire)


def test_a_text_equal_to_an_earlier_one_but_for_its_prompts_is_not_mistaken_for_it(wire, shell):
    shell.run_cell("%%venice\n>>> A fox", store_history=True).raise_error()
    shell.run_cell("%%venice\nA fox", silent=True).raise_error()
    assert sent_to(wire) == [">>> A fox", "A fox"]


def test_a_call_from_code_sends_its_text(wire, shell):
    shell.user_ns["text"] = "  >>> {a}\n\n"
    shell.run_cell("get_ipython().run_cell_magic('venice', '', text)").raise_error()
    assert sent_to(wire) == ["  >>> {a}\n"]


@pytest.mark.parametrize(
    "cell",
    [
        "%%time\n>>> 1",
        "%%venice?",
        "%%venice2\n  a",
        "x = '%%venice'\n",
        ">>> %venice\n",
        "%%writefile f\n a\n%%venice",
    ],
)
def test_other_cells_are_left_to_ipython(cell):
    lines = cell.splitlines(keepends=True)
    assert as_typed(lines) is lines


def test_an_empty_body_is_the_magics_to_judge(wire, shell, capsys):
    shell.run_cell("%%venice")
    assert "the prompt is empty" in capsys.readouterr().out


def test_ipython_still_asks_for_more_lines_of_an_unfinished_cell(shell):
    assert shell.check_complete("%%venice\nA fox") == ("incomplete", "")
    assert shell.check_complete("%%venice\nA fox\n\n")[0] == "complete"


@pytest.mark.parametrize(
    ("parent", "whole"),
    [
        ({"content": {"code": "%%venice --steps 4,8\nA fox"}}, True),
        ({"content": {"code": "\n%%venice\nA fox"}}, True),
        ({"content": {"code": "%%time\n%%venice\nA fox"}}, False),
        ({"content": {"code": "1 + 1\nget_ipython().run_cell_magic('venice', '', 'A fox')"}}, False),
        ({"content": {}}, False),
        ({}, False),
        (None, False),
    ],
)
def test_only_a_cell_of_this_magic_alone_is_a_whole_cell(parent, whole):
    assert is_whole_cell(SimpleNamespace(get_parent=lambda: parent)) is whole


def test_a_terminal_does_not_tell_its_cell(shell):
    assert not is_whole_cell(shell)
