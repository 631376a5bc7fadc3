"""Credit notes: originator and debtor take the first cents away, while they have never left the originator's hands."""

from __future__ import annotations

import pytest

from tests.contracts.house import DAY, NOBODY, ORDER, Certificate, House, named, parts_of, token
from tests.contracts.till import Till

SETTLED, CLOSED = 6, 7


def test_a_credit_note_is_told_and_the_front_begins_later(house: House, till: Till, receivable_id: int) -> None:
    front, rest = token(receivable_id), token(receivable_id, 30_000)
    receipt = till.credit(front, 30_000)
    parties = {"actor": house.seller.address, "countersigner": house.buyer.address}
    range_ = {"receivableId": receivable_id, "start": 0, "end": 100_000}
    assert receipt.events == [
        ("CreditNoted", range_ | parties | {"amount": 30_000, "at": house.now}),
        ("Transfer", {"from": house.seller.address, "to": NOBODY, "tokenId": front}),
        ("SlotChanged", {"tokenId": front, "oldSlot": receivable_id, "newSlot": 0}),
        ("Transfer", {"from": NOBODY, "to": house.seller.address, "tokenId": rest}),
        ("SlotChanged", {"tokenId": rest, "oldSlot": 0, "newSlot": receivable_id}),
        ("TransferValue", {"fromTokenId": front, "toTokenId": rest, "value": 70_000}),
    ]
    assert house.certificate(front) is None
    assert house.certificate(rest) == Certificate(house.seller.address, 100_000, original=True)
    assert (till.amounts(receivable_id), house.balance(house.seller)) == ({"cancelled": 30_000}, 1)


def test_what_is_credited_is_not_owed(house: House, till: Till, receivable_id: int) -> None:
    till.credit(token(receivable_id), 30_000)
    with till.refused("Overpayment", payable_=70_000):
        till.pay(receivable_id, 70_001)
    with till.refused("PaymentNotWhole", payable_=70_000):
        till.pay(receivable_id, 69_999)
    till.pay(receivable_id, 70_000)
    assert till.status(receivable_id) == SETTLED
    till.redeem(token(receivable_id, 30_000))
    assert till.balances(house.seller, house.receivables) == [70_000, 0]


def test_shares_are_of_what_is_left(house: House, till: Till) -> None:
    receivable_id = till.parts(50_000)
    till.credit(token(receivable_id), 30_000)
    till.reach(receivable_id)
    till.pay(receivable_id, 7_000)
    certificates = [token(receivable_id, 30_000), token(receivable_id, 50_000)]
    assert till.redeemable(*certificates) == [2_000, 5_000]
    till.reach(receivable_id, days=5)
    till.close(receivable_id)
    till.redeem_many(certificates)
    assert till.balances(house.seller, house.receivables) == [7_000, 0]


def test_one_credit_note_follows_another(house: House, till: Till, receivable_id: int) -> None:
    start = 0
    for amount in (1, 29_999, 69_999):
        till.credit(token(receivable_id, start), amount)
        start += amount
        assert till.amounts(receivable_id) == {"cancelled": start}
    assert house.cover(receivable_id) == []
    assert house.certificate(token(receivable_id, 99_999)) == Certificate(house.seller.address, 100_000, original=True)


def test_a_further_credit_note_is_counted_and_told_from_where_the_front_begins(
    house: House, till: Till, receivable_id: int
) -> None:
    till.credit(token(receivable_id), 30_000)
    front, rest, seller = token(receivable_id, 30_000), token(receivable_id, 50_000), house.seller.address
    with till.refused("CreditOutOfRange", most=70_000):
        till.credit(front, 70_001)
    parties = {"actor": seller, "countersigner": house.buyer.address}
    range_ = {"receivableId": receivable_id, "end": 100_000} | parties
    assert till.credit(front, 20_000).events == [
        ("CreditNoted", range_ | {"start": 30_000, "amount": 20_000, "at": house.now}),
        ("Transfer", {"from": seller, "to": NOBODY, "tokenId": front}),
        ("SlotChanged", {"tokenId": front, "oldSlot": receivable_id, "newSlot": 0}),
        ("Transfer", {"from": NOBODY, "to": seller, "tokenId": rest}),
        ("SlotChanged", {"tokenId": rest, "oldSlot": 0, "newSlot": receivable_id}),
        ("TransferValue", {"fromTokenId": front, "toTokenId": rest, "value": 50_000}),
    ]
    assert till.credit(rest, 50_000).events == [
        ("CreditNoted", range_ | {"start": 50_000, "amount": 50_000, "at": house.now}),
        ("Transfer", {"from": seller, "to": NOBODY, "tokenId": rest}),
        ("SlotChanged", {"tokenId": rest, "oldSlot": receivable_id, "newSlot": 0}),
    ]


