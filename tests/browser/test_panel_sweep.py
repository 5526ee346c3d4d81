"""A sweep in a real JupyterLab and a real Chromium: from several values to a grid, and back to one image."""

import re
import secrets
from typing import Any

import pytest

from tests.browser.test_panel import await_text, button, field, opened, value

__all__ = ["opened"]  # the fixture
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

CELL = """
from venice_widgets import Panel, Session
from venice_widgets.generation.rate_limiter import RateLimiter
from venice_widgets.simulator import Fault, Simulator
from tests.quick_paint import quick_paint
simulator = Simulator(requests_per_minute=None, balance_usd="25", paint=quick_paint)
session = Session(api_key="VENICE_INFERENCE_KEY_0123456789abcdef", transport=simulator.transport())
session._pace = RateLimiter(None)
def sent():
    return [each.json for each in simulator.requests if each.path.endswith("/image/generate")]
panel = Panel(session, prompt="A fox at dawn", seed=41, model="venice-sd35")
panel
"""


def sweep(page: Any, label: str, values: str) -> None:
    button(page, f"Sweep {label}").click()
    field(page, f"^Values of {label}").fill(values)


def await_images(page: Any, images: int) -> None:
    page.wait_for_function(f"document.querySelectorAll('.vw-sweep img[src]').length === {images}", timeout=90_000)


@pytest.mark.parametrize(("width", "dark"), [(1400, False), (560, True)])
def test_several_values_become_a_priced_grid_and_a_cell_of_it_becomes_the_form(opened, shoot, width, dark):
    # Notebooks of one folder share their log: a seed of its own keeps the images of other tests out of this one.
    seed = secrets.randbelow(10**9)
    cell = CELL.replace("seed=41", f"seed={seed}")
    notebook = opened(f"sweep-{width}.ipynb", cell, width=width, dark=dark)
    page = notebook.page
    page.get_by_text("More settings").click()
    sweep(page, "CFG scale", "3-7 (+2)")
    sweep(page, "Prompt", "fox, owl, bear")
    sweep(page, "Model", "venice-sd35")
    await_text(page, "Model has one value, venice-sd35")
    shoot(f"sweep-problem-{width}")
    field(page, "^Values of Model").fill("venice-sd35,z-image-turbo")
    button(page, "Generate · 18 images · $0.18").wait_for()
    said = [" ".join(text.split()) for text in page.locator(".vw-axes li").all_inner_texts()]
    assert said == ["Model · 2 ×", "CFG scale · 3 ×", "Replace in the prompt · 3 ×"]
    shoot(f"sweep-priced-{width}")

    button(page, "Generate").click()
    await_images(page, 9)
    button(page, "Show from the log").wait_for()
    shoot(f"sweep-grid-{width}")
    assert page.locator(".vw-sweep-table thead th").all_inner_texts() == ["fox", "owl", "bear"]
    assert page.locator(".vw-sweep-table tbody th").all_inner_texts() == ["3", "5", "7"]
    assert set(page.locator(".vw-cell-caption").all_inner_texts()) == {f"seed {seed} · $0.01"}
    assert len(value(notebook, "sent()")) == 18
    page.locator(".vw-pages").get_by_label("model").select_option(label="z-image-turbo")
    await_images(page, 9)

    page.locator(".vw-sweep tbody .vw-open").nth(4).click()
    page.wait_for_selector("dialog[open] img[src^=blob]")
    shoot(f"sweep-enlarged-{width}")
    page.keyboard.press("Escape")
    page.locator(".vw-sweep tbody td").nth(1).get_by_role("button", name="Use these settings").click()
    page.wait_for_function("document.querySelector('.vw-prompt').value === 'A owl at dawn'")
    button(page, "Show from the log").wait_for()
    assert field(page, "^Seed$").input_value() == str(seed)
    assert page.locator(".vw-plan").is_hidden()
    assert len(value(notebook, "sent()")) == 18

    notebook.await_saved_output(images=18)
    notebook.save()
    notebook.close()
    notebook.open(dark=dark)
    page.wait_for_selector(".jp-OutputArea table img")
    assert page.locator(".jp-OutputArea details").count() == 2
    shoot(f"sweep-reopened-{width}")
    assert page.get_by_text("18 of 18 images").is_visible()


def test_escape_stops_a_sweep_and_the_next_click_sends_the_rest(opened, shoot):
    notebook = opened("sweep-stop.ipynb", CELL)
    page = notebook.page
    notebook.python("simulator.add_fault(Fault('slow', seconds=1, times=None))")
    field(page, "^Seed$").fill("1..12")
    page.get_by_text("More settings").click()
    sweep(page, "CFG scale", "3,5")
    button(page, "Generate · 24 images · $0.24").click()
    await_text(page, r"\$0\.\d\d of \$0\.24")
    while not value(notebook, "sent()"):
        page.wait_for_timeout(50)
    shoot("sweep-running")
    page.keyboard.press("Escape")
    await_text(page, "stopped:")
    notebook.python("simulator.clear_faults()")
    page.wait_for_function("!document.querySelector('.vw-jobs li')")
    notebook.python("import time; time.sleep(1.5)")
    arrived = len(value(notebook, "sent()"))
    assert 0 < arrived < 24
    button(page, f"Generate · {24 - arrived} images").click()
    await_images(page, 24)
    assert len(value(notebook, "sent()")) == 24


def test_cells_that_a_model_cannot_make_are_left_out_by_one_click_and_keys_reach_no_cell(opened, shoot):
    notebook = opened("sweep-invalid.ipynb", CELL)
    page = notebook.page
    button(page, "Sweep Model").click()
    field(page, "^Values of Model").press("End")
    page.keyboard.type(",gpt-image-2")
    sweep(page, "Width", "512,1024,")
    await_text(page, "holds an empty value|cannot be read")
    field(page, "^Values of Width").fill("512,1024")
    await_text(page, "2 of 4 cells cannot be made")
    shoot("sweep-invalid")
    field(page, "Leave out").check()
    button(page, "Generate · 2 images").wait_for()
    button(page, "Sweep Width").focus()
    page.keyboard.press("m")
    assert page.locator(".jp-MarkdownCell").count() == 0
    button(page, "Generate · 2 images").click()
    page.wait_for_function("document.querySelectorAll('.vw-sweep img[src]').length === 2")
    assert page.locator(".vw-sweep .vw-tile").all_inner_texts() != []
    shoot("sweep-left-out")
    assert re.search("cannot be made", page.locator(".vw-sweep .vw-tile").first.inner_text())
