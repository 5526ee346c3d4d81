"""On real sockets: what is asked, what comes back, what is never sent again, and where the key does not go."""

import base64
import gzip
import io
import json
import logging
import socket
import subprocess
import sys
import threading
import time
import traceback
import tracemalloc
import zlib
from contextlib import contextmanager, suppress
from decimal import Decimal
from types import SimpleNamespace

import brotli
import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from venice_widgets import errors
from venice_widgets.client import image_channel as channel_module
from venice_widgets.client.client import Client
from venice_widgets.client.response import ImageResponse
from venice_widgets.config import Secret, Settings
from venice_widgets.log import ObjectStore
from venice_widgets.log.object_store import Spool
from venice_widgets.simulator import Fault, Simulator

KEY = "VENICE_INFERENCE_KEY_Zq7Xw3Lm9Rt2Vb5N"
HIDDEN = KEY.removeprefix("VENICE_INFERENCE_KEY_")


def png(color="red", mode="RGB"):
    file = io.BytesIO()
    Image.new(mode, (9, 7), color).save(file, "PNG")
    return file.getvalue()


RED = png()
ANSWER = json.dumps({"id": "x", "images": [base64.b64encode(RED).decode()]}).encode()


def http(status="200 OK", headers=(), body=b"", length=None):
    """The bytes of a response."""
    lines = [f"HTTP/1.1 {status}", *headers]
    if length is not False:
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


class Listener:
    """A server that reads a request and writes bytes; None leaves the connection open, without a word."""

    def __init__(self, response):
        self.response = response
        self.received = []
        self._open = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/api/v1"
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self._open.append(connection)
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection):
        with suppress(OSError):
            data = b""
            while b"\r\n\r\n" not in data:
                data += self._more(connection)
            head, _, body = data.partition(b"\r\n\r\n")
            length = next(
                (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
            )
            while len(body) < length:
                body += self._more(connection)
            self.received.append(head + b"\r\n\r\n" + body)
            if self.response is not None:
                connection.sendall(self.response)
                connection.close()

    @staticmethod
    def _more(connection):
        """What comes next; an error where nothing will, or its thread would ask for it without end."""
        if data := connection.recv(65536):
            return data
        connection.close()
        raise ConnectionError("the client left in the middle of its request")

    def close(self):
        for one in (self._socket, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)  # only this ends a thread that waits at it
            one.close()


@pytest.fixture
def listen():
    listeners = []

    def start(response):
        listeners.append(Listener(response))
        return listeners[-1]

    yield start
    for one in listeners:
        one.close()


@pytest.fixture
def store(tmp_path):
    return ObjectStore(tmp_path / "objects")


def settings_for(base_url, **changes):
    return Settings(**{"api_key": Secret(KEY), "base_url": base_url, "read_timeout_seconds": 5.0, **changes})


@pytest.fixture
def connect():
    """Makes clients and channels that are closed in the end."""
    made = []

    def start(base_url, **changes):
        made.append(Client(settings_for(base_url, **changes)))
        return made[-1]

    yield start
    for one in made:
        one.close()


class Storage:
    """Stores a response as the log does, without a log."""

    def __init__(self, store):
        self._store, self.body = store, store.open_spool("run")

    def note(self, status_code, headers):
        pass

    def image(self, status_code, headers, place):
        return self._store.writer()

    def keep_body(self, content_type):
        return self.body.keep()

    def __del__(self):
        self.body._file.close()


def generate(base_url, store, body=b"{}", transport=None, **changes):
    """One request; the answer, without keeping connections."""
    channel = Client(settings_for(base_url, **changes), transport).channel()
    try:
        return channel.generate(body, Storage(store))
    finally:
        channel.close()


def images(answer):
    return [image.path.read_bytes() for image in answer.images.values()]


def no_key_in(*things):
    for thing in things:
        assert HIDDEN not in thing
        assert base64.b64encode(KEY.encode()).decode().rstrip("=") not in thing


@contextmanager
def logged():
    """Everything that anybody logs meanwhile."""
    file = io.StringIO()
    handler, root = logging.StreamHandler(file), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield file
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


# While a program ends, and waits for what is in flight.

ENDS = """
import atexit, logging, sys
from venice_widgets.client.client import Client
from venice_widgets.config import Secret, Settings

@atexit.register  # before the first finalizer: it runs after them
def still_sending():
    print(len(client.get_json("/models")["data"]) > 0)
    logging.getLogger("httpx").error(key)

key, url = sys.argv[1:]
client = Client(Settings(api_key=Secret(key), base_url=url))
client.get_json("/models")
"""


def test_a_program_that_ends_still_asks_and_still_keeps_the_key_out_of_the_log():
    with Simulator().serve() as url:
        ended = subprocess.run([sys.executable, "-c", ENDS, KEY, url], capture_output=True, text=True, check=True)

    assert ended.stdout == "True\n"
    assert ended.stderr
    no_key_in(ended.stderr)


# What is sent.


def test_the_body_reaches_the_wire_byte_for_byte_with_the_key_of_the_settings(listen, store):
    server = listen(http(body=ANSWER))
    body = '{"prompt":"A fox in {curly braces}, $5 🦊\\n"}'.encode()
    assert images(generate(server.base_url, store, body)) == [RED]
    head, _, sent = server.received[0].partition(b"\r\n\r\n")
    assert sent == body
    assert head.startswith(b"POST /api/v1/image/generate HTTP/1.1\r\n")
    assert f"authorization: bearer {KEY}".lower().encode() in head.lower()
    assert b"content-type: application/json" in head.lower()
    assert b"br" in head.lower().split(b"accept-encoding:")[1].split(b"\r\n")[0]


def test_a_question_has_its_query_and_its_numbers_are_exact(connect, listen):
    server = listen(http(body=b'{"price": 0.0375}'))
    answer = connect(server.base_url).get_json("/models", type="image")
    assert answer == {"price": Decimal("0.0375")}
    assert server.received[0].startswith(b"GET /api/v1/models?type=image HTTP/1.1\r\n")


@pytest.mark.parametrize("body", [b"<html>", b"", b"[" * 100_000, b"\xff\xfe", b"1" * 5000])
def test_an_answer_to_a_question_that_is_no_json_is_an_error_that_costs_nothing(connect, listen, body):
    with pytest.raises(errors.ResponseError, match="/models"):
        connect(listen(http(body=body)).base_url).get_json("/models")


# What comes back.


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("br", brotli.compress), ("identity", lambda data: data)]
)
def test_compressed_answers_are_read(listen, store, encoding, pack):
    server = listen(http(headers=[f"Content-Encoding: {encoding}"], body=pack(ANSWER)))
    assert images(generate(server.base_url, store)) == [RED]


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate"])
def test_an_answer_that_only_claims_to_be_compressed_may_have_been_charged(listen, store, encoding):
    server = listen(http(headers=[f"Content-Encoding: {encoding}"], body=b"no such thing" * 9))
    assert type(generate(server.base_url, store).error) is errors.PossiblyCharged