def test_what_is_credited_in_full_is_settled_without_a_payment(house: House, till: Till, receivable_id: int) -> None:
    till.credit(token(receivable_id), 100_000)
    assert (till.status(receivable_id), till.amounts(receivable_id)) == (SETTLED, {"cancelled": 100_000})
    assert house.balance(house.seller) == 0
    with till.refused("StatusForbids", status=SETTLED):
        till.pay(receivable_id, 1)
    with till.refused("UnknownCertificate", certificateId=token(receivable_id)):
        till.redeem(token(receivable_id))


def test_a_front_that_is_credited_away_leaves_no_other(house: House, till: Till) -> None:
    """Its neighbour may be the originator's too: it was cut off, and credit notes are of the front."""
    receivable_id = till.parts(40_000)
    till.credit(token(receivable_id), 40_000)
    with till.refused("NotFront", certificateId=token(receivable_id, 40_000)):
        till.credit(token(receivable_id, 40_000), 1)
    with till.refused("NotFront", certificateId=token(receivable_id, 40_000)):
        till.dispute(token(receivable_id, 40_000), 50_000)
    till.pay(receivable_id, 60_000)
    assert till.status(receivable_id) == SETTLED


@pytest.mark.parametrize("amount", [0, 40_001, 2**64 - 1])
def test_a_credit_note_is_of_cents_of_the_front(till: Till, amount: int) -> None:
    receivable_id = till.parts(40_000)
    with till.refused("CreditOutOfRange", most=40_000):
        till.credit(token(receivable_id), amount)


# ------------------------------------------------------------------------------ who


def test_either_party_asks_and_the_other_one_signs(house: House, till: Till, receivable_id: int) -> None:
    till.credit(token(receivable_id), 10)
    receipt = till.credit(token(receivable_id, 10), 10, sender=house.buyer, second=house.seller)
    told = receipt.events[0][1]
    assert (told["actor"], told["countersigner"]) == (house.buyer, house.seller)


def test_nobody_else_and_neither_alone(house: House, till: Till, receivable_id: int) -> None:
    front, seller, buyer = token(receivable_id), house.seller, house.buyer
    for outsider in (house.supplier, house.operator, house.stranger):
        with till.refused("NotParty", account=outsider.address):
            till.credit(front, 1, sender=outsider, second=buyer)
        with till.refused("NotParty", account=outsider.address):
            till.credit(front, 1, sender=seller, second=outsider)
        with till.refused("NotParty", account=outsider.address):
            till.credit(front, 1, sender=buyer, second=outsider)
    for party in (seller, buyer):
        with till.refused("NotParty", account=party.address):
            till.credit(front, 1, sender=party, second=party)


def test_the_second_partys_word_is_for_these_cents(house: House, till: Till, receivable_id: int) -> None:
    whole = named(token(receivable_id))
    credit, buyer = house.receivables.creditNote, house.buyer
    signed = house.authorise("CreditNote", buyer, **parts_of(whole), amount=10)
    with till.refused("SignatureInvalid", signer=buyer.address):
        credit(whole, 11, signed, sender=house.seller)
    with till.refused("SignatureInvalid", signer=buyer.address):
        credit(whole, 10, signed | {"deadline": signed["deadline"] + 1}, sender=house.seller)
    forged = house.authorise("CreditNote", buyer, key=house.seller, **parts_of(whole), amount=10)
    with till.refused("SignatureInvalid", signer=buyer.address):
        credit(whole, 10, forged, sender=house.seller)
    credit(whole, 10, signed, sender=house.seller)
    with till.refused("NonceUsed", nonce=signed["nonce"]):
        credit(whole, 10, signed, sender=house.seller)


def test_who_approved_or_operates_is_no_party(house: House, till: Till, receivable_id: int) -> None:
    """What is owed is for originator and debtor to say, not for whom one of them lets move certificates."""
    house.receivables.setApprovalForAll(house.stranger, True, sender=house.seller)
    with till.refused("NotParty", account=house.stranger.address):
        till.credit(token(receivable_id), 1, sender=house.stranger)


# ------------------------------------------------------------------------------ when


def test_only_the_front_is_credited_and_only_in_the_originators_hands(house: House, till: Till) -> None:
    receivable_id = till.parts(40_000)
    front, tail = token(receivable_id), token(receivable_id, 40_000)
    with till.refused("NotFront", certificateId=tail):
        till.credit(tail, 1)
    with till.refused("RangeChanged", start=0, end=40_000):
        signed = house.authorise("CreditNote", house.buyer, **parts_of(named(front, 39_999)), amount=1)
        house.receivables.creditNote(named(front, 39_999), 1, signed, sender=house.seller)
    house.endorse(front)
    with till.refused("NotFront", certificateId=front):
        till.credit(front, 1)
    house.endorse(front, to=house.seller, sender=house.supplier)
    with till.refused("NotFront", certificateId=front):  # it was away
        till.credit(front, 1)


