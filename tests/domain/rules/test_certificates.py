"""Moving certificates: what the contract would refuse, in its order, and what it would write."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from registry.domain import rules
from registry.domain.fold import fold_all
from registry.domain.identifiers import Address, CertificateId
from registry.domain.journal import Endorsed, Merged, Split
from registry.domain.receivable import Lien, Status
from registry.domain.rules import Endorsement, Part
from tests.domain.rules import faults
from tests.domain.rules.faults import (
    FREEZE,
    Operation,
    assert_fault_is_told_before_those_after_it,
    cases,
    certificate,
    ineligible,
    named,
)
from tests.domain.setting import (
    BANK,
    CONFIRMED,
    DOCUMENT,
    DUE,
    MINIMUM_PART_MINOR,
    NOW,
    REGISTERED,
    SELLER,
    STRANGER,
    SUPPLIER,
    after,
    world,
)

LIVE = after(REGISTERED, CONFIRMED)
WHOLE = CertificateId(1, 0, 100)
LIEN = Lien(BANK, 50, since=3)
TWO = fold_all(LIVE, [Split(1, SELLER, SELLER, 0, 100, 40, DOCUMENT, NOW)])
MOVABLE: list[tuple[type[rules.ChainRefusal], faults.Fault]] = [
    (rules.StatusForbids, faults.receivable(status=Status.REGISTERED)),
    (rules.DueDatePassed, named(now=DUE)),
    (rules.FrozenByOrder, faults.receivable(orders=(FREEZE,))),
    (rules.PaymentMade, faults.receivable(paid=1)),
    (rules.InDispute, faults.receivable(senior=40, disputed=True)),
    (rules.FrozenByOrder, certificate(0, orders=(FREEZE,))),
    (rules.PledgedTo, certificate(0, lien=LIEN)),
]
AUTHORITY: list[tuple[type[rules.ChainRefusal], faults.Fault]] = [
    (rules.RegistryPaused, faults.PAUSED),
    (rules.UnknownCertificate, named(certificate_id=CertificateId(1, 7, 100))),
    (rules.NotHolder, named(actor=STRANGER)),
    (rules.RangeChanged, named(certificate_id=CertificateId(1, 0, 99))),
]
SENDER: list[tuple[type[rules.ChainRefusal], faults.Fault]] = [
    (rules.MemberNotEligible, ineligible(SELLER)),
    (rules.FrozenByOrder, faults.member(SELLER, orders=(FREEZE,))),
]
RECEIVER: list[tuple[type[rules.ChainRefusal], faults.Fault]] = [
    (rules.MemberNotEligible, named(receiver=STRANGER)),
    (rules.TradeDocumentMissing, named(document=rules.NO_DOCUMENT)),
    (rules.RulesForbid, faults.FORBIDDEN),
]


def cut(at: int) -> faults.Fault:
    return named(cut=at)


def parts(*cuts: int, receiver: Address = SUPPLIER) -> faults.Fault:
    return named(parts=tuple(Part(at, receiver, DOCUMENT) for at in cuts))


def no_neighbour(call: faults.Call) -> faults.Call:
    front = call["world"].receivables[1].certificates[0]
    return faults.receivable(certificates={0: front})(call)


SPLIT = Operation(
    rules.decide_split,
    {
        "world": world(LIVE),
        "actor": SELLER,
        "certificate_id": WHOLE,
        "cut": 40,
        "receiver": SUPPLIER,
        "document": DOCUMENT,
        "now": NOW,
    },
    [
        *AUTHORITY,
        *MOVABLE,
        *SENDER,
        (rules.CutOutOfRange, cut(100)),
        (rules.BelowMinimumPart, cut(100 - MINIMUM_PART_MINOR + 1)),
        *RECEIVER,
    ],
)
SPLIT_MANY = Operation(
    rules.decide_split_many,
    parts(70, 40, 20)({"world": world(LIVE), "actor": SELLER, "certificate_id": WHOLE, "now": NOW}),
    [
        *AUTHORITY,
        *MOVABLE,
        *SENDER,
        (rules.BatchEmpty, parts()),
        (rules.CutOutOfRange, parts(100)),
        (rules.BelowMinimumPart, parts(MINIMUM_PART_MINOR - 1)),
        (rules.MemberNotEligible, parts(40, receiver=STRANGER)),
        (rules.RulesForbid, faults.FORBIDDEN),
    ],
)
ENDORSE = Operation(
    rules.decide_endorse,
    {key: value for key, value in SPLIT.accepted.items() if key != "cut"},
    [*AUTHORITY, *MOVABLE, (rules.SameHolder, named(receiver=SELLER)), *SENDER, *RECEIVER],
)
TRANSFER = Operation(
    rules.decide_transfer,
    {
        "world": world(LIVE),
        "actor": SELLER,
        "giver": SELLER,
        "receivable_id": 1,
        "start": 0,
        "receiver": SUPPLIER,
        "document": DOCUMENT,
        "now": NOW,
    },
    [
        (rules.RegistryPaused, faults.PAUSED),
        (rules.UnknownCertificate, named(start=7)),
        (rules.NotHolder, named(actor=STRANGER)),
        (rules.NotHolder, named(giver=BANK)),
        *MOVABLE,
        (rules.SameHolder, named(receiver=SELLER)),
        *SENDER,
        *RECEIVER,
    ],
)
MERGE = Operation(
    rules.decide_merge,
    {"world": world(TWO), "actor": SELLER, "certificate_id": CertificateId(1, 0, 40), "end": 100, "now": NOW},
    [
        (rules.RegistryPaused, faults.PAUSED),
        (rules.UnknownCertificate, named(certificate_id=CertificateId(1, 7, 40))),
        (rules.NotHolder, named(actor=STRANGER)),
        (rules.RangeChanged, named(certificate_id=CertificateId(1, 0, 39))),
        (rules.UnknownCertificate, no_neighbour),
        (rules.NotHolder, certificate(40, holder=BANK)),
        (rules.RangeChanged, named(end=99)),
        *MOVABLE,
        (rules.FrozenByOrder, certificate(40, orders=(FREEZE,))),
        (rules.PledgedTo, certificate(40, lien=LIEN)),
        *SENDER,
    ],
)
APPROVE = Operation(
    rules.decide_approve,
    {"world": world(LIVE), "actor": SELLER, "receivable_id": 1, "start": 0},
    [(rules.UnknownCertificate, named(start=7)), (rules.NotHolder, named(actor=STRANGER))],
)
APPROVE_RANGE = Operation(
    rules.decide_approve_range,
    {"world": world(LIVE), "actor": SELLER, "certificate_id": WHOLE},
    [
        (rules.UnknownCertificate, named(certificate_id=CertificateId(2, 0, 100))),
        (rules.RangeChanged, named(certificate_id=CertificateId(1, 0, 99))),
        (rules.NotHolder, named(actor=STRANGER)),
    ],
)


@pytest.mark.parametrize(
    ("operation", "index"), cases(SPLIT, SPLIT_MANY, ENDORSE, TRANSFER, MERGE, APPROVE, APPROVE_RANGE)
)
def test_the_first_fault_is_told(operation: Operation, index: int) -> None:
    assert_fault_is_told_before_those_after_it(operation, index)


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (SPLIT, [Split(1, SELLER, SUPPLIER, 0, 100, 40, DOCUMENT, NOW)]),
        (
            SPLIT_MANY,
            [
                Split(1, SELLER, SUPPLIER, 0, 100, 70, DOCUMENT, NOW),
                Split(1, SELLER, SUPPLIER, 0, 70, 40, DOCUMENT, NOW),
                Split(1, SELLER, SUPPLIER, 0, 40, 20, DOCUMENT, NOW),
            ],
        ),
        (ENDORSE, [Endorsed(1, SELLER, SUPPLIER, 0, 100, DOCUMENT, NOW)]),
        (TRANSFER, [Endorsed(1, SELLER, SUPPLIER, 0, 100, DOCUMENT, NOW)]),
        (MERGE, [Merged(1, SELLER, 0, 100, 40, NOW)]),
    ],
    ids=lambda value: value.decide.__name__ if isinstance(value, Operation) else "",
)
def test_a_decision_is_the_entry_that_the_fold_takes(operation: Operation, expected: list[Any]) -> None:
    decided = operation.decide(**operation.accepted)
    entries = list(decided) if isinstance(decided, tuple) else [decided]
    assert entries == expected
    fold_all(operation.accepted["world"].receivables[1], entries)


@pytest.mark.parametrize("operation", [SPLIT, ENDORSE, MERGE], ids=lambda operation: operation.decide.__name__)
def test_a_sunset_lets_certificates_move(operation: Operation) -> None:
    operation.decide(**faults.SUNSET(operation.accepted))


@pytest.mark.parametrize(
    ("operation", "changes"),
    [
        (SPLIT, {"receiver": BANK, "document": rules.NO_DOCUMENT}),
        (SPLIT, {"receiver": SELLER, "document": rules.NO_DOCUMENT}),
        (ENDORSE, {"receiver": BANK, "document": rules.NO_DOCUMENT}),
    ],
)
def test_a_financier_or_the_holder_itself_needs_no_trade_document(
    operation: Operation, changes: dict[str, Any]
) -> None:
    operation.decide(**operation.accepted | changes)


@pytest.mark.parametrize("cut_at", [MINIMUM_PART_MINOR, 100 - MINIMUM_PART_MINOR])
def test_the_smallest_part_may_be_at_either_end(cut_at: int) -> None:
    rules.decide_split(**SPLIT.accepted | {"cut": cut_at})
    beyond = cut_at - 1 if cut_at < 50 else cut_at + 1
    with pytest.raises(rules.BelowMinimumPart):
        rules.decide_split(**SPLIT.accepted | {"cut": beyond})


def test_the_cuts_of_a_batch_descend_and_each_leaves_enough() -> None:
    for at, refusal in ((40, rules.CutOutOfRange), (41, rules.CutOutOfRange), (36, rules.BelowMinimumPart)):
        with pytest.raises(refusal):
            rules.decide_split_many(**parts(40, at)(SPLIT_MANY.accepted))


def test_an_expired_order_hinders_nobody() -> None:
    call = faults.member(SELLER, orders=(replace(FREEZE, expiry=NOW),))(SPLIT.accepted)
    rules.decide_split(**call)


# ------------------------------------------------------------------ a batch


def endorse_many(here: rules.World, actor: Address, *hops: tuple[CertificateId, Address]) -> tuple[Endorsed, ...]:
    endorsements = [Endorsement(named_, receiver, DOCUMENT) for named_, receiver in hops]
    return rules.decide_endorse_many(here, actor=actor, endorsements=endorsements, now=NOW)


def test_a_batch_of_endorsements_is_one_after_the_other() -> None:
    front, tail = CertificateId(1, 0, 40), CertificateId(1, 40, 100)
    entries = endorse_many(world(TWO), SELLER, (front, BANK), (tail, SUPPLIER))
    assert [part.holder for part in fold_all(TWO, entries).certificates.values()] == [BANK, SUPPLIER]
    with pytest.raises(rules.NotHolder):
        endorse_many(world(TWO), SELLER, (front, BANK), (front, SUPPLIER))


def test_an_approval_lasts_for_one_hop_of_a_batch() -> None:
    approved = replace(world(LIVE), approvals={WHOLE.token_id: STRANGER})
    endorse_many(approved, STRANGER, (WHOLE, BANK))
    with pytest.raises(rules.NotHolder):
        endorse_many(approved, STRANGER, (WHOLE, BANK), (WHOLE, SUPPLIER))
    operator = replace(world(LIVE), operators=frozenset({(SELLER, STRANGER), (BANK, STRANGER)}))
    assert len(endorse_many(operator, STRANGER, (WHOLE, BANK), (WHOLE, SUPPLIER))) == 2


def test_an_empty_batch_is_told_even_in_a_pause() -> None:
    with pytest.raises(rules.BatchEmpty):
        endorse_many(here=faults.PAUSED(SPLIT.accepted)["world"], actor=SELLER)
    with pytest.raises(rules.RegistryPaused):
        rules.decide_split_many(**faults.PAUSED(parts()(SPLIT_MANY.accepted)))


# ------------------------------------------------------------- extra rules


def test_the_extra_rules_hear_what_moves() -> None:
    heard: list[rules.Act] = []
    for operation in (SPLIT_MANY, ENDORSE, TRANSFER, MERGE):
        operation.decide(**faults.world(extra_rules=heard.append)(operation.accepted))
    assert heard == [
        rules.Act(4, 1, SELLER, SELLER, SUPPLIER, 70, 100),
        rules.Act(4, 1, SELLER, SELLER, SUPPLIER, 40, 70),
        rules.Act(4, 1, SELLER, SELLER, SUPPLIER, 20, 40),
        rules.Act(5, 1, SELLER, SELLER, SUPPLIER, 0, 100),
        rules.Act(5, 1, SELLER, SELLER, SUPPLIER, 0, 100),
    ]
