"""Stopped by hand: at once, with the truth about the money, and nothing that was paid for is lost."""

import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from venice_widgets.log import Log, Status
from venice_widgets.simulator import Fault, Simulator

KEY = "VENICE_INFERENCE_KEY_0123456789abcdef"
ROOT = Path(__file__).parents[2]
HANGING = """
import json, sys, time
from venice_widgets.session import Session
from venice_widgets.errors import Interrupted

session = Session()
prepared = session.build("a fox", images=6, seed=1)
generation = session.send(prepared, yes=True, ask=None)
told = []

def tell(generation):
    if not told and sum(run.status == "sent" for run in generation.runs) == 4:
        told.append(print("hanging", flush=True))

try:
    session.await_generation(generation, tell)
except Interrupted as exc:
    print("raised", time.time(), flush=True)
    print(json.dumps(str(exc)), flush=True)
    {afterwards}
"""


def paint(commission):
    """A small image of its own for each content."""
    file = io.BytesIO()
    color = hashlib.sha256(str(commission.content).encode()).digest()[:3]
    Image.new("RGB", (16, 12), tuple(color)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def simulator():
    return Simulator(requests_per_minute=None, errors_per_half_minute=None, paint=paint)


@pytest.fixture
def script(tmp_path):
    """Starts a program of its own that sends six requests, four of which are on their way when it says so."""
    started = []

    def start(base_url, afterwards="sys.exit(3)"):
        code = HANGING.replace("{afterwards}", afterwards)
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "VENICE_API_KEY": KEY, "VENICE_API_BASE_URL": base_url}
        environment["VENICE_STORE"] = str(tmp_path / "store")
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True
        )
        started.append(process)
        assert process.stdout.readline() == "hanging\n", process.stderr.read()
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def recorded(folder):
    log = Log.open(folder)
    runs = sorted(log.search(limit=100), key=lambda run: run.draft.position)
    log.close()
    return runs


def interrupt(process):
    """SIGINT; returns when the error was raised, and what it said."""
    sent_at = time.time()
    process.send_signal(signal.SIGINT)
    raised_at = float(process.stdout.readline().split()[1])
    return raised_at - sent_at, json.loads(process.stdout.readline())


def give_up(process):
    """A second SIGINT, once the end of the script waits for what is in flight; returns its code and what it told."""
    told = process.stderr.readline()
    while "Ctrl-C gives up" not in told:
        line = process.stderr.readline()
        assert line, told
        told += line
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=10)
    return process.returncode, told + rest


def test_a_script_is_interrupted_within_a_second_and_a_second_interrupt_gives_up_what_is_in_flight(
    simulator, script, tmp_path
):
    simulator.add_fault(Fault("hang", times=None))
    with simulator.serve() as base_url:
        process = script(base_url)
        seconds, said = interrupt(process)
        assert seconds < 1
        code, told = give_up(process)
        assert code == 3
        assert "Traceback" not in told
        assert "4 requests are in flight and may be charged" in told
        assert "stopped: 0 of 6 images arrived; 2 were not sent and cost nothing; 4 may have been charged." in told
    assert said.startswith("stopped: 0 of 6 images arrived; 2 were not sent and cost nothing; 4 are in flight")
    assert "may be charged" in said
    runs = recorded(tmp_path / "store")
    assert [run.status for run in runs] == [Status.UNKNOWN] * 4 + [Status.CANCELLED] * 2
    assert all(run.run_id[-8:] in said for run in runs[:4])
    assert len([request for request in simulator.requests if request.method == "POST"]) == 4


def test_an_interrupt_that_no_one_catches_ends_a_script_too(simulator, script):
    simulator.add_fault(Fault("hang", times=None))
    with simulator.serve() as base_url:
        process = script(base_url, "raise")
        process.send_signal(signal.SIGINT)
        code, told = give_up(process)
        assert code not in (0, None)
        assert "Interrupted: stopped: 0 of 6 images arrived" in told


@pytest.mark.parametrize("afterwards", ["sys.exit(3)", "raise", "session.close(cancel=True); sys.exit(3)"])
def test_the_end_of_a_script_waits_for_the_images_that_are_in_flight(simulator, script, tmp_path, afterwards):
    simulator.add_fault(Fault("slow", seconds=1.5, times=None))
    with simulator.serve() as base_url:
        process = script(base_url, afterwards)
        interrupt(process)
        assert process.wait(10) != 0
    assert [run.status for run in recorded(tmp_path / "store")] == [Status.SUCCEEDED] * 4 + [Status.CANCELLED] * 2


