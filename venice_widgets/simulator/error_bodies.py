"""Every error body that Venice sends, one function each.

Shapes: VENICE API, "Errors", and the OpenAPI schemas StandardError, DetailedError, X402InferencePaymentRequired.
"""

from __future__ import annotations

import base64
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from .models import number
from .response import Response, json_response
from .sign_in import REFUSALS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

ORIGIN = "https://api.venice.ai"
# Not addresses: what a simulator asks for must be impossible to pay.
USDC_ON_BASE = "0xSIMULATED_USDC_TOKEN"
RECEIVER = "0xSIMULATED_RECEIVER_WALLET"


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing wrong with a body, as a zod issue."""

    path: tuple[str | int, ...]
    message: str
    code: str = "custom"


def invalid(issues: Sequence[Issue]) -> Response:
    """400 with the fields at fault, in zod's formatted shape and as a list."""
    details: dict[str, Any] = {"_errors": []}
    for issue in issues:
        place = details
        for step in issue.path:
            place = place.setdefault(str(step), {"_errors": []})
        place["_errors"].append(issue.message)
    listed = [{"code": issue.code, "path": list(issue.path), "message": issue.message} for issue in issues]
    return json_response({"error": "Invalid request parameters", "details": details, "issues": listed}, 400)


def unfit(text: str) -> Response:
    """400 whose details are one sentence."""
    return json_response({"error": "Invalid request parameters", "details": text}, 400)


def plain(status: int, text: str) -> Response:
    """The most common shape: one sentence."""
    return json_response({"error": text}, status)


def authentication_failed() -> Response:
    """401 for a wrong key."""
    return plain(401, "Authentication failed")


def admin_only() -> Response:
    """401 for an endpoint that only ADMIN keys may read."""
    return plain(401, "Admin API key required")


def wallet_refused(reason: str) -> Response:
    """401 for a Sign-In-With-X header; the reason is one of `sign_in.REFUSALS`."""
    return json_response({"error": REFUSALS[reason], "code": f"X402_SIGN_IN_{reason}"}, 401)


def insufficient_balance() -> Response:
    """402 for an API key without money."""
    return plain(
        402,
        "Insufficient USD or Diem balance to complete request. Visit https://venice.ai/settings/api to add credits.",
    )


def spending_limit_reached() -> Response:
    """402 for a key that has reached its own limit."""
    return plain(
        402, "API key USD spend limit exceeded for this epoch. Raise the limit of this key or use another key."
    )


def no_credentials() -> Response:
    """402 for a request that carries neither key nor wallet: an offer to pay."""
    offer: dict[str, Any] = {
        "x402Version": 2,
        "error": "Authentication required",
        "resource": {
            "url": f"{ORIGIN}/api/v1/image/generate",
            "description": "Venice API",
            "mimeType": "application/json",
        },
        "accepts": [
            {
                "scheme": "exact",
                "network": "eip155:8453",
                "asset": USDC_ON_BASE,
                "amount": "10000000",
                "payTo": RECEIVER,
                "maxTimeoutSeconds": 300,
                "extra": {"name": "USD Coin", "version": "2"},
            }
        ],
        "extensions": {"sign-in-with-x": {"info": _challenge(), "supportedChains": _CHAINS}},
    }
    header = base64.b64encode(json.dumps(offer).encode()).decode()
    return json_response(offer | {"authOptions": _AUTH_OPTIONS}, 402, [("PAYMENT-REQUIRED", header)])


def wallet_too_low(balance_usd: Decimal) -> Response:
    """402 for a wallet whose credit does not cover the request."""
    return json_response(
        {
            "error": "Payment required",
            "code": "PAYMENT_REQUIRED",
            "reason": "insufficient_balance",
            "currentBalanceUsd": number(balance_usd),
            "minimumBalanceUsd": 0.1,
            "description": "Venice API",
            "suggestedTopUpUsd": 10,
            "minimumTopUpUsd": 5,
            "supportedTokens": ["USDC"],
            "supportedChains": ["base", "solana"],
            "topUpInstructions": _TOP_UP,
            "siwxChallenge": {"info": _challenge(), "supportedChains": _CHAINS},
        },
        402,
    )


def model_not_found(name: str, suggestion: str | None) -> Response:
    """404 for a model that is unknown or retired."""
    hint = f" Did you mean {suggestion}?" if suggestion else ""
    return plain(404, f"Specified model not found: {name}.{hint} See /api/v1/models for what is available.")


def model_gone(name: str, replacement: str | None) -> Response:
    """410 for a model that has ended and is not routed to another one."""
    hint = f" Please use {replacement} instead." if replacement else ""
    return plain(410, f"The model {name} has been retired.{hint}")


