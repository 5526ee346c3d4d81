"""What goes into the log and what comes out: frozen, with money as `Decimal` dollars and times as aware UTC.

One **run** is one HTTP request. Its life: pending → sent → succeeded, refused, failed, unknown or cancelled.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from venice_widgets.errors import clipped

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from decimal import Decimal
    from typing import Self

    from venice_widgets.client.response import ImageResponse

REPLAY_OF = "replay_of"
"""The `Parent.relation` of a run that repeats another one."""
RUN_ENDING = 8
"""How many last characters of a run's id are shown: a ULID begins with its clock."""


class Status(StrEnum):
    """Where a run is in its life."""

    PENDING = "pending"
    """On record, not sent; its money is reserved."""
    SENT = "sent"
    """In flight; its money is reserved."""
    SUCCEEDED = "succeeded"
    REFUSED = "refused"
    """The content policy blacked the image out; not charged."""
    FAILED = "failed"
    """It is certain that nothing was charged."""
    UNKNOWN = "unknown"
    """It may have been charged; its money stays reserved until someone settles it."""
    CANCELLED = "cancelled"
    """Never sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDraft:
    """A run before it is sent."""

    run_id: str
    """A ULID: sortable in time, and recognized by its ending."""
    generation_id: str
    """The ULID that the runs of one cell or call share."""
    position: int
    """Its place among them, from 0."""
    created_at: datetime
    """When it was recorded, before it was sent."""
    base_url: str
    """Where it is sent."""
    model: str
    """The id that is sent."""
    asked_model: str | None
    """The id or moving alias that was asked for; None where the default was taken."""
    seed: int
    """The seed that is sent."""
    seed_drawn: bool
    """Whether this program drew the seed."""
    prompt: str
    """The prompt as sent."""
    request: str
    """The body in canonical JSON, reference images as ``sha256:…``."""
    request_hash: str
    """``sha256:…`` over `request`."""
    body_sha256: str
    """``sha256:…`` over the bytes on the wire."""
    estimate_usd: Decimal | None
    """What the catalogue says it costs; None where it does not say."""
    reserve_usd: Decimal | None
    """The most that the catalogue's figures allow: what budgets count until the charge is known."""
    formula: str
    """How the generation's estimate was made."""
    catalogue_entry: Mapping[str, Any] = field(default_factory=dict)
    """The model's entry as it stood."""
    environment: Mapping[str, Any] = field(default_factory=dict)
    """Versions of what made the request."""
    context: Mapping[str, Any] = field(default_factory=dict)
    """Where it came from: the cell as typed, its variables, notebook, commit."""
    parent_run_id: str | None = None
    """The run that it comes from, such as the original of a replay."""
    relation: str | None = None
    """What it is to its parent, such as ``replay_of``."""
    session_id: str = ""
    """The session that sends it: what a session's budget counts together."""


@dataclass(frozen=True, slots=True)
class Parent:
    """The run that another one comes from."""

    run_id: str
    relation: str
    """What the new run is to it, such as ``replay_of``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRecord:
    """One image as it was received."""

    sha256: str
    """Of the bytes, in hexadecimal; the name under which the object store keeps them."""
    size_bytes: int
    """The length of the file."""
    mime: str
    """By the bytes themselves."""
    width: int
    """In pixels."""
    height: int
    """In pixels."""
    seed: int | None
    """None where it cannot be known."""
    mode: str = ""
    """Pillow's name of its pixel format, such as RGB."""
    pixels_sha256: str | None = None
    """Of its pixels (`media.marks.pixels_sha256`), put on record when its bytes are deleted."""
    signed: bool | None = None
    """Whether it carries a C2PA manifest; None where that is not known."""
    exif: bool | None = None
    """Whether it carries EXIF; None where that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyRecord:
    """Bytes of a response that hold no readable image, stored because they may have been paid for."""

    sha256: str
    """Of the bytes, in hexadecimal; the name under which the object store holds them."""
    size_bytes: int
    """How many bytes there are."""
    content_type: str = ""
    """As the response called it; empty where it did not say."""
    part: str = "body"
    """``body`` for the whole response, ``image 1`` for the first image in it that could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """How a run ended."""

    status: Status
    """How it ended."""
    finished_at: datetime
    """When it ended."""
    attempts: int = 1
    """How often it was sent; more than one only where nothing can have run before."""
    error_class: str | None = None
    """The class of the error; None where there was none."""
    error: str | None = None
    """The message, without secrets."""
    response_id: str | None = None
    """The response's own id."""
    response: Mapping[str, Any] | None = None
    """The response's JSON without its images."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """The response's headers without cookies and secrets."""
    status_code: int | None = None
    """The HTTP status; None where no response came."""
    first_byte_at: datetime | None = None
    """When the response began to arrive."""
    blurred: bool | None = None
    """Whether the service says that it blurred the image."""
    violation: bool | None = None
    """Whether the service says that the content policy was violated."""
    enhanced_prompt: str | None = None
    """The prompt as the service rewrote it."""
    balance_before_usd: Decimal | None = None
    """The balance before the request, as the response says."""
    served_model: str | None = None
    """The id of the model that answered; None where the response did not say."""
    served_model_name: str | None = None
    """The answering model's name."""
    router: str | None = None
    """Who ran the model for Venice, as the response says."""
    service_version: str | None = None
    """The service's version, as the response says."""
    images: tuple[ImageRecord, ...] = ()
    """The images that arrived."""
    bodies: tuple[BodyRecord, ...] = ()
    """What else arrived and was stored: a response, or a part of one, that is not a readable image."""

    def answered(self, response: ImageResponse) -> Self:
        """With what the status and the headers of a response say."""
        return replace(
            self,
            headers=response.headers,
            status_code=response.status_code,
            blurred=response.blurred,
            violation=response.violation,
            enhanced_prompt=response.enhanced_prompt,
            balance_before_usd=response.balance_before_usd,
            served_model=response.served_model_id,
            served_model_name=response.served_model_name,
            router=response.router,
            service_version=response.service_version,
        )

    def other_model(self, sent: str) -> str:
        """The model that answered, where it is another one than the id that was sent; empty where it is not."""
        return self.served_model if self.served_model and self.served_model != sent else ""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class RunRecord:
    """A run as the log holds it."""

    draft: RunDraft
    status: Status
    sent_at: datetime | None = None
    """When the request left; None while it did not."""
    outcome: RunOutcome | None = None
    """None while it is pending or sent."""
    charged_usd: Decimal | None = None
    """What was charged; None where that is not known."""
    charge_source: str | None = None
    """Who says so: ``billing/usage-history``, or ``by hand`` where the user settled it."""
    charge_currency: str | None = None
    """What it was charged to: ``USD``, ``DIEM``, ``EARNED`` or ``BUNDLED``, several joined by ``+``."""
    favorite: bool = field(default=False, compare=False)
    """Whether the user marked it; two records of one run are equal whether or not it is."""

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.draft.run_id

    def __repr__(self) -> str:
        draft = self.draft
        return f"<RunRecord {draft.run_id} {self.status}: {draft.model}, seed {draft.seed}, {clipped(draft.prompt)!r}>"

    @property
    def other_model(self) -> str:
        """The model that answered, where it is another one than the id that was sent; empty where it is not."""
        return self.outcome.other_model(self.draft.model) if self.outcome else ""

    @property
    def images(self) -> tuple[ImageRecord, ...]:
        """The images that arrived."""
        return self.outcome.images if self.outcome else ()
