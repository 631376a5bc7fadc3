"""Orders of authorities: what they freeze, and what the hash that names one on chain stands for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    LargeBinary,
    Row,
    and_,
    any_,
    case,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.types import TypeEngine

from registry.domain.decode import decode
from registry.domain.identifiers import (
    Address,
    CertificateId,
    IdMalformed,
    format_address,
    format_receivable_id,
    parse_address,
    parse_receivable_id,
)
from registry.domain.journal import CertificateFrozen, MemberFrozen, ReceivableFrozen
from registry.domain.receivable import Freeze, Scope
from registry.store.queries.pages import PAGE_ROWS_DEFAULT, Page, beyond, page, rows_asked
from registry.store.queries.visibility import Caller, visible_to
from registry.store.tables import Minor, entry, order_reference
from registry.store.tables import order_freeze as table

FreezeKey = tuple[int, int, int, int, bytes, bytes]
"""Expiry, scope, receivable id, start, member, order."""

_OPERATIONS = {
    int(Scope.CERTIFICATE): CertificateFrozen.OPERATION,
    int(Scope.RECEIVABLE): ReceivableFrozen.OPERATION,
    int(Scope.MEMBER): MemberFrozen.OPERATION,
}
"""What freezes, by scope."""


@dataclass(frozen=True, slots=True)
class HoldRow:
    """An order on one thing. `_at` in seconds; `authority` and `number` are None where the text is not known here.

    `receivable_id` is 0 and `member` set where it is on a member; start and end are 0 unless it is on a certificate.
    """

    scope: Scope
    receivable_id: int
    start_minor: int
    end_minor: int
    member: Address
    order_hash: bytes
    expiry_at: int
    since_at: int
    authority: str | None
    number: str | None

    def is_in_force(self, *, now: int) -> bool:
        """Whether it holds at `now` (seconds)."""
        return now < self.expiry_at


@dataclass(frozen=True, slots=True)
class FreezeRow(HoldRow):
    """An order on one thing, with the officers and the `position` of the entry that froze it."""

    position: int
    officer: Address
    countersigner: Address

    @property
    def certificate_id(self) -> CertificateId | None:
        """Of a certificate: R-42/0-125000."""
        if self.scope is not Scope.CERTIFICATE:
            return None
        return CertificateId(self.receivable_id, self.start_minor, self.end_minor)

    def concerns(self, certificate: CertificateId) -> bool:
        """Whether it is on cents of this range: on all of the receivable, or on a certificate that overlaps it."""
        if self.receivable_id != certificate.receivable_id:
            return False
        return self.scope is Scope.RECEIVABLE or (
            self.start_minor < certificate.end and certificate.start < self.end_minor
        )

    def state(self) -> Freeze:
        """The order as the rules take it."""
        return Freeze(self.order_hash, self.expiry_at, self.since_at)

    @property
    def key(self) -> FreezeKey:
        """Its place in lists."""
        return (self.expiry_at, self.scope, self.receivable_id, self.start_minor, self.member, self.order_hash)

    @property
    def key_text(self) -> str:
        """The same as people copy it: seconds/thing/order, a certificate by its start; parse_freeze_key reads it."""
        match self.scope:
            case Scope.MEMBER:
                thing = format_address(self.member)
            case Scope.RECEIVABLE:
                thing = format_receivable_id(self.receivable_id)
            case Scope.CERTIFICATE:
                thing = f"{format_receivable_id(self.receivable_id)}/{self.start_minor}"
        return f"{self.expiry_at}/{thing}/0x{self.order_hash.hex()}"


def parse_freeze_key(text: str) -> FreezeKey:
    """The key that FreezeRow.key_text wrote. Raises IdMalformed."""
    match = re.fullmatch(r"([0-9]{1,13})/(?:(0x[0-9a-fA-F]{40})|(R-[0-9]+)(?:/([0-9]{1,20}))?)/0x([0-9a-f]{64})", text)
    if match is None:
        raise IdMalformed(
            f"{text} is no place in a list of orders", hint="Copy what the list says where it breaks off."
        )
    expiry, member, receivable, start, order = match.groups()
    return (
        int(expiry),
        Scope.MEMBER if member else Scope.CERTIFICATE if start else Scope.RECEIVABLE,
        parse_receivable_id(receivable) if receivable else 0,
        int(start or 0),
        parse_address(member) if member else b"",
        bytes.fromhex(order),
    )


@dataclass(frozen=True, slots=True)
class OrderReferenceRow:
    """What the hash of an order stands for."""

    order_hash: bytes
    authority: str
    number: str
    recorded_at: datetime


def order_reference_of(
    connection: Connection, order_hash: bytes, *, caller: Caller = Caller.LOCAL
) -> OrderReferenceRow | None:
    """The text behind an order's hash, or None."""
    found = connection.execute(
        select(*order_reference.c).where(
            visible_to(caller, order_reference), order_reference.c.order_hash == order_hash
        )
    ).one_or_none()
    return None if found is None else OrderReferenceRow(*found)


def order_references(
    connection: Connection, order_hashes: Iterable[bytes], *, caller: Caller = Caller.LOCAL
) -> dict[bytes, OrderReferenceRow]:
    """The known texts behind these hashes, in one statement."""
    found = connection.execute(
        select(*order_reference.c).where(
            visible_to(caller, order_reference), order_reference.c.order_hash.in_(set(order_hashes))
        )
    )
    return {row.order_hash: OrderReferenceRow(*row) for row in found}


