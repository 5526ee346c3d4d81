"""Images that weigh what real ones weigh: soft shapes, which compress, under grain, which does not."""

import random
import struct
import zlib
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageChops

OCTAVES = ((4, 110), (16, 60), (64, 30), (256, 16))
"""Cells along a side, and how many levels of brightness they span."""


def make_images(folder: Path) -> dict[str, list[Path]]:
    """The images of every benchmark: a 1K WebP and PNG, and four 4K PNGs, each as files in `folder`."""
    small = draw(1024, grain=9)
    webp, png = folder / "1k.webp", folder / "1k.png"
    small.save(webp, quality=95)
    small.save(png)
    buffer = BytesIO()
    draw(4096, grain=22).save(buffer, "PNG")
    large = [folder / f"4k-{number}.png" for number in range(4)]
    for number, path in enumerate(large):
        path.write_bytes(with_comment(buffer.getvalue(), f"image {number}"))
    return {"webp": [webp], "png": [png], "4K": large}


def draw(side_pixels: int, grain: int) -> Image.Image:
    """A square image; `grain` is the noise of each channel, in levels of brightness."""
    source = random.Random(side_pixels)
    return Image.merge("RGB", [_channel(side_pixels, grain, source) for _ in range(3)])


def _channel(side: int, grain: int, source: random.Random) -> Image.Image:
    channel = _noise(side, grain, source)
    for cells, levels in OCTAVES:
        shapes = _noise(cells, levels, source).resize((side, side), Image.Resampling.BICUBIC)
        channel = ImageChops.add(channel, shapes)
    return channel


def _noise(side: int, levels: int, source: random.Random) -> Image.Image:
    return Image.frombytes("L", (side, side), source.randbytes(side * side)).point(lambda value: value * levels // 256)


def with_comment(png: bytes, text: str) -> bytes:
    """The same image as another file: a PNG with one more text chunk before its end."""
    body = b"tEXtComment\0" + text.encode("latin-1")
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return png[:-12] + chunk + png[-12:]
