"""What the contract claims to be: interface ids, names, ERC-3525- and ERC-7943-shaped views, bulk views."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import decode

from registry.chain.contract import VIEW_IDS_MAX
from tests.contracts.door import Door, Reverted, refused, selector
from tests.contracts.house import (
    ANSWER_WINDOW_DAYS,
    DAY,
    FORCED_TRANSFER_DELAY,
    MINIMUM_PART,
    NOBODY,
    ORDER,
    OVERDUE_GRACE_DAYS,
    SCOPE_CERTIFICATE,
    SCOPE_RECEIVABLE,
    TENOR_LIMIT_DAYS,
    UNANSWERED_MAX,
    House,
    named,
    token,
)
from tests.contracts.test_rules import ACT

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
ERC721_METADATA = ("name()", "symbol()", "tokenURI(uint256)")


def interface_id(*signatures: str) -> bytes:
    """ERC-165: the XOR of the selectors."""
    total = 0
    for signature in signatures:
        total ^= int.from_bytes(selector(signature))
    return total.to_bytes(4)


@pytest.mark.parametrize(
    ("claimed", "expected"),
    [
        (interface_id("supportsInterface(bytes4)"), True),
        (interface_id(*ERC721), True),
        (interface_id(*ERC721_METADATA), True),
        (bytes.fromhex("49064906"), True),  # ERC-4906: events have no selectors, so its id is a number of its own
        (bytes.fromhex("ffffffff"), False),  # ERC-165 demands it
        (bytes(4), False),
        (bytes.fromhex("d5358140"), False),  # ERC-3525: its value allowances are not there
        (bytes.fromhex("780e9d63"), False),  # ERC-721 enumerable
        (bytes.fromhex("bf1ef5fe"), False),  # ERC-7943: freezes and forced transfers are orders here
        (bytes.fromhex("150b7a02"), False),  # the receiver hook
    ],
)
def test_it_claims_the_interfaces_it_meets_and_no_other(house: House, claimed: bytes, expected: bool) -> None:
    assert house.receivables.supportsInterface(claimed) is expected


def test_an_interface_is_told_in_less_gas_than_erc165_allows(house: House) -> None:
    """30,000 of the call itself; what a transaction costs besides is taken off."""
    for claimed in ("80ac58cd", "ffffffff"):
        data = house.receivables.supportsInterface.encode_input(bytes.fromhex(claimed))
        call = {"to": house.receivables.address, "data": "0x" + data.hex()}
        assert int(house.node.request("eth_estimateGas", call), 16) - 21_000 < 30_000


def test_every_function_of_what_it_claims_is_there(house: House) -> None:
    known = {method.selector for method in house.receivables.contract_type.methods}
    assert known >= {*ERC721, *ERC721_METADATA, "supportsInterface(bytes4)", "eip712Domain()"}
    assert interface_id(*ERC721).hex() == "80ac58cd"
    assert interface_id(*ERC721_METADATA).hex() == "5b5e139f"


def test_every_refusal_is_met_by_a_test(project: Any) -> None:
    """A new one cannot be forgotten: its name stands in a test that demands it, or a batch's reason for skipping."""
    tests = "".join(file.read_text() for file in Path(__file__).parent.glob("test_*.py"))
    errors = [error.name for error in project.IReceivablesRecords.contract_type.errors]
    assert len(errors) > 70
    assert [name for name in errors if f'"{name}"' not in tests and f'"{name}(' not in tests] == []


def test_it_has_a_name_and_a_symbol(house: House) -> None:
    assert (house.receivables.name(), house.receivables.symbol()) == ("Counterfoil Receivables", "CFR")


# --------------------------------------------------------------- ERC-3525-shaped


def test_a_certificates_slot_is_its_receivable_and_its_value_the_length_of_its_range(house: House) -> None:
    house.confirmed()
    receivable_id = house.confirmed(face=2**64 - 1)
    house.split(token(receivable_id), 7)
    value = house.receivables.contract_type.view_methods["balanceOf(uint256)"].selector
    assert house.receivables.slotOf(token(receivable_id, 7)) == receivable_id
    assert house.receivables.read(value, token(receivable_id)) == 7
    assert house.receivables.read(value, token(receivable_id, 7)) == 2**64 - 8
    assert house.receivables.valueDecimals() == 0
    for view in ("slotOf(uint256)", "balanceOf(uint256)"):
        with refused("UnknownCertificate", certificateId=token(receivable_id, 8)):
            house.receivables.read(view, token(receivable_id, 8))


