"""The fold of money: what each entry changes, and what cannot follow what."""

from __future__ import annotations

from dataclasses import replace

import pytest

from registry.domain import rules
from registry.domain.amounts import conservation_faults
from registry.domain.fold import JournalBroken, fold, fold_registry
from registry.domain.journal import (
    Absolved,
    CertificateFrozen,
    Closed,
    CreditNoted,
    DepositTokenSet,
    DeskSet,
    Dishonoured,
    Disputed,
    Endorsed,
    Entry,
    ForcedTransfer,
    Merged,
    Paid,
    Partitioned,
    Pledged,
    ReceivableFrozen,
    ReceivableUnfrozen,
    RecourseDemanded,
    Redeemed,
    Released,
    Repurchased,
    Resolved,
    Sold,
    Split,
)
from registry.domain.receivable import DAY_SECONDS, Certificate, Freeze, Lien, Receivable, Recourse, Status
from tests.domain.setting import (
    BANK,
    BUYER,
    CONFIRMED,
    COUNTERSIGNER,
    DESK,
    DOCUMENT,
    DUE,
    NOW,
    OFFICER,
    OPERATOR,
    ORDER,
    QUOTE,
    REGISTERED,
    SELLER,
    SETTLEMENT_BANK,
    STRANGER,
    SUPPLIER,
    TOKEN,
    after,
    registry_after,
)

OVERDUE = DUE + DAY_SECONDS
LIVE: list[Entry] = [REGISTERED, CONFIRMED]
PLEDGED = Pledged(1, SELLER, BANK, 0, 100, 80, 75, QUOTE, NOW)
RELEASED = Released(1, BANK, 0, 100, NOW)
SOLD = Sold(1, DESK, BANK, 0, 100, 40, 55, 50, QUOTE, NOW)
ALL_SOLD = replace(SOLD, cut=0)
DISPUTED = Disputed(1, SELLER, BUYER, 0, 100, 40, NOW)
RESOLVED = Resolved(1, BUYER, SELLER, 100, NOW)
CREDITED = CreditNoted(1, BUYER, SELLER, 0, 100, 10, NOW)
REST_PAID = Paid(1, BUYER, 100, 60, NOW)
PAID = Paid(1, BUYER, 100, 33, DUE)
ALL_PAID = Paid(1, STRANGER, 100, 100, NOW)
REDEEMED = Redeemed(1, STRANGER, SELLER, 0, 100, 33, 0, DUE)
CLOSED = Closed(1, SETTLEMENT_BANK, 100, OVERDUE)
DISHONOURED = Dishonoured(1, STRANGER, 100, OVERDUE)
ABSOLVED = Absolved(1, SETTLEMENT_BANK, 100, OVERDUE)
DEMANDED = RecourseDemanded(1, BANK, SELLER, 40, 100, OVERDUE)
REPURCHASED = Repurchased(1, SELLER, 40, 100, 50, OVERDUE)
FROZEN = CertificateFrozen(1, ORDER, OFFICER, COUNTERSIGNER, 0, 100, OVERDUE + 9, NOW)
ALL_FROZEN = ReceivableFrozen(1, ORDER, OFFICER, COUNTERSIGNER, 100, OVERDUE + 9, NOW)
PARTITIONED = Partitioned(1, ORDER, OFFICER, COUNTERSIGNER, 0, 100, 30, OVERDUE)
FORCED = ForcedTransfer(1, ORDER, OFFICER, COUNTERSIGNER, SUPPLIER, 0, 100, OVERDUE)


def live(*entries: Entry) -> Receivable:
    """R-1 after its confirmation and these entries; what was paid, redeemed, credited and is left adds up."""
    state = after(*LIVE, *entries)
    assert conservation_faults(state) == ()
    return state


def parts(state: Receivable) -> list[Certificate]:
    return [state.certificates[start] for start in sorted(state.certificates)]


# -------------------------------------------------------------- pledge and sale


