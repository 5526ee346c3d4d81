"""The table of a model's prices says what an estimate would."""

import json
from decimal import Decimal

import pytest

from venice_widgets.money import usd_text
from venice_widgets.request import price_table as price_table_module
from venice_widgets.request.catalogue import parse_catalogue
from venice_widgets.request.estimate import estimate
from venice_widgets.request.price_table import price_table
from venice_widgets.request.request import GenerationRequest
from venice_widgets.session import Session


@pytest.fixture
def catalogue(tmp_path):
    with Session(demo=True, store=tmp_path / "store") as session:
        yield session.catalogue()


def plain(catalogue, name, resolution="", quality=""):
    model = catalogue.find(name)
    return price_table(model, {"resolution": resolution, "quality": quality}, choosing=True).data["text/plain"]


def test_the_grid_names_the_cheapest_the_default_and_the_chosen(catalogue):
    table = plain(catalogue, "gpt-image-2", "2K", "medium")
    assert "cheapest $0.02" in table
    assert "default $0.26" in table
    assert "chosen $0.13" in table


def test_equal_prices_are_equally_cheap_and_one_price_for_all_is_not_called_so(catalogue):
    assert plain(catalogue, "ideogram-v4-6").count("cheapest $0.04") == 2
    assert "cheapest" not in plain(catalogue, "minimax-h3-image")


def test_what_is_not_chosen_is_the_default_and_billed_as_that(catalogue):
    assert "default, chosen $0.26" in plain(catalogue, "gpt-image-2")


def test_nothing_is_chosen_where_no_one_chooses(catalogue):
    assert "chosen" not in price_table(catalogue.find("gpt-image-2")).data["text/plain"]


def test_tiers_with_one_price_each_are_a_list_without_a_word_on_quality(catalogue):
    table = plain(catalogue, "nano-banana-2", "4k")
    assert "chosen $0.19" in table
    assert "cheapest, default $0.10" in table
    assert "uality" not in table


def model_of(pricing, constraints):
    raw = {"id": "m", "model_spec": {"pricing": pricing, "constraints": constraints}}
    return parse_catalogue(json.dumps([raw]).encode()).models[0]


def test_tiers_of_any_name_stand_in_the_order_of_the_catalogue():
    prices = {"1K": {"usd": 0.04}, "1.5K": {"usd": 0.05}, "2K": {"usd": 0.05}}
    limits = {"resolutions": ["2K", "1.5K", "1K"], "defaultResolution": "1.5K"}
    text = price_table(model_of({"resolutions": prices}, limits)).data["text/plain"]
    assert text.index("2K") < text.index("1.5K") < text.index("1K ")
    assert "default $0.05" in text
    assert "cheapest $0.04" in text


def test_qualities_without_a_matrix_have_a_price_at_the_default_and_are_unknown_beside_it():
    limits = {"resolutions": ["1K", "2K"], "qualities": ["low", "high"], "defaultQuality": "high"}
    model = model_of({"resolutions": {"1K": {"usd": 0.1}, "2K": {"usd": 0.2}}}, limits)
    text = price_table(model).data["text/plain"]
    assert text.count("unknown") == 2
    assert "$0.10" in text
    assert "$0.20" in text


def test_a_hole_in_a_matrix_is_unknown():
    limits = {"resolutions": ["1K"], "qualities": ["low", "high"]}
    text = price_table(model_of({"quality": {"1K": {"low": {"usd": 0.1}}}}, limits)).data["text/plain"]
    assert text.count("unknown") == 1


def test_one_price_is_a_line(catalogue):
    assert plain(catalogue, "z-image-turbo") == "Price of one image\nany size  $0.01"
    assert plain(catalogue, "hunyuan-image-v4-preview") == "Price of one image\nany size  unknown"


def test_every_price_in_the_table_is_what_the_estimate_says(catalogue):
    model = catalogue.find("gpt-image-2")
    for resolution in model.resolutions:
        for quality in model.qualities:
            fields = {"model": model.id, "resolution": resolution, "quality": quality}
            price = estimate(GenerationRequest.build("fox", fields, catalogue)).price_usd
            assert f"chosen {usd_text(price)}" in plain(catalogue, model.id, resolution, quality)


def test_the_headings_are_the_fields_that_decide_the_price_whatever_they_are_called(catalogue, monkeypatch):
    places = {("opaque", "1K"): Decimal("0.02"), ("clear", "1K"): Decimal("0.05")}
    cells = price_table_module.PriceCells(("back_ground", "resolution"), ("opaque", "clear"), ("1K",), places, {})
    monkeypatch.setattr(price_table_module, "price_cells", lambda *_, **__: cells)
    text = price_table(catalogue.find("gpt-image-2")).data["text/plain"]
    assert "Back ground / Resolution" in text


def test_every_model_of_the_catalogue_has_a_table_with_headings(catalogue):
    for model in catalogue.models:
        markup = price_table(model).data["text/html"]
        assert "<table" in markup
        assert 'scope="row"' in markup
