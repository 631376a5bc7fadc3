"""How the mirror reads back and writes its own tables, in plain psycopg: COPY for the log, pipelined upserts else."""

# ruff: noqa: S608  (statements are put together from the table and column names declared here, never from input)

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any

import psycopg

from registry.chain.rpc import Block, RawLog
from registry.domain.identifiers import Address
from registry.domain.journal import REGISTRY_JOURNAL, Entry
from registry.domain.receivable import Certificate, Freeze, Member, Receivable, Registry, Scope, Status
from registry.store.queries.entries import decode_stored

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
ENTRY_COPY_TYPES += ["numeric", "numeric", "bytea", "bytea", "bytea", "bytea", "bytea"]


def insert_log(connection: psycopg.Connection, blocks: Sequence[Block], entries: Sequence[NewEntry]) -> None:
    """Append headers and entries."""
    with connection.cursor().copy("COPY block (number, hash, parent_hash, at) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(["int8", "bytea", "bytea", "int8"])
        for block in blocks:
            copy.write_row((block.number, block.hash, block.parent_hash, block.at))
    with connection.cursor().copy(
        "COPY entry (block_hash, log_index, block_number, tx_hash, journal_id, position, operation, at,"
        " start_minor, end_minor, order_hash, quote_digest, topics, data, head) FROM STDIN (FORMAT BINARY)"
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


ENTRY_COLUMNS = ("journal_id", "position", "operation", "at", "start_minor", "end_minor", "order_hash", "quote_digest")
"""What the stored log repeats of an entry's bytes."""

_NO_QUOTE = bytes(32)


def entry_columns(entry: Entry, position: int) -> tuple[int | bytes | None, ...]:
    """ENTRY_COLUMNS of an entry."""
    start, end = entry.range
    quote: bytes | None = getattr(entry, "quote", None)
    return (
        entry.journal_id,
        position,
        entry.OPERATION,
        entry.time,
        start,
        end,
        getattr(entry, "order", None),
        None if quote == _NO_QUOTE else quote,
    )


def delete_after(connection: psycopg.Connection, block_number: int) -> list[tuple[int, int, int]]:
    """Delete the stored log above a block; (journal id, position, operation) of what went, in journal order."""
    removed = connection.execute(
        "DELETE FROM entry WHERE block_number > %s RETURNING journal_id, position, operation", (block_number,)
    ).fetchall()
    connection.execute("DELETE FROM block WHERE number > %s", (block_number,))
    return sorted(removed)


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

PROJECTIONS: Mapping[str, tuple[tuple[str, ...], int]] = {
    "journal": (("journal_id", "head", "length"), 1),
    "receivable": (
        (
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
            "claim_face_minor",
            "claim_due_at",
            "answer_by",
            "offered_face_minor",
            "offered_due_at",
            "offered_at",
            "answered_at",
            "refusal_reason",
            "front_endorsed",
            "paid_minor",
            "cancelled_minor",
            "senior_minor",
            "disputed",
            "dishonoured",
            "claimed_minor",
            "redeemed_minor",
            "in_clearing",
        ),
        1,
    ),
    "certificate": (
        (
            "receivable_id",
            "start_minor",
            "end_minor",
            "holder",
            "since_position",
            "debtor",
            "currency",
            "due_at",
            "lien_financier",
            "lien_secured_minor",
            "lien_position",
            "recourse_seller",
            "recourse_amount_minor",
            "recourse_demanded",
            "claimed_minor",
        ),
        2,
    ),
    "member": (
        ("address", "status", "kyc_expiry_at", "roles", "profile", "admitted_at", "suspension_reason"),
        1,
    ),
    "order_freeze": (
        ("scope", "receivable_id", "start_minor", "member", "order_hash", "end_minor", "expiry_at", "since_at"),
        5,
    ),
    "parameter": (("parameter", "effective_at", "value", "set_at"), 2),
    "deposit_token": (("currency", "token"), 1),
    "registry": (("id", "paused_since", "paused_seconds", "rules", "descriptor", "sunset_at", "desk"), 1),
}
"""Columns of each projection and how many of them, from the first, are its key."""

Row = tuple[Any, ...]
Rows = dict[str, list[Row]]


def rows_of(state: Receivable | Registry) -> Rows:
    """Every projection row of one journal's state; an empty journal has none."""
    if not state.length:
        return {table: [] for table in PROJECTIONS}
    return _registry_rows(state) if isinstance(state, Registry) else _receivable_rows(state)


def _receivable_rows(receivable: Receivable) -> Rows:
    number, parts = receivable.receivable_id, receivable.certificates.values()
    freezes = _freeze_rows(receivable.orders, Scope.RECEIVABLE, receivable_id=number)
    for part in parts:
        freezes += _freeze_rows(part.orders, Scope.CERTIFICATE, receivable_id=number, start=part.start, end=part.end)
    return {
        "journal": [(number, receivable.head, receivable.length)],
        "receivable": [_receivable_row(receivable)],
        "certificate": [_certificate_row(receivable, part) for part in parts],
        "order_freeze": freezes,
    }


def _registry_rows(registry: Registry) -> Rows:
    members = registry.members.values()
    freezes: list[Row] = []
    for member in members:
        freezes += _freeze_rows(member.orders, Scope.MEMBER, member=member.address)
    return {
        "journal": [(0, registry.head, registry.length)],
        "member": [_member_row(member) for member in members],
        "order_freeze": freezes,
        "parameter": [
            (int(parameter), setting.effective, setting.value, setting.at)
            for parameter, settings in registry.parameters.items()
            for setting in settings
        ],
        "deposit_token": list(registry.deposit_tokens.items()),
        "registry": [
            (
                1,
                registry.paused_since,
                registry.paused_seconds,
                registry.rules,
                registry.descriptor,
                registry.sunset_at,
                registry.desk,
            )
        ],
    }


def _receivable_row(receivable: Receivable) -> Row:
    offer = receivable.offer
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
        receivable.claim_face,
        receivable.claim_due,
        receivable.answer_by,
        *((None, None, None) if offer is None else (offer.face, offer.due, offer.at)),
        receivable.answered_at,
        receivable.refusal_reason,
        receivable.front_endorsed,
        receivable.paid,
        receivable.cancelled,
        receivable.senior,
        receivable.disputed,
        receivable.dishonoured,
        receivable.claimed,
        receivable.redeemed,
        _in_clearing(receivable),
    )


def _in_clearing(receivable: Receivable) -> bool:
    """Whether its certificates are no longer all alike unpaid: of few receivables, so lists look at these alone."""
    begun = receivable.paid > 0 or receivable.disputed or receivable.status in (Status.SETTLED, Status.CLOSED)
    return begun and bool(receivable.certificates)


def _certificate_row(receivable: Receivable, part: Certificate) -> Row:
    lien, recourse = part.lien, part.recourse
    return (
        receivable.receivable_id,
        part.start,
        part.end,
        part.holder,
        part.since,
        receivable.debtor,
        receivable.currency,
        receivable.due,
        *((None, None, None) if lien is None else (lien.financier, lien.secured, lien.since)),
        *((None, None, None) if recourse is None else (recourse.seller, recourse.amount, recourse.demanded)),
        part.claimed,
    )


def _member_row(member: Member) -> Row:
    return (
        member.address,
        int(member.status),
        member.kyc_expiry,
        int(member.roles),
        member.profile,
        member.admitted_at,
        member.suspension_reason,
    )


def _freeze_rows(
    orders: Iterable[Freeze], scope: Scope, *, receivable_id: int = 0, start: int = 0, end: int = 0, member: bytes = b""
) -> list[Row]:
    return [
        (int(scope), receivable_id, start, member, freeze.order, end, freeze.expiry, freeze.since) for freeze in orders
    ]


def changed(old: Receivable | Registry, new: Receivable | Registry) -> tuple[Rows, Rows]:
    """Projection rows of the new state that are not the old one's, and the keys of rows that are gone."""
    before, after = rows_of(old), rows_of(new)
    written: Rows = {}
    gone: Rows = {}
    for table, rows in after.items():
        key = PROJECTIONS[table][1]
        known = set(before[table])
        written[table] = [row for row in rows if row not in known]
        gone[table] = list({row[:key] for row in before[table]} - {row[:key] for row in rows})
    return written, gone


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


def delete_rows(connection: psycopg.Connection, keys: Rows) -> None:
    """Delete projection rows by their keys."""
    for table, values in keys.items():
        if not values:
            continue
        columns, key = PROJECTIONS[table]
        with connection.cursor() as cursor:
            cursor.executemany(
                f"DELETE FROM {table} WHERE " + " AND ".join(f"{column} = %s" for column in columns[:key]), values
            )


def truncate(connection: psycopg.Connection) -> None:
    """Empty every mirrored table."""
    connection.execute(f"TRUNCATE cursor, entry, block, {', '.join(PROJECTIONS)}")


def delete_journals(connection: psycopg.Connection, journal_ids: Sequence[int]) -> None:
    """Delete every projection row of these journals."""
    for table, column in (
        ("journal", "journal_id"),
        ("receivable", "receivable_id"),
        ("certificate", "receivable_id"),
        ("order_freeze", "receivable_id"),  # 0 on a member
    ):
        connection.execute(f"DELETE FROM {table} WHERE {column} = ANY(%s)", (list(journal_ids),))
    if REGISTRY_JOURNAL in journal_ids:
        for table in ("member", "parameter", "deposit_token", "registry"):
            connection.execute(f"DELETE FROM {table}")


def projection_rows(connection: psycopg.Connection, table: str) -> Iterator[Row]:
    """All rows of a projection, in key order, its columns in declared order; numeric as int."""
    columns, key = PROJECTIONS[table]
    with connection.cursor(name=f"projection_{table}") as rows:
        rows.itersize = FETCH_ROWS
        rows.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY {', '.join(columns[:key])}")
        for row in rows:
            yield tuple(plain(value) for value in row)


def plain(value: Any) -> Any:
    """A value of the database as the fold has it: numeric columns are whole."""
    return int(value) if isinstance(value, Decimal) else value
