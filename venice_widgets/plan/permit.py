"""Whether a plan may be sent: every refusal that needs no question first, then the question, for the whole plan."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from venice_widgets.client.payment_required import no_credentials
from venice_widgets.errors import CredentialsRefused, SpendingRefused
from venice_widgets.generation.may_send import refuse_uncovered
from venice_widgets.money import parse_usd, usd_text
from venice_widgets.request.spending import allow

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from .host import Host
    from .outlook import Outlook


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
    if not (settings.api_key or settings.wallet_key):
        raise CredentialsRefused(*no_credentials())
    limit = None if max_cost_usd is None else parse_usd(max_cost_usd, "max_cost_usd")
    age = outlook.price_age_seconds
    allow(outlook.estimate, settings, price_age_seconds=age, max_cost_usd=limit, yes=True, ask=None)
    refuse_uncovered(outlook.estimate, host.log.left(host.budgets, host.session_id), "the plan")
    if limit is None:
        _hold_shown(outlook, shown)
    allow(outlook.estimate, settings, price_age_seconds=age, max_cost_usd=limit, yes=yes, ask=ask)


def _hold_shown(outlook: Outlook, shown: Outlook | None) -> None:
    """Never dearer than shown: prices may have changed since."""
    now, before = outlook.estimate.upper_bound_usd, shown.estimate.upper_bound_usd if shown else None
    if shown is None or before is None or (now is not None and now <= before):
        return
    if outlook.to_send != shown.to_send and outlook.prices_fetched_at == shown.prices_fetched_at:
        return  # the same prices: only what the log holds has changed, or `again` was asked for
    raise SpendingRefused(
        f"it was shown at {usd_text(before)}, and is {outlook.estimate.formula} by now.",
        "Look at it again, then run it. Nothing was sent.",
    )
