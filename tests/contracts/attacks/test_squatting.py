"""Fingerprints: invoices that somebody else registers first, claims without end, numbers that are free again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.door import Reverted, refused
from tests.contracts.house import (
    DAY,
    UNANSWERED_MAX,
    House,
    deploy_house,
)


def test_a_squatter_takes_nobodys_place(house: House) -> None:
    """Somebody else registers the seller's invoice first, with the same and with other terms: the seller's own claim is
    registered, and confirmed, as if there were no other."""
    claim, squatter, contract = house.claim(), house.supplier, house.receivables
    squatted = house.register(claim, sender=squatter)
    house.register(claim | {"debtor": house.bank.address}, sender=squatter)
    house.register(claim | {"debtor": house.seller.address}, sender=squatter)
    own = house.register(claim)
    assert contract.receivableOf(claim["fingerprint"], house.buyer, house.seller) == own
    with refused("FingerprintTaken", receivableId=squatted):
        house.register(claim | {"face": 1}, sender=squatter)
    # In the seller's name it registers nothing, neither by a signature of its own nor by an old one of the seller's.
    forged = house.authorise("Register", house.seller, key=squatter, **house.claim())
    for each in (house.claim(), claim):
        with pytest.raises(Reverted, match="SignatureInvalid"):
            contract.registerBySignature(each, forged, sender=squatter)
    house.confirm(own)
    house.refuse(squatted)
    assert contract.receivableOf(claim["fingerprint"], house.buyer, house.seller) == own
    with refused("FingerprintTaken", receivableId=own):
        house.register(claim)


def test_nobody_fills_up_another_pairs_claims(house: House) -> None:
    """A spammer claims from the debtor, and from the originator, as often as it may: the pair has all its room."""
    spammer = house.supplier
    for debtor in (house.buyer, house.seller):
        for _ in range(UNANSWERED_MAX):
            house.register(house.claim(debtor=debtor.address), sender=spammer)
        with refused("TooManyUnanswered", limit=UNANSWERED_MAX):
            house.register(house.claim(debtor=debtor.address), sender=spammer)
    opened = [house.register() for _ in range(UNANSWERED_MAX)]
    assert house.receivables.unanswered(house.buyer, house.seller) == UNANSWERED_MAX
    with refused("TooManyUnanswered", limit=UNANSWERED_MAX):
        house.register()
    house.refuse(opened[0])
    house.register()


def test_an_ended_claim_is_free_and_its_answers_are_not_of_the_next(house: House) -> None:
    """Refused, withdrawn, lapsed: the invoice is registered anew under another number, and nothing that was said or
    signed about the former one answers it."""
    claim, contract = house.claim(), house.receivables
    fields = {"originator": house.seller.address, **{name: claim[name] for name in ("face", "due", "currency")}}
    former: list[tuple[int, dict[str, Any], dict[str, Any]]] = []
    for end in (house.refuse, house.withdraw, house.lapse):
        opened = house.register(claim)
        former.append(
            (opened, house.terms(opened), house.authorise("Confirm", house.buyer, receivableId=opened, **fields))
        )
        if end == house.lapse:
            house.wait(10 * DAY)
        end(opened)
        assert contract.isClaimed(claim["fingerprint"], house.buyer, house.seller) is False
    last = house.register(claim)
    for opened, terms, signed in former:
        with pytest.raises(Reverted, match="AnchorMismatch"):
            contract.confirmBySignature(opened, terms, [], signed, sender=house.seller)
        with pytest.raises(Reverted, match="SignatureInvalid"):
            contract.confirmBySignature(last, terms, [], signed, sender=house.seller)
        with refused("AnchorMismatch", head=house.head(last)):
            contract.confirm(last, terms, [], sender=house.buyer)
    house.confirm(last)


def test_a_squatter_in_the_predecessor_takes_nobodys_place_in_the_successor(
    house: House, project: Any, accounts: Any
) -> None:
    claim = house.claim()
    house.register(claim, sender=house.supplier)
    house.receivables.sunset(sender=house.operator)
    successor = deploy_house(project, accounts, predecessor=house.receivables.address).peopled()
    successor.confirm(successor.register(claim))
    with refused("TakenInPredecessor"):
        successor.register(claim, sender=house.supplier)
    successor.audit()
