"""Receivables: one by id, lists by what people look for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, select

from registry.domain import rules
from registry.domain.identifiers import Address
from registry.domain.receivable import DAY_SECONDS, Phase, Receivable, Status
from registry.store.queries.pages import PAGE_ROWS_DEFAULT, Page, page, rows_asked
from registry.store.queries.visibility import Caller, visible_to
from registry.store.tables import journal
from registry.store.tables import receivable as table


@dataclass(frozen=True, slots=True)
class ReceivableRow:
    """The folded state of a receivable without its certificates. `_minor` in minor units, `_at` in seconds.

    `currency` is the ISO 4217 number; `head` and `length` are those of its journal.
    """

    receivable_id: int
    status: Status
    originator: Address
    debtor: Address
    face_minor: int
    due_at: int
    currency: int
    fingerprint: bytes
    document_root: bytes
    registered_at: int
    answered_at: int
    refusal_reason: int
    front_endorsed: bool
    paid_minor: int
    cancelled_minor: int
    head: bytes
    length: int

    def state(self) -> Receivable:
        """The state as the rules take it; its certificates are not read."""
        return Receivable(
            receivable_id=self.receivable_id,
            head=self.head,
            length=self.length,
            status=self.status,
            originator=self.originator,
            debtor=self.debtor,
            face=self.face_minor,
            due=self.due_at,
            currency=self.currency,
            fingerprint=self.fingerprint,
            document_root=self.document_root,
            registered_at=self.registered_at,
            answered_at=self.answered_at,
            refusal_reason=self.refusal_reason,
            front_endorsed=self.front_endorsed,
            paid=self.paid_minor,
            cancelled=self.cancelled_minor,
        )

    def phase(self, *, now: int) -> Phase:
        """Where it stands at `now` (seconds)."""
        return rules.phase(self.state(), now=now)


class Sought(TypedDict, total=False):
    """What a list of receivables, or of their certificates, is narrowed to; None does not narrow.

    `due_from` (inclusive) and `due_before` (exclusive) in seconds; `currency` is the ISO 4217 number; `phase_at` the
    phase and the instant, in seconds, at which it is asked.
    """

    status: Status | None
    phase_at: tuple[Phase, int] | None
    debtor: Address | None
    originator: Address | None
    fingerprint: bytes | None
    currency: int | None
    due_from: int | None
    due_before: int | None


def receivable(connection: Connection, receivable_id: int, *, caller: Caller = Caller.LOCAL) -> ReceivableRow | None:
    """One receivable, or None."""
    found = connection.execute(_visible(caller).where(table.c.receivable_id == receivable_id)).one_or_none()
    return None if found is None else _row(found)


def receivables(
    connection: Connection,
    *,
    after: int | None = None,
    limit: int = PAGE_ROWS_DEFAULT,
    caller: Caller = Caller.LOCAL,
    **sought: Unpack[Sought],
) -> Page[ReceivableRow, int]:
    """Receivables in the order of their ids."""
    wanted = matching(sought)
    if after is not None:
        wanted.append(table.c.receivable_id > after)
    found = connection.execute(_visible(caller).where(*wanted).order_by(table.c.receivable_id).limit(rows_asked(limit)))
    return page([_row(row) for row in found], limit=limit, key=lambda row: row.receivable_id)


def pending(
    connection: Connection,
    debtor: Address,
    *,
    after: int | None = None,
    limit: int = PAGE_ROWS_DEFAULT,
    caller: Caller = Caller.LOCAL,
) -> Page[ReceivableRow, int]:
    """What waits for this debtor's answer, oldest first."""
    return receivables(connection, after=after, limit=limit, status=Status.REGISTERED, debtor=debtor, caller=caller)


def matching(sought: Sought) -> list[ColumnElement[bool]]:
    """The conditions on the table of receivables."""
    wanted: list[ColumnElement[bool]] = [
        column == value
        for column, value in (
            (table.c.debtor, sought.get("debtor")),
            (table.c.originator, sought.get("originator")),
            (table.c.fingerprint, sought.get("fingerprint")),
            (table.c.currency, sought.get("currency")),
        )
        if value is not None
    ]
    if (status := sought.get("status")) is not None:
        wanted.append(table.c.status == int(status))
    if (phase_at := sought.get("phase_at")) is not None:
        wanted.append(_in_phase(*phase_at))
    if (due_from := sought.get("due_from")) is not None:
        wanted.append(table.c.due_at >= due_from)
    if (due_before := sought.get("due_before")) is not None:
        wanted.append(table.c.due_at < due_before)
    return wanted


def _in_phase(phase: Phase, now: int) -> ColumnElement[bool]:
    """What rules.phase says, turned round so that the database can look for it."""
    confirmed = table.c.status == int(Status.CONFIRMED)
    match phase:
        case Phase.LIVE:
            return and_(confirmed, table.c.due_at > now)
        case Phase.DUE:
            return and_(confirmed, table.c.due_at <= now, table.c.due_at > now - DAY_SECONDS)
        case Phase.OVERDUE:
            return and_(confirmed, table.c.due_at <= now - DAY_SECONDS)
        case _:
            return table.c.status == int(Status[phase.name])


def _visible(caller: Caller) -> Select[Any]:
    return (
        select(*table.c, journal.c.head, journal.c.length)
        .join_from(table, journal, journal.c.journal_id == table.c.receivable_id)
        .where(visible_to(caller, table))
    )


def _row(row: Row[Any]) -> ReceivableRow:
    values = dict(row._mapping)
    return ReceivableRow(**{**values, "status": Status(values["status"])})
