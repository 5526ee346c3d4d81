"""What every test stands on: no home directory, no network, no store but its own."""

import atexit
import gc
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

import keyring
import keyring.backend
import pytest
from hypothesis import settings
from IPython.core.interactiveshell import InteractiveShell
from IPython.terminal.interactiveshell import TerminalInteractiveShell
from ipywidgets import Widget
from traitlets.config import Config

from tests.python_path import STAND_INS
from tests.quick_paint import quick_paint
from venice_widgets import current
from venice_widgets.files import notebook
from venice_widgets.session import Session
from venice_widgets.simulator import Simulator
from venice_widgets.simulator.art import painter
from venice_widgets.simulator.art.painter import Commission

settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None, max_examples=1000)
# The same examples each time, so that main is green or red for a reason; HYPOTHESIS_PROFILE=explore looks for new ones.
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


OTHER_WINDOW = {f"tests/browser/test_{name}.py" for name in ("looks", "panel_hundred", "panel_sweep", "tables")}
"""Together these take as long as ``tests/browser/test_panel.py``."""
MEMORY = Path("/dev/shm")
MEMORY_BYTES = 4_000_000_000
"""What must be free there: a run fills about a quarter of it."""


# Before anything imports a JSON Schema.
sys.path.insert(0, str(STAND_INS))

# Every program that a test starts would compile the package anew, which takes longer than to run it.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two workers a processor for ``-n auto``: half of a worker's time goes by while it waits."""
    return 2 * (os.cpu_count() or 1)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give whole modules to the workers, those of the browser first and on two of them.

    Each worker that drives a browser starts a JupyterLab. ``--dist loadgroup`` would say the same by marks, which
    pytest-xdist 3.8 does not see under pytest 9.2.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByModule(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            module = nodeid.partition("::")[0]
            return "browser" if module in OTHER_WINDOW else module

    config.option.loadscopereorder = False
    return ByModule(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is None)


def pytest_configure() -> None:
    """Let the tests' folders lie in memory, where there is room: a write that the disk must confirm takes 4 ms there.

    What the product does is the same. ``PYTEST_DEBUG_TEMPROOT`` and ``--basetemp`` choose another place.
    """
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > MEMORY_BYTES:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
    gc.disable()  # while modules are imported there is no garbage to look for, which takes a sixth of the time


def pytest_sessionstart() -> None:
    """Let an interrupt reach the tests' own processes: a shell ignores it for what it starts in the background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Leave what is imported by now out of every collection of garbage, and collect less often."""
    import_all()
    gc.enable()
    gc.set_threshold(20_000)
    gc.collect()
    gc.freeze()


def import_all() -> None:
    """Import what the package would import at first use."""
    for module in ("api", "log", "notebook.magic", "notebook.commands", "panel", "replays.replay", "simulator"):
        import_module(f"venice_widgets.{module}")


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A home, a working directory and an environment that belong to the test."""
    home = tmp_path / "home"
    home.mkdir()
    for name in [name for name in os.environ if name.startswith("VENICE_") and not name.startswith("VENICE_REQUIRE")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    for name, folder in {
        "HOME": "", "IPYTHONDIR": "ipython", "JUPYTER_CONFIG_DIR": "jupyter", "JUPYTER_DATA_DIR": "jupyter-data",
        "JUPYTER_RUNTIME_DIR": "jupyter-runtime", "XDG_CONFIG_HOME": "config", "XDG_CACHE_HOME": "cache",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, str(home / folder))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setattr(notebook, "STARTED_IN", work)
    yield
    current.use_session(None)
    Widget.close_all()


@pytest.fixture(scope="module")
def short_folder() -> Iterator[Path]:
    """A folder whose path has room for a socket's name behind it, which holds no more than 107 characters."""
    with tempfile.TemporaryDirectory(prefix="v", dir="/tmp" if os.name == "posix" else None) as folder:
        yield Path(folder)


@pytest.fixture
def high_rate_limit() -> None:
    """Let requests follow each other at once; named before `session`, which reads the settings."""
    Path(".venice").mkdir()
    Path(".venice/config.toml").write_text("requests_per_minute = 10000\n")


@pytest.fixture(autouse=True)
def _quick_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every simulator here, the demo's too, draws images of one color: its scenes take five times as long."""
    monkeypatch.setattr(painter, "paint", quick_paint)


@pytest.fixture
def paint() -> Callable[[Commission], bytes] | None:
    """How `simulator` draws; `painter.paint` as it was imported draws its scenes."""
    return None


@pytest.fixture
def simulator(paint: Callable[[Commission], bytes] | None) -> Simulator:
    """An offline Venice without a rate limit."""
    return Simulator(requests_per_minute=None, paint=paint)


@pytest.fixture
def session(simulator: Simulator) -> Session:
    """A session that believes it talks to Venice, and talks to the simulator."""
    made = Session(api_key="VENICE_INFERENCE_KEY_0123456789abcdef", transport=simulator.transport())
    current.use_session(made)
    return made


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    """A new terminal IPython with the extension loaded, and a history that is gone afterwards."""
    settings = Config()
    settings.HistoryManager.hist_file = ":memory:"
    settings.InteractiveShell.colors = "nocolor"
    settings.TerminalInteractiveShell.simple_prompt = True
    hooks = sys.displayhook, sys.excepthook, sys.modules["__main__"]
    TerminalInteractiveShell.clear_instance()
    made = TerminalInteractiveShell.instance(config=settings)
    made.run_line_magic("load_ext", "venice_widgets")
    yield made
    history = made.history_manager
    with patch("gc.collect"):  # a third of a second a test
        made.atexit_operations()
    history.db.close()  # Python 3.13 and newer warn of a database that no one closed
    atexit.unregister(made.atexit_operations)
    made.restore_sys_module_state()
    TerminalInteractiveShell.clear_instance()
    sys.displayhook, sys.excepthook, sys.modules["__main__"] = hooks


class InMemoryKeyring(keyring.backend.KeyringBackend):
    """A keyring of its own for each test, which counts how often it is asked."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.asked, self.refusal = 0, None

    def get_password(self, service: str, username: str) -> str | None:
        self.asked += 1
        if self.refusal:
            raise self.refusal
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.refusal:
            raise self.refusal
        self.kept[service, username] = password


@pytest.fixture
def ring() -> Iterator[InMemoryKeyring]:
    """The system's keyring, in memory."""
    before, ring = keyring.get_keyring(), InMemoryKeyring()
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)
