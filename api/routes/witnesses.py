"""What stands behind proofs: attestations of block headers, and how far their witnesses are."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api import openapi
from api.deps import Reading, ReadingDep, ServicesDep
from api.lists import ListQuery, ListRoute, reads_list
from api.relays import ContentDep, parsed
from api.routes.journals import JSON_LINES_MEDIA_TYPE
from api.schemas import witnesses as schemas
from registry.commands.witnessing import take
from registry.store.queries import attestations as queries
from registry.store.queries.attestations import AttestationRow
from registry.verification.attestation import AT_BLOCK_MAX
from registry.verification.bundle import NUMBER_BITS_MAX

router = APIRouter(prefix="/v1/verification", tags=["Verification"], route_class=ListRoute)

BlockNumber = Annotated[int, Field(ge=0, lt=2**NUMBER_BITS_MAX, description="Number of the block.", examples=[1024])]


class AttestationsQuery(ListQuery):
    """Which block's attestations are wanted."""

    block: BlockNumber


class AttestationLinesQuery(BaseModel):
    """The same; there is one form."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    block: BlockNumber


@router.post(
    "/attestations",
    summary="Hand over what a witness signed",
    openapi_extra=openapi.json_body(schemas.AttestationIn),
    responses=openapi.problems(
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.CONFLICT,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.SERVICE_UNAVAILABLE,
    ),
)
def take_attestation(services: ServicesDep, content: ContentDep) -> schemas.AttestationOut:
    """Kept if the signature is that of a witness that COUNTERFOIL_WITNESSES names; the same once more changes nothing.

    One that the mirror contradicts is kept too, and is an alarm: in the log, in the state of the witness, in /metrics.
    Refuses: attestations_malformed, witness_unknown, attested_elsewhere.
    """
    attestation = parsed(schemas.AttestationIn, content).attestation()
    return schemas.show(take(services.database, services.deployment, services.settings, attestation))


@router.get("/attestations", summary="List what witnesses signed of a block", responses=reads_list())
def list_attestations(reading: ReadingDep, query: Annotated[AttestationsQuery, Query()]) -> schemas.AttestationList:
    """Of this registry's chain, by witness. Two of one witness with two hashes are both there."""
    items = [schemas.show(row) for row in _rows(reading, query.block)]
    return schemas.AttestationList(items=items, next=None, as_of_block=reading.as_of_block)


@router.get(
    "/attestations.jsonl",
    summary="Get what witnesses signed of a block, for a verifier",
    response_class=Response,
    responses=openapi.media(JSON_LINES_MEDIA_TYPE, {"type": "string"}),
)
def export_attestations(reading: ReadingDep, query: Annotated[AttestationLinesQuery, Query()]) -> Response:
    """The same as JSON lines: what `counterfoil verify --attestations URL` asks for."""
    cursor = reading.cursor
    found = schemas.lines(_rows(reading, query.block), chain_id=cursor.chain_id, contract=cursor.contract)
    return Response(found, media_type=JSON_LINES_MEDIA_TYPE)


@router.get("/witnesses", summary="See how far the witnesses are", responses=reads_list())
def list_witnesses(
    services: ServicesDep,
    reading: ReadingDep,
    query: Annotated[ListQuery, Query()],  # noqa: ARG001  (refuses others)
) -> schemas.WitnessList:
    """Those that COUNTERFOIL_WITNESSES names: what each signed last, its lag, and whether the mirror has any of its
    blocks with another hash. Only headers that the mirror keeps are compared, of the newest 10,000 of each."""
    rows = queries.witnesses(reading.connection, reading.cursor, services.settings.witness_addresses)
    items = [schemas.show_witness(row, block_number=reading.cursor.block_number) for row in rows]
    return schemas.WitnessList(items=items, next=None, as_of_block=reading.as_of_block)


def _rows(reading: Reading, block: int) -> list[AttestationRow]:
    return queries.attestations(reading.connection, reading.cursor, block_number=block, limit=AT_BLOCK_MAX)
