"""Every endpoint but the one that draws: the catalogue, the styles, the balances, the ledger."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from . import catalogue, error_bodies
from .error_bodies import Issue
from .response import Answer, Refused, json_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from .accounts import Caller
    from .ledger import Charge
    from .received import ReceivedRequest
    from .state import World

WALLET_BALANCE = "/x402/balance/"
PAGE_SIZES = range(10, 1001)
MINIMUM_TOP_UP_USD, SUGGESTED_TOP_UP_USD = 5, 10


def read(world: World, request: ReceivedRequest) -> Answer:
    """The answer to a GET.

    Raises:
        Refused: with the status that the service would give.
    """
    if request.path.startswith(WALLET_BALANCE):
        return _wallet_balance(world, request)
    endpoint = _ENDPOINTS.get(request.path)
    if endpoint is None or request.method != "GET":
        raise Refused(error_bodies.plain(404, f"Not found: {request.method} {request.target}"))
    return endpoint(world, request)


def _models(world: World, request: ReceivedRequest) -> Answer:
    """Text models unless the query asks for others, as the service does; a wrong key is refused even here."""
    world.doorkeeper.identify(request.headers)
    kind = request.query.get("type", "text")
    data: list[Any] = list(catalogue.TEXT_MODELS) if kind in ("text", "all") else []
    if kind in ("image", "all"):
        data += [model.entry() for model in catalogue.listed_models()] + list(world.extra_entries)
    return json_answer({"data": data, "object": "list", "type": kind})


def _traits(_world: World, request: ReceivedRequest) -> Answer:
    kind = request.query.get("type", "text")
    traits = catalogue.traits() if kind == "image" else {"default": catalogue.TEXT_MODELS[0]["id"]}
    return json_answer({"data": traits, "object": "list", "type": kind})


def _styles(_world: World, _request: ReceivedRequest) -> Answer:
    return json_answer({"data": list(catalogue.STYLES), "object": "list"})


def _rate_limits(world: World, request: ReceivedRequest) -> Answer:
    caller = _key(world, request)
    balance = world.ledger.balance_usd(caller.account)
    allowance = world.requests.left(caller.name)
    limits = [{"type": "RPM", "amount": allowance.limit}] if allowance else []
    midnight = datetime.combine(datetime.now(UTC).date() + timedelta(days=1), time(), UTC)
    data = {
        "accessPermitted": balance > 0,
        "apiTier": {"id": "paid", "isCharged": True},
        "balances": {"USD": float(balance), "DIEM": 0},
        "keyExpiration": None,
        "nextEpochBegins": midnight.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "rateLimits": [{"apiModelId": model.id, "rateLimits": limits} for model in catalogue.listed_models()],
    }
    return json_answer({"data": data})


def _billing_balance(world: World, request: ReceivedRequest) -> Answer:
    balance = world.ledger.balance_usd(_admin(world, request).account)
    return json_answer(
        {
            "canConsume": balance > 0,
            "consumptionCurrency": "USD",
            "balances": {"diem": None, "usd": float(balance)},
            "diemEpochAllocation": 0,
        }
    )


def _usage_history(world: World, request: ReceivedRequest) -> Answer:
    """A walk in ascending time; the cursor carries the filters, which may not stand beside it."""
    charges = world.ledger.charges(_admin(world, request).account)
    query = request.query
    if "cursor" in query and len(query) > 1:
        raise Refused(error_bodies.invalid([Issue(("cursor",), "No filter may be sent alongside a cursor")]))
    start, end, size, offset = _walk(query)
    charges = [charge for charge in charges if start <= _stamp(charge) < end]
    page, rest = charges[offset : offset + size], charges[offset + size :]
    following = _cursor(start, end, size, offset + size) if rest else None
    return json_answer({"data": [charge.entry() for charge in page], "nextCursor": following})


def _walk(query: dict[str, str]) -> tuple[str, str, int, int]:
    """Start, end, page size and offset: from the cursor, or from the filters of a first page."""
    try:
        if "cursor" in query:
            padded = query["cursor"] + "=" * (-len(query["cursor"]) % 4)
            start, end, size, offset = base64.urlsafe_b64decode(padded).decode().split("|")
            return start, end, int(size), int(offset)
        size = query.get("pageSize", "1000")
        if int(size) not in PAGE_SIZES:
            raise Refused(error_bodies.invalid([Issue(("pageSize",), "Number must be between 10 and 1000", "too_big")]))
        return query.get("startTimestamp", ""), query.get("endTimestamp", "9999"), int(size), 0
    except ValueError:
        raise Refused(error_bodies.invalid([Issue(("cursor",), "Invalid cursor or page size")])) from None


def _cursor(start: str, end: str, size: int, offset: int) -> str:
    return base64.urlsafe_b64encode(f"{start}|{end}|{size}|{offset}".encode()).decode().rstrip("=")


def _stamp(charge: Charge) -> str:
    return str(charge.entry()["timestamp"])


def _wallet_balance(world: World, request: ReceivedRequest) -> Answer:
    address = request.path.removeprefix(WALLET_BALANCE).lower()
    caller = world.doorkeeper.identify(request.headers)
    if caller is None or not caller.is_wallet:
        raise Refused(error_bodies.wallet_refused("REQUIRED", "Missing or invalid Sign-in-with-x authentication"))
    if caller.name != address:
        raise Refused(error_bodies.plain(403, "Authenticated wallet does not match the requested wallet"))
    balance = world.ledger.balance_usd(address)
    data = {
        "walletAddress": address,
        "balanceUsd": float(balance),
        "canConsume": balance > 0,
        "minimumTopUpUsd": MINIMUM_TOP_UP_USD,
        "suggestedTopUpUsd": SUGGESTED_TOP_UP_USD,
    }
    return json_answer({"success": True, "data": data})


def _key(world: World, request: ReceivedRequest) -> Caller:
    """The caller, who must come with a key."""
    caller = world.doorkeeper.identify(request.headers)
    if caller is None or caller.is_wallet:
        raise Refused(error_bodies.authentication_failed())
    return caller


def _admin(world: World, request: ReceivedRequest) -> Caller:
    caller = _key(world, request)
    if not caller.is_admin:
        raise Refused(error_bodies.admin_only())
    return caller


_ENDPOINTS: dict[str, Callable[[World, ReceivedRequest], Answer]] = {
    "/models": _models,
    "/models/traits": _traits,
    "/image/styles": _styles,
    "/api_keys/rate_limits": _rate_limits,
    "/billing/balance": _billing_balance,
    "/billing/usage-history": _usage_history,
}
