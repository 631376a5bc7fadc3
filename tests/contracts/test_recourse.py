"""Recourse: what was sold with it and is not paid in time goes back to its seller, for what is missing."""

from __future__ import annotations

import pytest

from tests.contracts.house import DAY, FINANCIER_ROLE, NOBODY, ORDER, Certificate, House, named, token
from tests.contracts.till import Till


@pytest.fixture
def sold(house: House, till: Till) -> int:
    """A receivable that the seller sold to the bank, whole, with recourse for 80,000 of its 100,000 cents."""
    receivable_id = till.parts()
    till.sell(token(receivable_id), recourse=80_000)
    return receivable_id


@pytest.fixture
def demanded(till: Till, sold: int) -> int:
    """The same, overdue, with the recourse demanded."""
    till.reach(sold, days=1)
    till.demand(token(sold))
    return sold


def test_a_demand_and_a_repurchase_are_told(house: House, till: Till, sold: int) -> None:
    front, seller, bank = token(sold), house.seller.address, house.bank.address
    till.reach(sold, days=1)
    receipt = till.demand(front)
    range_ = {"receivableId": sold, "start": 0, "end": 100_000}
    assert receipt.events == [("RecourseDemanded", range_ | {"actor": bank, "seller": seller, "at": house.now})]
    assert till.rights(front) == {"recourse": (seller, 80_000, True)}
    receipt = till.repurchase(front)
    assert receipt.events == [
        ("Repurchased", range_ | {"seller": seller, "amount": 80_000, "at": house.now}),
        ("Transfer", {"from": bank, "to": seller, "tokenId": front}),
    ]
    assert till.balances(house.seller, house.bank, house.receivables) == [-80_000, 80_000, 0]
    assert house.certificate(front) == Certificate(seller, 100_000)
    assert (till.rights(front), house.balance(house.seller), house.balance(house.bank)) == ({}, 1, 0)


def test_what_was_paid_out_is_taken_off_and_stays_with_the_certificate(house: House, till: Till, sold: int) -> None:
    front = token(sold)
    till.reach(sold, days=1)
    till.pay(sold, 30_000)
    till.redeem(front)
    till.demand(front)
    till.pay(sold, 10_000)
    till.redeem(front)
    till.repurchase(front)
    assert till.balances(house.seller, house.bank) == [-40_000, 80_000]
    assert till.rights(front) == {"claimed": 40_000}
    till.pay(sold, 60_000)
    till.redeem(front)
    assert till.balances(house.seller, house.bank, house.receivables) == [20_000, 80_000, 0]


def test_a_demand_comes_a_day_after_the_due_date_at_the_earliest(house: House, till: Till, sold: int) -> None:
    instant = house.record(sold).due + DAY
    house.at(instant - 1)
    with till.refused("NotOverdue", **{"from": instant}):
        till.demand(token(sold))
    house.at(instant)
    till.demand(token(sold))
    with till.refused("RecourseStands"):
        till.demand(token(sold))


def test_the_holder_demands_or_whom_it_approved(house: House, till: Till, sold: int) -> None:
    front = token(sold)
    till.reach(sold, days=1)
    for person in (house.seller, house.buyer, house.operator, house.stranger):
        with till.refused("NotHolder", caller=person.address):
            till.demand(front, sender=person)
    with till.refused("RangeChanged", start=0, end=100_000):
        house.receivables.demandRecourse(named(front, 5), sender=house.bank)
    house.receivables.approve(house.stranger, front, sender=house.bank)
    receipt = till.demand(front, sender=house.stranger)
    assert receipt.events[0][1]["actor"] == house.stranger


def test_what_was_sold_without_recourse_comes_back_to_nobody(house: House, till: Till, receivable_id: int) -> None:
    front = token(receivable_id)
    till.sell(front)
    till.reach(receivable_id, days=1)
    with till.refused("NoRecourse", certificateId=front):
        till.demand(front)
    with till.refused("NoRecourse", certificateId=front):
        till.repurchase(front)
    with till.refused("UnknownCertificate", certificateId=front + 1):
        house.receivables.demandRecourse(named(front + 1), sender=house.bank)
    with till.refused("UnknownCertificate", certificateId=front + 1):
        house.receivables.repurchase(named(front + 1), sender=house.seller)


