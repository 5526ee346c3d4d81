"""Every entry in hostile surroundings: it works, or it fails with one of our errors, a remedy, and no secret."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

KEY = "VENICE_INFERENCE_KEY_0123456789abcdef"
PASSWORD = "hunter2-proxy"
ROOT = Path(__file__).parents[2]

ENTRIES = {
    "cell": "shell.run_cell_magic('venice', '--dry-run', 'a fox')",
    "%venice models": "shell.run_line_magic('venice', 'models')",
    "%venice doctor": "shell.run_line_magic('venice', 'doctor')",
    "%venice log": "shell.run_line_magic('venice', 'log')",
    "%venice config": "shell.run_line_magic('venice', 'config')",
    "generate": "import venice_widgets; venice_widgets.generate('a fox', width=64, height=64)",
    "Session.build": "from venice_widgets import Session; Session().build('a fox')",
    "Panel": "from venice_widgets import Panel; Panel()",
}

DRIVER = """
import json, os, shutil, sys
sys.stdout.reconfigure(errors="backslashreplace")
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
settings = Config()
settings.HistoryManager.hist_file = ":memory:"
settings.HistoryManager.enabled = False
shell = InteractiveShell.instance(config=settings)
shell.run_line_magic("load_ext", "venice_widgets")
{before}
outcomes = {{}}
for name, code in json.loads({entries!r}).items():
    shell.run_line_magic("xmode", "Verbose")
    try:
        exec(code, {{"shell": shell}})
        outcomes[name] = ["fine", "", ""]
    except BaseException as exc:
        ours = getattr(exc, "_render_traceback_", None)
        lines = ours() if ours else shell.InteractiveTB.structured_traceback(type(exc), exc, exc.__traceback__)
        shown = "\\n".join(lines)
        kinds = [kind.__name__ for kind in type(exc).__mro__]
        outcomes[name] = [kinds, str(exc), shown]
print("OUTCOMES" + json.dumps(outcomes))
"""


def work(tmp_path):
    return tmp_path / "work"


def set_up_mark(tmp_path):
    store = work(tmp_path) / ".venice"
    store.mkdir()
    (store / "config.toml").write_bytes(b"\xef\xbb\xbfmax_cost_usd = 1\n")


SURROUNDINGS = {
    "plain": ({}, "", None),
    "socks proxy": ({"ALL_PROXY": f"socks5://u:{PASSWORD}@127.0.0.1:9"}, "", None),
    "proxy with a bad port": ({"HTTPS_PROXY": f"http://u:{PASSWORD}@127.0.0.1:99999"}, "", None),
    "proxy that refuses": ({"HTTPS_PROXY": f"http://u:{PASSWORD}@127.0.0.1:9"}, "", None),
    "certificates missing": ({"SSL_CERT_FILE": "/nowhere/ca.pem"}, "", None),
    "certificates of nothing": ({"SSL_CERT_FILE": __file__}, "", None),
    "no home": ({"HOME": "/nowhere/at/all"}, "", None),
    "no temporary folder": ({"TMPDIR": "/nowhere/at/all"}, "", None),
    "the working directory is gone": ({}, "os.rmdir(os.getcwd())", None),
    "locale C": ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, "", None),
    "the store is a file": ({"VENICE_STORE": __file__}, "", None),
    "the store is under a file": ({"VENICE_STORE": f"{__file__}/store"}, "", None),
    "the store is half a pair": ({}, "os.environ['VENICE_STORE'] = '/tmp/\\udc80'", None),
    "the store is an address": ({"VENICE_STORE": f"postgres://u:{PASSWORD}@db/x"}, "", None),
    "a byte order mark in config.toml": ({}, "", set_up_mark),
    ".venice is a file": ({}, "", lambda path: (work(path) / ".venice").write_text("x")),
    "config.toml is a folder": ({}, "", lambda path: (work(path) / ".venice" / "config.toml").mkdir(parents=True)),
    "config.toml is no text": ({}, "", lambda path: (
        (work(path) / ".venice").mkdir(), (work(path) / ".venice" / "config.toml").write_bytes(b"\xff\xfe"))),
    "pyproject.toml is broken": ({}, "", lambda path: (work(path) / "pyproject.toml").write_text("[tool")),
    "a limit that is no amount": ({"VENICE_MAX_COST": f"much {KEY}"}, "", None),
    "a base URL with a password": ({"VENICE_API_BASE_URL": f"https://u:{PASSWORD}@host/api"}, "", None),
    "a wallet that is no key": ({"VENICE_API_KEY": "", "VENICE_WALLET_KEY": f"0x{PASSWORD}"}, "", None),
}  # fmt: skip


def outcomes(tmp_path, environment, before):
    code = DRIVER.format(before=before, entries=json.dumps(ENTRIES))
    known = {name: value for name, value in os.environ.items() if not name.startswith("VENICE")}
    # No network: where nothing listens, a request ends at once.
    base = {"VENICE_API_KEY": KEY, "VENICE_API_BASE_URL": "https://127.0.0.1:9/api/v1", "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={**known, **base, **environment},
        cwd=work(tmp_path),
        capture_output=True,
        timeout=110,
        check=False,
    )
    lines = [line for line in ended.stdout.decode().splitlines() if line.startswith("OUTCOMES")]
    assert lines, ended.stderr.decode()[-2000:]
    return json.loads(lines[0].removeprefix("OUTCOMES")), ended.stdout + ended.stderr


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_every_entry_works_or_fails_in_our_own_words(tmp_path, name):
    environment, before, prepare = SURROUNDINGS[name]
    if prepare:
        prepare(tmp_path)
    found, printed = outcomes(tmp_path, environment, before)
    assert set(found) == set(ENTRIES)
    for entry, (kinds, text, shown) in found.items():
        if kinds == "fine":
            continue
        assert "VeniceError" in kinds or kinds[0] == "UsageError", f"{entry}: {kinds[0]}: {text}"
        assert len(text.splitlines()) >= 2 or kinds[0] == "UsageError", f"{entry}: no remedy: {text}"
        assert PASSWORD not in shown, entry
        assert KEY not in shown, entry
    assert PASSWORD.encode() not in printed
    assert KEY.encode() not in printed
