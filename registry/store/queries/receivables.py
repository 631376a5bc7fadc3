"""Receivables: one by id, lists by what people look for, a debtor's inbox, calendar and debts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

from sqlalchemy import Column, ColumnElement, Connection, Select, Subquery, and_, case, func, literal, or_, select
from sqlalchemy.sql import ColumnCollection

from registry.domain import amounts, rules
from registry.domain.identifiers import Address
from registry.domain.receivable import DAY_SECONDS, Offer, Parameter, Phase, Receivable, Registry, Scope, Status
from registry.store.queries.pages import PAGE_ROWS_DEFAULT, Page, beyond, page, rows_asked
from registry.store.queries.visibility import Caller, visible_to
from registry.store.tables import journal, order_freeze
from registry.store.tables import receivable as table

DueKey = tuple[int, int]
"""Due instant and receivable id."""

DeadlineKey = tuple[int, int]
"""End of the answer window on the registry's clock, and receivable id."""

DueDayKey = tuple[int, int]
"""Due instant and currency."""

DebtKey = tuple[bytes, int]
"""Debtor and currency."""

PHASES_BY_DUE = frozenset({Phase.LIVE, Phase.DUE, Phase.OVERDUE})
"""Phases of what is confirmed and not all paid."""

STANDING = frozenset({Status.REGISTERED, *rules.ONCE_CONFIRMED})
"""Of a claim that can be confirmed, or was; the others ended as no receivable."""

_ID_AFTER_ALL = 2**63 - 1


@dataclass(frozen=True, slots=True)
class ReceivableRow:
    """The folded state of a receivable without its certificates. `_minor` in minor units, `_at` in seconds.

    `face_minor` and `due_at` are the terms in force, `claim_…` those that were claimed. `answer_by` is on the
    registry's clock. `currency` is the ISO 4217 number; `head` and `length` are those of its journal. What was paid,
    credited, disputed, paid out (`claimed_minor`) and redeemed is as the domain's Receivable has it. `in_clearing` says
    that certificates are left although something of it is paid or in dispute, or it is closed.
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
    claim_face_minor: int
    claim_due_at: int
    answer_by: int
    offered_face_minor: int | None
    offered_due_at: int | None
    offered_at: int | None
    answered_at: int
    refusal_reason: int
    front_endorsed: bool
    paid_minor: int
    cancelled_minor: int
    senior_minor: int
    disputed: bool
    dishonoured: bool
    claimed_minor: int
    redeemed_minor: int
    in_clearing: bool
    head: bytes
    length: int

    @property
    def offer(self) -> Offer | None:
        """The debtor's counter-offer that waits for an answer, or None."""
        if self.offered_face_minor is None or self.offered_due_at is None or self.offered_at is None:
            return None
        return Offer(self.offered_face_minor, self.offered_due_at, self.offered_at)

    @property
    def has_ended(self) -> bool:
        """Whether the claim was refused, withdrawn or lapsed: it is no receivable."""
        return self.status not in STANDING

    @property
    def payable_minor(self) -> int:
        """What can be paid now."""
        return amounts.payable(self.state())

    @property
    def lost_minor(self) -> int:
        """What of a closed one was not paid, and is not to be paid here any more."""
        is_closed = self.status is Status.CLOSED
        return self.face_minor - self.cancelled_minor - self.paid_minor if is_closed else 0

    @property
    def disputed_minor(self) -> int:
        """What of it is in dispute."""
        return self.senior_minor - self.cancelled_minor if self.disputed else 0

    def state(self) -> Receivable:
        """The state as the rules take it; its certificates and the orders on it are not read."""
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
            claim_face=self.claim_face_minor,
            claim_due=self.claim_due_at,
            answer_by=self.answer_by,
            offer=self.offer,
            answered_at=self.answered_at,
            refusal_reason=self.refusal_reason,
            front_endorsed=self.front_endorsed,
            paid=self.paid_minor,
            cancelled=self.cancelled_minor,
            senior=self.senior_minor,
            disputed=self.disputed,
            dishonoured=self.dishonoured,
            claimed=self.claimed_minor,
            redeemed=self.redeemed_minor,
        )

    def phase(self, *, now: int) -> Phase:
        """Where it stands at `now` (seconds)."""
        return rules.phase(self.state(), now=now)

    def lapses_at(self, registry: Registry) -> int | None:
        """The instant (seconds) from which the claim can lapse if no other pause comes.

        None while a pause lasts, and once it was answered.
        """
        return rules.lapses_at(registry, self.state()) if self.status is Status.REGISTERED else None


