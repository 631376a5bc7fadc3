"""Hybrid invoices: the XML that a Factur-X or ZUGFeRD PDF carries, and nothing else of the PDF.

The PDF is opened in a child process (pdf_worker), because it can be made to loop or to eat memory in more ways than a
list of limits knows. What comes back is bytes, which take the same way in as an XML file. The pages are not looked at:
the XML is the invoice.
"""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any, ClassVar, Final

from registry.documents.errors import DocumentInconsistent, DocumentTooLarge
from registry.documents.worker import Worker, WorkerFailed
from registry.domain.refusals import Refusal

PDF_MARK: Final = b"%PDF-"

PDF_BYTES_MAX: Final = 20 * 1024 * 1024
"""Largest PDF, in bytes: a scanned delivery note or two beside the invoice."""

PDF_SECONDS_MAX: Final = 10
"""Time for one PDF, in seconds. A large one takes some 0.05."""

INVOICE_FILE_NAMES: Final = ("factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml")
"""Names of the embedded invoice, in lower case: Factur-X 1.0 and ZUGFeRD 2.1, ZUGFeRD 1 and 2.0, profile XRECHNUNG."""


class PdfMalformed(Refusal):
    code: ClassVar[str] = "pdf_malformed"
    title: ClassVar[str] = "The PDF cannot be read"
    default_hint: ClassVar[str] = "Ask the issuer for the file again, or for the XML invoice itself."


class PdfEncrypted(Refusal):
    code: ClassVar[str] = "pdf_encrypted"
    title: ClassVar[str] = "The PDF is encrypted"
    default_hint: ClassVar[str] = "PDF/A, which hybrid invoices are, forbids encryption: send it without a password."


class PdfTooCostly(Refusal):
    code: ClassVar[str] = "pdf_too_costly"
    status: ClassVar[int] = 413
    title: ClassVar[str] = "The PDF takes more time or memory than an invoice needs"
    default_hint: ClassVar[str] = "Send the XML that the PDF carries."


class PdfWithoutInvoice(Refusal):
    code: ClassVar[str] = "pdf_without_invoice"
    status: ClassVar[int] = 415
    title: ClassVar[str] = "The PDF carries no invoice"
    default_hint: ClassVar[str] = (
        "A hybrid invoice embeds factur-x.xml, zugferd-invoice.xml or xrechnung.xml; a picture of an invoice is none."
    )


_READER: Final = Worker("registry.documents.pdf_worker", seconds_max=PDF_SECONDS_MAX)


def is_pdf(data: bytes) -> bool:
    """Whether the bytes call themselves a PDF."""
    return data.startswith(PDF_MARK)


def embedded_invoice(data: bytes) -> tuple[str, bytes]:
    """Name and bytes of the one invoice that a PDF carries; the bytes are as hostile as the PDF.

    Refuses: document_too_large, pdf_malformed, pdf_encrypted, pdf_too_costly, pdf_without_invoice,
    document_inconsistent (two invoices). Source of the names: Factur-X 1.0, ZUGFeRD 2.x.
    """
    if len(data) > PDF_BYTES_MAX:
        raise DocumentTooLarge(f"the PDF is larger than {PDF_BYTES_MAX} bytes")
    try:
        answer = json.loads(_READER.ask(data))
    except WorkerFailed as failed:
        if not failed.killed:
            raise
        raise PdfTooCostly(str(failed)) from failed
    if "refusal" in answer:
        raise _refusal(answer)
    return str(answer["name"]), b64decode(answer["content"])


def _refusal(answer: dict[str, Any]) -> Refusal:
    kinds = {
        kind.code: kind
        for kind in (
            PdfMalformed,
            PdfEncrypted,
            PdfTooCostly,
            PdfWithoutInvoice,
            DocumentTooLarge,
            DocumentInconsistent,
        )
    }
    return kinds[answer["refusal"]](answer["detail"])
