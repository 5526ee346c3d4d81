"""A real JupyterLab, or Voila, on the loopback, and a real Chromium that looks at it.

Everything that the server writes goes into a folder of the test's own: home, configuration, runtime files.
"""

import ast
import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from tests.python_path import PYTHON_PATH

START_SECONDS = 60.0
HEIGHT_PIXELS = 1000
"""Of a window. A taller one takes more of the processor, which draws it."""
NO_BUILD = "{'page_config_data': {'buildCheck': False, 'buildAvailable': False}}"
"""JupyterLab would start Node.js each time it is loaded, to see whether its extensions must be built."""


@dataclass(frozen=True)
class Server:
    """One running server."""

    url: str
    token: str
    folder: Path
    """Where its notebooks lie."""

    def lab(self, notebook: str = "") -> str:
        """The address of one notebook in JupyterLab, or of JupyterLab with nothing open."""
        shown = f"/tree/{notebook}" if notebook else ""
        return f"{self.url}/lab/workspaces/{secrets.token_hex(4)}{shown}?token={self.token}"

    def voila(self, notebook: str) -> str:
        """The address of one notebook as an app."""
        return f"{self.url}/voila/render/{notebook}?token={self.token}"

    def write(self, notebook: str, *cells: str) -> Path:
        """A notebook of these code cells."""
        path = self.folder / notebook
        document = new_notebook(cells=[new_code_cell(cell) for cell in cells])
        document.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(document, path)
        return path


def free_port() -> int:
    """A port of the loopback that no one listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(home: Path) -> dict[str, str]:
    """An environment without the person's own configuration and keys."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VENICE_", "JUPYTER_", "JPY_"))}
    places = {
        "HOME": "", "JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython", "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "XDG_CONFIG_HOME": "xdg", "XDG_CACHE_HOME": "cache",
    }  # fmt: skip
    made = {name: str(home / folder) for name, folder in places.items()}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}"
    python_path = os.pathsep.join(filter(None, (PYTHON_PATH, kept.get("PYTHONPATH", ""))))
    return {**kept, **made, "PATH": path, "PYTHONPATH": python_path, "JUPYTER_PREFER_ENV_PATH": "1"}


@contextlib.contextmanager
def jupyter(folder: Path) -> Iterator[Server]:
    """Run JupyterLab; where Voila is installed, the same server shows apps."""
    home, notebooks = folder / "home", folder / "notebooks"
    quiet = home / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    for made in (quiet.parent, notebooks):
        made.mkdir(parents=True, exist_ok=True)
    quiet.write_text('{"fetchNews": "false", "checkForUpdates": false}')
    port, token = free_port(), secrets.token_hex(16)
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--expose-app-in-browser",
        f"--ServerApp.port={port}", "--ServerApp.ip=127.0.0.1", "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={notebooks}", f"--IdentityProvider.token={token}",
        f"--ServerApp.tornado_settings={NO_BUILD}",
    ]  # fmt: skip
    log = (folder / "server.log").open("wb")
    process = subprocess.Popen(command, env=environment(home), cwd=notebooks, stdout=log, stderr=subprocess.STDOUT)
    server = Server(f"http://127.0.0.1:{port}", token, notebooks)
    try:
        _await(server, process, folder / "server.log")
        yield server
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()


def _await(server: Server, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{server.url}/api/status?token={server.token}", timeout=2).close()
            return
        time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text(errors='replace')[-2000:]}")


def chromium() -> str | None:
    """Debian's Chromium, where it is installed; the one without windows takes a quarter less of the processor."""
    return shutil.which("chromium-headless-shell") or shutil.which("chromium")


def launch(playwright: Any) -> Any:
    """Start Chromium."""
    return playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])


@contextlib.contextmanager
def new_window(browser: Any) -> Iterator[Any]:
    """A window that shares nothing with another one."""
    with browser.new_context(viewport={"width": 1400, "height": HEIGHT_PIXELS}) as context:
        context.set_default_timeout(30_000)
        yield context.new_page()


