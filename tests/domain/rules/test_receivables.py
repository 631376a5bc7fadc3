"""Registering and answering: what the contract would refuse, in its order, and what it would write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from registry.domain import rules
from registry.domain.fold import fold
from registry.domain.identifiers import Address
from registry.domain.journal import Lapsed, OfferAccepted, ParameterSet, Paused, Refused, Unpaused, Withdrawn
from registry.domain.receivable import DAY_SECONDS, OFFERS_MAX, Parameter, Status
from tests.domain.rules import faults
from tests.domain.rules.faults import (
    Operation,
    assert_fault_is_told_before_those_after_it,
    cases,
    ineligible,
    named,
    receivable,
)
from tests.domain.setting import (
    ANSWER_BY,
    ANSWER_WINDOW_DAYS,
    BUYER,
    CLAIM,
    CONFIRMED,
    COUNTER_OFFERED,
    DUE,
    EMPTY,
    KEY,
    LATER_DUE,
    NOW,
    OPERATOR,
    REGISTERED,
    SELLER,
    STRANGER,
    TENOR_LIMIT_DAYS,
    UNANSWERED_MAX,
    after,
    registry_after,
    world,
)

OPEN = after(REGISTERED)
LIVE = after(REGISTERED, CONFIRMED)
OFFERED = after(REGISTERED, COUNTER_OFFERED)
CLOSED = faults.receivable(status=Status.LAPSED)
UNKNOWN = named(receivable_id=2)
ANOTHER_HEAD = named(head=EMPTY.head)


def claim(**changes: Any) -> faults.Fault:
    return lambda call: call | {"claim": replace(call["claim"], **changes)}


def unanswered(count: int) -> faults.Fault:
    waiting = {number: replace(OPEN, receivable_id=number) for number in range(1, count + 1)}
    return faults.world(receivables=waiting)


def dishonoured(debtor: Address) -> faults.Fault:
    """A debt of this debtor's, R-9, bears the mark."""

    def fault(call: faults.Call) -> faults.Call:
        debt = replace(LIVE, receivable_id=9, debtor=debtor, dishonoured=True)
        return faults.world(receivables={**call["world"].receivables, 9: debt})(call)

    return fault


