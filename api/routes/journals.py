"""Journals, page by page or as one stream: of receivables, and R-0."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from fastapi import Request
from fastapi.responses import StreamingResponse
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from api.deps import Reading, services_of
from api.final import AT, At
from api.lists import PageQuery, next_link
from api.schemas import entries as schemas
from api.schemas.common import hex_text
from registry.domain import journal
from registry.domain.identifiers import format_address, format_receivable_id
from registry.errors import ServiceError
from registry.store.database import Database
from registry.store.queries import entries, parties
from registry.store.queries.entries import StoredEntryRow
from registry.store.queries.health import CursorRow
from registry.store.queries.pages import PAGE_ROWS_MAX

JSON_LINES_MEDIA_TYPE = "application/x-ndjson"


class JournalChanged(ServiceError):
    """A reorg took back entries that were being exported."""

    code = "journal_changed"
    title = "The journal changed while it was exported"
    default_hint = "Export it again: what came is not the journal that its first line names"


class EntriesQuery(PageQuery):
    """Page of a journal."""

    after: int | None = Field(
        default=None, ge=1, le=2**31 - 1, description="Position that the page follows.", examples=[50]
    )


class JournalQuery(EntriesQuery):
    """Page of a journal, which is also read at final."""

    at: At = Field(default="head", description=AT)


def entry_page(request: Request, reading: Reading, journal_id: int, query: EntriesQuery) -> schemas.EntryPage:
    """A page of the journal with that id."""
    page = reading.entries(journal_id, after=query.after, limit=query.limit)
    return schemas.EntryPage.of(
        journal_id,
        show_all(reading, page),
        next_link=next_link(request, None if page.after is None else str(page.after)),
        block=reading.as_of_block,
    )


def show_all(reading: Reading, rows: Iterable[StoredEntryRow]) -> list[schemas.EntryOut]:
    """Rows as the API shows them, with names read at once."""
    kept = list(rows)
    names = reading.names(address for row in kept for address in schemas.addresses_of(row.decode()).values())
    return [schemas.show(row, names=names, cursor=reading.cursor) for row in kept]


def exported(request: Request, reading: Reading, journal_id: int, *, head: bytes, length: int) -> StreamingResponse:
    """The journal up to this head and length as JSON lines. No connection is held between its parts."""
    cursor = reading.cursor
    start = journal.genesis(chain_id=cursor.chain_id, contract=cursor.contract, journal_id=journal_id)
    first = {
        "journal": format_receivable_id(journal_id),
        "chain_id": cursor.chain_id,
        "contract": format_address(cursor.contract),
        "genesis": hex_text(start),
        "head": hex_text(head),
        "length": length,
        "as_of_block": reading.as_of_block.model_dump(),
    }
    return StreamingResponse(
        _lines(
            services_of(request).database,
            request.app.state.export_reads,
            first,
            _Export(cursor, journal_id, start, head, length),
        ),
        media_type=JSON_LINES_MEDIA_TYPE,
        headers={"Content-Disposition": f'attachment; filename="{format_receivable_id(journal_id)}.jsonl"'},
    )


@dataclass
class _Export:
    """How far a journal is exported: `position` entries, to the head `reached`; to be: `length` and `head`.

    Finality is told as of `cursor`, as the first line has it.
    """

    cursor: CursorRow
    journal_id: int
    reached: bytes
    head: bytes
    length: int
    position: int = 0

    def part(self, database: Database) -> str:
        """The next lines, in a snapshot of its own: its heads go on from the last part's. Raises JournalChanged."""
        limit = min(PAGE_ROWS_MAX, self.length - self.position)
        with database.snapshot() as connection:
            rows = entries.entries(connection, self.journal_id, after=self.position, limit=limit).rows
            decoded = [row.decode() for row in rows]
            addresses = {address for entry in decoded for address in schemas.addresses_of(entry).values()}
            names = parties.parties_by_address(connection, addresses)
        for row, entry in zip(rows, decoded, strict=True):
            self.position += 1
            self.reached = journal.append(self.reached, entry.hash())
            if (row.position, row.head) != (self.position, self.reached):
                raise JournalChanged(f"entry {self.position} of {format_receivable_id(self.journal_id)} is another")
        if not rows or (self.position == self.length and self.reached != self.head):
            raise JournalChanged(f"{format_receivable_id(self.journal_id)} ends after entry {self.position}")
        return "".join(schemas.show(row, names=names, cursor=self.cursor).model_dump_json() + "\n" for row in rows)


async def _lines(
    database: Database, reads: asyncio.Semaphore, first: dict[str, object], export: _Export
) -> AsyncIterator[str]:
    """The lines, part by part. After the first a broken connection is all that can tell of a failure."""
    yield json.dumps(first) + "\n"
    while export.position < export.length:
        async with reads:
            part = await run_in_threadpool(export.part, database)
        yield part
