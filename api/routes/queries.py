"""Filters that several lists share, and the keys that their pages follow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import TypeVar

from pydantic import Field

from api.deps import Reading
from api.errors import RequestMalformed
from api.lists import PageQuery
from api.schemas.common import day
from api.schemas.receivables import PHASES
from registry.domain import calendar
from registry.domain.identifiers import format_receivable_id, parse_certificate_id, parse_receivable_id
from registry.domain.money import currency
from registry.domain.receivable import Phase
from registry.store.queries.certificates import CertificateDueKey, CertificateKey, CertificateRow
from registry.store.queries.receivables import DueKey, ReceivableRow, Sought

T = TypeVar("T")

PHASES_BY_DUE = frozenset({Phase.LIVE.value, Phase.DUE.value, Phase.OVERDUE.value})

_PARTY = "Handle or address of the"


class TermsQuery(PageQuery):
    """Filters by the terms of receivables."""

    phase: str | None = Field(
        default=None,
        description="Where the receivable stands at the time of as_of_block.",
        json_schema_extra={"enum": [*PHASES, None]},
    )
    debtor: str | None = Field(default=None, description=f"{_PARTY} debtor.", examples=["voltaic"])
    originator: str | None = Field(default=None, description=f"{_PARTY} originator.")
    currency: str | None = Field(default=None, description="ISO 4217 code.", examples=["CNY"])
    due_from: date | None = Field(default=None, description="First due day.")
    due_before: date | None = Field(default=None, description="First day after the last due day.")
    registered_from: date | None = Field(default=None, description="First day of registration, UTC.")
    registered_before: date | None = Field(default=None, description="First day after the last one of registration.")
    frozen: bool | None = Field(default=None, description="Whether an order in force hinders it.")
    in_dispute: bool | None = Field(default=None, description="Whether it, or part of it, is in dispute.")
    dishonoured: bool | None = Field(default=None, description="Whether it was reported as not paid in time.")

    @property
    def goes_by_due(self) -> bool:
        """Whether the due date decides what is in the list, and hence its order."""
        return self.due_from is not None or self.due_before is not None or self.phase in PHASES_BY_DUE

    def sought(self, reading: Reading) -> Sought:
        """The filters as the queries take them.

        Raises RequestMalformed, UnknownAccount, IdMalformed, UnknownCurrency.
        """
        return {
            "phase_at": None if self.phase is None else (one_of(PHASES, self.phase, "phase"), reading.now),
            "debtor": reading.party(self.debtor),
            "originator": reading.party(self.originator),
            "currency": currency_number(self.currency),
            "disputed": self.in_dispute,
            "dishonoured": self.dishonoured,
            "due_from": midnight(self.due_from),
            "due_before": midnight(self.due_before),
            "registered_from": midnight(self.registered_from),
            "registered_before": midnight(self.registered_before),
        }

    def frozen_at(self, reading: Reading) -> tuple[bool, int] | None:
        """The filter by orders as the queries take it."""
        return None if self.frozen is None else (self.frozen, reading.now)


def one_of(known: Mapping[str, T], text: str, what: str) -> T:
    """What a word of a filter stands for. Raises RequestMalformed."""
    if text not in known:
        raise RequestMalformed(f"{what} is one of {', '.join(known)}")
    return known[text]


def midnight(day: date | None) -> int | None:
    """The midnight UTC that begins a day, in seconds; None of none."""
    return None if day is None else calendar.midnight(day)


def currency_number(text: str | None) -> int | None:
    """The ISO 4217 number of a code, also of one that answers show as # and the number. Raises UnknownCurrency."""
    if text is None:
        return None
    if re.fullmatch(r"#[0-9]{3}", text, re.ASCII):
        return int(text[1:])
    return currency(text).numeric


# ----------------------------------------------------------------- keys of pages


def receivable_after(row: ReceivableRow) -> str:
    """What follows a receivable: R-50."""
    return format_receivable_id(row.receivable_id)


def receivable_due_after(row: ReceivableRow) -> str:
    """What follows a receivable in a list by due date: 2027-01-31/R-50."""
    return f"{day(row.due_at)}/{format_receivable_id(row.receivable_id)}"


def certificate_due_after(row: CertificateRow) -> str:
    """What follows a certificate in a list by due date: 2027-01-31/R-42/0-125000."""
    return f"{day(row.due_at)}/{row.id}"


def receivable_due_key(after: str | None) -> DueKey | None:
    """The key of receivable_due_after. Raises RequestMalformed, IdMalformed."""
    if after is None:
        return None
    due_at, name = _dated(after)
    return due_at, parse_receivable_id(name)


def certificate_key(after: str | None) -> CertificateKey | None:
    """The key of a certificate's id. Raises IdMalformed."""
    if after is None:
        return None
    found = parse_certificate_id(after)
    return found.receivable_id, found.start


def certificate_due_key(after: str | None) -> CertificateDueKey | None:
    """The key of certificate_due_after. Raises RequestMalformed, IdMalformed."""
    if after is None:
        return None
    due_at, name = _dated(after)
    found = parse_certificate_id(name)
    return due_at, found.receivable_id, found.start


def _dated(after: str) -> tuple[int, str]:
    text, _, name = after.partition("/")
    try:
        due_at = midnight(date.fromisoformat(text))
    except ValueError:
        due_at = None
    if due_at is None or not name:
        raise RequestMalformed("a list by due date goes on after a day and an id: after=2027-01-31/R-50")
    return due_at, name
