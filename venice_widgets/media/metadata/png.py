"""Metadata in PNG: text chunks, XMP and EXIF beside pixels that are copied byte for byte.

PNG is a signature and a row of chunks, each with its own checksum (W3C PNG, third edition). Infotext goes into
``tEXt`` where Latin-1 can hold it and ``iTXt`` otherwise, as AUTOMATIC1111 does through Pillow; XMP into an ``iTXt``
with the keyword that Adobe registered. All of ours is before the pixels, where readers that stop early find it.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, NamedTuple

from venice_widgets.errors import UnreadableFile

from .container import MAX_PARTS, MAX_TEXT_BYTES, OTHER_KEYWORDS, Embedded, Metadata, collected, damaged, too_large

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PARAMETERS, _RECIPE, _XMP = b"parameters", b"venice", b"XML:com.adobe.xmp"
_OURS = frozenset({_PARAMETERS, _RECIPE, _XMP})
_TEXT_KINDS = frozenset({b"tEXt", b"zTXt", b"iTXt"})

# What changes how the pixels look or move; everything else ancillary may hold the user's words.
_APPEARANCE = frozenset(
    b"tRNS cHRM gAMA iCCP sBIT sRGB cICP mDCV mDCv cLLI cLLi bKGD hIST pHYs sPLT acTL fcTL fdAT".split()
)


class _Chunk(NamedTuple):
    kind: bytes
    body: memoryview
    whole: memoryview


def read(data: bytes, *, lenient: bool = False) -> Embedded:
    """Read what a PNG carries.

    Args:
        data: the file.
        lenient: of a damaged file, read what comes before the damage, as long as that begins with a header.

    Raises:
        UnreadableFile: it is truncated, a checksum is wrong, or a text is too large.
    """
    chunks, damage = collected(_chunks(data), lenient=lenient)
    if not chunks:
        raise UnreadableFile(damage, "Use the original file, or fetch it again.")
    width, height = struct.unpack(">II", chunks[0].body[:8])
    found = {keyword: chunk for chunk in reversed(chunks) if (keyword := _keyword(chunk))}
    texts: dict[bytes, bytes] = {}
    for keyword in _OURS & found.keys():
        try:
            texts[keyword] = _text(found[keyword], len(keyword) + 1)
            texts[keyword].decode()
        except UnicodeDecodeError as exc:
            raise damaged("PNG file", f"a text is not UTF-8 ({exc})") from exc
        except UnreadableFile as exc:
            if not lenient:
                raise
            damage = damage or exc.message
    return Embedded(
        width,
        height,
        signed=any(chunk.kind == b"caBX" for chunk in chunks),
        metadata=Metadata(
            exif=next((_small(chunk.body) for chunk in chunks if chunk.kind == b"eXIf"), b""),
            xmp=texts.get(_XMP, b""),
            parameters=texts.get(_PARAMETERS, b"").decode(),
            recipe=texts.get(_RECIPE, b"").decode(),
            others={key: text for key in OTHER_KEYWORDS if (text := _other_text(found.get(key.encode()), key))},
        ),
        damage=damage,
    )


def _other_text(chunk: _Chunk | None, keyword: str) -> str:
    """A text of another program; empty where it cannot be read."""
    if chunk is None:
        return ""
    try:
        return _text(chunk, len(keyword) + 1).decode("utf-8", "replace")
    except UnreadableFile:
        return ""


def write(data: bytes, metadata: Metadata, *, bare: bool) -> bytes:
    """Copy a PNG with its metadata layers replaced.

    Args:
        data: the file to copy.
        metadata: all the layers that the copy shall have.
        bare: leave out every other chunk that does not change how the image looks, and what follows its end.
    """
    chunks = list(_chunks(data))
    first_pixels = next((n for n, chunk in enumerate(chunks) if chunk.kind == b"IDAT"), len(chunks) - 1)
    parts: list[bytes | memoryview] = [SIGNATURE]
    for number, chunk in enumerate(chunks):
        if number == first_pixels:
            parts += _layers(metadata)
        if not _replaced(chunk) and (not bare or _changes_appearance(chunk.kind)):
            parts.append(chunk.whole)
    if not bare:
        parts.append(memoryview(data)[_end(chunks) :])
    return b"".join(parts)


def _chunks(data: bytes) -> Iterator[_Chunk]:
    view, position = memoryview(data), len(SIGNATURE)
    for number in range(MAX_PARTS):
        if len(data) < position + 12:
            raise damaged("PNG file", "it ends before its last chunk")
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if end > len(data):
            raise damaged("PNG file", f"a chunk claims {length:,} bytes and the file ends before that")
        (checksum,) = struct.unpack_from(">I", data, end - 4)
        if zlib.crc32(view[position + 4 : end - 4]) != checksum:
            raise damaged(
                "PNG file", f"the checksum of its {kind.decode('latin-1')!r} chunk at byte {position} is wrong"
            )
        if number == 0 and (kind != b"IHDR" or length != 13):
            raise damaged("PNG file", "it does not begin with its header")
        yield _Chunk(kind, view[position + 8 : end - 4], view[position:end])
        if kind == b"IEND":
            return
        position = end
    raise too_large("PNG file", f"it has more than {MAX_PARTS:,} chunks")


def _end(chunks: list[_Chunk]) -> int:
    return len(SIGNATURE) + sum(len(chunk.whole) for chunk in chunks)


def _keyword(chunk: _Chunk) -> bytes:
    if chunk.kind not in _TEXT_KINDS:
        return b""
    return bytes(chunk.body[:80]).partition(b"\0")[0]


def _replaced(chunk: _Chunk) -> bool:
    return chunk.kind == b"eXIf" or _keyword(chunk) in _OURS


def _changes_appearance(kind: bytes) -> bool:
    is_critical = not kind[0] & 0x20
    return is_critical or kind in _APPEARANCE


def _text(chunk: _Chunk, start: int) -> bytes:
    """The text of a chunk as UTF-8, decompressed; `start` is where its keyword and the zero after it end."""
    body = chunk.body[start:]
    if chunk.kind == b"tEXt":
        return str(_small(body), "latin-1").encode()
    if chunk.kind == b"zTXt":
        return str(_inflated(body[1:]), "latin-1").encode()
    return _international_text(body)


def _international_text(body: memoryview) -> bytes:
    if len(body) < 4:
        raise damaged("PNG file", "a text chunk is cut short")
    # Language tag and translated keyword each end with a zero; neither is ever long.
    head = bytes(body[2 : 2 + 4096])
    language, first, rest = head.partition(b"\0")
    translated, second, _ = rest.partition(b"\0")
    if not (first and second):
        raise damaged("PNG file", "a text chunk has no text")
    text = body[2 + len(language) + 1 + len(translated) + 1 :]
    return _inflated(text) if body[0] == 1 else _small(text)


def _small(body: memoryview) -> bytes:
    if len(body) > MAX_TEXT_BYTES:
        raise too_large("PNG file", f"a text or EXIF chunk has {len(body):,} bytes")
    return bytes(body)


def _inflated(body: memoryview) -> bytes:
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(body, MAX_TEXT_BYTES)
    except zlib.error as exc:
        raise damaged("PNG file", f"a compressed text cannot be read ({exc})") from exc
    if inflater.unconsumed_tail:
        raise too_large("PNG file", f"a compressed text expands to more than {MAX_TEXT_BYTES:,} bytes")
    if not inflater.eof:
        raise damaged("PNG file", "a compressed text is cut short")
    return text


def _layers(metadata: Metadata) -> list[bytes]:
    layers = []
    if metadata.parameters:
        layers.append(_plain_chunk(_PARAMETERS, metadata.parameters))
    if metadata.recipe:
        layers.append(_international_chunk(_RECIPE, metadata.recipe.encode()))
    if metadata.xmp:
        layers.append(_international_chunk(_XMP, metadata.xmp))
    if metadata.exif:
        layers.append(_chunk(b"eXIf", metadata.exif))
    return layers


def _plain_chunk(keyword: bytes, text: str) -> bytes:
    try:
        return _chunk(b"tEXt", keyword + b"\0" + text.encode("latin-1"))
    except UnicodeEncodeError:
        return _international_chunk(keyword, text.encode())


def _international_chunk(keyword: bytes, text: bytes) -> bytes:
    uncompressed_without_language = b"\0\0\0\0\0"
    return _chunk(b"iTXt", keyword + uncompressed_without_language + text)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
