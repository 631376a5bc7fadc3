"""How far the mirror is, how much it holds, and when it was last compared with the chain."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, func, select

from registry.domain.identifiers import Address
from registry.domain.receivable import MemberStatus, Status
from registry.store import tables
from registry.store.database import LEASE_KEY, MIRROR_APPLICATION


class Finality(StrEnum):
    """How final a block is, by the node's own tags."""

    LATEST = "latest"
    SAFE = "safe"
    FINALIZED = "finalized"


@dataclass(frozen=True, slots=True)
class CursorRow:
    """The block that the mirror is true at; `block_at` in seconds. `safe_block`, `finalized_block`: the node's tags."""

    chain_id: int
    contract: Address
    block_number: int
    block_hash: bytes
    block_at: int
    safe_block: int
    finalized_block: int
    checked_block: int

    @property
    def finality(self) -> Finality:
        """How final the mirror's block is."""
        return self.finality_of(self.block_number)

    def finality_of(self, block_number: int) -> Finality:
        """How final a block of the followed chain is."""
        if block_number <= self.finalized_block:
            return Finality.FINALIZED
        return Finality.SAFE if block_number <= self.safe_block else Finality.LATEST


CURSOR = select(*(tables.cursor.c[name] for name in CursorRow.__slots__))
"""The columns of a CursorRow; no row before the mirror's first block."""


_UNCOMPARED = """
SELECT extract(epoch FROM clock_timestamp() - greatest(backend_start, (
    SELECT finished_at FROM reconciliation WHERE NOT deep ORDER BY reconciliation_id DESC LIMIT 1
)))::float8
FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND objid = %s AND granted AND datname = current_database()
"""


@dataclass(frozen=True, slots=True)
class Counts:
    """What the mirror holds."""

    receivables_by_status: dict[Status, int]
    members_by_status: dict[MemberStatus, int]
    certificates: int
    entries: int

    @property
    def receivables(self) -> int:
        """Receivables of every status."""
        return sum(self.receivables_by_status.values())

    @property
    def members(self) -> int:
        """Members of every status."""
        return sum(self.members_by_status.values())


@dataclass(frozen=True, slots=True)
class ReconciliationRow:
    """One comparison of SQL with the chain. `differences` lists {table, row, field, expected, found}; `seconds` is how
    long it took."""

    reconciliation_id: int
    block_number: int
    block_hash: bytes
    deep: bool
    compared: int
    differences: list[dict[str, Any]]
    finished_at: datetime
    seconds: float


@dataclass(frozen=True, slots=True)
class MirrorRow:
    """A mirror that is connected to the database: its name there, and whether it is the one that writes."""

    name: str
    since: datetime
    leads: bool


@dataclass(frozen=True, slots=True)
class SetAsideRow:
    """A journal that the node does not tell as the contract has it; its rows stand where they were last right."""

    journal_id: int
    block_number: int
    reason: str
    since: datetime


def mirrors(connection: Connection) -> list[MirrorRow]:
    """The mirrors of this database, the one that writes first."""
    found = connection.exec_driver_sql(
        "SELECT application_name, backend_start, EXISTS (SELECT FROM pg_locks WHERE pg_locks.pid = activity.pid"
        " AND locktype = 'advisory' AND objid = %s AND granted) AS leads FROM pg_stat_activity AS activity"
        " WHERE datname = current_database() AND application_name LIKE %s ORDER BY 3 DESC, 2",
        (LEASE_KEY, f"{MIRROR_APPLICATION} %"),
    )
    return [MirrorRow(*row) for row in found]


def set_aside(connection: Connection) -> list[SetAsideRow]:
    """Journals that the mirror set aside."""
    table = tables.quarantine
    found = connection.execute(select(*(table.c[name] for name in SetAsideRow.__slots__)).order_by(table.c.journal_id))
    return [SetAsideRow(*row) for row in found]


def cursor(connection: Connection) -> CursorRow | None:
    """How far the mirror has come, or None before its first block."""
    found = connection.execute(CURSOR).one_or_none()
    return None if found is None else CursorRow(*found)


def final(connection: Connection, at: CursorRow) -> CursorRow | None:
    """The same mirror at its newest final block, or None where none is mirrored.

    Of blocks that were final when they came, headers are kept of those with entries and of the ends of ranges: between
    the one that this finds and the finalized block no journal has an entry.
    """
    table = tables.block
    found = connection.execute(
        select(table.c.number, table.c.hash, table.c.at)
        .where(table.c.number <= at.finalized_block)
        .order_by(table.c.number.desc())
        .limit(1)
    ).one_or_none()
    if found is None:
        return None
    return replace(at, block_number=found.number, block_hash=found.hash, block_at=found.at)


def counts(connection: Connection) -> Counts:
    """Rows by kind, from the smallest table or index that knows."""
    receivable, member = tables.receivable, tables.member
    by_status = connection.execute(
        select(receivable.c.status, func.count()).group_by(receivable.c.status).order_by(receivable.c.status)
    )
    members = connection.execute(
        select(member.c.status, func.count()).group_by(member.c.status).order_by(member.c.status)
    )
    return Counts(
        receivables_by_status={Status(status): count for status, count in by_status},
        members_by_status={MemberStatus(status): count for status, count in members},
        certificates=connection.execute(select(func.count()).select_from(tables.certificate)).scalar_one(),
        entries=connection.execute(select(func.coalesce(func.sum(tables.journal.c.length), 0))).scalar_one(),
    )


def last_reconciliation(connection: Connection) -> ReconciliationRow | None:
    """The comparison that stands, or None: of the newest deep and the newest shallow one, the one that found more.

    Heads say nothing about the fields in which a deep comparison found differences, so they do not clear it.
    """
    found = [row for deep in (False, True) if (row := newest_reconciliation(connection, deep=deep)) is not None]
    return max(found, key=lambda row: (len(row.differences), row.reconciliation_id), default=None)


def newest_reconciliation(connection: Connection, *, deep: bool) -> ReconciliationRow | None:
    """The newest comparison of this depth, or None."""
    table = tables.reconciliation
    found = connection.execute(
        select(*(table.c[name] for name in ReconciliationRow.__slots__))
        .where(table.c.deep.is_(deep))
        .order_by(table.c.reconciliation_id.desc())
        .limit(1)
    ).one_or_none()
    return None if found is None else ReconciliationRow(*found)


def uncompared_seconds(connection: Connection) -> float | None:
    """How long the mirror that writes has gone without a comparison of heads that finished, by the database's clock.

    None where no mirror writes, or the database does not tell since when: then none is due.
    """
    found: float | None = connection.exec_driver_sql(_UNCOMPARED, (LEASE_KEY,)).scalar()
    return found
