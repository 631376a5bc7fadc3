"""The descriptor is a setting of the operator's; who follows the ERC-4906 events knows when to ask it again."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from registry.domain.keccak import keccak256
from tests.contracts.door import Door, Receipt, refused, reverts
from tests.contracts.house import (
    DAY,
    FORCED_TRANSFER_DELAY,
    NOBODY,
    ORDER,
    OVERDUE_GRACE_DAYS,
    SUPPLIER_ROLE,
    House,
    named,
    token,
)
from tests.contracts.till import Till

TRANSFER = "0x" + keccak256(b"Transfer(address,address,uint256)").hex()
EVERYTHING = ("BatchMetadataUpdate", {"_fromTokenId": 0, "_toTokenId": 2**256 - 1})


# ------------------------------------------------------------- the descriptor


def test_a_new_descriptor_is_told_to_both_its_readers(house: House, helpers: dict[str, Any]) -> None:
    """R-0 has an entry, and wallets learn that all metadata may be other than they know."""
    echo = house.made(helpers["Echo"])
    fields = {"actor": house.operator.address}
    receipt = house.receivables.setDescriptor(echo, sender=house.operator)
    told = ("DescriptorSet", fields | {"descriptor": echo.address, "at": house.now})
    assert receipt.events == [told, EVERYTHING]
    assert house.receivables.policy().descriptor == echo.address
    receipt = house.receivables.setDescriptor(NOBODY, sender=house.operator)
    assert receipt.events == [("DescriptorSet", fields | {"descriptor": NOBODY, "at": house.now}), EVERYTHING]
    assert house.receivables.policy().descriptor == NOBODY


def test_an_account_without_code_describes_nothing(house: House) -> None:
    with refused("ParameterMalformed"):
        house.receivables.setDescriptor(house.stranger, sender=house.operator)


def test_a_descriptor_is_asked_about_certificates_that_there_are(
    house: House, receivable_id: int, helpers: dict[str, Any]
) -> None:
    assert house.receivables.tokenURI(token(receivable_id)) == ""
    echo = house.made(helpers["Echo"])
    house.receivables.setDescriptor(echo, sender=house.operator)
    asked = house.receivables.tokenURI(token(receivable_id))
    assert asked == f"{house.receivables.address.lower()} {token(receivable_id)}"
    for unknown in (0, token(receivable_id, 1), token(receivable_id + 1)):
        with refused("UnknownCertificate", certificateId=unknown):
            house.receivables.tokenURI(unknown)


def test_a_descriptor_that_fails_hinders_nothing_else(
    house: House, receivable_id: int, helpers: dict[str, Any]
) -> None:
    house.receivables.setDescriptor(house.made(helpers["NoRules"]), sender=house.operator)
    with reverts():
        house.receivables.tokenURI(token(receivable_id))
    house.split(token(receivable_id), 5)
    house.endorse(token(receivable_id))


# ------------------------------------------------------------------- ERC-4906


@pytest.fixture
def described(house: House, descriptor: Door) -> House:
    """The house with the descriptor that is deployed with it."""
    return house


def metadata(house: House) -> dict[int, Any]:
    """What every certificate's metadata says, by id.

    Without the journal's head and the picture, which names the minute: they say as of when it was true, and change
    with every entry and every minute.
    """
    filters = {"fromBlock": hex(house.first_block), "address": house.receivables.address, "topics": [TRANSFER]}
    minted = {int(log["topics"][3], 16) for log in house.node.request("eth_getLogs", filters)}
    found: dict[int, Any] = {}
    for certificate in filter(house.certificate, sorted(minted)):
        said = json.loads(base64.b64decode(house.receivables.tokenURI(certificate).partition(",")[2]))
        traits = [trait for trait in said["attributes"] if trait["trait_type"] != "Journal head"]
        found[certificate] = (said["name"], said["description"], traits)
    return found


def changed(house: House, call: Callable[[], Receipt]) -> set[int]:
    """The certificates whose metadata the transaction changed, each of which an event must name."""
    before = metadata(house)
    events = call().events
    after = metadata(house)
    others = {certificate for certificate in before.keys() & after if before[certificate] != after[certificate]}
    single = {fields["_tokenId"] for event, fields in events if event == "MetadataUpdate"}
    ranges = [
        range(fields["_fromTokenId"], fields["_toTokenId"] + 1)
        for event, fields in events
        if event == "BatchMetadataUpdate"
    ]
    for certificate in others:
        assert certificate in single or any(certificate in each for each in ranges)
    # What is minted or burned has its Transfer event and needs no other.
    assert not single & (before.keys() ^ after.keys())
    return others


def test_every_change_of_a_certificates_metadata_is_told(described: House) -> None:
    house = described
    contract, seller, bank = house.receivables, house.seller, house.bank
    first, second = house.confirmed(), house.confirmed()
    front, other = token(first), token(second)
    parts = [{"cut": cut, "receiver": bank.address, "document": bytes(32)} for cut in (70_000, 60_000)]
    offered = house.register()
    house.counter_offer(offered)

    assert changed(house, lambda: house.accept_offer(offered)) == set()
    assert changed(house, lambda: house.split(front, 80_000, to=seller)) == {front}
    assert changed(house, lambda: contract.splitMany(named(front, 80_000), parts, sender=seller)) == {front}
    assert changed(house, lambda: house.partition(named(front, 60_000), 30_000)) == {front}
    assert changed(house, lambda: house.merge(front)) == {front}
    assert changed(house, lambda: house.endorse(front)) == set()
    assert changed(house, lambda: contract.approve(bank, other, sender=seller)) == set()

    order = ORDER[:-1] + b"\x01"
    assert changed(house, lambda: house.freeze_certificate(named(other))) == {other}
    assert changed(house, lambda: house.freeze_receivable(second, order=order, expiry=2**39)) == {other}
    assert changed(house, lambda: house.unfreeze_receivable(second, order=order)) == {other}
    house.wait(FORCED_TRANSFER_DELAY)
    assert changed(house, lambda: house.force_transfer(named(other))) == {other}

    of_bank = {token(first, 60_000), token(first, 70_000), other}
    assert changed(house, lambda: house.freeze_member(bank)) == of_bank
    assert changed(house, lambda: house.unfreeze_member(bank)) == of_bank
    # Whoever is frozen may still receive; what it receives is frozen from then on.
    house.freeze_member(bank)
    assert changed(house, lambda: house.endorse(front, to=bank, sender=house.supplier)) == {front}
    assert changed(house, lambda: house.split(token(first, 80_000), 90_000, to=bank)) == {token(first, 80_000)}
    assert changed(house, lambda: house.confirm(house.register())) == set()


def test_every_change_by_money_is_told(described: House, till: Till) -> None:
    house, due = described, described.midnight(days=3)
    repaid, settled, resolved = (house.confirmed(due=due) for _ in range(3))
    closed = till.parts(70_000, 80_000, due=due)
    front, tail = token(closed), token(closed, 70_000)

    assert changed(house, lambda: till.pledge(tail)) == {tail}
    assert changed(house, lambda: till.release(tail)) == {tail}
    assert changed(house, lambda: till.pledge_against(tail)) == {tail}
    assert changed(house, lambda: till.sell(front, cut=60_000, recourse=10_000)) == {front}
    sold = token(closed, 60_000)
    assert changed(house, lambda: till.sell(token(repaid), recourse=50_000)) == set()

    assert changed(house, lambda: till.credit(front, 10_000)) == set()
    front = token(closed, 10_000)
    assert changed(house, lambda: till.dispute(front, 40_000)) == {front}
    disputed, rest = front, token(closed, 40_000)
    assert changed(house, lambda: house.partition(named(disputed, 40_000), 30_000)) == {disputed}
    assert changed(house, lambda: till.credit(disputed, 5_000)) == set()
    disputed = {token(closed, 15_000), token(closed, 30_000)}
    others = {rest, sold, tail, token(closed, 80_000)}
    assert changed(house, lambda: till.pay(closed, 60_000)) == disputed | others
    assert changed(house, lambda: till.redeem(tail)) == set()
    others.remove(tail)

    assert changed(house, lambda: till.dispute(token(resolved), 1)) == {token(resolved)}
    assert changed(house, lambda: till.resolve(resolved)) == {token(resolved)}
    till.reach(settled)
    assert changed(house, lambda: till.pay(settled, 50_000)) == {token(settled)}
    assert changed(house, lambda: till.redeem(token(settled))) == {token(settled)}
    assert changed(house, lambda: house.partition(named(token(settled)), 33_333)) == {token(settled)}
    both = {token(settled), token(settled, 33_333)}
    assert changed(house, lambda: till.pay(settled, 50_000)) == both
    assert changed(house, lambda: till.redeem_many([*both])) == set()

    till.reach(repaid, days=OVERDUE_GRACE_DAYS)
    assert changed(house, lambda: till.dishonour(repaid)) == set()
    assert changed(house, lambda: till.demand(token(repaid))) == set()
    assert changed(house, lambda: till.repurchase(token(repaid))) == set()
    assert changed(house, lambda: till.close(repaid)) == {token(repaid)}
    assert changed(house, lambda: till.absolve(repaid)) == set()
    # What was paid in full stays so.
    assert changed(house, lambda: till.close(closed)) == disputed
    assert changed(house, lambda: till.redeem_many([*disputed, *others])) == set()


def test_what_changes_with_the_clock_alone_is_told_by_nobody(described: House) -> None:
    """No transaction, no event: an order that expires, a due date that comes. Readers know both instants."""
    house = described
    receivable_id = house.confirmed()
    house.freeze_receivable(receivable_id, expiry=house.now + DAY)
    before = metadata(house)
    house.wait(DAY)
    assert metadata(house) != before


def test_what_does_not_change_metadata_says_so_by_silence(described: House, receivable_id: int) -> None:
    house = described
    contract, operator = house.receivables, house.operator
    for call in (
        lambda: house.endorse(token(receivable_id)),
        lambda: house.endorse(token(receivable_id), to=house.seller, sender=house.supplier),
        lambda: contract.approve(house.bank, token(receivable_id), sender=house.seller),
        lambda: contract.setApprovalForAll(house.bank, True, sender=house.seller),
        lambda: house.admit(house.stranger, roles=SUPPLIER_ROLE),
        lambda: house.suspend(house.stranger),
        lambda: contract.pause(sender=operator),
        lambda: contract.unpause(sender=operator),
        lambda: contract.setParameter(1, 90, house.midnight(days=1), sender=operator),
        lambda: contract.setRules(NOBODY, sender=operator),
        lambda: contract.sunset(sender=operator),
    ):
        receipt = call()
        assert not {"MetadataUpdate", "BatchMetadataUpdate"} & set(receipt.names)
