"""``sha256:…``: how the bytes of an image, a request or a file are named, and whether they are still the same."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = "[0-9a-f]{64}"
"""The pattern of a hash in hexadecimal."""
TAG = f"sha256:({DIGEST})"
"""The pattern of a hash that says its algorithm; its group is the hash."""

_MENTIONED = re.compile(TAG)


def mentioned(text: str) -> list[str]:
    """The hashes that a text mentions as ``sha256:…``, in its order."""
    return _MENTIONED.findall(text)


def digest_of_tag(text: object) -> str | None:
    """The hash of a text that is ``sha256:…`` and nothing else."""
    found = _MENTIONED.fullmatch(text) if isinstance(text, str) else None
    return found[1] if found else None


def has_hash(path: Path, sha256: str) -> bool:
    """Whether a file is there and its bytes have this hash."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == sha256
    except OSError:
        return False


def read_if_whole(path: Path, sha256: str) -> bytes | None:
    """A file's bytes, if they are there and have this hash."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    return data if hashlib.sha256(data).hexdigest() == sha256 else None
