"""The panel in a real JupyterLab and a real Chromium: what a user does, and what stays when they come back."""

import base64
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.jupyter import Notebook, Server
from tests.python_path import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

CELL = """
from venice_widgets import Panel, Session
from venice_widgets.generation.rate_limiter import RateLimiter
from venice_widgets.simulator import Fault, Simulator
from tests.quick_paint import quick_paint
simulator = Simulator(requests_per_minute=None, balance_usd="25", paint=quick_paint)
session = Session(api_key="VENICE_INFERENCE_KEY_0123456789abcdef", transport=simulator.transport())
session._pace = RateLimiter(None)  # the notebooks of one folder would share a limit of 20 a minute
def sent():
    return [each.json for each in simulator.requests if each.path.endswith("/image/generate")]
panel = Panel(session, prompt="A fox in {curly braces}, $5 in its paw", images=2)
panel
"""
CARD = ".vw-card img"
AXE_FILE = os.environ.get("VENICE_AXE")
"""axe-core's axe.min.js, where it is at hand."""


def button(page: Any, name: str) -> Any:
    return page.locator(".venice-panel").first.get_by_role("button", name=re.compile(f"^{re.escape(name)}"))


def await_text(page: Any, text: str) -> None:
    """Wait until the panel shows it; where it does not come, the failure says what stands there instead."""
    panel = page.locator(".venice-panel").first
    try:
        panel.get_by_text(re.compile(text)).locator("visible=true").first.wait_for()
    except Exception as exc:
        raise AssertionError(f"{text} is not shown, but:\n{panel.inner_text()}") from exc


def field(page: Any, label: str) -> Any:
    return page.locator(".venice-panel").first.get_by_label(re.compile(label))


@pytest.fixture
def opened(open_notebook: Callable[..., Notebook]) -> Callable[..., Notebook]:
    def opening(name: str, cell: str = CELL, **given: Any) -> Notebook:
        notebook = open_notebook(name, cell, **given)
        await_text(notebook.page, r"× ")
        return notebook

    return opening


def generate(page: Any, images: int) -> None:
    button(page, "Generate").click()
    page.wait_for_function(f"document.querySelectorAll('{CARD}[src]').length === {images}")
    button(page, "Generate").wait_for()


def choose_model(page: Any, words: str, model: str) -> None:
    field(page, "^Model$").first.click()
    field(page, "^Model$").first.fill(words)
    page.get_by_role("option", name=re.compile(model)).first.click()


def value(notebook: Notebook, code: str) -> Any:
    """What an expression is in the notebook's kernel."""
    return json.loads(notebook.evaluate(f"__import__('json').dumps({code})"))


def test_a_user_chooses_generates_remixes_and_finds_it_all_when_they_come_back(opened, shoot):
    notebook = opened("whole.ipynb")
    page = notebook.page
    choose_model(page, "gpt image 2", "gpt-image-2")
    button(page, "4K").wait_for()
    assert field(page, "^Width").count() == 0
    button(page, "2K").click()
    button(page, "medium").click()
    await_text(page, r"2 × \$0\.13 = \$0\.26")
    assert page.locator(".vw-grid td.vw-chosen").inner_text().split() == ["$0.13", "chosen"]
    assert page.locator(".vw-grid th[scope=row]").all_inner_texts() == ["1K", "2K", "4K"]
    choose_model(page, "z-im", "z-image-turbo")
    field(page, "^Width").wait_for()
    await_text(page, r"2 × \$0\.01 = \$0\.02")

    generate(page, 2)
    shoot("two-images")
    seeds = page.locator(".vw-card .vw-seed").all_inner_texts()
    assert all(re.fullmatch(r"seed \d+", seed) for seed in seeds)
    assert page.locator(".vw-card .vw-cost").all_inner_texts() == ["$0.01", "$0.01"]

    field(page, "^Prompt").fill("Something else")
    button(page, "Remix").first.click()
    page.wait_for_function("document.querySelector('.vw-prompt').value.startsWith('A fox in {curly')")

    notebook.await_saved_output(images=2)
    saved = notebook.save()
    notebook.close()
    outputs = [output for cell in saved.cells for output in cell.get("outputs", [])]
    kept = [output for output in outputs if "venice" in output.get("metadata", {})]
    assert len(kept) == 1
    assert [f"seed {run['image']['seed']}" for run in kept[0].metadata["venice"]["runs"]] == seeds
    assert base64.b64decode(kept[0].data["image/jpeg"])[:3] == b"\xff\xd8\xff"

    notebook.open()
    page.wait_for_selector(".jp-OutputArea figure img")
    assert page.locator(".jp-OutputArea figcaption b").all_inner_texts() == seeds
    assert page.evaluate("[...document.querySelectorAll('figure img')].every(img => img.naturalWidth > 100)")
    assert page.get_by_text("run this cell to bring it back").is_visible()
    shoot("reopened")


