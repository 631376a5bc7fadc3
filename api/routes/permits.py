"""Permits: who signed one lets a spender take so much of its deposit."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter

from api import openapi
from api.relays import ContentDep, RelayDep, parsed
from api.schemas import operations as operation_schemas
from api.schemas.permits import SignedPermitIn
from registry.chain.deposits import SignedPermit

router = APIRouter(prefix="/v1/permits", tags=["Operations"])


@router.post(
    "",
    summary="Submit a signed permit",
    openapi_extra=openapi.json_body(SignedPermitIn),
    responses=openapi.relays(HTTPStatus.NOT_FOUND),
)
def submit_permit(
    relay: RelayDep, content: ContentDep
) -> operation_schemas.SubmittedOut | operation_schemas.RehearsedOut:
    """A member's permit (ERC-2612) is sent to the deposit token at the expense of the operator's relayer: from then on
    the spender, most often the registry or the desk, may take so much of the member's deposit. It appends no entry.

    `dry_run` and `Idempotency-Key` are as for operations. Refuses: relaying_off, idempotency_key_missing,
    idempotency_key_reused, request_running, permit_malformed, signed_for_another, unknown_member, permit_expired,
    permit_invalid.
    """
    permitted = SignedPermit.from_json(parsed(SignedPermitIn, content).model_dump())
    signers = [permitted.permit.owner]
    if relay.dry_run:
        gas = relay.rehearse(permitted)
        return operation_schemas.show_rehearsed("permit", gas, signers=signers, names=relay.names(signers))
    return operation_schemas.show("permit", relay.once(permitted), signers=signers, names=relay.names(signers))