def test_the_values_of_all_events_add_up_to_what_each_certificate_is_worth(house: House) -> None:
    """TransferValue tells every change of a length, so whoever sums them knows the lengths."""
    receivable_id = house.register()
    house.counter_offer(receivable_id, face=80_000)
    receipts = [house.accept_offer(receivable_id)]
    receipts.append(house.split(token(receivable_id), 50_000, to=house.seller))
    receipts.append(house.partition(named(token(receivable_id), 50_000), 20_000))
    receipts.append(house.merge(token(receivable_id, 20_000)))
    receipts.append(house.endorse(token(receivable_id)))
    values: dict[int, int] = {}
    for _, fields in (event for receipt in receipts for event in receipt.events if event[0] == "TransferValue"):
        values[fields["fromTokenId"]] = values.get(fields["fromTokenId"], 0) - fields["value"]
        values[fields["toTokenId"]] = values.get(fields["toTokenId"], 0) + fields["value"]
    assert values.pop(0) == -80_000
    cover = {token(receivable_id, start): end - start for start, end, _ in house.cover(receivable_id)}
    assert {certificate: value for certificate, value in values.items() if value} == cover


# --------------------------------------------------------------- ERC-7943-shaped


def name_of(call: Callable[[], Any]) -> str:
    """The custom error that a call is refused with, or nothing."""
    try:
        call()
    except Reverted as reverted:
        return reverted.name
    return ""


def test_what_can_be_transferred_is_what_is_transferred(house: House, receivable_id: int) -> None:
    """Every answer of canTransfer and requireTransfer is that of the transfer itself, tried at once and taken back."""
    front = token(receivable_id)
    contract, seller, bank = house.receivables, house.seller, house.bank

    def agrees(to: Any, *, certificate: int = front, giver: Any = seller) -> str:
        """The name of the refusal that all three give, or nothing."""
        required = name_of(lambda: contract.requireTransfer(giver, to, certificate))
        assert contract.canTransfer(giver, to, certificate) is (required == "")
        mark = house.node.request("evm_snapshot")
        assert name_of(lambda: contract.transferFrom(giver, to, certificate, sender=seller)) == required
        house.node.request("evm_revert", mark)
        return required

    assert agrees(bank) == ""
    assert agrees(house.supplier) == "TradeDocumentMissing"
    assert agrees(seller) == "SameHolder"
    assert agrees(house.stranger) == "MemberNotEligible"
    assert agrees(bank, giver=house.supplier) == "NotHolder"
    assert agrees(bank, certificate=front + 1) == "UnknownCertificate"
    house.freeze_certificate(named(front))
    assert agrees(bank) == "FrozenByOrder"
    house.unfreeze_certificate(named(front))
    house.freeze_receivable(receivable_id)
    assert agrees(bank) == "FrozenByOrder"
    house.unfreeze_receivable(receivable_id)
    house.freeze_member(seller)
    assert agrees(bank) == "FrozenByOrder"
    house.unfreeze_member(seller)
    contract.pause(sender=house.operator)
    assert agrees(bank) == "RegistryPaused"
    contract.unpause(sender=house.operator)
    house.suspend(seller)
    assert agrees(bank) == "MemberNotEligible"
    house.admit(seller)
    house.wait(house.record(receivable_id).due - house.now)
    assert agrees(bank) == "DueDatePassed"


def test_extra_rules_have_their_word_in_what_can_be_transferred(
    house: House, receivable_id: int, helpers: dict[str, Any]
) -> None:
    rules = house.made(helpers["Rules"])
    house.receivables.setRules(rules, sender=house.operator)
    assert house.receivables.canTransfer(house.seller, house.bank, token(receivable_id)) is True
    rules.setMode(1, sender=house.stranger)
    assert house.receivables.canTransfer(house.seller, house.bank, token(receivable_id)) is False
    with pytest.raises(Reverted) as caught:
        house.receivables.requireTransfer(house.seller, house.bank, token(receivable_id))
    _, act = decode(["address", ACT], caught.value.inputs["reason"][4:])
    seller, bank = house.seller.address.lower(), house.bank.address.lower()
    assert act == (5, receivable_id, seller, seller, bank, 0, 100_000)


@pytest.mark.parametrize("mode", range(8))
def test_no_question_reverts_whatever_the_rules_do(
    house: House, receivable_id: int, helpers: dict[str, Any], mode: int
) -> None:
    """Rules that forbid, fail, burn all gas or answer garbage: the answer is no, or yes, but an answer."""
    rules = house.made(helpers["Rules"])
    house.receivables.setRules(rules, sender=house.operator)
    rules.setMode(mode, sender=house.stranger)
    for certificate in (token(receivable_id), token(receivable_id) + 1, 0, 2**256 - 1):
        for giver in (house.seller.address, NOBODY):
            allowed = house.receivables.canTransfer(giver, house.bank, certificate)
            possible = certificate == token(receivable_id) and giver == house.seller
            assert allowed is (possible and mode in (0, 5))  # those that allow, and those that answer garbage