def test_each_image_stands_once_while_the_panel_is_alive(opened):
    page = opened("once.ipynb").page
    generate(page, 2)
    page.wait_for_selector(".venice-saved img", state="attached")
    page.wait_for_timeout(300)
    shown = page.evaluate("[...document.querySelectorAll('.jp-OutputArea img')].filter(i => i.offsetParent).length")
    assert shown == 2


def test_a_hanging_request_is_cancelled_and_a_402_is_a_readable_line(opened, shoot):
    notebook = opened("problems.ipynb")
    page = notebook.page
    notebook.python("simulator.add_fault(Fault('hang'))")
    button(page, "Generate").click()
    await_text(page, r"1 of 2 · ")
    assert page.locator(".vw-card .vw-tile").count() == 1
    shoot("running")
    field(page, "^Prompt").press("Escape")
    await_text(page, "stopped: 1 of 2 images arrived")
    page.wait_for_function("!document.querySelector('.vw-jobs li')")
    page.wait_for_timeout(500)  # a button that moves under the pointer takes no click
    shoot("cancelled")
    notebook.python("simulator.clear_faults(); simulator.add_fault(Fault('402-key', times=None))")
    button(page, "Generate").click()
    await_text(page, r"\(402\)|[Bb]alance too|not charged")
    shoot("payment-required")
    assert "Traceback" not in page.locator(".venice-panel").inner_text()


def test_prices_are_not_set_as_formulas_when_mathjax_goes_over_the_whole_page(opened):
    page = opened("formulas.ipynb").page
    page.evaluate("window.jupyterapp.shell.currentWidget.content.rendermime.latexTypesetter.typeset(document.body)")
    assert page.locator(".venice-panel mjx-container").count() == 0
    await_text(page, r"2 × \$0\.01 = \$0\.02")


def test_a_held_key_and_a_fast_hand_confirm_nothing(opened, shoot):
    notebook = opened("asking.ipynb", CELL.replace("images=2", "images=4, model='gpt-image-2', resolution='4K'"))
    page = notebook.page
    await_text(page, r"4 × \$0\.83 = \$3\.32")
    button(page, "Generate").focus()
    for _ in range(40):  # a key that is held repeats without coming up
        page.keyboard.down("Enter")
        page.wait_for_timeout(30)
    page.keyboard.up("Enter")
    button(page, "Generate").dblclick(force=True)
    button(page, "Spend up to $3.36").wait_for()
    shoot("asking")
    assert value(notebook, "len(sent())") == 0
    page.keyboard.press("Escape")
    await_text(page, "Declined. Nothing was sent.")
    button(page, "Generate").click()
    page.wait_for_timeout(1000)
    button(page, "Spend up to $3.36").click()
    page.wait_for_function(f"document.querySelectorAll('{CARD}[src]').length === 4")
    assert value(notebook, "len(sent())") == 4


def test_typing_is_never_taken_back_and_ctrl_enter_generates_with_the_focus_kept(opened):
    notebook = opened("typing.ipynb")
    page = notebook.page
    prompt = field(page, "^Prompt")
    prompt.fill("")
    text = "A heron at dawn 🦩, long exposure, silver water, reeds, a boat far away. " * 3
    prompt.press_sequentially(text, delay=4)
    await_text(page, rf"^\s*{len(text.encode('utf-16-le')) // 2} / 7,500")
    assert prompt.input_value() == text
    prompt.press("Control+Enter")
    page.wait_for_function(f"document.querySelectorAll('{CARD}[src]').length === 2")
    assert page.evaluate("document.activeElement.className").startswith("vw-prompt")
    assert {body["prompt"] for body in value(notebook, "sent()")} == {text}


