"""What came back: the facts of an answer's headers and document, read with care.

Source of the fields: the Venice API's ``POST /image/generate``, its answer and headers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime  # noqa: TC003  part of the public annotations
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote

from venice_widgets.errors import PossiblyCharged

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from venice_widgets.errors import VeniceError

_LARGEST_USD = 10**12


class KeptPicture(Protocol):
    """Bytes that are safely on the disk."""

    @property
    def sha256(self) -> str: ...  # noqa: D102
    @property
    def size_bytes(self) -> int: ...  # noqa: D102
    @property
    def path(self) -> Path: ...  # noqa: D102


class Sink(Protocol):
    """Where the bytes of one picture go."""

    def write(self, data: bytes, /) -> None: ...  # noqa: D102
    def keep(self) -> KeptPicture: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What ``POST /image/generate`` answered, its pictures already kept."""

    status_code: int
    headers: Mapping[str, str]
    """Lower-case names; without cookies and secrets."""
    document: Mapping[str, Any] | None = None
    """The JSON without its pictures; None where the body was none."""
    pictures: Mapping[int, KeptPicture] = field(default_factory=dict)
    """By their places in the answer, from 0; a place is missing where its picture was damaged."""
    error: VeniceError | None = None
    """Why there is no picture; None where there is one, or where it was blacked out."""
    first_byte_at: datetime | None = None
    finished_at: datetime | None = None
    notes: tuple[str, ...] = field(default=())
    """What was odd about it, a sentence each."""

    @property
    def response_id(self) -> str | None:
        """The answer's id, thought to equal the ledger's ``requestId``; errors call it ``request_id``."""
        document = self.document or {}
        value = document.get("id", document.get("request_id"))
        return value if isinstance(value, str) else None

    @property
    def echoed_seed(self) -> int | None:
        """The seed in the echo of the request: ``request.data.seed``, or flat, or None."""
        echo = (self.document or {}).get("request")
        data = echo.get("data", echo) if isinstance(echo, dict) else None
        seed = data.get("seed") if isinstance(data, dict) else None
        if not isinstance(seed, int | float) or isinstance(seed, bool) or seed != seed // 1:
            return None
        return int(seed)

    @property
    def violation(self) -> bool | None:
        """Whether the picture was blacked out (and not charged)."""
        return self._flag("x-venice-is-content-violation")

    @property
    def blurred(self) -> bool | None:
        """Whether safe mode blurred the picture (and charged it)."""
        return self._flag("x-venice-is-blurred")

    @property
    def enhanced_prompt(self) -> str | None:
        """The prompt that was really used, where it was rewritten."""
        text = self.headers.get("x-venice-enhanced-prompt")
        return unquote(text) if text else None

    @property
    def model_id(self) -> str | None:
        """The model that answered."""
        return self.headers.get("x-venice-model-id")

    @property
    def balance_before_usd(self) -> Decimal | None:
        """The balance before this request."""
        try:
            amount = Decimal(self.headers.get("x-venice-balance-usd", ""))
        except InvalidOperation:
            return None
        return amount if amount.is_finite() and amount.copy_abs() < _LARGEST_USD else None

    @property
    def deprecation(self) -> str | None:
        """That the model is going away, in a sentence."""
        if self._flag("x-venice-deprecated") is not True and "x-venice-model-deprecation-date" not in self.headers:
            return self.headers.get("x-venice-model-deprecation-warning")
        date = self.headers.get("x-venice-model-deprecation-date", "")
        instead = self.headers.get("x-venice-deprecated-replacement", "")
        when = f" ({date})" if date else ""
        return f"This model is going away{when}.{f' {instead} replaces it.' if instead else ''}"

    def _flag(self, name: str) -> bool | None:
        value = self.headers.get(name, "").strip().lower()
        return {"true": True, "false": False}.get(value)


def unreadable(problem: str) -> PossiblyCharged:
    """The error of an answer that came with success and holds nothing that can be shown."""
    return PossiblyCharged(
        f"Venice sent an answer, but {problem}.",
        "It may have been charged. Look at %venice balance before trying again.",
    )
