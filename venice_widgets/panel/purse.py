"""Money and time as the log knows them: what was spent, what budgets leave, the balance, how long pictures take."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from venice_widgets.errors import VeniceError
from venice_widgets.log import Status
from venice_widgets.money import usd_text

if TYPE_CHECKING:
    from decimal import Decimal

    from venice_widgets.log import RunRecord
    from venice_widgets.session import Session

RECENT_RUNS = 15
"""How many runs of a model tell how long it usually takes."""


@dataclass(frozen=True, slots=True)
class Purse:
    """What was spent and what is left, as text."""

    spent: str = ""
    left: str = ""
    balance: str = ""

    @property
    def text(self) -> str:
        """One line; what is not known is left out."""
        return " · ".join(part for part in (self.spent, self.left, self.balance) if part)


def read_books(session: Session) -> Purse:
    """What the log knows; never the network."""
    spent = session.log.spent(session_id=session.session_id).total_usd
    simulated = "simulated: " if session.settings.demo else ""
    return Purse(spent=f"{simulated}spent here {usd_text(spent)}", left=session.left_text())


def read_balance(session: Session) -> str:
    """What the account says, over the network, at no cost."""
    try:
        amounts = session.balance().amounts
    except VeniceError as exc:
        return f"balance not known: {exc.message}"
    told = [_amount(name, amount) for name, amount in amounts.items() if amount or name == "USD"]
    return f"balance {', '.join(told) or 'not told'}"


def _amount(name: str, amount: Decimal) -> str:
    return usd_text(amount) if name == "USD" else f"{amount} {name}"


def usual_seconds(session: Session, model: str) -> float | None:
    """The median of what the model's last pictures took, in seconds; None where there is none."""
    runs = session.log.search(model=model, status=Status.SUCCEEDED, limit=RECENT_RUNS) if model else []
    times = [seconds for seconds in map(_seconds, runs) if seconds is not None]
    return median(times) if times else None


def _seconds(run: RunRecord) -> float | None:
    if run.sent_at is None or run.outcome is None:
        return None
    return (run.outcome.finished_at - run.sent_at).total_seconds()
