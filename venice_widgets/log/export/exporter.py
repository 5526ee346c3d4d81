"""All exports: which kind, which runs, and what to report afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from venice_widgets.errors import InvalidRequest, shown
from venice_widgets.files.user_path import user_path
from venice_widgets.log import RunRecord
from venice_widgets.log.arguments import text

from .image_files import write_images
from .new_files import names_folder
from .ro_crate import export_crate
from .text_files import export_csv, export_jsonl
from .zip_archive import export_zip

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from venice_widgets.log import Log
    from venice_widgets.media.saving import Metadata


_OF_FILES = (".jsonl", ".csv", ".zip")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written."""

    path: Path
    kind: str
    """In words: ``JSONL``, ``CSV``, ``zip``, ``RO-Crate``, ``images``."""
    count: int
    """Runs, or images."""
    under_way: int = 0
    """Runs that were left out because they have not ended."""
    notices: tuple[str, ...] = ()
    """What is missing or was left out, a sentence each."""


class _Ended:
    """The runs that have ended, counting those that have not.

    Raises:
        InvalidRequest: there is none.
    """

    def __init__(self, log: Log, records: Iterable[RunRecord] | None) -> None:
        self.under_way = 0
        self._records = self._ended(log.each() if records is None else records)
        self._first = next(self._records, None)
        if self._first is None:
            in_flight = f" ({self.under_way} have not ended)" if self.under_way else ""
            raise InvalidRequest(
                f"there is no run to export{in_flight}.", "Choose others: %venice log lists them. Nothing was written."
            )

    def __iter__(self) -> Iterator[RunRecord]:
        if self._first is not None:
            yield self._first
        yield from self._records

    def _ended(self, records: Iterable[RunRecord]) -> Iterator[RunRecord]:
        if isinstance(records, RunRecord) or not isinstance(records, Iterable):
            raise _not_runs(records)
        for record in records:
            if not isinstance(record, RunRecord):
                raise _not_runs(record)
            if record.outcome is None:
                self.under_way += 1
            else:
                yield record


def _not_runs(value: object) -> InvalidRequest:
    return InvalidRequest(
        f"records {shown(value, repr)} are not runs.",
        "Give a list of runs, such as log.search(…) returns. Nothing was written.",
        field="records",
    )


def export(
    log: Log,
    path: str | Path,
    records: Iterable[RunRecord] | None = None,
    *,
    name: str = "",
    license_url: str = "",
    author: str = "",
) -> Exported:
    """Write runs in the form that the path's ending names.

    Args:
        log: where they are.
        path: ``….jsonl``, ``….csv``, ``….zip``, or a new or empty folder for an RO-Crate.
        records: the runs, oldest first; None for all.
        name: of an RO-Crate.
        license_url: of an RO-Crate.
        author: who ran them, for an RO-Crate.

    Raises:
        InvalidRequest: it exists, the ending names no kind, or there is no run to export.
        StoreError: it cannot be written.
    """
    target = user_path(path)
    name, author = text(name, "name"), text(author, "author")
    license_url = text(license_url, "license_url")
    ended = _Ended(log, records)
    suffix = target.suffix.lower()
    notices: tuple[str, ...] = ()
    if suffix == ".jsonl":
        kind, count = "JSONL", export_jsonl(log, target, ended)
    elif suffix == ".csv":
        kind, count = "CSV", export_csv(log, target, ended)
    elif suffix == ".zip":
        kind, (count, notices) = "zip", export_zip(log, target, ended)
    elif names_folder(target):
        kind = "RO-Crate"
        count, notices = export_crate(log, target, ended, name=name, license_url=license_url, author=author)
    else:
        raise InvalidRequest(
            f"{target.name} names no kind of export.",
            "End it in .jsonl, .csv or .zip, or name a folder for an RO-Crate.",
            field="path",
        )
    return Exported(path=target, kind=kind, count=count, under_way=ended.under_way, notices=notices)


def export_images(
    log: Log, folder: str | Path, records: Iterable[RunRecord] | None = None, metadata: Metadata = "full"
) -> Exported:
    """Save a copy of every image with its recipe into a folder.

    Raises:
        InvalidRequest: the name is that of another export, `metadata` is not one of the choices, or there is no run.
        StoreError: the folder cannot be written.
    """
    target = user_path(folder)
    if target.suffix.lower() in _OF_FILES:
        raise InvalidRequest(f"{target} is the name of a file, and images go into a folder.", "Name a folder.")
    ended = _Ended(log, records)
    count, notices = write_images(log, target, ended, metadata)
    return Exported(path=target, kind="images", count=count, under_way=ended.under_way, notices=notices)
