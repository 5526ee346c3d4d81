"""How outputs and the panel look in a real JupyterLab: rows of images, tables, buttons that stay where they are."""

import re
import shutil
from collections import Counter
from typing import Any

import nbformat
import pytest

from tests.browser.jupyter import HEIGHT_PIXELS, Notebook
from tests.browser.test_panel import CELL, await_text, button, field, opened, value
from tests.python_path import ROOT

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
    page.set_viewport_size({"width": 1280, "height": HEIGHT_PIXELS})
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


LONG = "Pneumonoultramicroscopicsilicovolcanoconiosis" * 4
HEBREW = "שועל אדום בשלג"
TOO_WIDE = """selector => [...document.querySelectorAll(selector)].filter(each => each.getClientRects().length)
  .filter(each => each.scrollWidth > each.clientWidth + 1 || each.getBoundingClientRect().right >
    document.querySelector('.venice-panel').getBoundingClientRect().right + 1).map(each => each.className)"""
BOXES = """selector => [...document.querySelectorAll(selector)].map(each => {
  const range = document.createRange();
  range.selectNodeContents(each);
  const { left, right, top, bottom } = range.getBoundingClientRect();
  return { left, right, top, bottom };
})"""
CONTRAST = """element => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const light = color => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue] = [...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3)]
      .map(each => each / 255).map(each => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const style = getComputedStyle(element);
  const [darker, lighter] = [style.color, style.backgroundColor].map(light).sort((one, other) => one - other);
  return (lighter + 0.05) / (darker + 0.05);
}"""


def overlaps(one: dict[str, float], other: dict[str, float]) -> bool:
    return (
        one["left"] < other["right"]
        and other["left"] < one["right"]
        and one["top"] < other["bottom"]
        and other["top"] < one["bottom"]
    )


def test_long_words_wrap_and_captions_stay_apart_in_a_narrow_panel(opened: Any) -> None:
    cell = CELL.replace("A fox in {curly braces}, $5 in its paw", f"{LONG} {HEBREW}")
    page = opened("narrow.ipynb", cell, width=400).page
    button(page, "Generate").click()
    page.wait_for_function("document.querySelectorAll('.vw-card img[src]').length === 2")
    for place in range(2):
        page.locator(".vw-more summary").nth(place).click()
        page.locator(".vw-more").nth(place).get_by_role("button", name="Compare").click()
    more = page.locator(".vw-more").first
    more.get_by_role("button", name="Delete …").click()
    delete, keep = (more.get_by_role("button", name=name, exact=True).bounding_box() for name in ("Delete", "Keep"))
    assert keep["x"] - delete["x"] - delete["width"] >= 8

    page.locator(".vw-card .vw-open").first.click()
    page.wait_for_function(f"document.querySelector('.vw-viewer-words p').innerText.startsWith('{LONG[:40]}')")
    assert page.locator(".vw-viewer-words").evaluate("words => words.scrollWidth <= words.clientWidth")
    close = page.locator(".vw-viewer").get_by_role("button", name="Close").bounding_box()
    assert close["y"] == page.locator(".vw-viewer").get_by_role("button", name="‹ Previous").bounding_box()["y"]
    page.locator(".vw-viewer").get_by_role("button", name="Use seed").click()
    page.locator(".vw-viewer-said").get_by_text("The next image uses seed").wait_for()
    page.keyboard.press("Escape")

    page.get_by_role("tab", name="Compare").click()
    page.locator(".vw-compared").locator("..").get_by_label("Show").select_option(label="swipe")
    first, second = page.evaluate(BOXES, ".vw-compared figcaption")
    assert not overlaps(first, second)
    assert page.evaluate(TOO_WIDE, ".vw-compared, .vw-differences td, .vw-compared figcaption") == []
    page.get_by_role("tab", name="History").click()
    page.locator(".vw-run-prompt").first.wait_for()
    assert page.evaluate(TOO_WIDE, ".vw-run-prompt, .vw-history-filters > *") == []


