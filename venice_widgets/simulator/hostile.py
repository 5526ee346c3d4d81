"""Responses that a client should survive: unusual bodies, unusual images, bodies that are more than they seem.

All of them are billed: the request ran.
"""

from __future__ import annotations

import functools
import io
import struct
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .response import Response, json_response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_BODIES = {
    "data-uri": "the true response, its images as data URIs",
    "base64url": "the true response, its images in url-safe base64 without padding",
    "b64-json": "the images in the shape of OpenAI's API, under data[].b64_json",
    "nan": "the true response, with a NaN before its images",
    "deep": "the true response, with 100,000 nested lists before its images",
    "utf-16": "the true response, in UTF-16",
}
_IMAGES = {
    "svg": "the true response, its images in SVG",
    "bmp": "the true response, its images in BMP",
    "tiff": "the true response, its images in TIFF",
    "png-text": "the true response, its images valid PNG whose compressed text expands to 3 MB",
    "image": "the true response, each image replaced by the bytes given as image",
}
_ENCODINGS = {
    "brotli-bomb": "2 KB of brotli that expand to 2 GB, with status 200 unless another is given",
    "gzip-garbled": "a body called gzip that is not, with status 200 unless another is given",
}
KINDS = _BODIES | _IMAGES | _ENCODINGS
"""Every kind and what it looks like."""

BOMB_BYTES, BOMB_BLOCK = 2 << 30, 1 << 24
NESTED = 100_000
TEXT_BYTES = 3_000_000
GARBLED = b"\x1f\x8b\x08\x00" + b"\xa5" * 99


def hostile_images(kind: str, images: list[bytes], given: bytes | None) -> list[bytes]:
    """The images that a fault of this kind sends instead.

    Args:
        kind: of the fault; the images of other kinds stay as they are.
        images: as they were drawn.
        given: the bytes of an "image" fault.
    """
    if kind == "image":
        return [given or b""] * len(images)
    return [_MAKERS[kind]()] * len(images) if kind in _MAKERS else images


def hostile_response(kind: str, content: dict[str, Any], headers: Iterable[tuple[str, str]], status: int) -> Response:
    """The response with this content, in the form of a fault of this kind.

    Args:
        kind: of the fault; the content of other kinds stays as it is.
        content: the JSON content of the true response.
        headers: of the true response.
        status: of the response.
    """
    if kind in _ENCODINGS:
        encoding, body = ("br", _brotli_bomb()) if kind == "brotli-bomb" else ("gzip", GARBLED)
        sent = Response(status, body, (("content-type", "application/json; charset=utf-8"), *headers))
        return sent.with_headers([("content-encoding", encoding)])
    if kind == "b64-json":
        content = {"created": 1_795_000_000, "data": [{"b64_json": image} for image in content["images"]]}
    if kind == "data-uri":
        start = f"data:image/{content['request']['data']['format']};base64,"
        content = content | {"images": [start + image for image in content["images"]]}
    if kind == "base64url":
        content = content | {"images": [_url_safe(image) for image in content["images"]]}
    response = json_response(content, status, headers)
    if kind == "utf-16":
        return replace(response, body=response.body.decode("utf-8", "surrogatepass").encode("utf-16"))
    before = {"nan": b'"score":NaN,', "deep": b'"trace":' + b"[" * NESTED + b"]" * NESTED + b","}.get(kind, b"")
    return replace(response, body=response.body[:1] + before + response.body[1:])


def _url_safe(image: str) -> str:
    return image.translate(str.maketrans("+/", "-_")).rstrip("=")


def _brotli_bomb() -> bytes:
    """Blocks of zeros: from the second on they are all the same bytes."""
    import brotli  # type: ignore[import-untyped]

    compressor = brotli.Compressor(quality=5, lgwin=24)
    first, second = (compressor.process(bytes(BOMB_BLOCK)) + compressor.flush() for _ in range(2))
    bomb: bytes = first + second * (BOMB_BYTES // BOMB_BLOCK - 1) + compressor.finish()
    return bomb


def _svg() -> bytes:
    square = b'<rect width="64" height="64" fill="#c63"/>'
    return b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64">%b</svg>' % square


@functools.cache
def _encoded(name: str) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), (204, 102, 51)).save(buffer, name)
    return buffer.getvalue()


@functools.cache
def _png_with_text() -> bytes:
    """A text chunk between the header, which ends at byte 33, and the pixels."""
    png, name = _encoded("png"), b"zTXtComment\0\0"
    data = name + zlib.compress(b"A fox in a forest. " * (TEXT_BYTES // 19))
    chunk = struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))
    return png[:33] + chunk + png[33:]


_MAKERS: dict[str, Callable[[], bytes]] = {
    "svg": _svg,
    "bmp": functools.partial(_encoded, "bmp"),
    "tiff": functools.partial(_encoded, "tiff"),
    "png-text": _png_with_text,
}
