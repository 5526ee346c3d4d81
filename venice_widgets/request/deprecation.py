"""When a model is going away, what then answers under its id, and the one sentence that says so.

Source: the catalogue's ``deprecation{date, startsAt, removesAt, autoRemap, replacementModelId}`` and the headers
``x-venice-model-deprecation-*``. With ``autoRemap`` the id keeps answering after its end, served by another model.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator

NEAR = timedelta(days=14)
"""A start or end that is this close is reported before sending; the API gives notice of 7 to 15 days."""


class Deprecation(BaseModel):
    """What the API says of a model that is going away. Times are kept as the API writes them."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    date: str = ""
    starts_at: str = Field("", validation_alias=AliasChoices("starts_at", "startsAt"))
    removes_at: str = Field("", validation_alias=AliasChoices("removes_at", "removesAt"))
    auto_remap: bool = Field(default=False, validation_alias=AliasChoices("auto_remap", "autoRemap"))
    replacement: str = Field("", validation_alias=AliasChoices("replacement", "replacementModelId"))

    @model_validator(mode="before")
    @classmethod
    def _tolerant(cls, value: Any) -> Any:
        """A notice in an odd shape must not cost the model its entry."""
        if not isinstance(value, dict):
            return {"date": value if isinstance(value, str) else ""}
        remap = ("auto_remap", "autoRemap")
        return {name: inner for name, inner in value.items() if isinstance(inner, bool if name in remap else str)}

    @property
    def stated(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.date or self.starts_at or self.removes_at or self.replacement or self.auto_remap)

    @property
    def ends(self) -> str:
        """When the model ends, as the API writes it; empty where it does not say."""
        return self.removes_at or self.date

    def is_near(self, now: datetime | None = None) -> bool:
        """Whether its start or end is at most 14 days away, or its end is past or not stated."""
        now = now or datetime.now(UTC)
        start, end = _moment(self.starts_at), _moment(self.ends)
        if end is None:
            return self.stated
        return end - now <= NEAR or (start is not None and timedelta(0) <= start - now <= NEAR)

    def has_ended(self, now: datetime | None = None) -> bool:
        """Whether its end is past."""
        end = _moment(self.ends)
        return end is not None and end <= (now or datetime.now(UTC))

    def may_be_remapped(self, now: datetime | None = None) -> bool:
        """Whether another model may answer under the id: its end is past, within a day, or not stated."""
        end = _moment(self.ends)
        return self.auto_remap and (end is None or end - (now or datetime.now(UTC)) <= timedelta(days=1))

    def short_text(self, now: datetime | None = None) -> str:
        """A few words for a table: ``going away on 10 December, replaced by chroma-2``."""
        instead = f", replaced by {self.replacement}" if self.replacement else ""
        if self.has_ended(now) and self.auto_remap:
            return f"answered by {self.replacement or 'another model'} since {day_text(self.ends, now)}"
        if self.has_ended(now):
            return f"gone{instead}"
        day = f" on {day_text(self.ends, now)}" if self.ends else ""
        return f"going away{day}{instead}"

    def sentence(self, model_id: str, now: datetime | None = None) -> str:
        """What happens to the id, and when.

        Args:
            model_id: whose deprecation it is.
            now: an aware time; None for the present.
        """
        day = day_text(self.ends, now)
        other = f"another model{f' ({self.replacement})' if self.replacement else ''}"
        if self.auto_remap and self.has_ended(now):
            return f"{model_id} ended on {day}: this id is answered by {other}."
        if self.auto_remap:
            when = f"after {day}" if day else "later"
            return f"{model_id} is going away: {when} this id is answered by {other}."
        instead = f" {self.replacement} replaces it." if self.replacement else ""
        if self.has_ended(now):
            return f"{model_id} was to be removed on {day}.{instead}"
        return f"{model_id} is going away{f' on {day}' if day else ''}.{instead}"


def day_text(text: str, now: datetime | None = None) -> str:
    """A date as people write it: ``10 December``, with its year where that is not this year's.

    What is not a date stays as it is.
    """
    moment = _moment(text)
    if moment is None:
        return text
    day: date = moment.date()
    year = "" if day.year == (now or datetime.now(UTC)).year else f" {day.year}"
    return f"{day.day} {_MONTHS[day.month - 1]}{year}"


_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
"""Not ``strftime``, whose names depend on the locale."""


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # the second by a time zone in the first or last hours of the calendar
        return None
