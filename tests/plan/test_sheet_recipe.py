"""A sheet's file carries its plan and its runs, and gives them back: the sheet of a paper can be made again."""

import json
import shutil
import subprocess
import warnings
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from venice_widgets import Plan, read_recipe
from venice_widgets.errors import InvalidRequest, UnreadableFile
from venice_widgets.media.metadata.embed import write_json
from venice_widgets.media.saving import SaveNotice
from venice_widgets.plan import sheet_recipe
from venice_widgets.plan.overview import plan_facts
from venice_widgets.plan.sheet_recipe import SheetRecipe, find_sheet
from venice_widgets.session import Session

SMALL = {"width": 128, "height": 96}
ENDINGS = pytest.mark.parametrize("ending", ["png", "jpg", "webp"])


@pytest.fixture
def grid(session):
    animals = ["fox", "שועל 🦊", "an owl\u2028at dawn"]
    return session.plan("A {{ animal }}", animal=animals, cfg_scale=[3, 5], seed=1, **SMALL).run(yes=True)


@ENDINGS
def test_the_plan_comes_back_and_its_images_are_shown_without_a_request(grid, session, sent, tmp_path, ending):
    before = len(sent())
    plan = Plan.from_sheet(grid.sheet(tmp_path / f"sheet.{ending}"), session)

    assert plan == grid.plan
    assert [image.sha256 for image in plan.run()] == [image.sha256 for image in grid]
    assert len(sent()) == before


@ENDINGS
def test_every_image_is_named_with_its_run(grid, tmp_path, ending):
    found = find_sheet(grid.sheet(tmp_path / f"sheet.{ending}").read_bytes())

    assert [each.run_id for each in found.images] == [cell.result.run_id for cell in grid.cells]
    assert [each.cell for each in found.images] == [dict(cell.coordinates) for cell in grid.cells]
    assert {each.sha256 for each in found.images} == {image.sha256 for image in grid}


@ENDINGS
def test_a_plan_larger_than_a_segment_of_a_jpeg_is_whole(session, tmp_path, ending):
    grid = session.plan("A fox", negative_prompt=[f"{n}" * 2000 for n in range(40)], seed=1, **SMALL).run(yes=True)
    sheet = grid.sheet(tmp_path / f"sheet.{ending}")

    assert sheet.stat().st_size > 80_000
    assert Plan.from_sheet(sheet, session) == grid.plan


def test_a_plan_that_no_file_holds_is_left_out_with_a_notice_and_the_runs_stay(grid, session, tmp_path, monkeypatch):
    monkeypatch.setattr(sheet_recipe, "MAX_TEXT_BYTES", 2000)
    with pytest.warns(SaveNotice, match="without their plan"):
        sheet = grid.sheet(tmp_path / "sheet.png")

    assert len(find_sheet(sheet.read_bytes()).images) == 6
    with pytest.raises(UnreadableFile, match="without its plan"):
        Plan.from_sheet(sheet, session)


@ENDINGS
def test_a_sheet_is_told_apart_from_an_image_and_names_its_runs(grid, tmp_path, ending):
    sheet = grid.sheet(tmp_path / f"sheet.{ending}")

    with pytest.raises(UnreadableFile, match="sheet of 6 images, not one image") as caught:
        read_recipe(sheet)
    assert grid.cells[0].result.run_id[-8:] in str(caught.value)
    assert "Plan.from_sheet" in str(caught.value)


@ENDINGS
def test_nothing_is_inside_where_that_is_asked(grid, session, tmp_path, ending):
    sheet = grid.sheet(tmp_path / f"sheet.{ending}", metadata="none")

    with pytest.raises(UnreadableFile, match="not a sheet"):
        Plan.from_sheet(sheet, session)
    assert b"venice" not in sheet.read_bytes()
    with Image.open(sheet) as image:
        assert not {"xmp", "exif", "venice", "XML:com.adobe.xmp"} & image.info.keys()


