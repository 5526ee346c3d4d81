"""Between frozen records and rows: money as integer micro-dollars, times as UTC text that sorts."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from . import processes
from .records import BodyRecord, ImageRecord, RunDraft, RunOutcome, RunRecord, Status

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

_DRAFT_COLUMNS = (
    "run_id", "generation_id", "position", "base_url", "model", "asked_model", "seed", "prompt", "request",
    "request_hash", "body_sha256", "formula", "parent_run_id", "relation", "session_id",
)  # fmt: skip
_OUTCOME_COLUMNS = (
    "attempts", "error_class", "error", "status_code", "response_id", "enhanced_prompt", "served_model",
    "served_model_name", "router", "service_version",
)  # fmt: skip
_IMAGE_COLUMNS = ("sha256", "size_bytes", "mime", "width", "height", "seed", "mode", "pixels_sha256", "signed", "exif")
_BODY_COLUMNS = ("sha256", "size_bytes", "content_type", "part")
COPIES = ("model", "prompt", "seed")
"""What a run repeats of its request."""
_DOCUMENTS = ("catalogue_entry", "environment", "context")
_HALF = re.compile("[\ud800-\udfff]")
_IS_ODD = re.compile(r"\\ud[89a-f]|NaN|Infinity")
"""What JSON in ASCII may hold where its document is not plain; a character beyond 16 bits looks the same."""
_SECRET_HEADER = re.compile(r"cookie|authorization|sign-in-with-x|api-?key|payment|token(?!s\b)", re.IGNORECASE)
"""``x-ratelimit-remaining-tokens`` counts tokens and holds none."""


def draft_row(draft: RunDraft) -> dict[str, Any]:
    """The columns of a pending run, but for its documents."""
    plan = draft.context.get("plan")
    plan = plan if isinstance(plan, Mapping) else {}
    return {
        **{name: getattr(draft, name) for name in _DRAFT_COLUMNS},
        "status": Status.PENDING,
        "created_at": time_text(draft.created_at),
        "seed_drawn": draft.seed_drawn,
        "estimate_micro_usd": micro_usd(draft.estimate_usd),
        "reserve_micro_usd": micro_usd(draft.reserve_usd),
        "notebook": str(draft.context.get("notebook") or ""),
        "process": processes.this_process().text,
        "plan_id": str(plan["id"]) if plan.get("id") else None,
        "plan_cell": json_text(plan["cell"]) if plan.get("cell") is not None else None,
    }


def outcome_row(outcome: RunOutcome) -> dict[str, Any]:
    """The columns that an outcome fills."""
    return {
        **{name: getattr(outcome, name) for name in _OUTCOME_COLUMNS},
        "status": outcome.status,
        "finished_at": time_text(outcome.finished_at),
        "first_byte_at": time_text(outcome.first_byte_at),
        "response": json_text(outcome.response) if outcome.response is not None else None,
        "headers": json_text(public_headers(outcome.headers)),
        "blurred": outcome.blurred,
        "violation": outcome.violation,
        "balance_before_micro_usd": micro_usd(outcome.balance_before_usd),
    }


def image_row(image: ImageRecord) -> dict[str, Any]:
    """The columns of an image, but for the run it belongs to."""
    return {name: getattr(image, name) for name in _IMAGE_COLUMNS}


def body_row(body: BodyRecord) -> dict[str, Any]:
    """The columns of a stored body, but for the run it belongs to."""
    return {name: getattr(body, name) for name in _BODY_COLUMNS}


def record(connection: sqlite3.Connection, row: sqlite3.Row) -> RunRecord:
    """A whole run, its documents, images and bodies looked up."""
    images, bodies = (
        connection.execute(f"SELECT * FROM {table} WHERE run_id = ? ORDER BY position", (row["run_id"],)).fetchall()  # noqa: S608  ours
        for table in ("images", "bodies")
    )
    return RunRecord(
        draft=_draft(row, {name: _document(connection, row[name]) for name in _DOCUMENTS}),
        status=Status(row["status"]),
        sent_at=time(row["sent_at"]),
        outcome=_outcome(row, images, bodies) if row["finished_at"] else None,
        charged_usd=usd(row["charged_micro_usd"]),
        charge_source=row["charge_source"],
        charge_currency=row["charge_currency"],
        favorite=bool(row["favorite"]),
    )


def contradictions(request: str, copies: Mapping[str, Any] | sqlite3.Row) -> list[str]:
    """The columns that are not what the request says, of those that are copies of it for searching and showing.

    Args:
        request: the body in JSON.
        copies: the run's model, prompt and seed.
    """
    try:
        sent = dict(json.loads(request))
    except (ValueError, TypeError):
        return list(COPIES)
    return [name for name in COPIES if type(copies[name]) is not type(sent.get(name)) or copies[name] != sent.get(name)]


def insert(connection: sqlite3.Connection, table: str, row: Mapping[str, Any], *, word: str = "INSERT") -> None:
    """Insert a row, given by our own column names."""
    columns, marks = ", ".join(row), ", ".join("?" for _ in row)
    connection.execute(f"{word} INTO {table} ({columns}) VALUES ({marks})", tuple(map(storable, row.values())))


def storable(value: Any) -> Any:
    """A column's value; what UTF-8 cannot hold of a text, such as a folder's name in Latin-1, is escaped."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def keep_document(connection: sqlite3.Connection, document: Mapping[str, Any]) -> str:
    """Store a JSON document once per content; it is referred to by its hash."""
    text = json_text(document)
    sha256 = text_sha256(text)
    insert(connection, "documents", {"sha256": sha256, "text": text}, word="INSERT OR IGNORE")
    return sha256


