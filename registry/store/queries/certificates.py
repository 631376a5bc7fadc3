"""Certificates as they are at the mirror's block: one, those of a receivable, those of a holder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Unpack

from sqlalchemy import BigInteger, Connection, Row, Select, literal, select, tuple_

from registry.domain import rules
from registry.domain.identifiers import Address, CertificateId
from registry.domain.receivable import Certificate, Phase, Receivable, Status
from registry.store.queries.pages import PAGE_ROWS_DEFAULT, Page, page, rows_asked
from registry.store.queries.receivables import Sought, matching
from registry.store.queries.visibility import Caller, visible_to
from registry.store.tables import Minor, receivable
from registry.store.tables import certificate as table

CertificateKey = tuple[int, int]
"""Receivable id and start."""


@dataclass(frozen=True, slots=True)
class CertificateRow:
    """A live certificate with the terms and the status that it inherits. `_minor` in minor units, `due_at` in seconds.

    `since_position` is the place, in the receivable's journal, of the entry that made it so.
    """

    receivable_id: int
    start_minor: int
    end_minor: int
    holder: Address
    since_position: int
    originator: Address
    debtor: Address
    currency: int
    due_at: int
    status: Status

    @property
    def id(self) -> CertificateId:
        """R-42/0-125000."""
        return CertificateId(self.receivable_id, self.start_minor, self.end_minor)

    @property
    def amount_minor(self) -> int:
        """Length of the range."""
        return self.end_minor - self.start_minor

    def state(self) -> Certificate:
        """The certificate as the rules take it."""
        return Certificate(self.start_minor, self.end_minor, self.holder, self.since_position)

    def phase(self, *, now: int) -> Phase:
        """Where its receivable stands at `now` (seconds)."""
        # The rule looks at status and due date alone; the head is not read here.
        return rules.phase(Receivable(self.receivable_id, b"", status=self.status, due=self.due_at), now=now)


def certificate(
    connection: Connection, receivable_id: int, start: int, *, caller: Caller = Caller.LOCAL
) -> CertificateRow | None:
    """The live certificate that starts at this minor unit, or None."""
    found = connection.execute(
        _visible(caller).where(table.c.receivable_id == receivable_id, table.c.start_minor == start)
    ).one_or_none()
    return None if found is None else _row(found)


def certificates(
    connection: Connection,
    *,
    holder: Address | None = None,
    receivable_id: int | None = None,
    after: CertificateKey | None = None,
    limit: int = PAGE_ROWS_DEFAULT,
    caller: Caller = Caller.LOCAL,
    **sought: Unpack[Sought],
) -> Page[CertificateRow, CertificateKey]:
    """Live certificates in the order of receivable id and start; `sought` is of their receivables."""
    wanted = matching(sought)
    if holder is not None:
        wanted.append(table.c.holder == holder)
    if receivable_id is not None:
        wanted.append(table.c.receivable_id == receivable_id)
    if after is not None:
        key = tuple_(literal(after[0], BigInteger), literal(after[1], Minor))
        wanted.append(tuple_(table.c.receivable_id, table.c.start_minor) > key)
    found = connection.execute(
        _visible(caller).where(*wanted).order_by(table.c.receivable_id, table.c.start_minor).limit(rows_asked(limit))
    )
    return page([_row(row) for row in found], limit=limit, key=lambda row: (row.receivable_id, row.start_minor))


def certificates_of(
    connection: Connection,
    receivable_id: int,
    *,
    after: int | None = None,
    limit: int = PAGE_ROWS_DEFAULT,
    caller: Caller = Caller.LOCAL,
) -> Page[CertificateRow, CertificateKey]:
    """The live certificates of one receivable, by start; `after` is the start that the page follows."""
    key = None if after is None else (receivable_id, after)
    return certificates(connection, receivable_id=receivable_id, after=key, limit=limit, caller=caller)


def _visible(caller: Caller) -> Select[Any]:
    inherited = (receivable.c[name] for name in ("originator", "debtor", "currency", "due_at", "status"))
    return (
        select(*table.c, *inherited)
        .join_from(table, receivable, receivable.c.receivable_id == table.c.receivable_id)
        .where(visible_to(caller, receivable))
    )


def _row(row: Row[Any]) -> CertificateRow:
    values = dict(row._mapping)
    return CertificateRow(**{**values, "status": Status(values["status"])})