@pytest.mark.parametrize("status", ["200 OK", "201 Created", "203 Non-Authoritative", "206 Partial Content"])
def test_an_image_is_taken_with_any_status_of_success(listen, store, status):
    assert images(generate(listen(http(status, body=ANSWER)).base_url, store)) == [RED]


@pytest.mark.parametrize("content_type", ["image/png", "application/octet-stream", "application/json", "text/html"])
def test_an_image_that_is_the_body_itself_is_kept_whatever_it_is_called(listen, store, content_type):
    server = listen(http(headers=[f"Content-Type: {content_type}"], body=RED))
    answer = generate(server.base_url, store)
    assert images(answer) == [RED]
    assert answer.document is None


def test_a_page_with_success_is_quoted_and_may_have_been_charged(listen, store):
    page = f"<html><body>Sign in to the hotel's network {KEY}</body></html>".encode()
    error = generate(listen(http(headers=["Content-Type: text/html"], body=page)).base_url, store).error
    assert type(error) is errors.PossiblyCharged
    assert "<html><body>Sign in" in error.message
    assert "may have been charged" in error.remedy
    no_key_in(str(error))


def test_a_violation_is_no_error_here_and_its_image_is_not_kept(listen, store):
    for body in (ANSWER, b'{"images": []}', b""):
        server = listen(http(headers=["x-venice-is-content-violation: true"], body=body))
        answer = generate(server.base_url, store)
        assert (answer.violation, answer.error, answer.images) == (True, None, {})
    assert not store.folder.exists()


@pytest.mark.parametrize("cut", [0, 10, len(ANSWER) - 3, len(ANSWER) - 2])
def test_a_body_that_is_cut_before_its_image_is_whole_may_have_been_charged(listen, store, cut):
    server = listen(http(body=ANSWER[:cut], length=len(ANSWER)))
    error = generate(server.base_url, store).error
    if cut == len(ANSWER) - 2:
        assert error is None
    else:
        assert type(error) is errors.PossiblyCharged
        assert "lost" in error.message
    assert len(server.received) == 1


