"""A registry under ape: ape's own compilation, accounts and ABI coding judge the contract, apart from registry.chain.

After every test the audit folds all journals and compares heads and words, whatever the test was about.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ape
import pytest
from ape.contracts import ContractContainer
from ape.exceptions import ContractLogicError
from ethpm_types import ContractType

from registry.chain.compile import Artifact, compile_contracts
from registry.chain.contract import ReceivablesView, receivables_abi
from registry.chain.rpc import CallReverted, Node
from registry.domain.identifiers import Address, parse_address
from registry.domain.keccak import keccak256
from registry.settings import PROJECT_ROOT
from tests.contracts.audit import Folded, audit

DAY = 86_400
YEAR = 365 * DAY
EUR = 978
DOCUMENT = b"\x0d" * 32
NO_DOCUMENT = bytes(32)
NOBODY = "0x" + "0" * 40
OPERATOR_ROLE = 1
SUPPLIER_ROLE, DEBTOR_ROLE, FINANCIER_ROLE = 1, 2, 4


def token(receivable_id: int, start: int = 0) -> int:
    """A certificate id."""
    return receivable_id << 64 | start


def named(certificate: int, end: int = 100_000) -> int:
    """A certificate with its end, as split and endorse take it."""
    return certificate << 64 | end


def raw(account: Any) -> Address:
    """An ape account's or contract's address as 20 bytes."""
    return parse_address(account.address)


def events(receipt: Any) -> list[tuple[str, dict[str, Any]]]:
    """All events of a transaction, in order."""
    return [(log.event_name, dict(log.event_arguments)) for log in receipt.events]


@contextmanager
def refused(error: str, **inputs: Any) -> Iterator[None]:
    """Demand this custom error, with these arguments, and no other revert (ape.reverts lets a plain one pass)."""
    with pytest.raises(ContractLogicError) as caught:
        yield
    assert type(caught.value).__name__ == error
    assert dict(getattr(caught.value, "inputs", {})) == inputs


@contextmanager
def refused_view(error: str, **inputs: Any) -> Iterator[None]:
    """The same for a view, read through House.read: ape names the errors of transactions only."""
    with pytest.raises(CallReverted) as caught:
        yield
    assert receivables_abi().error(caught.value.data) == (error, inputs)


@dataclass
class House:
    """A deployed registry and its people. Claims and terms are dicts with the Solidity names."""

    receivables: Any
    access: Any
    first_block: int
    operator: Any
    seller: Any
    buyer: Any
    supplier: Any
    bank: Any
    stranger: Any
    _terms: dict[int, dict[str, Any]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def node(self) -> Node:
        return Node(ape.chain.provider.uri)

    @property
    def view(self) -> ReceivablesView:
        return ReceivablesView(self.node, raw(self.receivables))

    def read(self, signature: str, *arguments: Any) -> Any:
        """A view by its whole signature. Raises CallReverted as it is."""
        abi = receivables_abi()
        return abi.result(signature, self.node.call(to=raw(self.receivables), data=abi.call(signature, *arguments)))

    @property
    def now(self) -> int:
        """Timestamp of the newest block."""
        block = self.node.block("latest")
        assert block is not None
        return block.at

    def at(self, timestamp: int) -> None:
        """The next block has this timestamp."""
        self.node.request("evm_setNextBlockTimestamp", timestamp)

    def midnight(self, *, days: int) -> int:
        return (self.now // DAY + days) * DAY

    def admit(self, member: Any, *, roles: int = SUPPLIER_ROLE, expiry: int | None = None) -> Any:
        return self.receivables.admit(member, expiry or self.now + YEAR, roles, b"\x01" * 32, sender=self.operator)

    def suspend(self, member: Any) -> Any:
        return self.receivables.suspend(member, 1, sender=self.operator)

    def claim(self, **changes: Any) -> dict[str, Any]:
        number = next(self._numbers)
        return {
            "debtor": self.buyer.address,
            "face": 100_000,
            "due": self.midnight(days=90),
            "currency": EUR,
            "fingerprint": number.to_bytes(32),
            "documentRoot": b"\x0f" * 32,
        } | changes

    def register(self, claim: dict[str, Any] | None = None, *, sender: Any = None) -> int:
        claim, sender = claim or self.claim(), sender or self.seller
        receipt = self.receivables.register(claim, sender=sender)
        (log,) = receipt.events
        receivable_id = int(log.receivableId)
        self._terms[receivable_id] = {"originator": sender.address, "registeredAt": int(log.at), "claim": claim}
        return receivable_id

    def terms(self, receivable_id: int) -> dict[str, Any]:
        return self._terms[receivable_id]

    def confirm(self, receivable_id: int, *, sender: Any = None) -> Any:
        return self.receivables.confirm(receivable_id, self.terms(receivable_id), sender=sender or self.buyer)

    def refuse(self, receivable_id: int, *, reason: int = 1, sender: Any = None) -> Any:
        return self.receivables.refuse(receivable_id, self.terms(receivable_id), reason, sender=sender or self.buyer)

    def confirmed(self, **changes: Any) -> int:
        """A confirmed receivable; its one certificate is the seller's."""
        receivable_id = self.register(self.claim(**changes))
        self.confirm(receivable_id)
        return receivable_id

    def audit(self) -> Folded:
        return audit(self.node, raw(self.receivables), first_block=self.first_block)


