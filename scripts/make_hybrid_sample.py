"""Make the sample hybrid invoice: a page that shows what the XML says, with the XML inside (Factur-X, EN 16931).

Run from the project's root: `python -m scripts.make_hybrid_sample`.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from facturx import generate_from_binary
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from registry.documents.invoice import Invoice
from registry.documents.reading import parse_invoice

SAMPLES = Path(__file__).resolve().parents[1] / "registry" / "samples"
MODEL = SAMPLES / "invoices" / "erzgrund-er-77310-tier-2.cii.xml"
HYBRID = SAMPLES / "batch" / "erzgrund-er-77342.pdf"
CHANGES = (
    ("ER 77310", "ER 77342"),
    ("20260922", "20261106"),
    ("20260921", "20261105"),
    ("20270115", "20270228"),
    ("15.01.2027", "28.02.2027"),
    ("B-26-3308", "B-26-3391"),
    ("ER-LS-5512", "ER-LS-5540"),
)
A4_POINTS = (595, 842)
LINE_POINTS = 18


def xml_of_sample() -> bytes:
    """The model invoice under another number, with other days."""
    text = MODEL.read_text(encoding="utf-8")
    for before, after in CHANGES:
        assert before in text, before
        text = text.replace(before, after)
    return text.encode()


def page_of(invoice: Invoice) -> bytes:
    """A PDF of one page with the invoice's main facts."""
    lines = (
        f"Invoice {invoice.number} of {invoice.issue_date}",
        f"From: {invoice.seller.name} ({invoice.seller_identity})",
        f"To: {invoice.buyer.name} ({invoice.buyer_identity})",
        f"Delivered: {invoice.delivery_date}    Order: {invoice.order_reference}",
        f"To pay: {invoice.payable}    Due: {invoice.due_date}",
    )
    writer = PdfWriter()
    page = writer.add_blank_page(*A4_POINTS)
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
            NameObject("/Encoding"): NameObject("/WinAnsiEncoding"),
        }
    )
    page[NameObject("/Resources")] = DictionaryObject(
        {NameObject("/Font"): DictionaryObject({NameObject("/F1"): writer._add_object(font)})}
    )
    shown = b"".join(
        b"(" + line.encode("cp1252").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)") + b") Tj T*\n"
        for line in lines
    )
    content = DecodedStreamObject()
    content.set_data(b"BT /F1 11 Tf %d TL 60 760 Td\n%sET" % (LINE_POINTS, shown))
    page[NameObject("/Contents")] = writer._add_object(content)
    made = BytesIO()
    writer.write(made)
    return made.getvalue()


def main() -> None:
    """Write the sample."""
    xml = xml_of_sample()
    hybrid = generate_from_binary(page_of(parse_invoice(xml)), xml, flavor="factur-x", level="en16931", lang="en")
    HYBRID.parent.mkdir(exist_ok=True)
    HYBRID.write_bytes(hybrid)
    print(f"{HYBRID.relative_to(SAMPLES.parents[1])}: {len(hybrid)} bytes")


if __name__ == "__main__":
    main()