def test_an_image_that_arrived_whole_before_the_connection_broke_is_kept_and_the_damage_is_told(listen, store):
    two = json.dumps({"images": [base64.b64encode(one).decode() for one in (RED, png("blue"))]}).encode()
    answer = generate(listen(http(body=two[:-30], length=len(two))).base_url, store)
    assert images(answer) == [RED]
    assert answer.error is None
    assert "The response was damaged" in answer.notes[0]


def test_half_a_binary_image_is_no_image_and_its_bytes_are_stored(listen, store):
    server = listen(http(headers=["Content-Type: image/png"], body=RED[:-5], length=len(RED)))
    answer = generate(server.base_url, store)
    assert type(answer.error) is errors.PossiblyCharged
    assert [body.path.read_bytes() for body in answer.bodies] == [RED[:-5]]
    assert answer.images == {}


def test_the_facts_of_a_failure_are_told_with_it(listen, store):
    body = json.dumps({"error": f"broke {KEY}", "request_id": "req-9"}).encode()
    server = listen(http("500 Oops", ["CF-RAY: 8f2a", f"X-Echo: {KEY}", "Set-Cookie: a=b"], body))
    answer = generate(server.base_url, store)
    assert (answer.status_code, answer.response_id, answer.headers["cf-ray"]) == (500, "req-9", "8f2a")
    assert type(answer.error) is errors.PossiblyCharged
    assert answer.first_byte_at <= answer.finished_at
    assert "set-cookie" not in answer.headers
    no_key_in(repr(answer), str(answer.error))


@pytest.mark.parametrize("images", [[], [base64.b64encode(RED).decode()]], ids=["no image", "an image"])
def test_a_success_that_quotes_the_key_is_kept_without_it(listen, store, images):
    said = {
        "images": images,
        "request": {"headers": {"authorization": f"Bearer {KEY}"}, KEY: [f"key {KEY}"], "seed": 7},
    }
    answer = generate(listen(http(body=json.dumps(said).encode())).base_url, store)
    assert answer.echoed_seed == 7
    no_key_in(repr(answer), str(answer.error))


EXPANDED_BYTES = 256 << 20


@pytest.mark.parametrize("encoding", ["br", "gzip"])
@pytest.mark.parametrize("status", ["200 OK", "500 Oops"])
def test_a_body_that_expands_without_end_takes_little_memory_and_is_not_called_a_lost_connection(
    listen, store, status, encoding, monkeypatch
):
    monkeypatch.setattr(channel_module, "_LARGEST_BODY_BYTES", 24 << 20)
    packer = brotli.Compressor(quality=1) if encoding == "br" else zlib.compressobj(wbits=31)
    add = packer.process if encoding == "br" else packer.compress
    pieces = [add(bytes(1 << 24)) for _ in range(EXPANDED_BYTES >> 24)]
    body = b"".join([*pieces, packer.finish() if encoding == "br" else packer.flush()])
    server = listen(http(status, headers=[f"Content-Encoding: {encoding}"], body=body))
    tracemalloc.start()
    try:
        error = generate(server.base_url, store).error
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert type(error) is errors.PossiblyCharged
    assert "lost" not in error.message
    assert status != "200 OK" or "larger than 25,165,824 bytes" in error.message
    assert peak_bytes < 8 << 20


def test_a_garbled_gzip_is_not_called_a_lost_connection(listen, store):
    server = listen(http(headers=["Content-Encoding: gzip"], body=b"no such thing" * 9))
    error = generate(server.base_url, store).error
    assert "could not be decompressed" in error.message
    assert "lost" not in error.message


def test_an_error_document_that_comes_with_success_is_shown_whole(listen, store):
    said = {"error": {"message": "The upstream model failed. " * 20, "code": "upstream_failed"}}
    error = generate(listen(http(body=json.dumps(said).encode())).base_url, store).error
    assert type(error) is errors.PossiblyCharged
    assert "The upstream model failed. " * 19 in error.message
    assert "(upstream_failed)" in error.message
    refused = {"error": {"message": "Blocked", "code": "moderation_blocked"}}
    error = generate(listen(http(body=json.dumps(refused).encode())).base_url, store).error
    assert type(error) is errors.ContentRefused


BMP = b"BM" + bytes(200)


