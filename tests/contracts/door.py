"""One contract as the tests call it: ape codes and decodes, the node signs and mines.

A revert of a transaction or of a view is `Reverted`, with the contract's own error by name. ape alone names those of
transactions only, from a trace that takes thirty times as long.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from http.client import HTTPConnection
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import ape
import pytest
from ape.contracts import ContractInstance
from eth_abi.abi import decode
from eth_utils.address import to_checksum_address

from registry.chain.rpc import REQUEST_TIMEOUT_SECONDS, CallReverted, Node, _result
from registry.domain.keccak import keccak256
from tests.pool import settle

GAS = 16_000_000


class NextDoor(Node):
    """A node on this machine, over one bare connection: of most requests the way there took the longest."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=REQUEST_TIMEOUT_SECONDS)

    def request(self, method: str, *params: Any) -> Any:
        if method == "evm_revert":
            settle(self._ask)
        return self._ask(method, *params)

    def _ask(self, method: str, *params: Any) -> Any:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        self._connection.request("POST", "/", body, {"Content-Type": "application/json"})
        return _result(method, json.loads(self._connection.getresponse().read()))


@cache
def node_at(url: str) -> Node:
    """The node there, always the same."""
    return NextDoor(url)


def node() -> Node:
    """The node of ape's chain."""
    return node_at(ape.chain.provider.uri)


@contextmanager
def taken_back() -> Iterator[None]:
    """What is done to the chain within, its clock included, is undone afterwards."""
    before = node().request("evm_snapshot")
    yield
    assert node().request("evm_revert", before)


class Reverted(Exception):
    """A revert: `data` as the contract left it, `name` and `inputs` where it is a custom error of a known contract."""

    def __init__(self, data: bytes, name: str, inputs: dict[str, Any]) -> None:
        super().__init__(f"{name}({inputs})" if name else f"0x{data.hex()}")
        self.data, self.name, self.inputs = data, name, inputs


@contextmanager
def refused(error: str, **inputs: Any) -> Iterator[None]:
    """Demand this custom error, with these arguments, and no other revert."""
    with pytest.raises(Reverted) as caught:
        yield
    assert (caught.value.name, caught.value.inputs) == (error, inputs)


@contextmanager
def reverts() -> Iterator[None]:
    """Demand a revert without a word: a call that no code answers."""
    with pytest.raises(Reverted) as caught:
        yield
    assert caught.value.data == b""


def selector(signature: str) -> bytes:
    return keccak256(signature.encode())[:4]


def topic(event: Any) -> str:
    """What logs of an event begin with."""
    return "0x" + keccak256(event.selector.encode()).hex()


def plain(arguments: Iterable[Any]) -> list[Any]:
    """Arguments as ape encodes them: accounts and contracts stand for their addresses."""
    return [getattr(each, "address", each) for each in arguments]


def kind(abi: Any) -> str:
    """The ABI type of an argument or an answer, as eth_abi names it."""
    if not abi.components:
        return str(abi.type)
    return f"({','.join(kind(each) for each in abi.components)}){abi.type.removeprefix('tuple')}"


def shaped(abi: Any, value: Any, *, depth: int | None = None) -> Any:
    """A decoded value: structs with their fields' names (ape loses nested arrays of them), addresses in mixed case."""
    depth = abi.type.count("[") if depth is None else depth
    if depth:
        return [shaped(abi, each, depth=depth - 1) for each in value]
    if abi.components:
        pairs = zip(abi.components, value, strict=True)
        return SimpleNamespace(**{each.name: shaped(each, part) for each, part in pairs})
    return to_checksum_address(value) if abi.type.startswith("address") else value


@dataclass(frozen=True)
class Receipt:
    """A mined transaction that succeeded; `events` are those of the known contract, in order."""

    events: list[tuple[str, dict[str, Any]]]
    gas_used: int

    @property
    def names(self) -> list[str]:
        """The names of the events, in order."""
        return [name for name, _ in self.events]


class Operation:
    """A function of a contract, overloads included: a transaction if a sender is named, else a view."""

    def __init__(self, door: Door, handler: Any) -> None:
        self._door, self._handler = door, handler

    def encode_input(self, *arguments: Any) -> bytes:
        """Its calldata."""
        return bytes(self._handler.encode_input(*plain(arguments)))

    def __call__(self, *arguments: Any, sender: Any = None, gas: int = GAS) -> Any:
        data = self.encode_input(*arguments)
        return self._door.view(data) if sender is None else self._door.send(data, sender=sender, gas=gas)


def creation(container: Any, *arguments: Any) -> bytes:
    """What creates a contract: its code and the arguments of its constructor."""
    code = bytes(container.contract_type.get_deployment_bytecode())
    return code + bytes(container.constructor.encode_input(*plain(arguments)))


def deployed(container: Any, *arguments: Any, sender: Any) -> Any:
    """A new contract as ape's accounts would deploy it, with a tenth of their requests."""
    transaction = {"from": sender.address, "data": "0x" + creation(container, *arguments).hex(), "gas": hex(GAS)}
    receipt = node().request("eth_sendTransactionSync", transaction)
    assert receipt["status"] == "0x1"
    return ContractInstance(to_checksum_address(receipt["contractAddress"]), container.contract_type)


