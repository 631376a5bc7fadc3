"""The registry of the contract tests, audited after every one of them, whatever it was about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from registry.chain.compile import compile_contracts
from registry.settings import PROJECT_ROOT
from tests.contracts.bank import Bank, open_bank
from tests.contracts.door import Door
from tests.contracts.house import DEBTOR_ROLE, FINANCIER_ROLE, House, container, deploy_house
from tests.contracts.till import Till


@pytest.fixture(scope="session")
def project(project: Any) -> Any:
    """ape's project, compiled anew where its build is old.

    ape compiles a file again when it changed, not when a file that it imports did; ours is kept by content.
    """
    for name, artifact in compile_contracts().items():
        if artifact.runtime and project.contracts[name].contract_type.deployment_bytecode.bytecode != (
            "0x" + artifact.bytecode.hex()
        ):
            project.load_contracts(use_cache=False)
            break
    return project


@pytest.fixture(scope="session")
def empty_house(project: Any, accounts: Any) -> House:
    """A registry without members. ape takes back what a test does to it."""
    return deploy_house(project, accounts)


@pytest.fixture(scope="session")
def peopled_house(empty_house: House) -> House:
    """The same, with a seller, a buyer, a supplier and a bank."""
    return empty_house.peopled()


@pytest.fixture
def house(peopled_house: House) -> Iterator[House]:
    """A registry with members, audited after the test."""
    yield peopled_house
    peopled_house.audit()


@pytest.fixture
def bank(house: House, project: Any) -> Bank:
    """A bank without deposits, whose token and desk the registry knows."""
    return open_bank(house, project)


@pytest.fixture(scope="module")
def opened_till(peopled_house: House, project: Any, helpers: dict[str, Any]) -> Till:
    """The same house with a bank, and with a desk that is told what to do. ape takes back what a test does to it."""
    return Till(peopled_house, open_bank(peopled_house, project), peopled_house.made(helpers["Wallet"]))


@pytest.fixture
def till(house: House, opened_till: Till) -> Till:
    """The money of the house, audited with it."""
    return opened_till


@pytest.fixture
def receivable_id(house: House) -> int:
    """A confirmed receivable over 100,000 cents, all of them the seller's."""
    return house.confirmed()


@pytest.fixture(scope="session")
def helpers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The contracts of tests/contracts/fixtures, compiled as the product's are but apart from them."""
    root = tmp_path_factory.mktemp("helpers")
    (root / "contracts").symlink_to(Path(__file__).parent / "fixtures")
    (root / "node_modules").symlink_to(PROJECT_ROOT / "node_modules")
    return {name: container(artifact) for name, artifact in compile_contracts(root, strict=True).items()}


@pytest.fixture
def wallet(house: House, helpers: dict[str, Any]) -> Door:
    """A contract that is a member; its receiver hook and its signatures say yes until told otherwise."""
    made = house.made(helpers["Wallet"])
    house.admit(made, roles=FINANCIER_ROLE)
    return made


@pytest.fixture
def hookless(house: House, helpers: dict[str, Any]) -> Door:
    """A contract that is a member and knows nothing of tokens."""
    made = house.made(helpers["Hookless"])
    house.admit(made, roles=FINANCIER_ROLE | DEBTOR_ROLE)
    return made


@pytest.fixture
def descriptor(house: House, project: Any) -> Door:
    """The descriptor of certificates, set in the house's registry."""
    deployed = house.operator.deploy(project.CertificateDescriptor)
    house.receivables.setDescriptor(deployed, sender=house.operator)
    return Door(deployed, house.receivables.contract_type)
