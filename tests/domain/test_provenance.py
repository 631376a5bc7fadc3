"""Provenance of a range; its agreement with a list of cents is among the properties."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import pytest

from registry.domain import provenance as module
from registry.domain.fold import JournalBroken, fold_all, walk
from registry.domain.journal import (
    CertificateFrozen,
    Closed,
    Confirmed,
    CreditNoted,
    Disputed,
    Endorsed,
    Entry,
    ForcedTransfer,
    Merged,
    OfferAccepted,
    Paid,
    Partitioned,
    Pledged,
    ReceivableFrozen,
    ReceivableUnfrozen,
    Redeemed,
    Refused,
    Resolved,
    Sealed,
    Sold,
    Split,
)
from registry.domain.provenance import bearing, overlaps, provenance
from registry.domain.receivable import Certificate, Receivable
from tests.domain.setting import (
    BANK,
    BUYER,
    CONFIRMED,
    COUNTER_OFFERED,
    COUNTERSIGNER,
    DESK,
    DUE,
    EMPTY,
    LATER_DUE,
    NOW,
    OFFICER,
    ORDER,
    QUOTE,
    REGISTERED,
    SELLER,
    SUPPLIER,
)

FIRST, SECOND, THIRD = (bytes([number]) * 32 for number in range(1, 4))
EXPIRY = NOW + 10_000
JOURNAL: list[Entry] = [
    REGISTERED,
    CONFIRMED,
    Split(1, SELLER, SUPPLIER, 0, 100, 40, FIRST, NOW + 10),
    Split(1, SUPPLIER, SUPPLIER, 40, 100, 70, SECOND, NOW + 20),
    Endorsed(1, SUPPLIER, BANK, 70, 100, THIRD, NOW + 30),
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


def test_what_was_merged_has_the_history_of_both_parts() -> None:
    entries = [
        *JOURNAL[:4],
        Merged(1, SUPPLIER, 40, 100, 70, NOW + 40),
        Endorsed(1, SUPPLIER, BANK, 40, 100, THIRD, NOW + 50),
    ]
    steps = list(provenance(EMPTY, entries, start=40, end=100))
    assert [(step.position, step.giver, step.holder) for step in steps] == [
        (1, None, None),
        (2, None, SELLER),
        (3, SELLER, SUPPLIER),
        (4, SUPPLIER, None),  # in two parts, so in nobody's single hand
        (5, None, SUPPLIER),
        (6, SUPPLIER, BANK),
    ]


def test_what_concerns_the_whole_receivable_concerns_every_certificate() -> None:
    entries = [
        *JOURNAL,
        ReceivableFrozen(1, ORDER, OFFICER, COUNTERSIGNER, 100, EXPIRY, NOW + 40),
        CertificateFrozen(1, ORDER, OFFICER, COUNTERSIGNER, 0, 40, EXPIRY, NOW + 50),
        ReceivableUnfrozen(1, ORDER, OFFICER, COUNTERSIGNER, 100, NOW + 60),
    ]
    for start, end, holder, positions in (
        (70, 100, BANK, [6, 8]),
        (40, 70, SUPPLIER, [6, 8]),
        (0, 40, SELLER, [6, 7, 8]),
    ):
        frozen = [step for step in provenance(EMPTY, entries, start=start, end=end) if step.order]
        assert [step.position for step in frozen] == positions
        for step in frozen:
            assert (step.start, step.end, step.holder, step.giver) == (start, end, holder, None)
            assert (step.order, step.document) == (ORDER, None)


def test_orders_cut_and_move_a_certificate() -> None:
    entries = [
        *JOURNAL,
        Partitioned(1, ORDER, OFFICER, COUNTERSIGNER, 70, 100, 80, NOW + 40),
        CertificateFrozen(1, ORDER, OFFICER, COUNTERSIGNER, 80, 100, EXPIRY, NOW + 40),
        ForcedTransfer(1, ORDER, OFFICER, COUNTERSIGNER, SELLER, 80, 100, NOW + 50),
    ]
    *_, cut, frozen, forced = provenance(EMPTY, entries, start=80, end=100)
    assert [(step.start, step.end, step.giver, step.holder) for step in (cut, frozen, forced)] == [
        (80, 100, None, BANK),
        (80, 100, None, BANK),
        (80, 100, BANK, SELLER),
    ]
    assert (forced.order, forced.document) == (ORDER, None)
    assert [step.position for step in provenance(EMPTY, entries, start=70, end=80)] == [1, 2, 3, 4, 5, 6]


def test_money_is_part_of_a_history_until_the_range_is_paid_out() -> None:
    entries = [
        REGISTERED,
        CONFIRMED,
        Disputed(1, SELLER, BUYER, 0, 100, 40, NOW),
        Sold(1, DESK, BANK, 40, 100, 70, 25, 0, QUOTE, NOW),
        Pledged(1, SELLER, BANK, 40, 70, 30, 0, bytes(32), NOW),
        CreditNoted(1, SELLER, BUYER, 0, 40, 10, NOW),
        Paid(1, BUYER, 100, 60, NOW),
        Redeemed(1, BANK, SELLER, 40, 70, 30, 30, NOW),
        Resolved(1, SELLER, BUYER, 100, NOW),
        Paid(1, BUYER, 100, 30, DUE),
    ]
    expected = {
        (40, 70): [(3, None, SELLER), (4, None, SELLER), (5, None, SELLER), (7, None, SELLER), (8, SELLER, None)],
        (70, 100): [(3, None, SELLER), (4, SELLER, BANK), (7, None, BANK)],
        (0, 10): [(3, None, SELLER), (6, SELLER, None), (7, None, None)],
        (10, 40): [(3, None, SELLER), (6, None, SELLER), (7, None, SELLER)],
    }
    for (start, end), steps in expected.items():
        *found, resolved, last = list(provenance(EMPTY, entries, start=start, end=end))[2:]
        assert [(step.position, step.giver, step.holder) for step in found] == steps
        assert (resolved.position, last.position) == (9, 10)
        assert resolved.holder == last.holder == found[-1].holder


def test_an_accepted_offer_begins_with_the_claim() -> None:
    accepted = OfferAccepted(1, SELLER, BUYER, 80, LATER_DUE, NOW + 20)
    steps = list(provenance(EMPTY, [REGISTERED, COUNTER_OFFERED, accepted], start=10, end=20))
    assert [(step.start, step.end, step.holder) for step in steps] == [(0, 100, None), (0, 100, None), (0, 80, SELLER)]


def test_a_refused_claim_has_a_history_without_holders() -> None:
    journal = [REGISTERED, Refused(1, BUYER, 1, 100, NOW)]
    assert [step.holder for step in provenance(EMPTY, journal, start=0, end=100)] == [None, None]


@pytest.mark.parametrize(
    ("start", "end", "expected"), [(0, 40, False), (0, 41, True), (40, 41, True), (99, 200, True), (100, 200, False)]
)
def test_ranges_overlap_where_they_share_a_cent(start: int, end: int, expected: bool) -> None:
    assert overlaps(JOURNAL[3], start, end) is expected


def test_a_broken_journal_has_no_provenance() -> None:
    with pytest.raises(JournalBroken):
        list(provenance(EMPTY, [JOURNAL[1]], start=0, end=1))


class Counted(Mapping[int, Certificate]):
    """A cover of certificates that counts how many of them are looked at."""

    looked_at = 0

    def __init__(self, certificates: Mapping[int, Certificate]) -> None:
        self._certificates = certificates

    def __getitem__(self, start: int) -> Certificate:
        Counted.looked_at += 1
        return self._certificates[start]

    def __iter__(self) -> Iterator[int]:
        for start in self._certificates:
            Counted.looked_at += 1
            yield start

    def __len__(self) -> int:
        return len(self._certificates)


def test_a_history_of_many_splits_looks_at_a_few_certificates_an_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    splits = 5_000
    face = splits + 1
    journal: list[Entry] = [replace(REGISTERED, face=face), Confirmed(1, BUYER, SELLER, face, NOW)]
    journal += [Split(1, SELLER, SELLER, 0, face - cut, face - cut - 1, FIRST, NOW) for cut in range(splits)]

    def counted(start: Receivable, entries: Iterable[Entry]) -> Iterator[tuple[Receivable, Entry]]:
        for receivable, entry in walk(start, entries):
            yield replace(receivable, certificates=Counted(receivable.certificates)), entry

    monkeypatch.setattr(module, "walk", counted)
    *_, last = provenance(EMPTY, journal, start=0, end=1)
    assert (last.position, last.start, last.end, last.holder) == (len(journal), 0, 1, SELLER)
    assert Counted.looked_at <= 2 * len(journal)


# --------------------------------------------------------------------- what bears on a range


def redacted(entries: list[Entry], *, start: int, end: int) -> list[Entry]:
    """The journal with all sealed that does not bear on [start, end)."""
    bears = bearing(entries, start=start, end=end)
    return [entry if open_ else Sealed.of(entry) for entry, open_ in zip(entries, bears, strict=True)]


def sealed_positions(entries: list[Entry], *, start: int, end: int) -> list[int]:
    """Positions of what may be sealed, from 1; the redacted journal has the head of the whole one."""
    shown = redacted(entries, start=start, end=end)
    whole, part = fold_all(EMPTY, entries), fold_all(EMPTY, shown)
    assert (part.head, part.status, part.paid, part.disputed) == (whole.head, whole.status, whole.paid, whole.disputed)
    assert part.certificates.get(start) == whole.certificates.get(start)
    sealed = [position for position, entry in enumerate(shown, start=1) if isinstance(entry, Sealed)]
    assert part.sealed == len(sealed)
    return sealed


def test_what_never_was_in_one_certificate_with_a_range_may_be_sealed() -> None:
    assert sealed_positions(JOURNAL, start=70, end=100) == []
    assert sealed_positions(JOURNAL, start=40, end=70) == [5]
    assert sealed_positions(JOURNAL, start=0, end=40) == [4, 5]


def test_what_a_merger_brought_in_bears_with_all_that_it_was_before() -> None:
    entries = [
        *JOURNAL,
        Endorsed(1, BANK, SUPPLIER, 70, 100, THIRD, NOW + 40),
        Merged(1, SUPPLIER, 40, 100, 70, NOW + 50),
        Split(1, SUPPLIER, BANK, 40, 100, 80, THIRD, NOW + 60),
        Endorsed(1, BANK, SELLER, 80, 100, THIRD, NOW + 70),
    ]
    assert sealed_positions(entries, start=40, end=80) == [9]
    assert sealed_positions(entries, start=0, end=40) == [4, 5, 6, 7, 8, 9]


def test_the_end_of_a_dispute_is_shown_with_who_agreed_to_it() -> None:
    entries = [
        REGISTERED,
        CONFIRMED,
        Disputed(1, BUYER, SELLER, 0, 100, 30, NOW + 10),
        ForcedTransfer(1, ORDER, OFFICER, COUNTERSIGNER, SUPPLIER, 0, 30, NOW + 20),
        Endorsed(1, SELLER, BANK, 30, 100, THIRD, NOW + 25),
        Resolved(1, BUYER, SUPPLIER, 100, NOW + 30),
    ]
    assert sealed_positions(entries, start=30, end=100) == []
    assert sealed_positions(entries, start=0, end=30) == [5]


def test_a_dispute_after_a_credit_note_ends_with_the_holder_of_what_is_left() -> None:
    entries = [
        REGISTERED,
        CONFIRMED,
        Disputed(1, BUYER, SELLER, 0, 100, 30, NOW + 10),
        CreditNoted(1, BUYER, SELLER, 0, 30, 10, NOW + 15),
        Partitioned(1, ORDER, OFFICER, COUNTERSIGNER, 10, 30, 20, NOW + 16),
        ForcedTransfer(1, ORDER, OFFICER, COUNTERSIGNER, SUPPLIER, 20, 30, NOW + 20),
        ForcedTransfer(1, ORDER, OFFICER, COUNTERSIGNER, SUPPLIER, 10, 20, NOW + 20),
        Resolved(1, BUYER, SUPPLIER, 100, NOW + 30),
    ]
    assert sealed_positions(entries, start=30, end=100) == [6]


def test_a_dispute_that_never_began_has_no_end() -> None:
    with pytest.raises(JournalBroken, match="never began"):
        bearing([REGISTERED, CONFIRMED, Resolved(1, BUYER, SELLER, 100, NOW + 30)], start=0, end=100)


def test_a_redemption_that_sealed_ones_left_less_than_its_share_can_be_shown_alone() -> None:
    """[12, 13) got a minor unit too early, so the last of [19, 100) is one that was paid out elsewhere."""
    late = DUE + 40 * 86_400
    order = (1, ORDER, OFFICER, COUNTERSIGNER)
    entries = [
        REGISTERED,
        CONFIRMED,
        Partitioned(*order, 0, 100, 19, NOW + 10),
        Partitioned(*order, 0, 19, 13, NOW + 10),
        Paid(1, BUYER, 100, 15, DUE),
        Redeemed(1, SELLER, SELLER, 0, 13, 1, 0, DUE),
        Partitioned(*order, 0, 13, 12, DUE),
        Closed(1, OFFICER, 100, late),
        Redeemed(1, SELLER, SELLER, 13, 19, 1, 0, late),
        Redeemed(1, SELLER, SELLER, 0, 12, 1, 0, late),
        Redeemed(1, SELLER, SELLER, 19, 100, 12, 0, late),
    ]
    assert sealed_positions(entries, start=19, end=100) == [4, 6, 7, 9, 10]
    with pytest.raises(JournalBroken, match="13 minor units were due"):
        fold_all(EMPTY, [*entries[:9], entries[10]])
    with pytest.raises(JournalBroken, match="were due"):
        fold_all(EMPTY, [*redacted(entries, start=19, end=100)[:-1], replace(entries[-1], amount=14)])
