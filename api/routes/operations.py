"""Operations that members signed, submitted for them."""

from __future__ import annotations

from fastapi import APIRouter

from api import openapi
from api.relays import ContentDep, RelayDep, parsed
from api.schemas import operations as schemas
from registry.commands.relaying import member_signed

router = APIRouter(prefix="/v1/operations", tags=["Operations"])


@router.post(
    "",
    summary="Submit a signed operation",
    openapi_extra=openapi.json_body(schemas.SignedOperationIn),
    responses=openapi.relays(),
)
def submit_operation(relay: RelayDep, content: ContentDep) -> schemas.SubmittedOut | schemas.RehearsedOut:
    """An operation that a member signed is sent to the contract at the expense of the operator's relayer. A credit
    note, a dispute and its end carry the other party's signature as `second`.

    With `dry_run=true` nothing is sent: the answer names the refusal, or the gas. Repeated with the same
    `Idempotency-Key` it is carried out once, and answered again with `Idempotent-Replayed: true`; the same key with
    another operation is refused. Refuses: relaying_off, idempotency_key_missing, idempotency_key_reused,
    request_running, signed_operation_malformed, signed_for_another, document_of_another_kind, and whatever the
    contract refuses, of the signature and of the operation.
    """
    # Left out is not the same as null: a document without `second` has one signer.
    signed = member_signed(parsed(schemas.SignedOperationIn, content).model_dump(exclude_unset=True))
    function = signed.operation.function()
    signers = [by.signer for by in (signed.by, signed.second) if by is not None]
    if relay.dry_run:
        return schemas.show_rehearsed(function, relay.rehearse(signed), signers=signers, names=relay.names(signers))
    relayed = relay.once(signed)
    names = relay.names({*signers, *schemas.parties_of(relayed.entries)})
    return schemas.show(function, relayed, signers=signers, names=names)
