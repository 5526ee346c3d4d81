"""Questions to the API, which cost nothing: one synchronous httpx client; and the way to a `Channel` for images.

Redirects are never followed: the key goes to the base URL's host alone.
"""

from __future__ import annotations

import json
import threading
import weakref
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from venice_widgets.errors import InvalidRequest, ResponseError, VeniceError
from venice_widgets.made_once import made_once
from venice_widgets.redact import RedactLogs, disarm, redact
from venice_widgets.request.style_reference import MAX_BYTES
from venice_widgets.version import __version__

from .auth import authentication, same_origin_only
from .decompress import accepted_encodings, beginning_of, body_pieces
from .http_errors import error_for
from .image_channel import Channel, redacted
from .rate_limit import RateLimit, from_headers, per_model_limits
from .transport_errors import built, transport_error

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from venice_widgets.config import Secret, Settings

_ERROR_BODY_BYTES = 256 << 10
_LARGEST_RESPONSE_BYTES = 64 << 20
"""The list of models has less than a megabyte."""
_CONNECT_SECONDS, _WRITE_SECONDS = 15.0, 120.0
_HEADERS = {"User-Agent": f"venice-widgets/{__version__}", "Accept": "application/json, image/*"}
_QUESTION_SECONDS = 30.0
"""A list of models that takes longer than this is not coming, and an older copy may serve."""


class Client:
    """Everything that goes to and comes from the API.

    Args:
        settings: where to, with which credentials and timeouts.
        transport: what carries requests; None for the network. The simulator's transport goes here.
    """

    def __init__(self, settings: Settings, transport: httpx.BaseTransport | None = None) -> None:
        self._settings = settings
        self._transport = transport
        self._making = threading.RLock()
        self.host = urlsplit(settings.base_url).hostname or settings.base_url
        self.service_version = ""
        """The service's own version, as its last response to a question said; empty before that."""
        self.rate_limit = RateLimit()
        """The limits that were last seen, in the headers of any response and in ``/api_keys/rate_limits``."""
        logs = RedactLogs(self._secrets)
        logs.install()
        weakref.finalize(self, logs.remove).atexit = False  # others may still be sending then

    def get(self, path: str, **query: str) -> bytes:
        """The body of a free question, such as ``/models``.

        Raises:
            VeniceError: by the status (see `http_errors`); nothing is ever charged for it.
        """
        request = self._questions.build_request("GET", f"{self._settings.base_url}{path}", params=query or None)
        try:
            response = self._questions.send(request, stream=True)
            try:
                return self._read(response)
            finally:
                response.close()
        except VeniceError:
            raise
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            raise self._redacted(transport_error(exc, self.host, paid=False)) from disarm(exc, self._secrets)
        except BaseException as exc:
            disarm(exc, self._secrets)  # an interrupt, while frames below hold the bytes that were sent
            raise

    def _read(self, response: httpx.Response) -> bytes:
        """The body of a response to a question, of a bounded size."""
        self._note_headers(response.headers)
        if response.status_code != 200:
            said = beginning_of(response, _ERROR_BODY_BYTES)
            clean = partial(redact, secrets=self._secrets)
            raise self._redacted(error_for(response.status_code, response.headers, said, paid=False, clean=clean))
        body = b"".join(body_pieces(response, _LARGEST_RESPONSE_BYTES))
        self.service_version = response.headers.get("x-venice-version", self.service_version)
        return body

    def note_key_limits(self, data: Mapping[str, Any]) -> None:
        """Remember the limits of each model, from the ``data`` of ``/api_keys/rate_limits``."""
        self.rate_limit = replace(self.rate_limit, per_model=per_model_limits(data))

    def _note_headers(self, headers: Mapping[str, str]) -> None:
        self.rate_limit = from_headers(headers, self.rate_limit)

    def get_json(self, path: str, **query: str) -> Any:
        """The JSON of a free question, numbers exact.

        Raises:
            ResponseError: the response is not JSON.
            VeniceError: by the status.
        """
        body = self.get(path, **query)
        try:
            return json.loads(body, parse_float=Decimal)
        except (ValueError, RecursionError) as exc:
            raise ResponseError(f"the response of {path} is not JSON.", "Try again in a minute.") from exc

    def fetch_reference(self, url: str) -> bytes:
        """A style reference from its URL, without credentials, up to the size the API takes.

        Raises:
            InvalidRequest: it cannot be fetched.
        """
        try:
            with (
                self._reference_http() as plain,
                plain.stream("GET", url, headers={"Accept-Encoding": accepted_encodings()}) as response,
            ):
                response.raise_for_status()
                data = bytearray()
                for piece in body_pieces(response, 2 * MAX_BYTES):
                    data += piece
                    if len(data) >= MAX_BYTES:
                        break
                return bytes(data)
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            problem = InvalidRequest(
                f"style_references: {url} could not be fetched: {exc}.",
                "Give a file, or a URL that can be read without a login. Nothing was sent.",
                field="style_references",
            )
            raise self._redacted(problem) from disarm(exc, self._secrets)

    def _reference_http(self) -> httpx.Client:
        return built(lambda: httpx.Client(verify=self._tls or True, follow_redirects=True, timeout=_QUESTION_SECONDS))

    def close(self) -> None:
        """Free the connections of the questions."""
        with self._making:
            if "_questions" in self.__dict__ and self._transport is None:
                self._questions.close()

    def channel(self) -> Channel:
        """Connections of its own for the images of one generation.

        Raises:
            ConfigurationError: a proxy or a certificate file in the environment cannot be used.
        """
        http = self._new_http(self._settings.read_timeout_seconds)
        return Channel(
            self._settings.base_url,
            http,
            self._secrets,
            owns_http=self._transport is None,
            on_headers=self._note_headers,
        )

    @made_once
    def _questions(self) -> httpx.Client:
        http = self._new_http(_QUESTION_SECONDS)
        if self._transport is None:
            weakref.finalize(self, http.close).atexit = False  # others may still be asking then
        return http

    def _new_http(self, read_timeout_seconds: float) -> httpx.Client:
        # What goes in the clear stays on this machine; HTTP_PROXY holds for the loopback too.
        encrypted = urlsplit(self._settings.base_url).scheme == "https"
        auth = authentication(self._settings, legacy_header=self._settings.legacy_header)
        timeout = httpx.Timeout(read_timeout_seconds, connect=_CONNECT_SECONDS, write=_WRITE_SECONDS, pool=None)
        return built(
            lambda: httpx.Client(
                auth=auth,
                transport=self._transport,
                verify=self._tls,
                trust_env=encrypted and self._transport is None,
                follow_redirects=False,
                event_hooks={"request": [same_origin_only(self._settings.base_url)]},
                headers={**_HEADERS, "Accept-Encoding": accepted_encodings()},
                timeout=timeout,
            )
        )

    @made_once
    def _tls(self) -> ssl.SSLContext | bool:
        """One context for all connections; none is built (20 ms) where nothing is encrypted."""
        encrypted = urlsplit(self._settings.base_url).scheme == "https" and self._transport is None
        return encrypted and httpx.create_ssl_context()

    @property
    def _secrets(self) -> tuple[Secret, ...]:
        return tuple(key for key in (self._settings.api_key, self._settings.wallet_key) if key)

    def _redacted(self, error: VeniceError) -> VeniceError:
        return redacted(error, self._secrets)
