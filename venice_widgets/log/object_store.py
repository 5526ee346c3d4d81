"""The object store: files named by the sha256 of their bytes, written so that a crash leaves all of a file or none.

What arrives is written into the folder ``incoming``, flushed to the disk, moved to its place in ``objects``, and its
folder flushed: what has a name there is whole. What was paid for is removed from ``incoming`` only once it is an
object: a name there begins with the id of the run that it belongs to, so that it can be stored later.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from secrets import token_hex
from typing import IO, TYPE_CHECKING

from venice_widgets.errors import NOTHING_SENT, StoreError, shown
from venice_widgets.files.hashed import DIGEST, has_hash, read_if_whole
from venice_widgets.files.platform import flush_folder, make_folder, remove, share_like_folder
from venice_widgets.files.presence import is_folder, is_there

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType
    from typing import Self

_FOLDER_NAME = re.compile(r"[0-9a-f]{2}")
_HASH = re.compile(DIGEST)
_FILE_NAME = re.compile(r"[0-9a-f]{62}")

LEAST_FREE_BYTES = 32 << 20
"""One large image: with less room than this, what is paid for may not be stored."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object that is safely on the disk."""

    sha256: str
    size_bytes: int
    path: Path


class ObjectWriter:
    """Takes bytes as they come; `keep` makes them an object. As a context it removes what was not kept."""

    def __init__(self, store: ObjectStore, path: Path, file: IO[bytes], *, paid: bool = False) -> None:
        self._store, self._file, self._paid = store, file, paid
        self._hash = hashlib.sha256()
        self._stays = False
        self.size_bytes = 0
        self.path = path
        """Where the bytes are until `keep`; readable after `flush`."""
        self.before_keep: Callable[[str], None] = lambda _: None
        """Called with the hash by `keep`, before the bytes get their name."""

    @property
    def sha256(self) -> str:
        """The hash of the bytes so far: after the last of them, the name that `keep` will give."""
        return self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        """Append bytes.

        Raises:
            StoreError: the disk did not take them; what was written before stays.
        """
        try:
            self._file.write(data)
        except OSError as exc:
            raise self._failed(exc) from exc
        self._hash.update(data)
        self.size_bytes += len(data)

    def flush(self) -> None:
        """Let other readers of `path` see what was written.

        Raises:
            StoreError: the disk did not take it.
        """
        try:
            self._file.flush()
        except OSError as exc:
            raise self._failed(exc) from exc

    def keep(self) -> Stored:
        """Flush to the disk and move into place; the same bytes twice are one object.

        A file of that name with other bytes was damaged since, and is replaced.

        Raises:
            StoreError: it could not be moved there. The bytes stay at `path`, and the message says so.
        """
        place = self._store.path(self.sha256)
        self._stays = self._paid
        self.flush()
        self.before_keep(self.sha256)
        try:
            if not self._store.is_whole(self.sha256):
                os.fsync(self._file.fileno())
                self._file.close()
                self._store.make_folder(place.parent)
                _move(self.path, place)
            flush_folder(place.parent)
        except OSError as exc:
            raise self._failed(exc) from exc
        self.discard()
        return Stored(self.sha256, self.size_bytes, place)

    def discard(self) -> None:
        """Remove the file: its bytes are not needed, or are objects."""
        self._stays = False
        with suppress(OSError):
            self._file.close()
        remove(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What could not be written must not hide why: the error that is raised already is the one to see.
        with suppress(OSError):
            self._file.close()
        if not self._stays:
            remove(self.path)

    def _is_there(self) -> bool:
        with suppress(OSError):
            return is_there(self.path)
        return False

    def _failed(self, exc: OSError) -> StoreError:
        where = f" What arrived is in {self.path}." if self._stays and self._is_there() else ""
        return StoreError(
            f"{self._store.folder} cannot be written: {exc.strerror or exc}.{where}",
            "Make room or fix its permissions." + (" %venice doctor then stores it." if where else ""),
        )


class Spool(ObjectWriter):
    """The body of one response while it arrives, which can be read again. Its file stays until `discard` or `keep`.

    The one copy of what was paid for: call `discard` once every image in it is an object, or `keep` to store the body
    itself. A spool that is only closed stays in ``incoming``, and the next start finds it.
    """

    def __init__(self, store: ObjectStore, path: Path, file: IO[bytes]) -> None:
        super().__init__(store, path, file, paid=True)
        self._stays = True

    def read(self, size: int = -1) -> bytes:
        """Read from where the last `seek` led."""
        return self._file.read(size)

    def seek(self, offset: int) -> int:
        """Go to a place, from the beginning, to read from there."""
        return self._file.seek(offset)

    def redact(self, clean: Callable[[str], str]) -> None:
        """Write the body again as `clean` gives it, where it is text that holds secrets; other bytes stay.

        Raises:
            StoreError: the disk did not take it.
        """
        whole = self.read_from_start().read()
        try:
            text = whole.decode("utf-8")
        except UnicodeDecodeError:
            return
        if (safe := clean(text)) == text:
            return
        try:
            self._file.seek(0)
            self._file.truncate()
        except OSError as exc:
            raise self._failed(exc) from exc
        self._hash, self.size_bytes = hashlib.sha256(), 0
        self.write(safe.encode())

    def read_from_start(self) -> IO[bytes]:
        """The file itself, at its beginning, for readers that want one."""
        self.flush()
        self._file.seek(0)
        return self._file


class ObjectStore:
    """A folder of immutable files, and a folder for what is being written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.incoming = folder.parent / "incoming"

    def path(self, sha256: str) -> Path:
        """Where the object of this hash is, or would be.

        Raises:
            StoreError: it is not a hash. A file from elsewhere may name a path in its place, which would lead out of
                the store.
        """
        if not _HASH.fullmatch(sha256):
            raise StoreError(f"{shown(sha256, repr)} is not the hash of a stored image.", "Use the original file.")
        return self.folder / sha256[:2] / sha256[2:]

    def writer(self, label: str = "") -> ObjectWriter:
        """A place for bytes whose hash is not known yet; what is not kept is removed when the context ends.

        Args:
            label: what the file's name begins with: the id of the run that paid for it, and the place of the image.
                With it the bytes stay in ``incoming`` where they cannot be moved to their place.

        Raises:
            StoreError: the disk is full, or the folder cannot be written.
        """
        return ObjectWriter(self, *self._new_file(label), paid=bool(label))

    def open_spool(self, label: str) -> Spool:
        """A place for the body of a response.

        Args:
            label: what the file's name begins with: the run's id.

        Raises:
            StoreError: the disk is full, or the folder cannot be written.
        """
        return Spool(self, *self._new_file(label))

    def _new_file(self, label: str) -> tuple[Path, IO[bytes]]:
        try:
            make_folder(self.incoming)
            # Not by tempfile, whose files only their owner may read: people who share a store share its images.
            path = self.incoming / ".".join(filter(None, (label, token_hex(8))))
            file = path.open("x+b")
            share_like_folder(path)
        except OSError as exc:
            raise _unwritable(self.incoming, exc) from exc
        return path, file

    def refuse_full(self) -> None:
        """Raise `StoreError` where there is no room for an image; where that is not known, there is."""
        with suppress(OSError):
            free_bytes = shutil.disk_usage(self.folder.parent).free
            if free_bytes < LEAST_FREE_BYTES:
                raise StoreError(
                    f"only {free_bytes / 1e6:.1f} MB are free where {self.folder} is, too little to store an image.",
                    f"Make {LEAST_FREE_BYTES / 1e6:.0f} MB of room. Nothing was sent.",
                )

    def refuse_unwritable(self) -> None:
        """Raise `StoreError` where an image could not be stored: a file is written, moved as one is, and removed."""
        self.refuse_full()
        path, file = self._new_file("probe")
        place = self.folder / path.name
        try:
            with file:
                file.write(b"probe")
            make_folder(self.folder)
            _move(path, place)
        except OSError as exc:
            raise _unwritable(self.folder, exc, NOTHING_SENT) from exc
        finally:
            remove(path)
            remove(place)

    def add(self, data: bytes) -> Stored:
        """Store bytes that are at hand.

        Raises:
            StoreError: the disk is full, or the folder cannot be written.
        """
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
            raise _unreadable(self.folder, sha256, exc) from exc

    def read_if_whole(self, sha256: str) -> bytes | None:
        """The bytes of an object, if they are there and still have their hash."""
        return read_if_whole(self.path(sha256), sha256)

    def has(self, sha256: str) -> bool:
        """Whether the object's file is there, whole or not.

        Raises:
            StoreError: the system does not tell. "No" would buy the image again.
        """
        try:
            return is_there(self.path(sha256))
        except OSError as exc:
            raise _unreadable(self.folder, sha256, exc) from exc

    def is_whole(self, sha256: str) -> bool:
        """Whether the object is there and its bytes still have its hash."""
        return has_hash(self.path(sha256), sha256)

    def remove(self, sha256: str) -> None:
        """Delete an object's bytes; one that is not there is not an error.

        Raises:
            StoreError: it cannot be deleted.
        """
        try:
            self.path(sha256).unlink(missing_ok=True)
        except OSError as exc:
            raise _unwritable(self.folder, exc) from exc

    def names(self) -> Iterator[str]:
        """The hash of every object that is there, in no order."""
        for folder in _folders(self.folder):
            yield from (folder.name + name for name in _names(folder) if _FILE_NAME.fullmatch(name))

    def temporary_files(self) -> list[Path]:
        """Files being written now, or left in ``incoming`` by a program that ended or a disk that was full."""
        return sorted(self.incoming.iterdir()) if is_folder(self.incoming) else []

    def make_folder(self, folder: Path) -> None:
        """Make a folder of objects so that its name lasts."""
        if not is_folder(folder):
            make_folder(folder)
            flush_folder(self.folder)


def _move(source: Path, place: Path) -> None:
    """Rename a file; where its place is on another disk, copy it there and then rename the copy."""
    try:
        source.replace(place)
    except OSError as exc:
        if exc.errno != errno.EXDEV:
            raise
        beside = place.with_name(f"{place.name}.{token_hex(4)}")
        try:
            with source.open("rb") as old, beside.open("xb") as new:
                shutil.copyfileobj(old, new)
                new.flush()
                os.fsync(new.fileno())
            share_like_folder(beside)
            beside.replace(place)
        except BaseException:
            remove(beside)
            raise
        remove(source)


def _unwritable(folder: Path, exc: OSError, money: str = "") -> StoreError:
    remedy = f"Make room or fix its permissions. {money}".strip()
    return StoreError(f"{folder} cannot be written: {exc.strerror or exc}.", remedy)


def _unreadable(folder: Path, sha256: str, exc: OSError) -> StoreError:
    return StoreError(
        f"the image {sha256[:12]}… cannot be read from {folder}: {exc.strerror or exc}.",
        "%venice verify lists what is missing or changed.",
    )


def _folders(folder: Path) -> Iterator[Path]:
    if is_folder(folder):
        yield from (folder / name for name in _names(folder) if _FOLDER_NAME.fullmatch(name))


def _names(folder: Path) -> list[str]:
    """What is in a folder, which an interrupt of whoever goes through it does not leave open."""
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries]
