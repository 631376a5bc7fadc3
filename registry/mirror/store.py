"""How the mirror reads back and writes its own tables, in plain psycopg: what is new is copied, the rest updated."""

# ruff: noqa: S608  (statements are put together from the table and column names declared here, never from input)

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeVar

import psycopg

from registry.chain.rpc import Block
from registry.domain.decode import decode_hashed
from registry.domain.identifiers import Address
from registry.domain.journal import REGISTRY_JOURNAL, Entry
from registry.domain.receivable import (
    Certificate,
    Freeze,
    Member,
    Receivable,
    Registry,
    Scope,
    Status,
)
from registry.mirror.copying import BLOCK_COPY, ENTRY_COPY, array, block_row, copy_in
from registry.store import tables
from registry.store.listening import CHANNEL

FETCH_ROWS = 5_000
"""Rows of the stored log per round trip of a server-side cursor."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far the mirror has come. `at` in seconds; block numbers of the node's safe and finalized tags; up to block
    `checked` the heads of journals with entries were compared with the contract's."""

    chain_id: int
    contract: Address
    number: int
    hash: bytes
    at: int
    safe: int
    finalized: int
    checked: int


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """A row of the stored log, decoded."""

    journal_id: int
    position: int
    head: bytes
    hashed: tuple[Entry, bytes]
    """The entry, and its hash."""


_CURSOR_COLUMNS = (
    "chain_id",
    "contract",
    "block_number",
    "block_hash",
    "block_at",
    "safe_block",
    "finalized_block",
    "checked_block",
)


def read_standing(connection: psycopg.Connection) -> tuple[Cursor | None, dict[int, str]]:
    """The cursor, and the journals that are set aside with the reason, in one statement."""
    rows = connection.execute(
        f"SELECT {', '.join(_CURSOR_COLUMNS)}, journal_id, reason FROM cursor"
        " LEFT JOIN (SELECT journal_id, reason FROM quarantine) AS aside ON true"
    ).fetchall()
    cursor = Cursor(*rows[0][: len(_CURSOR_COLUMNS)]) if rows else None
    return cursor, {journal_id: reason for *_, journal_id, reason in rows if journal_id is not None}


def read_cursor(connection: psycopg.Connection, *, lock: bool = False) -> Cursor | None:
    """The cursor row, or None before the first block; with `lock` no other writer moves it meanwhile."""
    row = connection.execute(
        f"SELECT {', '.join(_CURSOR_COLUMNS)} FROM cursor" + (" FOR UPDATE" if lock else "")
    ).fetchone()
    return None if row is None else Cursor(*row)


def insert_cursor(connection: psycopg.Connection, cursor: Cursor) -> None:
    """The first cursor row; a second mirror that comes at the same time finds the first one's."""
    connection.execute(
        f"INSERT INTO cursor (id, {', '.join(_CURSOR_COLUMNS)})"
        f" VALUES (1, {', '.join(['%s'] * len(_CURSOR_COLUMNS))}) ON CONFLICT (id) DO NOTHING",
        _cursor_values(cursor),
    )


def move_cursor(connection: psycopg.Connection, to: Cursor) -> None:
    """Move the cursor, whose row is locked, and wake who listens once this is committed."""
    connection.execute(
        f"WITH moved AS (UPDATE cursor SET {', '.join(f'{column} = %s' for column in _CURSOR_COLUMNS)})"
        " SELECT pg_notify(%s, %s)",
        (*_cursor_values(to), CHANNEL, str(to.number)),
    )


def insert_quarantine(connection: psycopg.Connection, journals: Mapping[int, str], at: Cursor) -> None:
    """Set journals aside."""
    for journal_id, reason in journals.items():
        connection.execute(
            "INSERT INTO quarantine (journal_id, block_number, reason) VALUES (%s, %s, %s)"
            " ON CONFLICT (journal_id) DO NOTHING",
            (journal_id, at.number, reason),
        )


def delete_quarantine(connection: psycopg.Connection, journal_id: int) -> None:
    """A journal is as the contract has it again."""
    connection.execute("DELETE FROM quarantine WHERE journal_id = %s", (journal_id,))


def missing_blocks(connection: psycopg.Connection, blocks: Iterable[Block]) -> list[Block]:
    """Those of these headers that are not stored."""
    by_number = {block.number: block for block in blocks}
    rows = connection.execute("SELECT number FROM block WHERE number = ANY(%s)", (list(by_number),)).fetchall()
    for (number,) in rows:
        del by_number[number]
    return list(by_number.values())


def delete_journal_log(connection: psycopg.Connection, journal_id: int) -> None:
    """Delete the stored entries of one journal."""
    connection.execute("DELETE FROM entry WHERE journal_id = %s", (journal_id,))


