"""Proofs of certificates, this server's verdicts on proofs, and what a verifier of one's own needs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api import openapi
from api.deps import NODE_READS_MAX, CertificateIdPath, Services, ServicesDep, snapshot
from api.etags import TaggedRoute
from api.schemas import proofs as schemas
from api.schemas.common import BlockOut, hex_text, instant
from registry.domain.identifiers import Address, CertificateId
from registry.verification.bundle import Bundle, BundleTooLarge
from registry.verification.certificate_pdf import certificate_pdf, names_for
from registry.verification.export import export
from registry.verification.header import Header
from registry.verification.make import Gathered, Wanted, gather, make, pins_of
from registry.verification.own_verdict import own_verdict
from registry.verification.verify import Pins

PROOFS_MAX = 2
"""Proofs that are made at once, and as many that are checked: each keeps a processor busy, and the node."""

BUNDLE_BYTES_MAX = 16_000_000
"""Of a proof that somebody hands in; a verifier of one's own takes four times as much."""

BLOCK_MAX = 2**53 - 1

router = APIRouter(prefix="/v1", tags=["Verification"], route_class=TaggedRoute)

_PROOF: dict[str, Any] = {"type": "object", "examples": [schemas.PROOF_EXAMPLE]}
_FILE: dict[str, Any] = {"type": "string"}


