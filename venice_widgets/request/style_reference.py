"""Style references: images that are sent with the request, read and checked before anything costs money.

The API takes ``[{image, strength}]``: base64 below 8 MB, no SVG, strength 0.1 … 1. Here a reference is given as a
path or URL with an optional ``@STRENGTH``, and is always sent as base64, so that what was sent can be stored and sent
again.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from venice_widgets.config.values import without_secrets
from venice_widgets.errors import InvalidRequest, VeniceError, clipped, shown
from venice_widgets.files.presence import is_file, is_there

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_BYTES = 8_000_000
_FIELD = "style_references"


@dataclass(frozen=True, slots=True)
class StyleReference:
    """An image that was read, and how strongly its style is to be followed.

    Attributes:
        data: the file's bytes.
        strength: 0.1 … 1, or None to leave it to the API.
        origin: the path or URL it came from.

    Raises:
        InvalidRequest: the strength is outside 0.1 … 1.
    """

    data: bytes = field(repr=False)
    strength: float | None = None
    origin: str = ""

    def __post_init__(self) -> None:
        """Refuse a strength that the API would refuse."""
        if self.strength is not None and not _is_strength(self.strength):
            raise _refusal(f"strength {shown(self.strength)}", "is out of range", "It takes 0.1 … 1.")

    @property
    def sha256(self) -> str:
        """The hash of `data`, in hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()

    def wire(self) -> dict[str, Any]:
        """As the API takes it."""
        return self._with_strength(base64.b64encode(self.data).decode("ascii"))

    def record(self) -> dict[str, Any]:
        """As it is stored, shown and hashed."""
        return self._with_strength(f"sha256:{self.sha256}")

    def _with_strength(self, image: str) -> dict[str, Any]:
        return {"image": image} if self.strength is None else {"image": image, "strength": self.strength}


def _is_strength(value: object) -> bool:
    return type(value) is not bool and isinstance(value, int | float | Real) and 0.1 <= float(value) <= 1


def split_strength(spec: str) -> tuple[str, float | None]:
    """``sketch.png@0.6`` -> ``("sketch.png", 0.6)``; an ``@`` without a number after it belongs to the name.

    Raises:
        InvalidRequest: the strength is outside 0.1 … 1.
    """
    origin, _, tail = spec.rpartition("@")
    try:
        strength = float(tail)
    except ValueError:
        return spec, None
    if not origin:
        return spec, None
    if not 0.1 <= strength <= 1:
        raise _refusal(f"strength {tail}", "is out of range", "It takes 0.1 … 1.")
    return origin, strength


def refuse_password(spec: str) -> None:
    """Refuse an address with a password where the address itself would be stored.

    Raises:
        InvalidRequest: it has one, which the message leaves out.
    """
    origin = spec.strip()
    if is_address(origin) and "@" in re.split(r"[/?#]", origin.partition("//")[2], maxsplit=1)[0]:
        raise _refusal("an address", "holds a password, which would be stored", "Download it, and give its file.")


def is_address(origin: str) -> bool:
    """Whether it is to be fetched, and no file."""
    return origin.lower().startswith(("http://", "https://"))


def reference_label(specs: Any) -> str:
    """References in words, for an output: an address may hold a key, so only its host is named."""
    listed = specs if isinstance(specs, list | tuple) else [specs]
    return ", ".join(without_secrets(str(each)).strip("'") if is_address(str(each)) else str(each) for each in listed)


def read_reference(spec: str | Path | StyleReference, fetch: Callable[[str], bytes]) -> StyleReference:
    """Read one reference from its file, or with `fetch` from its URL, and check its size and type.

    Raises:
        InvalidRequest: it cannot be read, is too large, or is not an image that the API takes.
    """
    if isinstance(spec, StyleReference):
        _check(spec.data, spec.origin or "the style reference")
        return spec
    origin, strength = split_strength(str(spec))
    data = fetch(origin) if is_address(origin) else _read_file(origin)
    _check(data, origin)
    return StyleReference(data, strength, origin)


def _read_file(origin: str) -> bytes:
    try:
        path = Path(origin).expanduser()
        if is_there(path) and not is_file(path):  # a pipe or a device may never end
            raise _refusal(origin, "cannot be read: it is not a file", "Give a file or an http(s) URL.")
        if path.stat().st_size >= MAX_BYTES:
            raise _too_large(origin, path.stat().st_size)
        return path.read_bytes()
    except (OSError, RuntimeError, ValueError) as exc:  # no such home; a null character
        reason = getattr(exc, "strerror", None) or exc
        raise _refusal(origin, f"cannot be read: {reason}", "Give a file or an http(s) URL.") from exc


def _check(data: bytes, origin: str) -> None:
    from venice_widgets.media.format import identify

    if len(data) >= MAX_BYTES:
        raise _too_large(origin, len(data))
    try:
        identify(data)
    except VeniceError as exc:
        raise _refusal(origin, f"is not an image that can be sent: {exc.message}", "Give a PNG, JPEG or WebP.") from exc


def _too_large(origin: str, size_bytes: int) -> InvalidRequest:
    return _refusal(origin, f"is {size_bytes / 1e6:.1f} MB", "A style reference stays below 8 MB.")


def _refusal(what: str, problem: str, remedy: str) -> InvalidRequest:
    return InvalidRequest(
        f"style_references: {clipped(what, 200)} {problem}.", f"{remedy} Nothing was sent.", field=_FIELD
    )
