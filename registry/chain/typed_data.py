"""Signatures that stand for a transaction (EIP-712): what is signed, and the document that carries it to a submitter.

The document is JSON, so that a person without coins for gas, or a second officer in another office, can hand it to
whoever submits: operation, arguments, signer, anchor, claim key, nonce, deadline, signature, chain id and contract.
Integers are decimal strings, which no JSON reader rounds; bytes and addresses are 0x and hex digits.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from functools import cache
from typing import Any, cast, get_args, get_origin, get_type_hints

from eth_abi.exceptions import EncodingError
from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data
from eth_account.signers.local import LocalAccount
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError

from registry.chain import operations
from registry.chain.contract import signed_call
from registry.chain.operations import Authorisation, Eip712Domain, Operation
from registry.chain.submit import account_address
from registry.domain.anchors import NO_ANCHOR, NO_CLAIM_KEY
from registry.domain.identifiers import RECEIVABLE_ID_MAX, ZERO_ADDRESS, IdMalformed, format_address, parse_address
from registry.domain.keccak import keccak256
from registry.domain.refusals import Refusal

NONCE_BITS = 256
SIGNATURE_BYTES = 65
_CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

_DOMAIN_FIELDS = (("name", "string"), ("version", "string"), ("chainId", "uint256"), ("verifyingContract", "address"))
_STRUCT = re.compile(r"(\w+)\(([^)]*)\)")


class SignedOperationMalformed(Refusal):
    """A document that is no signed operation."""

    code = "signed_operation_malformed"
    status = 400
    title = "That is not a signed operation"
    default_hint = "It is the JSON that signing printed, unchanged"


def fresh_nonce() -> int:
    """A nonce that the signer has not used: nonces have no order, so any of 2**256 will do."""
    return secrets.randbits(NONCE_BITS)


@cache
def structs(declared: str) -> dict[str, tuple[tuple[str, str], ...]]:
    """The structures of an EIP-712 type, the type's own first: (name, type) of each field."""
    return {
        name: tuple((field.split()[1], field.split()[0]) for field in members.split(","))
        for name, members in _STRUCT.findall(declared)
    }


def has_anchor(kind: type[Operation]) -> bool:
    """Whether the signature is bound to a journal: those of operations that name a receivable are."""
    return ("anchor", "bytes32") in structs(kind.TYPE)[kind.__name__]


def typed_data(operation: Operation, by: Authorisation, domain: Eip712Domain) -> dict[str, Any]:
    """What the signer signs, as eth_signTypedData_v4 takes it. The signature in `by` does not count."""
    kind = type(operation)
    values = operation.values() | {"signer": by.signer, "nonce": by.nonce, "deadline": by.deadline}
    values["anchor"] = by.anchor
    declared = structs(kind.TYPE)
    return {
        "types": {
            name: [{"name": field, "type": abi_type} for field, abi_type in members]
            for name, members in {"EIP712Domain": _DOMAIN_FIELDS, **declared}.items()
        },
        "primaryType": kind.__name__,
        "domain": {
            "name": domain.name,
            "version": domain.version,
            "chainId": domain.chain_id,
            "verifyingContract": format_address(domain.contract),
        },
        "message": _message(values, kind.__name__, declared),
    }


def _message(values: Mapping[str, Any], name: str, declared: Mapping[str, tuple[tuple[str, str], ...]]) -> Any:
    """The fields of a structure of that name, and of the arrays of structures in it."""
    message = {}
    for field, abi_type in declared[name]:
        value, inner = values[_snake(field)], abi_type.removesuffix("[]")
        message[field] = [_message(each, inner, declared) for each in value] if inner in declared else _to_json(value)
    return message


def digest(operation: Operation, by: Authorisation, domain: Eip712Domain) -> bytes:
    """The 32 bytes that are signed."""
    message = _signable(operation, by, domain)
    return keccak256(b"\x19" + message.version + message.header + message.body)


def sign(
    operation: Operation,
    signer: LocalAccount,
    domain: Eip712Domain,
    *,
    deadline: int,
    anchor: bytes = NO_ANCHOR,
    claim_key: bytes = NO_CLAIM_KEY,
    nonce: int | None = None,
) -> SignedOperation:
    """Sign an operation until `deadline` (seconds), with a fresh nonce unless one is given.

    `anchor` is what the signature says of the receivable, opened by `claim_key` where it is no answer
    (registry.domain.anchors); both are left out where the type has none.
    """
    by = Authorisation(
        signer=account_address(signer),
        nonce=fresh_nonce() if nonce is None else nonce,
        deadline=deadline,
        anchor=anchor if has_anchor(type(operation)) else NO_ANCHOR,
        claim_key=claim_key if has_anchor(type(operation)) else NO_CLAIM_KEY,
        signature=b"",
    )
    signature = bytes(signer.sign_message(_signable(operation, by, domain)).signature)
    return SignedOperation(operation, replace(by, signature=signature), domain)


