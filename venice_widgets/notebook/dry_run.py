"""``--dry-run``: the request as it would be sent, its price, and what a limit would say of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from venice_widgets.display import Bundle, code, join, notice
from venice_widgets.errors import SpendingRefused
from venice_widgets.generation.may_send import refuse_uncovered
from venice_widgets.generation.notices import age_notes, known_notes
from venice_widgets.request.spending import allow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from venice_widgets.generation.prepared import Prepared
    from venice_widgets.session import Session

SHOWN_BODIES = 4


def dry_run(session: Session, prepared: Prepared, options: Mapping[str, Any]) -> Bundle:
    """Everything about a request, which is not sent."""
    bodies = prepared.bodies()
    shown: Any = bodies[0] if len(bodies) == 1 else bodies[:SHOWN_BODIES]
    parts = [notice("\n".join(_price_lines(prepared)), kind="information")]
    if bodies:
        parts.append(code(json.dumps(shown, indent=2, ensure_ascii=False), language="json"))
    parts += limit_notices(session, prepared, options)
    if prepared.known and not prepared.again:
        parts.append(notice(_from_the_log(prepared), kind="information"))
    if len(bodies) > SHOWN_BODIES:
        rest = f"{len(bodies) - SHOWN_BODIES} more differ from these only in their seed, up to {bodies[-1]['seed']}."
        parts.append(notice(rest, kind="information"))
    if prepared.plan.drawn:
        parts.append(notice("Without --seed, new seeds are drawn when it is sent.", kind="information"))
    parts += [
        notice(note, kind="note") for note in (*age_notes(prepared), *known_notes(prepared), *prepared.request.notes)
    ]
    return join(*parts)


def limit_notices(session: Session, prepared: Prepared, options: Mapping[str, Any]) -> list[Bundle]:
    """What the budgets leave, and what a limit or a budget would say; none where there is nothing to say."""
    left, refusal = session.left_text(), _refusal(session, prepared, options)
    said = [notice(f"{left[:1].upper()}{left[1:]}.", kind="information")] if left else []
    return said + ([notice(f"It would be refused: {refusal}", kind="warning")] if refusal else [])


def _price_lines(prepared: Prepared) -> tuple[str, ...]:
    priced = prepared.estimate.price_usd is not None
    basis = f"By {prepared.estimate.basis} in the catalogue. " if priced else ""
    return prepared.estimate.text, f"{basis}Nothing was sent."


def _from_the_log(prepared: Prepared) -> str:
    held, seeds = len(prepared.known), len(prepared.plan.seeds)
    return f"{held} of {seeds} would be shown from the log, at no cost; --again sends all."


def _refusal(session: Session, prepared: Prepared, options: Mapping[str, Any]) -> str:
    """What a limit or a budget would say of it; empty where none does."""
    try:
        refuse_uncovered(prepared.estimate, session.log.left(session.budgets, session.session_id))
        allow(
            prepared.estimate,
            session.settings,
            price_age_seconds=prepared.price_age_seconds,
            max_cost_usd=options.get("max_cost"),
            yes=True,
        )
    except SpendingRefused as exc:
        return exc.message
    return ""
