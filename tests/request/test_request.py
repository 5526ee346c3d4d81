"""The request: every parameter declared once, and everything that can be checked is checked before sending."""

import dataclasses
import json
import math
from decimal import Decimal
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.published_schema import ABSENT, SCHEMA, assert_published
from venice_widgets.errors import InvalidRequest, ModelUnavailable, VeniceError
from venice_widgets.request.catalogue import parse_catalogue
from venice_widgets.request.checks import WITHOUT_WIDTH
from venice_widgets.request.fields import check_fields, field_facts, price_axes, price_lists
from venice_widgets.request.request import GenerationRequest, canonical, sha256_tag
from venice_widgets.request.style_reference import StyleReference

RATIOS = ["1:1", "3:2", "16:9", "21:9", "9:16", "2:3", "3:4", "4:5"]


def entry(id, constraints=None, **spec):  # noqa: A002  the wire's name
    return {"id": id, "type": "image", "model_spec": {"constraints": constraints or {}, **spec}}


ENTRIES = [
    entry("pixels", {"widthHeightDivisor": 16, "promptCharacterLimit": 20, "steps": {"default": 8, "max": 8}}),
    entry("ratio", {"aspectRatios": RATIOS, "defaultAspectRatio": "1:1", "widthHeightDivisor": 1}),
    entry(
        "tiers",
        {
            "resolutions": ["1K", "2K", "4K"],
            "defaultResolution": "1K",
            "aspectRatios": ["auto", "1:1", "16:9", "19.5:9"],
            "defaultAspectRatio": "auto",
            "qualities": ["low", "medium", "high"],
            "defaultQuality": "high",
        },
        supportsWebSearch=True,
        supportsOptimizePromptThinking=True,
    ),
    entry("lower", {"resolutions": ["1k", "2k"], "defaultResolution": "1k"}),
    entry(
        "styled",
        {"aspectRatios": ["1:1"], "maxStyleReferences": 2, "supportsStyleReferenceStrength": True},
        supportsStyleReferences=True,
    ),
    entry("styled-plain", {"aspectRatios": ["1:1"]}, supportsStyleReferences=True),
    entry("bare"),
    entry("venice-sd35", {"steps": {"max": 30}}),
    entry("chroma", {"steps": {"max": 10}}),
    entry("ended", deprecation={"removesAt": "2020-01-01T00:00:00.000Z", "replacementModelId": "ratio"}),
    entry("remapped", deprecation={"date": "2020-01-01", "autoRemap": True, "replacementModelId": "ratio"}),
    entry("far away", deprecation={"startsAt": "2999-01-01", "removesAt": "2999-01-10"}),
    entry("offline", offline=True),
    entry("bria-bg-remover"),
]
CATALOGUE = parse_catalogue(
    json.dumps({"data": ENTRIES}).encode(),
    b'{"data": {"default": "pixels", "fastest": "ratio"}}',
    b'["Analog Film", "Anime"]',
)
WITHOUT_STYLES = parse_catalogue(json.dumps({"data": ENTRIES}).encode())


def build(prompt="a fox", *, catalogue=CATALOGUE, **fields):
    return GenerationRequest.build(prompt, fields, catalogue)


# Section 2 of the API's document, but for the prompt: kind, least, most, closed set.
TABLE = {
    "model": (str, None, None, ()),
    "negative_prompt": (str, None, None, ()),
    "width": (int, 1, 1280, ()),
    "height": (int, 1, 1280, ()),
    "aspect_ratio": (str, None, None, ()),
    "resolution": (str, None, None, ()),
    "quality": (str, None, None, ()),
    "steps": (int, 1, None, ()),
    "cfg_scale": (float, 0, 20, ()),
    "lora_strength": (int, 0, 100, ()),
    "style_preset": (str, None, None, ()),
    "style_references": (str, None, None, ()),
    "format": (str, None, None, ("jpeg", "png", "webp")),
    "seed": (str, None, None, ()),
    "variants": (int, 1, 4, ()),
    "return_binary": (bool, None, None, ()),
    "anon_user_id": (str, None, None, ()),
    "safe_mode": (bool, None, None, ()),
    "hide_watermark": (bool, None, None, ()),
    "embed_exif_metadata": (bool, None, None, ()),
    "enable_web_search": (bool, None, None, ()),
    "enhance_prompt": (bool, None, None, ()),
    "disable_prompt_optimization_thinking": (bool, None, None, ()),
}


