"""Who sends a request: an API key or a wallet."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from . import error_bodies, sign_in
from .response import ErrorResponse

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

WALLET_HEADERS = ("sign-in-with-x", "x-sign-in-with-x")


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
        fields = sign_in.decoded(signed)
        if fields is None:
            if self._keys is None:
                return Caller(signed.lower(), is_wallet=True)
            raise ErrorResponse(error_bodies.wallet_refused("PARSE_ERROR"))
        used_before = self._use(sign_in.nonce_of(fields))  # also by a sign-in that is refused
        reason = sign_in.refusal(fields, datetime.now(UTC)) or ("NONCE_REUSED" if used_before else "")
        if reason:
            raise ErrorResponse(error_bodies.wallet_refused(reason))
        return Caller(str(fields["address"]).lower(), is_wallet=True)

    def _use(self, nonce: str) -> bool:
        """Remember a nonce; whether it was used before."""
        with self._lock:
            used_before = nonce in self._used_nonces
            self._used_nonces.add(nonce)
        return used_before
