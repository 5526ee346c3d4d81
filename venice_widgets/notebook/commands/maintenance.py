"""``%venice verify`` and ``resolve``, and what ``%venice log`` does with words: keeping the record true, and small."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from venice_widgets.client.billing import charged_requests
from venice_widgets.display import Bundle, Cell, notice, table
from venice_widgets.generation.stored_images import forget
from venice_widgets.log import RUN_ENDING
from venice_widgets.money import parse_usd
from venice_widgets.request.spending import ask_user

from .command import Command
from .record_text import bytes_text, counted, price_text

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from venice_widgets.log import RunRecord
    from venice_widgets.session import Session


def act(session: Session, words: Sequence[str], *, yes: bool) -> Bundle:
    """What ``%venice log`` does with words: ``backup PATH``, ``forget RUN``.

    Raises:
        UsageError: it does nothing with these.
    """
    if len(words) != 2 or words[0] not in ("backup", "forget"):
        raise UsageError(
            f"%venice log: {' '.join(words)!r} is not understood. It takes options, or backup PATH, or forget RUN; "
            "a search stands behind -q."
        )
    return _backup(session, words[1]) if words[0] == "backup" else _forget(session, words[1], yes=yes)


def _backup(session: Session, path: str) -> Bundle:
    target = Path(path).expanduser()
    session.log.backup(target)
    return notice(
        f"The log is copied to {target}. Pictures never change: copy {session.log.objects.folder} as it is.",
        kind="information",
    )


def _forget(session: Session, name: str, *, yes: bool) -> Bundle:
    """Delete a run's pictures once the person agrees; their record, hash and thumbnail stay."""
    record = session.log.get(name)
    present = [image for image in record.images if session.log.objects.path(image.sha256).exists()]
    ending = record.run_id[-RUN_ENDING:]
    if not present:
        return notice(f"Run {ending} has no picture in the store.", kind="information")
    size = bytes_text(sum(image.size_bytes for image in present))
    if not yes:
        _ask_to_forget(f"{counted(len(present), 'picture')} of run {ending}{_shared(session, record)}, {size}")
    for image in present:
        forget(session.log, image)
    return notice(
        f"{counted(len(present), 'picture')} of run {ending} deleted, {size}. The record, hash and thumbnail stay.",
        kind="information",
    )


def _shared(session: Session, record: RunRecord) -> str:
    """The same bytes are kept once: other runs that gave them lose them too."""
    runs = {other.run_id for image in record.images for other in session.log.find_image(image.sha256)}
    others = ", ".join(run_id[-RUN_ENDING:] for run_id in sorted(runs - {record.run_id}))
    return f" (and of {others}, which gave the same)" if others else ""


def _ask_to_forget(what: str) -> None:
    answer = ask_user(f"Delete {what}, for good? The record, hash and thumbnail stay. [y/N] ")
    if answer is None:
        raise UsageError("%venice log forget: nobody can answer here, so it needs --yes. Nothing was deleted.")
    if not answer:
        raise UsageError("%venice log forget: nothing was deleted.")


def reconcile(session: Session, since: datetime) -> Bundle:
    """Turn "estimated" into "charged" by the billing ledger.

    Raises:
        CredentialsRefused: the key is no ADMIN key.
    """
    if session.settings.demo:
        return notice("The demo has no billing ledger: nothing is charged there.", kind="information")
    met = session.log.reconcile(charged_requests(session.client, session.settings, since))
    return notice(
        f"{counted(len(met.charged), 'run')} now with what the ledger charged; {len(met.strangers)} of its requests "
        "belong to no run here.",
        kind="information",
    )


def _verify(session: Session, _: Mapping[str, Any]) -> Bundle:
    found = session.log.verify()
    if found.ok:
        return notice(
            f"{counted(found.objects, 'picture')} and every record are as they were written.", kind="information"
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
    footer = "A missing picture can come back from a backup of objects/; nothing here was changed."
    return table(["what", "which", "runs"], rows, caption="Not as it was written", footer=footer)


def _resolve(session: Session, given: Mapping[str, Any]) -> Bundle:
    if given["verdict"] not in ("charged", "not-charged"):
        raise UsageError(f"%venice resolve: {given['verdict']!r} is neither charged nor not-charged.")
    amount = parse_usd(given["amount"], "--amount") if given.get("amount") else None
    session.log.resolve(given["run"], given["verdict"] == "charged", amount)
    record = session.log.get(given["run"])
    return notice(f"Run {record.run_id[-RUN_ENDING:]} is settled: {price_text(record)}.", kind="information")


def _declare_resolve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", help="A run that may have been charged.")
    parser.add_argument("verdict", help="charged or not-charged.")
    parser.add_argument("--amount", metavar="USD", help="What it cost, where that is known.")


VERIFY = Command("verify", "Hash every picture and record again.", _verify)
RESOLVE = Command("resolve", "Settle a run that may have been charged.", _resolve, _declare_resolve)
