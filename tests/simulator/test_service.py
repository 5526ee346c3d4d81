import subprocess
import sys
import time

import httpx
import pytest

from venice_widgets.simulator import Fault, Simulator


def test_importing_it_imports_neither_httpx_nor_pillow():
    code = (
        "import sys, venice_widgets.simulator as s; s.Simulator();"
        "print([m for m in ('httpx', 'PIL', 'http.server', 'brotli') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_an_image_takes_the_seconds_it_shall(make_venice):
    venice = make_venice(seconds_per_image=5, time_scale=0.01)
    started = time.monotonic()
    timing = venice.post(variants=2).json()["timing"]
    assert 0.1 <= time.monotonic() - started < 5
    assert timing["inferenceDuration"] >= 100


def test_a_client_that_gives_up_has_paid_all_the_same(make_venice):
    venice = make_venice(seconds_per_image=30)
    venice.client.timeout = httpx.Timeout(5, read=0.05)
    with pytest.raises(httpx.ReadTimeout):
        venice.post()
    assert float(venice.simulator.balance_usd()) == 24.99


def test_a_transport_lives_on_after_its_client(venice):
    transport = venice.simulator.transport()
    for _ in range(2):
        with httpx.Client(transport=transport, base_url="https://api.venice.ai/api/v1") as client:
            assert client.get("/image/styles").status_code == 200


def test_only_the_last_thousand_requests_are_kept(venice):
    for index in range(1003):
        venice.client.get("/nothing", params={"n": index})
    assert [request.query["n"] for request in venice.simulator.requests] == [str(n) for n in range(3, 1003)]


def test_faults_can_be_there_from_the_start():
    simulator = Simulator(faults=[Fault("503")])
    with httpx.Client(transport=simulator.transport(), base_url="https://api.venice.ai/api/v1") as client:
        assert client.post("/image/generate", json={}).status_code == 503


def test_one_model_responses_in_its_providers_format():
    simulator = Simulator()
    with httpx.Client(
        transport=simulator.transport(), base_url="https://h/api/v1", headers={"authorization": "Bearer key"}
    ) as client:
        body = {"model": "recraft-v4-pro", "prompt": "a fox", "format": "jpeg", "return_binary": True}
        response = client.post("/image/generate", json=body)
        assert response.headers["content-type"] == "image/png"
        assert response.content.startswith(b"\x89PNG")
