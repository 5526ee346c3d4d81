import base64
import json
import re
import threading
import time
from decimal import Decimal
from random import Random

import httpx
import pytest

from venice_widgets.simulator import KINDS, Fault


def without_clock(content):
    return re.sub(rb'"timing":{[^}]*}', b"", content)


def with_fault(venice, kind, **settings):
    venice.simulator.add_fault(Fault(kind, **settings))
    return venice


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.isdigit()])
def test_a_status_is_returned_once_with_a_json_error_and_costs_nothing(venice, kind):
    response = with_fault(venice, kind).post()
    assert response.status_code == int(kind)
    assert response.json()["error"]
    assert venice.simulator.balance_usd() == 25
    assert venice.post().status_code == 200


@pytest.mark.parametrize(
    ("kind", "marker"),
    [
        ("402-key", "Insufficient USD or Diem balance"),
        ("402-limit", "spend limit exceeded"),
        ("402-none", "x402Version"),
        ("402-wallet", "topUpInstructions"),
    ],
)
def test_payment_is_required_in_every_shape(venice, kind, marker):
    response = with_fault(venice, kind).post()
    assert (response.status_code, marker in response.text) == (402, True)


def test_a_rate_limit_says_when_it_resets(venice):
    response = with_fault(venice, "429", reset_in_seconds=12).post()
    assert 11 < int(response.headers["x-ratelimit-reset-requests"]) / 1000 - time.time() <= 12
    assert "retry-after" not in response.headers


def test_an_overloaded_model_says_how_many_whole_seconds_to_wait(venice):
    response = with_fault(venice, "429", retry_after_seconds=1.2).post()
    assert response.headers["retry-after"] == "2"
    assert "overloaded" in response.json()["error"]
    assert with_fault(venice, "503", retry_after_seconds=3).post().headers["retry-after"] == "3"


def test_a_providers_refusal_is_a_nested_error_with_its_code(venice):
    response = with_fault(venice, "moderation").post()
    assert (response.status_code, response.json()["error"]["code"]) == (400, "moderation_blocked")
    inside_a_success = with_fault(venice, "moderation", status=200).post()
    assert (inside_a_success.status_code, len(inside_a_success.json()["error"]["message"]) > 60) == (200, True)


@pytest.mark.parametrize("kind", ["302", "303"])
def test_a_redirect_names_its_target(venice, kind):
    assert with_fault(venice, kind).post().headers["location"].startswith("https://elsewhere.example/")


def test_waits_are_as_short_as_the_time_scale(make_venice):
    venice = make_venice(time_scale=0.01)
    assert with_fault(venice, "429", retry_after_seconds=12).post().headers["retry-after"] == "0.120"
    reset = int(with_fault(venice, "429", reset_in_seconds=12).post().headers["x-ratelimit-reset-requests"]) / 1000
    assert 0 < reset - time.time() <= 0.12
    started = time.monotonic()
    assert with_fault(venice, "slow", seconds=5).post().status_code == 200
    assert 0.05 <= time.monotonic() - started < 4


def test_a_proxy_responses_with_a_page(venice):
    response = with_fault(venice, "html", status=503).post()
    assert response.status_code == 503
    assert response.headers["content-type"].startswith("text/html")
    assert response.text.startswith("<!DOCTYPE html>")


def test_a_fault_that_was_charged_is_in_the_ledger(venice):
    assert with_fault(venice, "500", charged=True).post().status_code == 500
    assert venice.simulator.balance_usd() == Decimal("24.99")
    assert len(venice.get("/billing/usage-history")["data"]) == 1


def test_a_disconnect_gives_no_response(venice):
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        with_fault(venice, "disconnect").post()


def test_a_cut_body_is_short_of_its_length_and_charged(venice):
    with pytest.raises(httpx.RemoteProtocolError, match="complete message body"):
        with_fault(venice, "cut").post()
    assert venice.simulator.balance_usd() == Decimal("24.99")


def test_malformed_json_looks_like_a_whole_response(venice):
    response = with_fault(venice, "malformed-json").post()
    assert response.status_code == 200
    assert response.text.startswith('{"id":')
    with pytest.raises(json.JSONDecodeError):
        response.json()


def test_the_echo_may_be_missing_or_flat(venice):
    assert with_fault(venice, "echo-null").post(seed=41).json()["request"] is None
    assert with_fault(venice, "echo-flat").post(seed=41).json()["request"]["seed"] == 41


def test_images_may_be_data_uris(venice):
    image = with_fault(venice, "data-uri").post(seed=41, format="png").json()["images"][0]
    head, _, data = image.partition(",")
    assert (head, [base64.b64decode(data)]) == ("data:image/png;base64", venice.images(seed=41, format="png"))


