"""How much crosses the wire, counted and not timed: the notebook's connection is shared with everything else."""

import gc
import json
import os
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path
from typing import Any

from tests.panel.conftest import View, Wire, sent, wait_until
from venice_widgets.panel import Panel
from venice_widgets.panel.saved_output import SavedOutput
from venice_widgets.simulator import Fault


def test_a_panel_is_one_comm_and_a_closed_one_is_none(wire: Wire, session):
    panel = Panel(session=session)
    assert len(wire.comms) == 1
    panel.close()
    assert not wire.comms


def test_a_hundred_panels_opened_and_closed_leave_no_comm_no_thread_and_no_panel(wire: Wire, session):
    session.catalogue()
    before = set(threading.enumerate())
    panels = []
    for _ in range(100):
        panel = Panel(session=session, prompt="A fox")
        panels.append(weakref.ref(panel))
        panel.close()
        del panel
    wire.clear()

    def threads() -> list[str]:
        return [each.name for each in set(threading.enumerate()) - before if each.name.startswith("venice-panel")]

    wait_until(lambda: not threads())
    wait_until(lambda: gc.collect() >= 0 and not any(reference() for reference in panels))
    assert not wire.comms


def test_a_program_that_leaves_its_panel_open_ends_at_once(tmp_path):
    code = (
        "import gc, sys\nfrom venice_widgets.panel import Panel\nfrom venice_widgets.session import Session\n"
        "panel = Panel(Session(demo=True), prompt='A fox')\npanel.generate()\npanel.wait(20)\n"
        "class Late:\n    def __init__(self, panel): self.panel = panel\n    def __del__(self): self.panel.__del__()\n"
        "sys.modules['late'] = Late(panel)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment(), timeout=30, check=False)
    assert ended.returncode == 0


def environment() -> dict[str, str]:
    root = str(Path(__file__).parents[2])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))}


def test_a_key_in_a_long_prompt_takes_less_than_300_bytes_each_way_and_no_request(open_panel, wire, simulator):
    view = open_panel(prompt="x" * 5000)
    before = len(simulator.requests)
    for length in range(5001, 5021):
        wire.clear()
        view.type("x" * length)
        view.settle()
        assert wire.bytes < 300
        message = {"type": "edit", "splice": [4999, 0, "x"], "base": 100, "view": view.name, "n": view.sent}
        assert len(json.dumps(message)) < 300
    assert len(simulator.requests) == before


def test_switching_models_takes_less_than_8_kilobytes(open_panel, wire):
    view = open_panel()
    for model in ("gpt-image-2", "z-image-turbo", "qwen-image-2", "nano-banana-2", "krea-v2-large", "gpt-image-2"):
        wire.clear()
        view.edit(model=model)
        view.settle()
        assert 0 < wire.bytes < 8_000, model


def test_eight_images_cross_once_and_the_saved_output_is_written_once(open_panel, wire, monkeypatch):
    written: list[tuple[SavedOutput, Any]] = []
    monkeypatch.setattr(SavedOutput, "show", lambda output, kept: written.append((output, kept.bundle())))
    view = open_panel(images=8)
    wire.clear()
    view.generate()
    view.settle(60)
    previews = sum(len(image.preview.data) for image in view.panel.generation.images)
    assert len(view.panel.generation.images) == 8
    assert wire.bytes <= 1.1 * previews
    assert len([output for output, _ in written if output is view.panel._saved]) == 1


def test_comparing_sends_no_image_again(open_panel, wire):
    view = open_panel(images=2)
    view.generate()
    view.settle()
    wire.clear()
    for card in view.cards:
        view.act("compare", key=card["key"])
    view.settle()
    assert wire.bytes < 5_000


def test_a_view_that_comes_back_is_sent_only_the_images_that_it_lacks(open_panel, wire):
    view = open_panel(images=2)
    view.generate()
    view.settle()
    wire.clear()
    again = View(view.panel, wire, "view-b")
    assert again.images.keys() == view.images.keys()
    wire.clear()
    again.say(type="hello", have=list(again.images))
    view.settle()
    assert wire.bytes < 20_000


def test_waiting_costs_little_and_idling_nothing(open_panel, wire, simulator):
    simulator.add_fault(Fault("slow", seconds=3))
    view = open_panel()
    wire.clear()
    time.sleep(0.5)
    assert wire.bytes == 0
    view.generate()
    wait_until(lambda: sent(simulator))
    time.sleep(2)
    assert wire.bytes < 4_000
    view.panel.cancel()
