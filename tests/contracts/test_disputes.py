"""Disputes: the first cents of the front are put aside; the others are paid on time, and first."""

from __future__ import annotations

import pytest

from tests.contracts.house import DAY, NOBODY, ORDER, Certificate, House, named, parts_of, token
from tests.contracts.till import MOVES, Till

SETTLED = 6


@pytest.fixture
def disputed(till: Till) -> int:
    """A receivable of the seller's whose first 20,000 cents of 100,000 are in dispute."""
    receivable_id = till.parts()
    till.dispute(token(receivable_id), 20_000)
    return receivable_id


def test_a_dispute_and_its_end_are_told(house: House, till: Till, receivable_id: int) -> None:
    front, tail = token(receivable_id), token(receivable_id, 20_000)
    receipt = till.dispute(front, 20_000)
    range_ = {"receivableId": receivable_id, "start": 0, "end": 100_000, "cut": 20_000}
    parties = {"actor": house.buyer.address, "countersigner": house.seller.address}
    assert receipt.events[0] == ("Disputed", range_ | parties | {"at": house.now})
    seller = house.seller.address
    assert receipt.events[1:] == [
        ("Transfer", {"from": NOBODY, "to": seller, "tokenId": tail}),
        ("SlotChanged", {"tokenId": tail, "oldSlot": 0, "newSlot": receivable_id}),
        ("TransferValue", {"fromTokenId": front, "toTokenId": tail, "value": 80_000}),
        ("MetadataUpdate", {"_tokenId": front}),
        ("BatchMetadataUpdate", {"_fromTokenId": front, "_toTokenId": token(receivable_id + 1) - 1}),
    ]
    assert house.certificate(front) == Certificate(seller, 20_000, original=True)
    assert house.certificate(tail) == Certificate(seller, 100_000)
    assert till.amounts(receivable_id) == {"senior": 20_000, "disputed": 1}
    receipt = till.resolve(receivable_id)
    parties = {"actor": house.seller.address, "countersigner": house.buyer.address}
    told = {"receivableId": receivable_id, "face": 100_000, "at": house.now} | parties
    assert (receipt.events[0], receipt.names[1:]) == (("Resolved", told), ["BatchMetadataUpdate"])
    assert till.amounts(receivable_id) == {}
    house.merge(front)


def test_the_whole_of_the_front_is_disputed_without_a_cut(house: House, till: Till) -> None:
    receivable_id = till.parts(20_000)
    receipt = till.dispute(token(receivable_id), 20_000)
    assert receipt.names == ["Disputed", "BatchMetadataUpdate"]
    assert till.amounts(receivable_id) == {"senior": 20_000, "disputed": 1}


def test_a_receivable_that_is_disputed_in_all_cannot_be_paid(house: House, till: Till, receivable_id: int) -> None:
    till.dispute(token(receivable_id), 100_000)
    with till.refused("Overpayment", payable_=0):
        till.pay(receivable_id, 1)
    till.reach(receivable_id, days=5)
    with till.refused("PaymentMade", paid=0):
        till.dishonour(receivable_id)
    till.resolve(receivable_id)
    till.pay(receivable_id, 100_000)
    assert till.status(receivable_id) == SETTLED


@pytest.mark.parametrize("cut", [0, 100_001, 2**64 - 1])
def test_a_dispute_ends_inside_or_with_the_front(till: Till, receivable_id: int, cut: int) -> None:
    with till.refused("CutOutOfRange", start=0, cut=cut, end=100_000):
        till.dispute(token(receivable_id), cut)


# ------------------------------------------------------------------------- what moves


@pytest.mark.parametrize("move", MOVES)
def test_what_is_in_dispute_does_not_move_and_the_rest_does(house: House, till: Till, move: str) -> None:
    receivable_id = till.parts(50_000)
    till.dispute(token(receivable_id), 20_000)
    with till.refused("InDispute", until=20_000):
        till.moves(named(token(receivable_id), 20_000))[move]()
    till.moves(named(token(receivable_id, 20_000), 50_000))[move]()