def test_no_key_of_labs_reaches_the_cell_while_the_focus_is_inside(opened):
    notebook = opened("shortcuts.ipynb")
    page = notebook.page
    stops = page.evaluate(
        "[...document.querySelectorAll('.venice-panel :is(button, input, select, textarea, summary)')]"
        ".filter(each => each.offsetParent).length"
    )
    assert stops > 12
    for selector in (".vw-seeds select", ".vw-tab", ".vw-primary", "summary"):
        page.locator(f".venice-panel {selector}").first.focus()
        for key in ("m", "x", "d", "d", "a", "ArrowDown", "ArrowUp"):
            page.keyboard.press(key)
    assert page.locator(".jp-Cell").count() == 1
    assert page.locator(".jp-CodeCell").count() == 1
    assert page.locator(".venice-panel").is_visible()


def test_beside_a_running_cell_what_is_typed_now_is_what_is_sent(opened):
    notebook = opened("busy.ipynb")
    page = notebook.page
    generate(page, 2)
    notebook.start("import time; time.sleep(6)")
    page.wait_for_timeout(300)
    field(page, "^Prompt").fill("A HORSE")
    field(page, "^Images").fill("3")
    await_text(page, r"3 × \$0\.01 = \$0\.03")
    button(page, "Generate").click()
    page.wait_for_function(f"document.querySelectorAll('{CARD}[src]').length === 5", timeout=5000)
    bodies = value(notebook, "sent()")
    assert [body["prompt"] for body in bodies[2:]] == ["A HORSE"] * 3


def test_two_tabs_show_one_form_and_each_pays_for_its_own_screen(opened, page):
    notebook = opened("tabs.ipynb")
    field(page, "^Prompt").fill("typed in the first tab")
    notebook.save()
    second = Notebook(notebook.server, page.context.new_page(), "tabs.ipynb")
    second.open()
    second.page.wait_for_selector(".vw-prompt")
    second.page.wait_for_function("document.querySelector('.vw-prompt').value === 'typed in the first tab'")
    field(page, "^Prompt").fill("changed in the first")
    second.page.wait_for_function("document.querySelector('.vw-prompt').value === 'changed in the first'")
    field(second.page, "^Prompt").fill("changed in the second")
    button(second.page, "Generate").click()
    page.wait_for_function(f"document.querySelectorAll('{CARD}[src]').length === 2")
    assert {body["prompt"] for body in value(notebook, "sent()")} == {"changed in the second"}
    second.page.close()


def test_enlarge_steps_zooms_and_gives_the_focus_back(opened, shoot):
    page = opened("enlarge.ipynb").page
    generate(page, 2)
    page.locator(".vw-card .vw-open").first.focus()
    page.keyboard.press("Enter")
    page.locator(".vw-viewer[open]").wait_for()
    first = page.locator(".vw-viewer-words b").inner_text()
    page.wait_for_function("document.querySelector('.vw-stage img').naturalWidth === 1024")
    shoot("enlarged")
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"document.querySelector('.vw-viewer-words b').innerText !== '{first}'")
    page.keyboard.press("+")
    assert "scale(1.5)" in page.locator(".vw-stage img").get_attribute("style")
    page.keyboard.press("Escape")
    assert page.locator(".vw-viewer[open]").count() == 0
    assert page.evaluate("document.activeElement.className") == "vw-open"