class ProofQuery(BaseModel):
    """Which proof is asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    block: int | None = Field(
        default=None, ge=0, le=BLOCK_MAX, description="At this block; else at the mirror's.", examples=[1024]
    )
    redact: bool = Field(default=False, description="Seal the entries that do not bear on this certificate.")


class PageQuery(ProofQuery):
    """Which proof is printed, and how."""

    lang: Literal["en", "zh"] = Field(default="en", description="Language of the page.")


@dataclass(frozen=True, slots=True)
class Asked:
    """A proof that the node is asked for: what the database gives for it, and the names known here."""

    request: Request
    services: Services
    gathered: Gathered
    names: Mapping[Address, str]
    cursor_block: BlockOut

    def made(self) -> bytes:
        """The proof; the answer is true at its block. Raises as make."""
        bundle = make(self.services.node, self.gathered)
        header = Header.decode(Bundle.decode(bundle).header)
        # A block is at least as final as those after it.
        self.request.state.as_of_block = BlockOut(
            number=header.number,
            hash=hex_text(header.hash),
            at=instant(header.at),
            finality=self.cursor_block.finality,
        )
        return bundle

    @property
    def as_of_block(self) -> BlockOut:
        """The block of the proof, once it is made."""
        found = self.request.state.as_of_block
        assert isinstance(found, BlockOut)
        return found

    def file_name(self, ending: str) -> dict[str, str]:
        """The header that names the file."""
        name = str(self.gathered.wanted.certificate).replace("/", "_")
        return {"Content-Disposition": f'inline; filename="{name}.{ending}"', "X-Content-Type-Options": "nosniff"}


def asked(
    request: Request, services: ServicesDep, named: CertificateIdPath, query: Annotated[ProofQuery, Query()]
) -> Iterator[Asked]:
    """Its snapshot has ended when the node is asked. Raises as `reading` and gather."""
    yield _asked(request, services, named, query)


def asked_to_print(
    request: Request, services: ServicesDep, named: CertificateIdPath, query: Annotated[PageQuery, Query()]
) -> Iterator[Asked]:
    """As `asked`, of a page."""
    yield _asked(request, services, named, query)


def _asked(request: Request, services: Services, named: CertificateId, query: ProofQuery) -> Asked:
    with snapshot(request, services) as reading:
        gathered = gather(reading.connection, Wanted(named, block=query.block, redact=query.redact))
        return Asked(request, services, gathered, names_for(reading.connection, gathered), reading.as_of_block)


AskedDep = Annotated[Asked, Depends(asked, scope="function", max_concurrency=PROOFS_MAX)]
AskedToPrintDep = Annotated[Asked, Depends(asked_to_print, scope="function", max_concurrency=PROOFS_MAX)]

_REFUSALS = (
    HTTPStatus.NOT_FOUND,
    HTTPStatus.CONFLICT,
    HTTPStatus.BAD_GATEWAY,
)


@router.get(
    "/certificates/{receivable_id}/{part}/proof",
    summary="Read the proof of a certificate",
    response_class=Response,
    responses=openapi.media("application/json", _PROOF, *_REFUSALS),
)
def read_proof(asked: AskedDep) -> Response:
    """The proof bundle, byte for byte the same for one block: anyone checks it against that block's hash, without this
    server (docs/proof-format.md). Also of a certificate that is no more.

    Fields of the invoice are not opened here: that is for their owner, and the API does not know who asks
    (`counterfoil prove --open`). Refuses: unknown_receivable, unknown_certificate, block_not_mirrored,
    journal_too_long, header_unknown, proof_failed.
    """
    return Response(asked.made(), media_type="application/json", headers=asked.file_name("proof.json"))


@router.get(
    "/certificates/{receivable_id}/{part}/verdict",
    summary="Read this server's verdict on a certificate's proof",
    responses=openapi.reads(*_REFUSALS),
)
def read_verdict(asked: AskedDep) -> schemas.VerdictRead:
    """What this server itself makes of the proof, by its own node: its own word, for who trusts it. Refuses as the
    proof does."""
    services = asked.services
    verdict = own_verdict(asked.made(), node=services.node, contract=services.deployment.receivables)
    return schemas.VerdictRead(**schemas.show(verdict).model_dump(), as_of_block=asked.as_of_block)


@router.get(
    "/certificates/{receivable_id}/{part}/certificate.pdf",
    summary="Print a certificate",
    response_class=Response,
    responses=openapi.media("application/pdf", _FILE, *_REFUSALS),
)
def read_page(asked: AskedToPrintDep, query: Annotated[PageQuery, Query()]) -> Response:
    """One A4 page with what the proof states, a QR code, and the proof attached as `proof.json`. Refuses as the proof
    does."""
    made = certificate_pdf(
        asked.made(), names=asked.names, language=query.lang, public_url=asked.services.settings.public_url
    )
    return Response(made, media_type="application/pdf", headers=asked.file_name("pdf"))


async def handed_in(request: Request) -> bytes:
    """The proof in the body. Raises BundleTooLarge."""
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > BUNDLE_BYTES_MAX:
            raise BundleTooLarge(
                f"the body has more than {BUNDLE_BYTES_MAX} bytes",
                hint="GET /v1/verification/verifier.pyz gives a verifier that takes larger ones",
            )
    return bytes(content)


async def in_turn(content: Annotated[bytes, Depends(handed_in)]) -> AsyncIterator[bytes]:
    """The body when its turn has come."""
    yield content


HandedInDep = Annotated[bytes, Depends(in_turn, scope="function", max_concurrency=PROOFS_MAX)]

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The proof itself, as it is.",
        "content": {"application/json": {"schema": _PROOF}},
    }
}


@router.post(
    "/verification/verdicts",
    summary="Hand a proof in for this server's verdict",
    openapi_extra=_BODY,
    responses=openapi.problems(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
    ),
)
def judge(content: HandedInDep, services: ServicesDep) -> schemas.VerdictOut:
    """What this server makes of a proof or a disclosure, by its own node and its own registry. Nothing of it is kept.

    A proof that does not hold is no error: its status is `contradicted`. Refuses: bundle_malformed, bundle_too_large.
    """
    return schemas.show(own_verdict(content, node=services.node, contract=services.deployment.receivables))


def own_pins(services: ServicesDep) -> Pins:
    """What names this registry. Raises NodeUnreachable, RpcFailed."""
    return pins_of(services.node, services.deployment.receivables)


PinsDep = Annotated[Pins, Depends(own_pins, max_concurrency=NODE_READS_MAX)]


@router.get(
    "/verification/pins",
    summary="Read what names this registry to a verifier",
    responses=openapi.problems(HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE),
)
def read_pins(pins: PinsDep) -> schemas.PinsRead:
    """Chain, address and hash of the code. A verifier takes them from a source that it trusts; this one is only to be
    compared with it."""
    return schemas.PinsRead.of(pins)


_exported = cache(export)
"""Its modules are those of this process; to find them takes half a second."""


@router.get(
    "/verification/verifier.pyz",
    summary="Get the verifier",
    response_class=Response,
    responses=openapi.file("application/zip", HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE),
)
def read_verifier(pins: PinsDep) -> Response:
    """The verifier as one file for an empty Python (`python -I verifier.pyz proof.json --block-hash 0x…`), with this
    registry's pins in it. It is readable source: who doubts this server reads it, or takes it from elsewhere."""
    headers = {"Content-Disposition": 'attachment; filename="verifier.pyz"', "X-Content-Type-Options": "nosniff"}
    return Response(_exported(pins), media_type="application/zip", headers=headers)
