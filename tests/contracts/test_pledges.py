"""Pledges: a lien of a financier's on a certificate, which then does not move until it is released or paid."""

from __future__ import annotations

import pytest

from tests.contracts.house import DAY, DOCUMENT, SUPPLIER_ROLE, Certificate, House, named, token
from tests.contracts.till import MOVES, Till


def test_a_pledge_and_its_release_are_told(house: House, till: Till, receivable_id: int) -> None:
    front = token(receivable_id)
    receipt = till.pledge(front, 60_000)
    range_ = {"receivableId": receivable_id, "start": 0, "end": 100_000}
    told = {"actor": house.seller.address, "financier": house.bank.address, "secured": 60_000, "price": 0}
    changed = ("MetadataUpdate", {"_tokenId": front})
    pledged = range_ | told | {"quote": bytes(32), "at": house.now}
    assert receipt.events == [("Pledged", pledged), changed]
    assert till.rights(front) == {"lien": (house.bank.address, 60_000)}
    assert house.receivables.ownerOf(front) == house.seller
    released = range_ | {"financier": house.bank.address}
    receipt = till.release(front)
    assert receipt.events == [("Released", released | {"at": house.now}), changed]
    assert till.rights(front) == {}


@pytest.mark.parametrize("secured", [1, 100_000])
def test_from_one_cent_to_the_whole_can_be_secured(till: Till, receivable_id: int, secured: int) -> None:
    till.pledge(token(receivable_id), secured)


@pytest.mark.parametrize("secured", [0, 50_001, 2**64 - 1])
def test_neither_nothing_nor_more_than_its_length_can_be_secured(house: House, till: Till, secured: int) -> None:
    receivable_id = till.parts(50_000)
    with till.refused("SecuredOutOfRange", most=50_000):
        till.pledge(token(receivable_id, 50_000), secured)


@pytest.mark.parametrize("move", MOVES)
def test_what_is_pledged_does_not_move_until_it_is_released(house: House, till: Till, move: str) -> None:
    front = token(till.parts(50_000))
    whole = house.present(front)
    till.pledge(front)
    with till.refused("PledgedTo", financier=house.bank.address):
        till.moves(whole)[move]()
    assert house.receivables.canTransfer(house.seller, house.bank, front) is False
    till.release(front)
    till.moves(whole)[move]()


def test_a_merge_is_hindered_by_a_lien_on_either_side(house: House, till: Till) -> None:
    receivable_id = till.parts(50_000)
    till.pledge(token(receivable_id, 50_000))
    with till.refused("PledgedTo", financier=house.bank.address):
        house.merge(token(receivable_id))
    house.endorse(token(receivable_id))  # its neighbour is free


def test_an_order_is_named_before_a_lien(house: House, till: Till, receivable_id: int) -> None:
    front = token(receivable_id)
    till.pledge(front)
    house.freeze_certificate(named(front))
    with till.refused("FrozenByOrder", order=b"\x0a" * 32):
        house.endorse(front)


def test_only_a_financier_in_good_standing_takes_a_pledge(house: House, till: Till, receivable_id: int) -> None:
    front = token(receivable_id)
    with till.refused("SameHolder"):
        till.pledge(front, to=house.seller)
    with till.refused("MemberNotEligible", member=house.stranger.address):
        till.pledge(front, to=house.stranger)
    with till.refused("NotFinancier", account=house.supplier.address):
        till.pledge(front, to=house.supplier)
    house.suspend(house.bank)
    with till.refused("MemberNotEligible", member=house.bank.address):
        till.pledge(front)


def test_only_who_could_give_it_away_pledges_it(house: House, till: Till, receivable_id: int) -> None:
    front = token(receivable_id)
    with till.refused("NotHolder", caller=house.stranger.address):
        till.pledge(front, sender=house.stranger)
    with till.refused("NotHolder", caller=house.bank.address):
        till.pledge(front, sender=house.bank)
    with till.refused("RangeChanged", start=0, end=100_000):
        house.receivables.pledge(named(front, 99_999), house.bank, 1, sender=house.seller)
    with till.refused("UnknownCertificate", certificateId=front + 1):
        house.receivables.pledge(named(front + 1), house.bank, 1, sender=house.seller)
    house.receivables.approve(house.stranger, front, sender=house.seller)
    receipt = till.pledge(front, sender=house.stranger)
    assert receipt.events[0][1]["actor"] == house.stranger


def test_a_holder_that_may_not_give_does_not_pledge(house: House, till: Till, receivable_id: int) -> None:
    front = token(receivable_id)
    house.freeze_member(house.seller)
    with till.refused("FrozenByOrder", order=b"\x0a" * 32):
        till.pledge(front)
    house.unfreeze_member(house.seller)
    house.suspend(house.seller)
    with till.refused("MemberNotEligible", member=house.seller.address):
        till.pledge(front)


def test_nothing_is_pledged_once_it_is_due(house: House, till: Till, receivable_id: int) -> None:
    due = house.record(receivable_id).due
    house.at(due - 1)
    till.pledge(token(receivable_id))
    till.release(token(receivable_id))
    till.reach(receivable_id)
    with till.refused("DueDatePassed", due=due):
        till.pledge(token(receivable_id))