def test_the_front_stays_the_front_through_cuts_mergers_and_sales_of_its_tail(house: House, till: Till) -> None:
    receivable_id = till.parts(40_000)
    front = token(receivable_id)
    house.merge(front)
    till.sell(front, cut=60_000)
    house.partition(named(front, 60_000), 50_000)
    till.credit(front, 20_000)
    assert till.amounts(receivable_id) == {"cancelled": 20_000}


def test_what_is_pledged_or_frozen_is_not_credited(house: House, till: Till, receivable_id: int) -> None:
    front = token(receivable_id)
    till.pledge(front)
    with till.refused("PledgedTo", financier=house.bank.address):
        till.credit(front, 1)
    till.release(front)
    house.freeze_certificate(named(front))
    with till.refused("FrozenByOrder", order=ORDER):
        till.credit(front, 1)
    house.unfreeze_certificate(named(front))
    house.freeze_receivable(receivable_id)
    with till.refused("FrozenByOrder", order=ORDER):
        till.credit(front, 1)
    house.unfreeze_receivable(receivable_id)
    house.freeze_member(house.seller)
    with till.refused("FrozenByOrder", order=ORDER):
        till.credit(front, 1)
    house.unfreeze_member(house.seller)
    till.credit(front, 1)


def test_after_a_payment_nothing_is_credited(till: Till, receivable_id: int) -> None:
    """Shares were paid out by then."""
    till.reach(receivable_id)
    till.pay(receivable_id, 1)
    with till.refused("PaymentMade", paid=1):
        till.credit(token(receivable_id), 1)
    till.pay(receivable_id, 99_999)
    with till.refused("StatusForbids", status=SETTLED):
        till.credit(token(receivable_id), 1)


def test_a_credit_note_comes_also_after_the_due_date_until_the_book_is_closed(till: Till, receivable_id: int) -> None:
    till.reach(receivable_id, days=30)
    till.credit(token(receivable_id), 1)
    till.close(receivable_id)
    with till.refused("StatusForbids", status=CLOSED):
        till.credit(token(receivable_id, 1), 1)


def test_neither_party_needs_good_standing_but_no_pause_must_last(house: House, till: Till, receivable_id: int) -> None:
    house.suspend(house.seller)
    house.suspend(house.buyer)
    till.credit(token(receivable_id), 1)
    house.receivables.pause(sender=house.operator)
    with till.refused("RegistryPaused"):
        till.credit(token(receivable_id, 1), 1)


def test_nothing_is_credited_of_what_is_no_receivable(house: House, till: Till) -> None:
    opened = house.register()
    with till.refused("AnchorMismatch", head=bytes(32)):
        till.credit(token(opened + 1), 1)
    with till.refused("UnknownCertificate", certificateId=token(opened)):
        till.credit(token(opened), 1)


# ------------------------------------------------------------- an id that comes back


def test_the_rest_begins_without_what_lay_on_an_earlier_certificate_of_its_id(house: House, till: Till) -> None:
    """Approval, lien, order: all of them were of the certificate that began there before a merger."""
    receivable_id = till.parts(40_000)
    front, tail = token(receivable_id), token(receivable_id, 40_000)
    till.pledge(tail)
    till.release(tail)
    house.receivables.approve(house.stranger, tail, sender=house.seller)
    house.receivables.approve(house.stranger, front, sender=house.seller)
    house.freeze_certificate(house.present(tail), expiry=house.now + DAY)
    house.freeze_certificate(house.present(front), expiry=house.now + DAY)
    house.wait(DAY)
    house.merge(front)
    till.credit(front, 40_000)
    assert house.certificate(tail) == Certificate(house.seller.address, 100_000, original=True)
    assert (till.rights(tail), house.orders(1, tail)) == ({}, [])
    assert house.receivables.getApproved(tail) == NOBODY
    with till.refused("NotHolder", caller=house.stranger.address):
        house.endorse(tail, sender=house.stranger)


def test_nor_with_a_recourse_of_an_earlier_one(house: House, till: Till) -> None:
    receivable_id = till.parts()
    front, tail = token(receivable_id), token(receivable_id, 40_000)
    till.sell(front, cut=40_000, recourse=60_000)
    house.endorse(tail, to=house.seller, sender=house.bank)
    assert till.rights(tail) == {}
    house.merge(front)
    till.credit(front, 40_000)
    till.reach(receivable_id, days=1)
    with till.refused("NoRecourse", certificateId=tail):
        till.demand(tail, sender=house.seller)
    till.pay(receivable_id, 60_000)
    assert till.redeemable(tail) == [60_000]