class Notebook:
    """One notebook in JupyterLab, in one page of the browser."""

    def __init__(self, server: Server, page: Any, name: str) -> None:
        self.server, self.page, self.name = server, page, name

    def open(self, *, dark: bool = False) -> None:
        """Open it as a user does who comes back: JupyterLab is loaded anew, with nothing else on the screen."""
        self.page.goto(self.server.lab(self.name))
        self.page.wait_for_function("window.jupyterapp !== undefined")
        self._ready(dark=dark)

    def show(self, *, dark: bool = False, kernel: str | None = None) -> None:
        """Open it in the JupyterLab that the window holds, with nothing else on the screen.

        Args:
            dark: which theme.
            kernel: the id of a running kernel to use; None to start one.
        """
        if not self.page.evaluate(LOADED):
            self.page.goto(self.server.lab())
            self.page.wait_for_function(LOADED)
            self.page.evaluate("window.jupyterapp.restored.then(() => undefined)")
        self.page.evaluate(SHOW, [self.name, kernel])
        self._ready(dark=dark)

    def _ready(self, *, dark: bool) -> None:
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        self.command("apputils:change-theme", theme="JupyterLab Dark" if dark else "JupyterLab Light")
        self.page.evaluate("window.jupyterapp.shell.collapseLeft()")

    def command(self, name: str, **arguments: Any) -> None:
        """Run one of JupyterLab's commands."""
        self.page.evaluate("([name, given]) => window.jupyterapp.commands.execute(name, given)", [name, arguments])

    def run_all(self) -> None:
        """Run every cell, and wait until the kernel is done."""
        self.page.wait_for_function(f"{CONTEXT}.session && {CONTEXT}.session.kernel.status === 'idle'", timeout=60_000)
        self.command("notebook:run-all-cells")

    def python(self, code: str) -> None:
        """Run code in the notebook's kernel, without a cell."""
        self.page.evaluate(f"code => {CONTEXT}.session.kernel.requestExecute({{code}}).done", code)

    def start(self, code: str) -> None:
        """Start code in the notebook's kernel, and do not wait for it."""
        self.page.evaluate(f"code => {{ {CONTEXT}.session.kernel.requestExecute({{code}}) }}", code)

    def evaluate(self, expression: str) -> str:
        """What an expression of text is in the notebook's kernel."""
        return str(ast.literal_eval(self.page.evaluate(EVALUATE, expression)))

    def save(self) -> Any:
        """Save it, and read what was written."""
        self.command("docmanager:save")
        self.page.wait_for_function("!window.jupyterapp.shell.currentWidget.context.model.dirty")
        return nbformat.read(self.server.folder / self.name, as_version=4)

    def await_saved_output(self, images: int) -> None:
        """Wait until the output under the panel, which is what is saved, holds so many images: it comes after them."""
        self.page.wait_for_function(f"document.querySelectorAll('.venice-saved img').length === {images}")

    def close(self) -> None:
        """Shut its kernel down and leave it."""
        self.page.evaluate(f"{CONTEXT}.shutdown()")
        self.page.goto("about:blank")


def leave(page: Any) -> str | None:
    """Close what a window shows, unsaved; the id of its kernel, emptied for the next notebook, where that works."""
    kernel = page.evaluate(LEAVE, EMPTY) if page.evaluate(LOADED) else None
    if page.evaluate("document.querySelector('dialog[open], .jp-Dialog') !== null"):
        page.goto("about:blank")
    return kernel


LOADED = "window.jupyterapp?.commands?.hasCommand('docmanager:open') === true"
SHOW = """async ([path, id]) => {
  const { commands, shell } = window.jupyterapp;
  const shown = await commands.execute('docmanager:open', { path, ...(id ? { kernel: { id } } : {}) });
  await shown.context.ready;
  for (const other of [...shell.widgets('main')]) if (other !== shown) other.dispose();
}"""
EMPTY = """
def empty():
    import sys
    from ipywidgets import Widget
    shell = get_ipython()
    Widget.close_all()
    if "venice_widgets.current" in sys.modules:
        sys.modules["venice_widgets.current"].use_session(None)
    shell.extension_manager.unload_extension("venice_widgets")
    shell.reset()
empty()
"""
LEAVE = """async code => {
  const { serviceManager, shell } = window.jupyterapp;
  const kernel = shell.currentWidget?.sessionContext?.session?.kernel;
  const emptied = kernel?.requestExecute({ code, store_history: false }).done.then(reply => reply.content.status);
  const late = new Promise(done => setTimeout(done, 2000, "late"));
  const isEmpty = kernel && await Promise.race([emptied, late]).catch(error => String(error)) === "ok";
  if (!isEmpty) serviceManager.sessions.shutdownAll().catch(() => undefined);
  for (const shown of [...shell.widgets('main')]) {
    if (shown.context) shown.context.model.dirty = false;
    shown.dispose();
  }
  return isEmpty ? kernel.id : null;
}"""
CONTEXT = "window.jupyterapp.shell.currentWidget.sessionContext"
EVALUATE = f"""async expression => {{
  const future = {CONTEXT}.session.kernel.requestExecute({{code: '', user_expressions: {{value: expression}}}});
  return (await future.done).content.user_expressions.value.data['text/plain'];
}}"""
