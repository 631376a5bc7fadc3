"""What financing costs, against the conventions' golden case and an independent reckoning."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.domain.money import Money, currency
from registry.domain.pricing import Cost, basis_days, days_until
from registry.domain.receivable import DAY_SECONDS


def cost(face: int, price: int, days: int, code: str = "EUR") -> Cost:
    return Cost(Money(face, currency(code)), Money(price, currency(code)), days)


def test_the_golden_case_of_the_conventions_comes_to_six_percent() -> None:
    found = cost(100_000_000, 98_570_724, 87)
    assert (str(found.discount), found.rate) == ("14,292.76 EUR", "6.00 %")


def test_a_straight_discount_costs_more_than_its_rate() -> None:
    """1,000,000.00 less 6 % for 87 days: the seller gets less, for which it pays the same."""
    assert cost(100_000_000, 98_550_000, 87).rate == "6.09 %"


def test_a_year_has_the_days_of_its_money_market() -> None:
    assert [basis_days(currency(code)) for code in ("EUR", "CNY", "USD", "GBP", "HKD", "INR")] == [360] * 3 + [365] * 3
    assert cost(36_500, 36_400, 365, "GBP").rate_basis_points == cost(36_500, 36_400, 360).rate_basis_points


@pytest.mark.parametrize(
    ("price", "days", "rate"), [(100_000, 90, "0.00 %"), (101_000, 90, "-3.96 %"), (99_000, 0, None), (0, 90, None)]
)
def test_what_costs_nothing_or_cannot_be_reckoned(price: int, days: int, rate: str | None) -> None:
    assert cost(100_000, price, days).rate == rate


@given(st.integers(1, 10**12), st.integers(1, 10**12), st.integers(1, 400))
def test_the_rate_is_the_nearest_hundredth_of_a_percent(face: int, price: int, days: int) -> None:
    exact = Fraction((face - price) * 360, price * days) * 10_000
    points = cost(face, price, days).rate_basis_points
    assert points is not None
    assert abs(points - exact) <= Fraction(1, 2)


def test_days_are_counted_from_midnight_to_midnight() -> None:
    due = 100 * DAY_SECONDS
    assert [days_until(due, now=now) for now in (due - 1, due - DAY_SECONDS, due, due + DAY_SECONDS)] == [1, 1, 0, -1]
