"""Proofs of certificates, this server's verdict on one, and the program to check them with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from api import openapi
from api.deps import NODE_READS_MAX, CertificateIdPath, ServicesDep, snapshot
from api.schemas import proofs as schemas
from registry.chain.rpc import Node
from registry.verification import export
from registry.verification.bundle import BYTES_MAX, BundleTooLarge
from registry.verification.make import Gathered, Wanted, gather, make, pins_of
from registry.verification.verify import verify

VERDICTS_MAX = 2
"""Bundles that are checked at once: each may take BYTES_MAX of memory several times, and seconds of a processor."""

router = APIRouter(prefix="/v1", tags=["Verification"])

_BUNDLE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The bundle, byte for byte as it came: docs/proof-format.md.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}


class ProofQuery(BaseModel):
    """At which block, and how much of the journal."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    block: int | None = Field(
        default=None, ge=0, le=2**63 - 1, description="Number of a mirrored block; else the mirror's.", examples=[4242]
    )
    redact: bool = Field(default=False, description="Seal the entries that do not bear on this certificate.")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the database gave for a proof, and the node that gives the rest."""

    gathered: Gathered
    node: Node

    def bundle(self) -> bytes:
        """The proof. Raises ProofFailed, HeaderUnknown, NodeUnreachable, RpcFailed."""
        return make(self.node, self.gathered)


def asked(
    request: Request, services: ServicesDep, named: CertificateIdPath, query: Annotated[ProofQuery, Query()]
) -> Iterator[Asked]:
    """The journal of a certificate. Its snapshot has ended when the node is asked. Raises as gather, and `reading`."""
    with snapshot(request, services) as reading:
        gathered = gather(reading.connection, Wanted(named, block=query.block, redact=query.redact))
    yield Asked(gathered, services.node)


AskedDep = Annotated[Asked, Depends(asked, scope="function", max_concurrency=NODE_READS_MAX)]


@router.get(
    "/certificates/{receivable_id}/{part}/proof",
    summary="Prove a certificate",
    response_class=Response,
    responses=openapi.media(
        "application/json", {"type": "object"}, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.BAD_GATEWAY
    ),
)
def read_proof(named: CertificateIdPath, asked: AskedDep) -> Response:
    """The proof bundle of a certificate, live or gone, against the header of one block: the same bytes whenever it is
    made.

    Check it with a verifier of your own (`/v1/verification/verifier.pyz`), against a block hash that you have from
    elsewhere. Fields of the invoice are shown by its owner, who opens them by `counterfoil prove --open`, not here.
    Refuses: unknown_receivable, unknown_certificate for a range that never was one, block_not_mirrored,
    journal_too_long, proof_failed, header_unknown.
    """
    name = f"{named}-block-{asked.gathered.block}.json".replace("/", "_")
    return Response(
        asked.bundle(),
        media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.get(
    "/certificates/{receivable_id}/{part}/verdict",
    summary="Read this server's verdict on a certificate",
    responses=openapi.reads(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.BAD_GATEWAY),
)
def read_verdict(asked: AskedDep) -> schemas.VerdictRead:
    """What the proof of a certificate says, in words. It is the server's own word: header and contract stay not proven.

    Refuses as the proof.
    """
    return schemas.VerdictRead.of(verify(asked.bundle()))


async def posted(request: Request) -> bytes:
    """The body. Raises BundleTooLarge."""
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > BYTES_MAX:
            raise BundleTooLarge()
    return bytes(content)


PostedDep = Annotated[bytes, Depends(posted, max_concurrency=VERDICTS_MAX)]


@router.post(
    "/verification/verdicts",
    summary="Have this server check a proof",
    openapi_extra=_BUNDLE,
    responses=openapi.problems(HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
)
async def check_proof(bundle: PostedDep) -> schemas.VerdictRead:
    """This server's verdict on a bundle, of whatever registry. Nothing of it is kept. Header and contract stay not
    proven: who has a block hash checks with a verifier of their own.

    Refuses: bundle_malformed, bundle_too_large.
    """
    return schemas.VerdictRead.of(await run_in_threadpool(verify, bundle))


@router.get(
    "/verification/pins",
    summary="Read what pins a verifier to this registry",
    responses=openapi.problems(HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE),
)
def read_pins(services: ServicesDep) -> schemas.PinsRead:
    """Chain, address and code hash of the registry, as this server and its node have them. What a verifier expects must
    come from a source that it trusts: compare these with another one.
    """
    return schemas.PinsRead.of(pins_of(services.node, services.deployment.receivables))


@router.get(
    "/verification/verifier.pyz",
    summary="Download the verifier",
    response_class=Response,
    responses=openapi.media("application/zip", {"type": "string", "format": "binary"}, HTTPStatus.BAD_GATEWAY),
)
def read_verifier(services: ServicesDep) -> Response:
    """The verifier of bundles as one file for an empty Python 3.11 or later, pinned to this registry:
    `python3 -I verifier.pyz bundle.json --block-hash 0x…`. It is source, to be read.
    """
    return Response(
        export.export(pins_of(services.node, services.deployment.receivables)),
        media_type="application/zip",
        headers={"Content-Disposition": 'attachment; filename="verifier.pyz"'},
    )