def test_every_field_of_the_api_is_declared_and_no_other():
    assert set(field_facts()) == set(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_every_field_has_the_documented_type_and_range(name):
    facts = field_facts()[name]
    assert (facts.kind, facts.minimum, facts.maximum, facts.choices) == TABLE[name]
    assert facts.minimum_excluded == (name == "cfg_scale")


@pytest.mark.parametrize("name", TABLE)
def test_every_field_brings_the_words_that_help_needs(name):
    facts = field_facts()[name]
    assert facts.about.help.endswith(".")
    assert facts.about.group
    assert facts.about.taken_by
    assert facts.about.default
    assert facts.about.example or facts.kind is bool


def test_options_are_the_fields_with_dashes_and_the_documented_letters():
    options = {name: facts.option for name, facts in field_facts().items()}
    assert options.pop("style_references") == "style-reference"
    assert options == {name: name.replace("_", "-") for name in options}
    letters = {name: facts.about.short for name, facts in field_facts().items() if facts.about.short}
    assert letters == {"model": "m", "aspect_ratio": "a", "resolution": "r", "quality": "q", "seed": "s"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("width", "1 … 1280, a multiple of the model's divisor"),
        ("cfg_scale", "above 0 to 20"),
        ("steps", "1 or more"),
        ("format", "jpeg, png, webp"),
        ("lora_strength", "0 … 100"),
        ("model", ""),
        ("safe_mode", ""),
    ],
)
def test_a_range_is_written_as_people_write_it(name, text):
    assert field_facts()[name].range_text == text


def test_what_neither_type_nor_bound_says_is_said_in_words():
    assert "999,999,999" in field_facts()["seed"].range_text
    assert "0.1 … 1" in field_facts()["style_references"].range_text


INSIDE = [
    ("width", 16), ("width", 1280), ("height", 1280), ("steps", 1), ("steps", 8), ("cfg_scale", 0.01),
    ("cfg_scale", 20), ("lora_strength", 0), ("lora_strength", 100), ("variants", 1), ("variants", 4),
    ("format", "jpeg"),
    ("format", "png"), ("format", "webp"), ("safe_mode", False), ("safe_mode", True),
    ("hide_watermark", True), ("enhance_prompt", True),
    ("embed_exif_metadata", True), ("return_binary", True), ("negative_prompt", "rain"), ("negative_prompt", ""),
    ("style_preset", "Anime"), ("enable_web_search", False), ("anon_user_id", "~" * 128), ("anon_user_id", "a | b"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), INSIDE)
def test_every_value_inside_its_range_reaches_the_wire_as_it_is(name, value):
    body = build(**{name: value}).body(41)
    assert body == {"model": "pixels", "prompt": "a fox", "seed": 41, name: value}
    assert type(body[name]) is type(value) or name == "cfg_scale"


OUTSIDE = [
    ("width", 0, "1 … 1280"), ("width", 1281, "1 … 1280"), ("width", -16, "1 … 1280"), ("width", 1.5, "1 … 1280"),
    ("height", 1281, "1 … 1280"), ("height", "tall", "1 … 1280"), ("steps", 0, "1 or more"),
    ("cfg_scale", 0, "above 0 to 20"), ("cfg_scale", 20.01, "above 0 to 20"), ("cfg_scale", math.nan, "above 0 to 20"),
    ("cfg_scale", math.inf, "above 0 to 20"), ("cfg_scale", -1, "above 0 to 20"), ("lora_strength", -1, "0 … 100"),
    ("lora_strength", 101, "0 … 100"), ("lora_strength", 0.5, "0 … 100"), ("variants", 0, "1 … 4"),
    ("variants", 5, "1 … 4"), ("format", "gif", "jpeg, png, webp"), ("format", "PNG", "jpeg, png, webp"),
    ("safe_mode", "perhaps", "true or false"), ("anon_user_id", "", "1 … 128"), ("anon_user_id", "a b" * 43, "1 … 128"),
    ("anon_user_id", "a||b", "without ||"), ("anon_user_id", "ü", "ASCII"), ("anon_user_id", "a\tb", "printable"),
    ("return_binary", 2, "true or false"), ("model", "", "text"), ("model", 7, "text"), ("seed", 1.5, "whole numbers"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "allowed", "model"),
    [
        *((name, value, allowed, "pixels") for name, value, allowed in OUTSIDE),
        ("style_references", "sketch.png", "a list of files", "styled"),
        ("style_references", [7], "a list of files", "styled"),
    ],
)
def test_every_value_outside_its_range_is_refused_with_field_value_and_range(name, value, allowed, model):
    with pytest.raises(InvalidRequest) as caught:
        build(**{"model": model, name: value})
    assert caught.value.field == name
    assert caught.value.message.startswith(f"{name} {value}"[:60])
    assert allowed in caught.value.remedy
    assert "Nothing was sent." in caught.value.remedy


