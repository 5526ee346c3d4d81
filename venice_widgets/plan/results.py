"""What became of each cell of a plan, in little memory: ten thousand of them are a few megabytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from venice_widgets.log import RUN_ENDING, Status

if TYPE_CHECKING:
    from decimal import Decimal

INVALID = "cannot be made"
HELD = "may have been charged before"
ELSEWHERE = "being made by another program"
NOT_SENT = "not sent"


@dataclass(frozen=True, slots=True)
class CellResult:
    """One cell."""

    status: str = NOT_SENT
    """A `Status`, or one of the words above."""
    run_id: str = ""
    sha256: str = ""
    """Of its first image; empty where there is none."""
    price_usd: Decimal | None = None
    """What its run cost by the catalogue; zero where nothing was charged, None where that is unknown."""
    from_log: bool = False
    """Whether it was made before and cost nothing now."""
    reason: str = ""
    """Why there is no image, in words."""
    remarks: tuple[str, ...] = ()
    """What the caption says: blurred, ignored seed."""

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it now."""
        return self.status not in (NOT_SENT, Status.PENDING, Status.SENT)

    @property
    def text(self) -> str:
        """Why there is no image and what became of the money."""
        words = (
            {
                Status.REFUSED: "refused, not charged",
                Status.FAILED: "failed, not charged",
                Status.UNKNOWN: "may have been charged",
                Status.CANCELLED: "not sent",
                Status.SENT: "in flight, may be charged",
                Status.PENDING: "not sent yet",
            }.get(Status(self.status), self.status)
            if self.status in set(Status)
            else self.status
        )
        run = f" (run {self.run_id[-RUN_ENDING:]})" if self.run_id else ""
        return f"{words}{f': {self.reason}' if self.reason else ''}{run}"
