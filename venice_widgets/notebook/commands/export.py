"""``%venice export`` and ``import``: the log for others, and from others."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from venice_widgets.display import Bundle, join, notice
from venice_widgets.errors import StoreError
from venice_widgets.files.user_path import user_path

from .command import Command
from .record_text import counted
from .selectors import declare_selectors, filters, selects

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping

    from venice_widgets.log import RunRecord
    from venice_widgets.log.export import Exported
    from venice_widgets.session import Session

_SHOWN_NOTICES = 20
_OF_CRATE = ("name", "license", "author")
_EVERYTHING = 2**31


def _export(session: Session, given: Mapping[str, Any]) -> Bundle:
    from venice_widgets.log.export import export, export_images

    _refuse_run(session, given["path"])
    records = _records(session, given)
    if given.get("images"):
        _refuse(given, _OF_CRATE, "is for an RO-Crate, not for --images")
        done = export_images(session.log, given["path"], records, given.get("metadata", "full"))
    else:
        _refuse(given, ("metadata",), "is for --images")
        done = export(
            session.log,
            given["path"],
            records,
            name=given.get("name", ""),
            license_url=given.get("license", ""),
            author=given.get("author", ""),
        )
    return _report(done)


def _refuse_run(session: Session, path: str) -> None:
    """A run's id that is taken for a folder's name would give away the whole log."""
    try:
        run = session.log.get(path) if path.isalnum() else None
    except StoreError:
        return
    if run is not None:
        raise UsageError(
            f"%venice export: {path} is a run, not a file or a folder. For one run, write "
            f"%venice export FILE.zip --run {path}. Nothing was written."
        )


def _refuse(given: Mapping[str, Any], names: Iterable[str], why: str) -> None:
    for name in names:
        if name in given:
            raise UsageError(f"%venice export: --{name} {why}.")


def _records(session: Session, given: Mapping[str, Any]) -> Iterable[RunRecord] | None:
    """The runs that were asked for, oldest first; None for all.

    Raises:
        UsageError: there are none, or runs are named and described at once.
        StoreError: the log holds no run of a name.
    """
    if given.get("run"):
        if selects(given):
            raise UsageError("%venice export: name runs with --run, or choose them by other options, not both.")
        named = {run.run_id: run for run in map(session.log.get, given["run"])}
        return [named[run_id] for run_id in sorted(named)]
    if not selects(given):
        return None
    found = session.log.search(limit=_EVERYTHING, **filters(given, "%venice export"))
    if not found:
        raise UsageError("%venice export: the log holds no such run, so nothing was written.")
    return reversed(found)


def _report(done: Exported) -> Bundle:
    images = done.kind == "images"
    what = counted(done.count, "image" if images else "run")
    lines = [f"{what} {'with recipes' if images else f'as {done.kind}'}: {done.path}"]
    if done.under_way:
        lines.append(f"{done.under_way} runs have not ended, and were left out.")
    return _with_notices(notice("\n".join(lines), kind="information"), done.notices)


def _with_notices(said: Bundle, notices: tuple[str, ...]) -> Bundle:
    if not notices:
        return said
    more = len(notices) - _SHOWN_NOTICES
    shown = [*notices[:_SHOWN_NOTICES], *([f"… and {more} more."] if more > 0 else [])]
    return join(said, notice("\n".join(shown), kind="warning"))


def _import(session: Session, given: Mapping[str, Any]) -> Bundle:
    from venice_widgets.log.export import import_zip

    done = import_zip(session.log, user_path(given["path"]), demo=session.settings.demo)
    words = f"{counted(done.added, 'run')} added and read back equal."
    if done.present:
        words += f" {counted(done.present, 'run')} of it {'was' if done.present == 1 else 'were'} here already."
    return _with_notices(notice(words, kind="information"), _grouped(done.faults))


def _grouped(faults: tuple[str, ...]) -> tuple[str, ...]:
    """One sentence for each reason, with how many runs it left out: 20 runs of the demo are one warning."""
    reasons = Counter(fault.partition(": ")[2] or fault for fault in faults)
    return tuple(f"{counted(count, 'run')} left out: {reason}" for reason, count in reasons.items())


def _declare_export(parser: argparse.ArgumentParser) -> None:
    from venice_widgets.media.saving import METADATA

    parser.add_argument("path", help="….jsonl, ….csv, ….zip, or a new folder for an RO-Crate.")
    parser.add_argument(
        "--images", action="store_true", default=None, help="Save each image with its recipe into the folder instead."
    )
    parser.add_argument(
        "--metadata",
        choices=METADATA,
        help="What --images writes into the files: the whole recipe (full), all but the prompts, nothing, or the bytes "
        "as received.",
    )
    parser.add_argument("--run", action="append", metavar="RUN", help="Only this run; repeatable.")
    declare_selectors(parser)
    parser.add_argument("--name", help="Of an RO-Crate.")
    parser.add_argument("--author", help="Who ran it, for an RO-Crate.")
    parser.add_argument("--license", metavar="URL", help="Of an RO-Crate.")


def _declare_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", help="A zip that %venice export wrote.")


EXPORT = Command("export", "Write the log for others: JSONL, CSV, zip, RO-Crate, images.", _export, _declare_export)
IMPORT = Command("import", "Add the runs of a zip that another machine exported.", _import, _declare_import)
