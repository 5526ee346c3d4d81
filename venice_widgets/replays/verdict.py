"""The verdict on a replay: how alike the images are, and apart from that what else is to be known of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from venice_widgets.errors import VeniceError
from venice_widgets.log import Status, VerdictRecord
from venice_widgets.log.provenance import SERVICE_VERSION
from venice_widgets.media.compare import Comparison, Grade, compare
from venice_widgets.media.preview import preview

if TYPE_CHECKING:
    from collections.abc import Iterator

    from venice_widgets.log import RunRecord

    from .original import Original
    from .prepare import PreparedReplay
    from .read_recipe import ImageKind


ANYWAY = "Add --anyway (in Python: anyway=True) to send it all the same."
"""How to send a replay that cannot come out the same."""


class Circumstance(StrEnum):
    """What is to be known of a replay besides its grade."""

    REFUSED = "refused"
    """The content policy refused it."""
    BLURRED = "blurred"
    """One of the two was blurred by safe mode."""
    SIZE_CHANGED = "size changed"
    MODEL_GONE = "model gone"
    """Nothing was sent."""
    ANOTHER_MODEL = "another model"
    """Another model answered than the one that answered the original."""
    SERVICE_CHANGED = "service changed"
    """Another version of the service, or another address."""
    NOT_REPLAYABLE = "not replayable"
    """It could not be sent as it was, or could not come out the same: web search, a seed that is ignored."""
    NOT_COMPARED = "not compared"
    """There are no two images to compare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The result of a replay."""

    grade: Grade | None
    """How alike the images are; None where there are no two to compare."""
    circumstances: tuple[Circumstance, ...] = ()
    reasons: tuple[str, ...] = ()
    """The circumstances in sentences."""
    comparison: Comparison | None = None
    compared_with: ImageKind = "received"
    """The original as received, a copy of it, or a notebook's preview of it (then `equivalent` is the best grade)."""

    @property
    def text(self) -> str:
        """In words: ``identical bytes``; ``different · blurred``."""
        return " · ".join(filter(None, (self.grade, *self.circumstances))) or "no verdict"

    def record(self, run_id: str) -> VerdictRecord:
        """As the log stores it."""
        figures: dict[str, Any] = {"compared_with": self.compared_with, "reasons": list(self.reasons)}
        if self.comparison is not None:
            figures |= asdict(self.comparison) | {"grade": str(self.comparison.grade)}
        return VerdictRecord(
            run_id=run_id,
            judged_at=datetime.now(UTC),
            grade=str(self.grade) if self.grade else None,
            circumstances=tuple(map(str, self.circumstances)),
            figures=figures,
        )


def not_sent(outlook: PreparedReplay) -> Verdict:
    """The verdict on a replay that was not sent, because it cannot be or cannot come out the same."""
    kind = Circumstance.MODEL_GONE if outlook.model_gone else Circumstance.NOT_REPLAYABLE
    sentences = (_sentence(outlook.obstacle),) if outlook.obstacle else (*outlook.doubts, ANYWAY)
    return Verdict(grade=None, circumstances=(kind,), reasons=(*sentences, "Nothing was sent."))


def judge(outlook: PreparedReplay, replay: RunRecord, image_bytes: bytes | None) -> Verdict:
    """Compare a run's image with the one that it repeats.

    Args:
        outlook: what was known before it was sent.
        replay: the run as it ended.
        image_bytes: the image as received; None where there is none.
    """
    past = outlook.past
    found = list(_circumstances(outlook, replay))
    comparison, why = _compared(past, replay, image_bytes)
    if comparison is None and replay.status is Status.SUCCEEDED:
        found.append((Circumstance.NOT_COMPARED, why))
    if comparison is not None and comparison.size_changed:
        sizes = f"{replay.images[0].width} × {replay.images[0].height}"
        found.append((Circumstance.SIZE_CHANGED, f"The replay is {sizes} pixels, unlike the original."))
    proven = comparison is not None and comparison.grade is Grade.IDENTICAL_BYTES
    return Verdict(
        grade=comparison.grade if comparison else None,
        circumstances=tuple(dict.fromkeys(kind for kind, _ in found)),
        reasons=tuple(reason for _, reason in found),
        comparison=comparison,
        compared_with="received" if proven else past.image_kind,
    )


def _circumstances(outlook: PreparedReplay, replay: RunRecord) -> Iterator[tuple[Circumstance, str]]:
    past, outcome = outlook.past, replay.outcome
    if difference := _another_model(past, replay):
        yield Circumstance.ANOTHER_MODEL, difference
    if replay.status is Status.REFUSED:
        yield Circumstance.REFUSED, "Venice refused it: content violation. It was not charged."
    if outcome is not None and outcome.blurred and not past.blurred:
        yield Circumstance.BLURRED, "Safe mode blurred the replay; the original was not blurred."
    elif past.blurred and outcome is not None and outcome.blurred is False:
        yield Circumstance.BLURRED, "Safe mode had blurred the original; the replay is not blurred."
    for reason in _service_changes(past, replay):
        yield Circumstance.SERVICE_CHANGED, reason
    for doubt in outlook.doubts:
        yield Circumstance.NOT_REPLAYABLE, doubt


def _another_model(past: Original, replay: RunRecord) -> str:
    """Which models answered, where they are not the same: the first cause of any difference."""
    asked = str(past.request.get("model"))
    then, now = past.model_id or asked, (replay.outcome.served_model if replay.outcome else "") or asked
    if now == then:
        return ""
    why = f" {asked} is answered by another model now." if then == asked else ""
    return f"{now} answered the replay, and {then} the original.{why}"


def _service_changes(past: Original, replay: RunRecord) -> Iterator[str]:
    headers = replay.outcome.headers if replay.outcome else {}
    version = headers.get(SERVICE_VERSION, "")
    if past.base_url and past.base_url != replay.draft.base_url:
        yield f"The original came from {past.base_url}, the replay from {replay.draft.base_url}."
    if past.service_version and version and version != past.service_version:
        yield f"The service was version {past.service_version}, and is {version}."


def _compared(past: Original, replay: RunRecord, image_bytes: bytes | None) -> tuple[Comparison | None, str]:
    """The comparison, or why there is none."""
    if image_bytes is None or not replay.images:
        return None, "No image came."
    if past.sha256 and past.sha256 == replay.images[0].sha256:
        return Comparison(Grade.IDENTICAL_BYTES), ""
    if past.image_bytes is None:
        return None, f"The original cannot be compared: {past.missing}."
    try:
        if past.image_kind == "preview":
            return _by_preview(past.image_bytes, image_bytes), ""
        found = compare(past.image_bytes, image_bytes)
    except VeniceError as exc:
        return None, f"The images cannot be compared: {exc.message}"
    # A copy carries other metadata: only the hash could prove its bytes, and that was another.
    is_copy = past.image_kind == "copy" and found.grade is Grade.IDENTICAL_BYTES
    return (replace(found, grade=Grade.IDENTICAL_PIXELS) if is_copy else found), ""


def _by_preview(original: bytes, image_bytes: bytes) -> Comparison:
    """A preview shows nothing finer than itself, so that equivalent is the best grade it allows."""
    found = compare(original, preview(image_bytes).data)
    exact = found.grade in (Grade.IDENTICAL_BYTES, Grade.IDENTICAL_PIXELS)
    return replace(found, grade=Grade.EQUIVALENT) if exact else found


def _sentence(clause: str) -> str:
    return clause[:1].upper() + clause[1:]
