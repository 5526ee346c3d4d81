"""One replay: check, send, judge, record the verdict, show both images with their difference and the figures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from venice_widgets.display import Bundle, Card, facts, image_cards, join, notice
from venice_widgets.errors import ModelUnavailable, StoreError, VeniceError
from venice_widgets.generation.result import seed_text
from venice_widgets.generation.run import interrupted
from venice_widgets.log import RUN_ENDING, Status
from venice_widgets.media.compare import Grade, difference_image
from venice_widgets.media.preview import preview
from venice_widgets.request.spending import ask_user

from .prepare import PreparedReplay, look
from .verdict import ANYWAY, Circumstance, Verdict, judge, not_sent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from decimal import Decimal

    from venice_widgets.generation.result import Generation, Image
    from venice_widgets.generation.run import Run
    from venice_widgets.media.compare import Comparison
    from venice_widgets.session import Session

    from .original import Source


AMPLIFICATION = 8


@dataclass(frozen=True, slots=True)
class Replay:
    """A replay and its verdict; shows both images and their difference."""

    outlook: PreparedReplay
    verdict: Verdict
    generation: Generation | None = None
    """None where nothing was sent."""
    outlook_is_shown: bool = False
    """Whether what was known before it was sent is shown above it, and need not be said again."""

    @property
    def run_id(self) -> str:
        """Of the replay; empty where nothing was sent."""
        return self.generation.runs[0].run_id if self.generation is not None else ""

    @property
    def image(self) -> Image | None:
        """The image that came."""
        images = self.generation.images if self.generation is not None else ()
        return images[0] if images else None

    def bundle(self) -> Bundle:
        """The verdict, the images and the figures."""
        return replay_bundle(self)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle = self.bundle()
        return bundle.data, bundle.metadata


def replay(
    session: Session,
    source: Source | PreparedReplay,
    *,
    max_cost_usd: Decimal | str | float | None = None,
    yes: bool = False,
    anyway: bool = False,
    ask: Callable[[str], bool | None] | None = ask_user,
    on_tick: Callable[[Generation], None] | None = None,
) -> Replay:
    """Send a stored request again as it was, and judge what comes.

    A model that is gone and a request that cannot be repeated are verdicts, and cost nothing. So is a refusal.

    Args:
        session: what sends it.
        source: see `past_of`; or what `look` returned.
        max_cost_usd: refuse to send if it could cost more US dollars.
        yes: the user has confirmed the price.
        anyway: send it even if it cannot come out the same (web search, a seed that is ignored).
        ask: asks the user a question; None where there is no one to ask.
        on_tick: called twice a second while it waits.

    Raises:
        StoreError: no such run.
        SpendingRefused: above the limit, of unknown price under a limit, or declined.
        VeniceError: it was sent and failed; the run says whether it may have been charged.
    """
    outlook = source if isinstance(source, PreparedReplay) else look(session, source)
    if outlook.prepared is None or (outlook.doubts and not anyway):
        return Replay(outlook, not_sent(outlook))
    context = {"replay": {"changes": list(outlook.changes), "doubts": list(outlook.doubts)}}
    generation = session.send_and_wait(
        outlook.prepared, max_cost_usd=max_cost_usd, yes=yes, ask=ask, context=context, on_tick=on_tick
    )
    try:
        return _judged(session, outlook, generation)
    except KeyboardInterrupt:
        raise interrupted(generation) from None


def _judged(session: Session, outlook: PreparedReplay, generation: Generation) -> Replay:
    run = generation.runs[0]
    if isinstance(run.error, ModelUnavailable):
        verdict = Verdict(grade=None, circumstances=(Circumstance.MODEL_GONE,), reasons=(str(run.error),))
    elif run.status in (Status.SUCCEEDED, Status.REFUSED):
        verdict = _verdict(session, outlook, run)
    else:
        generation.raise_for_missing()
        raise AssertionError("a run without an image has an error")
    try:
        session.log.record_verdict(verdict.record(run.run_id))
    except StoreError as exc:  # the image is paid for: it is shown all the same
        unwritten = f"This verdict could not be put on record: {exc.message}"
        verdict = replace(verdict, reasons=(*verdict.reasons, unwritten))
    return Replay(outlook, verdict, generation)


def _verdict(session: Session, outlook: PreparedReplay, run: Run) -> Verdict:
    """The verdict on a run that was answered; where the log cannot be read now, that it was not compared."""
    try:
        image_bytes = run.images[0].data if run.images else None
        return judge(outlook, session.log.get(run.run_id), image_bytes)
    except StoreError as exc:
        why = f"It could not be compared: {exc.message}"
        return Verdict(grade=None, circumstances=(Circumstance.NOT_COMPARED,), reasons=(why,))


def outlook_bundle(outlook: PreparedReplay, *, anyway: bool = False) -> Bundle:
    """What is known before a replay is sent: its price and what has changed since.

    Args:
        outlook: what `look` found.
        anyway: it is sent even if it cannot come out the same.
    """
    past = outlook.past
    made = f"{past.made_at:%Y-%m-%d %H:%M} UTC" if past.made_at else "at an unknown time"
    lines = [f"**{outlook.price_text}** · {past.request.get('model') or 'an unknown model'} · made {made}"]
    lines += past.notices
    if outlook.prepared is not None:
        lines += [*outlook.changes] or ["Nothing that can be known has changed since."]
        lines += outlook.prepared.request.notes
    lines += [*outlook.doubts, *([ANYWAY] if outlook.doubts and not anyway else [])]
    lines += [f"Nothing can be sent: {outlook.obstacle}"] if outlook.obstacle else []
    return notice("\n".join(lines), kind="warning" if outlook.doubts or outlook.obstacle else "information")


def replay_bundle(replay: Replay) -> Bundle:
    """The whole of a replay."""
    verdict, past = replay.verdict, replay.outlook.past
    notes = [*verdict.reasons, *replay.outlook.changes]
    if replay.generation is None:
        return notice("\n".join([f"**{verdict.text}**", *_news(replay, notes)]), kind="warning", title="Replay")
    if verdict.compared_with == "preview" and verdict.comparison is not None:
        notes.append("Only a preview of the original was available: finer differences cannot be seen.")
    if len(replay.generation.images) > 1:
        notes.append("Only the first image of this run is compared.")
    notes += replay.generation.notes
    shown = image_cards(
        _of_one_shape(list(_cards(replay))),
        summary=f"**{verdict.text}** · {replay.generation.summary}",
        notes=_news(replay, notes),
        plain=(
            f"replay of {past.run_id[-RUN_ENDING:] or 'an unknown run'}: {verdict.text}"
            f" · run {replay.run_id[-RUN_ENDING:]}"
        ),
        record=_record(replay),
    )
    comparison = verdict.comparison
    return join(shown, facts("How alike", _figures(comparison))) if comparison and comparison.psnr_db else shown


def _news(replay: Replay, notes: Iterable[str]) -> list[str]:
    """Each sentence once; what was said before it was sent only where it is a reason of the verdict."""
    known = {*replay.outlook.changes} - {*replay.verdict.reasons} if replay.outlook_is_shown else set()
    return [note for note in dict.fromkeys(notes) if note not in known]


def _record(replay: Replay) -> dict[str, Any]:
    assert replay.generation is not None  # noqa: S101  the caller looked
    verdict = replay.verdict
    judged = {
        "of": replay.outlook.past.run_id,
        "grade": str(verdict.grade) if verdict.grade else None,
        "circumstances": [str(kind) for kind in verdict.circumstances],
    }
    return {**replay.generation.record(), "replay": judged}


def _cards(replay: Replay) -> Iterator[Card]:
    past, image = replay.outlook.past, replay.image
    prompt = str(past.request.get("prompt", ""))
    made = f"{past.made_at:%Y-%m-%d}" if past.made_at else ""
    data = image.data if image else None
    details = seed_text(image.seed) if image else ""
    if data is not None and replay.verdict.grade is Grade.IDENTICAL_BYTES:
        runs = f"{past.run_id[-RUN_ENDING:]} = {replay.run_id[-RUN_ENDING:]}"
        yield _card(data, prompt, heading="original and replay, the same file", aside=runs, details=details, why="")
        return
    yield _card(
        past.image_bytes, prompt, heading="original", aside=past.run_id[-RUN_ENDING:], details=made, why=past.missing
    )
    why = "; ".join(replay.verdict.circumstances)
    yield _card(data, prompt, heading="replay", aside=replay.run_id[-RUN_ENDING:], details=details, why=why)
    same = replay.verdict.grade in (Grade.IDENTICAL_BYTES, Grade.IDENTICAL_PIXELS)
    if past.image_bytes is not None and data is not None and replay.verdict.comparison is not None and not same:
        yield _difference(past.image_bytes, data, is_preview=past.image_kind == "preview")


def _of_one_shape(cards: list[Card]) -> list[Card]:
    """A place without an image has the shape of the image beside it."""
    seen = next((card for card in cards if card.data), None)
    if seen is None:
        return cards
    return [card if card.data else replace(card, width=seen.width, height=seen.height) for card in cards]


def _card(data: bytes | None, prompt: str, *, heading: str, aside: str, details: str, why: str) -> Card:
    if data is None:
        return Card(heading=heading, alt="", aside=aside, details=details, missing=why or "no image")
    try:
        small = preview(data)
    except VeniceError as exc:
        return Card(heading=heading, alt="", aside=aside, details=details, missing=exc.message)
    return Card(
        heading=heading, alt=f"{heading}: {prompt}", aside=aside, details=details,
        data=small.data, mime=small.mime, width=small.width, height=small.height,
    )  # fmt: skip


def _difference(original: bytes, replayed: bytes, *, is_preview: bool) -> Card:
    heading = "difference"
    try:
        data = difference_image(
            original, preview(replayed).data if is_preview else replayed, amplification=AMPLIFICATION
        )
    except VeniceError as exc:
        return Card(heading=heading, alt="", missing=exc.message)
    words = f"differences × {AMPLIFICATION}; black is the same"
    return _card(data, words, heading=heading, aside="", details=words, why="")


def _figures(measured: Comparison) -> list[tuple[str, str]]:
    pairs = [
        ("PSNR", _decibels(measured.psnr_db)),
        ("worst tile", f"{_decibels(measured.worst_tile_psnr_db)}{_place(measured.worst_tile)}"),
        ("tiles changed", f"{measured.changed_share:.1%}{_place(measured.changed_area)}"),
        ("structure (SSIM)", f"{measured.ssim:.3f}"),
        ("perceptual hash", f"{measured.hash_distance} of 64 bits differ"),
        ("fine detail left", f"{measured.detail_kept:.0%}"),
    ]
    return [(name, text) for name, text in pairs if text]


def _decibels(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} dB"


def _place(box: Any) -> str:
    return f" in {box[0]}, {box[1]} … {box[2]}, {box[3]} px" if box else ""
