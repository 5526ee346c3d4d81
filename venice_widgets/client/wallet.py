"""A wallet: which chain its key belongs to, its address, and the sign-in message that it signs.

The API document, "SIGN-IN-WITH-X": a request without an API key carries a short text that the wallet signed. On Base
the text is EIP-4361 and the signature secp256k1 (``eth-account``); on Solana it has the same lines and is signed with
ed25519 (``solders``). Both libraries are the extra ``wallet`` and are imported when a wallet is opened. Nothing here
can sign a payment.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from venice_widgets.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from venice_widgets.config import Secret, Settings

WALLET_IN_FLIGHT = 5
"""How many requests of one wallet may be in flight at once; the sixth is refused (429, X402_CONCURRENCY_LIMIT)."""
SIGN_IN_LIFETIME = timedelta(minutes=5)
"""How long a signed text may be used; the service takes none that is older."""
BASE_CHAIN_ID = 8453
SOLANA_CHAIN_ID = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"

_DOMAIN = "api.venice.ai"
_BASE_KEY = re.compile(r"(0x)?[0-9a-fA-F]{64}")
_SOLANA_KEY = re.compile(r"[1-9A-HJ-NP-Za-km-z]{64,90}")
_SHAPES = "It is 64 hexadecimal digits (Base, with or without 0x), or 64 bytes in base58 (Solana, 87 or 88 characters)."


@dataclass(frozen=True, slots=True)
class Wallet:
    """A wallet that can sign in. It holds the key out of sight, behind `sign`."""

    address: str
    """Checksummed hexadecimal (EIP-55) on Base, base58 on Solana."""
    account: str
    """Whose account the message names: Ethereum or Solana."""
    chain_id: str
    """The message's ``Chain ID``."""
    envelope: Mapping[str, Any]
    """What the header says of the signature beside address, message and signature."""
    sign: Callable[[str], str] = field(repr=False)
    """The signature of a text: hexadecimal with 0x on Base, base58 on Solana."""

    def message(self, issued_at: datetime, nonce: str) -> str:
        """The text that is signed, after EIP-4361.

        Args:
            issued_at: an aware time in UTC; written to the millisecond.
            nonce: at least eight alphanumerics, never used before.
        """
        lines = (
            f"{_DOMAIN} wants you to sign in with your {self.account} account:",
            self.address,
            "",
            "Sign in to Venice AI",
            "",
            f"URI: https://{_DOMAIN}",
            "Version: 1",
            f"Chain ID: {self.chain_id}",
            f"Nonce: {nonce}",
            f"Issued At: {_iso(issued_at)}",
            f"Expiration Time: {_iso(issued_at + SIGN_IN_LIFETIME)}",
        )
        return "\n".join(lines)

    def sign_in(self, issued_at: datetime) -> str:
        """A header's value, good for one request: its nonce is spent even by a request that fails."""
        message = self.message(issued_at, secrets.token_hex(16))
        value = {"address": self.address, "message": message, "signature": self.sign(message), **self.envelope}
        return base64.b64encode(json.dumps(value).encode()).decode()


def open_wallet(key: Secret) -> Wallet:
    """The wallet of a private key, whose shape tells the chain.

    Raises:
        ConfigurationError: it is not a private key, or the extra ``wallet`` is not installed. The key is not quoted.
    """
    if _BASE_KEY.fullmatch(key.reveal()):
        return _base_wallet(key)
    if _SOLANA_KEY.fullmatch(key.reveal()):
        return _solana_wallet(key)
    if key.reveal().startswith("VENICE_"):
        raise ConfigurationError(
            "The wallet key is an API key.", "Put it into VENICE_API_KEY instead, or run %venice login."
        )
    raise ConfigurationError(f"The wallet key has {len(key.reveal())} characters and is not a private key.", _SHAPES)


def uses_wallet(settings: Settings) -> bool:
    """Whether the wallet pays: there is one, and no API key."""
    return settings.wallet_key is not None and settings.api_key is None


def in_flight_limit(settings: Settings) -> int:
    """How many requests may be in flight at once, with the wallet's own limit where a wallet pays."""
    return min(settings.in_flight, WALLET_IN_FLIGHT) if uses_wallet(settings) else settings.in_flight


def wallet_address(settings: Settings) -> str:
    """The wallet's address, as ``GET /x402/balance/{address}`` wants it.

    Raises:
        ConfigurationError: there is no wallet key, or it cannot be used.
    """
    if settings.wallet_key is None:
        raise ConfigurationError("There is no wallet key.", "Set VENICE_WALLET_KEY, or run %venice login --wallet.")
    return open_wallet(settings.wallet_key).address


def _base_wallet(key: Secret) -> Wallet:
    try:
        with _recursion_limit_kept():
            from eth_account import Account
            from eth_account.messages import encode_defunct
    except ImportError as exc:
        raise _not_installed("Base", "eth-account") from exc
    account = _or_none(lambda: Account.from_key(key.reveal()))
    if account is None:
        raise _unusable("Base")

    def sign(message: str) -> str:
        # Through bytes: hexbytes before 1.0 print the 0x themselves, newer ones do not.
        return f"0x{bytes(account.sign_message(encode_defunct(text=message)).signature).hex()}"

    return Wallet(account.address, "Ethereum", str(BASE_CHAIN_ID), {"chainId": BASE_CHAIN_ID}, sign)


def _solana_wallet(key: Secret) -> Wallet:
    try:
        from solders.keypair import Keypair
    except ImportError as exc:
        raise _not_installed("Solana", "solders") from exc
    # No name is bound to the pair itself: its repr is the private key, and tracebacks show names with their values.
    sign_bytes = _or_none(lambda: Keypair.from_base58_string(key.reveal()).sign_message)
    if sign_bytes is None:
        raise _unusable("Solana")
    address = str(Keypair.from_base58_string(key.reveal()).pubkey())

    def sign(message: str) -> str:
        return str(sign_bytes(message.encode()))

    envelope = {"chainId": f"solana:{SOLANA_CHAIN_ID}", "type": "ed25519"}
    return Wallet(address, "Solana", SOLANA_CHAIN_ID, envelope, sign)


def _or_none(opening: Callable[[], Any]) -> Any:
    """What it gives; None where the key is refused. Our error is raised elsewhere: this one's frames hold the key."""
    try:
        return opening()
    except ValueError:
        return None


@contextmanager
def _recursion_limit_kept() -> Iterator[None]:
    """Importing eth-account lets py-ecc raise the limit a hundredfold: nested JSON would then end the process."""
    limit = sys.getrecursionlimit()
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def _not_installed(chain: str, library: str) -> ConfigurationError:
    return ConfigurationError(
        f"Signing in with a {chain} wallet needs {library}, which is not installed.",
        "Run: pip install 'venice-widgets[wallet]'",
    )


def _unusable(chain: str) -> ConfigurationError:
    return ConfigurationError(f"The wallet key looks like one of {chain}, but is not valid there.", _SHAPES)


def _iso(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