def test_a_pledge_lies_on_the_certificate_until_it_is_released() -> None:
    state = live(PLEDGED)
    assert parts(state) == [Certificate(0, 100, SELLER, since=2, lien=Lien(BANK, 80, since=3))]
    assert live(PLEDGED, RELEASED).certificates == live().certificates
    assert state.front == state.certificates[0]


def test_a_sale_moves_the_tail_and_gives_it_recourse() -> None:
    state = live(SOLD)
    assert parts(state) == [
        Certificate(0, 40, SELLER, since=3),
        Certificate(40, 100, BANK, since=3, recourse=Recourse(SELLER, 50)),
    ]
    assert state.front == state.certificates[0]


def test_a_sale_of_the_whole_takes_the_front_along() -> None:
    state = live(replace(ALL_SOLD, recourse=0))
    assert parts(state) == [Certificate(0, 100, BANK, since=3)]
    assert state.front is None


def test_recourse_ends_with_a_hop_and_stays_with_a_pledge() -> None:
    pledged = live(ALL_SOLD, Pledged(1, BANK, SUPPLIER, 0, 100, 9, 0, rules.NO_QUOTE, NOW))
    assert pledged.certificates[0].recourse == Recourse(SELLER, 50)
    for entry in (
        Endorsed(1, BANK, SUPPLIER, 0, 100, DOCUMENT, NOW),
        Split(1, BANK, BANK, 0, 100, 50, DOCUMENT, NOW),
        replace(ALL_SOLD, financier=SUPPLIER, recourse=0),
        FORCED,
    ):
        assert all(part.recourse is None for part in parts(live(ALL_SOLD, entry)))


def test_a_forced_transfer_takes_lien_and_payments_along() -> None:
    state = live(PLEDGED, PAID, replace(REDEEMED, to_financier=33), FORCED)
    assert parts(state) == [Certificate(0, 100, SUPPLIER, since=6, lien=Lien(BANK, 80, since=3), claimed=33)]
    assert state.front is None


def test_a_partition_divides_what_lies_on_a_certificate() -> None:
    state = live(PLEDGED, PAID, replace(REDEEMED, to_financier=33), PARTITIONED)
    assert parts(state) == [
        Certificate(0, 30, SELLER, since=6, lien=Lien(BANK, 24, since=3), claimed=9),
        Certificate(30, 100, SELLER, since=6, lien=Lien(BANK, 56, since=3), claimed=24),
    ]


# --------------------------------------------------------- payment and clearing


def test_payments_add_up_until_all_is_paid() -> None:
    state = live(PAID, replace(PAID, amount=60))
    assert (state.paid, state.status, state.is_part_paid) == (93, Status.CONFIRMED, True)
    settled = live(PAID, replace(PAID, amount=67, payer=STRANGER))
    assert (settled.paid, settled.status, settled.is_part_paid) == (100, Status.SETTLED, False)
    assert live(ALL_PAID).status is Status.SETTLED


def test_a_redemption_pays_what_is_due_and_the_next_one_the_rest() -> None:
    state = live(PAID, REDEEMED)
    assert (state.claimed, state.redeemed) == (33, 0)
    assert parts(state) == [Certificate(0, 100, SELLER, since=2, claimed=33)]
    state = live(PAID, REDEEMED, replace(PAID, amount=67), replace(REDEEMED, amount=67))
    assert (state.claimed, state.redeemed, parts(state), state.front) == (100, 100, [], None)


def test_the_financier_gets_its_secured_amount_and_the_holder_the_rest() -> None:
    state = live(PLEDGED, ALL_PAID, replace(REDEEMED, amount=100, to_financier=80))
    assert (state.claimed, parts(state)) == (100, [])


def test_a_closed_book_pays_to_the_last_minor_unit() -> None:
    first = replace(REDEEMED, end=40, amount=13, at=OVERDUE)
    second = Redeemed(1, STRANGER, BANK, 40, 100, 20, 0, OVERDUE)
    state = live(replace(SOLD, recourse=0), PAID, CLOSED, first, second)
    assert (state.status, state.claimed, state.redeemed, parts(state)) == (Status.CLOSED, 33, 100, [])


