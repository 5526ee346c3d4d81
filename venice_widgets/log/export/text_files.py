"""The log as text files: JSONL, whole and exact, one run a line; CSV, flat, for a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from venice_widgets.log.rows import plain_json
from venice_widgets.request.fields import field_facts

from .new_files import new_file
from .run_document import to_document

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from venice_widgets.log import Log, RunRecord

_OF_RUN = (
    "run_id", "generation_id", "position", "parent_run_id", "relation", "status", "created_at", "sent_at",
    "finished_at", "base_url", "model", "asked_model", "seed", "seed_drawn", "prompt", "enhanced_prompt",
)  # fmt: skip
_OF_OUTCOME = (
    "estimate_usd", "charged_usd", "charge_source", "served_model", "status_code", "response_id", "blurred",
    "violation", "error_class", "error", "request_hash",
)  # fmt: skip
_OF_IMAGE = ("sha256", "mime", "size_bytes", "width", "height")
_OF_CONTEXT = ("notebook", "cell_id", "execution_count", "git_commit", "git_dirty")
_APART = ("model", "seed")


def document_of(log: Log, record: RunRecord) -> dict[str, Any]:
    """A run that has ended, with its verdict and which of its images were deleted."""
    deleted = [image.sha256 for image in record.images if log.is_deleted(image.sha256)]
    return to_document(record, log.verdict(record.run_id), deleted)


def json_line(document: Mapping[str, Any]) -> bytes:
    """One line of JSONL, of plain JSON whatever an older version put on record."""
    try:
        return _line(document)
    except ValueError:
        return _line(plain_json(document))


def _line(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def export_jsonl(log: Log, path: Path, records: Iterable[RunRecord]) -> int:
    """Write runs as JSONL, one whole run a line (see `documents`); how many.

    Raises:
        InvalidRequest: the file exists.
        StoreError: it cannot be written.
    """
    count = 0
    with new_file(path) as file:
        for record in records:
            file.write(json_line(document_of(log, record)))
            count += 1
    return count


def export_csv(log: Log, path: Path, records: Iterable[RunRecord]) -> int:
    """Write runs as CSV, one a row, the first image's facts beside it; how many.

    UTF-8, quoted by RFC 4180. A text that a spreadsheet would run as a formula gets an apostrophe before it: JSONL
    has it as it is.

    Raises:
        InvalidRequest: the file exists.
        StoreError: it cannot be written.
    """
    count = 0
    with new_file(path) as file, io.TextIOWrapper(file, "utf-8", newline="", write_through=True) as text:
        writer = csv.DictWriter(text, columns())
        writer.writeheader()
        for record in records:
            writer.writerow({name: _cell(value) for name, value in _row(document_of(log, record))})
            count += 1
    return count


def columns() -> list[str]:
    """The columns of the CSV, in order."""
    return [
        *_OF_RUN,
        *(f"request_{name}" for name in field_facts() if name not in _APART),
        *_OF_OUTCOME,
        "images",
        *(f"image_{name}" for name in _OF_IMAGE),
        *_OF_CONTEXT,
        "replay_grade",
        "replay_circumstances",
    ]


def _row(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    request, context, verdict = document["request"], document["context"], document.get("verdict", {})
    image = document["images"][0] if document["images"] else {}
    yield from ((name, document[name]) for name in (*_OF_RUN, *_OF_OUTCOME))
    yield from ((f"request_{name}", request.get(name)) for name in field_facts() if name not in _APART)
    yield "images", len(document["images"])
    yield from ((f"image_{name}", image.get(name)) for name in _OF_IMAGE)
    yield from ((name, context.get(name)) for name in _OF_CONTEXT)
    yield "replay_grade", verdict.get("grade")
    yield "replay_circumstances", "; ".join(verdict.get("circumstances", ()))


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