@pytest.mark.parametrize(
    ("model", "fields", "field", "words"),
    [
        ("pixels", {"width": 1000}, "width", ["1000", "16", "992 and 1008"]),
        ("pixels", {"height": 1279}, "height", ["1279", "16", "1264 and 1280"]),
        ("pixels", {"width": 5}, "width", ["5", "16", "nearest are 16."]),
        ("pixels", {"aspect_ratio": "16:9"}, "aspect_ratio", ["16:9", "sized in pixels", "width and height"]),
        ("pixels", {"resolution": "2K"}, "resolution", ["2K", "sized in pixels", "width and height"]),
        ("pixels", {"steps": 9}, "steps", ["9", "1 … 8"]),
        ("ratio", {"width": 1024}, "width", ["1024", "sized by aspect_ratio", "16:9"]),
        ("ratio", {"height": 1024}, "height", ["1024", "sized by aspect_ratio", "16:9"]),
        ("ratio", {"aspect_ratio": "16:10"}, "aspect_ratio", ["16:10", "1:1, 3:2, 16:9", "nearest is 3:2"]),
        ("ratio", {"aspect_ratio": "5:4"}, "aspect_ratio", ["5:4", "4:5 is the same shape turned"]),
        ("ratio", {"aspect_ratio": "1920:1080"}, "aspect_ratio", ["1920:1080", "nearest is 16:9"]),
        ("ratio", {"aspect_ratio": "1e308:1e-308"}, "aspect_ratio", ["1e308:1e-308", "1:1"]),
        ("ratio", {"aspect_ratio": "0:0"}, "aspect_ratio", ["0:0", "1:1"]),
        ("ratio", {"resolution": "1K"}, "resolution", ["1K", "sized by aspect_ratio", "aspect_ratio 1:1"]),
        ("tiers", {"aspect_ratio": "automatic"}, "aspect_ratio", ["automatic", "nearest is auto"]),
        ("tiers", {"aspect_ratio": "18:9"}, "aspect_ratio", ["18:9", "nearest is 19.5:9"]),
        ("tiers", {"resolution": "8K"}, "resolution", ["8K", "1K, 2K, 4K", "nearest is 4K"]),
        ("tiers", {"quality": "mediun"}, "quality", ["mediun", "low, medium, high", "nearest is medium"]),
        ("tiers", {"width": 1024}, "width", ["1024", "resolution and aspect_ratio", "1K, 2K, 4K", "19.5:9"]),
        ("pixels", {"style_preset": "anime"}, "style_preset", ["anime", "Did you mean Anime"]),
        ("pixels", {"style_preset": "qqq"}, "style_preset", ["qqq", "%venice styles"]),
        ("pixels", {"enable_web_search": "yes"}, "enable_web_search", ["does not support it", "tiers takes it"]),
        (
            "pixels",
            {"disable_prompt_optimization_thinking": True},
            "disable_prompt_optimization_thinking",
            ["does not support it"],
        ),
        ("pixels", {"variants": 2, "return_binary": True}, "variants", ["2", "return_binary", "images (-n in a cell)"]),
        ("pixels", {"negative_prompt": "n" * 21}, "negative_prompt", ["21", "1 more", "up to 20"]),
        (
            "ratio",
            {"style_references": ["a.png"]},
            "style_references",
            ["(1)", "ratio does not support it", "styled and styled-plain take it"],
        ),
        ("tiers", {"width": 2048}, "width", ["2048", "sized by resolution and aspect_ratio", "1K, 2K, 4K"]),
        ("tiers", {"height": 0}, "height", ["0", "sized by resolution and aspect_ratio"]),
        ("styled", {"style_references": ["a", "b", "c"]}, "style_references", ["(3)", "takes 2"]),
        ("styled", {"style_references": ["a@3"]}, "style_references", ["strength 3", "0.1 … 1"]),
        ("styled-plain", {"style_references": ["a@0.5"]}, "style_references", ["strength 0.5", "@STRENGTH"]),
        (
            "styled-plain",
            {"style_references": [StyleReference(b"x", 0.5)]},
            "style_references",
            ["strength 0.5", "@STRENGTH"],
        ),
    ],
)
def test_every_rule_refuses_with_field_value_what_is_allowed_and_the_nearest(model, fields, field, words):
    with pytest.raises(InvalidRequest) as caught:
        build(model=model, **fields)
    assert caught.value.field == field
    assert caught.value.message.startswith(field)
    missing = [word for word in words if word not in str(caught.value)]
    assert not missing, str(caught.value)
    assert "Nothing was sent." in caught.value.remedy


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        ("pixels", {"width": 992, "height": 1280}),
        ("pixels", {"steps": 8}),
        ("pixels", {"negative_prompt": "n" * 20}),
        ("ratio", {"aspect_ratio": "21:9"}),
        ("tiers", {"aspect_ratio": "19.5:9", "resolution": "4K", "quality": "low"}),
        ("tiers", {"aspect_ratio": "auto"}),
        ("ratio", {"enable_web_search": False}),
        ("tiers", {"enable_web_search": True, "disable_prompt_optimization_thinking": True}),
        ("pixels", {"enable_web_search": False, "disable_prompt_optimization_thinking": False}),
        ("pixels", {"variants": 4, "return_binary": False}),
        ("bare", {"width": 1001, "steps": 999}),
    ],
)
def test_what_a_model_takes_goes_out_unchanged(model, fields):
    assert build(model=model, **fields).body(7) == {"model": model, "prompt": "a fox", "seed": 7, **fields}