def test_who_may_send_and_receive(house: House) -> None:
    contract = house.receivables

    def may(account: Any) -> tuple[bool, bool]:
        return contract.canSend(account), contract.canReceive(account)

    assert may(house.seller) == (True, True)
    assert may(house.stranger) == may(house.receivables) == (False, False)
    assert (contract.canSend(NOBODY), contract.canReceive(NOBODY)) == (False, False)
    house.freeze_member(house.seller, expiry=house.now + DAY)
    assert may(house.seller) == (False, True)
    house.wait(DAY)
    assert may(house.seller) == (True, True)
    house.suspend(house.seller)
    assert may(house.seller) == (False, False)


# ------------------------------------------------------------------ bulk views


def test_bulk_views_answer_unknown_ids_with_zeros(house: House) -> None:
    contract = house.receivables
    unknown = [0, 9, 2**256 - 1]
    assert contract.heads(unknown[1:]) == [bytes(32), bytes(32)]
    assert [vars(record) for record in contract.receivables(unknown[1:])] == [
        {"terms": 0, "head": bytes(32), "amounts": 0, "claimed": 0}
    ] * 2
    assert contract.certificates(unknown) == [0, 0, 0]
    assert contract.members([house.stranger.address, NOBODY]) == [0, 0]
    assert contract.receivableOf(b"\x01" * 32, house.buyer, house.seller) == 0
    assert contract.unanswered(house.buyer, house.seller) == 0
    assert contract.isEligible(house.stranger) is False
    for scope in (0, 1, 2, 3, 255):
        assert contract.freezes(scope, unknown) == [[], [], []]
    assert [vars(rights) for rights in contract.rights(unknown)] == [{"lien": 0, "recourse": 0, "claimed": 0}] * 3
    assert contract.redeemable(unknown) == [0, 0, 0]
    assert contract.depositTokens([0, 978, 2**16 - 1]) == [NOBODY] * 3
    assert contract.depositTokenOf(9) == NOBODY


def test_bulk_views_answer_in_the_order_asked_also_twice(house: House) -> None:
    first, second = house.confirmed(), house.register()
    asked = [second, first, 0, first]
    assert house.receivables.heads(asked) == [house.head(number) for number in asked]
    assert house.receivables.heads([]) == []
    house.freeze_receivable(first)
    freezes = house.receivables.freezes(SCOPE_RECEIVABLE, [second, first, first])
    assert [[bytes(freeze.order) for freeze in each] for each in freezes] == [[], [ORDER], [ORDER]]


def test_bulk_views_answer_for_as_many_ids_as_the_service_asks_at_once(house: House) -> None:
    receivable_id = house.confirmed()
    contract = house.receivables
    ids = list(range(VIEW_IDS_MAX))
    records = contract.receivables(ids)
    assert len(records) == VIEW_IDS_MAX
    assert records[receivable_id].head == house.head(receivable_id)
    assert contract.certificates([token(number) for number in ids])[receivable_id] != 0
    for number in range(16):
        house.freeze_certificate(named(token(receivable_id)), order=number.to_bytes(31, "big") + b"\x01")
    freezes = contract.freezes(SCOPE_CERTIFICATE, [token(receivable_id)] * VIEW_IDS_MAX)
    assert [len(each) for each in freezes] == [16] * VIEW_IDS_MAX
    assert len(contract.rights([token(receivable_id)] * VIEW_IDS_MAX)) == VIEW_IDS_MAX
    assert contract.redeemable([token(receivable_id)] * VIEW_IDS_MAX) == [0] * VIEW_IDS_MAX
    accounts = [house.seller.address] * VIEW_IDS_MAX
    assert set(contract.members(accounts)) == set(contract.members(accounts[:1]))


def test_the_policy_is_the_first_values_until_something_changes(house: House) -> None:
    policy = house.receivables.policy()
    assert (policy.pausedSince, policy.descriptor) == (0, NOBODY)
    assert policy.movement == MINIMUM_PART << (160 + 32)
    assert policy.settlement == OVERDUE_GRACE_DAYS << 16
    registration = TENOR_LIMIT_DAYS << (64 + 16) | ANSWER_WINDOW_DAYS << (112 + 16) | UNANSWERED_MAX << (160 + 16)
    assert policy.registration == registration
    house.register()
    assert house.receivables.policy().registration == registration + 1


def test_what_is_fixed_at_deployment_is_told(house: House) -> None:
    contract = house.receivables
    assert contract.authority() == house.access.address
    assert contract.regulation() == house.regulation.address
    assert contract.forcedTransferDelay() == FORCED_TRANSFER_DELAY
    assert contract.predecessor() == NOBODY
    assert contract.extension() == house.by_signature.address


def test_a_view_of_an_extension_reads_the_registry_not_itself(house: House, wallet: Door) -> None:
    """Through the registry the views see its storage; asked directly, the extension has none."""
    house.confirmed()
    assert house.receivables.count() == 1
    for extension in (house.by_signature, house.oversight):
        alone = Door(house.receivables.contract)
        alone.address = extension.address
        assert alone.count() == 0
        assert alone.members([house.seller.address]) == [0]
