"""A replay as a notebook shows it: the verdict, both pictures side by side with their difference, the figures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from venice_widgets.display import Bundle, Card, facts, join, notice, pictures
from venice_widgets.errors import VeniceError
from venice_widgets.generation.result import RUN_ENDING, seed_text
from venice_widgets.media.compare import Grade, difference_image
from venice_widgets.media.preview import preview

if TYPE_CHECKING:
    from collections.abc import Iterator

    from venice_widgets.media.compare import Comparison

    from .prepare import Outlook
    from .replay import Replay

AMPLIFICATION = 8


def outlook_bundle(outlook: Outlook) -> Bundle:
    """What is known before a replay is sent: its price and what has changed since."""
    past = outlook.past
    made = f"{past.made_at:%Y-%m-%d %H:%M} UTC" if past.made_at else "at an unknown time"
    lines = [f"**{outlook.price_text}** · {past.request.get('model')} · made {made}"]
    lines += [*outlook.changes] or ["Nothing that can be known has changed since."]
    lines += outlook.prepared.request.notes if outlook.prepared else ()
    lines += [f"{doubt} It is not sent without being asked for anyway." for doubt in outlook.doubts]
    lines += [f"Nothing can be sent: {outlook.obstacle}"] if outlook.obstacle else []
    return notice("\n".join(lines), kind="warning" if outlook.doubts or outlook.obstacle else "information")


def replay_bundle(replay: Replay) -> Bundle:
    """The whole of a replay."""
    verdict, past = replay.verdict, replay.outlook.past
    notes = [*verdict.reasons, *(change for change in replay.outlook.changes if change not in verdict.reasons)]
    if replay.generation is None:
        return notice("\n".join([f"**{verdict.text}**", *notes]), kind="warning", title="Replay")
    if verdict.compared_with == "preview" and verdict.comparison is not None:
        notes.append("Only a preview of the original was at hand: finer differences cannot be seen.")
    if len(replay.generation.images) > 1:
        notes.append("Of the pictures of this run the first alone is compared.")
    notes += replay.generation.notes
    shown = pictures(
        _of_one_shape(list(_cards(replay))),
        summary=f"**{verdict.text}** · {replay.generation.summary}",
        notes=list(dict.fromkeys(notes)),
        plain=f"replay of {past.run_id[-RUN_ENDING:] or 'an unknown run'}: {verdict.text} · run {replay.run_id[-8:]}",
        record=_record(replay),
    )
    comparison = verdict.comparison
    return join(shown, facts("How alike", _figures(comparison))) if comparison and comparison.psnr_db else shown


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
    yield _card(
        past.picture, prompt, heading="original", aside=past.run_id[-RUN_ENDING:], details=made, why=past.missing
    )
    data = image.data if image else None
    details = seed_text(image.seed) if image else ""
    why = "; ".join(replay.verdict.circumstances)
    yield _card(data, prompt, heading="replay", aside=replay.run_id[-RUN_ENDING:], details=details, why=why)
    same = replay.verdict.grade in (Grade.IDENTICAL_BYTES, Grade.IDENTICAL_PIXELS)
    if past.picture is not None and data is not None and replay.verdict.comparison is not None and not same:
        yield _difference(past.picture, data, is_preview=past.picture_kind == "preview")


def _of_one_shape(cards: list[Card]) -> list[Card]:
    """A place without a picture has the shape of the picture beside it."""
    seen = next((card for card in cards if card.data), None)
    if seen is None:
        return cards
    return [card if card.data else replace(card, width=seen.width, height=seen.height) for card in cards]


def _card(data: bytes | None, prompt: str, *, heading: str, aside: str, details: str, why: str) -> Card:
    if data is None:
        return Card(heading=heading, alt="", aside=aside, details=details, missing=why or "no picture")
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
        ("fine detail kept", f"{measured.detail_kept:.0%}"),
    ]
    return [(name, text) for name, text in pairs if text]


def _decibels(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} dB"


def _place(box: Any) -> str:
    return f" in {box[0]}, {box[1]} … {box[2]}, {box[3]} px" if box else ""
