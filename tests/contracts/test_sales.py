"""Sales and pledges against cash, from the registry's side: what it lets the desk do, and with whose word.

The desk here is a contract that does what it is told and moves no cash; what the real one does is in test_desk.
"""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi.abi import decode

from tests.contracts.door import Door, Reverted, selector
from tests.contracts.house import (
    DAY,
    FINANCIER_ROLE,
    NOBODY,
    ORDER,
    SUPPLIER_ROLE,
    Certificate,
    House,
    deploy_house,
    named,
    token,
)
from tests.contracts.test_rules import ACT
from tests.contracts.till import QUOTE, Till

KINDS = ("sell", "pledgeAgainst")
each_kind = pytest.mark.parametrize("kind", KINDS)


def asked(till: Till, kind: str, certificate: int, **changes: Any) -> Any:
    """A usual sale, or a usual pledge of one cent."""
    amount = {"amount": 1} if kind == "pledgeAgainst" else {}
    return till.by_desk(kind, till.deal(certificate, **amount | changes))


# ------------------------------------------------------------------------------- sales


def test_a_sale_of_the_whole_is_told(house: House, till: Till, receivable_id: int) -> None:
    front = token(receivable_id)
    receipt = till.sell(front, price=95_000, recourse=80_000)
    told = {
        "receivableId": receivable_id,
        "actor": till.desk.address,
        "financier": house.bank.address,
        "start": 0,
        "end": 100_000,
        "cut": 0,
        "price": 95_000,
        "recourse": 80_000,
        "quote": QUOTE,
        "at": house.now,
    }
    moved = {"from": house.seller.address, "to": house.bank.address, "tokenId": front}
    assert receipt.events == [("Sold", told), ("Transfer", moved)]
    assert house.certificate(front) == Certificate(house.bank.address, 100_000)
    assert till.rights(front) == {"recourse": (house.seller.address, 80_000, False)}
    assert (house.balance(house.seller), house.balance(house.bank)) == (0, 1)


def test_a_sale_of_the_tail_is_told_and_leaves_the_front(house: House, till: Till, receivable_id: int) -> None:
    front, tail = token(receivable_id), token(receivable_id, 60_000)
    house.receivables.approve(till.desk, front, sender=house.seller)
    receipt = till.sell(front, cut=60_000)
    assert receipt.events[0][1]["cut"] == 60_000
    assert receipt.events[1:] == [
        ("Transfer", {"from": NOBODY, "to": house.bank.address, "tokenId": tail}),
        ("SlotChanged", {"tokenId": tail, "oldSlot": 0, "newSlot": receivable_id}),
        ("TransferValue", {"fromTokenId": front, "toTokenId": tail, "value": 40_000}),
        ("Approval", {"owner": house.seller.address, "approved": NOBODY, "tokenId": front}),
        ("MetadataUpdate", {"_tokenId": front}),
    ]
    assert house.certificate(front) == Certificate(house.seller.address, 60_000, original=True)
    assert house.certificate(tail) == Certificate(house.bank.address, 100_000)
    assert (till.rights(front), till.rights(tail)) == ({}, {})


def test_a_sale_answers_with_what_was_sold(house: House, till: Till, receivable_id: int) -> None:
    call = house.receivables.sell.encode_input(till.deal(token(receivable_id), cut=60_000))
    sent = {"from": till.desk.address, "to": house.receivables.address, "data": "0x" + call.hex()}
    assert int(house.node.request("eth_call", sent, "latest"), 16) == token(receivable_id, 60_000)


