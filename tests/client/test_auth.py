"""Requests carry one kind of credential, signed for each sending, and only to the host that it is meant for."""

import base64
import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import coincurve
import httpx
import pytest
from Crypto.Hash import keccak
from cryptography.hazmat.primitives.asymmetric import ed25519
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.signature import Signature

from venice_widgets.client.auth import (
    LEGACY_WALLET_HEADER,
    WALLET_HEADER,
    BearerAuth,
    WalletAuth,
    authentication,
    same_origin_only,
)
from venice_widgets.client.wallet import open_wallet
from venice_widgets.config import Secret, Settings
from venice_widgets.errors import ConfigurationError
from venice_widgets.session import Session
from venice_widgets.simulator import Fault, Simulator

BASE_URL = "https://api.venice.ai/api/v1"
API_KEY = "VENICE_INFERENCE_KEY_canary"
BASE_KEY = "0x" + "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
SOLANA_KEY = str(Keypair.from_seed(bytes(range(32))))
WALLET_KEYS = pytest.mark.parametrize("wallet_key", [BASE_KEY, SOLANA_KEY], ids=["Base", "Solana"])


class SignInGate:
    """Decides as VENICE API, "SIGN-IN-WITH-X", says the service does; other libraries check the signatures."""

    def __init__(self, now=lambda: datetime.now(UTC)):
        self.now, self.spent, self.lock = now, set(), threading.Lock()

    def refusal(self, headers) -> str | None:
        """The error code, or None where the request may pass."""
        headers = httpx.Headers(headers)
        if "authorization" in headers:
            return "BOTH"
        sent = json.loads(base64.b64decode(headers.get(WALLET_HEADER, ""), validate=True))
        lines = dict(line.split(": ", 1) for line in sent["message"].split("\n") if ": " in line)
        if not self.signed_by_its_address(sent):
            return "X402_SIGN_IN_INVALID_SIGNATURE"
        with self.lock:
            if (sent["address"], lines["Nonce"]) in self.spent or not re.fullmatch(r"[0-9a-zA-Z]{8,}", lines["Nonce"]):
                return "X402_SIGN_IN_NONCE_REUSED"
            self.spent.add((sent["address"], lines["Nonce"]))
        issued, expires = (datetime.fromisoformat(lines[name]) for name in ("Issued At", "Expiration Time"))
        if issued > self.now() + timedelta(seconds=30):
            return "X402_SIGN_IN_FUTURE_TIMESTAMP"
        if self.now() > min(issued + timedelta(minutes=5), expires):
            return "X402_SIGN_IN_EXPIRED"
        return None

    def signed_by_its_address(self, sent) -> bool:
        if sent["address"] != sent["message"].split("\n")[1]:
            return False
        if sent.get("type") == "ed25519":
            public = ed25519.Ed25519PublicKey.from_public_bytes(bytes(Pubkey.from_string(sent["address"])))
            public.verify(bytes(Signature.from_string(sent["signature"])), sent["message"].encode())
            return True
        signature, text = bytes.fromhex(sent["signature"].removeprefix("0x")), sent["message"].encode()
        digest = self.keccak(b"\x19Ethereum Signed Message:\n%d%b" % (len(text), text))
        recoverable = signature[:64] + bytes([signature[64] - 27])
        public = coincurve.PublicKey.from_signature_and_message(recoverable, digest, hasher=None)
        return "0x" + self.keccak(public.format(compressed=False)[1:])[-20:].hex() == sent["address"].lower()

    @staticmethod
    def keccak(data: bytes) -> bytes:
        return keccak.new(digest_bits=256, data=data).digest()


@pytest.fixture
def seen():
    return []


@pytest.fixture
def recorder(seen):
    """A service that answers 200 and remembers each request's headers."""

    def answer(request):
        seen.append(dict(request.headers))
        return httpx.Response(200)

    return httpx.MockTransport(answer)


def client(settings, transport, **options):
    return httpx.Client(base_url=settings.base_url, auth=authentication(settings), transport=transport, **options)


def test_an_api_key_goes_as_bearer(recorder, seen):
    client(Settings(api_key=Secret(API_KEY)), recorder).get("/models")
    assert seen[0]["authorization"] == f"Bearer {API_KEY}"
    assert WALLET_HEADER.lower() not in seen[0]


def test_with_both_keys_only_the_api_key_goes(recorder, seen):
    both = Settings(api_key=Secret(API_KEY), wallet_key=Secret(BASE_KEY))
    client(both, recorder).get("/models", headers={WALLET_HEADER: "stray", LEGACY_WALLET_HEADER: "stray"})
    assert seen[0]["authorization"] == f"Bearer {API_KEY}"
    assert not [name for name in seen[0] if "sign-in" in name]


