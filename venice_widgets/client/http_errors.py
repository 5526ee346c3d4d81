"""The boundary where answers and transport failures become our errors: each status and body shape, one remedy.

Source: the Venice API's error table and the shapes of its bodies. Money decides the class: what proves that nothing
ran is `RateLimited` or `ServiceUnavailable`; what does not is `PossiblyCharged`.
"""

from __future__ import annotations

import json
import re
import time
from email.utils import parsedate_to_datetime
from html import unescape
from typing import TYPE_CHECKING, Any

from venice_widgets.errors import (
    AccessDenied,
    ConfigurationError,
    ContentRefused,
    CredentialsRefused,
    InvalidRequest,
    ModelUnavailable,
    PaymentRequired,
    PossiblyCharged,
    RateLimited,
    ResponseError,
    ServiceUnavailable,
    VeniceError,
)

from .payment_required import explain_402

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_NOT_CHARGED = "Nothing was charged."
_MAYBE_CHARGED = "It may have been charged. Look at %venice balance before trying again."
_LONGEST_TEXT = 600
_DEEPEST = 20


def error_for(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    paid: bool = True,
    clean: Callable[[str], str] = str,
) -> VeniceError:
    """The error that an unsuccessful answer means.

    Args:
        status: the HTTP status, anything but a success.
        headers: lower-case names.
        body: as much of the body as was read; JSON of any documented shape, HTML, or anything else.
        paid: whether the request could have been charged (a picture), or was a free question.
        clean: takes secrets out of a text; applied to each text of the body before any is cut to length.
    """
    document = cleaned(_document(body), clean)
    text, name = _message(document) if isinstance(document, dict) else (_plain_text(body, clean), None)
    support = f" (CF-RAY {headers['cf-ray']})" if status >= 500 and "cf-ray" in headers else ""
    said = f"Venice answered {status}: {text}{support}"
    if status == 402:
        return PaymentRequired(*explain_402(document if isinstance(document, dict) else {}, headers))
    if 300 <= status < 400:
        return ConfigurationError(
            f"{said}: a redirect, which is not followed with a key in hand.",
            f"Set VENICE_API_BASE_URL to its target. {_NOT_CHARGED}",
        )
    if status in (429, 503):
        return _not_run(status, said, headers)
    if not paid and status not in (401, 403):
        return ResponseError(said, "Try again in a minute.")
    if status in _REMEDIES:
        return _REMEDIES[status](said, name)
    return PossiblyCharged(said, _MAYBE_CHARGED)


_REMEDIES: dict[int, Callable[[str, str | None], VeniceError]] = {
    400: lambda said, name: InvalidRequest(said, f"Change what it names. {_NOT_CHARGED}", field=name),
    401: lambda said, _: _credentials_refused(said),
    403: lambda said, _: AccessDenied(
        said, f"This account, region or model is closed to it; try another model. {_NOT_CHARGED}"
    ),
    404: lambda said, _: ModelUnavailable(
        said, f"%venice models --refresh lists what there is now. {_NOT_CHARGED}", field="model"
    ),
    413: lambda said, _: InvalidRequest(said, f"Send smaller style references. {_NOT_CHARGED}"),
    415: lambda said, _: InvalidRequest(said, f"This is a fault in venice-widgets: please report it. {_NOT_CHARGED}"),
    422: lambda said, _: ContentRefused(
        said, f"Change the prompt or the style reference that it names. {_NOT_CHARGED}"
    ),
}


def _credentials_refused(said: str) -> CredentialsRefused:
    """A 401: a wallet's signature that is out of its time wants the clock set, everything else another key."""
    if "SIGN_IN_EXPIRED" in said or "FUTURE_TIMESTAMP" in said:
        return CredentialsRefused(said, f"Set this machine's clock: a signature holds for 5 minutes. {_NOT_CHARGED}")
    return CredentialsRefused(
        said, f"Check the key (%venice config shows which one is used), and whether it may do this. {_NOT_CHARGED}"
    )


def _not_run(status: int, said: str, headers: Mapping[str, str]) -> RateLimited | ServiceUnavailable:
    if status == 429:
        seconds = retry_after_seconds(headers)
        return RateLimited(said, f"{_wait_text(seconds)} {_NOT_CHARGED}", retry_after_seconds=seconds)
    seconds = _stated_seconds(headers, time.time())
    remedy = f"It did not run. {_wait_text(seconds)} {_NOT_CHARGED}"
    return ServiceUnavailable(said, remedy, retry_after_seconds=seconds)


def _wait_text(seconds: float | None) -> str:
    return "Wait a minute, then try again." if seconds is None else f"Wait {seconds:.0f} s, then try again."


