"""The log as an RO-Crate: a folder that describes itself in JSON-LD, for archives and for other people's tools.

Profile: Process Run Crate 0.5 (https://w3id.org/ro/wfrun/process/0.5) on RO-Crate 1.1. One `CreateAction` a run: its
instrument is the service with the model, its objects are the request (a file whose sha256 is the request's hash), the
seed and the images sent along, its results the images as received. Refused and failed runs belong in it, with
their error: a study that leaves them out claims more than it found. The JSON-LD is of one known shape, so that no
library is needed between it and its validator.
"""

from __future__ import annotations

import json
import re
import tempfile
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote

from venice_widgets.config import DEMO_BASE_URL
from venice_widgets.errors import UnreadableFile
from venice_widgets.files.presence import is_there
from venice_widgets.log import Status
from venice_widgets.log.provenance import SERVICE_VERSION
from venice_widgets.media.format import identify
from venice_widgets.media.saving import EXTENSIONS
from venice_widgets.request.request import sha256_tag

from .new_files import new_file, new_folder
from .text_files import document_of, json_line
from .zip_archive import references_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import Self

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
        license_url: of the whole; other words stay as they are, and without any the crate says that none was given.
        author: the name of who ran them; empty for no name.

    Returns:
        How many runs, and what is missing, a sentence each.

    Raises:
        InvalidRequest: the folder holds something.
        StoreError: it cannot be written.
    """
    new_folder(folder)
    with new_file(folder / METADATA) as metadata, _Graph(metadata, folder) as graph:
        crate = _Crate(log, folder, graph, author)
        with new_file(folder / _RUNS) as lines:
            for record in records:
                crate.add(record)
                lines.write(json_line(document_of(log, record)))
        size_bytes = (folder / _RUNS).stat().st_size
        crate.describe(_RUNS, size_bytes, "application/jsonl", name="Every run, whole, one a line")
        crate.finish(name or folder.resolve().name, license_url)
    return crate.runs, tuple(crate.missing)


class _Graph:
    """The entities of a crate, written as they come: a hundred thousand runs need no more memory than ten.

    What the root has to name, at the end, is kept in files of their own.
    """

    def __init__(self, file: IO[bytes], folder: Path) -> None:
        self._file, self._folder = file, folder
        self._known = set[str]()

    def __enter__(self) -> Self:
        self.parts = tempfile.TemporaryFile(dir=self._folder)
        self.mentions = tempfile.TemporaryFile(dir=self._folder)
        head = json.dumps({"@context": _CONTEXT})[:-1]
        self._file.write(f'{head}, "@graph": [\n'.encode())
        self._separator = b""
        return self

    def __exit__(self, *_: object) -> None:
        self.parts.close()
        self.mentions.close()
        self._file.write(b"\n]}\n")

    def add(self, entity: Entity) -> Entity:
        """Write an entity; its reference."""
        self._file.write(self._separator + _json(entity))
        self._separator = b",\n"
        return {"@id": entity["@id"]}

    def add_once(self, entity: Entity) -> Entity:
        """Write an entity that several others refer to."""
        name = entity["@id"]
        if name in self._known:
            return {"@id": name}
        self._known.add(name)
        return self.add(entity)

    def add_listing(self, entity: Entity, **lists: IO[bytes]) -> None:
        """Write an entity whose lists are in files, one reference a line."""
        self._file.write(self._separator + _json(entity)[:-1])
        for name, listed in lists.items():
            self._file.write(f', "{name}": ['.encode())
            listed.seek(0)
            for number, line in enumerate(listed):
                self._file.write((b", " if number else b"") + line.rstrip(b"\n"))
            self._file.write(b"]")
        self._file.write(b"}")
        self._separator = b",\n"


def _json(entity: Entity) -> bytes:
    return json.dumps(entity, ensure_ascii=False).encode()


class _Crate:
    """The files of a crate, with their entities."""

    def __init__(self, log: Log, folder: Path, graph: _Graph, author: str) -> None:
        self._log, self._folder, self._graph = log, folder, graph
        self._author: Entity = {}
        if author:
            self._author = graph.add_once({"@id": "#author", "@type": "Person", "name": author})
        self.runs = 0
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
        reference = self._graph.add({key: _single(value) for key, value in action.items() if value})
        self._graph.mentions.write(_json(reference) + b"\n")
        self.runs += 1

    def finish(self, name: str, license_url: str) -> None:
        """Write what the crate says of itself, once everything in it is known."""
        now, is_url = datetime.now(UTC), _URL.fullmatch(license_url) is not None
        root = {
            "@id": "./",
            "@type": "Dataset",
            "name": name,
            "description": f"{self.runs} runs of image models through the Venice.ai image API, with their "
            "requests, seeds and images; refused and failed runs included.",
            "datePublished": now.date().isoformat(),
            "license": {"@id": license_url} if is_url else license_url or "No license was given.",
            **({"author": self._author} if self._author else {}),
            "conformsTo": {"@id": PROFILE},
        }
        self._graph.add(
            {
                "@id": METADATA,
                "@type": "CreativeWork",
                "conformsTo": {"@id": _CRATE},
                "about": {"@id": "./"},
            }
        )
        self._graph.add({"@id": PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"})
        if is_url:
            self._graph.add({"@id": license_url, "@type": "CreativeWork", "name": license_url})
        self._graph.add_listing(root, hasPart=self._graph.parts, mentions=self._graph.mentions)

    def describe(self, path: str, size_bytes: int, mime: str, **facts: str) -> Entity:
        """Write the entity of a file that was written; its reference."""
        entity = {"@id": path, "@type": "File", "encodingFormat": mime, "contentSize": str(size_bytes), **facts}
        reference = self._graph.add(entity)
        self._graph.parts.write(_json(reference) + b"\n")
        return reference

    def _keep(self, path: str, data: bytes, mime: str, **facts: str) -> Entity:
        with new_file(self._folder / path) as file:
            file.write(data)
        return self.describe(path, len(data), mime, sha256=sha256_tag(data).removeprefix("sha256:"), **facts)

    def _instrument(self, record: RunRecord) -> Entity:
        draft = record.draft
        version = record.outcome.headers.get(SERVICE_VERSION, "") if record.outcome else ""
        service = "venice-widgets simulator" if draft.base_url == DEMO_BASE_URL else "Venice.ai image API"
        endpoint = quote(f"{draft.base_url}/image/generate", safe=":/")
        name = f"{endpoint}#{quote(draft.model, safe='')}@{quote(version, safe='')}".removesuffix("@")
        return self._graph.add_once(
            {
                "@id": name,
                "@type": "SoftwareApplication",
                "name": f"{service}: {draft.model}",
                "description": f"{draft.model} at {draft.base_url}/image/generate",
                "url": draft.base_url,
                "softwareVersion": version or "unknown",
            }
        )

    def _request(self, record: RunRecord) -> Entity:
        path = f"requests/{record.run_id}.json"
        data = record.draft.request.encode()
        return self._keep(path, data, "application/json", name=f"The request of run {record.run_id}")

    def _seed(self, record: RunRecord) -> Entity:
        name, seed = f"#seed-{record.draft.seed}", record.draft.seed
        return self._graph.add_once({"@id": name, "@type": "PropertyValue", "name": "seed", "value": seed})

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
            path = f"references/{sha256}.{extension}"
            written = is_there(self._folder / path)
            found.append({"@id": path} if written else self._keep(path, data, mime, name="A style reference"))
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
        data = self._log.objects.read_if_whole(sha256)
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
