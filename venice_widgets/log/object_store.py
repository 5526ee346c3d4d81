"""The object store: files named by the sha256 of their bytes, written so that a crash leaves all of a file or none.

A file is written beside its place, flushed to the disk, renamed into place, and its folder flushed: what has a name
is whole.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import IO, TYPE_CHECKING

from venice_widgets.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FOLDER_NAME = re.compile(r"[0-9a-f]{2}")
_FILE_NAME = re.compile(r"[0-9a-f]{62}")


@dataclass(frozen=True, slots=True)
class Stored:
    """An object that is safely on the disk."""

    sha256: str
    size_bytes: int
    path: Path


class ObjectWriter:
    """Takes bytes as they come; `keep` makes them an object."""

    def __init__(self, store: ObjectStore, file: IO[bytes]) -> None:
        self._store, self._file = store, file
        self._hash = hashlib.sha256()
        self.size_bytes = 0
        self.path = Path(file.name)
        """Where the bytes are until `keep`; readable after `flush`."""
        self.before_keep: Callable[[str], None] = lambda _: None
        """Called with the hash by `keep`, before the bytes get their name."""

    @property
    def sha256(self) -> str:
        """The hash of the bytes so far: after the last of them, the name that `keep` will give."""
        return self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        """Append bytes."""
        with self._store.translating_errors():
            self._file.write(data)
        self._hash.update(data)
        self.size_bytes += len(data)

    def flush(self) -> None:
        """Let other readers of `path` see what was written."""
        with self._store.translating_errors():
            self._file.flush()

    def keep(self) -> Stored:
        """Flush to the disk and move into place; the same bytes twice are one object.

        A file of that name with other bytes was damaged since, and is replaced.
        """
        place = self._store.path(self.sha256)
        self.before_keep(self.sha256)
        with self._store.translating_errors():
            if not self._store.is_whole(self.sha256):
                self._file.flush()
                os.fsync(self._file.fileno())
                self._file.close()
                self._store.make_folder(place.parent)
                self.path.replace(place)
            _flush_folder(place.parent)
        return Stored(self.sha256, self.size_bytes, place)


LEAST_FREE_BYTES = 32 << 20
"""One large picture: with less room than this, what is paid for may not be kept."""


class ObjectStore:
    """A folder of immutable files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._temporary = folder / "tmp"

    def path(self, sha256: str) -> Path:
        """Where the object of this hash is, or would be."""
        return self.folder / sha256[:2] / sha256[2:]

    @contextmanager
    def writer(self) -> Iterator[ObjectWriter]:
        """A place for bytes whose hash is not known yet; what is not kept is removed.

        Raises:
            StoreError: the disk is full, or the folder cannot be written.
        """
        with self.translating_errors():
            self._temporary.mkdir(parents=True, exist_ok=True)
            # Not by tempfile, whose files nobody else may read: people who share a store share its pictures.
            file = (self._temporary / token_hex(8)).open("xb")
        try:
            yield ObjectWriter(self, file)
        finally:
            # What could not be written must not hide why: the error that is on its way is the one to see.
            with suppress(OSError):
                file.close()
            with suppress(OSError):
                Path(file.name).unlink()

    def refuse_full(self) -> None:
        """Raise `StoreError` where there is no room for a picture; where nobody can tell, there is."""
        with suppress(OSError):
            free_bytes = shutil.disk_usage(self.folder.parent).free
            if free_bytes < LEAST_FREE_BYTES:
                raise StoreError(
                    f"only {free_bytes / 1e6:.1f} MB are free where {self.folder} is, too little to keep a picture.",
                    f"Make {LEAST_FREE_BYTES / 1e6:.0f} MB of room. Nothing was sent.",
                )

    def add(self, data: bytes) -> Stored:
        """Keep bytes that are at hand."""
        with self.writer() as writer:
            writer.write(data)
            return writer.keep()

    def read(self, sha256: str) -> bytes:
        """The bytes of an object.

        Raises:
            StoreError: it is not there any more.
        """
        try:
            return self.path(sha256).read_bytes()
        except OSError as exc:
            raise StoreError(
                f"the picture {sha256[:12]}… cannot be read from {self.folder}: {exc.strerror or exc}.",
                "%venice verify lists what is missing or changed.",
            ) from exc

    def is_whole(self, sha256: str) -> bool:
        """Whether the object is there and its bytes still have its hash."""
        try:
            with self.path(sha256).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == sha256
        except OSError:
            return False

    def remove(self, sha256: str) -> None:
        """Delete an object's bytes; one that is not there is no error."""
        with self.translating_errors():
            self.path(sha256).unlink(missing_ok=True)

    def names(self) -> Iterator[str]:
        """The hash of every object that is there, in no order."""
        for folder in _folders(self.folder):
            for file in os.scandir(folder):
                if _FILE_NAME.fullmatch(file.name):
                    yield folder.name + file.name

    def temporary_files(self) -> list[Path]:
        """Files being written now, or left behind by a program that was killed while it wrote."""
        return sorted(self._temporary.iterdir()) if self._temporary.is_dir() else []

    def make_folder(self, folder: Path) -> None:
        """Make a folder of objects so that its name lasts."""
        if not folder.is_dir():
            folder.mkdir(exist_ok=True)
            _flush_folder(self.folder)

    @contextmanager
    def translating_errors(self) -> Iterator[None]:
        """Say as `StoreError` what the disk refused."""
        try:
            yield
        except OSError as exc:
            raise StoreError(
                f"{self.folder} cannot be written: {exc.strerror or exc}.", "Make room or mend its permissions."
            ) from exc


def _folders(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (Path(entry.path) for entry in os.scandir(folder) if _FOLDER_NAME.fullmatch(entry.name))


def _flush_folder(folder: Path) -> None:
    """Make a rename last; where folders cannot be opened (Windows) the rename alone has to do."""
    with suppress(PermissionError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
