"""``%venice export`` and ``import``: the log for others, and from others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from venice_widgets.display import Bundle, join, notice

from .command import Command
from .log import parse_since
from .record_text import counted

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
    from venice_widgets.log.export import export, export_pictures

    records = _records(session, given)
    if given.get("images"):
        _refuse(given, _OF_CRATE, "is for an RO-Crate, not for --images")
        done = export_pictures(session.log, given["path"], records, given.get("metadata", "full"))
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


def _refuse(given: Mapping[str, Any], names: Iterable[str], why: str) -> None:
    for name in names:
        if name in given:
            raise UsageError(f"%venice export: --{name} {why}.")


def _records(session: Session, given: Mapping[str, Any]) -> Iterable[RunRecord] | None:
    """The runs that were asked for, oldest first; None for all."""
    if not any(name in given for name in ("query", "model", "since", "notebook")):
        return None
    found = session.log.search(
        given.get("query"),
        model=given.get("model"),
        since=parse_since(given["since"]) if given.get("since") else None,
        notebook=given.get("notebook"),
        limit=_EVERYTHING,
    )
    return reversed(found)


def _report(done: Exported) -> Bundle:
    pictures = done.kind == "pictures"
    what = counted(done.count, "picture" if pictures else "run")
    lines = [f"{what} {'with recipes' if pictures else f'as {done.kind}'}: {done.path}"]
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

    done = import_zip(session.log, Path(given["path"]).expanduser(), demo=session.settings.demo)
    words = f"{counted(done.added, 'run')} came in and read back equal; {done.present:,} of its runs were here already."
    if done.left_out:
        words += f" {done.left_out} were left out."
    return _with_notices(notice(words, kind="information"), done.faults)


def _declare_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", help="….jsonl, ….csv, ….zip, or a new folder for an RO-Crate.")
    parser.add_argument(
        "--images", action="store_true", default=None, help="Save each picture with its recipe into the folder instead."
    )
    parser.add_argument(
        "--metadata",
        choices=("full", "no-prompt", "none", "original"),
        help="What --images writes into the files: the whole recipe (full), all but the prompts, nothing, or the bytes "
        "as received.",
    )
    parser.add_argument("-q", "--query", metavar="TEXT", help="Only runs whose prompt holds these words.")
    parser.add_argument("-m", "--model", help="Only runs of this model.")
    parser.add_argument("--since", metavar="TIME", help="Not older: 30m, 3h, 2d, 1w or a date.")
    parser.add_argument("--notebook", metavar="PATH", help="Only from this notebook (its path, or the end of it).")
    parser.add_argument("--name", help="Of an RO-Crate.")
    parser.add_argument("--author", help="Who ran it, for an RO-Crate.")
    parser.add_argument("--license", metavar="URL", help="Of an RO-Crate.")


def _declare_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", help="A zip that %venice export wrote.")


EXPORT = Command("export", "Write the log for others: JSONL, CSV, zip, RO-Crate, pictures.", _export, _declare_export)
IMPORT = Command("import", "Take in a zip that another machine exported.", _import, _declare_import)
