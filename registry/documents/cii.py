"""UN/CEFACT Cross Industry Invoice D16B, read by the EN 16931 binding (BT numbers in comments)."""

from __future__ import annotations

from datetime import date
from typing import Final

from lxml import etree

from registry.documents.errors import DocumentInconsistent, DocumentMalformed
from registry.documents.fields import amount_minor, digits_day, iso_day, required
from registry.documents.invoice import Invoice
from registry.documents.parties import Party, PartyIdentifier
from registry.documents.xml import element_at, elements, text_at, text_of, texts
from registry.domain.money import Currency, currency

CII_TAG: Final = "{urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100}CrossIndustryInvoice"

_NS: Final = {
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
}
_AGREEMENT: Final = "rsm:SupplyChainTradeTransaction/ram:ApplicableHeaderTradeAgreement"
_DELIVERY: Final = "rsm:SupplyChainTradeTransaction/ram:ApplicableHeaderTradeDelivery"
_SETTLEMENT: Final = "rsm:SupplyChainTradeTransaction/ram:ApplicableHeaderTradeSettlement"
_TOTALS: Final = f"{_SETTLEMENT}/ram:SpecifiedTradeSettlementHeaderMonetarySummation"

_DAY_FORMATS: Final = frozenset({"102", "203", "204"})
"""UNTDID 2379: YYYYMMDD, with hhmm, with hhmmss. Week and month formats name no day."""


def read_cii(root: etree._Element) -> Invoice:
    """Invoice of a CrossIndustryInvoice root element.

    Refuses: document_incomplete, document_inconsistent, document_malformed, unknown_currency, amount_malformed,
    amount_too_precise, amount_out_of_range.
    """
    money = currency(required(_text(root, f"{_SETTLEMENT}/ram:InvoiceCurrencyCode"), field="currency"))  # BT-5
    return Invoice(
        format="cii",
        number=required(_text(root, "rsm:ExchangedDocument/ram:ID"), field="number"),  # BT-1
        type_code=required(_text(root, "rsm:ExchangedDocument/ram:TypeCode"), field="type_code"),  # BT-3
        issue_date=required(
            _only_day(root, "rsm:ExchangedDocument/ram:IssueDateTime", field="issue_date"), field="issue_date"
        ),  # BT-2
        # BT-9. Of several payment terms the latest: earlier ones end a discount or are instalments, and the whole is
        # due only with the last.
        due_date=_latest(root, f"{_SETTLEMENT}/ram:SpecifiedTradePaymentTerms/ram:DueDateDateTime", field="due_date"),
        currency=money,
        payable_minor=required(_total(root, "DuePayableAmount", money, field="payable"), field="payable"),  # BT-115
        seller=_party(required(element_at(root, f"{_AGREEMENT}/ram:SellerTradeParty", _NS), field="seller")),
        buyer=_party(required(element_at(root, f"{_AGREEMENT}/ram:BuyerTradeParty", _NS), field="buyer")),
        payee=_payee(root),
        tax_inclusive_minor=_total(root, "GrandTotalAmount", money, field="tax_inclusive"),  # BT-112
        prepaid_minor=_total(root, "TotalPrepaidAmount", money, field="prepaid"),  # BT-113
        order_reference=_text(root, f"{_AGREEMENT}/ram:BuyerOrderReferencedDocument/ram:IssuerAssignedID"),  # BT-13
        delivery_date=_latest(  # BT-72
            root, f"{_DELIVERY}/ram:ActualDeliverySupplyChainEvent/ram:OccurrenceDateTime", field="delivery_date"
        ),
        payment_terms="\n".join(texts(root, f"{_SETTLEMENT}/ram:SpecifiedTradePaymentTerms/ram:Description", _NS))
        or None,  # BT-20
        preceding_invoices=tuple(  # BT-25
            texts(root, f"{_SETTLEMENT}/ram:InvoiceReferencedDocument/ram:IssuerAssignedID", _NS)
        ),
    )


def specification(root: etree._Element) -> str | None:
    """BT-24, the specification that the document says it follows. Refuses: document_inconsistent."""
    return _text(root, "rsm:ExchangedDocumentContext/ram:GuidelineSpecifiedDocumentContextParameter/ram:ID")


def _total(root: etree._Element, name: str, money: Currency, *, field: str) -> int | None:
    found = element_at(root, f"{_TOTALS}/ram:{name}", _NS)
    if found is None or not text_of(found):
        return None
    return amount_minor(text_of(found), currency=money, stated_currency=found.get("currencyID"), field=field)


def _latest(root: etree._Element, path: str, *, field: str) -> date | None:
    return max(_days(root, path, field=field), default=None)


def _only_day(root: etree._Element, path: str, *, field: str) -> date | None:
    days = _days(root, path, field=field)
    if len(days) > 1:
        raise DocumentInconsistent(f"the document states {field} {len(days)} times")
    return days[0] if days else None


def _days(root: etree._Element, path: str, *, field: str) -> list[date]:
    days: list[date] = []
    for element in elements(root, f"{path}/udt:DateTimeString", _NS):
        unit = (element.get("format") or "102").strip()
        if unit not in _DAY_FORMATS:
            raise DocumentMalformed(f"{field}: date format {unit!r} names no day; 102 (YYYYMMDD) is expected")
        if text_of(element):
            days.append(digits_day(text_of(element), field=field))
    days += [iso_day(text, field=field) for text in texts(root, f"{path}/udt:DateTime", _NS)]
    return days


def _party(found: etree._Element) -> Party:
    name = _first(found, "ram:Name") or _first(found, "ram:SpecifiedLegalOrganization/ram:TradingBusinessName")
    return Party(
        name=name or "",
        identifiers=tuple(_identifiers(found)),
        country=_first(found, "ram:PostalTradeAddress/ram:CountryID"),
    )


def _payee(root: etree._Element) -> Party | None:
    """BG-10, the factor for instance."""
    found = element_at(root, f"{_SETTLEMENT}/ram:PayeeTradeParty", _NS)
    return None if found is None else _party(found)


def _identifiers(party: etree._Element) -> list[PartyIdentifier]:
    found: list[PartyIdentifier] = []
    for path in ("ram:ID", "ram:GlobalID"):
        for element in elements(party, path, _NS):
            scheme = (element.get("schemeID") or "").strip()
            found.append(PartyIdentifier("global" if scheme else "local", scheme, text_of(element)))
    found += [
        PartyIdentifier("registration", (element.get("schemeID") or "").strip(), text_of(element))
        for element in elements(party, "ram:SpecifiedLegalOrganization/ram:ID", _NS)
    ]
    for element in elements(party, "ram:SpecifiedTaxRegistration/ram:ID", _NS):
        scheme = (element.get("schemeID") or "").strip().upper()
        # VA is the VAT id (BT-31, BT-48); everything else (FC) is a tax number at best.
        found.append(
            PartyIdentifier("vat" if scheme == "VA" else "tax", "" if scheme == "VA" else scheme, text_of(element))
        )
    return [identifier for identifier in found if identifier.value]


def _text(parent: etree._Element, path: str) -> str | None:
    return text_at(parent, path, _NS)


def _first(parent: etree._Element, path: str) -> str | None:
    """The first text at `path`, for names and countries, on which no identity rests alone."""
    return next(iter(texts(parent, path, _NS)), None)
