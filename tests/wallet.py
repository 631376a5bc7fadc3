"""A member that is a contract, outside of the contracts' own tests: what it says of signatures (ERC-1271) one tells it.

The contract is tests/contracts/fixtures/Wallet.sol.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from pathlib import Path

from registry.chain.abi import ContractAbi
from registry.chain.compile import Artifact, compile_contracts
from registry.chain.devchain import dev_account
from registry.chain.rpc import Node
from registry.chain.submit import send
from registry.domain.identifiers import Address
from registry.settings import PROJECT_ROOT


class Word(IntEnum):
    """What it says of a signature; OWNERS: whether its owner's key made it."""

    YES = 0
    NO = 1
    REVERT = 2
    GARBAGE = 3
    SHORT = 4
    LONG = 5
    BURN_GAS = 6
    WRITE = 7
    OWNERS = 8


@cache
def _artifact() -> Artifact:
    """Compiled as the product's contracts are, but apart from them."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "contracts").mkdir()
        (root / "contracts" / "Wallet.sol").symlink_to(PROJECT_ROOT / "tests" / "contracts" / "fixtures" / "Wallet.sol")
        (root / "node_modules").symlink_to(PROJECT_ROOT / "node_modules")
        return compile_contracts(root, strict=True)["Wallet"]


@dataclass(frozen=True)
class Wallet:
    """Calls are sent by the dev account `person`; it does what anyone tells it."""

    node: Node
    person: int
    address: Address

    @classmethod
    def deploy(cls, node: Node, *, person: int) -> Wallet:
        abi, code = ContractAbi(_artifact()), _artifact().bytecode
        receipt = send(node, abi, signer=dev_account(person), to=None, data=code)
        assert receipt.contract is not None
        return cls(node, person, receipt.contract)

    def say(self, word: Word) -> None:
        self._send("setWord", int(word))

    def obey(self, owner: Address) -> None:
        """Stand behind what this account's key signs, and nothing else."""
        self._send("setOwner", owner)

    def execute(self, to: Address, data: bytes) -> None:
        self._send("execute", to, data)

    def _send(self, function: str, *arguments: object) -> None:
        abi = ContractAbi(_artifact())
        send(self.node, abi, signer=dev_account(self.person), to=self.address, data=abi.call(function, *arguments))
