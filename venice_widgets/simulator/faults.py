"""Faults on order: which request goes wrong, how, and how often."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import error_bodies

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from .response import Answer

KINDS = {
    "400": "bad parameters, the details a sentence",
    "401": "authentication failed",
    "402-key": "an API key without money",
    "402-limit": "an API key at its own spending limit",
    "402-none": "no credentials: an x402 offer",
    "402-wallet": "a wallet whose credit is too low, with top-up instructions",
    "403": "access denied",
    "404": "model not found",
    "413": "body too large",
    "415": "wrong content type",
    "422": "content policy",
    "429": "rate limit, or with retry_after_seconds an overloaded model",
    "500": "inference failed",
    "502": "bad gateway, as an OpenAI-shaped error",
    "503": "at capacity",
    "504": "gateway timeout",
    "html": "a proxy's page instead of JSON, with status 502 unless told otherwise",
    "disconnect": "the connection ends before any answer",
    "hang": "no answer, ever",
    "slow": "the true answer, after so many seconds",
    "cut": "the true answer, ending in the middle of its body",
    "malformed-json": "the true answer's beginning, as if it were whole",
    "data-uri": "the true answer, its pictures as data URIs",
    "echo-null": "the true answer with a request of null",
    "echo-flat": "the true answer with the echo not wrapped in success and data",
    "seed-mismatch": "the true answer, drawn from and echoing another seed",
    "blur": "the true answer, blurred by safe mode (never while safe_mode is false)",
    "violation": "blacked out, with status 200, and not charged",
}
"""Every kind of fault and what it looks like."""

SPOILING = frozenset(
    {"slow", "cut", "malformed-json", "data-uri", "echo-null", "echo-flat", "seed-mismatch", "blur", "violation"}
)
"""The kinds that run the request and spoil its answer."""

MEANINGFUL_FOR = {
    "retry_after_seconds": {"429", "503"},
    "reset_in_seconds": {"429"},
    "status": {"html"},
    "charged": {"500", "502", "504", "html", "hang", "disconnect"},
}
"""Which kinds heed an attribute."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that shall go wrong.

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
        status: the HTTP status of "html", 502 unless told.
        charged: the picture was made and billed although its answer is lost; for 5xx, "html", "hang", "disconnect".
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

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind!r} is no fault. There are {', '.join(KINDS)}.")
        if self.kind == "slow" and not self.seconds:
            raise ValueError("A slow fault needs the seconds that it takes.")
        for name, kinds in MEANINGFUL_FOR.items():
            if getattr(self, name) not in (None, False) and self.kind not in kinds:
                raise ValueError(f"{name} means nothing for {self.kind!r}, only for {', '.join(sorted(kinds))}.")

    @property
    def spoils(self) -> bool:
        """Whether the request runs and its answer is changed; otherwise the fault is the answer."""
        return self.kind in SPOILING

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

    def answer(self, balance_usd: Decimal) -> Answer:
        """The answer that this fault is; for the kinds that neither spoil one nor stay silent."""
        if self.kind == "429":
            return self._rate_limited()
        if self.kind == "503" and self.retry_after_seconds is not None:
            overloaded = error_bodies.overloaded(self.retry_after_seconds)
            return error_bodies.unavailable().with_headers(overloaded.headers[1:])
        if self.kind == "402-wallet":
            return error_bodies.wallet_too_low(balance_usd)
        if self.kind == "html":
            return error_bodies.proxy_page(self.status or 502)
        if self.kind in ("500", "502", "504"):
            return error_bodies.failed(int(self.kind))
        return _FIXED[self.kind]()

    def _rate_limited(self) -> Answer:
        answer = error_bodies.rate_limited()
        if self.retry_after_seconds is not None:
            answer = error_bodies.overloaded(self.retry_after_seconds)
        if self.reset_in_seconds is not None:
            reset_ms = int((time.time() + self.reset_in_seconds) * 1000)
            answer = answer.with_headers(
                [("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", str(reset_ms))]
            )
        return answer


_FIXED = {
    "400": lambda: error_bodies.unfit("The request could not be processed"),
    "401": error_bodies.authentication_failed,
    "402-key": error_bodies.insufficient_balance,
    "402-limit": error_bodies.spending_limit_reached,
    "402-none": error_bodies.no_credentials,
    "403": lambda: error_bodies.plain(403, "This model is not available in your region or API access is disabled"),
    "404": lambda: error_bodies.model_not_found("the model", None),
    "413": error_bodies.too_large,
    "415": lambda: error_bodies.plain(415, "Invalid content type. Expected application/json."),
    "422": error_bodies.content_policy,
    "503": error_bodies.unavailable,
}


class FaultPlan:
    """The faults still to come, in the order they were ordered. Safe from any thread."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self._lock = threading.Lock()
        self._left: list[tuple[Fault, int | None]] = [(fault, fault.times) for fault in faults]
        self._arrived: dict[str, int] = {}

    def add(self, fault: Fault) -> None:
        """Order one more."""
        with self._lock:
            self._left.append((fault, fault.times))

    def clear(self) -> None:
        """Nothing goes wrong any more."""
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
