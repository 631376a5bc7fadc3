"""Members: admitted and suspended by the operator alone, eligible until suspended or expired."""

from __future__ import annotations

from typing import Any

import ape
import pytest

from registry.chain.words import MemberWord
from tests.contracts.conftest import (
    DAY,
    FINANCIER_ROLE,
    NOBODY,
    SUPPLIER_ROLE,
    House,
    deploy_house,
    events,
    named,
    raw,
    refused,
)


def word(house: House, member: Any) -> MemberWord:
    return house.view.members([raw(member)])[raw(member)]


def test_admission_writes_the_members_word_and_tells_its_terms(house: House) -> None:
    expiry = house.now + 90 * DAY
    house.at(house.now + 5)
    receipt = house.receivables.admit(house.stranger, expiry, 5, b"\x09" * 32, sender=house.operator)

    assert word(house, house.stranger) == MemberWord(balance=0, kyc_expiry=expiry, roles=5, status=1)
    assert events(receipt) == [
        (
            "MemberAdmitted",
            {
                "member": house.stranger.address,
                "actor": house.operator.address,
                "kycExpiry": expiry,
                "roles": 5,
                "profile": b"\x09" * 32,
                "at": house.now,
            },
        )
    ]
    assert house.receivables.isEligible(house.stranger)


def test_suspension_keeps_the_terms_and_takes_the_eligibility(house: House) -> None:
    before = word(house, house.seller)
    receipt = house.receivables.suspend(house.seller, 7, sender=house.operator)

    after = word(house, house.seller)
    assert (after.status, after.kyc_expiry, after.roles) == (2, before.kyc_expiry, before.roles)
    assert events(receipt) == [
        (
            "MemberSuspended",
            {"member": house.seller.address, "actor": house.operator.address, "reason": 7, "at": house.now},
        )
    ]
    assert not house.receivables.isEligible(house.seller)


def test_a_new_admission_lifts_a_suspension_and_keeps_the_balance(house: House) -> None:
    house.confirmed()
    house.suspend(house.seller)
    house.admit(house.seller, roles=FINANCIER_ROLE)

    assert word(house, house.seller).balance == 1
    assert word(house, house.seller).roles == FINANCIER_ROLE
    assert house.receivables.isEligible(house.seller)


def test_kyc_ends_at_the_second_of_its_expiry(house: House) -> None:
    house.admit(house.seller, expiry=house.now + 100)
    expiry = word(house, house.seller).kyc_expiry
    claim = house.claim()

    house.at(expiry - 1)
    house.register(claim)
    house.at(expiry)
    with refused("MemberNotEligible", member=house.seller.address):
        house.register(house.claim())


@pytest.mark.parametrize("field", ["member", "expiry", "roles"])
def test_a_malformed_admission_is_refused(house: House, field: str) -> None:
    member = NOBODY if field == "member" else house.stranger
    house.at(house.now + 10)
    expiry = house.now + (10 if field == "expiry" else 11)  # the next block's own second is not in the future
    roles = 0 if field == "roles" else SUPPLIER_ROLE
    with refused("MemberMalformed"):
        house.receivables.admit(member, expiry, roles, b"\x01" * 32, sender=house.operator)


def test_only_an_active_member_is_suspended(house: House) -> None:
    with refused("UnknownMember", member=house.stranger.address):
        house.suspend(house.stranger)
    house.suspend(house.seller)
    with refused("UnknownMember", member=house.seller.address):
        house.suspend(house.seller)


def test_a_suspension_needs_a_reason(house: House) -> None:
    with refused("ReasonMissing"):
        house.receivables.suspend(house.seller, 0, sender=house.operator)


@pytest.mark.parametrize("person", ["seller", "buyer", "bank", "stranger"])
def test_nobody_but_the_operator_admits_or_suspends(house: House, person: str) -> None:
    caller = getattr(house, person)
    with refused("AccessManagedUnauthorized", caller=caller.address):
        house.receivables.admit(caller, house.now + DAY, 1, b"\x01" * 32, sender=caller)
    with refused("AccessManagedUnauthorized", caller=caller.address):
        house.receivables.suspend(house.seller, 1, sender=caller)


def test_an_operator_who_lost_the_role_can_do_nothing_more(house: House) -> None:
    house.access.grantRole(1, house.bank, 0, sender=house.operator)
    house.receivables.admit(house.stranger, house.now + DAY, 1, b"\x01" * 32, sender=house.bank)
    house.access.revokeRole(1, house.bank, sender=house.operator)
    with refused("AccessManagedUnauthorized", caller=house.bank.address):
        house.receivables.suspend(house.stranger, 1, sender=house.bank)


def test_only_the_access_manager_can_name_its_successor(house: House) -> None:
    with refused("AccessManagedUnauthorized", caller=house.operator.address):
        house.receivables.setAuthority(house.access, sender=house.operator)


def test_the_operators_role_stops_at_members(house: House) -> None:
    """It is no key to anybody's certificate."""
    certificate = house.confirmed() << 64
    with refused("NotHolder", caller=house.operator.address):
        house.receivables.endorse(named(certificate), house.bank, bytes(32), sender=house.operator)


def test_a_second_registry_starts_without_members(project: Any, accounts: Any, house: House) -> None:
    second = deploy_house(project, accounts)
    assert not second.receivables.isEligible(house.seller)
    assert second.receivables.address != house.receivables.address
    assert ape.chain.provider.get_code(second.receivables.address) != b""
