"""Every endpoint but the one that draws: the catalogue, the styles, the balances, the ledgers."""

from __future__ import annotations

import base64
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from . import catalogue, error_bodies
from .error_bodies import Issue
from .ledger import CURRENCIES, LEAST_WALLET_BALANCE
from .models import iso, number
from .response import ErrorResponse, Response, json_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from .accounts import Caller
    from .received import ReceivedRequest
    from .state import State

WALLET_BALANCE, WALLET_TRANSACTIONS = "/x402/balance/", "/x402/transactions/"
PAGE_SIZES, TRANSACTION_LIMITS = range(10, 1001), range(1, 101)
MINIMUM_TOP_UP_USD, SUGGESTED_TOP_UP_USD = 5, 10
FILTERS = {"startTimestamp", "endTimestamp", "pageSize", "currency"}


def read(state: State, request: ReceivedRequest) -> Response:
    """The response to a GET.

    Raises:
        ErrorResponse: with the status that the service would give.
    """
    if request.path.startswith(WALLET_BALANCE):
        return _wallet_balance(state, request)
    if request.path.startswith(WALLET_TRANSACTIONS):
        return _wallet_transactions(state, request)
    endpoint = _ENDPOINTS.get(request.path)
    if endpoint is None or request.method != "GET":
        raise ErrorResponse(error_bodies.plain(404, f"Not found: {request.method} {request.target}"))
    return endpoint(state, request)


def _models(state: State, request: ReceivedRequest) -> Response:
    """Text models unless the query asks for others. A wrong key is not refused here: it gets the public list."""
    kind = request.query.get("type", "text")
    data: list[Any] = list(catalogue.TEXT_MODELS) if kind in ("text", "all") else []
    if kind in ("image", "all"):
        data += [model.entry(state.started) for model in catalogue.listed_models()] + list(state.extra_entries)
    return json_response({"data": data, "object": "list", "type": kind})


def _traits(_state: State, request: ReceivedRequest) -> Response:
    kind = request.query.get("type", "text")
    traits = catalogue.traits() if kind == "image" else {"default": catalogue.TEXT_MODELS[0]["id"]}
    return json_response({"data": traits, "object": "list", "type": kind})


def _styles(_state: State, _request: ReceivedRequest) -> Response:
    return json_response({"data": list(catalogue.STYLES), "object": "list"})


def _rate_limits(state: State, request: ReceivedRequest) -> Response:
    """The balance source of an ordinary key. Earned credits are not listed; bundled ones only where there are any."""
    balances = state.ledger.balances(_key(state, request).account)
    listed = {"USD": balances["USD"], "DIEM": balances.get("DIEM", Decimal(0))}
    if bundled := balances.get("BUNDLED_CREDITS"):
        listed["BUNDLED_CREDITS"] = bundled
    limits = [] if state.requests.limit is None else [{"type": "RPM", "amount": state.requests.limit}]
    now = state.clock()
    data = {
        "accessPermitted": sum(balances.values()) > 0,
        "apiTier": {"id": "paid", "isCharged": True},
        "balances": {currency: number(amount) for currency, amount in listed.items()},
        "keyExpiration": None,
        "nextEpochBegins": iso(datetime.combine(now.date() + timedelta(days=1), time(), now.tzinfo)),
        "rateLimits": [{"apiModelId": model.id, "rateLimits": limits} for model in catalogue.listed_models()],
    }
    return json_response({"data": data})


def _billing_balance(state: State, request: ReceivedRequest) -> Response:
    balances = state.ledger.balances(_admin(state, request).account)
    shown = {"DIEM": "diem", "USD": "usd", "BUNDLED_CREDITS": "bundledCredits", "EARNED_CREDITS": "earnedCredits"}
    return json_response(
        {
            "canConsume": sum(balances.values()) >= LEAST_WALLET_BALANCE,
            "consumptionCurrency": next((name for name in CURRENCIES if balances.get(name)), None),
            "balances": {name: number(balances.get(currency, Decimal(0))) or None for currency, name in shown.items()},
            "diemEpochAllocation": number(balances.get("DIEM", Decimal(0))),
        }
    )


def _usage_history(state: State, request: ReceivedRequest) -> Response:
    """Rows in ascending time; the cursor carries the filters, which may not be sent with it."""
    rows = [row.usage_entry() for row in state.ledger.rows(_admin(state, request).account) if row.kind != "TOP_UP"]
    start, end, currency, size, offset = _page(request.query)
    rows = [row for row in rows if start <= row["timestamp"] < end and currency in ("", row["currency"])]
    page, rest = rows[offset : offset + size], rows[offset + size :]
    following = _cursor(start, end, currency, size, offset + size) if rest else None
    return json_response({"data": page, "nextCursor": following})


