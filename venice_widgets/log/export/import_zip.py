"""A zip of another store taken in, nothing on trust.

Nothing is unpacked by its name: each run says which objects it needs, each is looked up under its one possible name,
read no further than the run says it is long, hashed, and only then kept. A run whose objects are not what it says,
whose request does not have its hash, or whose seed is not that of its request, is left out and named; the others come
in. What is here already stays as it is,
so that the same zip can be imported twice, and an import that broke off goes on.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from venice_widgets.config import DEMO_BASE_URL
from venice_widgets.errors import StoreError, UnreadableFile
from venice_widgets.files.presence import is_file, is_folder, is_there
from venice_widgets.files.user_path import user_path
from venice_widgets.media.format import begins_like_image, identify
from venice_widgets.request.style_reference import MAX_BYTES as LARGEST_REFERENCE_BYTES

from .consistency import check_consistent
from .run_document import SCHEMA, from_document
from .zip_archive import MANIFEST, RUNS, member_of, references_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from venice_widgets.log import ImageRecord, Log, RunRecord, VerdictRecord
    from venice_widgets.log.object_store import ObjectWriter

    _Run = tuple[RunRecord, VerdictRecord | None, frozenset[str]]

LARGEST_LINE_BYTES = 16 << 20
LARGEST_IMAGE_BYTES = 1 << 30
_LARGEST_MANIFEST_BYTES = 1 << 16
_PIECE_BYTES = 1 << 20
_MOST_FAULTS = 100
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Other compressions fail in the words of libraries that may be missing, and some take as much memory as they ask."""
_BROKEN = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of the runs of a zip."""

    added: int = 0
    """Came in, and were read back equal."""
    present: int = 0
    """Were here already, the same."""
    left_out: int = 0
    faults: tuple[str, ...] = ()
    """Why runs were left out, a sentence each; the first hundred."""


def import_zip(log: Log, path: str | Path, *, demo: bool | None = None) -> Imported:
    """Take in the runs and images of a zip that `export_zip` wrote.

    Args:
        log: takes them.
        path: the zip.
        demo: whether it is the demo's log: simulated runs belong there, and real ones elsewhere; None to take both.

    Raises:
        InvalidRequest: it is not a path.
        UnreadableFile: it is not such a zip, is of a newer schema, or damaged before its runs.
        StoreError: the store cannot be written.
    """
    path = user_path(path)
    result = Imported()
    with _open(path) as archive:
        with _reading(path):
            _check(archive)
        for number, run in enumerate(_runs(archive, path), 1):
            try:
                result = _take_in(log, archive, _of_kind(run, demo=demo), result)
            except UnreadableFile as exc:
                fault = f"Run {number} was left out: {exc.message}"
                result = replace(result, left_out=result.left_out + 1, faults=(*result.faults, fault)[:_MOST_FAULTS])
    return result


def _open(path: Path) -> zipfile.ZipFile:
    with _reading(path):
        if is_folder(path):
            raise UnreadableFile(
                f"{path} is a folder, and only a zip is imported.",
                "An RO-Crate or a folder of images is for reading: export the runs as ….zip where they come from.",
            )
        if is_there(path) and not is_file(path):
            raise UnreadableFile(f"{path} is not a file.", "Check the path.")  # a device never ends
        _refuse_image(path)
        return zipfile.ZipFile(path)


def _refuse_image(path: Path) -> None:
    with path.open("rb") as file:
        if not begins_like_image(file.read(64)):
            return
    raise UnreadableFile(
        f"{path} is an image, and only a zip is imported.",
        f"%venice show {path} tells what made it, and %venice replay {path} makes it again.",
    )


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise UnreadableFile(f"{path} cannot be read: {exc.strerror or exc}.", "Check the path.") from exc
    except _BROKEN as exc:
        raise UnreadableFile(f"{path} is not a zip that can be read: {exc}.", "Export it again, as ….zip.") from exc


def _check(archive: zipfile.ZipFile) -> None:
    """Refuse what no export of ours is, before anything is read from it."""
    names = archive.namelist()
    if len(set(names)) < len(names):
        raise UnreadableFile("two files in the zip have the same name.", "Export it again.")
    if any(member.compress_type not in _COMPRESSIONS for member in archive.infolist()):
        raise UnreadableFile("the zip is compressed in a way that no export is.", "Import the zip as it was exported.")
    if RUNS not in names or MANIFEST not in names:
        raise UnreadableFile(f"the zip has no {RUNS} and {MANIFEST}: it is not an export of a log.", "Check the path.")
    with archive.open(MANIFEST) as file:
        manifest = _json(file.read(_LARGEST_MANIFEST_BYTES))
    schema = manifest.get("schema") if isinstance(manifest, dict) else None
    if schema != SCHEMA:
        raise UnreadableFile(
            f"the zip is of schema {schema!r:.40}, and this version reads {SCHEMA}.", "Upgrade venice-widgets."
        )


def _of_kind(run: _Run | UnreadableFile, *, demo: bool | None) -> _Run:
    """A run that belongs here: what is simulated must not count as spent, nor what was spent be lost in the demo."""
    if isinstance(run, UnreadableFile):
        raise run
    simulated = run[0].draft.base_url == DEMO_BASE_URL
    if demo is not None and simulated != demo:
        kind, switch = ("simulated", "on") if simulated else ("not simulated", "off")
        raise UnreadableFile(f"it is {kind}, and belongs in another log: %venice demo {switch}, then import again.")
    return run


def _runs(archive: zipfile.ZipFile, path: Path) -> Iterator[_Run | UnreadableFile]:
    """Each run, or why its line is none; given up where many are none, since a small zip can hold billions."""
    broken = 0
    for line in _lines(archive, path):
        try:
            yield from_document(_json(line))
        except UnreadableFile as exc:
            broken += 1
            if broken > _MOST_FAULTS:
                words = f"more than {_MOST_FAULTS} lines of {RUNS} are not runs."
                raise UnreadableFile(words, "Export it again. What came in before stays.") from exc
            yield exc


def _lines(archive: zipfile.ZipFile, path: Path) -> Iterator[bytes]:
    """The runs, one in memory at a time."""
    with _reading(path):
        file = archive.open(RUNS)
    with file:
        while True:
            with _reading(path):
                line = file.readline(LARGEST_LINE_BYTES + 1)
            if not line:
                return
            if len(line) > LARGEST_LINE_BYTES:
                raise UnreadableFile(f"a line of {RUNS} is longer than {LARGEST_LINE_BYTES >> 20} MB.", "Export again.")
            yield line


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise UnreadableFile(f"it is not JSON ({exc}).") from exc


def _take_in(log: Log, archive: zipfile.ZipFile, run: _Run, result: Imported) -> Imported:
    record, verdict, deleted = run
    here = _here(log, record.run_id)
    if here is not None and (here, log.verdict(record.run_id)) != (record, verdict):
        raise UnreadableFile(f"{record.run_id} is here already, and is not the same; what is here stays.")
    if here is not None:
        # What was deleted here on purpose does not come back by itself.
        deleted |= {image.sha256 for image in here.images if log.is_deleted(image.sha256)}
    else:
        check_consistent(record)
    _take_objects(log, archive, record, deleted)
    if here is not None or not _add(log, record, verdict, deleted):
        return replace(result, present=result.present + 1)
    return replace(result, added=result.added + 1)


def _here(log: Log, run_id: str) -> RunRecord | None:
    try:
        return log.get(run_id)
    except StoreError:
        return None


def _add(log: Log, record: RunRecord, verdict: VerdictRecord | None, deleted: frozenset[str]) -> bool:
    """Put a run on record and read it back; False where another program that imports the same zip was faster."""
    added = True
    try:
        log.add_whole(record, verdict, [sha256 for sha256 in deleted if not log.objects.has(sha256)])
    except StoreError:
        added = False
        if _here(log, record.run_id) is None:
            raise
    if (log.get(record.run_id), log.verdict(record.run_id)) != (record, verdict):
        raise StoreError(f"run {record.run_id} was not stored as it was read.", "Please report it: it is a fault here.")
    return added


def _take_objects(log: Log, archive: zipfile.ZipFile, record: RunRecord, deleted: frozenset[str]) -> None:
    """Keep every image that the run gave or sent, each once it is what the run says.

    Raises:
        UnreadableFile: one is missing or another.
    """
    for image in record.images:
        if log.objects.is_whole(image.sha256):
            _check_image(log.objects.path(image.sha256), image)
        elif image.sha256 not in deleted:
            _take(log, archive, image.sha256, min(image.size_bytes, LARGEST_IMAGE_BYTES), image)
    for body in record.outcome.bodies if record.outcome else ():
        if not log.objects.is_whole(body.sha256):
            _take(log, archive, body.sha256, min(body.size_bytes, LARGEST_IMAGE_BYTES), None)
    for sha256 in references_of(record):
        if not log.objects.is_whole(sha256):
            _take(log, archive, sha256, LARGEST_REFERENCE_BYTES, None)


def _take(log: Log, archive: zipfile.ZipFile, sha256: str, limit_bytes: int, image: ImageRecord | None) -> None:
    name = f"the image {sha256[:12]}…"
    try:
        member = archive.getinfo(member_of(sha256))
    except KeyError as exc:
        raise UnreadableFile(f"{name} is not in the zip.") from exc
    with log.objects.writer() as writer:
        try:
            _copy(archive, member, writer, limit_bytes)
        except _BROKEN as exc:
            raise UnreadableFile(f"{name} cannot be read from the zip: {exc}.") from exc
        if writer.sha256 != sha256:
            raise UnreadableFile(f"{name} is not in the zip as it was: its bytes have another hash.")
        if image is not None:
            _check_image(writer.path, image)
        writer.keep()


def _copy(archive: zipfile.ZipFile, member: zipfile.ZipInfo, writer: ObjectWriter, limit_bytes: int) -> None:
    """Read a member no further than it may be long, whatever the zip says of its length."""
    with archive.open(member) as source:
        while piece := source.read(_PIECE_BYTES):
            if writer.size_bytes + len(piece) > limit_bytes:
                raise UnreadableFile(f"an image is longer than the {limit_bytes:,} bytes that its run says.")
            writer.write(piece)
    writer.flush()


def _check_image(path: Path, image: ImageRecord) -> None:
    facts = identify(path)
    present = (facts.mime, facts.width, facts.height, path.stat().st_size)
    if present != (image.mime, image.width, image.height, image.size_bytes):
        raise UnreadableFile(f"the image {image.sha256[:12]}… is not of the format and size that its run says.")
