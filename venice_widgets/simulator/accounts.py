"""Who sends a request: an API key or a wallet.

Signatures are not verified: that needs the wallet's cryptography, and clients go wrong in the nonce and the times.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from . import error_bodies
from .response import ErrorResponse

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

WALLET_HEADERS = ("sign-in-with-x", "x-sign-in-with-x")
OLDEST, NEWEST = timedelta(minutes=5), timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who the client is for the service."""

    name: str
    """The key itself, or the wallet's address in lower case."""
    is_wallet: bool = False

    @property
    def is_admin(self) -> bool:
        """Whether it may read the billing endpoints."""
        return not self.is_wallet and self.name.startswith("VENICE_ADMIN_KEY_")

    @property
    def account(self) -> str:
        """Whose money it spends: all keys belong to one user, each wallet to itself."""
        return self.name if self.is_wallet else ""


class Authenticator:
    """Checks credentials and remembers the nonces that were used.

    Args:
        keys: the valid keys; None accepts any that is not empty.
    """

    def __init__(self, keys: Collection[str] | None) -> None:
        self._keys = keys
        self._lock = threading.Lock()
        self._used_nonces: set[str] = set()

    def identify(self, headers: Mapping[str, str]) -> Caller | None:
        """The caller, or None without credentials. Where both are present, the wallet wins.

        Raises:
            ErrorResponse: 401 for a key or a wallet header that is wrong.
        """
        signed = next((headers[name] for name in WALLET_HEADERS if headers.get(name)), None)
        if signed is not None:
            return self._wallet(signed)
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if not scheme:
            return None
        key = key.strip()
        if scheme.lower() != "bearer" or not key or (self._keys is not None and key not in self._keys):
            raise ErrorResponse(error_bodies.authentication_failed())
        return Caller(key)

    def _wallet(self, signed: str) -> Caller:
        fields = _decoded(signed)
        if fields is None:
            if self._keys is None:
                return Caller(signed.lower(), is_wallet=True)
            raise ErrorResponse(error_bodies.wallet_refused("INVALID_HEADER", "The header is not base64-encoded JSON"))
        self._check_message(str(fields.get("message", "")))
        return Caller(str(fields.get("address", "")).lower(), is_wallet=True)

    def _check_message(self, message: str) -> None:
        lines = dict(re.findall(r"^(Nonce|Issued At|Expiration Time): (.*)$", message, re.MULTILINE))
        nonce, now = lines.get("Nonce", ""), datetime.now(UTC)
        if not re.fullmatch(r"[A-Za-z0-9]{8,}", nonce):
            raise ErrorResponse(error_bodies.wallet_refused("INVALID_MESSAGE", "The nonce is not alphanumeric"))
        with self._lock:
            reused = nonce in self._used_nonces
            self._used_nonces.add(nonce)
        if reused:
            raise ErrorResponse(error_bodies.wallet_refused("NONCE_REUSED", "This nonce has already been used"))
        issued, expires = _time(lines.get("Issued At")), _time(lines.get("Expiration Time"))
        if issued is None or not now - OLDEST <= issued <= now + NEWEST or (expires is not None and expires < now):
            raise ErrorResponse(error_bodies.wallet_refused("EXPIRED", "The message has expired"))


def _decoded(signed: str) -> dict[str, Any] | None:
    try:
        fields = json.loads(base64.b64decode(signed, validate=True))
    except (binascii.Error, ValueError):
        return None
    return fields if isinstance(fields, dict) else None


def _time(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else None
