"""Small copies of images, for the notebook and the log; the full image stays on disk.

Four 4096-pixel PNGs written into a notebook make a file of 170 MB; as previews they are 600 KB. A preview is a JPEG
unless the image really is transparent somewhere, because nbconvert does not know WebP and PNG is nine times the size. A
preview carries pixels only: no EXIF, no comments, and a color profile only where it is small.

Memory: one decoded image, 4 bytes a pixel, is held; every conversion after that happens in strips. However many
threads there are, two of them decode at a time, beside the main thread: four images of 4096 × 4096 pixels at once would
hold 256 MB.
"""

from __future__ import annotations

import math
import threading
from contextlib import nullcontext
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from .format import facts_of, open_image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from PIL import Image
    from PIL.ImageFile import ImageFile

    from .format import ImageFacts

    _Encoder = Callable[[Image.Image, int, bytes | None], tuple[bytes, str]]

SIDE_PIXELS, _MAX_BYTES = 1024, 150_000
_TURNS = threading.BoundedSemaphore(2)
_STRIP_ROWS = 256
_JPEG_QUALITIES = {75: 1.0, 68: 0.89, 60: 0.8, 50: 0.72, 40: 0.64}
"""What is tried in turn, and how large it is compared with the first: images differ in this by a few hundredths."""
_LEAST_PNG_PIXELS = 320
_MAX_PROFILE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Preview:
    """A small image, ready to be shown."""

    data: bytes
    """The encoded bytes."""
    mime: str
    """``image/jpeg``, or ``image/png`` where pixels are transparent."""
    width: int
    """Pixels, upright."""
    height: int
    """Pixels, upright."""


def preview(data: bytes | Path, *, longest_side_pixels: int = SIDE_PIXELS, max_bytes: int = _MAX_BYTES) -> Preview:
    """Make a small upright copy of an image; the first frame of an animation.

    An image is never enlarged. To stay within `max_bytes` a JPEG loses quality, from 75 to 40, and then size; a PNG
    loses size, down to 320 pixels, and then colors: 256 show bands in soft edges. The same bytes in give the same
    bytes out, for one version of Pillow.

    Args:
        data: the image, or its file (which is then never held in memory as bytes).
        longest_side_pixels: the longer side of the preview at most.
        max_bytes: size of the preview at most, in bytes.

    Raises:
        UnreadableFile: it is not an image, is damaged, or has more than `limits.DECODED_PIXELS` pixels.
    """
    with _turn(), open_image(data) as image:
        turn, size = _orientation(image), fit(image.width, image.height, longest_side_pixels)
        _decode(image, size)
        return _preview(image, turn, size, max_bytes)


def examine(data: bytes | Path, *, longest_side_pixels: int = SIDE_PIXELS) -> tuple[ImageFacts, Preview | None]:
    """The facts of an image and its `preview`, for which it is opened once: opening a WebP takes a while.

    The preview is None where the image is sound and yet no preview of it can be made now, for want of memory or by a
    fault here: what is said of an image that was paid for must not depend on that.

    Raises:
        UnreadableFile: as `format.identify`, or its pixels are damaged.
    """
    with _turn(), open_image(data) as image:
        facts = facts_of(image, data)
        turn, size = _orientation(image), fit(image.width, image.height, longest_side_pixels)
        try:
            _decode(image, size)
        except MemoryError:
            return facts, None
        try:
            return facts, _preview(image, turn, size, _MAX_BYTES)
        except Exception:  # noqa: BLE001  its pixels were decoded: whatever fails now is not the image's fault
            return facts, None


def _turn() -> AbstractContextManager[Any]:
    """Two threads at a time decode, since a large image takes much memory.

    The main thread waits for no turn: an interrupt there could leave it taken for good.
    """
    return nullcontext() if threading.current_thread() is threading.main_thread() else _TURNS


def _decode(image: ImageFile, size: tuple[int, int]) -> None:
    """Read the pixels; those of a JPEG at a fraction of its size where the preview's size allows it."""
    image.draft(None, (size[0] * 2, size[1] * 2))
    image.load()


def _preview(image: ImageFile, turn: int, size: tuple[int, int], max_bytes: int) -> Preview:
    profile = _small_profile(image)
    return encode_preview(_small(image, turn, size), max_bytes, profile)


def thumbnail(data: bytes | Path, longest_side_pixels: int = 256) -> Preview:
    """Make a preview for a row of a table: 256 pixels and 20 KB at most.

    Raises:
        UnreadableFile: as `preview`.
    """
    return preview(data, longest_side_pixels=longest_side_pixels, max_bytes=20_000)


def _small(image: ImageFile, turn: int, size: tuple[int, int]) -> Image.Image:
    """The decoded image in L, RGB or RGBA, resized and then turned upright."""
    from PIL import Image, ImageOps

    small = _reduced(image, _factor(image.size, size), _converter(image))
    if small.size != size:
        small = small.resize(size, Image.Resampling.LANCZOS)
    small.info = {}  # comments and the like would be written again
    small.getexif()[0x0112] = turn
    ImageOps.exif_transpose(small, in_place=True)
    return small


