"""The catalogue: what can be read is read exactly, what cannot is reported, and nothing is guessed."""

import contextlib
import json
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from venice_widgets.errors import CatalogueError, ModelUnavailable
from venice_widgets.request.catalogue import Catalogue, FieldSupport, Model, Sizing, known_users, parse_catalogue
from venice_widgets.suggest import nearest


@pytest.fixture(autouse=True)
def _usual_recursion_limit():
    """Property tests and test runners raise the limit, and with it what the JSON parser dares to descend into."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)
    yield
    sys.setrecursionlimit(limit)


TRAITS = b'{"data": {"default": "z-image-turbo", "fastest": "z-image-turbo"}}'
STYLES = b'{"object": "list", "data": ["Analog Film", "Anime"]}'


def entry(id="z-image-turbo", constraints=None, pricing=None, **spec):  # noqa: A002  the wire's name
    """An entry as the wire has it."""
    groups = {"constraints": constraints, "pricing": pricing}
    spec |= {name: group for name, group in groups.items() if group is not None}
    return {"id": id, "type": "image", "object": "model", "model_spec": spec}


def catalogue_of(*entries, traits=TRAITS, styles=STYLES):
    return parse_catalogue(json.dumps({"data": entries}).encode(), traits, styles)


def only(raw):
    (model,) = catalogue_of(raw).models
    return model


FULL = entry(
    "gpt-image-2",
    name="GPT Image 2",
    description="Draws text.",
    privacy="anonymized",
    traits=["eliza-default"],
    offline=False,
    betaModel=True,
    uncensored=True,
    deprecation={
        "date": "2027-01-01",
        "startsAt": "2026-12-20",
        "removesAt": "2027-01-02",
        "autoRemap": True,
        "replacementModelId": "gpt-image-3",
    },
    supportsWebSearch=True,
    supportsStyleReferences=True,
    supportsOptimizePromptThinking=True,
    constraints={
        "promptCharacterLimit": 10000,
        "steps": {"default": 20, "max": 50},
        "widthHeightDivisor": 1,
        "aspectRatios": ["1:1", "3:2"],
        "defaultAspectRatio": "1:1",
        "resolutions": ["1K", "2K"],
        "defaultResolution": "1K",
        "qualities": ["low", "high"],
        "defaultQuality": "high",
        "maxStyleReferences": 3,
        "supportsStyleReferenceStrength": True,
    },
    pricing={
        "generation": {"usd": 0.0375, "diem": 9},
        "resolutions": {"1K": {"usd": 0.27}, "2K": {"usd": 0.51}},
        "quality": {"1K": {"low": {"usd": 0.02}, "high": {"usd": 0.26}}},
        "upscale": {"2x": {"usd": 0.99}},
    },
)


def test_every_fact_of_an_entry_is_read_from_where_the_wire_keeps_it():
    model = only(FULL)
    read = model.model_dump(exclude={"entry"})
    assert read == read | {
        "id": "gpt-image-2",
        "name": "GPT Image 2",
        "description": "Draws text.",
        "privacy": "anonymized",
        "traits": ("eliza-default",),
        "offline": False,
        "beta": True,
        "uncensored": True,
        "deprecation": {
            "date": "2027-01-01",
            "starts_at": "2026-12-20",
            "removes_at": "2027-01-02",
            "auto_remap": True,
            "replacement": "gpt-image-3",
        },
        "supports_web_search": True,
        "supports_style_references": True,
        "supports_optimize_prompt_thinking": True,
        "prompt_character_limit": 10000,
        "steps_default": 20,
        "steps_max": 50,
        "width_height_divisor": 1,
        "aspect_ratios": ("1:1", "3:2"),
        "default_aspect_ratio": "1:1",
        "resolutions": ("1K", "2K"),
        "default_resolution": "1K",
        "qualities": ("low", "high"),
        "default_quality": "high",
        "max_style_references": 3,
        "supports_style_reference_strength": True,
        "prices": {
            "quality": {"1K": {"low": Decimal("0.02"), "high": Decimal("0.26")}},
            "resolutions": {"1K": Decimal("0.27"), "2K": Decimal("0.51")},
            "generation": Decimal("0.0375"),
        },
    }
    assert model.entry["model_spec"]["pricing"]["upscale"] == {"2x": {"usd": Decimal("0.99")}}


@pytest.mark.parametrize("raw", [{"id": "m"}, entry("m"), {"id": "m", "model_spec": None}, entry("m", {}, {})])
def test_what_is_missing_stays_missing_and_an_unknown_price_is_never_zero(raw):
    model = only(raw)
    assert (model.prices, model.unit_prices(), model.price_range) == ({}, (), "unknown")
    assert (model.prompt_character_limit, model.steps_max, model.width_height_divisor) == (None, None, None)
    assert model.sizing is Sizing.PIXELS


def test_a_null_means_the_same_as_a_missing_field():
    nulls = {
        "type": None,
        "model_spec": {"traits": None, "constraints": {"steps": None}, "pricing": {"generation": None}},
    }
    model = only({"id": "m", **nulls})
    assert (model.traits, model.steps_max, model.prices) == ((), None, {})


def test_a_price_is_read_exactly_however_it_is_written():
    for text in (b"0.1", b"1e-1", b"0.10", b'"0.1"'):
        raw = b'[{"id":"m","model_spec":{"pricing":{"generation":{"usd":' + text + b"}}}}]"
        assert parse_catalogue(raw).models[0].prices == {"generation": Decimal("0.1")}


def test_a_free_model_is_free_and_not_unknown():
    assert only(entry(pricing={"generation": {"usd": 0}})).unit_prices() == (Decimal(0),)


@pytest.mark.parametrize(
    ("constraints", "sizing"),
    [
        ({"resolutions": ["1K"], "aspectRatios": ["1:1"], "widthHeightDivisor": 8}, Sizing.TIERS),
        ({"resolutions": ["1K"]}, Sizing.TIERS),
        ({"aspectRatios": ["1:1"], "widthHeightDivisor": 8}, Sizing.RATIO),
        ({"resolutions": [], "aspectRatios": ["1:1"]}, Sizing.RATIO),
        ({"widthHeightDivisor": 8}, Sizing.PIXELS),
        ({}, Sizing.PIXELS),
    ],
)
def test_a_model_is_sized_by_tiers_else_ratio_else_pixels(constraints, sizing):
    assert only(entry(constraints=constraints)).sizing is sizing


@pytest.mark.parametrize(
    ("pricing", "expected"),
    [
        ({"generation": {"usd": 0.05}}, ["0.05"]),
        ({"generation": {"usd": 0.05}, "resolutions": {"2K": {"usd": 0.2}, "1K": {"usd": 0.1}}}, ["0.1", "0.2"]),
        (
            {"resolutions": {"1K": {"usd": 0.27}}, "quality": {"1K": {"high": {"usd": 0.26}, "low": {"usd": 0.02}}}},
            ["0.02", "0.26"],
        ),
        ({"upscale": {"2x": {"usd": 0.02}}}, []),
    ],
)
def test_the_price_range_is_of_what_is_billed_for_an_image(pricing, expected):
    assert list(only(entry(pricing=pricing)).unit_prices()) == [Decimal(price) for price in expected]


BAD = {
    "no id": {"type": "image", "model_spec": {}},
    "an empty id": {"id": ""},
    "an id that is no text": {"id": 7},
    "no object": "z-image-turbo",
    "a number": 3,
    "a null": None,
    "a negative price": entry("bad", pricing={"generation": {"usd": -0.01}}),
    "a price that is no number": entry("bad", pricing={"generation": {"usd": "free"}}),
    "a price that is true": entry("bad", pricing={"generation": {"usd": True}}),
    "a price of NaN": entry("bad", pricing={"generation": {"usd": float("nan")}}),
    "a price without end": entry("bad", pricing={"resolutions": {"1K": {"usd": float("inf")}}}),
    "prices in a list": entry("bad", pricing=[{"usd": 0.01}]),
    "prices in words": entry("bad", pricing="free"),
    "limits in words": entry("bad", "none"),
    "steps in words": entry("bad", {"steps": "20"}),
    "a specification in words": {"id": "bad", "model_spec": "none"},
    "ratios in words": entry("bad", {"aspectRatios": "1:1"}),
    "a ratio that is no text": entry("bad", {"aspectRatios": [1.5]}),
    "a limit below one": entry("bad", {"promptCharacterLimit": 0}),
    "a divisor of zero": entry("bad", {"widthHeightDivisor": 0}),
    "half a character": {"id": "\ud800"},
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
@pytest.mark.parametrize("place", [0, 1])
def test_one_bad_entry_loses_only_itself_and_is_named(bad, place):
    entries = [entry("good"), entry("fine")]
    entries.insert(place, bad)
    catalogue = catalogue_of(*entries)
    assert [model.id for model in catalogue.models] == ["good", "fine"]
    (problem,) = catalogue.problems
    named = isinstance(bad, dict) and isinstance(bad.get("id"), str) and bad["id"]
    assert problem.name == (named or f"entry {place}")
    assert problem.reason


def test_an_entry_nested_without_end_loses_only_itself():
    nested = '{"a":' * 600 + "1" + "}" * 600
    raw = f'{{"data":[{{"id":"deep","x":{nested}}},{{"id":"good"}}]}}'.encode()
    catalogue = parse_catalogue(raw, TRAITS, STYLES)
    read, reported = {model.id for model in catalogue.models}, {problem.name for problem in catalogue.problems}
    assert "good" in read
    assert read ^ reported == {"deep", "good"}, "since Python 3.12 so deep an entry can be read"


def test_an_id_that_stands_twice_keeps_its_first_entry_and_is_named():
    first, second = entry("m", pricing={"generation": {"usd": 1}}), entry("m", pricing={"generation": {"usd": 2}})
    catalogue = catalogue_of(first, second)
    assert [model.unit_prices() for model in catalogue.models] == [(Decimal(1),)]
    assert [problem.name for problem in catalogue.problems] == ["m"]


def test_what_is_no_image_model_is_left_out_and_is_no_problem():
    catalogue = catalogue_of({"id": "llama", "type": "text"}, entry("m"))
    assert [model.id for model in catalogue.models] == ["m"]
    assert catalogue.problems == ()


def test_a_bare_array_of_models_is_read_too():
    assert [model.id for model in parse_catalogue(b'[{"id": "m"}]').models] == ["m"]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html>Bad gateway</html>",
        b"{}",
        b'{"data": {}}',
        b"null",
        b'"x"',
        b"3",
        b"\xff\xfe\xfd",
        b"[" * 100_000,
        b'{"data": [1e99999999999999999999]}',
        b"[" + b"9" * 10_000 + b"]",
    ],
)
def test_what_is_no_list_of_models_is_a_catalogue_error(answer):
    with pytest.raises(CatalogueError, match="list of models"):
        parse_catalogue(answer)


def test_the_traits_endpoint_decides_and_the_entries_fill_in():
    entries = [entry("a", traits=["default", "eliza-default"]), entry("b")]
    catalogue = catalogue_of(*entries, traits=b'{"data": {"default": "b", "odd": 3}}')
    assert catalogue.find("default").id == "b"
    assert catalogue.find("eliza-default").id == "a"
    assert catalogue.find("odd") is None


@pytest.mark.parametrize(
    "traits", [None, b"", b"[]", b'{"data": []}', b"null", b"<html>", b'{"data": 1e9999999999999999999}']
)
def test_without_readable_traits_the_entries_own_are_used_and_it_is_said(traits):
    catalogue = catalogue_of(entry("a", traits=["default"]), traits=traits)
    assert catalogue.resolve(None).id == "a"
    assert [problem.name for problem in catalogue.problems] == ["traits"]


@pytest.mark.parametrize("styles", [STYLES, b'["Analog Film", "Anime"]'])
def test_styles_are_read_from_a_list_or_a_bare_array(styles):
    assert catalogue_of(entry(), styles=styles).styles == ("Analog Film", "Anime")


@pytest.mark.parametrize("styles", [None, b"", b"{}", b'{"data": {}}', b"<html>", b'[{"name": "Anime"}]'])
def test_unreadable_styles_are_unknown_rather_than_none_at_all(styles):
    catalogue = catalogue_of(entry(), styles=styles)
    assert catalogue.styles is None
    assert [problem.name for problem in catalogue.problems] == ["styles"]


def test_a_style_that_is_no_name_is_reported_and_loses_only_itself():
    catalogue = catalogue_of(entry(), styles=b'["Anime", 3]')
    assert catalogue.styles == ("Anime",)
    assert [problem.name for problem in catalogue.problems] == ["styles"]


def test_an_id_wins_over_a_trait_and_case_counts():
    catalogue = catalogue_of(entry("fastest"), entry("wai-Illustrious"), entry(), traits=TRAITS)
    assert catalogue.find("fastest").id == "fastest"
    assert catalogue.find("default").id == "z-image-turbo"
    assert catalogue.find("wai-illustrious") is None
    with pytest.raises(ModelUnavailable, match="Did you mean wai-Illustrious"):
        catalogue.resolve("wai-illustrious")


def test_no_name_means_the_default_trait():
    assert catalogue_of(entry("a"), entry()).resolve(None).id == "z-image-turbo"
    with pytest.raises(ModelUnavailable, match="no default model"):
        catalogue_of(entry("a")).resolve(None)


@pytest.mark.parametrize(
    ("raw", "name", "says"),
    [
        (entry(), "z-image-trubo", "Did you mean z-image-turbo"),
        (entry(), "nothing like it", "not in the catalogue"),
        (entry("other"), "fastest", "fastest stands for 'z-image-turbo', which is not in the catalogue"),
        (entry("bria-bg-remover"), "bria-bg-remover", "makes no images"),
        (entry("m", offline=True), "m", "offline"),
    ],
)
def test_a_model_that_cannot_be_had_is_refused_with_what_to_do(raw, name, says):
    with pytest.raises(ModelUnavailable, match=says) as caught:
        catalogue_of(raw).resolve(name)
    assert caught.value.field == "model"
    assert "Nothing was sent." in caught.value.remedy
    assert "%venice models" in caught.value.remedy


SEED_HONOURED = ["z-image-turbo", "seedream-v4", "nano-banana-2", "venice-sd35", "ideogram-v4-6"]
SEED_IGNORED = [
    "gpt-image-2",
    "gpt-image-1-5",
    "muse-1",
    "luma-photon",
    "recraft-v4-pro",
    "imagineart-1.5-pro",
    "ImagineArt-2",
    "seedream-v5-pro",
    "nano-banana-pro",
    "grok-imagine-2",
]
SEED_UNKNOWN = ["flux-2-pro", "seedream-v5-lite", "seedream-v4-5", "qwen-image", "krea-v2-large", "a-new-model"]
NEGATIVE_HONOURED = ["venice-sd35", "lustify-v8", "wai-Illustrious", "qwen-image-2", "qwen-image-2-pro"]
NEGATIVE_HONOURED += ["qwen-image-3", "qwen-image-3-pro", "wan-2-7-text-to-image"]


@pytest.mark.parametrize(
    ("name", "ids", "expected"),
    [
        ("seed", SEED_HONOURED, FieldSupport.SUPPORTED),
        ("seed", SEED_IGNORED, FieldSupport.IGNORED),
        ("seed", SEED_UNKNOWN, FieldSupport.UNKNOWN),
        ("negative_prompt", NEGATIVE_HONOURED, FieldSupport.SUPPORTED),
        ("negative_prompt", ["z-image-turbo", "chroma"], FieldSupport.IGNORED),
        ("negative_prompt", ["flux-2-pro", "qwen-image"], FieldSupport.UNKNOWN),
        ("steps", ["venice-sd35", "lustify-v7", "wai-Illustrious"], FieldSupport.SUPPORTED),
        ("steps", ["flux-2-pro"], FieldSupport.UNKNOWN),
    ],
)
def test_what_a_model_does_with_a_field_is_told_as_far_as_it_is_known(name, ids, expected):
    assert {id_: only(entry(id_)).support(name) for id_ in ids} == dict.fromkeys(ids, expected)


@pytest.mark.parametrize(
    ("group", "name", "value", "expected"),
    [
        (None, "supportsSeed", True, FieldSupport.SUPPORTED),
        (None, "supportsSeed", False, FieldSupport.IGNORED),
        ("capabilities", "repeatable", True, FieldSupport.SUPPORTED),
        ("constraints", "ignoresSeed", True, FieldSupport.IGNORED),
        ("constraints", "seed", {"max": 1}, None),
    ],
)
@pytest.mark.parametrize("id_", ["z-image-turbo", "gpt-image-2", "flux-2-pro"])
def test_a_boolean_about_seeds_in_an_entry_wins_over_the_table(id_, group, name, value, expected):
    raw = entry(id_, {name: value} if group == "constraints" else None)
    raw["model_spec"] |= {group: {name: value}} if group == "capabilities" else {name: value} if group is None else {}
    assert only(raw).support("seed") is (expected or only(entry(id_)).support("seed"))


@pytest.mark.parametrize(
    ("privacy", "private"),
    [("private", True), ("anonymized", False), ("", False), ("provider may keep prompts", False)],
)
def test_only_the_word_private_counts_as_private(privacy, private):
    model = only(entry(privacy=privacy))
    assert (model.is_private, model.privacy) == (private, privacy)


def test_states_are_told_once_each_with_the_end_as_people_write_it():
    gone = {"removesAt": "2999-12-10T00:00:00.000Z", "replacementModelId": "new"}
    model = only(entry(offline=True, betaModel=True, deprecation=gone))
    assert model.states() == ("offline", "beta", "going away on 10 December 2999, replaced by new")
    assert only(entry()).states() == ()
    assert only(entry("bria-bg-remover")).states() == ("makes no images from text",)


@pytest.mark.parametrize("notice", ["2027-01-01", [1], 7, {"date": 7, "autoRemap": "x"}, {"removesAt": None}])
def test_a_notice_in_an_odd_shape_does_not_cost_a_model_its_entry(notice):
    assert only(entry(deprecation=notice)).id == "z-image-turbo"


def test_help_can_name_the_models_known_to_use_a_field():
    assert "venice-sd35" in known_users("steps")
    assert "qwen-image-2" in known_users("negative_prompt")


def test_what_a_model_takes_is_said_by_its_entry():
    tiers, pixels = only(FULL), only(entry())
    of_tiers = ("aspect_ratio", "resolution", "quality", "style_references", "enable_web_search")
    assert all(tiers.takes(name) and not pixels.takes(name) for name in of_tiers)
    assert all(pixels.takes(name) and not tiers.takes(name) for name in ("width", "height"))
    assert all(model.takes(name) for model in (tiers, pixels) for name in ("negative_prompt", "seed", "format"))
    with pytest.raises(KeyError):
        tiers.takes("no_such_field")


def test_what_a_model_lists_and_defaults_to_is_found_by_the_name_of_the_field():
    tiers, pixels = only(FULL), only(entry())
    assert (tiers.allowed("quality"), tiers.default_of("quality")) == (("low", "high"), "high")
    assert (pixels.allowed("quality"), pixels.default_of("quality")) == ((), None)
    assert (pixels.allowed("format"), pixels.default_of("format")) == (("jpeg", "png", "webp"), None)
    assert tiers.default_of("steps") == 20


@pytest.mark.parametrize(
    ("name", "best"),
    [("flux", "flux-2-pro"), ("FLUX-2-PRO", "flux-2-pro"), ("flux-2-por", "flux-2-pro"), ("chroma-hd", "chroma")],
)
def test_the_nearest_name_comes_first(name, best):
    assert nearest(name, ["chroma", "flux-2-pro", "qwen"])[0] == best


def test_a_name_that_was_not_written_to_its_end_is_meant_before_one_that_is_spelled_alike():
    assert nearest("z-image", ["qwen-image", "muse-image", "z-image-turbo"])[0] == "z-image-turbo"


def test_nothing_near_is_nothing():
    assert nearest("zzz", ["chroma", "flux"]) == []
    assert nearest("sd35", ["chroma", "venice-sd35"]) == ["venice-sd35"]
    assert nearest("z-image-turb", ["gpt-image-2", "z-image-turbo"]) == ["z-image-turbo"]
    assert nearest("", ["chroma"]) == []
    assert nearest("x", []) == []


@settings(deadline=None)
@given(st.text(max_size=20), st.lists(st.text(max_size=20), max_size=8))
def test_near_names_are_always_candidates(name, candidates):
    near = nearest(name, candidates)
    assert set(near) <= set(candidates)
    assert len(near) == len(set(near)) <= 3


def test_a_catalogue_knows_its_age_and_where_it_came_from():
    then = datetime.now(UTC) - timedelta(hours=2)
    catalogue = parse_catalogue(b"[]", base_url="https://h", fetched_at=then)
    assert catalogue.base_url == "https://h"
    assert 7200 <= catalogue.age_seconds < 7260
    assert parse_catalogue(b"[]").fetched_at.tzinfo is UTC


def test_facts_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        only(entry()).id = "other"
    with pytest.raises(AttributeError):
        catalogue_of(entry()).models = ()


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
name_like = st.sampled_from(["1K", "1k", "2K", "low", "high", "1:1", "16:9", "auto"])
number_like = st.integers(-5, 40_000) | st.floats() | st.sampled_from(["0.01", "x", 1e300])
price_like = st.fixed_dictionaries({}, optional={"usd": number_like | anything, "diem": number_like}) | anything
prices = st.dictionaries(name_like, price_like, max_size=3) | anything
pricing_like = (
    st.fixed_dictionaries(
        {},
        optional={
            "generation": price_like,
            "resolutions": prices,
            "quality": st.dictionaries(name_like, prices, max_size=3) | anything,
        },
    )
    | anything
)
names = st.lists(name_like, max_size=3) | anything
constraints_like = (
    st.fixed_dictionaries(
        {},
        optional={
            "promptCharacterLimit": number_like | anything,
            "steps": st.fixed_dictionaries({}, optional={"default": number_like, "max": number_like | anything})
            | anything,
            "widthHeightDivisor": number_like | anything,
            "aspectRatios": names,
            "resolutions": names,
            "defaultResolution": name_like | anything,
            "qualities": names,
            "defaultQuality": name_like | anything,
            "maxStyleReferences": number_like,
        },
    )
    | anything
)
spec_like = (
    st.fixed_dictionaries(
        {}, optional={"constraints": constraints_like, "pricing": pricing_like, "traits": names, "offline": anything}
    )
    | anything
)
entry_like = (
    st.fixed_dictionaries(
        {"id": st.sampled_from(["a", "b", "c"]) | anything},
        optional={"type": st.sampled_from(["image", "text", None]), "model_spec": spec_like},
    )
    | anything
)


@settings(deadline=None)
@given(st.lists(entry_like, max_size=4), anything, anything)
def test_any_catalogue_shaped_json_parses_or_is_reported(entries, traits, styles):
    catalogue = parse_catalogue(
        json.dumps({"data": [*entries, entry("the good one")]}).encode(),
        json.dumps({"data": traits}).encode(),
        json.dumps({"data": styles}).encode(),
    )
    assert catalogue.models[-1].id == "the good one"
    reported = [problem for problem in catalogue.problems if problem.name not in ("traits", "styles")]
    of_another_type = [raw for raw in entries if isinstance(raw, dict) and raw.get("type") == "text"]
    left_out = len(entries) - (len(catalogue.models) - 1) - len(reported)
    assert 0 <= left_out <= len(of_another_type)
    for model in catalogue.models:
        assert_every_price_is_stated(model)


def assert_every_price_is_stated(model: Model) -> None:
    """No price but those that stand in the entry, and none that is no amount."""
    stated = (model.entry.get("model_spec") or {}).get("pricing") or {}
    for name, prices in model.prices.items():
        assert stated.get(name) is not None
        assert isinstance(prices, Decimal) or set(prices) <= set(stated[name])
    for price in model.unit_prices():
        assert isinstance(price, Decimal)
        assert price.is_finite()
        assert price >= 0


@settings(deadline=None)
@given(st.binary(max_size=60) | anything.map(lambda value: json.dumps(value).encode()), st.binary(max_size=20))
@example(b'{"data": [NaN, Infinity, {"id": "a", "model_spec": {"pricing": {"generation": NaN}}}]}', b"")
def test_any_answer_at_all_gives_a_catalogue_or_a_catalogue_error(models, other):
    with contextlib.suppress(CatalogueError):
        assert isinstance(parse_catalogue(models, other, other), Catalogue)


@pytest.mark.parametrize(("hours", "old"), [(0, False), (0.9, False), (1.1, True), (-480, True), (-0.05, False)])
def test_a_catalogue_that_is_dated_in_the_future_is_as_good_as_old(hours, old):
    then = datetime.now(UTC) - timedelta(hours=hours)
    assert parse_catalogue(b"[]", fetched_at=then).is_older_than(3600) is old
