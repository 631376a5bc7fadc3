"""Orders of an authority: what the contract would refuse, in its order, and what it would write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from registry.domain import rules
from registry.domain.anchors import NO_CLAIM_KEY, anchor
from registry.domain.fold import fold, fold_registry
from registry.domain.identifiers import CertificateId
from registry.domain.journal import (
    CertificateFrozen,
    CertificateUnfrozen,
    Entry,
    ForcedTransfer,
    MemberFrozen,
    MemberUnfrozen,
    Partitioned,
    ReceivableFrozen,
    ReceivableUnfrozen,
)
from registry.domain.receivable import ORDERS_MAX, Freeze, Scope, Status
from registry.domain.rules import Hold
from tests.domain.rules import faults
from tests.domain.rules.faults import (
    Operation,
    assert_fault_is_told_before_those_after_it,
    cases,
    certificate,
    ineligible,
    member,
    named,
    receivable,
    signature,
)
from tests.domain.setting import (
    BANK,
    CONFIRMED,
    COUNTERSIGNER,
    DELAY_SECONDS,
    DUE,
    KEY,
    KYC_EXPIRY,
    NOW,
    OFFICER,
    ORDER,
    OTHER_ORDER,
    REGISTERED,
    SELLER,
    STRANGER,
    SUPPLIER,
    after,
    second,
    world,
)

LIVE = after(REGISTERED, CONFIRMED)
WHOLE = CertificateId(1, 0, 100)
EXPIRY = NOW + 10_000
FREEZE = Freeze(ORDER, EXPIRY, NOW)
FULL = tuple(Freeze(bytes([n]) * 32, EXPIRY, NOW) for n in range(100, 100 + ORDERS_MAX))
FROZEN = certificate(0, orders=(FREEZE,))
MEMBER_FROZEN = member(SELLER, orders=(FREEZE,))
RECEIVABLE_FROZEN = receivable(orders=(FREEZE,))

OFFICERS: list[tuple[type[rules.ChainRefusal], faults.Fault]] = [
    (rules.NotOfficer, named(actor=STRANGER)),
    (rules.SameOfficer, signature(signer=OFFICER)),
    (rules.SignatureExpired, signature(deadline=0)),
    (rules.NonceUsed, faults.world(nonces_used=frozenset({(COUNTERSIGNER, 1), (STRANGER, 1)}))),
    (rules.SignatureInvalid, signature(genuine=False)),
    (rules.NotOfficer, signature(signer=STRANGER)),
]
MISSING: tuple[type[rules.ChainRefusal], faults.Fault] = (rules.OrderMissing, named(order=bytes(32)))
ANCHORED: list[tuple[type[rules.ChainRefusal], faults.Fault]] = [
    *OFFICERS,
    (rules.AnchorMismatch, signature(anchor=b"\x01" * 32)),
    MISSING,
]
UNKNOWN: tuple[type[rules.ChainRefusal], faults.Fault] = (
    rules.UnknownCertificate,
    named(certificate_id=CertificateId(1, 7, 100)),
)
CHANGED: tuple[type[rules.ChainRefusal], faults.Fault] = (
    rules.RangeChanged,
    named(certificate_id=CertificateId(1, 0, 99)),
)
HELD: list[tuple[type[rules.ChainRefusal], faults.Fault]] = [UNKNOWN, CHANGED, (rules.NotHolder, named(holder=BANK))]
NO_RECEIVABLE: tuple[type[rules.ChainRefusal], faults.Fault] = (
    rules.UnknownReceivable,
    # Only of R-0 does nothing living speak against an anchor of nothing.
    lambda call: signature(anchor=anchor(NO_CLAIM_KEY, 0), claim_key=NO_CLAIM_KEY)(call | {"receivable_id": 0}),
)
NO_MEMBER: tuple[type[rules.ChainRefusal], faults.Fault] = (rules.UnknownMember, named(member=STRANGER))
EXPIRED: tuple[type[rules.ChainRefusal], faults.Fault] = (rules.OrderExpired, named(expiry=NOW))
LIFTED: tuple[type[rules.ChainRefusal], faults.Fault] = (rules.OrderNotInForce, named(order=OTHER_ORDER))

BY = {"world": world(LIVE, fingerprints={KEY: 1}), "actor": OFFICER, "second": second(LIVE), "order": ORDER, "now": NOW}
ON_CERTIFICATE = BY | {"certificate_id": WHOLE}
ON_RECEIVABLE = BY | {"receivable_id": 1}
ON_MEMBER = BY | {"member": SELLER}

PARTITION = Operation(
    rules.decide_partition,
    ON_CERTIFICATE | {"holder": SELLER, "cut": 40},
    [*ANCHORED, *HELD, (rules.CutOutOfRange, named(cut=100))],
)
FREEZE_CERTIFICATE = Operation(
    rules.decide_freeze_certificate,
    ON_CERTIFICATE | {"holder": SELLER, "expiry": EXPIRY},
    [
        *ANCHORED,
        *HELD,
        EXPIRED,
        (rules.OrderStands, FROZEN),
        (rules.TooManyOrders, certificate(0, orders=FULL)),
    ],
)
UNFREEZE_CERTIFICATE = Operation(
    rules.decide_unfreeze_certificate, FROZEN(ON_CERTIFICATE), [*ANCHORED, UNKNOWN, CHANGED, LIFTED]
)
FREEZE_RECEIVABLE = Operation(
    rules.decide_freeze_receivable,
    ON_RECEIVABLE | {"expiry": EXPIRY},
    [
        *ANCHORED,
        NO_RECEIVABLE,
        (rules.StatusForbids, receivable(status=Status.REFUSED)),
        EXPIRED,
        (rules.OrderStands, RECEIVABLE_FROZEN),
        (rules.TooManyOrders, receivable(orders=FULL)),
    ],
)
UNFREEZE_RECEIVABLE = Operation(
    rules.decide_unfreeze_receivable, RECEIVABLE_FROZEN(ON_RECEIVABLE), [*ANCHORED, NO_RECEIVABLE, LIFTED]
)
FREEZE_MEMBER = Operation(
    rules.decide_freeze_member,
    ON_MEMBER | {"expiry": EXPIRY},
    [
        *OFFICERS,
        MISSING,
        NO_MEMBER,
        EXPIRED,
        (rules.OrderStands, MEMBER_FROZEN),
        (rules.TooManyOrders, member(SELLER, orders=FULL)),
    ],
)
UNFREEZE_MEMBER = Operation(
    rules.decide_unfreeze_member, MEMBER_FROZEN(ON_MEMBER), [*OFFICERS, MISSING, NO_MEMBER, LIFTED]
)
FORCE_TRANSFER = Operation(
    rules.decide_force_transfer,
    FROZEN(ON_CERTIFICATE) | {"holder": SELLER, "receiver": SUPPLIER, "now": NOW + DELAY_SECONDS},
    [
        *ANCHORED,
        *HELD,
        (rules.SameHolder, named(receiver=SELLER)),
        (rules.MemberNotEligible, ineligible(SUPPLIER)),
        (rules.OrderNotInForce, named(now=EXPIRY)),
        (rules.ForcedTransferTooEarly, named(now=NOW + DELAY_SECONDS - 1)),
    ],
)
OPERATIONS = [
    PARTITION,
    FREEZE_CERTIFICATE,
    UNFREEZE_CERTIFICATE,
    FREEZE_RECEIVABLE,
    UNFREEZE_RECEIVABLE,
    FREEZE_MEMBER,
    UNFREEZE_MEMBER,
    FORCE_TRANSFER,
]


@pytest.mark.parametrize(("operation", "index"), cases(*OPERATIONS))
def test_the_first_fault_is_told(operation: Operation, index: int) -> None:
    assert_fault_is_told_before_those_after_it(operation, index)


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (PARTITION, Partitioned(1, ORDER, OFFICER, COUNTERSIGNER, 0, 100, 40, NOW)),
        (FREEZE_CERTIFICATE, CertificateFrozen(1, ORDER, OFFICER, COUNTERSIGNER, 0, 100, EXPIRY, NOW)),
        (UNFREEZE_CERTIFICATE, CertificateUnfrozen(1, ORDER, OFFICER, COUNTERSIGNER, 0, 100, NOW)),
        (FREEZE_RECEIVABLE, ReceivableFrozen(1, ORDER, OFFICER, COUNTERSIGNER, 100, EXPIRY, NOW)),
        (UNFREEZE_RECEIVABLE, ReceivableUnfrozen(1, ORDER, OFFICER, COUNTERSIGNER, 100, NOW)),
        (FREEZE_MEMBER, MemberFrozen(SELLER, ORDER, OFFICER, COUNTERSIGNER, EXPIRY, NOW)),
        (UNFREEZE_MEMBER, MemberUnfrozen(SELLER, ORDER, OFFICER, COUNTERSIGNER, NOW)),
        (FORCE_TRANSFER, ForcedTransfer(1, ORDER, OFFICER, COUNTERSIGNER, SUPPLIER, 0, 100, NOW + DELAY_SECONDS)),
    ],
    ids=lambda value: value.decide.__name__ if isinstance(value, Operation) else "",
)
def test_a_decision_is_the_entry_that_the_fold_takes(operation: Operation, expected: Entry) -> None:
    entry = operation.decide(**operation.accepted)
    assert entry == expected
    here = operation.accepted["world"]
    if expected.journal_id:
        fold(here.receivables[1], entry)
    else:
        fold_registry(here.registry, [entry])


@pytest.mark.parametrize("hindrance", [faults.PAUSED, faults.SUNSET, receivable(due=1), faults.FORBIDDEN])
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.decide.__name__)
def test_neither_pause_nor_sunset_nor_due_date_nor_extra_rules_hinder_an_order(
    operation: Operation, hindrance: faults.Fault
) -> None:
    operation.decide(**hindrance(operation.accepted))


def test_the_second_officer_may_have_signed_before_other_entries() -> None:
    signed = second(after(REGISTERED))
    assert signed == second(LIVE)
    rules.decide_partition(**PARTITION.accepted | {"second": signed})


def test_the_same_order_with_a_later_expiry_is_prolonged_where_it_stands() -> None:
    others = (replace(FREEZE, order=OTHER_ORDER), FREEZE, replace(FREEZE, order=b"\x0c" * 32))
    prolonged = rules.orders_with(others, ORDER, expiry=EXPIRY + 1, now=NOW + 5)
    assert prolonged == (others[0], replace(FREEZE, expiry=EXPIRY + 1), others[2])
    for expiry in (EXPIRY, EXPIRY - 1):
        with pytest.raises(rules.OrderStands):
            rules.orders_with(others, ORDER, expiry=expiry, now=NOW + 5)
    # One that has expired begins anew.
    assert rules.orders_with((FREEZE,), ORDER, expiry=EXPIRY + 9, now=EXPIRY) == (Freeze(ORDER, EXPIRY + 9, EXPIRY),)


@pytest.mark.parametrize("frozen", [FROZEN, RECEIVABLE_FROZEN, MEMBER_FROZEN])
def test_a_forced_transfer_follows_from_a_freeze_at_any_scope(frozen: faults.Fault) -> None:
    bare = certificate(0, orders=())(FORCE_TRANSFER.accepted)
    with pytest.raises(rules.OrderNotInForce):
        rules.decide_force_transfer(**bare)
    rules.decide_force_transfer(**frozen(bare))
    other = frozen(bare) | {"order": OTHER_ORDER}
    with pytest.raises(rules.OrderNotInForce):
        rules.decide_force_transfer(**other)


def test_the_delay_runs_from_the_earliest_freeze_under_the_order() -> None:
    again = replace(FREEZE, since=NOW + 1_000)
    call = receivable(orders=(again,))(FORCE_TRANSFER.accepted)
    rules.decide_force_transfer(**call)
    late = certificate(0, orders=())(call)
    with pytest.raises(rules.ForcedTransferTooEarly):
        rules.decide_force_transfer(**late)
    rules.decide_force_transfer(**late | {"now": NOW + 1_000 + DELAY_SECONDS})


def test_the_delay_runs_on_while_an_order_is_prolonged() -> None:
    entry = rules.decide_freeze_certificate(**FROZEN(FREEZE_CERTIFICATE.accepted) | {"expiry": KYC_EXPIRY})
    prolonged = fold(FORCE_TRANSFER.accepted["world"].receivables[1], entry).certificates[0].orders
    assert prolonged == (replace(FREEZE, expiry=KYC_EXPIRY),)
    rules.decide_force_transfer(**certificate(0, orders=prolonged)(FORCE_TRANSFER.accepted))


@pytest.mark.parametrize(
    ("operation", "standing"),
    [
        (FREEZE_CERTIFICATE, lambda orders: certificate(0, orders=orders)),
        (FREEZE_RECEIVABLE, lambda orders: receivable(orders=orders)),
        (FREEZE_MEMBER, lambda orders: member(SELLER, orders=orders)),
    ],
    ids=["certificate", "receivable", "member"],
)
def test_a_full_list_takes_a_later_expiry_and_no_other_order(
    operation: Operation, standing: Callable[[tuple[Freeze, ...]], faults.Fault]
) -> None:
    call = standing(FULL)(operation.accepted) | {"order": FULL[3].order}
    assert operation.decide(**call | {"expiry": EXPIRY + 1}).expiry == EXPIRY + 1
    with pytest.raises(rules.OrderStands):
        operation.decide(**call)
    with pytest.raises(rules.TooManyOrders):
        operation.decide(**call | {"order": ORDER, "expiry": EXPIRY + 1})


def test_a_certificate_knows_who_freezes_it_at_which_scope() -> None:
    on_receivable, on_member = replace(FREEZE, order=OTHER_ORDER), replace(FREEZE, expiry=KYC_EXPIRY)
    call = member(SELLER, orders=(on_member,))(receivable(orders=(on_receivable,))(FORCE_TRANSFER.accepted))
    here = call["world"]
    state = here.receivables[1]
    holds = here.holds(state, state.certificates[0], now=NOW)
    assert holds == (
        Hold(Scope.CERTIFICATE, FREEZE),
        Hold(Scope.RECEIVABLE, on_receivable),
        Hold(Scope.MEMBER, on_member),
    )
    assert here.holds(state, state.certificates[0], now=DUE) == (Hold(Scope.MEMBER, on_member),)
    assert rules.holds(state, state.certificates[0], None, now=DUE) == ()
