"""A wallet signs what the API documents, which a second implementation confirms, and never twice the same."""

import base64
import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from inspect import signature

import coincurve
import pytest
from Crypto.Hash import keccak
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from IPython.core.ultratb import VerboseTB

from venice_widgets.client.wallet import WALLET_IN_FLIGHT, in_flight_limit, open_wallet, uses_wallet, wallet_address
from venice_widgets.config import Secret, Settings
from venice_widgets.errors import ConfigurationError

BASE_KEY = "0x" + "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"[:64]
BASE_ADDRESS = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23"
NOW = datetime(2026, 9, 30, 19, 58, 7, 123_999, UTC)
ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def base58(data: bytes) -> str:
    number, text = int.from_bytes(data), ""
    while number:
        number, digit = divmod(number, 58)
        text = ALPHABET[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def from_base58(text: str) -> bytes:
    number = 0
    for character in text:
        number = number * 58 + ALPHABET.index(character)
    return bytes(len(text) - len(text.lstrip("1"))) + number.to_bytes((number.bit_length() + 7) // 8)


SOLANA_PAIR = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SOLANA_PUBLIC = SOLANA_PAIR.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
SOLANA_KEY = base58(SOLANA_PAIR.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()) + SOLANA_PUBLIC)


def keccak256(data: bytes) -> bytes:
    return keccak.new(digest_bits=256, data=data).digest()


def checksummed(address: bytes) -> str:
    """EIP-55: a digit is a capital where the hash of the lower-case address has 8 or more."""
    digits = address.hex()
    marks = keccak256(digits.encode()).hex()
    return "0x" + "".join(d.upper() if int(mark, 16) > 7 else d for d, mark in zip(digits, marks, strict=False))


def eip191(message: str) -> bytes:
    text = message.encode()
    return keccak256(b"\x19Ethereum Signed Message:\n" + str(len(text)).encode() + text)


def opened(value: str) -> dict:
    return json.loads(base64.b64decode(value, validate=True))


def verified_base(sent: dict) -> str:
    """The address that libsecp256k1 recovers from the message, once OpenSSL has accepted the signature."""
    assert re.fullmatch(r"0x[0-9a-f]{130}", sent["signature"])
    signature = bytes.fromhex(sent["signature"][2:])
    recoverable = signature[:64] + bytes([signature[64] - 27])
    public = coincurve.PublicKey.from_signature_and_message(recoverable, eip191(sent["message"]), hasher=None)
    point = public.format(compressed=False)
    der = utils.encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:64]))
    openssl = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), point)
    openssl.verify(der, eip191(sent["message"]), ec.ECDSA(utils.Prehashed(SHA256())))  # any hash of 32 bytes
    return checksummed(keccak256(point[1:])[-20:])


def verified_solana(sent: dict) -> str:
    """The address whose key OpenSSL accepts as the signer of the message."""
    public = ed25519.Ed25519PublicKey.from_public_bytes(from_base58(sent["address"]))
    public.verify(from_base58(sent["signature"]), sent["message"].encode())
    return sent["address"]


def test_a_base_wallets_message_has_exactly_the_documented_fields_and_times():
    sent = opened(open_wallet(Secret(BASE_KEY)).sign_in(NOW))
    assert list(sent) == ["address", "message", "signature", "chainId"]
    assert (sent["address"], sent["chainId"]) == (BASE_ADDRESS, 8453)
    nonce = re.search(r"Nonce: ([0-9a-f]{32})\n", sent["message"])[1]
    assert sent["message"].split("\n") == [
        "api.venice.ai wants you to sign in with your Ethereum account:",
        BASE_ADDRESS,
        "",
        "Sign in to Venice AI",
        "",
        "URI: https://api.venice.ai",
        "Version: 1",
        "Chain ID: 8453",
        f"Nonce: {nonce}",
        "Issued At: 2026-09-30T19:58:07.123Z",
        "Expiration Time: 2026-09-30T20:03:07.123Z",
    ]


def test_a_solana_wallets_message_has_exactly_the_documented_fields_and_times():
    sent = opened(open_wallet(Secret(SOLANA_KEY)).sign_in(NOW))
    assert list(sent) == ["address", "message", "signature", "chainId", "type"]
    assert sent["address"] == base58(SOLANA_PUBLIC)
    assert (sent["chainId"], sent["type"]) == ("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", "ed25519")
    nonce = re.search(r"Nonce: ([0-9a-f]{32})\n", sent["message"])[1]
    assert sent["message"].split("\n") == [
        "api.venice.ai wants you to sign in with your Solana account:",
        base58(SOLANA_PUBLIC),
        "",
        "Sign in to Venice AI",
        "",
        "URI: https://api.venice.ai",
        "Version: 1",
        "Chain ID: 5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp",
        f"Nonce: {nonce}",
        "Issued At: 2026-09-30T19:58:07.123Z",
        "Expiration Time: 2026-09-30T20:03:07.123Z",
    ]


@pytest.mark.parametrize("key", [BASE_KEY, BASE_KEY[2:], BASE_KEY.upper().replace("0X", "0x")])
def test_the_address_is_recovered_from_a_base_wallets_message(key):
    wallet = open_wallet(Secret(key))
    for _ in range(100):
        assert verified_base(opened(wallet.sign_in(NOW))) == wallet.address == BASE_ADDRESS


def test_the_address_verifies_a_solana_wallets_message():
    wallet = open_wallet(Secret(SOLANA_KEY))
    for _ in range(100):
        assert verified_solana(opened(wallet.sign_in(NOW))) == wallet.address


