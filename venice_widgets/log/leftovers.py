"""What arrived of a run whose program did not put it on record: found again, and stored with the run whatever it is.

Three traces of a response can be there. The log noted the hash of an image before its bytes got their name. The folder
``incoming`` holds an image that could not be moved to its place. And it holds the body of the response, whole or cut,
from which images can still be read. What is not a readable image is stored as a body of the run, since it may have been
paid for.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from venice_widgets.client.response_body import read_body
from venice_widgets.files.platform import remove
from venice_widgets.media.format import identify
from venice_widgets.media.marks import marks

from .records import BodyRecord, ImageRecord

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from pathlib import Path

    from .object_store import ObjectStore

WHOLE_BODY = -1
"""The position of a note about a response before its images."""


@dataclass(frozen=True, slots=True)
class IncomingFile:
    """A file in ``incoming``: named by its run, the place of its image if it is one, and a token."""

    path: Path
    run_id: str
    """Empty where the file's name says none."""
    place: int | None
    """None for the body of a response."""


@dataclass(slots=True)
class Found:
    """What there is of a run's response."""

    status_code: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    images: dict[int, ImageRecord] = field(default_factory=dict)
    """By their places in the response."""
    bodies: list[BodyRecord] = field(default_factory=list)


def incoming_files(objects: ObjectStore) -> list[IncomingFile]:
    """Every file in ``incoming``; to be looked up by run id."""
    return [_by_name(path) for path in objects.temporary_files()]


def _by_name(path: Path) -> IncomingFile:
    run_id, *rest = path.name.split(".")
    if len(run_id) != _ID_CHARACTERS or not 1 <= len(rest) <= 2:
        return IncomingFile(path, "", None)
    return IncomingFile(path, run_id, int(rest[0]) if len(rest) == 2 and rest[0].isdecimal() else None)


_ID_CHARACTERS = 26


def find(
    connection: sqlite3.Connection, objects: ObjectStore, row: sqlite3.Row, files: Iterable[IncomingFile]
) -> Found:
    """Store what arrived of a run as objects, and say what it is.

    Args:
        connection: of the log, in a transaction.
        objects: takes what is found.
        row: the run's.
        files: those in ``incoming``, of any run.
    """
    notes = connection.execute("SELECT * FROM arrivals WHERE run_id = ? ORDER BY position", (row["run_id"],)).fetchall()
    found = Found()
    for note in notes:
        found.status_code, found.headers = note["status_code"], json.loads(note["headers"])
    noted = {note["position"]: note["sha256"] for note in notes if note["sha256"]}
    own = sorted((file for file in files if file.run_id == row["run_id"]), key=lambda file: file.place is None)
    for file in own:
        if file.place is not None:
            _take_image_file(objects, file, noted, has_body=any(each.place is None for each in own))
    for place, sha256 in noted.items():
        if objects.is_whole(sha256):
            _sort_in(found, objects, place, sha256, row["seed"])
    for file in own:
        if file.place is None:
            _take_body(found, objects, file.path, row["seed"])
    return found


def _take_image_file(objects: ObjectStore, file: IncomingFile, noted: dict[int, str], *, has_body: bool) -> None:
    """Move an image that is whole to its place; one that was being written is read again from the response's body."""
    data = file.path.read_bytes()
    if not data or (has_body and hashlib.sha256(data).hexdigest() not in noted.values()):
        remove(file.path)
        return
    assert file.place is not None  # noqa: S101  the caller looked
    noted[file.place] = objects.add(data).sha256
    remove(file.path)


def _take_body(found: Found, objects: ObjectStore, path: Path, seed: int) -> None:
    """Read what images there are in a response's body, and store the body itself where that is not all of it."""
    with path.open("rb") as file:
        try:
            reading = read_body(file, lambda _: objects.writer())
            images, problem = dict(reading.images), reading.problem
        except Exception as exc:  # noqa: BLE001  whatever its bytes do to their reader, the body itself is stored
            images, problem = {}, repr(exc)
        for place, image in images.items():
            if place not in found.images:
                _sort_in(found, objects, place, image.sha256, seed, store_unreadable=False)
        if path.stat().st_size and (problem or not found.images):
            file.seek(0)
            with objects.writer() as writer:
                shutil.copyfileobj(file, writer)
                stored = writer.keep()
            found.bodies.append(BodyRecord(sha256=stored.sha256, size_bytes=stored.size_bytes))
    remove(path)


def _sort_in(
    found: Found, objects: ObjectStore, place: int, sha256: str, seed: int, *, store_unreadable: bool = True
) -> None:
    """An object is an image of the run if it can be read, and else a body of it."""
    path = objects.path(sha256)
    image = None if place == WHOLE_BODY else _readable(path, sha256, seed if place == 0 else None)
    if image is not None:
        found.images[place] = image
    elif store_unreadable:
        part = "body" if place == WHOLE_BODY else f"image {place + 1}"
        found.bodies.append(BodyRecord(sha256=sha256, size_bytes=path.stat().st_size, part=part))


def _readable(path: Path, sha256: str, seed: int | None) -> ImageRecord | None:
    try:
        return _image(path, sha256, seed)
    except Exception:  # noqa: BLE001  a stranger's bytes may do anything to what reads them, and the store must open
        return None


def _image(path: Path, sha256: str, seed: int | None) -> ImageRecord:
    """An image by its own bytes; only the first of several variants has a known seed."""
    facts, marked = identify(path), marks(path)
    return ImageRecord(
        sha256=sha256,
        size_bytes=path.stat().st_size,
        mime=facts.mime,
        width=facts.width,
        height=facts.height,
        mode=facts.mode,
        seed=seed,
        signed=marked.signed,
        exif=marked.exif,
    )
