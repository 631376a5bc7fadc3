"""Receivables, and what belongs to one: its certificates, its journal."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field

from api import openapi
from api.deps import ReadingDep, ReceivableIdPath
from api.errors import RequestMalformed
from api.etags import TaggedRoute
from api.routes.pages import PageQuery, next_link
from api.schemas import certificates as certificate_schemas
from api.schemas import entries as entry_schemas
from api.schemas import receivables as schemas
from registry.domain.identifiers import (
    format_receivable_id,
    parse_address,
    parse_certificate_id,
    parse_receivable_id,
)
from registry.domain.journal import REGISTRY_JOURNAL
from registry.domain.receivable import Status
from registry.domain.rules import UnknownReceivable
from registry.store.queries import certificates, entries, receivables

router = APIRouter(prefix="/v1/receivables", tags=["Receivables"], route_class=TaggedRoute)


class ReceivablesQuery(PageQuery):
    """Filters of the list of receivables."""

    after: str | None = Field(default=None, description="Id that the page follows.", examples=["R-50"])
    status: str | None = Field(
        default=None, description="Status on chain.", json_schema_extra={"enum": [*schemas.STATUSES, None]}
    )
    debtor: str | None = Field(default=None, description="Address of the debtor.")
    originator: str | None = Field(default=None, description="Address of the originator.")
    due_from: date | None = Field(default=None, description="First due day.")
    due_before: date | None = Field(
        default=None,
        description="First day after the last due day. With status=confirmed and today's date: what is overdue.",
    )


@router.get("", summary="List receivables", responses=openapi.reads())
def list_receivables(
    request: Request, reading: ReadingDep, query: Annotated[ReceivablesQuery, Query()]
) -> schemas.ReceivablePage:
    """Receivables in the order of their ids, filtered by status, debtor, originator or due day."""
    page = receivables.receivables(
        reading.connection,
        after=None if query.after is None else parse_receivable_id(query.after),
        limit=query.limit,
        status=_status(query.status),
        debtor=None if query.debtor is None else parse_address(query.debtor),
        originator=None if query.originator is None else parse_address(query.originator),
        due_from=_midnight(query.due_from),
        due_before=_midnight(query.due_before),
    )
    names = reading.names(address for row in page for address in (row.originator, row.debtor))
    return schemas.ReceivablePage(
        items=[schemas.show(row, names=names, now=reading.now) for row in page],
        next=next_link(request, None if page.after is None else format_receivable_id(page.after)),
        as_of_block=reading.as_of_block,
    )


@router.get("/{receivable_id}", summary="Read a receivable", responses=openapi.reads(HTTPStatus.NOT_FOUND))
def read_receivable(receivable_id: ReceivableIdPath, reading: ReadingDep) -> schemas.ReceivableRead:
    """One receivable: its terms, where it stands, and the head of its journal. Refuses: unknown_receivable."""
    row = _require(reading, receivable_id)
    names = reading.names((row.originator, row.debtor))
    return schemas.ReceivableRead.at(schemas.show(row, names=names, now=reading.now), reading.as_of_block)


class CertificatesOfQuery(PageQuery):
    """Page of the certificates of one receivable."""

    after: str | None = Field(
        default=None, description="Certificate that the page follows.", examples=["R-42/0-125000"]
    )


@router.get(
    "/{receivable_id}/certificates",
    summary="List the certificates of a receivable",
    responses=openapi.reads(HTTPStatus.NOT_FOUND),
)
def list_certificates_of(
    request: Request,
    receivable_id: ReceivableIdPath,
    reading: ReadingDep,
    query: Annotated[CertificatesOfQuery, Query()],
) -> certificate_schemas.CertificatePage:
    """The live certificates by start: a disjoint cover of the live amount; none before the confirmation.

    Refuses: unknown_receivable.
    """
    row = _require(reading, receivable_id)
    page = certificates.certificates_of(
        reading.connection,
        receivable_id,
        after=None if query.after is None else parse_certificate_id(query.after).start,
        limit=query.limit,
    )
    names = reading.names((row.originator, row.debtor, *(part.holder for part in page)))
    return certificate_schemas.CertificatePage(
        items=[certificate_schemas.show(part, names=names, now=reading.now) for part in page],
        next=next_link(request, None if page.after is None else str(page.rows[-1].id)),
        as_of_block=reading.as_of_block,
    )


class EntriesQuery(PageQuery):
    """Page of a journal."""

    after: int | None = Field(
        default=None, ge=1, le=2**31 - 1, description="Position that the page follows.", examples=[50]
    )


@router.get(
    "/{receivable_id}/entries",
    summary="List the journal of a receivable",
    responses=openapi.reads(HTTPStatus.NOT_FOUND),
)
def list_entries(
    request: Request, receivable_id: ReceivableIdPath, reading: ReadingDep, query: Annotated[EntriesQuery, Query()]
) -> entry_schemas.EntryPage:
    """Every entry of the journal in order, with what its hash is made of. R-0 is the registry's own journal.

    Refuses: unknown_receivable.
    """
    if receivable_id != REGISTRY_JOURNAL:
        _require(reading, receivable_id)
    page = entries.entries(reading.connection, receivable_id, after=query.after, limit=query.limit)
    return entry_schemas.EntryPage.of(
        receivable_id,
        [entry_schemas.show(row) for row in page],
        next_link=next_link(request, None if page.after is None else str(page.after)),
        block=reading.as_of_block,
    )


def _require(reading: ReadingDep, receivable_id: int) -> receivables.ReceivableRow:
    row = receivables.receivable(reading.connection, receivable_id)
    if row is None:
        raise UnknownReceivable(f"there is no {format_receivable_id(receivable_id)}")
    return row


def _status(text: str | None) -> Status | None:
    if text is None:
        return None
    found = schemas.STATUSES.get(text)
    if found is None:
        raise RequestMalformed(f"status is one of {', '.join(schemas.STATUSES)}")
    return found


def _midnight(day: date | None) -> int | None:
    """The midnight UTC that begins a day, seconds."""
    return None if day is None else int(datetime.combine(day, time(), tzinfo=UTC).timestamp())
