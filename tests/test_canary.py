"""Secrets planted here are looked for in everything that is shown, raised, logged or written: none may stand."""

import base64
import html
import io
import json
import logging
import os
import urllib.parse
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import httpx
import pytest
from IPython.core.interactiveshell import InteractiveShell

from venice_widgets import current
from venice_widgets.errors import InvalidRequest
from venice_widgets.session import Session
from venice_widgets.simulator import KINDS, Fault, Simulator

API_KEY = "VENICE_INFERENCE_KEY_canary0Kq7XvT2mZ9sLw4Rb8Yc"
WALLET_KEY = "0x" + "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
SECRETS = (API_KEY, WALLET_KEY, WALLET_KEY[2:])
COOKIE = "cf_clearance=canary-cookie-7d1f"

FAULTS = sorted(set(KINDS) - {"hang", "slow"})


class Quoting(httpx.BaseTransport):
    """A proxy that quotes the request's headers back, in a page, in JSON or in a header, in several writings."""

    def __init__(self, behind: httpx.BaseTransport, status: int) -> None:
        self.behind, self.status, self.seen = behind, status, []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
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
        }
        body = f"<html><title>Blocked</title><pre>{html.escape(text)}</pre></html>" if self.status == 502 else None
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
            value = getattr(value, "__cause__", None) or getattr(value, "__context__", None)

    def written(self) -> list[bytes]:
        return [path.read_bytes() for path in self.folder.rglob("*") if path.is_file()]

    def assert_clean(self, secrets: tuple[str, ...]) -> None:
        for secret in filter(None, secrets):
            for form in {secret, urllib.parse.quote(secret, safe=""), base64.b64encode(secret.encode()).decode()}:
                for text in self.texts:
                    assert form not in text, text[max(0, text.find(form) - 200) :][:600]
                for data in self.written():
                    assert form.encode() not in data


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


COMMANDS = (
    "%venice config", "%venice balance", "%venice models", "%venice log", "%venice log --json", "%venice show last",
    "%venice doctor", "%venice verify", "%venice replay last --dry-run", "%venice export runs.jsonl",
    "%venice export runs.csv", "%venice export crate", "%venice export pictures --images",
    "%venice log --cost", "%venice --help",
)  # fmt: skip
AFTER_AN_ERROR = ("%tb", "%xmode Verbose", "%tb", "%xmode Context", "%tb", "%xmode Plain")


def credentials(kind):
    return {"api_key": API_KEY} if kind == "key" else {"wallet": WALLET_KEY}


@pytest.mark.parametrize("kind", ["key", "wallet"])
def test_no_secret_stands_in_any_display_error_traceback_log_or_file(kind, shell, everything, monkeypatch):
    simulator = Simulator(requests_per_minute=None, errors_per_half_minute=None)
    Path(".venice").mkdir()
    Path(".venice/config.toml").write_text("requests_per_minute = 1000\n")
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
            monkeypatch.setattr("venice_widgets.dispatch.MAX_ATTEMPTS", 1)
            everything.run(shell, "%%venice --seed 42 -n 2\nA fox")
        for line in AFTER_AN_ERROR:
            everything.run(shell, line)
        simulator.clear_faults()
        for line in COMMANDS:
            everything.run(shell, line)
    sent = [
        value
        for request in simulator.requests
        for name, value in request.headers.items()
        if name in ("authorization", "sign-in-with-x")
    ]
    assert sent, "the secrets were not even used"
    everything.assert_clean((*SECRETS, *sent))


@pytest.mark.parametrize("kind", ["key", "wallet"])
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 422, 429, 500, 502, 503])
def test_a_proxy_that_quotes_the_headers_back_gives_nothing_away(kind, status, shell, everything, monkeypatch):
    monkeypatch.setattr("venice_widgets.dispatch.MAX_ATTEMPTS", 1)
    transport = Quoting(Simulator(requests_per_minute=None).transport(), status)
    current.use_session(Session(transport=transport, **credentials(kind)))
    everything.run(shell, "%%venice --seed 41\nA fox")
    for line in (*AFTER_AN_ERROR, "%venice show last", "%venice log --json"):
        everything.run(shell, line)
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
