"""What is payable, due and paid out, against plain figures, fractions and random schedules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.domain import rules
from registry.domain.amounts import (
    after_payment,
    conservation_faults,
    divide,
    due,
    partition,
    pay_out,
    payable,
    payout,
    settle,
    share_bps,
)
from registry.domain.anchors import anchor_of, claim_key_of
from registry.domain.fold import walk
from registry.domain.identifiers import MINOR_MAX, Address
from registry.domain.journal import (
    ENTRY_TYPES,
    Absolved,
    Confirmed,
    DepositTokenSet,
    DeskSet,
    Entry,
    Paid,
    ParameterSet,
    Pledged,
    Redeemed,
    Repurchased,
)
from registry.domain.receivable import DAY_SECONDS, Certificate, Freeze, Lien, Parameter, Receivable, Recourse, Status
from registry.domain.rules import Authorisation, Deal
from tests.domain.setting import (
    BANK,
    BUYER,
    COUNTERSIGNER,
    DESK,
    DOCUMENT,
    DUE,
    EMPTY,
    GRACE_DAYS,
    KEY,
    KYC_EXPIRY,
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
    world,
)


def owed(face: int = 100, *, cover: tuple[int, ...] = (), **changes: Any) -> Receivable:
    """A confirmed receivable whose certificates begin at 0 and at each cut of the cover."""
    starts = sorted({0, *cover})
    ends = [*starts[1:], face]
    parts = {start: Certificate(start, end, SELLER, since=2) for start, end in zip(starts, ends, strict=True)}
    return replace(
        Receivable(1, b"", status=Status.CONFIRMED, face=face, due=DUE, debtor=BUYER, certificates=parts), **changes
    )


# ---------------------------------------------------------------------- payable


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, 100),
        ({"paid": 30}, 70),
        ({"cancelled": 20, "paid": 30}, 50),
        ({"senior": 40, "disputed": True}, 60),
        ({"senior": 40, "disputed": True, "paid": 60}, 0),
        ({"senior": 40, "disputed": True, "cancelled": 10, "paid": 10}, 50),
        ({"senior": 40, "paid": 60}, 40),
        ({"status": Status.SETTLED, "paid": 100}, 0),
        ({"status": Status.CLOSED, "paid": 30}, 0),
        ({"status": Status.REGISTERED}, 0),
    ],
)
def test_payable_is_what_is_neither_paid_nor_credited_nor_disputed(changes: dict[str, Any], expected: int) -> None:
    assert payable(owed(**changes)) == expected


# -------------------------------------------------------------------------- due


@pytest.mark.parametrize(
    ("changes", "dues"),
    [
        # One tranche: 33 of 100, for [0, 40) and [40, 100); closed, by the floors at 40 and 100.
        ({"paid": 33}, (13, 19)),
        ({"paid": 33, "status": Status.CLOSED}, (13, 20)),
        # [0, 40) is paid last.
        ({"paid": 33, "senior": 40, "disputed": True}, (0, 33)),
        ({"paid": 70, "senior": 40}, (10, 60)),
        ({"paid": 100, "senior": 40}, (40, 60)),
    ],
)
def test_payments_fill_the_tranches_one_after_the_other(changes: dict[str, Any], dues: tuple[int, int]) -> None:
    state = owed(**changes)
    assert (due(state, 0, 40), due(state, 40, 100)) == dues


def test_what_was_credited_takes_part_in_nothing() -> None:
    state = owed(cancelled=40, paid=30)
    assert due(state, 40, 100) == 30
    assert due(state, 40, 60) == 10


def test_the_largest_face_has_room() -> None:
    state = owed(MINOR_MAX, paid=MINOR_MAX - 1)
    assert due(state, 0, MINOR_MAX - 1) == MINOR_MAX - 2
    assert due(replace(state, status=Status.CLOSED), MINOR_MAX - 1, MINOR_MAX) == 1


faces = st.integers(1, 60) | st.integers(1, MINOR_MAX)


@st.composite
def covers(draw: st.DrawFn) -> Receivable:
    """A receivable in certificates, with or without two tranches; none of them lies in both."""
    face = draw(faces)
    cuts = draw(st.sets(st.integers(1, face - 1), max_size=6)) if face > 1 else set()
    cancelled, *starts = sorted({draw(st.sampled_from([0, *cuts])), *cuts}) if cuts else [0]
    starts = [start for start in starts if start > cancelled]
    senior = draw(st.sampled_from([0, *starts]))
    state = owed(face, cover=(cancelled, *starts), cancelled=cancelled, senior=senior)
    live = {start: part for start, part in state.certificates.items() if start >= cancelled}
    return replace(state, certificates=live, paid=draw(st.integers(0, face - cancelled)))


def dues(state: Receivable) -> list[int]:
    return [due(state, part.start, part.end) for part in state.certificates.values()]


@given(covers())
def test_closed_the_parts_are_exactly_what_was_paid(state: Receivable) -> None:
    assert sum(dues(replace(state, status=Status.CLOSED))) == state.paid


@given(covers(), st.data())
def test_open_no_part_ever_falls_the_sum_stays_below_and_the_end_is_exact(
    state: Receivable, data: st.DataObject
) -> None:
    owed_now = state.face - state.cancelled
    more = replace(state, paid=data.draw(st.integers(state.paid, owed_now)))
    assert all(before <= after for before, after in zip(dues(state), dues(more), strict=True))
    assert sum(dues(state)) <= state.paid
    assert dues(replace(state, paid=owed_now)) == [part.amount for part in state.certificates.values()]


@given(covers())
def test_no_part_is_a_minor_unit_away_from_its_fair_share(state: Receivable) -> None:
    senior = state.senior or state.cancelled
    for status in (Status.CONFIRMED, Status.CLOSED):
        for part in state.certificates.values():
            first = part.start >= senior
            whole = state.face - senior if first else senior - state.cancelled
            paid = min(state.paid, state.face - senior) if first else state.paid - min(state.paid, state.face - senior)
            fair = Fraction(part.amount * paid, whole)
            assert abs(due(replace(state, status=status), part.start, part.end) - fair) < 1


# ----------------------------------------------------------------------- payout


def test_a_payout_is_what_is_due_less_what_was_claimed() -> None:
    state = owed(cover=(40,), paid=33, claimed=10)
    part = replace(state.certificates[40], claimed=10)
    assert payout(state, part).amount == 9
    assert payout(replace(state, claimed=31), part).amount == 2, "no more than what is left"
    assert payout(state, replace(part, claimed=20)).amount == 0, "ahead by its rounding"


@pytest.mark.parametrize(
    ("changes", "claimed", "is_last"),
    [
        ({"paid": 100}, 0, True),
        ({"paid": 99}, 0, False),
        ({"paid": 50}, 60, True),
        ({"paid": 1, "status": Status.CLOSED}, 0, True),
    ],
)
def test_a_certificate_ends_with_its_length_or_with_the_book(
    changes: dict[str, Any], claimed: int, is_last: bool
) -> None:
    state = owed(cover=(40,), **changes)
    part = replace(state.certificates[40], claimed=claimed)
    out = payout(state, part)
    assert out.is_last is is_last
    after = state.copy()
    pay_out(after, part, out)
    assert (after.claimed, after.redeemed) == (out.amount, 60 if is_last else 0)
    assert after.certificates.get(40) == (None if is_last else replace(part, claimed=claimed + out.amount))
    assert after.certificates.keys() - {40} == state.certificates.keys() - {40}


@given(faces, st.data())
def test_the_financier_is_paid_first_and_no_more_than_is_secured(face: int, data: st.DataObject) -> None:
    secured = data.draw(st.integers(1, face))
    state, part = owed(face), Certificate(0, face, SELLER, since=2, lien=Lien(BANK, secured, since=3))
    state.certificates[0] = part
    to_financier = to_holder = 0
    for paid in sorted(data.draw(st.lists(st.integers(0, face), max_size=5))):
        state = replace(state, paid=paid)
        out = payout(state, part)
        to_financier, to_holder = to_financier + out.to_financier, to_holder + out.amount - out.to_financier
        assert (to_financier, to_holder) == (min(paid, secured), max(paid - secured, 0))
        pay_out(state, part, out)
        if part.start not in state.certificates:
            break
        part = state.certificates[part.start]


# -------------------------------------------------------------------- partition


def test_what_lies_on_a_certificate_is_divided_by_length() -> None:
    part = Certificate(
        10, 110, SELLER, since=2, orders=(Freeze(ORDER, 9, 1),), lien=Lien(BANK, 55, 3), claimed=7,
        recourse=Recourse(SUPPLIER, 33, demanded=True),
    )  # fmt: skip
    front, tail = partition(part, 40, since=8)
    assert front == replace(
        part, end=40, since=8, lien=Lien(BANK, 16, 3), claimed=2, recourse=Recourse(SUPPLIER, 9, demanded=True)
    )
    assert tail == replace(
        part, start=40, since=8, lien=Lien(BANK, 39, 3), claimed=5, recourse=Recourse(SUPPLIER, 24, demanded=True)
    )


def test_a_part_with_nothing_of_a_right_has_none() -> None:
    part = Certificate(0, 100, SELLER, since=2, lien=Lien(BANK, 1, 3), recourse=Recourse(SUPPLIER, 1))
    front, tail = partition(part, 99, since=4)
    assert (front.lien, front.recourse) == (None, None)
    assert (tail.lien, tail.recourse) == (part.lien, part.recourse)
    front, tail = partition(replace(part, lien=Lien(BANK, 100, 3)), 99, since=4)
    assert (front.lien, tail.lien) == (Lien(BANK, 99, 3), Lien(BANK, 1, 3))


@given(st.integers(2, MINOR_MAX), st.data())
def test_no_part_gets_more_of_an_amount_than_it_is_long_and_the_order_of_amounts_stays(
    whole: int, data: st.DataObject
) -> None:
    more = data.draw(st.integers(0, whole))
    less = data.draw(st.integers(0, more))
    front = data.draw(st.integers(1, whole - 1))
    for small, large, length in zip(
        divide(less, front, whole), divide(more, front, whole), (front, whole - front), strict=True
    ):
        assert 0 <= small <= large <= length
    assert sum(divide(more, front, whole)) == more


# ------------------------------------------------------------------ transitions


def test_a_receivable_is_settled_with_its_last_minor_unit_and_its_debtor_cured_when_nothing_is_payable() -> None:
    marked = owed(dishonoured=True)
    assert after_payment(marked, 99) == replace(marked, paid=99)
    assert after_payment(marked, 100) == replace(marked, paid=100, status=Status.SETTLED, dishonoured=False)
    assert marked == owed(dishonoured=True)
    credited = replace(marked, cancelled=100)
    settle(credited)
    assert credited.status is Status.SETTLED
    disputed = replace(marked, senior=40, disputed=True)
    assert after_payment(disputed, 60) == replace(disputed, paid=60, dishonoured=False)
    assert after_payment(disputed, 59).dishonoured


# ----------------------------------------------------------------- conservation


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"redeemed": 1}, "not the face"),
        ({"cancelled": 1}, "not the face"),
        ({"paid": 101}, "paid than is owed"),
        ({"claimed": 1}, "more is paid out"),
        ({"paid": 5, "claimed": 1}, "not what certificates got"),
        ({"paid": 100}, "it is settled"),
        ({"status": Status.SETTLED}, "it is settled"),
        (
            {"status": Status.CLOSED, "paid": 5, "claimed": 4, "redeemed": 100, "certificates": {}},
            "not all that was paid",
        ),
        (
            {"paid": 9, "claimed": 9, "certificates": {0: Certificate(0, 100, SELLER, 2, claimed=101)}},
            "more than its length",
        ),
    ],
)
def test_what_breaks_conservation_is_told(changes: dict[str, Any], fault: str) -> None:
    assert not conservation_faults(owed())
    assert any(fault in sentence for sentence in conservation_faults(owed(**changes)))


def test_there_is_nothing_to_conserve_before_a_confirmation() -> None:
    assert conservation_faults(replace(EMPTY, paid=5)) == ()


# -------------------------------------------------------------- random schedules

SCHEDULES = 4_000
STEPS_MAX = 25
PARTIES = [SELLER, BUYER, SUPPLIER, BANK, STRANGER]
GROUND = world(
    registry=[
        DepositTokenSet(978, TOKEN, OPERATOR, 1),
        DeskSet(DESK, OPERATOR, 1),
        ParameterSet(Parameter.MINIMUM_PART_MINOR, OPERATOR, 1, DAY_SECONDS, 1),
    ],
    fingerprints={KEY: 1},
    operators=frozenset((party, DESK) for party in PARTIES),
    banks=frozenset({SETTLEMENT_BANK}),
)


Way = Callable[[Certificate], Entry | None]


class Schedule:
    """One receivable on a random way through its life. What the rules allow, the fold must take."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.face = self.random.choice([self.random.randint(1, 40), self.random.randint(1, 10**6), MINOR_MAX])
        self.now = DAY_SECONDS
        self.state = EMPTY
        self.paid = 0
        self.paid_out = 0
        self.seen: set[type[Entry]] = set()

    def play(self) -> None:
        """Walk the journal as it is written; after every entry the sums are right."""
        for state, entry in walk(EMPTY, self.entries()):
            self.state = state
            self.seen.add(type(entry))
            self.paid += entry.amount if isinstance(entry, Paid) else 0
            self.paid_out += entry.amount if isinstance(entry, Redeemed) else 0
            assert (state.paid, state.claimed) == (self.paid, self.paid_out)
            assert self.paid_out <= self.paid
            assert conservation_faults(state) == ()

    def entries(self) -> Iterator[Entry]:
        yield replace(REGISTERED, face=self.face)
        yield Confirmed(1, BUYER, SELLER, self.face, NOW)
        for ways in (self.before_due(), self.after_due()):
            for _ in range(self.random.randint(0, STEPS_MAX)):
                entry = self.step(ways)
                if entry is not None:
                    yield entry
            self.now = max(self.now, DUE + self.random.choice([0, DAY_SECONDS, GRACE_DAYS * DAY_SECONDS]))
        if self.state.status is Status.CONFIRMED:
            yield from self.end()
        self.now += DAY_SECONDS  # whatever was frozen is free again
        for start in self.random.sample(sorted(self.state.certificates), len(self.state.certificates)):
            entry = self.asked(rules.decide_redeem, actor=STRANGER, receivable_id=1, start=start)
            if entry is not None:
                yield entry
        assert self.paid_out == self.paid, "all that was paid is paid out"
        assert self.state.status is not Status.SETTLED or not self.state.certificates

    def end(self) -> Iterator[Entry]:
        """The debtor pays what it can, or the book is closed."""
        self.now = max(self.now, DUE + GRACE_DAYS * DAY_SECONDS)
        if self.random.random() < 0.5 and (most := payable(self.state)):
            yield Paid(1, BUYER, self.face, most, self.now)
        if self.state.status is Status.CONFIRMED:
            closed = self.asked(rules.decide_close, actor=SETTLEMENT_BANK, receivable_id=1)
            assert closed is not None
            yield closed

    def before_due(self) -> list[Way]:
        often = [self.move, self.sell, self.pledge, self.partition] * 3 + [self.credit, self.dispute, self.resolve]
        return [*often, self.pay, self.redeem, self.release, self.freeze, self.force]

    def after_due(self) -> list[Way]:
        often = [self.redeem, self.redeem, self.pay, self.partition, self.demand, self.repurchase] * 3
        return [*often, self.credit, self.dispute, self.resolve, self.release, self.freeze, self.force, self.close]

    def step(self, ways: list[Way]) -> Entry | None:
        parts = [*self.state.certificates.values()]
        return self.random.choice(ways)(self.random.choice(parts)) if parts else None

    def asked(self, decide: Callable[..., Any], **call: Any) -> Any:
        """The entry, or None where the rules refuse."""
        try:
            return decide(replace(GROUND, receivables={1: self.state}), now=self.now, **call)
        except rules.ChainRefusal:
            return None

    def second(self, signer: Address) -> Authorisation:
        named = {"anchor": anchor_of(self.state), "claim_key": claim_key_of(self.state)}
        return Authorisation(signer, nonce=1, deadline=max(self.now, KYC_EXPIRY), **named)

    def within(self, part: Certificate) -> int:
        """One of its cuts, often by little."""
        return self.random.choice([part.start + 1, part.end - 1, self.random.randint(part.start, part.end)])

    def pay(self, _part: Certificate) -> Entry | None:
        most = payable(self.state)
        if self.random.random() < 0.95:
            most = self.random.choice([1, min(3, most), self.random.randint(0, most)])
        return self.asked(rules.decide_pay, actor=BUYER, receivable_id=1, amount=most)

    def close(self, _part: Certificate) -> Entry | None:
        if self.random.random() < 0.8:
            return self.asked(rules.decide_dishonour, actor=STRANGER, receivable_id=1)
        return self.asked(rules.decide_close, actor=SETTLEMENT_BANK, receivable_id=1)

    def redeem(self, part: Certificate) -> Entry | None:
        return self.asked(rules.decide_redeem, actor=STRANGER, receivable_id=1, start=part.start)

    def move(self, part: Certificate) -> Entry | None:
        call = {"actor": part.holder, "certificate_id": part.id(1), "document": DOCUMENT}
        receiver = self.random.choice(PARTIES)
        if self.random.random() < 0.7:
            return self.asked(rules.decide_split, **call, cut=self.within(part), receiver=receiver)
        return self.asked(rules.decide_endorse, **call, receiver=receiver)

    def sell(self, part: Certificate) -> Entry | None:
        cut = self.random.choice([part.start, self.within(part)])
        most = max(part.end - cut, 1)
        amounts = (self.random.randint(1, most), self.random.randint(0, most))
        anchored = (anchor_of(self.state), claim_key_of(self.state))
        deal = Deal(part.id(1), cut, part.holder, BANK, *amounts, QUOTE, *anchored)
        return self.asked(rules.decide_sell, actor=DESK, deal=deal)

    def pledge(self, part: Certificate) -> Entry | None:
        secured = self.random.randint(1, part.amount)
        call = {"actor": part.holder, "certificate_id": part.id(1), "financier": BANK, "secured": secured}
        return self.asked(rules.decide_pledge, **call)

    def release(self, part: Certificate) -> Entry | None:
        return self.asked(rules.decide_release, actor=BANK, certificate_id=part.id(1))

    def partition(self, part: Certificate) -> Entry | None:
        return self.ordered(rules.decide_partition, part, cut=self.within(part), holder=part.holder)

    def freeze(self, part: Certificate) -> Entry | None:
        if part.orders:
            return self.ordered(rules.decide_unfreeze_certificate, part)
        return self.ordered(rules.decide_freeze_certificate, part, holder=part.holder, expiry=self.now + DAY_SECONDS)

    def force(self, part: Certificate) -> Entry | None:
        receiver = self.random.choice(PARTIES)
        return self.ordered(rules.decide_force_transfer, part, holder=part.holder, receiver=receiver)

    def ordered(self, decide: Callable[..., Any], part: Certificate, **call: Any) -> Entry | None:
        signed = self.second(COUNTERSIGNER)
        return self.asked(decide, actor=OFFICER, second=signed, certificate_id=part.id(1), order=ORDER, **call)

    def agreed(self, decide: Callable[..., Any], **call: Any) -> Entry | None:
        return self.asked(decide, actor=SELLER, second=self.second(BUYER), **call)

    def credit(self, _part: Certificate) -> Entry | None:
        front = self.state.front
        if front is None:
            return None
        amount = self.random.choice([1, front.amount, self.random.randint(1, front.amount)])
        return self.agreed(rules.decide_credit_note, certificate_id=front.id(1), amount=amount)

    def dispute(self, _part: Certificate) -> Entry | None:
        front = self.state.front
        if front is None:
            return None
        return self.agreed(rules.decide_dispute, certificate_id=front.id(1), cut=self.within(front))

    def resolve(self, _part: Certificate) -> Entry | None:
        return self.agreed(rules.decide_resolve, receivable_id=1)

    def demand(self, part: Certificate) -> Entry | None:
        part = self.one_with_recourse() or part
        return self.asked(rules.decide_demand_recourse, actor=part.holder, certificate_id=part.id(1))

    def repurchase(self, part: Certificate) -> Entry | None:
        part = self.one_with_recourse() or part
        seller = part.recourse.seller if part.recourse else SELLER
        return self.asked(rules.decide_repurchase, actor=seller, certificate_id=part.id(1))

    def one_with_recourse(self) -> Certificate | None:
        parts = [part for part in self.state.certificates.values() if part.recourse]
        return self.random.choice(parts) if parts else None


def test_no_schedule_pays_out_more_than_came_in_and_each_pays_out_all() -> None:
    seen: set[type[Entry]] = set()
    for seed in range(SCHEDULES):
        schedule = Schedule(seed)
        try:
            schedule.play()
        except BaseException as failure:
            failure.add_note(f"schedule {seed}")
            raise
        seen |= schedule.seen
    about_money = {entry for entry in ENTRY_TYPES if Pledged.OPERATION <= entry.OPERATION <= Repurchased.OPERATION}
    assert about_money - seen == {Absolved}, "each of them happens, but what changes no amount"


@pytest.mark.parametrize(
    ("part", "whole", "bps"),
    [(0, 3, 0), (1, 3, 3_334), (2, 3, 6_667), (3, 3, 10_000), (1, MINOR_MAX, 1), (MINOR_MAX - 1, MINOR_MAX, 10_000)],
)
def test_a_share_that_is_told_is_rounded_up(part: int, whole: int, bps: int) -> None:
    assert share_bps(part, whole) == bps
