"""Instants and days as text. The contract's uint40 seconds reach the year 36812, further than datetime does."""

from __future__ import annotations

from datetime import UTC, date, datetime

from registry.domain.receivable import DAY_SECONDS

_CYCLE_YEARS = 400
_CYCLE_SECONDS = 146_097 * DAY_SECONDS
"""The Gregorian calendar repeats after 400 years."""
_YEAR_MAX = 9999
_LAST_SECONDS = int(datetime(_YEAR_MAX, 12, 31, tzinfo=UTC).timestamp())


def instant(seconds: int) -> str:
    """Unix seconds as ISO 8601 in UTC; after the year 9999 with a signed six-digit year."""
    cycles = 0
    while seconds >= _LAST_SECONDS:
        seconds -= _CYCLE_SECONDS
        cycles += 1
    at = datetime.fromtimestamp(seconds, tz=UTC)
    year = at.year + cycles * _CYCLE_YEARS
    return f"{year:04}" + f"{at:-%m-%dT%H:%M:%SZ}" if year <= _YEAR_MAX else f"+{year:06}" + f"{at:-%m-%dT%H:%M:%SZ}"


def midnight(day: date) -> int:
    """The midnight UTC that begins a day, in seconds: due dates and what holds from a day on are such instants."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def day(seconds: int) -> str:
    """The day of an instant, ISO 8601."""
    return instant(seconds).partition("T")[0]