def test_what_was_not_chosen_is_not_sent():
    assert build().body(0) == {"model": "pixels", "prompt": "a fox", "seed": 0}
    nothing = dict.fromkeys(field_facts())
    assert build(**nothing).body(-5) == {"model": "pixels", "prompt": "a fox", "seed": -5}


def test_an_unknown_field_is_refused_with_the_near_ones():
    with pytest.raises(InvalidRequest, match="Did you mean aspect_ratio") as caught:
        build(aspect_ration="1:1")
    assert caught.value.field == "aspect_ration"
    with pytest.raises(InvalidRequest, match="no field 'inpaint'"):
        build(inpaint={})
    with pytest.raises(InvalidRequest, match="no field 'prompt'"):
        check_fields({"prompt": "x"})


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("n", "images"),
        ("num_images", "images"),
        ("size", "width and height, aspect_ratio, or resolution"),
        ("guidance_scale", "cfg_scale"),
        ("negative", "negative_prompt"),
        ("num_inference_steps", "steps"),
        ("save", "save(path) of the result"),
    ],
)
def test_a_name_that_other_tools_use_is_answered_with_ours(name, meant):
    with pytest.raises(InvalidRequest, match="Did you mean") as caught:
        build(**{name: 4})
    assert f"Did you mean {meant}" in caught.value.remedy


@pytest.mark.parametrize(
    ("model", "given_value", "sent"), [("tiers", "2k", "2K"), ("lower", "2K", "2k"), ("lower", "2k", "2k")]
)
def test_a_resolution_goes_out_as_the_catalogue_spells_it(model, given_value, sent):
    assert build(model=model, resolution=given_value).body(1)["resolution"] == sent


def test_a_quality_and_a_ratio_go_out_as_the_catalogue_spells_them():
    body = build(model="tiers", quality="HIGH", aspect_ratio="Auto").body(1)
    assert (body["quality"], body["aspect_ratio"]) == ("high", "auto")