def test_a_later_hop_ends_the_recourse_of_the_one_before(house: House, till: Till, receivable_id: int) -> None:
    """A split, an endorsement, a merger or a sale; of all parts."""
    house.admit(house.supplier, roles=SUPPLIER_ROLE | FINANCIER_ROLE)
    house.receivables.setApprovalForAll(till.desk, True, sender=house.bank)
    onward = {"holder": house.bank.address, "financier": house.supplier.address}

    def sold() -> int:
        """The tail of a new receivable, which the bank bought with recourse."""
        front = token(house.confirmed())
        till.sell(front, cut=40_000, recourse=60_000)
        return front + 40_000

    split, endorsed, resold, resold_in_part = (sold() for _ in range(4))
    house.split(split, 70_000, to=house.bank, sender=house.bank)
    house.endorse(endorsed, sender=house.bank)
    till.sell(resold, **onward)
    till.sell(resold_in_part, cut=90_000, recourse=10, **onward)
    for certificate in (split, split + 30_000, endorsed, resold, resold_in_part):
        assert till.rights(certificate) == {}
    assert till.rights(resold_in_part + 50_000) == {"recourse": (house.bank.address, 10, False)}
    merged = sold()
    house.split(merged, 70_000, to=house.bank, sender=house.bank)
    till.sell(merged + 30_000, recourse=5, **onward)
    house.endorse(merged, sender=house.bank)
    house.merge(merged, sender=house.supplier)
    assert till.rights(merged) == {}


@pytest.mark.parametrize("cut", [0, 40_000])
def test_price_and_recourse_are_within_what_is_sold(till: Till, receivable_id: int, cut: int) -> None:
    front, most = token(receivable_id), 100_000 - cut
    for price in (0, most + 1, 2**64 - 1):
        with till.refused("PriceOutOfRange", most=most):
            till.sell(front, cut=cut, price=price)
    for recourse in (most + 1, 2**64 - 1):
        with till.refused("RecourseOutOfRange", most=most):
            till.sell(front, cut=cut, recourse=recourse)
    till.sell(front, cut=cut, price=most, recourse=most)


@pytest.mark.parametrize("cut", [0, 39_999, 100_000, 100_001, 2**64 - 1])
def test_a_sale_is_of_the_whole_or_of_a_tail(till: Till, cut: int) -> None:
    receivable_id = till.parts(40_000)
    with till.refused("CutOutOfRange", start=40_000, cut=cut, end=100_000):
        till.sell(token(receivable_id, 40_000), cut=cut, price=1)


def test_neither_part_is_below_the_minimum(house: House, till: Till) -> None:
    receivable_id = till.parts(face=2_001)
    house.receivables.setParameter(2, 1_000, house.midnight(days=1), sender=house.operator)
    house.wait(DAY)
    for cut in (1, 999, 1_002, 2_000):
        with till.refused("BelowMinimumPart", minimum=1_000):
            till.sell(token(receivable_id), cut=cut, price=1)
    till.sell(token(receivable_id), cut=1_001, price=1)
    till.sell(token(receivable_id), price=1)


def test_the_largest_face_is_sold_to_the_cent(house: House, till: Till) -> None:
    most = 2**64 - 1
    receivable_id = till.parts(face=most)
    till.sell(token(receivable_id), cut=1, price=most - 1, recourse=most - 1)
    assert till.rights(token(receivable_id, 1)) == {"recourse": (house.seller.address, most - 1, False)}
    till.sell(token(receivable_id), price=1, recourse=1)
    assert till.rights(token(receivable_id)) == {"recourse": (house.seller.address, 1, False)}


# ----------------------------------------------------------------------------- pledges


def test_a_pledge_against_cash_is_told_with_its_price(house: House, till: Till, receivable_id: int) -> None:
    front = token(receivable_id)
    receipt = till.pledge_against(front, 90_000, price=85_000)
    told = {
        "receivableId": receivable_id,
        "actor": till.desk.address,
        "financier": house.bank.address,
        "start": 0,
        "end": 100_000,
        "secured": 90_000,
        "price": 85_000,
        "quote": QUOTE,
        "at": house.now,
    }
    assert receipt.events == [("Pledged", told), ("MetadataUpdate", {"_tokenId": front})]
    assert till.rights(front) == {"lien": (house.bank.address, 90_000)}
    assert house.certificate(front) == Certificate(house.seller.address, 100_000, original=True)


