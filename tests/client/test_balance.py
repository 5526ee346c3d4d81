"""What is left on the account, by the source that each credential may ask."""

import json
from dataclasses import replace
from decimal import Decimal

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from venice_widgets.client.balance import Balance, ask_balance
from venice_widgets.client.client import Client
from venice_widgets.client.wallet import wallet_address
from venice_widgets.config import Secret, Settings
from venice_widgets.errors import CredentialsRefused, PaymentRequired, ResponseError
from venice_widgets.simulator import Simulator

KEY = Settings(api_key=Secret("VENICE_INFERENCE_KEY_0123456789abcdef"))
WALLET = Settings(wallet_key=Secret("0x" + "1f" * 32))


def ask(simulator, settings=KEY):
    return ask_balance(settings, Client(settings, simulator.transport()))


def answered(document, settings=KEY):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=body))
    return ask_balance(settings, Client(settings, transport))


def test_an_ordinary_key_learns_its_balance_from_its_rate_limits():
    simulator = Simulator(balance_usd="12.34")
    balance = ask(simulator)
    assert balance.amounts["USD"] == Decimal("12.34")
    assert [request.path for request in simulator.requests] == ["/api_keys/rate_limits"]


def test_a_wallet_asks_for_its_own_address():
    simulator = Simulator(wallet_balance_usd="1.50")
    assert ask(simulator, WALLET).amounts == {"USD": Decimal("1.5")}
    assert simulator.requests[0].path.lower() == f"/x402/balance/{wallet_address(WALLET)}".lower()


def test_where_there_are_both_the_key_pays():
    both = Settings(api_key=KEY.api_key, wallet_key=WALLET.wallet_key)
    simulator = Simulator()
    ask(simulator, both)
    assert simulator.requests[0].path == "/api_keys/rate_limits"


def test_a_wrong_key_and_no_key_are_told_apart():
    with pytest.raises(CredentialsRefused):
        ask(Simulator(api_key="the-right-one"))
    with pytest.raises((CredentialsRefused, PaymentRequired)):
        ask(Simulator(), Settings())


def test_what_the_api_does_not_tell_is_absent_and_amounts_are_exact():
    body = b'{"data": {"balances": {"USD": 0.1000000000000000055, "DIEM": null, "X": "lots", "Y": 1e999999999}}}'
    assert answered(body).amounts == {"USD": Decimal("0.1000000000000000055")}
    assert answered({"data": {}}).amounts == {}
    assert answered({"data": {"balances": [1]}}).amounts == {}


def test_what_else_was_told_is_told_on():
    data = {
        "apiTier": {"id": "paid"},
        "keyExpiration": "2031-01-01T00:00:00.000Z",
        "nextEpochBegins": "soon",
        "accessPermitted": False,
    }
    told = dict(answered({"data": data}).remarks)
    assert told == {
        "tier": "paid", "key expires": "1 January 2031", "next epoch begins": "soon", "access": "not permitted",
    }  # fmt: skip


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["data", "balances", "USD", "apiTier", "id", "balanceUsd"]), inner, max_size=4
        )
    ),
    max_leaves=10,
)


LOOPBACK = {"base_url": "http://127.0.0.1:9/api/v1"}  # without TLS, whose setting up takes 20 ms each


@settings(deadline=None, max_examples=100)
@given(document=JSON, account=st.sampled_from([replace(KEY, **LOOPBACK), replace(WALLET, **LOOPBACK)]))
@example({"data": {"balances": {"USD": {"a": 1}}}}, KEY)
@example({"data": None}, WALLET)
def test_any_answer_is_a_balance_or_an_error_of_ours(document, account):
    try:
        balance = answered(document, account)
    except ResponseError:
        return
    assert isinstance(balance, Balance)
    assert all(isinstance(amount, Decimal) and amount.is_finite() for amount in balance.amounts.values())


@pytest.mark.parametrize(
    ("data", "amounts", "remarks"),
    [
        (
            {"balanceUsd": 12.5, "canConsume": True, "diemBalanceUsd": 5.25},
            {"USD": Decimal("12.5"), "DIEM": Decimal("5.25")},
            "yes",
        ),
        ({"balanceUsd": 0.04, "canConsume": False}, {"USD": Decimal("0.04")}, "no: it holds less than $0.10"),
        ({"balanceUsd": None, "canConsume": "?"}, {}, ""),
    ],
)
def test_a_wallet_says_what_it_holds_what_is_left_of_a_linked_account_and_whether_it_can_pay(data, amounts, remarks):
    from venice_widgets.client.balance import _of_wallet

    balance = _of_wallet({"success": True, "data": data})
    assert balance.amounts == amounts
    assert remarks in dict(balance.remarks).get("can pay", "")
