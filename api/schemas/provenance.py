"""Provenance as the API shows it: how a certificate came to its holder, and on what trade."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import Field

from api.schemas.common import (
    AddressText,
    BlockOut,
    CertificateIdText,
    DayText,
    HashText,
    Model,
    MoneyOut,
    PartyOut,
    RangeOut,
    hex_text,
)
from api.schemas.entries import EntryOut
from api.schemas.entries import show as show_entry
from registry.domain.identifiers import Address
from registry.domain.journal import Entry, Registered
from registry.domain.rules import NO_DOCUMENT
from registry.store.queries.documents import TradeDocumentRow
from registry.store.queries.entries import ProvenanceRow
from registry.store.queries.health import CursorRow
from registry.store.queries.invoices import InvoiceRow
from registry.store.queries.parties import PartyRow


class PartOut(Model):
    """The certificate around the asked range after the entry."""

    range: RangeOut
    amount: MoneyOut


class DocumentOut(Model):
    """The trade document that a transfer was made on."""

    hash: HashText
    file_name: str | None = Field(description="Null where it is not known here.", examples=["contract-17.pdf"])


class InvoiceOut(Model):
    """The invoice behind the claim. What the chain does not hold is null where it is not known here."""

    fingerprint: HashText
    document_root: HashText
    number: str | None = Field(examples=["2026-0815"])
    type_code: str | None = Field(description="UNTDID 1001.", examples=["380"])
    issue_date: DayText | None
    due_date: DayText | None
    file_name: str | None = Field(examples=["invoice-2026-0815.xml"])


class StepOut(EntryOut):
    """One entry that touched the asked range."""

    head_before: HashText = Field(description="Head of the journal before this entry.")
    amount: MoneyOut = Field(description="Length of `range`.")
    giver: PartyOut | None = Field(description="Who held the asked range before, where the entry moved it.")
    holder: PartyOut | None = Field(
        description="Who held it after; null before the confirmation, and once it is no more."
    )
    part: PartOut | None
    document: DocumentOut | None
    invoice: InvoiceOut | None = Field(description="At the registration.")


class ProvenanceRead(Model):
    """The history of a certificate, oldest entry first: exactly the entries whose range overlaps its own.

    The journal starts from keccak256 of the words "counterfoil/1" (bytes32), chain_id, contract and receivable number,
    and its head is what the contract answers to heads([receivable number]) at as_of_block.
    """

    certificate: CertificateIdText
    holder: PartyOut
    amount: MoneyOut
    chain_id: int = Field(ge=1, examples=[31337])
    contract: AddressText
    journal_head: HashText
    journal_length: int = Field(ge=1, examples=[3])
    steps: list[StepOut]
    as_of_block: BlockOut


@dataclass(frozen=True, slots=True)
class Known:
    """The block that a history is told at, and what is known off chain about its parties and documents."""

    cursor: CursorRow
    names: Mapping[Address, PartyRow]
    documents: Mapping[bytes, TradeDocumentRow]
    invoice: InvoiceRow | None


def show_step(row: ProvenanceRow, *, currency: int, known: Known) -> StepOut:
    """A step as the API shows it; `currency` is the ISO 4217 number."""
    step, entry = row.step, row.step.entry
    start, end = entry.range
    return StepOut(
        **dict(show_entry(row.stored, names=known.names, cursor=known.cursor)),
        head_before=hex_text(row.head_before),
        amount=MoneyOut.of(end - start, currency),
        giver=PartyOut.of(step.giver, known.names) if step.giver else None,
        holder=PartyOut.of(step.holder, known.names) if step.holder else None,
        part=PartOut(range=RangeOut.of(step.start, step.end), amount=MoneyOut.of(step.end - step.start, currency))
        if step.holder
        else None,
        document=_document(step.document, known),
        invoice=_invoice(entry, known.invoice),
    )


def _document(document: bytes | None, known: Known) -> DocumentOut | None:
    if document is None or document == NO_DOCUMENT:
        return None
    row = known.documents.get(document)
    return DocumentOut(hash=hex_text(document), file_name=row.file_name if row else None)


def _invoice(entry: Entry, row: InvoiceRow | None) -> InvoiceOut | None:
    if not isinstance(entry, Registered):
        return None
    return InvoiceOut(
        fingerprint=hex_text(entry.fingerprint),
        document_root=hex_text(entry.document_root),
        number=row.number if row else None,
        type_code=row.type_code if row else None,
        issue_date=row.issue_date.isoformat() if row else None,
        due_date=row.due_date.isoformat() if row and row.due_date else None,
        file_name=row.file_name if row else None,
    )
