"""What a person should know before an answer comes, a sentence each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from venice_widgets.client.catalogue_cache import FRESH_SECONDS
from venice_widgets.log import RUN_ENDING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from venice_widgets.log import Recovered

    from .prepared import Prepared


def age_notes(prepared: Prepared) -> tuple[str, ...]:
    """That its prices are old, since they could not be fetched anew."""
    if prepared.price_age_seconds <= FRESH_SECONDS or not prepared.to_send:
        return ()
    hours = f"{prepared.price_age_seconds / 3600:.1f}"
    return (f"The prices are {hours} hours old, since the list of models could not be fetched: they may have changed.",)


def known_notes(prepared: Prepared) -> tuple[str, ...]:
    """That the log holds what is about to be sent again."""
    if prepared.reuse or not prepared.known:
        return ()
    endings = _endings(record.run_id for record in prepared.known.values())
    return (f"The log held this very request already (run {endings}); --reuse shows it for nothing.",)


def recovery_notes(recovered: Recovered) -> tuple[str, ...]:
    """What a session that ended too early left behind."""
    notes = []
    if recovered.unknown:
        notes.append(
            "An earlier session ended while requests were on their way; they may have been charged: "
            f"{_endings(recovered.unknown)}. %venice resolve RUN charged|not-charged settles each."
        )
    if recovered.completed:
        notes.append(
            "An earlier session ended before it showed what had arrived; %venice show RUN shows it for nothing: "
            f"{_endings(recovered.completed)}."
        )
    return tuple(notes)


def _endings(run_ids: Iterable[str]) -> str:
    return ", ".join(run_id[-RUN_ENDING:] for run_id in run_ids)