@dataclass(frozen=True, slots=True)
class DueDayRow:
    """What a debtor owes on one day in one currency: of how many receivables, and how much in minor units.

    `disputed_minor` of `amount_minor` is in dispute: it cannot be paid now.
    """

    due_at: int
    currency: int
    receivables: int
    amount_minor: int
    disputed_minor: int


@dataclass(frozen=True, slots=True)
class DebtRow:
    """What a debtor could have paid in one currency and has not: of how many receivables, how much in minor units.

    `disputed_minor` of the same receivables is in dispute and not counted: it cannot be paid. Of the `receivables` so
    many are `dishonoured`. The first was due at `due_at`, in seconds, and the first without the mark at
    `unmarked_due_at`, None where each has it.
    """

    debtor: Address
    currency: int
    receivables: int
    unpaid_minor: int
    disputed_minor: int
    dishonoured: int
    due_at: int
    unmarked_due_at: int | None

    def reportable_since(self, registry: Registry, *, now: int) -> int | None:
        """The instant (seconds) from which the first without the mark can be reported, by the grace in force at `now`.

        None where there is nothing to report, or its currency has no deposits here (DOMAIN rule 19).
        """
        if self.unmarked_due_at is None or self.currency not in registry.deposit_tokens:
            return None
        grace_days = rules.parameter_in_force(registry, Parameter.OVERDUE_GRACE_DAYS, now=now)
        return self.unmarked_due_at + grace_days * DAY_SECONDS


class Sought(TypedDict, total=False):
    """What a list of receivables, or of their certificates, is narrowed to; None does not narrow.

    `…_from` (inclusive) and `…_before` (exclusive) in seconds; `currency` is the ISO 4217 number; `phase_at` is the
    phase and the instant, in seconds, at which it is asked. `disputed` is of receivables whether part of them is in
    dispute, of certificates whether they are that part.
    """

    status: Status | None
    phase_at: tuple[Phase, int] | None
    debtor: Address | None
    originator: Address | None
    fingerprint: bytes | None
    document_roots: Sequence[bytes] | None
    currency: int | None
    disputed: bool | None
    dishonoured: bool | None
    due_from: int | None
    due_before: int | None
    registered_from: int | None
    registered_before: int | None


def receivable(connection: Connection, receivable_id: int, *, caller: Caller = Caller.LOCAL) -> ReceivableRow | None:
    """One receivable, or None."""
    wanted = [visible_to(caller, table), table.c.receivable_id == receivable_id]
    return next(iter(_ordered(connection, wanted, table.c.receivable_id, limit=1)), None)


def receivables(
    connection: Connection,
    *,
    after: int | None = None,
    limit: int = PAGE_ROWS_DEFAULT,
    frozen_at: tuple[bool, int] | None = None,
    caller: Caller = Caller.LOCAL,
    **sought: Unpack[Sought],
) -> Page[ReceivableRow, int]:
    """Receivables in the order of their ids.

    `frozen_at` is whether an order on the receivable itself is in force, and the instant, in seconds, at which it is
    asked.
    """
    wanted = [visible_to(caller, table), *matching(sought), *_frozen(frozen_at)]
    if after is not None:
        wanted.append(table.c.receivable_id > after)
    rows = _ordered(connection, wanted, table.c.receivable_id, limit=limit)
    return page(rows, limit=limit, key=lambda row: row.receivable_id)


