"""How outputs and the panel look in a real JupyterLab: rows of images, tables, buttons that stay where they are."""

import shutil
from collections import Counter
from typing import Any

import nbformat
import pytest

from tests.browser.jupyter import ROOT, Notebook
from tests.browser.test_panel import CELL, await_text, button, field, opened, value

__all__ = ["opened"]  # the fixture
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

GRIDS = """
import io
from IPython.display import display
from PIL import Image
from venice_widgets.display import Card, image_cards

def card(seed, width, height):
    file = io.BytesIO()
    Image.linear_gradient("L").resize((width * 20, height * 20)).convert("RGB").save(file, "JPEG")
    details = f"{width * 100} × {height * 100} · $0.0375\\nnano-banana-pro · webp\\n2K · quality medium · cfg 7.5"
    return Card(data=file.getvalue(), width=width * 20, height=height * 20, heading=f"seed {999999000 + seed}",
                aside="7Q2KX9FM", alt="a fox", details=details)

for width, height in ((1, 1), (3, 2), (9, 16), (21, 9)):
    for count in range(1, 10):
        display(image_cards([card(seed, width, height) for seed in range(count)], plain="", record={},
                         summary=f"{count} of {width}:{height}"))
"""
ROWS = """() => [...document.querySelectorAll('.jp-OutputArea-output figure')].reduce((grids, figure) => {
  const last = grids[grids.length - 1], grid = figure.parentElement;
  const box = figure.getBoundingClientRect(), here = {top: Math.round(box.top), right: box.right};
  if (last && last.grid === grid) last.figures.push(here); else grids.push({grid, figures: [here]});
  return grids;
}, []).map(({grid, figures}) => {
  const output = grid.closest('.jp-OutputArea-output').getBoundingClientRect();
  return {tops: figures.map(each => each.top), over: Math.max(...figures.map(each => each.right)) - output.right};
})"""
TABLES = """() => [...document.querySelectorAll('.jp-OutputArea-output table')].map(table => {
  const frame = table.parentElement, output = table.closest('.jp-OutputArea-output').getBoundingClientRect();
  return {
    text: table.innerText.slice(0, 40),
    wider: Math.round(table.scrollWidth - frame.clientWidth),
    scrolls: getComputedStyle(frame).overflowX === 'auto',
    cut: Math.round(frame.getBoundingClientRect().right - output.right),
  };
})"""
DEMO = """
%load_ext venice_widgets
%venice demo on
from venice_widgets import generate
shown = [generate("A red fox in the snow at dawn, 35 mm", seed=seed, model="nano-banana-pro") for seed in (1, 2)]
"""
COMMANDS = (
    "log",
    "models",
    "models --resolution 2K --sort price",
    "price gpt-image-2",
    "doctor",
    "config",
    "log --cost",
)


@pytest.mark.parametrize("width", [400, 800, 1280])
def test_rows_are_even_and_nothing_is_cut_at_any_width(open_notebook: Any, page: Any, shoot: Any, width: int) -> None:
    open_notebook("grids.ipynb", GRIDS, width=width + 150)
    page.locator(".jp-OutputArea-output figure").nth(4 * 45 - 1).wait_for(state="attached")
    page.wait_for_timeout(500)
    grids = page.evaluate(ROWS)
    assert len(grids) == 36
    for number, grid in enumerate(grids):
        images = number % 9 + 1
        *full, last = Counter(grid["tops"]).values()
        assert len(set(full)) <= 1, f"{images} images, rows of {full} and {last}"
        assert not full or full[0] - last <= 1, f"{images} images, rows of {full} and {last}"
        assert grid["over"] <= 1
    for number in range(36):
        page.locator(".jp-OutputArea-output:has(figure)").nth(number).scroll_into_view_if_needed()
        shoot(f"grid-{width}-{number:02}")