def test_a_refusal_stands_below_its_field_and_opens_what_is_folded_away(open_notebook: Any) -> None:
    page = open_notebook("refusal.ipynb", CELL.replace("images=2", "model='z-image-turbo', steps=25"), width=400).page
    why = page.locator(".vw-why").locator("visible=true")
    why.wait_for()
    assert why.inner_text().startswith("Steps 25 is more than z-image-turbo takes.")
    field(page, "^Steps").fill("8")
    why.wait_for(state="hidden")
    assert field(page, "^Steps").get_attribute("aria-describedby") is None

    field(page, "^Images").fill("0")
    why.wait_for()
    assert why.inner_text().startswith("Images 0 is not a whole number from 1 to 1,000.")
    box, control = why.bounding_box(), field(page, "^Images").bounding_box()
    assert 0 <= box["y"] - control["y"] - control["height"] < 10
    assert field(page, "^Images").get_attribute("aria-describedby") == why.get_attribute("id")


def test_text_of_the_user_is_written_from_its_own_side(opened: Any) -> None:
    page = opened("sides.ipynb", CELL.replace("images=2", "model='venice-sd35'")).page
    for label in ("^Prompt", "^Negative prompt", "^Find"):
        box = page.locator(".venice-panel").get_by_label(re.compile(label)).first
        assert box.evaluate("box => (box.value = 'שועל', getComputedStyle(box).direction)") == "rtl", label


@pytest.mark.parametrize("dark", [False, True])
def test_the_button_that_spends_is_readable_in_either_theme(opened: Any, *, dark: bool) -> None:
    cell = CELL.replace("images=2", "images=4, model='gpt-image-2', resolution='4K'")
    page = opened(f"contrast-{dark}.ipynb", cell, dark=dark).page
    button(page, "Generate").click()
    button(page, "Spend up to").wait_for()
    assert button(page, "Spend up to").evaluate(CONTRAST) >= 4.5


def test_a_grid_of_a_sweep_scrolls_before_its_words_break_and_does_not_jump_as_it_fills(opened: Any) -> None:
    cell = CELL.replace("images=2", "model='venice-sd35', sweep={'steps': '10,20', 'replace': 'fox,owl,crow,bear'}")
    notebook = opened("narrow-sweep.ipynb", cell, width=400)
    page = notebook.page
    notebook.python("simulator.add_fault(Fault('hang'))")
    button(page, "Generate").click()
    page.wait_for_function("document.querySelectorAll('.vw-sweep img[src]').length === 7")
    tile = page.locator(".vw-sweep .vw-tile").bounding_box()
    image = page.locator(".vw-sweep img").first.bounding_box()
    assert image["width"] >= 80
    assert (tile["width"], tile["height"]) == pytest.approx((image["width"], image["height"]), abs=1)


def test_in_a_small_window_at_a_large_zoom_the_price_on_the_button_is_whole(opened: Any) -> None:
    cell = CELL.replace("images=2", "images=4, model='gpt-image-2', resolution='4K'")
    page = opened("zoomed.ipynb", cell, width=373).page  # a window of 560 pixels at 150 %
    for width in (373, 267):
        page.set_viewport_size({"width": width, "height": HEIGHT_PIXELS})
        page.wait_for_timeout(300)
        assert page.evaluate(TOO_WIDE, ".vw-right > :not(.vw-prices), .vw-buttons > *, .vw-seeds > *, .vw-tabs") == []
        right = page.locator(".vw-left").evaluate("left => left.getBoundingClientRect().right - 16")
        for name in ("Lock", "Generate"):
            box = button(page, name).bounding_box()
            assert box["x"] + box["width"] <= right + 1, (width, name)


def test_no_button_moves_when_the_one_beside_it_is_pressed(opened: Any) -> None:
    page = opened("pressed.ipynb", CELL.replace("images=2", "model='gpt-image-2'"), width=400).page
    places = "each => [...document.querySelectorAll(each)].map(one => one.getBoundingClientRect().x)"
    for row, pressed in ((".vw-segment", "4K"), (".vw-tab", "Compare"), (".vw-seeds button", "Lock")):
        before = page.evaluate(places, row)
        page.locator(row).filter(has_text=pressed).click()
        page.locator(f"{row}[aria-pressed=true], {row}[aria-selected=true]").filter(has_text=pressed).wait_for()
        assert page.evaluate(places, row) == pytest.approx(before, abs=0.1), row
