"""What originator and debtor agree about: credit notes, disputes and their end (DOMAIN rule 21).

One of them signs, the other one carries it out; or both sign, and anyone submits it. The chain can judge it only with
both, so what one signs is rehearsed beforehand with registry.domain.rules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from eth_account.signers.local import LocalAccount

from registry.chain.operations import Agreement, CreditNote, Dispute, Resolve
from registry.chain.typed_data import SignedOperation, countersign
from registry.commands import rehearsing
from registry.commands.certificates import currency_of, named, receivable_of, require_present, typed_amount
from registry.commands.sending import (
    Done,
    Hand,
    Pen,
    Signed,
    actor,
    check,
    free_nonce,
    known_by_name,
    send_call,
    signed,
)
from registry.commands.services import Services
from registry.commands.signing import DocumentOfAnotherKind, read_signed, require_here
from registry.domain import rules
from registry.domain.identifiers import ZERO_ADDRESS, Address, CertificateId
from registry.domain.journal import Entry
from registry.store.queries import certificates as certificate_queries

# ------------------------------------------------------------- what is agreed


def credit_note(services: Services, certificate: CertificateId, amount: str) -> CreditNote:
    """Take an amount (as typed) away from the front certificate.

    Raises UnknownCertificate and what typed_amount raises.
    """
    require_present(services, certificate)
    minor = typed_amount(amount, currency_of(services, certificate.receivable_id)).minor
    return CreditNote(**named(certificate), amount=minor)


def dispute(services: Services, certificate: CertificateId, amount: str) -> Dispute:
    """Put so much (as typed) of the front certificate in dispute.

    Raises UnknownCertificate and what typed_amount raises.
    """
    require_present(services, certificate)
    minor = typed_amount(amount, currency_of(services, certificate.receivable_id)).minor
    return Dispute(**named(certificate), cut=certificate.start + minor)


def resolve(receivable_id: int) -> Resolve:
    """End the dispute: what of it was not credited is owed."""
    return Resolve(receivable_id=receivable_id)


# ------------------------------------------------------- signing, carrying out


def sign(services: Services, pen: Pen, agreement: Agreement) -> SignedOperation:
    """What one of the two signs for the other one to carry out. Raises what the contract would refuse of it."""
    _rehearse(services, pen, agreement)
    return signed(services, pen, agreement)


def agree(services: Services, *, signer: LocalAccount, second: Pen, agreement: Agreement) -> Done:
    """Carry out what both are agreed about whose keys are here. Raises what sign and carry_out raise."""
    return carry_out(services, signer=signer, agreed=sign(services, second, agreement))


def carry_out(services: Services, *, signer: Hand, agreed: SignedOperation) -> Done:
    """Do what the other party signed. A pen signs it too, so that anyone may submit it.

    Raises Signed where the hand is a pen, SignedForAnother, and the contract's refusals.
    """
    require_here(services, agreed)
    if not isinstance(signer, Pen):
        return send_call(services, signer, agreed.call())
    check(services, actor(signer), agreed.call())
    nonce = free_nonce(services, actor(signer))
    raise Signed(countersign(agreed, signer.account, deadline=signer.deadline, nonce=nonce))


def read_agreed(path: Path) -> SignedOperation:
    """What one party signed for the other one.

    Raises DocumentUnreadable, SignedOperationMalformed, DocumentOfAnotherKind.
    """
    found = read_signed(path)
    if not isinstance(found.operation, Agreement) or found.second is not None:
        raise DocumentOfAnotherKind(f"{path.name} is a {found.operation.function()} that waits for nobody's agreement")
    return found


# ---------------------------------------------------------------- rehearsing

_DECISIONS: Mapping[type[Agreement], Callable[..., Entry]] = {
    CreditNote: rules.decide_credit_note,
    Dispute: rules.decide_dispute,
    Resolve: rules.decide_resolve,
}


def _rehearse(services: Services, pen: Pen, agreement: Agreement) -> None:
    receivable_id: int = agreement.values()["receivable_id"]
    other = _other_party(services, receivable_id, actor(pen))
    world = rehearsing.world(services, receivables=[receivable_id], members={actor(pen), other})
    with known_by_name(services, currency=currency_of(services, receivable_id)):
        _DECISIONS[type(agreement)](
            world,
            actor=other,
            second=rehearsing.unsigned(services, agreement, pen),
            now=services.node.pending_at(),
            **rehearsing.arguments(agreement),
        )


def _other_party(services: Services, receivable_id: int, signer: Address) -> Address:
    """Who would carry out what the signer signs: the debtor, or who holds the first cents; zeros for nobody.

    Raises UnknownReceivable.
    """
    row = receivable_of(services, receivable_id)
    if signer != row.debtor:
        return row.debtor
    with services.database.snapshot() as connection:
        front = certificate_queries.certificate(connection, receivable_id, row.cancelled_minor)
    return ZERO_ADDRESS if front is None else front.holder
