"""What was really charged, from the service's ledger: an ADMIN key's usage history, or a wallet's transactions.

Source: GET /billing/usage-history, GET /x402/transactions/{wallet}. A row's request id is the `id` of the response that
it paid for. One request may have several rows (the model and an add-on), and refunds; what was taken is negative there.
The currency that paid is DIEM, earned or bundled credits, or USD; each is worth one US dollar.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from venice_widgets.errors import CredentialsRefused, ResponseError
from venice_widgets.money import usd_or_none

from .wallet import uses_wallet, wallet_address

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from venice_widgets.config import Settings

    from .client import Client

LedgerRow = tuple[str, Decimal, str]
"""A response's id, what this row took in US dollars (negative for a refund), and the currency that paid."""

_MOST_PAGES = 1000
_ROWS_A_PAGE = 100


def charged_requests(client: Client, settings: Settings, since: datetime) -> Iterator[LedgerRow]:
    """The rows of the ledger that belong to requests, from `since` on; a row that cannot be read is passed over.

    Raises:
        CredentialsRefused: the key is not an ADMIN key.
        ResponseError: the ledger cannot be read.
    """
    from venice_widgets.credentials import kind_of_key

    if uses_wallet(settings):
        yield from _of_wallet(client, wallet_address(settings), since)
        return
    if settings.api_key is None or kind_of_key(settings.api_key) == "inference":
        raise CredentialsRefused(
            "the billing ledger can be read with an ADMIN key only.",
            "Use one for this (VENICE_API_KEY), or settle runs by hand: %venice resolve RUN charged|not-charged.",
        )
    query = {"startTimestamp": _iso(since)}
    for _ in range(_MOST_PAGES):
        page = client.get_json("/billing/usage-history", **query)
        for entry in _entries(page, "data"):
            details = entry.get("inferenceDetails")
            name = details.get("requestId") if isinstance(details, dict) else None
            yield from _row(name, entry.get("amount"), entry.get("currency", "USD"))
        if not page.get("nextCursor"):
            return
        query = {"cursor": str(page["nextCursor"])}


def _of_wallet(client: Client, address: str, since: datetime) -> Iterator[LedgerRow]:
    """Newest first: what is older than `since` ends it. A wallet pays in US dollars; its DIEM is not in this ledger."""
    for page_number in range(_MOST_PAGES):
        offset = page_number * _ROWS_A_PAGE
        page = client.get_json(f"/x402/transactions/{address}", limit=str(_ROWS_A_PAGE), offset=str(offset))
        data = page.get("data") if isinstance(page, dict) else None
        for entry in _entries(data, "transactions"):
            if str(entry.get("createdAt") or "9") < _iso(since):
                return
            if entry.get("type") in ("CHARGE", "REFUND"):
                yield from _row(entry.get("requestId"), entry.get("amount"), "USD")
        pagination = data.get("pagination") if isinstance(data, dict) else None
        if not (isinstance(pagination, dict) and pagination.get("hasMore")):
            return


def _entries(page: Any, name: str) -> list[dict[str, Any]]:
    listed = page.get(name) if isinstance(page, dict) else None
    if not isinstance(listed, list):
        raise ResponseError("the billing ledger cannot be read.", "Try again in a minute.")
    return [entry for entry in listed if isinstance(entry, dict)]


def _row(name: Any, amount: Any, currency: Any) -> Iterator[LedgerRow]:
    taken = usd_or_none(amount)
    if isinstance(name, str) and name and taken is not None:
        yield name, -taken, str(currency)


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
