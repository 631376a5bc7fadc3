"""Members: admitted and suspended by the operator alone, eligible until suspended or expired."""

from __future__ import annotations

from typing import Any

import ape
import pytest

from tests.contracts.door import refused
from tests.contracts.house import (
    DAY,
    FINANCIER_ROLE,
    NOBODY,
    OPERATOR_ROLE,
    SUPPLIER_ROLE,
    House,
    Member,
    deploy_house,
    named,
)


def test_admission_writes_the_members_word_and_tells_its_terms(house: House) -> None:
    expiry = house.now + 90 * DAY
    house.at(house.now + 5)
    receipt = house.receivables.admit(house.stranger, expiry, 5, b"\x09" * 32, sender=house.operator)

    assert house.member(house.stranger) == Member(balance=0, kyc_expiry=expiry, roles=5, status=1)
    assert receipt.events == [
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
    assert house.receivables.isEligible(house.stranger) is True


def test_the_largest_terms_stay_in_their_places(house: House) -> None:
    house.confirmed()
    house.receivables.admit(house.seller, 2**40 - 1, 2**32 - 1, b"\x09" * 32, sender=house.operator)
    assert house.member(house.seller) == Member(balance=1, kyc_expiry=2**40 - 1, roles=2**32 - 1, status=1)


def test_suspension_keeps_the_terms_and_takes_the_eligibility(house: House) -> None:
    before = house.member(house.seller)
    receipt = house.receivables.suspend(house.seller, 7, sender=house.operator)

    assert house.member(house.seller) == Member(**(vars(before) | {"status": 2}))
    assert receipt.events == [
        (
            "MemberSuspended",
            {"member": house.seller.address, "actor": house.operator.address, "reason": 7, "at": house.now},
        )
    ]
    assert house.receivables.isEligible(house.seller) is False


def test_a_new_admission_lifts_a_suspension_and_keeps_the_balance(house: House) -> None:
    house.confirmed()
    house.suspend(house.seller)
    house.admit(house.seller, roles=FINANCIER_ROLE)

    assert house.member(house.seller).balance == 1
    assert house.member(house.seller).roles == FINANCIER_ROLE
    assert house.receivables.isEligible(house.seller) is True


def test_kyc_ends_at_the_second_of_its_expiry(house: House) -> None:
    house.admit(house.seller, expiry=house.now + 100)
    expiry = house.member(house.seller).kyc_expiry
    claim = house.claim()

    house.at(expiry - 1)
    house.register(claim)
    house.at(expiry)
    with refused("MemberNotEligible", member=house.seller.address):
        house.register(house.claim())


@pytest.mark.parametrize("field", ["member", "registry", "expiry", "roles"])
def test_a_malformed_admission_is_refused(house: House, field: str) -> None:
    member = {"member": NOBODY, "registry": house.receivables.address}.get(field, house.stranger)
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


def test_an_operator_who_lost_the_role_can_do_nothing_more(house: House) -> None:
    house.access.grantRole(OPERATOR_ROLE, house.bank, 0, sender=house.operator)
    house.receivables.admit(house.stranger, house.now + DAY, 1, b"\x01" * 32, sender=house.bank)
    house.access.revokeRole(OPERATOR_ROLE, house.bank, sender=house.operator)
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
    assert second.receivables.isEligible(house.seller) is False
    assert second.receivables.address != house.receivables.address
    assert ape.chain.provider.get_code(second.receivables.address) != b""