@pytest.mark.parametrize(
    ("head", "body", "stays"),
    [
        ({}, ANSWER, False),
        ({}, BMP, True),
        ({}, b"<html>", True),
        ({}, b"", False),
        ({}, ANSWER[:-30], True),
        ({}, json.dumps({"images": [base64.b64encode(RED).decode(), "not base64!"]}).encode(), True),
        ({"headers": ["x-venice-is-content-violation: true"]}, ANSWER, False),
        ({"status": "500 Oops"}, b"oops", False),
        ({"status": "402 Pay"}, b"{}", False),
    ],
)
def test_the_body_of_what_was_paid_for_is_stored_where_its_images_are_not_all_whole(listen, store, head, body, stays):
    response = generate(listen(http(body=body, **head)).base_url, store)
    assert [stored.path.read_bytes() for stored in response.bodies] == ([body] if stays else [])


def test_the_limits_of_the_last_response_are_remembered_and_its_token_headers_are_stored(listen, connect, store):
    headers = ["x-ratelimit-limit-requests: 20", "x-ratelimit-remaining-requests: 19"]
    headers += ["x-ratelimit-reset-requests: 1795000000000", "x-ratelimit-remaining: 50"]
    headers += ["x-ratelimit-limit-tokens: 9000"]
    client = connect(listen(http(headers=headers, body=ANSWER)).base_url)
    channel = client.channel()
    response = channel.generate(b"{}", Storage(store))
    channel.close()
    limit = client.rate_limit
    assert (limit.requests, limit.remaining_requests, limit.requests_reset_at) == (20, 19, 1_795_000_000)
    assert (limit.remaining_errors, limit.tokens) == (50, 9000)
    assert response.headers["x-ratelimit-limit-tokens"] == "9000"
    client.note_key_limits({"rateLimits": [{"apiModelId": "m", "rateLimits": [{"type": "RPM", "amount": 15}]}]})
    assert (client.rate_limit.requests_per_minute("m"), client.rate_limit.requests) == (15, 20)
    client.note_key_limits({"rateLimits": "odd"})
    assert client.rate_limit.requests_per_minute("m") is None


def test_an_answer_without_end_is_given_up(listen, store, monkeypatch):
    monkeypatch.setattr(channel_module, "_LARGEST_BODY_BYTES", 100_000)
    error = generate(listen(http(body=b"x" * 200_000)).base_url, store).error
    assert type(error) is errors.PossiblyCharged
    assert "100,000 bytes" in error.message


def test_a_disk_too_full_to_receive_an_answer_is_an_error_of_the_store_and_what_came_stays(listen, store, monkeypatch):
    write = Spool.write

    def full(self, data):
        write(self, data[:10])
        self._file.flush()
        self._file = SimpleNamespace(write=no_space, close=self._file.close)
        write(self, data[10:])

    def no_space(data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Spool, "write", full)
    with pytest.raises(errors.StoreError, match="No space left on device") as caught:
        generate(listen(http(body=ANSWER)).base_url, store)
    (left,) = store.incoming.iterdir()
    assert left.read_bytes() == ANSWER[:10]
    assert str(left) in str(caught.value)


class Says(httpx.BaseTransport):
    """A transport with one response."""

    def __init__(self, status, headers, body):
        self._response = (status, headers, body)

    def handle_request(self, request):
        status, headers, body = self._response
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(body))


BODIES = st.one_of(
    st.binary(max_size=80),
    st.just(ANSWER),
    st.builds(lambda place: ANSWER[:place], st.integers(0, len(ANSWER))),
    st.builds(
        lambda place, junk: ANSWER[:place] + junk + ANSWER[place:], st.integers(0, len(ANSWER)), st.binary(max_size=3)
    ),
    st.just(RED),
    st.builds(lambda place: RED[:place], st.integers(0, len(RED))),
    st.sampled_from([b"<html>", b"null", b"[]", b"{}", b'{"images":[]}', b'{"images":null}', b'{"images":[""]}']),
)
PACKS = {"": lambda data: data, "gzip": gzip.compress, "br": brotli.compress, "zstd": lambda data: data}


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    status=st.sampled_from([200, 200, 200, 200, 204, 301, 400, 402, 422, 429, 500, 503]),
    body=BODIES,
    pack=st.sampled_from(sorted(PACKS)),
    claimed=st.sampled_from(["same", "", "gzip", "br", "nonsense"]),
    content_type=st.sampled_from(["application/json", "image/png", "text/html; charset=nonsense", "", "🦊"]),
    violation=st.sampled_from(["true", "false", "maybe"]),
)
@example(200, gzip.compress(ANSWER)[:-9], "", "gzip", "application/json", "false")
@example(200, brotli.compress(ANSWER)[:-4], "", "br", "application/json", "false")
def test_any_response_gives_images_as_they_were_or_one_of_our_errors(
    store, status, body, pack, claimed, content_type, violation
):
    headers = {"content-type": content_type.encode(), "x-venice-is-content-violation": violation}
    headers["content-encoding"] = pack if claimed == "same" else claimed
    answer = generate("http://127.0.0.1:9/api/v1", store, transport=Says(status, headers, PACKS[pack](body)))
    assert isinstance(answer, ImageResponse)
    if answer.error is None:
        assert answer.images or answer.violation
    else:
        assert isinstance(answer.error, errors.VeniceError)
        assert not answer.images
    for data in images(answer):
        assert data == RED or claimed != "same" or body not in (ANSWER, RED)


