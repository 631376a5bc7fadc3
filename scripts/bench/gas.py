"""Gas of every operation, from the receipts of a real Anvil: `python -m scripts.bench.gas [--json | --write]`.

Gas is deterministic here: the accounts, the order of the transactions and the values in their calldata are fixed, so
the snapshot beside this file is exact, and a change of the contracts that costs or saves gas shows in it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from registry.chain import deploy
from registry.chain.contract import Calls, Terms, receivables_abi
from registry.chain.devchain import DevChain, dev_account
from registry.chain.rpc import Node
from registry.chain.submit import account_address, send
from registry.domain.identifiers import Address, token_id
from registry.domain.receivable import DAY_SECONDS, Role
from registry.domain.rules import Claim

SNAPSHOT = Path(__file__).with_name("gas.json")
GROWTH_PERCENT_MAX = 1

TARGETS = {
    "register + confirm": 208_000,
    "split to a new holder": 81_000,
    "endorse": 57_000,
    "endorse the front, first time": 57_000,
}
"""Gas, all-in with the 21,000 of a transaction. What a change of the contracts must not exceed."""

REFERENCES = {
    "ERC-3525 reference implementation, split to a new holder": 231_873,
    "ERC-3643 token, split to a new holder": 139_569,
    "OpenZeppelin ERC-721 with a struct, split to a new holder": 106_413,
    "lean probe (KYC, lien flag, status, parent; no journal), split to a new holder": 70_601,
}
"""Measured with the same compiler and settings, for comparison."""

OPERATOR, SELLER, BUYER, SUPPLIER, BANK, NEWCOMER = range(6)
ADDRESSES = [account_address(dev_account(person)) for person in range(NEWCOMER + 1)]
FACE = 12_345_678
DOCUMENT = b"\xd0" * 32
CLOCK = 2_222_222_222
"""Timestamp of the block before the first operation, seconds; ahead of every real clock that runs this."""


@dataclass
class Bench:
    """A fresh registry on a fresh chain. Each method sends one operation and returns its gas."""

    node: Node
    registry: Address
    at: int
    claims: int = 0
    terms: dict[int, Terms] = field(default_factory=dict)

    @classmethod
    def open(cls, node: Node) -> Bench:
        """Deploy, and fix the clock: timestamps are calldata, whose zero bytes cost less."""
        node.request("anvil_setBlockTimestampInterval", 1)
        deployment = deploy.run(node, dev_account(OPERATOR))
        at = CLOCK
        node.request("evm_setNextBlockTimestamp", at)
        node.request("evm_mine")
        return cls(node, deployment.receivables, at)

    def send(self, person: int, data: bytes) -> int:
        """Gas used by a transaction of one person's to the registry."""
        receipt = send(self.node, receivables_abi(), signer=dev_account(person), to=self.registry, data=data)
        return receipt.gas_used

    def admit(self, person: int, role: Role) -> int:
        """Admit a member."""
        return self.send(
            OPERATOR,
            Calls.admit(
                member=ADDRESSES[person],
                kyc_expiry=self.at + 1_000 * DAY_SECONDS + 12_345,
                roles=role,
                profile=(b"\xf0" + bytes([person])) * 16,
            ),
        )

    def register(self) -> tuple[int, int]:
        """Register a claim of the seller's on the buyer: its id and the gas."""
        self.claims += 1
        number = self.claims
        claim = Claim(
            debtor=ADDRESSES[BUYER],
            face=FACE,
            due=(self.at // DAY_SECONDS + 90) * DAY_SECONDS,
            currency=978,
            fingerprint=(b"\xfa" + bytes([number])) * 16,
            document_root=(b"\xda" + bytes([number])) * 16,
        )
        gas = self.send(SELLER, Calls.register(claim))
        block = self.node.block("latest")
        assert block is not None
        self.terms[number] = Terms(originator=ADDRESSES[SELLER], registered_at=block.at, claim=claim)
        return number, gas

    def confirm(self, number: int) -> int:
        """Confirm a claim."""
        return self.send(BUYER, Calls.confirm(receivable_id=number, terms=self.terms[number]))

    def refuse(self, number: int) -> int:
        """Refuse a claim."""
        return self.send(BUYER, Calls.refuse(receivable_id=number, terms=self.terms[number], reason=1))

    def split(self, number: int, *, end: int, cut: int, to: int) -> int:
        """Split the seller's front certificate [0, end)."""
        return self.send(
            SELLER,
            Calls.split(receivable_id=number, start=0, end=end, cut=cut, receiver=ADDRESSES[to], document=DOCUMENT),
        )

    def endorse(self, person: int, number: int, *, start: int, end: int, to: int) -> int:
        """Endorse a certificate with a trade document."""
        data = Calls.endorse(receivable_id=number, start=start, end=end, receiver=ADDRESSES[to], document=DOCUMENT)
        return self.send(person, data)

    def transfer(self, person: int, number: int, start: int, to: int) -> int:
        """A plain ERC-721 transfer."""
        return self.send(
            person,
            receivables_abi().call("transferFrom", ADDRESSES[person], ADDRESSES[to], token_id(number, start)),
        )


def measure(node: Node) -> dict[str, int]:
    """Gas by operation, on a chain that nothing has been done on yet."""
    bench = Bench.open(node)
    gas: dict[str, int] = {"admit": bench.admit(SELLER, Role.SUPPLIER)}
    bench.admit(BUYER, Role.DEBTOR)
    bench.admit(SUPPLIER, Role.SUPPLIER)
    bench.admit(BANK, Role.FINANCIER)
    bench.admit(NEWCOMER, Role.SUPPLIER)

    # The first registration of a registry also makes its counter; what is typical is a later one, whose originator,
    # however, holds no certificate yet.
    refused, _ = bench.register()
    number, gas["register"] = bench.register()
    gas["confirm"] = bench.confirm(number)
    gas["register + confirm"] = gas["register"] + gas["confirm"]
    gas["refuse"] = bench.refuse(refused)
    # The receiver's word exists since its admission: a balance of 0 is no first write.
    first, second, third = FACE - 1_000_000, FACE - 2_000_000, FACE - 3_000_000
    gas["split to a new holder"] = bench.split(number, end=FACE, cut=first, to=SUPPLIER)
    gas["split to oneself"] = bench.split(number, end=first, cut=second, to=SELLER)
    gas["split to a holder"] = bench.split(number, end=second, cut=third, to=SUPPLIER)
    gas["endorse"] = bench.endorse(SUPPLIER, number, start=first, end=FACE, to=NEWCOMER)
    gas["endorse the front, first time"] = bench.endorse(SELLER, number, start=0, end=third, to=NEWCOMER)
    gas["endorse the front again"] = bench.endorse(NEWCOMER, number, start=0, end=third, to=SELLER)
    gas["transferFrom to a financier"] = bench.transfer(SUPPLIER, number, third, BANK)
    gas["suspend"] = bench.send(OPERATOR, Calls.suspend(member=ADDRESSES[SUPPLIER], reason=1))
    return gas


def measured() -> dict[str, int]:
    """The same, on a chain of its own."""
    with tempfile.TemporaryDirectory(prefix="counterfoil-gas-") as folder, DevChain.start(Path(folder)) as chain:
        return measure(Node(chain.url))


def grown(gas: dict[str, int], snapshot: dict[str, int]) -> list[str]:
    """Operations that cost more than GROWTH_PERCENT_MAX above the snapshot, in words."""
    return [
        f"{name}: {gas[name]:,} gas, {before:,} before"
        for name, before in snapshot.items()
        if name in gas and gas[name] * 100 > before * (100 + GROWTH_PERCENT_MAX)
    ]


def missed(gas: dict[str, int]) -> list[str]:
    """Targets that are not met, in words."""
    return [f"{name}: {gas[name]:,} gas, the target is {most:,}" for name, most in TARGETS.items() if gas[name] > most]


def table(gas: dict[str, int], snapshot: dict[str, int]) -> Table:
    """The figures beside their targets and what they were."""
    shown = Table(title="Gas, all-in (solc 0.8.30, optimizer 200 runs, Anvil receipts)", title_justify="left")
    for heading in ("operation", "gas", "target", "change"):
        shown.add_column(heading, justify="left" if heading == "operation" else "right")
    for name, used in gas.items():
        target = TARGETS.get(name)
        change = used - snapshot.get(name, used)
        shown.add_row(name, f"{used:,}", f"{target:,}" if target else "", f"{change:+,}" if change else "")
    return shown


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 1 if a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m scripts.bench.gas", description=main.__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--write", action="store_true", help="make the figures the new snapshot")
    options = parser.parse_args(arguments)

    gas = measured()
    snapshot: dict[str, int] = json.loads(SNAPSHOT.read_text()) if SNAPSHOT.exists() else {}
    if options.write:
        SNAPSHOT.write_text(json.dumps(gas, indent=2) + "\n")
    if options.json:
        print(json.dumps({"gas": gas, "targets": TARGETS, "references": REFERENCES}, indent=2))
    else:
        console = Console()
        console.print(table(gas, snapshot))
        for name, used in REFERENCES.items():
            console.print(f"for comparison: {used:,} {name}", style="dim")
    for line in missed(gas):
        print(line, file=sys.stderr)
    return 1 if missed(gas) else 0


if __name__ == "__main__":
    raise SystemExit(main())
