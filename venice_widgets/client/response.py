"""What came back: the facts of a response's headers and document, read with care.

Source of the fields: the Venice API's ``POST /image/generate``, its response and headers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime  # noqa: TC003  part of the public annotations
from typing import IO, TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote

from venice_widgets.errors import PossiblyCharged
from venice_widgets.money import usd_or_none
from venice_widgets.request.deprecation import Deprecation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from decimal import Decimal
    from pathlib import Path

    from venice_widgets.errors import VeniceError


class StoredImage(Protocol):
    """Bytes that are safely on the disk."""

    @property
    def sha256(self) -> str: ...  # noqa: D102
    @property
    def size_bytes(self) -> int: ...  # noqa: D102
    @property
    def path(self) -> Path: ...  # noqa: D102


class Sink(Protocol):
    """Where the bytes of one image go."""

    def write(self, data: bytes, /) -> None: ...  # noqa: D102
    def keep(self) -> StoredImage: ...  # noqa: D102


class BodyFile(Protocol):
    """A file for the body of one response while it arrives. It stays until it is discarded or stored."""

    size_bytes: int

    def write(self, data: bytes, /) -> None: ...  # noqa: D102
    def read_from_start(self) -> IO[bytes]: ...  # noqa: D102
    def redact(self, clean: Callable[[str], str], /) -> None: ...  # noqa: D102
    def discard(self) -> None: ...  # noqa: D102


class StoredBody(Protocol):
    """The record of a body that was stored because not all of it could be read."""

    @property
    def sha256(self) -> str: ...  # noqa: D102


class ResponseStorage(Protocol):
    """Where a response goes while it arrives, so that what was paid for is on the disk before it is understood."""

    @property
    def body(self) -> BodyFile:
        """Opened before the request is sent."""
        ...

    def note(self, status_code: int, headers: Mapping[str, str], /) -> None:
        """Take down the head of a response whose body is about to come."""
        ...

    def image(self, status_code: int, headers: Mapping[str, str], place: int, /) -> AbstractContextManager[Sink]:
        """Open a place for one image, by its position in the response from 0."""
        ...

    def keep_body(self, content_type: str, /) -> StoredBody:
        """Store the body as it came."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageResponse:
    """The response to ``POST /image/generate``, its images already stored."""

    status_code: int
    headers: Mapping[str, str]
    """Lower-case names; without cookies and secrets."""
    document: Mapping[str, Any] | None = None
    """The JSON without its images; None where the body was none."""
    images: Mapping[int, StoredImage] = field(default_factory=dict)
    """By their positions in the response, from 0; a position is missing where its image was damaged."""
    bodies: tuple[Any, ...] = ()
    """The record of the body, where not all of it could be read: what was paid for is stored, whatever it is."""
    error: VeniceError | None = None
    """Why there is no image; None where there is one, or where it was blacked out."""
    first_byte_at: datetime | None = None
    finished_at: datetime | None = None
    notes: tuple[str, ...] = field(default=())
    """What was odd about it, a sentence each."""

    @property
    def response_id(self) -> str | None:
        """The response's id, which is the ledger's ``requestId``; errors call it ``request_id``."""
        document = self.document or {}
        value = document.get("id", document.get("request_id"))
        return value if isinstance(value, str) else None

    @property
    def echoed_seed(self) -> int | None:
        """The seed in the echo of the request: ``request.data.seed``, or flat, or None."""
        seed = self._echo.get("seed")
        if not isinstance(seed, int | float) or isinstance(seed, bool) or seed != seed // 1:
            return None
        return int(seed)

    @property
    def violation(self) -> bool | None:
        """Whether the image was blacked out (and not charged)."""
        return self._flag("x-venice-is-content-violation")

    @property
    def blurred(self) -> bool | None:
        """Whether safe mode blurred the image (and charged it)."""
        return self._flag("x-venice-is-blurred")

    @property
    def enhanced_prompt(self) -> str | None:
        """The prompt that was really used, where it was rewritten."""
        text = self.headers.get("x-venice-enhanced-prompt")
        return unquote(text) if text else None

    @property
    def served_model_id(self) -> str | None:
        """The model that answered, which can be another one than the id that was sent; None where nothing says it.

        The header decides; without it the model in the echo of the request.
        """
        echoed = self._echo.get("model")
        return self.headers.get("x-venice-model-id") or (echoed if isinstance(echoed, str) and echoed else None)

    @property
    def served_model_name(self) -> str | None:
        """The name of the model that answered."""
        return self.headers.get("x-venice-model-name") or None

    @property
    def router(self) -> str | None:
        """What routed the request to the model that answered."""
        return self.headers.get("x-venice-model-router") or None

    @property
    def service_version(self) -> str | None:
        """The service's own version."""
        return self.headers.get("x-venice-version") or None

    @property
    def balance_before_usd(self) -> Decimal | None:
        """The balance in US dollars before this request."""
        return usd_or_none(self.headers.get("x-venice-balance-usd"))

    @property
    def deprecation(self) -> Deprecation | None:
        """What the headers say of a model that is going away; None where they say nothing of it."""
        stated = {
            "date": self.headers.get("x-venice-model-deprecation-date", ""),
            "replacement": self.headers.get("x-venice-deprecated-replacement", ""),
        }
        found = Deprecation.model_validate(stated)
        return found if found.stated or self._flag("x-venice-deprecated") else None

    def deprecation_text(self, model_id: str) -> str | None:
        """That the model that was asked for is going away, in a sentence; the API's own where it gives no facts."""
        warning = self.headers.get("x-venice-model-deprecation-warning")
        return self.deprecation.sentence(model_id) if self.deprecation else warning

    @property
    def _echo(self) -> Mapping[str, Any]:
        """The request as the response repeats it, wrapped or flat; empty where it does not."""
        echo = (self.document or {}).get("request")
        data = echo.get("data", echo) if isinstance(echo, dict) else None
        return data if isinstance(data, dict) else {}

    def _flag(self, name: str) -> bool | None:
        value = self.headers.get(name, "").strip().lower()
        return {"true": True, "false": False}.get(value)


def unreadable(problem: str) -> PossiblyCharged:
    """The error of a response that came with success and holds nothing that can be shown."""
    return PossiblyCharged(
        f"Venice sent a response, but {problem}.",
        "It may have been charged. Look at %venice balance before trying again.",
    )
