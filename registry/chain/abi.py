"""Calldata and return values of one contract, by its ABI."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError

from registry.chain.compile import Artifact
from registry.chain.rpc import RpcFailed
from registry.domain.keccak import keccak256

SELECTOR_BYTES = 4
WORD_BYTES = 32
_OFFSET = WORD_BYTES.to_bytes(WORD_BYTES)
"""Of an only argument of dynamic length: it follows at once."""


class ContractAbi:
    """Encodes calls and decodes answers. Addresses are 20 bytes, structs are tuples, integers are ints.

    Of a contract that leaves calls to others, `artifact` is the contract and `extensions` are the others; a revert may
    also come from one of `refusing`, contracts that it calls.
    """

    def __init__(
        self, artifact: Artifact, *, extensions: Iterable[Artifact] = (), refusing: Iterable[Artifact] = ()
    ) -> None:
        self._functions: dict[str, tuple[bytes, list[str], list[str]]] = {}
        self._errors: dict[bytes, tuple[str, list[str], list[str]]] = {}
        constructors = (item for item in artifact.abi if item["type"] == "constructor")
        self.constructor_types = [_type(argument) for item in constructors for argument in item["inputs"]]
        answering = (artifact, *extensions)
        for part in answering:
            for item in part.abi:
                if item["type"] == "function":
                    self._add_function(item, part.selectors)
        for part in (*answering, *refusing):
            for item in part.abi:
                if item["type"] == "error":
                    self._add_error(item)

    def _add_function(self, item: Mapping[str, Any], selectors: Mapping[str, bytes]) -> None:
        types = [_type(argument) for argument in item["inputs"]]
        signature = f"{item['name']}({','.join(types)})"
        row = (selectors[signature], types, [_type(output) for output in item["outputs"]])
        self._functions[signature] = row
        # By bare name too: of overloaded functions the first, which callers then name in full.
        self._functions.setdefault(item["name"], row)

    def _add_error(self, item: Mapping[str, Any]) -> None:
        types = [_type(argument) for argument in item["inputs"]]
        selector = _selector(f"{item['name']}({','.join(types)})")
        self._errors[selector] = (item["name"], [argument["name"] for argument in item["inputs"]], types)

    def call(self, function: str, *arguments: Any) -> bytes:
        """Calldata of a function, given by name or, where it is overloaded, by signature."""
        selector, types, _ = self._functions[function]
        # Heads of thousands of journals are asked for at once, and eth_abi looks at each number for longer than needed.
        return selector + (_numbers(*arguments) if types == ["uint256[]"] else encode(types, arguments))

    def selector(self, function: str) -> bytes:
        """First four bytes of the calldata of a function."""
        return self._functions[function][0]

    def result(self, function: str, data: bytes) -> Any:
        """What a function returned: a single value, or a tuple of several. Raises RpcFailed for another shape."""
        types = self._functions[function][2]
        try:
            values = (_words(data),) if types == ["bytes32[]"] else decode(types, data)
        except (DecodingError, ValueError) as error:  # no contract there at that block, or not this one
            raise RpcFailed(f"{function} was answered with something of another shape") from error
        return values[0] if len(values) == 1 else values

    def constructor(self, *arguments: Any) -> bytes:
        """Constructor arguments, to be appended to the bytecode."""
        return encode(self.constructor_types, arguments)

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

    def error_name(self, selector: bytes) -> str | None:
        """Name of the custom error with these first four bytes, or None if this contract has none."""
        row = self._errors.get(selector)
        return row[0] if row else None


def _numbers(values: Sequence[int]) -> bytes:
    """An array of numbers as the only argument."""
    return _OFFSET + len(values).to_bytes(WORD_BYTES) + b"".join([value.to_bytes(WORD_BYTES) for value in values])


def _words(data: bytes) -> tuple[bytes, ...]:
    """An array of words as the only value. ValueError where it is none."""
    at = 2 * WORD_BYTES
    if data[:WORD_BYTES] != _OFFSET or len(data) != at + WORD_BYTES * int.from_bytes(data[WORD_BYTES:at]):
        raise ValueError("no array of words")
    return tuple([data[start : start + WORD_BYTES] for start in range(at, len(data), WORD_BYTES)])


def _type(argument: Mapping[str, Any]) -> str:
    """Canonical ABI type; a struct becomes the tuple of its parts."""
    kind: str = argument["type"]
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(_type(part) for part in argument['components'])}){kind.removeprefix('tuple')}"


def _selector(signature: str) -> bytes:
    return keccak256(signature.encode())[:SELECTOR_BYTES]
