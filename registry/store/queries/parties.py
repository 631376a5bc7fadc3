"""Parties: who stands behind an address."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from registry.domain.identifiers import Address
from registry.store.queries.pages import PAGE_ROWS_DEFAULT, Page, page, rows_asked
from registry.store.queries.visibility import Caller, visible_to
from registry.store.tables import party as table


@dataclass(frozen=True, slots=True)
class PartyRow:
    """One party. `identity` is the canonical identity of DOMAIN rule 3."""

    address: Address
    handle: str
    name: str
    identity: str | None
    created_at: datetime


def party_by_address(connection: Connection, address: Address, *, caller: Caller = Caller.LOCAL) -> PartyRow | None:
    """The party behind an address, or None."""
    return parties_by_address(connection, [address], caller=caller).get(address)


def party_by_handle(connection: Connection, handle: str, *, caller: Caller = Caller.LOCAL) -> PartyRow | None:
    """The party of that handle, or None."""
    found = connection.execute(_visible(caller).where(table.c.handle == handle)).one_or_none()
    return None if found is None else _row(found)


def party_by_identity(connection: Connection, identity: str, *, caller: Caller = Caller.LOCAL) -> PartyRow | None:
    """The party of that canonical identity, or None."""
    found = connection.execute(_visible(caller).where(table.c.identity == identity)).one_or_none()
    return None if found is None else _row(found)


def parties_by_address(
    connection: Connection, addresses: Iterable[Address], *, caller: Caller = Caller.LOCAL
) -> dict[Address, PartyRow]:
    """The known ones of these addresses, in one statement."""
    found = connection.execute(_visible(caller).where(table.c.address.in_(set(addresses))))
    return {row.address: _row(row) for row in found}


def parties(
    connection: Connection,
    *,
    after: str | None = None,
    limit: int = PAGE_ROWS_DEFAULT,
    caller: Caller = Caller.LOCAL,
) -> Page[PartyRow, str]:
    """Parties in the order of their handles."""
    statement = _visible(caller)
    if after is not None:
        statement = statement.where(table.c.handle > after)
    found = connection.execute(statement.order_by(table.c.handle).limit(rows_asked(limit)))
    return page([_row(row) for row in found], limit=limit, key=lambda row: row.handle)


def _visible(caller: Caller) -> Select[Any]:
    return select(*table.c).where(visible_to(caller, table))


def _row(row: Row[Any]) -> PartyRow:
    return PartyRow(**row._mapping)
