"""The registry of the contract tests, audited after every one of them, whatever it was about."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from registry.chain.compile import compile_contracts
from registry.chain.devchain import DevChain
from registry.settings import PROJECT_ROOT
from tests.contracts.bank import Bank, open_bank
from tests.contracts.door import Door, taken_back
from tests.contracts.house import DEBTOR_ROLE, FINANCIER_ROLE, House, container, deploy_house
from tests.contracts.till import Till

CHAIN = "APE_FOUNDRY_HOST"
"""Names ape's chain where it is not to start one."""


def pytest_configure(config: pytest.Config) -> None:
    """Give ape the chain of the other tests.

    Its own would trace every step, and write every state to the disk: gigabytes. Its isolation of tests asks the node a
    dozen times for each; ours, below, does so twice.
    """
    config.option.disable_isolation = True
    shares_out = config.option.dist != "no" and not hasattr(config, "workerinput")
    if CHAIN in os.environ or shares_out:
        return
    folder = tempfile.TemporaryDirectory(prefix="counterfoil-ape-")
    chain = DevChain.start(Path(folder.name), keeps=False)
    os.environ[CHAIN] = chain.url
    config.add_cleanup(folder.cleanup)
    config.add_cleanup(chain.stop)


@pytest.fixture(scope="session")
def project() -> Any:
    """The contracts by name, as ape deploys them. That ape compiles them to the same is for test_deploy_script."""
    return SimpleNamespace(**{name: container(artifact) for name, artifact in compile_contracts().items()})


@pytest.fixture(scope="session")
def peopled_house(project: Any, accounts: Any) -> House:
    """A registry with a seller, a buyer, a supplier and a bank."""
    return deploy_house(project, accounts).peopled()


@pytest.fixture(scope="module", autouse=True)
def what_a_file_made(peopled_house: House) -> Iterator[None]:
    """What is made for the tests of a file is gone after it."""
    with taken_back():
        yield


@pytest.fixture(autouse=True)
def what_a_test_did(what_a_file_made: None) -> Iterator[None]:
    """What a test does is undone after it.

    So is what a fixture of its file made too late: one that only an overridden fixture of the same name asks for.
    """
    with taken_back():
        yield


@pytest.fixture
def house(peopled_house: House) -> Iterator[House]:
    """A registry with members, audited after the test."""
    yield peopled_house
    peopled_house.audit()


@pytest.fixture(scope="module")
def opened_bank(peopled_house: House, project: Any) -> Bank:
    """The same house with a bank."""
    return open_bank(peopled_house, project)


@pytest.fixture
def bank(house: House, opened_bank: Bank) -> Bank:
    """A bank without deposits, whose token and desk the registry knows, audited with the house."""
    return opened_bank


@pytest.fixture(scope="module")
def opened_till(peopled_house: House, opened_bank: Bank, helpers: dict[str, Any]) -> Till:
    """The same house and bank, with a desk that is told what to do."""
    return Till(peopled_house, opened_bank, peopled_house.made(helpers["Wallet"]))


@pytest.fixture
def till(house: House, opened_till: Till) -> Till:
    """The money of the house, audited with it."""
    return opened_till


@pytest.fixture
def receivable_id(house: House) -> int:
    """A confirmed receivable over 100,000 cents, all of them the seller's."""
    return house.confirmed()


@pytest.fixture(scope="session")
def helpers() -> dict[str, Any]:
    """The contracts of tests/contracts/fixtures, compiled as the product's are but apart from them."""
    root = PROJECT_ROOT / "build" / "helpers"
    root.mkdir(parents=True, exist_ok=True)
    places = {"contracts": Path(__file__).parent / "fixtures", "node_modules": PROJECT_ROOT / "node_modules"}
    for name, place in places.items():
        with suppress(FileExistsError):
            (root / name).symlink_to(place)
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
    made = house.made(project.CertificateDescriptor)
    house.receivables.setDescriptor(made, sender=house.operator)
    return made
