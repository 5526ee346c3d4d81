"""Whether a priced request may be sent: the limit, the question to the user, and where no one can answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from venice_widgets.errors import NOTHING_SENT, SpendingRefused
from venice_widgets.money import usd_text
from venice_widgets.shell import has_terminal, in_kernel

from .catalogue import CLOCK_SKEW_SECONDS
from .fields import check_switch

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from venice_widgets.config import Settings

    from .estimate import Estimate

STALE_SECONDS = 24 * 3600.0
"""Prices older than this count as unknown under a limit."""


def allow(
    estimate: Estimate,
    settings: Settings,
    *,
    price_age_seconds: float = 0.0,
    max_cost_usd: Decimal | None = None,
    yes: bool = False,
    ask: Callable[[str], bool | None] | None = None,
) -> None:
    """Allow a generation, or refuse it before anything is sent.

    Args:
        estimate: what it will cost.
        settings: the standing limits.
        price_age_seconds: how old the prices are.
        max_cost_usd: the limit for this generation; it replaces the standing one, and confirms up to there.
        yes: the user has already confirmed.
        ask: puts a question to the user; None as its answer means that no one is there.

    Raises:
        InvalidRequest: `yes` is neither true nor false.
        SpendingRefused: dearer than the limit, of unknown price under a limit, or declined.
    """
    yes = check_switch("yes", yes)
    limit, name = (max_cost_usd, "--max-cost") if max_cost_usd is not None else (settings.max_cost_usd, "the limit of")
    for budget in _budgets(settings):
        _hold_bounded(estimate, budget, price_age_seconds)
    if limit is not None:
        _hold_limit(estimate, limit, f"{name} {usd_text(limit)}", price_age_seconds)
    if not (estimate.simulated or yes or max_cost_usd is not None):
        _hold_question(estimate, settings.confirm_above_usd, ask)


def _budgets(settings: Settings) -> list[str]:
    """The budgets that are set, in words; what they leave, the log decides as it reserves."""
    stated = [(scope, getattr(settings, f"{scope}_budget_usd")) for scope in ("session", "day", "project")]
    return [f"the {scope}'s budget of {usd_text(budget)}" for scope, budget in stated if budget is not None]


def _hold_bounded(estimate: Estimate, cap: str, price_age_seconds: float) -> None:
    """What has no known upper bound, or only old prices, passes no limit and no budget."""
    if estimate.upper_bound_usd is None:
        raise SpendingRefused(
            f"how much it can cost is unknown ({estimate.why_unbounded}), and {cap} is set.",
            f"Choose what has a price (%venice model ID), or lift that limit. {NOTHING_SENT}",
        )
    if not -CLOCK_SKEW_SECONDS <= price_age_seconds <= STALE_SECONDS:
        old = f"{price_age_seconds / 3600:.0f} hours old" if price_age_seconds > 0 else "dated in the future"
        raise SpendingRefused(
            f"the prices at hand are {old}, and {cap} is set.",
            f"Fetch them anew with %venice models --refresh. {NOTHING_SENT}",
        )


def _hold_limit(estimate: Estimate, limit: Decimal, name: str, price_age_seconds: float) -> None:
    _hold_bounded(estimate, name, price_age_seconds)
    most = estimate.upper_bound_usd
    if most is not None and most > limit:
        raise SpendingRefused(
            f"{estimate.formula} is more than {name}.",
            f"Ask for fewer or cheaper images, or raise the limit. {NOTHING_SENT}",
        )


def _hold_question(estimate: Estimate, above: Decimal, ask: Callable[[str], bool | None] | None) -> None:
    most = estimate.upper_bound_usd
    if most is not None and most <= above:
        return
    amount = "it, at a price that is not known" if most is None else usd_text(most)
    answer = ask(f"{estimate.formula}. Spend {amount}? [y/N] ") if ask else None
    if answer is None and most is None:
        raise SpendingRefused(
            f"{estimate.formula}. How much it can cost is unknown, and no one can answer here.",
            f"Give --yes (in Python yes=True), or choose what has a price (%venice model ID). {NOTHING_SENT}",
        )
    if answer is None:
        raise SpendingRefused(
            f"{estimate.formula} is more than is spent without asking ({usd_text(above)}), and no one can answer here.",
            "Give --yes or a sufficient --max-cost (in Python yes=True or max_cost_usd=), or raise "
            f"VENICE_CONFIRM_ABOVE. {NOTHING_SENT}",
        )
    if not answer:
        raise SpendingRefused(
            f"{estimate.formula} was declined.",
            f"Answer y, or confirm beforehand with --yes or a sufficient --max-cost. {NOTHING_SENT}",
        )


def ask_user(question: str) -> bool | None:
    """Put a yes-or-no question to the user of the notebook or terminal; None where no one can answer."""
    if not in_kernel() and not has_terminal():
        return None
    try:
        return input(question).strip().lower() in ("y", "yes")
    # A front end that takes no input, a lost or closed stdin, a terminal that cannot show the question.
    except (EOFError, OSError, RuntimeError, ValueError):
        return None