def test_an_alias_is_resolved_and_what_was_asked_for_is_kept():
    request = build(model="fastest")
    assert request.body(1)["model"] == "ratio"
    assert request.asked_model == "fastest"
    assert build().asked_model is None
    assert build().model.id == "pixels"


@pytest.mark.parametrize("model", ["nothing", "offline", "bria-bg-remover", "PIXELS"])
def test_a_model_that_cannot_be_had_is_refused(model):
    with pytest.raises(ModelUnavailable) as caught:
        build(model=model)
    assert caught.value.field == "model"


@pytest.mark.parametrize("prompt", ["", " ", "\n\t", "\u3000", "\u200b", "\ufeff \u2060\n"])
def test_an_empty_prompt_is_refused(prompt):
    with pytest.raises(InvalidRequest, match="the prompt is empty") as caught:
        build(prompt)
    assert caught.value.field == "prompt"


@pytest.mark.parametrize("prompt", [None, 7, b"a fox"])
def test_a_prompt_that_is_no_text_is_refused(prompt):
    with pytest.raises(InvalidRequest, match="is not text") as caught:
        build(prompt)
    assert caught.value.field == "prompt"


def test_a_prompt_is_measured_as_the_api_measures_it():
    assert build("x" * 20).prompt == "x" * 20
    assert build("🦊" * 10).prompt == "🦊" * 10, "an emoji counts two in JavaScript"
    for prompt in ("x" * 21, "🦊" * 10 + "x"):
        with pytest.raises(InvalidRequest, match="prompt has 21 characters, 1 more than pixels takes") as caught:
            build(prompt)
        assert "up to 20" in caught.value.remedy
        assert caught.value.field == "prompt"
    assert build("x" * 50_000, model="bare").prompt == "x" * 50_000, "where no limit is stated, the API decides"


def test_half_a_character_is_refused_before_it_breaks_the_wire():
    with pytest.raises(InvalidRequest, match="half a character") as caught:
        build("fox \ud83e")
    str(caught.value).encode()


@settings(deadline=None)
@given(st.text(max_size=20))
def test_a_prompt_reaches_the_body_untouched_or_is_refused(prompt):
    try:
        body = build(prompt, model="bare").body(1)
    except InvalidRequest as error:
        refused = error
    else:
        assert body["prompt"] == prompt
        assert json.loads(canonical(body))["prompt"] == prompt
        return
    assert refused.field == "prompt"
    assert not "".join(prompt.split()).strip(WITHOUT_WIDTH)


@pytest.mark.parametrize(
    ("model", "fields", "words"),
    [
        ("chroma", {"negative_prompt": "rain"}, ["negative_prompt", "no effect", "chroma", "venice-sd35 uses it"]),
        ("ratio", {"negative_prompt": "rain"}, ["negative_prompt", "may have no effect", "ratio"]),
        ("ratio", {"steps": 20}, ["steps", "may have no effect", "venice-sd35"]),
        ("ratio", {"quality": "high"}, ["quality", "no effect", "tiers takes it"]),
        ("lower", {"aspect_ratio": "7:5"}, ["aspect_ratio", "not checked"]),
        ("tiers", {"enable_web_search": True}, ["cannot be made again"]),
        ("ended", {}, ["was to be removed on 1 January 2020", "ratio replaces it"]),
        ("remapped", {}, ["this id is answered by another model (ratio)"]),
        ("pixels", {"seed": " -1 "}, ["-1 is a seed like any other"]),
        ("styled", {"style_references": ["a.png"]}, ["may cost", "more than the price shown"]),
    ],
)
def test_what_a_model_ignores_in_silence_is_one_note(model, fields, words):
    (note,) = build(model=model, **fields).notes
    assert [word for word in words if word not in note] == []


def test_an_end_that_is_months_away_is_no_reason_for_a_note():
    assert build(model="far away").notes == ()


@pytest.mark.parametrize("fields", [{}, {"negative_prompt": "rain"}, {"steps": 30}])
def test_what_a_model_is_known_to_use_needs_no_note(fields):
    assert build(model="venice-sd35", **fields).notes == ()


def test_a_style_is_not_checked_where_the_styles_are_unknown_and_it_is_said():
    request = build(model="bare", style_preset="Whatever", catalogue=WITHOUT_STYLES)
    assert request.body(1)["style_preset"] == "Whatever"
    (note,) = request.notes
    assert "not checked" in note


