import base64
import random
import urllib.parse
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from venice_widgets.simulator import Fault


def test_the_same_request_gives_the_same_image_where_the_seed_is_honored(venice):
    assert venice.images(seed=41) == venice.images(seed=41)
    assert venice.images(seed=41) != venice.images(seed=42)
    assert venice.images(seed=41) != venice.images(seed=41, prompt="a hare")
    assert venice.images(seed=41) != venice.images(seed=41, style_preset="Anime")
    assert venice.images(seed=41) != venice.images(seed=41, model="chroma")


@pytest.mark.parametrize("model", ["gpt-image-2", "recraft-v4-pro", "nano-banana-pro", "grok-imagine-image"])
def test_some_models_ignore_the_seed_and_echo_it_all_the_same(venice, model):
    assert venice.images(model=model, seed=41) != venice.images(model=model, seed=41)
    assert venice.post(model=model, seed=41).json()["request"]["data"]["seed"] == 41


def test_an_injected_source_of_random_numbers_makes_everything_repeat(make_venice):
    first, second = (
        [make_venice(random=random.Random(7)).post(model="gpt-image-2", variants=2).json()] for _ in range(2)
    )
    assert first[0]["images"] == second[0]["images"]
    assert first[0]["id"] == second[0]["id"]


def test_a_seed_that_was_not_sent_is_drawn_and_echoed(venice):
    body = venice.post().json()
    seed = body["request"]["data"]["seed"]
    assert 1 <= seed <= 999_999_999
    assert venice.images(seed=seed) == [base64.b64decode(body["images"][0])]


def test_zero_is_a_seed(venice):
    assert venice.images(seed=0) == venice.images(seed=0)
    assert venice.post(seed=0).json()["request"]["data"]["seed"] == 0


def test_only_the_first_variant_uses_the_seed(venice):
    first, second = (venice.images(seed=41, variants=3) for _ in range(2))
    assert first[0] == second[0] == venice.images(seed=41)[0]
    assert len({*first, *second}) == 5


def test_no_image_tells_a_seed_that_the_service_keeps_to_itself(venice):
    shown, *hidden = venice.images(seed=41, variants=2)
    assert b"stamp='seed 41'" in shown
    assert all(b"stamp='seed ?'" in image for image in hidden)
    assert b"stamp='seed ?'" in venice.post(return_binary=True).content
    assert b"stamp='seed ignored'" in venice.images(model="gpt-image-2", seed=41)[0]


@pytest.mark.parametrize(("model", "heeds"), [("z-image-turbo", False), ("venice-sd35", True), ("qwen-image-2", True)])
def test_a_negative_prompt_changes_the_image_only_where_it_is_used(venice, model, heeds):
    plain, without_rain = (venice.images(model=model, seed=1, **extra) for extra in ({}, {"negative_prompt": "rain"}))
    assert (plain != without_rain) is heeds


def test_a_users_id_changes_nothing_about_the_image(venice):
    assert venice.images(seed=1, anon_user_id="u-1") == venice.images(seed=1)


@pytest.mark.parametrize(("model", "heeds"), [("z-image-turbo", False), ("venice-sd35", True)])
def test_steps_change_the_image_only_where_they_are_used(venice, model, heeds):
    assert (venice.images(model=model, seed=1, steps=3) != venice.images(model=model, seed=1, steps=7)) is heeds


def test_a_web_search_makes_a_run_unrepeatable(venice):
    body = {"model": "nano-banana-2", "seed": 41, "enable_web_search": True}
    assert venice.images(**body) != venice.images(**body)


def test_the_echo_is_the_body_with_defaults_and_without_style_references(venice):
    sent = {"model": "krea-v2-large", "seed": 3, "style_references": [{"image": "iVBORw0KGgo="}]}
    echo = venice.post(**sent).json()["request"]
    assert echo["success"] is True
    assert echo["data"] == {
        "model": "krea-v2-large",
        "prompt": "a fox",
        "seed": 3,
        "width": 1024,
        "height": 1024,
        "steps": 20,
        "format": "webp",
        "safe_mode": True,
        "hide_watermark": False,
        "return_binary": False,
        "embed_exif_metadata": False,
        "enhance_prompt": False,
        "variants": 1,
    }


