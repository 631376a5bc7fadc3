"""What endpoints ask for: the services, a snapshot with the block it is true at, ids read from the path.

Endpoints and dependencies are plain functions, which FastAPI runs in its thread pool: a read is a few statements on one
connection, the node and the database are spoken to by blocking clients, and a thread each is simpler than a second,
asynchronous database layer. The snapshot is bounded below the connection pool, so that requests wait in the event loop
and not in threads that those with a connection need to finish.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from eth_account.signers.local import LocalAccount
from fastapi import Depends, Path, Request

from api.schemas.common import BlockOut
from api.schemas.orders import Holds
from registry.chain.deploy import Deployment
from registry.chain.rpc import Node
from registry.commands.home import Running
from registry.commands.names import UnknownAccount
from registry.commands.services import Services as CommandServices
from registry.domain.identifiers import (
    Address,
    CertificateId,
    IdMalformed,
    format_address,
    parse_address,
    parse_certificate_id,
    parse_receivable_id,
)
from registry.mirror.follower import OtherRegistry
from registry.mirror.rebuild import NothingMirrored
from registry.settings import Settings
from registry.store.database import POOL_CONNECTIONS_MAX, Database
from registry.store.queries import (
    Connection,
    certificates,
    entries,
    health,
    journals,
    orders,
    parties,
    receivables,
    registry,
)
from registry.store.queries.certificates import CertificateRow
from registry.store.queries.entries import StoredEntryRow
from registry.store.queries.health import CursorRow
from registry.store.queries.journals import Standing
from registry.store.queries.orders import HoldRow
from registry.store.queries.pages import Page
from registry.store.queries.parties import PartyRow
from registry.store.queries.receivables import ReceivableRow
from registry.store.queries.registry import RegistryRow

EXPORT_READS_MAX = 2
"""Exports that read at once; between its parts an export holds no connection."""

SNAPSHOTS_MAX = POOL_CONNECTIONS_MAX - EXPORT_READS_MAX - 2
"""Requests that read at once; two connections stay for /ready and /metrics."""

NODE_READS_MAX = 4
"""Requests that ask the node for their answer at once: each holds a thread meanwhile, and no connection."""

HANDLE_SHOWN_MAX = 100
"""Characters of a text that is no name, which a refusal repeats."""


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

    @cached_property
    def registry(self) -> RegistryRow:
        """The registry's own switches and parameters at the block. Raises MirrorEmpty."""
        found = registry.registry(self.connection)
        if found is None:
            raise MirrorEmpty("the first entry of R-0 is not mirrored yet")
        return found

    def party(self, name: str | None) -> Address | None:
        """The account behind a handle or an address; None for none. Raises UnknownAccount, IdMalformed."""
        if name is None:
            return None
        name = name.strip()
        if name.startswith("0x"):
            return parse_address(name)
        # PostgreSQL takes no NUL, and no handle holds what cannot be printed.
        found = parties.party_by_handle(self.connection, name) if name.isprintable() else None
        if found is None:
            raise UnknownAccount(f"{name[:HANDLE_SHOWN_MAX]!r} is no handle", hint="/v1/members lists the handles")
        return found.address

    def holds(
        self,
        *,
        receivables: Iterable[int] = (),
        certificates: Iterable[CertificateRow] = (),
        members: Iterable[Address] = (),
    ) -> Holds:
        """The orders in force on what is shown, in one statement."""
        parts = list(certificates)
        return Holds(
            self._freezes_on(
                receivables=receivables,
                certificates=[(part.receivable_id, part.start_minor) for part in parts],
                members=[*members, *(part.holder for part in parts)],
            )
        )

    def _freezes_on(
        self, *, receivables: Iterable[int], certificates: Iterable[tuple[int, int]], members: Iterable[Address]
    ) -> Sequence[HoldRow]:
        return orders.freezes_on(
            self.connection, now=self.now, receivables=receivables, certificates=certificates, members=members
        )

    def standings(self, journal_ids: Iterable[int]) -> dict[int, Standing]:
        """How final these journals are, and whether they are set aside, in one statement."""
        return journals.standings(self.connection, journal_ids, cursor=self.cursor)

    def receivable(self, receivable_id: int) -> ReceivableRow | None:
        """One receivable, or None."""
        return receivables.receivable(self.connection, receivable_id)

    def certificate(self, receivable_id: int, start: int) -> CertificateRow | None:
        """The live certificate that starts at this minor unit, or None."""
        return certificates.certificate(self.connection, receivable_id, start)

    def entries(self, journal_id: int, *, after: int | None, limit: int) -> Page[StoredEntryRow, int]:
        """A page of a journal; `after` is the position that it follows."""
        return entries.entries(self.connection, journal_id, after=after, limit=limit)

    def names(self, addresses: Iterable[Address]) -> dict[Address, PartyRow]:
        """The known parties among these addresses, in one statement."""
        return parties.parties_by_address(self.connection, addresses)


