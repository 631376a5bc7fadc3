"""Structures that people sign (EIP-712), and the JSON in which they travel.

In JSON, integers are decimal strings, which no reader rounds; bytes and addresses are 0x and hex digits.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from enum import IntEnum
from functools import cache
from typing import Any, cast, get_args, get_origin, get_type_hints

from eth_abi.exceptions import EncodingError
from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data
from eth_account.signers.local import LocalAccount
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError

from registry.domain.identifiers import (
    RECEIVABLE_ID_MAX,
    ZERO_ADDRESS,
    Address,
    IdMalformed,
    format_address,
    parse_address,
)
from registry.domain.keccak import keccak256

NONCE_BITS = 256
SIGNATURE_BYTES = 65
_CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

SHOWN_CHARACTERS_MAX = 60
"""Of a value in a document that does not belong there."""


class Unfit(ValueError):
    """Something in a stranger's document that does not belong there: where it is, and what is wanted."""


MALFORMED = (KeyError, TypeError, ValueError, AttributeError, EncodingError, IdMalformed)
"""What reading a stranger's document, and writing the calldata of what it says, may raise."""

_DOMAIN_FIELDS = (("name", "string"), ("version", "string"), ("chainId", "uint256"), ("verifyingContract", "address"))
_STRUCT = re.compile(r"(\w+)\(([^)]*)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Eip712Domain:
    """The contract that a signature is for, by default a registry; another one, or another chain, does not take it."""

    chain_id: int
    contract: Address
    name: str = "Counterfoil"
    version: str = "1"


def fresh_nonce() -> int:
    """A nonce that the signer has not used: nonces have no order, so any of 2**256 will do."""
    return secrets.randbits(NONCE_BITS)


def split_signature(signature: bytes) -> tuple[int, bytes, bytes]:
    """v, r and s of 65 bytes, as ERC-2612 takes them. Raises Unfit."""
    if len(signature) != SIGNATURE_BYTES:
        raise Unfit(f"a signature has {SIGNATURE_BYTES} bytes, not {len(signature)}")
    return signature[64], signature[:32], signature[32:64]


@cache
def structs(declared: str) -> dict[str, tuple[tuple[str, str], ...]]:
    """The structures of an EIP-712 type, the type's own first: (name, type) of each field."""
    return {
        name: tuple((field.split()[1], field.split()[0]) for field in members.split(","))
        for name, members in _STRUCT.findall(declared)
    }


@dataclass(frozen=True, slots=True)
class Message:
    """A structure of that EIP-712 type, to be signed for one domain.

    `values` are what the fields of the type, and of the structures in it, are taken from, by their names in snake_case;
    there may be others.
    """

    declared: str
    values: Mapping[str, Any]
    domain: Eip712Domain

    def typed_data(self) -> dict[str, Any]:
        """What the signer signs, as eth_signTypedData_v4 takes it."""
        declared = structs(self.declared)
        name = next(iter(declared))
        return {
            "types": {
                struct: [{"name": field, "type": abi_type} for field, abi_type in members]
                for struct, members in {"EIP712Domain": _DOMAIN_FIELDS, **declared}.items()
            },
            "primaryType": name,
            "domain": {
                "name": self.domain.name,
                "version": self.domain.version,
                "chainId": self.domain.chain_id,
                "verifyingContract": format_address(self.domain.contract),
            },
            "message": _fields(self.values, name, declared),
        }

    def digest(self) -> bytes:
        """The 32 bytes that are signed."""
        signable = self._signable()
        return keccak256(b"\x19" + signable.version + signable.header + signable.body)

    def sign(self, signer: LocalAccount) -> bytes:
        """An account's signature: r, s and v, 65 bytes."""
        return bytes(signer.sign_message(self._signable()).signature)

    def is_signed_by(self, signer: Address, signature: bytes) -> bool:
        """Whether the signature is the signer's own key's, as contracts take it; a contract's (ERC-1271) is not."""
        if len(signature) != SIGNATURE_BYTES or signature[-1] not in (27, 28):
            return False
        if int.from_bytes(signature[32:64]) > _CURVE_ORDER // 2:  # of two that verify, contracts do not take this one
            return False
        try:
            recovered = Account.recover_message(self._signable(), signature=signature)
        except (BadSignature, ValidationError):  # no point of the curve
            return False
        return parse_address(str(recovered)) == signer

    def _signable(self) -> SignableMessage:
        return encode_typed_data(full_message=self.typed_data())


def _fields(values: Mapping[str, Any], name: str, declared: Mapping[str, tuple[tuple[str, str], ...]]) -> Any:
    """The fields of a structure of that name, and of the arrays of structures in it."""
    message = {}
    for field, abi_type in declared[name]:
        value, inner = values[_snake(field)], abi_type.removesuffix("[]")
        message[field] = [_fields(each, inner, declared) for each in value] if inner in declared else to_json(value)
    return message


def _snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


def to_json(value: Any) -> Any:
    """Dataclasses, sequences, bytes, integers and truth values as JSON has them."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        return {key: to_json(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(part) for part in value]
    if isinstance(value, bytes):
        return format_address(value) if len(value) == len(ZERO_ADDRESS) else "0x" + value.hex()
    return value if isinstance(value, bool) else str(value)


def part(document: Any, name: str) -> Any:
    """What an object of a document has under that name. Raises Unfit."""
    if not isinstance(document, Mapping) or name not in document:
        raise Unfit(f"{name} is missing")
    return document[name]


def read_part(kind: Any, document: Any, name: str) -> Any:
    """The same as a value of that type. Raises one of MALFORMED for anything else."""
    return from_json(kind, part(document, name), at=name)


def what_is_wrong(error: Exception) -> str:
    """What one of MALFORMED says to people."""
    if isinstance(error, IdMalformed):
        return error.detail
    return str(error) if isinstance(error, Unfit) else "a value does not fit into its field"


def from_json(kind: Any, value: Any, *, at: str = "the document") -> Any:
    """A value of that type, which stands `at` that place. Raises one of MALFORMED for anything else."""
    if is_dataclass(kind):
        return _read_fields(cast(type, kind), value, at)
    if get_origin(kind) is tuple and isinstance(value, list):
        return tuple(from_json(get_args(kind)[0], one, at=f"{at}[{index}]") for index, one in enumerate(value))
    if isinstance(kind, type) and issubclass(kind, IntEnum):
        number = from_json(int, value, at=at)
        if number not in set(kind):
            raise _unfit(at, value, " or ".join(f'"{one.value}"' for one in kind))
        return kind(number)
    if kind is str and isinstance(value, str):
        return value
    if kind is bool and isinstance(value, bool):
        return value
    if kind is int and isinstance(value, str) and re.fullmatch(r"[0-9]{1,78}", value, re.ASCII):
        return int(value)
    if kind is bytes and isinstance(value, str) and re.fullmatch(r"0x([0-9a-fA-F]{2})*", value, re.ASCII):
        is_address = len(value) == len("0x") + 2 * len(ZERO_ADDRESS)
        return parse_address(value) if is_address else bytes.fromhex(value.removeprefix("0x"))
    raise _unfit(at, value, _WANTED.get(kind, "a list"))


def _read_fields(kind: type, value: Any, at: str) -> Any:
    if not isinstance(value, Mapping):
        raise _unfit(at, value, "an object")
    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind)]
    if unknown := sorted(value.keys() - set(names)):
        raise Unfit(f"{at} has no field {_shown(unknown[0])}; it has {', '.join(names)}")
    made = {name: read_part(hints[name], value, name) for name in names}
    if made.get("receivable_id", 0) > RECEIVABLE_ID_MAX:
        raise Unfit(f"receivable_id: there is no receivable {made['receivable_id']}")
    for field, abi_type in structs(getattr(kind, "TYPE", "")).get(kind.__name__, ()):
        bits = abi_type.removeprefix("uint")
        if bits.isdecimal() and isinstance(number := made.get(_snake(field)), int) and number >> int(bits):
            raise Unfit(f"{_snake(field)} is {number}; wanted is less than 2**{bits}")
    return kind(**made)


_WANTED = {
    int: 'a whole number as a string of digits, such as "1000"',
    str: "a string",
    bool: "true or false",
    bytes: 'a string of "0x" and pairs of hex digits',
}


def _unfit(at: str, value: Any, wanted: str) -> Unfit:
    return Unfit(f"{at} is {_shown(value)}; wanted is {wanted}")


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= SHOWN_CHARACTERS_MAX else text[:SHOWN_CHARACTERS_MAX] + "…"
