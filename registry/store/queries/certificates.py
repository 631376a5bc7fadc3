"""Certificates as they are at the mirror's block: one, lists by what people look for, and a holder's totals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Unpack

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    case,
    func,
    select,
    tuple_,
    union,
)

from registry.domain import rules
from registry.domain.identifiers import Address, CertificateId
from registry.domain.receivable import DAY_SECONDS, Certificate, Phase, Receivable, Scope, Status
from registry.store.queries.pages import PAGE_ROWS_DEFAULT, Page, beyond, page, rows_asked
from registry.store.queries.receivables import Sought, frozen_ids, matching
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
    """What a holder has in one currency and one phase: certificates, and their sum in minor units."""

    currency: int
    phase: Phase
    certificates: int
    amount_minor: int


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
    frozen_at: tuple[bool, int] | None = None,
    caller: Caller = Caller.LOCAL,
    **sought: Unpack[Sought],
) -> Page[CertificateRow, CertificateKey]:
    """Live certificates in the order of receivable id and start; `sought` is of their receivables.

    `frozen_at` is whether an order in force keeps it from moving - on itself, its receivable or its holder - and the
    instant, in seconds, at which it is asked.
    """
    wanted, _ = _wanted(holder, receivable_id, sought)
    key = (table.c.receivable_id, table.c.start_minor)
    if after is not None:
        wanted.append(beyond(key, after))
    statement = _visible(caller).where(*wanted)
    rows = _ordered(connection, statement, *key, limit=limit, frozen_at=frozen_at)
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
    wanted, due_at = _wanted(holder, receivable_id, sought)
    key = (due_at, table.c.receivable_id, table.c.start_minor)
    if after is not None:
        wanted.append(beyond(key, after))
    statement = _visible(caller).where(*wanted)
    rows = _ordered(connection, statement, *key, limit=limit, frozen_at=frozen_at)
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
    found = connection.execute(
        select(table.c.currency, phase, func.count(), func.sum(table.c.end_minor - table.c.start_minor))
        .where(visible_to(caller, table), table.c.holder == holder)
        .group_by(table.c.currency, phase)
        .order_by(table.c.currency, func.min(table.c.due_at))
    )
    return [BookRow(currency, Phase(name), count, int(amount)) for currency, name, count, amount in found]


def _wanted(
    holder: Address | None, receivable_id: int | None, sought: Sought
) -> tuple[list[ColumnElement[bool]], ColumnElement[int]]:
    """The conditions, and the due date to go by: the certificate's own where a holder's index begins with it."""
    if holder is None:
        # Only what is confirmed has certificates; said, so that the receivable's index leaves out the rest.
        wanted = [receivable.c.status == int(Status.CONFIRMED), *matching(sought)]
    else:
        repeated = {name: table.c[name] for name in ("receivable_id", "debtor", "currency", "due_at")}
        wanted = [table.c.holder == holder, *matching(sought, repeated=repeated)]
    if receivable_id is not None:
        wanted.append(table.c.receivable_id == receivable_id)
    return wanted, receivable.c.due_at if holder is None else table.c.due_at


def _ordered(
    connection: Connection,
    statement: Select[Any],
    *key: ColumnElement[Any],
    limit: int,
    frozen_at: tuple[bool, int] | None,
) -> list[CertificateRow]:
    """The first rows of the statement, of what is frozen, not frozen, or both."""
    asked = statement.order_by(*key).limit(rows_asked(limit))
    match frozen_at:
        case True, now:
            # Each of the three from its own few orders, and no more of each than the page can take.
            found = union(*(asked.where(condition) for condition in _frozen(now=now))).subquery()
            asked = select(found).order_by(*(found.c[column.name] for column in key)).limit(rows_asked(limit))
        case False, now:
            asked = asked.where(*(~condition for condition in _frozen(now=now)))
    return [_row(row) for row in connection.execute(asked)]


def _frozen(*, now: int) -> tuple[ColumnElement[bool], ColumnElement[bool], ColumnElement[bool]]:
    """An order in force on the certificate, on its receivable, on its holder."""

    def things(scope: Scope, *columns: ColumnElement[Any]) -> Select[Any]:
        return select(*columns).where(order_freeze.c.scope == int(scope), order_freeze.c.expiry_at > now)

    own = things(Scope.CERTIFICATE, order_freeze.c.receivable_id, order_freeze.c.start_minor)
    return (
        tuple_(table.c.receivable_id, table.c.start_minor).in_(own),
        table.c.receivable_id.in_(frozen_ids(now=now)),
        table.c.holder.in_(things(Scope.MEMBER, order_freeze.c.member)),
    )


_INHERITED = select(*table.c, receivable.c.originator, receivable.c.status).join_from(
    table, receivable, receivable.c.receivable_id == table.c.receivable_id
)


def _visible(caller: Caller) -> Select[Any]:
    return _INHERITED.where(visible_to(caller, receivable))


def _row(row: Row[Any]) -> CertificateRow:
    values = dict(row._mapping)
    return CertificateRow(**{**values, "status": Status(values["status"])})
