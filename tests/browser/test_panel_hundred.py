"""Two tabs, a busy kernel, restarts, a slow network and held keys, in random order: what is paid for is what was shown.

A round makes trouble, changes the form in one tab, reads what stands on that screen and clicks in the same instant.
Afterwards the simulator says what arrived and what it charged: that request at that price, or nothing. The suite plays
a few rounds; ``VENICE_PANEL_ROUNDS=100`` plays more.
"""

import os
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from tests.browser.jupyter import Notebook, Server, new_window
from tests.browser.test_panel import field, value

ROUNDS = int(os.environ.get("VENICE_PANEL_ROUNDS", "6"))
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240 + 30 * ROUNDS)]

CELL = """
import json, threading, time
from venice_widgets import Panel, Session
from venice_widgets.generation.rate_limiter import RateLimiter
from venice_widgets.simulator import Simulator
from tests.quick_paint import quick_paint
simulator = Simulator(requests_per_minute=None, balance_usd="1000", paint=quick_paint)
session = Session(api_key="VENICE_INFERENCE_KEY_0123456789abcdef", transport=simulator.transport())
session._pace = RateLimiter(None)

def sent():
    return [each.json for each in simulator.requests if each.path.endswith("/image/generate")]

def left():
    return str(session.balance().amounts["USD"])

def compute(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(10_000))

def compute_in_threads(seconds):
    threads = [threading.Thread(target=compute, args=(seconds,)) for _ in range(2)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

panel = Panel(session, prompt="A fox")
panel
"""
MODELS = ("z-im", "sd35", "qwen-image-2", "gpt-image-2")
"""What is typed to find a model."""
BUSY = {"sleeping": "time.sleep(2)", "computing": "compute(2)", "computing in threads": "compute_in_threads(2)"}
SLOW_NETWORK = """
window.slowMs = 0;
const later = (what) => (window.slowMs ? setTimeout(what, window.slowMs) : what());
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (data) { later(() => send.call(this, data)); };
const { get, set } = Object.getOwnPropertyDescriptor(WebSocket.prototype, "onmessage");
Object.defineProperty(WebSocket.prototype, "onmessage", {
  get, set(hear) { set.call(this, hear && ((event) => later(() => hear.call(this, event)))); },
});
"""
READ = """
window.readPanel = (panel) => {
  const labeled = (name) =>
    [...panel.querySelectorAll('input, select')].find((each) => each.labels?.[0]?.innerText.trim() === name);
  return {
    prompt: panel.querySelector('.vw-prompt').value,
    model: labeled('Model').value.split(' · ')[0],
    images: labeled('Images').value,
    seeds: JSON.parse(labeled('Seeds').value),
    seed: labeled('Seed').value,
    button: panel.querySelector('.vw-primary').innerText,
  };
};
"""
CLICK = """(panel) => {
  const shown = window.readPanel(panel);
  panel.querySelector('.vw-primary').click();
  return shown;
}"""
AT_ENTER = """(panel) => {
  window.atEnter = null;
  const read = (event) => { if (event.key === 'Enter') window.atEnter ??= window.readPanel(panel); };
  panel.addEventListener('keydown', read, { capture: true });
}"""


@dataclass
class Tab:
    """One tab with the panel."""

    notebook: Notebook

    @property
    def page(self) -> Any:
        return self.notebook.page

    def await_panel(self) -> None:
        self.page.wait_for_function("document.querySelector('.venice-panel .vw-primary')?.innerText.includes('$')")

    def slow(self, milliseconds: int) -> None:
        self.page.evaluate(f"window.slowMs = {milliseconds}")

    @property
    def panel(self) -> Any:
        return self.page.query_selector(".venice-panel")

    def click(self) -> dict[str, Any]:
        """Click; what the screen shows in the same turn of the browser, so that nothing comes in between."""
        return dict(self.page.evaluate(CLICK, self.panel))

    def hold(self) -> dict[str, Any]:
        """Hold Ctrl+Enter; what the screen shows when the first of its events comes."""
        self.page.evaluate(AT_ENTER, self.panel)
        self.page.locator(".vw-prompt").focus()
        self.page.keyboard.down("Control")
        for _ in range(8):
            self.page.keyboard.down("Enter")
        self.page.keyboard.up("Enter")
        self.page.keyboard.up("Control")
        return dict(self.page.evaluate("window.atEnter"))

    def change(self, chance: random.Random, number: int) -> None:
        """A few edits, as a user makes them; none waits for what it brings."""
        field(self.page, "^Prompt").fill(f"Round {number}: {chance.choice(['a fox', 'a crow 🦊', 'eine Gans'])}")
        if chance.random() < 0.5:
            picker = field(self.page, "^Model$").first
            picker.fill(chance.choice(MODELS))
            picker.press("Enter")
        if chance.random() < 0.5:
            field(self.page, "^Images").fill(chance.choice(["1", "2", "3"]))
        fixed = chance.random() < 0.5
        field(self.page, "^Seeds$").select_option(label="fixed" if fixed else "new each time")
        if fixed:
            field(self.page, "^Seed$").fill(str(10 * number + 7))

    def await_kernel(self, other: "Tab", number: int) -> None:
        """Wait until the kernel has heard all that this tab said so far: a last edit has come to the other tab."""
        field(self.page, "^Prompt").fill(f"After round {number}")
        other.page.wait_for_function(f"document.querySelector('.vw-prompt').value === 'After round {number}'")