def text_sha256(text: str) -> str:
    """The hash of a text's UTF-8, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def json_text(document: Any) -> str:
    """JSON that is the same for the same content, and that every reader takes: see `plain_json`."""
    text = _compact(document)
    return _compact(plain_json(document)) if _IS_ODD.search(text) else text


def plain_json(document: Any) -> Any:
    """The document with NaN and infinities as texts, and halves of surrogate pairs escaped: JSON can hold neither."""
    text = json.dumps(document, ensure_ascii=False, default=_plain)
    return json.loads(_HALF.sub(lambda half: rf"\\u{ord(half[0]):04x}", text), parse_constant=str)


def _compact(document: Any) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), default=_plain)


def public_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that may be kept: those that could carry a secret are left out whatever the caller thinks of them."""
    return {name: value for name, value in headers.items() if not _SECRET_HEADER.search(name)}


def time_text(value: datetime | None) -> str | None:
    """A moment as UTC text of fixed width, so that it sorts."""
    return None if value is None else value.astimezone(UTC).isoformat(timespec="microseconds")


def time(text: str | None) -> datetime | None:
    """The moment of such a text."""
    return None if text is None else datetime.fromisoformat(text)


def micro_usd(amount: Decimal | None) -> int | None:
    """Dollars as the store counts them."""
    return None if amount is None else int((amount * 1_000_000).to_integral_value())


def usd(micro: int | None) -> Decimal | None:
    """The store's count as dollars."""
    return None if micro is None else dollars(micro)


def dollars(micro: int) -> Decimal:
    """The store's count as dollars, where there is one."""
    return Decimal(micro) / 1_000_000


def _draft(row: sqlite3.Row, documents: Mapping[str, Any]) -> RunDraft:
    return RunDraft(
        **{name: row[name] for name in _DRAFT_COLUMNS},
        **documents,
        seed_drawn=bool(row["seed_drawn"]),
        created_at=datetime.fromisoformat(row["created_at"]),
        estimate_usd=usd(row["estimate_micro_usd"]),
        reserve_usd=usd(row["reserve_micro_usd"]),
    )


def _outcome(row: sqlite3.Row, images: Iterable[sqlite3.Row], bodies: Iterable[sqlite3.Row]) -> RunOutcome:
    return RunOutcome(
        **{name: row[name] for name in _OUTCOME_COLUMNS},
        status=Status(row["status"]),
        finished_at=datetime.fromisoformat(row["finished_at"]),
        first_byte_at=time(row["first_byte_at"]),
        response=json.loads(row["response"]) if row["response"] else None,
        headers=json.loads(row["headers"] or "{}"),
        blurred=_truth(row["blurred"]),
        violation=_truth(row["violation"]),
        balance_before_usd=usd(row["balance_before_micro_usd"]),
        images=tuple(_image(image) for image in images),
        bodies=tuple(BodyRecord(**{name: body[name] for name in _BODY_COLUMNS}) for body in bodies),
    )


def _image(row: sqlite3.Row) -> ImageRecord:
    values = {name: row[name] for name in _IMAGE_COLUMNS}
    return ImageRecord(**{**values, "signed": _truth(row["signed"]), "exif": _truth(row["exif"])})


def _document(connection: sqlite3.Connection, sha256: str) -> Any:
    row = connection.execute("SELECT text FROM documents WHERE sha256 = ?", (sha256,)).fetchone()
    return json.loads(row["text"])


def _truth(value: int | None) -> bool | None:
    return None if value is None else bool(value)


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else str(value)
