"""The log as one zip that another machine can import whole: ``venice.json``, ``runs.jsonl`` and ``objects/``.

An object is an image as it was received, or one that was sent along, under its own sha256. Whoever reads the zip
needs nothing of ours: the hashes can be checked with any tool.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from venice_widgets.files.hashed import digest_of_tag

from .new_files import new_file
from .run_document import SCHEMA
from .text_files import document_of, json_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from venice_widgets.log import Log, RunRecord

MANIFEST, RUNS = "venice.json", "runs.jsonl"


def member_of(sha256: str) -> str:
    """The name of an object in the zip."""
    return f"objects/{sha256[:2]}/{sha256[2:]}"


def references_of(record: RunRecord) -> Iterator[str]:
    """The hashes of the images that were sent along with a request."""
    listed = json.loads(record.draft.request).get("style_references")
    for entry in listed if isinstance(listed, list) else ():
        image = entry.get("image") if isinstance(entry, dict) else None
        if sha256 := digest_of_tag(image):
            yield sha256


def objects_of(record: RunRecord) -> Iterator[str]:
    """The hashes of everything that a run was answered or sent along."""
    yield from (image.sha256 for image in record.images)
    yield from (body.sha256 for body in (record.outcome.bodies if record.outcome else ()))
    yield from references_of(record)


def export_zip(log: Log, path: Path, records: Iterable[RunRecord]) -> tuple[int, tuple[str, ...]]:
    """Write runs with their images as a zip.

    Returns:
        How many runs, and what is missing, a sentence each: images that are damaged in the store or not there.

    Raises:
        InvalidRequest: the file exists.
        StoreError: it cannot be written.
    """
    count, packed, missing = 0, set[str](), dict[str, None]()
    with (
        new_file(path) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive,
        tempfile.SpooledTemporaryFile(16 << 20, dir=str(path.parent)) as lines,
    ):
        for record in records:
            lines.write(json_line(document_of(log, record)))
            count += 1
            for sha256 in objects_of(record):
                if sha256 in packed or sha256 in missing or log.is_deleted(sha256):
                    continue
                data = log.objects.read_if_whole(sha256)
                if data is None:
                    missing[sha256] = None
                    continue
                archive.writestr(member_of(sha256), data)
                packed.add(sha256)
        lines.seek(0)
        with archive.open(_deflated(RUNS), "w", force_zip64=True) as member:
            while piece := lines.read(1 << 20):
                member.write(piece)
        manifest = {"schema": SCHEMA, "runs": count, "objects": len(packed), "software": "venice-widgets"}
        archive.writestr(_deflated(MANIFEST), json.dumps({**manifest, "exported_at": datetime.now(UTC).isoformat()}))
    return count, tuple(f"The object {sha256[:12]}… is missing or damaged in the store." for sha256 in missing)


def _deflated(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, datetime.now(UTC).timetuple()[:6])
    info.compress_type = zipfile.ZIP_DEFLATED
    return info