def test_a_pledge_is_of_the_whole_and_within_it(till: Till, receivable_id: int) -> None:
    front = token(receivable_id)
    for cut in (1, 99_999, 100_000):
        with till.refused("CutOutOfRange", start=0, cut=cut, end=100_000):
            till.pledge_against(front, cut=cut, price=1)
    for secured in (0, 100_001):
        with till.refused("SecuredOutOfRange", most=100_000):
            till.pledge_against(front, secured)
    for price in (0, 100_001):
        with till.refused("PriceOutOfRange", most=100_000):
            till.pledge_against(front, price=price)


# ------------------------------------------------------------------------- whose word


@each_kind
def test_only_the_desk_asks(house: House, till: Till, receivable_id: int, kind: str) -> None:
    """Not the holder itself, not an operator of its: the cash moves in the desk."""
    deal = till.deal(token(receivable_id), amount=1)
    for person in (house.seller, house.bank, house.operator, house.stranger):
        with till.refused("NotDesk", account=person.address):
            getattr(house.receivables, kind)(deal, sender=person)
    house.receivables.setDesk(NOBODY, sender=house.operator)
    with till.refused("NotDesk", account=till.desk.address):
        asked(till, kind, token(receivable_id))


@each_kind
def test_the_desk_needs_the_holders_approval(house: House, till: Till, receivable_id: int, kind: str) -> None:
    front = token(receivable_id)
    house.receivables.setApprovalForAll(till.desk, False, sender=house.seller)
    with till.refused("NotHolder", caller=till.desk.address):
        asked(till, kind, front)
    house.receivables.approve(till.desk, front, sender=house.seller)
    asked(till, kind, front)


@each_kind
def test_a_deal_is_with_the_holder_that_it_names(house: House, till: Till, receivable_id: int, kind: str) -> None:
    front = token(receivable_id)
    with till.refused("NotHolder", caller=house.supplier.address):
        asked(till, kind, front, holder=house.supplier.address)
    house.endorse(front)
    house.receivables.setApprovalForAll(till.desk, True, sender=house.supplier)
    with till.refused("NotHolder", caller=house.seller.address):
        asked(till, kind, front)
    asked(till, kind, front, holder=house.supplier.address)


@each_kind
def test_a_deal_is_of_the_certificate_and_the_receivable_that_it_names(
    house: House, till: Till, receivable_id: int, kind: str
) -> None:
    front, other = token(receivable_id), house.confirmed()
    with till.refused("RangeChanged", start=0, end=100_000):
        asked(till, kind, front, range=named(front, 99_999))
    with till.refused("UnknownCertificate", certificateId=front + 1):
        asked(till, kind, front, range=named(front + 1))
    for changes in (
        {"anchor": house.anchor(other), "claimKey": house.claim_key(other)},
        {"anchor": house.anchor(other)},
        {"claimKey": house.claim_key(other)},
        {"anchor": bytes(32)},
    ):
        with till.refused("AnchorMismatch", head=house.head(receivable_id)):
            asked(till, kind, front, **changes)


@each_kind
def test_who_finances_and_who_is_financed_is_in_good_standing(
    house: House, till: Till, receivable_id: int, kind: str
) -> None:
    front = token(receivable_id)
    with till.refused("SameHolder"):
        asked(till, kind, front, financier=house.seller.address)
    with till.refused("NotFinancier", account=house.supplier.address):
        asked(till, kind, front, financier=house.supplier.address)
    with till.refused("MemberNotEligible", member=house.stranger.address):
        asked(till, kind, front, financier=house.stranger.address)
    house.freeze_member(house.seller)
    with till.refused("FrozenByOrder", order=ORDER):
        asked(till, kind, front)
    house.unfreeze_member(house.seller)
    house.suspend(house.seller)
    with till.refused("MemberNotEligible", member=house.seller.address):
        asked(till, kind, front)


