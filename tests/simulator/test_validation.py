import pytest

PIXEL = "iVBORw0KGgo="


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("inpaint", None),
        ("prompt", ""),
        ("prompt", 5),
        ("width", 1281),
        ("height", 0),
        ("width", 512.5),
        ("steps", 8.5),
        ("anon_user_id", ""),
        ("anon_user_id", "x" * 129),
        ("anon_user_id", "a||b"),
        ("anon_user_id", "é"),
        ("anon_user_id", "a\n"),
        ("cfg_scale", 0),
        ("cfg_scale", 20.1),
        ("lora_strength", 101),
        ("lora_strength", 1.5),
        ("style_preset", "anime"),
        ("style_references", "nothing"),
        ("format", "gif"),
        ("seed", 1_000_000_000),
        ("seed", -1_000_000_000),
        ("seed", 1.5),
        ("seed", True),
        ("variants", 0),
        ("variants", 5),
        ("safe_mode", 1),
        ("enhance_prompt", "yes"),
    ],
)
def test_a_value_out_of_range_is_a_400_that_names_its_field(venice, field, value):
    response = venice.post(**{field: value})
    assert response.status_code == 400
    assert response.json()["details"][field]["_errors"]
    assert field in [issue["path"][0] for issue in response.json()["issues"]]


def test_an_unknown_key_is_refused(venice):
    response = venice.post(n=2)
    assert response.status_code == 400
    assert response.json()["details"]["_errors"] == ["Unrecognized key(s) in object: 'n'"]


def test_all_that_is_wrong_is_named_at_once(venice):
    issues = venice.post(seed=1.5, width=-1, color="red").json()["issues"]
    assert [issue["path"] for issue in issues] == [[], ["seed"], ["width"]]


def test_model_and_prompt_are_required(venice):
    response = venice.client.post("/image/generate", json={})
    assert {issue["path"][0] for issue in response.json()["issues"]} == {"model", "prompt"}


@pytest.mark.parametrize(
    "body",
    [
        {"seed": -999_999_999},
        {"seed": 41.0},
        {"cfg_scale": 20},
        {"cfg_scale": 0.01},
        {"width": 1280, "height": 1},
        {"style_preset": "Anime"},
        {"anon_user_id": "x" * 128},
        {"anon_user_id": "a|b ~"},
    ],
)
def test_the_ends_of_the_ranges_are_within(venice, body):
    assert venice.post(**body).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"width": 1001},
        {"aspect_ratio": "17:3"},
        {"negative_prompt": "rain"},
        {"resolution": "8K"},
        {"quality": "highest"},
        {"steps": 900},
        {"steps": -1},
        {"enable_web_search": True},
        {"disable_prompt_optimization_thinking": True},
        {"model": "flux-2-pro", "width": 512},
        {"model": "nano-banana-2", "aspect_ratio": "19.5:9"},
    ],
)
def test_it_is_silent_where_the_service_is_silent(venice, body):
    assert venice.post(**body).status_code == 200


@pytest.mark.parametrize(("length", "status"), [(7500, 200), (7501, 400)])
def test_the_prompt_limit_is_the_models_own(venice, length, status):
    assert venice.post(prompt="x" * length).status_code == status


@pytest.mark.parametrize(("foxes", "status"), [(3750, 200), (3751, 400)])
def test_characters_are_counted_as_utf_16_counts_them(venice, foxes, status):
    assert venice.post(prompt="🦊" * foxes).status_code == status


def test_a_negative_prompt_has_the_same_limit(venice):
    assert venice.post(negative_prompt="x" * 7501).status_code == 400


@pytest.mark.parametrize(
    ("model", "field", "wrong", "right"),
    [
        ("gpt-image-2", "resolution", "2k", "2K"),
        ("ideogram-v4", "resolution", "2K", "2k"),
        ("gpt-image-2", "quality", "High", "high"),
        ("muse-image", "quality", "high", "medium"),
        ("grok-imagine-image-2-0", "quality", "high", "medium"),
        ("kling-v4-text-to-image", "resolution", "1K", "2K"),
        ("seedream-v5-5", "resolution", "1.5k", "1.5K"),
        ("seedream-v5-pro", "resolution", "4K", "2K"),
    ],
)
def test_tiers_and_qualities_are_spelled_as_the_models_limits_spell_them(venice, model, field, wrong, right):
    assert venice.post(model=model, **{field: wrong}).json()["details"][field]["_errors"]
    assert venice.post(model=model, **{field: right}).status_code == 200


