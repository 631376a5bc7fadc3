"""Certificates, and how each came to its holder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from api import openapi
from api.deps import NODE_READS_MAX, CertificateIdPath, Reading, ReadingDep, ServicesDep, snapshot
from api.final import ReadingAtDep
from api.lists import ListRoute, next_link, reads_list
from api.routes.queries import TermsQuery, certificate_due_after, certificate_due_key, certificate_key
from api.schemas import certificates as schemas
from api.schemas import provenance as provenance_schemas
from api.schemas.common import MoneyOut, PartyOut, hex_text
from api.schemas.entries import addresses_of
from registry.chain.contract import ReceivablesView
from registry.commands.pictures import described, drawn
from registry.domain.identifiers import CertificateId, format_address, parse_receivable_id
from registry.domain.rules import UnknownCertificate, require_same_range
from registry.store.queries import certificates, documents, entries, invoices
from registry.store.queries.certificates import CertificatesSought

router = APIRouter(prefix="/v1/certificates", tags=["Certificates"], route_class=ListRoute)


class CertificatesQuery(TermsQuery):
    """Filters of the list of certificates."""

    after: str | None = Field(
        default=None,
        description="Certificate that the page follows; of a list by due date with its due day.",
        examples=["R-42/0-125000", "2027-01-31/R-42/0-125000"],
    )
    holder: str | None = Field(default=None, description="Handle or address of the holder.")
    receivable: str | None = Field(default=None, description="Id of the receivable.", examples=["R-42"])
    financier: str | None = Field(default=None, description="Handle or address of the one with the lien.")
    seller: str | None = Field(default=None, description="Handle or address of the one who must take it back.")
    pledged: bool | None = Field(default=None, description="Whether there is a lien.")
    with_recourse: bool | None = Field(default=None, description="Whether somebody must take it back on demand.")

    def rights(self, reading: Reading) -> CertificatesSought:
        """All filters as the queries take them: by terms, and by what lies on the certificate. Raises as `sought`."""
        return {
            **self.sought(reading),
            "lien_financier": reading.party(self.financier),
            "recourse_seller": reading.party(self.seller),
            "pledged": self.pledged,
            "with_recourse": self.with_recourse,
        }


@router.get("", summary="List certificates", responses=reads_list(HTTPStatus.NOT_FOUND))
def list_certificates(
    request: Request, reading: ReadingDep, query: Annotated[CertificatesQuery, Query()]
) -> schemas.CertificatePage:
    """Live certificates by receivable and start; where the due date is sought (`due_from`, `due_before`, or phase live,
    due or overdue) by due date first.

    `frozen` is about orders on the certificate, on its receivable and on its holder. Refuses: unknown_account,
    unknown_currency.
    """
    sought = query.rights(reading)
    holder = reading.party(query.holder)
    receivable_id = None if query.receivable is None else parse_receivable_id(query.receivable)
    if query.goes_by_due:
        by_due = certificates.certificates_by_due(
            reading.connection,
            holder=holder,
            receivable_id=receivable_id,
            after=certificate_due_key(query.after),
            limit=query.limit,
            frozen_at=query.frozen_at(reading),
            **sought,
        )
        rows, after = by_due.rows, certificate_due_after(by_due.rows[-1]) if by_due.after else None
    else:
        by_id = certificates.certificates(
            reading.connection,
            holder=holder,
            receivable_id=receivable_id,
            after=certificate_key(query.after),
            limit=query.limit,
            frozen_at=query.frozen_at(reading),
            **sought,
        )
        rows, after = by_id.rows, str(by_id.rows[-1].id) if by_id.after else None
    return schemas.CertificatePage(
        items=show_all(reading, rows), next=next_link(request, after), as_of_block=reading.as_of_block
    )


@router.get("/{receivable_id}/{part}", summary="Read a certificate", responses=openapi.reads(HTTPStatus.NOT_FOUND))
def read_certificate(named: CertificateIdPath, reading: ReadingAtDep) -> schemas.CertificateRead:
    """One certificate. Its id names the whole range, so it ends with the first split of it.

    At final it is folded from its receivable's stored entries, and orders on its holder from those of R-0. Refuses:
    unknown_certificate; the detail tells the present range, where one still begins there; nothing_final,
    journal_too_long at final.
    """
    (shown,) = show_all(reading, [_require(reading, named)])
    return schemas.CertificateRead.at(shown, reading.as_of_block)


@router.get(
    "/{receivable_id}/{part}/provenance",
    summary="Read how a certificate came to its holder",
    responses=openapi.reads(HTTPStatus.NOT_FOUND),
)
def read_provenance(named: CertificateIdPath, reading: ReadingAtDep) -> provenance_schemas.ProvenanceRead:
    """The history of these very cents: who held them, on what trade, and the transaction that made it so.

    Folded from the stored log, and every head is checked against the one stored with it; whoever has the head of the
    journal from the contract can check the steps against it alone. Refuses: unknown_certificate, journal_too_long;
    nothing_final at final.
    """
    row = _require(reading, named)
    receivable = reading.receivable(named.receivable_id)
    assert receivable is not None  # the certificate's, in the same snapshot
    history = list(
        entries.provenance_of(
            reading.connection, named.receivable_id, start=named.start, end=named.end, cursor=reading.cursor
        )
    )
    addresses = {row.holder}
    for past in history:
        addresses |= {*addresses_of(past.step.entry).values()}
        addresses |= {party for party in (past.step.giver, past.step.holder) if party is not None}
    known = provenance_schemas.Known(
        cursor=reading.cursor,
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


@dataclass(frozen=True, slots=True)
class OnChain:
    """A certificate that the node is asked about, and the block at which it is."""

    view: ReceivablesView
    id: CertificateId
    block_hash: bytes


def on_chain(request: Request, services: ServicesDep, named: CertificateIdPath) -> Iterator[OnChain]:
    """A live certificate. Its snapshot has ended when the node is asked. Raises UnknownCertificate, as `reading`."""
    with snapshot(request, services) as reading:
        row = _require(reading, named)
        block_hash = reading.cursor.block_hash
    yield OnChain(ReceivablesView(services.node, services.deployment.receivables), row.id, block_hash)


OnChainDep = Annotated[OnChain, Depends(on_chain, scope="function", max_concurrency=NODE_READS_MAX)]


@router.get(
    "/{receivable_id}/{part}/metadata",
    summary="Read how the chain describes a certificate",
    response_class=Response,
    responses=openapi.media("application/json", {"type": "object"}, HTTPStatus.NOT_FOUND, HTTPStatus.BAD_GATEWAY),
)
def read_metadata(shown: OnChainDep) -> Response:
    """The metadata of the ERC-721 token, as the contract's tokenURI tells it at as_of_block: name, description, image
    and attributes.

    Refuses: unknown_certificate, not_described.
    """
    return JSONResponse(described(shown.view, shown.id, block=shown.block_hash))


class ImageQuery(BaseModel):
    """Language of a picture."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lang: Literal["en", "zh"] | None = Field(
        default=None, description="Else it shows the viewer's: English, or Chinese where that is preferred."
    )


