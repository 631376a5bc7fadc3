"""Certificates as they are at the mirror's block: one, lists by what people look for, totals of holders and lenders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Unpack

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    func,
    or_,
    select,
    tuple_,
    union,
)

from registry.domain import amounts, rules
from registry.domain.amounts import Payout
from registry.domain.identifiers import Address, CertificateId
from registry.domain.receivable import DAY_SECONDS, Certificate, Lien, Phase, Receivable, Recourse, Scope, Status
from registry.store.queries.pages import PAGE_ROWS_DEFAULT, Page, beyond, page, rows_asked
from registry.store.queries.receivables import (
    ONLY_DISPUTED,
    Sought,
    due_in,
    frozen_ids,
    has_status,
    matching,
    status_in,
    within,
)
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

    `since_position` is the place, in the receivable's journal, of the entry that made it so. `claimed_minor` was paid
    out on it so far. From `face_minor` on it is all about the receivable, of which `paid_out_minor` was paid out.
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
    lien: Lien | None
    recourse: Recourse | None
    claimed_minor: int
    status: Status
    face_minor: int
    paid_minor: int
    cancelled_minor: int
    senior_minor: int
    disputed: bool
    dishonoured: bool
    paid_out_minor: int

    @property
    def id(self) -> CertificateId:
        """R-42/0-125000."""
        return CertificateId(self.receivable_id, self.start_minor, self.end_minor)

    @property
    def amount_minor(self) -> int:
        """Length of the range."""
        return self.end_minor - self.start_minor

    @property
    def is_disputed(self) -> bool:
        """Whether it is the part of its receivable that is in dispute."""
        return self.disputed and self.start_minor < self.senior_minor

    def payout(self) -> Payout:
        """What a redemption pays out now, unless an order stands in its way."""
        return amounts.payout(self.terms(), self.state())

    def state(self) -> Certificate:
        """The certificate as the rules take it; the orders on it are not read."""
        return Certificate(
            self.start_minor,
            self.end_minor,
            self.holder,
            self.since_position,
            lien=self.lien,
            recourse=self.recourse,
            claimed=self.claimed_minor,
        )

    def terms(self) -> Receivable:
        """The receivable as the rules about phases and amounts take it; head, claim and orders are not read."""
        return Receivable(
            self.receivable_id,
            b"",
            status=self.status,
            originator=self.originator,
            debtor=self.debtor,
            face=self.face_minor,
            due=self.due_at,
            currency=self.currency,
            paid=self.paid_minor,
            cancelled=self.cancelled_minor,
            senior=self.senior_minor,
            disputed=self.disputed,
            dishonoured=self.dishonoured,
            claimed=self.paid_out_minor,
        )

    def phase(self, *, now: int) -> Phase:
        """Where its receivable stands at `now` (seconds)."""
        return rules.phase(self.terms(), now=now)


@dataclass(frozen=True, slots=True)
class BookRow:
    """What a holder has in one currency and phase: certificates, and sums of their lengths in minor units.

    `frozen_minor` is the length of those that an order freezes, `pledged_minor` of those with a lien, `disputed_minor`
    of those in dispute; one may be all three. `claimed_minor` was paid out on them so far, and `redeemable_minor` is
    what redeeming each now would bring the holder.
    """

    currency: int
    phase: Phase
    certificates: int
    amount_minor: int
    frozen_minor: int
    pledged_minor: int
    disputed_minor: int
    claimed_minor: int
    redeemable_minor: int


@dataclass(frozen=True, slots=True)
class SecurityRow:
    """What secures a financier's loans in one currency and phase: the certificates with its lien, minor units.

    `amount_minor` is their length, `secured_minor` what the financier is paid first of it in all, `redeemable_minor`
    what redeeming each now would bring the financier.
    """

    currency: int
    phase: Phase
    certificates: int
    amount_minor: int
    secured_minor: int
    redeemable_minor: int


class CertificatesSought(Sought, total=False):
    """What a list of certificates is narrowed to besides; None does not narrow.

    `lien_financier`: those that secure its loans. `recourse_seller`: those that it must take back on demand. `pledged`,
    `with_recourse`: whether there is such a right, whosoever.
    """

    lien_financier: Address | None
    recourse_seller: Address | None
    pledged: bool | None
    with_recourse: bool | None


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
    **sought: Unpack[CertificatesSought],
) -> Page[CertificateRow, CertificateKey]:
    """Live certificates in the order of receivable id and start; `sought` is of them and of their receivables.

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
    **sought: Unpack[CertificatesSought],
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
    """What a holder has at `now` (seconds), by currency and phase.

    From indexes alone, whatever its size, but for what waits to be paid out.
    """
    by_order = _by_order(holder, now=now)
    totals = _totals(
        connection,
        [visible_to(caller, table), table.c.holder == holder],
        _AMOUNT.filter(or_(*by_order)),
        _AMOUNT.filter(table.c.lien_secured_minor.is_not(None)),
        _AMOUNT.filter(_apart.c.disputed, table.c.start_minor < _apart.c.senior_minor),
        func.sum(table.c.claimed_minor),
        now=now,
        by_order=by_order,
        share=lambda out: out.amount - out.to_financier,
    )
    return [BookRow(*row) for row in totals]


