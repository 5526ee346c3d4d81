from decimal import Decimal

import pytest


@pytest.mark.parametrize(
    ("body", "price"),
    [
        ({}, "0.01"),
        ({"variants": 3}, "0.03"),
        ({"enhance_prompt": True, "variants": 2}, "0.06"),
        ({"model": "gpt-image-2"}, "0.26"),
        ({"model": "gpt-image-2", "resolution": "2K", "quality": "medium"}, "0.13"),
        ({"model": "nano-banana-2", "resolution": "4K"}, "0.19"),
        ({"model": "nano-banana-2"}, "0.10"),
        ({"model": "wan-2-7-text-to-image"}, "0.0375"),
        ({"model": "wan-3-text-to-image", "resolution": "2K"}, "0.05625"),
        ({"model": "ideogram-v4", "resolution": "2k"}, "0.10"),
        ({"model": "muse-image", "resolution": "2K"}, "0.09"),
        ({"model": "luma-photon-3", "resolution": "2K"}, "0.08"),
        ({"model": "hunyuan-image-v4-preview"}, "0.04"),
        ({"model": "krea-v2-large", "style_references": [{"image": "iVBORw0KGgo="}]}, "0.075"),
    ],
)
def test_the_balance_falls_by_the_price_of_the_catalogue(venice, body, price):
    before = venice.simulator.balance_usd()
    assert venice.post(**body).status_code == 200
    assert before - venice.simulator.balance_usd() == Decimal(price)


def test_the_balance_in_the_headers_is_from_before_the_request(venice):
    assert [venice.post().headers["x-venice-balance-usd"] for _ in range(2)] == ["25", "24.99"]


def test_every_key_sees_what_is_left(venice):
    venice.post(model="gpt-image-2")
    data = venice.get("/api_keys/rate_limits")["data"]
    assert data["balances"]["USD"] == 24.74
    assert data["accessPermitted"] is True


def test_the_ledger_names_the_answers_id_and_what_was_taken(venice):
    request_id = venice.post(variants=2, enhance_prompt=True).json()["id"]
    lines = venice.get("/billing/usage-history")["data"]
    assert {line["inferenceDetails"]["requestId"] for line in lines} == {request_id}
    assert [(line["sku"], line["units"], line["amount"]) for line in lines] == [
        ("z-image-turbo-image-unit", 2, -0.02),
        ("prompt-enhancement-unit", 1, -0.04),
    ]


def test_the_ledger_is_walked_by_its_cursor_alone(venice):
    ids = [venice.post().json()["id"] for _ in range(12)]
    first = venice.get("/billing/usage-history", params={"pageSize": 10})
    second = venice.get("/billing/usage-history", params={"cursor": first["nextCursor"]})
    assert [line["inferenceDetails"]["requestId"] for line in first["data"] + second["data"]] == ids
    assert second["nextCursor"] is None
    both = venice.client.get("/billing/usage-history", params={"cursor": first["nextCursor"], "pageSize": 10})
    assert both.status_code == 400


def test_the_ledger_can_be_asked_for_a_time(venice):
    venice.post()
    stamp = venice.get("/billing/usage-history")["data"][0]["timestamp"]
    assert len(venice.get("/billing/usage-history", params={"startTimestamp": stamp})["data"]) == 1
    assert venice.get("/billing/usage-history", params={"endTimestamp": stamp})["data"] == []


def test_without_money_nothing_is_drawn(make_venice):
    venice = make_venice(balance_usd="0.015")
    assert venice.post().status_code == 200
    response = venice.post()
    assert response.status_code == 402
    assert response.json()["error"].startswith("Insufficient USD or Diem balance")
    assert venice.simulator.balance_usd() == Decimal("0.005")


def test_a_refused_request_costs_nothing(venice):
    venice.post(seed="x")
    venice.post(model="hidream")
    assert venice.simulator.balance_usd() == Decimal(25)
