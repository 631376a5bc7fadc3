"""The invoices behind document roots."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, or_, select

from registry.domain.identifiers import Address
from registry.store.queries.visibility import Caller, visible_to
from registry.store.tables import invoice as table
from registry.store.tables import invoice_attachment as attachments


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """One invoice. `fields` is the list of [name, value, salt hex] that the document root commits to."""

    document_root: bytes
    fingerprint: bytes
    originator: Address
    debtor: Address
    number: str
    type_code: str
    format: str
    issue_date: date
    due_date: date | None
    currency: int
    payable_minor: int
    file_name: str
    file_sha256: bytes
    fields: list[list[str]] = field(repr=False)
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AttachmentRow:
    """One file beside an invoice: its place among the leaves, its name, SHA-256 and size, the salt of its leaf."""

    document_root: bytes
    position: int
    file_name: str
    sha256: bytes
    size_bytes: int
    salt: bytes = field(repr=False)


def invoice_by_root(
    connection: Connection, document_root: bytes, *, caller: Caller = Caller.LOCAL
) -> InvoiceRow | None:
    """The invoice that this root commits to, or None."""
    found = connection.execute(_visible(caller).where(table.c.document_root == document_root)).one_or_none()
    return None if found is None else _row(found)


def invoice_by_fingerprint(
    connection: Connection, fingerprint: bytes, *, caller: Caller = Caller.LOCAL
) -> InvoiceRow | None:
    """The newest invoice with this fingerprint, or None. After a refusal one may be registered anew, with new salts."""
    found = connection.execute(
        _visible(caller)
        .where(table.c.fingerprint == fingerprint)
        .order_by(table.c.created_at.desc(), table.c.document_root)
        .limit(1)
    ).one_or_none()
    return None if found is None else _row(found)


INVOICES_MAX = 100
"""Invoices of one claim or one file that are looked at: more registrations of it than anyone asks about."""


def invoices_by_claim(
    connection: Connection, *, fingerprint: bytes, file_sha256: bytes, caller: Caller = Caller.LOCAL
) -> list[InvoiceRow]:
    """The invoices of the same claim, and those of the very same file, newest first; at most INVOICES_MAX."""
    found = connection.execute(
        _visible(caller)
        .where(or_(table.c.fingerprint == fingerprint, table.c.file_sha256 == file_sha256))
        .order_by(table.c.created_at.desc(), table.c.document_root)
        .limit(INVOICES_MAX)
    )
    return [_row(row) for row in found]


def attachments_by_root(
    connection: Connection, document_root: bytes, *, caller: Caller = Caller.LOCAL
) -> list[AttachmentRow]:
    """The attachments of an invoice, in the order of their leaves."""
    found = connection.execute(
        select(*attachments.c)
        .where(visible_to(caller, attachments), attachments.c.document_root == document_root)
        .order_by(attachments.c.position)
    )
    return [AttachmentRow(**row._mapping) for row in found]


def _visible(caller: Caller) -> Select[Any]:
    return select(*table.c).where(visible_to(caller, table))


def _row(row: Row[Any]) -> InvoiceRow:
    return InvoiceRow(**row._mapping)
