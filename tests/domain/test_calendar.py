"""Instants and days as text, also of the years that datetime does not know."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.domain.calendar import day, instant, midnight

GREGORIAN_CYCLE_SECONDS = 146_097 * 86_400


@given(st.integers(0, 253_402_300_799))
def test_an_instant_of_the_years_that_datetime_knows_reads_back(seconds: int) -> None:
    assert datetime.fromisoformat(instant(seconds)) == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (253_402_300_799, "9999-12-31T23:59:59Z"),
        (253_402_300_800, "+010000-01-01T00:00:00Z"),
        (2**40 - 1, "+036812-02-20T00:36:15Z"),
    ],
)
def test_the_years_have_four_digits_up_to_9999_and_then_six_and_a_sign(seconds: int, text: str) -> None:
    assert instant(seconds) == text
    assert day(seconds) == text.partition("T")[0]


@given(st.integers(0, 2**40 - 1 - GREGORIAN_CYCLE_SECONDS))
def test_the_calendar_repeats_after_400_years(seconds: int) -> None:
    year, _, rest = instant(seconds).lstrip("+").partition("-")
    later, _, same = instant(seconds + GREGORIAN_CYCLE_SECONDS).lstrip("+").partition("-")
    assert (int(later), same) == (int(year) + 400, rest)


@given(st.dates())
def test_a_midnight_begins_its_day(begun: date) -> None:
    first = midnight(begun)
    assert first % 86_400 == 0
    assert day(first) == begun.isoformat() == day(first + 86_399)