def test_part_by_part_the_disputed_cents_stay(house: House, till: Till, disputed: int) -> None:
    """A cut by an order makes two certificates; both are in dispute."""
    house.partition(named(token(disputed), 20_000), 10_000)
    for start in (0, 10_000):
        with till.refused("InDispute", until=20_000):
            house.endorse(token(disputed, start))
    till.resolve(disputed)
    house.endorse(token(disputed, 10_000))


# --------------------------------------------------------------------------- payments


def test_the_undisputed_part_is_paid_whole_and_paid_out_first(house: House, till: Till, disputed: int) -> None:
    front, tail = token(disputed), token(disputed, 20_000)
    with till.refused("PaymentNotWhole", payable_=80_000):
        till.pay(disputed, 79_999)
    with till.refused("Overpayment", payable_=80_000):
        till.pay(disputed, 80_001)
    till.pay(disputed, 80_000)
    assert till.status(disputed) == 2
    assert till.redeemable(front, tail) == [0, 80_000]
    till.redeem(tail)
    with till.refused("NothingDue", certificateId=front):
        till.redeem(front)
    with till.refused("Overpayment", payable_=0):
        till.pay(disputed, 1)
    till.resolve(disputed)
    assert till.amounts(disputed) == {"paid": 80_000, "senior": 20_000, "claimed": 80_000}
    till.pay(disputed, 20_000)
    till.redeem(front)
    assert till.balances(house.seller, house.receivables) == [100_000, 0]


def test_what_exceeds_the_first_tranche_is_divided_in_the_second(house: House, till: Till) -> None:
    receivable_id = till.parts(60_000)
    till.dispute(token(receivable_id), 20_000)
    house.partition(named(token(receivable_id), 20_000), 5_000)
    first, second, third, fourth = (token(receivable_id, start) for start in (0, 5_000, 20_000, 60_000))
    till.reach(receivable_id)
    till.pay(receivable_id, 40_000)
    till.resolve(receivable_id)
    assert till.redeemable(first, second, third, fourth) == [0, 0, 20_000, 20_000]
    till.pay(receivable_id, 44_001)
    assert till.redeemable(first, second, third, fourth) == [1_000, 3_000, 40_000, 40_000]
    till.redeem_many([second, fourth])
    till.reach(receivable_id, days=5)
    till.close(receivable_id)
    till.redeem_many([first, second, third, fourth])
    assert till.balances(house.seller, house.receivables) == [84_001, 0]


def test_a_closed_book_gives_the_disputed_cents_nothing(house: House, till: Till, disputed: int) -> None:
    till.reach(disputed, days=5)
    till.pay(disputed, 79_999)
    till.close(disputed)
    till.redeem_many([token(disputed), token(disputed, 20_000)])
    assert house.cover(disputed) == [(0, 20_000, house.seller.address)]
    assert till.balances(house.seller, house.receivables) == [79_999, 0]
    with till.refused("StatusForbids", status=7):
        till.resolve(disputed)


# ----------------------------------------------------------- credit notes in a dispute


def test_the_disputed_cents_can_be_credited_also_once_the_rest_is_paid(house: House, till: Till, disputed: int) -> None:
    till.credit(token(disputed), 5_000)
    assert till.amounts(disputed) == {"cancelled": 5_000, "senior": 20_000, "disputed": 1}
    till.pay(disputed, 80_000)
    till.credit(token(disputed, 5_000), 5_000)
    till.resolve(disputed)
    till.credit(token(disputed, 10_000), 4_000)
    with till.refused("PaymentNotWhole", payable_=6_000):
        till.pay(disputed, 5_999)
    till.reach(disputed)
    till.pay(disputed, 1)
    with till.refused("PaymentMade", paid=80_001):  # now these cents have got something
        till.credit(token(disputed, 14_000), 1)


