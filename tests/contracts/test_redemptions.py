"""Redemptions: what was paid goes to holders and financiers, to the cent, whoever asks, in whatever order."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from tests.contracts.door import selector
from tests.contracts.house import DAY, DOCUMENT, NOBODY, ORDER, YEAR, House, named, token
from tests.contracts.till import Till

THIRDS = (33_333, 66_667)


def ids(house: House, receivable_id: int) -> list[int]:
    return [token(receivable_id, start) for start, _, _ in house.cover(receivable_id)]


def paid_in(till: Till, amount: int, *cuts: int, **changes: Any) -> int:
    """A due receivable of the seller's, cut at these cents, of which so much is paid."""
    receivable_id = till.parts(*cuts, **changes)
    till.reach(receivable_id)
    till.pay(receivable_id, amount)
    return receivable_id


# ------------------------------------------------------------------------ paid in full


def test_a_redemption_of_all_is_told_and_ends_the_certificate(house: House, till: Till, receivable_id: int) -> None:
    front = token(receivable_id)
    till.pay(receivable_id, 100_000)
    receipt = till.redeem(front)
    range_ = {"receivableId": receivable_id, "start": 0, "end": 100_000}
    told = {"actor": house.stranger.address, "holder": house.seller.address, "amount": 100_000, "toFinancier": 0}
    assert receipt.events == [
        ("Redeemed", range_ | told | {"at": house.now}),
        ("Transfer", {"from": house.seller.address, "to": NOBODY, "tokenId": front}),
    ]
    assert till.balances(house.seller, house.receivables) == [100_000, 0]
    assert (house.cover(receivable_id), house.balance(house.seller)) == ([], 0)
    with till.refused("UnknownCertificate", certificateId=front):
        till.redeem(front)


def test_every_holder_gets_its_own(house: House, till: Till) -> None:
    receivable_id = till.parts(*THIRDS)
    house.endorse(token(receivable_id, 33_333))
    house.endorse(token(receivable_id, 66_667), to=house.bank)
    till.pay(receivable_id, 100_000)
    for certificate in ids(house, receivable_id)[::-1]:
        till.redeem(certificate)
    assert till.balances(house.seller, house.supplier, house.bank) == [33_333, 33_334, 33_333]


def test_a_redemption_answers_with_what_it_paid(house: House, till: Till) -> None:
    receivable_id = paid_in(till, 1_000, 25_000)
    assert till.redeemable(*ids(house, receivable_id)) == [250, 750]
    assert house.receivables.contract_type.mutable_methods["redeem(uint256)"].outputs[0].type == "uint64"
    for certificate, due in zip(ids(house, receivable_id), (250, 750), strict=True):
        data = house.receivables.redeem.encode_input(certificate)
        answer = house.node.call(to=bytes.fromhex(house.receivables.address[2:]), data=data)
        assert int.from_bytes(answer) == due


# --------------------------------------------------------------------------- open book


def test_of_a_part_every_certificate_gets_its_share(house: House, till: Till) -> None:
    """And stays, with what it got."""
    receivable_id = paid_in(till, 10_000, 25_000)
    front, tail = ids(house, receivable_id)
    receipt = till.redeem(front)
    assert receipt.names == ["Redeemed", "MetadataUpdate"]
    assert (receipt.events[0][1]["amount"], till.rights(front)) == (2_500, {"claimed": 2_500})
    assert till.amounts(receivable_id) == {"paid": 10_000, "claimed": 2_500}
    with till.refused("NothingDue", certificateId=front):
        till.redeem(front)
    till.pay(receivable_id, 90_000)
    till.redeem_many([front, tail])
    assert till.balances(house.seller, house.receivables) == [100_000, 0]
    assert house.cover(receivable_id) == []


def test_what_is_less_than_a_cent_waits(house: House, till: Till) -> None:
    """Rounded down, never up: what came in is never paid out twice."""
    receivable_id = paid_in(till, 1, *THIRDS)
    for certificate in ids(house, receivable_id):
        with till.refused("NothingDue", certificateId=certificate):
            till.redeem(certificate)
    till.pay(receivable_id, 2)  # a third of 3, of 33,333 cents in 100,000
    assert till.redeemable(*ids(house, receivable_id)) == [0, 1, 0]


