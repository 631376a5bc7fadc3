"""The one way in: a file or its bytes become an Invoice, or a refusal by name."""

from __future__ import annotations

import stat
from pathlib import Path

from registry.documents.cii import CII_TAG, read_cii
from registry.documents.errors import DocumentIncomplete, DocumentUnreadable, DocumentUnsupported
from registry.documents.invoice import Invoice
from registry.documents.parties import normal_number
from registry.documents.ubl import CREDIT_NOTE_TAG, INVOICE_TAG, read_ubl
from registry.documents.xml import DOCUMENT_BYTES_MAX, parse_xml


def read_document(path: Path) -> bytes:
    """Bytes of a regular file, at most one more than DOCUMENT_BYTES_MAX. Refuses: document_unreadable."""
    try:
        # Opening a named pipe would wait for a writer, and a device may never end.
        if not stat.S_ISREG(path.stat().st_mode):
            raise DocumentUnreadable(f"{path.name} is not a regular file")
        with path.open("rb") as file:
            return file.read(DOCUMENT_BYTES_MAX + 1)
    except (OSError, ValueError) as error:  # ValueError: a path with a zero byte
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "the path is not one"
        raise DocumentUnreadable(f"{path.name} cannot be read: {reason}") from error


def read_invoice(path: Path) -> Invoice:
    """Invoice of a file: UBL 2.1 Invoice or CreditNote, or CII.

    Refuses: document_unreadable and all that parse_invoice refuses.
    """
    return parse_invoice(read_document(path))


def parse_invoice(data: bytes) -> Invoice:
    """Invoice of a document's bytes; seller and buyer have an identity, the number is not empty.

    Refuses: document_too_large, document_malformed, document_forbidden_construct, document_unsupported,
    document_incomplete, document_inconsistent, unknown_currency, amount_malformed, amount_too_precise,
    amount_out_of_range.
    """
    root = parse_xml(data)
    if root.tag in (INVOICE_TAG, CREDIT_NOTE_TAG):
        invoice = read_ubl(root)
    elif root.tag == CII_TAG:
        invoice = read_cii(root)
    else:
        raise DocumentUnsupported(f"the root element {str(root.tag)[:200]} is neither UBL nor CII")
    if not normal_number(invoice.number):
        raise DocumentIncomplete("number")
    # Asked for here so that an invoice without identities is refused at the door, not at registration.
    _ = invoice.seller_identity, invoice.buyer_identity
    return invoice
