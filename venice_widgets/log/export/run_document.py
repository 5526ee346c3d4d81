"""A run as one JSON document and back, the same run: what JSONL and zip exports hold, one a line.

``schema`` is the version of this shape; names are those of the log's views. Money is text (``"0.01"``) so that it stays
exact; times are ISO 8601 with their offset; ``request`` is the body as sent, and ``request_hash`` is over its canonical
JSON (RFC 8785). Reading takes nothing on trust: every name has its kind, and a wrong one is named.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from venice_widgets.errors import InvalidRequest, UnreadableFile
from venice_widgets.log import BodyRecord, ImageRecord, RunDraft, RunOutcome, RunRecord, Status, VerdictRecord
from venice_widgets.log.rows import public_headers
from venice_widgets.request.request import canonical, sha256_tag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Kind = Callable[[Any], Any]

SCHEMA = 1
LARGEST_INTEGER = 2**63 - 1
"""What SQLite holds."""
_YEARS = range(2000, 2200)
_MOST_USD = 10_000


class _Wrong(ValueError):
    """What a value should have been."""


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _Wrong("a text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _Wrong("a text of whole characters") from None
    return value


def _matching(pattern: str, words: str) -> Kind:
    compiled = re.compile(pattern)

    def kind(value: Any) -> str:
        if not compiled.fullmatch(_text(value)):
            raise _Wrong(words)
        return str(value)

    return kind


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LARGEST_INTEGER:
        raise _Wrong("a whole number")
    return value


def _count(value: Any) -> int:
    if _whole(value) < 0:
        raise _Wrong("a number from 0")
    return int(value)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Wrong("true or false")
    return value


def _time(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(_text(value))
        if moment.tzinfo is not None and moment.astimezone(UTC).year in _YEARS:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise _Wrong("a time with its offset, from 2000 to 2199")


def _usd(value: Any) -> Decimal:
    try:
        amount = Decimal(_text(value))
    except InvalidOperation:
        raise _Wrong("an amount as text") from None
    if not amount.is_finite() or not 0 <= amount <= _MOST_USD or amount != round(amount, 6):
        raise _Wrong(f"0 to {_MOST_USD:,} US dollars with at most six decimals")
    return amount


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Wrong("an object")
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise _Wrong("an object of plain JSON") from None
    return value


def _texts(value: Any) -> dict[str, str]:
    return {_text(name): _text(text) for name, text in _object(value).items()}


def _headers(value: Any) -> dict[str, str]:
    headers = _texts(value)
    if public_headers(headers) != headers:
        raise _Wrong("headers without cookies and secrets")
    return headers


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _Wrong("a list of texts")
    return tuple(map(_text, value))


def _status(value: Any) -> Status:
    ended = [status for status in Status if status not in (Status.PENDING, Status.SENT)]
    if value not in ended:
        raise _Wrong(f"one of {', '.join(ended)}")
    return Status(value)


def _or_none(kind: Kind) -> Kind:
    return lambda value: None if value is None else kind(value)


_ulid = _matching("[0-7][0-9A-HJKMNP-TV-Z]{25}", "a ULID")
_tag = _matching("sha256:[0-9a-f]{64}", "sha256: and 64 hexadecimal digits")
_sha256 = _matching("[0-9a-f]{64}", "64 hexadecimal digits")

_DRAFT: Mapping[str, Kind] = {
    "run_id": _ulid,
    "generation_id": _ulid,
    "position": _count,
    "created_at": _time,
    "base_url": _text,
    "model": _text,
    "asked_model": _or_none(_text),
    "seed": _whole,
    "seed_drawn": _truth,
    "prompt": _text,
    "request_hash": _tag,
    "body_sha256": _text,
    "estimate_usd": _or_none(_usd),
    "reserve_usd": _or_none(_usd),
    "formula": _text,
    "catalogue_entry": _object,
    "environment": _object,
    "context": _object,
    "parent_run_id": _or_none(_text),
    "relation": _or_none(_text),
    "session_id": _text,
}
_OUTCOME: Mapping[str, Kind] = {
    "status": _status,
    "finished_at": _time,
    "attempts": _or_none(_count),
    "error_class": _or_none(_text),
    "error": _or_none(_text),
    "response_id": _or_none(_text),
    "response": _or_none(_object),
    "headers": _headers,
    "status_code": _or_none(_whole),
    "first_byte_at": _or_none(_time),
    "blurred": _or_none(_truth),
    "violation": _or_none(_truth),
    "enhanced_prompt": _or_none(_text),
    "balance_before_usd": _or_none(_usd),
    "served_model": _or_none(_text),
    "served_model_name": _or_none(_text),
    "router": _or_none(_text),
    "service_version": _or_none(_text),
}
_RUN: Mapping[str, Kind] = {
    "sent_at": _or_none(_time),
    "charged_usd": _or_none(_usd),
    "charge_source": _or_none(_text),
    "charge_currency": _or_none(_text),
}
_IMAGE: Mapping[str, Kind] = {
    "sha256": _sha256,
    "size_bytes": _count,
    "mime": _text,
    "width": _count,
    "height": _count,
    "seed": _or_none(_whole),
    "mode": _text,
    "pixels_sha256": _or_none(_sha256),
    "signed": _or_none(_truth),
    "exif": _or_none(_truth),
}
_BODY: Mapping[str, Kind] = {"sha256": _sha256, "size_bytes": _count, "content_type": _text, "part": _text}
_VERDICT: Mapping[str, Kind] = {
    "judged_at": _time,
    "grade": _or_none(_text),
    "circumstances": _names,
    "figures": _object,
}


def to_document(record: RunRecord, verdict: VerdictRecord | None = None, deleted: Iterable[str] = ()) -> dict[str, Any]:
    """A run that has ended as JSON takes it.

    Args:
        record: the run.
        verdict: on it, where it is a replay.
        deleted: the hashes of its pictures whose bytes were deleted.
    """
    assert record.outcome is not None  # noqa: S101  the caller looked
    gone = frozenset(deleted)
    document = {
        "schema": SCHEMA,
        **_plain(record.draft, _DRAFT),
        **_plain(record.outcome, _OUTCOME),
        **_plain(record, _RUN),
        "request": json.loads(record.draft.request),
        "bodies": [_plain(body, _BODY) for body in record.outcome.bodies],
        "images": [{**_plain(image, _IMAGE), "deleted": image.sha256 in gone} for image in record.images],
    }
    return document if verdict is None else {**document, "verdict": _plain(verdict, _VERDICT)}


def from_document(document: Any) -> tuple[RunRecord, VerdictRecord | None, frozenset[str]]:
    """The run, the verdict on it, and its deleted pictures.

    Raises:
        UnreadableFile: it is no such document, of a newer schema, or its request does not have its hash.
    """
    if not isinstance(document, dict) or not isinstance(document.get("schema"), int):
        raise UnreadableFile("it is no run: it does not say its schema.")
    if document["schema"] != SCHEMA:
        raise UnreadableFile(
            f"it is of schema {document['schema']}, and this version reads {SCHEMA}.", "Upgrade venice-widgets."
        )
    images, bodies = document.get("images"), document.get("bodies", [])
    if not isinstance(images, list) or not isinstance(bodies, list):
        raise UnreadableFile("its images are no list.")
    draft = RunDraft(**_read(document, _DRAFT), request=_request(document))
    outcome = RunOutcome(
        **_read(document, _OUTCOME),
        images=tuple(ImageRecord(**_read(image, _IMAGE)) for image in images),
        bodies=tuple(BodyRecord(**_read(body, _BODY)) for body in bodies),
    )
    record = RunRecord(draft=draft, outcome=outcome, status=outcome.status, **_read(document, _RUN))
    verdict = document.get("verdict")
    judged = None if verdict is None else VerdictRecord(run_id=draft.run_id, **_read(verdict, _VERDICT))
    return record, judged, frozenset(image["sha256"] for image in images if image.get("deleted") is True)


def _plain(source: object, kinds: Mapping[str, Kind]) -> dict[str, Any]:
    return {name: _jsonable(getattr(source, name)) for name in kinds}


def _jsonable(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return list(value) if isinstance(value, tuple) else value


def _read(document: Any, kinds: Mapping[str, Kind]) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise UnreadableFile(f"{document!r:.60} is no object.")
    found = {}
    for name, kind in kinds.items():
        try:
            found[name] = kind(document.get(name))
        except (_Wrong, RecursionError) as exc:
            raise UnreadableFile(f"its {name} is {document.get(name)!r:.60}, and should be {exc}.") from exc
    return found


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
