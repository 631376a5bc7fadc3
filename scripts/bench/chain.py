"""Operations a second that one Anvil takes from our sender: `python -m scripts.bench.chain [--operations N]`.

Whole endorsements to and fro between two holders, each in a block of its own, as the dev chain mines them: by
registry.chain.submit with one account after the other, with four pairs of holders at once, and signed beforehand, so
that nothing but Anvil is left. Where the time of the first goes is told by RPC method: that is what bounds it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from registry.chain.contract import Calls, operation_call, receivables_abi
from registry.chain.devchain import DevChain, dev_account
from registry.chain.operations import Endorse
from registry.chain.rpc import Node
from registry.chain.submit import TIP_WEI, account_address, send
from registry.domain.identifiers import format_address
from registry.domain.receivable import Role
from scripts.bench.gas import BUYER, DOCUMENT, FACE, FAR, OPERATOR, SELLER, Bench, address

OPERATIONS = 400
PAIRS = 4
"""Pairs of holders that act at the same time."""
FIRST_HOLDER = 10
"""Dev accounts from here on are holders, two to a pair."""


class TimedNode(Node):
    """A node that knows how long each method took, in seconds."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.seconds: dict[str, float] = defaultdict(float)
        self._lock = threading.Lock()

    def request(self, method: str, *params: Any) -> Any:
        """One request, timed."""
        began = time.perf_counter()
        try:
            return super().request(method, *params)
        finally:
            with self._lock:
                self.seconds[method] += time.perf_counter() - began


@dataclass(frozen=True, slots=True)
class Measured:
    """Operations a second: `sent` one after the other, `together` by several accounts, `signed` beforehand.

    `shares` are percent of the time of `sent`, by RPC method and "here" for our own work (signing, encoding).
    """

    sent: float
    together: float
    signed: float
    shares: dict[str, float]


def pair(bench: Bench, number: int) -> tuple[int, int, int]:
    """A receivable and its two holders, by dev account; the first holds it."""
    holders = FIRST_HOLDER + 2 * number, FIRST_HOLDER + 2 * number + 1
    for holder in holders:
        data = Calls.admit(member=address(holder), kyc_expiry=FAR, roles=Role.SUPPLIER, profile=b"\xf0" * 32)
        bench.send(OPERATOR, data)
    receivable_id = bench.confirmed()
    bench.send(SELLER, _endorsement(receivable_id, holders[0]))
    return receivable_id, *holders


def _endorsement(receivable_id: int, to: int) -> bytes:
    return operation_call(
        Endorse(receivable_id=receivable_id, start=0, end=FACE, receiver=address(to), document=DOCUMENT)
    )


def send_to_and_fro(node: Node, contract: bytes, pair: tuple[int, int, int], count: int) -> None:
    """Hand the certificate to and fro, by our sender."""
    receivable_id, *holders = pair
    for turn in range(count):
        giver, taker = holders[turn % 2], holders[(turn + 1) % 2]
        data = _endorsement(receivable_id, taker)
        send(node, receivables_abi(), signer=dev_account(giver), to=contract, data=data)


def sign_to_and_fro(node: Node, contract: bytes, pair: tuple[int, int, int], count: int) -> list[str]:
    """The same transactions, signed and not sent: each holder's nonces in a row."""
    receivable_id, *holders = pair
    nonces = {holder: node.nonce(address(holder)) for holder in holders}
    raw = []
    for turn in range(count):
        giver, taker = holders[turn % 2], holders[(turn + 1) % 2]
        transaction: dict[str, Any] = {
            "chainId": node.chain_id,
            "nonce": nonces[giver],
            "gas": 200_000,
            "value": 0,
            "data": _endorsement(receivable_id, taker),
            "to": format_address(contract),
            "maxPriorityFeePerGas": TIP_WEI,
            "maxFeePerGas": 100 * TIP_WEI,
        }
        nonces[giver] += 1
        raw.append("0x" + bytes(dev_account(giver).sign_transaction(transaction).raw_transaction).hex())
    return raw


def measure(url: str, *, operations: int) -> Measured:
    """All three, on a chain that nothing was done on yet."""
    timed = TimedNode(url)
    bench = Bench.open(timed)
    for member, role in ((SELLER, Role.SUPPLIER), (BUYER, Role.DEBTOR)):
        data = Calls.admit(
            member=account_address(dev_account(member)), kyc_expiry=FAR, roles=role, profile=b"\xf0" * 32
        )
        bench.send(OPERATOR, data)
    contract = bench.deployment.receivables
    pairs = [pair(bench, number) for number in range(PAIRS)]
    operations -= operations % (2 * PAIRS)
    for one in pairs:
        send_to_and_fro(timed, contract, one, 4)  # warm: connections, bytecode, caches

    timed.seconds.clear()
    began = time.perf_counter()
    send_to_and_fro(timed, contract, pairs[0], operations)
    alone = time.perf_counter() - began
    shares = {method: 100 * seconds / alone for method, seconds in timed.seconds.items()}
    shares["here"] = 100 - sum(shares.values())

    began = time.perf_counter()
    with ThreadPoolExecutor(PAIRS) as threads:
        tasks = [threads.submit(send_to_and_fro, Node(url), contract, one, operations // PAIRS) for one in pairs]
        for task in tasks:
            task.result()
    together = time.perf_counter() - began

    raw = sign_to_and_fro(timed, contract, pairs[0], operations)
    began = time.perf_counter()
    for transaction in raw:
        assert timed.request("eth_sendRawTransactionSync", transaction)["status"] == "0x1"
    signed = time.perf_counter() - began
    return Measured(operations / alone, operations / together, operations / signed, shares)


def main(arguments: Sequence[str] | None = None) -> None:
    """Start a chain, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--operations", type=int, default=OPERATIONS, metavar="N", help="operations of each kind")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="counterfoil-chain-") as folder,
        DevChain.start(Path(folder), keeps=False) as chain,
    ):
        measured = measure(chain.url, operations=options.operations)
    if options.json:
        sys.stdout.write(json.dumps(asdict(measured), indent=2) + "\n")
        return
    console = Console(width=None if sys.stdout.isatty() else 120)
    table = Table("whole endorsements, one to a block", box=None)
    table.add_column("a second", justify="right")
    table.add_row("our sender, one after the other", f"{measured.sent:,.0f}")
    table.add_row(f"our sender, {PAIRS} accounts at once", f"{measured.together:,.0f}")
    table.add_row("signed beforehand: Anvil alone", f"{measured.signed:,.0f}")
    console.print(table)
    parts = ", ".join(
        f"{name} {share:.0f} %" for name, share in sorted(measured.shares.items(), key=lambda one: -one[1])
    )
    bound = max(measured.shares, key=lambda name: measured.shares[name])
    console.print(f"\nOne after the other, the time goes to: {parts}. Most of it, and so the bound: {bound}.")


if __name__ == "__main__":
    main()
