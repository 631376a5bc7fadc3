"""What the owner of an invoice decides about it: to open fields for somebody, and to make the rest unopenable."""

from __future__ import annotations

from eth_account.signers.local import LocalAccount

from registry.chain.eip712 import Eip712Domain, Message
from registry.chain.submit import account_address
from registry.commands.services import Services
from registry.domain.identifiers import CertificateId, format_address, format_receivable_id
from registry.domain.keccak import keccak256
from registry.domain.refusals import Refusal
from registry.domain.rules import UnknownReceivable
from registry.store import records
from registry.store.queries import invoices, receivables
from registry.verification.disclosure import TYPE, WORDS_CHARACTERS_MAX, Disclosure
from registry.verification.make import InvoiceErased, Wanted, gather, make


class NotTheInvoicesOwner(Refusal):
    """Somebody who is neither the originator nor the debtor opens fields."""

    code = "not_the_invoices_owner"
    status = 403
    title = "Only a party to the invoice opens its fields"
    default_hint = "Name the originator or the debtor with --as"


class RecipientMalformed(Refusal):
    """No name for whom, or no purpose, or one that is too long."""

    code = "recipient_malformed"
    status = 400
    title = "Say for whom fields are opened, and what for"
    default_hint = f"A name and a purpose, of at most {WORDS_CHARACTERS_MAX} characters each"


def disclose(
    services: Services,
    *,
    certificate: CertificateId,
    fields: tuple[str, ...],
    recipient: str,
    purpose: str,
    signer: LocalAccount,
) -> bytes:
    """A disclosure of these fields, at the mirror's block, with what does not bear on the certificate sealed.

    Raises RecipientMalformed, NotTheInvoicesOwner, and as gather and make.
    """
    if not all(text.strip() and len(text) <= WORDS_CHARACTERS_MAX for text in (recipient, purpose)):
        raise RecipientMalformed()
    with services.database.snapshot() as connection:
        gathered = gather(connection, Wanted(certificate, redact=True, open=fields))
    owner, receivable = account_address(signer), gathered.history.receivable
    if owner not in (receivable.originator, receivable.debtor):
        raise NotTheInvoicesOwner(f"{format_address(owner)} is neither its originator nor its debtor")
    disclosure = Disclosure(make(services.node, gathered), recipient, purpose)
    message = Message(
        TYPE,
        {"proof": keccak256(disclosure.proof), "recipient": recipient, "purpose": purpose},
        Eip712Domain(chain_id=gathered.cursor.chain_id, contract=gathered.cursor.contract),
    )
    return Disclosure(disclosure.proof, recipient, purpose, message.sign(signer)).encode()


def erase_invoice(services: Services, receivable_id: int) -> None:
    """Delete what is kept of the invoice behind a receivable, values and salts, in one transaction.

    The root on chain stays, and nothing opens it any more. Raises UnknownReceivable, InvoiceErased.
    """
    with services.database.write() as connection:
        row = receivables.receivable(connection, receivable_id)
        if row is None:
            raise UnknownReceivable(f"there is no {format_receivable_id(receivable_id)}")
        if invoices.invoice_by_root(connection, row.document_root) is None:
            raise InvoiceErased()
        records.forget_invoice(connection, document_root=row.document_root)
