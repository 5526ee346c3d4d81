"""The contact sheet: its size, its labels in every script, and the recipe inside."""

import base64
from io import BytesIO

import pytest
from PIL import Image, ImageDraw

from venice_widgets.errors import GenerationIncomplete, InvalidRequest
from venice_widgets.plan import labels
from venice_widgets.plan.labels import fit, known_fonts
from venice_widgets.plan.sheet import SMALL_BYTES, SMALL_PIXELS, _footer, draw_sheet
from venice_widgets.simulator import Fault

SMALL = {"width": 128, "height": 96}
LONG = "a red fox that sits on an old wooden fence and looks back over its shoulder at the rising moon"


@pytest.fixture
def grid(session):
    return session.plan("A {{ animal }}", animal=["fox", LONG], cfg_scale=[3, 5, 7], seed=1, **SMALL).run()


def test_every_image_stands_on_it_at_full_resolution(grid, tmp_path):
    path = grid.sheet(tmp_path / "sheet.png")

    with Image.open(path) as sheet:
        sheet.load()
        for cell in grid.cells:
            assert _holds(sheet, cell.image.pil().convert("RGB"))


def _holds(sheet, image):
    """Whether an image stands somewhere on the sheet, pixel for pixel."""
    row = image.crop((0, 0, image.width, 1)).tobytes()
    width, height = sheet.size
    data = sheet.convert("RGB").tobytes()
    start = data.find(row)
    while start >= 0:
        top, left = divmod(start // 3, width)
        box = (left, top, left + image.width, top + image.height)
        if start % 3 == 0 and box[2] <= width and box[3] <= height and sheet.crop(box).tobytes() == image.tobytes():
            return True
        start = data.find(row, start + 1)
    return False


@pytest.mark.parametrize("width", [600, 1001])
def test_a_given_width_is_kept(grid, tmp_path, width):
    with Image.open(grid.sheet(tmp_path / "sheet.png", width=width)) as sheet:
        assert sheet.width == width


@pytest.mark.parametrize(
    ("name", "width", "said"), [("sheet.gif", None, "gif"), ("sheet", None, "end"), ("sheet.png", 100, "width")]
)
def test_what_cannot_be_a_sheet_is_refused(grid, tmp_path, name, width, said):
    with pytest.raises(InvalidRequest, match=said):
        grid.sheet(tmp_path / name, width)
    assert list(tmp_path.glob("sheet*")) == []


def test_rows_are_no_higher_than_images_that_are_smaller_than_the_sheet_has_room_for(grid, tmp_path):
    with Image.open(grid.sheet(tmp_path / "wide.png", width=4000)) as wide:
        assert wide.width == 4000
        assert wide.height < 2 * (96 + 200) + 500


def test_the_same_sheet_again_is_there_already_also_where_its_images_come_from_the_log(grid, tmp_path):
    path = grid.sheet(tmp_path / "sheet.png", width=900)
    before = path.stat().st_mtime_ns
    assert grid.plan.run().sheet(path, width=900) == path
    assert path.stat().st_mtime_ns == before
    with pytest.raises(InvalidRequest, match="exists"):
        grid.sheet(path, width=901)


def test_nothing_is_overwritten(grid, tmp_path):
    (tmp_path / "sheet.png").write_text("mine")
    with pytest.raises(InvalidRequest, match="overwritten"):
        grid.sheet(tmp_path / "sheet.png")
    assert (tmp_path / "sheet.png").read_text() == "mine"


def test_a_missing_image_has_a_frame_that_says_why(session, simulator):
    simulator.add_fault(Fault("500", seed=2))
    with pytest.raises(GenerationIncomplete) as failed:
        session.plan("A fox", cfg_scale=[3, 5], seed=[1, 2], **SMALL).run()

    assert draw_sheet(failed.value.generation).size[0] > 2 * 128


def test_pages_stand_below_each_other(session):
    plan = session.plan("A {{ animal }}", animal=["fox", "owl"], cfg_scale=[3, 5], seed=[1, 2], **SMALL)
    tall, wide = draw_sheet(plan.run()), draw_sheet(plan.grid().pivot(rows="animal", columns=["cfg_scale", "seed"]))

    assert tall.height > 4 * 96
    assert wide.width > 4 * 128
    assert wide.height < tall.height


@pytest.mark.parametrize(
    "text",
    [
        "fox",
        LONG,
        "שועל אדום",
        "ثعلب أحمر 12 kg",
        "Labels — עברית, العربية (2), 狐",
        "🦊 fox 👩‍🚀",
        "हिन्दी",
        "日本",
        "",
        "x" * 300,
        "a\nb",
        "\u200d",
        "\ue000",
    ],
)
@pytest.mark.parametrize("width", [-5, 0, 40, 120, 400])
def test_a_label_of_any_script_fits_its_lines(text, width):
    lines = fit(text, 16, width, lines=3)

    assert 1 <= len(lines) <= 3
    assert all(line.width <= max(width, 90) for line in lines)
    sheet = Image.new("RGB", (400, 100), "white")
    for line in lines:
        line.draw(sheet, ImageDraw.Draw(sheet), 0, 0, "black")


LONG_TEXTS = {"words": "a red fox " * 700, "hebrew": "ש" * 7000, "marks": "x" + "\u0301" * 7000, "emoji": "🦊" * 7000}


@pytest.mark.parametrize("text", LONG_TEXTS.values(), ids=LONG_TEXTS)
def test_of_a_label_as_long_as_a_prompt_only_what_can_be_seen_is_measured(text, monkeypatch):
    measured = []
    lay_out = labels._run
    monkeypatch.setattr(labels, "_run", lambda *run: measured.append(len(run[0])) or lay_out(*run))
    lines = fit(text, 15, 300, lines=4)

    assert sum(measured) < 20 * len(text)
    assert all(line.width <= 300 for line in lines)
    assert lines[-1].runs[-1].text.endswith("…")


def test_a_letter_that_no_font_has_is_written_as_its_code(monkeypatch):
    assert any("[U+E000]" in run.text for run in fit("\ue000", 16, 400, lines=1)[0].runs)


@pytest.mark.skipif(not any("Arabic" in font or "DejaVu" in font for font in known_fonts()), reason="no such font")
def test_text_from_right_to_left_is_drawn_from_the_right():
    assert fit("שועל red", 16, 400, lines=1)[0].rtl
    assert not fit("red שועל", 16, 400, lines=1)[0].rtl


def test_a_grid_has_a_small_labeled_copy_for_where_html_is_not_shown(grid):
    bundle = grid.bundle()
    with Image.open(BytesIO(base64.b64decode(bundle.data["image/jpeg"]))) as sheet:
        assert bundle.metadata["image/jpeg"] == {"width": sheet.width, "height": sheet.height}
        assert sheet.width <= SMALL_PIXELS
    assert len(bundle.data["image/jpeg"]) <= SMALL_BYTES * 4 / 3 + 4
    assert bundle.metadata["venice"] == grid.record()


def test_a_grid_too_large_to_be_seen_small_or_without_images_has_none(grid, session, monkeypatch):
    assert "image/jpeg" not in session.plan("A fox", seed="1..2").grid().bundle().data
    monkeypatch.setattr("venice_widgets.plan.sheet.MOST_CELLS_OF_SMALL", 5)
    assert "image/jpeg" not in grid.bundle().data


def test_the_seed_of_a_large_sheet_is_said_only_where_all_its_images_share_it(session):
    rows = [{"prompt": f"a {number}", "seed": 1 if number < 2000 else 2} for number in range(2001)]

    assert "seed" not in _footer(session.plan(rows, **SMALL).grid())
    assert "seed 1" in _footer(session.plan(rows[:2000], **SMALL).grid())
