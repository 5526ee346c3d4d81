"""``%venice verify`` and ``resolve``, and what ``%venice log`` does with words: keeping the record true and small."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from venice_widgets.client.billing import charged_requests
from venice_widgets.display import Bundle, Cell, notice, table
from venice_widgets.files.user_path import user_path
from venice_widgets.generation.stored_images import forget
from venice_widgets.log import RUN_ENDING
from venice_widgets.money import parse_usd
from venice_widgets.notebook.line_parser import usage_error
from venice_widgets.request.spending import ask_user

from .command import Command
from .record_text import bytes_text, counted, price_text
from .selectors import filters, selects

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from venice_widgets.log import ImageRecord, RunRecord
    from venice_widgets.session import Session


ACTIONS = {
    "backup": "backup PATH: copy the log, also while it is in use.",
    "forget": "forget RUN, or forget with -q, --until and the like: delete images, and keep their records.",
    "favorite": "favorite RUN: mark it, for --favorite.",
    "unfavorite": "unfavorite RUN: take the mark away.",
}
"""What ``%venice log`` does with words, and the help of each."""
_LOG = "%venice log"


def act(session: Session, words: Sequence[str], given: Mapping[str, Any]) -> Bundle:
    """What ``%venice log`` does with words, see `ACTIONS`.

    Args:
        session: whose log.
        words: what to do, and to what.
        given: the options of the line.

    Raises:
        UsageError: it does nothing with these.
    """
    action, *names = words
    if action == "forget" and (selects(given) if not names else len(names) == 1):
        return _forget(session, names, given)
    if action not in ACTIONS or len(names) != 1:
        raise UsageError(
            f"{_LOG}: {' '.join(words)!r} is not understood. To search prompts, write {_LOG} -q "
            f"{shlex.quote(' '.join(words))}. Its words: {' '.join(ACTIONS.values())}"
        )
    if action == "backup":
        return _backup(session, names[0])
    session.log.favorite(names[0], action == "favorite")
    ending = session.log.get(names[0]).run_id[-RUN_ENDING:]
    said = "is a favorite: %venice log --favorite" if action == "favorite" else "is not a favorite any more"
    return notice(f"Run {ending} {said}.", kind="information")


def _backup(session: Session, path: str) -> Bundle:
    target = user_path(path)
    session.log.backup(target)
    return notice(
        f"The log is copied to {target}. Images never change: copy {session.log.objects.folder} as it is.",
        kind="information",
    )


def _forget(session: Session, names: Sequence[str], given: Mapping[str, Any]) -> Bundle:
    """Delete the images of runs once the user confirms; their records, hashes and thumbnails stay."""
    if names and selects(given):
        raise UsageError(f"{_LOG} forget: name a run or give options, not both.")
    chosen = filters(given, f"{_LOG} forget")
    records = [session.log.get(name) for name in names] or session.log.search(limit=2**31, **chosen)
    images = {image.sha256: image for record in records for image in record.images}
    present = [image for image in images.values() if session.log.objects.has(image.sha256)]
    of_runs = _of_runs(records)
    if not present:
        return notice(f"There is no image of {of_runs} in the store.", kind="information")
    size = bytes_text(sum(image.size_bytes for image in present))
    what = f"{counted(len(present), 'image')} of {of_runs}, {size}"
    shared = _shared(session, records, present)
    if not given.get("yes"):
        _ask_to_forget(f"{what}{shared}")
    for image in present:
        forget(session.log, image)
    return notice(f"Deleted: {what}{shared}. The record, hash and thumbnail stay.", kind="information")


def _of_runs(records: Sequence[RunRecord]) -> str:
    if len(records) != 1:
        return counted(len(records), "run")
    return f"run {records[0].run_id[-RUN_ENDING:]}"


def _shared(session: Session, records: Sequence[RunRecord], images: Sequence[ImageRecord]) -> str:
    """The same bytes are stored once: other runs that gave them, or sent them along, lose them too."""
    runs = {other.run_id for image in images for other in session.log.find_image(image.sha256)}
    others = sorted(runs - {record.run_id for record in records})
    senders = session.log.senders([image.sha256 for image in images])
    said = [f"and of {_endings(others)}, which gave the identical image"] if others else []
    said += [f"a reference image of {_endings(senders)}, not to be replayed without it"] if senders else []
    return f" ({'; '.join(said)})" if said else ""


def _endings(run_ids: Sequence[str]) -> str:
    """The first five as they are shown, and how many more there are."""
    more = f" and {len(run_ids) - 5} more" if len(run_ids) > 5 else ""
    return f"{', '.join(run_id[-RUN_ENDING:] for run_id in run_ids[:5])}{more}"


def _ask_to_forget(what: str) -> None:
    answer = ask_user(f"Delete {what}, for good? The record, hash and thumbnail stay. [y/N] ")
    if answer is None:
        raise UsageError(f"{_LOG} forget: it needs --yes where no one can answer. Nothing was deleted.")
    if not answer:
        raise UsageError(f"{_LOG} forget: it was declined. Nothing was deleted.")


def reconcile(session: Session, since: datetime) -> Bundle:
    """Turn "estimated" into "charged" by the billing ledger.

    Raises:
        CredentialsRefused: the key is not an ADMIN key.
    """
    if session.settings.demo:
        return notice("The demo has no billing ledger: nothing is charged there.", kind="information")
    met = session.log.reconcile(charged_requests(session.client, session.settings, since))
    return notice(
        f"{counted(len(met.charged), 'run')} now with what the ledger charged. "
        f"{counted(len(met.strangers), 'request')} of the ledger belong to no run here.",
        kind="information",
    )


def _verify(session: Session, _: Mapping[str, Any]) -> Bundle:
    found = session.log.verify()
    if found.ok:
        return notice(
            f"{counted(found.objects, 'image')} and every record are as they were written.", kind="information"
        )
    faults = [("missing", fault) for fault in found.missing] + [("changed", fault) for fault in found.changed]
    rows: list[list[Cell | str]] = [
        [what, Cell(f"{fault.sha256[:12]}…", code=True), ", ".join(run[-RUN_ENDING:] for run in fault.run_ids)]
        for what, fault in faults
    ]
    rows += [["request changed", "", run[-RUN_ENDING:]] for run in found.changed_requests]
    rows += [["document changed", Cell(f"{name[:12]}…", code=True), ""] for name in found.changed_documents]
    rows += [["total is off", name, ""] for name in found.wrong_totals]
    rows += [["database", complaint, ""] for complaint in found.database]
    footer = "A missing image can come back from a backup of objects/. Nothing here was changed."
    return table(["what", "which", "runs"], rows, caption="Not as it was written", footer=footer)


def _resolve(session: Session, given: Mapping[str, Any]) -> Bundle:
    if given["verdict"] not in ("charged", "not-charged"):
        raise usage_error(f"%venice resolve: {given['verdict']!r} is neither charged nor not-charged.")
    amount = parse_usd(given["amount"], "--amount") if given.get("amount") else None
    session.log.resolve(given["run"], given["verdict"] == "charged", amount)
    record = session.log.get(given["run"])
    return notice(f"Run {record.run_id[-RUN_ENDING:]} is settled: {price_text(record)}.", kind="information")


def _declare_resolve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", help="A run that may have been charged.")
    parser.add_argument("verdict", help="charged or not-charged.")
    parser.add_argument("--amount", metavar="USD", help="What it cost, where that is known.")


VERIFY = Command("verify", "Check every image and record against its hash.", _verify)
RESOLVE = Command("resolve", "Settle a run that may have been charged.", _resolve, _declare_resolve)
