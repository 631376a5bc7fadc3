"""Operations that members signed, submitted for them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api import openapi
from api.deps import RelayerDep, Services, ServicesDep, commands_of
from api.errors import RequestMalformed
from api.schemas import operations as schemas
from api.schemas.common import PartyOut
from registry.chain.submit import account_address
from registry.chain.typed_data import SignedOperation
from registry.commands.relaying import RelayingOff, member_signed, rehearse, relay_once
from registry.domain.identifiers import Address
from registry.errors import Refusal
from registry.store.queries import parties
from registry.store.queries.parties import PartyRow

DOCUMENT_BYTES_MAX = 256 * 1024
"""A batch of a thousand parts fits."""

RELAYS_MAX = 4
"""Operations that are submitted or rehearsed at once: each holds a thread while it waits for its block."""

KEY_PATTERN = r"^[\x21-\x7e]{1,200}$"

router = APIRouter(prefix="/v1/operations", tags=["Operations"])


class OperationTooLarge(Refusal):
    """The document of a signed operation is larger than any that makes sense."""

    code = "operation_too_large"
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    title = "The signed operation is too large"
    default_hint = "Divide the batch"


class IdempotencyKeyMissing(Refusal):
    """An operation without a key could be submitted twice by a client that repeats itself."""

    code = "idempotency_key_missing"
    status = HTTPStatus.BAD_REQUEST
    title = "A write needs an Idempotency-Key"
    default_hint = "Send a fresh one with every operation, and the same one to repeat it"


async def signed_operation(request: Request) -> SignedOperation:
    """The document in the body. Raises OperationTooLarge, RequestMalformed, SignedOperationMalformed,
    DocumentOfAnotherKind."""
    # A page of another site can send forms and plain text unasked, JSON it cannot.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise RequestMalformed("a signed operation comes as application/json")
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > DOCUMENT_BYTES_MAX:
            raise OperationTooLarge(f"the body has more than {DOCUMENT_BYTES_MAX} bytes")
    try:
        document = schemas.SignedOperationIn.model_validate_json(bytes(content))
    except ValidationError as error:
        raise RequestMalformed("; ".join(_told(found) for found in error.errors(include_url=False))) from None
    return member_signed(document.model_dump())


class OperationQuery(BaseModel):
    """How a signed operation is taken."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dry_run: bool = Field(default=False, description="Say what would happen; send nothing.")


async def in_turn(signed: Annotated[SignedOperation, Depends(signed_operation)]) -> AsyncIterator[SignedOperation]:
    """The operation when its turn has come. Who waits holds no thread, and takes no turn before the body is there."""
    yield signed


SignedDep = Annotated[SignedOperation, Depends(in_turn, scope="function", max_concurrency=RELAYS_MAX)]
IdempotencyKey = Annotated[
    str | None,
    Header(pattern=KEY_PATTERN, description="Names this request: repeated with the same key, it is carried out once."),
]


@router.post(
    "",
    summary="Submit a signed operation",
    openapi_extra=openapi.json_body(schemas.SignedOperationIn),
    responses=openapi.problems(
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.CONFLICT,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.SERVICE_UNAVAILABLE,
    ),
)
def submit_operation(
    *,
    response: Response,
    services: ServicesDep,
    relayer: RelayerDep,
    query: Annotated[OperationQuery, Query()],
    signed: SignedDep,
    idempotency_key: IdempotencyKey = None,
) -> schemas.SubmittedOut | schemas.RehearsedOut:
    """An operation that a member signed is sent to the contract at the expense of the operator's relayer.

    With `dry_run=true` nothing is sent: the answer names the refusal, or the gas. Repeated with the same
    `Idempotency-Key` it is carried out once, and answered again with `Idempotent-Replayed: true`; the same key with
    another operation is refused. Refuses: relaying_off, idempotency_key_missing, idempotency_key_reused,
    request_running, signed_operation_malformed, signed_for_another, document_of_another_kind, and whatever the
    contract refuses, of the signature and of the operation.
    """
    commands = commands_of(services)
    function = signed.operation.function()
    if query.dry_run:
        sender = services.deployment.operator if relayer is None else account_address(relayer)
        gas = rehearse(commands, signed, sender=sender)
        signer = PartyOut.of(signed.by.signer, _names(services, {signed.by.signer}))
        return schemas.RehearsedOut(operation=function, signer=signer, dry_run=True, gas=gas)
    if idempotency_key is None:
        raise IdempotencyKeyMissing()
    if relayer is None:
        raise RelayingOff()
    relayed = relay_once(commands, signed, relayer=relayer, key=idempotency_key)
    if relayed.repeated:
        response.headers["Idempotent-Replayed"] = "true"
    names = _names(services, {signed.by.signer, *schemas.parties_of(relayed.entries)})
    return schemas.show(function, PartyOut.of(signed.by.signer, names), relayed, names)


def _names(services: Services, addresses: set[Address]) -> dict[Address, PartyRow]:
    with services.database.snapshot() as connection:
        return parties.parties_by_address(connection, addresses)


def _told(found: Any) -> str:
    return f"body.{'.'.join(str(part) for part in found['loc'])}: {found['msg']}"