@pytest.fixture
def tabs(server: Server, browser: Any) -> Iterator[list[Tab]]:
    name = "hundred.ipynb"
    server.write(name, CELL)
    with new_window(browser) as page:
        page.context.add_init_script(SLOW_NETWORK + READ)
        first = Tab(Notebook(server, page, name))
        first.notebook.open()
        first.notebook.run_all()
        first.await_panel()
        first.notebook.save()
        second = Tab(Notebook(server, page.context.new_page(), name))
        second.notebook.open()
        second.await_panel()
        yield [first, second]
        first.notebook.close()


def restart(tabs: list[Tab]) -> None:
    """Restart the kernel: a click on what is left of the panel sends nothing. Then bring it back in both tabs."""
    first, second = tabs
    first.page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    first.page.wait_for_function("document.querySelector('.venice-panel .vw-dead')?.offsetParent")
    for tab in tabs:
        tab.click()
    # JupyterLab tells only the tab that restarted it; in the other one, no answer is the sign.
    second.page.get_by_text("If it was restarted, run this cell again").locator("visible=true").wait_for()
    first.notebook.run_all()
    first.await_panel()
    assert value(first.notebook, "sent()") == []
    first.notebook.save()
    second.page.reload()
    second.page.wait_for_function("window.jupyterapp !== undefined")
    second.await_panel()


def settled(notebook: Notebook) -> list[dict[str, Any]]:
    """Everything that arrived so far, once nothing is waited for."""
    assert value(notebook, "panel._controller.sending.wait(60)")
    return list(value(notebook, "sent()"))


def judge(shown: dict[str, Any], bodies: list[dict[str, Any]], charged: Decimal) -> None:
    """Hold what arrived, and what it cost, against the screen at the click."""
    price = Decimal(re.search(r"\$([\d.]+)", shown["button"])[1])
    arrived = {(body["model"], body["prompt"]) for body in bodies}
    assert arrived == {(shown["model"], shown["prompt"])}, (shown, bodies)
    assert len(bodies) == int(shown["images"]), (shown, bodies)
    if shown["seeds"] == "fixed":
        first = int(shown["seed"])
        assert sorted(body["seed"] for body in bodies) == [*range(first, first + len(bodies))], (shown, bodies)
    assert charged <= price, (shown, charged)
    if "up to" not in shown["button"]:
        assert charged == price, (shown, charged)


def test_what_arrives_is_what_stood_on_the_screen_at_the_click_or_nothing(tabs):
    chance, ended = random.Random(12), Counter()
    notebook = tabs[0].notebook
    for number in range(ROUNDS):
        trouble = ["quiet", "slow network", "restart", *BUSY][number % 6]
        if trouble == "restart":
            restart(tabs)
        before, money = settled(notebook), Decimal(value(notebook, "left()"))
        tab, other = chance.sample(tabs, 2)
        tab.slow(chance.choice([200, 600]) if trouble == "slow network" else 0)
        if trouble in BUSY:
            notebook.start(BUSY[trouble])
        tab.change(chance, number)
        tab.page.wait_for_timeout(chance.choice([0, 50, 300, 1500]))
        shown = tab.hold() if chance.random() < 0.3 else tab.click()
        tab.await_kernel(other, number)
        tab.slow(0)
        bodies = settled(notebook)[len(before) :]
        charged = money - Decimal(value(notebook, "left()"))
        if bodies:
            judge(shown, bodies, charged)
        else:
            assert charged == 0
        ended[trouble, bool(bodies)] += 1
    print(*(f"{trouble}: {'sent' if sent else 'nothing'} {count}" for (trouble, sent), count in sorted(ended.items())))
    assert sum(count for (_, sent), count in ended.items() if sent) >= ROUNDS / 3, "clicks at nothing prove nothing"