def test_only_the_seller_takes_it_back_and_only_on_demand(house: House, till: Till, sold: int) -> None:
    front = token(sold)
    till.reach(sold, days=1)
    with till.refused("RecourseNotDemanded"):
        till.repurchase(front)
    till.demand(front)
    for person in (house.bank, house.buyer, house.supplier, house.stranger):
        with till.refused("NotSeller", account=person.address):
            till.repurchase(front, sender=person)
    with till.refused("RangeChanged", start=0, end=100_000):
        house.receivables.repurchase(named(front, 5), sender=house.seller)


def test_once_the_debtor_has_paid_enough_the_seller_gives_nothing_back(house: House, till: Till, sold: int) -> None:
    front = token(sold)
    till.reach(sold, days=1)
    till.pay(sold, 79_999)
    till.demand(front)
    till.pay(sold, 1)  # what waits for the holder counts as well as what it got
    with till.refused("NothingDue", certificateId=front):
        till.repurchase(front)
    till.redeem(front)
    with till.refused("NothingDue", certificateId=front):
        till.repurchase(front)
    till.pay(sold, 20_000)
    with till.refused("StatusForbids", status=6):
        till.repurchase(front)


def test_nor_can_it_be_asked_to(till: Till, sold: int) -> None:
    front = token(sold)
    till.reach(sold, days=1)
    till.pay(sold, 80_000)
    with till.refused("NothingDue", certificateId=front):
        till.demand(front)
    till.redeem(front)
    with till.refused("NothingDue", certificateId=front):
        till.demand(front)
    till.pay(sold, 20_000)
    with till.refused("StatusForbids", status=6):
        till.demand(front)


def test_what_counts_is_the_share_of_a_closed_book_once_it_is_closed(house: House, till: Till) -> None:
    """The middle one of three cents, of which two are paid: none of them while the book is open, and then one."""
    receivable_id = till.parts(1, 2, face=3)
    middle = token(receivable_id, 1)
    till.sell(middle, recourse=1)
    till.reach(receivable_id, days=5)
    till.pay(receivable_id, 2)
    till.demand(middle)
    till.close(receivable_id)
    with till.refused("NothingDue", certificateId=middle):
        till.repurchase(middle)


def test_a_part_that_got_all_of_its_recourse_asks_for_no_more(house: House, till: Till) -> None:
    """An order cuts off two of three cents that got two: more than is due to them, and all that the seller owed."""
    receivable_id = till.parts(face=3)
    till.sell(token(receivable_id), recourse=2)
    till.reach(receivable_id)
    till.pay(receivable_id, 2)
    till.redeem(token(receivable_id))
    till.reach(receivable_id, days=1)
    house.partition(named(token(receivable_id), 3), 1)
    tail = token(receivable_id, 1)
    assert till.rights(tail) == {"recourse": (house.seller.address, 2, False), "claimed": 2}
    with till.refused("NothingDue", certificateId=tail):
        till.demand(tail)


def test_recourse_outlives_the_closing_of_the_book(house: House, till: Till, sold: int) -> None:
    """What was not redeemed before goes to the seller with the certificate."""
    front = token(sold)
    till.reach(sold, days=5)
    till.pay(sold, 10_000)
    till.close(sold)
    till.demand(front)
    till.repurchase(front)
    assert till.balances(house.seller, house.bank) == [-80_000, 80_000]
    till.redeem(front)
    assert till.balances(house.seller, house.bank, house.receivables) == [-70_000, 80_000, 0]
    assert house.cover(sold) == []


def test_what_a_closed_book_pays_out_ends_no_recourse(house: House, till: Till, sold: int) -> None:
    """The certificate stays for what its seller still has to give back."""
    front = token(sold)
    till.reach(sold, days=5)
    till.pay(sold, 10_000)
    till.close(sold)
    till.redeem(front)
    assert till.rights(front) == {"recourse": (house.seller.address, 80_000, False), "claimed": 10_000}
    till.demand(front)
    till.repurchase(front)
    assert till.balances(house.seller, house.bank, house.receivables) == [-70_000, 80_000, 0]
    with till.refused("NothingDue", certificateId=front):
        till.redeem(front)


