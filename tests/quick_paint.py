"""Images for tests that do not look at them: a fifth of the time of the simulator's own.

The prompt, the settings and the seed decide the color, so that each seed's image has bytes of its own.
"""

import colorsys
import hashlib
import io
from functools import cache

from PIL import Image

from venice_widgets.simulator.art.painter import Commission, paint


def quick_paint(commission: Commission) -> bytes:
    """An image of one color, in the size and the format that were asked for."""
    if commission.blurred or commission.blacked_out or commission.exif_description is not None:
        return paint(commission)
    told = f"{commission.prompt}\n{commission.settings}\n{commission.content}"
    number = hashlib.sha256(told.encode("utf-8", "surrogatepass")).digest()
    hue, lightness = int.from_bytes(number[:4]) / 2**32, 0.2 + 0.6 * int.from_bytes(number[4:8]) / 2**32
    color = tuple(round(255 * part) for part in colorsys.hls_to_rgb(hue, lightness, 0.6))
    return _one_color(color, (commission.width, commission.height), commission.format)


@cache
def _one_color(color: tuple[int, ...], size: tuple[int, int], kind: str) -> bytes:
    """An image file; many tests ask for the same fox with the same seed."""
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, kind, method=0)
    return file.getvalue()
