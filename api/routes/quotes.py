"""Sealed quotes: kept for their holders, accepted at the desk. Only who has the document can use it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request

from api import openapi
from api.deps import NODE_READS_MAX, Services, ServicesDep, commands_of, parse_hash, snapshot
from api.etags import TaggedRoute
from api.relays import ContentDep, RelayDep, parsed
from api.schemas import operations as operation_schemas
from api.schemas import quotes as schemas
from api.schemas.common import BlockOut, hex_text
from registry.chain.quotes import SignedAcceptance, SignedQuote
from registry.commands import quotes as commands
from registry.commands.quotes import UnknownQuote
from registry.domain.identifiers import Address
from registry.store.queries import certificates, quotes
from registry.store.queries.certificates import CertificateRow
from registry.store.queries.health import CursorRow
from registry.store.queries.quotes import QuoteRow

router = APIRouter(prefix="/v1", tags=["Quotes"], route_class=TaggedRoute)


@dataclass(frozen=True, slots=True)
class Unopened:
    """A quote that the desk is asked about, with what the mirror has of its certificate at that block."""

    row: QuoteRow
    certificate: CertificateRow | None
    desk: Address
    cursor: CursorRow

    def show(self, services: Services) -> schemas.QuoteRead:
        """Where it stands, by the mirror and by the desk's nonces."""
        state = commands.state(
            commands_of(services), self.row, certificate=self.certificate, desk=self.desk, cursor=self.cursor
        )
        return schemas.QuoteRead(
            digest=hex_text(self.row.digest), state=state.value, as_of_block=BlockOut.of(self.cursor)
        )


def read_unopened(request: Request, services: Services, digest: bytes) -> Unopened:
    """The quote of a digest. Its snapshot has ended when the desk is asked. Raises UnknownQuote, as `reading`."""
    with snapshot(request, services) as reading:
        row = quotes.quote_unopened(reading.connection, digest)
        if row is None:
            raise UnknownQuote(f"no quote {hex_text(digest)} is kept here", hint="POST /v1/quotes keeps one")
        certificate = certificates.certificate(reading.connection, row.receivable_id, row.start_minor)
        return Unopened(row, certificate, reading.registry.desk, reading.cursor)


def unopened(
    request: Request,
    services: ServicesDep,
    digest: Annotated[str, Path(description="What the financier signed.", examples=["0x" + "4f" * 32])],
) -> Iterator[Unopened]:
    """Raises IdMalformed, UnknownQuote, as `reading`."""
    yield read_unopened(request, services, parse_hash(digest))


UnopenedDep = Annotated[Unopened, Depends(unopened, scope="function", max_concurrency=NODE_READS_MAX)]


@router.post(
    "/quotes",
    summary="Leave a sealed quote",
    openapi_extra=openapi.json_body(schemas.SignedQuoteIn),
    responses=openapi.relays(),
)
def keep_quote(request: Request, services: ServicesDep, content: ContentDep) -> schemas.QuoteRead:
    """A quote that a financier signed is kept for the holder that it names, who finds it with `counterfoil quote list`.

    Quotes are sealed (DOMAIN rule 14), and this API does not know who asks. So it lists none and shows none: the signed
    document is the capability, which the financier hands to the holder, and which POST /v1/acceptances takes. Whoever
    names a digest learns where the quote stands, never its price; to name one before it is accepted takes the document.
    The same quote comes as often as one likes and is kept once. What the registry or the desk would refuse of it is
    refused here, so that only financiers fill this shelf. Refuses: quote_malformed, signed_for_another, quote_expired,
    quote_used, signature_invalid, wrong_token, and whatever the registry refuses of the sale or the pledge.
    """
    signed = SignedQuote.from_json(parsed(schemas.SignedQuoteIn, content).model_dump())
    row = commands.keep(commands_of(services), signed)
    return read_unopened(request, services, row.digest).show(services)


@router.get(
    "/quotes/{digest}",
    summary="Read where a quote stands",
    responses=openapi.reads(HTTPStatus.NOT_FOUND, HTTPStatus.BAD_GATEWAY),
)
def read_quote(found: UnopenedDep, services: ServicesDep) -> schemas.QuoteRead:
    """Whether a quote can still be accepted, and nothing of what it says. Refuses: unknown_quote."""
    return found.show(services)


@router.post(
    "/acceptances",
    summary="Accept a quote by signature",
    openapi_extra=openapi.json_body(schemas.SignedAcceptanceIn),
    responses=openapi.relays(),
)
def submit_acceptance(
    relay: RelayDep, content: ContentDep
) -> operation_schemas.SubmittedOut | operation_schemas.RehearsedOut:
    """A quote that its holder accepted by signature is submitted to the desk at the expense of the operator's relayer:
    certificate and money change hands in one transaction, or nothing does.

    The quote need not have been left here. `dry_run` and `Idempotency-Key` are as for operations. Refuses:
    relaying_off, idempotency_key_missing, idempotency_key_reused, request_running, quote_malformed,
    signed_for_another, and whatever desk, registry and deposit token refuse.
    """
    accepted = SignedAcceptance.from_json(parsed(schemas.SignedAcceptanceIn, content).model_dump(exclude_unset=True))
    signers = [accepted.quote.quote.holder]
    if relay.dry_run:
        gas = relay.rehearse(accepted)
        return operation_schemas.show_rehearsed("accept", gas, signers=signers, names=relay.names(signers))
    relayed = relay.once(accepted)
    names = relay.names({*signers, *operation_schemas.parties_of(relayed.entries)})
    return operation_schemas.show("accept", relayed, signers=signers, names=names)