def test_copy_and_download_work_in_the_browser(opened, page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    notebook = opened("copy.ipynb")
    button(page, "Copy as cell").first.click()
    await_text(page, "Copied as a cell")
    assert page.evaluate("navigator.clipboard.readText()") == value(notebook, "panel.to_cell()")
    generate(page, 2)
    page.locator(".vw-more summary").first.click()
    with page.expect_download() as download:
        page.locator(".vw-more").first.get_by_role("button", name="Download").click()
    assert re.fullmatch(r"z-image-turbo-\d+-\w{8}\.webp", download.value.suggested_filename)


def test_after_a_restart_one_line_says_what_to_do(opened):
    notebook = opened("restart.ipynb")
    page = notebook.page
    generate(page, 2)
    page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    await_text(page, "The kernel that this panel belongs to is gone")
    page.get_by_text("The kernel that this panel belongs to is gone").wait_for()


def test_history_compare_and_arrows_between_tabs(opened, shoot):
    page = opened("tabs2.ipynb").page
    generate(page, 2)
    for place in range(2):
        page.locator(".vw-more summary").nth(place).click()
        page.locator(".vw-more").nth(place).get_by_role("button", name="Compare").click()
    page.get_by_role("tab", name="Gallery").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.locator(".vw-compared img").nth(1).wait_for()
    await_text(page, "What differs")
    page.locator(".vw-compared").locator("..").get_by_label("Show").select_option(label="swipe")
    shoot("swipe")
    page.get_by_role("tab", name="Compare").focus()
    page.keyboard.press("ArrowRight")
    page.locator(".vw-runs li").nth(1).wait_for()
    shoot("history")
    field(page, "^Find$").fill("nothing such")
    page.keyboard.press("Enter")
    await_text(page, "No run is found")


@pytest.mark.parametrize("dark", [False, True])
def test_nothing_is_cut_off_in_either_theme_at_any_width(opened, shoot, dark):
    theme = "dark" if dark else "light"
    cell = CELL.replace("images=2", "images=4, model='gpt-image-2', quality='medium'")
    page = opened(f"{theme}.ipynb", cell, dark=dark, width=1400).page
    generate(page, 4)
    page.locator(".vw-rest summary").click()
    for width in (1400, 1000, 560, 400):
        page.set_viewport_size({"width": width, "height": page.viewport_size["height"]})
        for tab in ("Compare", "History", "Gallery"):
            page.get_by_role("tab", name=tab).click()
            page.wait_for_timeout(200)
            assert page.evaluate(CUT_OFF) == [], (width, tab)
        shoot(f"{theme}-{width}")


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing_serious_in_any_tab_nor_in_a_question(opened, dark):
    if not AXE_FILE:
        pytest.skip("VENICE_AXE names no axe.min.js (see .ci/javascript)")
    cell = CELL.replace("images=2", "images=4, model='gpt-image-2'")
    page = opened(f"axe-{dark}.ipynb", cell, dark=dark).page
    page.evaluate(Path(AXE_FILE).read_text("utf-8"))
    field(page, "^Images").fill("0")
    page.locator(".vw-why").locator("visible=true").wait_for()
    found = page.evaluate(AXE)
    field(page, "^Images").fill("4")
    await_text(page, r"4 × ")
    button(page, "Generate").click()
    page.wait_for_timeout(1000)
    found += page.evaluate(AXE)
    button(page, "Spend").click()
    page.wait_for_function(f"document.querySelectorAll('{CARD}[src]').length === 4")
    page.locator(".vw-rest summary").click()
    page.locator(".vw-more summary").first.click()
    for tab in ("Compare", "History", "Gallery"):
        page.get_by_role("tab", name=tab).click()
        page.wait_for_timeout(300)
        found += page.evaluate(AXE)
    assert [each for each in found if each["impact"] in ("serious", "critical")] == []


AXE = """async () => {
  const found = await axe.run('.venice-panel', { resultTypes: ['violations'] });
  return found.violations.map(({ id, impact, nodes }) => ({ id, impact, nodes: nodes.map(n => n.html.slice(0, 160)) }));
}"""

CUT_OFF = """() => {
  const panel = document.querySelector('.venice-panel'), edge = panel.getBoundingClientRect().right + 1;
  const shown = [...panel.querySelectorAll('label, button, input, textarea, td, th, img, p, b, span')]
    .filter(each => each.getClientRects().length && !each.closest('select'));
  const told = each => `${each.tagName} ${(each.innerText || each.alt || each.id || '').slice(0, 40)}`;
  const outside = shown.filter(each => each.getBoundingClientRect().right > edge);
  const clipped = shown.filter(each => ['LABEL', 'BUTTON', 'TD', 'TH'].includes(each.tagName)
    && each.scrollWidth > each.clientWidth + 2);
  return [...outside.map(each => 'outside: ' + told(each)), ...clipped.map(each => 'clipped: ' + told(each))];
}"""


def test_the_panel_is_an_app_in_voila(server: Server, page, shoot):
    pytest.importorskip("voila")
    shutil.copy(ROOT / "notebooks" / "panel.ipynb", server.folder / "app.ipynb")
    page.goto(server.voila("app.ipynb"))
    page.wait_for_selector(f"{CARD}[src]", timeout=90_000)
    count = page.locator(CARD).count()
    assert count == 2, "the notebook's own two images"
    field(page, "^Seeds$").select_option(label="new each time")  # those of its own seeds are in the log
    generate(page, 4)
    shoot("voila")
