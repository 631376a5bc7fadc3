"""Money: what the contract would refuse, in its order, and what it would write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from registry.domain import rules
from registry.domain.anchors import anchor_of, claim_key_of
from registry.domain.fold import fold, fold_all, fold_registry
from registry.domain.identifiers import CertificateId
from registry.domain.journal import (
    Absolved,
    Closed,
    CreditNoted,
    DepositTokenSet,
    DeskSet,
    Dishonoured,
    Disputed,
    Endorsed,
    Entry,
    Paid,
    Pledged,
    RecourseDemanded,
    Redeemed,
    Released,
    Repurchased,
    Resolved,
    Sold,
)
from registry.domain.receivable import DAY_SECONDS, Certificate, Freeze, Lien, MemberStatus, Recourse, Status
from registry.domain.rules import Authorisation, Deal
from tests.domain.rules import faults
from tests.domain.rules.faults import (
    FREEZE,
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
    BUYER,
    CONFIRMED,
    DESK,
    DOCUMENT,
    DUE,
    GRACE_DAYS,
    KEY,
    KYC_EXPIRY,
    MINIMUM_PART_MINOR,
    NOW,
    OPERATOR,
    QUOTE,
    REGISTERED,
    SELLER,
    SETTLEMENT_BANK,
    STRANGER,
    SUPPLIER,
    TOKEN,
    about,
    after,
    world,
)

Refusals = list[tuple[type[rules.ChainRefusal], faults.Fault]]

LIVE = after(REGISTERED, CONFIRMED)
WHOLE = CertificateId(1, 0, 100)
LIEN = Lien(BANK, 50, since=3)
OVERDUE = DUE + DAY_SECONDS
GRACE_OVER = DUE + GRACE_DAYS * DAY_SECONDS
PLEDGED = Pledged(1, SELLER, BANK, 0, 100, 80, 0, rules.NO_QUOTE, NOW)
SOLD = Sold(1, DESK, BANK, 0, 100, 40, 55, 50, QUOTE, NOW)
PAID = Paid(1, BUYER, 100, 30, DUE)
DISPUTED = Disputed(1, SELLER, BUYER, 0, 100, 40, NOW)

HERE: dict[str, Any] = {
    "fingerprints": {KEY: 1},
    "registry": [DepositTokenSet(978, TOKEN, OPERATOR, 1), DeskSet(DESK, OPERATOR, 1)],
    "operators": frozenset({(SELLER, DESK)}),
    "banks": frozenset({SETTLEMENT_BANK}),
}


def money_world(*entries: Entry) -> rules.World:
    """The world where R-1 was confirmed, and then went through these entries."""
    return world(fold_all(LIVE, entries), **HERE)


def deal(**changes: Any) -> faults.Fault:
    return lambda call: call | {"deal": replace(call["deal"], **changes)}


UNKNOWN: Refusals = [(rules.UnknownCertificate, named(certificate_id=CertificateId(1, 7, 100)))]
CHANGED: Refusals = [(rules.RangeChanged, named(certificate_id=CertificateId(1, 0, 99)))]
NO_RECEIVABLE: Refusals = [(rules.UnknownReceivable, named(receivable_id=7))]
NO_TOKEN: Refusals = [(rules.NoDepositToken, faults.registry(deposit_tokens={}))]
PAUSED: Refusals = [(rules.RegistryPaused, faults.PAUSED)]
FREE: Refusals = [
    (rules.StatusForbids, receivable(status=Status.SETTLED)),
    (rules.DueDatePassed, named(now=DUE)),
    (rules.FrozenByOrder, receivable(orders=(FREEZE,))),
    (rules.PaymentMade, receivable(paid=1)),
    (rules.InDispute, receivable(senior=40, disputed=True)),
    (rules.FrozenByOrder, certificate(0, orders=(FREEZE,))),
    (rules.PledgedTo, certificate(0, lien=LIEN)),
]
SENDER: Refusals = [
    (rules.MemberNotEligible, ineligible(SELLER)),
    (rules.FrozenByOrder, member(SELLER, orders=(FREEZE,))),
]
ORDERS: Refusals = [
    (rules.FrozenByOrder, certificate(0, orders=(FREEZE,))),
    (rules.FrozenByOrder, receivable(orders=(FREEZE,))),
    (rules.FrozenByOrder, member(SELLER, orders=(FREEZE,))),
]
SECOND: Refusals = [
    (rules.SignatureExpired, signature(deadline=0)),
    (rules.NonceUsed, faults.world(nonces_used=frozenset({(BUYER, 1), (SUPPLIER, 1)}))),
    (rules.SignatureInvalid, signature(genuine=False)),
    (rules.AnchorMismatch, signature(anchor=b"\x01" * 32)),
]
PARTIES: Refusals = [
    (rules.NotParty, named(actor=STRANGER)),
    (rules.NotParty, named(actor=BUYER)),
    (rules.NotParty, signature(signer=SUPPLIER)),
]
FRONT: Refusals = [
    *SECOND,
    *PAUSED,
    *UNKNOWN,
    *CHANGED,
    (rules.NotFront, receivable(front_endorsed=True)),
    (rules.StatusForbids, receivable(status=Status.SETTLED)),
    *PARTIES,
    *ORDERS,
    (rules.PledgedTo, certificate(0, lien=LIEN)),
]


def by_debtor(about_: rules.World) -> dict[str, Any]:
    signed = about(Authorisation(signer=BUYER, nonce=1, deadline=KYC_EXPIRY), about_.receivables[1])
    return {"world": about_, "actor": SELLER, "second": signed}


DEAL = Deal(WHOLE, 40, SELLER, BANK, 55, 50, QUOTE, anchor_of(LIVE), claim_key_of(LIVE))
ON_WHOLE = {"world": money_world(), "actor": SELLER, "certificate_id": WHOLE, "now": NOW}
ON_DEAL = {"world": money_world(), "actor": DESK, "deal": DEAL, "now": NOW}

DEALT: Refusals = [
    *PAUSED,
    (rules.NotDesk, named(actor=SELLER)),
    (rules.UnknownCertificate, deal(certificate_id=CertificateId(1, 7, 100))),
    (rules.NotHolder, faults.world(operators=frozenset())),
    (rules.RangeChanged, deal(certificate_id=CertificateId(1, 0, 99))),
    (rules.NotHolder, deal(holder=SUPPLIER)),
    (rules.AnchorMismatch, deal(anchor=b"\x01" * 32)),
]
FINANCED: Refusals = [
    *FREE,
    (rules.SameHolder, deal(financier=SELLER)),
    *SENDER,
    (rules.MemberNotEligible, ineligible(BANK)),
    (rules.NotFinancier, member(BANK, roles=1)),
]

PLEDGE = Operation(
    rules.decide_pledge,
    ON_WHOLE | {"financier": BANK, "secured": 80},
    [
        *PAUSED,
        *UNKNOWN,
        (rules.NotHolder, named(actor=STRANGER)),
        *CHANGED,
        *FREE,
        (rules.SameHolder, named(financier=SELLER)),
        *SENDER,
        (rules.MemberNotEligible, named(financier=STRANGER)),
        (rules.NotFinancier, named(financier=SUPPLIER)),
        (rules.SecuredOutOfRange, named(secured=101)),
        (rules.RulesForbid, faults.FORBIDDEN),
    ],
)
PLEDGE_AGAINST = Operation(
    rules.decide_pledge_against,
    deal(cut=0, amount=100)(ON_DEAL),
    [
        *DEALT,
        (rules.CutOutOfRange, deal(cut=40)),
        *FINANCED,
        (rules.SecuredOutOfRange, deal(amount=0)),
        (rules.PriceOutOfRange, deal(price=101)),
        (rules.RulesForbid, faults.FORBIDDEN),
    ],
)
SELL = Operation(
    rules.decide_sell,
    ON_DEAL,
    [
        *DEALT,
        *FINANCED,
        (rules.CutOutOfRange, deal(cut=100)),
        (rules.BelowMinimumPart, deal(cut=MINIMUM_PART_MINOR - 1)),
        (rules.PriceOutOfRange, deal(price=61)),
        (rules.RecourseOutOfRange, deal(amount=61)),
        (rules.RulesForbid, faults.FORBIDDEN),
    ],
)
RELEASE = Operation(
    rules.decide_release,
    ON_WHOLE | {"world": money_world(PLEDGED), "actor": BANK},
    [
        *UNKNOWN,
        *CHANGED,
        (rules.NotPledged, certificate(0, lien=None)),
        (rules.NotFinancier, named(actor=SELLER)),
    ],
)
PAY = Operation(
    rules.decide_pay,
    {"world": money_world(), "actor": BUYER, "receivable_id": 1, "amount": 30, "now": DUE},
    [
        *NO_RECEIVABLE,
        (rules.StatusForbids, receivable(status=Status.CLOSED)),
        (rules.AmountMissing, named(amount=0)),
        (rules.Overpayment, named(amount=101)),
        (rules.PaymentNotWhole, named(actor=STRANGER)),
        (rules.PaymentNotWhole, named(now=DUE - 1)),
        *NO_TOKEN,
    ],
)
REDEEM = Operation(
    rules.decide_redeem,
    {"world": money_world(PAID), "actor": STRANGER, "receivable_id": 1, "start": 0, "now": DUE},
    [
        (rules.UnknownCertificate, named(start=7)),
        *ORDERS,
        (rules.NothingDue, certificate(0, claimed=30)),
    ],
)
CREDIT_NOTE = Operation(
    rules.decide_credit_note,
    by_debtor(money_world()) | {"certificate_id": WHOLE, "amount": 10, "now": NOW},
    [
        *FRONT,
        (rules.CreditOutOfRange, named(amount=101)),
        (rules.PaymentMade, receivable(paid=1)),
    ],
)
DISPUTE = Operation(
    rules.decide_dispute,
    by_debtor(money_world()) | {"certificate_id": WHOLE, "cut": 40, "now": NOW},
    [
        *FRONT,
        (rules.CutOutOfRange, named(cut=0)),
        (rules.PaymentMade, receivable(paid=1)),
        (rules.InDispute, receivable(senior=40, disputed=True)),
    ],
)
RESOLVE = Operation(
    rules.decide_resolve,
    by_debtor(money_world(DISPUTED)) | {"receivable_id": 1, "now": NOW},
    [
        *SECOND,
        *PAUSED,
        (rules.StatusForbids, receivable(status=Status.CLOSED)),
        (rules.NotInDispute, receivable(disputed=False)),
        *PARTIES,
    ],
)
CLOSE = Operation(
    rules.decide_close,
    {"world": money_world(), "actor": SETTLEMENT_BANK, "receivable_id": 1, "now": GRACE_OVER},
    [
        (rules.NotAuthorised, named(actor=OPERATOR)),
        *NO_RECEIVABLE,
        (rules.StatusForbids, receivable(status=Status.SETTLED)),
        (rules.NotOverdue, named(now=GRACE_OVER - 1)),
        *NO_TOKEN,
    ],
)
DISHONOUR = Operation(
    rules.decide_dishonour,
    {"world": money_world(), "actor": STRANGER, "receivable_id": 1, "now": GRACE_OVER},
    [
        *NO_RECEIVABLE,
        (rules.StatusForbids, receivable(status=Status.CLOSED)),
        (rules.PaymentMade, receivable(senior=100, disputed=True)),
        (rules.NotOverdue, named(now=GRACE_OVER - 1)),
        (rules.DishonourStands, receivable(dishonoured=True)),
        *NO_TOKEN,
    ],
)
ABSOLVE = Operation(
    rules.decide_absolve,
    {
        "world": money_world(Dishonoured(1, STRANGER, 100, GRACE_OVER), Closed(1, SETTLEMENT_BANK, 100, GRACE_OVER)),
        "actor": SETTLEMENT_BANK,
        "receivable_id": 1,
        "now": GRACE_OVER,
    },
    [
        (rules.NotAuthorised, named(actor=OPERATOR)),
        *NO_RECEIVABLE,
        (rules.StatusForbids, receivable(status=Status.CONFIRMED)),
        (rules.NotDishonoured, receivable(dishonoured=False)),
    ],
)
BOUGHT = CertificateId(1, 40, 100)
DEMANDED = RecourseDemanded(1, BANK, SELLER, 40, 100, OVERDUE)
DEMAND_RECOURSE = Operation(
    rules.decide_demand_recourse,
    {"world": money_world(SOLD), "actor": BANK, "certificate_id": BOUGHT, "now": OVERDUE},
    [
        *UNKNOWN,
        (rules.NotHolder, named(actor=SELLER)),
        (rules.RangeChanged, named(certificate_id=CertificateId(1, 40, 99))),
        (rules.NoRecourse, certificate(40, recourse=None)),
        (rules.StatusForbids, receivable(status=Status.SETTLED)),
        (rules.NotOverdue, named(now=OVERDUE - 1)),
        (rules.RecourseStands, certificate(40, recourse=Recourse(SELLER, 50, demanded=True))),
        (rules.NothingDue, certificate(40, claimed=50)),
    ],
)
REPURCHASE = Operation(
    rules.decide_repurchase,
    {"world": money_world(SOLD, DEMANDED), "actor": SELLER, "certificate_id": BOUGHT, "now": OVERDUE},
    [
        *PAUSED,
        *UNKNOWN,
        (rules.RangeChanged, named(certificate_id=CertificateId(1, 40, 99))),
        (rules.NoRecourse, certificate(40, recourse=None)),
        (rules.StatusForbids, receivable(status=Status.SETTLED)),
        (rules.NotSeller, named(actor=BANK)),
        (rules.RecourseNotDemanded, certificate(40, recourse=Recourse(SELLER, 50))),
        (rules.FrozenByOrder, certificate(40, orders=(FREEZE,))),
        (rules.FrozenByOrder, receivable(orders=(FREEZE,))),
        (rules.FrozenByOrder, member(BANK, orders=(FREEZE,))),
        (rules.PledgedTo, certificate(40, lien=LIEN)),
        (rules.NothingDue, certificate(40, claimed=50)),
        (rules.MemberNotEligible, ineligible(SELLER)),
        *NO_TOKEN,
    ],
)
OPERATIONS = (
    PLEDGE,
    PLEDGE_AGAINST,
    SELL,
    RELEASE,
    PAY,
    REDEEM,
    CREDIT_NOTE,
    DISPUTE,
    RESOLVE,
    CLOSE,
    DISHONOUR,
    ABSOLVE,
    DEMAND_RECOURSE,
    REPURCHASE,
)


@pytest.mark.parametrize(("operation", "index"), cases(*OPERATIONS))
def test_the_first_fault_is_told(operation: Operation, index: int) -> None:
    assert_fault_is_told_before_those_after_it(operation, index)


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (PLEDGE, PLEDGED),
        (PLEDGE_AGAINST, Pledged(1, DESK, BANK, 0, 100, 100, 55, QUOTE, NOW)),
        (SELL, SOLD),
        (RELEASE, Released(1, BANK, 0, 100, NOW)),
        (PAY, PAID),
        (REDEEM, Redeemed(1, STRANGER, SELLER, 0, 100, 30, 0, DUE)),
        (CREDIT_NOTE, CreditNoted(1, SELLER, BUYER, 0, 100, 10, NOW)),
        (DISPUTE, DISPUTED),
        (RESOLVE, Resolved(1, SELLER, BUYER, 100, NOW)),
        (CLOSE, Closed(1, SETTLEMENT_BANK, 100, GRACE_OVER)),
        (DISHONOUR, Dishonoured(1, STRANGER, 100, GRACE_OVER)),
        (ABSOLVE, Absolved(1, SETTLEMENT_BANK, 100, GRACE_OVER)),
        (DEMAND_RECOURSE, DEMANDED),
        (REPURCHASE, Repurchased(1, SELLER, 40, 100, 50, OVERDUE)),
    ],
    ids=lambda value: value.decide.__name__ if isinstance(value, Operation) else "",
)
def test_a_decision_is_the_entry_that_the_fold_takes(operation: Operation, expected: Entry) -> None:
    entry = operation.decide(**operation.accepted)
    assert entry == expected
    fold(operation.accepted["world"].receivables[1], entry)


@pytest.mark.parametrize("operation", [RELEASE, PAY, REDEEM, CLOSE, DISHONOUR, ABSOLVE, DEMAND_RECOURSE])
def test_neither_pause_nor_sunset_holds_money_up(operation: Operation) -> None:
    operation.decide(**faults.PAUSED(faults.SUNSET(operation.accepted)))


@pytest.mark.parametrize("operation", [RELEASE, PAY, REDEEM], ids=lambda operation: operation.decide.__name__)
def test_who_is_no_member_any_more_pays_is_paid_and_releases(operation: Operation) -> None:
    call = operation.accepted
    for account in (SELLER, BUYER, BANK):
        call = member(account, status=MemberStatus.SUSPENDED, kyc_expiry=0)(call)
    operation.decide(**call)


# -------------------------------------------------------------- pledge and sale


def test_a_desk_sells_a_whole_certificate_below_the_minimum_part() -> None:
    small = money_world(Sold(1, DESK, BANK, 0, 100, 2, 55, 0, QUOTE, NOW))
    whole = replace(DEAL, certificate_id=CertificateId(1, 0, 2), cut=0, price=2, amount=2)
    assert rules.decide_sell(small, actor=DESK, deal=whole, now=NOW).cut == 0


def test_a_holder_without_the_role_is_no_financier_and_a_pledge_without_a_quote_has_no_price() -> None:
    free = deal(cut=0, price=0, quote=rules.NO_QUOTE)(ON_DEAL)
    assert rules.decide_pledge_against(**free).price == 0
    with pytest.raises(rules.PriceOutOfRange):
        rules.decide_pledge_against(**deal(quote=QUOTE)(free))


def test_the_extra_rules_hear_what_is_pledged_and_sold() -> None:
    heard: list[rules.Act] = []
    for operation in (PLEDGE, PLEDGE_AGAINST, SELL):
        operation.decide(**faults.world(extra_rules=heard.append)(operation.accepted))
    assert heard == [
        rules.Act(17, 1, SELLER, SELLER, BANK, 0, 100),
        rules.Act(17, 1, DESK, SELLER, BANK, 0, 100),
        rules.Act(19, 1, DESK, SELLER, BANK, 40, 100),
    ]


# --------------------------------------------------------- payment and clearing


def test_anyone_pays_the_whole_and_at_any_time() -> None:
    for actor, now in ((BUYER, NOW), (SELLER, NOW), (BUYER, DUE + 999 * DAY_SECONDS)):
        assert rules.decide_pay(**PAY.accepted | {"actor": actor, "amount": 100, "now": now}).payer == actor


def test_who_may_not_spend_pays_nobody_elses_debt() -> None:
    with pytest.raises(rules.MemberNotEligible):
        rules.decide_pay(**PAY.accepted | {"actor": STRANGER, "amount": 100, "now": NOW})


def test_a_dispute_leaves_the_rest_payable_and_that_is_whole() -> None:
    call = PAY.accepted | {"world": money_world(DISPUTED), "now": NOW}
    assert rules.decide_pay(**call | {"amount": 60}).amount == 60
    for amount, refusal in ((61, rules.Overpayment), (59, rules.PaymentNotWhole)):
        with pytest.raises(refusal):
            rules.decide_pay(**call | {"amount": amount})
    paid = money_world(DISPUTED, Paid(1, BUYER, 100, 60, NOW))
    with pytest.raises(rules.Overpayment, match="0 minor units can be paid"):
        rules.decide_pay(**call | {"world": paid, "amount": 1})


def test_an_order_on_the_debtor_holds_its_deposits_until_a_debt_is_due() -> None:
    early = PAY.accepted | {"amount": 100, "now": DUE - 1}
    frozen = member(BUYER, orders=(FREEZE,))
    assert PAY.decide(**early).amount == 100
    with pytest.raises(rules.FrozenByOrder):
        PAY.decide(**frozen(early))
    assert PAY.decide(**frozen(early | {"now": DUE})).amount == 100


SPLIT_PAID = money_world(Sold(1, DESK, BANK, 0, 100, 40, 55, 0, QUOTE, NOW), Paid(1, BUYER, 100, 33, DUE))


def test_a_batch_pays_one_after_the_other_and_says_why_it_skips() -> None:
    frozen = certificate(40, orders=(FREEZE,))({"world": SPLIT_PAID})["world"]
    batch = {"actor": STRANGER, "now": DUE}
    out = rules.decide_redeem_many(frozen, certificates=[(1, 7), (1, 0), (1, 40), (1, 0), (2, 0)], **batch)
    assert out.entries == (Redeemed(1, STRANGER, SELLER, 0, 40, 13, 0, DUE),)
    assert [(number, start, type(refusal)) for number, start, refusal in out.skipped] == [
        (1, 7, rules.UnknownCertificate),
        (1, 40, rules.FrozenByOrder),
        (1, 0, rules.NothingDue),
        (2, 0, rules.UnknownCertificate),
    ]
    with pytest.raises(rules.BatchEmpty):
        rules.decide_redeem_many(frozen, certificates=[], **batch)


def test_a_batch_pays_no_suspended_member_unless_it_or_its_financier_asks() -> None:
    lien = certificate(0, lien=LIEN)({"world": SPLIT_PAID})["world"]
    call = member(SELLER, status=MemberStatus.SUSPENDED)({"world": lien, "certificates": [(1, 0)], "now": DUE})
    for actor, paid in ((STRANGER, 0), (BANK, 1), (SELLER, 1)):
        out = rules.decide_redeem_many(actor=actor, **call)
        assert len(out.entries) == paid
        assert [type(refusal) for _, _, refusal in out.skipped] == [rules.HolderSuspended] * (1 - paid)
    assert rules.decide_redeem(lien, actor=STRANGER, receivable_id=1, start=0, now=DUE).to_financier == 13
    expired = member(SELLER, kyc_expiry=0)({"world": lien})["world"]
    assert rules.decide_redeem_many(expired, actor=STRANGER, certificates=[(1, 0)], now=DUE).entries


def test_a_payment_pays_out_in_the_same_breath() -> None:
    call = PAY.accepted | {"amount": 100, "certificates": [(1, 0), (1, 40)]}
    both = call | {"world": money_world(Sold(1, DESK, BANK, 0, 100, 40, 55, 0, QUOTE, NOW))}
    paid, out = rules.decide_pay_and_redeem(**both)
    assert [(entry.holder, entry.amount) for entry in out.entries] == [(SELLER, 40), (BANK, 60)]
    state = fold_all(both["world"].receivables[1], [paid, *out.entries])
    assert (state.status, dict(state.certificates), state.claimed) == (Status.SETTLED, {}, 100)
    with pytest.raises(rules.BatchEmpty):
        rules.decide_pay_and_redeem(**both | {"certificates": []})


# ------------------------------------------------------ credit notes and disputes


@pytest.mark.parametrize("operation", [CREDIT_NOTE, DISPUTE, RESOLVE], ids=lambda one: one.decide.__name__)
def test_either_party_sends_and_the_other_one_signs(operation: Operation) -> None:
    call = operation.accepted | {
        "actor": BUYER,
        "second": replace(operation.accepted["second"], signer=SELLER),
    }
    assert operation.decide(**call).countersigner == SELLER
    with pytest.raises(rules.NotParty):
        operation.decide(**call | {"actor": SELLER})


def test_credit_notes_go_on_after_the_due_date_and_for_what_is_disputed_after_a_payment_of_the_rest() -> None:
    rules.decide_credit_note(**CREDIT_NOTE.accepted | {"now": OVERDUE})
    paid = money_world(DISPUTED, Paid(1, BUYER, 100, 60, NOW))
    call = by_debtor(paid) | {"certificate_id": CertificateId(1, 0, 40), "now": NOW}
    assert rules.decide_credit_note(**call, amount=40).amount == 40
    resolved = money_world(
        DISPUTED, Paid(1, BUYER, 100, 60, NOW), Resolved(1, SELLER, BUYER, 100, NOW), Paid(1, BUYER, 100, 1, DUE)
    )
    with pytest.raises(rules.PaymentMade):
        rules.decide_credit_note(**by_debtor(resolved), certificate_id=CertificateId(1, 0, 40), amount=1, now=DUE)


def test_whom_an_order_gave_the_front_to_resolves_in_the_originators_place() -> None:
    given = certificate(0, holder=SUPPLIER)(RESOLVE.accepted)
    with pytest.raises(rules.NotParty):
        rules.decide_resolve(**given)
    assert rules.decide_resolve(**given | {"actor": SUPPLIER}).actor == SUPPLIER


def test_an_expired_order_on_the_front_hinders_neither_party() -> None:
    stale = Freeze(FREEZE.order, NOW, 1)
    for operation in (CREDIT_NOTE, DISPUTE):
        call = certificate(0, orders=(stale,))(receivable(orders=(stale,))(operation.accepted))
        state = fold(call["world"].receivables[1], operation.decide(**call))
        assert all(not part.orders for part in state.certificates.values())


# -------------------------------------------------------- the end of a receivable


def test_a_debtor_in_default_is_free_again_once_it_paid() -> None:
    marked = money_world(Dishonoured(1, STRANGER, 100, GRACE_OVER))
    with pytest.raises(rules.DebtorOverdue):
        marked.require_solvent(BUYER, now=GRACE_OVER)
    marked.require_solvent(SELLER, now=GRACE_OVER)
    money_world(Dishonoured(1, STRANGER, 100, GRACE_OVER), Paid(1, BUYER, 100, 100, GRACE_OVER)).require_solvent(
        BUYER, now=GRACE_OVER
    )


# --------------------------------------------------------------------- recourse


def test_a_seller_gives_back_what_the_debtor_did_not_pay() -> None:
    paid = money_world(SOLD, Paid(1, BUYER, 100, 30, DUE), Redeemed(1, BANK, BANK, 40, 100, 18, 0, DUE), DEMANDED)
    entry = rules.decide_repurchase(**REPURCHASE.accepted | {"world": paid})
    assert entry.amount == 32
    taken = fold(paid.receivables[1], entry).certificates[40]
    assert taken == Certificate(40, 100, SELLER, since=7, claimed=18)


def test_recourse_lives_on_after_the_book_is_closed() -> None:
    closed = money_world(SOLD, Closed(1, SETTLEMENT_BANK, 100, GRACE_OVER))
    demanded = rules.decide_demand_recourse(**DEMAND_RECOURSE.accepted | {"world": closed, "now": GRACE_OVER})
    state = fold(closed.receivables[1], demanded)
    entry = rules.decide_repurchase(world(state, **HERE), actor=SELLER, certificate_id=BOUGHT, now=GRACE_OVER)
    assert fold(state, entry).certificates[40].holder == SELLER


def test_recourse_ends_with_a_further_hop() -> None:
    further = money_world(SOLD, Endorsed(1, BANK, SUPPLIER, 40, 100, DOCUMENT, NOW))
    with pytest.raises(rules.NoRecourse):
        rules.decide_demand_recourse(**DEMAND_RECOURSE.accepted | {"world": further, "actor": SUPPLIER})


# ------------------------------------------------------------------ the operator

BY_OPERATOR = {"world": world(tokens={TOKEN: 978}, contracts=frozenset({DESK})), "actor": OPERATOR, "now": NOW}
SET_TOKEN = Operation(
    rules.decide_set_deposit_token,
    BY_OPERATOR | {"currency": 978, "token": TOKEN},
    [
        (rules.NotAuthorised, named(actor=SELLER)),
        (rules.DepositTokenStands, faults.registry(deposit_tokens={978: DESK})),
        (rules.ParameterMalformed, named(token=DESK)),
        (rules.ParameterMalformed, faults.world(tokens={TOKEN: 156})),
    ],
)
SET_DESK = Operation(
    rules.decide_set_desk,
    BY_OPERATOR | {"desk": DESK},
    [(rules.NotAuthorised, named(actor=SELLER)), (rules.ParameterMalformed, named(desk=SUPPLIER))],
)


@pytest.mark.parametrize(("operation", "index"), cases(SET_TOKEN, SET_DESK))
def test_the_operators_first_fault_is_told(operation: Operation, index: int) -> None:
    assert_fault_is_told_before_those_after_it(operation, index)


def test_token_and_desk_are_named() -> None:
    state: Any = BY_OPERATOR["world"]
    entries = [one.decide(**one.accepted) for one in (SET_TOKEN, SET_DESK)]
    named_ = fold_registry(state.registry, entries)
    assert (dict(named_.deposit_tokens), named_.desk) == ({978: TOKEN}, DESK)
    without: Callable[..., Any] = SET_DESK.decide
    assert without(**SET_DESK.accepted | {"desk": bytes(20)}).desk == bytes(20)
