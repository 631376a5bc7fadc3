"""UBL 2.1 Invoice and CreditNote, read by the EN 16931 binding (BT numbers in comments)."""

from __future__ import annotations

from datetime import date
from typing import Final

from lxml import etree

from registry.documents.errors import DocumentInconsistent
from registry.documents.fields import amount_minor, iso_day, required
from registry.documents.invoice import REGISTRABLE_TYPES, Invoice
from registry.documents.parties import Party, PartyIdentifier
from registry.documents.xml import element_at, elements, text_at, text_of, texts
from registry.domain.money import Currency, currency

INVOICE_TAG: Final = "{urn:oasis:names:specification:ubl:schema:xsd:Invoice-2}Invoice"
CREDIT_NOTE_TAG: Final = "{urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2}CreditNote"

_NS: Final = {
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}
_CREDIT_NOTE: Final = "381"


def read_ubl(root: etree._Element) -> Invoice:
    """Invoice of a UBL root element.

    Refuses: document_incomplete, document_inconsistent, document_malformed, unknown_currency, amount_malformed,
    amount_too_precise, amount_out_of_range.
    """
    money = currency(required(_text(root, "cbc:DocumentCurrencyCode"), field="currency"))  # BT-5
    return Invoice(
        format="ubl",
        number=required(_text(root, "cbc:ID"), field="number"),  # BT-1
        type_code=_type_code(root),
        issue_date=iso_day(required(_text(root, "cbc:IssueDate"), field="issue_date"), field="issue_date"),  # BT-2
        due_date=_due_date(root),
        currency=money,
        payable_minor=required(_total(root, "PayableAmount", money, field="payable"), field="payable"),  # BT-115
        seller=_party(required(element_at(root, "cac:AccountingSupplierParty/cac:Party", _NS), field="seller")),
        buyer=_party(required(element_at(root, "cac:AccountingCustomerParty/cac:Party", _NS), field="buyer")),
        payee=_payee(root),
        tax_inclusive_minor=_total(root, "TaxInclusiveAmount", money, field="tax_inclusive"),  # BT-112
        prepaid_minor=_total(root, "PrepaidAmount", money, field="prepaid"),  # BT-113
        order_reference=_text(root, "cac:OrderReference/cbc:ID"),  # BT-13
        delivery_date=_latest(root, "cac:Delivery/cbc:ActualDeliveryDate", field="delivery_date"),  # BT-72
        payment_terms="\n".join(texts(root, "cac:PaymentTerms/cbc:Note", _NS)) or None,  # BT-20
        preceding_invoices=tuple(texts(root, "cac:BillingReference/cac:InvoiceDocumentReference/cbc:ID", _NS)),  # BT-25
    )


def specification(root: etree._Element) -> str | None:
    """BT-24, the specification that the document says it follows. Refuses: document_inconsistent."""
    return _text(root, "cbc:CustomizationID")


def _type_code(root: etree._Element) -> str:
    """BT-3. A CreditNote without a code is a credit note; one that calls itself an invoice contradicts its root."""
    if root.tag == INVOICE_TAG:
        return required(_text(root, "cbc:InvoiceTypeCode"), field="type_code")
    code = _text(root, "cbc:CreditNoteTypeCode") or _CREDIT_NOTE
    if code in REGISTRABLE_TYPES:
        raise DocumentInconsistent(f"a CreditNote cannot be of type {code}, which is an invoice")
    return code


def _due_date(root: etree._Element) -> date | None:
    """BT-9; a CreditNote, and some invoices, keep it with the payment means or terms.

    Of several there the latest: earlier ones end a discount or are instalments, and the whole is due only with the
    last.
    """
    stated = _text(root, "cbc:DueDate")
    if stated is not None:
        return iso_day(stated, field="due_date")
    days = [
        _latest(root, path, field="due_date")
        for path in ("cac:PaymentMeans/cbc:PaymentDueDate", "cac:PaymentTerms/cbc:PaymentDueDate")
    ]
    return max((day for day in days if day is not None), default=None)


def _total(root: etree._Element, name: str, money: Currency, *, field: str) -> int | None:
    found = element_at(root, f"cac:LegalMonetaryTotal/cbc:{name}", _NS)
    if found is None or not text_of(found):
        return None
    return amount_minor(text_of(found), currency=money, stated_currency=found.get("currencyID"), field=field)


def _latest(root: etree._Element, path: str, *, field: str) -> date | None:
    return max((iso_day(text, field=field) for text in texts(root, path, _NS)), default=None)


def _party(found: etree._Element) -> Party:
    # The registered name before the trading name: CII has the registered one in its only mandatory place.
    name = _first(found, "cac:PartyLegalEntity/cbc:RegistrationName") or _first(found, "cac:PartyName/cbc:Name")
    return Party(
        name=name or "",
        identifiers=tuple(_identifiers(found)),
        country=_first(found, "cac:PostalAddress/cac:Country/cbc:IdentificationCode"),
    )


def _payee(root: etree._Element) -> Party | None:
    """BG-10, the factor for instance."""
    found = element_at(root, "cac:PayeeParty", _NS)
    return None if found is None else _party(found)


def _identifiers(party: etree._Element) -> list[PartyIdentifier]:
    found: list[PartyIdentifier] = []
    for element in elements(party, "cac:PartyIdentification/cbc:ID", _NS):
        scheme = (element.get("schemeID") or "").strip()
        found.append(PartyIdentifier("global" if scheme else "local", scheme, text_of(element)))
    found += [
        PartyIdentifier("registration", (element.get("schemeID") or "").strip(), text_of(element))
        for element in elements(party, "cac:PartyLegalEntity/cbc:CompanyID", _NS)
    ]
    for scheme_element in elements(party, "cac:PartyTaxScheme", _NS):
        tax = (_text(scheme_element, "cac:TaxScheme/cbc:ID") or "").upper()
        number = _text(scheme_element, "cbc:CompanyID") or ""
        # Everything but VAT (FC, TAX, LOC, ...) is a tax number at best, and often a sentence.
        found.append(PartyIdentifier("vat" if tax == "VAT" else "tax", "" if tax == "VAT" else tax, number))
    return [identifier for identifier in found if identifier.value]


def _text(parent: etree._Element, path: str) -> str | None:
    return text_at(parent, path, _NS)


def _first(parent: etree._Element, path: str) -> str | None:
    """The first text at `path`, for names and countries, on which no identity rests alone."""
    return next(iter(texts(parent, path, _NS)), None)
