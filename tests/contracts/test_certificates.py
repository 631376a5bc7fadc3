"""Split, endorse and merge: ranges of cents with one holder each."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.door import refused
from tests.contracts.house import (
    DAY,
    DOCUMENT,
    NO_DOCUMENT,
    NOBODY,
    Certificate,
    House,
    deploy_house,
    named,
    token,
)

# ------------------------------------------------------------------- split


def test_a_split_leaves_the_head_and_hands_over_the_tail(house: House, receivable_id: int) -> None:
    receipt = house.split(token(receivable_id), 40_000)

    tail = token(receivable_id, 40_000)
    assert receipt.events == [
        (
            "Split",
            {
                "receivableId": receivable_id,
                "actor": house.seller.address,
                "receiver": house.supplier.address,
                "start": 0,
                "end": 100_000,
                "cut": 40_000,
                "document": DOCUMENT,
                "at": house.now,
            },
        ),
        ("Transfer", {"from": NOBODY, "to": house.supplier.address, "tokenId": tail}),
        ("SlotChanged", {"tokenId": tail, "oldSlot": 0, "newSlot": receivable_id}),
        ("TransferValue", {"fromTokenId": token(receivable_id), "toTokenId": tail, "value": 60_000}),
        ("MetadataUpdate", {"_tokenId": token(receivable_id)}),
    ]
    assert house.cover(receivable_id) == [(0, 40_000, house.seller.address), (40_000, 100_000, house.supplier.address)]
    assert (house.balance(house.seller), house.balance(house.supplier)) == (1, 1)


def test_a_split_to_oneself_needs_no_document(house: House, receivable_id: int) -> None:
    whole = named(token(receivable_id))
    house.receivables.split(whole, 1, house.seller, NO_DOCUMENT, sender=house.seller)
    assert house.cover(receivable_id) == [(0, 1, house.seller.address), (1, 100_000, house.seller.address)]
    assert house.balance(house.seller) == 2


def test_a_split_to_a_financier_needs_no_document(house: House, receivable_id: int) -> None:
    whole = named(token(receivable_id))
    house.receivables.split(whole, 99_999, house.bank, NO_DOCUMENT, sender=house.seller)
    assert house.receivables.ownerOf(token(receivable_id, 99_999)) == house.bank


def test_a_split_to_a_supplier_needs_a_document(house: House, receivable_id: int) -> None:
    with refused("TradeDocumentMissing"):
        house.receivables.split(named(token(receivable_id)), 1, house.supplier, NO_DOCUMENT, sender=house.seller)


@pytest.mark.parametrize("cut", [0, 40_000, 100_000, 100_001, 2**64 - 1])
def test_a_cut_lies_inside_the_range(house: House, receivable_id: int, cut: int) -> None:
    house.split(token(receivable_id), 40_000, to=house.seller)
    with refused("CutOutOfRange", start=40_000, cut=cut, end=100_000):
        house.split(token(receivable_id, 40_000), cut)


def test_a_single_cent_cannot_be_split(house: House) -> None:
    receivable_id = house.confirmed(face=1)
    for cut in (0, 1):
        with refused("CutOutOfRange", start=0, cut=cut, end=1):
            house.split(token(receivable_id), cut)


def test_a_receivable_splits_down_to_its_cents(house: House) -> None:
    receivable_id = house.confirmed(face=4)
    house.split(token(receivable_id), 2)
    house.split(token(receivable_id), 1, to=house.bank)
    house.split(token(receivable_id, 2), 3, to=house.seller, sender=house.supplier)
    holders = [house.receivables.ownerOf(token(receivable_id, cent)) for cent in range(4)]
    assert holders == [house.seller, house.bank, house.supplier, house.seller]
    with refused("UnknownCertificate", certificateId=token(receivable_id, 4)):
        house.receivables.ownerOf(token(receivable_id, 4))


def test_neither_part_of_a_split_is_below_the_minimum(project: Any, accounts: Any) -> None:
    house = deploy_house(project, accounts, minimum_part=1_000).peopled()
    receivable_id = house.confirmed(face=2_001)
    for cut in (1, 999, 1_002, 2_000):
        with refused("BelowMinimumPart", minimum=1_000):
            house.split(token(receivable_id), cut)
    house.split(token(receivable_id), 1_001)
    for start, end in ((0, 1_001), (1_001, 2_001)):
        holder = house.seller if start == 0 else house.supplier
        with refused("BelowMinimumPart", minimum=1_000):
            house.split(token(receivable_id, start), end - 1, sender=holder)
    house.endorse(token(receivable_id))  # what is moved whole may be as small as it is
    house.audit()


# ----------------------------------------------------------------- endorse


def test_an_endorsement_moves_the_whole(house: House, receivable_id: int) -> None:
    receipt = house.endorse(token(receivable_id))

    assert receipt.events == [
        (
            "Endorsed",
            {
                "receivableId": receivable_id,
                "actor": house.seller.address,
                "receiver": house.supplier.address,
                "start": 0,
                "end": 100_000,
                "document": DOCUMENT,
                "at": house.now,
            },
        ),
        (
            "Transfer",
            {"from": house.seller.address, "to": house.supplier.address, "tokenId": token(receivable_id)},
        ),
    ]
    assert house.cover(receivable_id) == [(0, 100_000, house.supplier.address)]
    assert (house.balance(house.seller), house.balance(house.supplier)) == (0, 1)


def test_an_endorsement_to_the_holder_is_refused(house: House, receivable_id: int) -> None:
    with refused("SameHolder"):
        house.endorse(token(receivable_id), to=house.seller)


def test_an_endorsement_to_a_supplier_needs_a_document(house: House, receivable_id: int) -> None:
    whole = named(token(receivable_id))
    with refused("TradeDocumentMissing"):
        house.receivables.endorse(whole, house.supplier, NO_DOCUMENT, sender=house.seller)
    house.receivables.endorse(whole, house.bank, NO_DOCUMENT, sender=house.seller)


# ------------------------------------------------------------------- merge


def test_two_neighbours_of_one_holder_become_one(house: House, receivable_id: int) -> None:
    house.split(token(receivable_id), 40_000, to=house.seller)
    receipt = house.merge(token(receivable_id))
    left, right = token(receivable_id), token(receivable_id, 40_000)
    assert receipt.events == [
        (
            "Merged",
            {
                "receivableId": receivable_id,
                "actor": house.seller.address,
                "start": 0,
                "end": 100_000,
                "cut": 40_000,
                "at": house.now,
            },
        ),
        ("TransferValue", {"fromTokenId": right, "toTokenId": left, "value": 60_000}),
        ("SlotChanged", {"tokenId": right, "oldSlot": receivable_id, "newSlot": 0}),
        ("Transfer", {"from": house.seller.address, "to": NOBODY, "tokenId": right}),
        ("MetadataUpdate", {"_tokenId": left}),
    ]
    assert house.cover(receivable_id) == [(0, 100_000, house.seller.address)]
    assert house.certificate(right) is None
    assert house.balance(house.seller) == 1
    with refused("UnknownCertificate", certificateId=right):
        house.receivables.ownerOf(right)


def thirds(house: House, receivable_id: int, *, middle: Any) -> None:
    """[0, 30,000) and [60,000, 100,000) are the seller's, what is between somebody's."""
    house.split(token(receivable_id), 60_000, to=house.seller)
    house.split(token(receivable_id), 30_000, to=middle)


def test_only_neighbours_merge(house: House, receivable_id: int) -> None:
    thirds(house, receivable_id, middle=house.bank)
    first = named(token(receivable_id), 30_000)
    with refused("NotHolder", caller=house.seller.address):  # the neighbour is another's
        house.receivables.merge(first, 60_000, sender=house.seller)
    for end in (0, 30_000, 59_999, 100_000, 2**64 - 1):
        house.receivables.setApprovalForAll(house.seller, True, sender=house.bank)
        with refused("RangeChanged", start=30_000, end=60_000):
            house.receivables.merge(first, end, sender=house.seller)
    with refused("UnknownCertificate", certificateId=token(receivable_id, 100_000)):
        house.receivables.merge(named(token(receivable_id, 60_000)), 100_001, sender=house.seller)


def test_neighbours_of_two_holders_do_not_merge_also_for_an_operator_of_both(house: House, receivable_id: int) -> None:
    house.split(token(receivable_id), 40_000)
    for holder in (house.seller, house.supplier):
        house.receivables.setApprovalForAll(house.stranger, True, sender=holder)
    with refused("NotHolder", caller=house.supplier.address):
        house.merge(token(receivable_id), sender=house.stranger)


def test_who_is_approved_for_one_part_does_not_merge_it(house: House, receivable_id: int) -> None:
    house.split(token(receivable_id), 40_000, to=house.seller)
    for approved in (token(receivable_id), token(receivable_id, 40_000)):
        house.receivables.approve(house.stranger, approved, sender=house.seller)
        if approved == token(receivable_id):
            with refused("NotHolder", caller=house.stranger.address):
                house.merge(token(receivable_id), sender=house.stranger)
    house.merge(token(receivable_id), sender=house.stranger)  # approved for both
    assert house.receivables.getApproved(token(receivable_id)) == NOBODY


def test_certificates_of_two_receivables_do_not_merge(house: House) -> None:
    first, second = house.confirmed(), house.confirmed()
    with refused("UnknownCertificate", certificateId=token(first, 100_000)):
        house.receivables.merge(named(token(first)), 200_000, sender=house.seller)
    assert [len(house.cover(each)) for each in (first, second)] == [1, 1]


def test_what_was_merged_can_be_cut_elsewhere(house: House, receivable_id: int) -> None:
    house.split(token(receivable_id), 40_000, to=house.seller)
    house.merge(token(receivable_id))
    house.split(token(receivable_id), 70_000, to=house.bank)
    house.split(token(receivable_id), 40_000)  # the start of before, another certificate
    assert house.cover(receivable_id) == [
        (0, 40_000, house.seller.address),
        (40_000, 70_000, house.supplier.address),
        (70_000, 100_000, house.bank.address),
    ]
    assert [house.balance(member) for member in (house.seller, house.supplier, house.bank)] == [1, 1, 1]


def test_a_merge_needs_no_good_standing_but_the_holders(house: House, receivable_id: int) -> None:
    house.split(token(receivable_id), 40_000, to=house.seller)
    house.receivables.setApprovalForAll(house.stranger, True, sender=house.seller)
    house.suspend(house.buyer)
    house.suspend(house.seller)
    with refused("MemberNotEligible", member=house.seller.address):
        house.merge(token(receivable_id), sender=house.stranger)
    house.admit(house.seller)
    house.merge(token(receivable_id), sender=house.stranger)


# ------------------------------------------------------ the originator's front


def test_the_front_is_original_until_it_leaves_its_originator(house: House, receivable_id: int) -> None:
    def original(start: int) -> bool:
        found = house.certificate(token(receivable_id, start))
        assert found is not None
        return found.original

    house.split(token(receivable_id), 50_000, to=house.seller)
    assert (original(0), original(50_000)) == (True, False)
    house.partition(named(token(receivable_id), 50_000), 20_000)
    assert (original(0), original(20_000)) == (True, False)
    house.merge(token(receivable_id))
    house.merge(token(receivable_id))
    assert original(0)
    house.endorse(token(receivable_id))
    assert not original(0)
    house.endorse(token(receivable_id), to=house.seller, sender=house.supplier)
    assert not original(0)


# ------------------------------------------------------------ for all moves


def merge_halves(house: House, certificate: int, **others: Any) -> Any:
    """Cut in the middle for oneself, then merge; what a test asks for applies to the merge."""
    others.pop("to", None)
    found = house.certificate(certificate)
    if found is not None and "end" not in others and found.end == 100_000:
        house.split(certificate, 50_000, to=house.seller)
    left = house.present(certificate) if "end" not in others else named(certificate, others["end"])
    return house.receivables.merge(left, 100_000, sender=others.get("sender") or house.seller)


MOVES: dict[str, Any] = {
    "split": lambda house, certificate, **others: house.split(certificate, 1, **others),
    "endorse": lambda house, certificate, **others: house.endorse(certificate, **others),
}
both = pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)
all_moves = pytest.mark.parametrize("move", [*MOVES.values(), merge_halves], ids=[*MOVES, "merge"])


@all_moves
def test_only_the_holder_moves_a_certificate(house: House, receivable_id: int, move: Any) -> None:
    for caller in (house.operator, house.buyer, house.bank, house.stranger, house.officer, house.regulator):
        with refused("NotHolder", caller=caller.address):
            move(house, token(receivable_id), to=house.bank, sender=caller)


@both
def test_who_was_overtaken_by_another_cut_moves_nothing(house: House, receivable_id: int, move: Any) -> None:
    """Two sessions with the same certificate in view: the operator's cut comes first, the holder's move names the
    range of before."""
    house.receivables.setApprovalForAll(house.operator, True, sender=house.seller)
    house.split(token(receivable_id), 60_000, end=100_000, to=house.bank, sender=house.operator)
    before = house.storage_root()
    with refused("RangeChanged", start=0, end=60_000):
        move(house, token(receivable_id), end=100_000)
    assert house.storage_root() == before
    move(house, token(receivable_id), end=60_000)


@all_moves
@pytest.mark.parametrize("end", [0, 99_999, 100_001, 2**64 - 1])
def test_an_operation_names_the_whole_range(house: House, receivable_id: int, move: Any, end: int) -> None:
    with refused("RangeChanged", start=0, end=100_000):
        move(house, token(receivable_id), end=end)


@both
def test_the_range_is_checked_after_authority_and_before_all_else(house: House, receivable_id: int, move: Any) -> None:
    house.at(house.record(receivable_id).due)
    with refused("NotHolder", caller=house.stranger.address):
        move(house, token(receivable_id), end=7, sender=house.stranger)
    with refused("RangeChanged", start=0, end=100_000):
        move(house, token(receivable_id), end=7, to=house.stranger)


@all_moves
@pytest.mark.parametrize("offset", [1, 2**64, 2**191])
def test_an_unknown_certificate_does_not_move(house: House, receivable_id: int, move: Any, offset: int) -> None:
    with refused("UnknownCertificate", certificateId=token(receivable_id) + offset):
        move(house, token(receivable_id) + offset)


@all_moves
def test_a_claim_that_is_not_confirmed_has_no_certificate(house: House, move: Any) -> None:
    receivable_id = house.register()
    with refused("UnknownCertificate", certificateId=token(receivable_id)):
        move(house, token(receivable_id))


@all_moves
def test_nothing_moves_from_the_midnight_of_the_due_date_on(house: House, move: Any) -> None:
    due = house.midnight(days=3)
    first, second = house.confirmed(due=due), house.confirmed(due=due)
    house.at(due - DAY)
    for receivable_id in (first, second):
        house.split(token(receivable_id), 90_000, to=house.seller)
    house.at(due - 1)
    if move is merge_halves:
        house.merge(token(first))
    else:
        move(house, token(first))
    house.at(due)
    with refused("DueDatePassed", due=due):
        if move is merge_halves:
            house.merge(token(second))
        else:
            move(house, token(second))


@both
@pytest.mark.parametrize("person", ["seller", "supplier"])
def test_neither_a_suspended_giver_nor_a_suspended_receiver_takes_part(
    house: House, receivable_id: int, move: Any, person: str
) -> None:
    member = getattr(house, person)
    house.suspend(member)
    with refused("MemberNotEligible", member=member.address):
        move(house, token(receivable_id))


@both
@pytest.mark.parametrize("person", ["seller", "supplier"])
def test_nor_does_one_whose_kyc_has_expired(house: House, receivable_id: int, move: Any, person: str) -> None:
    member = getattr(house, person)
    expiry = house.now + 500
    house.admit(member, expiry=expiry)
    house.at(expiry)
    with refused("MemberNotEligible", member=member.address):
        move(house, token(receivable_id))


@both
def test_a_stranger_cannot_receive(house: House, receivable_id: int, move: Any) -> None:
    for receiver in (house.stranger, house.operator, house.receivables, house.officer):
        with refused("MemberNotEligible", member=receiver.address):
            move(house, token(receivable_id), to=receiver)


def test_nobody_cannot_receive(house: House, receivable_id: int) -> None:
    whole = named(token(receivable_id))
    with refused("MemberNotEligible", member=NOBODY):
        house.receivables.split(whole, 1, NOBODY, DOCUMENT, sender=house.seller)
    with refused("MemberNotEligible", member=NOBODY):
        house.receivables.endorse(whole, NOBODY, DOCUMENT, sender=house.seller)
    for transfer in (house.receivables.transferFrom, house.receivables.safeTransferFrom):
        with refused("MemberNotEligible", member=NOBODY):
            transfer(house.seller, NOBODY, token(receivable_id), sender=house.seller)


@all_moves
def test_a_member_who_is_suspended_keeps_what_it_holds(house: House, receivable_id: int, move: Any) -> None:
    house.suspend(house.seller)
    assert house.receivables.ownerOf(token(receivable_id)) == house.seller
    house.admit(house.seller)
    move(house, token(receivable_id))


def test_a_long_chain_of_holders_conserves_every_cent(house: House) -> None:
    receivable_id = house.confirmed(face=1_000)
    holders = [house.seller, house.supplier, house.bank]
    for step in range(6):
        giver, receiver = holders[step % 3], holders[(step + 1) % 3]
        house.split(token(receivable_id, step * 100), (step + 1) * 100, to=receiver, sender=giver)
    cover = house.cover(receivable_id)
    assert [start for start, _, _ in cover] == [0, *(end for _, end, _ in cover[:-1])]
    assert (len(cover), cover[-1][1]) == (7, 1_000)


def test_certificate_words_say_whether_somebody_is_approved(house: House, receivable_id: int) -> None:
    house.receivables.approve(house.bank, token(receivable_id), sender=house.seller)
    assert house.certificate(token(receivable_id)) == Certificate(
        holder=house.seller.address, end=100_000, approved=True, original=True
    )
