"""What an image is, by its bytes and not by its name.

Some models return their provider's bytes whatever format the request asked for, so the content alone decides.
`identify` reads headers and never decodes a pixel; every decoded pixel comes from `open_image`, behind a limit.
Pillow's readers are used one by one and not through ``Image.open``: only five formats can be reached, and neither its
global limit nor its warnings interfere. `recognize` names more formats than can be read, so that their
bytes are stored under their own name.
"""

from __future__ import annotations

import contextlib
import mmap
import struct
from dataclasses import dataclass
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from venice_widgets.errors import UnreadableFile

from .limits import DECODED_PIXELS, JPEG_SCANS, check_pixels
from .metadata import webp
from .side_data import without_bad_side_data

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.ImageFile import ImageFile

_BROKEN = (
    OSError, SyntaxError, ValueError, EOFError, RuntimeError, AssertionError, LookupError, ArithmeticError,
    TypeError, AttributeError, struct.error, Warning,
)  # fmt: skip
"""What Pillow's readers raise for a damaged file; a warning where the user made warnings errors."""

_READERS = {
    "png": ("PngImagePlugin", "PngImageFile"),
    "jpeg": ("JpegImagePlugin", "JpegImageFile"),
    "webp": ("WebPImagePlugin", "WebPImageFile"),
    "gif": ("GifImagePlugin", "GifImageFile"),
    "avif": ("AvifImagePlugin", "AvifImageFile"),
}
_READABLE = "PNG, JPEG, WebP, GIF and AVIF can be read."
_HEAD_BYTES = 512


@dataclass(frozen=True, slots=True)
class Format:
    """The format of an image."""

    name: str
    """As people write it: ``JPEG 2000``."""
    mime: str
    """For example ``image/webp``."""
    extension: str
    """The usual ending of such a file, without the dot; ``jpg`` for JPEG."""


FORMATS = {
    "png": Format("PNG", "image/png", "png"),
    "jpeg": Format("JPEG", "image/jpeg", "jpg"),
    "webp": Format("WebP", "image/webp", "webp"),
    "gif": Format("GIF", "image/gif", "gif"),
    "avif": Format("AVIF", "image/avif", "avif"),
    "svg": Format("SVG", "image/svg+xml", "svg"),
    "tiff": Format("TIFF", "image/tiff", "tif"),
    "bmp": Format("BMP", "image/bmp", "bmp"),
    "jp2": Format("JPEG 2000", "image/jp2", "jp2"),
    "jxl": Format("JPEG XL", "image/jxl", "jxl"),
    "heic": Format("HEIC", "image/heic", "heic"),
    "ico": Format("ICO", "image/vnd.microsoft.icon", "ico"),
}
"""Every format that is recognized; the first five can be read."""


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What the header of an image says."""

    mime: str
    """For example ``image/webp``."""
    extension: str
    """The usual ending of such a file, without the dot; ``jpg`` for JPEG."""
    width: int
    """Pixels as stored, before any EXIF orientation."""
    height: int
    """Pixels as stored, before any EXIF orientation."""
    mode: str
    """Pillow's name of the pixel layout: ``RGB``, ``RGBA``, ``L``, ``P`` …"""
    has_alpha: bool
    """Whether pixels may be transparent; only decoding shows whether any is."""
    frames: int
    """1, or the number of frames of an animation."""


def identify(data: bytes | Path) -> ImageFacts:
    """The format and size of an image from its header, after a check that its end is there; no pixel is decoded.

    Args:
        data: the bytes, or the file that has them (which is not read whole).

    Raises:
        UnreadableFile: it is not a PNG, JPEG, WebP, GIF or AVIF image, is damaged or cut short, or has more than
            `limits.DECODED_PIXELS` pixels.
    """
    with open_image(data) as image:
        return facts_of(image, data)