def receivables_by_due(
    connection: Connection,
    *,
    after: DueKey | None = None,
    limit: int = PAGE_ROWS_DEFAULT,
    frozen_at: tuple[bool, int] | None = None,
    caller: Caller = Caller.LOCAL,
    **sought: Unpack[Sought],
) -> Page[ReceivableRow, DueKey]:
    """The same by due date: where that is sought, the page is found in an index instead of among all that came before.

    A due date changes when a counter-offer is accepted, so such a claim may be seen under either.
    """
    key = (table.c.due_at, table.c.receivable_id)
    wanted = [visible_to(caller, table), *matching(sought), *_frozen(frozen_at)]
    if after is not None:
        wanted.append(beyond(key, after))
    rows = _ordered(connection, wanted, *key, limit=limit)
    return page(rows, limit=limit, key=lambda row: (row.due_at, row.receivable_id))


def currencies(
    connection: Connection, receivable_ids: Iterable[int], *, caller: Caller = Caller.LOCAL
) -> dict[int, int]:
    """The ISO 4217 numbers of what these receivables are in, in one statement."""
    found = connection.execute(
        select(table.c.receivable_id, table.c.currency).where(
            visible_to(caller, table), table.c.receivable_id.in_(set(receivable_ids))
        )
    )
    return {row.receivable_id: row.currency for row in found}


def foremost(
    connection: Connection,
    *,
    limit: int = PAGE_ROWS_DEFAULT,
    caller: Caller = Caller.LOCAL,
    **sought: Unpack[Sought],
) -> tuple[list[ReceivableRow], bool]:
    """The receivables that matter most, and whether there are more: those that stand before those that ended, and of
    either the newest first."""

    def order(columns: ColumnCollection[str, Any]) -> list[ColumnElement[Any]]:
        return [columns["status"].not_in([int(status) for status in STANDING]), columns["receivable_id"].desc()]

    wanted = [visible_to(caller, table), *matching(sought)]
    found = select(*table.c).where(*wanted).order_by(*order(table.c)).limit(rows_asked(limit)).subquery()
    rows = _with_heads(connection, found, order(found.c))
    return rows[:limit], len(rows) > limit


def pending(
    connection: Connection,
    debtor: Address,
    *,
    after: DeadlineKey | None = None,
    limit: int = PAGE_ROWS_DEFAULT,
    caller: Caller = Caller.LOCAL,
) -> Page[ReceivableRow, DeadlineKey]:
    """What waits for this debtor's answer, the nearest deadline first."""
    key = (table.c.answer_by, table.c.receivable_id)
    wanted = [
        visible_to(caller, table),
        table.c.debtor == debtor,
        has_status(Status.REGISTERED),
    ]
    if after is not None:
        wanted.append(beyond(key, after))
    rows = _ordered(connection, wanted, *key, limit=limit)
    return page(rows, limit=limit, key=lambda row: (row.answer_by, row.receivable_id))


def due_days(
    connection: Connection,
    debtor: Address,
    *,
    after: DueDayKey | None = None,
    limit: int = PAGE_ROWS_DEFAULT,
    due_from: int | None = None,
    due_before: int | None = None,
    caller: Caller = Caller.LOCAL,
) -> Page[DueDayRow, DueDayKey]:
    """What a debtor has yet to pay, by due day and currency. `due_from` inclusive, `due_before` exclusive."""
    key = [table.c.due_at, table.c.currency]
    wanted = [
        visible_to(caller, table),
        table.c.debtor == debtor,
        has_status(Status.CONFIRMED),
        *matching({"due_from": due_from, "due_before": due_before}),
    ]
    if after is not None:
        wanted.append(beyond(key, after))
    found = connection.execute(
        select(*key, func.count(), func.sum(_UNPAID), _DISPUTED_SUM)
        .where(*wanted)
        .group_by(*key)
        .order_by(*key)
        .limit(rows_asked(limit))
    )
    return page([DueDayRow(*row) for row in found], limit=limit, key=lambda row: (row.due_at, row.currency))


