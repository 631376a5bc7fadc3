"""What may become a receivable."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from registry.documents.errors import (
    CreditNoteNotRegistrable,
    InvoiceTypeNotRegistrable,
    PayableNotPositive,
    SellerIsBuyer,
)
from registry.documents.invoice import Invoice, require_registrable

Make = Callable[..., Invoice]


@pytest.mark.parametrize("code", ["380", "204", "387", "389"])
def test_commercial_valuation_hire_and_self_billed_invoices_may(make_invoice: Make, code: str) -> None:
    require_registrable(make_invoice(type_code=code))


@pytest.mark.parametrize("code", ["381", "384"])
def test_credit_notes_and_corrections_may_not(make_invoice: Make, code: str) -> None:
    with pytest.raises(CreditNoteNotRegistrable):
        require_registrable(make_invoice(type_code=code))


@pytest.mark.parametrize("code", ["386", "325", "393", "0380", "", "invoice"])
def test_no_other_type_may(make_invoice: Make, code: str) -> None:
    with pytest.raises(InvoiceTypeNotRegistrable):
        require_registrable(make_invoice(type_code=code))


@pytest.mark.parametrize("minor", [0, -1, -87900])
def test_nothing_to_pay_is_no_receivable(make_invoice: Make, minor: int) -> None:
    with pytest.raises(PayableNotPositive):
        require_registrable(make_invoice(payable_minor=minor))


def test_one_minor_unit_is_enough(make_invoice: Make) -> None:
    require_registrable(make_invoice(payable_minor=1))


def test_nobody_owes_himself(make_invoice: Make) -> None:
    seller = make_invoice().seller
    with pytest.raises(SellerIsBuyer):
        require_registrable(make_invoice(buyer=seller))


def test_a_due_date_is_not_asked_for_here(make_invoice: Make) -> None:
    require_registrable(make_invoice(due_date=None))
