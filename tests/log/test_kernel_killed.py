"""A real kernel is killed after each step of one paid request; the next kernel finds what was sent, and its image.

The steps are those of REPRODUCIBILITY, section 2. The kernel is stopped exactly there by a patch that the test gives
it as a cell: the named method waits for ever and says so by a file; while the answer is under way it is Venice that
never answers. Then it is killed with SIGKILL, and a new kernel looks at the same store.
"""

import hashlib
import io
import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from jupyter_client.manager import KernelManager
from PIL import Image

from venice_widgets.simulator import Fault, Simulator

PACKAGE_PARENT = Path(__file__).parents[2]
CELL = "%%venice --seed 41\nA red fox"
ENTER = """
import os
from venice_widgets.current import current_session, use_session

get_ipython().starting_dir = {folder!r}
os.chdir({folder!r})
use_session(None)
"""
STOP = """
import threading
from pathlib import Path
from venice_widgets.log import Log
from venice_widgets.log.object_store import ObjectWriter

def stop(plain, before):
    def stopping(*given, **named):
        if not before:
            plain(*given, **named)
        Path("stopped").touch()
        threading.Event().wait()
    return stopping

{method} = stop({method}, {before})
"""


@dataclass(frozen=True)
class Step:
    """Where the kernel is killed, and what the next one must find."""

    stop: str
    """``before`` or ``after`` a method, ``hang`` for Venice, ``shown`` for a cell that has ended."""
    status: str | None
    """Of the run; None where there is none."""
    sent: int
    """How many requests Venice got."""
    left: str
    """Of a budget of one dollar."""
    image: bool = False


STEPS = {
    "1 drawn and hashed": Step("before Log.reserve", None, 0, "$1.00"),
    "2 pending": Step("after Log.reserve", "cancelled", 0, "$1.00"),
    "3 marked as sent": Step("after Log.mark_sent", "unknown", 0, "$0.99"),
    "4 answer under way": Step("hang", "unknown", 1, "$0.99"),
    "4 image under way": Step("before ObjectWriter.keep", "succeeded", 1, "$0.99", image=True),
    "5 bytes kept": Step("after ObjectWriter.keep", "succeeded", 1, "$0.99", image=True),
    "6 on record": Step("after Log.finish", "succeeded", 1, "$0.99", image=True),
    "7 shown": Step("shown", "succeeded", 1, "$0.99", image=True),
}


def paint(commission) -> bytes:
    """A tiny image that differs by its seed."""
    image = Image.new("RGB", (16, 8), (commission.content % 256, 90, 30))
    image.save(file := io.BytesIO(), "PNG")
    return file.getvalue()


class Kernel:
    """A real kernel that can be killed and started again, and the offline Venice behind it."""

    def __init__(self, work: Path, sockets: Path, url: str, simulator: Simulator) -> None:
        self.work, self.sockets, self.simulator = work, sockets, simulator
        clean = {name: value for name, value in os.environ.items() if not name.startswith("VENICE_")}
        self.environment = clean | {
            "HOME": str(work),
            "IPYTHONDIR": str(work),
            "PYTHONPATH": str(PACKAGE_PARENT),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "VENICE_API_KEY": "VENICE_INFERENCE_KEY_0123456789abcdef",
            "VENICE_API_BASE_URL": url,
        }
        self.start()

    def start(self) -> None:
        self.manager = KernelManager(kernel_name="python3", transport="ipc", ip=str(self.sockets / "kernel"))
        self.manager.start_kernel(env=self.environment, cwd=str(self.work))
        self.client = self.manager.client()
        self.client.start_channels()
        try:
            self.client.wait_for_ready(timeout=60)
        except RuntimeError:
            self.end()
            raise

    def end(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()

    def enter(self, folder: Path) -> None:
        """Let the kernel work in a folder, with a session of its own."""
        self.run(f"%reload_ext venice_widgets\n{ENTER}".format(folder=str(folder)))

    def run(self, code: str) -> list[dict]:
        """The contents of what a cell shows; an error fails the test."""
        shown = []
        kinds = ("execute_result", "display_data", "update_display_data", "error")

        def collect(message) -> None:
            if message["msg_type"] in kinds:
                shown.append({**message["content"], "kind": message["msg_type"]})

        reply = self.client.execute_interactive(code, output_hook=collect, allow_stdin=False, timeout=60)
        assert reply["content"]["status"] == "ok", shown
        return shown

    def text(self, code: str) -> str:
        return self.run(code)[-1]["data"]["text/plain"]

    def all_texts(self, code: str) -> str:
        """The text of everything that a cell shows, whichever part of it comes last."""
        return "\n".join(part["data"]["text/plain"] for part in self.run(code) if part["kind"] != "error")

    def sent(self) -> int:
        return sum(request.method == "POST" for request in self.simulator.requests)

    def kill_at(self, stop: str, stopped: Path) -> None:
        """Run the cell up to the step and kill the kernel there."""
        before = self.sent()
        word, _, method = stop.partition(" ")
        if stop == "shown":
            assert self.run(CELL)[-1]["kind"] == "execute_result"
        else:
            if stop == "hang":
                self.simulator.add_fault(Fault("hang", charged=True))
            else:
                self.run(STOP.format(method=method, before=word == "before"))
            self.client.execute(CELL)
            until(lambda: self.sent() > before if stop == "hang" else stopped.exists())
        os.kill(self.manager.provisioner.pid, signal.SIGKILL)
        self.end()


def until(holds) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, "the kernel never came so far"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory, short_folder) -> Iterator[Kernel]:
    simulator = Simulator(requests_per_minute=None, paint=paint)
    with simulator.serve() as url:
        kernel = Kernel(tmp_path_factory.mktemp("kernel"), short_folder, url, simulator)
        try:
            yield kernel
        finally:
            kernel.end()