def facts_of(image: ImageFile, data: bytes | Path) -> ImageFacts:
    """What `identify` returns, for an image that `open_image` has opened.

    Raises:
        UnreadableFile: the end of the image is missing.
    """
    name = _readable_name(data)
    kind = FORMATS[name]
    if not _is_complete(name, data):
        raise UnreadableFile(f"{_describe(data)} is a {kind.name} image whose end is missing.", "Fetch it again.")
    return ImageFacts(
        kind.mime, kind.extension, image.width, image.height, image.mode, image.has_transparency_data,
        int(getattr(image, "n_frames", 1)),
    )  # fmt: skip


def recognize(beginning: bytes) -> Format | None:
    """The format of an image by its first bytes, of which 512 are enough; None for everything else.

    Also names formats that cannot be read here, such as SVG and TIFF.
    """
    name = _format_name(beginning)
    return FORMATS[name] if name else None


def begins_like_image(beginning: bytes) -> bool:
    """Whether bytes begin as an image does; the first 64 are enough."""
    return _format_name(beginning) is not None


@contextlib.contextmanager
def open_image(data: bytes | Path) -> Iterator[ImageFile]:
    """Open an image with the one reader that its content calls for; pixels are decoded when they are first used.

    Raises:
        UnreadableFile: as `identify`, and when decoding inside the ``with`` block finds damage.
    """
    from PIL.Image import DecompressionBombError

    name = _readable_name(data)
    reader = _reader(name)
    try:
        with contextlib.closing(_pixel_stream(name, data)) as stream, reader(stream) as image:
            check_pixels(image.width, image.height, DECODED_PIXELS, _describe(data))
            yield image
    except UnreadableFile:
        raise
    except MemoryError as exc:
        problem = f"{_describe(data)} cannot be decoded: there is not enough memory."
        raise UnreadableFile(problem, "Free some memory, and try again.") from exc
    except (*_BROKEN, DecompressionBombError) as exc:
        problem = f"{_describe(data)} is a damaged or incomplete {FORMATS[name].name} image: {exc}"
        raise UnreadableFile(problem, "Fetch it again, or use another file.") from exc


def _reader(name: str) -> Any:
    module, class_name = _READERS[name]
    if name == "avif":
        from PIL import features

        if not features.check("avif"):
            raise UnreadableFile("This Pillow cannot read AVIF.", "Install Pillow's own wheel: pip install -U pillow.")
    reader = getattr(import_module(f"PIL.{module}"), class_name)
    return _quiet_jpeg(reader) if name == "jpeg" else reader


def _quiet_jpeg(reader: Any) -> Any:
    """Pillow's reader without its search for a resolution in EXIF, which warns about EXIF that it does not understand.

    Where the user made warnings errors, that warning would make the image unreadable.
    """
    return type(reader.__name__, (reader,), {"_read_dpi_from_exif": lambda _: None})


def _readable_name(data: bytes | Path) -> str:
    head = _head(data)
    name = _format_name(head)
    if name in _READERS:
        return str(name)
    if name:
        raise UnreadableFile(f"{_describe(data)} is of the format {FORMATS[name].name}, which is not read.", _READABLE)
    begins = f"begins with {head[:16]!r}" if head else "is empty"
    raise UnreadableFile(f"{_describe(data)} is not an image that can be read here: it {begins}.", _READABLE)


def _format_name(head: bytes) -> str | None:
    starts = {
        b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg", b"GIF87a": "gif", b"GIF89a": "gif",
        b"II*\0": "tiff", b"MM\0*": "tiff", b"II+\0": "tiff", b"MM\0+": "tiff", b"\xffO\xffQ": "jp2",
        b"\0\0\0\x0cjP  \r\n\x87\n": "jp2", b"\xff\x0a": "jxl", b"\0\0\0\x0cJXL \r\n\x87\n": "jxl",
    }  # fmt: skip
    for start, name in starts.items():
        if head.startswith(start):
            return name
    if webp.is_webp(head):
        return "webp"
    if head[4:8] == b"ftyp":
        return _brand(head[8:64])
    if head[:2] == b"BM" and head[6:10] == bytes(4) and head[14:18] in {b"\x28\0\0\0", b"\x6c\0\0\0", b"\x7c\0\0\0"}:
        return "bmp"
    if head[:4] == b"\0\0\1\0" and head[4:6] != b"\0\0" and head[9:10] == b"\0":
        return "ico"
    return "svg" if _is_svg(head) else None


