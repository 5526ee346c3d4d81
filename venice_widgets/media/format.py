"""What a picture is, told by its bytes and not by what anybody called it.

Some models return their provider's bytes whatever format was asked for (VENICE API notes, section 2), so the content
alone decides. `identify` reads headers and never decodes a pixel; `open_image` is the one door through which pixels are
decoded, behind a limit. Pillow's readers are used one by one and not through ``Image.open``: only these five formats
can be reached, and neither its global limit nor its warnings interfere.
"""

from __future__ import annotations

import contextlib
import mmap
from dataclasses import dataclass
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from venice_widgets.errors import UnreadableFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.ImageFile import ImageFile

MAX_PIXELS = 200_000_000
"""The largest picture that is ever decoded: 200 megapixels, twelve times a 4096 × 4096 picture."""

_BROKEN = (OSError, SyntaxError, ValueError, EOFError, RuntimeError, MemoryError, AssertionError)
"""What Pillow's readers raise for a damaged file; the WebP and GIF readers know a limit of their own besides."""

_ALLOWED = "PNG, JPEG, WebP, GIF and AVIF can be read."

_READERS = {
    "png": ("image/png", "png", "PngImagePlugin", "PngImageFile"),
    "jpeg": ("image/jpeg", "jpg", "JpegImagePlugin", "JpegImageFile"),
    "webp": ("image/webp", "webp", "WebPImagePlugin", "WebPImageFile"),
    "gif": ("image/gif", "gif", "GifImagePlugin", "GifImageFile"),
    "avif": ("image/avif", "avif", "AvifImagePlugin", "AvifImageFile"),
}


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What the header of a picture says."""

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
    """Whether pixels may be transparent; whether any is, only decoding tells."""
    frames: int
    """1, or the number of frames of an animation."""


def identify(data: bytes | Path) -> ImageFacts:
    """Tell a picture's format and size from its header, and whether its end is there; no pixel is decoded.

    Args:
        data: the bytes, or the file that has them (which is not read whole).

    Raises:
        UnreadableFile: it is none of PNG, JPEG, WebP, GIF and AVIF, is damaged or cut short, or has more than
            `MAX_PIXELS` pixels.
    """
    with open_image(data) as image:
        return facts_of(image, data)


def facts_of(image: ImageFile, data: bytes | Path) -> ImageFacts:
    """What `identify` tells, of a picture that `open_image` has opened.

    Raises:
        UnreadableFile: the end of the picture is missing.
    """
    name = _format_name(data)
    if not _is_complete(name, data):
        raise UnreadableFile(f"{_describe(data)} is a {name.upper()} picture whose end is missing.", "Fetch it again.")
    mime, extension, _, _ = _READERS[name]
    return ImageFacts(
        mime, extension, image.width, image.height, image.mode, image.has_transparency_data,
        int(getattr(image, "n_frames", 1)),
    )  # fmt: skip


def begins_like_picture(beginning: bytes) -> bool:
    """Whether bytes begin as one of the five formats does; the first 64 are enough to tell."""
    try:
        _format_name(beginning)
    except UnreadableFile:
        return False
    return True


@contextlib.contextmanager
def open_image(data: bytes | Path) -> Iterator[ImageFile]:
    """Open a picture with the one reader its content calls for; pixels are decoded when they are first used.

    Raises:
        UnreadableFile: as `identify`, and when decoding inside the ``with`` block finds damage.
    """
    from PIL.Image import DecompressionBombError

    name = _format_name(data)
    reader = _reader(name)
    try:
        with contextlib.closing(_stream(data)) as stream, reader(stream) as image:
            _check_size(data, image)
            yield image
    except UnreadableFile:
        raise
    except (*_BROKEN, DecompressionBombError) as exc:
        problem = f"{_describe(data)} is a damaged or incomplete {name.upper()} picture: {exc}"
        raise UnreadableFile(problem, "Fetch it again, or use another file.") from exc


def _reader(name: str) -> Any:
    _, _, module, class_name = _READERS[name]
    if name == "avif":
        from PIL import features

        if not features.check("avif"):
            raise UnreadableFile("This Pillow cannot read AVIF.", "Install Pillow's own wheel: pip install -U pillow.")
    return getattr(import_module(f"PIL.{module}"), class_name)


def _check_size(data: bytes | Path, image: ImageFile) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise UnreadableFile(
            f"{_describe(data)} claims {image.width} × {image.height} pixels, too many to decode.",
            f"The limit is {MAX_PIXELS // 1_000_000} megapixels.",
        )


def _format_name(data: bytes | Path) -> str:
    head = _head(data)
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "webp"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    # ISO/IEC 23000-22: the major brand, or one of the compatible brands that follow it.
    if head[4:8] == b"ftyp" and (b"avif" in head[8:] or b"avis" in head[8:]):
        return "avif"
    begins = f"begins with {head[:16]!r}" if head else "is empty"
    raise UnreadableFile(f"{_describe(data)} is no picture that can be read here: it {begins}.", _ALLOWED)


def _head(data: bytes | Path) -> bytes:
    if not isinstance(data, Path):
        return bytes(data[:64])
    with contextlib.closing(_stream(data)) as stream:
        return bytes(stream.read(64))


def _stream(data: bytes | Path) -> Any:
    if not isinstance(data, Path):
        return BytesIO(data)
    try:
        return data.open("rb")
    except OSError as exc:
        raise UnreadableFile(f"{data} cannot be read: {exc.strerror or exc}.", "Check the path.") from exc


def _describe(data: bytes | Path) -> str:
    return str(data) if isinstance(data, Path) else f"The data ({len(data):,} bytes)"


def _is_complete(name: str, data: bytes | Path) -> bool:
    if not isinstance(data, Path):
        return _has_end(name, data)
    with data.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
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
        if size < 8:  # 0 means that this box goes on to the end
            return len(view)
        position += size
    return position
