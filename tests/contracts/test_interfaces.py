"""What the contract claims to be: interface ids, names, ERC-3525-shaped views, bulk views."""

from __future__ import annotations

import pytest

from registry.chain.contract import VIEW_IDS_MAX
from registry.domain.keccak import keccak256
from tests.contracts.conftest import DOCUMENT, EUR, House, named, raw, refused_view, token

ERC721 = (
    "balanceOf(address)",
    "ownerOf(uint256)",
    "safeTransferFrom(address,address,uint256,bytes)",
    "safeTransferFrom(address,address,uint256)",
    "transferFrom(address,address,uint256)",
    "approve(address,uint256)",
    "setApprovalForAll(address,bool)",
    "getApproved(uint256)",
    "isApprovedForAll(address,address)",
)


def interface_id(*signatures: str) -> bytes:
    """ERC-165: the XOR of the selectors."""
    total = 0
    for signature in signatures:
        total ^= int.from_bytes(keccak256(signature.encode())[:4])
    return total.to_bytes(4)


@pytest.mark.parametrize(
    ("claimed", "expected"),
    [
        (interface_id("supportsInterface(bytes4)"), True),
        (interface_id(*ERC721), True),
        (bytes.fromhex("ffffffff"), False),  # ERC-165 demands it
        (bytes.fromhex("d5358140"), False),  # ERC-3525: its value allowances are not there
        (bytes.fromhex("5b5e139f"), False),  # ERC-721 metadata: there is no tokenURI
        (bytes.fromhex("780e9d63"), False),  # ERC-721 enumerable
    ],
)
def test_it_claims_the_interfaces_it_meets_and_no_other(house: House, claimed: bytes, expected: bool) -> None:
    assert house.receivables.supportsInterface(claimed) is expected


def test_every_function_of_erc721_is_there(house: House) -> None:
    known = {method.selector for method in house.receivables.contract_type.methods}
    assert known >= set(ERC721)
    assert interface_id(*ERC721).hex() == "80ac58cd"


def test_it_has_a_name_and_a_symbol(house: House) -> None:
    assert (house.receivables.name(), house.receivables.symbol()) == ("Counterfoil Receivables", "CFR")


def test_a_certificates_slot_is_its_receivable_and_its_value_the_length_of_its_range(house: House) -> None:
    house.confirmed()
    receivable_id = house.confirmed(face=2**64 - 1)
    house.receivables.split(named(token(receivable_id), 2**64 - 1), 7, house.supplier, DOCUMENT, sender=house.seller)
    assert house.read("slotOf(uint256)", token(receivable_id, 7)) == receivable_id
    assert house.read("balanceOf(uint256)", token(receivable_id)) == 7
    assert house.read("balanceOf(uint256)", token(receivable_id, 7)) == 2**64 - 8
    assert house.receivables.valueDecimals() == 0
    for view in ("slotOf(uint256)", "balanceOf(uint256)"):
        with refused_view("UnknownCertificate", certificateId=token(receivable_id, 8)):
            house.read(view, token(receivable_id, 8))


def test_bulk_views_answer_unknown_ids_with_zeros(house: House) -> None:
    unknown = [0, 9, 2**256 - 1]
    assert house.read("heads(uint256[])", unknown[1:]) == (bytes(32), bytes(32))
    assert house.read("receivables(uint256[])", unknown[1:]) == ((0, 0, bytes(32)),) * 2
    assert house.read("certificates(uint256[])", unknown) == (0, 0, 0)
    assert house.read("members(address[])", [raw(house.stranger), bytes(20)]) == (0, 0)
    assert house.read("receivableOf(bytes32,address,address)", b"\x01" * 32, raw(house.buyer), raw(house.seller)) == 0
    assert house.read("isEligible(address)", raw(house.stranger)) is False


def test_bulk_views_answer_in_the_order_asked_also_twice(house: House) -> None:
    first, second = house.confirmed(), house.register()
    heads = house.view.heads([0, first, second])
    asked = [second, first, 0, first]
    assert house.read("heads(uint256[])", asked) == tuple(heads[number] for number in asked)
    assert house.read("heads(uint256[])", []) == ()


def test_bulk_views_answer_for_as_many_ids_as_the_service_asks_at_once(house: House) -> None:
    receivable_id = house.confirmed()
    ids = list(range(VIEW_IDS_MAX))
    assert len(house.read("receivables(uint256[])", ids)) == VIEW_IDS_MAX
    assert house.read("receivables(uint256[])", ids)[receivable_id][2] == house.view.heads([receivable_id])[1]
    assert house.read("certificates(uint256[])", [token(number) for number in ids])[receivable_id] != 0
    accounts = [raw(house.seller)] * VIEW_IDS_MAX
    assert set(house.read("members(address[])", accounts)) == {house.read("members(address[])", accounts[:1])[0]}


def test_more_ids_than_that_are_asked_in_parts(house: House) -> None:
    receivable_id = house.confirmed()
    records = house.view.records(range(2 * VIEW_IDS_MAX + 1))
    assert len(records) == 2 * VIEW_IDS_MAX + 1
    assert records[receivable_id].currency == EUR
    assert records[2 * VIEW_IDS_MAX].head == bytes(32)
