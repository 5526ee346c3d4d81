"""The result of a plan: selecting, laying out, showing, and what a notebook keeps of it."""

import copy
import json
import pickle
import re
from decimal import Decimal
from enum import Enum
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

from venice_widgets import runs_in
from venice_widgets.errors import GenerationIncomplete, InvalidRequest, SpendingRefused
from venice_widgets.plan import Grid
from venice_widgets.plan.overview import summary_of
from venice_widgets.plan.table import MOST_CELLS
from venice_widgets.simulator import Fault

SMALL = {"width": 64, "height": 64}


@pytest.fixture
def grid(session):
    plan = session.plan("A {{ animal }}", animal=["fox", "owl"], cfg_scale=[3, 5], seed="1..3", **SMALL)
    return plan.run()


def test_all_labels_give_one_image(grid):
    image = grid["owl", 5, 2]

    assert image.seed == 2
    assert image.request["prompt"] == "A owl"
    assert image.request["cfg_scale"] == 5


def test_a_slice_or_an_ellipsis_gives_a_grid(grid):
    assert [image.seed for image in grid["owl", 5, :]] == [1, 2, 3]
    assert len(grid["fox"]) == 6
    assert len(grid[:, 3]) == 6
    assert len(grid[:, :, [1, 2]]) == 8


def test_a_label_is_found_on_the_only_axis_that_has_it(grid):
    assert len(grid["5"]) == 6
    assert [image.seed for image in grid.at(animal="fox", cfg_scale=5)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("key", "said"), [("bear", "bear"), (("fox", 9), "9"), ((1, 2, 3, 4), "4 labels"), (3, "Several axes")]
)
def test_a_label_that_is_nowhere_or_on_several_axes_is_refused(grid, key, said):
    with pytest.raises(InvalidRequest, match=said):
        grid[key]


def test_an_axis_that_does_not_exist_is_refused(grid):
    with pytest.raises(InvalidRequest, match="animal"):
        grid.at(color="red")


class Animal(Enum):
    """A name that stands for a value."""

    OWL = "owl"


def test_values_of_other_libraries_find_their_cells(grid):
    assert grid[Animal.OWL, Decimal(5), np.int64(2)].seed == 2
    assert [image.seed for image in grid.at(animal="fox", cfg_scale=np.float64(5), seed=np.arange(1, 3))] == [1, 2]


def test_a_value_with_a_label_of_its_own_is_found_by_both(session):
    grid = session.plan("A fox", cfg_scale={"low": 3, "high": 5}, seed=1, **SMALL).run()
    assert grid["low"].request["cfg_scale"] == grid[3].request["cfg_scale"] == 3


@pytest.mark.parametrize("key", [None, {"a": 1}, float("nan"), object()], ids=["None", "dict", "nan", "object"])
def test_what_is_no_label_is_refused(grid, key):
    with pytest.raises(InvalidRequest):
        grid.at(animal=[key])
    with pytest.raises(InvalidRequest):
        grid[key]


@pytest.mark.parametrize("names", [5, None, [5], {"rows": 1}], ids=str)
def test_what_is_no_axis_is_refused_as_rows(grid, names):
    with pytest.raises(InvalidRequest, match="there is no axis"):
        grid.pivot(rows=names)


def test_a_selection_of_nothing_is_shown_and_has_a_frame(grid):
    nothing = grid.at(animal=[])
    assert len(nothing) == 0
    assert list(nothing.frame().columns) == list(grid.frame().columns)
    assert nothing.bundle().data["text/plain"]
    with pytest.raises(InvalidRequest):
        nothing.sheet("sheet.png")


def test_a_grid_is_not_sent_to_another_program_with_its_session(grid):
    with pytest.raises(TypeError, match=r"grid\.plan\.to_json"):
        pickle.dumps(grid)
    assert copy.deepcopy([grid])[0] is grid


@pytest.mark.parametrize("title", [5, None, b"x"])
def test_a_title_that_is_no_text_is_refused(grid, title, tmp_path):
    with pytest.raises(InvalidRequest, match="title"):
        grid.sheet(tmp_path / "sheet.png", title=title)


def test_the_frame_keeps_a_variable_that_is_named_like_another_column(session):
    variables = {"status": ["old", "new"], "index": ["a", "b"], "seed": ["one", "two"]}
    plan = session.plan(
        "{{ status }} {{ index }} {{ seed }}", variables=variables, zip=True, steps=2, images=None, **SMALL
    )
    frame = plan.run().frame()
    assert frame["status"].tolist() == ["old", "new"]
    assert frame["run_status"].tolist() == ["succeeded"] * 2
    assert frame["index"].tolist() == ["a", "b"]
    assert frame["seed"].tolist() == ["one", "two"]
    assert frame["run_seed"].nunique() == 1
    assert frame.index.tolist() == [0, 1]


