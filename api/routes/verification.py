"""Questions about claims, asked before they are financed."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from api import openapi
from api.deps import ServicesDep, snapshot
from api.relays import json_content, parsed
from api.routes.documents import FILE_CONTENT, UPLOADS_MAX, uploaded
from api.schemas import verification as schemas
from registry.commands.services import master_key
from registry.documents.invoice import Invoice
from registry.verification import claims

router = APIRouter(prefix="/v1/verification", tags=["Verification"])

_JSON = "application/json"
_EXAMPLE: dict[str, Any] = {
    "seller": {"identity": "vat:DE999000148", "name": "Brandmühl Guss GmbH"},
    "buyer": {"identity": "vat:DE999000017", "name": "Falkenrath Automobilwerke AG"},
    "number": "2026-1041",
    "issue_date": "2026-10-12",
    "due_date": "2027-01-10",
    "payable": {"amount": "132382.74", "currency": "EUR"},
}
_CLAIM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The invoice file itself, as it is, or its key fields as JSON.",
        "content": {
            _JSON: {"schema": {"$ref": "#/components/schemas/ClaimIn"}, "example": _EXAMPLE},
            **FILE_CONTENT,
        },
    }
}


async def asked(request: Request) -> Invoice:
    """The invoice in the body, or of the key fields in it. Raises what uploaded, json_content and ClaimIn raise."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == _JSON:
        return parsed(schemas.ClaimIn, await json_content(request)).invoice()
    return (await uploaded(request)).invoice


InvoiceDep = Annotated[Invoice, Depends(asked, max_concurrency=UPLOADS_MAX)]


@router.post(
    "/claims",
    summary="Ask whether a claim is known",
    openapi_extra=_CLAIM,
    responses=openapi.problems(
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.SERVICE_UNAVAILABLE,
    ),
)
def verify_claim(request: Request, services: ServicesDep, invoice: InvoiceDep) -> schemas.ClaimAnswerRead:
    """Whether the claim of an invoice, or one so near that it may be the same, is registered, pledged, sold or paid.

    For whoever is offered an invoice. The answer names nobody and no receivable, and tells no amount that the question
    did not. The question is recorded by its keyed hash with what was answered. Refuses: identity_malformed,
    unknown_currency, amount_malformed, request_malformed, operation_too_large of key fields; document_too_large,
    document_malformed, document_unsupported and what else makes a file unreadable, each by its code;
    document_incomplete of both.
    """
    with snapshot(request, services) as reading:
        found = claims.answer(reading.connection, invoice, master=master_key(services.settings.home), now=reading.now)
        block = reading.as_of_block
    claims.record(services.database, found, block_number=block.number)
    return schemas.show(found, block=block)