REGISTER = Operation(
    rules.decide_register,
    {"world": world(), "actor": SELLER, "claim": CLAIM, "now": NOW},
    [
        (rules.RegistryPaused, faults.PAUSED),
        (rules.RegistryInSunset, faults.SUNSET),
        (rules.FaceMissing, claim(face=0)),
        (rules.CurrencyMalformed, claim(currency=1_000)),
        (rules.DueDateMalformed, claim(due=DUE + 1)),
        (rules.DueDatePassed, claim(due=0)),
        (rules.TenorExceeded, claim(due=(TENOR_LIMIT_DAYS + 1) * DAY_SECONDS)),
        (rules.FingerprintMissing, claim(fingerprint=bytes(32))),
        (rules.DocumentRootMissing, claim(document_root=bytes(32))),
        (rules.DebtorIsOriginator, claim(debtor=SELLER)),
        (rules.MemberNotEligible, ineligible(SELLER)),
        (rules.DebtorOverdue, dishonoured(SELLER)),
        (rules.MemberNotEligible, claim(debtor=STRANGER)),
        (rules.DebtorOverdue, dishonoured(BUYER)),
        (rules.FingerprintTaken, faults.world(fingerprints={KEY: 1})),
        (rules.TakenInPredecessor, faults.world(predecessor_claims=frozenset({KEY}))),
        (rules.TooManyUnanswered, unanswered(UNANSWERED_MAX)),
        (rules.RulesForbid, faults.FORBIDDEN),
    ],
)
CONFIRM = Operation(
    rules.decide_confirm,
    {"world": world(OPEN), "actor": BUYER, "receivable_id": 1, "head": OPEN.head, "now": NOW},
    [
        (rules.RegistryPaused, faults.PAUSED),
        (rules.RegistryInSunset, faults.SUNSET),
        (rules.UnknownReceivable, UNKNOWN),
        (rules.StatusForbids, CLOSED),
        (rules.NotDebtor, named(actor=SELLER)),
        (rules.AnchorMismatch, ANOTHER_HEAD),
        (rules.DueDatePassed, named(now=DUE)),
        (rules.MemberNotEligible, ineligible(BUYER)),
        (rules.DebtorOverdue, dishonoured(BUYER)),
        (rules.MemberNotEligible, ineligible(SELLER)),
        (rules.RulesForbid, faults.FORBIDDEN),
    ],
)
REFUSE = Operation(
    rules.decide_refuse,
    CONFIRM.accepted | {"reason": 1},
    [
        (rules.RegistryPaused, faults.PAUSED),
        (rules.UnknownReceivable, UNKNOWN),
        (rules.StatusForbids, CLOSED),
        (rules.NotDebtor, named(actor=SELLER)),
        (rules.AnchorMismatch, ANOTHER_HEAD),
        (rules.ReasonMissing, named(reason=0)),
    ],
)
WITHDRAW = Operation(
    rules.decide_withdraw,
    CONFIRM.accepted | {"actor": SELLER, "originator": SELLER},
    [
        (rules.RegistryPaused, faults.PAUSED),
        (rules.UnknownReceivable, UNKNOWN),
        (rules.StatusForbids, CLOSED),
        (rules.NotOriginator, named(actor=BUYER)),
        (rules.AnchorMismatch, ANOTHER_HEAD),
    ],
)
LAPSE = Operation(
    rules.decide_lapse,
    CONFIRM.accepted | {"actor": STRANGER, "now": ANSWER_BY},
    [
        (rules.RegistryPaused, faults.PAUSED),
        (rules.UnknownReceivable, UNKNOWN),
        (rules.StatusForbids, CLOSED),
        (rules.AnchorMismatch, ANOTHER_HEAD),
        (rules.AnswerWindowOpen, named(now=ANSWER_BY - 1)),
    ],
)
COUNTER_OFFER = Operation(
    rules.decide_counter_offer,
    CONFIRM.accepted | {"face": 80, "due": LATER_DUE},
    [
        (rules.RegistryPaused, faults.PAUSED),
        (rules.UnknownReceivable, UNKNOWN),
        (rules.StatusForbids, CLOSED),
        (rules.NotDebtor, named(actor=SELLER)),
        (rules.AnchorMismatch, ANOTHER_HEAD),
        (rules.AnswerWindowOver, receivable(answer_by=NOW)),
        (rules.TooManyOffers, receivable(length=1 + OFFERS_MAX)),
        (rules.OfferMalformed, named(face=101)),
        (rules.DueDateMalformed, named(due=DUE + 1)),
        (rules.DueDatePassed, named(due=0)),
        (rules.TenorExceeded, named(due=(TENOR_LIMIT_DAYS + 1) * DAY_SECONDS)),
        (rules.MemberNotEligible, ineligible(BUYER)),
    ],
)
ACCEPT_OFFER = Operation(
    rules.decide_accept_offer,
    WITHDRAW.accepted | {"world": world(OFFERED), "head": OFFERED.head},
    [
        (rules.RegistryPaused, faults.PAUSED),
        (rules.RegistryInSunset, faults.SUNSET),
        (rules.UnknownReceivable, UNKNOWN),
        (rules.StatusForbids, CLOSED),
        (rules.NotOriginator, named(actor=BUYER)),
        (rules.AnchorMismatch, ANOTHER_HEAD),
        (rules.AnchorMismatch, faults.receivable(offer=None)),
        (rules.DueDatePassed, named(now=LATER_DUE)),
        (rules.MemberNotEligible, ineligible(SELLER)),
        (rules.MemberNotEligible, ineligible(BUYER)),
        (rules.DebtorOverdue, dishonoured(BUYER)),
        (rules.RulesForbid, faults.FORBIDDEN),
    ],
)


@pytest.mark.parametrize(
    ("operation", "index"),
    cases(REGISTER, CONFIRM, REFUSE, WITHDRAW, LAPSE, COUNTER_OFFER, ACCEPT_OFFER),
)
def test_the_first_fault_is_told(operation: Operation, index: int) -> None:
    assert_fault_is_told_before_those_after_it(operation, index)


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (REGISTER, REGISTERED),
        (CONFIRM, CONFIRMED),
        (REFUSE, Refused(1, BUYER, 1, 100, NOW)),
        (WITHDRAW, Withdrawn(1, SELLER, 100, NOW)),
        (LAPSE, Lapsed(1, STRANGER, 100, ANSWER_BY)),
        (COUNTER_OFFER, COUNTER_OFFERED),
        (ACCEPT_OFFER, OfferAccepted(1, SELLER, BUYER, 80, LATER_DUE, NOW)),
    ],
    ids=lambda value: value.decide.__name__ if isinstance(value, Operation) else "",
)
def test_a_decision_is_the_entry_that_the_fold_takes(operation: Operation, expected: Any) -> None:
    entry = operation.decide(**operation.accepted)
    assert entry == expected
    fold(operation.accepted["world"].receivables.get(1, EMPTY), entry)


