"""The panel in a real JupyterLab and a real Chromium: what a person does, and what stays when they come back."""

import base64
import re
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.jupyter import ROOT, Notebook, Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

CELL = """
from venice_widgets import Panel, Session
from venice_widgets.simulator import Fault, Simulator
simulator = Simulator(requests_per_minute=None, balance_usd="25")
session = Session(api_key="VENICE_INFERENCE_KEY_0123456789abcdef", transport=simulator.transport())
panel = Panel(session=session, prompt="A fox in {curly braces}, $5 in its paw", images=2)
panel
"""


def button(page: Any, name: str) -> Any:
    return page.get_by_role("button", name=name, exact=True)


def await_button(page: Any, name: str, **given: Any) -> None:
    button(page, name).first.wait_for(**given)


def await_text(page: Any, text: str) -> None:
    page.locator(".venice-panel").get_by_text(re.compile(text)).first.wait_for()


def opened(open_notebook: Callable[..., Notebook], name: str, **given: Any) -> Any:
    notebook = open_notebook(name, CELL, **given)
    notebook.page.wait_for_selector(".venice-panel")
    await_text(notebook.page, r"2 × ")
    return notebook


def generate(page: Any, pictures: int) -> None:
    button(page, "Generate").click()
    page.wait_for_function(f"document.querySelectorAll('.venice-card img').length === {pictures}")
    await_button(page, "Generate")


def test_a_person_chooses_generates_remixes_saves_and_finds_it_all_when_they_come_back(open_notebook, shoot):
    notebook = opened(open_notebook, "whole.ipynb")
    page = notebook.page
    page.get_by_label("Model", exact=True).select_option("gpt-image-2 · GPT Image 2 · $0.02 – $0.83")
    await_button(page, "4K")
    assert not page.get_by_label("Width in pixels").is_visible()
    button(page, "2K").click()
    button(page, "medium").click()
    await_text(page, r"2 × \$0\.13 = \$0\.26")
    assert page.locator(".venice-prices td", has_text="chosen").inner_text().split() == ["$0.13", "chosen"]
    assert page.locator(".venice-prices th[scope=row]").all_inner_texts() == ["1K", "2K", "4K"]
    page.get_by_label("Find a model").press_sequentially("z-im")
    page.get_by_label("Model", exact=True).locator("option", has_text="z-image-turbo").wait_for(state="attached")
    page.get_by_label("Model", exact=True).select_option("z-image-turbo · Z-Image Turbo · $0.01")
    page.get_by_label("Width in pixels").wait_for()
    await_text(page, r"2 × \$0\.01 = \$0\.02")

    generate(page, 2)
    shoot("two-pictures")
    seeds = page.locator(".venice-card b").all_inner_texts()
    assert all(re.fullmatch(r"seed \d+", seed) for seed in seeds)
    page.wait_for_selector(".jp-OutputArea figure img")
    assert page.locator(".jp-OutputArea figcaption b").all_inner_texts() == seeds

    page.get_by_label(re.compile("^Prompt ·")).fill("Something else")
    button(page, "Remix").first.click()
    page.wait_for_function("document.querySelector('.venice-panel textarea').value.startsWith('A fox in {curly')")
    assert page.get_by_label("Seeds").input_value() == "new each time"

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
    shoot("reopened")


def test_a_hanging_request_is_cancelled_and_a_402_is_a_readable_line(open_notebook, shoot):
    notebook = opened(open_notebook, "problems.ipynb")
    page = notebook.page
    notebook.python("simulator.add_fault(Fault('hang'))")
    button(page, "Generate").click()
    await_text(page, r"1 of 2 · ")
    shoot("running")
    button(page, "Cancel").click()
    await_text(page, "may be charged")
    await_button(page, "Generate")
    assert button(page, "Generate").is_enabled()
    shoot("cancelled")
    notebook.python("simulator.clear_faults(); simulator.add_fault(Fault('402-key', times=None))")
    button(page, "Generate").click()
    await_text(page, r"\(402\)|[Bb]alance too|not charged")
    shoot("payment-required")
    assert "Traceback" not in page.locator(".venice-panel").inner_text()


def test_above_the_limit_it_asks_and_a_double_click_sends_nothing(open_notebook, shoot):
    notebook = opened(open_notebook, "asking.ipynb")
    page = notebook.page
    notebook.python(
        "from dataclasses import replace\n"
        "panel.desk.choose(lambda c: replace(c, model='gpt-image-2', images=4).with_fields({'resolution': '4K'}))"
    )
    await_text(page, r"4 × \$0\.83 = \$3\.32")
    button(page, "Generate").dblclick()
    await_button(page, "Spend $3.32?")
    shoot("asking")
    page.wait_for_timeout(300)
    assert page.locator(".venice-card").count() == 0
    button(page, "Cancel").click()
    await_button(page, "Generate")


def test_typing_is_never_taken_back_and_the_tabs_work_by_keyboard(open_notebook):
    notebook = opened(open_notebook, "typing.ipynb")
    page = notebook.page
    prompt = page.get_by_label(re.compile("^Prompt ·"))
    prompt.fill("")
    text = "A heron at dawn, long exposure, silver water, reeds, a boat far away. " * 3
    prompt.press_sequentially(text, delay=4)
    label = f"Prompt · {len(text)} / 7,500"
    page.get_by_label(label).wait_for()
    assert prompt.input_value() == text
    button(page, "Generate").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelectorAll('.venice-card img').length === 2")
    button(page, "History").focus()
    page.keyboard.press("Space")
    page.get_by_label(re.compile("Runs, newest first · [0-9]+ found")).wait_for()


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [500, 1400])
def test_nothing_is_cut_off_in_either_theme_at_either_width(open_notebook, shoot, dark, width):
    name = f"{'dark' if dark else 'light'}-{width}"
    notebook = opened(open_notebook, f"{name}.ipynb", dark=dark, width=width)
    page = notebook.page
    notebook.python("from dataclasses import replace; panel.desk.choose(lambda c: replace(c, model='gpt-image-2'))")
    await_button(page, "4K")
    generate(page, 2)
    button(page, "More settings").click()
    button(page, "Filters").click()
    for tab in ("Compare", "History", "Cell", "Gallery"):
        button(page, tab).click()
        page.wait_for_timeout(200)
        assert page.evaluate(CUT_OFF) == []
    shoot(name)


CUT_OFF = """() => {
  const panel = document.querySelector('.venice-panel'), edge = panel.getBoundingClientRect().right + 1;
  const shown = [...panel.querySelectorAll('label, button, input, textarea, td, th, img, .widget-html-content *')]
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
    page.wait_for_selector(".venice-card img", timeout=90_000)
    assert page.locator(".venice-card").count() == 2, "the notebook's own two pictures"
    generate(page, 4)
    shoot("voila")
    assert all(re.fullmatch(r"seed \d+", seed) for seed in page.locator(".venice-card b").all_inner_texts())
