"""`generate`: the ``%%venice`` cell as a Python function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from venice_widgets.generation.notices import age_notes
from venice_widgets.generation.progress import ProgressLine
from venice_widgets.request.spending import ask_user

from .current import current_session

if TYPE_CHECKING:
    from decimal import Decimal

    from venice_widgets.generation.result import Generation
    from venice_widgets.request.fields import Fields

    from .session import Session


def generate(
    prompt: str,
    *,
    images: int | None = None,
    max_cost_usd: Decimal | str | float | None = None,
    yes: bool = False,
    again: bool | None = False,
    session: Session | None = None,
    **fields: Unpack[Fields],
) -> Generation:
    """Make pictures and wait for them; a notebook or a terminal shows the price and the progress meanwhile.

    Args:
        prompt: what the pictures show; sent as it stands, 1 character up to the model's limit.
        images: how many pictures, 1 … 1000: each is a request of its own, with seeds s, s+1, …
        max_cost_usd: refuse to send if it could cost more US dollars, or if the price is unknown; it also says yes up
            to there.
        yes: do not ask before spending more than ``VENICE_CONFIRM_ABOVE``.
        again: send what the log holds already once more; otherwise a request whose seed was given is shown from the log
            at no cost, see `Session.build`.
        session: the session to use; None for the one that the magics use.
        fields: the parameters of ``POST /image/generate`` by the API's own names, see `venice_widgets.fields.Fields`.

    Raises:
        InvalidRequest: before anything is sent; names the field, the value, what is allowed and the nearest right one.
        SpendingRefused: too dear, of unknown price under a limit, or not agreed to.
        GenerationIncomplete: pictures are missing; what arrived is kept, and on the exception.
        Interrupted: stopped by hand; what was sent keeps being filed in the store.
        VeniceError: anything else that went wrong; see `venice_widgets.errors`.
    """
    session = session or current_session()
    prepared = session.build(prompt, images=images, again=again, **fields)
    parts = (prepared.estimate.text, prepared.request.model.id, session.left_text(), *age_notes(prepared))
    line = ProgressLine(" · ".join(filter(None, parts)))
    line.show(0, len(prepared.plan.seeds))
    try:
        generation = session.send_and_wait(
            prepared, max_cost_usd=max_cost_usd, yes=yes, ask=line.asking(ask_user), on_tick=line.tick
        )
    finally:
        line.clear()
    generation.raise_for_missing()
    return generation
