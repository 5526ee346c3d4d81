"""The boundary where failures of the connection become our errors: whether the body had left decides what it is called.

Also what keeps an HTTP client from being built: a proxy's address, certificates that are not there.
"""

from __future__ import annotations

import os
import re
import ssl
from typing import TYPE_CHECKING

from venice_widgets.errors import (
    NOTHING_SENT,
    ConfigurationError,
    PossiblyCharged,
    ResponseError,
    ServiceUnavailable,
    VeniceError,
)

from .http_errors import MAYBE_CHARGED

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

_PROXIES = ("HTTPS_PROXY", "ALL_PROXY", "HTTP_PROXY")
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def transport_error(exc: BaseException, host: str, *, paid: bool = True) -> VeniceError:
    """The error that a failure of the connection means."""
    import httpx

    reason = str(exc).rstrip(".") or type(exc).__name__
    if isinstance(exc, httpx.InvalidURL | httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return ConfigurationError(f"{host} could not be reached: {reason}.", "Check VENICE_API_BASE_URL and the key.")
    if isinstance(exc, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError):
        return _not_connected(exc, host, reason)
    if isinstance(exc, httpx.DecodingError):
        return _garbled(host, reason, paid=paid)
    if not paid:
        return ResponseError(f"{host} did not respond in full: {reason}.", "Try again in a minute.")
    if isinstance(exc, httpx.TimeoutException):
        return PossiblyCharged(f"{host} took too long to respond: {reason}.", MAYBE_CHARGED)
    return PossiblyCharged(f"the connection to {host} was lost: {reason}.", MAYBE_CHARGED)


def _not_connected(exc: BaseException, host: str, reason: str) -> VeniceError:
    """No request left: a refused proxy and a certificate are not cured by looking at the network."""
    message = f"{host} could not be reached: {reason}."
    if _is_about_certificates(exc):
        return ServiceUnavailable(
            message,
            "Its certificate was not accepted. Where a company's proxy opens connections, name its certificate file in "
            f"SSL_CERT_FILE. {NOTHING_SENT}",
        )
    if proxy := _proxy_in_use(host):
        return ServiceUnavailable(
            message,
            f"Requests go through the proxy of {proxy}: check its address and password, or add {host} to NO_PROXY. "
            f"{NOTHING_SENT}",
        )
    return ServiceUnavailable(message, f"Check the network; %venice demo on works without one. {NOTHING_SENT}")


def _garbled(host: str, reason: str, *, paid: bool) -> VeniceError:
    message = f"the response of {host} could not be decompressed: {reason}."
    return PossiblyCharged(message, MAYBE_CHARGED) if paid else ResponseError(message, "Try again in a minute.")


def _is_about_certificates(exc: BaseException | None) -> bool:
    depth = 0
    while exc is not None and depth < 10:
        if isinstance(exc, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(exc):
            return True
        exc, depth = exc.__cause__ or exc.__context__, depth + 1
    return False


def built(make: Callable[[], httpx.Client]) -> httpx.Client:
    """An HTTP client, which reads proxies and certificates from the environment as it is made.

    Raises:
        ConfigurationError: names the variable, its value without the password, and what to do.
    """
    import httpx

    try:
        return make()
    except (ImportError, ValueError, OSError, httpx.InvalidURL) as exc:  # ssl.SSLError is an OSError
        problem = _misconfigured(exc)
    raise problem  # outside of the handler: the frames of the first error hold the proxy's password


def _misconfigured(exc: BaseException) -> ConfigurationError:
    reason = without_password(str(exc).rstrip(".") or type(exc).__name__)
    if isinstance(exc, OSError):
        name = next((each for each in _CERTIFICATES if os.environ.get(each)), "SSL_CERT_FILE")
        value = os.environ.get(name, "")
        lacks = "is not there" if isinstance(exc, FileNotFoundError) else "is empty or holds no certificate"
        return ConfigurationError(
            f"{name} {value} {lacks}: {getattr(exc, 'strerror', None) or reason}.",
            f"Name a file of certificates (PEM), or remove the variable. {NOTHING_SENT}",
        )
    name, value = proxy_variable(exc)
    if isinstance(exc, ImportError):
        return ConfigurationError(
            f"{name} {value} is a SOCKS proxy, and what speaks to one is not installed.",
            f"Run: pip install 'httpx[socks]', or set {name} to an http:// proxy. {NOTHING_SENT}",
        )
    return ConfigurationError(
        f"{name} {value} is not the address of a proxy: {reason}.", f"Write it like http://host:3128. {NOTHING_SENT}"
    )


def proxy_variable(exc: BaseException | None = None) -> tuple[str, str]:
    """The proxy variable that is to blame, or that is set at all: its name, and its value without the password."""
    found = [(name, value) for name in _PROXIES for value in (_environment(name),) if value]
    wanted = [pair for pair in found if pair[1].lower().startswith("socks")] if isinstance(exc, ImportError) else []
    odd = [pair for pair in found if not re.fullmatch(r"(?i)(https?|socks5h?)://[^/]*", _shape(pair[1]))]
    name, value = (*wanted, *odd, *found, ("a proxy setting", ""))[0]
    return name, without_password(value)


def _shape(address: str) -> str:
    """An address whose port is not a number is not one."""
    return "" if re.search(r":(?!\d+$)[^:/@]*$", address.rpartition("@")[2].partition("//")[2].rstrip("/")) else address


def _environment(name: str) -> str:
    return os.environ.get(name) or os.environ.get(name.lower()) or ""


def _proxy_in_use(host: str) -> str:
    """The variable and address of the proxy that a request to this host goes through; empty where there is none."""
    from urllib.request import getproxies, proxy_bypass

    if host in ("localhost", "127.0.0.1", "::1") or proxy_bypass(host):
        return ""
    proxies = getproxies()
    for scheme, name in (("https", "HTTPS_PROXY"), ("all", "ALL_PROXY")):
        if proxies.get(scheme):
            return f"{name} ({without_password(proxies[scheme])})"
    return ""


def without_password(text: str) -> str:
    """Text whose URLs show neither user name nor password."""
    return re.sub(r"(?<=//)[^/@\s'\"]*@", "", text)