def test_the_verifiers_refuse_a_message_that_was_changed():
    sent = opened(open_wallet(Secret(BASE_KEY)).sign_in(NOW))
    assert verified_base({**sent, "message": sent["message"].replace("Version: 1", "Version: 2")}) != BASE_ADDRESS
    sent = opened(open_wallet(Secret(SOLANA_KEY)).sign_in(NOW))
    with pytest.raises(InvalidSignature):
        verified_solana({**sent, "message": sent["message"] + " "})


# The nonce is drawn in one place for both; a signature on Base costs 0.6 ms where one on Solana costs 0.1 ms.
@pytest.mark.parametrize(("key", "signings"), [(SOLANA_KEY, 10_000), (BASE_KEY, 800)], ids=["Solana", "Base"])
def test_nonces_never_repeat_over_10_000_signings_in_8_threads(key, signings):
    wallet = open_wallet(Secret(key))
    with ThreadPoolExecutor(8) as threads:
        sent = list(threads.map(lambda _: opened(wallet.sign_in(NOW)), range(signings)))
    nonces = {re.search(r"Nonce: (\w{8,})", one["message"])[1] for one in sent}
    assert len(nonces) == len({one["signature"] for one in sent}) == len(sent) == signings


BAD_KEYS = {
    "too short": BASE_KEY[:-1],
    "no hexadecimal": "0x" + "g" * 64,
    "zero": "0x" + "0" * 64,
    "beyond the curve": "0x" + "f" * 64,
    "base58 of too few": base58(bytes(range(1, 49))),
    "base58, another's public half": SOLANA_KEY[:-4] + "1111",
    "words": "abandon ability able about above absent absorb abstract absurd abuse access accident",
}


@pytest.mark.parametrize("key", BAD_KEYS.values(), ids=BAD_KEYS)
def test_a_malformed_key_is_refused_without_being_quoted(key):
    with pytest.raises(ConfigurationError, match="64 hexadecimal digits") as caught:
        open_wallet(Secret(key))
    error = caught.value
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None
    for piece in (key, key[2:], key[:12], key[-12:]):
        assert piece not in str(error) + repr(error)


@pytest.mark.parametrize("key", BAD_KEYS.values(), ids=BAD_KEYS)
def test_a_traceback_with_every_frames_values_does_not_show_the_key(key):
    with pytest.raises(ConfigurationError) as caught:
        open_wallet(Secret(key))
    ours = caught.tb.tb_next  # the frame of this test does hold the key
    plain = (
        {"theme_name": "nocolor"} if "theme_name" in signature(VerboseTB).parameters else {"color_scheme": "NoColor"}
    )
    shown = VerboseTB(**plain).text(caught.type, caught.value, ours)
    assert "in open_wallet(key=Secret(" in shown
    assert key[2:18] not in shown


def test_an_api_key_in_the_wallets_place_is_told_where_it_belongs():
    with pytest.raises(ConfigurationError, match="Put it into VENICE_API_KEY"):
        open_wallet(Secret("VENICE_INFERENCE_KEY_abcdef"))


@pytest.mark.parametrize(("key", "library"), [(BASE_KEY, "eth_account"), (SOLANA_KEY, "solders.keypair")])
def test_a_missing_library_is_told_with_the_command_that_installs_it(monkeypatch, key, library):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ConfigurationError, match=r"pip install 'venice-widgets\[wallet\]'"):
        open_wallet(Secret(key))


def test_opening_a_wallet_leaves_the_recursion_limit_so_that_nested_json_is_an_error_and_no_crash():
    code = (
        "import json, sys\nfrom venice_widgets.client.wallet import open_wallet\n"
        "from venice_widgets.config import Secret\n"
        f"open_wallet(Secret({BASE_KEY!r})); assert 'py_ecc' in sys.modules\n"
        "try: json.loads('[' * 100_000)\nexcept RecursionError: print('an error')"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (run.stdout, run.stderr, run.returncode) == ("an error\n", "", 0)


@pytest.mark.parametrize("key", [BASE_KEY, SOLANA_KEY])
def test_nothing_that_a_wallet_shows_of_itself_holds_its_key(key):
    wallet = open_wallet(Secret(key))
    cells = [cell.cell_contents for cell in wallet.sign.__closure__]
    shown = repr(wallet) + "".join(map(repr, cells)) + "".join(map(str, cells))
    assert wallet.address in shown
    assert key.removeprefix("0x") not in shown


def test_the_wallets_address_is_told_from_the_settings():
    assert wallet_address(Settings(wallet_key=Secret(BASE_KEY))) == BASE_ADDRESS
    with pytest.raises(ConfigurationError, match="no wallet key"):
        wallet_address(Settings(api_key=Secret("k")))


def test_a_wallet_that_pays_has_at_most_five_requests_in_flight():
    paying = Settings(wallet_key=Secret(BASE_KEY), in_flight=40)
    idle = Settings(wallet_key=Secret(BASE_KEY), api_key=Secret("k"), in_flight=40)
    assert (uses_wallet(paying), in_flight_limit(paying)) == (True, WALLET_IN_FLIGHT)
    assert (uses_wallet(idle), in_flight_limit(idle)) == (False, 40)
    assert in_flight_limit(Settings(wallet_key=Secret(BASE_KEY), in_flight=2)) == 2
    assert WALLET_IN_FLIGHT == 5


@pytest.mark.parametrize("key", ["0x" + "0" * 64, "1" * 87])
def test_an_invalid_key_stands_in_no_frame_of_its_error(key):
    import traceback

    with pytest.raises(ConfigurationError) as caught:
        open_wallet(Secret(key))
    assert caught.value.__context__ is None
    told = traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()
    assert key.removeprefix("0x") not in "".join(line for line in told if "test_wallet" not in line)
