"""Sunset and successor: what ends, what runs off, and that no claim lives in two registries."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.door import Door, refused
from tests.contracts.house import (
    ANSWER_WINDOW_DAYS,
    DAY,
    FORCED_TRANSFER_DELAY,
    NOBODY,
    House,
    deploy_house,
    named,
    token,
)


def end(house: House) -> Any:
    return house.receivables.sunset(sender=house.operator)


# ------------------------------------------------------------------- sunset


def test_a_sunset_is_told_and_is_for_ever(house: House) -> None:
    assert end(house).events == [("Sunset", {"actor": house.operator.address, "at": house.now})]
    assert house.receivables.policy().movement >> 241 == 1
    with refused("RegistryInSunset"):
        end(house)


def test_after_it_nothing_is_registered_or_confirmed(house: House) -> None:
    opened, offered = house.register(), house.register()
    house.counter_offer(offered)
    end(house)
    with refused("RegistryInSunset"):
        house.register()
    with refused("RegistryInSunset"):
        house.confirm(opened)
    with refused("RegistryInSunset"):
        house.accept_offer(offered)


def test_after_it_claims_end_and_certificates_run_off(house: House) -> None:
    declined, taken, lapsing, offered = (house.register() for _ in range(4))
    receivable_id, frozen = house.confirmed(), house.confirmed()
    end(house)
    house.counter_offer(offered)  # a word between the parties, which changes nothing
    house.refuse(declined)
    house.withdraw(taken)
    house.split(token(receivable_id), 50_000, to=house.seller)
    house.merge(token(receivable_id))
    house.endorse(token(receivable_id))
    house.freeze_certificate(named(token(frozen)))
    house.wait(FORCED_TRANSFER_DELAY)
    house.force_transfer(named(token(frozen)))
    house.admit(house.stranger)
    house.wait(ANSWER_WINDOW_DAYS * DAY)
    house.lapse(lapsing)


# ---------------------------------------------------------------- successor


@pytest.fixture
def successor(project: Any, accounts: Any, house: House) -> House:
    """The registry that succeeds this one, with the same members. The old one is in its sunset.

    Its claims: 1 confirmed, 2 unanswered, 3 refused.
    """
    house.confirmed()
    house.register()
    house.refuse(house.register())
    end(house)
    return deploy_house(project, accounts, predecessor=house.receivables.address).peopled()


def claim_of(house: House, receivable_id: int) -> dict[str, Any]:
    """The claim as it was registered there, to be registered again."""
    claim: dict[str, Any] = house.terms(receivable_id)["claim"]
    return claim


def test_what_lives_in_the_predecessor_stays_taken(house: House, successor: House) -> None:
    for receivable_id in (1, 2):
        with refused("TakenInPredecessor"):
            successor.register(claim_of(house, receivable_id))
    assert successor.register(claim_of(house, 3)) == 1
    successor.audit()


def test_what_ends_in_the_predecessor_is_free(house: House, successor: House) -> None:
    house.withdraw(2)
    successor.confirm(successor.register(claim_of(house, 2)))
    successor.audit()


def test_only_the_same_claim_of_the_same_pair_is_taken(house: House, successor: House) -> None:
    claim = claim_of(house, 1)
    assert successor.receivables.isClaimed(claim["fingerprint"], house.buyer, house.seller) is True
    assert successor.receivables.isClaimed(claim["fingerprint"], house.buyer, house.supplier) is False
    successor.register(claim, sender=house.supplier)
    assert successor.receivables.receivableOf(claim["fingerprint"], house.buyer, house.seller) == 0


def test_a_successors_own_claims_are_its_own(house: House, successor: House) -> None:
    claim = successor.claim()
    receivable_id = successor.register(claim)
    with refused("FingerprintTaken", receivableId=receivable_id):
        successor.register(claim)
    assert house.receivables.isClaimed(claim["fingerprint"], house.buyer, house.seller) is False
    assert successor.receivables.predecessor() == house.receivables.address
    assert successor.genesis(receivable_id) != house.genesis(receivable_id)


def test_a_third_registry_sees_the_first(project: Any, accounts: Any, house: House, successor: House) -> None:
    end(successor)
    third = deploy_house(project, accounts, predecessor=successor.receivables.address).peopled()
    for receivable_id in (1, 2):
        with refused("TakenInPredecessor"):
            third.register(claim_of(house, receivable_id))
    third.register(claim_of(house, 3))
    house.refuse(2)
    third.register(claim_of(house, 2))
    third.audit()


def extensions(house: House, project: Any, predecessor: str) -> tuple[Door, Door, Door]:
    """Settlement, oversight and signatures, made for this predecessor."""
    settlement = house.made(project.ReceivablesSettlement, predecessor)
    oversight = house.made(project.ReceivablesOversight, house.regulation, 0, settlement, predecessor)
    return settlement, oversight, house.made(project.ReceivablesBySignature, oversight, predecessor)


def test_a_registry_that_lives_has_no_successor(project: Any, house: House) -> None:
    """Two could register the same claim otherwise."""
    predecessor = house.receivables.address
    *_, by_signature = extensions(house, project, predecessor)
    arguments = (house.access, by_signature, predecessor, (1, 1, 1, 1, 1))
    with refused("PredecessorLives"):
        house.receivables.create(project.Receivables, *arguments, sender=house.operator)
    house.receivables.pause(sender=house.operator)
    with refused("PredecessorLives"):
        house.receivables.create(project.Receivables, *arguments, sender=house.operator)
    end(house)
    house.receivables.create(project.Receivables, *arguments, sender=house.operator)


def test_registry_and_extensions_are_made_for_the_same_predecessor(project: Any, house: House) -> None:
    """An extension would otherwise ask another registry, or none, about the claims of before."""
    end(house)
    predecessor, values = house.receivables.address, (1, 1, 1, 1, 1)
    settlement, oversight, by_signature = extensions(house, project, predecessor)
    create = house.receivables.create
    with refused("ExtensionMismatch"):
        create(project.ReceivablesOversight, house.regulation, 0, settlement, NOBODY, sender=house.operator)
    with refused("ExtensionMismatch"):
        create(project.ReceivablesBySignature, oversight, NOBODY, sender=house.operator)
    with refused("ExtensionMismatch"):
        create(project.Receivables, house.access, by_signature, NOBODY, values, sender=house.operator)
    with refused("ExtensionMismatch"):
        create(project.Receivables, house.access, house.by_signature, predecessor, values, sender=house.operator)
