"""Power: an operator who would be the regulator, and the desk that it names."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.contracts.door import Reverted, refused, selector
from tests.contracts.house import (
    DOCUMENT,
    NOBODY,
    OFFICER_FUNCTIONS,
    OFFICER_ROLE,
    House,
    token,
)
from tests.contracts.test_strangers import WRITES, Scene
from tests.contracts.till import Till

# ------------------------------------------ the operator's administrator as officer


def orders(scene: Scene, caller: Any) -> dict[str, bytes]:
    """The calldata of every order, with the second signature that it needs."""
    contract = scene.house.receivables
    return {
        signature: getattr(contract, signature.partition("(")[0]).encode_input(*WRITES[signature][1](scene, caller))
        for signature in OFFICER_FUNCTIONS
    }


def test_no_role_of_the_operators_manager_makes_an_officer(scene: Scene) -> None:
    """Its administrator gives itself every role there is, and every function of the officers to each of them."""
    house, access, operator, contract = scene.house, scene.house.access, scene.house.operator, scene.house.receivables
    functions = [selector(function) for function in OFFICER_FUNCTIONS]
    for role in (0, 1, 2, OFFICER_ROLE, 4, 7, 2**64 - 1):
        if role != 2**64 - 1:  # the public role is everybody's, and not to be granted
            access.grantRole(role, operator, 0, sender=operator)
        for target in (contract, house.regulation):
            access.setTargetFunctionRole(target, functions, role, sender=operator)
        before = house.storage_root()
        for call in orders(scene, operator).values():
            with refused("NotOfficer", account=operator.address):
                contract.send(call, sender=operator)
            with pytest.raises(Reverted, match="NotOfficer"):
                access.execute(contract, call, sender=operator)
        assert house.storage_root() == before


def test_an_authority_that_says_yes_to_all_makes_no_officer_and_moves_nothing(
    scene: Scene, helpers: dict[str, Any]
) -> None:
    """The operator names a manager that lets everybody do everything: that is the operator's part, and no other."""
    house, contract = scene.house, scene.house.receivables
    yes = house.made(helpers["YesToAll"])
    house.access.updateAuthority(contract, yes, sender=house.operator)
    for person in (house.operator, house.stranger):
        before = house.storage_root()
        for signature, call in orders(scene, person).items():
            with refused("NotOfficer", account=person.address):
                contract.send(call, sender=person)
            with pytest.raises(Reverted, match="NotOfficer"):
                house.regulation.execute(contract, call, sender=house.officer)
            assert house.storage_root() == before, signature
        with refused("NotHolder", caller=person.address):
            contract.endorse(scene.left, person, DOCUMENT, sender=person)
        with refused("NotDesk", account=person.address):
            contract.sell(scene.till.deal(scene.front), sender=person)
    # Nor does such a contract, in whose place the regulator's stands for good, become an officer by itself.
    assert contract.regulation() == house.regulation.address
    contract.setDescriptor(NOBODY, sender=house.stranger)  # this is what it opened


def test_the_operator_touches_nothing_in_the_regulators_manager(house: House) -> None:
    """Every function of an AccessManager that changes something, by the operator and by a single officer."""
    manager, contract = house.regulation, house.receivables
    functions = [selector(function) for function in OFFICER_FUNCTIONS]
    root = house.node.request("eth_getProof", manager.address, [], "latest")["storageHash"]
    for person in (house.operator, house.officer, house.stranger):
        for call in (
            partial(manager.grantRole, OFFICER_ROLE, house.operator, 0, sender=person),
            partial(manager.grantRole, 0, house.operator, 0, sender=person),
            partial(manager.revokeRole, OFFICER_ROLE, house.countersigner, sender=person),
            partial(manager.labelRole, OFFICER_ROLE, "operator", sender=person),
            partial(manager.setRoleAdmin, OFFICER_ROLE, 1, sender=person),
            partial(manager.setRoleGuardian, OFFICER_ROLE, 1, sender=person),
            partial(manager.setGrantDelay, OFFICER_ROLE, 0, sender=person),
            partial(manager.setTargetFunctionRole, contract, functions, 1, sender=person),
            partial(manager.setTargetAdminDelay, contract, 0, sender=person),
            partial(manager.setTargetClosed, contract, True, sender=person),
            partial(manager.updateAuthority, contract, house.access, sender=person),
        ):
            with pytest.raises(Reverted, match="AccessManagerUnauthorizedAccount"):
                call()
        if person is not house.officer:
            call = manager.grantRole.encode_input(OFFICER_ROLE, house.operator, 0)
            with pytest.raises(Reverted, match="AccessManagerUnauthorizedC"):
                manager.execute(manager, call, sender=person)
    assert house.node.request("eth_getProof", manager.address, [], "latest")["storageHash"] == root


# ------------------------------------------------------------ a hostile desk


def test_a_new_desk_inherits_no_approval(house: House, till: Till, helpers: dict[str, Any]) -> None:
    """The operator names a desk of its own: whoever let the former one sell has let this one do nothing."""
    hostile, contract = house.made(helpers["Wallet"]), house.receivables
    certificate = token(house.confirmed())
    contract.approve(till.desk, certificate, sender=house.seller)
    contract.setDesk(hostile, sender=house.operator)
    for function in ("sell", "pledgeAgainst"):
        call = getattr(contract, function).encode_input(till.deal(certificate, price=1, amount=1))
        with till.refused("NotHolder", caller=hostile.address):
            hostile.execute(contract, call, sender=house.stranger)
        with till.refused("NotDesk", account=till.desk.address):
            till.desk.execute(contract, call, sender=house.stranger)
