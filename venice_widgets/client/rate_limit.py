"""Rate limits as the API states them: in the headers of a response, and in ``/api_keys/rate_limits``.

A reset is a Unix time; the documents say seconds, clients see milliseconds: both are understood.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class RateLimit:
    """The limits that were last seen; each is None until the API states it."""

    requests: int | None = None
    """Requests in one window (``x-ratelimit-limit-requests``)."""
    remaining_requests: int | None = None
    requests_reset_at: float | None = None
    """Unix time in seconds at which the window ends."""
    remaining_errors: int | None = None
    """What is left of the error budget (``x-ratelimit-remaining``): without it, the model is locked for 30 s."""
    errors_reset_at: float | None = None
    tokens: int | None = None
    remaining_tokens: int | None = None
    seen_at: float | None = None
    """Unix time at which a header stated any of these."""
    per_model: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Model id -> kind (``RPM``, ``RPD``, ``TPM``) -> amount, from ``/api_keys/rate_limits``."""

    def requests_per_minute(self, model_id: str) -> int | None:
        """The model's own limit, where the API states one."""
        return self.per_model.get(model_id, {}).get("RPM")


def from_headers(headers: Mapping[str, str], known: RateLimit, now: float | None = None) -> RateLimit:
    """The limits after a response: what its headers state, and what was known of the models."""
    stated = {name: number(headers.get(header)) for name, header in _HEADERS.items()}
    if all(value is None for value in stated.values()):
        return known
    counts = {name: None if stated[name] is None else int(stated[name] or 0) for name in _COUNTS}
    return RateLimit(
        **counts,
        requests_reset_at=_seconds(stated["requests_reset_at"]),
        errors_reset_at=_seconds(stated["errors_reset_at"]),
        seen_at=time.time() if now is None else now,
        per_model=known.per_model,
    )


def per_model_limits(data: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """``data.rateLimits`` of ``/api_keys/rate_limits``; what is not a limit is passed over."""
    listed = data.get("rateLimits")
    entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    return {str(entry.get("apiModelId")): _amounts(entry.get("rateLimits")) for entry in entries}


def retry_after_seconds(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """How long a 429 asks to wait: ``Retry-After``, else ``x-ratelimit-reset-requests``; None where neither says."""
    now = time.time() if now is None else now
    stated = stated_seconds(headers, now)
    reset = _seconds(number(headers.get("x-ratelimit-reset-requests")))
    return stated if stated is not None or reset is None else max(0.0, reset - now)


def stated_seconds(headers: Mapping[str, str], now: float) -> float | None:
    """``Retry-After``, which is seconds or a date (RFC 9110, 10.2.3)."""
    text = headers.get("retry-after", "")
    seconds = number(text)
    if seconds is None:
        moment = _date(text)
        seconds = None if moment is None else moment - now
    return None if seconds is None else max(0.0, seconds)


def number(text: str | None) -> float | None:
    """A header's number; None where it is not a finite one of a credible size."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if abs(value) < 1e15 else None


_COUNTS = ("requests", "remaining_requests", "remaining_errors", "tokens", "remaining_tokens")
_HEADERS = {
    "requests": "x-ratelimit-limit-requests",
    "remaining_requests": "x-ratelimit-remaining-requests",
    "requests_reset_at": "x-ratelimit-reset-requests",
    "remaining_errors": "x-ratelimit-remaining",
    "errors_reset_at": "x-ratelimit-resets",
    "tokens": "x-ratelimit-limit-tokens",
    "remaining_tokens": "x-ratelimit-remaining-tokens",
}


def _seconds(moment: float | None) -> float | None:
    return None if moment is None else moment / 1000 if moment > 1e11 else moment


def _amounts(listed: Any) -> dict[str, int]:
    limits = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    stated = {str(each.get("type")): number(str(each.get("amount"))) for each in limits}
    return {kind: int(amount) for kind, amount in stated.items() if amount is not None}


def _date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
