"""The panel in a real kernel: comm messages of a browser that is none, beside a busy cell, on whatever thread."""

import contextlib
import queue
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
OPEN = """
import time
from venice_widgets import Panel, Session
from venice_widgets.simulator import Simulator
from tests.quick_paint import quick_paint
simulator = Simulator(requests_per_minute=None, paint=quick_paint)
session = Session(api_key="VENICE_INFERENCE_KEY_0123456789abcdef", transport=simulator.transport())
panel = Panel(session=session, prompt="A fox", images=2)
panel._controller.load()
panel
"""


class Kernel:
    """A kernel and what it said."""

    def __init__(self, client: Any, manager: Any) -> None:
        self.client, self.manager = client, manager
        self.heard: list[dict[str, Any]] = []

    def run(self, code: str) -> Any:
        """Run code and give back the value of its last line."""
        asked = self.client.execute(code, user_expressions={"value": "repr(value)"} if "value" in code else {})
        reply = self.client.get_shell_msg(timeout=60)
        while reply["parent_header"].get("msg_id") != asked:
            reply = self.client.get_shell_msg(timeout=60)
        assert reply["content"]["status"] == "ok", reply["content"]
        self.listen()
        told = reply["content"].get("user_expressions", {}).get("value", {}).get("data", {})
        return told.get("text/plain", "").strip("\"'")

    def listen(self, seconds: float = 0.3) -> None:
        """Take what was published so far."""
        with contextlib.suppress(queue.Empty):
            while True:
                self.heard.append(self.client.get_iopub_msg(timeout=seconds))

    def say(self, model_id: str, message: dict[str, Any], subshell: str | None = None) -> None:
        """What a view sends."""
        content = {"comm_id": model_id, "data": {"method": "custom", "content": message}}
        sent = self.client.session.msg("comm_msg", content)
        if subshell:
            sent["header"]["subshell_id"] = subshell
        self.client.shell_channel.send(sent)

    def subshell(self) -> str | None:
        """A subshell as JupyterLab asks for one; None where the kernel has none (before ipykernel 7)."""
        message = self.client.session.msg("create_subshell_request", {})
        self.client.control_channel.send(message)
        with contextlib.suppress(queue.Empty):
            return self.client.get_control_msg(timeout=5)["content"].get("subshell_id")
        return None

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.heard if message["msg_type"] == kind]


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    from jupyter_client.manager import KernelManager

    manager = KernelManager()
    manager.kernel_cmd = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    manager.start_kernel(extra_arguments=[], env=_environment())
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        yield Kernel(client, manager)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}"}


FORM = {
    "model": "z-image-turbo", "prompt": "A HORSE", "values": {}, "seed_mode": "new", "seed": "", "images": "2",
    "again": False, "sweep": {}, "skip_invalid": False,
}  # fmt: skip


def test_beside_a_busy_cell_a_click_sends_once_what_it_carries_and_the_images_reach_the_saved_output(kernel):
    kernel.run(OPEN)
    comm = kernel.run("value = panel.model_id")
    account = kernel.run("value = panel._controller.quote().facts['account']")
    shown = {"account": account, "price": "2 × $0.01 = $0.02", "most": "0.02"}
    subshell = kernel.subshell()
    kernel.client.execute("time.sleep(3)\nbusy_until = time.monotonic()")
    time.sleep(0.5)
    kernel.say(comm, {"type": "hello", "view": "a", "n": 1, "have": []}, subshell)
    for number in (2, 3):
        kernel.say(comm, {"type": "generate", "view": "a", "n": number, "form": FORM, "shown": shown}, subshell)
    deadline = time.monotonic() + 30
    updates = []
    while not updates and time.monotonic() < deadline:
        kernel.listen(0.2)
        updates = kernel.of("update_display_data")
    if subshell:
        value = kernel.run("value = panel.generation.images[0].record and panel.generation.done")
        assert value == "True"
    prompts = kernel.run("value = [r.json['prompt'] for r in simulator.requests if r.path.endswith('/image/generate')]")
    assert prompts == "['A HORSE', 'A HORSE']".strip("'"), "two images, asked for once each"
    assert len(updates) == 1
    runs = updates[0]["content"]["metadata"]["venice"]["runs"]
    assert len({run["image"]["seed"] for run in runs}) == 2
    assert not kernel.of("stream")
    assert not kernel.of("error")


def test_a_fresh_panel_answers_within_200_ms_while_a_cell_sleeps(kernel):
    kernel.run(OPEN)
    comm = kernel.run("value = panel.model_id")
    subshell = kernel.subshell()
    if subshell is None:
        pytest.skip("this kernel has no subshells")
    kernel.client.execute("time.sleep(4)")
    time.sleep(0.5)
    kernel.listen(0.1)
    waited = []
    for number in range(1, 6):
        kernel.heard.clear()
        began = time.monotonic()
        kernel.say(comm, {"type": "edit", "view": "a", "n": number, "changes": {"images": str(number)}}, subshell)
        while not any("acks" in str(message["content"]) for message in kernel.of("comm_msg")):
            kernel.heard.append(kernel.client.get_iopub_msg(timeout=3))
        waited.append(time.monotonic() - began)
    assert sorted(waited)[2] < 0.2, waited


def test_the_panel_knows_whether_this_kernel_answers_beside_a_running_cell(kernel):
    kernel.run(OPEN)
    told = kernel.run("value = panel._controller.subshells")
    assert told == str(kernel.subshell() is not None)
