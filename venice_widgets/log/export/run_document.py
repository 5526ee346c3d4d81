"""A run as one JSON document and back, the same run: what JSONL and zip exports hold, one a line.

``schema`` is the version of this shape; names are those of the log's views. Money is text (``"0.01"``) so that it stays
exact; times are ISO 8601 with their offset; ``request`` is the body as sent, and ``request_hash`` is over its canonical
JSON (RFC 8785). Reading takes nothing on trust: every name has its type, and a wrong value is named.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from venice_widgets.errors import InvalidRequest, UnreadableFile
from venice_widgets.files.hashed import DIGEST
from venice_widgets.log import BodyRecord, ImageRecord, RunDraft, RunOutcome, RunRecord, Status, VerdictRecord
from venice_widgets.log.charges import MOST_USD
from venice_widgets.log.rows import public_headers
from venice_widgets.money import LARGEST_USD
from venice_widgets.request.request import canonical, sha256_tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SCHEMA = 1
LARGEST_INTEGER = 2**63 - 1
"""What SQLite holds."""
_YEARS = range(2000, 2200)
_MOST_ESTIMATED_USD = 10_000


def _whole_characters(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("it should be a text of whole characters") from None
    return value


def _moment(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is not None and moment.astimezone(UTC).year in _YEARS:
            return moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        pass
    raise ValueError("it should be a time with its offset, from 2000 to 2199")


def _usd(least: Decimal | int, most: Decimal | int) -> BeforeValidator:
    """An amount as text; what the log can hold of it must come back, such as the balance of an account in debt."""

    def read(value: Any) -> Decimal:
        try:
            amount = Decimal(value) if isinstance(value, str) else Decimal("NaN")
        except InvalidOperation:
            amount = Decimal("NaN")
        if not amount.is_finite() or not least <= amount <= most or amount != round(amount, 6):
            raise ValueError(f"it should be {least:,} to {most:,} US dollars as text, with at most six decimals")
        return amount

    return BeforeValidator(read)


def _plain_json(value: dict[str, Any]) -> dict[str, Any]:
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise ValueError("it should be an object of plain JSON") from None
    return value


def _without_secrets(headers: dict[str, str]) -> dict[str, str]:
    if public_headers(headers) != headers:
        raise ValueError("it should be headers without cookies and secrets")
    return headers


def _ended(value: Any) -> Status:
    ended = [status for status in Status if status not in (Status.PENDING, Status.SENT)]
    if value not in ended:
        raise ValueError(f"it should be one of {', '.join(ended)}")
    return Status(value)


Text = Annotated[str, AfterValidator(_whole_characters)]
Ulid = Annotated[str, Field(pattern="^[0-7][0-9A-HJKMNP-TV-Z]{25}$")]
Digest = Annotated[str, Field(pattern=f"^{DIGEST}$")]
Tag = Annotated[str, Field(pattern=f"^sha256:{DIGEST}$")]
Whole = Annotated[int, Field(ge=-LARGEST_INTEGER, le=LARGEST_INTEGER)]
Count = Annotated[int, Field(ge=0, le=LARGEST_INTEGER)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Estimate = Annotated[Decimal, _usd(0, _MOST_ESTIMATED_USD)]
Charge = Annotated[Decimal, _usd(0, MOST_USD)]
Balance = Annotated[Decimal, _usd(-LARGEST_USD, LARGEST_USD)]
Object = Annotated[dict[str, Any], AfterValidator(_plain_json)]
Headers = Annotated[dict[Text, Text], AfterValidator(_without_secrets)]
Names = Annotated[tuple[Text, ...], BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class DraftPart(_Part):
    """The fields of `RunDraft`, but for its request."""

    run_id: Ulid
    generation_id: Ulid
    position: Count
    created_at: Moment
    base_url: Text
    model: Text
    asked_model: Text | None
    seed: Whole
    seed_drawn: bool
    prompt: Text
    request_hash: Tag
    body_sha256: Text
    estimate_usd: Estimate | None
    reserve_usd: Estimate | None
    formula: Text
    catalogue_entry: Object
    environment: Object
    context: Object
    parent_run_id: Text | None
    relation: Text | None
    session_id: Text


class OutcomePart(_Part):
    """The fields of `RunOutcome`, but for its images and bodies."""

    status: Annotated[Status, BeforeValidator(_ended)]
    finished_at: Moment
    attempts: Count | None
    error_class: Text | None
    error: Text | None
    response_id: Text | None
    response: Object | None
    headers: Headers
    status_code: Whole | None
    first_byte_at: Moment | None
    blurred: bool | None
    violation: bool | None
    enhanced_prompt: Text | None
    balance_before_usd: Balance | None
    served_model: Text | None
    served_model_name: Text | None
    router: Text | None
    service_version: Text | None


class RunPart(_Part):
    """The fields of `RunRecord` beside its draft and outcome."""

    sent_at: Moment | None
    charged_usd: Charge | None
    charge_source: Text | None
    charge_currency: Text | None


class ImagePart(_Part):
    """The fields of `ImageRecord`."""

    sha256: Digest
    size_bytes: Count
    mime: Text
    width: Count
    height: Count
    seed: Whole | None
    mode: Text
    pixels_sha256: Digest | None
    signed: bool | None
    exif: bool | None


class BodyPart(_Part):
    """The fields of `BodyRecord`."""

    sha256: Digest
    size_bytes: Count
    content_type: Text
    part: Text


class VerdictPart(_Part):
    """The fields of `VerdictRecord`, but for its run's id."""

    judged_at: Moment
    grade: Text | None
    circumstances: Names
    figures: Object


