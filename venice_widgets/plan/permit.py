"""Whether a plan may be sent: every refusal that needs no question first, then the question, for the whole plan."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from venice_widgets.client.catalogue_cache import FRESH_SECONDS
from venice_widgets.client.payment_required import no_credentials
from venice_widgets.errors import CredentialsRefused, SpendingRefused
from venice_widgets.generation.may_send import refuse_uncovered
from venice_widgets.money import parse_usd, usd_text
from venice_widgets.request.catalogue import CLOCK_SKEW_SECONDS
from venice_widgets.request.spending import allow

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from venice_widgets.request.estimate import Estimate

    from .host import Host
    from .outlook import Outlook

_LOOK = "Look at it again, then run it. Nothing was sent."


def permit(
    outlook: Outlook,
    host: Host,
    *,
    shown: Outlook | None,
    max_cost_usd: Decimal | str | float | None,
    yes: bool,
    ask: Callable[[str], bool | None] | None,
) -> None:
    """Let a plan pass, or refuse it before anything is sent.

    Args:
        outlook: the plan at today's prices.
        host: the session.
        shown: the outlook that the user saw last; None where it saw none.
        max_cost_usd: the limit for this plan. It also confirms up to there.
        yes: the user has confirmed.
        ask: puts a question to the user.

    Raises:
        CredentialsRefused: there is no key.
        SpendingRefused: it is more than a limit, a budget or what was shown, or it was declined.
    """
    settings = host.settings
    if settings.credential is None:
        raise CredentialsRefused(*no_credentials())
    limit = None if max_cost_usd is None else parse_usd(max_cost_usd, "max_cost_usd")
    age = outlook.price_age_seconds
    allow(outlook.estimate, settings, price_age_seconds=age, max_cost_usd=limit, yes=True, ask=None)
    refuse_uncovered(outlook.estimate, host.log.left(host.budgets, host.session_id), "the plan")
    if limit is None and shown is not None:
        _hold_shown(outlook, shown)
    asked_at = time.time()
    allow(outlook.estimate, settings, price_age_seconds=age, max_cost_usd=limit, yes=yes, ask=ask)
    _refuse_old(time.time() - asked_at)


def _refuse_old(waited_seconds: float) -> None:
    """The question may have waited overnight for its answer."""
    if -CLOCK_SKEW_SECONDS <= waited_seconds <= FRESH_SECONDS:
        return
    when = f"{waited_seconds / 3600:.1f} hours ago" if waited_seconds > 0 else "before the clock was set back"
    raise SpendingRefused(f"it was priced {when}, and prices may have changed since.", _LOOK)


def _hold_shown(outlook: Outlook, shown: Outlook) -> None:
    """Never dearer than shown: prices may have changed since, and what the log holds."""
    now, before = outlook.estimate.upper_bound_usd, shown.estimate.upper_bound_usd
    if shown.estimate.simulated and not outlook.estimate.simulated:
        raise SpendingRefused("it was shown as simulated, and is paid for here.", _LOOK)
    if (outlook.again, outlook.resend_unknown) != (shown.again, shown.resend_unknown):
        is_dearer = any(_is_more(outlook.prices[index], shown.prices.get(index)) for index in outlook.to_send)
    else:
        is_dearer = before is not None and (now is None or now > before)
    if is_dearer:
        price = "another price" if before is None else usd_text(before)
        raise SpendingRefused(f"it was shown at {price}, and is {outlook.estimate.formula} by now.", _LOOK)


def _is_more(now: Estimate, before: Estimate | None) -> bool:
    """Whether a cell can cost more than was shown. More cells were asked for, so their sum says nothing."""
    most = None if before is None else before.upper_bound_usd
    return most is not None and (now.upper_bound_usd is None or now.upper_bound_usd > most)