def test_some_ratio_models_refuse_pixels_and_the_others_pass_over_them(venice):
    assert venice.post(model="qwen-image", width=1024).status_code == 400
    assert venice.post(model="qwen-image-3-pro", width=1024).status_code == 400
    assert venice.post(model="qwen-image-3-pro", aspect_ratio="16:9").status_code == 200
    assert venice.post(model="qwen-image-2", width=1024).status_code == 200


@pytest.mark.parametrize(("steps", "status"), [(0, 400), (1, 200), (30, 200), (31, 400)])
def test_steps_are_checked_where_they_are_used(venice, steps, status):
    assert venice.post(model="venice-sd35", steps=steps).status_code == status


def test_variants_and_binary_do_not_go_together(venice):
    assert venice.post(variants=2, return_binary=True).json()["details"]["variants"]["_errors"]
    assert venice.post(variants=2, return_binary=False).status_code == 200


def test_style_references_need_a_model_that_takes_them(venice):
    response = venice.post(style_references=[{"image": PIXEL}])
    assert response.status_code == 400
    assert response.json()["details"] == "Model z-image-turbo does not support style references"


@pytest.mark.parametrize(
    ("references", "path"),
    [
        ([{"image": PIXEL}] * 4, ["style_references"]),
        ([{"image": "not base64!"}], ["style_references", 0, "image"]),
        ([{"strength": 0.5}], ["style_references", 0, "image"]),
        ([{"image": PIXEL, "strength": 0.05}], ["style_references", 0, "strength"]),
        ([{"image": PIXEL, "weight": 1}], ["style_references", 0]),
        ([PIXEL], ["style_references", 0]),
        ([{"image": "data:image/svg+xml;base64,PHN2Zy8+"}], ["style_references", 0, "image"]),
        ([{"image": "A" * 10_666_668}], ["style_references", 0, "image"]),
    ],
    ids=["too many", "not base64", "no image", "too weak", "unknown key", "no object", "svg", "over 8 MB"],
)
def test_a_wrong_style_reference_is_reported_by_its_place(venice, references, path):
    response = venice.post(model="krea-v2-large", style_references=references)
    assert response.status_code == 400
    assert [issue["path"] for issue in response.json()["issues"]] == [path]


@pytest.mark.parametrize("image", [PIXEL, f"data:image/png;base64,{PIXEL}", "https://example.com/a.png"])
def test_a_style_reference_is_base64_a_data_uri_or_an_address(venice, image):
    assert venice.post(model="krea-v2-large", style_references=[{"image": image, "strength": 1}]).status_code == 200


@pytest.mark.parametrize(
    ("model", "status", "says"),
    [
        ("z-image-trubo", 404, "z-image-turbo"),
        ("WAI-illustrious", 404, "wai-Illustrious"),
        ("fluently-xl", 404, "z-image-turbo"),
        ("hidream", 503, "offline"),
        ("bria-bg-remover", 400, "does not support image generation"),
        ("krea-v1", 410, "krea-v2-large"),
    ],
)
def test_a_model_that_cannot_serve_says_why(venice, model, status, says):
    response = venice.post(model=model)
    assert (response.status_code, says in response.text) == (status, True)


def test_a_trait_is_a_model(venice):
    assert venice.post(model="default").headers["x-venice-model-id"] == "z-image-turbo"


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"seed": NaN}', "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"{}", "text/plain", 400),
        (b" " * 35_000_001, "application/json", 413),
    ],
    ids=["cut", "array", "nan", "no utf-8", "deep", "text", "large"],
)
def test_what_is_not_json_body_is_refused(venice, content, kind, status):
    response = venice.client.post("/image/generate", content=content, headers={"content-type": kind})
    assert response.status_code == status
