"""An invoice as it is handed in: the file, what it says, and the files beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from registry.documents.attachments import Attachment, file_name, read_attachments
from registry.documents.en16931 import require_rules
from registry.documents.invoice import Invoice
from registry.documents.reading import invoice_of, open_document, read_document


@dataclass(frozen=True, slots=True)
class Document:
    """An invoice that was handed in: the name it came under, its bytes, what they say, and its attachments.

    Of a row of a table `content` is tables.row_document.
    """

    name: str
    content: bytes
    invoice: Invoice
    attachments: tuple[Attachment, ...] = ()


def hand_in(path: Path, *, attach: Sequence[Path] = (), strict: bool = False) -> Document:
    """The document of an invoice file and its attachments. Refuses: what read_document, document_of and
    read_attachments refuse."""
    return document_of(
        read_document(path), name=file_name(path), strict=strict, attachments=read_attachments(attach) if attach else ()
    )


def document_of(content: bytes, *, name: str, strict: bool, attachments: tuple[Attachment, ...] = ()) -> Document:
    """The document that these bytes are; with `strict` only if they break no fatal rule of EN 16931.

    Refuses: what parse_invoice refuses, rules_broken, rules_not_run.
    """
    opened = open_document(content)
    invoice = invoice_of(opened)
    if strict:
        require_rules(opened)
    return Document(name, content, invoice, attachments)
