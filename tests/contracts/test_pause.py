"""The pause: registering, answering and moving stop; orders, members and approvals go on; the window's clock stands."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.door import refused
from tests.contracts.house import (
    ANSWER_WINDOW_DAYS,
    DAY,
    DOCUMENT,
    NO_DOCUMENT,
    NOBODY,
    YEAR,
    House,
    named,
    parts_of,
    token,
)


def pause(house: House) -> Any:
    return house.receivables.pause(sender=house.operator)


def unpause(house: House) -> Any:
    return house.receivables.unpause(sender=house.operator)


def paused_seconds(house: House) -> int:
    return int(house.receivables.policy().registration) >> 208 & 2**32 - 1


def test_a_pause_and_its_end_are_told(house: House) -> None:
    assert pause(house).events == [("Paused", {"actor": house.operator.address, "at": house.now})]
    since = house.now
    policy = house.receivables.policy()
    assert (policy.pausedSince, policy.movement >> 240 & 1, paused_seconds(house)) == (since, 1, 0)
    house.wait(1_000)
    assert unpause(house).events == [("Unpaused", {"actor": house.operator.address, "at": house.now})]
    policy = house.receivables.policy()
    assert (policy.pausedSince, policy.movement >> 240 & 1) == (0, 0)
    assert paused_seconds(house) == house.now - since


def test_a_pause_is_not_paused_and_its_end_not_ended(house: House) -> None:
    with refused("RegistryNotPaused"):
        unpause(house)
    pause(house)
    with refused("RegistryPaused"):
        pause(house)
    unpause(house)
    with refused("RegistryNotPaused"):
        unpause(house)


def test_several_pauses_add_up(house: House) -> None:
    total = 0
    for length in (1, 100, YEAR):
        pause(house)
        since = house.now
        house.at(since + length)
        unpause(house)
        total += length
    assert paused_seconds(house) == total


def test_every_operation_of_members_stops_and_goes_on_after_it(house: House) -> None:
    opened, offered, declined, taken, lapsing = (house.register() for _ in range(5))
    house.counter_offer(offered)
    front = token(house.confirmed())
    house.split(front, 50_000, to=house.seller)
    left, spare, moving = house.present(front), house.confirmed(), house.confirmed()
    contract, seller, bank = house.receivables, house.seller, house.bank
    part = {"cut": 70_000, "receiver": bank.address, "document": NO_DOCUMENT}
    endorsement = {"range": named(token(spare)), "receiver": bank.address, "document": NO_DOCUMENT}
    fields = parts_of(named(token(moving))) | {"receiver": bank.address, "document": DOCUMENT}
    by = house.authorise("Endorse", seller, **fields)
    calls = [
        house.register,
        lambda: house.counter_offer(opened),
        lambda: house.confirm(opened),
        lambda: house.accept_offer(offered),
        lambda: house.refuse(declined),
        lambda: house.withdraw(taken),
        lambda: contract.merge(left, 100_000, sender=seller),
        lambda: contract.split(named(front), 60_000, bank, NO_DOCUMENT, sender=seller),
        lambda: contract.splitMany(named(token(spare)), [part], sender=seller),
        lambda: contract.endorse(named(front, 60_000), bank, NO_DOCUMENT, sender=seller),
        lambda: contract.endorseMany([endorsement | {"range": named(token(spare), 70_000)}], sender=seller),
        lambda: contract.transferFrom(bank, seller, front, sender=bank),
        lambda: contract.endorseBySignature(named(token(moving)), bank, DOCUMENT, by, sender=house.stranger),
        lambda: house.lapse(lapsing),
    ]
    house.admit(house.seller, roles=7)
    pause(house)
    before = house.storage_root()
    for call in calls:
        with refused("RegistryPaused"):
            call()
    assert house.storage_root() == before
    assert house.receivables.canTransfer(seller, bank, front) is False
    unpause(house)
    for call in calls[:-1]:
        call()
    house.wait(ANSWER_WINDOW_DAYS * DAY)
    calls[-1]()


def test_what_no_pause_touches(house: House, receivable_id: int) -> None:
    """Members, approvals, orders, the switches themselves. (Orders while paused: test_orders.)"""
    contract, operator = house.receivables, house.operator
    pause(house)
    house.admit(house.stranger)
    house.suspend(house.stranger)
    contract.approve(house.bank, token(receivable_id), sender=house.seller)
    contract.setApprovalForAll(house.bank, True, sender=house.seller)
    contract.cancelNonces(1, 1, sender=house.seller)
    by = house.authorise("Approve", house.seller, **parts_of(named(token(receivable_id))), to=house.stranger.address)
    contract.approveBySignature(named(token(receivable_id)), house.stranger, by, sender=house.bank)
    contract.setParameter(1, 90, house.midnight(days=1), sender=operator)
    contract.setRules(NOBODY, sender=operator)
    contract.setDescriptor(NOBODY, sender=operator)
    contract.sunset(sender=operator)
    unpause(house)
    assert contract.getApproved(token(receivable_id)) == house.stranger


def test_a_sunset_pause_still_ends(house: House, receivable_id: int) -> None:
    house.receivables.sunset(sender=house.operator)
    pause(house)
    with refused("RegistryPaused"):  # the pause is asked about first
        house.register()
    unpause(house)
    with refused("RegistryInSunset"):
        house.register()
    house.endorse(token(receivable_id))


@pytest.mark.parametrize("shift", [0, 1])
def test_a_claim_registered_in_the_second_of_a_pauses_end_has_its_whole_window(house: House, shift: int) -> None:
    pause(house)
    house.wait(7 * DAY)
    house.at(house.now + 10)
    unpause(house)
    house.node.request("anvil_setBlockTimestampInterval", shift)
    opened = house.register()
    house.node.request("anvil_removeBlockTimestampInterval")
    registered_at, answer_by = house.terms(opened)["registeredAt"], house.terms(opened)["answerBy"]
    house.at(registered_at + ANSWER_WINDOW_DAYS * DAY - 1)
    with refused("AnswerWindowOpen", answerBy=answer_by):
        house.lapse(opened)
    house.at(registered_at + ANSWER_WINDOW_DAYS * DAY)
    house.lapse(opened)
