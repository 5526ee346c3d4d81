"""Secrets planted here are looked for in everything that is shown, raised, logged or written: none may stand."""

import base64
import html
import io
import json
import logging
import os
import textwrap
import urllib.parse
import zipfile
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import httpx
import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from ipywidgets import Widget
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from venice_widgets import current
from venice_widgets.errors import InvalidRequest
from venice_widgets.notebook import commands
from venice_widgets.panel.widget import PanelWidget
from venice_widgets.session import Session
from venice_widgets.simulator import KINDS, Fault, Simulator

API_KEY = "VENICE_INFERENCE_KEY_canary0Kq7XvT2mZ9sLw4Rb8Yc"
WALLET_KEY = "0x" + "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
SECRETS = (API_KEY, WALLET_KEY, WALLET_KEY[2:])
COOKIE = "cf_clearance=canary-cookie-7d1f"

FAULTS = sorted(set(KINDS) - {"slow", "served-by", "image"})  # these need more than a name


class Quoting(httpx.BaseTransport):
    """A proxy that quotes the request's headers back, in a page, in JSON or in a header, in several writings."""

    def __init__(self, behind: httpx.BaseTransport, status: int) -> None:
        self.behind, self.status, self.seen = behind, status, []
        self.passes_questions = True

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET" and self.passes_questions:
            return self.behind.handle_request(request)
        headers = dict(request.headers)
        self.seen += [headers.get("authorization", ""), headers.get("sign-in-with-x", "")]
        text = json.dumps(headers)
        page = {
            "request": headers,
            "text": text,
            "quoted": urllib.parse.quote(text),
            "html": html.escape(text),
            "base64": base64.b64encode(text.encode()).decode(),
            "base64 in lines": base64.encodebytes(text.encode()).decode(),
            "lines": "\n".join(textwrap.wrap(text, 40)),
            "script": "".join(c if c.isalnum() else f"\\x{ord(c):02x}" for c in text),
        }
        lines = "<br>".join(map(html.escape, textwrap.wrap(text, 30)))
        body = f"<html><title>Blocked</title><pre>{lines}</pre></html>" if self.status == 502 else None
        said = {"x-request-headers": text, "set-cookie": COOKIE}
        if body:
            return httpx.Response(self.status, text=body, headers=said)
        return httpx.Response(self.status, json={"error": json.dumps(page), "details": text}, headers=said)