@each_kind
def test_what_does_not_move_is_not_financed(house: House, till: Till, kind: str) -> None:
    receivable_id = till.parts(50_000)
    front = token(receivable_id)
    house.freeze_certificate(named(front, 50_000))
    with till.refused("FrozenByOrder", order=ORDER):
        asked(till, kind, front)
    house.unfreeze_certificate(named(front, 50_000))
    house.freeze_receivable(receivable_id)
    with till.refused("FrozenByOrder", order=ORDER):
        asked(till, kind, front)
    house.unfreeze_receivable(receivable_id)
    house.receivables.pause(sender=house.operator)
    with till.refused("RegistryPaused"):
        asked(till, kind, front)
    house.receivables.unpause(sender=house.operator)
    till.reach(receivable_id)
    with till.refused("DueDatePassed", due=house.record(receivable_id).due):
        asked(till, kind, front)


def test_a_sale_to_a_frozen_financier_says_that_the_certificate_is_frozen_now(
    house: House, till: Till, receivable_id: int
) -> None:
    """It may receive; wallets learn that what they show has changed."""
    house.freeze_member(house.bank)
    receipt = till.sell(token(receivable_id))
    assert receipt.names == ["Sold", "Transfer", "MetadataUpdate"]


# -------------------------------------------------------------------------- extra rules


def test_extra_rules_are_asked_about_what_is_sold_and_what_is_pledged(
    house: House, till: Till, receivable_id: int, helpers: dict[str, Any]
) -> None:
    rules, front = house.made(helpers["Rules"]), token(receivable_id)
    house.receivables.setRules(rules, sender=house.operator)
    rules.setMode(1, sender=house.stranger)
    seller, bank, desk = house.seller, house.bank, till.desk
    calls = {
        (19, desk, 0): lambda: till.sell(front),
        (19, desk, 40_000): lambda: till.sell(front, cut=40_000),
        (17, desk, 0): lambda: till.pledge_against(front),
        (17, seller, 0): lambda: till.pledge(front),
    }
    for (operation, actor, start), call in calls.items():
        before = till.roots()
        with pytest.raises(Reverted) as caught:
            call()
        assert till.roots() == before
        assert caught.value.name == "RulesForbid"
        reason = bytes(caught.value.inputs["reason"])
        assert reason[:4] == selector(f"NotAllowed(address,{ACT})")
        _, act = decode(["address", ACT], reason[4:])
        parties = tuple(person.address.lower() for person in (actor, seller, bank))
        assert act == (operation, receivable_id, *parties, start, 100_000)
    rules.setMode(0, sender=house.stranger)
    till.sell(front, cut=40_000)
    till.pledge(front)
    rules.setMode(1, sender=house.stranger)
    till.release(front)  # nobody is asked about what frees, pays or is paid
    till.pay(receivable_id, 100_000)
    till.redeem_many([front, front + 40_000])


# ------------------------------------------------------------------ ids that come back


def test_what_is_sold_again_under_an_id_starts_without_a_demand(house: House, till: Till) -> None:
    """The word of a recourse is written anew; that it was demanded goes with the certificate."""
    receivable_id = till.parts()
    front, tail = token(receivable_id), token(receivable_id, 40_000)
    till.sell(front, cut=40_000, recourse=60_000)
    house.endorse(tail, to=house.seller, sender=house.bank)
    house.merge(front)
    till.sell(front, cut=40_000)
    assert till.rights(tail) == {}
    house.endorse(tail, to=house.seller, sender=house.bank)
    till.sell(tail, recourse=7)
    assert till.rights(tail) == {"recourse": (house.seller.address, 7, False)}


def test_another_registrys_desk_is_nobody_here(house: House, till: Till, project: Any, accounts: Any) -> None:
    other = deploy_house(project, accounts).peopled()
    receivable_id = other.confirmed()
    elsewhere: Door = other.receivables
    call = elsewhere.sell.encode_input(till.deal(token(house.confirmed())) | {"range": named(token(receivable_id))})
    with till.refused("NotDesk", account=till.desk.address):
        till.desk.execute(elsewhere, call, sender=house.stranger)
