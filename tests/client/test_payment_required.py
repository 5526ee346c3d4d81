"""A 402 tells what is missing and what to do, whatever its body holds."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from venice_widgets.client.payment_required import _LINKED_WALLET, KEYS_PAGE, WALLET_PAGE, explain_402, no_credentials

WALLET = {
    "error": "Payment required", "code": "PAYMENT_REQUIRED", "reason": "insufficient_balance",
    "currentBalanceUsd": Decimal("0.04"), "minimumBalanceUsd": 0.1, "minimumTopUpUsd": 5, "suggestedTopUpUsd": "10",
    "supportedTokens": ["USDC"], "supportedChains": ["base", "solana"],
    "topUpInstructions": {
        "step2": "Choose a payment option", "step1": "POST /api/v1/x402/top-up", "step10": "Wait", "step3": "Sign it",
        "receiverWallet": "0xREC", "tokenDecimals": 6,
    },
}  # fmt: skip


def test_a_wallet_that_is_too_low_is_told_with_every_fact_and_the_steps_in_order():
    message, remedy = explain_402(WALLET)
    assert message == "The wallet holds $0.04; a request needs at least $0.10 there (402). Nothing was charged."
    assert remedy.splitlines() == [
        "Top it up yourself; this program never does:",
        "  minimum   $5.00",
        "  suggested $10.00",
        "  token     USDC",
        "  chain     base, solana",
        "  1. POST /api/v1/x402/top-up",
        "  2. Choose a payment option",
        "  3. Sign it",
        "  4. Wait",
        f"How it works, on Solana too: {WALLET_PAGE}",
        _LINKED_WALLET,
    ]


def test_a_receiving_address_is_not_shown_since_money_sent_to_it_is_no_top_up():
    assert "0xREC" not in "".join(explain_402(WALLET))


def test_a_wallets_answer_with_nothing_in_it_still_says_what_happened():
    message, remedy = explain_402({"code": "PAYMENT_REQUIRED"})
    assert message == "The wallet holds too little (402). Nothing was charged."
    assert remedy.splitlines()[0] == "Top it up yourself; this program never does:"


@pytest.mark.parametrize("body", [{"x402Version": 2, "accepts": [], "authOptions": {}}, {"authOptions": {}}])
def test_without_credentials_both_ways_in_are_told_with_their_links(body):
    message, remedy = explain_402(body)
    assert (message, remedy) == no_credentials()
    assert message == "There is no API key and no wallet, so no one can be billed (402)."
    for hint in (KEYS_PAGE, WALLET_PAGE, "VENICE_API_KEY", "VENICE_WALLET_KEY", "%venice login --wallet", "demo on"):
        assert hint in remedy


def test_an_empty_balance_quotes_the_service_and_the_balance_in_the_headers():
    headers = {"X-Venice-Balance-USD": "0.0012", "x-venice-balance-diem": "0"}
    message, remedy = explain_402({"error": "Insufficient USD or Diem balance to complete request."}, headers)
    assert message.splitlines() == [
        "The balance does not cover this request (402). Nothing was charged.",
        "Venice says: Insufficient USD or Diem balance to complete request.",
    ]
    assert remedy == (
        f"Balance before it: 0.0012 USD, 0.00 DIEM. Top up at {KEYS_PAGE}; %venice balance shows what is left."
    )


@pytest.mark.parametrize("error", ["API key USD spend limit exceeded", {"message": "Key consumption limit reached"}])
def test_a_keys_own_limit_is_told_apart_from_an_empty_balance(error):
    message, remedy = explain_402({"error": error})
    assert message.startswith("The API key has reached its own spending limit (402).")
    assert "Raise the key's limit" in remedy


def test_an_empty_body_is_an_empty_balance():
    assert explain_402({})[0] == "The balance does not cover this request (402). Nothing was charged."


def test_escape_sequences_of_the_service_do_not_reach_a_terminal():
    message, _ = explain_402({"error": "no\x1b[2J\nmoney\u202e"})
    assert message.splitlines()[1] == "Venice says: no[2J money"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ["error", "code", "currentBalanceUsd", "minimumBalanceUsd", "minimumTopUpUsd", "suggestedTopUpUsd",
          "supportedTokens", "supportedChains", "x402Version"]  # fmt: skip


@settings(deadline=None)
@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, json_values)),
    st.dictionaries(st.sampled_from(["step1", "step2", "step²", "step", "x"]), json_values) | json_values,
    json_values.map(str),
)
def test_no_body_is_too_strange_to_be_told(body, instructions, balance):
    for strange in (body, {**body, "topUpInstructions": instructions}):
        message, remedy = explain_402(strange, {"x-venice-balance-usd": balance})
        assert "(402)" in message
        assert remedy
        assert (message + remedy).replace("\n", "").isprintable()
