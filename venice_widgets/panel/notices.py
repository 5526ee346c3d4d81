"""What the panel says: errors in words, and what became of a generation's images and money."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from venice_widgets.errors import VeniceError
from venice_widgets.log import Status

if TYPE_CHECKING:
    from venice_widgets.generation.result import Generation, Run

_FATES = {
    Status.REFUSED: "refused by the content policy, not charged",
    Status.FAILED: "failed, not charged",
    Status.CANCELLED: "not sent, not charged",
    Status.UNKNOWN: "no image; may have been charged",
    Status.SENT: "in flight; may be charged",
    Status.PENDING: "not sent yet",
}


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that the panel says."""

    text: str
    kind: str = "information"
    """``information``, ``note``, ``warning`` or ``error``."""
    field: str = ""
    """The control that it is about."""

    def wire(self, name: str) -> dict[str, Any]:
        """As the browser draws it."""
        return {"id": name, "text": self.text, "kind": self.kind}


def error_notice(error: BaseException) -> Notice:
    """An error in words. A mistake of ours is named by its class, never shown as a traceback."""
    text = str(error) if isinstance(error, VeniceError) else f"{type(error).__name__}: {error}"
    return Notice(text, "error", str(getattr(error, "field", None) or ""))


def fate(status: Status) -> str:
    """What became of a run without an image, its money above all."""
    return _FATES.get(status, str(status))


def ending(generation: Generation) -> list[Notice]:
    """What there is to say about a generation: what is missing and why, then what to know."""
    missing: dict[str, list[Run]] = {}
    for run in generation.runs:
        if run.status is not Status.SUCCEEDED:
            missing.setdefault(_why(run), []).append(run)
    errors = [Notice(f"{_which(runs)}: {why}", "error") for why, runs in missing.items()]
    return [*errors, *(Notice(note, "note") for note in generation.notes)]


def _which(runs: list[Run]) -> str:
    seeds = ", ".join(str(run.seed) for run in runs[:6]) + (" …" if len(runs) > 6 else "")
    return f"{len(runs)} {'image is' if len(runs) == 1 else 'images are'} missing (seed {seeds})"


def _why(run: Run) -> str:
    money = fate(run.status)
    return f"{money}.\n{error_notice(run.error).text}" if run.error else f"{money}."