def freezes(
    connection: Connection,
    *,
    after: FreezeKey | None = None,
    limit: int = PAGE_ROWS_DEFAULT,
    order_hash: bytes | None = None,
    scope: Scope | None = None,
    receivable_id: int | None = None,
    member: Address | None = None,
    in_force_at: tuple[bool, int] | None = None,
    caller: Caller = Caller.LOCAL,
) -> Page[FreezeRow, FreezeKey]:
    """Orders on things, the next to expire first; of a receivable also those on its certificates.

    `in_force_at` is whether they hold, and the instant, in seconds, at which it is asked: an expired order stays
    listed until the contract writes that list again.
    """
    wanted = [
        column == value
        for column, value in (
            (table.c.order_hash, order_hash),
            (table.c.scope, None if scope is None else int(scope)),
            (table.c.receivable_id, receivable_id),
            (table.c.member, member),
        )
        if value is not None
    ]
    if in_force_at is not None:
        holds, now = in_force_at
        wanted.append(table.c.expiry_at > now if holds else table.c.expiry_at <= now)
    key = [table.c[name] for name in ("expiry_at", "scope", "receivable_id", "start_minor", "member", "order_hash")]
    if after is not None:
        wanted.append(beyond(key, after))
    found = connection.execute(
        _FREEZES.where(visible_to(caller, table), *wanted).order_by(*key).limit(rows_asked(limit))
    )
    return page([_row(row) for row in found], limit=limit, key=lambda row: row.key)


def freezes_on(
    connection: Connection,
    *,
    now: int,
    receivables: Iterable[int] = (),
    certificates: Iterable[tuple[int, int]] = (),
    members: Iterable[Address] = (),
    caller: Caller = Caller.LOCAL,
) -> list[FreezeRow]:
    """The orders in force at `now` (seconds) on any of these things, certificates by (receivable id, start)."""
    keys = sorted(set(certificates))
    numbers = {*receivables, *(receivable_id for receivable_id, _ in keys)}
    # Arrays, so that it is one statement however many there are.
    numbered = func.unnest(_array(BigInteger, [key[0] for key in keys]), _array(Minor, [key[1] for key in keys]))
    on_things: list[ColumnElement[bool]] = [
        and_(
            table.c.scope == int(Scope.RECEIVABLE),
            table.c.receivable_id == any_(_array(BigInteger, sorted(numbers))),
        ),
        and_(
            table.c.scope == int(Scope.CERTIFICATE),
            tuple_(table.c.receivable_id, table.c.start_minor).in_(
                select(numbered.table_valued("receivable_id", "start_minor").render_derived())
            ),
        ),
        and_(
            table.c.scope == int(Scope.MEMBER),
            table.c.receivable_id == 0,
            table.c.member == any_(_array(LargeBinary, sorted(set(members)))),
        ),
    ]
    found = connection.execute(
        _FREEZES.where(visible_to(caller, table), table.c.expiry_at > now, or_(*on_things)).order_by(
            table.c.expiry_at, table.c.order_hash
        )
    )
    return [_row(row) for row in found]


def count_freezes(
    connection: Connection, order_hash: bytes, *, now: int, caller: Caller = Caller.LOCAL
) -> tuple[int, int]:
    """On how many things an order is in force at `now` (seconds), and on how many it is listed and has expired."""
    in_force = func.count().filter(table.c.expiry_at > now)
    found = connection.execute(
        select(in_force, func.count() - in_force).where(visible_to(caller, table), table.c.order_hash == order_hash)
    ).one()
    return found[0], found[1]


_MEMBER_TOPIC_AT = 32 + 12 + 1
"""Where the member's address stands in the topics of MemberFrozen, counted from 1."""

_frozen_by = (
    select(entry.c.position, entry.c.topics, entry.c.data)
    .where(
        entry.c.order_hash == table.c.order_hash,
        entry.c.journal_id == table.c.receivable_id,
        entry.c.at == table.c.since_at,
        entry.c.operation == case(_OPERATIONS, value=table.c.scope),
        # A partition copies a certificate's orders to both parts, so the entry's range may be wider.
        or_(
            table.c.scope == int(Scope.RECEIVABLE),
            and_(entry.c.start_minor <= table.c.start_minor, entry.c.end_minor >= table.c.end_minor),
        ),
        or_(
            table.c.scope != int(Scope.MEMBER),
            func.substr(entry.c.topics, _MEMBER_TOPIC_AT, 20) == table.c.member,
        ),
    )
    # An order can be lifted and put on again in one block: the last entry is the one that holds.
    .order_by(entry.c.position.desc())
    .limit(1)
    .lateral("frozen_by")
)

_FREEZES = (
    select(
        *table.c,
        order_reference.c.authority,
        order_reference.c.number,
        _frozen_by.c.position,
        _frozen_by.c.topics,
        _frozen_by.c.data,
    )
    .join_from(table, _frozen_by, true())
    .join(order_reference, order_reference.c.order_hash == table.c.order_hash, isouter=True)
)


def _array(kind: type[TypeEngine[Any]], values: list[Any]) -> ColumnElement[Any]:
    return literal(values, ARRAY(kind))


def _row(row: Row[Any]) -> FreezeRow:
    values = dict(row._mapping)
    freezing = decode(values.pop("topics"), values.pop("data"))
    assert isinstance(freezing, CertificateFrozen | ReceivableFrozen | MemberFrozen)  # what was asked for
    return FreezeRow(
        **{**values, "scope": Scope(values["scope"])},
        officer=freezing.officer,
        countersigner=freezing.countersigner,
    )
