"""What an inspection tells: content, whether it can become a receivable, the rules, and what to know before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from registry.documents import en16931
from registry.documents.checkdigits import plausible
from registry.documents.inspection import inspect, warnings_of
from registry.documents.invoice import Invoice
from registry.documents.parties import Party, PartyIdentifier, parse_identity
from registry.documents.worker import Worker
from registry.domain.refusals import Refusal

Build = Callable[..., bytes]
Make = Callable[..., Invoice]

SAMPLES = Path(__file__).resolve().parents[2] / "registry" / "samples"
TODAY = date(2026, 11, 22)
MINIMUM = (
    "<rsm:ExchangedDocumentContext><ram:GuidelineSpecifiedDocumentContextParameter>"
    "<ram:ID>urn:factur-x.eu:1p0:minimum</ram:ID></ram:GuidelineSpecifiedDocumentContextParameter>"
    "</rsm:ExchangedDocumentContext><rsm:ExchangedDocument>"
)


def codes(invoice: Invoice) -> list[str]:
    return [warned.code for warned in warnings_of(invoice, today=TODAY)]


def test_a_hybrid_invoice_tells_its_profile_its_syntax_and_the_name_of_its_xml() -> None:
    found = inspect((SAMPLES / "batch" / "erzgrund-er-77342.pdf").read_bytes(), today=TODAY, strict=True)
    assert (found.opened.syntax, found.opened.embedded_name) == ("cii", "factur-x.xml")
    assert found.profile is not None
    assert found.profile.name == "EN 16931"
    assert found.invoice is not None
    assert found.invoice.number == "ER 77342"
    assert found.refusal is None
    assert found.findings is not None
    assert found.findings.listed == ()


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ({"type_code": "<cbc:InvoiceTypeCode>381</cbc:InvoiceTypeCode>"}, "credit_note_not_registrable"),
        ({"payable": '<cbc:PayableAmount currencyID="EUR">-1.00</cbc:PayableAmount>'}, "payable_not_positive"),
        ({"buyer": "<cac:Party/>"}, "document_incomplete"),
        ({"number": "<cbc:ID>\u00ad</cbc:ID>"}, "document_incomplete"),
    ],
)
def test_what_is_read_is_shown_even_if_it_cannot_become_a_receivable(
    ubl: Build, parts: dict[str, str], code: str
) -> None:
    found = inspect(ubl(**parts), today=TODAY, strict=False)
    assert found.invoice is not None
    assert found.refusal is not None
    assert found.refusal.code == code


def test_an_invoice_of_profile_minimum_is_shown_and_refused(cii: Build) -> None:
    document = cii().replace(b"<rsm:ExchangedDocument>", MINIMUM.encode())
    found = inspect(document, today=TODAY, strict=False)
    assert found.profile is not None
    assert found.profile.name == "Factur-X MINIMUM"
    assert found.invoice is not None
    assert found.refusal is not None
    assert found.refusal.code == "profile_insufficient"


def test_content_that_cannot_be_read_is_a_refusal_within_the_answer(ubl: Build) -> None:
    found = inspect(ubl(currency=""), today=TODAY, strict=False)
    assert found.invoice is None
    assert found.warnings == ()
    assert found.refusal is not None
    assert found.refusal.code == "document_incomplete"
    assert found.findings is not None
    assert found.findings.fatal_count


def test_a_file_that_is_no_invoice_is_refused_outright() -> None:
    with pytest.raises(Refusal) as refused:
        inspect(b"<order/>", today=TODAY, strict=False)
    assert refused.value.code == "document_unsupported"


def test_fatal_findings_refuse_only_who_is_strict(ubl: Build) -> None:
    lenient, strict = (inspect(ubl(), today=TODAY, strict=strict) for strict in (False, True))
    assert lenient.findings == strict.findings
    assert lenient.findings is not None
    assert lenient.findings.fatal_count  # a bare invoice has no lines, no addresses, no VAT breakdown
    assert lenient.refusal is None
    assert strict.refusal is not None
    assert strict.refusal.code == "rules_broken"


def test_rules_that_cannot_be_run_stop_only_who_is_strict(ubl: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(en16931, "_RULES", Worker("registry.documents.no_such_worker", seconds_max=1))
    lenient, strict = (inspect(ubl(), today=TODAY, strict=strict) for strict in (False, True))
    assert lenient.findings is None
    assert lenient.rules_failure is not None
    assert lenient.refusal is None
    assert strict.refusal is not None
    assert strict.refusal.code == "rules_not_run"


# --------------------------------------------------------------------- warnings


def test_sixty_days_after_delivery_is_in_time_and_sixty_one_is_late(make_invoice: Make) -> None:
    delivered = date(2026, 10, 1)
    assert "due_late" not in codes(make_invoice(delivery_date=delivered, due_date=date(2026, 11, 30)))
    late = make_invoice(delivery_date=delivered, due_date=date(2026, 12, 1))
    (warned,) = [warned for warned in warnings_of(late, today=TODAY) if warned.code == "due_late"]
    assert "61 days after delivery" in warned.text


def test_without_a_delivery_date_the_sixty_days_count_from_the_make_invoice(make_invoice: Make) -> None:
    late = make_invoice(issue_date=date(2026, 10, 1), delivery_date=None, due_date=date(2026, 12, 1))
    (warned,) = [warned for warned in warnings_of(late, today=TODAY) if warned.code == "due_late"]
    assert "names no delivery" in warned.text


def test_before_the_rule_was_law_no_due_date_was_late(make_invoice: Make) -> None:
    assert "due_late" not in codes(make_invoice(issue_date=date(2013, 3, 15), due_date=date(2014, 3, 15)))
    assert "due_late" in codes(make_invoice(issue_date=date(2013, 3, 16), due_date=date(2014, 3, 15)))


@pytest.mark.parametrize(("due", "warned"), [(None, "due_date_missing"), (TODAY, "due_date_passed")])
def test_a_due_date_that_cannot_be_registered_is_told(make_invoice: Make, due: date | None, warned: str) -> None:
    assert warned in codes(make_invoice(due_date=due))


def test_another_payee_is_a_sign_of_an_earlier_assignment(make_invoice: Make) -> None:
    assert "payee_is_another" in codes(make_invoice(payee=Party("Factor AG")))
    assert "payee_is_another" not in codes(make_invoice(payee=Party("Seller GmbH")))


def test_a_buyer_known_only_by_a_customer_number_is_told(make_invoice: Make) -> None:
    assert "identity_local" in codes(make_invoice(buyer=Party("B", (PartyIdentifier("local", "", "10001"),))))


@pytest.mark.parametrize(
    ("identity", "right"),
    [
        ("vat:DE999000148", True),
        ("vat:DE999000149", False),
        ("vat:GR123456789", False),
        ("vat:CHE123456789", True),  # no rule known here
        ("scheme:0088:4000001123452", True),
        ("scheme:0088:4000001123453", False),
        ("scheme:LEI:529900T8BM49AURSDO55", True),
        ("scheme:LEI:529900T8BM49AURSDO56", False),
        ("scheme:USCC:91110000600037341L", True),
        ("scheme:USCC:91110000600037341M", False),
        ("scheme:0002:99999999800010", True),
        ("tax:20111340209", True),
    ],
)
def test_check_digits(identity: str, right: bool) -> None:
    assert plausible(parse_identity(identity)) is right


def test_a_mistyped_identity_is_told(make_invoice: Make) -> None:
    mistyped = make_invoice(seller=Party("S", (PartyIdentifier("global", "0088", "4000001123453"),)))
    assert "identity_check_digit" in codes(mistyped)
