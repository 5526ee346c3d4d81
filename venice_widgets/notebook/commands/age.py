"""How old the prices are that a command shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from venice_widgets.request.spending import STALE_SECONDS

if TYPE_CHECKING:
    from venice_widgets.request.catalogue import Catalogue
    from venice_widgets.session import Session

_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60))


def age_text(session: Session, catalogue: Catalogue) -> str:
    """How old the prices are, and whether that matters."""
    simulated = " from the simulator: they are simulated" if session.settings.demo else ""
    parts = [f"Prices fetched {ago(catalogue.age_seconds)}{simulated}"]
    if session.catalogue_keeper.problem is not None:
        parts.append(f"Venice could not be asked again: {session.catalogue_keeper.problem.message}")
    if catalogue.age_seconds > STALE_SECONDS:
        parts.append("Under a limit, prices this old count as unknown")
    if catalogue.problems:
        parts.append(f"{counted(len(catalogue.problems), 'entry', 'entries')} could not be read, see %venice doctor")
    return ". ".join(part.rstrip(".") for part in parts) + "."


def ago(seconds: float) -> str:
    """``just now``, ``1 minute ago``, ``3 hours ago``, ``4 days ago``."""
    if seconds < 60:
        return "just now"
    unit, length = next((each for each in _UNITS if seconds >= 2 * each[1]), ("minute", 60))
    return f"{counted(int(seconds // length), unit, f'{unit}s')} ago"


def counted(number: int, one: str, many: str) -> str:
    """A number with its noun."""
    return f"{number:,} {one if number == 1 else many}"
