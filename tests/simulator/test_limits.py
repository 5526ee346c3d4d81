import time

import pytest

from venice_widgets.simulator.limits import Window


def test_twenty_images_a_minute_are_enough(make_venice):
    venice = make_venice(requests_per_minute=20)
    assert [venice.post(seed=seed).status_code for seed in range(1, 22)] == [200] * 20 + [429]


def test_each_variant_counts(make_venice):
    venice = make_venice(requests_per_minute=5)
    assert venice.post(variants=4).headers["x-ratelimit-remaining-requests"] == "1"
    assert venice.post(variants=2).status_code == 429
    assert venice.post().status_code == 200


def test_the_reset_is_reported_in_milliseconds_and_kept(make_venice):
    venice = make_venice(requests_per_minute=1, time_scale=0.005)
    venice.post()
    refused = venice.post()
    assert (refused.status_code, refused.headers["x-ratelimit-limit-requests"]) == (429, "1")
    reset = int(refused.headers["x-ratelimit-reset-requests"]) / 1000
    assert 0 < reset - time.time() <= 0.3
    time.sleep(reset - time.time() + 0.01)
    assert venice.post().status_code == 200


def test_each_key_has_its_own_budget(make_venice):
    venice = make_venice(requests_per_minute=1)
    keys = ["one", "two", "one"]
    assert [venice.post(headers={"authorization": f"Bearer {key}"}).status_code for key in keys] == [200, 200, 429]


def test_a_refused_request_uses_no_budget(make_venice):
    venice = make_venice(requests_per_minute=1)
    assert venice.post(seed="x").status_code == 400
    assert venice.post().status_code == 200


def test_the_rate_limits_of_a_key_are_those_of_the_headers(make_venice):
    venice = make_venice(requests_per_minute=7)
    listed = venice.get("/api_keys/rate_limits")["data"]["rateLimits"]
    assert {"apiModelId": "z-image-turbo", "rateLimits": [{"type": "RPM", "amount": 7}]} in listed
    assert venice.post().headers["x-ratelimit-limit-requests"] == "7"


def test_fifty_failures_in_half_a_minute_are_the_budget(make_venice):
    venice = make_venice()
    assert [venice.post(seed="x").status_code for _ in range(51)] == [400] * 50 + [429]
    assert "> 50" in venice.post().json()["error"]


def test_what_is_not_json_uses_no_error_budget(venice):
    before = venice.post().headers["x-ratelimit-remaining"]
    venice.client.post("/image/generate", content=b"{", headers={"content-type": "application/json"})
    assert venice.post().headers["x-ratelimit-remaining"] == before


def test_too_many_failures_lock_a_key_out_of_that_model(make_venice):
    venice = make_venice(errors_per_half_minute=3)
    assert [venice.post(seed="x").headers["x-ratelimit-remaining"] for _ in range(3)] == ["2", "1", "0"]
    assert venice.post().status_code == 429
    assert venice.post(model="chroma").status_code == 200


def test_without_a_limit_nothing_is_said_of_it(venice):
    assert "x-ratelimit-limit-requests" not in venice.post().headers


@pytest.mark.parametrize(("at", "left"), [(0.0, 1), (9.9, 1), (10.0, 2), (25.0, 2)])
def test_a_window_is_whole_again_when_its_time_is_over(at, left):
    now = [100.0]
    window = Window(2, 10, lambda: now[0])
    assert window.use("holder")
    now[0] += at
    assert window.left("holder").remaining == left


def test_four_hundred_images_under_twenty_a_minute_take_seconds_where_time_is_scaled(make_venice):
    venice = make_venice(requests_per_minute=20, time_scale=0.001)
    started, made = time.monotonic(), 0
    while made < 400:
        response = venice.post(seed=made + 1)
        made += response.status_code == 200
        if response.status_code == 429:
            time.sleep(max(0, int(response.headers["x-ratelimit-reset-requests"]) / 1000 - time.time()) + 0.001)
    assert time.monotonic() - started < 30  # 400 at the true limit take 20 minutes