def test_the_frame_has_a_row_for_each_cell_with_the_values_as_they_were_given(grid):
    frame = grid.frame()

    assert list(frame.columns[:3]) == ["animal", "cfg_scale", "seed"]
    assert len(frame) == 12
    assert frame["cfg_scale"].tolist() == [3, 3, 3, 5, 5, 5] * 2
    assert frame["price_usd"].sum() == Decimal("0.12")
    assert frame["status"].unique().tolist() == ["succeeded"]
    assert frame["run_id"].is_unique


def test_columns_are_the_last_axis_rows_the_one_before_and_the_others_open(grid):
    markup = grid.bundle().data["text/html"]

    assert markup.count("<details") == 2
    assert markup.count("<details open") == 1
    assert markup.count("<img") == 12
    assert "animal fox" in markup


def test_an_image_is_named_by_its_coordinates_for_those_who_do_not_see_it(grid):
    names = re.findall(r'<img alt="([^"]*)"', grid.bundle().data["text/html"])
    assert len(set(names)) == 12
    assert "animal owl, cfg_scale 5, seed 2" in names


def test_pivot_makes_rows_and_columns_of_other_axes(grid):
    markup = grid.pivot(rows=["animal", "cfg_scale"], columns="seed").bundle().data["text/html"]

    assert "<details" not in markup
    assert "fox · 3" in markup
    with pytest.raises(InvalidRequest, match="both"):
        grid.pivot(rows="seed", columns="seed")
    with pytest.raises(InvalidRequest, match="color"):
        grid.pivot(rows="color")


def test_the_notebook_keeps_the_request_of_every_image_and_its_preview(grid, tmp_path):
    bundle = grid.bundle()
    output = nbformat.v4.new_output("display_data", data=bundle.data, metadata=bundle.metadata)
    cell = nbformat.v4.new_code_cell("x", outputs=[output])
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "sweep.ipynb")

    found = runs_in(tmp_path / "sweep.ipynb")

    assert len(found) == 12
    assert all(run.image_bytes for run in found)
    for run, image in zip(found, [cell.image for cell in grid.cells], strict=True):
        assert run.recipe.request == image.request


def test_without_styles_captions_stand_under_their_images(session):
    shown = session.plan("A fox", seed=[1], cfg_scale=[3, 5], **SMALL).run().bundle()
    markup = re.sub(r' style="[^"]*"', "", shown.data["text/html"])
    assert markup.count("><div>seed ") == 2


def test_labels_and_reasons_are_escaped(session, simulator):
    simulator.add_fault(Fault("violation"))
    plan = session.plan("A {{ animal }}", animal=["<script>alert(1)</script>", "fox"], seed=[1, 2], **SMALL)
    bundle = plan.run().bundle()

    assert "<script" not in bundle.data["text/html"]
    assert "<script" not in plan.bundle().data["text/html"]


def test_a_failed_cell_says_why_in_its_place(session, simulator):
    simulator.add_fault(Fault("500", seed=2))
    with pytest.raises(GenerationIncomplete) as failed:
        session.plan("A fox", cfg_scale=[3, 5], seed=[1, 2], **SMALL).run()

    grid = failed.value.generation
    assert isinstance(grid, Grid)
    assert "may have been charged" in grid.bundle().data["text/html"]
    (missing,) = grid.missing
    with pytest.raises(LookupError, match="may have been charged"):
        grid.at(**missing.coordinates)


def test_a_grid_of_one_axis_wraps(session):
    markup = session.plan("A fox", seed="1..8", **SMALL).run().bundle().data["text/html"]

    assert "<table" not in markup
    assert markup.count("<figure") == 8


def test_a_very_large_grid_is_cut_and_says_so(session, monkeypatch):
    monkeypatch.setattr("venice_widgets.plan.table.MOST_CELLS", 4)
    grid = session.plan("A fox", seed="1..3", steps=[1, 2], **SMALL).run()

    assert grid.bundle().data["text/html"].count("<img") == 4
    assert "2 more cells" in grid.bundle().data["text/plain"]
    assert MOST_CELLS >= 400


def test_images_are_saved_under_the_labels_of_their_cells(grid, tmp_path):
    paths = grid.save(str(tmp_path / "{animal}-{cfg_scale}-{seed}.{ext}"))

    assert len(paths) == len(set(paths)) == 12
    assert (tmp_path / "owl-5-2.webp").exists()


def test_a_label_never_leads_to_another_folder(session, tmp_path):
    grid = session.plan("A {{ animal }}", animal=["../../fox", "owl"], seed=1, **SMALL).run()

    assert all(path.parent == tmp_path for path in grid.save(str(tmp_path / "{animal}.{ext}")))


@pytest.mark.parametrize("again", ["made now", "from the log"])
def test_a_shape_that_the_model_chooses_is_said_in_headings_captions_and_summary(session, again):
    plan = session.plan("A fox", model="flux-2-max", aspect_ratio=["auto", "1:1"], seed=1)
    grid = plan.run()
    if again == "from the log":
        grid = session.plan("A fox", model="flux-2-max", aspect_ratio=["auto", "1:1"], seed=1).run()
    shown = grid.bundle().data["text/html"]
    assert "auto: the shape is chosen by the model" in shown
    assert len(re.findall(r">the shape is chosen by the model<", shown)) == 1  # under the one image
    assert "some shapes are chosen by the model" in summary_of(grid)
    assert grid["auto",].seed == 1


