"""Measures how soon the panel shows something after a key, a choice and a click, in JupyterLab in Chromium.

    python tests/benchmarks/panel_feedback.py            in a kernel that is idle
    python tests/benchmarks/panel_feedback.py --busy     beside a cell that computes

Time is taken in the browser, from the event to the first change of what the panel shows. Nothing here fails: times are
looked at, not asserted.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.browser.jupyter import Notebook, jupyter, launch

CELL = """
import time
from venice_widgets import Panel, Session
from venice_widgets.generation.rate_limiter import RateLimiter
from venice_widgets.simulator import Simulator
session = Session(api_key="VENICE_INFERENCE_KEY_0123456789abcdef", transport=Simulator().transport())
session._pace = RateLimiter(None)
panel = Panel(session, prompt="A fox")
panel
"""
BUSY = "end = time.monotonic() + 60\nwhile time.monotonic() < end: sum(range(10_000))"
FIRST_CHANGE = """([panel, name, place]) => new Promise((resolve) => {
  const started = performance.now();
  const seen = new MutationObserver(() => { seen.disconnect(); resolve(performance.now() - started); });
  seen.observe(panel, { subtree: true, childList: true, characterData: true, attributes: true });
  if (name === "key") {
    const prompt = panel.querySelector(".vw-prompt");
    prompt.value += "x";
    prompt.dispatchEvent(new Event("input", { bubbles: true }));
  } else panel.querySelector(place).click();
})"""
PRICE_CHANGE = """([panel, images]) => new Promise((resolve) => {
  const started = performance.now(), button = panel.querySelector(".vw-primary"), before = button.innerText;
  const field = [...panel.querySelectorAll("input")].find((each) => each.labels?.[0]?.innerText.startsWith("Images"));
  const seen = new MutationObserver(() => {
    if (button.innerText === before) return;
    seen.disconnect();
    resolve(performance.now() - started);
  });
  seen.observe(panel, { subtree: true, childList: true, characterData: true });
  field.value = images;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.dispatchEvent(new Event("change", { bubbles: true }));
})"""


def main() -> None:
    """Open the panel once, and measure each thing a dozen times."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--busy", action="store_true")
    busy = parser.parse_args().busy
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, jupyter(Path(folder)) as server, sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page(viewport={"width": 1400, "height": 1700})
        server.write("feedback.ipynb", CELL)
        notebook = Notebook(server, page, "feedback.ipynb")
        notebook.open()
        notebook.run_all()
        page.wait_for_function("document.querySelector('.venice-panel .vw-primary')?.innerText.includes('$')")
        if busy:
            notebook.start(BUSY)
            page.wait_for_timeout(500)
        _measure(page)
        browser.close()


def _measure(page: Any) -> None:
    panel = page.query_selector(".venice-panel")
    for name, script, given in (
        ("a key in the prompt, first change", FIRST_CHANGE, lambda _: ["key", ""]),
        ("images to another number, new price on the button", PRICE_CHANGE, lambda turn: [str(2 + turn % 2)]),
        ("the click on Generate, first change", FIRST_CHANGE, lambda _: ["click", ".vw-primary"]),
    ):
        taken = []
        for turn in range(12):
            taken.append(page.evaluate(script, [panel, *given(turn)]))
            page.wait_for_timeout(1200)
        print(f"{name:52} median {statistics.median(taken):6.1f} ms   most {max(taken):6.1f} ms")


if __name__ == "__main__":
    main()
