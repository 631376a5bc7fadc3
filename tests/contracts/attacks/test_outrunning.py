"""Orders: targets who are faster than the officers, and orders that are over."""

from __future__ import annotations

from functools import partial

import pytest

from tests.contracts.door import Reverted, refused
from tests.contracts.house import (
    DAY,
    DOCUMENT,
    FORCED_TRANSFER_DELAY,
    NO_DOCUMENT,
    ORDER,
    SCOPE_CERTIFICATE,
    House,
    named,
    parts_of,
    token,
)
from tests.contracts.till import MOVES, Till

OUTRUNS: dict[str, str] = {
    "split": "RangeChanged",
    "splitMany": "RangeChanged",
    "endorse": "NotHolder",
    "endorseMany": "NotHolder",
    "merge": "RangeChanged",
    "transferFrom": "NotHolder",
    "sell": "NotHolder",
    "pledge": "",
    "pledgeAgainst": "",
}
"""What a target does before the freeze of its certificate is mined, and how that then ends."""


def test_the_ways_to_outrun_are_all_the_moves_there_are() -> None:
    assert OUTRUNS.keys() == set(MOVES)


@pytest.mark.parametrize("move", OUTRUNS)
def test_who_outruns_the_freeze_of_a_certificate_does_not_outrun_that_of_its_receivable(
    house: House, till: Till, move: str
) -> None:
    """The order names exact cents; the target moves them first. The same order over the receivable needs no range: it
    finds them whoever holds them and however they are cut, and takes exactly these to whom it says."""
    receivable_id = till.parts(60_000)
    front, contract = token(receivable_id), house.receivables
    whole = named(front, 60_000)
    fields = {"holder": house.seller.address, "order": ORDER, "expiry": house.now + 99 * DAY}
    second = house.countersigned("FreezeCertificate", **parts_of(whole), **fields)
    till.moves(whole)[move]()
    freezing = (whole, house.seller, ORDER, fields["expiry"], second)
    if OUTRUNS[move]:
        with pytest.raises(Reverted, match=OUTRUNS[move]):
            contract.freezeCertificate(*freezing, sender=house.officer)
    else:
        contract.freezeCertificate(*freezing, sender=house.officer)
    house.freeze_receivable(receivable_id, expiry=fields["expiry"])
    for start, end, holder in house.cover(receivable_id):
        who = next(person for person in (house.seller, house.bank) if person.address == holder)
        piece = named(token(receivable_id, start), end)
        for call in (
            partial(contract.endorse, piece, house.supplier, DOCUMENT, sender=who),
            partial(contract.split, piece, start + 1, house.supplier, DOCUMENT, sender=who),
            partial(contract.pledge, piece, house.supplier, 1, sender=who),
            partial(till.redeem, piece >> 64),
            partial(till.sell, piece >> 64, holder=who.address),
        ):
            with pytest.raises(Reverted, match=r"FrozenByOrder|NotHolder"):
                call()
    house.wait(FORCED_TRANSFER_DELAY)
    # The cents [0, 60,000) as they lie now; what is cut through an end of them is partitioned first.
    for start, end, _ in house.cover(receivable_id):
        if start < 60_000 < end:
            house.partition(named(token(receivable_id, start), end), 60_000)
    for start, end, holder in house.cover(receivable_id):
        if end <= 60_000 and holder != house.supplier.address:
            house.force_transfer(named(token(receivable_id, start), end), to=house.supplier)
    held = [(start, end) for start, end, holder in house.cover(receivable_id) if holder == house.supplier.address]
    assert sum(end - start for start, end in held) == 60_000
    assert (held[0][0], held[-1][1]) == (0, 60_000)


def test_a_target_under_an_order_on_itself_shakes_nothing_off(house: House, till: Till) -> None:
    """Frozen as a member: no certificate leaves its hands by any of its doors, its agents' or a signature made before;
    what comes to it meanwhile is frozen too."""
    receivable_id = till.parts(60_000)
    front, contract, seller = token(receivable_id), house.receivables, house.seller
    whole = named(front, 60_000)
    contract.approve(house.stranger, front, sender=seller)
    contract.setApprovalForAll(house.bank, True, sender=seller)
    fields = parts_of(whole) | {"receiver": house.bank.address, "document": NO_DOCUMENT}
    before = house.authorise("Endorse", seller, **fields)
    late = token(house.register(house.claim(debtor=house.buyer.address), sender=house.supplier))
    house.confirm(late >> 64)
    house.freeze_member(seller)
    house.endorse(late, to=seller, sender=house.supplier)
    state = till.roots()
    for move in till.moves(whole).values():
        with refused("FrozenByOrder", order=ORDER):
            move()
    for call in (
        lambda: contract.transferFrom(seller, house.bank, front, sender=house.stranger),
        lambda: contract.endorse(whole, house.bank, NO_DOCUMENT, sender=house.bank),
        lambda: contract.endorseBySignature(whole, house.bank, NO_DOCUMENT, before, sender=house.stranger),
        lambda: contract.endorse(named(late), house.bank, NO_DOCUMENT, sender=seller),
        lambda: till.bank.token.transfer(house.bank, 1, sender=seller),
    ):
        with pytest.raises(Reverted, match=r"FrozenByOrder"):
            call()
    assert till.roots() == state
    house.wait(FORCED_TRANSFER_DELAY)
    house.force_transfer(whole, to=house.supplier)
    house.force_transfer(named(late), to=house.supplier)
    assert contract.ownerOf(front) == contract.ownerOf(late) == house.supplier


def test_an_expired_order_freezes_and_takes_nothing(house: House, till: Till) -> None:
    """Orders that end now or ended before, the second officer's paper of an order that is over, and a transfer under
    one: nothing of it holds anybody."""
    receivable_id, contract = house.confirmed(), house.receivables
    whole = named(token(receivable_id))
    before = till.roots()
    for expiry in (0, 1, house.now, house.now + 1):
        house.at(house.now + 1)
        for freeze in (
            partial(house.freeze_certificate, whole, expiry=expiry),
            partial(house.freeze_receivable, receivable_id, expiry=expiry),
            partial(house.freeze_member, house.seller, expiry=expiry),
        ):
            with pytest.raises(Reverted, match="OrderExpired"):
                freeze()
    assert till.roots() == before
    expiry = house.now + FORCED_TRANSFER_DELAY + DAY
    fields = {"holder": house.seller.address, "order": ORDER, "expiry": expiry}
    paper = house.countersigned("FreezeCertificate", **parts_of(whole), **fields)
    house.freeze_certificate(whole, expiry=expiry)
    house.at(expiry)
    with refused("OrderNotInForce", order=ORDER):
        house.force_transfer(whole)
    with refused("OrderExpired", order=ORDER):
        contract.freezeCertificate(whole, house.seller, ORDER, expiry, paper, sender=house.officer)
    assert house.orders(SCOPE_CERTIFICATE, token(receivable_id)) == [ORDER]  # listed still, and yet:
    house.endorse(token(receivable_id))
