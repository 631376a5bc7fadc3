"""Provenance of a range; its agreement with a list of cents is among the properties."""

from __future__ import annotations

import pytest

from registry.domain.fold import JournalBroken, empty_receivable
from registry.domain.journal import Confirmed, Endorsed, Entry, Refused, Registered, Split
from registry.domain.provenance import overlaps, provenance
from registry.domain.receivable import DAY_SECONDS

SELLER, BUYER, SUPPLIER, BANK = (bytes([number]) * 20 for number in range(1, 5))
EMPTY = empty_receivable(chain_id=31337, contract=b"\xcc" * 20, receivable_id=1)
DUE = 100 * DAY_SECONDS
FIRST, SECOND, THIRD = (bytes([number]) * 32 for number in range(1, 4))
REGISTERED = Registered(1, SELLER, BUYER, 100, DUE, 978, b"\x0f" * 32, b"\x0f" * 32, 10)
JOURNAL: list[Entry] = [
    REGISTERED,
    Confirmed(1, BUYER, SELLER, 100, 20),
    Split(1, SELLER, SUPPLIER, 0, 100, 40, FIRST, 30),
    Split(1, SUPPLIER, SUPPLIER, 40, 100, 70, SECOND, 40),
    Endorsed(1, SUPPLIER, BANK, 70, 100, THIRD, 50),
]


def test_a_certificates_history_names_givers_holders_and_documents() -> None:
    steps = list(provenance(EMPTY, JOURNAL, start=70, end=100))
    assert [(step.position, step.giver, step.holder, step.document) for step in steps] == [
        (1, None, None, None),
        (2, None, SELLER, None),
        (3, SELLER, SUPPLIER, FIRST),
        (4, None, SUPPLIER, None),  # cut, but it stayed where it was
        (5, SUPPLIER, BANK, THIRD),
    ]
    assert [(step.start, step.end) for step in steps] == [(0, 100), (0, 100), (40, 100), (70, 100), (70, 100)]


def test_entries_elsewhere_are_left_out() -> None:
    assert [step.position for step in provenance(EMPTY, JOURNAL, start=0, end=40)] == [1, 2, 3]
    assert [step.position for step in provenance(EMPTY, JOURNAL, start=40, end=70)] == [1, 2, 3, 4]


def test_a_range_that_several_hold_has_no_single_holder() -> None:
    *_, last = provenance(EMPTY, JOURNAL, start=0, end=100)
    assert (last.holder, last.start, last.end) == (None, 70, 100)


def test_a_refused_claim_has_a_history_without_holders() -> None:
    journal = [REGISTERED, Refused(1, BUYER, 1, 100, 20)]
    assert [step.holder for step in provenance(EMPTY, journal, start=0, end=100)] == [None, None]


@pytest.mark.parametrize(
    ("start", "end", "expected"), [(0, 40, False), (0, 41, True), (40, 41, True), (99, 200, True), (100, 200, False)]
)
def test_ranges_overlap_where_they_share_a_cent(start: int, end: int, expected: bool) -> None:
    assert overlaps(JOURNAL[3], start, end) is expected


def test_a_broken_journal_has_no_provenance() -> None:
    with pytest.raises(JournalBroken):
        list(provenance(EMPTY, [JOURNAL[1]], start=0, end=1))
