"""Many parts from one certificate, many certificates in one transaction: all or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.door import refused
from tests.contracts.house import DOCUMENT, NO_DOCUMENT, NOBODY, House, deploy_house, named, token


def parts(*cuts: tuple[int, Any], document: bytes = DOCUMENT) -> list[dict[str, Any]]:
    """Parts by cut and receiver."""
    return [{"cut": cut, "receiver": receiver.address, "document": document} for cut, receiver in cuts]


def endorsements(*moves: tuple[int, Any], document: bytes = DOCUMENT) -> list[dict[str, Any]]:
    """Endorsements by range and receiver."""
    return [{"range": whole, "receiver": receiver.address, "document": document} for whole, receiver in moves]


# -------------------------------------------------------------- split many


def test_parts_are_cut_from_the_tail_one_after_the_other(house: House, receivable_id: int) -> None:
    whole = named(token(receivable_id))
    cuts = parts((80_000, house.supplier), (50_000, house.bank), (49_999, house.seller))
    receipt = house.receivables.splitMany(whole, cuts, sender=house.seller)

    assert house.cover(receivable_id) == [
        (0, 49_999, house.seller.address),
        (49_999, 50_000, house.seller.address),
        (50_000, 80_000, house.bank.address),
        (80_000, 100_000, house.supplier.address),
    ]
    assert [house.balance(member) for member in (house.seller, house.bank, house.supplier)] == [2, 1, 1]
    split, end = [], 100_000
    for part in cuts:
        tail = token(receivable_id, part["cut"])
        fields = {"actor": house.seller.address, "start": 0, "end": end, "at": house.now}
        split += [
            ("Split", {"receivableId": receivable_id} | fields | part),
            ("Transfer", {"from": NOBODY, "to": part["receiver"], "tokenId": tail}),
            ("SlotChanged", {"tokenId": tail, "oldSlot": 0, "newSlot": receivable_id}),
            (
                "TransferValue",
                {"fromTokenId": token(receivable_id), "toTokenId": tail, "value": end - part["cut"]},
            ),
        ]
        end = part["cut"]
    assert receipt.events == [*split, ("MetadataUpdate", {"_tokenId": token(receivable_id)})]


def test_a_batch_of_splits_leaves_what_the_same_splits_leave(house: House) -> None:
    """Entry by entry: the hashes differ in nothing but the receivable and the time."""
    at_once, one_by_one = house.confirmed(), house.confirmed()
    cuts = [(90_000, house.bank), (40_000, house.seller), (7, house.supplier)]
    house.receivables.splitMany(named(token(at_once)), parts(*cuts), sender=house.seller)
    for cut, receiver in cuts:
        house.split(token(one_by_one), cut, to=receiver)
    journals = house.journals()
    entries = [
        [(event, fields | {"receivableId": 0, "at": 0}) for event, fields in journals[each][2:]]
        for each in (at_once, one_by_one)
    ]
    assert entries[0] == entries[1]
    assert house.cover(at_once) == house.cover(one_by_one)


def test_an_operator_splits_for_the_holder(house: House, receivable_id: int) -> None:
    house.receivables.setApprovalForAll(house.stranger, True, sender=house.seller)
    cuts = parts((6, house.bank), (3, house.bank))
    receipt = house.receivables.splitMany(named(token(receivable_id)), cuts, sender=house.stranger)
    assert {fields["actor"] for event, fields in receipt.events if event == "Split"} == {house.stranger.address}


def test_an_empty_batch_is_none(house: House, receivable_id: int) -> None:
    with refused("BatchEmpty"):
        house.receivables.splitMany(named(token(receivable_id)), [], sender=house.seller)
    with refused("BatchEmpty"):
        house.receivables.endorseMany([], sender=house.seller)


@pytest.mark.parametrize(
    ("second", "error", "inputs"),
    [
        ((60_000, "bank"), "CutOutOfRange", {"start": 0, "cut": 60_000, "end": 60_000}),
        ((99_999, "bank"), "CutOutOfRange", {"start": 0, "cut": 99_999, "end": 60_000}),
        ((0, "bank"), "CutOutOfRange", {"start": 0, "cut": 0, "end": 60_000}),
        ((30_000, "stranger"), "MemberNotEligible", {"member": "stranger"}),
    ],
)
def test_one_part_that_is_refused_takes_back_all(
    house: House, receivable_id: int, second: tuple[int, str], error: str, inputs: dict[str, Any]
) -> None:
    before = house.storage_root()
    inputs = {name: house.stranger.address if each == "stranger" else each for name, each in inputs.items()}
    cuts = parts((60_000, house.bank), (second[0], getattr(house, second[1])))
    with refused(error, **inputs):
        house.receivables.splitMany(named(token(receivable_id)), cuts, sender=house.seller)
    assert house.storage_root() == before


def test_every_part_needs_its_document(house: House, receivable_id: int) -> None:
    cuts = parts((60_000, house.bank), document=NO_DOCUMENT) + parts((30_000, house.supplier), document=NO_DOCUMENT)
    with refused("TradeDocumentMissing"):
        house.receivables.splitMany(named(token(receivable_id)), cuts, sender=house.seller)


def test_no_part_of_a_batch_is_below_the_minimum(project: Any, accounts: Any) -> None:
    house = deploy_house(project, accounts, minimum_part=100).peopled()
    receivable_id = house.confirmed(face=1_000)
    for cuts in ([(950, house.bank)], [(900, house.bank), (801, house.bank)], [(900, house.bank), (99, house.bank)]):
        with refused("BelowMinimumPart", minimum=100):
            house.receivables.splitMany(named(token(receivable_id), 1_000), parts(*cuts), sender=house.seller)
    cuts = [(900, house.bank), (800, house.bank), (100, house.bank)]
    house.receivables.splitMany(named(token(receivable_id), 1_000), parts(*cuts), sender=house.seller)
    house.audit()


def test_a_batch_may_be_as_long_as_gas_allows(house: House, receivable_id: int) -> None:
    cuts = parts(*((100_000 - 10 * step, house.bank) for step in range(1, 201)))
    receipt = house.receivables.splitMany(named(token(receivable_id)), cuts, sender=house.seller)
    assert house.balance(house.bank) == 200
    assert receipt.gas_used < 8_000_000


# ------------------------------------------------------------ endorse many


def test_certificates_of_several_receivables_go_to_several_receivers(house: House) -> None:
    first, second = house.confirmed(), house.confirmed()
    house.split(token(second), 40_000, to=house.seller)
    moves = [
        (named(token(first)), house.supplier),
        (named(token(second, 40_000)), house.bank),
        (named(token(second), 40_000), house.supplier),
    ]
    receipt = house.receivables.endorseMany(endorsements(*moves), sender=house.seller)
    assert receipt.names == ["Endorsed", "Transfer"] * 3
    assert house.cover(first) == [(0, 100_000, house.supplier.address)]
    assert house.cover(second) == [(0, 40_000, house.supplier.address), (40_000, 100_000, house.bank.address)]
    assert [house.balance(member) for member in (house.seller, house.supplier, house.bank)] == [0, 2, 1]


def test_one_endorsement_that_is_refused_takes_back_all(house: House) -> None:
    first, second = house.confirmed(), house.confirmed()
    house.freeze_receivable(second)
    before = house.storage_root()
    moves = [(named(token(first)), house.bank), (named(token(second)), house.bank)]
    with refused("FrozenByOrder", order=b"\x0a" * 32):
        house.receivables.endorseMany(endorsements(*moves), sender=house.seller)
    assert house.storage_root() == before


def test_the_same_certificate_does_not_move_twice_in_a_batch(house: House, receivable_id: int) -> None:
    whole = named(token(receivable_id))
    with refused("NotHolder", caller=house.seller.address):
        house.receivables.endorseMany(endorsements((whole, house.bank), (whole, house.supplier)), sender=house.seller)


def test_an_operator_of_two_holders_may_pass_one_certificate_through_both(house: House, receivable_id: int) -> None:
    for holder in (house.seller, house.bank):
        house.receivables.setApprovalForAll(house.stranger, True, sender=holder)
    whole = named(token(receivable_id))
    moves = endorsements((whole, house.bank), (whole, house.supplier))
    house.receivables.endorseMany(moves, sender=house.stranger)
    assert house.cover(receivable_id) == [(0, 100_000, house.supplier.address)]
    assert [house.balance(member) for member in (house.seller, house.bank, house.supplier)] == [0, 0, 1]


def test_a_batch_may_pay_forth_and_back(house: House, receivable_id: int) -> None:
    """One account on both sides of one batch: its balance is read anew for every move."""
    other = house.confirmed()
    house.endorse(token(other), to=house.bank)
    house.receivables.setApprovalForAll(house.seller, True, sender=house.bank)
    moves = endorsements((named(token(receivable_id)), house.bank), (named(token(other)), house.seller))
    house.receivables.endorseMany(moves, sender=house.seller)
    assert [house.balance(member) for member in (house.seller, house.bank)] == [1, 1]
