"""Members as R-0 folds to, with the name of the party behind the address where one is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from registry.domain import rules
from registry.domain.identifiers import Address
from registry.domain.receivable import Member, MemberStatus, Role
from registry.store.queries.pages import PAGE_ROWS_DEFAULT, Page, page, rows_asked
from registry.store.queries.visibility import Caller, visible_to
from registry.store.tables import member as table
from registry.store.tables import party


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One member. `_at` in seconds; `handle` and `name` are None where no party is known."""

    address: Address
    status: MemberStatus
    kyc_expiry_at: int
    roles: Role
    profile: bytes
    admitted_at: int
    suspension_reason: int
    handle: str | None
    name: str | None

    def state(self) -> Member:
        """The member as the rules take it."""
        return Member(
            address=self.address,
            status=self.status,
            kyc_expiry=self.kyc_expiry_at,
            roles=self.roles,
            profile=self.profile,
            admitted_at=self.admitted_at,
            suspension_reason=self.suspension_reason,
        )

    def is_eligible(self, *, now: int) -> bool:
        """Whether it may take part in an operation at `now` (seconds)."""
        return rules.is_eligible(self.state(), now=now)


def member(connection: Connection, address: Address, *, caller: Caller = Caller.LOCAL) -> MemberRow | None:
    """One member, or None."""
    found = connection.execute(_visible(caller).where(table.c.address == address)).one_or_none()
    return None if found is None else _row(found)


def members(
    connection: Connection,
    *,
    after: Address | None = None,
    limit: int = PAGE_ROWS_DEFAULT,
    status: MemberStatus | None = None,
    role: Role | None = None,
    caller: Caller = Caller.LOCAL,
) -> Page[MemberRow, Address]:
    """Members in the order of their addresses; those that have the role besides others too."""
    statement = _visible(caller)
    if status is not None:
        statement = statement.where(table.c.status == int(status))
    if role is not None:
        statement = statement.where(table.c.roles.bitwise_and(int(role)) != 0)
    if after is not None:
        statement = statement.where(table.c.address > after)
    found = connection.execute(statement.order_by(table.c.address).limit(rows_asked(limit)))
    return page([_row(row) for row in found], limit=limit, key=lambda row: row.address)


def _visible(caller: Caller) -> Select[Any]:
    return (
        select(*table.c, party.c.handle, party.c.name)
        .join_from(table, party, party.c.address == table.c.address, isouter=True)
        .where(visible_to(caller, table))
    )


def _row(row: Row[Any]) -> MemberRow:
    values = dict(row._mapping)
    return MemberRow(**{**values, "status": MemberStatus(values["status"]), "roles": Role(values["roles"])})
