"""Factories of valid invoices: a test states only what it is about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from registry.documents.invoice import Invoice
from registry.documents.parties import Party, PartyIdentifier
from registry.domain.money import currency

SELLER = Party("Seller GmbH", (PartyIdentifier("vat", "", "DE111"),), "DE")
BUYER = Party("Buyer AG", (PartyIdentifier("vat", "", "DE222"),), "DE")

UBL = """<?xml version="1.0" encoding="UTF-8"?>
<{root} xmlns="urn:oasis:names:specification:ubl:schema:xsd:{root}-2"
  xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
  xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
  {number}{issue_date}{due_date}{type_code}{currency}{extra}
  <cac:AccountingSupplierParty>{seller}</cac:AccountingSupplierParty>
  <cac:AccountingCustomerParty>{buyer}</cac:AccountingCustomerParty>
  <cac:LegalMonetaryTotal>{payable}</cac:LegalMonetaryTotal>
</{root}>"""

CII = """<?xml version="1.0" encoding="UTF-8"?>
<rsm:CrossIndustryInvoice xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
  xmlns:ram="urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
  xmlns:udt="urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100">
  <rsm:ExchangedDocument>{number}{type_code}{issue_date}</rsm:ExchangedDocument>
  <rsm:SupplyChainTradeTransaction>
    <ram:ApplicableHeaderTradeAgreement>{seller}{buyer}</ram:ApplicableHeaderTradeAgreement>
    <ram:ApplicableHeaderTradeSettlement>
      {currency}{terms}
      <ram:SpecifiedTradeSettlementHeaderMonetarySummation>{payable}</ram:SpecifiedTradeSettlementHeaderMonetarySummation>
    </ram:ApplicableHeaderTradeSettlement>
  </rsm:SupplyChainTradeTransaction>
</rsm:CrossIndustryInvoice>"""

UBL_PARTS = {
    "root": "Invoice",
    "number": "<cbc:ID>471102</cbc:ID>",
    "issue_date": "<cbc:IssueDate>2026-03-05</cbc:IssueDate>",
    "due_date": "<cbc:DueDate>2026-06-05</cbc:DueDate>",
    "type_code": "<cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode>",
    "currency": "<cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>",
    "extra": "",
    "seller": "<cac:Party><cac:PartyTaxScheme><cbc:CompanyID>DE111</cbc:CompanyID><cac:TaxScheme><cbc:ID>VAT</cbc:ID>"
    "</cac:TaxScheme></cac:PartyTaxScheme><cac:PartyLegalEntity>"
    "<cbc:RegistrationName>Seller GmbH</cbc:RegistrationName></cac:PartyLegalEntity></cac:Party>",
    "buyer": "<cac:Party><cac:PartyTaxScheme><cbc:CompanyID>DE222</cbc:CompanyID><cac:TaxScheme><cbc:ID>VAT</cbc:ID>"
    "</cac:TaxScheme></cac:PartyTaxScheme><cac:PartyLegalEntity><cbc:RegistrationName>Buyer AG</cbc:RegistrationName>"
    "</cac:PartyLegalEntity></cac:Party>",
    "payable": '<cbc:PayableAmount currencyID="EUR">529.87</cbc:PayableAmount>',
}

CII_PARTS = {
    "number": "<ram:ID>471102</ram:ID>",
    "type_code": "<ram:TypeCode>380</ram:TypeCode>",
    "issue_date": '<ram:IssueDateTime><udt:DateTimeString format="102">20260305</udt:DateTimeString>'
    "</ram:IssueDateTime>",
    "seller": "<ram:SellerTradeParty><ram:Name>Seller GmbH</ram:Name><ram:SpecifiedTaxRegistration>"
    '<ram:ID schemeID="VA">DE111</ram:ID></ram:SpecifiedTaxRegistration></ram:SellerTradeParty>',
    "buyer": "<ram:BuyerTradeParty><ram:Name>Buyer AG</ram:Name><ram:SpecifiedTaxRegistration>"
    '<ram:ID schemeID="VA">DE222</ram:ID></ram:SpecifiedTaxRegistration></ram:BuyerTradeParty>',
    "currency": "<ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>",
    "terms": '<ram:SpecifiedTradePaymentTerms><ram:DueDateDateTime><udt:DateTimeString format="102">20260605'
    "</udt:DateTimeString></ram:DueDateDateTime></ram:SpecifiedTradePaymentTerms>",
    "payable": "<ram:DuePayableAmount>529.87</ram:DuePayableAmount>",
}


@pytest.fixture(scope="session")
def ubl() -> Callable[..., bytes]:
    """A valid UBL invoice; each argument replaces one part of its XML."""
    return lambda **parts: UBL.format(**{**UBL_PARTS, **parts}).encode()


@pytest.fixture(scope="session")
def cii() -> Callable[..., bytes]:
    """The same invoice as CII; each argument replaces one part of its XML."""
    return lambda **parts: CII.format(**{**CII_PARTS, **parts}).encode()


@pytest.fixture(scope="session")
def make_invoice() -> Callable[..., Invoice]:
    """A valid invoice; each argument replaces one field."""
    valid = Invoice(
        format="ubl",
        number="471102",
        type_code="380",
        issue_date=date(2026, 3, 5),
        due_date=date(2026, 6, 5),
        currency=currency("EUR"),
        payable_minor=52987,
        seller=SELLER,
        buyer=BUYER,
    )

    def make(**changes: Any) -> Invoice:
        return replace(valid, **changes)

    return make