def retry_after_seconds(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """How long a 429 asks to wait: ``Retry-After``, else ``x-ratelimit-reset-requests``; None where neither says.

    The reset is a Unix time; the documents say seconds, clients see milliseconds: both are understood.
    """
    now = time.time() if now is None else now
    stated, reset = _stated_seconds(headers, now), _number(headers.get("x-ratelimit-reset-requests"))
    if stated is not None or reset is None:
        return stated
    return max(0.0, (reset / 1000 if reset > 1e11 else reset) - now)


def _stated_seconds(headers: Mapping[str, str], now: float) -> float | None:
    """``Retry-After``, which is seconds or a date (RFC 9110, 10.2.3)."""
    text = headers.get("retry-after", "")
    seconds = _number(text)
    if seconds is None:
        moment = _date(text)
        seconds = None if moment is None else moment - now
    return None if seconds is None else max(0.0, seconds)


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if abs(value) < 1e15 else None


def _date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def error_document(body: bytes, clean: Callable[[str], str]) -> dict[str, Any] | None:
    """An error's JSON as it may be kept; None where it is none."""
    document = cleaned(_document(body), clean)
    return document if isinstance(document, dict) else None


def _document(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def cleaned(value: Any, clean: Callable[[str], str], depth: int = 0) -> Any:
    """A JSON value as it may be kept: every text cleaned, and nothing nested deeper than any documented shape."""
    if depth > _DEEPEST:
        return None
    if isinstance(value, dict):
        return {encodable(clean(name)): cleaned(inner, clean, depth + 1) for name, inner in value.items()}
    if isinstance(value, list):
        return [cleaned(inner, clean, depth + 1) for inner in value]
    return encodable(clean(value)) if isinstance(value, str) else value


def encodable(text: str) -> str:
    """Text without half characters, which have no UTF-8, so that no database takes them."""
    return text.encode("utf-8", "replace").decode()


def _message(document: Mapping[str, Any]) -> tuple[str, str | None]:
    """The text of an error body, and the field it is about where it names one."""
    error = document.get("error", document.get("message"))
    name = None
    if isinstance(error, dict):
        name = error.get("param") if isinstance(error.get("param"), str) else None
        error = error.get("message", error.get("code"))
    text = str(error) if error else "no reason given"
    if isinstance(document.get("code"), str) and document["code"] != text:
        text += f" ({document['code']})"
    reasons = _details(document.get("details")) or _issues(document.get("issues"))
    if reasons:
        name = next((field for field, _ in reasons if field), name)
        text += ": " + "; ".join(f"{field}: {reason}" if field else reason for field, reason in reasons)
    return _shortened(text), name


def _details(details: Any, path: str = "") -> list[tuple[str, str]]:
    """``{"_errors": […], "width": {"_errors": […]}}``, nested as the body is, or a text."""
    if isinstance(details, str):
        return [("", details)] if not path else []
    if not isinstance(details, dict):
        return []
    found = [(path, str(text)) for text in _listed(details.get("_errors"))]
    for name, inner in details.items():
        found += _details(inner, f"{path}.{name}" if path else name) if name != "_errors" else []
    return found


def _issues(issues: Any) -> list[tuple[str, str]]:
    """``[{"path": ["width"], "message": "…"}]``."""
    entries = [issue for issue in _listed(issues) if isinstance(issue, dict)]
    return [(".".join(map(str, _listed(issue.get("path")))), str(issue.get("message", ""))) for issue in entries]


def _listed(value: Any) -> list[Any]:
    """A list as it is, and anything else as the only element of one."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _plain_text(body: bytes, clean: Callable[[str], str]) -> str:
    """What a proxy's page says, without its markup."""
    text = body.decode("utf-8", "replace")
    text = re.sub(r"(?is)<(script|style)\b.*?(?:</\1\s*>|\Z)", " ", text)
    return _shortened(clean(unescape(re.sub(r"<[^<>]*>", " ", text)))) or "an empty body"


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"


def transport_error(exc: Exception, host: str, *, paid: bool = True) -> VeniceError:
    """The error that a failure of the connection means: whether the body had left decides it."""
    import httpx

    reason = str(exc).rstrip(".") or type(exc).__name__
    if isinstance(exc, httpx.InvalidURL | httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return ConfigurationError(f"{host} cannot be asked: {reason}.", "Check VENICE_API_BASE_URL and the key.")
    if isinstance(exc, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError):
        return ServiceUnavailable(
            f"{host} cannot be reached: {reason}.",
            "Check the network; %venice demo on works without one. Nothing was sent.",
        )
    if not paid:
        return ResponseError(f"{host} did not answer in full: {reason}.", "Try again in a minute.")
    if isinstance(exc, httpx.TimeoutException):
        return PossiblyCharged(f"{host} took too long to answer: {reason}.", _MAYBE_CHARGED)
    return PossiblyCharged(f"the connection to {host} was lost: {reason}.", _MAYBE_CHARGED)
