"""A journal as JSON lines, for whoever folds it elsewhere: everything that its head on chain is made of.

The first line names the journal, its genesis, its length and its head. Every other line is an entry: its time, range
and hashed details in their order, each with its ABI type (registry.domain.journal has the formulas), its hash, the
head after it, and where its log is. Amounts and details are decimal or hex strings, which no reader rounds.

The API streams the same lines, with the names of the parties besides; a test holds them together.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from registry.domain.calendar import instant
from registry.domain.fold import JournalBroken
from registry.domain.identifiers import format_address, format_receivable_id
from registry.domain.journal import REGISTRY_JOURNAL, append, genesis
from registry.domain.rules import UnknownReceivable
from registry.store.database import Connection
from registry.store.queries import entries as entry_queries
from registry.store.queries import health as health_queries
from registry.store.queries import receivables as receivable_queries
from registry.store.queries import registry as registry_queries
from registry.store.queries.entries import StoredEntryRow
from registry.store.queries.pages import PAGE_ROWS_MAX, every


def export(connection: Connection, journal_id: int) -> Iterator[dict[str, Any]]:
    """The lines, one document each. Raises UnknownReceivable, JournalBroken where the stored log has been changed."""
    cursor = health_queries.cursor(connection)
    row = (
        registry_queries.registry(connection)
        if journal_id == REGISTRY_JOURNAL
        else receivable_queries.receivable(connection, journal_id)
    )
    if row is None or cursor is None:
        raise UnknownReceivable(f"there is no {format_receivable_id(journal_id)}")
    head = genesis(chain_id=cursor.chain_id, contract=cursor.contract, journal_id=journal_id)
    yield {
        "journal": format_receivable_id(journal_id),
        "chain_id": cursor.chain_id,
        "contract": format_address(cursor.contract),
        "genesis": _hex(head),
        "head": _hex(row.head),
        "length": row.length,
    }
    stored = every(lambda after: entry_queries.entries(connection, journal_id, after=after, limit=PAGE_ROWS_MAX))
    for each in stored:
        entry = each.decode()
        head = append(head, entry.hash())
        if head != each.head:
            name = format_receivable_id(journal_id)
            raise JournalBroken(f"entry {each.position} of {name} does not hash to its stored head")
        yield _line(each)
    if head != row.head:
        raise JournalBroken(f"the stored entries of {format_receivable_id(journal_id)} do not lead to its head")


def _line(row: StoredEntryRow) -> dict[str, Any]:
    entry = row.decode()
    start, end = entry.range
    types = {argument.name: argument.abi_type for argument in entry.arguments()}
    return {
        "position": row.position,
        "operation": type(entry).__name__,
        "operation_code": entry.OPERATION,
        "at": instant(entry.time),
        "range": {"start": str(start), "end": str(end)},
        "fields": [
            {"name": name, "type": types[name], "value": _text(types[name], value)}
            for name, value in entry.details().items()
        ],
        "entry_hash": _hex(entry.hash()),
        "head": _hex(row.head),
        "transaction": {
            "hash": _hex(row.tx_hash),
            "block_number": row.block_number,
            "block_hash": _hex(row.block_hash),
            "log_index": row.log_index,
        },
    }


def _text(abi_type: str, value: int | bytes) -> str:
    if isinstance(value, int):
        return str(value)
    return format_address(value) if abi_type == "address" else _hex(value)


def _hex(value: bytes) -> str:
    return "0x" + value.hex()
