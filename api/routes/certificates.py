"""Certificates, and how each came to its holder."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field

from api import openapi
from api.deps import CertificateIdPath, Reading, ReadingDep
from api.etags import TaggedRoute
from api.routes.pages import PageQuery, next_link
from api.schemas import certificates as schemas
from api.schemas import provenance as provenance_schemas
from api.schemas.common import MoneyOut, PartyOut, hex_text
from registry.domain.identifiers import CertificateId, format_address, parse_address, parse_certificate_id
from registry.domain.rules import UnknownCertificate, require_same_range
from registry.store.queries import certificates, documents, entries, invoices, receivables

router = APIRouter(prefix="/v1/certificates", tags=["Certificates"], route_class=TaggedRoute)


class CertificatesQuery(PageQuery):
    """Filters of the list of certificates."""

    after: str | None = Field(
        default=None, description="Certificate that the page follows.", examples=["R-42/0-125000"]
    )
    holder: str | None = Field(default=None, description="Address of the holder.")


@router.get("", summary="List certificates", responses=openapi.reads())
def list_certificates(
    request: Request, reading: ReadingDep, query: Annotated[CertificatesQuery, Query()]
) -> schemas.CertificatePage:
    """Live certificates in the order of receivable and start, of all holders or of one."""
    key = None if query.after is None else parse_certificate_id(query.after)
    page = certificates.certificates(
        reading.connection,
        holder=None if query.holder is None else parse_address(query.holder),
        after=None if key is None else (key.receivable_id, key.start),
        limit=query.limit,
    )
    names = reading.names(address for row in page for address in (row.holder, row.originator, row.debtor))
    return schemas.CertificatePage(
        items=[schemas.show(row, names=names, now=reading.now) for row in page],
        next=next_link(request, None if page.after is None else str(page.rows[-1].id)),
        as_of_block=reading.as_of_block,
    )


@router.get("/{receivable_id}/{part}", summary="Read a certificate", responses=openapi.reads(HTTPStatus.NOT_FOUND))
def read_certificate(named: CertificateIdPath, reading: ReadingDep) -> schemas.CertificateRead:
    """One certificate. Its id names the whole range, so it ends with the first split of it.

    Refuses: unknown_certificate; the detail tells the present range, where one still begins there.
    """
    row = _require(reading, named)
    names = reading.names((row.holder, row.originator, row.debtor))
    return schemas.CertificateRead.at(schemas.show(row, names=names, now=reading.now), reading.as_of_block)


@router.get(
    "/{receivable_id}/{part}/provenance",
    summary="Read how a certificate came to its holder",
    responses=openapi.reads(HTTPStatus.NOT_FOUND),
)
def read_provenance(named: CertificateIdPath, reading: ReadingDep) -> provenance_schemas.ProvenanceRead:
    """The history of these very cents: who held them, on what trade, and the transaction that made it so.

    Folded from the stored log, and every head is checked against the one stored with it; whoever has the head of the
    journal from the contract can check the steps against it alone. Refuses: unknown_certificate, journal_too_long.
    """
    row = _require(reading, named)
    receivable = receivables.receivable(reading.connection, named.receivable_id)
    assert receivable is not None  # the certificate's, in the same snapshot
    history = list(
        entries.provenance_of(
            reading.connection, named.receivable_id, start=named.start, end=named.end, cursor=reading.cursor
        )
    )
    addresses = {row.holder}
    for past in history:
        addresses |= {*provenance_schemas.addresses_of(past.step.entry).values()}
        addresses |= {party for party in (past.step.giver, past.step.holder) if party is not None}
    known = provenance_schemas.Known(
        names=reading.names(addresses),
        documents=documents.trade_documents(
            reading.connection, {past.step.document for past in history if past.step.document is not None}
        ),
        invoice=invoices.invoice_by_root(reading.connection, receivable.document_root),
    )
    return provenance_schemas.ProvenanceRead(
        certificate=str(row.id),
        holder=PartyOut.of(row.holder, known.names),
        amount=MoneyOut.of(row.amount_minor, row.currency),
        chain_id=reading.cursor.chain_id,
        contract=format_address(reading.cursor.contract),
        journal_head=hex_text(receivable.head),
        journal_length=receivable.length,
        steps=[provenance_schemas.show_step(past, currency=row.currency, known=known) for past in history],
        as_of_block=reading.as_of_block,
    )


def _require(reading: Reading, named: CertificateId) -> certificates.CertificateRow:
    row = certificates.certificate(reading.connection, named.receivable_id, named.start)
    if row is None:
        raise UnknownCertificate(f"there is no {named}: no live certificate begins there")
    require_same_range(row.state(), named)
    return row