@dataclass(frozen=True, slots=True)
class SignedOperation:
    """An operation with its signature, for the registry that it was signed for."""

    operation: Operation
    by: Authorisation
    domain: Eip712Domain

    def call(self) -> bytes:
        """Calldata with which anyone submits it."""
        return signed_call(self.operation, self.by)

    def is_accounts(self) -> bool:
        """Whether the signature is the signer's own key's, as the contract takes it; a contract's (ERC-1271) is not."""
        signature = self.by.signature
        if len(signature) != SIGNATURE_BYTES or signature[-1] not in (27, 28):
            return False
        if int.from_bytes(signature[32:64]) > _CURVE_ORDER // 2:  # of two that verify, the contract takes this one not
            return False
        try:
            recovered = Account.recover_message(_signable(self.operation, self.by, self.domain), signature=signature)
        except (BadSignature, ValidationError):  # no point of the curve
            return False
        return parse_address(str(recovered)) == self.by.signer

    def to_json(self) -> dict[str, Any]:
        """The document."""
        return {
            "operation": self.operation.function(),
            "arguments": _to_json(
                {field.name: getattr(self.operation, field.name) for field in fields(self.operation)}
            ),
            "signer": format_address(self.by.signer),
            "anchor": _to_json(self.by.anchor),
            "claim_key": _to_json(self.by.claim_key),
            "nonce": str(self.by.nonce),
            "deadline": str(self.by.deadline),
            "signature": _to_json(self.by.signature),
            "chain_id": str(self.domain.chain_id),
            "contract": format_address(self.domain.contract),
        }

    @classmethod
    def from_json(cls, document: Any) -> SignedOperation:
        """Read a document of a stranger's. Raises SignedOperationMalformed."""
        try:
            kind = _KINDS[document["operation"]]
            signed = cls(
                _from_json(kind, document["arguments"]),
                Authorisation(
                    signer=parse_address(document["signer"]),
                    nonce=_from_json(int, document["nonce"]),
                    deadline=_from_json(int, document["deadline"]),
                    anchor=_from_json(bytes, document["anchor"]),
                    claim_key=_from_json(bytes, document["claim_key"]),
                    signature=_from_json(bytes, document["signature"]),
                ),
                Eip712Domain(
                    chain_id=_from_json(int, document["chain_id"]), contract=parse_address(document["contract"])
                ),
            )
            signed.call()
            # The calldata packs a range into one word, where a start too wide would run into the receivable's number.
            digest(signed.operation, signed.by, signed.domain)
        except (KeyError, TypeError, ValueError, AttributeError, EncodingError, IdMalformed) as error:
            raise SignedOperationMalformed(f"{type(error).__name__}: {error}") from error
        return signed


_KINDS: dict[str, type[Operation]] = {
    kind.function(): kind
    for kind in vars(operations).values()
    if isinstance(kind, type) and issubclass(kind, Operation) and "TYPE" in vars(kind)
}
"""The operations that are signed, by the contract's functions."""


def _signable(operation: Operation, by: Authorisation, domain: Eip712Domain) -> SignableMessage:
    return encode_typed_data(full_message=typed_data(operation, by, domain))


def _snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


def _to_json(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        return {key: _to_json(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_to_json(part) for part in value]
    if isinstance(value, bytes):
        return format_address(value) if len(value) == len(ZERO_ADDRESS) else "0x" + value.hex()
    return value if isinstance(value, bool) else str(value)


def _from_json(kind: Any, value: Any) -> Any:
    """A value of that type. Raises KeyError, TypeError, ValueError or IdMalformed for anything else."""
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        if value.keys() != {field.name for field in fields(kind)}:
            raise ValueError(f"{sorted(value)} are not the fields of {kind}")
        made = {name: _from_json(hints[name], part) for name, part in value.items()}
        if made.get("receivable_id", 0) > RECEIVABLE_ID_MAX:
            raise ValueError(f"there is no receivable {made['receivable_id']}")
        return cast(type, kind)(**made)
    if get_origin(kind) is tuple:
        return tuple(_from_json(get_args(kind)[0], part) for part in value)
    if kind is bool and isinstance(value, bool):
        return value
    if kind is int and isinstance(value, str) and re.fullmatch(r"[0-9]{1,78}", value, re.ASCII):
        return int(value)
    if kind is bytes and isinstance(value, str) and value.startswith("0x"):
        is_address = len(value) == len("0x") + 2 * len(ZERO_ADDRESS)
        return parse_address(value) if is_address else bytes.fromhex(value.removeprefix("0x"))
    raise TypeError(f"{value!r} is no {kind.__name__}")