def test_the_tenor_is_counted_from_the_second() -> None:
    day = TENOR_LIMIT_DAYS * DAY_SECONDS
    on_time = replace(CLAIM, due=day + DAY_SECONDS)
    rules.decide_register(world(), actor=SELLER, claim=on_time, now=DAY_SECONDS)
    with pytest.raises(rules.TenorExceeded, match="1970-06-30"):
        rules.decide_register(world(), actor=SELLER, claim=on_time, now=DAY_SECONDS - 1)


def test_a_tenor_limit_holds_from_its_day_on() -> None:
    shorter = ParameterSet(Parameter.TENOR_LIMIT_DAYS, OPERATOR, 90, 2 * DAY_SECONDS, NOW)
    here = world(registry=[shorter])
    rules.decide_register(here, actor=SELLER, claim=CLAIM, now=2 * DAY_SECONDS - 1)
    with pytest.raises(rules.TenorExceeded):
        rules.decide_register(here, actor=SELLER, claim=CLAIM, now=2 * DAY_SECONDS)


def test_answered_claims_and_those_of_others_are_not_unanswered() -> None:
    others = [
        replace(OPEN, receivable_id=1, status=Status.REFUSED),
        replace(OPEN, receivable_id=2, originator=STRANGER),
        replace(OPEN, receivable_id=3, debtor=STRANGER),
        *(replace(OPEN, receivable_id=number) for number in range(4, 3 + UNANSWERED_MAX)),
    ]
    assert rules.decide_register(world(*others), actor=SELLER, claim=CLAIM, now=NOW).receivable_id == len(others) + 1


def test_offers_are_made_until_the_answer_window_ends_which_a_pause_prolongs() -> None:
    call = COUNTER_OFFER.accepted | {"now": ANSWER_BY - 1}
    assert rules.decide_counter_offer(**call).at == ANSWER_BY - 1
    with pytest.raises(rules.AnswerWindowOver):
        rules.decide_counter_offer(**call | {"now": ANSWER_BY})
    pause = [Paused(OPERATOR, NOW + 100), Unpaused(OPERATOR, NOW + 150)]
    paused = call | {"world": world(OPEN, registry=pause)}
    rules.decide_counter_offer(**paused | {"now": ANSWER_BY + 49})
    with pytest.raises(rules.AnswerWindowOver):
        rules.decide_counter_offer(**paused | {"now": ANSWER_BY + 50})


def test_a_debtor_offers_a_limited_number_of_times() -> None:
    state = OPEN
    for count in range(OFFERS_MAX):
        call = COUNTER_OFFER.accepted | {"world": world(state), "head": state.head, "face": 80 - count}
        state = fold(state, rules.decide_counter_offer(**call))
    assert state.offer is not None
    assert state.offer.face == 81 - OFFERS_MAX
    with pytest.raises(rules.TooManyOffers):
        rules.decide_counter_offer(**COUNTER_OFFER.accepted | {"world": world(state), "head": state.head})


def test_the_answer_window_is_on_the_registrys_clock() -> None:
    pause = [Paused(OPERATOR, 100), Unpaused(OPERATOR, 150)]
    entry = rules.decide_register(world(registry=pause), actor=SELLER, claim=CLAIM, now=NOW)
    assert entry.answer_by == NOW - 50 + ANSWER_WINDOW_DAYS * DAY_SECONDS
    call = LAPSE.accepted | {"world": replace(world(OPEN), registry=registry_after(*pause))}
    with pytest.raises(rules.AnswerWindowOpen):
        rules.decide_lapse(**call | {"now": ANSWER_BY + 49})
    rules.decide_lapse(**call | {"now": ANSWER_BY + 50})


def test_the_extra_rules_hear_who_gives_and_who_receives() -> None:
    heard: list[rules.Act] = []

    def asked(operation: Operation) -> Callable[..., Any]:
        return operation.decide(**faults.world(extra_rules=heard.append)(operation.accepted))

    for operation in (REGISTER, CONFIRM, ACCEPT_OFFER, REFUSE, WITHDRAW, LAPSE, COUNTER_OFFER):
        asked(operation)
    assert heard == [
        rules.Act(1, 1, SELLER, SELLER, BUYER, 0, 100),
        rules.Act(2, 1, BUYER, BUYER, SELLER, 0, 100),
        rules.Act(9, 1, SELLER, BUYER, SELLER, 0, 80),
    ]