def to_document(record: RunRecord, verdict: VerdictRecord | None = None, deleted: Iterable[str] = ()) -> dict[str, Any]:
    """A run that has ended as JSON takes it.

    Args:
        record: the run.
        verdict: on it, where it is a replay.
        deleted: the hashes of its images whose bytes were deleted.
    """
    assert record.outcome is not None  # noqa: S101  the caller looked
    gone = frozenset(deleted)
    document = {
        "schema": SCHEMA,
        **_plain(record.draft, DraftPart),
        **_plain(record.outcome, OutcomePart),
        **_plain(record, RunPart),
        "request": json.loads(record.draft.request),
        "bodies": [_plain(body, BodyPart) for body in record.outcome.bodies],
        "images": [{**_plain(image, ImagePart), "deleted": image.sha256 in gone} for image in record.images],
    }
    return document if verdict is None else {**document, "verdict": _plain(verdict, VerdictPart)}


def from_document(document: Any) -> tuple[RunRecord, VerdictRecord | None, frozenset[str]]:
    """The run, the verdict on it, and its deleted images.

    Raises:
        UnreadableFile: it is not such a document, of a newer schema, or its request does not have its hash.
    """
    if not isinstance(document, dict) or not isinstance(document.get("schema"), int):
        raise UnreadableFile("it is not a run: it does not say its schema.")
    if document["schema"] != SCHEMA:
        raise UnreadableFile(
            f"it is of schema {document['schema']}, and this version reads {SCHEMA}.", "Upgrade venice-widgets."
        )
    images, bodies = document.get("images"), document.get("bodies", [])
    if not isinstance(images, list) or not isinstance(bodies, list):
        raise UnreadableFile("its images are not a list.")
    draft = RunDraft(**_read(document, DraftPart), request=_request(document))
    outcome = RunOutcome(
        **_read(document, OutcomePart),
        images=tuple(ImageRecord(**_read(image, ImagePart)) for image in images),
        bodies=tuple(BodyRecord(**_read(body, BodyPart)) for body in bodies),
    )
    record = RunRecord(draft=draft, outcome=outcome, status=outcome.status, **_read(document, RunPart))
    verdict = document.get("verdict")
    judged = None if verdict is None else VerdictRecord(run_id=draft.run_id, **_read(verdict, VerdictPart))
    return record, judged, frozenset(image["sha256"] for image in images if image.get("deleted") is True)


def _plain(source: object, part: type[_Part]) -> dict[str, Any]:
    return {name: _jsonable(getattr(source, name)) for name in part.model_fields}


def _jsonable(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return list(value) if isinstance(value, tuple) else value


def _read(document: Any, part: type[_Part]) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise UnreadableFile(f"{document!r:.60} is not an object.")
    try:
        return dict(part.model_validate({name: document.get(name) for name in part.model_fields}))
    except ValidationError as exc:
        first = exc.errors(include_url=False)[0]
        name, words = str(first["loc"][0]), str(first["msg"]).removeprefix("Value error, ")
        raise UnreadableFile(f"its {name} is {document.get(name)!r:.60}: {words}.") from exc


def _request(document: Mapping[str, Any]) -> str:
    """The body in canonical JSON, if it is what was hashed."""
    request = document.get("request")
    try:
        text = canonical(request) if isinstance(request, dict) else b""
    except (InvalidRequest, ValueError, RecursionError):
        text = b""
    if not text or sha256_tag(text) != document.get("request_hash"):
        raise UnreadableFile("its request does not have the hash that it says.")
    return text.decode()
