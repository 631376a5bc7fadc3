"""The sample invoices: complete, arithmetically right, and what their README says of them."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from lxml import etree

from registry.documents.errors import CreditNoteNotRegistrable, DocumentMalformed
from registry.documents.fingerprint import fingerprint
from registry.documents.invoice import require_registrable
from registry.documents.reading import read_invoice

SAMPLES = Path(__file__).resolve().parents[2] / "registry" / "samples" / "invoices"
MASTER = bytes(range(32))
ALL = sorted(SAMPLES.glob("*.xml"))
BROKEN = SAMPLES / "malformed-cut-off.xml"
CREDIT_NOTE = SAMPLES / "brandmuehl-gs-2026-017-credit-note.ubl.xml"
DUPLICATE = SAMPLES / "brandmuehl-2026-1041.cii.xml"
READABLE = [path for path in ALL if path != BROKEN]
REGISTRABLE = [path for path in READABLE if path != CREDIT_NOTE]


@pytest.mark.parametrize("path", REGISTRABLE, ids=lambda path: path.name)
def test_an_invoice_is_complete_and_registrable(path: Path) -> None:
    invoice = read_invoice(path)
    require_registrable(invoice)
    assert invoice.format == path.suffixes[-2].removeprefix(".")
    assert all(party.name and party.country for party in (invoice.seller, invoice.buyer))
    assert invoice.order_reference
    assert invoice.delivery_date
    assert invoice.delivery_date <= invoice.issue_date
    assert (invoice.due_date is None) == ("no-due-date" in path.name)


def test_the_credit_note_and_the_broken_file_are_refused() -> None:
    credit_note = read_invoice(CREDIT_NOTE)
    assert credit_note.preceding_invoices == ("RE 2026/1041",)
    with pytest.raises(CreditNoteNotRegistrable):
        require_registrable(credit_note)
    with pytest.raises(DocumentMalformed):
        read_invoice(BROKEN)


def test_only_the_duplicate_has_the_fingerprint_of_another() -> None:
    prints = {path: fingerprint(read_invoice(path), MASTER) for path in READABLE}
    assert len(set(prints.values())) == len(prints) - 1
    assert prints[DUPLICATE] == prints[SAMPLES / "brandmuehl-2026-1041.ubl.xml"]


def test_there_are_enough_of_them_in_enough_currencies() -> None:
    invoices = [read_invoice(path) for path in REGISTRABLE if path != DUPLICATE]
    assert len(invoices) >= 12
    assert {invoice.format for invoice in invoices} == {"ubl", "cii"}
    assert {invoice.currency.code for invoice in invoices} >= {"EUR", "CNY", "USD", "GBP", "JPY"}
    # A chain: somebody sells to a seller.
    sellers = {invoice.seller_identity for invoice in invoices}
    assert len(sellers & {invoice.buyer_identity for invoice in invoices}) == 2


@pytest.mark.parametrize("path", READABLE, ids=lambda path: path.name)
def test_lines_allowances_and_taxes_add_up_to_the_amount_payable(path: Path) -> None:
    # Read apart from the readers under test, by local names.
    root = etree.fromstring(path.read_bytes())

    def amounts(*names: str) -> list[Decimal]:
        return [Decimal(found.text or "") for name in names for found in root.iter(f"{{*}}{name}")]

    def one(*names: str) -> Decimal:
        found = set(amounts(*names))
        return found.pop() if found else Decimal(0)

    quantities = amounts("InvoicedQuantity", "CreditedQuantity", "BilledQuantity")
    prices = amounts("PriceAmount", "ChargeAmount")
    in_ubl = "LineExtensionAmount" in path.read_text(encoding="utf-8")
    lines = amounts("LineExtensionAmount")[1:] if in_ubl else amounts("LineTotalAmount")[:-1]
    total = amounts("LineExtensionAmount")[0] if in_ubl else amounts("LineTotalAmount")[-1]
    assert len(lines) == len(quantities) == len(prices)
    assert [quantity * price for quantity, price in zip(quantities, prices, strict=True)] == lines
    assert sum(lines) == total
    basis = one("TaxableAmount", "BasisAmount")
    assert total - one("AllowanceTotalAmount") == basis
    tax = one("TaxAmount", "CalculatedAmount")
    rate = one("Percent", "RateApplicablePercent")
    places = Decimal(1) if read_invoice(path).currency.exponent == 0 else Decimal("0.01")
    assert (basis * rate / 100).quantize(places) == tax
    gross = one("TaxInclusiveAmount", "GrandTotalAmount")
    assert basis + tax == gross
    assert gross - one("PrepaidAmount", "TotalPrepaidAmount") == one("PayableAmount", "DuePayableAmount")


def test_the_readme_lists_every_file_with_its_figures() -> None:
    readme = (SAMPLES / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`([\w.-]+\.xml)`", readme)) == {path.name for path in ALL}
    for path in REGISTRABLE:
        if path != DUPLICATE:
            invoice = read_invoice(path)
            due = invoice.due_date.isoformat() if invoice.due_date else "none"
            row = (
                f"| `{path.name}` | {invoice.seller.name} | {invoice.buyer.name} | {invoice.number} "
                f"| {invoice.type_code} | {invoice.payable} | {invoice.issue_date} | {due} |"
            )
            assert row in readme
