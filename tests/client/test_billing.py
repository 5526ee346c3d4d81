"""The ledger: every row of a request with the currency that paid, for keys and for wallets."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import httpx
import pytest

from venice_widgets.client.billing import charged_requests
from venice_widgets.client.client import Client
from venice_widgets.config import Secret, Settings
from venice_widgets.errors import CredentialsRefused, ResponseError

ADMIN = Secret("VENICE_ADMIN_KEY_0123456789abcdef")
WALLET = Secret("0x" + "11" * 32)
SINCE = datetime(2026, 11, 1, tzinfo=UTC)


def rows(pages, **settings):
    """What the ledger says, given the pages that the service answers with; and what was asked."""
    asked = []

    def respond(request):
        asked.append(request.url)
        return httpx.Response(200, content=json.dumps(pages[len(asked) - 1]).encode())

    made = Settings(**({"api_key": ADMIN} | settings))
    return list(charged_requests(Client(made, httpx.MockTransport(respond)), made, SINCE)), asked


def usage(name, amount, currency="USD"):
    return {"inferenceDetails": {"requestId": name}, "amount": amount, "currency": currency}


def test_each_row_of_a_request_comes_with_its_currency_and_pages_are_followed():
    first = {"data": [usage("a", -0.05, "DIEM"), usage("a", -0.04, "DIEM")], "nextCursor": "c"}
    found, asked = rows([first, {"data": [usage("b", 0.01), usage("c", -0.02, "BUNDLED_CREDITS")]}])
    assert found == [
        ("a", Decimal("0.05"), "DIEM"),
        ("a", Decimal("0.04"), "DIEM"),
        ("b", Decimal("-0.01"), "USD"),
        ("c", Decimal("0.02"), "BUNDLED_CREDITS"),
    ]
    assert asked[0].params["startTimestamp"] == "2026-11-01T00:00:00.000Z"
    assert asked[1].params["cursor"] == "c"


@pytest.mark.parametrize(
    "odd", [None, 7, {}, usage(None, 1), usage("x", "a lot"), usage("x", "1e999999"), usage("x", [])]
)
def test_an_odd_row_does_not_stop_the_others(odd):
    assert rows([{"data": [odd, usage("a", -0.05)]}])[0] == [("a", Decimal("0.05"), "USD")]


@pytest.mark.parametrize("page", [[], {"data": {}}, {}, None])
def test_a_ledger_that_cannot_be_read_is_an_error(page):
    with pytest.raises(ResponseError, match="ledger"):
        rows([page])


def test_an_inference_key_is_refused_before_anything_is_asked():
    with pytest.raises(CredentialsRefused, match="ADMIN"):
        rows([], api_key=Secret("VENICE_INFERENCE_KEY_0123456789abcdef"))


def charge(name, amount, kind="CHARGE", at="2026-11-20T00:00:00.000Z"):
    return {"requestId": name, "amount": amount, "type": kind, "createdAt": at}


def test_a_wallets_transactions_are_read_newest_first_until_the_given_time():
    newest = [charge(None, 10, "TOP_UP"), charge("a", -0.05), charge("a", 0.05, "REFUND")]
    oldest = [charge("b", -0.02), charge("c", -0.03, at="2026-10-31T23:59:59.000Z"), charge("d", -1)]
    pages = [
        {"data": {"transactions": newest, "pagination": {"hasMore": True}}},
        {"data": {"transactions": oldest, "pagination": {"hasMore": True}}},
    ]
    found, asked = rows(pages, api_key=None, wallet_key=WALLET)
    assert found == [("a", Decimal("0.05"), "USD"), ("a", Decimal("-0.05"), "USD"), ("b", Decimal("0.02"), "USD")]
    assert "/x402/transactions/0x" in str(asked[0])
    assert asked[1].params["offset"] == "100"
