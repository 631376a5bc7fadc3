"""Every cell of the matrix through the rules, in a world that is folded from the entries on the way to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from registry.domain import rules
from registry.domain.amounts import payable
from registry.domain.anchors import anchor_of, claim_key_of
from registry.domain.fold import fold, fold_all, fold_registry
from registry.domain.identifiers import Address, CertificateId
from registry.domain.journal import DepositTokenSet, DeskSet, Entry, Lapsed, Refused, Withdrawn
from registry.domain.matrix import (
    MatrixPhase,
    Operation,
    Overlay,
    Step,
    Wait,
    cells,
    expected,
    is_reachable,
    steps_to,
)
from registry.domain.receivable import DAY_SECONDS, Parameter, Receivable
from registry.domain.refusals import Refusal
from registry.domain.rules import Authorisation, Deal, Endorsement, Part, World
from scripts.matrix import INVARIANTS_FILE, with_matrix
from tests.domain.setting import (
    ANSWER_BY,
    BANK,
    BUYER,
    CLAIM,
    COUNTERSIGNER,
    DELAY_SECONDS,
    DESK,
    DOCUMENT,
    DUE,
    EMPTY,
    GRACE_DAYS,
    KEY,
    KYC_EXPIRY,
    LATER_DUE,
    NOW,
    OFFICER,
    OPERATOR,
    ORDER,
    QUOTE,
    SELLER,
    SETTLEMENT_BANK,
    STRANGER,
    SUPPLIER,
    TOKEN,
    world,
)

ORDER_SECONDS = 5 * DAY_SECONDS
OPENED = [DepositTokenSet(CLAIM.currency, TOKEN, OPERATOR, 1), DeskSet(DESK, OPERATOR, 1)]


class Walk:
    """A world with one claim, and the time in it."""

    def __init__(self) -> None:
        self.world: World = world(
            registry=OPENED, operators=frozenset({(SELLER, DESK)}), banks=frozenset({SETTLEMENT_BANK})
        )
        self.now = NOW
        self.given_at = 0
        """When the last order was given."""

    @property
    def receivable(self) -> Receivable:
        return self.world.receivables.get(1, EMPTY)

    @property
    def front(self) -> CertificateId:
        part = self.receivable.certificates.get(0)
        return part.id(1) if part else CertificateId(1, 0, CLAIM.face)

    @property
    def neighbour(self) -> CertificateId:
        part = self.receivable.certificates.get(CLAIM.face // 2)
        return part.id(1) if part else CertificateId(1, CLAIM.face // 2, CLAIM.face)

    @property
    def neighbours_holder(self) -> Address:
        part = self.receivable.certificates.get(CLAIM.face // 2)
        return part.holder if part else SELLER

    def take(self, step: Step) -> None:
        if isinstance(step, Wait):
            instants = {
                Wait.ANSWER_WINDOW: ANSWER_BY,
                Wait.DUE_DATE: DUE,
                Wait.DELAY: self.given_at + DELAY_SECONDS,
                Wait.EXPIRY: self.given_at + ORDER_SECONDS,
                Wait.GRACE: DUE + GRACE_DAYS * DAY_SECONDS,
            }
            assert instants[step] > self.now
            self.now = instants[step]
            return
        entry = self.ask(step)
        assert isinstance(entry, Entry), f"{step} on the way is one entry"
        self.append(entry)

    def append(self, entry: Entry) -> None:
        if entry.journal_id:
            state = fold(self.receivable, entry)
            taken = {} if isinstance(entry, Refused | Withdrawn | Lapsed) else {KEY: 1}
            self.world = replace(self.world, receivables={1: state}, fingerprints=taken)
        else:
            self.world = replace(self.world, registry=fold_registry(self.world.registry, [entry]))
        if hasattr(entry, "expiry"):
            self.given_at = self.now

    def ask(self, operation: Operation) -> Any:
        """The decision about the operation, asked by the right party with right arguments."""
        decide, arguments = self.requests()[operation]
        return decide(self.world, **arguments)

    def requests(self) -> dict[Operation, tuple[Callable[..., Any], dict[str, Any]]]:
        head, front, now = self.receivable.head, self.front, {"now": self.now}
        middle = (front.start + front.end) // 2
        debtor = {"actor": BUYER, "receivable_id": 1, "head": head, **now}
        originator = {**debtor, "actor": SELLER, "originator": SELLER}
        holder = {"actor": SELLER, "certificate_id": front, **now}
        handing = {"receiver": SUPPLIER, "document": DOCUMENT}
        named = {"anchor": anchor_of(self.receivable), "claim_key": claim_key_of(self.receivable)}
        signed = Authorisation(COUNTERSIGNER, nonce=1, deadline=self.now, **named)
        officer = {"actor": OFFICER, "second": signed, "order": ORDER, **now}
        on_front = {**officer, "certificate_id": front}
        until = {"expiry": self.now + ORDER_SECONDS}
        operator = {"actor": OPERATOR, **now}
        most = payable(self.receivable)
        payer = {"actor": BUYER, "receivable_id": 1, **now}
        agreed = {"actor": SELLER, "second": replace(signed, signer=BUYER), **now}
        tail = self.neighbour
        deal = Deal(tail, tail.start, SELLER, BANK, 40, 30, QUOTE, **named)
        settling = {"actor": SETTLEMENT_BANK, "receivable_id": 1, **now}
        midnight = (self.now // DAY_SECONDS + 1) * DAY_SECONDS
        return {
            Operation.REGISTER: (rules.decide_register, {"actor": SELLER, "claim": CLAIM, **now}),
            Operation.CONFIRM: (rules.decide_confirm, debtor),
            Operation.REFUSE: (rules.decide_refuse, {**debtor, "reason": 1}),
            Operation.WITHDRAW: (rules.decide_withdraw, originator),
            Operation.LAPSE: (rules.decide_lapse, {**debtor, "actor": STRANGER}),
            Operation.COUNTER_OFFER: (rules.decide_counter_offer, {**debtor, "face": 80, "due": LATER_DUE}),
            Operation.ACCEPT_OFFER: (rules.decide_accept_offer, originator),
            Operation.SPLIT: (
                rules.decide_split,
                {**holder, "cut": middle, "receiver": SELLER, "document": DOCUMENT},
            ),
            Operation.SPLIT_MANY: (
                rules.decide_split_many,
                {**holder, "parts": [Part(middle, SUPPLIER, DOCUMENT), Part(middle // 2, BANK, rules.NO_DOCUMENT)]},
            ),
            Operation.ENDORSE: (rules.decide_endorse, {**holder, **handing}),
            Operation.ENDORSE_MANY: (
                rules.decide_endorse_many,
                {"actor": SELLER, "endorsements": [Endorsement(front, SUPPLIER, DOCUMENT)], **now},
            ),
            Operation.TRANSFER: (
                rules.decide_transfer,
                {"actor": SELLER, "giver": SELLER, "receivable_id": 1, "start": 0, **handing, **now},
            ),
            Operation.MERGE: (rules.decide_merge, {**holder, "end": CLAIM.face}),
            Operation.APPROVE: (rules.decide_approve, {"actor": SELLER, "receivable_id": 1, "start": 0}),
            Operation.PLEDGE: (rules.decide_pledge, {**holder, "financier": BANK, "secured": 20}),
            Operation.RELEASE: (rules.decide_release, {**holder, "actor": BANK}),
            Operation.SELL: (rules.decide_sell, {"actor": DESK, "deal": deal, **now}),
            Operation.PAY: (rules.decide_pay, {**payer, "amount": most or 1}),
            Operation.PAY_PART: (rules.decide_pay, {**payer, "amount": most // 2 or 1}),
            Operation.REDEEM: (rules.decide_redeem, {"actor": STRANGER, "receivable_id": 1, "start": 0, **now}),
            Operation.CREDIT_NOTE: (rules.decide_credit_note, {**agreed, "certificate_id": front, "amount": 9}),
            Operation.DISPUTE: (rules.decide_dispute, {**agreed, "certificate_id": front, "cut": front.end}),
            Operation.RESOLVE: (rules.decide_resolve, {**agreed, "receivable_id": 1}),
            Operation.CLOSE: (rules.decide_close, settling),
            Operation.DISHONOUR: (rules.decide_dishonour, {**settling, "actor": STRANGER}),
            Operation.ABSOLVE: (rules.decide_absolve, settling),
            Operation.DEMAND_RECOURSE: (
                rules.decide_demand_recourse,
                {"actor": self.neighbours_holder, "certificate_id": tail, **now},
            ),
            Operation.REPURCHASE: (rules.decide_repurchase, {"actor": SELLER, "certificate_id": tail, **now}),
            Operation.PARTITION: (rules.decide_partition, {**on_front, "holder": SELLER, "cut": middle}),
            Operation.FREEZE_CERTIFICATE: (
                rules.decide_freeze_certificate,
                {**on_front, "holder": SELLER, **until},
            ),
            Operation.UNFREEZE_CERTIFICATE: (rules.decide_unfreeze_certificate, on_front),
            Operation.FREEZE_RECEIVABLE: (rules.decide_freeze_receivable, {**officer, "receivable_id": 1, **until}),
            Operation.UNFREEZE_RECEIVABLE: (rules.decide_unfreeze_receivable, {**officer, "receivable_id": 1}),
            Operation.FREEZE_MEMBER: (rules.decide_freeze_member, {**officer, "member": SELLER, **until}),
            Operation.UNFREEZE_MEMBER: (rules.decide_unfreeze_member, {**officer, "member": SELLER}),
            Operation.FORCE_TRANSFER: (
                rules.decide_force_transfer,
                {**on_front, "holder": SELLER, "receiver": SUPPLIER},
            ),
            Operation.ADMIT: (
                rules.decide_admit,
                {**operator, "member": STRANGER, "kyc_expiry": KYC_EXPIRY, "roles": 1, "profile": bytes(32)},
            ),
            Operation.SUSPEND: (rules.decide_suspend, {**operator, "member": SELLER, "reason": 1}),
            Operation.PAUSE: (rules.decide_pause, operator),
            Operation.UNPAUSE: (rules.decide_unpause, operator),
            Operation.SET_PARAMETER: (
                rules.decide_set_parameter,
                {**operator, "parameter": Parameter.TENOR_LIMIT_DAYS, "value": 90, "effective": midnight},
            ),
            Operation.SET_RULES: (rules.decide_set_rules, {**operator, "rules": bytes(20)}),
            Operation.SET_DESCRIPTOR: (rules.decide_set_descriptor, {**operator, "descriptor": bytes(20)}),
            Operation.SUNSET: (rules.decide_sunset, operator),
        }


@cache
def there(phase: MatrixPhase, overlay: Overlay) -> Walk:
    """At the cell; nobody who asks there changes anything."""
    walk = Walk()
    for step in steps_to(phase, overlay):
        walk.take(step)
    return walk


REACHABLE = [(phase, overlay) for phase in MatrixPhase for overlay in Overlay if is_reachable(phase, overlay)]


@pytest.mark.parametrize(("phase", "overlay"), REACHABLE, ids=[f"{phase}, {overlay}" for phase, overlay in REACHABLE])
def test_the_cells_are_what_the_rules_say(phase: MatrixPhase, overlay: Overlay) -> None:
    walk = there(phase, overlay)
    for operation in Operation:
        decided, answer = None, None
        try:
            decided = walk.ask(operation)
        except Refusal as refused:
            answer = type(refused)
        assert answer is expected(operation, phase, overlay), operation
        entries = decided if isinstance(decided, tuple) else [decided] if decided else []
        fold_all(walk.receivable, [entry for entry in entries if entry.journal_id == 1])
        fold_registry(walk.world.registry, [entry for entry in entries if entry.journal_id == 0])


def test_the_cells_are_those_that_can_be_reached() -> None:
    """Nothing lies on a certificate before there is one, and what is in dispute cannot be paid."""
    assert list(cells()) == [
        (operation, phase, overlay)
        for overlay in Overlay
        for phase in MatrixPhase
        if (phase, overlay) in REACHABLE
        for operation in Operation
    ]
    confirmed = {
        MatrixPhase.LIVE,
        MatrixPhase.DUE,
        MatrixPhase.PART_PAID,
        MatrixPhase.PAID,
        MatrixPhase.CLOSED,
    }
    everywhere = {Overlay.NONE, Overlay.HOLDER_FROZEN, Overlay.PAUSED, Overlay.SUNSET}
    unreachable = {(MatrixPhase.PAID, Overlay.DISPUTED)}
    unreachable |= {(phase, Overlay.DEMANDED) for phase in (MatrixPhase.LIVE, MatrixPhase.DUE, MatrixPhase.PAID)}
    assert (
        set(REACHABLE)
        == {
            (phase, overlay)
            for phase in MatrixPhase
            for overlay in Overlay
            if phase in confirmed or overlay in everywhere
        }
        - unreachable
    )


def test_every_operation_is_allowed_and_refused_somewhere_unless_it_is_always_allowed() -> None:
    always = {
        Operation.FREEZE_MEMBER,
        Operation.ADMIT,
        Operation.SUSPEND,
        Operation.SET_PARAMETER,
        Operation.SET_RULES,
        Operation.SET_DESCRIPTOR,
    }
    answers: dict[Operation, set[bool]] = {operation: set() for operation in Operation}
    for operation, phase, overlay in cells():
        answers[operation].add(expected(operation, phase, overlay) is None)
    assert {operation for operation, given in answers.items() if given == {True}} == always
    assert all(True in given for given in answers.values())


def test_the_document_shows_the_present_matrix() -> None:
    document = INVARIANTS_FILE.read_text(encoding="utf-8")
    assert with_matrix(document) == document, "run `python -m scripts.matrix`"
