"""An answer before it is on any wire, and how it is compressed for it."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    delivery: Literal["whole", "cut", "none"] = "whole"
    """``cut`` ends in the middle of the body; ``none`` ends the connection without a status line."""

    def with_headers(self, headers: Iterable[tuple[str, str]]) -> Answer:
        """The same answer with more headers."""
        return replace(self, headers=(*self.headers, *headers))

    def content_type(self) -> str:
        """The media type of the body, without parameters."""
        return dict(self.headers).get("content-type", "").partition(";")[0]


class Refused(Exception):
    """The request ends here, with an answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def json_answer(value: Any, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Answer:
    """An answer with a JSON body."""
    body = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "backslashreplace")
    return Answer(status, body, (("content-type", "application/json; charset=utf-8"), *headers))


def compressed(answer: Answer, accept_encoding: str) -> Answer:
    """The answer as the client accepts it: JSON by brotli or gzip, everything else as it is.

    Large bodies are base64 pictures, which only entropy coding makes smaller: both are told not to search for more.
    """
    accepted = {part.partition(";")[0].strip().lower() for part in accept_encoding.split(",")}
    if answer.content_type() != "application/json":
        return answer
    if "br" in accepted and (body := _brotli(answer.body)) is not None:
        return replace(answer, body=body).with_headers([("content-encoding", "br"), ("vary", "Accept-Encoding")])
    if "gzip" in accepted:
        body = _gzip(answer.body)
        return replace(answer, body=body).with_headers([("content-encoding", "gzip"), ("vary", "Accept-Encoding")])
    return answer


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