def security(
    connection: Connection, financier: Address, *, now: int, caller: Caller = Caller.LOCAL
) -> list[SecurityRow]:
    """What secures a financier's loans at `now` (seconds), by currency and phase."""
    totals = _totals(
        connection,
        [visible_to(caller, table), table.c.lien_financier == financier],
        func.sum(table.c.lien_secured_minor),
        now=now,
        by_order=_by_order(None, now=now),
        share=lambda out: out.to_financier,
    )
    return [SecurityRow(*row) for row in totals]


_AMOUNT = func.sum(table.c.end_minor - table.c.start_minor)

_apart = (
    select(
        receivable.c.receivable_id,
        receivable.c.status,
        receivable.c.disputed,
        receivable.c.senior_minor,
        ONLY_DISPUTED.label("only_disputed"),
    )
    .where(receivable.c.in_clearing)
    .subquery("apart")
)
"""The few receivables whose certificates differ in more than their due date."""


def _totals(
    connection: Connection,
    wanted: Sequence[ColumnElement[bool]],
    *sums: ColumnElement[Any],
    now: int,
    by_order: Sequence[ColumnElement[bool]],
    share: Callable[[Payout], int],
) -> list[tuple[Any, ...]]:
    """Currency, phase, how many certificates, their length and these sums of them, and a share of what redemptions of
    those without orders would pay out; in minor units."""
    phase = case(
        (_apart.c.status == int(Status.SETTLED), Phase.PAID.value),
        (_apart.c.status == int(Status.CLOSED), Phase.CLOSED.value),
        (table.c.due_at > now, Phase.LIVE.value),
        (or_(table.c.due_at > now - DAY_SECONDS, _apart.c.only_disputed), Phase.DUE.value),
        else_=Phase.OVERDUE.value,
    ).label("phase")
    found = connection.execute(
        select(table.c.currency, phase, func.count(), *(func.coalesce(one, 0) for one in (_AMOUNT, *sums)))
        .join_from(table, _apart, _apart.c.receivable_id == table.c.receivable_id, isouter=True)
        .where(*wanted)
        .group_by(table.c.currency, phase)
        .order_by(table.c.currency, func.min(table.c.due_at), phase)
    )
    redeemable = _redeemable(connection, [*wanted, *(~condition for condition in by_order)], now=now, share=share)
    return [
        (currency, Phase(name), count, *(int(minor) for minor in minors), redeemable[currency, name])
        for currency, name, count, *minors in found
    ]


def _redeemable(
    connection: Connection,
    wanted: Sequence[ColumnElement[bool]],
    *,
    now: int,
    share: Callable[[Payout], int],
) -> Counter[tuple[int, str]]:
    """A share of what redemptions of these certificates would pay out now, in minor units by currency and phase.

    Each as if it were the only one: the rule itself says it, of the few whose money waits.
    """
    waiting = select(receivable.c.receivable_id).where(
        receivable.c.in_clearing, receivable.c.paid_minor > receivable.c.claimed_minor
    )
    found = select(*table.c).where(*wanted, table.c.receivable_id.in_(waiting))
    redeemable: Counter[tuple[int, str]] = Counter()
    for row in _with_terms(connection, found):
        redeemable[row.currency, row.phase(now=now)] += share(row.payout())
    return redeemable


