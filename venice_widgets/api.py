"""`generate` and `replay`: the ``%%venice`` cell and ``%venice replay`` as Python functions."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Unpack

from venice_widgets.generation.copies import copies_of
from venice_widgets.generation.notices import opening_text
from venice_widgets.generation.progress import ProgressLine, tell
from venice_widgets.generation.run import interrupted
from venice_widgets.request.spending import ask_user

from .current import session_or_current
from .shell import drops_value, in_kernel, running_shell

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal
    from pathlib import Path

    from venice_widgets.generation.result import Generation, Image
    from venice_widgets.log import RunRecord
    from venice_widgets.request.fields import Fields

    from .replays import PreparedReplay, Replay
    from .replays.read_recipe import FoundRecipe
    from .session import Session

_SHOWN_FILES = 20


def generate(
    prompt: str,
    *,
    images: int | None = None,
    max_cost_usd: Decimal | str | float | None = None,
    yes: bool = False,
    again: bool | None = False,
    save: str | Path | None = None,
    metadata: str = "full",
    session: Session | None = None,
    **fields: Unpack[Fields],
) -> Generation:
    """Make images and wait for them, telling the price, the progress and where the images are.

    In a notebook, images whose value is not used (in a loop, or before the last line of a cell) are displayed; a
    program gets plain lines on standard error.

    Args:
        prompt: what the images show; sent unchanged, 1 character up to the model's limit.
        images: how many images, 1 … 1000: each is a request of its own, with seeds s, s+1, …
        max_cost_usd: refuse to send if it could cost more US dollars, or if the price is unknown; it also confirms a
            price up to it.
        yes: do not ask before spending more than ``VENICE_CONFIRM_ABOVE``.
        again: send what the log holds already once more; otherwise a request whose seed was given is shown from the log
            at no cost, see `Session.build`.
        save: a file for a copy of each image, such as ``fox-{seed}.{ext}``; checked before anything is sent, and never
            overwriting.
        metadata: how much of the recipe the copies carry: full, no-prompt, none, original.
        session: the session to use; None for the one that the magics use.
        fields: the parameters of ``POST /image/generate`` by the API's own names, see `venice_widgets.request.fields`.

    Raises:
        InvalidRequest: before anything is sent; names the field, the value, what is allowed and the nearest right one.
        SpendingRefused: too expensive, of unknown price under a limit, or declined.
        GenerationIncomplete: images are missing; what arrived is stored, and on the exception.
        Interrupted: the user stopped it; what was sent is still stored as it arrives.
        VeniceError: anything else that went wrong; see `venice_widgets.errors`.
    """
    session = session_or_current(session)
    copies = copies_of(save, metadata)
    prepared = session.build(prompt, images=images, again=again, **fields)
    if copies:
        copies.check(prepared)
    line = ProgressLine(opening_text(prepared, session.left_text()))
    line.show(len(prepared.from_log), len(prepared.plan.seeds))
    try:
        generation = session.send_and_wait(
            prepared, max_cost_usd=max_cost_usd, yes=yes, ask=line.asking(ask_user), on_tick=line.tick
        )
    except BaseException:
        line.clear()
        raise
    try:
        line.finish(generation)
        written = copies.write(generation) if copies else None
        files = written.files if written else tuple(image.path for image in generation.images)
        notes = [note for note in generation.notes if note not in line.told]
        _show(generation, files, (*notes, *(written.notices if written else ())))
        generation.raise_for_missing()
    except KeyboardInterrupt:
        raise interrupted(generation) from None
    if written and written.problem:
        raise written.problem
    return generation


def replay(
    source: str | Path | Image | RunRecord | FoundRecipe | PreparedReplay,
    *,
    max_cost_usd: Decimal | str | float | None = None,
    yes: bool = False,
    anyway: bool = False,
    session: Session | None = None,
) -> Replay:
    """Send a stored request once more as it was, and judge the image by the original: always a new image, and paid for.

    What is gone or cannot come out the same is a verdict that costs nothing; its ``verdict`` says why.

    Args:
        source: a run's id or unique ending, ``last``, its record or one of its images; a file of an image or a recipe;
            what `read_recipe` or `runs_in` found.
        max_cost_usd: refuse to send if it could cost more US dollars, or if the price is unknown; it also confirms a
            price up to it.
        yes: do not ask before spending more than ``VENICE_CONFIRM_ABOVE``.
        anyway: send it even if it cannot come out the same (web search, a seed that is ignored).
        session: the session to use; None for the one that the magics use.

    Raises:
        StoreError: there is no such run.
        UnreadableFile: the file cannot be read, or does not say what made it.
        SpendingRefused: above the limit, of unknown price under a limit, or declined.
        VeniceError: it was sent and failed; the run says whether it may have been charged.
    """
    from . import replays

    session = session_or_current(session)
    outlook = replays.look(session, source) if not isinstance(source, replays.PreparedReplay) else source
    line = ProgressLine(outlook.price_text)
    try:
        return replays.replay(
            session,
            outlook,
            max_cost_usd=max_cost_usd,
            yes=yes,
            anyway=anyway,
            ask=line.asking(ask_user),
            on_tick=line.tick,
        )
    finally:
        line.clear()


def _show(generation: Generation, files: Sequence[Path], notes: Sequence[str]) -> None:
    """Show what would not be shown otherwise: IPython shows a cell's last value alone, and Python shows none."""
    unused = running_shell() is None or drops_value(sys._getframe(2))  # noqa: SLF001  the caller of `generate`
    if not (unused and generation.images):
        return
    if in_kernel():
        from IPython.display import display

        display(generation)
        return
    more = [f"and {len(files) - _SHOWN_FILES} more"] if len(files) > _SHOWN_FILES else []
    tell(generation.summary, *(f"  {file}" for file in files[:_SHOWN_FILES]), *more, *notes)