# What is not sent again, and where nothing goes.


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (b"", errors.PossiblyCharged),
        (b"HTTP/1.1 200", errors.PossiblyCharged),
        (b"\x00\x01\x02\r\n\r\n", errors.PossiblyCharged),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", errors.PossiblyCharged),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", errors.PossiblyCharged),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 90_000 + b"\r\n", errors.PossiblyCharged),
    ],
)
def test_whatever_breaks_after_the_body_left_may_have_been_charged_and_is_asked_once(listen, store, response, kind):
    server = listen(response)
    try:
        error = generate(server.base_url, store).error
    except errors.VeniceError as exc:
        error = exc
    assert type(error) is kind
    assert len(server.received) == 1


def test_a_read_timeout_may_have_been_charged_and_is_asked_once(listen, store):
    server = listen(None)
    with pytest.raises(errors.PossiblyCharged, match="took too long"):
        generate(server.base_url, store, read_timeout_seconds=0.2)
    assert len(server.received) == 1


def test_a_connection_that_is_refused_sent_nothing(store):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(errors.ServiceUnavailable, match="Nothing was sent"):
        generate(f"http://127.0.0.1:{port}/api/v1", store)


def test_a_host_without_a_name_sent_nothing(store):
    with pytest.raises(errors.ServiceUnavailable, match="Nothing was sent"):
        generate("https://no-such-host.invalid/api/v1", store)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_no_redirect_is_followed_and_the_key_goes_to_no_other_host(connect, listen, store, status):
    elsewhere = listen(http(body=ANSWER))
    server = listen(http(status, [f"Location: {elsewhere.base_url}/image/generate"]))
    done = status.startswith("303")
    error = generate(server.base_url, store).error
    assert type(error) is (errors.PossiblyCharged if done else errors.ConfigurationError)
    assert f"to {elsewhere.base_url}/image/generate" in error.message
    with pytest.raises(errors.ConfigurationError, match="redirect"):
        connect(server.base_url).get("/models")
    assert elsewhere.received == []


def test_a_proxy_is_not_given_what_goes_to_the_loopback_in_the_clear(connect, listen, store, monkeypatch):
    proxy, service = listen(http("502 Bad Gateway")), listen(http(body=ANSWER))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.base_url.removesuffix("/api/v1"))
    assert connect(service.base_url).get("/models") == ANSWER
    assert images(generate(service.base_url, store)) == [RED]
    assert proxy.received == []


def test_a_style_reference_is_fetched_without_the_key_also_through_redirects(connect, listen):
    elsewhere = listen(http(body=RED))
    server = listen(http("302 Found", [f"Location: {elsewhere.base_url}/a.png"]))
    client = connect("https://api.venice.ai/api/v1")
    assert client.fetch_reference(f"{server.base_url}/a.png") == RED
    no_key_in(str(server.received), str(elsewhere.received))


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1/a.png", "http://[", "http://", "http://\ud800/", "http://a:99999/", f"http://{'a' * 70_000}"],
)
def test_a_style_reference_that_cannot_be_fetched_is_an_invalid_request(connect, url):
    with pytest.raises(errors.InvalidRequest, match="Nothing was sent") as caught:
        connect("http://127.0.0.1:1/api/v1").fetch_reference(url)
    assert caught.value.field == "style_references"


def test_a_style_reference_is_read_no_further_than_the_api_takes(connect, listen):
    server = listen(http(body=b"x" * 20_000_000))
    client = connect("http://127.0.0.1:1/api/v1")
    assert 8_000_000 <= len(client.fetch_reference(server.base_url)) < 9_000_000


