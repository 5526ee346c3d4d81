"""Which account is billed, as httpx asks for it: an API key or a wallet, never both, and never to another host.

httpx runs `auth_flow` once for every request that is sent, so a wallet signs anew for each of them, retries included.
A redirect is not a new request in that sense: httpx drops ``Authorization`` on the way to another host, but keeps every
other header, ``SIGN-IN-WITH-X`` among them. `same_origin_only` is therefore to be installed as a request hook as well.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx

from venice_widgets.errors import ConfigurationError

from .wallet import Wallet, open_wallet

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from venice_widgets.config import Secret, Settings

WALLET_HEADER = "SIGN-IN-WITH-X"
LEGACY_WALLET_HEADER = "X-Sign-In-With-X"

_CREDENTIAL_HEADERS = ("Authorization", WALLET_HEADER, LEGACY_WALLET_HEADER)
_HEADER_TEXT = re.compile(r"[!-~]+")
_PRIVATE_KEY = re.compile(r"(?:0x)?[0-9a-fA-F]{64}|[1-9A-HJ-NP-Za-km-z]{86,90}")
"""What `wallet.open_wallet` would take; an API key has a prefix, or is shorter."""


def authentication(settings: Settings, *, legacy_header: bool = False) -> httpx.Auth:
    """What signs the requests of these settings: the API key, else the wallet, else nothing.

    Args:
        settings: with the credentials that `credentials.with_credential` found.
        legacy_header: send a wallet's signature as ``X-Sign-In-With-X``, the name that older gateways know.

    Raises:
        ConfigurationError: the key cannot be sent, or the wallet cannot be opened. Keys are not quoted.
    """
    if settings.api_key is not None:
        return BearerAuth(settings.api_key, settings.base_url)
    if settings.wallet_key is not None:
        return WalletAuth(open_wallet(settings.wallet_key), settings.base_url, legacy_header=legacy_header)
    return httpx.Auth()


class BearerAuth(httpx.Auth):
    """``Authorization: Bearer``, for requests to the base URL's own host.

    Raises:
        ConfigurationError: the key cannot be sent in a header, or is a wallet's private key, which must not be sent.
    """

    def __init__(self, key: Secret, base_url: str) -> None:
        if _PRIVATE_KEY.fullmatch(key.reveal()):
            raise ConfigurationError(
                "The API key is a wallet's private key, which must never be sent.",
                "Put it into VENICE_WALLET_KEY, or run %venice login --wallet.",
            )
        if not _HEADER_TEXT.fullmatch(key.reveal()):
            raise ConfigurationError(
                "The API key is empty, or has spaces or characters that a header cannot carry.", "Copy it once more."
            )
        self._key = key
        self._check = same_origin_only(base_url)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Put the key on the request, and take a wallet's signature off: it would win."""
        _remove_credentials(request)
        self._check(request)
        request.headers["Authorization"] = f"Bearer {self._key.reveal()}"
        yield request


class WalletAuth(httpx.Auth):
    """A wallet's signature, made anew for each request that is sent. It may be used from many threads.

    Args:
        wallet: who signs.
        base_url: whose host alone is signed for.
        legacy_header: whether the header has its older name.
        now: the time in UTC; the service wants it right to 30 seconds.
    """

    def __init__(
        self,
        wallet: Wallet,
        base_url: str,
        *,
        legacy_header: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._wallet = wallet
        self._check = same_origin_only(base_url)
        self._header = LEGACY_WALLET_HEADER if legacy_header else WALLET_HEADER
        self._now = now

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign this sending of the request, in place of whatever it carried before."""
        _remove_credentials(request)
        self._check(request)
        request.headers[self._header] = self._wallet.sign_in(self._now())
        yield request


def same_origin_only(base_url: str) -> Callable[[httpx.Request], None]:
    """A check for ``event_hooks={"request": [...]}``, which httpx also runs for each step of a redirect.

    It raises ConfigurationError for a request to another scheme, host or port than the base URL's.
    """
    home = httpx.URL(base_url)

    def check(request: httpx.Request) -> None:
        if (request.url.scheme, request.url.host, request.url.port) != (home.scheme, home.host, home.port):
            raise ConfigurationError(
                f"A request for {home.host} was about to go to {request.url.scheme}://{request.url.host} instead.",
                "Credentials are sent to the base URL's own host only. If it has moved, set VENICE_API_BASE_URL.",
            )

    return check


def _remove_credentials(request: httpx.Request) -> None:
    for name in _CREDENTIAL_HEADERS:
        request.headers.pop(name, None)