def test_nothing_is_due_before_a_payment(house: House, till: Till, receivable_id: int) -> None:
    with till.refused("NothingDue", certificateId=token(receivable_id)):
        till.redeem(token(receivable_id))
    with till.refused("UnknownCertificate", certificateId=token(receivable_id, 5)):
        till.redeem(token(receivable_id, 5))
    with till.refused("UnknownCertificate", certificateId=0):
        till.redeem(0)
    till.reach(receivable_id, days=5)
    till.close(receivable_id)
    with till.refused("NothingDue", certificateId=token(receivable_id)):
        till.redeem(token(receivable_id))


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_in_any_order_of_payments_and_redemptions_nobody_gets_more_than_its_share(
    house: House, till: Till, order: tuple[int, ...]
) -> None:
    receivable_id = paid_in(till, 1, *THIRDS)
    certificates, paid = ids(house, receivable_id), 1
    for position, amount in zip(order * 2, (4, 49_999, 3, 12_345, 2, 7_777), strict=True):
        till.pay(receivable_id, amount)
        paid += amount
        till.redeem_many([certificates[position]])
        assert till.amounts(receivable_id)["claimed"] <= paid
    till.pay(receivable_id, 100_000 - paid)
    till.redeem_many(certificates)
    assert till.balances(house.seller, house.receivables) == [100_000, 0]


# ------------------------------------------------------------------------- closed book


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_a_closed_book_is_divided_to_the_last_cent(house: House, till: Till, order: tuple[int, ...]) -> None:
    """Whatever was paid out before, whoever asks first: the sum is what was paid, of an odd length too."""
    receivable_id = paid_in(till, 7, 1, 17, 66, face=101)
    certificates = ids(house, receivable_id)
    till.redeem_many([certificates[order[0]]])
    till.pay(receivable_id, 43)
    till.redeem_many([certificates[order[1]]])
    till.reach(receivable_id, days=5)
    till.close(receivable_id)
    till.redeem_many([certificates[position] for position in order])
    assert till.balances(house.seller, house.receivables) == [50, 0]


def test_what_a_closed_book_paid_out_is_gone_and_what_it_cannot_stays(house: House, till: Till) -> None:
    receivable_id = paid_in(till, 50, 1, 17, 66, face=101)
    certificates = ids(house, receivable_id)
    till.reach(receivable_id, days=5)
    receipt = till.close(receivable_id)
    told = {"receivableId": receivable_id, "actor": house.settlement_bank.address, "face": 101, "at": house.now}
    assert receipt.events[0] == ("Closed", told)
    assert till.redeemable(*certificates) == [0, 8, 24, 18]
    receipt = till.redeem_many(certificates)
    assert receipt.events[0] == (
        "RedemptionSkipped",
        {"certificateId": certificates[0], "reason": selector("NothingDue(uint256)")},
    )
    assert house.cover(receivable_id) == [(0, 1, house.seller.address)]


def test_a_book_is_closed_by_the_settlement_bank_once_the_grace_is_over(house: House, till: Till) -> None:
    receivable_id = till.parts()
    instant = house.record(receivable_id).due + 5 * DAY
    for person in (house.operator, house.buyer, house.seller, house.bank, house.officer, house.stranger):
        with till.refused("AccessManagedUnauthorized", caller=person.address):
            till.close(receivable_id, sender=person)
    house.at(instant - 1)
    with till.refused("NotOverdue", **{"from": instant}):
        till.close(receivable_id)
    with till.refused("UnknownReceivable", receivableId=9):
        till.close(9)
    house.at(instant)
    till.close(receivable_id)
    assert till.status(receivable_id) == 7
    with till.refused("StatusForbids", status=7):
        till.close(receivable_id)


