"""The price: the documented rule, worked out here from the raw JSON and held against what the module says."""

import json
from decimal import Decimal
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from venice_widgets.money import usd_text
from venice_widgets.request.catalogue import parse_catalogue
from venice_widgets.request.estimate import estimate
from venice_widgets.request.request import GenerationRequest

CENT_TIERS = {"1K": {"usd": 0.27}, "2K": {"usd": 0.51}, "4K": {"usd": 0.84}}
MATRIX = {
    "1K": {"low": {"usd": 0.02}, "medium": {"usd": 0.07}, "high": {"usd": 0.26}},
    "2K": {"low": {"usd": 0.03}, "medium": {"usd": 0.13}, "high": {"usd": 0.5}},
    "4K": {"low": {"usd": 0.05}, "medium": {"usd": 0.21}, "high": {"usd": 0.83}},
}
TIERS = {"resolutions": ["1K", "2K", "4K"], "defaultResolution": "1K"}
QUALITIES = {"qualities": ["low", "medium", "high"], "defaultQuality": "high"}


def entry(id, pricing, constraints=None, **spec):  # noqa: A002  the wire's name
    return {"id": id, "type": "image", "model_spec": {"pricing": pricing, "constraints": constraints or {}, **spec}}


ENTRIES = [
    entry("flat", {"generation": {"usd": 0.01, "diem": 0.01}, "upscale": {"2x": {"usd": 0.02}}}),
    entry("more-decimals", {"generation": {"usd": 0.0375}}, {"aspectRatios": ["1:1"]}),
    entry("only-diem-differs", {"generation": {"usd": 0.05, "diem": 99}}),
    entry("tiered", {"resolutions": {"1K": {"usd": 0.1}, "2K": {"usd": 0.14}, "4K": {"usd": 0.19}}}, TIERS),
    entry(
        "two-tiers", {"resolutions": {"1K": {"usd": 0.06}, "2K": {"usd": 0.11}}}, {**TIERS, "resolutions": ["1K", "2K"]}
    ),
    entry("tiers-and-one-price", {"generation": {"usd": 0.08}}, TIERS),
    entry(
        "tiers-over-flat", {"generation": {"usd": 9}, "resolutions": {"1K": {"usd": 0.1}, "2K": {"usd": 0.2}}}, TIERS
    ),
    entry("spelled-otherwise", {"resolutions": {"1k": {"usd": 0.1}, "2k": {"usd": 0.2}, "4k": {"usd": 0.3}}}, TIERS),
    entry("no-default-tier", {"resolutions": {"1K": {"usd": 0.1}}}, {"resolutions": ["1K"]}),
    entry("matrix", {"quality": MATRIX, "resolutions": CENT_TIERS}, {**TIERS, **QUALITIES}),
    entry("matrix-alone", {"quality": MATRIX}, {**TIERS, **QUALITIES}),
    entry("matrix-over-cheaper", {"quality": MATRIX, "resolutions": {"1K": {"usd": 0.01}}}, {**TIERS, **QUALITIES}),
    entry(
        "matrix-over-all",
        {"quality": MATRIX, "resolutions": CENT_TIERS, "generation": {"usd": 0.01}},
        {**TIERS, **QUALITIES, "defaultQuality": "low"},
    ),
    entry(
        "matrix-spelled-otherwise",
        {"quality": {"1k": {"LOW": {"usd": 0.02}, "HIGH": {"usd": 0.2}}}, "resolutions": {"1k": {"usd": 0.21}}},
        {"resolutions": ["1K"], "defaultResolution": "1K", "qualities": ["low", "high"], "defaultQuality": "high"},
    ),
    entry(
        "other-qualities",
        {"quality": {"2K": {"draft": {"usd": 0.004}, "final": {"usd": 0.4}}}},
        {"resolutions": ["2K"], "defaultResolution": "2K", "qualities": ["draft", "final"], "defaultQuality": "final"},
    ),
    entry("no-default-quality", {"quality": MATRIX}, {**TIERS, "qualities": ["low", "medium", "high"]}),
    entry("holes", {"quality": {"1K": {"low": {"usd": 0.02}}, "2K": {}}}, {**TIERS, **QUALITIES}),
    entry(
        "holes-of-null",
        {"quality": {"1K": {"low": {"usd": 0.02}, "high": None, "medium": {"usd": None}}}},
        {**TIERS, **QUALITIES},
    ),
    entry(
        "qualities-without-matrix", {"resolutions": {"1K": {"usd": 0.1}, "2K": {"usd": 0.1}}}, {**TIERS, **QUALITIES}
    ),
    entry("qualities-and-one-price", {"generation": {"usd": 0.1}}, {**QUALITIES, "aspectRatios": ["1:1"]}),
    entry(
        "a-half-tier",
        {"resolutions": {"1K": {"usd": 0.04}, "1.5K": {"usd": 0.05}, "2K": {"usd": 0.05}}},
        {"resolutions": ["2K", "1.5K", "1K"], "defaultResolution": "1.5K"},
    ),
    entry(
        "no-1K",
        {"resolutions": {"2K": {"usd": 0.07}, "4K": {"usd": 0.12}}},
        {"resolutions": ["2K", "4K"], "defaultResolution": "2K"},
    ),
    entry(
        "no-high",
        {"quality": {"1K": {"low": {"usd": 0.05}, "medium": {"usd": 0.07}}}},
        {"resolutions": ["1K"], "defaultResolution": "1K", "qualities": ["low", "medium"], "defaultQuality": "medium"},
    ),
    entry("no-price", {}),
    entry("only-upscale", {"upscale": {"2x": {"usd": 0.02}}}),
    entry("searching", {"generation": {"usd": 0.1}}, supportsWebSearch=True),
]
SHARED = [Path(__file__).parents[up] / "shared/data/models-image.json" for up in (3, 4)]