def _orientation(image: ImageFile) -> int:
    """Read here and not by Pillow, which warns about EXIF that it does not understand."""
    from .metadata.orientation import orientation

    info = image.info
    xmp = info.get("xmp") or info.get("XML:com.adobe.xmp") or b""
    return orientation(
        info.get("exif") or b"",
        str(info.get("Raw profile type exif") or info.get("Raw profile type APP1") or ""),
        xmp.encode() if isinstance(xmp, str) else bytes(xmp),
    )


def fit(width: int, height: int, longest_side_pixels: int) -> tuple[int, int]:
    """The size with neither side longer than asked, in the same proportions; never larger."""
    scale = min(1.0, longest_side_pixels / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _factor(size: tuple[int, int], target: tuple[int, int]) -> int:
    """By how much the image is divided before it is resampled: all the way where that divides evenly."""
    whole = size[0] // target[0]
    if size == (target[0] * whole, target[1] * whole):
        return whole
    return max(1, max(size) // (2 * max(target)))


def _converter(image: Image.Image) -> Callable[[Image.Image], Image.Image]:
    """What turns a strip of this image into L, RGB or, where a pixel is transparent, RGBA."""
    if image.mode.startswith("I"):
        # 16-bit gray: Pillow's own conversion clips at 255 instead of scaling.
        return lambda strip: strip.convert("I").point(lambda value: value / 256).convert("L")
    if image.has_transparency_data and _is_transparent(image):
        return lambda strip: strip.convert("RGBA")
    if image.mode in {"L", "RGB"}:
        return lambda strip: strip
    return lambda strip: strip.convert("L" if image.mode in {"1", "LA"} else "RGB")


def _is_transparent(image: Image.Image) -> bool:
    return any(strip.convert("RGBA").getchannel("A").getextrema()[0] != 255 for _, strip in _strips(image, _STRIP_ROWS))


def _strips(image: Image.Image, rows: int) -> Iterable[tuple[int, Image.Image]]:
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def _reduced(image: Image.Image, factor: int, convert: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """The image converted and divided by a whole number, strip by strip."""
    from PIL import Image

    if factor == 1:
        return convert(image)
    size = math.ceil(image.width / factor), math.ceil(image.height / factor)
    small = None
    for top, strip in _strips(image, factor * max(1, _STRIP_ROWS // factor)):
        part = convert(strip).reduce(factor)
        small = small or Image.new(part.mode, size)
        small.paste(part, (0, top // factor))
    assert small is not None  # noqa: S101  # an image has at least one row
    return small


def _small_profile(image: Image.Image) -> bytes | None:
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in {"RGB", "RGBA"} or len(profile) > _MAX_PROFILE_BYTES:
        return None
    return bytes(profile)


def encode_preview(image: Image.Image, max_bytes: int, profile: bytes | None) -> Preview:
    """A small image in L, RGB or RGBA as a preview of at most so many bytes, with its color profile."""
    if image.mode != "RGBA":
        return _fitting(image, max_bytes, profile, _encode_jpeg)
    shown = _fitting(image, max_bytes, profile, _encode_png, least_pixels=_LEAST_PNG_PIXELS)
    return shown if len(shown.data) <= max_bytes else _fitting(image, max_bytes, profile, _encode_palette)


def _fitting(
    image: Image.Image, max_bytes: int, profile: bytes | None, encode: _Encoder, least_pixels: int = 16
) -> Preview:
    """Encode, and make it smaller until it fits or its longer side would have fewer than the least pixels."""
    while True:
        shown = Preview(*encode(image, max_bytes, profile), image.width, image.height)
        size = _smaller(image, len(shown.data), max_bytes)
        if len(shown.data) <= max_bytes or max(size) < least_pixels:
            return shown
        image = image.resize(size)


def _smaller(image: Image.Image, size_bytes: int, max_bytes: int) -> tuple[int, int]:
    scale = min(0.9, max(0.5, math.sqrt(max_bytes / size_bytes)))
    return max(1, int(image.width * scale)), max(1, int(image.height * scale))


def _encode_jpeg(image: Image.Image, max_bytes: int, profile: bytes | None) -> tuple[bytes, str]:
    """The best quality that fits, else the least; a quality that is sure not to fit is not tried."""
    best, *_, least = _JPEG_QUALITIES
    data = _jpeg(image, best, profile)
    largest = len(data)
    for quality, share in _JPEG_QUALITIES.items():
        if len(data) <= max_bytes:
            break
        if quality == least or (quality != best and largest * share < 1.03 * max_bytes):
            data = _jpeg(image, quality, profile)
    return data, "image/jpeg"


def _jpeg(image: Image.Image, quality: int, profile: bytes | None) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=quality, icc_profile=profile)
    return buffer.getvalue()


def _encode_png(image: Image.Image, _max_bytes: int, profile: bytes | None) -> tuple[bytes, str]:
    buffer = BytesIO()
    image.save(buffer, "PNG", icc_profile=profile)
    return buffer.getvalue(), "image/png"


def _encode_palette(image: Image.Image, max_bytes: int, profile: bytes | None) -> tuple[bytes, str]:
    return _encode_png(image.quantize(256), max_bytes, profile)
