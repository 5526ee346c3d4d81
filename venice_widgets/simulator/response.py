"""A response before it is sent, and how it is compressed."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP response."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    delivery: Literal["whole", "cut", "none"] = "whole"
    """``cut`` ends in the middle of the body; ``none`` ends the connection without a status line."""

    def with_headers(self, headers: Iterable[tuple[str, str]]) -> Response:
        """The same response with more headers."""
        return replace(self, headers=(*self.headers, *headers))

    def content_type(self) -> str:
        """The media type of the body, without parameters."""
        return dict(self.headers).get("content-type", "").partition(";")[0]


class ErrorResponse(Exception):
    """The request ends here, with this response."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def json_response(value: Any, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """A response with a JSON body."""
    body = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "backslashreplace")
    return Response(status, body, (("content-type", "application/json; charset=utf-8"), *headers))


def compressed(response: Response, accept_encoding: str) -> Response:
    """The response as the client accepts it: JSON by brotli or gzip, everything else as it is.

    Large bodies are images in base64, which only entropy coding makes smaller: both compress at their fastest.
    """
    accepted = {part.partition(";")[0].strip().lower() for part in accept_encoding.split(",")}
    if response.content_type() != "application/json" or "content-encoding" in dict(response.headers):
        return response
    if "br" in accepted and (body := _brotli(response.body)) is not None:
        return replace(response, body=body).with_headers([("content-encoding", "br"), ("vary", "Accept-Encoding")])
    if "gzip" in accepted:
        body = _gzip(response.body)
        return replace(response, body=body).with_headers([("content-encoding", "gzip"), ("vary", "Accept-Encoding")])
    return response


def _brotli(body: bytes) -> bytes | None:
    try:
        import brotli  # type: ignore[import-untyped]
    except ImportError:
        return None
    data: bytes = brotli.compress(body, quality=1)
    return data


def _gzip(body: bytes) -> bytes:
    gzip_container = 31
    packer = zlib.compressobj(1, zlib.DEFLATED, gzip_container, 9, zlib.Z_HUFFMAN_ONLY)
    return packer.compress(body) + packer.flush()
