import base64
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from venice_widgets.simulator import Fault
from venice_widgets.simulator.sign_in import REFUSALS

ADDRESS = "0xAb00000000000000000000000000000000000001"


def signed(nonce="abcd1234", issued_seconds_ago=0, address=ADDRESS):
    issued = datetime.now(UTC) - timedelta(seconds=issued_seconds_ago)
    message = (
        f"api.venice.ai wants you to sign in with your Ethereum account:\n{address}\n\nSign in to Venice AI\n\n"
        f"URI: https://api.venice.ai\nVersion: 1\nChain ID: 8453\nNonce: {nonce}\n"
        f"Issued At: {issued.isoformat().replace('+00:00', 'Z')}\n"
        f"Expiration Time: {(issued + timedelta(minutes=5)).isoformat().replace('+00:00', 'Z')}"
    )
    fields = {"address": address, "message": message, "signature": "0x00", "chainId": 8453}
    return base64.b64encode(json.dumps(fields).encode()).decode()


def without_key(venice):
    del venice.client.headers["authorization"]
    return venice


def test_no_credentials_are_an_offer_to_pay(venice):
    response = without_key(venice).post()
    assert response.status_code == 402
    assert response.json()["x402Version"] == 2
    assert response.json()["accepts"]
    assert set(response.json()["authOptions"]) == {"apiKey", "x402Wallet"}
    header = json.loads(base64.b64decode(response.headers["payment-required"]))
    assert header["accepts"] == response.json()["accepts"]


def test_the_offer_cannot_be_paid_by_mistake(venice):
    offer = without_key(venice).post().json()["accepts"][0]
    assert "SIMULATED" in offer["payTo"]
    assert "SIMULATED" in offer["asset"]


@pytest.mark.parametrize("authorization", ["Bearer wrong", "Bearer ", "Basic KEY", "KEY"])
def test_a_wrong_key_is_refused(make_venice, authorization):
    venice = make_venice(api_key="KEY")
    response = venice.post(headers={"authorization": authorization})
    assert (response.status_code, response.json()) == (401, {"error": "Authentication failed"})


def test_a_valid_key_is_accepted(make_venice):
    assert make_venice(api_key="KEY").post(headers={"authorization": "Bearer KEY"}).status_code == 200


def test_the_catalogue_needs_no_key_and_does_not_refuse_a_wrong_one(make_venice):
    venice = make_venice(api_key="KEY")
    assert venice.client.get("/models?type=image").status_code == 200
    assert venice.client.get("/api_keys/rate_limits").status_code == 401
    assert without_key(venice).client.get("/models?type=image").status_code == 200


@pytest.mark.parametrize("path", ["/billing/balance", "/billing/usage-history"])
def test_billing_is_for_admin_keys_only(venice, path):
    assert venice.client.get(path, headers={"authorization": "Bearer VENICE_INFERENCE_KEY_x"}).status_code == 401
    assert venice.client.get(path).status_code == 200
    assert without_key(venice).client.get(path).status_code == 402


@pytest.mark.parametrize("header", ["SIGN-IN-WITH-X", "X-Sign-In-With-X"])
def test_a_wallet_pays_even_where_a_key_is_sent_with_it(venice, header):
    response = venice.post(headers={header: signed()})
    assert response.headers["x-venice-balance-usd"] == "5"
    assert "x-balance-remaining" not in response.headers
    assert venice.simulator.balance_usd() == 25
    assert float(venice.simulator.balance_usd(ADDRESS)) == 4.99


def test_a_nonce_is_spent_once(venice):
    header = {"SIGN-IN-WITH-X": signed()}
    assert venice.post(headers=header).status_code == 200
    response = venice.post(headers=header)
    assert (response.status_code, response.json()["code"]) == (401, "X402_SIGN_IN_NONCE_REUSED")


@pytest.mark.parametrize(("seconds", "reason"), [(400, "EXPIRED"), (-60, "FUTURE_TIMESTAMP")])
def test_a_message_must_be_fresh(venice, seconds, reason):
    response = venice.post(headers={"SIGN-IN-WITH-X": signed(issued_seconds_ago=seconds)})
    assert response.json()["code"] == f"X402_SIGN_IN_{reason}"


