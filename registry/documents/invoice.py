"""The invoice as the registry understands it, whatever its format, and what may become a receivable. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from registry.documents.errors import (
    CreditNoteNotRegistrable,
    InvoiceTypeNotRegistrable,
    PayableNotPositive,
    SellerIsBuyer,
)
from registry.documents.parties import Party, PartyIdentity, identity_of
from registry.domain.money import Currency, Money

REGISTRABLE_TYPES: Final = frozenset({"380", "204", "387", "389"})
"""UNTDID 1001: commercial invoice, payment valuation, hire invoice, self-billed invoice."""

CORRECTION_TYPES: Final = frozenset({"381", "384"})
"""UNTDID 1001: credit note, corrected invoice."""

TYPE_NAMES: Final = {
    "204": "payment valuation",
    "261": "self-billed credit note",
    "326": "partial invoice",
    "380": "commercial invoice",
    "381": "credit note",
    "384": "corrected invoice",
    "386": "prepayment invoice",
    "387": "hire invoice",
    "389": "self-billed invoice",
}
"""UNTDID 1001, the types that are met in EN 16931 invoices."""


@dataclass(frozen=True, slots=True)
class Invoice:
    """What a receivable needs of an invoice. Amounts in minor units of `currency`; days without a time zone.

    `payable_minor` is the amount due for payment (BT-115, prepayments already off); it may be zero or negative.
    `format` is the syntax: the invoice in a PDF is CII or UBL, a row of a table is csv.
    `preceding_invoices` are the numbers of the invoices that a correction refers to. In a self-billed invoice seller
    and buyer stay who they are: the buyer wrote it, the seller is still the creditor.
    """

    format: Literal["ubl", "cii", "csv"]
    number: str
    type_code: str
    issue_date: date
    due_date: date | None
    currency: Currency
    payable_minor: int
    seller: Party
    buyer: Party
    payee: Party | None = None
    tax_inclusive_minor: int | None = None
    prepaid_minor: int | None = None
    order_reference: str | None = None
    delivery_date: date | None = None
    payment_terms: str | None = None
    preceding_invoices: tuple[str, ...] = ()

    @property
    def payable(self) -> Money:
        return Money(self.payable_minor, self.currency)

    @property
    def seller_identity(self) -> PartyIdentity:
        """Refuses: document_incomplete."""
        return identity_of(self.seller, role="seller")

    @property
    def buyer_identity(self) -> PartyIdentity:
        """Refuses: document_incomplete."""
        return identity_of(self.buyer, role="buyer")


def require_registrable(invoice: Invoice) -> None:
    """Pass if the invoice may become a receivable.

    Refuses: credit_note_not_registrable, invoice_type_not_registrable, payable_not_positive, seller_is_buyer,
    document_incomplete. Source: rules 3 and 6.
    """
    if invoice.type_code in CORRECTION_TYPES:
        raise CreditNoteNotRegistrable(f"document {invoice.number} is of type {invoice.type_code}")
    if invoice.type_code not in REGISTRABLE_TYPES:
        raise InvoiceTypeNotRegistrable(f"document {invoice.number} is of type {invoice.type_code}")
    if invoice.payable_minor <= 0:
        raise PayableNotPositive(f"invoice {invoice.number} leaves {invoice.payable} to pay")
    if invoice.seller_identity == invoice.buyer_identity:
        raise SellerIsBuyer(f"seller and buyer of invoice {invoice.number} are both {invoice.seller_identity}")