def test_what_is_paid_in_full_or_not_confirmed_is_not_closed(house: House, till: Till) -> None:
    paid, opened = till.parts(), house.register()
    till.pay(paid, 100_000)
    till.reach(paid, days=5)
    with till.refused("StatusForbids", status=6):
        till.close(paid)
    with till.refused("StatusForbids", status=1):
        till.close(opened)


def test_a_closed_book_knows_no_move_and_no_second_payment(house: House, till: Till) -> None:
    receivable_id = paid_in(till, 500, 50_000)
    till.reach(receivable_id, days=5)
    till.close(receivable_id)
    for move in till.moves(house.present(token(receivable_id))).values():
        with till.refused("StatusForbids", status=7):
            move()


# -------------------------------------------------------------------------- with a lien


def test_the_financier_with_the_lien_is_paid_first(house: House, till: Till, receivable_id: int) -> None:
    """Up to what is secured, over all payments together; the rest is the holder's."""
    front = token(receivable_id)
    till.pledge(front, 60_000)
    till.reach(receivable_id)
    for amount, to_financier in ((50_000, 50_000), (20_000, 10_000), (30_000, 0)):
        till.pay(receivable_id, amount)
        (_, told) = till.redeem(front).events[0]
        assert (told["amount"], told["toFinancier"]) == (amount, to_financier)
    assert till.balances(house.bank, house.seller, house.receivables) == [60_000, 40_000, 0]


def test_a_released_lien_gets_no_more(house: House, till: Till, receivable_id: int) -> None:
    front = token(receivable_id)
    till.pledge(front, 60_000)
    till.reach(receivable_id)
    till.pay(receivable_id, 50_000)
    till.redeem(front)
    till.release(front)
    till.pay(receivable_id, 50_000)
    till.redeem(front)
    assert till.balances(house.bank, house.seller) == [50_000, 50_000]


def test_a_lien_on_a_closed_book_takes_what_there_is(house: House, till: Till) -> None:
    receivable_id = till.parts(50_000)
    till.pledge(token(receivable_id), 50_000)
    till.reach(receivable_id)
    till.pay(receivable_id, 1_001)
    till.reach(receivable_id, days=5)
    till.close(receivable_id)
    till.redeem_many(ids(house, receivable_id))
    assert till.balances(house.bank, house.seller) == [500, 501]


# ------------------------------------------------------------------- orders and standing


def test_what_is_frozen_waits_for_the_orders_end(house: House, till: Till) -> None:
    """On the certificate, the receivable or the holder; the money stays in the registry."""
    receivable_id = till.parts(50_000)
    front, tail = ids(house, receivable_id)
    till.pay(receivable_id, 100_000)
    freezes: list[tuple[Callable[[], Any], Callable[[], Any]]] = [
        (
            lambda: house.freeze_certificate(house.present(front)),
            lambda: house.unfreeze_certificate(named(front, 50_000)),
        ),
        (lambda: house.freeze_receivable(receivable_id), lambda: house.unfreeze_receivable(receivable_id)),
        (lambda: house.freeze_member(house.seller), lambda: house.unfreeze_member(house.seller)),
    ]
    for freeze, unfreeze in freezes:
        freeze()
        with till.refused("FrozenByOrder", order=ORDER):
            till.redeem(front)
        with till.refused("FrozenByOrder", order=ORDER):
            till.redeem(front, sender=house.seller)
        unfreeze()
    house.freeze_certificate(house.present(front), expiry=house.now + DAY)
    till.redeem(tail)
    house.wait(DAY)
    till.redeem(front)
    assert till.balances(house.seller, house.receivables) == [100_000, 0]


@pytest.mark.parametrize("elsewhere", ["receivable", "member"])
def test_an_order_that_has_expired_elsewhere_frees_nothing(
    house: House, till: Till, receivable_id: int, elsewhere: str
) -> None:
    front = token(receivable_id)
    till.pay(receivable_id, 100_000)
    house.freeze_certificate(named(front))
    if elsewhere == "receivable":
        house.freeze_receivable(receivable_id, order=b"\x0b" * 32, expiry=house.now + DAY)
    else:
        house.freeze_member(house.seller, order=b"\x0b" * 32, expiry=house.now + DAY)
    house.wait(DAY)
    with till.refused("FrozenByOrder", order=ORDER):
        till.redeem(front)


