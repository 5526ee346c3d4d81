import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from venice_widgets.simulator.catalogue import EIGHT_RATIOS, MODELS, listed_models
from venice_widgets.simulator.sizes import image_size

RECORDED = "shared/data/models-image.json"
PLACES = [folder / RECORDED for folder in Path(__file__).parents if (folder / RECORDED).exists()]
REAL_ENTRIES = {entry["id"]: entry for entry in json.loads(PLACES[0].read_text())["data"]} if PLACES else {}
CHANGED_SINCE = {"qwen-image", "gpt-image-2", "flux-2-max"}  # other ratios and limits in November than in the recording
START = datetime(2026, 11, 26, tzinfo=UTC)


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
    assert models["lustify-sdxl"]["deprecation"]["date"].startswith("2031-")
    assert list(models["wan-3-text-to-image"]["pricing"]["resolutions"]) == ["1k", "2k", "4k"]
    assert models["wan-3-text-to-image"]["constraints"]["resolutions"] == ["1K", "2K", "4K"]
    assert {"auto", "19.5:9"} <= set(models["grok-imagine-image"]["constraints"]["aspectRatios"])
    assert "fluently-xl" not in models


def test_the_shapes_of_november_are_listed(venice):
    models = image_models(venice)
    limits = {name: model["constraints"] for name, model in models.items()}
    assert limits["kling-v4-text-to-image"]["resolutions"] == ["2K", "4K"]
    assert limits["seedream-v5-5"]["resolutions"] == ["1K", "1.5K", "2K"]
    assert limits["flux-2-max"]["defaultAspectRatio"] == "auto"
    assert limits["grok-imagine-image-2-0"]["qualities"] == ["low", "medium"]
    assert limits["gpt-image-2"]["aspectRatios"] == limits["qwen-image"]["aspectRatios"] == list(EIGHT_RATIOS)
    assert (limits["qwen-image"]["promptCharacterLimit"], limits["qwen-image"]["steps"]["max"]) == (2048, 50)
    assert limits["luma-uni-1"]["supportsStyleReferenceStrength"] is False
    pricing = {name: model["pricing"] for name, model in models.items()}
    assert pricing["minimax-h3-image"]["resolutions"]["1K"] == pricing["minimax-h3-image"]["resolutions"]["2K"]
    assert "max" not in pricing["gpt-image-2-6-sunburst"]["quality"]["2K"]
    assert "quality" not in pricing["mai-image-2-7"]
    assert limits["mai-image-2-7"]["defaultQuality"] == "medium"
    assert models["minimax-h3-image"]["privacy"] not in ("private", "anonymized")


def test_two_entries_may_carry_one_trait_and_the_traits_decide(venice):
    carriers = [name for name, model in image_models(venice).items() if "most_uncensored" in model["traits"]]
    assert carriers == ["lustify-v8", "lustify-sdxl"]
    assert venice.get("/models/traits?type=image")["data"]["most_uncensored"] == "lustify-v8"


def test_ends_are_announced_relative_to_the_day_of_the_start(make_venice):
    venice = make_venice(clock=lambda: datetime(2026, 11, 26, 13, tzinfo=UTC))
    models = image_models(venice)
    assert models["seedream-v3"]["deprecation"] == {
        "date": "2026-12-06T00:00:00.000Z",
        "startsAt": "2026-11-22T00:00:00.000Z",
        "removesAt": "2026-12-06T00:00:00.000Z",
        "autoRemap": True,
        "replacementModelId": "seedream-v4",
    }
    assert models["nano-banana"]["deprecation"]["removesAt"] == "2026-11-21T00:00:00.000Z"
    assert models["krea-v1"]["deprecation"]["autoRemap"] is False


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
@pytest.mark.parametrize("name", sorted(REAL_ENTRIES.keys() & MODELS.keys() - CHANGED_SINCE))
def test_models_that_are_real_look_as_the_real_catalogue_showed_them(name):
    ours, real = MODELS[name].entry(START), REAL_ENTRIES[name]
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
        ("grok-imagine-image", {"aspect_ratio": "auto", "prompt": "a fox"}, (1504, 688)),
        ("grok-imagine-image", {"aspect_ratio": "auto", "prompt": "a hare"}, (1024, 1024)),
        ("gpt-image-2", {"aspect_ratio": "3:2", "resolution": "4K"}, (5024, 3344)),
        ("ideogram-v4", {"resolution": "2k"}, (2048, 2048)),
        ("kling-v4-text-to-image", {"resolution": "2K"}, (2048, 2048)),
        ("seedream-v5-5", {"resolution": "1.5K", "aspect_ratio": "1:1"}, (1536, 1536)),
        ("seedream-v5-5", {"aspect_ratio": "9:21"}, (672, 1568)),
        ("flux-2-max", {"aspect_ratio": "1:1"}, (1024, 1024)),
    ],
)
def test_sizes_follow_from_pixels_ratios_and_tiers(model, asked, size):
    fields = {"prompt": "a fox", "width": 1024, "height": 1024, "aspect_ratio": None, "resolution": None} | asked
    assert image_size(MODELS[model], **fields) == size