def test_metadata_that_a_sheet_does_not_take_is_refused(grid, tmp_path):
    with pytest.raises(InvalidRequest, match='"full" or "none"'):
        grid.sheet(tmp_path / "sheet.png", metadata="no-prompt")
    assert not (tmp_path / "sheet.png").exists()


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
@ENDINGS
def test_other_programs_read_where_it_comes_from(grid, tmp_path, ending):
    sheet = grid.sheet(tmp_path / f"sheet.{ending}")
    told = subprocess.run(["exiftool", "-j", "-G1", sheet], capture_output=True, check=True, text=True).stdout

    assert json.loads(told)[0]["XMP-iptcExt:DigitalSourceType"].endswith("/compositeSynthetic")
    assert "Warning" not in told


def test_one_from_the_demo_says_before_it_is_run_that_it_will_be_paid_for(session, tmp_path):
    with Session(demo=True, store=tmp_path / "demo") as demo:
        sheet = demo.plan("A fox", seed="1..2", **SMALL).run(yes=True).sheet(tmp_path / "sheet.png")
        assert Plan.from_sheet(sheet, demo).notes == ()
    (note,) = Plan.from_sheet(sheet, session).notes
    assert "paid for" in note
    assert note in str(Plan.from_sheet(sheet, session).bundle().data["text/plain"])


def test_a_real_one_says_that_the_demo_is_on(grid, tmp_path):
    with Session(demo=True, store=tmp_path / "demo") as demo:
        (note,) = Plan.from_sheet(grid.sheet(tmp_path / "sheet.png"), demo).notes
    assert "simulated" in note


def test_what_is_not_a_sheet_is_refused(session, tmp_path):
    image = session.generate("a fox", seed=1, yes=True, **SMALL).images[0].save(tmp_path / "fox.{ext}")
    (tmp_path / "text.png").write_text("no image")
    for path in (image, tmp_path / "text.png", tmp_path / "missing.png", tmp_path):
        with pytest.raises(UnreadableFile):
            Plan.from_sheet(path, session)


def test_a_plan_that_was_changed_by_hand_is_refused(grid, session, tmp_path):
    recipe = sheet_recipe.recipe_of(grid)
    recipe["plan"]["fields"]["model"] = "gpt-image-2"
    plain = grid.sheet(tmp_path / "plain.png", metadata="none").read_bytes()
    (tmp_path / "changed.png").write_bytes(write_json(plain, json.dumps(recipe), simulated=False))

    with pytest.raises(InvalidRequest, match="changed by hand"):
        Plan.from_sheet(tmp_path / "changed.png", session)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
RECIPES = st.fixed_dictionaries(
    {"kind": st.just("venice-sheet")},
    optional={
        "schema": JSON,
        "base_url": JSON,
        "plan": JSON,
        "images": JSON | st.lists(st.dictionaries(st.text(), JSON)),
    },
)


@given(recipe=RECIPES)
def test_whatever_stands_in_a_file_is_a_sheet_or_is_refused(recipe, tmp_path_factory):
    path = tmp_path_factory.mktemp("sheet") / "sheet.png"
    Image.new("RGB", (1, 1)).save(path)
    path.write_bytes(write_json(path.read_bytes(), json.dumps(recipe), simulated=True))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with suppress(UnreadableFile):
            assert isinstance(find_sheet(path.read_bytes()), SheetRecipe)


def test_the_password_in_the_address_of_a_reference_is_in_no_sheet_and_in_no_output(
    grid, session, tmp_path, monkeypatch
):
    address = "https://user:hunter2@example.com/fox.png?token=SECRET"
    plan = replace(grid.plan, fields={**grid.plan.fields, "style_references": [address]})
    assert "hunter2" not in str(plan_facts(plan).data)
    assert "SECRET" not in str(plan_facts(plan).data)
    monkeypatch.setattr(sheet_recipe, "recipe_of", lambda _: {"plan": json.loads(plan.to_json()), "images": []})
    with pytest.warns(SaveNotice, match="may hold a password"):
        sheet = grid.sheet(tmp_path / "sheet.png")
    assert b"hunter2" not in sheet.read_bytes()