def overdue(
    connection: Connection,
    *,
    now: int,
    debtor: Address | None = None,
    after: DebtKey | None = None,
    limit: int = PAGE_ROWS_DEFAULT,
    caller: Caller = Caller.LOCAL,
) -> Page[DebtRow, DebtKey]:
    """What debtors could pay and have not although it is overdue at `now` (seconds), by debtor and currency.

    The receivables themselves: receivables_by_due with that phase.
    """
    wanted = [visible_to(caller, table), *matching({"debtor": debtor, "phase_at": (Phase.OVERDUE, now)})]
    return _debts(connection, wanted, after=after, limit=limit)


def dishonoured(
    connection: Connection,
    *,
    debtor: Address | None = None,
    after: DebtKey | None = None,
    limit: int = PAGE_ROWS_DEFAULT,
    caller: Caller = Caller.LOCAL,
) -> Page[DebtRow, DebtKey]:
    """The debtors that registered and confirm nothing until they have paid (DOMAIN rule 19), and what they owe.

    Closed receivables that were not made good are among them.
    """
    wanted = [visible_to(caller, table), *matching({"debtor": debtor, "dishonoured": True})]
    return _debts(connection, wanted, after=after, limit=limit)


def _debts(
    connection: Connection, wanted: Sequence[ColumnElement[bool]], *, after: DebtKey | None, limit: int
) -> Page[DebtRow, DebtKey]:
    key = [table.c.debtor, table.c.currency]
    columns = [
        func.count(),
        func.sum(_PAYABLE),
        _DISPUTED_SUM,
        func.count().filter(table.c.dishonoured),
        func.min(table.c.due_at),
        func.min(table.c.due_at).filter(~table.c.dishonoured),
    ]
    found = connection.execute(
        select(*key, *columns)
        .where(*wanted, *([] if after is None else [beyond(key, after)]))
        .group_by(*key)
        .order_by(*key)
        .limit(rows_asked(limit))
    )
    return page([DebtRow(*row) for row in found], limit=limit, key=lambda row: (row.debtor, row.currency))


_UNPAID = table.c.face_minor - table.c.cancelled_minor - table.c.paid_minor
_DISPUTED = case((table.c.disputed, table.c.senior_minor - table.c.cancelled_minor), else_=0)
_DISPUTED_SUM = func.sum(_DISPUTED)

_PAYABLE = _UNPAID - _DISPUTED
"""amounts.payable of what is confirmed; of what is closed, what could still be paid when it was."""

ONLY_DISPUTED = and_(table.c.disputed, _PAYABLE == 0)
"""Whether nothing of what is confirmed can be paid: without a dispute it would be settled."""


# ------------------------------------------------------------- shared by lists


def matching(sought: Sought) -> list[ColumnElement[bool]]:
    """The conditions on the table of receivables.

    Ids are counted as claims come, so a window of registration is a window of ids.
    """
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
    for column, value in (
        (table.c.disputed, sought.get("disputed")),
        (table.c.dishonoured, sought.get("dishonoured")),
    ):
        if value is not None:
            wanted.append(column if value else ~column)
    if (status := sought.get("status")) is not None:
        wanted.append(has_status(status))
    if (phase_at := sought.get("phase_at")) is not None:
        phase, now = phase_at
        wanted += [has_status(status_in(phase)), *due_in(phase, table.c.due_at, only_disputed=ONLY_DISPUTED, now=now)]
    if (roots := sought.get("document_roots")) is not None:
        wanted.append(table.c.document_root.in_(roots))
    return [*wanted, *within(sought, due_at=table.c.due_at, receivable_id=table.c.receivable_id)]


