"""Operations by signature (EIP-712): what is signed, and the document that carries it to a submitter.

The document is JSON, so that a person without coins for gas, or a second officer in another office, can hand it to
whoever submits: operation, arguments, signer, anchor, claim key, nonce, deadline, signature, chain id and contract; of
an agreement that both parties signed, also what the second one signed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from eth_account.signers.local import LocalAccount

from registry.chain import operations
from registry.chain.contract import agreed_call, signed_call
from registry.chain.eip712 import (
    MALFORMED,
    Eip712Domain,
    Message,
    Unfit,
    fresh_nonce,
    from_json,
    part,
    read_part,
    structs,
    to_json,
    what_is_wrong,
)
from registry.chain.operations import Agreement, Authorisation, Operation
from registry.chain.submit import account_address
from registry.domain.anchors import NO_ANCHOR, NO_CLAIM_KEY
from registry.domain.identifiers import format_address, parse_address
from registry.domain.refusals import Refusal


class SignedOperationMalformed(Refusal):
    """A document that is no signed operation."""

    code = "signed_operation_malformed"
    status = 400
    title = "That is not a signed operation"
    default_hint = "It is the JSON that signing printed, unchanged"


def has_anchor(kind: type[Operation]) -> bool:
    """Whether the signature is bound to a journal: those of operations that name a receivable are."""
    return ("anchor", "bytes32") in structs(kind.TYPE)[kind.__name__]


def message(operation: Operation, by: Authorisation, domain: Eip712Domain) -> Message:
    """What is signed. The signature in `by` does not count."""
    values = operation.values() | {"signer": by.signer, "nonce": by.nonce, "deadline": by.deadline, "anchor": by.anchor}
    return Message(type(operation).TYPE, values, domain)


def typed_data(operation: Operation, by: Authorisation, domain: Eip712Domain) -> dict[str, Any]:
    """The same as eth_signTypedData_v4 takes it."""
    return message(operation, by, domain).typed_data()


def digest(operation: Operation, by: Authorisation, domain: Eip712Domain) -> bytes:
    """The 32 bytes that are signed."""
    return message(operation, by, domain).digest()


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
    return SignedOperation(operation, replace(by, signature=message(operation, by, domain).sign(signer)), domain)


def countersign(
    signed: SignedOperation, signer: LocalAccount, *, deadline: int, nonce: int | None = None
) -> SignedOperation:
    """The other party's signature of the same agreement, beside the first one's."""
    assert isinstance(signed.operation, Agreement)
    by = signed.by
    second = sign(
        signed.operation,
        signer,
        signed.domain,
        deadline=deadline,
        anchor=by.anchor,
        claim_key=by.claim_key,
        nonce=nonce,
    )
    return replace(signed, second=second.by)


@dataclass(frozen=True, slots=True)
class SignedOperation:
    """An operation with its signature, for the registry that it was signed for.

    `second` is the other party's signature of an agreement, which then anyone submits; with one signature the other
    party does, as a second officer signs and the first one submits.
    """

    operation: Operation
    by: Authorisation
    domain: Eip712Domain
    second: Authorisation | None = None

    def call(self) -> bytes:
        """Calldata with which it is submitted."""
        if self.second is not None:
            assert isinstance(self.operation, Agreement)
            return agreed_call(self.operation, self.by, self.second)
        return signed_call(self.operation, self.by)

    def is_accounts(self) -> bool:
        """Whether each signature is its signer's own key's, as contracts take it; a contract's (ERC-1271) is not."""
        return all(
            message(self.operation, by, self.domain).is_signed_by(by.signer, by.signature)
            for by in (self.by, self.second)
            if by is not None
        )

    def to_json(self) -> dict[str, Any]:
        """The document."""
        return {
            "operation": self.operation.function(),
            "arguments": to_json({field.name: getattr(self.operation, field.name) for field in fields(self.operation)}),
            **to_json(self.by),
            "chain_id": str(self.domain.chain_id),
            "contract": format_address(self.domain.contract),
        } | ({} if self.second is None else {"second": to_json(self.second)})

    @classmethod
    def from_json(cls, document: Any) -> SignedOperation:
        """Read a document of a stranger's. Raises SignedOperationMalformed."""
        try:
            kind = _KINDS.get(read_part(str, document, "operation"))
            if kind is None:
                raise Unfit(f"operation: nothing that is signed has the name {document['operation']!r}")
            if "second" in document and not issubclass(kind, Agreement):
                raise Unfit("second: only an agreement has a second signature")
            signed = cls(
                read_part(kind, document, "arguments"),
                _authorisation(document),
                Eip712Domain(
                    chain_id=read_part(int, document, "chain_id"),
                    contract=parse_address(read_part(str, document, "contract")),
                ),
                _authorisation(document["second"]) if "second" in document else None,
            )
            signed.call()
            # The calldata packs a range into one word, where a start too wide would run into the receivable's number.
            digest(signed.operation, signed.by, signed.domain)
        except MALFORMED as error:
            raise SignedOperationMalformed(what_is_wrong(error)) from error
        return signed


def _authorisation(document: Mapping[str, Any]) -> Authorisation:
    read: Authorisation = from_json(
        Authorisation, {field.name: part(document, field.name) for field in fields(Authorisation)}
    )
    return read


_KINDS: dict[str, type[Operation]] = {
    kind.function(): kind
    for kind in vars(operations).values()
    if isinstance(kind, type) and issubclass(kind, Operation) and "TYPE" in vars(kind)
}
"""The operations that are signed, by the contract's functions."""
