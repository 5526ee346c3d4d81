"""Moments as people type them (``2d``, ``yesterday``, ``2026-08-31``) and as they read them, with the zone.

A date or time without a zone is the user's own: the zone of the machine that runs the kernel.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from venice_widgets.notebook.line_parser import usage_error

if TYPE_CHECKING:
    from collections.abc import Iterable

_AGO = re.compile(r"(\d{1,5})\s*(m|h|d|w|minutes?|hours?|days?|weeks?)(?:\s+ago)?")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DAYS = {"today": 0, "yesterday": 1, "last week": 7, "a week ago": 7, "last month": 30, "last year": 365}
"""How many days ago the day began that a word means."""
WAYS = "30m, 3h, 2d, 1w, today, yesterday, last week, 2026-08-31 or 2026-08-31T14:30"


def parse_moment(text: str, option: str, *, ends: bool = False) -> datetime:
    """The moment that a text means.

    Args:
        text: see `WAYS`. A date or time without a zone is the user's own.
        option: for the error, as it was typed: ``%venice log: --since``.
        ends: whether a day means its end instead of its beginning, so that ``--until yesterday`` includes yesterday.

    Raises:
        UsageError: it is not a time.
    """
    words = " ".join(text.casefold().split())
    if match := _AGO.fullmatch(words):
        return datetime.now(UTC) - timedelta(**{_UNITS[match[2][0]]: int(match[1])})
    if words == "now":
        return datetime.now(UTC)
    try:
        day = _day(words)
        return _in_own_zone(datetime.combine(day, time()) + timedelta(days=ends)) if day else _moment(text.strip())
    except (ValueError, OverflowError):
        raise usage_error(f"{option} {text!r} is not a time. Write {WAYS}.") from None


def _day(words: str) -> date | None:
    """The day that a word or an ISO date means; None for anything else."""
    if words in _DAYS:
        return datetime.now().astimezone().date() - timedelta(days=_DAYS[words])
    return date.fromisoformat(words) if re.fullmatch(r"\d{4}-\d\d-\d\d|\d{8}", words) else None


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else _in_own_zone(moment)


def _in_own_zone(moment: datetime) -> datetime:
    try:
        return moment.astimezone()
    except (OSError, OverflowError, ValueError):  # years that the system's clock does not know
        return moment.replace(tzinfo=UTC)


def time_text(moment: datetime) -> str:
    """``2026-11-26 02:07 (UTC+13)``, in the user's own zone."""
    own = moment.astimezone()
    return f"{own:%Y-%m-%d %H:%M} ({zone_text(own)})"


def zone_text(moment: datetime) -> str:
    """``UTC``, ``UTC+13``, ``UTC-03:30``: names such as IST mean several zones."""
    offset = moment.utcoffset() or timedelta()
    minutes = round(offset.total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    return "UTC" if not minutes else f"UTC{'-' if minutes < 0 else '+'}{hours}{f':{rest:02}' if rest else ''}"


def times_in_column(moments: Iterable[datetime]) -> tuple[str, list[str]]:
    """The heading of a column and its times: the zone is in the heading where it is the same for all."""
    own = [moment.astimezone() for moment in moments]
    zones = {zone_text(moment) for moment in own}
    if len(zones) > 1:
        return "time", [f"{moment:%Y-%m-%d %H:%M} {zone_text(moment)}" for moment in own]
    return f"time ({zones.pop() if zones else 'UTC'})", [f"{moment:%Y-%m-%d %H:%M}" for moment in own]
