"""What changed in the API until November 2026, line by line, with what Python says of it.

Source: the API notes, section 8. Other rooms add what the cell, the panel and the log say.
"""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from venice_widgets.client.billing import _row
from venice_widgets.client.http_errors import error_for
from venice_widgets.client.response import ImageResponse
from venice_widgets.request.catalogue import FieldSupport, parse_catalogue
from venice_widgets.request.estimate import estimate
from venice_widgets.request.request import GenerationRequest

NOW = datetime(2026, 11, 26, tzinfo=UTC)
RATIOS = ["1:1", "3:2", "16:9", "21:9", "9:16", "2:3", "3:4", "4:5"]


def usd(amount):
    return {"usd": amount, "diem": amount}


def entry(model_id, constraints, pricing, **spec):
    return {"id": model_id, "type": "image", "model_spec": {"constraints": constraints, "pricing": pricing, **spec}}


def grid(prices):
    return {tier: {name: usd(price) for name, price in row.items()} for tier, row in prices.items()}


def limits(tiers, qualities, default):
    return {
        "resolutions": tiers, "defaultResolution": tiers[0], "qualities": qualities, "defaultQuality": default,
    }  # fmt: skip


IDEOGRAM = {tier: {"low": 0.04, "medium": 0.08, "high": 0.13} for tier in ("1K", "2K")}
IDEOGRAM["4K"] = {"low": 0.08, "medium": 0.15, "high": 0.25}
GROK = {"1K": {"low": 0.05, "medium": 0.07}, "2K": {"low": 0.07, "medium": 0.10}}
ENTRIES = [
    entry("ideogram-v4-6", limits(["1K", "2K", "4K"], ["low", "medium", "high"], "high"), {"quality": grid(IDEOGRAM)}),
    entry("grok-imagine-image-2-0", limits(["1K", "2K"], ["low", "medium"], "medium"), {"quality": grid(GROK)}),
    entry(
        "seedream-v5-5",
        {"resolutions": ["1K", "1.5K", "2K"], "defaultResolution": "1K"},
        {"resolutions": {"1K": usd(0.04), "1.5K": usd(0.05), "2K": usd(0.05)}},
    ),
    entry(
        "kling-v4-text-to-image",
        {"resolutions": ["2K", "4K"], "defaultResolution": "2K"},
        {"resolutions": {"2K": usd(0.07), "4K": usd(0.12)}},
    ),
    entry("flux-2-max", {"aspectRatios": ["auto", "4:3", "9:21"], "defaultAspectRatio": "auto"},
          {"generation": usd(0.09)}),
    entry("qwen-image", {"aspectRatios": RATIOS, "promptCharacterLimit": 2048, "steps": {"default": 20, "max": 50}},
          {"generation": usd(0.03)}),
    entry("luma-uni-1", {"aspectRatios": RATIOS, "maxStyleReferences": 3}, {"generation": usd(0.05)},
          supportsStyleReferences=True),
    entry("old", {}, {"generation": usd(0.01)},
          deprecation={"removesAt": "2026-12-10T00:00:00Z", "autoRemap": True, "replacementModelId": "new"}),
]  # fmt: skip
CATALOGUE = parse_catalogue(json.dumps({"data": ENTRIES}).encode())


def build(model, **fields):
    return GenerationRequest.build("a fox", {"model": model, **fields}, CATALOGUE)


def priced(model, **fields):
    return estimate(build(model, **fields)).price_usd


TABLE = {
    "1 another model answers under the same id": (
        lambda: CATALOGUE.find("old").deprecation.sentence("old", NOW),
        "old is going away: after 10 December this id is answered by another model (new).",
    ),
    "1 which model answered": (
        lambda: ImageResponse(status_code=200, headers={"x-venice-model-id": "new"}).served_model_id,
        "new",
    ),
    "1 a retired model that is not routed": (
        lambda: error_for(410, {}, b"", replacement="new").remedy,
        "The model is retired for good. new replaces it. Nothing was charged.",
    ),
    "2 quality prices, default": (lambda: priced("ideogram-v4-6"), Decimal("0.13")),
    "2 quality prices, chosen": (lambda: priced("ideogram-v4-6", resolution="4k", quality="low"), Decimal("0.08")),
    "2 low and medium only": (lambda: priced("grok-imagine-image-2-0"), Decimal("0.07")),
    "2 ideogram-v4-6 honours seeds": (lambda: CATALOGUE.find("ideogram-v4-6").support("seed"), FieldSupport.SUPPORTED),
    "3 tier names": (lambda: priced("seedream-v5-5", resolution="1.5k"), Decimal("0.05")),
    "3 tiers in the catalogue's order": (
        lambda: CATALOGUE.find("seedream-v5-5").allowed("resolution"),
        ("1K", "1.5K", "2K"),
    ),
    "3 a model without 1K": (lambda: priced("kling-v4-text-to-image"), Decimal("0.07")),
    "3 auto as a ratio": (lambda: build("flux-2-max").size_text, "the shape is chosen by the model"),
    "3 ratios 4:3 and 9:21": (lambda: build("flux-2-max", aspect_ratio="9:21").size_text, "9:21"),
    "4 qwen-image is sized by ratio": (lambda: CATALOGUE.find("qwen-image").sizing.value, "ratio"),
    "4 and takes 50 steps": (lambda: build("qwen-image", steps=50).body(1)["steps"], 50),
    "5 anon_user_id is sent": (lambda: build("qwen-image", anon_user_id="u-1").body(1)["anon_user_id"], "u-1"),
    "5 and is no part of the record": (
        lambda: build("qwen-image", anon_user_id="u-1").record(1) == build("qwen-image").record(1),
        True,
    ),
    "5 style references on more models": (lambda: CATALOGUE.find("luma-uni-1").takes("style_references"), True),
    "6 the ledger's requestId is the response's id": (
        lambda: list(_row("generate-image-1", -0.05, "DIEM")),
        [(ImageResponse(status_code=200, headers={}, document={"id": "generate-image-1"}).response_id,
          Decimal("0.05"), "DIEM")],
    ),
    "7 an id that is new needs nothing of us": (lambda: CATALOGUE.find("kling-v4-text-to-image").generates, True),
}  # fmt: skip
"""Line 8 lists what does not exist, so that nothing here may rest on it."""


@pytest.mark.parametrize("line", TABLE)
def test_each_change_is_known_to_python(line):
    found, expected = TABLE[line]
    assert found() == expected
