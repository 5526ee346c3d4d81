"""The boundary where responses become our errors: each status and code, one remedy.

Source: the Venice API's error table. Money decides the class: what proves that nothing ran is `RateLimited`,
`ServiceUnavailable` or an error of the request; what does not is `PossiblyCharged`. A 4xx never ran.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

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

from .error_body import ErrorBody, read_error
from .payment_required import KEYS_PAGE, explain_402
from .rate_limit import retry_after_seconds, stated_seconds
from .sign_in_errors import sign_in_remedy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NOT_CHARGED = "Nothing was charged."
MAYBE_CHARGED = "It may have been charged. Look at %venice balance before trying again."
_TOO_MANY_IN_FLIGHT = "X402_CONCURRENCY_LIMIT"
_IN_FLIGHT_SECONDS = 5.0
"""How long to wait for another request of the wallet to end, where the API does not say."""


def error_for(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    paid: bool = True,
    clean: Callable[[str], str] = str,
    replacement: str = "",
) -> VeniceError:
    """The error that an unsuccessful response means.

    Args:
        status: the HTTP status, anything but a success.
        headers: lower-case names.
        body: as much of the body as was read; JSON of any documented shape, HTML, or anything else.
        paid: whether the request could have been charged (an image), or was a free question.
        clean: takes secrets out of a text; applied to each text of the body before any is cut to length.
        replacement: the model that the catalogue names in place of the one that was asked for.
    """
    read = read_error(body, clean)
    support = f" (CF-RAY {headers['cf-ray']})" if status >= 500 and "cf-ray" in headers else ""
    said = f"Venice answered {status}: {read.text}{support}"
    if read.code == _TOO_MANY_IN_FLIGHT or status in (429, 503):
        return _not_run(status, said, headers, read.code)
    if status == 402:
        return PaymentRequired(*explain_402(read.document or {}, headers))
    if 300 <= status < 400:
        return _redirect(status, said, clean(headers.get("location", "")), paid=paid)
    if not paid and status not in (401, 403):
        return ResponseError(said, "Try again in a minute.")
    if status == 408 or status >= 500:  # a timeout does not prove that nothing ran
        return PossiblyCharged(said, MAYBE_CHARGED)
    return _refused(status, said, read, replacement)


def _refused(status: int, said: str, read: ErrorBody, replacement: str) -> VeniceError:
    """A 4xx: it did not run."""
    if read.is_moderation:
        whole = f"Venice answered {status}: {read.whole_text}"
        return ContentRefused(whole, f"Change the prompt or the style reference. {NOT_CHARGED}")
    if status == 410:
        return _retired(said, replacement)
    return _REMEDIES.get(status, _did_not_run)(said, read)


def _did_not_run(said: str, read: ErrorBody) -> VeniceError:
    return InvalidRequest(said, f"It did not run. {NOT_CHARGED}", field=read.field)


def _bad_parameters(said: str, read: ErrorBody) -> VeniceError:
    return InvalidRequest(said, f"Change what it names. {NOT_CHARGED}", field=read.field)


def _credentials_refused(said: str, read: ErrorBody) -> VeniceError:
    otherwise = "Check the key (%venice config shows which one is used), and whether it may do this."
    return CredentialsRefused(said, f"{sign_in_remedy(read.code) or otherwise} {NOT_CHARGED}")


def _access_denied(said: str, read: ErrorBody) -> VeniceError:
    """A 403 has three causes, told apart by its text alone: the key's model privacy, the region, the account."""
    folded = read.text.casefold()
    if "privacy" in folded or "private" in folded or "anonymous model" in folded:
        remedy = f"Choose a private model (%venice models --private), or change the key's setting at {KEYS_PAGE}."
    elif "region" in folded or "countr" in folded or "location" in folded:
        remedy = "This model is not offered in your region; try another model."
    else:
        remedy = f"This account may not do this, or its API access is disabled: see {KEYS_PAGE}, or try another model."
    return AccessDenied(said, f"{remedy} {NOT_CHARGED}")


def _unknown_model(said: str, _: ErrorBody) -> VeniceError:
    return ModelUnavailable(said, f"%venice models --refresh lists what there is now. {NOT_CHARGED}", field="model")


def _retired(said: str, replacement: str) -> VeniceError:
    """A 410 is final: trying again changes nothing."""
    instead = f"{replacement} replaces it." if replacement else "%venice models lists what there is now."
    return ModelUnavailable(said, f"The model is retired for good. {instead} {NOT_CHARGED}", field="model")


def _too_large(said: str, _: ErrorBody) -> VeniceError:
    return InvalidRequest(said, f"Send smaller style references. {NOT_CHARGED}", field="style_references")


def _encoding(said: str, _: ErrorBody) -> VeniceError:
    remedy = "The body's encoding could not be undone: a proxy may have changed it; else please report it."
    return InvalidRequest(said, f"{remedy} {NOT_CHARGED}")


def _large_reference(said: str, _: ErrorBody) -> VeniceError:
    """A 422 is about the size of a reference image, never about content, which is a 200 with a header."""
    remedy = f"Send style references of at most 7680 × 4320 pixels. {NOT_CHARGED}"
    return InvalidRequest(said, remedy, field="style_references")


def _proxy_refused(said: str, _: ErrorBody) -> VeniceError:
    remedy = "The proxy wants a user name and password: put them into HTTPS_PROXY (http://user:password@host:port)."
    return ConfigurationError(said, f"{remedy} {NOT_CHARGED}")


def _legal(said: str, _: ErrorBody) -> VeniceError:
    return AccessDenied(said, f"It is not available for legal reasons; try another model. {NOT_CHARGED}")


_REMEDIES: dict[int, Callable[[str, ErrorBody], VeniceError]] = {
    400: _bad_parameters,
    401: _credentials_refused,
    403: _access_denied,
    404: _unknown_model,
    407: _proxy_refused,
    413: _too_large,
    415: _encoding,
    422: _large_reference,
    451: _legal,
}


def _redirect(status: int, said: str, target: str, *, paid: bool) -> VeniceError:
    """Never followed with a key in hand. After a 303 the request was done, and its result is elsewhere."""
    where = f" to {target[:300]}" if target else ""
    message = f"{said}: a redirect{where}, which is not followed with a key in hand."
    if status == 303 and paid:
        return PossiblyCharged(message, f"The request was done before the redirect. {MAYBE_CHARGED}")
    remedy = "If that is where the API is now, set VENICE_API_BASE_URL to it; a proxy's sign-in page also redirects."
    return ConfigurationError(message, f"{remedy} {NOT_CHARGED}")


def _not_run(status: int, said: str, headers: Mapping[str, str], code: str) -> RateLimited | ServiceUnavailable:
    if status == 503:
        seconds = stated_seconds(headers, time.time())
        remedy = f"It did not run. {_wait_text(seconds)} {NOT_CHARGED}"
        return ServiceUnavailable(said, remedy, retry_after_seconds=seconds)
    seconds = retry_after_seconds(headers)
    if code == _TOO_MANY_IN_FLIGHT and seconds is None:
        seconds = _IN_FLIGHT_SECONDS
    return RateLimited(said, f"{_wait_text(seconds)} {NOT_CHARGED}", retry_after_seconds=seconds)


def _wait_text(seconds: float | None) -> str:
    return "Wait a minute, then try again." if seconds is None else f"Wait {seconds:.0f} s, then try again."