def test_what_a_closed_book_pays_ends_no_recourse() -> None:
    first = replace(REDEEMED, end=40, amount=13, at=OVERDUE)
    second = Redeemed(1, STRANGER, BANK, 40, 100, 20, 0, OVERDUE)
    state = live(SOLD, PAID, CLOSED, first, second)
    (sold,) = parts(state)
    assert (state.claimed, state.redeemed) == (33, 40)
    assert (sold.holder, sold.claimed, sold.recourse is not None) == (BANK, 20, True)


def test_orders_go_on_after_the_end() -> None:
    for end in (replace(ALL_PAID, at=NOW), CLOSED):
        frozen = replace(FROZEN, at=OVERDUE), replace(ALL_FROZEN, at=OVERDUE)
        state = live(end, *frozen, PARTITIONED, replace(FORCED, end=30))
        assert [part.holder for part in parts(state)] == [SUPPLIER, SELLER]
        assert state.orders == (Freeze(ORDER, FROZEN.expiry, OVERDUE),)
        unfrozen = ReceivableUnfrozen(1, ORDER, OFFICER, COUNTERSIGNER, 100, OVERDUE)
        assert fold(state, unfrozen).orders == ()


# ------------------------------------------------------ credit notes and disputes


def test_a_credit_note_takes_from_the_front() -> None:
    state = live(CREDITED)
    assert (state.cancelled, parts(state)) == (10, [Certificate(10, 100, SELLER, since=3)])
    assert state.front == state.certificates[10]
    again = fold(state, replace(CREDITED, start=10, amount=5))
    assert (again.cancelled, again.front) == (15, Certificate(15, 100, SELLER, since=4))


def test_the_front_is_gone_once_all_of_it_is_credited() -> None:
    kept = Split(1, SELLER, SELLER, 0, 100, 40, DOCUMENT, NOW)
    state = live(kept, replace(CREDITED, end=40, amount=40))
    assert (state.cancelled, state.front, parts(state)) == (40, None, [Certificate(40, 100, SELLER, since=3)])
    with pytest.raises(JournalBroken):
        fold(state, replace(CREDITED, start=40, amount=1))


def test_a_receivable_that_is_credited_in_whole_is_settled() -> None:
    state = live(replace(CREDITED, amount=100))
    assert (state.status, state.cancelled, state.paid, parts(state)) == (Status.SETTLED, 100, 0, [])


def test_a_front_behind_a_credit_note_leaves_the_originator_like_any_other() -> None:
    moved = Endorsed(1, SELLER, BANK, 10, 100, DOCUMENT, NOW)
    assert live(CREDITED, moved).front is None


def test_a_dispute_cuts_the_front_and_is_paid_last() -> None:
    state = live(DISPUTED)
    assert (state.senior, state.disputed) == (40, True)
    assert parts(state) == [Certificate(0, 40, SELLER, since=3), Certificate(40, 100, SELLER, since=3)]
    whole = live(replace(DISPUTED, cut=100))
    assert (whole.senior, parts(whole)) == (100, [Certificate(0, 100, SELLER, since=2)])
    paid = live(DISPUTED, REST_PAID)
    assert paid.status is Status.CONFIRMED
    assert live(DISPUTED, REST_PAID, Redeemed(1, STRANGER, SELLER, 40, 100, 60, 0, NOW)).redeemed == 60


def test_a_dispute_that_ends_before_a_payment_leaves_no_trace() -> None:
    state = live(DISPUTED, RESOLVED)
    assert (state.senior, state.disputed) == (0, False)
    assert parts(fold(state, Merged(1, SELLER, 0, 100, 40, NOW))) == [Certificate(0, 100, SELLER, since=5)]