def test_a_binary_response_is_the_image_alone(venice):
    response = venice.post(seed=41, return_binary=True, format="png")
    assert response.headers["content-type"] == "image/png"
    assert [response.content] == venice.images(seed=41, format="png")
    assert "content-encoding" not in response.headers


def test_an_enhanced_prompt_can_be_repeated_without_enhancement(venice):
    response = venice.post(prompt="a fox & a hare\n", seed=41, enhance_prompt=True)
    rewritten = urllib.parse.unquote(response.headers["x-venice-enhanced-prompt"])
    assert rewritten.startswith("a fox & a hare, ")
    assert venice.images(prompt=rewritten, seed=41) == [base64.b64decode(response.json()["images"][0])]


def test_a_prompt_that_says_enough_is_left_alone(venice):
    before = venice.simulator.balance_usd()
    assert "x-venice-enhanced-prompt" not in venice.post(prompt="word " * 61, enhance_prompt=True).headers
    assert before - venice.simulator.balance_usd() == Decimal("0.01")


def test_what_served_it_is_in_the_headers(venice):
    headers = venice.post().headers
    assert headers["x-venice-model-name"] == "Z-Image Turbo"
    assert headers["x-venice-is-blurred"] == headers["x-venice-is-content-violation"] == "false"
    assert {"cf-ray", "x-venice-version", "x-venice-timestamp", "x-venice-model-router"} <= set(headers)


def test_a_model_that_is_going_away_says_so(venice):
    headers = venice.post(model="lustify-sdxl").headers
    assert headers["x-venice-deprecated"] == "true"
    assert headers["x-venice-deprecated-replacement"] == "lustify-v8"
    assert headers["x-venice-model-deprecation-date"].startswith("2031-")
    assert "x-venice-deprecated" not in venice.post().headers


@pytest.mark.parametrize(("days", "serves"), [(9, "seedream-v3"), (10, "seedream-v4"), (400, "seedream-v4")])
def test_after_its_end_a_model_is_served_by_its_replacement_under_its_own_id(make_venice, days, serves):
    now = [datetime(2026, 11, 26, 13, tzinfo=UTC)]
    venice = make_venice(clock=lambda: now[0])
    now[0] = datetime(2026, 11, 26, tzinfo=UTC) + timedelta(days=days)
    response = venice.post(model="seedream-v3", seed=1)
    assert (response.status_code, response.headers["x-venice-model-id"]) == (200, serves)
    assert response.headers["x-venice-deprecated-replacement"] == "seedream-v4"
    assert response.headers["x-venice-model-deprecation-date"].startswith("2026-12-06")


def test_a_model_that_was_remapped_is_billed_and_drawn_as_the_one_that_serves_it(venice):
    response = venice.post(model="nano-banana", seed=1)
    assert response.headers["x-venice-model-name"] == "Nano Banana 2"
    assert venice.simulator.balance_usd() == Decimal("24.90")
    assert [base64.b64decode(response.json()["images"][0])] == venice.images(model="nano-banana-2", seed=1)


def test_any_model_can_be_served_by_another(venice):
    venice.simulator.add_fault(Fault("served-by", served_model="chroma"))
    response = venice.post(seed=1)
    assert response.headers["x-venice-model-id"] == "chroma"
    assert response.json()["request"]["data"]["model"] == "z-image-turbo"
    assert [base64.b64decode(response.json()["images"][0])] == venice.images(model="chroma", seed=1)


def test_a_lone_surrogate_in_a_prompt_comes_back_as_json(venice):
    response = venice.client.post(
        "/image/generate",
        content=rb'{"model": "z-image-turbo", "prompt": "\ud83d"}',
        headers={"content-type": "application/json"},
    )
    assert response.json()["request"]["data"]["prompt"] == "\ud83d"
