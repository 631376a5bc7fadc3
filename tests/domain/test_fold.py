"""The fold, entry by entry: what each changes, and what cannot follow what."""

from __future__ import annotations

from dataclasses import replace

import pytest

from registry.domain import journal
from registry.domain.fold import (
    JournalBroken,
    empty_receivable,
    empty_registry,
    fold,
    fold_all,
    fold_registry,
    walk,
)
from registry.domain.journal import (
    Confirmed,
    Endorsed,
    Entry,
    MemberAdmitted,
    MemberSuspended,
    Refused,
    Registered,
    Split,
)
from registry.domain.receivable import DAY_SECONDS, Certificate, MemberStatus, Receivable, Role, Status

WHERE = {"chain_id": 31337, "contract": b"\xcc" * 20}
SELLER, BUYER, SUPPLIER, BANK, OPERATOR = (bytes([number]) * 20 for number in range(1, 6))
DUE = 100 * DAY_SECONDS
DOCUMENT = b"\x0d" * 32
EMPTY = empty_receivable(**WHERE, receivable_id=1)
REGISTERED = Registered(1, SELLER, BUYER, 100, DUE, 978, b"\x01" * 32, b"\x02" * 32, 10)
CONFIRMED = Confirmed(1, BUYER, SELLER, 100, 20)
REFUSED = Refused(1, BUYER, 3, 100, 20)
SPLIT = Split(1, SELLER, SUPPLIER, 0, 100, 40, DOCUMENT, 30)
ENDORSED = Endorsed(1, SUPPLIER, BANK, 40, 100, DOCUMENT, 40)


def after(*entries: Entry) -> Receivable:
    return fold_all(EMPTY, entries)


def test_an_empty_receivable_is_its_genesis() -> None:
    assert EMPTY.head == journal.genesis(**WHERE, journal_id=1)
    assert (EMPTY.status, EMPTY.length, dict(EMPTY.certificates)) == (Status.NONE, 0, {})
    assert after() == EMPTY


def test_a_registration_sets_the_terms() -> None:
    state = after(REGISTERED)
    assert (state.status, state.length, state.registered_at) == (Status.REGISTERED, 1, 10)
    assert (state.originator, state.debtor, state.face, state.due, state.currency) == (SELLER, BUYER, 100, DUE, 978)
    assert (state.fingerprint, state.document_root) == (b"\x01" * 32, b"\x02" * 32)
    assert not state.certificates
    assert state.head == journal.append(EMPTY.head, REGISTERED.hash())


def test_a_confirmation_makes_one_certificate_of_the_whole() -> None:
    state = after(REGISTERED, CONFIRMED)
    assert (state.status, state.answered_at) == (Status.CONFIRMED, 20)
    assert dict(state.certificates) == {0: Certificate(0, 100, SELLER, since=2)}


def test_a_refusal_ends_the_claim() -> None:
    state = after(REGISTERED, REFUSED)
    assert (state.status, state.answered_at, state.refusal_reason) == (Status.REFUSED, 20, 3)
    assert not state.certificates


def test_a_split_cuts_and_hands_over_the_tail() -> None:
    state = after(REGISTERED, CONFIRMED, SPLIT)
    assert dict(state.certificates) == {
        0: Certificate(0, 40, SELLER, since=3),
        40: Certificate(40, 100, SUPPLIER, since=3),
    }
    assert not state.front_endorsed


def test_an_endorsement_moves_a_whole_certificate() -> None:
    state = after(REGISTERED, CONFIRMED, SPLIT, ENDORSED)
    assert state.certificates[40] == Certificate(40, 100, BANK, since=4)
    assert state.certificates[0].holder == SELLER
    assert not state.front_endorsed
    assert after(REGISTERED, CONFIRMED, Endorsed(1, SELLER, BANK, 0, 100, DOCUMENT, 30)).front_endorsed


def test_a_state_is_not_changed_by_what_follows() -> None:
    early = after(REGISTERED, CONFIRMED)
    fold(early, SPLIT)
    assert dict(early.certificates) == {0: Certificate(0, 100, SELLER, since=2)}
    with pytest.raises(TypeError):
        early.certificates[0] = Certificate(0, 1, BANK, 1)  # type: ignore[index]


def test_walking_yields_every_entry_with_the_state_after_it() -> None:
    entries = [REGISTERED, CONFIRMED, SPLIT]
    walked = [(state.length, state.head, entry) for state, entry in walk(EMPTY, entries)]
    assert walked == [(position, after(*entries[:position]).head, entries[position - 1]) for position in (1, 2, 3)]