def _page(query: dict[str, str]) -> tuple[str, str, str, int, int]:
    """Start, end, currency, page size and offset: from the cursor, or from the filters of a first page."""
    if "cursor" in query and len(query) > 1:
        raise ErrorResponse(error_bodies.invalid([Issue(("cursor",), "No filter may be sent alongside a cursor")]))
    if unknown := query.keys() - FILTERS - {"cursor"}:
        wrong = f"Unrecognized key(s) in object: {', '.join(sorted(unknown))}"
        raise ErrorResponse(error_bodies.invalid([Issue((), wrong, "unrecognized_keys")]))
    try:
        if "cursor" in query:
            padded = query["cursor"] + "=" * (-len(query["cursor"]) % 4)
            start, end, currency, size, offset = base64.urlsafe_b64decode(padded).decode().split("|")
            return start, end, currency, int(size), int(offset)
        size = query.get("pageSize", "1000")
        if int(size) not in PAGE_SIZES:
            wrong = "Number must be between 10 and 1000"
            raise ErrorResponse(error_bodies.invalid([Issue(("pageSize",), wrong, "too_big")]))
        start, end = query.get("startTimestamp", ""), query.get("endTimestamp", "9999")
        return start, end, query.get("currency", ""), int(size), 0
    except ValueError:
        wrong = "Invalid or expired cursor; restart from the first page"
        raise ErrorResponse(error_bodies.invalid([Issue(("cursor",), wrong)])) from None


def _cursor(start: str, end: str, currency: str, size: int, offset: int) -> str:
    return base64.urlsafe_b64encode(f"{start}|{end}|{currency}|{size}|{offset}".encode()).decode().rstrip("=")


def _wallet_balance(state: State, request: ReceivedRequest) -> Response:
    address = _own_wallet(state, request, WALLET_BALANCE)
    balances = state.ledger.balances(address)
    diem = balances.get("DIEM", Decimal(0))
    data = {
        "walletAddress": address,
        "balanceUsd": number(balances["USD"]),
        "canConsume": balances["USD"] >= LEAST_WALLET_BALANCE or diem > 0,
        "minimumTopUpUsd": MINIMUM_TOP_UP_USD,
        "suggestedTopUpUsd": SUGGESTED_TOP_UP_USD,
    }
    return json_response({"success": True, "data": data | ({"diemBalanceUsd": number(diem)} if diem else {})})


def _wallet_transactions(state: State, request: ReceivedRequest) -> Response:
    """What the wallet's own credit was charged, the newest first. DIEM of a linked account is not in it."""
    address = _own_wallet(state, request, WALLET_TRANSACTIONS)
    try:
        limit, offset = int(request.query.get("limit", 50)), int(request.query.get("offset", 0))
    except ValueError:
        limit, offset = 0, 0
    if limit not in TRANSACTION_LIMITS or offset < 0:
        raise ErrorResponse(error_bodies.invalid([Issue(("limit",), "Number must be between 1 and 100", "too_big")]))
    rows = [row.transaction() for row in reversed(state.ledger.rows(address)) if row.currency == "USD"]
    data = {
        "walletAddress": address,
        "currentBalance": number(state.ledger.balances(address)["USD"]),
        "transactions": rows[offset : offset + limit],
        "pagination": {"limit": limit, "offset": offset, "hasMore": offset + limit < len(rows)},
    }
    return json_response({"success": True, "data": data})


def _own_wallet(state: State, request: ReceivedRequest, prefix: str) -> str:
    """The address in the path, which must be the wallet that signed in."""
    address = request.path.removeprefix(prefix).lower()
    caller = state.caller(request.headers)
    if not caller.is_wallet:
        raise ErrorResponse(error_bodies.plain(401, "Invalid Sign-in-with-x signature"))
    if caller.name != address:
        raise ErrorResponse(error_bodies.plain(403, "Authenticated wallet does not match the requested wallet"))
    return address


def _key(state: State, request: ReceivedRequest) -> Caller:
    """The caller, who must send a key."""
    caller = state.caller(request.headers)
    if caller.is_wallet:
        raise ErrorResponse(error_bodies.authentication_failed())
    return caller


def _admin(state: State, request: ReceivedRequest) -> Caller:
    caller = _key(state, request)
    if not caller.is_admin:
        raise ErrorResponse(error_bodies.admin_only())
    return caller


_ENDPOINTS: dict[str, Callable[[State, ReceivedRequest], Response]] = {
    "/models": _models,
    "/models/traits": _traits,
    "/image/styles": _styles,
    "/api_keys/rate_limits": _rate_limits,
    "/billing/balance": _billing_balance,
    "/billing/usage-history": _usage_history,
}
