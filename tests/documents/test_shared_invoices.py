"""Real invoices from outside: each is read or refused by name, and both formats of one are one claim."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.documents.errors import ProfileInsufficient
from registry.documents.fingerprint import fingerprint
from registry.documents.invoice import require_registrable
from registry.documents.pdf import embedded_invoice
from registry.documents.reading import parse_invoice, read_invoice
from registry.domain.refusals import Refusal

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "invoices"
MASTER = bytes(range(32))

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the invoices of ../shared/data are not on this machine")


def xml_files(folder: str) -> list[Path]:
    return sorted(path for path in (SHARED / folder).rglob("*") if path.suffix.lower() == ".xml")


UBL, CII, PAIRS_UBL, PAIRS_CII = (xml_files(folder) for folder in ("ubl", "cii", "pairs/ubl", "pairs/cii"))
PAIRS = [(path, SHARED / "pairs" / "cii" / path.name.replace(".ubl.", ".cii.")) for path in PAIRS_UBL]

# Everything else is registrable. Read, all of them.
NOT_REGISTRABLE = {
    "BIS_Billing_30-Kreditering_med_kreditnota.xml": "credit_note_not_registrable",
    "ubl-tc434-creditnote1.xml": "credit_note_not_registrable",
    "EN16931_Rechnungskorrektur.ubl.xml": "credit_note_not_registrable",
    "EN16931_Rechnungskorrektur.cii.xml": "credit_note_not_registrable",
}


def test_the_folder_is_as_it_was() -> None:
    assert (len(UBL), len(CII), len(PAIRS_UBL), len(PAIRS_CII)) == (13, 5, 10, 10)


@pytest.mark.parametrize("path", [*UBL, *CII, *PAIRS_UBL, *PAIRS_CII], ids=lambda path: path.name)
def test_every_invoice_is_read_and_registrable_or_refused_by_name(path: Path) -> None:
    invoice = read_invoice(path)
    code = None
    try:
        require_registrable(invoice)
    except Refusal as refusal:
        code = refusal.code
    assert code == NOT_REGISTRABLE.get(path.name)


@pytest.mark.parametrize(("ubl", "cii"), PAIRS, ids=lambda path: path.name)
def test_both_formats_of_an_invoice_are_one_claim(ubl: Path, cii: Path) -> None:
    one, other = read_invoice(ubl), read_invoice(cii)
    assert (one.format, other.format) == ("ubl", "cii")
    assert fingerprint(one, MASTER) == fingerprint(other, MASTER)
    assert (one.payable, one.due_date, one.type_code) == (other.payable, other.due_date, other.type_code)
    assert (one.prepaid_minor, one.tax_inclusive_minor) == (other.prepaid_minor, other.tax_inclusive_minor)
    assert one.delivery_date == other.delivery_date


@pytest.mark.parametrize("number", [1, 2, 4])
def test_the_official_examples_are_one_claim_in_both_formats(number: int) -> None:
    one = read_invoice(SHARED / "ubl" / f"ubl-tc434-example{number}.xml")
    other = read_invoice(SHARED / "cii" / f"CII_example{number}.xml")
    assert fingerprint(one, MASTER) == fingerprint(other, MASTER)


def test_a_factored_invoice_names_the_factor_as_payee() -> None:
    payee = read_invoice(SHARED / "ubl" / "BIS_Billing_30-Factoring.xml").payee
    assert payee is not None
    assert payee.name == "Likviditet o. Finans AB"


@pytest.mark.parametrize(
    "name", ["zugferd_2p0_EN16931_Einfach.pdf", "zugferd_2p1_EN16931_AbweichenderZahlungsempf.pdf"]
)
def test_a_hybrid_pdf_is_the_claim_of_its_xml(name: str) -> None:
    hybrid = read_invoice(SHARED / "pdf" / name)
    _, xml = embedded_invoice((SHARED / "pdf" / name).read_bytes())
    require_registrable(hybrid)
    assert hybrid == parse_invoice(xml)
    assert fingerprint(hybrid, MASTER) == fingerprint(parse_invoice(xml), MASTER)


def test_an_invoice_of_profile_minimum_carries_too_little() -> None:
    with pytest.raises(ProfileInsufficient) as refused:
        read_invoice(SHARED / "pdf" / "Facture_FR_MINIMUM.pdf")
    assert refused.value.code == "profile_insufficient"
    assert "due date" in refused.value.detail
