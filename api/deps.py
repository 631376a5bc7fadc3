"""What endpoints ask for: the services, a snapshot with the block it is true at, ids read from the path.

Endpoints and dependencies are plain functions, which FastAPI runs in its thread pool: a read is a few statements on one
connection, the node and the database are spoken to by blocking clients, and a thread each is simpler than a second,
asynchronous database layer. The snapshot is bounded below the connection pool, so that requests wait in the event loop
and not in threads that those with a connection need to finish.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from fastapi import Depends, Path, Request

from api.schemas.common import BlockOut
from registry.chain.deploy import Deployment
from registry.chain.rpc import Node
from registry.domain.identifiers import (
    Address,
    CertificateId,
    format_address,
    parse_address,
    parse_certificate_id,
    parse_receivable_id,
)
from registry.mirror.follower import OtherRegistry
from registry.mirror.rebuild import NothingMirrored
from registry.settings import Settings
from registry.store.database import POOL_CONNECTIONS_MAX, Database
from registry.store.queries import Connection, health, parties
from registry.store.queries.health import CursorRow
from registry.store.queries.parties import PartyRow

SNAPSHOTS_MAX = POOL_CONNECTIONS_MAX - 2
"""Requests that read at once; two connections stay for /ready and /metrics."""


class MirrorEmpty(NothingMirrored):
    """As NothingMirrored, to a reader: it is the service that is not ready, not the request that conflicts."""

    status = 503


@dataclass(frozen=True, slots=True)
class Services:
    """What the application works with."""

    database: Database
    node: Node
    deployment: Deployment
    settings: Settings


@dataclass(frozen=True)
class Reading:
    """One state of the mirror: whatever is read on `connection` is true at the block of `cursor`."""

    connection: Connection
    cursor: CursorRow

    @property
    def now(self) -> int:
        """The time of the block, seconds: phases and eligibility are told at it, not at the wall clock."""
        return self.cursor.block_at

    @cached_property
    def as_of_block(self) -> BlockOut:
        """The block as the answer names it."""
        return BlockOut.of(self.cursor)

    def names(self, addresses: Iterable[Address]) -> dict[Address, PartyRow]:
        """The known parties among these addresses, in one statement."""
        return parties.parties_by_address(self.connection, addresses)


def services_of(request: Request) -> Services:
    """The services of the application."""
    services = request.app.state.services
    assert isinstance(services, Services)  # set before the first request
    return services


ServicesDep = Annotated[Services, Depends(services_of)]


def require_ours(cursor: CursorRow | None, deployment: Deployment) -> CursorRow:
    """The cursor of this registry's mirror. Raises MirrorEmpty, OtherRegistry."""
    if cursor is None:
        raise MirrorEmpty()
    if (cursor.chain_id, cursor.contract) != (deployment.chain_id, deployment.receivables):
        raise OtherRegistry(f"it mirrors {format_address(cursor.contract)} on chain {cursor.chain_id}")
    return cursor


def reading(request: Request, services: ServicesDep) -> Iterator[Reading]:
    """A read-only, repeatable-read snapshot. Raises MirrorEmpty, OtherRegistry, DatabaseUnreachable."""
    with services.database.snapshot() as connection:
        found = Reading(connection, require_ours(health.cursor(connection), services.deployment))
        # For the ETag and for refusals: a 404 is true at a block as well.
        request.state.as_of_block = found.as_of_block
        yield found


# scope="function" ends the transaction before the answer is sent, so that a slow client holds no connection.
ReadingDep = Annotated[Reading, Depends(reading, scope="function", max_concurrency=SNAPSHOTS_MAX)]


def receivable_id(
    receivable_id: Annotated[str, Path(description="Id of a receivable.", examples=["R-42"])],
) -> int:
    """Raises IdMalformed."""
    return parse_receivable_id(receivable_id)


def certificate_id(
    receivable_id: Annotated[str, Path(description="Id of a receivable.", examples=["R-42"])],
    part: Annotated[
        str,
        Path(description="Range in minor units, end exclusive. The id names the whole range.", examples=["0-125000"]),
    ],
) -> CertificateId:
    """Raises IdMalformed."""
    return parse_certificate_id(f"{receivable_id}/{part}")


def member_address(
    address: Annotated[str, Path(description="Account.", examples=["0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"])],
) -> Address:
    """Raises IdMalformed."""
    return parse_address(address)


ReceivableIdPath = Annotated[int, Depends(receivable_id)]
CertificateIdPath = Annotated[CertificateId, Depends(certificate_id)]
AddressPath = Annotated[Address, Depends(member_address)]