def test_references_are_sent_as_base64_and_recorded_by_hash():
    request = build(model="styled", style_references=["a.png@0.5", Path("b.png")])
    assert request.reference_specs == ("a.png@0.5", Path("b.png"))
    ready = request.with_references([StyleReference(b"one", 0.5), StyleReference(b"two")])
    assert ready.body(1)["style_references"] == [{"image": "b25l", "strength": 0.5}, {"image": "dHdv"}]
    recorded = ready.record(1)
    assert [set(each) for each in recorded["style_references"]] == [{"image", "strength"}, {"image"}]
    assert all(each["image"].startswith("sha256:") for each in recorded["style_references"])
    without = {key: value for key, value in ready.body(1).items() if key != "style_references"}
    assert without == {key: value for key, value in recorded.items() if key != "style_references"}


def test_what_only_attributes_a_request_is_sent_and_is_no_part_of_its_identity():
    plain, attributed = build(width=512), build(width=512, anon_user_id="u-1")
    assert attributed.body(1) == {**plain.body(1), "anon_user_id": "u-1"}
    assert attributed.record(1) == plain.record(1)


def test_an_enhanced_prompt_is_sent_with_enhancement_off():
    request = build(enhance_prompt=True, width=512)
    again = request.with_prompt("a red fox")
    assert again.body(1) == {"model": "pixels", "prompt": "a red fox", "seed": 1, "width": 512}
    assert request.body(1)["enhance_prompt"] is True


@pytest.mark.parametrize(
    ("model", "fields", "resolution", "quality", "size"),
    [
        ("pixels", {}, "", "", "1024 × 1024"),
        ("pixels", {"width": 512}, "", "", "512 × 1024"),
        ("ratio", {}, "", "", "1:1"),
        ("ratio", {"aspect_ratio": "2:3"}, "", "", "2:3"),
        ("tiers", {}, "1K", "high", "1K · the shape is chosen by the model"),
        ("tiers", {"resolution": "4k", "quality": "Low", "aspect_ratio": "16:9"}, "4K", "low", "4K · 16:9"),
        ("lower", {}, "1k", "", "1k"),
    ],
)
def test_what_will_be_billed_and_drawn_is_explicit(model, fields, resolution, quality, size):
    request = build(model=model, **fields)
    assert (request.resolution, request.quality, request.size_text) == (resolution, quality, size)


def test_a_request_cannot_be_changed_after_it_was_checked():
    request = build(width=512)
    with pytest.raises(dataclasses.FrozenInstanceError):
        request.prompt = "b"
    with pytest.raises(TypeError):
        request.fields["width"] = 5
    request.body(1)["width"] = 5
    assert request.body(1)["width"] == 512


def test_the_canonical_form_is_that_of_rfc_8785():
    assert canonical({"b": 7.0, "a": "é\n", "c": [True, None], "d": 1e21}) == (
        '{"a":"é\\n","b":7,"c":[true,null],"d":1e+21}'.encode()
    )
    assert sha256_tag(b"") == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_the_order_in_which_fields_were_given_changes_no_hash():
    one = build(width=512, steps=3).body(1)
    other = build(steps=3, width=512).body(1)
    assert canonical(one) == canonical(other)


def test_a_number_beyond_json_is_refused_in_our_words():
    with pytest.raises(InvalidRequest, match="canonical JSON"):
        canonical(build(model="bare", steps=10**20).body(1))


anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.binary(max_size=4),
    st.decimals(),
    st.lists(st.integers() | st.text(max_size=5), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.just(object()),
)
plausible = {
    "model": st.sampled_from([raw["id"] for raw in ENTRIES]),
    "aspect_ratio": st.sampled_from([*RATIOS, "auto", "1:0", "a:b", "1e308:1e-308"]),
    "resolution": st.sampled_from(["1K", "1k", "4K", "8K"]),
    "quality": st.sampled_from(["low", "HIGH", "ultra"]),
    "width": st.integers(1, 1280),
    "height": st.integers(1, 1280),
    "steps": st.integers(1, 60),
    "style_preset": st.sampled_from(["Anime", "anime", ""]),
    "style_references": st.lists(st.sampled_from(["a.png", "a@0.5", "a@7", Path("b")]), max_size=3),
    "variants": st.integers(1, 4),
    "return_binary": st.booleans(),
    "anon_user_id": st.text("ab|~", min_size=1, max_size=4),
}
values = st.fixed_dictionaries({}, optional={name: plausible.get(name, anything) | anything for name in TABLE})


