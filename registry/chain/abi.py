"""Calldata and return values of one contract, by its ABI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError

from registry.chain.compile import Artifact
from registry.chain.rpc import RpcFailed
from registry.domain.identifiers import ZERO_ADDRESS
from registry.domain.keccak import keccak256

SELECTOR_BYTES = 4


class ContractAbi:
    """Encodes calls and decodes answers. Addresses are 20 bytes, structs are tuples, integers are ints."""

    def __init__(self, artifact: Artifact) -> None:
        self._functions: dict[str, tuple[bytes, list[str], list[str]]] = {}
        self._errors: dict[bytes, tuple[str, list[str], list[str]]] = {}
        self.constructor_types: list[str] = []
        for item in artifact.abi:
            types = [_type(argument) for argument in item.get("inputs", [])]
            if item["type"] == "constructor":
                self.constructor_types = types
            elif item["type"] == "function":
                signature = f"{item['name']}({','.join(types)})"
                row = (artifact.selectors[signature], types, [_type(output) for output in item["outputs"]])
                self._functions[signature] = row
                # By bare name too: of overloaded functions the first, which callers then name in full.
                self._functions.setdefault(item["name"], row)
            elif item["type"] == "error":
                selector = _selector(f"{item['name']}({','.join(types)})")
                self._errors[selector] = (item["name"], [argument["name"] for argument in item["inputs"]], types)

    def call(self, function: str, *arguments: Any) -> bytes:
        """Calldata of a function, given by name or, where it is overloaded, by signature."""
        selector, types, _ = self._functions[function]
        return selector + encode(types, [_encodable(argument) for argument in arguments])

    def selector(self, function: str) -> bytes:
        """First four bytes of the calldata of a function."""
        return self._functions[function][0]

    def result(self, function: str, data: bytes) -> Any:
        """What a function returned: a single value, or a tuple of several. Raises RpcFailed for another shape."""
        try:
            values = decode(self._functions[function][2], data)
        except DecodingError as error:  # no contract there at that block, or not this one
            raise RpcFailed(f"{function} was answered with something of another shape") from error
        return values[0] if len(values) == 1 else values

    def constructor(self, *arguments: Any) -> bytes:
        """Constructor arguments, to be appended to the bytecode."""
        return encode(self.constructor_types, [_encodable(argument) for argument in arguments])

    def error(self, data: bytes) -> tuple[str, Mapping[str, Any]] | None:
        """Name and arguments of a custom error of this contract, or None if the data is none."""
        row = self._errors.get(data[:SELECTOR_BYTES])
        if row is None:
            return None
        name, names, types = row
        try:
            values = decode(types, data[SELECTOR_BYTES:])
        except DecodingError:  # cut off, or another contract's error with the same selector
            return None
        return name, dict(zip(names, values, strict=True))


def _type(argument: dict[str, Any]) -> str:
    """Canonical ABI type; a struct becomes the tuple of its parts."""
    kind: str = argument["type"]
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(_type(part) for part in argument['components'])}){kind.removeprefix('tuple')}"


def _selector(signature: str) -> bytes:
    return keccak256(signature.encode())[:SELECTOR_BYTES]


def _encodable(argument: Any) -> Any:
    """eth-abi takes addresses as hex text; 20 bytes can only be an address here, hashes have 32."""
    if isinstance(argument, bytes) and len(argument) == len(ZERO_ADDRESS):
        return "0x" + argument.hex()
    if isinstance(argument, list | tuple):
        return type(argument)(_encodable(part) for part in argument)
    return argument