def test_what_was_paid_while_a_dispute_lasted_stays_with_its_minor_units() -> None:
    state = live(DISPUTED, REST_PAID, RESOLVED)
    assert (state.senior, state.disputed) == (40, False)
    state = live(DISPUTED, REST_PAID, RESOLVED, replace(PAID, amount=30), replace(REDEEMED, end=40, amount=30))
    assert (state.paid, state.claimed, state.certificates[40].claimed) == (90, 30, 0)


def test_a_dispute_is_over_once_all_of_it_is_credited() -> None:
    credited = replace(CREDITED, end=40, amount=40)
    state = live(DISPUTED, credited)
    assert (state.cancelled, state.senior, state.disputed, state.status) == (40, 0, False, Status.CONFIRMED)
    assert live(DISPUTED, REST_PAID, credited).status is Status.SETTLED
    assert live(DISPUTED, replace(credited, amount=39)).disputed


# ------------------------------------------------- dishonour, the end, recourse


def test_a_mark_of_dishonour_goes_with_the_payment_or_the_absolution() -> None:
    marked = live(DISHONOURED)
    assert marked.dishonoured
    assert fold(marked, replace(PAID, amount=99, at=OVERDUE)).dishonoured
    assert not fold(marked, replace(ALL_PAID, at=OVERDUE)).dishonoured
    assert not fold(marked, replace(DISPUTED, cut=100, at=OVERDUE)).dishonoured
    closed = fold(marked, CLOSED)
    assert closed.dishonoured
    assert not fold(closed, ABSOLVED).dishonoured


def test_what_is_written_off_is_dishonoured() -> None:
    assert live(replace(PAID, amount=99), CLOSED).dishonoured
    assert not live(DISPUTED, REST_PAID, CLOSED).dishonoured


def test_a_certificate_goes_back_to_its_seller() -> None:
    demanded = live(SOLD, DEMANDED)
    assert demanded.certificates[40].recourse == Recourse(SELLER, 50, demanded=True)
    assert fold(demanded, REPURCHASED).certificates[40] == Certificate(40, 100, SELLER, since=5)
    redeemed = Redeemed(1, STRANGER, BANK, 40, 100, 19, 0, DUE)
    taken = live(SOLD, PAID, redeemed, DEMANDED, replace(REPURCHASED, amount=31))
    assert taken.certificates[40] == Certificate(40, 100, SELLER, since=7, claimed=19)


# ----------------------------------------------------------- what cannot follow

