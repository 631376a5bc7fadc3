"""The one way in: a file or its bytes become an Invoice, or a refusal by name."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from lxml import etree

from registry.documents import cii, ubl
from registry.documents.errors import (
    DocumentIncomplete,
    DocumentUnreadable,
    DocumentUnsupported,
    ProfileInsufficient,
)
from registry.documents.invoice import Invoice
from registry.documents.parties import normal_number
from registry.documents.pdf import PDF_BYTES_MAX, PDF_MARK, embedded_invoice, is_pdf
from registry.documents.profiles import profile_of
from registry.documents.xml import DOCUMENT_BYTES_MAX, parse_xml

INVOICE_SUFFIXES: Final = frozenset({".xml", ".pdf"})
"""How files that can be invoices end, in lower case."""

_UBL_TAGS: Final = frozenset({ubl.INVOICE_TAG, ubl.CREDIT_NOTE_TAG})


@dataclass(frozen=True, slots=True)
class Opened:
    """A document of which it is known what it is, not yet what it says.

    `embedded_name` is the name of the XML in the PDF, None where the document is the XML. `specification` is BT-24.
    """

    syntax: Literal["ubl", "cii"]
    root: etree._Element
    specification: str | None
    embedded_name: str | None


def read_document(path: Path) -> bytes:
    """Bytes of a regular file, at most one more than may be read (DOCUMENT_BYTES_MAX, PDF_BYTES_MAX for a PDF).

    Refuses: document_unreadable.
    """
    try:
        # Opening a named pipe would wait for a writer, and a device may never end.
        if not stat.S_ISREG(path.stat().st_mode):
            raise DocumentUnreadable(f"{path.name} is not a regular file")
        with path.open("rb") as file:
            head = file.read(len(PDF_MARK))
            bytes_max = PDF_BYTES_MAX if is_pdf(head) else DOCUMENT_BYTES_MAX
            return head + file.read(bytes_max + 1 - len(head))
    except (OSError, ValueError) as error:  # ValueError: a path with a zero byte
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "the path is not one"
        raise DocumentUnreadable(f"{path.name} cannot be read: {reason}") from error


def read_invoice(path: Path) -> Invoice:
    """Invoice of a file: UBL 2.1 Invoice or CreditNote, CII, or a PDF that carries one of them.

    Refuses: document_unreadable and all that parse_invoice refuses.
    """
    return parse_invoice(read_document(path))


def parse_invoice(data: bytes) -> Invoice:
    """Invoice of a document's bytes; seller and buyer have an identity, the number is not empty.

    Refuses: what open_document refuses, profile_insufficient, document_incomplete, document_inconsistent,
    unknown_currency, amount_malformed, amount_too_precise, amount_out_of_range.
    """
    opened = open_document(data)
    return invoice_of(opened)


def open_document(data: bytes) -> Opened:
    """What a document is: its syntax and specification.

    Refuses: document_too_large, document_malformed, document_forbidden_construct, document_unsupported,
    document_inconsistent, and of a PDF pdf_malformed, pdf_encrypted, pdf_too_costly, pdf_without_invoice.
    """
    embedded_name = None
    if is_pdf(data):
        embedded_name, data = embedded_invoice(data)
    root = parse_xml(data)
    if root.tag in _UBL_TAGS:
        return Opened("ubl", root, ubl.specification(root), embedded_name)
    if root.tag == cii.CII_TAG:
        return Opened("cii", root, cii.specification(root), embedded_name)
    raise DocumentUnsupported(f"the root element {str(root.tag)[:200]} is neither UBL nor CII")


def invoice_of(opened: Opened) -> Invoice:
    """Invoice of an opened document. Refuses: profile_insufficient and what parse_invoice refuses of the content."""
    require_profile(opened)
    invoice = content_of(opened)
    require_identified(invoice)
    return invoice


def require_profile(opened: Opened) -> None:
    """Pass unless the document follows a profile that is known to carry too little. Refuses: profile_insufficient."""
    profile = profile_of(opened.specification)
    if profile is not None and profile.lacks:
        raise ProfileInsufficient(f"profile {profile.name} has no {profile.lacks}")


def content_of(opened: Opened) -> Invoice:
    """What an opened document says, whatever its profile and even without identities.

    Refuses: document_incomplete, document_inconsistent, document_malformed, unknown_currency, amount_malformed,
    amount_too_precise, amount_out_of_range.
    """
    return ubl.read_ubl(opened.root) if opened.syntax == "ubl" else cii.read_cii(opened.root)


def require_identified(invoice: Invoice) -> None:
    """Pass if the claim can be recognised: a number, and an identity of either party. Refuses: document_incomplete.

    Asked for at the door, not only at registration.
    """
    if not normal_number(invoice.number):
        raise DocumentIncomplete("number")
    _ = invoice.seller_identity, invoice.buyer_identity
