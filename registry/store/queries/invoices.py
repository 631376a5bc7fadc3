"""The invoices behind document roots, and those that were refused because their claims are receivables already."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import ARRAY, Connection, LargeBinary, Row, Select, any_, literal, or_, select

from registry.domain.identifiers import Address
from registry.store.queries.pages import PAGE_ROWS_DEFAULT, Page, page, rows_asked
from registry.store.queries.visibility import Caller, visible_to
from registry.store.tables import duplicate_attempt as attempts
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
    number_key: str
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


@dataclass(frozen=True, slots=True)
class DuplicateAttemptRow:
    """A second registration that was refused: of which claim, by whom, in which file; `receivable_id` is the first."""

    attempt_id: int
    fingerprint: bytes
    originator: Address
    receivable_id: int
    code: str
    file_name: str
    attempted_at: datetime


def invoice_by_root(
    connection: Connection, document_root: bytes, *, caller: Caller = Caller.LOCAL
) -> InvoiceRow | None:
    """The invoice that this root commits to, or None."""
    return invoices_by_root(connection, [document_root], caller=caller).get(document_root)


def invoices_by_root(
    connection: Connection, document_roots: Iterable[bytes], *, caller: Caller = Caller.LOCAL
) -> dict[bytes, InvoiceRow]:
    """The invoices known here that these roots commit to, in one statement."""
    # An array, so that it is one parameter however many there are.
    roots = literal(sorted(set(document_roots)), ARRAY(LargeBinary))
    found = connection.execute(_visible(caller).where(table.c.document_root == any_(roots)))
    return {row.document_root: _row(row) for row in found}


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


def duplicate_attempts(
    connection: Connection,
    *,
    after: int | None = None,
    limit: int = PAGE_ROWS_DEFAULT,
    originator: Address | None = None,
    receivable_id: int | None = None,
    caller: Caller = Caller.LOCAL,
) -> Page[DuplicateAttemptRow, int]:
    """Second registrations that were refused, the newest first; the key is the number of the attempt."""
    wanted = [visible_to(caller, attempts)]
    if after is not None:
        wanted.append(attempts.c.attempt_id < after)
    if originator is not None:
        wanted.append(attempts.c.originator == originator)
    if receivable_id is not None:
        wanted.append(attempts.c.receivable_id == receivable_id)
    found = connection.execute(
        select(*attempts.c).where(*wanted).order_by(attempts.c.attempt_id.desc()).limit(rows_asked(limit))
    )
    return page([DuplicateAttemptRow(**row._mapping) for row in found], limit=limit, key=lambda row: row.attempt_id)


def _visible(caller: Caller) -> Select[Any]:
    return select(*table.c).where(visible_to(caller, table))


def _row(row: Row[Any]) -> InvoiceRow:
    return InvoiceRow(**row._mapping)
