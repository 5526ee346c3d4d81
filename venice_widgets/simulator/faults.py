"""Faults on demand: which request goes wrong, how, and how often."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import error_bodies, hostile, sign_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from decimal import Decimal

    from .response import Response

_RESPONSES = {
    "302": "moved, to another host",
    "303": "see other: the request was done, the result is elsewhere",
    "400": "bad parameters, the details a sentence",
    "401": "authentication failed",
    "401-sign-in": "a wallet's signature is refused, for the reason that is given",
    "402-key": "an API key without money",
    "402-limit": "an API key at its own spending limit",
    "402-none": "no credentials: an x402 offer",
    "402-wallet": "a wallet whose credit is too low, with top-up instructions",
    "403": "access denied",
    "403-privacy": "the key allows private models only",
    "404": "model not found",
    "405": "method not allowed",
    "409": "conflict",
    "410": "the model is retired and not routed to another",
    "413": "body too large",
    "415": "an encoding that cannot be undone",
    "422": "a reference image over 7680 × 4320 pixels",
    "429": "rate limit, or with retry_after_seconds an overloaded model",
    "429-wallet": "a wallet with too many requests in flight",
    "451": "unavailable for legal reasons",
    "500": "inference failed",
    "502": "bad gateway, as an OpenAI-shaped error",
    "503": "at capacity",
    "504": "gateway timeout",
    "moderation": "the provider's refusal, a nested error with a code, with status 400 unless another is given",
    "html": "a proxy's page instead of JSON, with status 502 unless another is given",
    "disconnect": "the connection ends before any response",
    "hang": "no response, ever",
}
_CHANGED = {
    "slow": "the true response, after so many seconds",
    "cut": "the true response, ending in the middle of its body",
    "malformed-json": "the true response's beginning, as if it were whole",
    "echo-null": "the true response with a request of null",
    "echo-flat": "the true response with the echo not wrapped in success and data",
    "seed-mismatch": "the true response, drawn from and echoing another seed",
    "served-by": "the true response of another model, see served_model",
    "blur": "the true response, blurred by safe mode (never while safe_mode is false)",
    "violation": "blacked out, with status 200, and not charged",
}
KINDS = _RESPONSES | _CHANGED | hostile.KINDS
"""Every kind of fault and what it looks like."""

RUNS = frozenset(_CHANGED | hostile.KINDS)
"""The kinds that run the request and change its response."""

_LOST = {"500", "502", "504", "html", "hang", "disconnect"}
APPLIES_TO = {
    "retry_after_seconds": {"429", "503"},
    "reset_in_seconds": {"429"},
    "status": {"html", "moderation", "brotli-bomb", "gzip-garbled"},
    "charged": _LOST,
    "refunded": _LOST,
    "served_model": {"served-by"},
    "image": {"image"},
    "reason": {"401-sign-in"},
}
"""Which kinds use an attribute."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        kind: one of `KINDS`.
        times: to how many requests it happens; None is to all.
        seed: only to requests that send this seed.
        nth: only to the nth request (from 1) that arrives at the path.
        model: only to requests for this model, as it was sent.
        path: the endpoint it happens at, without ``/api/v1``.
        seconds: how long "slow" takes, or how long any other fault waits before it happens.
        retry_after_seconds: makes a 429 an overloaded model with this Retry-After (rounded up to whole seconds);
            gives a 503 that header too.
        reset_in_seconds: when the rate limit of a 429 says that it resets, in ``x-ratelimit-reset-requests``.
        status: the HTTP status of "html", "moderation", "brotli-bomb" and "gzip-garbled".
        charged: the image was made and billed although its response is lost; for 5xx, "html", "hang", "disconnect".
        refunded: like charged, and given back after.
        served_model: the id of the model that serves a "served-by" request.
        image: the bytes that an "image" fault sends instead of each image.
        reason: of a "401-sign-in", one of `sign_in.REFUSALS`; the signature where it is not given.
    """

    kind: str
    times: int | None = 1
    seed: int | None = None
    nth: int | None = None
    model: str | None = None
    path: str = "/image/generate"
    seconds: float = 0.0
    retry_after_seconds: float | None = None
    reset_in_seconds: float | None = None
    status: int | None = None
    charged: bool = False
    refunded: bool = False
    served_model: str | None = None
    image: bytes | None = field(default=None, repr=False)
    reason: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind!r} is not a fault. The faults are {', '.join(KINDS)}.")
        for kind, name in (("slow", "seconds"), ("served-by", "served_model"), ("image", "image")):
            if self.kind == kind and not getattr(self, name):
                raise ValueError(f"The fault {kind!r} needs {name}.")
        if self.reason is not None and self.reason not in sign_in.REFUSALS:
            raise ValueError(f"{self.reason!r} is not a reason. The reasons are {', '.join(sign_in.REFUSALS)}.")
        for name, kinds in APPLIES_TO.items():
            if getattr(self, name) not in (None, False) and self.kind not in kinds:
                raise ValueError(f"{name} means nothing for {self.kind!r}, only for {', '.join(sorted(kinds))}.")

    @property
    def runs(self) -> bool:
        """Whether the request runs and its response is changed; otherwise the fault is the response."""
        return self.kind in RUNS

    @property
    def bills(self) -> bool:
        """Whether the request runs and is billed although the fault is the response."""
        return self.charged or self.refunded

    def happens_to(self, path: str, body: object, arrived: int) -> bool:
        """Whether it is meant for this request, the ``arrived``-th at its path."""
        sent = body if isinstance(body, dict) else {}
        return (
            path == self.path
            and self.nth in (None, arrived)
            and (self.seed is None or sent.get("seed") == self.seed)
            and self.model in (None, sent.get("model"))
            and not (self.kind == "blur" and sent.get("safe_mode") is False)
        )

    def response(self, balance_usd: Decimal, time_scale: float = 1.0) -> Response:
        """The response that this fault is; for the kinds that neither change one nor stay silent.

        Args:
            balance_usd: what a wallet that is too low still has.
            time_scale: how long a second of this fault's waits lasts, in seconds.
        """
        if self.kind == "429":
            return self._rate_limited(time_scale)
        if self.kind == "503" and self.retry_after_seconds is not None:
            return error_bodies.unavailable().with_headers([("retry-after", self._retry_after(time_scale))])
        stated = {
            "401-sign-in": lambda: error_bodies.wallet_refused(self.reason or "INVALID_SIGNATURE"),
            "402-wallet": lambda: error_bodies.wallet_too_low(balance_usd),
            "html": lambda: error_bodies.proxy_page(self.status or 502),
            "moderation": lambda: error_bodies.moderation(self.status or 400),
        }
        return (stated.get(self.kind) or _FIXED[self.kind])()

    def _retry_after(self, time_scale: float) -> str:
        """Whole seconds, as HTTP wants them; with a shortened time also parts of a second, which clients accept."""
        seconds = (self.retry_after_seconds or 0) * time_scale
        return str(math.ceil(seconds)) if time_scale >= 1 else f"{seconds:.3f}"

    def _rate_limited(self, time_scale: float) -> Response:
        response = error_bodies.rate_limited()
        if self.retry_after_seconds is not None:
            response = error_bodies.overloaded(self._retry_after(time_scale))
        if self.reset_in_seconds is not None:
            reset_ms = int((time.time() + self.reset_in_seconds * time_scale) * 1000)
            response = response.with_headers(
                [("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", str(reset_ms))]
            )
        return response


_FIXED: dict[str, Callable[[], Response]] = {
    "302": lambda: error_bodies.moved(302),
    "303": lambda: error_bodies.moved(303),
    "400": lambda: error_bodies.unfit("The request could not be processed"),
    "401": error_bodies.authentication_failed,
    "402-key": error_bodies.insufficient_balance,
    "402-limit": error_bodies.spending_limit_reached,
    "402-none": error_bodies.no_credentials,
    "403": lambda: error_bodies.plain(403, "This model is not available in your region or API access is disabled"),
    "403-privacy": lambda: error_bodies.plain(
        403, "This API key is restricted to PRIVATE_ONLY models. The requested model is anonymized."
    ),
    "404": lambda: error_bodies.model_not_found("the requested model", None),
    "405": lambda: error_bodies.plain(405, "Method not allowed"),
    "409": lambda: error_bodies.plain(409, "Conflict"),
    "410": lambda: error_bodies.model_gone("the requested model", "z-image-turbo"),
    "413": error_bodies.too_large,
    "415": lambda: error_bodies.plain(415, "Request encoding is not supported"),
    "422": error_bodies.reference_too_large,
    "429-wallet": error_bodies.wallet_busy,
    "451": lambda: error_bodies.plain(451, "Unavailable for legal reasons"),
    "500": lambda: error_bodies.failed(500),
    "502": lambda: error_bodies.failed(502),
    "503": error_bodies.unavailable,
    "504": lambda: error_bodies.failed(504),
}


class FaultPlan:
    """The faults that are still to happen. Safe from any thread.

    Args:
        faults: the first ones; of several that fit a request the earliest happens.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self._lock = threading.Lock()
        self._left: list[tuple[Fault, int | None]] = [(fault, fault.times) for fault in faults]
        self._arrived: dict[str, int] = {}

    def add(self, fault: Fault) -> None:
        """Add one more."""
        with self._lock:
            self._left.append((fault, fault.times))

    def clear(self) -> None:
        """Remove every fault."""
        with self._lock:
            self._left.clear()

    def take(self, path: str, body: object) -> Fault | None:
        """The fault for the request that has just arrived, used up once."""
        with self._lock:
            arrived = self._arrived[path] = self._arrived.get(path, 0) + 1
            for index, (fault, left) in enumerate(self._left):
                if left != 0 and fault.happens_to(path, body, arrived):
                    self._left[index] = (fault, None if left is None else left - 1)
                    return fault
        return None