def _cursor_values(cursor: Cursor) -> tuple[Any, ...]:
    return (
        cursor.chain_id,
        cursor.contract,
        cursor.number,
        cursor.hash,
        cursor.at,
        cursor.safe,
        cursor.finalized,
        cursor.checked,
    )


def insert_log(connection: psycopg.Connection, blocks: Iterable[Block], entries: Sequence[bytes]) -> None:
    """Append headers, and entries as rows of copying.entry_row."""
    copy_in(connection, BLOCK_COPY, [block_row(block) for block in blocks])
    copy_in(connection, ENTRY_COPY, entries)


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
    with connection.cursor(name="stored_entries", binary=True) as rows:
        rows.itersize = FETCH_ROWS
        rows.execute(
            "SELECT journal_id, position, head, topics, data FROM entry" + where + " ORDER BY journal_id, position",
            parameters,
        )
        for journal_id, group in groupby(rows, key=itemgetter(0)):
            yield journal_id, [_stored(row) for row in group]


def _stored(row: Sequence[Any]) -> StoredEntry:
    journal_id, position, head, topics, data = row
    return StoredEntry(journal_id, position, head, decode_hashed(topics, data))


def journals_since(connection: psycopg.Connection, block_number: int) -> set[int]:
    """Journals with an entry above a block."""
    rows = connection.execute("SELECT DISTINCT journal_id FROM entry WHERE block_number > %s", (block_number,))
    return {journal_id for (journal_id,) in rows}


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
State = Receivable | Registry

K = TypeVar("K")
V = TypeVar("V")


def _journal_rows(state: State) -> list[Row]:
    number = REGISTRY_JOURNAL if isinstance(state, Registry) else state.receivable_id
    return [(number, state.head, state.length)] if state.length else []


def _receivable_rows(receivable: Receivable) -> list[Row]:
    return [_receivable_row(receivable)] if receivable.length else []


def _switches_rows(registry: Registry) -> list[Row]:
    if not registry.length:
        return []
    return [
        (
            1,
            registry.paused_since,
            registry.paused_seconds,
            registry.rules,
            registry.descriptor,
            registry.sunset_at,
            registry.desk,
        )
    ]


def _parameter_rows(registry: Registry) -> list[Row]:
    return [
        (int(parameter), setting.effective, setting.value, setting.at)
        for parameter, settings in registry.parameters.items()
        for setting in settings
    ]


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


def _certificate_freezes(receivable: Receivable, parts: Iterable[Certificate]) -> list[Row]:
    number = receivable.receivable_id
    return [
        row
        for part in parts
        for row in _freeze_rows(part.orders, Scope.CERTIFICATE, receivable_id=number, start=part.start, end=part.end)
    ]


def _receivable_freezes(receivable: Receivable) -> list[Row]:
    return _freeze_rows(receivable.orders, Scope.RECEIVABLE, receivable_id=receivable.receivable_id)


def _member_freezes(members: Iterable[Member]) -> list[Row]:
    return [row for member in members for row in _freeze_rows(member.orders, Scope.MEMBER, member=member.address)]


def _freeze_rows(
    orders: Iterable[Freeze], scope: Scope, *, receivable_id: int = 0, start: int = 0, end: int = 0, member: bytes = b""
) -> list[Row]:
    return [
        (int(scope), receivable_id, start, member, freeze.order, end, freeze.expiry, freeze.since) for freeze in orders
    ]


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be written to bring the projections from some states to others: rows that are new, rows that are
    others under their old key, and keys of rows that go."""

    new: Rows = field(default_factory=lambda: {table: [] for table in PROJECTIONS})
    other: Rows = field(default_factory=lambda: {table: [] for table in PROJECTIONS})
    gone: Rows = field(default_factory=lambda: {table: [] for table in PROJECTIONS})

    def add(self, old: State, new: State) -> None:
        """What differs between two states of one journal, whichever is the later one."""
        for table, before, after in _differing_rows(old, new):
            key = PROJECTIONS[table][1]
            known = {row[:key]: row for row in before}
            for row in after:
                was = known.pop(row[:key], None)
                if was is None:
                    self.new[table].append(row)
                elif was != row:
                    self.other[table].append(row)
            self.gone[table] += known

    def write(self, connection: psycopg.Connection) -> None:
        """Bring the tables up to the new states."""
        # An update in place touches only the indexes of columns that change, and of most rows none does.
        delete_rows(connection, self.gone)
        update_rows(connection, self.other)
        insert_rows(connection, self.new)


def rows_of(state: State) -> Rows:
    """Every projection row of one journal's state; an empty journal has none."""
    changes = Changes()
    changes.add(Registry(b"") if isinstance(state, Registry) else Receivable(state.receivable_id, b""), state)
    return changes.new


