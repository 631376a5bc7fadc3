"""The stored log of a receivable, its payments, and the provenance of a range folded from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, literal, select

from registry.domain import fold
from registry.domain.decode import decode
from registry.domain.identifiers import Address, format_receivable_id
from registry.domain.journal import Entry, Paid
from registry.domain.provenance import Step, provenance
from registry.domain.refusals import Refusal
from registry.store.queries.health import CursorRow
from registry.store.queries.pages import PAGE_ROWS_DEFAULT, Page, beyond, page, rows_asked
from registry.store.queries.visibility import Caller, visible_to
from registry.store.tables import entry as table

JOURNAL_ENTRIES_MAX = 50_000
"""Longest journal that is folded within one request."""

EntryKey = tuple[int, int]
"""Journal id and position."""


class JournalTooLong(Refusal):
    """A journal that is read in pages only."""

    code = "journal_too_long"
    title = "The journal is too long to be read at once"
    default_hint = "Read its entries page by page"


@dataclass(frozen=True, slots=True)
class StoredEntryRow:
    """A journal entry as the node gave it. `topics` is their concatenation; `head` the journal's head after it."""

    journal_id: int
    position: int
    block_number: int
    block_hash: bytes
    log_index: int
    tx_hash: bytes
    topics: bytes
    data: bytes
    head: bytes

    def decode(self) -> Entry:
        """The entry behind the bytes. Raises LogMalformed."""
        return decode(self.topics, self.data)


@dataclass(frozen=True, slots=True)
class ProvenanceRow:
    """One step of a range's history, the log that it stands on, and the journal's head before it."""

    step: Step
    stored: StoredEntryRow
    head_before: bytes


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """One payment: the place of its entry in the receivable's journal, its transaction, who paid how much, and when.

    `amount_minor` in minor units, `at` in seconds.
    """

    position: int
    tx_hash: bytes
    payer: Address
    amount_minor: int
    at: int


def stored_entries(
    connection: Connection, receivable_id: int, *, until_block: int | None = None, caller: Caller = Caller.LOCAL
) -> list[StoredEntryRow]:
    """The journal in order, whole or up to a block and with it; 0 is the registry's own. Raises JournalTooLong."""
    found = connection.execute(
        _visible(caller)
        .where(table.c.journal_id == receivable_id, *_until(until_block))
        .order_by(table.c.position)
        .limit(JOURNAL_ENTRIES_MAX + 1)
    ).all()
    if len(found) > JOURNAL_ENTRIES_MAX:
        raise JournalTooLong(
            f"the journal of {format_receivable_id(receivable_id)} has more than {JOURNAL_ENTRIES_MAX} entries"
        )
    return [_row(row) for row in found]


def entries(
    connection: Connection,
    receivable_id: int,
    *,
    after: int | None = None,
    limit: int = PAGE_ROWS_DEFAULT,
    until_block: int | None = None,
    caller: Caller = Caller.LOCAL,
) -> Page[StoredEntryRow, int]:
    """The journal page by page, whole or up to a block; `after` is the position that the page follows."""
    found = connection.execute(
        _visible(caller)
        .where(table.c.journal_id == receivable_id, table.c.position > (after or 0), *_until(until_block))
        .order_by(table.c.position)
        .limit(rows_asked(limit))
    )
    return page([_row(row) for row in found], limit=limit, key=lambda row: row.position)


def payments(
    connection: Connection,
    receivable_id: int,
    *,
    after: int | None = None,
    limit: int = PAGE_ROWS_DEFAULT,
    caller: Caller = Caller.LOCAL,
) -> Page[PaymentRow, int]:
    """What was paid of a receivable, oldest first; `after` is the position that the page follows."""
    found = connection.execute(
        _visible(caller)
        .where(
            table.c.journal_id == receivable_id,
            table.c.position > (after or 0),
            # As a literal: only then does the planner know that the partial index has all of them.
            table.c.operation == literal(Paid.OPERATION, literal_execute=True),
        )
        .order_by(table.c.position)
        .limit(rows_asked(limit))
    )
    return page([_payment(_row(row)) for row in found], limit=limit, key=lambda row: row.position)


def entries_of_order(
    connection: Connection,
    order_hash: bytes,
    *,
    after: EntryKey | None = None,
    limit: int = PAGE_ROWS_DEFAULT,
    caller: Caller = Caller.LOCAL,
) -> Page[StoredEntryRow, EntryKey]:
    """What officers did under an order, by journal and position."""
    key = (table.c.journal_id, table.c.position)
    wanted = [table.c.order_hash == order_hash]
    if after is not None:
        wanted.append(beyond(key, after))
    found = connection.execute(_visible(caller).where(*wanted).order_by(*key).limit(rows_asked(limit)))
    return page([_row(row) for row in found], limit=limit, key=lambda row: (row.journal_id, row.position))


def provenance_of(
    connection: Connection,
    receivable_id: int,
    *,
    start: int,
    end: int,
    cursor: CursorRow,
    caller: Caller = Caller.LOCAL,
) -> Iterator[ProvenanceRow]:
    """The history of [start, end) up to the cursor's block, oldest first, folded from the stored log.

    Raises JournalTooLong, JournalBroken.
    """
    stored = stored_entries(connection, receivable_id, until_block=cursor.block_number, caller=caller)
    empty = fold.empty_receivable(chain_id=cursor.chain_id, contract=cursor.contract, receivable_id=receivable_id)
    for step in provenance(empty, (row.decode() for row in stored), start=start, end=end):
        row = stored[step.position - 1]
        if (row.position, row.head) != (step.position, step.head):
            raise fold.JournalBroken(
                f"entry {step.position} of {format_receivable_id(receivable_id)} does not fold to its stored head"
            )
        yield ProvenanceRow(step, row, stored[step.position - 2].head if step.position > 1 else empty.head)


_COLUMNS = tuple(table.c[name] for name in StoredEntryRow.__slots__)


def _visible(caller: Caller) -> Select[Any]:
    return select(*_COLUMNS).where(visible_to(caller, table))


def _until(block_number: int | None) -> list[ColumnElement[bool]]:
    return [] if block_number is None else [table.c.block_number <= block_number]


def _row(row: Row[Any]) -> StoredEntryRow:
    return StoredEntryRow(*row)


def _payment(stored: StoredEntryRow) -> PaymentRow:
    paid = stored.decode()
    assert isinstance(paid, Paid)  # what was asked for
    return PaymentRow(stored.position, stored.tx_hash, paid.payer, paid.amount, paid.at)
