"""Rows as PostgreSQL's COPY takes them in its binary format, packed by layouts that are made once; and arrays.

psycopg writes rows of any columns; it takes as long for an entry as to decode, hash and fold it. What is packed here
are the two tables that grow with every block. For bytes in an array psycopg takes longer than PostgreSQL for the row.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from struct import Struct
from typing import Any

import psycopg

from registry.chain.rpc import Block, RawLog
from registry.domain.journal import Entry

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_NO_QUOTE = bytes(32)

BLOCK_COPY = "COPY block (number, hash, parent_hash, at) FROM STDIN (FORMAT BINARY)"
_BLOCK = Struct(">h iq i32s i32s iq")

ENTRY_COPY = (
    "COPY entry (block_hash, log_index, block_number, tx_hash, journal_id, position, operation, at, head,"
    " start_minor, end_minor, topics, data, order_hash, quote_digest) FROM STDIN (FORMAT BINARY)"
)
_ENTRY = Struct(">h i32s ii iq i32s iq ii ih iq i32s")

NUMBERS_KEPT = 50_000
"""Packed numbers kept in memory: the entries of one receivable name the same ends of ranges again and again."""

_DIGITS_BASE = 10_000
_NUMERIC = [Struct(f">i hhhh {digits}h") for digits in range(6)]
"""Layouts of numeric by its digits to the base 10,000: 2**64 has five."""


@lru_cache(NUMBERS_KEPT)
def numeric(value: int) -> bytes:
    """A whole number from 0 to 2**64 - 1 as numeric, with its length before it."""
    if value < _DIGITS_BASE:
        # The two most common: nothing, and amounts that one digit holds.
        return _NUMERIC[1].pack(10, 1, 0, 0, 0, value) if value else _NUMERIC[0].pack(8, 0, 0, 0, 0)
    digits: list[int] = []
    while value:
        value, digit = divmod(value, _DIGITS_BASE)
        digits.append(digit)
    digits.reverse()
    count = len(digits)
    return _NUMERIC[count].pack(8 + 2 * count, count, count - 1, 0, 0, *digits)


_LENGTHS = [length.to_bytes(4) for length in range(1_024)]
"""Before a value comes its length; no log of ours has more bytes of topics or data."""


def block_row(block: Block) -> bytes:
    """A header as a row of BLOCK_COPY."""
    return _BLOCK.pack(4, 8, block.number, 32, block.hash, 32, block.parent_hash, 8, block.at)


ENTRY_COLUMNS = ("journal_id", "position", "operation", "at", "start_minor", "end_minor", "order_hash", "quote_digest")
"""What the stored log repeats of an entry's bytes."""


def entry_columns(entry: Entry, position: int) -> tuple[int, int, int, int, int, int, bytes | None, bytes | None]:
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


def entry_row(log: RawLog, entry: Entry, position: int, head: bytes) -> bytes:
    """An entry, its place in its journal and the journal's head after it, as a row of ENTRY_COPY."""
    journal_id, _, operation, at, start, end, order, quote = entry_columns(entry, position)
    fixed = _ENTRY.pack(
        15,
        32,
        log.block_hash,
        4,
        log.log_index,
        8,
        log.block_number,
        32,
        log.tx_hash,
        8,
        journal_id,
        4,
        position,
        2,
        operation,
        8,
        at,
        32,
        head,
    )
    return b"".join(
        (
            fixed,
            numeric(start),
            numeric(end),
            _LENGTHS[len(log.topics)],
            log.topics,
            _LENGTHS[len(log.data)],
            log.data,
            _NULL if order is None else _LENGTHS[32] + order,
            _NULL if quote is None else _LENGTHS[32] + quote,
        )
    )


def copy_in(connection: psycopg.Connection, statement: str, rows: Sequence[bytes]) -> None:
    """Send packed rows."""
    if not rows:
        return
    with connection.cursor().copy(statement) as copy:
        copy.write(b"".join((_HEADER, *rows, _END)))


def array(values: Sequence[Any]) -> str:
    """Whole numbers, booleans, bytes and None as the text of an array, for a parameter that is cast to its type."""
    return "{" + ",".join([_element(value) for value in values]) + "}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    return f'"\\\\x{value.hex()}"' if isinstance(value, bytes) else str(value)