class Everything:
    """All that a notebook would show and all that was written."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.texts = folder, []

    def run(self, shell: InteractiveShell, cell: str) -> None:
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            result = shell.run_cell(cell, store_history=True)
            for value in (result.result, result.error_in_exec):
                self.see(value)
                if value is not None:
                    self.texts.append(json.dumps(shell.display_formatter.format(value), default=str))
        self.texts += [out.getvalue(), err.getvalue()]

    def see(self, value: object) -> None:
        for _ in range(6):
            if value is None:
                return
            self.texts += [repr(value), str(value), repr(getattr(value, "__dict__", ""))]
            hidden = getattr(value, "__suppress_context__", True)
            value = getattr(value, "__cause__", None) or (None if hidden else value.__context__)

    def written(self) -> Iterator[bytes]:
        for path in filter(Path.is_file, self.folder.rglob("*")):
            yield str(path).encode()
            yield path.read_bytes()
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as archive:
                    yield from map(archive.read, archive.namelist())

    def assert_clean(self, secrets: tuple[str, ...]) -> None:
        # Pieces, since a page may cut a key or break it over lines.
        pieces = {
            piece for secret in filter(None, secrets) for piece in (secret[-20:], secret[len(secret) // 2 :][:20])
        }
        forms = pieces | {base64.b64encode(piece.encode())[:-4].decode() for piece in pieces}
        shown = "\n".join(self.texts)
        for data in (shown.encode("utf-8", "surrogatepass"), *self.written()):
            for form in forms:
                place = data.find(form.encode())
                assert place < 0, data[max(0, place - 200) :][:600]


@pytest.fixture
def everything(tmp_path):
    seen = Everything(tmp_path)
    handler = logging.StreamHandler(stream := io.StringIO())
    loggers = [logging.getLogger(name) for name in ("httpx", "httpcore")]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
    yield seen
    for logger in loggers:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
    seen.texts.append(stream.getvalue())


COMMANDS = {
    "config": [""], "balance": [""], "models": ["", "--refresh"], "model": ["z-image-turbo"],
    "price": ["z-image-turbo"], "styles": [""], "show": ["last"], "doctor": [""], "verify": [""],
    "log": ["", "--json", "--cost", "--reconcile", "backup copy.sqlite"],
    "replay": ["last --dry-run", "last"], "drift": ["--model z-image-turbo --budget 0.10 --runs 2"],
    "export": ["runs.jsonl", "runs.csv", "all.zip", "crate", "images --images"], "import": ["all.zip"],
    "resolve": ["last charged"], "panel": [""], "login": [f"{API_KEY}", f"--wallet={WALLET_KEY}"],
    "demo": ["off"],
}  # fmt: skip
"""What is run of each command; a command that is not here fails the test."""
AFTER_AN_ERROR = ("%tb", "%xmode Verbose", "%tb", "%xmode Context", "%tb", "%xmode Plain")


PANEL = """
import venice_widgets
panel = venice_widgets.Panel(prompt="A fox")
panel.generate(yes=True)
panel.wait(20)
"""


def every_line():
    assert COMMANDS.keys() == commands.COMMANDS.keys()
    return ["%venice", *(f"%venice {name} {rest}" for name, lines in COMMANDS.items() for rest in lines)]


def credentials(kind):
    return {"api_key": API_KEY} if kind == "key" else {"wallet": WALLET_KEY}


@pytest.mark.parametrize("kind", ["key", "wallet"])
def test_no_secret_stands_in_any_display_error_traceback_log_or_file(kind, shell, everything, monkeypatch):
    simulator = Simulator(requests_per_minute=None, errors_per_half_minute=None)
    Path(".venice").mkdir()
    Path(".venice/config.toml").write_text("requests_per_minute = 1000\nread_timeout_seconds = 2\n")
    with simulator.serve() as url:
        session = Session(base_url=url, confirm_above_usd=100, **credentials(kind))
        current.use_session(session)
        everything.see(session)
        everything.see(session.settings)
        everything.see(session.client)
        everything.run(shell, "%%venice --seed 41\nA fox")
        for fault in FAULTS:
            simulator.clear_faults()
            simulator.add_fault(Fault(fault, times=None))
            monkeypatch.setattr("venice_widgets.generation.dispatch.MAX_ATTEMPTS", 1)
            everything.run(shell, "%%venice --seed 42 -n 2\nA fox")
        for line in AFTER_AN_ERROR:
            everything.run(shell, line)
        simulator.clear_faults()
        everything.run(shell, "%%venice --seed 43 -n 2 --enhance-prompt --save fox-{seed}.{ext} --out foxes\nA fox")
        everything.run(shell, "%%venice --dry-run\nA fox")
        everything.run(shell, "foxes, vars(foxes), foxes.images[0].recipe")
        for line in every_line():
            everything.run(shell, line)
        everything.texts.append(json.dumps(Widget.get_manager_state(), default=str))
    assert {"fox-43.webp", "all.zip"} <= {path.name for path in Path().iterdir()}
    sent = [
        value
        for request in simulator.requests
        for name, value in request.headers.items()
        if name in ("authorization", "sign-in-with-x")
    ]
    assert sent, "the secrets were not even used"
    everything.assert_clean((*SECRETS, *sent))


@pytest.mark.parametrize("kind", ["key", "wallet"])
@pytest.mark.parametrize("status", [200, 307, 400, 401, 402, 403, 404, 413, 415, 422, 429, 500, 502, 503, 504])
def test_a_proxy_that_quotes_the_headers_back_gives_nothing_away(kind, status, shell, everything, monkeypatch):
    monkeypatch.setattr("venice_widgets.generation.dispatch.MAX_ATTEMPTS", 1)
    transport = Quoting(Simulator(requests_per_minute=None).transport(), status)
    current.use_session(Session(transport=transport, **credentials(kind)))
    everything.run(shell, "%%venice --seed 41\nA fox")
    transport.passes_questions = False
    questions = [f"%venice {name}" for name in ("balance", "models --refresh", "log --reconcile", "doctor", "panel")]
    for line in ("%venice show last", "%venice log --json", *questions, *AFTER_AN_ERROR):
        everything.run(shell, line)
    transport.passes_questions = True
    posted: list[str] = []
    monkeypatch.setattr(PanelWidget, "post", lambda _, *message: posted.append(repr(message)))
    everything.run(shell, PANEL)
    everything.texts += [state := "\n".join(posted), json.dumps(Widget.get_manager_state(), default=str)]
    assert "No image: seed" in state
    assert any(transport.seen)
    everything.assert_clean((*SECRETS, *transport.seen, COOKIE.partition("=")[2]))


def test_the_environment_variable_is_never_written(shell, everything, monkeypatch):
    monkeypatch.setenv("VENICE_API_KEY", API_KEY)
    session = Session(transport=Simulator(requests_per_minute=None).transport())
    current.use_session(session)
    everything.run(shell, "%%venice --seed 41\nA fox whose key is {{ key }}")
    everything.run(shell, "%%venice --seed 41\nA fox")
    everything.run(shell, "%venice config")
    everything.assert_clean(SECRETS)
    assert os.environ["VENICE_API_KEY"] == API_KEY


@pytest.mark.parametrize("paying", [API_KEY, "VENICE_INFERENCE_KEY_another-0123456789"], ids=["this", "another"])
@pytest.mark.parametrize("field", ["prompt", "negative_prompt"])
def test_a_key_that_slipped_into_a_prompt_is_refused_and_not_quoted(field, paying, everything):
    simulator = Simulator(requests_per_minute=None)
    session = Session(api_key=paying, transport=simulator.transport())
    given = {"prompt": "A fox", field: f"A fox {API_KEY}"}
    with pytest.raises(InvalidRequest, match="holds your key") as caught:
        session.generate(given.pop("prompt"), **given)
    everything.see(caught.value)
    assert not simulator.requests
    everything.assert_clean(SECRETS)


CELLS = (
    # The last of a long value is what a traceback shows of it.
    "import os; os.environ.update({name: os.environ.pop(name) for name in list(os.environ) if 'KEY' in name})",
    "import logging; logging.basicConfig(level=logging.DEBUG)\n%load_ext venice_widgets\n%xmode Verbose",
    "%%venice --seed 41 --max-cost 1\nA fox",
    "%venice login",
    "%venice config",
    "import venice_widgets; venice_widgets.Session(store=123)",
    "venice_widgets.Session(confirm_above_usd='much')",
    "session = venice_widgets.current_session(); session, session.settings, vars(session.client)",
    "import pickle; pickle.dumps(session.settings)",
    "%store session",
    "session.client.get('/nowhere')",
    "%tb",
    "warm = venice_widgets.Panel(prompt='A fox'); warm",
    "warm.generate(yes=True); warm.wait(30)",
    "session.generate('A fox', seed=1, model='no such model')",
    "%whos",
)


@pytest.mark.parametrize("kind", ["key", "wallet"])
def test_no_secret_stands_in_a_notebook_that_a_real_kernel_ran_and_saved(kind, everything, monkeypatch):
    monkeypatch.setenv(*{"key": ("VENICE_API_KEY", API_KEY), "wallet": ("VENICE_WALLET_KEY", WALLET_KEY)}[kind])
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in CELLS])
    simulator = Simulator(requests_per_minute=None)
    with simulator.serve() as url:
        monkeypatch.setenv("VENICE_API_BASE_URL", url)
        NotebookClient(notebook, kernel_name="python3", allow_errors=True, timeout=60).execute()
    saved = nbformat.writes(notebook)
    Path("paper.ipynb").write_text(saved)
    for sign in ("receive_response_headers", "TypeError", "widget-state", "image/webp", "cannot be pickled", "…"):
        assert sign in saved, "the notebook does not show what it should"
    assert simulator.requests
    everything.assert_clean(SECRETS)


@pytest.mark.parametrize(
    "line",
    [
        "show {}", "replay {}", "forget {}", "log --cost {}", "log --since {}", "resolve last {}", "demo {}", "{}",
        "model {}", "price {}", "export {}", "log --run {}", "log --status {}", "drift --model {} --budget 1",
    ],
)  # fmt: skip
def test_a_key_typed_in_place_of_any_word_is_not_repeated(line, shell, session, everything):
    everything.run(shell, f"%venice {line.format(API_KEY)}")
    everything.assert_clean(SECRETS)
