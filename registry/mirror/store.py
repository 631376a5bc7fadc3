"""How the mirror reads back and writes its own tables, in plain psycopg: COPY for the log, pipelined upserts else."""

# ruff: noqa: S608  (statements are put together from the table and column names declared here, never from input)

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

import psycopg

from registry.chain.rpc import Block, RawLog
from registry.domain.decode import WORD_BYTES, decode
from registry.domain.identifiers import Address
from registry.domain.journal import Entry
from registry.domain.receivable import Certificate, Member, Receivable, Registry

FETCH_ROWS = 5_000
"""Rows of the stored log per round trip of a server-side cursor."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far the mirror has come. `at` in seconds; block numbers of the node's safe and finalized tags."""

    chain_id: int
    contract: Address
    number: int
    hash: bytes
    at: int
    safe: int
    finalized: int


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """A row of the stored log, decoded."""

    journal_id: int
    position: int
    head: bytes
    entry: Entry


@dataclass(frozen=True, slots=True)
class NewEntry:
    """A log with the entry it decodes to, its place in its journal and the journal's head after it."""

    log: RawLog
    entry: Entry
    position: int
    head: bytes


def read_cursor(connection: psycopg.Connection, *, lock: bool = False) -> Cursor | None:
    """The cursor row, or None before the first block; with `lock` no other writer moves it meanwhile."""
    row = connection.execute(
        "SELECT chain_id, contract, block_number, block_hash, block_at, safe_block, finalized_block FROM cursor"
        + (" FOR UPDATE" if lock else "")
    ).fetchone()
    return None if row is None else Cursor(*row)


def insert_cursor(connection: psycopg.Connection, cursor: Cursor) -> None:
    """The first cursor row; a second mirror that comes at the same time finds the first one's."""
    connection.execute(
        "INSERT INTO cursor (id, chain_id, contract, block_number, block_hash, block_at, safe_block, finalized_block)"
        " VALUES (1, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (id) DO NOTHING",
        _cursor_values(cursor),
    )


def move_cursor(connection: psycopg.Connection, *, previous: Cursor, to: Cursor) -> bool:
    """Move the cursor if it still stands at `previous`; False means that another writer was here."""
    moved = connection.execute(
        "UPDATE cursor SET chain_id = %s, contract = %s, block_number = %s, block_hash = %s, block_at = %s,"
        " safe_block = %s, finalized_block = %s WHERE block_hash = %s AND block_number = %s AND contract = %s",
        (*_cursor_values(to), previous.hash, previous.number, previous.contract),
    )
    return moved.rowcount == 1


def _cursor_values(cursor: Cursor) -> tuple[Any, ...]:
    return (
        cursor.chain_id,
        cursor.contract,
        cursor.number,
        cursor.hash,
        cursor.at,
        cursor.safe,
        cursor.finalized,
    )


ENTRY_COPY_TYPES = ["bytea", "int4", "int8", "bytea", "int8", "int4", "int2", "int8"]
ENTRY_COPY_TYPES += ["numeric", "numeric", "bytea", "bytea", "bytea"]