LINES = {
    "INVALID_MESSAGE": ("wants you to sign in", "asks you to sign in"),
    "DOMAIN_MISMATCH": ("api.venice.ai wants", "example.com wants"),
    "ADDRESS_MISMATCH": ("account:\n0xAb", "account:\n0xAc"),
    "CHAIN_MISMATCH": ("Chain ID: 8453", "Chain ID: 1"),
    "MISSING_NONCE": ("Nonce: ", "Number: "),
    "NOT_BEFORE": ("Issued At", "Not Before: 2999-01-01T00:00:00Z\nIssued At"),
}
FIELDS = {
    "INVALID_PAYLOAD": {"signature": None},
    "INVALID_WALLET": {"address": "me"},
    "INVALID_SIGNATURE": {"signature": "by me"},
    "INVALID_CHAIN_ID": {"chainId": "base"},
    "UNSUPPORTED_CHAIN": {"chainId": 1},
    "TIMESTAMP_MISMATCH": {"timestamp": 1},
}


@pytest.mark.parametrize("reason", [*LINES, *FIELDS])
def test_what_is_wrong_with_a_sign_in_has_a_code_of_its_own(venice, reason):
    fields = json.loads(base64.b64decode(signed()))
    if reason in LINES:
        assert LINES[reason][0] in fields["message"]
        fields["message"] = fields["message"].replace(*LINES[reason])
    header = base64.b64encode(json.dumps({**fields, **FIELDS.get(reason, {})}).encode()).decode()
    response = venice.post(headers={"SIGN-IN-WITH-X": header})
    assert (response.status_code, response.json()["code"]) == (401, f"X402_SIGN_IN_{reason}")


def test_each_reason_can_be_had_on_demand(venice):
    for reason in REFUSALS:
        venice.simulator.add_fault(Fault("401-sign-in", reason=reason))
        assert venice.post().json() == {"error": REFUSALS[reason], "code": f"X402_SIGN_IN_{reason}"}
    with pytest.raises(ValueError, match="'TIRED' is not a reason"):
        Fault("401-sign-in", reason="TIRED")


def test_a_wallet_header_that_is_not_a_message_is_accepted_only_where_anything_is(make_venice):
    assert make_venice().post(headers={"SIGN-IN-WITH-X": "anything"}).status_code == 200
    assert make_venice(api_key="KEY").post(headers={"SIGN-IN-WITH-X": "anything"}).status_code == 401


def test_a_wallet_that_is_too_low_learns_how_to_top_up(make_venice):
    response = make_venice(wallet_balance_usd="0.09").post(headers={"SIGN-IN-WITH-X": signed()})
    body = response.json()
    assert (response.status_code, body["code"], body["currentBalanceUsd"]) == (402, "PAYMENT_REQUIRED", 0.09)
    assert {"step1", "step2", "step3"} <= set(body["topUpInstructions"])
    assert {"minimumTopUpUsd", "suggestedTopUpUsd", "supportedTokens", "supportedChains"} <= set(body)


def test_a_wallet_may_see_its_own_balance_only(venice):
    def ask(address, nonce):
        return venice.client.get(f"/x402/balance/{address}", headers={"SIGN-IN-WITH-X": signed(nonce)})

    assert ask(ADDRESS, "nonce001").json()["data"] == {
        "walletAddress": ADDRESS.lower(),
        "balanceUsd": 5,
        "canConsume": True,
        "minimumTopUpUsd": 5,
        "suggestedTopUpUsd": 10,
    }
    assert ask("0xother", "nonce002").status_code == 403
    assert venice.client.get(f"/x402/balance/{ADDRESS}").status_code == 401
    assert without_key(venice).client.get(f"/x402/balance/{ADDRESS}").status_code == 402


def test_no_repr_of_a_request_shows_its_key(venice):
    venice.post()
    assert venice.simulator.requests[-1].headers["authorization"].endswith("KEY_test")
    assert "KEY_test" not in repr(venice.simulator.requests)


