"""Receivables, and what belongs to one: its certificates, its journal."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import Field

from api import openapi
from api.deps import Reading, ReadingDep, ReceivableIdPath
from api.final import ReadingAtDep
from api.lists import ListRoute, PageQuery, next_link, reads_list
from api.routes import certificates as certificate_routes
from api.routes.journals import JournalQuery, entry_page, exported
from api.routes.queries import (
    TermsQuery,
    certificate_key,
    one_of,
    receivable_after,
    receivable_due_after,
    receivable_due_key,
)
from api.schemas import certificates as certificate_schemas
from api.schemas import entries as entry_schemas
from api.schemas import receivables as schemas
from registry.domain.identifiers import format_receivable_id, parse_receivable_id
from registry.domain.journal import REGISTRY_JOURNAL
from registry.domain.rules import UnknownReceivable
from registry.store.queries import certificates, entries, receivables
from registry.store.queries.receivables import ReceivableRow

router = APIRouter(prefix="/v1/receivables", tags=["Receivables"], route_class=ListRoute)


class ReceivablesQuery(TermsQuery):
    """Filters of the list of receivables."""

    after: str | None = Field(
        default=None,
        description="Id that the page follows; of a list by due date with its due day.",
        examples=["R-50", "2027-01-31/R-50"],
    )
    status: str | None = Field(
        default=None, description="Status on chain.", json_schema_extra={"enum": [*schemas.STATUSES, None]}
    )


@router.get("", summary="List receivables", responses=reads_list(HTTPStatus.NOT_FOUND))
def list_receivables(
    request: Request, reading: ReadingDep, query: Annotated[ReceivablesQuery, Query()]
) -> schemas.ReceivablePage:
    """Receivables by id; where the due date is sought (`due_from`, `due_before`, or phase live, due or overdue) by due
    date first.

    `frozen` is about orders on the receivable itself. Refuses: unknown_account, unknown_currency.
    """
    sought = query.sought(reading)
    sought["status"] = None if query.status is None else one_of(schemas.STATUSES, query.status, "status")
    if query.goes_by_due:
        by_due = receivables.receivables_by_due(
            reading.connection,
            after=receivable_due_key(query.after),
            limit=query.limit,
            frozen_at=query.frozen_at(reading),
            **sought,
        )
        rows, after = by_due.rows, receivable_due_after(by_due.rows[-1]) if by_due.after else None
    else:
        by_id = receivables.receivables(
            reading.connection,
            after=None if query.after is None else parse_receivable_id(query.after),
            limit=query.limit,
            frozen_at=query.frozen_at(reading),
            **sought,
        )
        rows, after = by_id.rows, receivable_after(by_id.rows[-1]) if by_id.after else None
    return schemas.ReceivablePage(
        items=show_all(reading, rows), next=next_link(request, after), as_of_block=reading.as_of_block
    )


@router.get("/{receivable_id}", summary="Read a receivable", responses=openapi.reads(HTTPStatus.NOT_FOUND))
def read_receivable(receivable_id: ReceivableIdPath, reading: ReadingAtDep) -> schemas.ReceivableRead:
    """One receivable: its terms, where it stands, and the head of its journal.

    At final it is folded from its stored entries, as are the pauses that its answer window stands still in. Refuses:
    unknown_receivable, which is also what has no final entry; nothing_final, journal_too_long at final.
    """
    (shown,) = show_all(reading, [_require(reading, receivable_id)])
    return schemas.ReceivableRead.at(shown, reading.as_of_block)


class CertificatesOfQuery(PageQuery):
    """Page of the certificates of one receivable."""

    after: str | None = Field(
        default=None, description="Certificate that the page follows.", examples=["R-42/0-125000"]
    )


@router.get(
    "/{receivable_id}/certificates",
    summary="List the certificates of a receivable",
    responses=reads_list(HTTPStatus.NOT_FOUND),
)
def list_certificates_of(
    request: Request,
    receivable_id: ReceivableIdPath,
    reading: ReadingDep,
    query: Annotated[CertificatesOfQuery, Query()],
) -> certificate_schemas.CertificatePage:
    """The live certificates by start: a disjoint cover of the face amount but for what was credited or redeemed; none
    before the confirmation.

    Refuses: unknown_receivable.
    """
    _require(reading, receivable_id)
    key = certificate_key(query.after)
    page = certificates.certificates_of(
        reading.connection, receivable_id, after=None if key is None else key[1], limit=query.limit
    )
    return certificate_schemas.CertificatePage(
        items=certificate_routes.show_all(reading, page.rows),
        next=next_link(request, None if page.after is None else str(page.rows[-1].id)),
        as_of_block=reading.as_of_block,
    )


class PaymentsQuery(PageQuery):
    """Page of the payments of one receivable."""

    after: int | None = Field(
        default=None, ge=1, le=2**31 - 1, description="Position of the payment that the page follows.", examples=[50]
    )


@router.get(
    "/{receivable_id}/payments",
    summary="List the payments of a receivable",
    responses=reads_list(HTTPStatus.NOT_FOUND),
)
def list_payments(
    request: Request, receivable_id: ReceivableIdPath, reading: ReadingDep, query: Annotated[PaymentsQuery, Query()]
) -> schemas.PaymentPage:
    """Who paid how much of it and when, the oldest payment first. Refuses: unknown_receivable."""
    row = _require(reading, receivable_id)
    page = entries.payments(reading.connection, receivable_id, after=query.after, limit=query.limit)
    names = reading.names(payment.payer for payment in page)
    return schemas.PaymentPage(
        receivable=format_receivable_id(receivable_id),
        items=[schemas.show_payment(payment, currency=row.currency, names=names) for payment in page],
        next=next_link(request, None if page.after is None else str(page.after)),
        as_of_block=reading.as_of_block,
    )


@router.get(
    "/{receivable_id}/entries",
    summary="List the journal of a receivable",
    responses=reads_list(HTTPStatus.NOT_FOUND),
)
def list_entries(
    request: Request, receivable_id: ReceivableIdPath, reading: ReadingAtDep, query: Annotated[JournalQuery, Query()]
) -> entry_schemas.EntryPage:
    """Every entry of the journal in order, with what its hash is made of. R-0 is the registry's own journal.

    Refuses: unknown_receivable; nothing_final, journal_too_long at final.
    """
    if receivable_id != REGISTRY_JOURNAL:
        _require(reading, receivable_id)
    return entry_page(request, reading, receivable_id, query)


@router.get(
    "/{receivable_id}/journal.jsonl",
    summary="Export the journal of a receivable",
    response_class=StreamingResponse,
    responses=openapi.exports(HTTPStatus.NOT_FOUND),
)
def export_journal(request: Request, receivable_id: ReceivableIdPath, reading: ReadingAtDep) -> StreamingResponse:
    """The whole journal as JSON lines: what it belongs to in the first one, then every entry in order.

    Whoever recomputes the heads from the entries gets the head of the first line. Refuses: unknown_receivable;
    nothing_final, journal_too_long at final.
    """
    of = reading.registry if receivable_id == REGISTRY_JOURNAL else _require(reading, receivable_id)
    return exported(request, reading, receivable_id, head=of.head, length=of.length)


def show_all(reading: Reading, rows: Sequence[ReceivableRow]) -> list[schemas.ReceivableOut]:
    """Rows as the API shows them, with names and orders read at once."""
    names = reading.names(address for row in rows for address in (row.originator, row.debtor))
    holds = reading.holds(receivables=(row.receivable_id for row in rows))
    standings = reading.standings(row.receivable_id for row in rows)
    registry = reading.registry.state()
    return [
        schemas.show(
            row,
            names=names,
            holds=holds,
            standing=standings[row.receivable_id],
            registry=registry,
            now=reading.now,
        )
        for row in rows
    ]


def _require(reading: Reading, receivable_id: int) -> ReceivableRow:
    row = reading.receivable(receivable_id)
    if row is None:
        raise UnknownReceivable(f"there is no {format_receivable_id(receivable_id)}")
    return row
