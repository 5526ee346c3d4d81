"""One replay: look, send, judge, put the verdict on record, show both pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from venice_widgets.errors import ModelUnavailable
from venice_widgets.log import Status
from venice_widgets.request.spending import ask_person

from .prepare import look
from .show import replay_bundle
from .verdict import Circumstance, Verdict, judge, not_sent

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from venice_widgets.display import Bundle
    from venice_widgets.generation.result import Generation, Image
    from venice_widgets.log import RunRecord
    from venice_widgets.session import Session

    from .prepare import Outlook
    from .read_recipe import FoundRecipe


@dataclass(frozen=True, slots=True)
class Replay:
    """A replay and its verdict; shows both pictures and their difference."""

    outlook: Outlook
    verdict: Verdict
    generation: Generation | None = None
    """None where nothing was sent."""

    @property
    def run_id(self) -> str:
        """Of the replay; empty where nothing was sent."""
        return self.generation.runs[0].run_id if self.generation else ""

    @property
    def image(self) -> Image | None:
        """The picture that came."""
        images = self.generation.images if self.generation else ()
        return images[0] if images else None

    def bundle(self) -> Bundle:
        """The verdict, the pictures and the figures."""
        return replay_bundle(self)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle = self.bundle()
        return bundle.data, bundle.metadata


def replay(
    session: Session,
    source: str | RunRecord | FoundRecipe | Outlook,
    *,
    max_cost_usd: Decimal | str | float | None = None,
    yes: bool = False,
    anyway: bool = False,
    ask: Callable[[str], bool | None] | None = ask_person,
    on_tick: Callable[[Generation], None] | None = None,
) -> Replay:
    """Send a stored request again as it was, and judge what comes.

    A model that is gone and a request that cannot be repeated are verdicts, and cost nothing. So is a refusal.

    Args:
        session: what sends it.
        source: a run's id or unique ending, ``last``, its record, what `read_recipe` or `runs_in` found, or what
            `look` said of it.
        max_cost_usd: refuse to send if it could cost more US dollars.
        yes: the person has agreed to the price.
        anyway: send it even if it cannot come out the same (web search, a seed that is ignored).
        ask: puts a question to the person; None where nobody is there.
        on_tick: called twice a second while it waits.

    Raises:
        StoreError: no such run.
        SpendingRefused: too dear, of unknown price under a limit, or not agreed to.
        VeniceError: it was sent and failed; the run tells whether it may have been charged.
    """
    from .prepare import Outlook

    outlook = source if isinstance(source, Outlook) else look(session, source)
    if outlook.prepared is None or (outlook.doubts and not anyway):
        return Replay(outlook, not_sent(outlook))
    context = {"replay": {"changes": list(outlook.changes), "doubts": list(outlook.doubts)}}
    generation = session.send(outlook.prepared, max_cost_usd=max_cost_usd, yes=yes, ask=ask, context=context)
    session.await_generation(generation, on_tick)
    return _judged(session, outlook, generation)


def _judged(session: Session, outlook: Outlook, generation: Generation) -> Replay:
    run = generation.runs[0]
    if isinstance(run.error, ModelUnavailable):
        verdict = Verdict(grade=None, circumstances=(Circumstance.MODEL_GONE,), reasons=(str(run.error),))
    elif run.status in (Status.SUCCEEDED, Status.REFUSED):
        picture = run.images[0].data if run.images else None
        verdict = judge(outlook, session.log.get(run.run_id), picture)
    else:
        generation.raise_for_missing()
        raise AssertionError("a run without a picture has an error")
    session.log.record_verdict(verdict.record(run.run_id))
    return Replay(outlook, verdict, generation)
