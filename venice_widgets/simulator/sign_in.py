"""A wallet's sign-in: the sixteen reasons to refuse one, and the checks of its header and its message.

The signature itself is not verified: that needs the wallet's cryptography. `INVALID_SIGNATURE` and `INVALID_WALLET` are
for what does not even have the shape of one; every reason can also be had on demand, as a fault.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

REFUSALS = {
    "PARSE_ERROR": "The header is not base64-encoded JSON",
    "INVALID_PAYLOAD": "The header must have address, message, signature and chainId",
    "INVALID_WALLET": "The address is not a wallet address",
    "INVALID_SIGNATURE": "The signature does not match the message",
    "INVALID_MESSAGE": "The message is not a sign-in message",
    "DOMAIN_MISMATCH": "The message is for another domain",
    "ADDRESS_MISMATCH": "The message names another address",
    "INVALID_CHAIN_ID": "The chain id cannot be read",
    "UNSUPPORTED_CHAIN": "The chain is not supported",
    "CHAIN_MISMATCH": "The message names another chain",
    "MISSING_NONCE": "The message has no nonce",
    "TIMESTAMP_MISMATCH": "The timestamp is not the time of issue",
    "FUTURE_TIMESTAMP": "The message was issued in the future",
    "NOT_BEFORE": "The message is not valid yet",
    "EXPIRED": "The message has expired",
    "NONCE_REUSED": "This nonce has already been used",
}
"""The end of each code ``X402_SIGN_IN_…``, in the order in which they are looked for, and its text."""

_OLDEST, _NEWEST = timedelta(minutes=5), timedelta(seconds=30)
_FIELDS = ("address", "message", "signature", "chainId")
_DOMAIN = "api.venice.ai"
_CHAINS = {"8453": "8453", "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp": "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"}
"""The header's chain id and the message's."""
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}|[1-9A-HJ-NP-Za-km-z]{32,44}")
_SIGNATURE = re.compile(r"0x[0-9a-fA-F]+|[1-9A-HJ-NP-Za-km-z]{86,90}|[A-Za-z0-9+/]{86}==")
_FIRST_LINES = re.compile(
    r"(?P<domain>\S+) wants you to sign in with your (?:Ethereum|Solana) account:\n(?P<name>\S+)\n"
)
_LINE = re.compile(r"^(Chain ID|Nonce|Issued At|Expiration Time|Not Before): (.*)$", re.MULTILINE)


def decoded(header: str) -> dict[str, Any] | None:
    """The fields of a header; None where it is not base64-encoded JSON."""
    try:
        fields = json.loads(base64.b64decode(header, validate=True))
    except (binascii.Error, ValueError):
        return None
    return fields if isinstance(fields, dict) else None


def nonce_of(fields: dict[str, Any]) -> str:
    """The message's nonce; empty where it has none of eight alphanumerics."""
    nonce = dict(_LINE.findall(str(fields.get("message", "")))).get("Nonce", "")
    return nonce if re.fullmatch(r"[A-Za-z0-9]{8,}", nonce) else ""


def refusal(fields: dict[str, Any], now: datetime) -> str:
    """The reason to refuse a sign-in, but for a nonce that was used before; empty where there is none."""
    return _wrong_header(fields) or _wrong_message(fields) or _wrong_time(fields, now)


def _wrong_header(fields: dict[str, Any]) -> str:
    if not all(fields.get(name) for name in _FIELDS):
        return "INVALID_PAYLOAD"
    if not _ADDRESS.fullmatch(str(fields["address"])):
        return "INVALID_WALLET"
    return "" if _SIGNATURE.fullmatch(str(fields["signature"])) else "INVALID_SIGNATURE"


def _wrong_message(fields: dict[str, Any]) -> str:
    message, chain = str(fields["message"]), str(fields["chainId"])
    first = _FIRST_LINES.match(message)
    if first is None:
        return "INVALID_MESSAGE"
    stated = dict(_LINE.findall(message)).get("Chain ID", "")
    wrong = {
        "DOMAIN_MISMATCH": first["domain"] != _DOMAIN,
        "ADDRESS_MISMATCH": first["name"].lower() != str(fields["address"]).lower(),
        "INVALID_CHAIN_ID": not re.fullmatch(r"\d+|solana:\w+", chain),
        "UNSUPPORTED_CHAIN": chain not in _CHAINS,
        "CHAIN_MISMATCH": stated != _CHAINS.get(chain),
        "MISSING_NONCE": not nonce_of(fields),
    }
    return next((reason for reason, holds in wrong.items() if holds), "")


def _wrong_time(fields: dict[str, Any], now: datetime) -> str:
    lines = dict(_LINE.findall(str(fields["message"])))
    issued, expires, not_before = (_time(lines.get(name)) for name in ("Issued At", "Expiration Time", "Not Before"))
    if issued is None:
        return "INVALID_MESSAGE"
    stated = fields.get("timestamp")
    wrong = {
        "TIMESTAMP_MISMATCH": stated is not None and str(stated) != str(round(issued.timestamp() * 1000)),
        "FUTURE_TIMESTAMP": issued > now + _NEWEST,
        "NOT_BEFORE": not_before is not None and not_before > now,
        "EXPIRED": issued < now - _OLDEST or (expires is not None and expires < now),
    }
    return next((reason for reason, holds in wrong.items() if holds), "")


def _time(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None