def transactions(venice, nonce, **query):
    headers = {"SIGN-IN-WITH-X": signed(nonce)}
    return venice.get(f"/x402/transactions/{ADDRESS}", params=query, headers=headers)["data"]


def test_a_wallets_transactions_name_the_request_and_what_was_collected(venice):
    header = {"SIGN-IN-WITH-X": signed()}
    request_id = venice.post(headers=header, enhance_prompt=True).json()["id"]
    found = transactions(venice, "nonce001")
    assert [(row["type"], row["amount"], row["requestId"], row["modelId"]) for row in found["transactions"]] == [
        ("CHARGE", -0.04, request_id, "prompt-enhancement"),
        ("CHARGE", -0.01, request_id, "z-image-turbo"),
        ("TOP_UP", 5.0, None, None),
    ]
    assert found["transactions"][0]["balanceAfter"] == found["currentBalance"] == 4.95


def test_a_wallets_transactions_come_in_pages(venice):
    venice.post(headers={"SIGN-IN-WITH-X": signed()})
    first, second = (transactions(venice, f"nonce00{page}", limit=1, offset=page) for page in range(2))
    assert [first["pagination"]["hasMore"], second["pagination"]["hasMore"]] == [True, False]
    assert [page["transactions"][0]["type"] for page in (first, second)] == ["CHARGE", "TOP_UP"]
    refused = venice.client.get(
        f"/x402/transactions/{ADDRESS}", params={"limit": 101}, headers={"SIGN-IN-WITH-X": signed("nonce003")}
    )
    assert refused.status_code == 400


def test_a_refund_is_one_row_for_all_charges_of_a_request(venice):
    venice.simulator.add_fault(Fault("500", refunded=True))
    assert venice.post(headers={"SIGN-IN-WITH-X": signed()}, enhance_prompt=True).status_code == 500
    newest = transactions(venice, "nonce001")["transactions"][0]
    assert (newest["type"], newest["amount"], newest["modelId"]) == ("REFUND", 0.05, None)
    assert venice.simulator.balance_usd(ADDRESS) == 5


def test_a_wallet_pays_what_it_has_and_never_becomes_negative(make_venice):
    venice = make_venice(wallet_balance_usd="0.12")
    assert venice.post(headers={"SIGN-IN-WITH-X": signed()}, model="gpt-image-2").status_code == 200
    assert transactions(venice, "nonce001")["transactions"][0]["amount"] == -0.12
    assert venice.post(headers={"SIGN-IN-WITH-X": signed("nonce002")}).json()["currentBalanceUsd"] == 0


def test_a_linked_account_pays_with_its_diem_first(make_venice):
    venice = make_venice(wallet_diem="0.02")
    assert venice.post(headers={"SIGN-IN-WITH-X": signed()}).status_code == 200
    assert venice.simulator.balances(ADDRESS) == {"USD": 5, "DIEM": Decimal("0.01")}
    found = venice.get(f"/x402/balance/{ADDRESS}", headers={"SIGN-IN-WITH-X": signed("nonce001")})["data"]
    assert (found["diemBalanceUsd"], found["canConsume"]) == (0.01, True)
    assert [row["type"] for row in transactions(venice, "nonce002")["transactions"]] == ["TOP_UP"]
    refused = venice.post(headers={"SIGN-IN-WITH-X": signed("nonce003")}, model="gpt-image-2")
    assert (refused.status_code, "topUpInstructions" in refused.text) == (402, False)


def test_a_wallet_has_at_most_five_requests_in_flight(make_venice):
    venice = make_venice(seconds_per_image=0.5)
    with ThreadPoolExecutor(6) as pool:
        sent = [pool.submit(venice.post, headers={"SIGN-IN-WITH-X": signed(f"nonce00{n}")}) for n in range(6)]
        responses = [future.result() for future in sent]
    refused = [response for response in responses if response.status_code != 200]
    assert [(response.status_code, response.json()["code"]) for response in refused] == [
        (429, "X402_CONCURRENCY_LIMIT")
    ]
    assert venice.post(headers={"SIGN-IN-WITH-X": signed("nonce009")}).status_code == 200
