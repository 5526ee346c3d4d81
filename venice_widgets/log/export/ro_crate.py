"""The log as an RO-Crate: a folder that describes itself in JSON-LD, for archives and for other people's tools.

Profile: Process Run Crate 0.5 (https://w3id.org/ro/wfrun/process/0.5) on RO-Crate 1.1. One `CreateAction` a run: its
instrument is the service with the model, its objects are the request (a file whose sha256 is the request's hash), the
seed and the pictures sent along, its results the pictures as received. Refused and failed runs belong in it, with
their error: a study that leaves them out claims more than it found. The JSON-LD is of one known shape, so that no
library stands between it and its validator.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from venice_widgets.config import DEMO_BASE_URL
from venice_widgets.errors import UnreadableFile
from venice_widgets.log import Status
from venice_widgets.log.provenance import SERVICE_VERSION
from venice_widgets.media.format import identify
from venice_widgets.media.saving import EXTENSIONS
from venice_widgets.request.request import sha256_tag

from .new_files import new_file, new_folder, read_whole
from .text_files import document_of, json_line
from .zip_archive import references_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from venice_widgets.log import ImageRecord, Log, RunRecord

PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
_CRATE = "https://w3id.org/ro/crate/1.1"
_CONTEXT = ["https://w3id.org/ro/crate/1.1/context", "https://w3id.org/ro/terms/workflow-run/context"]
METADATA = "ro-crate-metadata.json"
_RUNS = "runs.jsonl"
_URL = re.compile(r"https?://[^\s<>\"{}|\\^`]+")

Entity = dict[str, Any]


def export_crate(
    log: Log, folder: Path, records: Iterable[RunRecord], *, name: str = "", license_url: str = "", author: str = ""
) -> tuple[int, tuple[str, ...]]:
    """Write runs as an RO-Crate into a new or empty folder.

    Args:
        log: where they are.
        folder: is made; may be there if it is empty.
        records: the runs, oldest first.
        name: of the crate; the folder's where it is empty.
        license_url: of the whole; other words stand as they are, and without any the crate says that none was given.
        author: the name of the person who ran them; nobody is named without.

    Returns:
        How many runs, and what is missing, a sentence each.

    Raises:
        InvalidRequest: the folder holds something.
        StoreError: it cannot be written.
    """
    new_folder(folder)
    crate = _Crate(log, folder, author)
    with new_file(folder / _RUNS) as lines:
        for record in records:
            crate.add(record)
            lines.write(json_line(document_of(log, record)))
    crate.describe(_RUNS, (folder / _RUNS).stat().st_size, "application/jsonl", name="Every run, whole, one a line")
    with new_file(folder / METADATA) as file:
        document = {"@context": _CONTEXT, "@graph": crate.graph(name or folder.resolve().name, license_url)}
        file.write(json.dumps(document, ensure_ascii=False, indent=1).encode())
    return len(crate.actions), tuple(crate.missing)


class _Crate:
    """The files and entities of a crate as they come together."""

    def __init__(self, log: Log, folder: Path, author: str) -> None:
        self._log, self._folder = log, folder
        self._files: dict[str, Entity] = {}
        self._others: dict[str, Entity] = {}
        self._author: Entity = {"@id": "#author"} if author else {}
        if author:
            self._others["#author"] = {"@id": "#author", "@type": "Person", "name": author}
        self.actions: list[Entity] = []
        self.missing: dict[str, None] = {}

    def add(self, record: RunRecord) -> None:
        """A run, with the files that belong to it."""
        draft, outcome = record.draft, record.outcome
        assert outcome is not None  # noqa: S101  the caller chose those that ended
        action: Entity = {
            "@id": f"#{draft.run_id}",
            "@type": "CreateAction",
            "identifier": draft.run_id,
            "name": f"{draft.model}, seed {draft.seed}",
            "description": draft.prompt,
            "agent": self._author,
            "instrument": self._instrument(record),
            "object": [self._request(record), self._seed(record), *self._references(record)],
            "result": [
                found for place, image in enumerate(record.images) for found in self._image(record, image, place)
            ],
            "startTime": _time(record.sent_at or draft.created_at),
            "endTime": _time(outcome.finished_at),
            "actionStatus": f"http://schema.org/{_status(record)}",
        }
        if record.status is not Status.SUCCEEDED:
            action["error"] = outcome.error or str(record.status)
        self.actions.append({key: _single(value) for key, value in action.items() if value})

    def graph(self, name: str, license_url: str) -> list[Entity]:
        """All entities, the descriptor first."""
        now, is_url = datetime.now(UTC), _URL.fullmatch(license_url) is not None
        root = {
            "@id": "./",
            "@type": "Dataset",
            "name": name,
            "description": f"{len(self.actions)} runs of image models through the Venice.ai image API, with their "
            "requests, seeds and pictures; refused and failed runs included.",
            "datePublished": now.date().isoformat(),
            "license": {"@id": license_url} if is_url else license_url or "No licence was given.",
            **({"author": self._author} if self._author else {}),
            "conformsTo": {"@id": PROFILE},
            "hasPart": _ids(self._files.values()),
            "mentions": _ids(self.actions),
        }
        descriptor = {
            "@id": METADATA,
            "@type": "CreativeWork",
            "conformsTo": {"@id": _CRATE},
            "about": {"@id": "./"},
        }
        profile = {"@id": PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"}
        licence = [{"@id": license_url, "@type": "CreativeWork", "name": license_url}] if is_url else []
        return [descriptor, root, profile, *licence, *self._others.values(), *self._files.values(), *self.actions]

    def describe(self, path: str, size_bytes: int, mime: str, **facts: str) -> Entity:
        """The entity of a file that was written; its reference."""
        self._files[path] = {
            "@id": path,
            "@type": "File",
            "encodingFormat": mime,
            "contentSize": str(size_bytes),
            **facts,
        }
        return {"@id": path}

    def _keep(self, path: str, data: bytes, mime: str, **facts: str) -> Entity:
        if path not in self._files:
            with new_file(self._folder / path) as file:
                file.write(data)
        return self.describe(path, len(data), mime, sha256=sha256_tag(data).removeprefix("sha256:"), **facts)

    def _instrument(self, record: RunRecord) -> Entity:
        draft = record.draft
        version = record.outcome.headers.get(SERVICE_VERSION, "") if record.outcome else ""
        service = "venice-widgets simulator" if draft.base_url == DEMO_BASE_URL else "Venice.ai image API"
        endpoint = quote(f"{draft.base_url}/image/generate", safe=":/")
        name = f"{endpoint}#{quote(draft.model, safe='')}@{quote(version, safe='')}".removesuffix("@")
        self._others[name] = {
            "@id": name,
            "@type": "SoftwareApplication",
            "name": f"{service}: {draft.model}",
            "description": f"{draft.model} at {draft.base_url}/image/generate",
            "url": draft.base_url,
            "softwareVersion": version or "not told",
        }
        return {"@id": name}

    def _request(self, record: RunRecord) -> Entity:
        path = f"requests/{record.run_id}.json"
        data = record.draft.request.encode()
        return self._keep(path, data, "application/json", name=f"The request of run {record.run_id}")

    def _seed(self, record: RunRecord) -> Entity:
        name = f"#seed-{record.draft.seed}"
        self._others[name] = {"@id": name, "@type": "PropertyValue", "name": "seed", "value": record.draft.seed}
        return {"@id": name}

    def _references(self, record: RunRecord) -> list[Entity]:
        found = []
        for sha256 in references_of(record):
            data = self._whole(sha256)
            if data is None:
                continue
            try:
                facts = identify(data)
                mime, extension = facts.mime, facts.extension
            except UnreadableFile:
                mime, extension = "application/octet-stream", "bin"
            found.append(self._keep(f"references/{sha256}.{extension}", data, mime, name="A style reference"))
        return found

    def _image(self, record: RunRecord, image: ImageRecord, place: int) -> list[Entity]:
        data = None if self._log.is_deleted(image.sha256) else self._whole(image.sha256)
        if data is None:
            return []
        path = f"images/{record.run_id}-{place}.{EXTENSIONS.get(image.mime, 'bin')}"
        seed = "unknown" if image.seed is None else image.seed
        name = f"{record.draft.model}, seed {seed}, {image.width} × {image.height} pixels"
        return [self._keep(path, data, image.mime, name=name)]

    def _whole(self, sha256: str) -> bytes | None:
        data = read_whole(self._log, sha256)
        if data is None:
            self.missing[f"The object {sha256[:12]}… is missing or damaged in the store."] = None
        return data


def _status(record: RunRecord) -> str:
    return "CompletedActionStatus" if record.status is Status.SUCCEEDED else "FailedActionStatus"


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def _single(value: Any) -> Any:
    """RO-Crate 1.1 asks for a value alone where a list would have one."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _ids(entities: Iterable[Entity]) -> list[Entity]:
    return [{"@id": entity["@id"]} for entity in entities]