def test_an_order_moves_what_is_paid_and_its_money(house: House, till: Till) -> None:
    """After a payment too, and once the book is closed: in part, with what was paid out on it before."""
    for ending in ("paid", "closed"):
        receivable_id = paid_in(till, 60_000)
        front = token(receivable_id)
        till.redeem(front)
        house.partition(named(front), 50_000)
        house.freeze_certificate(named(front, 50_000))
        house.wait(5 * DAY)
        if ending == "paid":
            till.pay(receivable_id, 40_000)
        else:
            till.close(receivable_id)
        house.force_transfer(named(front, 50_000), to=house.supplier)
        assert till.rights(front) == {"claimed": 30_000}
        if ending == "paid":
            till.redeem_many(ids(house, receivable_id))
    assert till.balances(house.seller, house.supplier) == [140_000, 20_000]


def test_nothing_else_keeps_money_from_its_holder(house: House, till: Till, receivable_id: int) -> None:
    """Neither a pause, nor suspension, nor an expired KYC, nor a sunset, nor extra rules that forbid all."""
    till.pledge(token(receivable_id), 10)
    till.pay(receivable_id, 100_000)
    house.suspend(house.seller)
    house.suspend(house.bank)
    house.receivables.sunset(sender=house.operator)
    house.receivables.pause(sender=house.operator)
    house.receivables.setRules(house.access, sender=house.operator)
    house.wait(2 * YEAR)
    till.redeem(token(receivable_id))
    assert till.balances(house.seller, house.bank) == [99_990, 10]


@pytest.mark.parametrize("asks", ["stranger", "buyer", "seller", "bank"])
def test_in_a_batch_a_suspended_member_is_paid_when_it_asks_itself(
    house: House, till: Till, receivable_id: int, asks: str
) -> None:
    """Or when the financier does who has the lien. Anybody's single redemption pays it too."""
    front = token(receivable_id)
    till.pledge(front, 10)
    till.pay(receivable_id, 100_000)
    house.suspend(house.seller)
    receipt = till.redeem_many([front], sender=getattr(house, asks))
    if asks in ("seller", "bank"):
        assert receipt.names == ["Redeemed", "Transfer"]
        return
    skipped = {"certificateId": front, "reason": selector("HolderSuspended(address)")}
    assert receipt.events == [("RedemptionSkipped", skipped)]
    till.redeem(front, sender=getattr(house, asks))
    assert till.balances(house.seller, house.bank) == [99_990, 10]


def test_a_financier_without_a_lien_asks_for_nobody(house: House, till: Till, receivable_id: int) -> None:
    front = token(receivable_id)
    till.pledge(front, 10)
    till.release(front)
    till.pay(receivable_id, 100_000)
    house.suspend(house.seller)
    receipt = till.redeem_many([front], sender=house.bank)
    assert receipt.names == ["RedemptionSkipped"]


def test_each_certificate_of_a_batch_is_skipped_for_a_reason_of_its_own(house: House, till: Till) -> None:
    receivable_id = till.parts(50_000)
    front, back = token(receivable_id), token(receivable_id, 50_000)
    house.endorse(back, to=house.supplier)
    till.pay(receivable_id, 100_000)
    house.suspend(house.supplier)
    receipt = till.redeem_many([back, token(99), front])
    reasons = {back: "HolderSuspended(address)", token(99): "UnknownCertificate(uint256)"}
    assert [fields for name, fields in receipt.events if name == "RedemptionSkipped"] == [
        {"certificateId": each, "reason": selector(error)} for each, error in reasons.items()
    ]
    assert till.balances(house.seller, house.supplier) == [50_000, 0]


# ---------------------------------------------------------------------------- in batches


