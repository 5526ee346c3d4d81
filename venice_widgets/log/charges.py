"""What was really charged: settled by hand, read from the ledger, or seen in the balance.

Three grades of knowledge with three names: a run's *estimate*; its *charge*, with its source; and the *difference* of
two balances, which is everything that the account paid for between them, by this program or any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from venice_widgets.errors import InvalidRequest, StoreError

from .records import RUN_ENDING, Status
from .rows import micro_usd
from .run_rows import BY_HAND, change_run

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from .records import RunRecord

LEDGER = "billing/usage-history"


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a ledger's entries met in the log."""

    charged: tuple[str, ...]
    """The runs whose charge is known now, or was known to be this."""
    strangers: tuple[str, ...]
    """The ledger's ids that no run here has: other programs, or runs that never got an answer."""


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
    """Settle an unknown run as a person says, which frees or keeps its reservation; it may be settled anew.

    Raises:
        StoreError: it is not unknown, or nobody can tell what it cost.
        InvalidRequest: an amount below zero, or one for a run that was not charged.
    """
    _check_amount(amount_usd)
    if not charged and amount_usd:
        raise InvalidRequest(f"a run that was not charged did not cost {amount_usd}.", "Leave the amount out.")
    if record.status != Status.UNKNOWN and record.charge_source != BY_HAND:
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


def record_charge(connection: sqlite3.Connection, run_id: str, amount_usd: Decimal, source: str) -> None:
    """Put on record what a run was charged, and who says so.

    Raises:
        StoreError: no such run.
        InvalidRequest: an amount below zero.
    """
    _check_amount(amount_usd)
    change_run(
        connection, run_id, {"charged_micro_usd": micro_usd(amount_usd), "charge_source": source}, *tuple(Status)
    )


def reconcile(connection: sqlite3.Connection, entries: Iterable[tuple[str, Decimal]], source: str) -> Reconciled:
    """Turn "estimated" into "charged" by the ids of answers; several entries of one id add up."""
    amounts: dict[str, Decimal] = {}
    for response_id, amount in entries:
        amounts[response_id] = amounts.get(response_id, type(amount)(0)) + amount
    charged, strangers = [], []
    for response_id, amount in amounts.items():
        rows = connection.execute("SELECT run_id FROM runs WHERE response_id = ?", (response_id,)).fetchall()
        if len(rows) != 1:
            strangers.append(response_id)
            continue
        record_charge(connection, rows[0]["run_id"], amount, source)
        charged.append(rows[0]["run_id"])
    return Reconciled(tuple(charged), tuple(strangers))


def balance_difference(records: Sequence[RunRecord], balance_after_usd: Decimal) -> BalanceDifference | None:
    """From the balance before the first of some runs to a later one; None where no answer told a balance.

    The header tells the balance *before* its request, and requests that were on their way together may tell the same
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


def _check_amount(amount_usd: Decimal | None) -> None:
    if amount_usd is not None and (not amount_usd.is_finite() or amount_usd < 0):
        raise InvalidRequest(f"{amount_usd} is no amount of dollars.", "Write it like 0.05.", field="amount")
