"""From an image's file back to the form: what it says is taken where it can be used, and named where it cannot."""

from pathlib import Path

import pytest

from venice_widgets.media.metadata.recipe import Recipe
from venice_widgets.panel.recipe_upload import usable
from venice_widgets.replays.read_recipe import FoundRecipe


@pytest.fixture
def saved_image(session, tmp_path: Path) -> Path:
    made = session.generate("a fox", seed=41, style_preset="Anime", safe_mode=False)
    return made.images[0].save(tmp_path / "fox.{ext}")


def test_a_path_and_an_upload_bring_the_whole_recipe(open_panel, saved_image):
    for how in ({"path": str(saved_image)}, {"name": "fox.webp", "buffers": [saved_image.read_bytes()]}):
        view = open_panel(prompt="something else")
        view.say(type="upload", **how)
        view.settle()
        assert view.panel.to_cell() == (
            "%%venice --model z-image-turbo --style-preset Anime --no-safe-mode --seed 41\na fox"
        )
        assert "The form now holds the recipe of" in view.words


def test_a_file_without_a_recipe_is_told(open_panel, tmp_path):
    view = open_panel()
    view.say(type="upload", name="notes.txt", buffers=[b"no image"])
    view.settle()
    assert [notice["kind"] for notice in view.slices["notices"]] == ["error"]
    assert view.form["prompt"] == "A fox"


def test_what_a_file_from_elsewhere_says_is_taken_only_where_it_can_be_used(session):
    request = {"prompt": "a fox", "model": "sdxl", "seed": 10**12, "steps": "many", "cfg_scale": 7}
    request["style_references"] = [{"image": "sha256:/etc/passwd"}]
    recipe = Recipe(request, seed=None, run_id="", request_hash="", image_sha256="")
    found = FoundRecipe(recipe=recipe, origin="infotext", exact=False, where="x")
    taken, gaps = usable(found, session.catalogue())
    assert taken == {"prompt": "a fox", "cfg_scale": 7}
    assert gaps == ["model", "seed", "steps", "style_references"]