def test_what_is_credited_to_its_end_ends_the_dispute(house: House, till: Till, disputed: int) -> None:
    """And the debt with it, where the rest is paid."""
    till.credit(token(disputed), 20_000)
    assert till.amounts(disputed) == {"cancelled": 20_000}
    with till.refused("NotInDispute"):
        till.resolve(disputed)
    paid = till.parts()
    till.dispute(token(paid), 20_000)
    till.pay(paid, 80_000)
    till.redeem(token(paid, 20_000))
    till.credit(token(paid), 20_000)
    assert (till.status(paid), till.amounts(paid)) == (
        SETTLED,
        {"cancelled": 20_000, "paid": 80_000, "claimed": 80_000},
    )
    assert till.balances(house.seller, house.receivables) == [80_000, 0]


def test_a_part_payment_in_a_dispute_hinders_no_credit_of_what_is_paid_last(till: Till, disputed: int) -> None:
    till.reach(disputed)
    till.pay(disputed, 1)
    till.credit(token(disputed), 1)
    assert till.amounts(disputed) == {"paid": 1, "cancelled": 1, "senior": 20_000, "disputed": 1}
    till.credit(token(disputed, 1), 19_999)
    assert till.amounts(disputed) == {"paid": 1, "cancelled": 20_000}


# -------------------------------------------------------------------------- who and when


def test_both_parties_dispute_and_resolve_and_nobody_else(house: House, till: Till, receivable_id: int) -> None:
    front, seller, buyer = token(receivable_id), house.seller, house.buyer
    for outsider in (house.supplier, house.operator, house.stranger):
        with till.refused("NotParty", account=outsider.address):
            till.dispute(front, 1, sender=outsider, second=buyer)
        with till.refused("NotParty", account=outsider.address):
            till.dispute(front, 1, sender=buyer, second=outsider)
    for party in (seller, buyer):
        with till.refused("NotParty", account=party.address):
            till.dispute(front, 1, sender=party, second=party)
    till.dispute(front, 1, sender=seller, second=buyer)
    for outsider in (house.supplier, house.operator, house.stranger):
        with till.refused("NotParty", account=outsider.address):
            till.resolve(receivable_id, sender=outsider, second=buyer)
        with till.refused("NotParty", account=outsider.address):
            till.resolve(receivable_id, sender=buyer, second=outsider)
    for party in (seller, buyer):
        with till.refused("NotParty", account=party.address):
            till.resolve(receivable_id, sender=party, second=party)
    till.resolve(receivable_id, sender=buyer, second=seller)


def test_whom_an_order_gave_the_disputed_cents_resolves_in_the_originators_place(
    house: House, till: Till, disputed: int
) -> None:
    front = named(token(disputed), 20_000)
    house.freeze_certificate(front)
    house.wait(3 * DAY)
    house.force_transfer(front, to=house.supplier)
    with till.refused("NotParty", account=house.seller.address):
        till.resolve(disputed)
    till.resolve(disputed, sender=house.supplier)


def test_a_second_dispute_waits_for_the_end_of_the_first(till: Till, disputed: int) -> None:
    for cut in (10_000, 20_000):
        with till.refused("InDispute", until=20_000):
            till.dispute(token(disputed), cut)
    till.resolve(disputed)
    till.dispute(token(disputed), 10_000)
    assert till.amounts(disputed) == {"senior": 10_000, "disputed": 1}


def test_nothing_paid_is_disputed_and_nothing_resolved_that_is_not_in_dispute(till: Till, receivable_id: int) -> None:
    with till.refused("NotInDispute"):
        till.resolve(receivable_id)
    till.reach(receivable_id)
    till.pay(receivable_id, 1)
    with till.refused("PaymentMade", paid=1):
        till.dispute(token(receivable_id), 1)
    till.pay(receivable_id, 99_999)
    with till.refused("StatusForbids", status=SETTLED):
        till.dispute(token(receivable_id), 1)
    with till.refused("StatusForbids", status=SETTLED):
        till.resolve(receivable_id)