@pytest.mark.parametrize("base_url", ["https://api.venice.ai/api/v1", "HTTPS://api.venice.ai/api/v1"])
def test_certificates_are_verified_however_https_is_spelled(base_url):
    context = Client(settings_for(base_url))._tls
    assert context
    assert context.verify_mode.name == "CERT_REQUIRED"


def test_a_style_reference_over_https_is_verified_also_where_the_base_url_is_the_loopback(connect, monkeypatch):
    asked = []

    class Recording(httpx.Client):
        def __init__(self, **more):
            asked.append(more["verify"])
            super().__init__(**more)

    monkeypatch.setattr(httpx, "Client", Recording)
    with pytest.raises(errors.InvalidRequest):
        connect("http://127.0.0.1:1/api/v1").fetch_reference("https://127.0.0.1:1/a.png")
    assert asked == [True]


def test_a_free_question_does_not_wait_as_long_as_an_image_may_take(connect):
    client = connect("http://127.0.0.1:1/api/v1", read_timeout_seconds=900)
    assert client._questions.timeout.read <= 30
    channel = client.channel()
    assert channel._http.timeout.read == 900
    channel.close()


QUOTING = {
    "header back": http("400 Bad", body=b'{"error": "bad header Authorization: Bearer %s"}' % KEY.encode()),
    "page": http("502 Bad", body=b"<pre>authorization: Bearer %s</pre>" % KEY.encode()),
    "base64": http("500 Bad", body=base64.b64encode(KEY.encode())),
    "success": http(body=b"key=%s" % KEY.encode()),
    "402": http("402 Pay", body=json.dumps({"error": "x" * 480 + KEY}).encode()),
    "broken": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n%s\r\n\r\n" % KEY.encode(),
}


@pytest.mark.parametrize("name", QUOTING)
def test_the_key_stands_in_no_error_no_repr_no_log_and_no_traceback(connect, listen, store, name):
    server = listen(QUOTING[name])
    client = connect(server.base_url)
    channel = client.channel()
    with logged() as log:
        try:
            answer = channel.generate(b"{}", Storage(store))
            error = answer.error
        except errors.VeniceError as exc:
            error, answer = exc, None
    channel.close()
    tracebacks = traceback.TracebackException.from_exception(error, capture_locals=True)
    no_key_in(
        str(error), repr(error), repr(answer), repr(client), repr(channel), log.getvalue(), "".join(tracebacks.format())
    )
    assert "Bearer" not in log.getvalue()


@pytest.mark.parametrize("kind", [KeyboardInterrupt, RuntimeError])
def test_what_strikes_while_the_key_is_being_written_leaves_no_frame_that_holds_it(connect, monkeypatch, store, kind):
    def strike(self, buffer, timeout=None):
        raise kind("struck")

    monkeypatch.setattr("httpcore._backends.sync.SyncStream.write", strike)
    with Simulator(requests_per_minute=None).serve() as base_url:
        client = connect(base_url)
        channel = client.channel()
        for ask in (lambda: client.get("/models"), lambda: channel.generate(b"{}", Storage(store))):
            with pytest.raises(kind, match="struck") as caught:
                ask()
            tracebacks = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
            no_key_in("".join(tracebacks.format()))
        channel.close()


# Giving up.


def test_aborting_wakes_every_thread_that_waits_for_an_answer_at_once(store):
    with Simulator(faults=[Fault("hang", times=None)], requests_per_minute=None).serve() as base_url:
        channel = Client(settings_for(base_url, read_timeout_seconds=60)).channel()
        ended = []

        def ask():
            with pytest.raises(errors.PossiblyCharged):
                channel.generate(b"{}", Storage(store))
            ended.append(time.monotonic())

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        aborted_at = time.monotonic()
        channel.abort()
        for thread in threads:
            thread.join(30)
        assert len(ended) == 4
        assert max(ended) - aborted_at < 0.5
        channel.close()


def test_nothing_new_gets_through_a_channel_that_was_aborted(listen, store):
    server = listen(http(body=ANSWER))
    channel = Client(settings_for(server.base_url)).channel()
    channel.abort()
    with pytest.raises(errors.VeniceError):
        channel.generate(b"{}", Storage(store))
    assert server.received == []
    channel.close()


def test_closing_a_channel_leaves_a_transport_alone_that_others_share(store):
    shared = Simulator(requests_per_minute=None).transport()
    client = Client(settings_for("http://simulator.localhost/api/v1"), shared)
    client.channel().close()
    assert client.get_json("/models", type="image")["data"]