def published():
    """The catalogue as published, where this checkout has it beside it."""
    return next((json.loads(path.read_text())["data"] for path in SHARED if path.exists()), [])


def build(raw, **fields):
    catalogue = parse_catalogue(json.dumps({"data": [raw]}).encode())
    return GenerationRequest.build("a fox", {"model": raw["id"], **fields}, catalogue)


def estimated(name, *, requests=1, **fields):
    return estimate(build(next(raw for raw in ENTRIES if raw["id"] == name), **fields), requests)


def without_case(table, name):
    return {key.lower(): value for key, value in (table or {}).items()}.get((name or "").lower())


def stated(price):
    return None if price is None or price["usd"] is None else Decimal(str(price["usd"]))


def price_by_the_rule(raw, resolution=None, quality=None):
    """Section 6: the matrix, else the tier's price, else the one price; defaults stand in for what is omitted."""
    pricing, limits = raw["model_spec"]["pricing"], raw["model_spec"]["constraints"]
    tier = resolution or limits.get("defaultResolution")
    if pricing.get("quality"):
        row = without_case(pricing["quality"], tier)
        return stated(without_case(row, quality or limits.get("defaultQuality")))
    default = limits.get("defaultQuality", "")
    if limits.get("qualities") and (quality or default).lower() != default.lower():
        return None  # qualities without a matrix: what is stated holds for the default alone
    if pricing.get("resolutions"):
        return stated(without_case(pricing["resolutions"], tier))
    return stated(pricing.get("generation"))


def guard_by_the_rule(raw, resolution=None, quality=None):
    """At the default quality, the larger of the matrix and the legacy schedule."""
    price = price_by_the_rule(raw, resolution, quality)
    pricing, limits = raw["model_spec"]["pricing"], raw["model_spec"]["constraints"]
    default = limits.get("defaultQuality", "")
    if price is None or not pricing.get("quality") or (quality or default).lower() != default.lower():
        return price
    legacy = stated(without_case(pricing.get("resolutions"), resolution or limits.get("defaultResolution")))
    return max(price, legacy or price)


def assert_priced_by_the_rule(raw):
    limits = raw["model_spec"]["constraints"]
    resolutions, qualities = [None, *limits.get("resolutions", [])], [None, *limits.get("qualities", [])]
    for resolution, quality, requests, variants, enhanced in product(
        resolutions, qualities, (1, 3), (None, 4), (None, True)
    ):
        priced = estimate(
            build(raw, resolution=resolution, quality=quality, variants=variants, enhance_prompt=enhanced), requests
        )
        images = requests * (variants or 1)
        fee = Decimal("0.04") if enhanced else Decimal(0)
        unit, guard = price_by_the_rule(raw, resolution, quality), guard_by_the_rule(raw, resolution, quality)
        where = (raw["id"], resolution, quality, requests, variants, enhanced)
        assert priced.images == images, where
        assert (priced.unit_price_usd, priced.guard_unit_price_usd) == (unit, guard), where
        assert priced.price_usd == (None if unit is None else unit * images + fee), where
        assert priced.upper_bound_usd == (None if guard is None else guard * images + fee), where


FREE = entry("free", {"generation": {"usd": 0}})


@pytest.mark.parametrize("raw", ENTRIES, ids=lambda raw: raw["id"])
def test_every_shape_of_pricing_follows_the_rule(raw):
    assert_priced_by_the_rule(raw)


@pytest.mark.skipif(not published(), reason="../shared/data/models-image.json is not beside this checkout")
def test_every_published_model_follows_the_rule_and_has_a_price():
    for raw in published():
        if raw["id"] != "bria-bg-remover":
            assert_priced_by_the_rule(raw)
            assert price_by_the_rule(raw) is not None