@WALLET_KEYS
def test_a_wallet_goes_alone_even_where_the_request_carried_a_bearer(recorder, seen, wallet_key):
    client(Settings(wallet_key=Secret(wallet_key)), recorder).get("/models", headers={"Authorization": "Bearer stray"})
    assert "authorization" not in seen[0]
    assert SignInGate().refusal(seen[0]) is None


def test_the_legacy_header_replaces_the_new_name_when_asked_for(recorder, seen):
    settings = Settings(wallet_key=Secret(SOLANA_KEY))
    auth = authentication(settings, legacy_header=True)
    httpx.Client(transport=recorder, auth=auth).get(f"{BASE_URL}/models")
    assert [name for name in seen[0] if "sign-in" in name] == ["x-sign-in-with-x"]
    assert (
        json.loads(base64.b64decode(seen[0]["x-sign-in-with-x"]))["address"] == open_wallet(settings.wallet_key).address
    )


def test_without_credentials_nothing_is_added(recorder, seen):
    client(Settings(), recorder).get("/models")
    assert not {"authorization", "sign-in-with-x", "x-sign-in-with-x"} & seen[0].keys()


def test_sending_the_same_request_object_again_signs_it_anew(recorder, seen):
    session = client(Settings(wallet_key=Secret(SOLANA_KEY)), recorder)
    request = session.build_request("POST", "/image/generate", json={"seed": 1})
    for _ in range(3):
        session.send(request)
    assert len({one["sign-in-with-x"] for one in seen}) == 3
    gate = SignInGate()
    assert [gate.refusal(one) for one in seen] == [None] * 3
    assert gate.refusal(seen[0]) == "X402_SIGN_IN_NONCE_REUSED"


@WALLET_KEYS
def test_the_times_are_those_of_the_sending(recorder, seen, wallet_key):
    clock = [datetime(2026, 9, 30, 23, 59, 59, 900_000, UTC)]
    auth = WalletAuth(open_wallet(Secret(wallet_key)), BASE_URL, now=lambda: clock[0])
    session = httpx.Client(transport=recorder, auth=auth)
    request = session.build_request("GET", f"{BASE_URL}/models")
    session.send(request)
    clock[0] += timedelta(minutes=6)
    session.send(request)
    messages = [json.loads(base64.b64decode(one["sign-in-with-x"]))["message"].split("\n")[-2:] for one in seen]
    assert messages == [
        ["Issued At: 2026-09-30T23:59:59.900Z", "Expiration Time: 2026-10-01T00:04:59.900Z"],
        ["Issued At: 2026-10-01T00:05:59.900Z", "Expiration Time: 2026-10-01T00:10:59.900Z"],
    ]


def test_the_gate_of_these_tests_enforces_five_minutes_and_thirty_seconds(recorder, seen):
    start = datetime(2026, 9, 30, tzinfo=UTC)
    auth = WalletAuth(open_wallet(Secret(SOLANA_KEY)), BASE_URL, now=lambda: start)
    httpx.Client(transport=recorder, auth=auth).get(f"{BASE_URL}/models")
    verdicts = [
        SignInGate(lambda later=later: start + timedelta(seconds=later)).refusal(seen[0])
        for later in (-31, -30, 0, 300, 301)
    ]
    assert verdicts == ["X402_SIGN_IN_FUTURE_TIMESTAMP", None, None, None, "X402_SIGN_IN_EXPIRED"]


@pytest.fixture
def strict_server():
    """A loopback service behind the gate, which fails two requests of three after the nonce was spent."""
    gate, refusals = SignInGate(), []
    count = iter(range(10**6))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            refusal = gate.refusal(dict(self.headers))
            if refusal:
                refusals.append(refusal)
            self.send_response(401 if refusal else 200 if next(count) % 3 == 2 else 503)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/api/v1", gate, refusals
    server.shutdown()
    thread.join()
    server.server_close()


@WALLET_KEYS
def test_a_strict_server_accepts_every_request_of_a_run_with_retries(strict_server, wallet_key):
    base_url, gate, refusals = strict_server
    settings = Settings(wallet_key=Secret(wallet_key), base_url=base_url)

    def until_done(session, seed):
        request = session.build_request("POST", "/image/generate", json={"seed": seed})
        for sending in range(1, 100):
            if session.send(request).status_code == 200:
                return sending
        return 0

    with client(settings, None) as session, ThreadPoolExecutor(5) as threads:
        sendings = list(threads.map(lambda seed: until_done(session, seed), range(20)))
    assert refusals == []
    assert all(sendings)
    assert sum(sendings) == len(gate.spent) >= 58