def test_another_seed_than_was_sent_may_be_used_and_echoed(venice):
    body = with_fault(venice, "seed-mismatch").post(seed=41).json()
    assert body["request"]["data"]["seed"] == 40
    assert [base64.b64decode(body["images"][0])] == venice.images(seed=40)


def test_a_blurred_image_is_charged_and_says_so(venice):
    response = with_fault(venice, "blur").post()
    assert response.headers["x-venice-is-blurred"] == "true"
    assert b"blurred=True" in base64.b64decode(response.json()["images"][0])
    assert venice.simulator.balance_usd() == Decimal("24.99")


def test_nothing_is_blurred_without_safe_mode(venice):
    response = with_fault(venice, "blur").post(safe_mode=False)
    assert response.headers["x-venice-is-blurred"] == "false"


def test_a_violation_is_a_success_that_costs_nothing(venice):
    response = with_fault(venice, "violation").post()
    assert (response.status_code, response.headers["x-venice-is-content-violation"]) == (200, "true")
    assert b"blacked_out=True" in base64.b64decode(response.json()["images"][0])
    assert venice.simulator.balance_usd() == 25


def test_a_hang_ends_with_the_clients_patience(venice):
    venice.client.timeout = httpx.Timeout(5, read=0.05)
    with pytest.raises(httpx.ReadTimeout):
        with_fault(venice, "hang").post()


def test_a_hang_ends_when_the_client_is_closed(venice):
    with_fault(venice, "hang")
    venice.client.timeout = None
    ended = []

    def ask():
        try:
            venice.post()
        except httpx.ReadError as error:
            ended.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    while not venice.simulator.requests:
        time.sleep(0.001)
    venice.client.close()
    thread.join(30)
    assert len(ended) == 1


def test_a_slow_response_is_the_true_one(venice):
    started = time.monotonic()
    assert with_fault(venice, "slow", seconds=0.05).post().status_code == 200
    assert time.monotonic() - started >= 0.05


def test_a_fault_can_be_for_a_seed_for_a_model_or_for_the_nth_request(venice):
    venice.simulator.add_fault(Fault("500", seed=42))
    venice.simulator.add_fault(Fault("503", model="chroma", times=None))
    venice.simulator.add_fault(Fault("422", nth=5))
    asked = [(41, "z-image-turbo"), (42, "z-image-turbo"), (1, "chroma"), (2, "chroma"), (3, "z-image-turbo")]
    assert [venice.post(seed=seed, model=model).status_code for seed, model in asked] == [200, 500, 503, 503, 422]


def test_faults_come_in_their_order_and_as_often_as_ordered(venice):
    venice.simulator.add_fault(Fault("429", times=2))
    venice.simulator.add_fault(Fault("503"))
    assert [venice.post().status_code for _ in range(4)] == [429, 429, 503, 200]


def test_faults_can_be_called_off(venice):
    venice.simulator.add_fault(Fault("500", times=None))
    assert venice.post().status_code == 500
    venice.simulator.clear_faults()
    assert venice.post().status_code == 200


@pytest.mark.parametrize(("kind", "status"), [("500", 500), ("html", 502), ("401", 401)])
def test_any_endpoint_can_fail(venice, kind, status):
    venice.simulator.add_fault(Fault(kind, path="/models"))
    assert venice.post().status_code == 200
    assert venice.client.get("/models?type=image").status_code == status
    assert venice.client.get("/models?type=image").status_code == 200


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("501", {}),
        ("slow", {}),
        ("500", {"retry_after_seconds": 1}),
        ("503", {"reset_in_seconds": 1}),
        ("500", {"status": 501}),
        ("429", {"charged": True}),
    ],
)
def test_an_order_that_means_nothing_is_refused(kind, settings):
    with pytest.raises(ValueError, match=r"fault|means nothing"):
        Fault(kind, **settings)


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"brotli-bomb", "base64url"}))
def test_every_kind_does_something(make_venice, kind):
    expected = make_venice(random=Random(1)).post(seed=41).content
    needed = {"served-by": {"served_model": "chroma"}, "image": {"image": b"BM"}}.get(kind, {})
    venice = with_fault(make_venice(random=Random(1)), kind, seconds=0.01, **needed)
    venice.client.timeout = 0.05
    started = time.monotonic()
    try:
        response = venice.post(seed=41)
        seen = (response.status_code, without_clock(response.content), response.headers["x-venice-model-id"])
    except (httpx.TransportError, httpx.DecodingError, KeyError):
        seen = None
    assert seen != (200, without_clock(expected), "z-image-turbo") or (
        kind == "slow" and time.monotonic() - started >= 0.01
    )
