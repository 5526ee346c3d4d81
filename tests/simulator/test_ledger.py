from decimal import Decimal

import pytest

from venice_widgets.simulator import Fault


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
        ({"model": "ideogram-v4-6"}, "0.13"),
        ({"model": "ideogram-v4-6", "resolution": "4K", "quality": "low"}, "0.08"),
        ({"model": "grok-imagine-image-2-0", "resolution": "2K"}, "0.10"),
        ({"model": "mai-image-2-7"}, "0.05"),
        ({"model": "mai-image-2-7", "quality": "high"}, "0.12"),
        ({"model": "gpt-image-2-6-sunburst", "quality": "max", "resolution": "2K"}, "1.15"),
        ({"model": "seedream-v5-5", "resolution": "1.5K"}, "0.055"),
        ({"model": "kling-v4-text-to-image"}, "0.03"),
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


def test_the_ledger_names_the_responses_id_and_what_was_taken(venice):
    request_id = venice.post(variants=2, enhance_prompt=True).json()["id"]
    lines = venice.get("/billing/usage-history")["data"]
    assert {line["inferenceDetails"]["requestId"] for line in lines} == {request_id}
    assert [(line["sku"], line["units"], line["amount"]) for line in lines] == [
        ("z-image-turbo-image-unit", 2, -0.02),
        ("prompt-enhancement-unit", 1, -0.04),
    ]


@pytest.mark.parametrize(
    ("held", "currency"),
    [
        ({}, "USD"),
        ({"DIEM": "0.05"}, "DIEM"),
        ({"DIEM": "0.04"}, "USD"),
        ({"DIEM": "0.04", "EARNED_CREDITS": 1, "BUNDLED_CREDITS": 1}, "EARNED_CREDITS"),
        ({"EARNED_CREDITS": "0.04", "BUNDLED_CREDITS": 1}, "BUNDLED_CREDITS"),
    ],
)
def test_the_first_currency_that_covers_the_whole_cost_pays_every_row(make_venice, held, currency):
    venice = make_venice(credits=held)
    venice.post(enhance_prompt=True)
    rows = venice.get("/billing/usage-history")["data"]
    assert [(row["currency"], row["amount"]) for row in rows] == [(currency, -0.01), (currency, -0.04)]
    spent = {name: Decimal(str(amount)) for name, amount in ({"USD": 25} | held).items()}
    spent[currency] -= Decimal("0.05")
    assert venice.simulator.balances() == spent
    assert venice.get("/billing/usage-history", params={"currency": "BUNDLED_CREDITS"})["data"] == (
        rows if currency == "BUNDLED_CREDITS" else []
    )


def test_the_balances_that_an_ordinary_key_sees_lack_earned_credits(make_venice):
    listed = make_venice(credits={"EARNED_CREDITS": 3, "BUNDLED_CREDITS": 2}).get("/api_keys/rate_limits")["data"]
    assert listed["balances"] == {"USD": 25, "DIEM": 0, "BUNDLED_CREDITS": 2}


def test_a_low_usd_balance_alone_does_not_refuse(make_venice):
    assert make_venice(balance_usd=0, credits={"DIEM": 1}).post().status_code == 200


def test_the_billing_balance_names_what_is_spent_next(make_venice):
    found = make_venice(credits={"BUNDLED_CREDITS": 2}).get("/billing/balance")
    assert found["consumptionCurrency"] == "BUNDLED_CREDITS"
    assert found["balances"] == {"diem": None, "usd": 25, "bundledCredits": 2, "earnedCredits": None}


def test_unknown_filters_of_the_ledger_are_refused(venice):
    assert venice.client.get("/billing/usage-history", params={"limit": 5}).status_code == 400


def test_a_refund_is_a_row_that_gives_back(venice):
    venice.simulator.add_fault(Fault("502", refunded=True))
    venice.post()
    assert [row["amount"] for row in venice.get("/billing/usage-history")["data"]] == [-0.01, 0.01]
    assert venice.simulator.balance_usd() == 25


def test_the_ledger_is_walked_by_its_cursor_alone(venice):
    ids = [venice.post().json()["id"] for _ in range(12)]
    first = venice.get("/billing/usage-history", params={"pageSize": 10})
    second = venice.get("/billing/usage-history", params={"cursor": first["nextCursor"]})
    assert [line["inferenceDetails"]["requestId"] for line in first["data"] + second["data"]] == ids
    assert second["nextCursor"] is None
    both = venice.client.get("/billing/usage-history", params={"cursor": first["nextCursor"], "pageSize": 10})
    assert both.status_code == 400


def test_the_ledger_can_be_limited_to_a_time(venice):
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
