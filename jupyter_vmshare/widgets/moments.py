"""When something ends, as people say and read it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Final

Until = datetime | date | str | None

KEEP: Final = "keep"
"""Leaves an end date as it is."""


def moment(until: Until) -> datetime | None:
    """A moment in UTC.

    A date means its last second; what names no time zone is taken in this computer's.

    Raises:
        ValueError: The text is no ISO 8601 date or time.
    """
    if until is None:
        return None
    if isinstance(until, str):
        until = _parsed(until)
    if not isinstance(until, datetime):
        until = datetime.combine(until, time(23, 59, 59))
    return until.astimezone(UTC)


def shown(when: datetime | None) -> str:
    """A moment for reading, in this computer's time zone."""
    return "" if when is None else when.astimezone().strftime("%a %d %b %Y %H:%M")


def _parsed(text: str) -> datetime | date:
    text = text.strip()
    try:
        return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is no date: write 2026-11-27, or 2026-11-27T18:00 with a time."
        ) from None
