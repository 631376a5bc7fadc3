"""Rebuild the projections from the stored log, and the digest that says whether anything changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import psycopg

from registry.domain.identifiers import format_receivable_id
from registry.errors import ServiceError
from registry.mirror import store
from registry.mirror.memory import seldom_collected
from registry.mirror.projector import WRITTEN_JOURNALS, Projector
from registry.store.database import Database


class NothingMirrored(ServiceError):
    """There is no mirror to rebuild or compare."""

    code = "nothing_mirrored"
    status = 409
    title = "Nothing is mirrored yet"
    default_hint = "`counterfoil mirror` follows the chain into the database"


class StoredLogBroken(ServiceError):
    """The stored log does not fold to the heads stored with it."""

    code = "stored_log_broken"
    status = 500
    title = "The stored log was changed by hand"
    default_hint = "`counterfoil rebuild --from-chain` fetches it anew"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild did: digests before and after, journals and entries replayed."""

    before: str
    after: str
    journals: int
    entries: int


def digest(connection: psycopg.Connection) -> str:
    """SHA-256 over every projection row in key order, hex."""
    result = hashlib.sha256()
    for table, (columns, _) in store.PROJECTIONS.items():
        result.update(f"{table}({','.join(columns)})\n".encode())
        for row in store.projection_text(connection, table):
            result.update(row)
    return result.hexdigest()


def rebuild(database: Database, *, progress: Callable[[int], None] | None = None) -> Rebuilt:
    """Drop the projections and fold them anew from the stored log, in one transaction that the follower waits for.

    Raises NothingMirrored, StoredLogBroken, JournalBroken; the projections are then as they were.
    """
    with seldom_collected(), database.bulk() as connection:
        cursor = store.read_cursor(connection, lock=True)
        if cursor is None:
            raise NothingMirrored()
        before = digest(connection)
        projector = Projector(chain_id=cursor.chain_id, contract=cursor.contract)
        for table in store.PROJECTIONS:
            connection.execute(f"DELETE FROM {table}")  # noqa: S608  (our own table names)
        journals = entries = 0
        changes = store.Changes()
        for journal_id, state, stored in projector.replay(connection):
            if state.head != stored[-1].head:
                raise StoredLogBroken(f"{format_receivable_id(journal_id)} does not fold to its stored head")
            changes.add(projector.empty(journal_id), state)
            journals += 1
            entries += len(stored)
            if journals % WRITTEN_JOURNALS == 0:
                changes.write(connection)
                changes = store.Changes()
            if progress is not None:
                progress(entries)
        changes.write(connection)
        return Rebuilt(before=before, after=digest(connection), journals=journals, entries=entries)


def forget(database: Database) -> None:
    """Empty every mirrored table: the follower then starts from the contract's first block."""
    with database.bulk() as connection:
        store.read_cursor(connection, lock=True)
        store.truncate(connection)
