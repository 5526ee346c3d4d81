"""What the user should know before a response comes, a sentence each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from venice_widgets.client.catalogue_cache import FRESH_SECONDS
from venice_widgets.log import RUN_ENDING
from venice_widgets.request.checks import deprecation_text

from .run import from_log_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from venice_widgets.log import Recovered

    from .prepared import Prepared

_SHOWN_RUNS = 4


def opening_text(prepared: Prepared, left: str) -> str:
    """One line before anything is sent: the price, the model, what budgets leave, and what to know of both.

    Args:
        prepared: what is about to be sent.
        left: what the budgets leave, in words.
    """
    known = (*ending_notes(prepared), *age_notes(prepared)) if prepared.to_send else ()
    price = prepared.estimate.text if prepared.to_send else ""
    held = from_log_text(prepared.from_log, len(prepared.plan.seeds))
    parts = (price, held, prepared.request.model.id, left, *known)
    return " · ".join(part for part in parts if part)


def ending_notes(prepared: Prepared) -> tuple[str, ...]:
    """That its model is going away, or is answered by another one, and what that means for the price."""
    request = prepared.request
    near = request.model.deprecation.is_near()
    return (deprecation_text(request.model, request.stand_in, request.fields),) if near else ()


def age_notes(prepared: Prepared) -> tuple[str, ...]:
    """That its prices are old, since they could not be fetched anew."""
    if 0 <= prepared.price_age_seconds <= FRESH_SECONDS or not prepared.to_send:
        return ()
    if prepared.price_age_seconds < 0:
        return ("The clock was set back since the prices were fetched, and they may have changed.",)
    hours = f"{prepared.price_age_seconds / 3600:.1f}"
    return (f"The prices are {hours} hours old, since the list of models could not be fetched: they may have changed.",)


def known_notes(prepared: Prepared) -> tuple[str, ...]:
    """That the log holds what is sent once more."""
    if not (prepared.again and prepared.known):
        return ()
    runs = _endings([record.run_id for record in prepared.known.values()])
    return (f"The log held {'this request' if len(prepared.known) == 1 else 'these requests'} already (run {runs}).",)


def recovery_notes(recovered: Recovered) -> tuple[str, ...]:
    """What a session that ended too early left behind."""
    notes = []
    if recovered.unknown:
        notes.append(
            "An earlier session ended while requests were in flight; they may have been charged: "
            f"{_endings(recovered.unknown)}. %venice resolve RUN charged|not-charged settles each."
        )
    if recovered.completed:
        notes.append(
            "An earlier session ended before it showed what had arrived; %venice show RUN shows it at no cost: "
            f"{_endings(recovered.completed)}."
        )
    return tuple(notes)


def _endings(run_ids: Sequence[str]) -> str:
    shown = ", ".join(run_id[-RUN_ENDING:] for run_id in run_ids[:_SHOWN_RUNS])
    return shown if len(run_ids) <= _SHOWN_RUNS else f"{shown} and {len(run_ids) - _SHOWN_RUNS} more"
