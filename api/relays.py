"""How a request that submits something is taken: its body, its turn, its key, and who pays for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from eth_account.signers.local import LocalAccount
from fastapi import Depends, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.deps import RelayerDep, Services, ServicesDep, commands_of
from api.errors import RequestMalformed
from registry.chain.submit import account_address
from registry.commands.relaying import Relayed, RelayingOff, Submittable, rehearse, relay_once
from registry.domain.identifiers import Address
from registry.errors import Refusal
from registry.store.queries import parties
from registry.store.queries.parties import PartyRow

DOCUMENT_BYTES_MAX = 256 * 1024
"""A batch of a thousand parts fits."""

RELAYS_MAX = 4
"""Requests that submit or rehearse at once, of whatever kind: each holds a thread while it waits for its block."""

KEY_PATTERN = r"^[\x21-\x7e]{1,200}$"

_In = TypeVar("_In", bound=BaseModel)


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


async def json_content(request: Request) -> bytes:
    """The body. Raises OperationTooLarge, RequestMalformed."""
    # A page of another site can send forms and plain text unasked, JSON it cannot.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise RequestMalformed("the document comes as application/json")
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > DOCUMENT_BYTES_MAX:
            raise OperationTooLarge(f"the body has more than {DOCUMENT_BYTES_MAX} bytes")
    return bytes(content)


async def in_turn(content: Annotated[bytes, Depends(json_content)]) -> AsyncIterator[bytes]:
    """The body when its turn has come. Who waits holds no thread, and takes no turn before the body is there."""
    yield content


ContentDep = Annotated[bytes, Depends(in_turn, scope="function", max_concurrency=RELAYS_MAX)]


def parsed(model: type[_In], content: bytes) -> _In:
    """The body as it must be. Raises RequestMalformed."""
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        raise RequestMalformed("; ".join(_told(found) for found in error.errors(include_url=False))) from None


class RelayQuery(BaseModel):
    """How a request is taken."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dry_run: bool = Field(default=False, description="Say what would happen; send nothing.")


IdempotencyKey = Annotated[
    str | None,
    Header(pattern=KEY_PATTERN, description="Names this request: repeated with the same key, it is carried out once."),
]


@dataclass(frozen=True, slots=True)
class Relay:
    """How this request is carried out: rehearsed, or once under its key."""

    response: Response
    services: Services
    relayer: LocalAccount | None
    dry_run: bool
    key: str | None

    def rehearse(self, asked: Submittable) -> int:
        """Gas that it would use. Raises as relaying.rehearse."""
        sender = self.services.deployment.operator if self.relayer is None else account_address(self.relayer)
        return rehearse(commands_of(self.services), asked, sender=sender)

    def once(self, asked: Submittable) -> Relayed:
        """Carry it out; a repeated answer says so. Raises IdempotencyKeyMissing, RelayingOff, as relay_once."""
        if self.key is None:
            raise IdempotencyKeyMissing()
        if self.relayer is None:
            raise RelayingOff()
        relayed = relay_once(commands_of(self.services), asked, relayer=self.relayer, key=self.key)
        if relayed.repeated:
            self.response.headers["Idempotent-Replayed"] = "true"
        return relayed

    def names(self, addresses: Iterable[Address]) -> dict[Address, PartyRow]:
        """The known parties among these addresses."""
        with self.services.database.snapshot() as connection:
            return parties.parties_by_address(connection, addresses)


async def relay(
    *,
    response: Response,
    services: ServicesDep,
    relayer: RelayerDep,
    query: Annotated[RelayQuery, Query()],
    idempotency_key: IdempotencyKey = None,
) -> Relay:
    """What the request says of how it is carried out."""
    return Relay(response, services, relayer, query.dry_run, idempotency_key)


RelayDep = Annotated[Relay, Depends(relay)]


def _told(found: Any) -> str:
    return f"body.{'.'.join(str(part) for part in found['loc'])}: {found['msg']}"