def _brand(brands: bytes) -> str | None:
    """ISO/IEC 23000-22: the major brand, or one of the compatible brands that follow it."""
    if b"avif" in brands or b"avis" in brands:
        return "avif"
    return "heic" if any(brand in brands for brand in (b"heic", b"heix", b"mif1")) else None


def _is_svg(head: bytes) -> bool:
    """An SVG element at the beginning, after the declaration, comments and document type that XML allows."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return text.startswith((b"<svg", b"<?xml", b"<!--", b"<!DOCTYPE svg")) and b"<svg" in text


def _head(data: bytes | Path) -> bytes:
    if not isinstance(data, Path):
        return bytes(data[:_HEAD_BYTES])
    with contextlib.closing(_stream(data)) as stream:
        return bytes(stream.read(_HEAD_BYTES))


def _stream(data: bytes | Path) -> Any:
    if not isinstance(data, Path):
        return BytesIO(data)
    try:
        return data.open("rb")
    except OSError as exc:
        raise UnreadableFile(f"{data} cannot be read: {exc.strerror or exc}.", "Check the path.") from exc


def _pixel_stream(name: str, data: bytes | Path) -> Any:
    """What the reader reads: the file, or where side data would make it fail, a copy without that."""
    with _view(data) as view:
        if name == "webp":  # whose reader takes memory for the whole canvas when it opens
            check_pixels(*webp.declared_size(view[:64]), DECODED_PIXELS, _describe(data))
        if name == "jpeg" and _scans(view) > JPEG_SCANS:
            raise UnreadableFile(f"{_describe(data)} has more than {JPEG_SCANS} scans.", "Use another file.")
        cleaned = without_bad_side_data(view) if name == "png" else None
    return _stream(data) if cleaned is None else BytesIO(cleaned)


def _scans(view: bytes | mmap.mmap) -> int:
    """How many scans a JPEG has at most: inside a scan, these two bytes do not occur."""
    found, position = 0, view.find(b"\xff\xda")
    while position >= 0 and found <= JPEG_SCANS:
        found, position = found + 1, view.find(b"\xff\xda", position + 2)
    return found


@contextlib.contextmanager
def _view(data: bytes | Path) -> Iterator[bytes | mmap.mmap]:
    if not isinstance(data, Path):
        yield data
        return
    with data.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        yield view


def _describe(data: bytes | Path) -> str:
    return str(data) if isinstance(data, Path) else f"The data ({len(data):,} bytes)"


def _is_complete(name: str, data: bytes | Path) -> bool:
    with _view(data) as view:
        return _has_end(name, view)


def _has_end(name: str, view: bytes | mmap.mmap) -> bool:
    match name:
        case "png":
            return view.rfind(b"IEND\xaeB`\x82") >= 0
        case "jpeg":
            return view.rfind(b"\xff\xd9", _jpeg_scan(view)) >= 0
        case "webp":
            return int.from_bytes(view[4:8], "little") + 8 <= len(view)
        case "gif":
            return view[-64:].rstrip(b"\0\r\n").endswith(b";")
        case _:
            return _boxes_end(view) <= len(view)


def _jpeg_scan(view: bytes | mmap.mmap) -> int:
    """Where the first scan begins: the thumbnail inside an EXIF segment has an end of its own."""
    position = 2
    while view[position : position + 1] == b"\xff" and view[position : position + 2] != b"\xff\xda":
        position += 2 + int.from_bytes(view[position + 2 : position + 4], "big")
    return position


def _boxes_end(view: bytes | mmap.mmap) -> int:
    """Where the last top-level box ends (ISO/IEC 14496-12, 4.2)."""
    position = 0
    while 0 <= position < len(view):
        size = int.from_bytes(view[position : position + 4], "big")
        if size == 1:
            size = int.from_bytes(view[position + 8 : position + 16], "big")
        if size < 8:  # 0 means that this box continues to the end
            return len(view)
        position += size
    return position
