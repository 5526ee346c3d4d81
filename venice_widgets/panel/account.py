"""Money and time as the log and the account know them: spent, what budgets leave, the balance, how long images take."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from venice_widgets.errors import VeniceError
from venice_widgets.log import Status
from venice_widgets.money import usd_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from venice_widgets.log import RunRecord
    from venice_widgets.session import Session

DEMO = "Demo · simulated, nothing is charged"
RECENT_RUNS = 15
"""How many runs of a model tell how long it usually takes."""


@dataclass(frozen=True, slots=True)
class Account:
    """What was spent and what is left."""

    spent: str = ""
    left: str = ""
    left_usd: Mapping[str, Decimal] = field(default_factory=dict)
    """Budget -> what it leaves."""


def account_name(session: Session) -> str:
    """Where a click goes and which account pays."""
    settings = session.settings
    if settings.demo:
        return DEMO
    secret = settings.credential
    kind = "key" if secret is settings.api_key else "wallet"
    payer = f"{kind} {secret.masked}" if secret else "no key"
    host = settings.base_url.split("//")[-1].split("/")[0]
    return f"Real · {host} · {payer}"


def read_account(session: Session) -> Account:
    """What the log knows; never the network."""
    spent = session.log.spent(session_id=session.session_id)
    told = f"spent here {usd_text(spent.estimated_usd + spent.charged_usd)}"
    open_usd = spent.reserved_usd + spent.unknown_usd + spent.margin_usd
    if open_usd:
        told += f", {usd_text(open_usd)} more may be charged"
    left = session.log.left(session.budgets, session.session_id)
    return Account(
        spent=f"{'simulated: ' if session.settings.demo else ''}{told}",
        left=" · ".join(f"{one.scope} budget leaves {usd_text(max(one.left_usd, one.left_usd * 0))}" for one in left),
        left_usd={one.scope: one.left_usd for one in left},
    )


def read_balance(session: Session) -> str:
    """What the account says, over the network, at no cost; empty where there is no account."""
    if session.settings.credential is None:
        return ""
    try:
        amounts = session.balance().amounts
    except VeniceError as exc:
        return f"balance not known: {exc.message}"
    stated = [_amount(name, amount) for name, amount in amounts.items() if amount or name == "USD"]
    return f"balance {', '.join(stated) or 'not stated'}"


def _amount(name: str, amount: Decimal) -> str:
    return usd_text(amount) if name == "USD" else f"{amount} {name}"


def usual_seconds(session: Session, model: str) -> float | None:
    """The median of what the model's last images took, in seconds; None where there is none."""
    runs = session.log.search(model=model, status=Status.SUCCEEDED, limit=RECENT_RUNS) if model else []
    times = [seconds for seconds in map(_seconds, runs) if seconds is not None]
    return round(median(times), 1) if times else None


def _seconds(run: RunRecord) -> float | None:
    if run.sent_at is None or run.outcome is None:
        return None
    return (run.outcome.finished_at - run.sent_at).total_seconds()