@WALLET_KEYS
def test_the_gate_lets_every_request_of_a_session_pass_retries_and_questions_included(wallet_key):
    gate, refusals, simulator = SignInGate(), [], Simulator(requests_per_minute=None)
    for nth in (1, 3, 4):
        simulator.add_fault(Fault("503", nth=nth))
    behind = simulator.transport()

    class Gated(httpx.BaseTransport):
        def handle_request(self, request):
            refusals.append(gate.refusal(dict(request.headers)))
            return behind.handle_request(request)

    with Session(wallet=wallet_key, transport=Gated()) as session:
        generation = session.generate("a fox", images=6)
        session.balance()
    assert len(generation.images) == 6
    assert refusals == [None] * len(gate.spent)
    assert len(refusals) >= 6 + 3 + 2  # images, retries, the catalogue and the balance


ELSEWHERE = ["https://evil.example/api/v1/models", "http://api.venice.ai/api/v1/models", "https://api.venice.ai:444/x",
             "https://api.venice.ai.evil.example/api/v1/models"]  # fmt: skip


@pytest.mark.parametrize("url", ELSEWHERE)
@pytest.mark.parametrize(
    "key", [{"api_key": Secret(API_KEY)}, {"wallet_key": Secret(SOLANA_KEY)}], ids=["key", "wallet"]
)
def test_no_credentials_are_made_for_another_origin(recorder, seen, url, key):
    with pytest.raises(ConfigurationError, match=r"was about to go to .* instead"):
        client(Settings(**key), recorder).get(url)
    assert seen == []


def test_the_default_port_may_be_written_out(recorder, seen):
    client(Settings(api_key=Secret(API_KEY)), recorder).get("https://API.venice.ai:443/api/v1/models")
    assert len(seen) == 1


@pytest.mark.parametrize(
    "key", [{"api_key": Secret(API_KEY)}, {"wallet_key": Secret(SOLANA_KEY)}], ids=["key", "wallet"]
)
def test_credentials_never_follow_a_redirect_to_another_host(seen, key):
    def answer(request):
        seen.append(request.url.host)
        return httpx.Response(307, headers={"Location": "https://evil.example/collect"})

    settings = Settings(**key)
    hooks = {"request": [same_origin_only(settings.base_url)]}
    session = client(settings, httpx.MockTransport(answer), follow_redirects=True, event_hooks=hooks)
    with pytest.raises(ConfigurationError, match=r"evil\.example instead"):
        session.post("/image/generate", json={})
    assert seen == ["api.venice.ai"]


def test_httpx_alone_would_carry_the_wallets_header_along_which_is_why_the_hook_exists(seen):
    def answer(request):
        seen.append(dict(request.headers))
        return (
            httpx.Response(200) if len(seen) == 2 else httpx.Response(307, headers={"Location": "https://evil.example"})
        )

    client(Settings(wallet_key=Secret(SOLANA_KEY)), httpx.MockTransport(answer), follow_redirects=True).get("/models")
    assert seen[1]["host"] == "evil.example"
    assert "sign-in-with-x" in seen[1]


@pytest.mark.parametrize("key", ["", "two words", "kéy-canary", "a\r\nX-Injected: canary", "a\x00canary"])
def test_an_api_key_that_no_header_can_carry_is_refused_without_being_quoted(key):
    with pytest.raises(ConfigurationError, match="a header cannot carry") as caught:
        BearerAuth(Secret(key), BASE_URL)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("key", [BASE_KEY, BASE_KEY[2:], SOLANA_KEY], ids=["Base", "Base without 0x", "Solana"])
def test_a_private_key_in_the_api_keys_place_is_never_sent(key):
    with pytest.raises(ConfigurationError, match="must never be sent") as caught:
        authentication(Settings(api_key=Secret(key)))
    assert key[2:] not in str(caught.value)


def test_what_signs_requests_shows_no_key():
    for settings, key in (
        (Settings(api_key=Secret(API_KEY)), API_KEY),
        (Settings(wallet_key=Secret(BASE_KEY)), BASE_KEY[2:]),
        (Settings(wallet_key=Secret(SOLANA_KEY)), SOLANA_KEY),
    ):
        auth = authentication(settings)
        assert key not in repr(auth) + repr(vars(auth)) + repr(settings)
