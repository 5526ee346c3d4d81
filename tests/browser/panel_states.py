"""Pictures of every state of the panel, to be looked at: `python -m tests.browser.panel_states FOLDER`.

Each state is reached by clicks once in a theme, and shown at every width and at a zoom of 150 %. What is cut off at the
side is printed.
"""

from __future__ import annotations

import re
import secrets
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.browser.jupyter import Notebook, Server, jupyter, launch
from tests.browser.test_panel import CUT_OFF, button, field

WIDTHS = (400, 560, 1000, 1400)
ZOOMED = 667
"""A window of 1,000 pixels at a zoom of 150 %: the page is laid out in so many."""
CELL = """
from venice_widgets import Panel, Session
from venice_widgets.generation.rate_limiter import RateLimiter
from venice_widgets.simulator import Fault, Simulator
simulator = Simulator(requests_per_minute=None, balance_usd="25")
session = Session({session}, store={store!r})
session._pace = RateLimiter(None)
panel = Panel(session, {given})
panel
"""
KEY = "api_key='VENICE_INFERENCE_KEY_0123456789abcdef', transport=simulator.transport()"
SESSIONS = {"demo": "demo=True", "no-key": "transport=simulator.transport()"}
"""The session of a state that needs another one than that of `KEY`."""
PLAIN = "prompt='A fox in {curly braces}, $5 in its paw', model='z-image-turbo', width=256, height=256, seed=41"
ARABIC = "ثعلب أحمر يقفز فوق سياج عند الفجر، 35mm، بلا نص 🦊🌅👩‍🚀"

State = tuple[str, str, Callable[[Any, Notebook], None]]


def wait(page: Any, images: int) -> None:
    page.wait_for_function(f"document.querySelectorAll('.vw-card img[src]').length >= {images}", timeout=120_000)
    button(page, "Show from the log").wait_for()


def generate(images: int) -> Callable[[Any, Notebook], None]:
    def act(page: Any, _: Notebook) -> None:
        button(page, "Generate").click()
        wait(page, images)

    return act


def nothing(page: Any, _: Notebook) -> None:
    page.wait_for_timeout(500)


def open_models(page: Any, _: Notebook) -> None:
    field(page, "^Model$").first.click()
    page.locator(".venice-panel [role=option]").first.wait_for()


def filter_models(page: Any, notebook: Notebook) -> None:
    open_models(page, notebook)
    field(page, "^Model$").first.fill("nano")
    field(page, "^Sized by").first.select_option(index=2)
    page.wait_for_timeout(500)


def refuse(page: Any, _: Notebook) -> None:
    page.get_by_text("More settings").click()
    field(page, "^Steps").first.fill("99")
    page.wait_for_timeout(1500)


def ask(page: Any, _: Notebook) -> None:
    button(page, "Generate").click()
    page.wait_for_timeout(1500)


def queue(page: Any, notebook: Notebook) -> None:
    notebook.python("simulator.add_fault(Fault('slow', seconds=60, times=None))")
    button(page, "Generate").click()
    page.wait_for_timeout(800)
    field(page, "^Seed$").fill("77")
    page.wait_for_timeout(800)
    button(page, "Add to queue").click()
    page.wait_for_timeout(1200)


def fail(page: Any, notebook: Notebook) -> None:
    notebook.python("simulator.add_fault(Fault('402-key', times=None))")
    button(page, "Generate").click()
    page.wait_for_timeout(2500)


def enlarge(page: Any, notebook: Notebook) -> None:
    generate(2)(page, notebook)
    page.locator(".vw-card .vw-open").first.click()
    page.wait_for_selector("dialog[open] img[src^=blob]")


def history(page: Any, notebook: Notebook) -> None:
    generate(4)(page, notebook)
    page.get_by_role("tab", name="History").click()
    page.locator(".vw-runs li").nth(1).wait_for()


def compare(page: Any, notebook: Notebook) -> None:
    generate(2)(page, notebook)
    for place in range(2):
        page.locator(".vw-more summary").nth(place).click()
        page.locator(".vw-more").nth(place).get_by_role("button", name="Compare").click()
    page.get_by_role("tab", name="Compare").click()
    page.locator(".vw-compared img").nth(1).wait_for()


