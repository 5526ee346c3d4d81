"""What the browser draws."""

import pytest

from venice_widgets.panel.labels import control_list, filter_list, model_facts, model_list, size_presets
from venice_widgets.panel.quote import price_grid
from venice_widgets.panel.state import Form
from venice_widgets.request.fields import price_axes


@pytest.fixture
def catalogue(session):
    return session.catalogue()


def test_models_that_generate_are_listed_cheapest_first_with_what_filters_them(catalogue):
    models = model_list(catalogue)
    assert "bria-bg-remover" not in [model["id"] for model in models]
    turbo = next(model for model in models if model["id"] == "z-image-turbo")
    assert turbo["price"] == "$0.01"
    assert {"≤0.01", "private", "pixels"} <= set(turbo["groups"])
    assert "unknown" in models[-1]["price"]
    offered = {value for each in filter_list(catalogue) for value, _ in each["options"] if value}
    assert {group for model in models for group in model["groups"]} <= offered


def test_states_are_plain_words_in_list_and_facts(catalogue):
    krea = next(model for model in model_list(catalogue) if model["id"] == "krea-v2-large")
    assert krea["state"] == "beta"
    assert model_facts(catalogue.find("krea-v2-large")).endswith(" · beta")
    assert not [model for model in model_list(catalogue) if "**" in model["state"]]


@pytest.mark.parametrize("model_id", ["z-image-turbo", "venice-sd35", "chroma"])
def test_presets_keep_their_ratio_exactly_and_fit_the_models_divisor(catalogue, model_id):
    model = catalogue.find(model_id)
    presets = size_presets(model)
    assert {"1:1", "16:9", "9:16", "3:2"} <= {preset["label"] for preset in presets}
    for preset in presets:
        wide, high = map(int, preset["label"].split(":"))
        width, height = int(preset["width"]), int(preset["height"])
        assert width * high == height * wide
        assert width % model.width_height_divisor == height % model.width_height_divisor == 0
        assert max(width, height) <= 1280


def test_a_negative_prompt_that_the_model_drops_is_folded_away(catalogue):
    def negative(name):
        return next(each for each in control_list(catalogue.find(name)) if each["name"] == "negative_prompt")

    assert negative("z-image-turbo")["folded"] is True
    assert negative("qwen-image-2")["folded"] is False
    assert negative("qwen-image-2")["suffix"] == ""


def test_every_control_says_what_it_is_for(catalogue):
    for model in catalogue.models:
        for control in control_list(model):
            assert control["label"]
            assert len(control["help"]) > 10


def test_what_decides_the_price_comes_first_beside_the_price(catalogue):
    for model in catalogue.models:
        places = [control["place"] for control in control_list(model)]
        assert [name for name in price_axes() if model.takes(name)] == [
            control["name"] for control in control_list(model)[: places.count("price")]
        ]


def test_a_model_with_one_price_has_no_grid_and_one_with_tiers_marks_the_chosen(catalogue):
    assert price_grid(Form(), catalogue.find("z-image-turbo"))["single"] == "$0.01"
    grid = price_grid(Form(values={"resolution": "4K"}), catalogue.find("nano-banana-2"))
    assert grid["columns"] == []
    assert [row["cells"][0]["mark"] for row in grid["rows"]][-1] == "chosen"
