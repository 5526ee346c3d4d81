"""Every error body that Venice sends, one function each.

Shapes: VENICE API, "Errors", and the OpenAPI schemas StandardError, DetailedError, X402InferencePaymentRequired.
"""

from __future__ import annotations

import base64
import json
import math
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from .response import Answer, json_answer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

ORIGIN = "https://api.venice.ai"
# Not addresses: nobody must be able to pay what a simulator asks for.
USDC_ON_BASE = "0xSIMULATED_USDC_TOKEN"
RECEIVER = "0xSIMULATED_RECEIVER_WALLET"


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing wrong with a body, as a zod issue."""

    path: tuple[str | int, ...]
    message: str
    code: str = "custom"


def invalid(issues: Sequence[Issue]) -> Answer:
    """400 with the fields at fault, in zod's formatted shape and as a list."""
    details: dict[str, Any] = {"_errors": []}
    for issue in issues:
        place = details
        for step in issue.path:
            place = place.setdefault(str(step), {"_errors": []})
        place["_errors"].append(issue.message)
    listed = [{"code": issue.code, "path": list(issue.path), "message": issue.message} for issue in issues]
    return json_answer({"error": "Invalid request parameters", "details": details, "issues": listed}, 400)


def unfit(text: str) -> Answer:
    """400 whose details are one sentence."""
    return json_answer({"error": "Invalid request parameters", "details": text}, 400)


def plain(status: int, text: str) -> Answer:
    """The commonest shape: one sentence."""
    return json_answer({"error": text}, status)


def authentication_failed() -> Answer:
    """401 for a wrong key."""
    return plain(401, "Authentication failed")


def admin_only() -> Answer:
    """401 for an endpoint that only ADMIN keys may read."""
    return plain(401, "Authentication failed: this endpoint requires an ADMIN API key")


def wallet_refused(reason: str, text: str) -> Answer:
    """401 for a Sign-In-With-X header; the reason is the end of its code."""
    return json_answer({"error": text, "code": f"X402_SIGN_IN_{reason}"}, 401)


def insufficient_balance() -> Answer:
    """402 for an API key without money."""
    return plain(
        402,
        "Insufficient USD or Diem balance to complete request. Visit https://venice.ai/settings/api to add credits.",
    )


def spending_limit_reached() -> Answer:
    """402 for a key that has a limit of its own."""
    return plain(
        402, "API key USD spend limit exceeded for this epoch. Raise the limit of this key or use another key."
    )


def no_credentials() -> Answer:
    """402 for a request that carries neither key nor wallet: an offer to pay."""
    offer: dict[str, Any] = {
        "x402Version": 2,
        "error": "Payment required",
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
    return json_answer(offer | {"authOptions": _AUTH_OPTIONS}, 402, [("PAYMENT-REQUIRED", header)])


def wallet_too_low(balance_usd: Decimal) -> Answer:
    """402 for a wallet whose credit does not cover the request."""
    return json_answer(
        {
            "error": "Payment required",
            "code": "PAYMENT_REQUIRED",
            "reason": "insufficient_balance",
            "message": "Insufficient x402 balance",
            "currentBalanceUsd": float(balance_usd),
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


def model_not_found(name: str, suggestion: str | None) -> Answer:
    """404 for a model that is unknown or retired."""
    hint = f" Did you mean {suggestion}?" if suggestion else ""
    return plain(404, f"Specified model not found: {name}.{hint} See /api/v1/models for what is available.")


def too_large() -> Answer:
    """413 for a body over 35 MB."""
    return json_answer(
        {"error": "Request body exceeds the maximum allowed size of 35 MB.", "code": "PAYLOAD_TOO_LARGE"}, 413
    )


def content_policy() -> Answer:
    """422 for what the provider's policy refuses."""
    error = {
        "message": "The selected model provider rejected this request due to its content policies.",
        "type": "provider_content_policy",
        "credits_refunded": True,
    }
    return json_answer({"error": error}, 422)


def rate_limited() -> Answer:
    """429 for too many requests a minute."""
    return plain(429, "Rate limit exceeded. Please try again later.")


def locked_out() -> Answer:
    """429 for too many failed requests."""
    return plain(429, "Too many failed requests for this model. Please try again in 30 seconds.")


def overloaded(retry_after_seconds: float) -> Answer:
    """429 for a busy model, with whole seconds to wait as HTTP wants them."""
    answer = plain(429, "The model is currently overloaded. Please try again later.")
    return answer.with_headers([("retry-after", str(math.ceil(retry_after_seconds)))])


def failed(status: int) -> Answer:
    """500, 502 and 504: it failed, and whether it was charged is not said."""
    if status == 500:
        return json_answer({"error": "Inference processing failed", "request_id": uuid.uuid4().hex}, 500)
    if status == 502:
        return json_answer(
            {"error": {"message": "Bad gateway", "type": "server_error", "param": None, "code": "bad_gateway"}}, 502
        )
    return plain(status, "Gateway timeout")


def unavailable(text: str = "The model is at capacity. Please try again later.") -> Answer:
    """503: it did not run."""
    return plain(503, text)


def proxy_page(status: int) -> Answer:
    """What a proxy in front of the service says when it has nothing from it."""
    page = (
        f"<!DOCTYPE html><html><head><title>{status}</title></head>"
        f"<body><center><h1>{status} Bad gateway</h1></center><hr><center>cloudflare</center></body></html>"
    )
    return Answer(status, page.encode(), (("content-type", "text/html; charset=UTF-8"),))


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