@dataclass(frozen=True, slots=True)
class _List:
    """What a list of certificates is narrowed to, and how its first rows are found.

    By an index of the certificates where that begins with the holder, the receivable or a right, where orders name
    them, and where nothing is sought; else by an index of the receivables.
    """

    holder: Address | None
    receivable_id: int | None
    sought: CertificatesSought
    frozen_at: tuple[bool, int] | None
    caller: Caller

    def page(self, *, by_due: bool, after: Sequence[int] | None, limit: int) -> Select[Any]:
        """The rows after a key, one more than the page has."""
        own = (
            self.holder is not None
            or self.receivable_id is not None
            or any(self.sought.get(name) for name in ("lien_financier", "recourse_seller", "pledged", "with_recourse"))
            or all(value is None for value in self.sought.values())
            or (self.frozen_at is not None and self.frozen_at[0])
        )
        terms = table if own else receivable
        found = select(*table.c).where(
            visible_to(self.caller, table), *_rights(self.sought), *(_own(self.sought) if own else ())
        )
        if not own:
            terms_sought: CertificatesSought = {**self.sought, "disputed": None}
            disputed = self.sought.get("disputed")
            found = found.join(receivable, receivable.c.receivable_id == table.c.receivable_id).where(
                # Only what was confirmed has certificates; said, so that the receivables' index leaves out the rest.
                receivable.c.status.in_([int(status) for status in rules.ONCE_CONFIRMED]),
                *matching(terms_sought),
                *(() if disputed is None else [_in_dispute if disputed else ~_in_dispute]),
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


_in_dispute = and_(receivable.c.disputed, table.c.start_minor < receivable.c.senior_minor)


def _rights(sought: CertificatesSought) -> list[ColumnElement[bool]]:
    """The conditions on liens and rights of recourse."""
    wanted = [
        column == value
        for column, value in (
            (table.c.lien_financier, sought.get("lien_financier")),
            (table.c.recourse_seller, sought.get("recourse_seller")),
        )
        if value is not None
    ]
    for column, value in (
        (table.c.lien_financier, sought.get("pledged")),
        (table.c.recourse_seller, sought.get("with_recourse")),
    ):
        if value is not None:
            wanted.append(column.is_not(None) if value else column.is_(None))
    return wanted


def _own(sought: CertificatesSought) -> list[ColumnElement[bool]]:
    """The conditions on the columns that certificates repeat; what only receivables have, by a look at those."""
    wanted = [
        column == value
        for column, value in ((table.c.debtor, sought.get("debtor")), (table.c.currency, sought.get("currency")))
        if value is not None
    ]
    wanted += within(sought, due_at=table.c.due_at, receivable_id=table.c.receivable_id)
    if (phase_at := sought.get("phase_at")) is not None:
        phase, now = phase_at
        only_disputed = table.c.receivable_id.in_(
            select(receivable.c.receivable_id).where(receivable.c.in_clearing, ONLY_DISPUTED)
        )
        wanted += [
            _of_status(status_in(phase)),
            *due_in(phase, table.c.due_at, only_disputed=only_disputed, now=now),
        ]
    if (status := sought.get("status")) is not None:
        wanted.append(_of_status(status))
    if (disputed := sought.get("disputed")) is not None:
        is_disputed = (
            select(receivable.c.receivable_id)
            .where(receivable.c.receivable_id == table.c.receivable_id, _in_dispute)
            .correlate(table)
            .exists()
        )
        wanted.append(is_disputed if disputed else ~is_disputed)
    others = matching(
        {
            "originator": sought.get("originator"),
            "fingerprint": sought.get("fingerprint"),
            "document_roots": sought.get("document_roots"),
            "dishonoured": sought.get("dishonoured"),
        }
    )
    if others:
        wanted.append(table.c.receivable_id.in_(select(receivable.c.receivable_id).where(*others)))
    return wanted


def _of_status(status: Status) -> ColumnElement[bool]:
    """Whether the receivable of a certificate has a status: most are confirmed, so the others are looked at."""
    ended = select(receivable.c.receivable_id).where(receivable.c.in_clearing)
    if status is Status.CONFIRMED:
        return table.c.receivable_id.not_in(ended.where(receivable.c.status != int(Status.CONFIRMED)))
    return table.c.receivable_id.in_(ended.where(has_status(status)))


def _with_terms(connection: Connection, found: Select[Any], *key: Column[Any]) -> list[CertificateRow]:
    """The rows that were found, with what they inherit joined to them."""
    rows = found.subquery()
    inherited = [receivable.c[name] for name in _INHERITED]
    statement = select(*rows.c, *inherited, receivable.c.claimed_minor.label("paid_out_minor")).join_from(
        rows, receivable, receivable.c.receivable_id == rows.c.receivable_id
    )
    statement = statement.order_by(*(rows.c[column.key] for column in key))
    return [_row(dict(row._mapping)) for row in connection.execute(statement)]


_INHERITED = (
    "originator",
    "status",
    "face_minor",
    "paid_minor",
    "cancelled_minor",
    "senior_minor",
    "disputed",
    "dishonoured",
)
"""What of its receivable a certificate's row does not repeat."""


def row_of(values: Mapping[str, Any], inherited: Mapping[str, Any]) -> CertificateRow:
    """The row with these columns of the table, and what it inherits of these of its receivable."""
    terms = {name: inherited[name] for name in _INHERITED}
    return _row({**values, **terms, "paid_out_minor": inherited["claimed_minor"]})


def _row(values: dict[str, Any]) -> CertificateRow:
    financier, secured, since = (values.pop(f"lien_{name}") for name in ("financier", "secured_minor", "position"))
    seller, amount, demanded = (values.pop(f"recourse_{name}") for name in ("seller", "amount_minor", "demanded"))
    return CertificateRow(
        **{**values, "status": Status(values["status"])},
        lien=None if financier is None else Lien(financier, secured, since),
        recourse=None if seller is None else Recourse(seller, amount, demanded),
    )