def test_tables_fit_the_notebook_or_scroll(open_notebook: Any, page: Any, shoot: Any) -> None:
    page.set_viewport_size({"width": 1280, "height": 1700})
    open_notebook("tables.ipynb", DEMO, *(f"%venice {command}" for command in COMMANDS), width=1280)
    page.locator(".jp-OutputArea-output table").nth(7).wait_for(state="attached", timeout=60_000)
    for table in page.evaluate(TABLES):
        assert table["cut"] <= 1, table
        assert table["wider"] <= 1 or table["scrolls"], table
    for number in range(page.locator(".jp-Cell").count()):
        page.locator(".jp-Cell").nth(number).scroll_into_view_if_needed()
        shoot(f"tables-{number}")


def test_the_quickstart_opens_unchanged(server: Any, page: Any) -> None:
    shutil.copy(ROOT / "notebooks" / "quickstart.ipynb", server.folder / "quickstart.ipynb")
    notebook = Notebook(server, page, "quickstart.ipynb")
    notebook.open()
    page.wait_for_function(
        "window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel.status === 'idle'", timeout=60_000
    )
    page.wait_for_timeout(1000)
    before = nbformat.read(server.folder / "quickstart.ipynb", as_version=4)
    after = notebook.save()
    # The kernel says which Python it is, which may be another one than that of whoever saved the notebook.
    before["metadata"]["language_info"]["version"] = after["metadata"]["language_info"]["version"]
    assert after == before


def test_generate_stays_where_it_is_while_a_job_is_cancelled_and_accounted_for(opened: Any) -> None:
    notebook = opened("still.ipynb", width=1000)
    page = notebook.page
    notebook.python("simulator.add_fault(Fault('hang'))")
    before = button(page, "Generate").bounding_box()
    button(page, "Generate").click()
    await_text(page, r"1 of 2 · ")
    field(page, "^Prompt").press("Escape")
    await_text(page, "more may be charged")  # the line that got longer
    after = button(page, "Generate").bounding_box()
    assert (after["x"], after["y"]) == (before["x"], before["y"])


def test_a_click_during_which_the_layout_moves_is_a_click_unless_the_price_changed_too(opened: Any) -> None:
    notebook = opened("moved.ipynb")
    page = notebook.page

    def press_and_move() -> None:
        box = button(page, "Generate").bounding_box()
        page.mouse.move(box["x"] + 20, box["y"] + 10)
        page.mouse.down()
        page.evaluate("document.querySelector('.vw-right').style.paddingTop = '200px'")

    press_and_move()
    page.mouse.up()
    page.wait_for_function("document.querySelectorAll('.vw-card img[src]').length === 2")
    page.evaluate("document.querySelector('.vw-right').style.paddingTop = ''")
    page.wait_for_timeout(700)  # the same click sooner is one click
    press_and_move()
    notebook.python(
        "from dataclasses import replace; from venice_widgets.panel.state import replaced; held = panel._controller;"
        "held.change(lambda state: replaced(state, replace(state.form, images='3'))); held.publish()"
    )
    await_text(page, r"3 × \$0\.01 = \$0\.03")
    page.mouse.up()
    await_text(page, "changed during the click")
    assert value(notebook, "len(sent())") == 2


def test_a_click_while_a_price_is_asked_about_says_so_and_leads_there(opened: Any) -> None:
    cell = CELL.replace("images=2", "images=4, model='gpt-image-2', resolution='4K'")
    notebook = opened("led.ipynb", cell, width=400)
    page = notebook.page
    page.set_viewport_size({"width": 400, "height": 700})
    page.locator(".vw-rest summary").click()
    button(page, "Generate").click()
    confirm = button(page, "Spend up to")
    confirm.wait_for()
    page.wait_for_timeout(300)
    assert confirm.bounding_box()["y"] < 700, "the question is in view"
    button(page, "Generate").click(force=True)
    await_text(page, "first confirm or decline the price below")
    assert page.evaluate("document.activeElement.innerText") == "Do not send"
    page.keyboard.press("Escape")
    await_text(page, "Declined. Nothing was sent.")
    assert page.get_by_text("first confirm or decline").is_hidden()
    assert value(notebook, "len(sent())") == 0