def test_a_batch_pays_whom_it_can_and_says_why_not_the_others(house: House, till: Till) -> None:
    """Of 100 certificates one is a suspended member's, one is frozen and one is paid out already."""
    receivable_id = till.parts()
    holders = {10: house.supplier, 20: house.seller, 30: house.seller}
    cuts = range(99_000, 0, -1_000)
    parts = [
        {"cut": cut, "receiver": holders.get(cut // 1_000, house.bank).address, "document": DOCUMENT} for cut in cuts
    ]
    house.receivables.splitMany(named(token(receivable_id)), parts, sender=house.seller)
    till.pay(receivable_id, 100_000)
    certificates = ids(house, receivable_id)
    assert len(certificates) == 100
    house.suspend(house.supplier)
    house.freeze_certificate(house.present(certificates[20]))
    till.redeem(certificates[30])
    receipt = till.redeem_many(certificates)
    assert receipt.names.count("Redeemed") == 97
    reasons = {10: "HolderSuspended(address)", 20: "FrozenByOrder(bytes32)", 30: "UnknownCertificate(uint256)"}
    assert [fields for name, fields in receipt.events if name == "RedemptionSkipped"] == [
        {"certificateId": certificates[at], "reason": selector(error)} for at, error in reasons.items()
    ]
    assert till.balances(house.bank, house.supplier, house.seller) == [96_000, 0, 2_000]
    assert till.balances(house.receivables) == [2_000]
    assert receipt.gas_used < 97 * 45_000 + 100_000


def test_a_batch_takes_several_receivables_and_the_same_certificate_twice(house: House, till: Till) -> None:
    first, second = till.parts(), till.parts()
    for receivable_id in (first, second):
        till.pay(receivable_id, 100_000)
    receipt = till.redeem_many([token(second), token(first), token(second), 0])
    unknown = selector("UnknownCertificate(uint256)")
    skipped = [fields for name, fields in receipt.events if name == "RedemptionSkipped"]
    assert skipped == [{"certificateId": each, "reason": unknown} for each in (token(second), 0)]
    assert till.balances(house.seller) == [200_000]
    with till.refused("BatchEmpty"):
        till.redeem_many([])


def test_one_receivables_money_is_never_anothers(house: House, till: Till) -> None:
    """All lies in one pot; each has a share in its own payments only."""
    poor, rich = till.parts(), till.parts()
    till.reach(rich)
    till.pay(rich, 100_000)
    till.pay(poor, 10)
    till.redeem(token(poor))
    with till.refused("NothingDue", certificateId=token(poor)):
        till.redeem(token(poor))
    assert till.balances(house.seller, house.receivables) == [10, 100_000]


# ------------------------------------------------------------------------ cut by an order


def test_a_partition_divides_what_lies_on_a_certificate(house: House, till: Till) -> None:
    """Lien, recourse and what was paid out: the front's rounded down, the sums as before."""
    receivable_id = till.parts()
    front = token(receivable_id)
    till.sell(front, recourse=77_777)
    house.admit(house.supplier, roles=5)
    till.pledge(front, 33_335, to=house.supplier, sender=house.bank)
    till.reach(receivable_id)
    till.pay(receivable_id, 12_347)
    till.redeem(front)
    till.reach(receivable_id, days=1)
    till.demand(front)
    house.partition(named(front), 33_333)
    house.partition(house.present(token(receivable_id, 33_333)), 33_334)

    rights = [till.rights(each) for each in ids(house, receivable_id)]
    seller, supplier = house.seller.address, house.supplier.address
    assert rights == [
        {"lien": (supplier, 11_111), "recourse": (seller, 25_925, True), "claimed": 4_115},
        # A 66,667th of 22,224, of 51,852 and of 8,232.
        {},
        {"lien": (supplier, 22_224), "recourse": (seller, 51_852, True), "claimed": 8_232},
    ]
    sums = (11_111 + 22_224, 25_925 + 51_852, 4_115 + 8_232)
    assert sums == (33_335, 77_777, 12_347)


def test_no_rounding_pays_out_what_did_not_come_in(house: House, till: Till) -> None:
    """Two cuts of a certificate of four cents that got two: the parts' own shares add up to three, and wait."""
    receivable_id = paid_in(till, 2, face=4)
    till.redeem(token(receivable_id))
    house.partition(named(token(receivable_id), 4), 3)
    house.partition(named(token(receivable_id), 3), 2)
    assert [till.rights(each).get("claimed", 0) for each in ids(house, receivable_id)] == [0, 1, 1]
    # A half of two cents would be one.
    with till.refused("NothingDue", certificateId=token(receivable_id)):
        till.redeem(token(receivable_id))
    till.pay(receivable_id, 1)
    till.redeem(token(receivable_id))
    assert till.amounts(receivable_id) == {"paid": 3, "claimed": 3}
    till.pay(receivable_id, 1)
    receipt = till.redeem_many(ids(house, receivable_id))
    assert [fields["amount"] for name, fields in receipt.events if name == "Redeemed"] == [1, 0, 0]
    assert till.balances(house.seller, house.receivables) == [4, 0]
    assert (house.cover(receivable_id), house.balance(house.seller)) == ([], 0)


def test_a_part_that_is_ahead_of_its_share_waits_and_takes_nothing_from_the_others(house: House, till: Till) -> None:
    """Four of ten cents are paid, and two of them paid out to the first five; three of these are cut off with both."""
    receivable_id = paid_in(till, 4, 5, face=10)
    till.redeem(token(receivable_id))
    house.partition(named(token(receivable_id), 5), 2)
    tail = token(receivable_id, 2)
    assert (till.rights(tail), till.redeemable(tail)) == ({"claimed": 2}, [0])
    with till.refused("NothingDue", certificateId=tail):
        till.redeem(tail)
    till.redeem(token(receivable_id, 5))
    assert till.amounts(receivable_id) == {"paid": 4, "claimed": 4}


def test_an_order_divides_a_lien_by_the_lengths_of_the_parts(house: House, till: Till) -> None:
    """Wherever on the receivable they lie."""
    receivable_id = till.parts(50_000)
    back = token(receivable_id, 50_000)
    till.pledge(back, 30_000)
    house.partition(house.present(back), 60_000)
    bank = house.bank.address
    assert till.rights(back) == {"lien": (bank, 6_000)}
    assert till.rights(token(receivable_id, 60_000)) == {"lien": (bank, 24_000)}


def test_a_part_that_got_its_whole_length_is_taken_away_for_nothing(house: House, till: Till) -> None:
    receivable_id = paid_in(till, 2, face=4)
    till.redeem(token(receivable_id))
    house.partition(named(token(receivable_id), 4), 3)
    tail = token(receivable_id, 3)
    assert (till.rights(tail), till.redeemable(tail)) == ({"claimed": 1}, [0])
    receipt = till.redeem(tail)
    assert receipt.events[0][1]["amount"] == 0
    assert house.cover(receivable_id) == [(0, 3, house.seller.address)]
    assert till.amounts(receivable_id) == {"paid": 2, "claimed": 2}


def test_the_holder_of_a_part_is_paid_what_its_part_had_not_got(house: House, till: Till) -> None:
    """An order takes exact cents of a part-paid certificate: who gets them gets what comes on them from now on."""
    receivable_id = paid_in(till, 50_000)
    till.redeem(token(receivable_id))
    house.partition(named(token(receivable_id)), 40_000)
    house.freeze_certificate(named(token(receivable_id), 40_000))
    till.pay(receivable_id, 50_000)
    till.redeem(token(receivable_id, 40_000))
    with till.refused("FrozenByOrder", order=ORDER):
        till.redeem(token(receivable_id))
    house.wait(3 * DAY)
    house.force_transfer(named(token(receivable_id), 40_000), to=house.supplier)
    till.redeem(token(receivable_id))
    assert till.balances(house.seller, house.supplier, house.receivables) == [80_000, 20_000, 0]