amounts = st.integers(1, 10**7).map(lambda micro: {"usd": micro / 10**6})


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["1K", "2k", "4K"]),
        st.dictionaries(st.sampled_from(["low", "High", "final"]), amounts, max_size=3),
        max_size=3,
    ),
    st.dictionaries(st.sampled_from(["1k", "2K", "4K"]), amounts, max_size=3),
    st.none() | amounts,
    st.none() | st.sampled_from(["1K", "2K", "8K"]),
    st.none() | st.sampled_from(["low", "high"]),
)
def test_any_pricing_follows_the_rule(matrix, tiers, flat, default_resolution, default_quality):
    pricing = {"quality": matrix, "resolutions": tiers, **({"generation": flat} if flat else {})}
    limits = {"resolutions": ["1K", "2K"], "qualities": ["low", "high"]}
    limits |= {"defaultResolution": default_resolution} if default_resolution else {}
    limits |= {"defaultQuality": default_quality} if default_quality else {}
    raw = entry("m", pricing, limits)
    for resolution, quality in product((None, "1K", "2K"), (None, "low", "high")):
        priced = estimate(build(raw, resolution=resolution, quality=quality))
        assert priced.price_usd == price_by_the_rule(raw, resolution, quality)
        assert priced.upper_bound_usd == guard_by_the_rule(raw, resolution, quality)


@pytest.mark.parametrize(
    ("name", "fields", "requests", "text"),
    [
        ("flat", {}, 2, "2 × $0.01 = $0.02"),
        ("more-decimals", {}, 2, "2 × $0.0375 = $0.075"),
        ("a-half-tier", {}, 1, "1 × $0.05 = $0.05 · resolution 1.5K (the model's default)"),
        (
            "qualities-without-matrix",
            {},
            1,
            "1 × $0.10 = $0.10 · resolution 1K, quality high (the model's default)",
        ),
        ("matrix", {"resolution": "2K", "quality": "medium"}, 2, "2 × $0.13 = $0.26"),
        (
            "matrix",
            {},
            1,
            (
                "1 × $0.26 = $0.26 (at most $0.27) · the catalogue also lists $0.27 an image · "
                "resolution 1K, quality high (the model's default)"
            ),
        ),
        (
            "matrix",
            {"resolution": "4K"},
            1,
            (
                "1 × $0.83 = $0.83 (at most $0.84) · the catalogue also lists $0.84 an image · "
                "quality high (the model's default)"
            ),
        ),
        (
            "matrix",
            {"resolution": "4K", "quality": "high"},
            1,
            "1 × $0.83 = $0.83 (at most $0.84) · the catalogue also lists $0.84 an image",
        ),
        ("matrix-over-cheaper", {"resolution": "1K", "quality": "high"}, 1, "1 × $0.26 = $0.26"),
        ("tiered", {}, 1, "1 × $0.10 = $0.10 · resolution 1K (the model's default)"),
        ("flat", {"enhance_prompt": True}, 3, "3 × $0.01 + up to $0.04 for enhancement = $0.07"),
        ("flat", {"enhance_prompt": False}, 3, "3 × $0.01 = $0.03"),
        ("searching", {"enable_web_search": True}, 3, "3 × $0.10 + up to $0.03 for web search = $0.33"),
        ("flat", {"variants": 4}, 1, "4 × $0.01 = $0.04"),
        ("no-price", {}, 2, "2 × unknown: the catalogue states no price for no-price"),
    ],
)
def test_the_price_is_written_as_a_sum_with_the_defaults_that_will_be_billed(name, fields, requests, text):
    assert estimated(name, requests=requests, **fields).text == text


@pytest.mark.parametrize(
    ("name", "fields", "missing"),
    [
        ("no-price", {}, "no-price"),
        ("only-upscale", {}, "only-upscale"),
        ("no-default-tier", {}, "no resolution and no default"),
        ("no-default-quality", {}, "resolution 1K"),
        ("holes", {}, "resolution 1K quality high"),
        ("holes", {"resolution": "2K", "quality": "low"}, "resolution 2K quality low"),
        ("holes", {"resolution": "4K"}, "resolution 4K"),
        ("holes-of-null", {}, "resolution 1K quality high"),
        ("qualities-without-matrix", {"quality": "low"}, "quality low, only for the default, high"),
        ("qualities-and-one-price", {"quality": "medium"}, "quality medium, only for the default, high"),
    ],
)
def test_a_price_that_cannot_be_found_is_unknown_and_says_why(name, fields, missing):
    priced = estimated(name, requests=2, enhance_prompt=True, **fields)
    assert priced.price_usd is None
    assert priced.upper_bound_usd is None
    assert priced.unit_price_usd is None
    assert missing in priced.basis
    assert "2 × unknown" in priced.text