@router.get(
    "/{receivable_id}/{part}/image.svg",
    summary="See a certificate",
    response_class=Response,
    responses=openapi.media("image/svg+xml", {"type": "string"}, HTTPStatus.NOT_FOUND, HTTPStatus.BAD_GATEWAY),
)
def read_image(shown: OnChainDep, query: Annotated[ImageQuery, Query()]) -> Response:
    """The certificate drawn by the chain at as_of_block. Refuses: unknown_certificate, not_described."""
    text = drawn(shown.view, shown.id, language=query.lang, block=shown.block_hash)
    # Whatever contract drew it: nothing in it may run or load anything.
    headers = {
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(text, media_type="image/svg+xml", headers=headers)


def show_all(reading: Reading, rows: Sequence[certificates.CertificateRow]) -> list[schemas.CertificateOut]:
    """Rows as the API shows them, with names and orders read at once."""
    names = reading.names(address for row in rows for address in schemas.parties_of(row))
    holds = reading.holds(certificates=rows)
    standings = reading.standings(row.receivable_id for row in rows)
    return [
        schemas.show(row, names=names, holds=holds, standing=standings[row.receivable_id], now=reading.now)
        for row in rows
    ]


def _require(reading: Reading, named: CertificateId) -> certificates.CertificateRow:
    row = reading.certificate(named.receivable_id, named.start)
    if row is None:
        raise UnknownCertificate(f"there is no {named}: no live certificate begins there")
    require_same_range(row.state(), named)
    return row