ENDED: list[list[Entry]] = [[ALL_PAID], [CLOSED]]
CANNOT_FOLLOW: list[tuple[list[Entry], Entry]] = [
    # Pledge and sale: of what could move, to somebody else, within its length.
    *(([entry], again) for entry in (PLEDGED, FROZEN, ALL_FROZEN, DISPUTED) for again in (PLEDGED, SOLD, ALL_SOLD)),
    *(([], replace(entry, at=DUE)) for entry in (PLEDGED, SOLD)),
    *(([PAID], replace(entry, at=DUE)) for entry in (PLEDGED, SOLD)),
    *(([DISPUTED, REST_PAID], replace(entry, start=40)) for entry in (PLEDGED, replace(SOLD, cut=60, recourse=0))),
    *(([], replace(entry, financier=SELLER)) for entry in (PLEDGED, SOLD)),
    *(([], replace(entry, end=99)) for entry in (PLEDGED, SOLD)),
    ([], replace(PLEDGED, secured=0)),
    ([], replace(PLEDGED, secured=101)),
    ([], replace(PLEDGED, price=0)),
    ([], replace(PLEDGED, price=101)),
    ([], RELEASED),
    ([PLEDGED], replace(RELEASED, financier=SUPPLIER)),
    ([PLEDGED], replace(RELEASED, end=99)),
    ([PLEDGED, RELEASED], RELEASED),
    ([], replace(SOLD, cut=100)),
    ([], replace(SOLD, price=0)),
    ([], replace(SOLD, price=61)),
    ([], replace(SOLD, recourse=61)),
    # What is pledged, disputed or paid in part moves neither by its holder.
    ([PLEDGED], Split(1, SELLER, SELLER, 0, 100, 40, DOCUMENT, NOW)),
    ([PLEDGED], Endorsed(1, SELLER, BANK, 0, 100, DOCUMENT, NOW)),
    ([DISPUTED], Endorsed(1, SELLER, BANK, 0, 40, DOCUMENT, NOW)),
    ([DISPUTED], Merged(1, SELLER, 0, 100, 40, NOW)),
    ([DISPUTED, REST_PAID], Endorsed(1, SELLER, BANK, 40, 100, DOCUMENT, NOW)),
    ([DISPUTED, REST_PAID, RESOLVED], Merged(1, SELLER, 0, 100, 40, NOW)),
    ([ALL_PAID], Endorsed(1, SELLER, BANK, 0, 100, DOCUMENT, NOW)),
    # Payments: no more than is payable, and not in parts before the due date or by a stranger.
    *((end, replace(PAID, amount=1, at=OVERDUE)) for end in ENDED),
    ([], replace(PAID, face=99)),
    ([], replace(PAID, amount=0)),
    ([], replace(PAID, amount=101)),
    ([], replace(PAID, at=DUE - 1)),
    ([], replace(PAID, payer=STRANGER)),
    ([PAID], replace(PAID, amount=68)),
    ([DISPUTED], replace(REST_PAID, amount=61)),
    ([DISPUTED, REST_PAID], replace(PAID, amount=1)),
    ([CREDITED], replace(ALL_PAID, amount=100)),
    # Redemptions: exactly what is due, to whom it is due.
    ([], REDEEMED),
    ([PAID], replace(REDEEMED, amount=32)),
    ([PAID], replace(REDEEMED, amount=34)),
    ([PAID], replace(REDEEMED, holder=BANK)),
    ([PAID], replace(REDEEMED, to_financier=1)),
    ([PAID], replace(REDEEMED, end=99)),
    ([PAID, REDEEMED], replace(REDEEMED, amount=0)),
    ([PAID, REDEEMED], REDEEMED),
    ([PLEDGED, PAID], REDEEMED),
    ([PLEDGED, ALL_PAID], replace(REDEEMED, amount=100, to_financier=100)),
    ([ALL_PAID, replace(REDEEMED, amount=100)], replace(REDEEMED, amount=100)),
    ([FROZEN, PAID], REDEEMED),
    ([ALL_FROZEN, PAID], REDEEMED),
    ([SOLD, PAID, CLOSED], Redeemed(1, STRANGER, BANK, 40, 100, 19, 0, OVERDUE)),
    ([DISPUTED, REST_PAID], Redeemed(1, STRANGER, SELLER, 0, 40, 24, 0, NOW)),
    # Credit notes and disputes: by both parties, about the free front.
    *(
        (before, replace(entry, at=OVERDUE))
        for before in (*ENDED, [PLEDGED], [FROZEN], [ALL_FROZEN], [ALL_SOLD], [PAID])
        for entry in (CREDITED, DISPUTED)
    ),
    *(
        (before, replace(entry, **parties))
        for before, entry in (([], CREDITED), ([], DISPUTED), ([DISPUTED], RESOLVED))
        for parties in ({"actor": STRANGER}, {"countersigner": STRANGER}, {"actor": SELLER, "countersigner": SELLER})
    ),
    ([SOLD], replace(CREDITED, start=40)),
    ([], replace(CREDITED, end=99)),
    ([], replace(CREDITED, amount=0)),
    ([], replace(CREDITED, amount=101)),
    (
        [DISPUTED, REST_PAID, RESOLVED, replace(PAID, amount=1)],
        replace(CREDITED, end=40, amount=1, at=DUE),
    ),
    ([], replace(DISPUTED, cut=0)),
    ([], replace(DISPUTED, cut=101)),
    ([DISPUTED], replace(DISPUTED, end=40, cut=20)),
    ([], RESOLVED),
    ([DISPUTED], replace(RESOLVED, face=99)),
    ([DISPUTED, RESOLVED], RESOLVED),
    # The end: of what is confirmed and overdue, by a day at least.
    *((end, entry) for end in ENDED for entry in (CLOSED, DISHONOURED)),
    *(([], replace(entry, at=OVERDUE - 1)) for entry in (CLOSED, DISHONOURED)),
    *(([], replace(entry, face=99)) for entry in (CLOSED, DISHONOURED)),
    ([DISHONOURED], DISHONOURED),
    ([DISPUTED, REST_PAID], DISHONOURED),
    ([DISHONOURED], ABSOLVED),
    ([DISPUTED, REST_PAID, CLOSED], ABSOLVED),
    ([DISHONOURED, CLOSED], replace(ABSOLVED, face=99)),
    ([DISHONOURED, CLOSED, ABSOLVED], ABSOLVED),
    # Recourse: what was sold with it, once, after the due date, less what was paid out.
    ([replace(SOLD, recourse=0)], DEMANDED),
    ([SOLD], replace(DEMANDED, at=OVERDUE - 1)),
    ([SOLD], replace(DEMANDED, seller=BANK)),
    ([SOLD], replace(DEMANDED, start=0, end=40)),
    ([SOLD, DEMANDED], DEMANDED),
    ([SOLD, ALL_PAID], DEMANDED),
    (
        [SOLD, replace(PAID, amount=90), Redeemed(1, STRANGER, BANK, 40, 100, 54, 0, DUE)],
        DEMANDED,
    ),
    ([SOLD], REPURCHASED),
    ([SOLD, DEMANDED], replace(REPURCHASED, seller=SUPPLIER)),
    ([SOLD, DEMANDED], replace(REPURCHASED, amount=49)),
    ([SOLD, DEMANDED, replace(FROZEN, start=40, at=OVERDUE)], REPURCHASED),
    ([SOLD, ALL_FROZEN, DEMANDED], REPURCHASED),
    ([SOLD, DEMANDED, REPURCHASED], REPURCHASED),
    # Nothing of it before a confirmation, or of R-0.
    ([], DeskSet(DESK, OPERATOR, NOW)),
    ([], replace(PLEDGED, receivable_id=2)),
]


