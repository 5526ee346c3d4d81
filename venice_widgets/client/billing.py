"""What was really charged, from the billing ledger: for ADMIN keys alone.

Source: GET /billing/usage-history. That a line's ``inferenceDetails.requestId`` equals an answer's ``id`` is thought,
not promised, so a line that matches no run is told and changes nothing.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from venice_widgets.errors import CredentialsRefused, ResponseError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from venice_widgets.config import Settings

    from .client import Client

_MOST_PAGES = 1000


def charged_requests(client: Client, settings: Settings, since: datetime) -> Iterator[tuple[str, Decimal]]:
    """The ledger's request ids and what each cost in US dollars, from `since` on.

    Raises:
        CredentialsRefused: the key is no ADMIN key.
        ResponseError: the ledger cannot be read.
    """
    from venice_widgets.credentials import kind_of_key

    if settings.api_key is None or kind_of_key(settings.api_key) == "inference":
        raise CredentialsRefused(
            "the billing ledger opens to an ADMIN key alone.",
            "Use one for this (VENICE_API_KEY), or settle runs by hand: %venice resolve RUN charged|not-charged.",
        )
    query = {"startTimestamp": since.isoformat(timespec="milliseconds").replace("+00:00", "Z")}
    for _ in range(_MOST_PAGES):
        page = client.get_json("/billing/usage-history", **query)
        if not isinstance(page, dict) or not isinstance(page.get("data"), list):
            raise ResponseError("the billing ledger cannot be read.", "Try again in a minute.")
        yield from _lines(page["data"])
        if not page.get("nextCursor"):
            return
        query = {"cursor": str(page["nextCursor"])}


def _lines(entries: list[Any]) -> Iterator[tuple[str, Decimal]]:
    """What was taken is negative there; one request may stand in several lines."""
    totals: dict[str, Decimal] = {}
    for entry in entries:
        details = entry.get("inferenceDetails") if isinstance(entry, dict) else None
        name = details.get("requestId") if isinstance(details, dict) else None
        try:
            amount = -Decimal(str(entry.get("amount"))) if isinstance(entry, dict) else Decimal("NaN")
        except InvalidOperation:
            continue
        if isinstance(name, str) and amount.is_finite() and entry.get("currency", "USD") == "USD":
            totals[name] = totals.get(name, Decimal(0)) + amount
    yield from totals.items()