def test_a_repurchase_waits_for_orders_liens_and_pauses(house: House, till: Till, sold: int) -> None:
    front = token(sold)
    house.admit(house.supplier, roles=FINANCIER_ROLE)
    till.pledge(front, to=house.supplier, sender=house.bank)
    till.reach(sold, days=1)
    till.demand(front)
    with till.refused("PledgedTo", financier=house.supplier.address):
        till.repurchase(front)
    till.release(front, sender=house.supplier)
    house.freeze_certificate(named(front))
    with till.refused("FrozenByOrder", order=ORDER):
        till.repurchase(front)
    house.unfreeze_certificate(named(front))
    house.freeze_receivable(sold)
    with till.refused("FrozenByOrder", order=ORDER):
        till.repurchase(front)
    house.unfreeze_receivable(sold)
    house.freeze_member(house.bank)
    with till.refused("FrozenByOrder", order=ORDER):
        till.repurchase(front)
    house.unfreeze_member(house.bank)
    house.receivables.pause(sender=house.operator)
    with till.refused("RegistryPaused"):
        till.repurchase(front)
    house.receivables.unpause(sender=house.operator)
    house.suspend(house.seller)
    with till.refused("MemberNotEligible", member=house.seller.address):
        till.repurchase(front)
    house.admit(house.seller)
    house.freeze_member(house.seller)
    with till.refused("FrozenByOrder", order=ORDER):
        till.repurchase(front)
    house.unfreeze_member(house.seller)
    till.repurchase(front)


def test_a_pause_keeps_nobody_from_a_demand(house: House, till: Till, sold: int) -> None:
    house.receivables.pause(sender=house.operator)
    till.reach(sold, days=1)
    till.demand(token(sold))


def test_without_money_or_leave_to_take_it_nothing_goes_back(house: House, till: Till, demanded: int) -> None:
    money = till.bank.token
    money.approve(house.receivables, 79_999, sender=house.seller)
    with till.token_refuses("ERC20InsufficientAllowance"):
        till.repurchase(token(demanded))
    money.approve(house.receivables, 80_000, sender=house.seller)
    money.transfer(house.bank, till.bank.balance(house.seller), sender=house.seller)
    with till.token_refuses("ERC20InsufficientBalance"):
        till.repurchase(token(demanded))


def test_a_currency_without_a_token_knows_no_repurchase(house: House, till: Till) -> None:
    receivable_id = house.confirmed(currency=392)
    till.sell(token(receivable_id), recourse=10)
    till.reach(receivable_id, days=1)
    till.demand(token(receivable_id))
    with till.refused("NoDepositToken", currency=392):
        till.repurchase(token(receivable_id))


def test_a_forced_transfer_ends_recourse(house: House, till: Till, demanded: int) -> None:
    """Who gets a certificate by an order has no contract with its seller."""
    front = token(demanded)
    house.freeze_certificate(named(front))
    house.wait(3 * DAY)
    house.force_transfer(named(front), to=house.supplier)
    assert till.rights(front) == {}
    with till.refused("NoRecourse", certificateId=front):
        till.repurchase(front)


def test_parts_that_an_order_cut_go_back_one_by_one(house: House, till: Till, demanded: int) -> None:
    front, tail = token(demanded), token(demanded, 33_333)
    house.partition(named(front), 33_333)
    assert till.rights(front) == {"recourse": (house.seller.address, 26_666, True)}
    assert till.rights(tail) == {"recourse": (house.seller.address, 53_334, True)}
    till.repurchase(tail)
    till.repurchase(front)
    assert till.balances(house.seller, house.bank) == [-80_000, 80_000]


def test_an_approval_ends_with_a_repurchase(house: House, till: Till, demanded: int) -> None:
    front = token(demanded)
    house.receivables.approve(house.stranger, front, sender=house.bank)
    till.repurchase(front)
    assert house.receivables.getApproved(front) == NOBODY