@settings(deadline=None)
@given(values, st.integers(-999_999_999, 999_999_999))
def test_any_field_values_give_a_body_or_one_of_our_errors(fields, seed):
    try:
        request = build(**fields)
        sent = canonical(request.body(seed))
    except VeniceError as error:
        refused = error
    else:
        assert_the_wire_would_take(json.loads(sent), request)
        return
    assert isinstance(refused, InvalidRequest)
    assert refused.remedy
    str(refused).encode()


@pytest.mark.skipif(SCHEMA is None, reason=ABSENT)
def test_the_published_schema_refuses_what_it_should():
    good = build(width=512, seed=1).body(1)
    assert_published(good)
    for bad in ({"width": 0}, {"variants": 5}, {"inpainting": 1}, {"format": "gif"}):
        with pytest.raises(jsonschema.ValidationError):
            assert_published({**good, **bad})


def assert_the_wire_would_take(body, request):
    """The documented schema and limits, held against the body on their own."""
    assert set(body) <= {*TABLE, "prompt"}
    assert_published(body)
    assert request.model.id not in ("offline", "bria-bg-remover")
    for name in set(body) - {"prompt", "seed"}:
        assert_in_the_table(name, body[name])
    assert not {"variants", "return_binary"} <= {name for name, value in body.items() if value}
    assert body.get("style_preset", "Anime") in ("Anime", "Analog Film")
    assert_within(request.model.entry["model_spec"]["constraints"], body)


def assert_in_the_table(name, value):
    kind, least, most, choices = TABLE[name]
    assert value in choices or not choices
    if kind is bool:
        assert isinstance(value, bool)
    if kind in (int, float):
        assert isinstance(value, int | float)
        assert not isinstance(value, bool)
        assert least <= value <= (most or math.inf)


def assert_within(limits, body):
    for name, listed in (("resolution", "resolutions"), ("aspect_ratio", "aspectRatios"), ("quality", "qualities")):
        if listed in limits:
            assert body.get(name, limits[listed][0]) in limits[listed]
    assert "resolution" not in body or "resolutions" in limits
    assert body.get("steps", 0) <= limits.get("steps", {}).get("max", math.inf)
    for name in {"width", "height"} & set(body):
        assert "aspectRatios" not in limits
        assert body[name] % limits.get("widthHeightDivisor", 1) == 0


def test_money_and_limits_are_not_confused_with_floats():
    assert build(cfg_scale=Decimal("7.5")).body(1)["cfg_scale"] == 7.5


NOT_TOLD = {"lora_strength"}
"""Fields that some models alone take, as the catalogue does not say which."""


def test_every_declaration_names_attributes_that_models_have():
    for facts in field_facts().values():
        named = (facts.about.listed, facts.about.supported_by, facts.about.model_default, facts.about.at_most)
        assert [name for name in named if name and not hasattr(CATALOGUE.models[0], name)] == [], facts.name


def test_a_field_that_only_some_models_take_says_what_in_the_catalogue_decides_it():
    """Without it `Model.takes` would say yes for every model, and nothing would notice."""
    for name in field_facts().keys() - NOT_TOLD:
        about = field_facts()[name].about
        assert about.taken_by.startswith("every model") or about.listed or about.supported_by, name


def test_a_price_list_is_indexed_by_fields_that_models_limit():
    for name, each in price_axes().items():
        assert name in each.by
        assert all(field_facts()[axis].about.listed for axis in each.by)
    lists = [each.name for each in price_lists()]
    assert lists.index("quality") < lists.index("resolutions") < lists.index("generation") == len(lists) - 1


@pytest.mark.parametrize("name", ["width", "steps", "cfg_scale", "variants", "lora_strength"])
@pytest.mark.parametrize("value", [True, False])
def test_a_switch_is_no_number(name, value):
    with pytest.raises(InvalidRequest, match=f"{name} {value} cannot be used"):
        check_fields({name: value})