def test_only_a_free_front_of_the_originators_is_disputed(house: House, till: Till) -> None:
    receivable_id = till.parts(40_000)
    front, tail = token(receivable_id), token(receivable_id, 40_000)
    with till.refused("NotFront", certificateId=tail):
        till.dispute(tail, 50_000)
    till.pledge(front)
    with till.refused("PledgedTo", financier=house.bank.address):
        till.dispute(front, 1)
    till.release(front)
    house.freeze_certificate(named(front, 40_000))
    with till.refused("FrozenByOrder", order=ORDER):
        till.dispute(front, 1)
    house.unfreeze_certificate(named(front, 40_000))
    house.endorse(front)
    with till.refused("NotFront", certificateId=front):
        till.dispute(front, 1)


def test_in_a_pause_nothing_is_disputed_or_resolved(house: House, till: Till, receivable_id: int) -> None:
    house.receivables.pause(sender=house.operator)
    with till.refused("RegistryPaused"):
        till.dispute(token(receivable_id), 1)
    house.receivables.unpause(sender=house.operator)
    till.reach(receivable_id, days=100)
    till.dispute(token(receivable_id), 1)
    house.receivables.pause(sender=house.operator)
    with till.refused("RegistryPaused"):
        till.resolve(receivable_id)


def test_a_dispute_needs_no_good_standing_and_no_minimum_part(house: House, till: Till, receivable_id: int) -> None:
    house.receivables.setParameter(2, 1_000, house.midnight(days=1), sender=house.operator)
    house.wait(DAY)
    house.suspend(house.seller)
    house.suspend(house.buyer)
    till.dispute(token(receivable_id), 1)
    till.resolve(receivable_id)


def test_a_signed_resolution_is_of_this_receivable(house: House, till: Till, disputed: int) -> None:
    other = till.parts()
    till.dispute(token(other), 1)
    signed = house.authorise("Resolve", house.buyer, receivableId=disputed)
    with till.refused("SignatureInvalid", signer=house.buyer.address):
        house.receivables.resolve(other, signed, sender=house.seller)
    wrong = house.authorise("Resolve", house.buyer, receivableId=disputed, anchor=house.anchor(other))
    with till.refused("AnchorMismatch", head=house.head(disputed)):
        house.receivables.resolve(disputed, wrong, sender=house.seller)


# -------------------------------------------------------------- what lay on the front


def test_orders_that_have_expired_do_not_go_with_the_parts(house: House, till: Till) -> None:
    """Nor does what is left in the list of an earlier certificate at the cut."""
    receivable_id = till.parts(20_000)
    front, tail = token(receivable_id), token(receivable_id, 20_000)
    house.freeze_certificate(house.present(tail), order=b"\x0c" * 32, expiry=house.now + DAY)
    house.freeze_certificate(house.present(front), expiry=house.now + DAY)
    house.wait(DAY)
    house.merge(front)
    house.freeze_certificate(named(front), expiry=house.now + DAY)
    house.wait(DAY)
    house.receivables.approve(house.stranger, front, sender=house.seller)
    till.dispute(front, 20_000)
    assert [house.orders(1, each) for each in (front, tail)] == [[], []]
    seller = house.seller.address
    assert house.certificate(front) == Certificate(seller, 20_000, original=True)
    assert house.certificate(tail) == Certificate(seller, 100_000)


def test_a_signature_under_a_dispute_names_the_cut(house: House, till: Till, receivable_id: int) -> None:
    whole = named(token(receivable_id))
    signed = house.authorise("Dispute", house.seller, **parts_of(whole), cut=10)
    with till.refused("SignatureInvalid", signer=house.seller.address):
        house.receivables.dispute(whole, 11, signed, sender=house.buyer)
    house.receivables.dispute(whole, 10, signed, sender=house.buyer)