def too_large() -> Response:
    """413 for a body over 35 MB."""
    return json_response({"error": "Request body exceeds the maximum allowed size.", "code": "PAYLOAD_TOO_LARGE"}, 413)


def reference_too_large() -> Response:
    """422 for a reference image over 7680 × 4320 pixels."""
    return plain(422, "Image dimensions exceed the maximum of 7680x4320 pixels.")


MODERATION = {
    "message": (
        "Your request was rejected by the safety system of the model provider. If this is an error, contact support "
        "and include the request id. Change the prompt or choose another model before you try again."
    ),
    "type": "image_generation_user_error",
    "param": None,
    "code": "moderation_blocked",
}


def moderation(status: int = 400) -> Response:
    """A provider's own refusal, in the nested shape with a code; with status 200 an error document in a success."""
    return json_response({"error": MODERATION}, status)


def moved(status: int) -> Response:
    """302 or 303: to another host."""
    return plain(status, "Moved").with_headers([("location", "https://elsewhere.example/api/v1/image/generate")])


def rate_limited() -> Response:
    """429 for too many requests a minute."""
    return plain(429, "Rate limit exceeded")


def wallet_busy() -> Response:
    """429 for a wallet with too many requests in flight."""
    text = "Too many concurrent requests for this wallet. Please wait for one to complete."
    return json_response({"error": text, "code": "X402_CONCURRENCY_LIMIT"}, 429)


def locked_out(limit: int) -> Response:
    """429 for too many failed requests."""
    return plain(
        429,
        f"Too many failed attempts (> {limit}) resulting in a non-success status code. Please wait 30 seconds and try "
        "again. See https://docs.venice.ai/api-reference/rate-limiting for more information.",
    )


def overloaded(retry_after: str) -> Response:
    """429 for a busy model, with the seconds to wait."""
    response = plain(429, "The model is currently overloaded. Please try again later.")
    return response.with_headers([("retry-after", retry_after)])


def failed(status: int) -> Response:
    """500, 502 and 504: it failed, and whether it was charged is not stated."""
    if status == 500:
        return json_response({"error": "Inference processing failed", "request_id": uuid.uuid4().hex}, 500)
    if status == 502:
        return json_response(
            {"error": {"message": "Bad gateway", "type": "server_error", "param": None, "code": "bad_gateway"}}, 502
        )
    return plain(status, "Gateway timeout")


def unavailable(text: str = "The model is at capacity. Please try again later.") -> Response:
    """503: it did not run."""
    return plain(503, text)


def proxy_page(status: int) -> Response:
    """The page of a proxy in front of the service."""
    page = (
        f"<!DOCTYPE html><html><head><title>{status}</title></head>"
        f"<body><center><h1>{status} Bad gateway</h1></center><hr><center>cloudflare</center></body></html>"
    )
    return Response(status, page.encode(), (("content-type", "text/html; charset=UTF-8"),))


def _challenge() -> dict[str, str]:
    now = datetime.now(UTC)
    return {
        "domain": "api.venice.ai",
        "uri": ORIGIN,
        "version": "1",
        "nonce": uuid.uuid4().hex[:16],
        "issuedAt": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "expirationTime": (now + timedelta(minutes=5)).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "statement": "Sign in to Venice AI",
    }


_CHAINS = [
    {"chainId": "eip155:8453", "type": "eip191"},
    {"chainId": "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", "type": "ed25519"},
]
_AUTH_OPTIONS = {
    "apiKey": {
        "header": "Authorization: Bearer YOUR_API_KEY",
        "getKey": "https://venice.ai/settings/api",
        "docs": "https://docs.venice.ai/api-reference",
    },
    "x402Wallet": {
        "header": "SIGN-IN-WITH-X",
        "legacyHeader": "X-Sign-In-With-X",
        "topUp": "POST /api/v1/x402/top-up",
        "docs": "https://docs.venice.ai/api-reference/endpoint/x402/top-up",
    },
}
_TOP_UP = {
    "step1": "POST /api/v1/x402/top-up with no payment header to get payment requirements",
    "step2": "Choose a payment option from accepts and sign a USDC transfer authorization using the x402 SDK",
    "step3": "POST /api/v1/x402/top-up with the signed PAYMENT-SIGNATURE header",
    "receiverWallet": RECEIVER,
    "tokenAddress": USDC_ON_BASE,
    "tokenDecimals": 6,
    "network": "eip155:8453",
    "minimumAmountUsd": 5,
}