@pytest.mark.parametrize(("before", "entry"), CANNOT_FOLLOW)
def test_an_entry_that_cannot_follow_breaks_the_journal(before: list[Entry], entry: Entry) -> None:
    state = live(*before)
    with pytest.raises(JournalBroken):
        fold(state, entry)


@pytest.mark.parametrize(
    "entry",
    [PLEDGED, RELEASED, SOLD, PAID, REDEEMED, CLOSED, CREDITED, DISPUTED, RESOLVED, DISHONOURED, ABSOLVED, DEMANDED],
    ids=lambda entry: type(entry).__name__,
)
def test_there_is_no_money_in_a_claim(entry: Entry) -> None:
    with pytest.raises(JournalBroken):
        fold(after(REGISTERED), entry)


# -------------------------------------------------------------------------

TOKEN_SET = DepositTokenSet(978, TOKEN, OPERATOR, 10)


def test_tokens_and_desk_fold() -> None:
    state = registry_after(
        TOKEN_SET,
        replace(TOKEN_SET, currency=156, token=DESK),
        DeskSet(DESK, OPERATOR, 20),
        DeskSet(BANK, OPERATOR, 30),
    )
    assert (dict(state.deposit_tokens), state.desk) == ({978: TOKEN, 156: DESK}, BANK)


@pytest.mark.parametrize(
    "entries",
    [
        [TOKEN_SET, replace(TOKEN_SET, token=DESK)],
        [replace(TOKEN_SET, currency=0)],
        [replace(TOKEN_SET, currency=1_000)],
    ],
)
def test_a_currency_has_one_token(entries: list[Entry]) -> None:
    state = registry_after(*entries[:-1])
    with pytest.raises(JournalBroken, match="of R-0"):
        fold_registry(state, entries[-1:])
