"""UBL and CII come out as the same invoice, and what is missing or contradictory is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from registry.documents.errors import (
    DocumentIncomplete,
    DocumentInconsistent,
    DocumentMalformed,
    DocumentUnsupported,
)
from registry.documents.reading import parse_invoice
from registry.domain.money import AmountMalformed, AmountTooPrecise, UnknownCurrency

Build = Callable[..., bytes]

TWO_DAYS = (
    "<ram:IssueDateTime><udt:DateTimeString>20260305</udt:DateTimeString>"
    "<udt:DateTimeString>20260306</udt:DateTimeString></ram:IssueDateTime>"
)


def test_both_formats_of_one_invoice_give_the_same_fields(ubl: Build, cii: Build) -> None:
    assert parse_invoice(cii()) == replace(parse_invoice(ubl()), format="cii")


@pytest.mark.parametrize("part", ["number", "type_code", "issue_date", "currency", "payable", "seller", "buyer"])
@pytest.mark.parametrize("form", ["ubl", "cii"])
def test_a_missing_field_is_named(form: str, part: str, request: pytest.FixtureRequest) -> None:
    with pytest.raises(DocumentIncomplete) as refused:
        parse_invoice(request.getfixturevalue(form)(**{part: ""}))
    assert refused.value.field == part
    assert part in refused.value.detail


def test_a_party_without_identity_is_incomplete(ubl: Build) -> None:
    nameless = "<cac:Party><cac:PartyName><cbc:Name>Somebody</cbc:Name></cac:PartyName></cac:Party>"
    with pytest.raises(DocumentIncomplete) as refused:
        parse_invoice(ubl(buyer=nameless))
    assert refused.value.field == "buyer.identity"


@pytest.mark.parametrize("number", ["&#x200B;", "&#xA0;", "&#xAD;"])
def test_a_number_of_invisible_characters_is_none(ubl: Build, number: str) -> None:
    with pytest.raises(DocumentIncomplete):
        parse_invoice(ubl(number=f"<cbc:ID>{number}</cbc:ID>"))


@pytest.mark.parametrize("form", ["ubl", "cii"])
def test_a_due_date_may_be_missing(form: str, request: pytest.FixtureRequest) -> None:
    part = "due_date" if form == "ubl" else "terms"
    assert parse_invoice(request.getfixturevalue(form)(**{part: ""})).due_date is None


def test_of_several_cii_payment_terms_the_latest_due_date_counts(cii: Build) -> None:
    terms = "".join(
        f"<ram:SpecifiedTradePaymentTerms><ram:DueDateDateTime><udt:DateTimeString format='102'>{day}"
        "</udt:DateTimeString></ram:DueDateDateTime></ram:SpecifiedTradePaymentTerms>"
        for day in ("20260405", "20260905", "20260605")
    )
    assert parse_invoice(cii(terms=terms)).due_date == date(2026, 9, 5)


def test_a_ubl_due_date_may_stand_with_payment_means_or_terms(ubl: Build) -> None:
    means = (
        "<cac:PaymentMeans><cbc:PaymentDueDate>2026-04-05</cbc:PaymentDueDate></cac:PaymentMeans>"
        "<cac:PaymentTerms><cbc:PaymentDueDate>2026-05-05</cbc:PaymentDueDate></cac:PaymentTerms>"
    )
    assert parse_invoice(ubl(due_date="", extra=means)).due_date == date(2026, 5, 5)
    assert parse_invoice(ubl(extra=means)).due_date == date(2026, 6, 5)


@pytest.mark.parametrize(
    ("form", "text"),
    [("102", "20260305"), ("203", "202603051530"), ("204", "20260305153000")],
)
def test_cii_dates_of_day_formats_are_read(cii: Build, form: str, text: str) -> None:
    element = f"<ram:IssueDateTime><udt:DateTimeString format='{form}'>{text}</udt:DateTimeString></ram:IssueDateTime>"
    assert parse_invoice(cii(issue_date=element)).issue_date == date(2026, 3, 5)


def test_a_cii_date_may_be_an_iso_date_time(cii: Build) -> None:
    element = "<ram:IssueDateTime><udt:DateTime>2026-03-05T10:00:00Z</udt:DateTime></ram:IssueDateTime>"
    assert parse_invoice(cii(issue_date=element)).issue_date == date(2026, 3, 5)


@pytest.mark.parametrize(
    ("form", "text"), [("616", "202610"), ("102", "2026-03-05"), ("102", "20260231"), ("102", "x")]
)
def test_a_cii_date_that_names_no_day_is_malformed(cii: Build, form: str, text: str) -> None:
    element = f"<ram:IssueDateTime><udt:DateTimeString format='{form}'>{text}</udt:DateTimeString></ram:IssueDateTime>"
    with pytest.raises(DocumentMalformed):
        parse_invoice(cii(issue_date=element))


def test_an_xs_date_may_carry_a_time_zone(ubl: Build) -> None:
    element = "<cbc:IssueDate>2026-03-05+08:00</cbc:IssueDate>"
    assert parse_invoice(ubl(issue_date=element)).issue_date == date(2026, 3, 5)


def test_a_credit_note_counts_as_381_unless_it_says_otherwise(ubl: Build) -> None:
    parts = {"root": "CreditNote", "due_date": ""}
    assert parse_invoice(ubl(**parts, type_code="")).type_code == "381"
    other = "<cbc:CreditNoteTypeCode>396</cbc:CreditNoteTypeCode>"
    assert parse_invoice(ubl(**parts, type_code=other)).type_code == "396"


def test_a_credit_note_that_calls_itself_an_invoice_contradicts_itself(ubl: Build) -> None:
    with pytest.raises(DocumentInconsistent):
        parse_invoice(ubl(root="CreditNote", type_code="<cbc:CreditNoteTypeCode>380</cbc:CreditNoteTypeCode>"))


@pytest.mark.parametrize("form", ["ubl", "cii"])
def test_an_amount_in_another_currency_contradicts_the_document(form: str, request: pytest.FixtureRequest) -> None:
    name = "cbc:PayableAmount" if form == "ubl" else "ram:DuePayableAmount"
    payable = f'<{name} currencyID="USD">529.87</{name}>'
    with pytest.raises(DocumentInconsistent):
        parse_invoice(request.getfixturevalue(form)(payable=payable))


@pytest.mark.parametrize(
    ("form", "part", "text"),
    [
        ("ubl", "number", "<cbc:ID>1</cbc:ID><cbc:ID>2</cbc:ID>"),
        ("ubl", "payable", "<cbc:PayableAmount>1</cbc:PayableAmount><cbc:PayableAmount>2</cbc:PayableAmount>"),
        ("ubl", "seller", "<cac:Party/><cac:Party/>"),
        ("cii", "number", "<ram:ID>1</ram:ID><ram:ID>2</ram:ID>"),
        (
            "cii",
            "payable",
            "<ram:DuePayableAmount>1</ram:DuePayableAmount><ram:DuePayableAmount>2</ram:DuePayableAmount>",
        ),
        ("cii", "issue_date", TWO_DAYS),
    ],
)
def test_a_field_given_twice_contradicts_itself(
    form: str, part: str, text: str, request: pytest.FixtureRequest
) -> None:
    with pytest.raises(DocumentInconsistent):
        parse_invoice(request.getfixturevalue(form)(**{part: text}))


@pytest.mark.parametrize(
    ("text", "refusal"), [("1,000.00", AmountMalformed), ("abc", AmountMalformed), ("1.005", AmountTooPrecise)]
)
def test_an_amount_that_is_none_is_refused_with_its_field(
    ubl: Build, text: str, refusal: type[AmountMalformed | AmountTooPrecise]
) -> None:
    with pytest.raises(refusal, match="payable"):
        parse_invoice(ubl(payable=f'<cbc:PayableAmount currencyID="EUR">{text}</cbc:PayableAmount>'))


@pytest.mark.parametrize(("text", "minor"), [("0", 0), ("-8.79", -879), ("529.8700", 52987)])
def test_zero_negative_and_long_amounts_are_read(ubl: Build, text: str, minor: int) -> None:
    payable = f'<cbc:PayableAmount currencyID="EUR">{text}</cbc:PayableAmount>'
    assert parse_invoice(ubl(payable=payable)).payable_minor == minor


def test_a_currency_that_does_not_exist_is_unknown(ubl: Build) -> None:
    with pytest.raises(UnknownCurrency):
        parse_invoice(ubl(currency="<cbc:DocumentCurrencyCode>XAU</cbc:DocumentCurrencyCode>"))


def test_a_comment_inside_a_number_does_not_cut_it(ubl: Build) -> None:
    assert parse_invoice(ubl(number="<cbc:ID>4711<!-- --><?pi?><![CDATA[02]]></cbc:ID>")).number == "471102"


def test_elements_where_text_belongs_are_malformed(ubl: Build) -> None:
    with pytest.raises(DocumentMalformed):
        parse_invoice(ubl(number="<cbc:ID>4711<b>02</b></cbc:ID>"))


@pytest.mark.parametrize(
    "data",
    [
        b"<a/>",
        b"<Invoice/>",
        b"<Invoice xmlns='urn:oasis:names:specification:ubl:schema:xsd:Invoice-1'/>",
        b"<i:CrossIndustryDocument xmlns:i='urn:ferd:CrossIndustryDocument:invoice:1p0'/>",
        b"<html><body>404</body></html>",
    ],
)
def test_xml_that_is_no_such_invoice_is_unsupported(data: bytes) -> None:
    with pytest.raises(DocumentUnsupported):
        parse_invoice(data)


def test_the_useful_rest_is_read_too(ubl: Build) -> None:
    extra = (
        "<cac:OrderReference><cbc:ID>PO-1</cbc:ID></cac:OrderReference>"
        "<cac:BillingReference><cac:InvoiceDocumentReference><cbc:ID>471101</cbc:ID></cac:InvoiceDocumentReference>"
        "</cac:BillingReference>"
        "<cac:PayeeParty><cac:PartyName><cbc:Name>Factor AG</cbc:Name></cac:PartyName></cac:PayeeParty>"
        "<cac:Delivery><cbc:ActualDeliveryDate>2026-03-01</cbc:ActualDeliveryDate></cac:Delivery>"
        "<cac:PaymentTerms><cbc:Note>90 days</cbc:Note></cac:PaymentTerms>"
    )
    totals = (
        '<cbc:TaxInclusiveAmount currencyID="EUR">579.87</cbc:TaxInclusiveAmount>'
        '<cbc:PrepaidAmount currencyID="EUR">50.00</cbc:PrepaidAmount>'
        '<cbc:PayableAmount currencyID="EUR">529.87</cbc:PayableAmount>'
    )
    invoice = parse_invoice(ubl(extra=extra, payable=totals))
    assert invoice.payee is not None
    assert invoice.payee.name == "Factor AG"
    assert (invoice.tax_inclusive_minor, invoice.prepaid_minor) == (57987, 5000)
    assert (invoice.order_reference, invoice.delivery_date) == ("PO-1", date(2026, 3, 1))
    assert (invoice.payment_terms, invoice.preceding_invoices) == ("90 days", ("471101",))