def sweep_form(page: Any, _: Notebook) -> None:
    for label, values in (("Prompt", "fox, owl, bear"), ("Model", "venice-sd35,z-image-turbo")):
        button(page, f"Sweep {label}").click()
        field(page, f"^Values of {label}").fill(values)
    button(page, "Generate · 6 images").wait_for()


def sweep_grid(page: Any, notebook: Notebook) -> None:
    sweep_form(page, notebook)
    button(page, "Generate").click()
    page.wait_for_function("document.querySelectorAll('.vw-sweep img[src]').length === 6", timeout=90_000)
    button(page, "Show from the log").wait_for()


def busy(page: Any, notebook: Notebook) -> None:
    notebook.start("import time; time.sleep(40)")
    page.wait_for_timeout(500)
    field(page, "^Prompt").fill("Typed while a cell runs")
    page.wait_for_timeout(1000)


STATES: tuple[State, ...] = (
    ("fresh", "prompt=''", nothing),
    ("models", PLAIN, open_models),
    ("filter", PLAIN, filter_models),
    ("demo", f"{PLAIN}, images=2", generate(2)),
    ("no-key", PLAIN, nothing),
    ("tiers", "prompt='A fox', model='gpt-image-2', images=4, quality='high', resolution='4K'", nothing),
    ("refusal", PLAIN, refuse),
    ("asking", "prompt='A fox', model='gpt-image-2', images=4, quality='high', resolution='4K', seed=1", ask),
    ("queue", PLAIN, queue),
    ("failed", PLAIN, fail),
    ("images-01", PLAIN, generate(1)),
    ("images-04", f"{PLAIN}, images=4", generate(4)),
    ("images-12", f"{PLAIN}, images=12", generate(12)),
    ("images-40", f"{PLAIN}, images=40", generate(40)),
    (
        "right-to-left",
        f"prompt={ARABIC!r}, model='z-image-turbo', images=2, seed=5, width=256, height=256",
        generate(2),
    ),
    ("enlarged", f"{PLAIN}, images=2", enlarge),
    ("history", f"{PLAIN}, images=4", history),
    ("compare", f"{PLAIN}, images=2", compare),
    ("sweep-form", PLAIN.replace("A fox in {curly braces}", "A fox at dawn"), sweep_form),
    ("sweep-grid", PLAIN.replace("A fox in {curly braces}", "A fox at dawn"), sweep_grid),
    ("busy", PLAIN, busy),
)


def shoot(page: Any, folder: Path, name: str) -> None:
    page.wait_for_timeout(400)
    panel = page.locator(".venice-panel").first
    panel.evaluate("each => each.scrollIntoView({block: 'start'})")
    if not page.locator("dialog[open]").count() and (cut := page.evaluate(CUT_OFF)):
        print(f"{name}: {cut}")
    page.screenshot(path=folder / f"{name}.png")


def look(server: Server, browser: Any, folder: Path, state: State, *, dark: bool) -> None:
    """One state in one theme, at every width."""
    name, given, act = state
    theme = "dark" if dark else "light"
    file = f"{secrets.token_hex(4)}.ipynb"  # without a word that a tab of the panel has
    server.write(file, CELL.format(session=SESSIONS.get(name, KEY), store=f"{name}-{theme}", given=given))
    context = browser.new_context(viewport={"width": 1400, "height": 1500})
    context.set_default_timeout(30_000)
    page = context.new_page()
    notebook = Notebook(server, page, file)
    notebook.open(dark=dark)
    notebook.run_all()
    page.locator(".venice-panel").get_by_role("button", name=re.compile("Generate|Nothing")).first.wait_for()
    page.wait_for_timeout(1500)
    act(page, notebook)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 1500})
        shoot(page, folder, f"{name}-{theme}-{width:04}")
    page.set_viewport_size({"width": ZOOMED, "height": 1500})
    page.set_viewport_size({"width": ZOOMED, "height": 1000})
    shoot(page, folder, f"{name}-{theme}-zoom")
    notebook.close()
    context.close()


def main(folder: Path, wanted: list[str]) -> None:
    """Every state, or those that are named."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, jupyter(Path(home)) as server, sync_playwright() as playwright:
        browser = launch(playwright)
        for state in STATES:
            if wanted and state[0] not in wanted:
                continue
            for dark in (False, True):
                try:
                    look(server, browser, folder, state, dark=dark)
                except Exception as exc:  # noqa: BLE001  the others are looked at all the same
                    print(f"{state[0]}: {type(exc).__name__}: {str(exc)[:300]}")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