CANNOT_FOLLOW: list[tuple[list[Entry], Entry]] = [
    ([], CONFIRMED),
    ([], SPLIT),
    ([REGISTERED], REGISTERED),
    ([REGISTERED], ENDORSED),
    ([REGISTERED, CONFIRMED], CONFIRMED),
    ([REGISTERED, CONFIRMED], REFUSED),
    ([REGISTERED, REFUSED], CONFIRMED),
    ([REGISTERED, REFUSED], REGISTERED),
    ([REGISTERED, REFUSED], SPLIT),
    ([REGISTERED], replace(CONFIRMED, debtor=BANK)),
    ([REGISTERED], replace(CONFIRMED, face=99)),
    ([REGISTERED], replace(CONFIRMED, originator=BANK)),
    ([REGISTERED], replace(REFUSED, debtor=BANK)),
    ([REGISTERED], replace(CONFIRMED, at=DUE)),
    ([REGISTERED], replace(CONFIRMED, receivable_id=2)),
    ([REGISTERED, CONFIRMED], replace(SPLIT, end=99)),
    ([REGISTERED, CONFIRMED], replace(SPLIT, start=1)),
    ([REGISTERED, CONFIRMED], replace(SPLIT, cut=0)),
    ([REGISTERED, CONFIRMED], replace(SPLIT, cut=100)),
    ([REGISTERED, CONFIRMED], replace(SPLIT, at=DUE)),
    ([REGISTERED, CONFIRMED, SPLIT], replace(ENDORSED, receiver=SUPPLIER)),
    ([REGISTERED, CONFIRMED, SPLIT], replace(ENDORSED, start=41)),
    ([REGISTERED, CONFIRMED, SPLIT], replace(ENDORSED, end=99)),
    ([REGISTERED, CONFIRMED, SPLIT], replace(ENDORSED, at=DUE)),
    ([], replace(REGISTERED, face=0)),
    ([], replace(REGISTERED, currency=1_000)),
    ([], replace(REGISTERED, due=DUE + 1)),
    ([], replace(REGISTERED, at=DUE)),
    ([], MemberSuspended(SELLER, OPERATOR, 1, 10)),
]


@pytest.mark.parametrize(("before", "entry"), CANNOT_FOLLOW)
def test_an_entry_that_cannot_follow_breaks_the_journal(before: list[Entry], entry: Entry) -> None:
    with pytest.raises(JournalBroken):
        after(*before, entry)


def test_nothing_moves_once_the_debtor_has_paid() -> None:
    paid = replace(after(REGISTERED, CONFIRMED), paid=1)
    with pytest.raises(JournalBroken, match="entry 3 of R-1"):
        fold(paid, SPLIT)


# ------------------------------------------------------------------------

ADMITTED = MemberAdmitted(SELLER, OPERATOR, 1_000, 5, b"\x07" * 32, 10)
SUSPENDED = MemberSuspended(SELLER, OPERATOR, 4, 20)


def test_an_admission_and_a_suspension_fold_to_the_member() -> None:
    start = empty_registry(**WHERE)
    state = fold_registry(start, [ADMITTED, SUSPENDED])
    member = state.members[SELLER]
    assert (member.status, member.kyc_expiry, member.roles) == (MemberStatus.SUSPENDED, 1_000, Role(5))
    assert (member.profile, member.admitted_at, member.suspension_reason) == (b"\x07" * 32, 10, 4)
    head = journal.append(journal.append(start.head, ADMITTED.hash()), SUSPENDED.hash())
    assert (state.head, state.length) == (head, 2)
    assert not start.members


def test_a_new_admission_lifts_a_suspension() -> None:
    again = replace(ADMITTED, kyc_expiry=2_000, at=30)
    state = fold_registry(empty_registry(**WHERE), [ADMITTED, SUSPENDED, again])
    assert (state.members[SELLER].status, state.members[SELLER].suspension_reason) == (MemberStatus.ACTIVE, 0)


@pytest.mark.parametrize(
    "entries",
    [
        [SUSPENDED],
        [ADMITTED, SUSPENDED, SUSPENDED],
        [REGISTERED],
        [ENDORSED],
        [replace(ADMITTED, member=bytes(20))],
        [replace(ADMITTED, roles=0)],
        [replace(ADMITTED, kyc_expiry=ADMITTED.at)],
        [ADMITTED, replace(ADMITTED, kyc_expiry=29, at=30)],
    ],
)
def test_what_cannot_follow_breaks_the_registrys_journal_too(entries: list[Entry]) -> None:
    with pytest.raises(JournalBroken, match="of R-0"):
        fold_registry(empty_registry(**WHERE), entries)


@pytest.mark.parametrize(
    "entries",
    [
        (replace(REGISTERED, fingerprint=bytes(32)),),
        (replace(REGISTERED, document_root=bytes(32)),),
        (replace(REGISTERED, debtor=SELLER),),
        (REGISTERED, replace(REFUSED, reason=0)),
    ],
    ids=["no fingerprint", "no document root", "its own debtor", "no reason"],
)
def test_what_the_contract_refuses_does_not_fold(entries: tuple[Entry, ...]) -> None:
    with pytest.raises(JournalBroken):
        after(*entries)