def test_what_was_sent_keeps_listening_and_files_its_image_when_it_comes(simulator, script, tmp_path):
    simulator.add_fault(Fault("slow", seconds=1.5, times=None))
    with simulator.serve() as base_url:
        process = script(base_url, "assert generation.wait(20); print('filed', len(generation.images)); sys.exit(0)")
        seconds, _ = interrupt(process)
        assert seconds < 1
        assert process.stdout.readline() == "filed 4\n", process.stderr.read()
        assert process.wait(60) == 0
    runs = recorded(tmp_path / "store")
    assert [run.status for run in runs] == [Status.SUCCEEDED] * 4 + [Status.CANCELLED] * 2
    log = Log.open(tmp_path / "store")
    assert all(log.objects.read(run.images[0].sha256) for run in runs[:4])
    log.close()


def test_aborting_frees_the_threads_of_a_script_at_once(simulator, script, tmp_path):
    simulator.add_fault(Fault("hang", times=None))
    afterwards = (
        "started = time.monotonic(); generation.abort(); assert generation.wait(30); "
        "import threading; print(time.monotonic() - started, threading.active_count()); sys.exit(0)"
    )
    with simulator.serve() as base_url:
        process = script(base_url, afterwards)
        interrupt(process)
        seconds, threads = process.stdout.readline().split()
        assert float(seconds) < 1
        assert int(threads) <= 2  # the last worker tells that all have ended before it ends itself
    assert [run.status for run in recorded(tmp_path / "store")] == [Status.UNKNOWN] * 4 + [Status.CANCELLED] * 2


class Kernel:
    """A real kernel, as JupyterLab drives it."""

    def __init__(self, folder, environment):
        from jupyter_client.manager import start_new_kernel

        self.manager, self.client = start_new_kernel(cwd=str(folder), env=environment, startup_timeout=60)

    def run(self, code, timeout=30):
        """Everything a cell shows, and its error's lines."""
        return self.outcome(self.client.execute(code), timeout)

    def outcome(self, message_id, timeout=30):
        shown, end = [], time.monotonic() + timeout
        while time.monotonic() < end:
            message = self.client.get_iopub_msg(timeout=timeout)
            if message["parent_header"].get("msg_id") != message_id:
                continue
            content = message["content"]
            if message["msg_type"] == "status" and content["execution_state"] == "idle":
                return re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(shown))
            shown += [content["text"]] if message["msg_type"] == "stream" else []
            shown += content["traceback"] if message["msg_type"] == "error" else []
            shown += [content["data"]["text/plain"]] if message["msg_type"] == "execute_result" else []
        raise AssertionError(f"no end of it; {shown}")

    def close(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()


@pytest.fixture
def kernel(tmp_path):
    kernels = []

    def start(base_url):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "VENICE_API_KEY": KEY, "VENICE_API_BASE_URL": base_url}
        environment["VENICE_STORE"] = str(tmp_path / "store")
        kernels.append(Kernel(tmp_path / "work", environment))
        return kernels[-1]

    yield start
    for one in kernels:
        one.close()


def waiting(simulator, requests):
    end = time.monotonic() + 30
    while len([request for request in simulator.requests if request.method == "POST"]) < requests:
        assert time.monotonic() < end
        time.sleep(0.02)


LOOK = """
from venice_widgets.current import current_session
runs = sorted(current_session().log.search(), key=lambda run: run.draft.position)
print(*(str(run.status) for run in runs), len({image.sha256 for run in runs for image in run.images}))
"""


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_cell_with_four_hanging_requests_is_interrupted_before_they_answer_and_late_answers_complete_their_runs(
    simulator, kernel
):
    simulator.add_fault(Fault("slow", seconds=8, times=None))
    with simulator.serve() as base_url:
        running = kernel(base_url)
        assert running.run("%load_ext venice_widgets") == ""
        cell = running.client.execute("%%venice --model z-image-turbo --seed 1 -n 4 --out foxes\na fox")
        waiting(simulator, 4)
        time.sleep(0.3)
        started = time.monotonic()
        running.manager.interrupt_kernel()
        said = running.outcome(cell)
        assert time.monotonic() - started < 5
        assert "Interrupted: stopped: 0 of 4 images arrived; 4 are in flight and may be charged" in said
        assert running.run("6 * 7") == "42"
        assert running.run(LOOK) == "sent sent sent sent 0\n"
        assert running.run("foxes.wait(20), foxes.done, [image.seed for image in foxes.images]") == (
            "(True, True, [1, 2, 3, 4])"
        )
        assert running.run(LOOK) == "succeeded succeeded succeeded succeeded 4\n"
