"""What responses need is imported while the first one is in flight: the imports cost as much as a small image takes."""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import cache
from io import BytesIO

from venice_widgets.client.response_body import read_body
from venice_widgets.media.preview import examine


@cache
def get_ready() -> None:
    """Let everything be imported that responses need, while the first one is in flight; returns at once."""
    threading.Thread(target=_practise, name="venice-practice", daemon=True).start()


def _practise() -> None:
    with suppress(Exception):  # what fails here fails again with a real response, and is reported then
        read_body(BytesIO(b"{}"), None)
        examine(_ONE_PIXEL)


_ONE_PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a49444154789c636000000002000148afa4710000000049454e44ae426082"
)
