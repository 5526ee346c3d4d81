"""A response's body, decompressed in bounded steps: 3 KB of brotli can hold 2 GB, and httpx gives it out at once.

Source: RFC 9110, 8.4, Content-Encoding. The errors are httpx's, so that one boundary translates them.
"""

from __future__ import annotations

import zlib
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STEP_BYTES = 1 << 20
"""The most that one step gives out."""


class TooLarge(httpx.DecodingError):
    """The body is larger than any response."""


class _Decoder(Protocol):
    def decode(self, data: bytes) -> Iterator[bytes]: ...


def accepted_encodings() -> str:
    """What to ask for in ``Accept-Encoding``: brotli only where it can be bounded."""
    return "gzip, deflate, br" if _brotli() else "gzip, deflate"


def body_pieces(response: httpx.Response, largest_bytes: int) -> Iterator[bytes]:
    """The decompressed body, in pieces of at most a megabyte.

    Raises:
        httpx.HTTPError: the connection broke, the body cannot be decompressed, or it is larger than `largest_bytes`.
    """
    size_bytes = 0
    for piece in _decoded(response):
        size_bytes += len(piece)
        if size_bytes > largest_bytes:
            raise TooLarge(f"it is larger than {largest_bytes:,} bytes")
        yield piece


def beginning_of(response: httpx.Response, most_bytes: int) -> bytes:
    """As much of the body as came and as is wanted, whatever is wrong with the rest."""
    data = bytearray()
    try:
        for piece in _decoded(response):
            data += piece
            if len(data) >= most_bytes:
                break
    except httpx.HTTPError:
        pass
    return bytes(data[:most_bytes])


def _decoded(response: httpx.Response) -> Iterator[bytes]:
    if response.is_stream_consumed:  # a transport within this process that gave the body at once
        yield response.content
        return
    pieces: Iterable[bytes] = response.iter_raw()
    listed = response.headers.get("content-encoding", "").lower().split(",")
    for encoding in reversed([each.strip() for each in listed]):
        if encoding in _DECODERS:
            pieces = _through(_DECODERS[encoding](), pieces)
    yield from pieces


def _through(decoder: _Decoder, pieces: Iterable[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        yield from decoder.decode(piece)


class _Zlib:
    """gzip, or deflate with its header or without it, as servers send both."""

    def __init__(self, window_bits: int, otherwise: int | None = None) -> None:
        self._decoder, self._otherwise = zlib.decompressobj(window_bits), otherwise

    def decode(self, data: bytes) -> Iterator[bytes]:
        while data:
            try:
                out = self._decoder.decompress(data, STEP_BYTES)
            except zlib.error as exc:
                if self._otherwise is None:
                    raise httpx.DecodingError(str(exc)) from exc
                self._decoder, self._otherwise = zlib.decompressobj(self._otherwise), None
                continue
            self._otherwise = None
            data = self._decoder.unconsumed_tail
            yield out
        while out := self._decoder.decompress(b"", STEP_BYTES):
            yield out


class _Brotli:
    def __init__(self) -> None:
        module = _brotli()
        if module is None:
            raise httpx.DecodingError("it is compressed with brotli, which was not asked for")
        self._decoder, self._error = module.Decompressor(), module.error

    def decode(self, data: bytes) -> Iterator[bytes]:
        try:
            yield self._decoder.process(data, output_buffer_limit=STEP_BYTES)
            while not self._decoder.can_accept_more_data():
                yield self._decoder.process(b"", output_buffer_limit=STEP_BYTES)
        except self._error as exc:
            raise httpx.DecodingError(str(exc)) from exc


_DECODERS: dict[str, Any] = {
    "gzip": lambda: _Zlib(zlib.MAX_WBITS | 16),
    "x-gzip": lambda: _Zlib(zlib.MAX_WBITS | 16),
    "deflate": lambda: _Zlib(zlib.MAX_WBITS, -zlib.MAX_WBITS),
    "br": _Brotli,
}


@cache
def _brotli() -> Any:
    """Brotli's module where it can bound what a step gives out (1.2 and newer); else None."""
    try:
        import brotli  # type: ignore[import-untyped]

        brotli.Decompressor().process(b"", output_buffer_limit=STEP_BYTES)
    except (ImportError, TypeError):
        return None
    except brotli.error:
        pass
    return brotli