def services_of(request: Request) -> Services:
    """The services of the application."""
    services = request.app.state.services
    assert isinstance(services, Services)  # set before the first request
    return services


ServicesDep = Annotated[Services, Depends(services_of)]


def commands_of(services: Services) -> CommandServices:
    """The services as the use cases take them. Whoever runs the mirror here is left to it."""
    home = services.settings.home
    return CommandServices(
        home,
        services.node,
        services.database,
        services.deployment,
        services.settings,
        running=Running.find(home),
    )


def relayer_of(request: Request) -> LocalAccount | None:
    """The account that pays for the operations of others, opened when the application started; None for none."""
    relayer = request.app.state.relayer
    assert relayer is None or isinstance(relayer, LocalAccount)  # set before the first request
    return relayer


RelayerDep = Annotated[LocalAccount | None, Depends(relayer_of)]


def require_ours(cursor: CursorRow | None, deployment: Deployment) -> CursorRow:
    """The cursor of this registry's mirror. Raises MirrorEmpty, OtherRegistry."""
    if cursor is None:
        raise MirrorEmpty()
    if (cursor.chain_id, cursor.contract) != (deployment.chain_id, deployment.receivables):
        raise OtherRegistry(f"it mirrors {format_address(cursor.contract)} on chain {cursor.chain_id}")
    return cursor


def reading(request: Request, services: ServicesDep) -> Iterator[Reading]:
    """A read-only, repeatable-read snapshot.

    Raises MirrorEmpty, OtherRegistry, DatabaseUnreachable, QueryTimeout.
    """
    with services.database.snapshot() as connection:
        found = Reading(connection, require_ours(health.cursor(connection), services.deployment))
        # For the ETag and for refusals: a 404 is true at a block as well.
        request.state.as_of_block = found.as_of_block
        yield found


snapshot = contextmanager(reading)
"""The same for as long as a part of a request takes."""

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


MemberText = Annotated[
    str, Path(description="Handle or address.", examples=["voltaic", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"])
]


def member_address(member: MemberText, reading: ReadingDep) -> Address:
    """Raises UnknownAccount, IdMalformed."""
    address = reading.party(member)
    assert address is not None  # a path has a member
    return address


def order_hash(
    order: Annotated[str, Path(description="What names the order on chain.", examples=["0x" + "4f" * 32])],
) -> bytes:
    """Raises IdMalformed."""
    return parse_hash(order)


def parse_hash(text: str) -> bytes:
    """Read 0x and 64 hex digits. Raises IdMalformed."""
    if re.fullmatch(r"0x[0-9a-fA-F]{64}", text, re.ASCII) is None:
        raise IdMalformed(f"{text[:HANDLE_SHOWN_MAX]!r} is no hash", hint="A hash is written 0x and 64 hex digits")
    return bytes.fromhex(text[2:])


ReceivableIdPath = Annotated[int, Depends(receivable_id)]
CertificateIdPath = Annotated[CertificateId, Depends(certificate_id)]
MemberPath = Annotated[Address, Depends(member_address)]
OrderPath = Annotated[bytes, Depends(order_hash)]
