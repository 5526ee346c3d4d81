"""Whether a prepared generation may be sent, and, while it is sent, whether the rest of it still may.

Before: there is a key, the price is no older than an hour, and the limits and the user allow it. While it runs: a limit
that the user lowers in another cell holds from then on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from venice_widgets.client.catalogue_cache import FRESH_SECONDS
from venice_widgets.client.payment_required import no_credentials
from venice_widgets.config import LIMITS
from venice_widgets.errors import ConfigurationError, CredentialsRefused, SpendingRefused
from venice_widgets.log import Budgets
from venice_widgets.request.spending import STALE_SECONDS, allow

from .error_budget import SEND_THE_REST

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from decimal import Decimal

    from venice_widgets.config import Settings
    from venice_widgets.log import Left
    from venice_widgets.request.estimate import Estimate

    from .prepared import Prepared

_CLOCK_SKEW_SECONDS = 60.0
"""So much a clock may be set back by its own corrections."""


def budgets_of(settings: Settings) -> Budgets:
    """The limits on what may be spent in all."""
    return Budgets(
        session_usd=settings.session_budget_usd,
        day_usd=settings.day_budget_usd,
        project_usd=settings.project_budget_usd,
    )


def allow_sending(
    prepared: Prepared,
    settings: Settings,
    max_cost_usd: Decimal | None,
    ask: Callable[[str], bool | None] | None,
    *,
    yes: bool,
    left: Callable[[Budgets], Sequence[Left]],
) -> None:
    """Allow a generation, or refuse it before anything is sent.

    Args:
        prepared: what is to be sent.
        settings: the key and the standing limits.
        max_cost_usd: the limit for this generation, in place of the standing one; it also confirms a price up to it.
        ask: puts a question to the user; None where no question is asked.
        yes: the user has confirmed the price.
        left: what the log says that budgets leave.

    Raises:
        CredentialsRefused: there is no key.
        SpendingRefused: too expensive, of unknown price under a limit, not confirmed, or priced over an hour ago.
    """
    if settings.credential is None:
        raise CredentialsRefused(*no_credentials())
    _refuse_old(prepared)
    refuse_uncovered(prepared.estimate, left(budgets_of(settings)))
    allow(
        prepared.estimate,
        settings,
        price_age_seconds=_age_for_limits(prepared),
        max_cost_usd=max_cost_usd,
        yes=yes,
        ask=ask,
    )
    _refuse_old(prepared)  # the question may have waited overnight for its answer


def refuse_uncovered(estimate: Estimate, left: Sequence[Left], what: str = "this") -> None:
    """Refuse what the budgets do not cover, before the user is asked. The log decides again as it reserves.

    Raises:
        SpendingRefused: it names the budget and what is left of it.
    """
    most = estimate.upper_bound_usd
    if most is not None:  # what has no upper bound no budget allows
        for one in left:
            one.refuse_more(most, what)


def refuse_lowered(
    estimate: Estimate,
    before: Settings,
    max_cost_usd: Decimal | None,
    *,
    now: Callable[[], Settings],
    left: Callable[[Budgets], Sequence[Left]],
) -> None:
    """Refuse the rest of a generation or plan where a limit was lowered while it runs.

    Args:
        estimate: the price of what is being sent.
        before: the settings under which it was allowed.
        max_cost_usd: the limit for this one, in place of the standing one.
        now: reads the settings as they are stated now.
        left: what the log says that budgets leave.

    Raises:
        SpendingRefused: the limits of now do not allow it.
    """
    try:
        settings = now()
        if all(getattr(settings, name) == getattr(before, name) for name in LIMITS):
            return
        allow(estimate, settings, max_cost_usd=max_cost_usd, yes=True)
        _refuse_overdrawn(left(budgets_of(settings)))
    except (SpendingRefused, ConfigurationError) as exc:
        raise SpendingRefused(
            f"a limit was changed while this ran: {exc.message}",
            f"The rest was not sent. {SEND_THE_REST}",
        ) from exc


def _refuse_overdrawn(left: Sequence[Left]) -> None:
    if short := next((one for one in left if one.left_usd < 0), None):
        raise SpendingRefused(f"the {short.scope}'s budget does not cover the rest.")


def _age_for_limits(prepared: Prepared) -> float:
    """How old the prices are; where the clock was set back it cannot be known, so they are too old."""
    age = prepared.price_age_seconds
    return age if age >= -_CLOCK_SKEW_SECONDS else max(-age, STALE_SECONDS + 1)


def _refuse_old(prepared: Prepared) -> None:
    if -_CLOCK_SKEW_SECONDS <= prepared.age_seconds <= FRESH_SECONDS:
        return
    when = f"{prepared.age_seconds / 3600:.1f} hours ago"
    if prepared.age_seconds < 0:
        when = "before the clock was set back"
    raise SpendingRefused(
        f"it was priced {when}, and prices may have changed since.",
        "Build it again, or run the cell again. Nothing was sent.",
    )