def test_only_the_financier_with_the_lien_releases_it(house: House, till: Till, receivable_id: int) -> None:
    front = token(receivable_id)
    with till.refused("NotPledged", certificateId=front):
        till.release(front)
    till.pledge(front)
    for person in (house.seller, house.buyer, house.operator, house.stranger, house.officer):
        with till.refused("NotFinancier", account=person.address):
            till.release(front, sender=person)
    with till.refused("RangeChanged", start=0, end=100_000):
        house.receivables.release(named(front, 5), sender=house.bank)
    with till.refused("UnknownCertificate", certificateId=front + 5):
        house.receivables.release(named(front + 5), sender=house.bank)


def test_a_release_names_the_certificate_as_it_is(house: House, till: Till) -> None:
    receivable_id = till.parts(50_000)
    back = token(receivable_id, 50_000)
    till.pledge(back)
    with till.refused("RangeChanged", start=50_000, end=100_000):
        house.receivables.release(named(back, 99_999), sender=house.bank)
    till.release(back)


def test_nothing_keeps_a_financier_from_releasing(house: House, till: Till, receivable_id: int) -> None:
    """Neither a pause nor an order, its own suspension or the end of the receivable: what it gives up is its own."""
    receivable_id = till.parts(25_000, 50_000, 75_000)
    fronts = [token(receivable_id, start) for start in (0, 25_000, 50_000, 75_000)]
    for front in fronts:
        till.pledge(front)
    house.suspend(house.bank)
    house.freeze_member(house.bank)
    house.freeze_receivable(receivable_id)
    house.receivables.pause(sender=house.operator)
    till.release(fronts[0])
    till.reach(receivable_id)
    till.pay(receivable_id, 10_000)
    till.release(fronts[1])
    till.pay(receivable_id, 90_000)
    till.release(fronts[2])
    assert till.status(receivable_id) == 6


def test_a_lien_is_released_when_the_book_is_closed(house: House, till: Till, receivable_id: int) -> None:
    till.pledge(token(receivable_id))
    till.reach(receivable_id, days=5)
    till.close(receivable_id)
    till.release(token(receivable_id))
    assert till.rights(token(receivable_id)) == {}


def test_a_pledge_leaves_an_approval_that_then_moves_nothing(house: House, till: Till, receivable_id: int) -> None:
    front = token(receivable_id)
    house.receivables.approve(house.stranger, front, sender=house.seller)
    till.pledge(front)
    assert house.receivables.getApproved(front) == house.stranger
    with till.refused("PledgedTo", financier=house.bank.address):
        house.endorse(front, sender=house.stranger)


def test_a_pledge_is_not_taken_in_a_pause_but_after_a_sunset(house: House, till: Till, receivable_id: int) -> None:
    house.receivables.sunset(sender=house.operator)
    house.receivables.pause(sender=house.operator)
    with till.refused("RegistryPaused"):
        till.pledge(token(receivable_id))
    house.receivables.unpause(sender=house.operator)
    till.pledge(token(receivable_id))


def test_the_front_keeps_its_rights_under_a_lien(house: House, till: Till, receivable_id: int) -> None:
    """It is still the originator's front, and what was sold with recourse still has it."""
    till.pledge(token(receivable_id))
    assert house.certificate(token(receivable_id)) == Certificate(house.seller.address, 100_000, original=True)
    till.release(token(receivable_id))
    till.sell(token(receivable_id), recourse=500)
    house.admit(house.supplier, roles=4)
    till.pledge(token(receivable_id), sender=house.bank, to=house.supplier)
    lien, recourse = (house.supplier.address, 1_000), (house.seller.address, 500, False)
    assert till.rights(token(receivable_id)) == {"lien": lien, "recourse": recourse}


# ------------------------------------------------------------------ under orders


def test_a_forced_transfer_leaves_the_lien_where_it_is(house: House, till: Till, receivable_id: int) -> None:
    """A certificate that is seized is still the financier's security."""
    front = token(receivable_id)
    till.pledge(front, 70_000)
    house.freeze_certificate(named(front))
    house.wait(3 * DAY)
    house.admit(house.supplier, roles=SUPPLIER_ROLE)
    house.force_transfer(named(front), to=house.supplier)
    assert till.rights(front) == {"lien": (house.bank.address, 70_000)}
    with till.refused("PledgedTo", financier=house.bank.address):
        house.receivables.endorse(named(front), house.seller, DOCUMENT, sender=house.supplier)
    till.pay(receivable_id, 100_000)
    till.redeem(front)
    assert till.balances(house.bank, house.supplier) == [70_000, 30_000]


@pytest.mark.parametrize(
    ("secured", "cut", "parts"),
    [(1_000, 50_000, (500, 500)), (999, 50_000, (499, 500)), (1, 99_999, (0, 1)), (100_000, 1, (1, 99_999))],
)
def test_a_partition_divides_the_secured_amount(
    house: House, till: Till, receivable_id: int, secured: int, cut: int, parts: tuple[int, int]
) -> None:
    """By length, rounded down for the front; a part without any has no lien."""
    till.pledge(token(receivable_id), secured)
    house.partition(named(token(receivable_id)), cut)
    found = [till.rights(token(receivable_id, start)) for start in (0, cut)]
    assert found == [{"lien": (house.bank.address, part)} if part else {} for part in parts]
    assert sum(parts) == secured
