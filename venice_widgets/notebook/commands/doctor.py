"""``%venice doctor``: every part is tried, and says what it found."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies

from venice_widgets.display import Bundle, Cell, join, notice, table
from venice_widgets.errors import VeniceError
from venice_widgets.log import RUN_ENDING

from .account import amounts_text
from .command import Command
from .record_text import ago, counted, price_text, size_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from venice_widgets.session import Session

_SHOWN_ORPHANS = 5


def _doctor(session: Session, _: Mapping[str, Any]) -> Bundle:
    findings: list[list[Cell | str]] = []
    remedies: list[Bundle] = []
    for name, check in _CHECKS.items():
        try:
            findings += [[name, finding] for finding in check(session)]
        except VeniceError as exc:
            findings.append([name, exc.message])
            remedies += [notice(exc.remedy, kind="warning", title=name)] if exc.remedy else []
    well = len(findings) == len(_CHECKS) and not remedies
    footer = "Nothing is wrong." if well else None
    found = table(["part", "finding"], findings, caption="What venice-widgets found", footer=footer)
    return join(found, *_going_away(session), *remedies)


def _check_key(session: Session) -> list[str]:
    return [f"balance {amounts_text(session.balance()) or 'unknown'}"]


def _check_catalogue(session: Session) -> list[str]:
    catalogue = session.catalogue()
    makers = sum(model.generates for model in catalogue.models)
    found = [f"{makers} models, fetched {ago(catalogue.age_seconds)}"]
    if session.catalogue_keeper.problem is not None:
        found.append(f"could not be fetched again: {session.catalogue_keeper.problem.message}")
    return found + [f"{problem.name}: {problem.reason}" for problem in catalogue.problems]


def _going_away(session: Session) -> list[Bundle]:
    """The models that have an end; none where the catalogue cannot be read, which is a finding already."""
    with suppress(VeniceError):
        ends = [(each.id, each.deprecation) for each in session.catalogue().models if each.deprecation.stated]
        rows: list[list[Cell | str]] = [[Cell(name, code=True), end.short_text()] for name, end in ends]
        return [table(["model", "what becomes of it"], rows, caption="Models that are going away")] if rows else []
    return []


def _check_proxy(_: Session) -> list[str]:
    """Which proxy requests go through: a wrong one is a common reason why nothing can be reached."""
    found = [
        f"{kind}: {without_password(url)}" for kind, url in getproxies().items() if kind in ("http", "https", "all")
    ]
    return [", ".join(found) or "none"]


def without_password(url: str) -> str:
    """A proxy's URL without the password in it."""
    return re.sub(r"//[^/@]*@", "//…@", url)


def _check_store(session: Session) -> list[str]:
    session.log.recover()  # what other kernels left since this one opened the store
    health = session.log.doctor()
    facts = f"{size_text(health.size)}, journal {health.journal_mode}"
    found = [f"{health.folder}: {facts}, schema {health.schema_version}"]
    found += [
        f"run {record.run_id[-RUN_ENDING:]} may have been charged ({price_text(record)}): %venice resolve settles it"
        for record in health.unknown
    ]
    found += [f"run {record.run_id[-RUN_ENDING:]} is {record.status}" for record in health.under_way]
    if health.orphans:
        found.append(_orphans_text(session, health.orphans))
    for file in health.incoming:
        run = f"of run {file.run_id[-RUN_ENDING:]}" if file.run_id else "of no run"
        found.append(f"{file.path}: {run}, arriving now, or left by a program that ended: the next start stores it")
    return found


def _orphans_text(session: Session, orphans: Sequence[str]) -> str:
    """An image as it was received does not say which run made it: only another record of that run does."""
    paths = ", ".join(str(session.log.objects.path(sha256)) for sha256 in orphans[:_SHOWN_ORPHANS])
    more = " and more" if len(orphans) > _SHOWN_ORPHANS else ""
    return (
        f"{counted(len(orphans), 'file')} in objects/ of no run on record, which may have been paid for: "
        f"{paths}{more}. "
        "Importing an export that holds the run gives it back: %venice import FILE.zip. Nothing deletes it."
    )


_CHECKS: Mapping[str, Callable[[Session], list[str]]] = {
    "key": _check_key,
    "catalogue": _check_catalogue,
    "store": _check_store,
    "proxy": _check_proxy,
}

DOCTOR = Command("doctor", "Look for what is wrong.", _doctor)