class Door:
    """A deployed contract. `known` are further contract types whose errors and events may come through it."""

    def __init__(self, contract: Any, *known: Any) -> None:
        self.contract = contract
        self.address = str(contract.address)
        self.types = (contract.contract_type, *known)
        self._tried_at: int | None = None
        self._decoded: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {}

    def __getattr__(self, name: str) -> Operation:
        return Operation(self, getattr(self.contract, name))

    @property
    def contract_type(self) -> Any:
        return self.contract.contract_type

    # What ape looks up by going through the whole ABI, a hash for each entry.

    @cached_property
    def _events(self) -> dict[tuple[str, int], Any]:
        # ERC-20 and ERC-721 share events by name and types; the number of topics tells them apart.
        return {
            (topic(abi), 1 + sum(each.indexed for each in abi.inputs)): abi
            for each_type in self.types
            for abi in each_type.events
        }

    @cached_property
    def _errors(self) -> dict[bytes, Any]:
        return {selector(abi.selector): abi for each_type in self.types[::-1] for abi in each_type.errors}

    @cached_property
    def _outputs(self) -> dict[bytes, Any]:
        return {selector(abi.selector): abi.outputs for abi in self.contract_type.view_methods}

    def read(self, signature: str, *arguments: Any) -> Any:
        """A view by its whole signature, for those that share a name."""
        abi = self.contract_type.view_methods[signature]
        return self.view(selector(signature) + ape.networks.ethereum.encode_calldata(abi, *plain(arguments)))

    def view(self, data: bytes) -> Any:
        """eth_call, and its answer. Raises Reverted."""
        outputs = self._outputs[data[:4]]
        try:
            answer = node().call(to=bytes.fromhex(self.address[2:]), data=data)
        except CallReverted as reverted:
            raise self.reverted(reverted.data) from None
        found = decode([kind(each) for each in outputs], answer)
        values = [shaped(each, value) for each, value in zip(outputs, found, strict=True)]
        return values[0] if len(values) == 1 else tuple(values)

    @property
    def is_tried(self) -> bool:
        """Whether what is sent now is only tried."""
        return self._tried_at is not None

    @contextmanager
    def tried(self, *, at: int) -> Iterator[None]:
        """Within, what is sent is tried in a block of that time and not mined: for what is refused, at less cost."""
        self._tried_at = at
        try:
            yield
        finally:
            self._tried_at = None

    def _try(self, transaction: dict[str, Any], at: int) -> Receipt:
        """Raises Reverted."""
        try:
            node().request("eth_call", transaction, "latest", {}, {"time": hex(at)})
        except CallReverted as reverted:
            raise self.reverted(reverted.data) from None
        return Receipt(events=[], gas_used=0)

    def send(self, data: bytes, *, sender: Any, gas: int = GAS, value: int = 0) -> Receipt:
        """A transaction, mined at once. Raises Reverted."""
        transaction = {"from": sender.address, "to": self.address, "data": "0x" + data.hex(), "gas": hex(gas)}
        if self._tried_at is not None:
            return self._try(transaction, self._tried_at)
        receipt = node().request("eth_sendTransactionSync", transaction | {"value": hex(value)})
        if receipt["status"] == "0x0":
            answer = node().request("ots_getTransactionError", receipt["transactionHash"])
            raise self.reverted(bytes.fromhex(answer[2:]))
        return Receipt(events=self.decode(receipt["logs"]), gas_used=int(receipt["gasUsed"], 16))

    def create(self, container: Any, *arguments: Any, sender: Any) -> None:
        """Try to create a contract whose constructor this one's errors may refuse. Raises Reverted."""
        try:
            node().estimate_gas(to=None, data=creation(container, *arguments), sender=bytes.fromhex(sender.address[2:]))
        except CallReverted as reverted:
            raise self.reverted(reverted.data) from None

    def decode(self, logs: Iterable[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
        """Events from raw logs, in order."""
        told = (self._told(log) for log in logs)
        return [(name, dict(fields)) for name, fields in told if name]

    def _told(self, log: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """One event, decoded once wherever it is asked for; without a name where it is not known."""
        place = (log["blockHash"], log["logIndex"])
        if place not in self._decoded:
            abi = self._events.get((log["topics"][0], len(log["topics"])))
            decoded = next(ape.networks.ethereum.decode_logs([log], abi)) if abi else None
            self._decoded[place] = (decoded.event_name, dict(decoded.event_arguments)) if decoded else ("", {})
        return self._decoded[place]

    def reverted(self, data: bytes) -> Reverted:
        """The revert that this data tells."""
        abi = self._errors.get(data[:4])
        if abi is None:
            return Reverted(data, "", {})
        return Reverted(data, abi.name, dict(ape.networks.ethereum.decode_calldata(abi, data[4:])))