def test_what_another_model_may_cost_is_told_with_the_sum_and_held_against_limits(session, simulator):
    plan = session.plan("A fox", model=["nano-banana", "chroma"], seed=[1, 2])
    assert "2 × $0.05 + 2 × $0.01 = $0.12 (at most $0.22)" in str(plan.bundle().data["text/plain"])
    with pytest.raises(SpendingRefused, match=r"at most \$0.22"):
        plan.run(max_cost_usd="0.20")
    grid = plan.run()
    assert "$0.12 spent, up to $0.10 more may have been charged" in summary_of(grid)
    assert simulator.balance_usd() == Decimal("24.78")
    assert session.log.spent().total_usd == Decimal("0.22")


def test_cells_of_the_log_say_which_model_made_them(session):
    for _ in range(2):
        grid = session.plan("A fox", model=["nano-banana", "chroma"], seed=1).run()
        assert grid.bundle().data["text/html"].count("made by nano-banana-2") == 1


def test_a_grid_comes_from_the_log_without_sending(grid, session, simulator):
    before = len(simulator.requests)
    again = session.plan("A {{ animal }}", animal=["fox", "owl"], cfg_scale=[3, 5], seed="1..3", **SMALL).grid()

    assert len(again) == 12
    assert [r for r in simulator.requests[before:] if r.path == "/image/generate"] == []


def test_the_record_is_json(grid):
    assert len(json.loads(json.dumps(grid.record()))["runs"]) == 12


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda grid: grid.sheet("a.png", width="900"), "width '900' is not a number of pixels"),
        (lambda grid: grid.sheet("a.png", width=900.5), "width 900.5 is not a number of pixels"),
        (lambda grid: grid.sheet("a.png", width=0), "width 0 is not a number of pixels"),
        (lambda grid: grid.sheet("a.png", width=True), "width True is not a number of pixels"),
        (lambda grid: grid.sheet("~no-such-user/a.png"), "there is no such home"),
        (lambda grid: grid.sheet(None), "None is not a path"),
        (lambda grid: grid.save(None), "save None is not the name of a file"),
        (lambda grid: grid.save("{bogus}.{ext}"), "It may name {animal}, {index}, {seed}"),
        (lambda grid: grid.save("x-{seed}.{ext}"), "several images the name x-1.webp"),
        (lambda grid: grid.save("{index}.{ext}", metadata="some"), "metadata 'some' is not valid"),
        (lambda grid: grid.plan.shard(1.5, 3), "part 1.5 of 3 does not exist"),
        (lambda grid: type(grid.plan).from_json(None), "this is not a plan"),
        (lambda grid: type(grid.plan).from_sheet(None), "None is not a path"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_is_no_path_number_or_pattern_is_refused_in_our_words(session, act, said):
    grid = session.plan("A {{ animal }}", animal=["fox", "owl"], seed=1, **SMALL).run(yes=True)
    with pytest.raises(InvalidRequest) as caught:
        act(grid)
    assert said in str(caught.value)
    assert [path.name for path in Path().iterdir()] == [".venice"]


def test_names_that_become_one_by_their_true_ending_are_refused(session, tmp_path):
    plan = session.plan("A {{ animal }}", animal=["png", "webp"], seed=1, **SMALL)
    with pytest.raises(InvalidRequest, match=r"several images the name .*fox\.webp"):
        plan.run(yes=True).save(tmp_path / "fox.{animal}")


def test_a_pattern_may_be_a_path_and_names_that_some_systems_take_for_one_are_two(session, tmp_path):
    grid = session.plan("A {{ animal }}", animal=["\u00e9", "e\u0301"], seed=1, **SMALL).run(yes=True)
    with pytest.raises(InvalidRequest, match="several images the name"):
        grid.save(tmp_path / "{animal}.{ext}")
    assert [path.name for path in grid.save(tmp_path / "{index}-{animal}.{ext}")] == ["0-\u00e9.webp", "1-e\u0301.webp"]


def test_no_label_leads_to_another_folder(session, tmp_path):
    grid = session.plan("A {{ animal }}", animal=["..", "fox"], seed=1, **SMALL).run(yes=True)
    saved = grid.save(tmp_path / "out/{animal}/a.{ext}")
    assert all((tmp_path / "out") in path.resolve().parents and path.parent.parent.name == "out" for path in saved)


def test_labels_are_given_as_whatever_holds_several(session):
    grid = session.plan("A {{ animal }}", animal=["fox", "owl"], seed="1..3", **SMALL).run(yes=True)

    for seeds in (np.array([1, 2]), pd.Series([1, 2]), iter([1, 2]), {1, 2}, (each for each in (1, 2))):
        assert [image.seed for image in grid[:, seeds]] == [1, 2, 1, 2]
    assert grid["fox", np.array(2)].seed == 2
    with pytest.raises(InvalidRequest, match="on"):
        grid[True]
