"""Signatures that stand for a transaction: read from a file, submitted by anyone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from eth_account.signers.local import LocalAccount

from registry.chain.operations import Agreement, CreditNote, Dispute, Order, Resolve
from registry.chain.typed_data import SignedOperation, SignedOperationMalformed
from registry.commands.sending import Done, domain, send_call
from registry.commands.services import Services
from registry.documents.reading import read_document
from registry.domain.identifiers import format_address
from registry.domain.refusals import Refusal


class SignedForAnother(Refusal):
    """A signature that another registry, or another chain, takes."""

    code = "signed_for_another"
    status = 409
    title = "The signature is for another registry"
    default_hint = "Submit it where it was signed for, or have it signed here"


class DocumentOfAnotherKind(Refusal):
    """An order where a member's operation was expected, or the other way round."""

    code = "document_of_another_kind"
    status = 400
    title = "That document is submitted by another command"
    default_hint = (
        "`counterfoil relay` submits what members signed, `counterfoil agree` carries out what the other party signed, "
        "`counterfoil order carry-out` what the other officer signed, `counterfoil quote` takes quotes"
    )


class NotTheSigner(Refusal):
    """Somebody would give up another's signature."""

    code = "not_the_signer"
    status = 403
    title = "Only its signer gives up a signature"
    default_hint = "Name the signer with --as"


def read_json(path: Path) -> Any:
    """A JSON document of a stranger's. Raises DocumentUnreadable, SignedOperationMalformed."""
    try:
        return json.loads(read_document(path))
    except (ValueError, RecursionError) as error:
        raise SignedOperationMalformed(f"{path.name} is no JSON: {error}") from error


_TAKEN_BY = {
    "operations": ("an order", "order carry-out"),
    "acceptance": ("an accepted quote", "quote submit"),
    "quote": ("a quote", "quote accept"),
    "permit": ("a permit", "deposit submit"),
    "operation": ("a member's operation", "relay"),
}
"""What a document with a member of that name is, and the command that takes it; the first that it has counts."""

_AGREEMENTS = tuple(kind.function() for kind in (CreditNote, Dispute, Resolve))


def read_kind(path: Path, member: str) -> Any:
    """A JSON document of the kind that has that member, or of none.

    Raises DocumentUnreadable, SignedOperationMalformed, DocumentOfAnotherKind.
    """
    document = read_json(path)
    if isinstance(document, dict) and member not in document:
        other = next((other for other in _TAKEN_BY if other in document), None)
        if other is not None:
            what, command = _TAKEN_BY[other]
            if document[other] in _AGREEMENTS and "second" not in document:
                what, command = "an agreement that one party signed", "agree"
            raise DocumentOfAnotherKind(f"{path.name} is {what}: `counterfoil {command}` takes it")
    return document


def read_signed(path: Path) -> SignedOperation:
    """What a member signed. Raises DocumentUnreadable, SignedOperationMalformed, DocumentOfAnotherKind."""
    signed = SignedOperation.from_json(read_kind(path, "operation"))
    if isinstance(signed.operation, Order):
        raise DocumentOfAnotherKind(f"{path.name} is an officer's {signed.operation.function()}")
    return signed


def require_relayable(signed: SignedOperation) -> None:
    """The submitter has no part in it: with one signature alone it would be the other officer or party.

    Raises DocumentOfAnotherKind.
    """
    operation = signed.operation
    if isinstance(operation, Order):
        raise DocumentOfAnotherKind(f"{operation.function()} is an officer's, who sends it too")
    if isinstance(operation, Agreement) and signed.second is None:
        raise DocumentOfAnotherKind(f"this {operation.function()} waits for the other party's agreement")


def relay(services: Services, *, signer: LocalAccount, signed: SignedOperation) -> Done:
    """Submit what a member signed, or two parties; the submitter pays and has no other part in it.

    Raises DocumentOfAnotherKind, SignedForAnother and the contract's refusals, of the signature and of the operation.
    """
    require_relayable(signed)
    require_here(services, signed)
    return send_call(services, signer, signed.call())


def require_here(services: Services, signed: SignedOperation) -> None:
    """Raises SignedForAnother."""
    if signed.domain != domain(services):
        raise SignedForAnother(f"it is for {format_address(signed.domain.contract)} on chain {signed.domain.chain_id}")
