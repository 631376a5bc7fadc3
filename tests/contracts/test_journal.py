"""Journal heads, recomputed here with eth_abi from nothing but the formulas of contracts/libraries/Journal.sol."""

from __future__ import annotations

from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from tests.contracts.conftest import DOCUMENT, NO_DOCUMENT, House, deploy_house, named, refused, token


def genesis(house: House, journal_id: int) -> bytes:
    return keccak(
        encode(
            ["bytes32", "uint256", "address", "uint256"],
            [b"counterfoil/1".ljust(32, b"\0"), 31337, house.receivables.address, journal_id],
        )
    )


def append(head: bytes, operation: int, at: int, start: int, end: int, types: list[str], details: list[Any]) -> bytes:
    inner = keccak(encode(types, details))
    entry = keccak(encode(["uint256", "uint256", "uint256", "uint256", "bytes32"], [operation, at, start, end, inner]))
    return keccak(encode(["bytes32", "bytes32"], [head, entry]))


def head(house: House, journal_id: int) -> bytes:
    return bytes(house.receivables.heads([journal_id])[0])


def test_every_operation_appends_its_entry(house: House) -> None:
    seller, buyer = house.seller.address, house.buyer.address
    claim = house.claim()
    receivable_id = house.register(claim)
    expected = append(
        genesis(house, receivable_id),
        1,
        house.now,
        0,
        claim["face"],
        ["address", "address", "uint40", "uint16", "bytes32", "bytes32"],
        [seller, buyer, claim["due"], claim["currency"], claim["fingerprint"], claim["documentRoot"]],
    )
    assert head(house, receivable_id) == expected

    house.confirm(receivable_id)
    expected = append(expected, 2, house.now, 0, claim["face"], ["address", "address"], [buyer, seller])
    assert head(house, receivable_id) == expected

    house.receivables.split(named(token(receivable_id)), 25_000, house.supplier, DOCUMENT, sender=house.seller)
    expected = append(
        expected,
        4,
        house.now,
        0,
        100_000,
        ["address", "address", "uint64", "bytes32"],
        [seller, house.supplier.address, 25_000, DOCUMENT],
    )
    assert head(house, receivable_id) == expected

    house.receivables.endorse(named(token(receivable_id, 25_000)), house.bank, NO_DOCUMENT, sender=house.supplier)
    expected = append(
        expected,
        5,
        house.now,
        25_000,
        100_000,
        ["address", "address", "bytes32"],
        [house.supplier.address, house.bank.address, NO_DOCUMENT],
    )
    assert head(house, receivable_id) == expected


def test_a_refusal_appends_its_entry(house: House) -> None:
    receivable_id = house.register()
    before = head(house, receivable_id)
    house.refuse(receivable_id, reason=99)
    assert head(house, receivable_id) == append(
        before, 3, house.now, 0, 100_000, ["address", "uint8"], [house.buyer.address, 99]
    )


def test_the_registrys_own_journal_holds_its_members(project: Any, accounts: Any) -> None:
    house = deploy_house(project, accounts)
    assert head(house, 0) == genesis(house, 0)

    expiry = house.now + 1_000
    house.receivables.admit(house.seller, expiry, 3, b"\x08" * 32, sender=house.operator)
    expected = append(
        genesis(house, 0),
        128,
        house.now,
        0,
        0,
        ["address", "address", "uint40", "uint32", "bytes32"],
        [house.seller.address, house.operator.address, expiry, 3, b"\x08" * 32],
    )
    assert head(house, 0) == expected

    house.receivables.suspend(house.seller, 2, sender=house.operator)
    assert head(house, 0) == append(
        expected,
        129,
        house.now,
        0,
        0,
        ["address", "address", "uint8"],
        [house.seller.address, house.operator.address, 2],
    )


def test_a_journal_is_of_one_contract(project: Any, accounts: Any, house: House) -> None:
    """The same entry gives another head in another registry, and another receivable."""
    second = deploy_house(project, accounts)
    assert genesis(second, 0) != genesis(house, 0)
    assert head(second, 0) == genesis(second, 0)
    assert genesis(house, 1) != genesis(house, 2)


def test_an_id_that_was_never_used_has_no_head(house: House) -> None:
    """Not even a genesis: heads of unknown receivables are zeros until they are registered."""
    assert head(house, 1) == bytes(32)
    house.register()
    assert head(house, 1) != bytes(32)


def test_approvals_are_no_entries(house: House) -> None:
    receivable_id = house.confirmed()
    before = (head(house, 0), head(house, receivable_id))
    house.receivables.approve(house.bank, token(receivable_id), sender=house.seller)
    house.receivables.setApprovalForAll(house.bank, True, sender=house.seller)
    assert (head(house, 0), head(house, receivable_id)) == before


def test_a_refused_operation_leaves_no_trace(house: House) -> None:
    receivable_id = house.confirmed()
    before = (head(house, 0), head(house, receivable_id), house.receivables.count())
    with refused("NotHolder", caller=house.bank.address):
        house.receivables.endorse(named(token(receivable_id)), house.bank, NO_DOCUMENT, sender=house.bank)
    with refused("UnknownMember", member=house.stranger.address):
        house.suspend(house.stranger)
    assert (head(house, 0), head(house, receivable_id), house.receivables.count()) == before