def insert_log(connection: psycopg.Connection, blocks: Sequence[Block], entries: Sequence[NewEntry]) -> None:
    """Append headers and entries."""
    with connection.cursor().copy("COPY block (number, hash, parent_hash, at) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(["int8", "bytea", "bytea", "int8"])
        for block in blocks:
            copy.write_row((block.number, block.hash, block.parent_hash, block.at))
    with connection.cursor().copy(
        "COPY entry (block_hash, log_index, block_number, tx_hash, journal_id, position, operation, at,"
        " start_minor, end_minor, topics, data, head) FROM STDIN (FORMAT BINARY)"
    ) as copy:
        copy.set_types(ENTRY_COPY_TYPES)
        for new in entries:
            copy.write_row(
                (
                    new.log.block_hash,
                    new.log.log_index,
                    new.log.block_number,
                    new.log.tx_hash,
                    *entry_columns(new.entry, new.position),
                    b"".join(new.log.topics),
                    new.log.data,
                    new.head,
                )
            )


def entry_columns(entry: Entry, position: int) -> tuple[int, ...]:
    """journal_id, position, operation, at, start_minor, end_minor: what the stored log repeats of an entry's bytes."""
    start, end = entry.range
    return entry.journal_id, position, entry.OPERATION, entry.time, start, end


def delete_after(connection: psycopg.Connection, block_number: int) -> list[tuple[int, int, int]]:
    """Delete the stored log above a block; (journal id, position, operation) of what went, in journal order."""
    removed = connection.execute(
        "DELETE FROM entry WHERE block_number > %s RETURNING journal_id, position, operation", (block_number,)
    ).fetchall()
    connection.execute("DELETE FROM block WHERE number > %s", (block_number,))
    return sorted(removed)


ENTRY_COLUMNS = ("journal_id", "position", "operation", "at", "start_minor", "end_minor")
"""Names of what entry_columns gives."""


def decode_stored(topics: bytes, data: bytes) -> Entry:
    """The entry behind the bytes of a stored log row. Raises LogMalformed."""
    return decode([topics[at : at + WORD_BYTES] for at in range(0, len(topics), WORD_BYTES)], data)


def stored_entries(
    connection: psycopg.Connection, journal_ids: Iterable[int] | None = None
) -> Iterator[tuple[int, list[StoredEntry]]]:
    """The stored log by journal, in order: of the journals named, or of all. Raises LogMalformed."""
    where = "" if journal_ids is None else " WHERE journal_id = ANY(%s)"
    parameters = () if journal_ids is None else (list(journal_ids),)
    with connection.cursor(name="stored_entries") as rows:
        rows.itersize = FETCH_ROWS
        rows.execute(
            "SELECT journal_id, position, head, topics, data FROM entry" + where + " ORDER BY journal_id, position",
            parameters,
        )
        for journal_id, group in groupby(rows, key=itemgetter(0)):
            yield journal_id, [_stored(row) for row in group]


def _stored(row: Sequence[Any]) -> StoredEntry:
    journal_id, position, head, topics, data = row
    return StoredEntry(journal_id, position, head, decode_stored(topics, data))


def journal_heads(connection: psycopg.Connection, journal_ids: Iterable[int]) -> dict[int, bytes]:
    """Projected heads by journal id."""
    rows = connection.execute("SELECT journal_id, head FROM journal WHERE journal_id = ANY(%s)", (list(journal_ids),))
    return dict(rows.fetchall())


def last_receivable(connection: psycopg.Connection) -> int:
    """The highest mirrored receivable id, 0 where there is none: ids are counted without gaps."""
    row = connection.execute("SELECT coalesce(max(journal_id), 0) FROM journal").fetchone()
    assert row is not None  # an aggregate without groups has one row
    return int(row[0])


# ------------------------------------------------------------- projections

JOURNAL_COLUMNS = ("journal_id", "head", "length")
RECEIVABLE_COLUMNS = (
    "receivable_id",
    "status",
    "originator",
    "debtor",
    "face_minor",
    "due_at",
    "currency",
    "fingerprint",
    "document_root",
    "registered_at",
    "answered_at",
    "refusal_reason",
    "front_endorsed",
    "paid_minor",
    "cancelled_minor",
)
CERTIFICATE_COLUMNS = ("receivable_id", "start_minor", "end_minor", "holder", "since_position")
MEMBER_COLUMNS = ("address", "status", "kyc_expiry_at", "roles", "profile", "admitted_at", "suspension_reason")

PROJECTIONS: Mapping[str, tuple[tuple[str, ...], int]] = {
    "journal": (JOURNAL_COLUMNS, 1),
    "receivable": (RECEIVABLE_COLUMNS, 1),
    "certificate": (CERTIFICATE_COLUMNS, 2),
    "member": (MEMBER_COLUMNS, 1),
}
"""Columns of each projection and how many of them, from the first, are its key."""

Row = tuple[Any, ...]
Rows = dict[str, list[Row]]


def receivable_row(receivable: Receivable) -> Row:
    """RECEIVABLE_COLUMNS of a state."""
    return (
        receivable.receivable_id,
        int(receivable.status),
        receivable.originator,
        receivable.debtor,
        receivable.face,
        receivable.due,
        receivable.currency,
        receivable.fingerprint,
        receivable.document_root,
        receivable.registered_at,
        receivable.answered_at,
        receivable.refusal_reason,
        receivable.front_endorsed,
        receivable.paid,
        receivable.cancelled,
    )


def certificate_row(receivable_id: int, certificate: Certificate) -> Row:
    """CERTIFICATE_COLUMNS of a certificate."""
    return (receivable_id, certificate.start, certificate.end, certificate.holder, certificate.since)


def member_row(member: Member) -> Row:
    """MEMBER_COLUMNS of a member."""
    return (
        member.address,
        int(member.status),
        member.kyc_expiry,
        int(member.roles),
        member.profile,
        member.admitted_at,
        member.suspension_reason,
    )


def rows_of(state: Receivable | Registry) -> Rows:
    """Every projection row of one journal's state."""
    if isinstance(state, Registry):
        return {
            "journal": [(0, state.head, state.length)],
            "member": [member_row(member) for member in state.members.values()],
        }
    return {
        "journal": [(state.receivable_id, state.head, state.length)],
        "receivable": [receivable_row(state)],
        "certificate": [certificate_row(state.receivable_id, part) for part in state.certificates.values()],
    }


def write_rows(connection: psycopg.Connection, rows: Rows) -> None:
    """Insert or replace projection rows."""
    for table, values in rows.items():
        if not values:
            continue
        columns, key = PROJECTIONS[table]
        updates = ", ".join(f"{column} = EXCLUDED.{column}" for column in columns[key:])
        with connection.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))})"
                f" ON CONFLICT ({', '.join(columns[:key])}) DO UPDATE SET {updates}",
                values,
            )


def truncate(connection: psycopg.Connection) -> None:
    """Empty every mirrored table."""
    connection.execute("TRUNCATE cursor, entry, block, journal, receivable, certificate, member")


def delete_journals(connection: psycopg.Connection, journal_ids: Sequence[int]) -> None:
    """Delete every projection row of these journals; R-0's are the members."""
    connection.execute("DELETE FROM journal WHERE journal_id = ANY(%s)", (list(journal_ids),))
    connection.execute("DELETE FROM receivable WHERE receivable_id = ANY(%s)", (list(journal_ids),))
    connection.execute("DELETE FROM certificate WHERE receivable_id = ANY(%s)", (list(journal_ids),))
    if 0 in journal_ids:
        connection.execute("DELETE FROM member")


def delete_certificates(connection: psycopg.Connection, keys: Sequence[tuple[int, int]]) -> None:
    """Delete certificates by (receivable id, start)."""
    if keys:
        with connection.cursor() as cursor:
            cursor.executemany("DELETE FROM certificate WHERE receivable_id = %s AND start_minor = %s", keys)


def projection_rows(connection: psycopg.Connection, table: str) -> Iterator[Row]:
    """All rows of a projection, in key order, its columns in declared order; numeric as int."""
    columns, key = PROJECTIONS[table]
    with connection.cursor(name=f"projection_{table}") as rows:
        rows.itersize = FETCH_ROWS
        rows.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY {', '.join(columns[:key])}")
        for row in rows:
            yield tuple(
                int(value) if column.endswith("_minor") else value for column, value in zip(columns, row, strict=True)
            )
