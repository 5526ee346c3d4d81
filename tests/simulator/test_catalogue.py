import json
from pathlib import Path

import pytest

from venice_widgets.simulator.catalogue import MODELS, listed_models
from venice_widgets.simulator.sizes import picture_size

RECORDED = "shared/data/models-image.json"
PLACES = [folder / RECORDED for folder in Path(__file__).parents if (folder / RECORDED).exists()]
REAL_ENTRIES = {entry["id"]: entry for entry in json.loads(PLACES[0].read_text())["data"]} if PLACES else {}


def image_models(venice):
    return {entry["id"]: entry["model_spec"] for entry in venice.get("/models?type=image")["data"]}


def test_without_a_type_only_text_models_come_back(venice):
    assert {entry["type"] for entry in venice.get("/models")["data"]} == {"text"}
    assert {entry["type"] for entry in venice.get("/models?type=image")["data"]} == {"image"}


def test_every_way_to_be_sized_is_listed(venice):
    models = image_models(venice)
    assert "resolutions" in models["gpt-image-2"]["constraints"]
    assert "aspectRatios" in models["flux-2-pro"]["constraints"]
    assert not {"resolutions", "aspectRatios"} & set(models["z-image-turbo"]["constraints"])


def test_every_shape_of_price_is_listed(venice):
    pricing = {name: set(model["pricing"]) - {"upscale"} for name, model in image_models(venice).items()}
    assert pricing["z-image-turbo"] == {"generation"}
    assert pricing["nano-banana-2"] == {"resolutions"}
    assert pricing["gpt-image-2"] == {"quality", "resolutions"}
    assert pricing["muse-image"] == {"quality"}
    assert pricing["luma-photon-3"] == {"generation"}
    assert pricing["hunyuan-image-v4-preview"] == set()


def test_the_oddities_are_listed(venice):
    models = image_models(venice)
    assert models["hidream"]["offline"] is True
    assert models["krea-v2-large"]["betaModel"] is True
    assert models["lustify-sdxl"]["deprecation"]["date"].startswith("2027-")
    assert list(models["wan-3-text-to-image"]["pricing"]["resolutions"]) == ["1k", "2k", "4k"]
    assert models["wan-3-text-to-image"]["constraints"]["resolutions"] == ["1K", "2K", "4K"]
    assert {"auto", "19.5:9"} <= set(models["grok-imagine-image"]["constraints"]["aspectRatios"])
    assert "fluently-xl" not in models


def test_bad_entries_can_be_put_among_the_good_ones(make_venice):
    data = make_venice(extra_entries=[None, {"id": 7}]).get("/models?type=image")["data"]
    assert data[-2:] == [None, {"id": 7}]
    assert len(data) == len(listed_models()) + 2


def test_traits_lead_to_models(venice):
    traits = venice.get("/models/traits?type=image")["data"]
    assert traits["default"] == traits["fastest"] == "z-image-turbo"
    assert traits["most_uncensored"] == "lustify-v8"


def test_styles_are_listed(venice):
    assert "Comic Book" in venice.get("/image/styles")["data"]


def test_what_is_not_there_is_a_404(venice):
    assert venice.client.get("/image/upscale").status_code == 404
    assert venice.client.get("https://api.venice.ai/models").status_code == 404


@pytest.mark.skipif(not REAL_ENTRIES, reason=f"no {RECORDED} beside the repository")
@pytest.mark.parametrize("name", sorted(REAL_ENTRIES.keys() & MODELS.keys()) or ["none"])
def test_models_that_are_real_look_as_the_real_catalogue_showed_them(name):
    ours, real = MODELS[name].entry(), REAL_ENTRIES[name]
    assert ours["model_spec"]["pricing"] == real["model_spec"]["pricing"]
    assert ours["model_spec"]["constraints"] == real["model_spec"]["constraints"]
    assert set(real["model_spec"]) <= set(ours["model_spec"])
    assert {key: type(value) for key, value in real.items()} == {key: type(value) for key, value in ours.items()}


@pytest.mark.parametrize(
    ("model", "asked", "size"),
    [
        ("z-image-turbo", {"width": 640, "height": 333}, (640, 333)),
        ("flux-2-pro", {"width": 640, "height": 333}, (1024, 1024)),
        ("flux-2-pro", {"aspect_ratio": "16:9"}, (1360, 768)),
        ("flux-2-pro", {"aspect_ratio": "5:1"}, (1024, 1024)),
        ("grok-imagine-image", {"aspect_ratio": "9:19.5"}, (688, 1504)),
        ("grok-imagine-image", {"aspect_ratio": "auto"}, (1024, 1024)),
        ("gpt-image-2", {"aspect_ratio": "3:2", "resolution": "4K"}, (5024, 3344)),
        ("ideogram-v4", {"resolution": "2k"}, (2048, 2048)),
    ],
)
def test_sizes_follow_from_pixels_ratios_and_tiers(model, asked, size):
    fields = {"width": 1024, "height": 1024, "aspect_ratio": None, "resolution": None} | asked
    assert picture_size(MODELS[model], **fields) == size
