"""Certificates as they are at the mirror's block: one, lists by what people look for, and a holder's totals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Unpack

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Row,
    Select,
    case,
    func,
    or_,
    select,
    tuple_,
    union,
)

from registry.domain import rules
from registry.domain.identifiers import Address, CertificateId
from registry.domain.receivable import DAY_SECONDS, Certificate, Phase, Receivable, Scope, Status
from registry.store.queries.pages import PAGE_ROWS_DEFAULT, Page, beyond, page, rows_asked
from registry.store.queries.receivables import PHASES_BY_DUE, Sought, due_in, frozen_ids, matching, within
from registry.store.queries.visibility import Caller, visible_to
from registry.store.tables import certificate as table
from registry.store.tables import order_freeze, receivable

CertificateKey = tuple[int, int]
"""Receivable id and start."""

CertificateDueKey = tuple[int, int, int]
"""Due instant, receivable id and start."""


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
        """The certificate as the rules take it; the orders on it are not read."""
        return Certificate(self.start_minor, self.end_minor, self.holder, self.since_position)

    def phase(self, *, now: int) -> Phase:
        """Where its receivable stands at `now` (seconds)."""
        # The rule looks at status and due date alone; the head is not read here.
        return rules.phase(Receivable(self.receivable_id, b"", status=self.status, due=self.due_at), now=now)


@dataclass(frozen=True, slots=True)
class BookRow:
    """What a holder has in one currency and phase: certificates, their sum in minor units, and that of the frozen."""

    currency: int
    phase: Phase
    certificates: int
    amount_minor: int
    frozen_minor: int


def certificate(
    connection: Connection, receivable_id: int, start: int, *, caller: Caller = Caller.LOCAL
) -> CertificateRow | None:
    """The live certificate that starts at this minor unit, or None."""
    found = select(*table.c).where(
        visible_to(caller, table), table.c.receivable_id == receivable_id, table.c.start_minor == start
    )
    return next(iter(_with_terms(connection, found)), None)


def certificates(
    connection: Connection,
    *,
    holder: Address | None = None,
    receivable_id: int | None = None,
    after: CertificateKey | None = None,
    limit: int = PAGE_ROWS_DEFAULT,
    frozen_at: tuple[bool, int] | None = None,
    caller: Caller = Caller.LOCAL,
    **sought: Unpack[Sought],
) -> Page[CertificateRow, CertificateKey]:
    """Live certificates in the order of receivable id and start; `sought` is of their receivables.

    `frozen_at` is whether an order in force keeps it from moving - on itself, its receivable or its holder - and the
    instant, in seconds, at which it is asked.
    """
    list_ = _List(holder, receivable_id, sought, frozen_at, caller)
    found = list_.page(by_due=False, after=after, limit=limit)
    rows = _with_terms(connection, found, table.c.receivable_id, table.c.start_minor)
    return page(rows, limit=limit, key=lambda row: (row.receivable_id, row.start_minor))


def certificates_by_due(
    connection: Connection,
    *,
    holder: Address | None = None,
    receivable_id: int | None = None,
    after: CertificateDueKey | None = None,
    limit: int = PAGE_ROWS_DEFAULT,
    frozen_at: tuple[bool, int] | None = None,
    caller: Caller = Caller.LOCAL,
    **sought: Unpack[Sought],
) -> Page[CertificateRow, CertificateDueKey]:
    """The same by due date: where that is sought, the page is found in an index and not among all that came before."""
    list_ = _List(holder, receivable_id, sought, frozen_at, caller)
    found = list_.page(by_due=True, after=after, limit=limit)
    rows = _with_terms(connection, found, table.c.due_at, table.c.receivable_id, table.c.start_minor)
    return page(rows, limit=limit, key=lambda row: (row.due_at, row.receivable_id, row.start_minor))


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


def book(connection: Connection, holder: Address, *, now: int, caller: Caller = Caller.LOCAL) -> list[BookRow]:
    """What a holder has at `now` (seconds), by currency and phase: from the index alone, whatever its size."""
    phase = case(
        (table.c.due_at > now, Phase.LIVE.value),
        (table.c.due_at > now - DAY_SECONDS, Phase.DUE.value),
        else_=Phase.OVERDUE.value,
    ).label("phase")
    amount = func.sum(table.c.end_minor - table.c.start_minor)
    frozen = amount.filter(or_(*_by_order(holder, now=now)))
    found = connection.execute(
        select(table.c.currency, phase, func.count(), amount, func.coalesce(frozen, 0))
        .where(visible_to(caller, table), table.c.holder == holder)
        .group_by(table.c.currency, phase)
        .order_by(table.c.currency, func.min(table.c.due_at))
    )
    return [
        BookRow(currency, Phase(name), count, int(amount_minor), int(frozen_minor))
        for currency, name, count, amount_minor, frozen_minor in found
    ]


@dataclass(frozen=True, slots=True)
class _List:
    """What a list of certificates is narrowed to, and how its first rows are found.

    By an index of the certificates where that begins with the holder or the receivable, where orders name them, and
    where nothing is sought; else by an index of the receivables.
    """

    holder: Address | None
    receivable_id: int | None
    sought: Sought
    frozen_at: tuple[bool, int] | None
    caller: Caller

    def page(self, *, by_due: bool, after: Sequence[int] | None, limit: int) -> Select[Any]:
        """The rows after a key, one more than the page has."""
        own = (
            self.holder is not None
            or self.receivable_id is not None
            or all(value is None for value in self.sought.values())
            or (self.frozen_at is not None and self.frozen_at[0])
        )
        terms = table if own else receivable
        found = select(*table.c).where(visible_to(self.caller, table), *(_own(self.sought) if own else ()))
        if not own:
            found = found.join(receivable, receivable.c.receivable_id == table.c.receivable_id).where(
                # Only what is confirmed has certificates; said, so that the receivables' index leaves out the rest.
                receivable.c.status == int(Status.CONFIRMED),
                *matching(self.sought),
            )
        if self.holder is not None:
            found = found.where(table.c.holder == self.holder)
        if self.receivable_id is not None:
            found = found.where(table.c.receivable_id == self.receivable_id)
            if by_due:
                # All its parts are due on one day: the order is that of their starts, which an index has.
                by_due, after = False, None if after is None else after[1:]
        key = [*([terms.c.due_at] if by_due else []), terms.c.receivable_id, table.c.start_minor]
        if after is not None:
            found = found.where(beyond(key, after))
            if not own:
                # Said of each table by itself too: no index begins at a key that lies in both.
                found = found.where(beyond(key[:-1], after[:-1], inclusive=True))
                if not by_due:
                    found = found.where(table.c.receivable_id >= after[0])
        first = found.order_by(*key).limit(rows_asked(limit))
        match self.frozen_at:
            case True, now:
                # Each of the three from its own few orders, and no more of each than the page can take.
                parts = union(*(first.where(condition) for condition in _by_order(self.holder, now=now))).subquery()
                return select(parts).order_by(*(parts.c[column.key] for column in key)).limit(rows_asked(limit))
            case False, now:
                return first.where(*(~condition for condition in _by_order(self.holder, now=now)))
            case _:
                return first


def _by_order(
    holder: Address | None, *, now: int
) -> tuple[ColumnElement[bool], ColumnElement[bool], ColumnElement[bool]]:
    """An order in force at `now` (seconds) on the certificate, on its receivable, on its holder."""

    def things(scope: Scope, *columns: ColumnElement[Any]) -> Select[Any]:
        return select(*columns).where(order_freeze.c.scope == int(scope), order_freeze.c.expiry_at > now)

    own = things(Scope.CERTIFICATE, order_freeze.c.receivable_id, order_freeze.c.start_minor)
    members = things(Scope.MEMBER, order_freeze.c.member)
    return (
        tuple_(table.c.receivable_id, table.c.start_minor).in_(own),
        table.c.receivable_id.in_(frozen_ids(now=now)),
        # Of one holder it is all or none of its certificates, which is asked once.
        table.c.holder.in_(members) if holder is None else members.where(order_freeze.c.member == holder).exists(),
    )


def _own(sought: Sought) -> list[ColumnElement[bool]]:
    """The conditions on the columns that certificates repeat; what only receivables have, by a look at those."""
    wanted = [
        column == value
        for column, value in ((table.c.debtor, sought.get("debtor")), (table.c.currency, sought.get("currency")))
        if value is not None
    ]
    wanted += within(sought, due_at=table.c.due_at, receivable_id=table.c.receivable_id)
    phase_at = sought.get("phase_at")
    if phase_at is not None and phase_at[0] in PHASES_BY_DUE:
        wanted += due_in(phase_at[0], table.c.due_at, now=phase_at[1])
        phase_at = None
    others = matching(
        {
            "status": sought.get("status"),
            "phase_at": phase_at,
            "originator": sought.get("originator"),
            "fingerprint": sought.get("fingerprint"),
            "document_roots": sought.get("document_roots"),
        }
    )
    if others:
        wanted.append(table.c.receivable_id.in_(select(receivable.c.receivable_id).where(*others)))
    return wanted


def _with_terms(connection: Connection, found: Select[Any], *key: Column[Any]) -> list[CertificateRow]:
    """The rows that were found, with what they inherit joined to them."""
    rows = found.subquery()
    statement = select(*rows.c, receivable.c.originator, receivable.c.status).join_from(
        rows, receivable, receivable.c.receivable_id == rows.c.receivable_id
    )
    return [_row(row) for row in connection.execute(statement.order_by(*(rows.c[column.key] for column in key)))]


def _row(row: Row[Any]) -> CertificateRow:
    values = dict(row._mapping)
    return CertificateRow(**{**values, "status": Status(values["status"])})