def test_a_price_of_zero_is_shown_as_it_is_stated_and_is_no_bound():
    free = estimate(build(FREE), 2)
    assert (free.text, free.price_usd, free.upper_bound_usd) == ("2 × $0.00 = $0.00", Decimal(0), None)
    assert "$0.00" in free.why_unbounded
    assert estimate(build(FREE), 2, simulated=True).upper_bound_usd == Decimal(0)
    assert estimate(build(FREE), 0).upper_bound_usd == Decimal(0), "nothing is sent"


@pytest.mark.parametrize(
    ("name", "fields", "basis"),
    [
        ("flat", {}, "generation"),
        ("tiered", {"resolution": "2k"}, "resolutions[2K]"),
        ("matrix", {"quality": "LOW"}, "quality[1K][low]"),
    ],
)
def test_an_estimate_says_where_its_price_stands(name, fields, basis):
    assert estimated(name, **fields).basis == basis


def test_a_simulated_price_says_that_nothing_is_charged():
    request = build(ENTRIES[0])
    assert "simulated, nothing is charged" in estimate(request, simulated=True).text
    assert "simulated" not in estimate(request).text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "$0.00"), ("0.1", "$0.10"), ("0.10", "$0.10"), ("1", "$1.00"), ("100", "$100.00"), ("1E+2", "$100.00"),
        ("0.0375", "$0.0375"), ("0.09375", "$0.09375"), ("1234.5", "$1,234.50"), ("0.0000014", "$0.000001"),
    ],
)  # fmt: skip
def test_dollars_are_written_with_two_decimals_and_more_only_where_they_are_needed(amount, text):
    assert usd_text(Decimal(amount)) == text


@settings(deadline=None)
@given(st.decimals(0, 10**6, places=6))
def test_no_amount_down_to_a_micro_dollar_is_rounded(amount):
    assert Decimal(usd_text(amount).removeprefix("$").replace(",", "")) == amount


OLD_ENDED = {"removesAt": "2026-01-01T00:00:00Z", "autoRemap": True, "replacementModelId": "new"}
OLD_LATER = {**OLD_ENDED, "removesAt": "2999-01-01T00:00:00Z"}
OLD_GONE = {**OLD_ENDED, "autoRemap": False}
NO_DATE = {"autoRemap": True, "replacementModelId": "new"}
NEW = entry("new", {"resolutions": {"1K": {"usd": 0.10}, "2K": {"usd": 0.14}}}, {**TIERS, "aspectRatios": ["1:1"]})
CHEAP = entry("new", {"generation": {"usd": 0.02}}, {"aspectRatios": ["1:1"]})
SAME = entry("new", {"generation": {"usd": 0.05}}, {"aspectRatios": ["1:1"]})
UNPRICED = entry("new", {}, {"aspectRatios": ["1:1"]})
REMAPPED_TOO = entry("new", {"generation": {"usd": 0.02}}, {"aspectRatios": ["1:1"]}, deprecation=OLD_ENDED)


@pytest.mark.parametrize(
    ("deprecation", "others", "most", "told"),
    [
        (OLD_ENDED, [NEW], Decimal("0.10"), "Its price may differ: new costs $0.10 an image."),
        (NO_DATE, [NEW], Decimal("0.10"), "Its price may differ: new costs $0.10 an image."),
        (OLD_ENDED, [CHEAP], Decimal("0.05"), "Its price may differ: new costs $0.02 an image."),
        (OLD_ENDED, [SAME], Decimal("0.05"), "another model (new). new costs the same."),
        (OLD_ENDED, [UNPRICED], None, "Its price may differ, and is not known."),
        (OLD_ENDED, [REMAPPED_TOO], None, "Its price may differ, and is not known."),
        (OLD_ENDED, [], None, "Its price may differ, and is not known."),
        (OLD_LATER, [NEW], Decimal("0.05"), ""),
        (OLD_GONE, [NEW], Decimal("0.05"), ""),
    ],
)
def test_what_another_model_may_answer_can_cost_as_much_as_that_one(deprecation, others, most, told):
    raw = entry("old", {"generation": {"usd": 0.05}}, {"aspectRatios": ["1:1"]}, deprecation=deprecation)
    request = GenerationRequest.build(
        "a fox", {"model": "old"}, parse_catalogue(json.dumps({"data": [raw, *others]}).encode())
    )
    priced = estimate(request, 1)
    assert (priced.price_usd, priced.upper_bound_usd) == (Decimal("0.05"), most)
    assert told in " ".join(request.notes)
    assert ("may differ" in " ".join(request.notes)) == ("may differ" in told)
    if most is None:
        assert "what another model costs beyond that, which answers as old" in priced.formula
        assert "answers as old" in priced.why_unbounded
    elif most > priced.price_usd:
        assert "(at most $0.10)" in priced.formula
