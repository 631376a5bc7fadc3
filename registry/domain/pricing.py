"""What financing costs: the discount, and the one annual rate that it comes to (DOMAIN, pricing conventions)."""

from __future__ import annotations

from dataclasses import dataclass

from registry.domain.money import Currency, Money
from registry.domain.receivable import DAY_SECONDS

_BASIS_DAYS = 360
_BASIS_DAYS_BY_CURRENCY = {"GBP": 365, "HKD": 365, "INR": 365}
"""Days of a year by the money market's convention: actual/365 fixed for these, actual/360 for all others."""


def basis_days(currency: Currency) -> int:
    """Days that a year has when interest in this currency is reckoned."""
    return _BASIS_DAYS_BY_CURRENCY.get(currency.code, _BASIS_DAYS)


@dataclass(frozen=True, slots=True)
class Cost:
    """What it costs to get `price` now for `face` in so many `days`, all fees in it."""

    face: Money
    price: Money
    days: int

    @property
    def discount(self) -> Money:
        """What the financier keeps; negative where it pays more than it gets back."""
        return Money(self.face.minor - self.price.minor, self.face.currency)

    @property
    def rate_basis_points(self) -> int | None:
        """The simple annual rate on the price, in hundredths of a percent, to the nearest; None without days.

        Of yield basis: P = F / (1 + r * d / 360), solved for r.
        """
        if self.days <= 0 or self.price.minor <= 0:
            return None
        per_year = self.discount.minor * basis_days(self.face.currency) * 10_000
        return (2 * per_year + self.price.minor * self.days) // (2 * self.price.minor * self.days)

    @property
    def rate(self) -> str | None:
        """The same as text: "6.00 %"."""
        points = self.rate_basis_points
        if points is None:
            return None
        whole, hundredths = divmod(abs(points), 100)
        return f"{'-' if points < 0 else ''}{whole}.{hundredths:02} %"


def days_until(due: int, *, now: int) -> int:
    """Days from the day of `now` to the due date, both in seconds: what interest is reckoned for."""
    return due // DAY_SECONDS - now // DAY_SECONDS
