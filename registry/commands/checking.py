"""Whether a file is behind a receivable: that very file, the same claim in another one, or nothing known here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from registry.commands.names import Registry
from registry.commands.services import master_key
from registry.documents.attachments import Attachment
from registry.documents.batch import BATCH_SUFFIXES
from registry.documents.commitments import commit, document_fields
from registry.documents.document import Document, hand_in
from registry.documents.errors import DocumentMalformed, DocumentTooLarge, DocumentUnsupported
from registry.documents.fingerprint import fingerprint
from registry.store.database import Connection
from registry.store.queries import invoices as invoice_queries
from registry.store.queries import receivables as receivable_queries
from registry.store.queries.invoices import InvoiceRow
from registry.store.queries.pages import PAGE_ROWS_MAX
from registry.store.queries.receivables import ReceivableRow

OTHERS_MAX = 50
"""Receivables of the same claim that are named besides."""


class Match(StrEnum):
    """How a file and a registered invoice go together."""

    COMMITTED = "committed"
    """The very file: its fields, with the salts kept here, hash to the root that is on chain."""
    ALTERED = "altered"
    """The very file, and yet not what the root commits to: rows were changed, or salts were lost."""
    SAME_CLAIM = "same_claim"
    """Another file of the same claim, for the same amount: another format, or another copy."""
    OTHER_AMOUNT = "other_amount"
    """The same number, date and parties, but another amount or type."""


@dataclass(frozen=True, slots=True)
class Found:
    """A registered invoice that has to do with a file. `receivable` is None where its registration never came."""

    match: Match
    invoice: InvoiceRow
    receivable: ReceivableRow | None

    @property
    def has_ended(self) -> bool:
        """Whether its claim was refused, withdrawn or lapsed."""
        return self.receivable is not None and self.receivable.has_ended


@dataclass(frozen=True, slots=True)
class Checked:
    """A file that was looked up: what it says, and what is known of it, the nearest match first.

    `others` are receivables of the same claim whose invoice is not kept here: registered elsewhere, or copied. Those
    that stand come before those that ended; `more_others` is whether there are more.
    """

    document: Document
    sha256: bytes
    fingerprint: bytes
    found: list[Found]
    others: list[ReceivableRow]
    more_others: bool


def check_document(registry: Registry, path: Path) -> Checked:
    """Look an invoice file up. Raises what hand_in raises; DocumentUnsupported for what holds several invoices."""
    try:
        document = hand_in(path)
    except (DocumentMalformed, DocumentTooLarge) as refused:
        if path.suffix.lower() not in BATCH_SUFFIXES:
            raise
        raise DocumentUnsupported(
            f"{path.name} is not one invoice",
            hint="`counterfoil invoice import` takes archives and tables; with --dry-run it only tells what is known",
        ) from refused
    with registry.database.snapshot() as connection:
        return look_up(connection, document, master=master_key(registry.home))


def look_up(connection: Connection, document: Document, *, master: bytes) -> Checked:
    """What is known of a document; `master` is the key of fingerprints."""
    sha256 = hashlib.sha256(document.content).digest()
    claim = fingerprint(document.invoice, master)
    kept = invoice_queries.invoices_by_claim(connection, fingerprint=claim, file_sha256=sha256)
    found = [Found(_match(connection, document, row, sha256=sha256), row, _receivable(connection, row)) for row in kept]
    order = list(Match)
    found.sort(key=lambda one: (one.receivable is None, order.index(one.match), one.has_ended))
    ours = {(row.document_root, row.originator) for row in kept}
    claims, more = receivable_queries.foremost(connection, limit=PAGE_ROWS_MAX, fingerprint=claim)
    others = [row for row in claims if (row.document_root, row.originator) not in ours]
    return Checked(document, sha256, claim, found, others[:OTHERS_MAX], more or len(others) > OTHERS_MAX)


def _match(connection: Connection, document: Document, row: InvoiceRow, *, sha256: bytes) -> Match:
    if row.file_sha256 == sha256:
        return Match.COMMITTED if _root(connection, document, row) == row.document_root else Match.ALTERED
    invoice = document.invoice
    same = (invoice.payable_minor, invoice.type_code) == (row.payable_minor, row.type_code)
    return Match.SAME_CLAIM if same else Match.OTHER_AMOUNT


def _root(connection: Connection, document: Document, row: InvoiceRow) -> bytes | None:
    """The root that the file's own fields give with the salts of the row; None where these are no salts."""
    kept = invoice_queries.attachments_by_root(connection, row.document_root)
    attachments = [Attachment(each.file_name, each.sha256, each.size_bytes) for each in kept]
    fields = document_fields(document.invoice, document=document.content, attachments=attachments)
    salts = [*(bytes.fromhex(salt) for _, _, salt in row.fields), *(each.salt for each in kept)]
    try:
        return commit(fields, salts).root
    except ValueError:
        return None


def _receivable(connection: Connection, row: InvoiceRow) -> ReceivableRow | None:
    """Its seller's receivable with the document root, which is public: others may have copied it."""
    found, _ = receivable_queries.foremost(
        connection, limit=1, document_roots=[row.document_root], originator=row.originator
    )
    return found[0] if found else None
