import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from venice_widgets.simulator import Fault, Simulator

BODY = {"model": "z-image-turbo", "prompt": "a fox", "seed": 41}


def small(commission):
    return repr(commission).encode()


@pytest.fixture
def simulator():
    return Simulator(paint=small, requests_per_minute=None)


@pytest.fixture
def client(simulator):
    with (
        simulator.serve() as url,
        httpx.Client(base_url=url, headers={"authorization": "Bearer key"}, timeout=30) as client,
    ):
        yield client


def test_the_address_is_on_this_machine_and_ends_in_the_version(simulator):
    with simulator.serve() as url:
        assert url.startswith("http://127.0.0.1:")
        assert url.endswith("/api/v1")


def test_the_socket_and_the_transport_give_the_same_image(simulator, client):
    over_socket = client.post("/image/generate", json=BODY).json()["images"]
    with httpx.Client(transport=simulator.transport(), base_url=client.base_url, headers=client.headers) as direct:
        assert direct.post("/image/generate", json=BODY).json()["images"] == over_socket


def test_one_connection_serves_many_requests(simulator, client):
    ports = {
        client.get("/image/styles").extensions["network_stream"].get_extra_info("client_addr")[1] for _ in range(3)
    }
    assert len(ports) == 1


def test_many_are_served_at_once():
    simulator = Simulator(paint=small, seconds_per_image=1)
    with simulator.serve() as url, httpx.Client(base_url=url, headers={"authorization": "Bearer key"}) as client:
        started = time.monotonic()
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda seed: client.post("/image/generate", json=BODY | {"seed": seed}), range(4)))
        assert [answer.status_code for answer in answers] == [200] * 4
        assert time.monotonic() - started < 3.5


def test_a_body_in_chunks_is_read(simulator, client):
    pieces = iter([b'{"model": "z-image-turbo",', b' "prompt": "a fox"}'])
    response = client.post("/image/generate", content=pieces, headers={"content-type": "application/json"})
    assert response.status_code == 200
    assert simulator.requests[-1].json == {"model": "z-image-turbo", "prompt": "a fox"}


@pytest.mark.parametrize(
    "sent",
    [
        "content-length: 100\r\n\r\n{",
        *(f"transfer-encoding: chunked\r\n\r\n{cut}" for cut in ("", "9\r\n{", "2\r\n{}\r\n", "2\r\n{}\r\n0\r\n")),
    ],
)
def test_a_request_whose_client_ended_in_the_middle_has_not_arrived(simulator, client, sent):
    before = simulator.balance_usd()
    with socket.create_connection((client.base_url.host, client.base_url.port)) as connection:
        connection.sendall(b"POST /api/v1/image/generate HTTP/1.1\r\nauthorization: Bearer key\r\n" + sent.encode())
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""
    assert simulator.requests == []
    assert simulator.balance_usd() == before


def test_what_arrived_is_kept_in_order(simulator, client):
    client.get("/models", params={"type": "image"}, headers={"X-Odd": "1"})
    client.post("/image/generate", json=BODY)
    first, second = simulator.requests
    assert (first.method, first.path, first.query, first.headers["x-odd"]) == ("GET", "/models", {"type": "image"}, "1")
    assert (second.method, second.path, second.json) == ("POST", "/image/generate", BODY)


def test_a_hang_ends_with_the_clients_patience(simulator, client):
    simulator.add_fault(Fault("hang"))
    with pytest.raises(httpx.ReadTimeout):
        client.post("/image/generate", json=BODY, timeout=0.1)
    assert client.post("/image/generate", json=BODY).status_code == 200


def test_closing_the_server_ends_what_hangs():
    simulator = Simulator(faults=[Fault("hang", times=None)])
    errors = []

    def ask(url):
        try:
            httpx.post(f"{url}/image/generate", json=BODY, timeout=None)
        except httpx.TransportError as error:
            errors.append(error)

    with simulator.serve() as url:
        threads = [threading.Thread(target=ask, args=(url,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        while len(simulator.requests) < 4:
            time.sleep(0.005)
        started = time.monotonic()
    for thread in threads:
        thread.join(20)
    assert len(errors) == 4
    assert time.monotonic() - started < 20


def test_a_client_that_goes_away_frees_its_thread(simulator):
    simulator.add_fault(Fault("hang"))
    with simulator.serve() as url:
        before = threading.active_count()
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{url}/image/generate", json=BODY, timeout=0.1)
        deadline = time.monotonic() + 2
        while threading.active_count() > before and time.monotonic() < deadline:
            time.sleep(0.01)
        assert threading.active_count() <= before


def test_a_disconnect_sends_not_a_byte(simulator, client):
    simulator.add_fault(Fault("disconnect"))
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        client.post("/image/generate", json=BODY)


def test_a_cut_body_is_noticed(simulator, client):
    simulator.add_fault(Fault("cut"))
    with pytest.raises(httpx.RemoteProtocolError, match="complete message body"):
        client.post("/image/generate", json=BODY)


def test_a_server_that_was_closed_does_not_listen(simulator):
    with simulator.serve() as url:
        port = httpx.URL(url).port
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_taken_port_is_an_error(simulator):
    with simulator.serve() as url, pytest.raises(OSError), Simulator().serve(httpx.URL(url).port):  # noqa: PT011
        pass