@pytest.mark.parametrize("name", STEPS)
def test_a_kernel_killed_at_any_step_loses_nothing(name, kernel, tmp_path):
    step = STEPS[name]
    (tmp_path / ".venice").mkdir()
    (tmp_path / ".venice" / "config.toml").write_text('project_budget_usd = "1.00"\nrequests_per_minute = 10000\n')
    sent, balance = kernel.sent(), kernel.simulator.balance_usd()

    kernel.enter(tmp_path)
    kernel.kill_at(step.stop, tmp_path / "stopped")
    assert kernel.sent() - sent == step.sent
    kernel.start()
    kernel.enter(tmp_path)

    assert_on_record(kernel, step, tmp_path)
    assert_told_once(kernel, step)
    # What is reserved covers what Venice may have charged, and the images of `assert_told_once`.
    left = kernel.text("current_session().left_text()").split("$")[1].strip("'")
    assert float(left) == pytest.approx(float(step.left.strip("$")) - 0.02)
    assert balance - kernel.simulator.balance_usd() <= 1 - float(left) + 1e-9


def assert_on_record(kernel: Kernel, step: Step, folder: Path) -> None:
    """The log, the doctor and the check of every byte say what became of the run."""
    listed = kernel.text("%venice log --json")
    doctor = kernel.text("%venice doctor")
    if step.status is None:
        assert listed == ""
        return
    record = json.loads(listed)
    assert record["status"] == step.status
    assert (record["draft"]["seed"], record["draft"]["prompt"]) == (41, "A red fox")
    assert record["draft"]["context"]["cell"] == CELL
    assert ("may have been charged ($0.01 perhaps)" in doctor) == (step.status == "unknown")
    assert "every record are as they were written" in kernel.text("%venice verify")
    (shown,) = kernel.run("%venice show last")
    assert ('<img alt="A red fox"' in shown["data"]["text/html"]) == step.image
    (table,) = kernel.run("%venice log")
    assert ("<img " in table["data"]["text/html"]) == step.image
    if step.image:
        (image,) = record["outcome"]["images"]
        kept = (folder / ".venice" / "objects" / image["sha256"][:2] / image["sha256"][2:]).read_bytes()
        assert hashlib.sha256(kept).hexdigest() == image["sha256"]
        assert (image["width"], image["height"], image["seed"]) == (16, 8, 41)
        assert (image["signed"], image["exif"]) == (False, False)


def assert_told_once(kernel: Kernel, step: Step) -> None:
    """The first cell says what may have been charged, the second no more; both make their images."""
    first, second = (kernel.all_texts(f"%%venice --seed {seed}\nA red fox") for seed in (42, 43))
    assert ("they may have been charged" in first) == (step.status == "unknown")
    assert "they may have been charged" not in second
    assert "$0.01 · run" in first