def container(artifact: Artifact) -> Any:
    """One of our artifacts as ape deploys contracts."""
    return ContractContainer(
        ContractType(
            contractName=artifact.name,
            sourceId=artifact.source,
            abi=artifact.abi,
            deploymentBytecode={"bytecode": "0x" + artifact.bytecode.hex()},
            runtimeBytecode={"bytecode": "0x" + artifact.runtime.hex()},
        )
    )


def deploy_house(project: Any, accounts: Any) -> House:
    """A fresh registry: access manager, registry, operator role; no members."""
    operator, seller, buyer, supplier, bank, stranger = (accounts[index] for index in range(6))
    access = operator.deploy(project.RegistryAccess, operator)
    receivables = operator.deploy(project.Receivables, access)
    house = House(
        receivables=receivables,
        access=access,
        first_block=ape.chain.blocks.head.number,
        operator=operator,
        seller=seller,
        buyer=buyer,
        supplier=supplier,
        bank=bank,
        stranger=stranger,
    )
    selectors = [
        keccak256(signature)[:4] for signature in (b"admit(address,uint40,uint32,bytes32)", b"suspend(address,uint8)")
    ]
    access.setTargetFunctionRole(receivables, selectors, OPERATOR_ROLE, sender=operator)
    access.grantRole(OPERATOR_ROLE, operator, 0, sender=operator)
    return house


@pytest.fixture(scope="session")
def empty_house(project: Any, accounts: Any) -> House:
    """A registry without members. ape takes back what a test does to it."""
    return deploy_house(project, accounts)


@pytest.fixture(scope="session")
def peopled_house(empty_house: House) -> House:
    """The same, with a seller, a buyer, a supplier and a bank."""
    empty_house.admit(empty_house.seller)
    empty_house.admit(empty_house.buyer, roles=DEBTOR_ROLE)
    empty_house.admit(empty_house.supplier)
    empty_house.admit(empty_house.bank, roles=FINANCIER_ROLE)
    return empty_house


@pytest.fixture
def house(peopled_house: House) -> Iterator[House]:
    """A registry with members, audited after the test."""
    yield peopled_house
    peopled_house.audit()


@pytest.fixture(scope="session")
def helpers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The contracts of tests/contracts/fixtures, compiled as the product's are but apart from them."""
    root = tmp_path_factory.mktemp("helpers")
    (root / "contracts").symlink_to(Path(__file__).parent / "fixtures")
    (root / "node_modules").symlink_to(PROJECT_ROOT / "node_modules")
    return {name: container(artifact) for name, artifact in compile_contracts(root, strict=True).items()}


@pytest.fixture
def wallet(house: House, helpers: dict[str, Any]) -> Any:
    """A contract that is a member, with a receiver hook that accepts until told otherwise."""
    made = house.stranger.deploy(helpers["Wallet"])
    house.admit(made, roles=FINANCIER_ROLE)
    return made


@pytest.fixture
def hookless(house: House, helpers: dict[str, Any]) -> Any:
    """A contract that is a member and knows nothing of tokens."""
    made = house.stranger.deploy(helpers["Hookless"])
    house.admit(made, roles=FINANCIER_ROLE)
    return made
