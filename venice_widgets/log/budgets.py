"""Limits that hold: what is left is computed from stored totals inside the transaction that reserves.

What counts as spent: the charge where it is known, else the reservation of what succeeded, is pending, sent or
unknown. What failed, was refused or was never sent is free.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from venice_widgets.errors import SpendingRefused
from venice_widgets.money import usd_text

from .rows import dollars, time_text

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from decimal import Decimal

    from .records import RunDraft

SCOPES = ("session", "day", "project")
_AMOUNTS = ("estimated_usd", "charged_usd", "reserved_usd", "unknown_usd", "margin_usd")


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """How much may be spent in all; None for no limit."""

    session_usd: Decimal | None = None
    """By the runs of one `RunDraft.session_id`."""
    day_usd: Decimal | None = None
    """From this store in one UTC day, by the runs' `created_at`."""
    project_usd: Decimal | None = None
    """From this store, ever."""

    def limit_usd(self, scope: str) -> Decimal | None:
        """The limit of ``session``, ``day`` or ``project``."""
        limit: Decimal | None = getattr(self, f"{scope}_usd")
        return limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What the runs of one scope cost."""

    runs: int
    estimated_usd: Decimal
    """Succeeded, charge not known: by the catalogue."""
    charged_usd: Decimal
    """By the ledger, or settled by hand."""
    reserved_usd: Decimal
    """Pending or in flight: at most."""
    unknown_usd: Decimal
    """May have been charged: at the most, until someone settles it."""
    margin_usd: Decimal
    """Succeeded, charge not known: by how much its reservation exceeds its estimate."""
    unpriced_runs: int
    """Runs of unknown price, which the amounts leave out."""

    @property
    def total_usd(self) -> Decimal:
        """What budgets count as spent."""
        return self.estimated_usd + self.margin_usd + self.charged_usd + self.reserved_usd + self.unknown_usd


@dataclass(frozen=True, slots=True)
class Left:
    """One limit and what of it is left."""

    scope: str
    """``session``, ``day`` or ``project``."""
    limit_usd: Decimal
    spent: Spent

    @property
    def left_usd(self) -> Decimal:
        """What may still be spent; below zero where a charge was dearer than its reservation."""
        return self.limit_usd - self.spent.total_usd

    def refuse_more(self, needed_usd: Decimal, what: str = "this") -> None:
        """Refuse what is more than is left.

        Raises:
            SpendingRefused: it names the limit and what is left of it.
        """
        if needed_usd > self.left_usd:
            raise SpendingRefused(
                f"{what} may cost {usd_text(needed_usd)}, and of the {self.scope}'s budget of "
                f"{usd_text(self.limit_usd)} {_spoken(self)}.",
                f"Raise {self.scope}_budget_usd, or ask for less. Nothing was sent.",
            )

    @property
    def text(self) -> str:
        """One line for people: ``day: $0.12 of $1.00 left``, and what is not settled."""
        held = self.spent.reserved_usd + self.spent.unknown_usd
        parts = [f"{self.scope}: {_signed(self.left_usd)} of {usd_text(self.limit_usd)} left"]
        if held:
            parts.append(f"{usd_text(held)} reserved or unknown")
        if self.spent.unpriced_runs:
            parts.append(f"{self.spent.unpriced_runs} runs of unknown price not counted")
        return ", ".join(parts)


def check(connection: sqlite3.Connection, drafts: Sequence[RunDraft], budgets: Budgets) -> None:
    """Refuse drafts that any limit does not cover; to be called in the transaction that inserts them.

    Raises:
        SpendingRefused: it names the limit and what is left of it.
    """
    for scope in SCOPES:
        limit = budgets.limit_usd(scope)
        if limit is not None:
            for name, group in _by_name(scope, drafts):
                _check_one(Left(scope, limit, spent(connection, scope, name)), group)


def left(connection: sqlite3.Connection, budgets: Budgets, session_id: str, moment: datetime) -> tuple[Left, ...]:
    """What is left of every limit that is set, the narrowest scope first."""
    names = {"session": session_id, "day": day_name(moment), "project": ""}
    limits = [(scope, budgets.limit_usd(scope)) for scope in SCOPES]
    return tuple(
        Left(scope, limit, spent(connection, scope, names[scope])) for scope, limit in limits if limit is not None
    )


def spent(connection: sqlite3.Connection, scope: str, name: str) -> Spent:
    """The stored total of one scope: nothing is summed up."""
    row = connection.execute("SELECT * FROM totals WHERE scope = ? AND name = ?", (scope, name)).fetchone()
    if row is None:
        return Spent(**dict.fromkeys(_AMOUNTS, dollars(0)), runs=0, unpriced_runs=0)
    return spent_of(row)


def spent_of(row: sqlite3.Row) -> Spent:
    """A row of totals as it is shown."""
    amounts = {name: dollars(row[name.removesuffix("_usd")]) for name in _AMOUNTS}
    return Spent(**amounts, runs=row["runs"], unpriced_runs=row["unpriced"])


def day_name(moment: datetime) -> str:
    """The UTC day of a moment, such as ``2026-11-22``."""
    return (time_text(moment) or "")[:10]


def _by_name(scope: str, drafts: Sequence[RunDraft]) -> Iterator[tuple[str, list[RunDraft]]]:
    groups: dict[str, list[RunDraft]] = {}
    for draft in drafts:
        name = {"session": draft.session_id, "day": day_name(draft.created_at), "project": ""}[scope]
        groups.setdefault(name, []).append(draft)
    yield from groups.items()


def _check_one(available: Left, drafts: Sequence[RunDraft]) -> None:
    needed = dollars(0)
    for draft in drafts:
        if draft.reserve_usd is None:
            raise SpendingRefused(
                f"the price of {draft.model} is unknown, and the {available.scope}'s budget of "
                f"{usd_text(available.limit_usd)} allows only what is priced.",
                f"Choose another model, or take {available.scope}_budget_usd out. Nothing was sent.",
            )
        needed += draft.reserve_usd
    available.refuse_more(needed)


def _spoken(available: Left) -> str:
    held = available.spent.reserved_usd + available.spent.unknown_usd
    note = f" ({usd_text(held)} is reserved for runs that are in flight or unknown: %venice doctor)" if held else ""
    return f"only {_signed(available.left_usd)} is left{note}"


def _signed(amount: Decimal) -> str:
    return usd_text(amount) if amount >= 0 else f"−{usd_text(-amount)}"