def _differing_rows(old: State, new: State) -> Iterator[tuple[str, list[Row], list[Row]]]:
    """Tables with the rows that may differ between two states of one journal, before and after.

    The fold writes a new object for what it changes: what is the same object in both has the same rows.
    """
    yield "journal", _journal_rows(old), _journal_rows(new)
    if isinstance(old, Receivable) and isinstance(new, Receivable):
        yield from _differing_rows_of_receivable(old, new)
    elif isinstance(old, Registry) and isinstance(new, Registry):
        yield from _differing_rows_of_registry(old, new)
    else:
        raise TypeError("two states of one journal are of one kind")


def _differing_rows_of_receivable(old: Receivable, new: Receivable) -> Iterator[tuple[str, list[Row], list[Row]]]:
    yield "receivable", _receivable_rows(old), _receivable_rows(new)
    before, after = _differing(old.certificates, new.certificates)
    yield (
        "certificate",
        [_certificate_row(old, part) for part in before],
        [_certificate_row(new, part) for part in after],
    )
    yield "order_freeze", _certificate_freezes(old, before), _certificate_freezes(new, after)
    if old.orders is not new.orders:
        yield "order_freeze", _receivable_freezes(old), _receivable_freezes(new)


def _differing_rows_of_registry(old: Registry, new: Registry) -> Iterator[tuple[str, list[Row], list[Row]]]:
    yield "registry", _switches_rows(old), _switches_rows(new)
    before, after = _differing(old.members, new.members)
    yield "member", [_member_row(member) for member in before], [_member_row(member) for member in after]
    yield "order_freeze", _member_freezes(before), _member_freezes(after)
    yield "parameter", _parameter_rows(old), _parameter_rows(new)
    yield "deposit_token", list(old.deposit_tokens.items()), list(new.deposit_tokens.items())


def _differing(old: Mapping[K, V], new: Mapping[K, V]) -> tuple[list[V], list[V]]:
    """What is another object in the one than in the other, or only there."""
    return (
        [value for key, value in old.items() if new.get(key) is not value],
        [value for key, value in new.items() if old.get(key) is not value],
    )


def insert_rows(connection: psycopg.Connection, rows: Mapping[str, Sequence[Row]]) -> None:
    """Insert projection rows."""
    for table, values in rows.items():
        if not values:
            continue
        columns, _ = PROJECTIONS[table]
        with connection.cursor().copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types([sql.copied for sql in tables.sql_types(table, columns)])
            for row in values:
                copy.write_row(row)


def update_rows(connection: psycopg.Connection, rows: Mapping[str, Sequence[Row]]) -> None:
    """Replace projection rows that are there."""
    for table, values in rows.items():
        if not values:
            continue
        columns, key = PROJECTIONS[table]
        written = ", ".join(f"{column} = fresh.{column}" for column in columns[key:])
        connection.execute(
            f"UPDATE {table} SET {written} FROM {_unnested(table, columns, 'fresh')}",
            [array(column) for column in zip(*values, strict=True)],
        )


def delete_rows(connection: psycopg.Connection, keys: Mapping[str, Sequence[Row]]) -> None:
    """Delete projection rows by their keys."""
    for table, values in keys.items():
        if not values:
            continue
        columns, key = PROJECTIONS[table]
        connection.execute(
            f"DELETE FROM {table} USING {_unnested(table, columns[:key], 'stale')}",
            [array(column) for column in zip(*values, strict=True)],
        )


def _unnested(table: str, columns: Sequence[str], name: str) -> str:
    """Rows given as one array a column, and that they are the table's by its key."""
    arrays = ", ".join(f"%s::{sql.array}" for sql in tables.sql_types(table, columns))
    same = " AND ".join(f"{table}.{column} = {name}.{column}" for column in columns[: PROJECTIONS[table][1]])
    return f"unnest({arrays}) AS {name} ({', '.join(columns)}) WHERE {same}"


def truncate(connection: psycopg.Connection) -> None:
    """Empty every mirrored table."""
    connection.execute(f"TRUNCATE cursor, entry, block, quarantine, {', '.join(PROJECTIONS)}")


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


def projection_text(connection: psycopg.Connection, table: str) -> Iterator[bytes]:
    """All rows of a projection, in key order, each as a line of PostgreSQL's COPY text."""
    columns, key = PROJECTIONS[table]
    connection.execute("SET LOCAL bytea_output = 'hex'")
    ordered = f"SELECT {', '.join(columns)} FROM {table} ORDER BY {', '.join(columns[:key])}"
    with connection.cursor().copy(f"COPY ({ordered}) TO STDOUT") as copy:
        for row in copy:
            yield bytes(row)


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
