"""``%venice show SHEET``: what a sheet's file says, and how its images are made again."""

import pytest

from venice_widgets import current
from venice_widgets.notebook.commands import run_command
from venice_widgets.plan import sheet_recipe
from venice_widgets.session import Session


@pytest.fixture
def grid(session):
    return session.plan("A {{ animal }}", animal=["<b>fox</b>", "owl"], seed="41,42", width=128, height=96).run(
        yes=True
    )


def shown(path):
    return run_command(None, f"show {path}").data


@pytest.mark.parametrize("ending", ["png", "jpg", "webp"])
def test_a_sheet_is_shown_with_its_plan_its_runs_and_the_way_to_make_it_again(grid, tmp_path, ending):
    data = shown(grid.sheet(tmp_path / f"sheet.{ending}", width=600))

    assert f"Plan {grid.plan.plan_id[:8]}" in data["text/plain"]
    assert "4 images on the sheet" in data["text/plain"]
    for cell in grid.cells:
        assert f"%venice show {cell.result.run_id[-8:]}" in data["text/plain"]
    assert "Plan.from_sheet(" in data["text/plain"]
    assert data["text/html"].count("<img ") == 1
    assert "<b>fox" not in data["text/html"]


def test_a_sheet_from_elsewhere_says_that_its_runs_are_not_in_the_log(grid, tmp_path):
    sheet = grid.sheet(tmp_path / "sheet.png", width=600)
    with Session(demo=True, store=tmp_path / "elsewhere") as elsewhere:
        current.use_session(elsewhere)
        assert "there is no log here" in shown(sheet)["text/plain"]


def test_a_sheet_without_its_plan_shows_its_runs(grid, tmp_path, monkeypatch):
    monkeypatch.setattr(sheet_recipe, "MAX_TEXT_BYTES", 1500)
    with pytest.warns(sheet_recipe.SaveNotice):
        sheet = grid.sheet(tmp_path / "sheet.png", width=600)

    said = shown(sheet)["text/plain"]
    assert "without its plan" in said
    assert "4 images on the sheet" in said
