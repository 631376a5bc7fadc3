"""Refusals of incoming invoices: what cannot be read, and what can be read but never becomes a receivable."""

from __future__ import annotations

from typing import ClassVar

from registry.errors import Refusal


class DocumentUnreadable(Refusal):
    code: ClassVar[str] = "document_unreadable"
    title: ClassVar[str] = "The file cannot be read"
    default_hint: ClassVar[str] = "Check that the path names a regular file that you may read."


class DocumentTooLarge(Refusal):
    code: ClassVar[str] = "document_too_large"
    status: ClassVar[int] = 413
    title: ClassVar[str] = "The document is too large"
    default_hint: ClassVar[str] = "Send the invoice without its attachments."


class DocumentMalformed(Refusal):
    code: ClassVar[str] = "document_malformed"
    title: ClassVar[str] = "The document is not a well-formed XML invoice"
    default_hint: ClassVar[str] = "Export the invoice again as UBL 2.1 or UN/CEFACT CII, in UTF-8."


class DocumentForbiddenConstruct(Refusal):
    code: ClassVar[str] = "document_forbidden_construct"
    title: ClassVar[str] = "The document uses an XML construct that no invoice needs"
    default_hint: ClassVar[str] = "Remove the DOCTYPE and entity declarations, and nest no deeper than an invoice does."


class DocumentUnsupported(Refusal):
    code: ClassVar[str] = "document_unsupported"
    status: ClassVar[int] = 415
    title: ClassVar[str] = "The document is of a kind that is not read here"
    default_hint: ClassVar[str] = (
        "Send a UBL 2.1 Invoice or CreditNote, a UN/CEFACT CrossIndustryInvoice (D16B), or a PDF that carries one."
    )


class ProfileInsufficient(Refusal):
    """The invoice follows a profile that does not carry what a receivable needs."""

    code: ClassVar[str] = "profile_insufficient"
    title: ClassVar[str] = "The profile of the invoice carries too little"
    default_hint: ClassVar[str] = "Ask the issuer for profile BASIC, EN 16931, EXTENDED or XRECHNUNG."


class DocumentIncomplete(Refusal):
    """`field` is the name of the missing field, a dotted path into Invoice."""

    code: ClassVar[str] = "document_incomplete"
    title: ClassVar[str] = "The invoice lacks a field that a receivable needs"
    default_hint: ClassVar[str] = "Ask the issuer for a complete invoice."

    def __init__(self, field: str, *, hint: str | None = None) -> None:
        self.field = field
        super().__init__(f"the invoice lacks {field}", hint=hint)


class IdentityMalformed(Refusal):
    """A party identity that is not written as one."""

    code = "identity_malformed"
    title = "That does not identify a party"
    default_hint = "Write vat:DE123456789, scheme:0088:4000001123452 (ICD code and number) or tax:20111340209"


class DocumentInconsistent(Refusal):
    code: ClassVar[str] = "document_inconsistent"
    title: ClassVar[str] = "The invoice contradicts itself"
    default_hint: ClassVar[str] = "Ask the issuer for a corrected invoice."


class CreditNoteNotRegistrable(Refusal):
    code: ClassVar[str] = "credit_note_not_registrable"
    title: ClassVar[str] = "A credit note or corrected invoice cannot become a receivable"
    default_hint: ClassVar[str] = "Register the invoice that it corrects, with what is left to pay."


class InvoiceTypeNotRegistrable(Refusal):
    code: ClassVar[str] = "invoice_type_not_registrable"
    title: ClassVar[str] = "An invoice of this type cannot become a receivable"
    default_hint: ClassVar[str] = "Types 380, 204, 387 and 389 (UNTDID 1001) can."


class PayableNotPositive(Refusal):
    code: ClassVar[str] = "payable_not_positive"
    title: ClassVar[str] = "The invoice leaves nothing to pay"
    default_hint: ClassVar[str] = "Only an invoice with a positive amount due for payment can become a receivable."


class SellerIsBuyer(Refusal):
    code: ClassVar[str] = "seller_is_buyer"
    title: ClassVar[str] = "Seller and buyer of the invoice are the same party"
    default_hint: ClassVar[str] = "A receivable needs a debtor other than its creditor."
