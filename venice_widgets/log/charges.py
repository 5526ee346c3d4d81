"""What was really charged: settled by hand, read from the ledger, or seen in the balance.

Three grades of knowledge with three names: a run's *estimate*; its *charge*, with its source; and the *difference* of
two balances, which is everything that the account paid for between them, by this program or any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from venice_widgets.errors import InvalidRequest, StoreError, shown
from venice_widgets.money import usd_text

from . import arguments
from .records import RUN_ENDING, Status
from .rows import micro_usd, storable
from .run_rows import BY_HAND, change_run

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from .records import RunRecord

LEDGER = "billing/usage-history"
MOST_USD = Decimal(1_000_000)
"""More than this is a mistake and not what a request cost."""

LedgerEntry = tuple[str, Decimal] | tuple[str, Decimal, str]
"""One line of a ledger: the request's id, what it took in dollars, and the currency it took it from."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a ledger's entries met in the log."""

    charged: tuple[str, ...]
    """The runs whose charge is known now, or was known to be this."""
    strangers: tuple[str, ...]
    """The ledger's ids that belong to no run here: other programs, or runs that never got a response."""
    odd: tuple[str, ...] = ()
    """The runs for which the ledger adds up to what no request costs, such as less than nothing: left as they were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceDifference:
    """Two balances around some runs. Whatever else the account paid for meanwhile is in it."""

    before_usd: Decimal
    after_usd: Decimal
    runs: int
    estimated_usd: Decimal | None
    """What these runs should have cost; None where one has no estimate."""

    @property
    def difference_usd(self) -> Decimal:
        """By how much the balance fell."""
        return self.before_usd - self.after_usd


def resolve(connection: sqlite3.Connection, record: RunRecord, *, charged: bool, amount_usd: Decimal | None) -> None:
    """Settle an unknown run as the user says, which frees or keeps its reservation; it may be settled anew.

    Raises:
        StoreError: it is not unknown, or its cost is not known.
        InvalidRequest: an amount below zero, or one for a run that was not charged.
    """
    charged = arguments.switch(charged, "charged")
    amount_usd = None if amount_usd is None else arguments.amount(amount_usd, "amount", MOST_USD)
    if not charged and amount_usd:
        words = f"a run that was not charged did not cost {usd_text(amount_usd)}."
        raise InvalidRequest(words, "Leave the amount out. Nothing was changed.")
    by_hand = record.charge_source == BY_HAND and record.status == Status.FAILED
    if record.status != Status.UNKNOWN and not by_hand:
        raise StoreError(
            f"run {record.run_id[-RUN_ENDING:]} is {record.status}: there is nothing to settle.",
            "%venice doctor lists what is.",
        )
    amount = next((a for a in (amount_usd, record.draft.reserve_usd, record.draft.estimate_usd) if a is not None), None)
    if charged and amount is None:
        raise StoreError(
            f"the price of run {record.run_id[-RUN_ENDING:]} is unknown.",
            "Say what it cost, as the account's page shows it.",
        )
    changes = {
        "status": Status.UNKNOWN if charged else Status.FAILED,
        "charged_micro_usd": micro_usd(amount) if charged else 0,
        "charge_source": BY_HAND,
    }
    change_run(connection, record.run_id, changes, record.status)


def record_charge(
    connection: sqlite3.Connection, run_id: str, amount_usd: Decimal, source: str, currency: str | None = None
) -> None:
    """Put on record what a run was charged, to which currency, and who says so.

    Raises:
        StoreError: no such run.
        InvalidRequest: an amount below zero, or that is none.
    """
    changes = {
        "charged_micro_usd": micro_usd(arguments.amount(amount_usd, "amount", MOST_USD)),
        "charge_source": arguments.text(source, "source"),
        "charge_currency": currency,
    }
    change_run(connection, run_id, changes, *tuple(Status))


def reconcile(connection: sqlite3.Connection, entries: Iterable[LedgerEntry], source: str) -> Reconciled:
    """Turn "estimated" into "charged" by the ids of responses; several entries of one id add up.

    An entry that cannot be, such as a refund above its charge, stops nothing: its run is named and left as it was.
    """
    amounts: dict[str, list[Decimal]] = {}
    currencies: dict[str, set[str]] = {}
    for response_id, amount, *currency in map(_entry, entries):
        amounts.setdefault(response_id, []).append(amount)
        currencies.setdefault(response_id, set()).update(filter(None, currency))
    charged, strangers, odd = [], [], []
    for response_id, parts in amounts.items():
        rows = connection.execute("SELECT run_id FROM runs WHERE response_id = ?", (storable(response_id),)).fetchall()
        if len(rows) != 1:
            strangers.append(response_id)
            continue
        total = _total(parts)
        if total is None:
            odd.append(rows[0]["run_id"])
            continue
        currency_names = "+".join(sorted(currencies[response_id])) or None
        record_charge(connection, rows[0]["run_id"], total, source, currency_names)
        charged.append(rows[0]["run_id"])
    return Reconciled(tuple(charged), tuple(strangers), tuple(odd))


def _entry(entry: LedgerEntry) -> LedgerEntry:
    """An entry of the right shape; its amount may be any.

    Raises:
        InvalidRequest: it is not.
    """
    if (
        not isinstance(entry, tuple | list)
        or len(entry) not in (2, 3)
        or not isinstance(entry[1], Decimal)
        or not all(isinstance(part, str) for part in (entry[0], *entry[2:]))
    ):
        raise InvalidRequest(
            f"{shown(entry, repr)} is not a ledger's entry.",
            "It takes (request id, Decimal dollars) or (id, dollars, currency). Nothing was changed.",
            field="entries",
        )
    return entry


def _total(parts: Sequence[Decimal]) -> Decimal | None:
    """What a request cost by its entries; None where that cannot be."""
    if not all(part.is_finite() and abs(part) <= MOST_USD for part in parts):
        return None
    total = sum(parts, Decimal(0))
    return total if 0 <= total <= MOST_USD else None


def balance_difference(records: Sequence[RunRecord], balance_after_usd: Decimal) -> BalanceDifference | None:
    """From the balance before the first of some runs to a later one; None where no response named a balance.

    The header holds the balance *before* its request, and requests that were in flight together may name the same
    one: a difference belongs to all of the runs, never to one among them.

    Args:
        records: runs that were sent.
        balance_after_usd: a balance read after the last of them ended.
    """
    known = [r.outcome.balance_before_usd for r in records if r.outcome and r.outcome.balance_before_usd is not None]
    if not known:
        return None
    sent = [record for record in records if record.sent_at]
    free = (Status.FAILED, Status.REFUSED, Status.CANCELLED)
    estimates = [record.draft.estimate_usd for record in sent if record.status not in free]
    total = None if None in estimates else sum((e for e in estimates if e is not None), type(balance_after_usd)(0))
    return BalanceDifference(before_usd=max(known), after_usd=balance_after_usd, runs=len(sent), estimated_usd=total)