def within(
    sought: Sought, *, due_at: ColumnElement[int], receivable_id: ColumnElement[int]
) -> list[ColumnElement[bool]]:
    """The windows, on the columns of whichever table has them."""
    wanted: list[ColumnElement[bool]] = []
    if (due_from := sought.get("due_from")) is not None:
        wanted.append(due_at >= due_from)
    if (due_before := sought.get("due_before")) is not None:
        wanted.append(due_at < due_before)
    if (registered_from := sought.get("registered_from")) is not None:
        wanted.append(receivable_id >= _first_registered(registered_from))
    if (registered_before := sought.get("registered_before")) is not None:
        wanted.append(receivable_id < func.coalesce(_first_registered(registered_before), _ID_AFTER_ALL))
    return wanted


def has_status(status: Status) -> ColumnElement[bool]:
    """As a literal: only then does the planner know that a partial index has all of them."""
    return table.c.status == literal(int(status), literal_execute=True)


def status_in(phase: Phase) -> Status:
    """The status of what is in a phase: the one of its name, or confirmed where the due date decides."""
    if phase in PHASES_BY_DUE:
        return Status.CONFIRMED
    return Status.SETTLED if phase is Phase.PAID else Status[phase.name]


def due_in(
    phase: Phase, due_at: ColumnElement[int], *, only_disputed: ColumnElement[bool], now: int
) -> list[ColumnElement[bool]]:
    """What rules.phase says of the due date at `now` (seconds), turned round so that the database can look for it.

    `only_disputed`: nothing of the receivable can be paid, because all that is left is in dispute.
    """
    match phase:
        case Phase.LIVE:
            return [due_at > now]
        case Phase.DUE:
            is_today = and_(due_at <= now, due_at > now - DAY_SECONDS)
            return [or_(is_today, and_(only_disputed, due_at <= now))]
        case Phase.OVERDUE:
            return [due_at <= now - DAY_SECONDS, ~only_disputed]
        case _:
            return []


def frozen_ids(*, now: int) -> Select[Any]:
    """The receivables on which an order is in force at `now` (seconds)."""
    return select(order_freeze.c.receivable_id).where(
        order_freeze.c.scope == int(Scope.RECEIVABLE), order_freeze.c.expiry_at > now
    )


def _first_registered(since: int) -> ColumnElement[int]:
    other = table.alias()
    return (
        select(other.c.receivable_id)
        .where(other.c.registered_at >= since)
        .order_by(other.c.registered_at, other.c.receivable_id)
        .limit(1)
        .scalar_subquery()
    )


def _frozen(frozen_at: tuple[bool, int] | None) -> list[ColumnElement[bool]]:
    if frozen_at is None:
        return []
    frozen, now = frozen_at
    by_order = table.c.receivable_id.in_(frozen_ids(now=now))
    return [by_order if frozen else ~by_order]


def _ordered(
    connection: Connection, wanted: Sequence[ColumnElement[bool]], *key: Column[Any], limit: int
) -> list[ReceivableRow]:
    """The first rows. Heads are joined to the page that was found: joined before, they would be walked with it."""
    found = select(*table.c).where(*wanted).order_by(*key).limit(rows_asked(limit)).subquery()
    return _with_heads(connection, found, [found.c[column.key] for column in key])


def _with_heads(connection: Connection, found: Subquery, order: Iterable[ColumnElement[Any]]) -> list[ReceivableRow]:
    statement = (
        select(*found.c, journal.c.head, journal.c.length)
        .join_from(found, journal, journal.c.journal_id == found.c.receivable_id)
        .order_by(*order)
    )
    return [row_of(dict(row._mapping)) for row in connection.execute(statement)]


def row_of(values: Mapping[str, Any]) -> ReceivableRow:
    """The row with these columns of the table, and its journal's head and length."""
    return ReceivableRow(**{**values, "status": Status(values["status"])})
