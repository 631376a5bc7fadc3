"""What the rules say before the chain can be asked: of what takes two signatures, or several transactions.

The mirrored journals are folded into a registry.domain.rules.World. The contract's own answer counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from registry.chain.operations import Move, Operation
from registry.commands.sending import Pen, actor, anchor_of
from registry.commands.services import Services
from registry.domain import fold, rules
from registry.domain.identifiers import Address, CertificateId
from registry.domain.receivable import Member, Receivable, Scope
from registry.domain.rules import World
from registry.store.database import Connection
from registry.store.queries import entries as entry_queries
from registry.store.queries import health as health_queries
from registry.store.queries import members as member_queries
from registry.store.queries import orders as order_queries
from registry.store.queries import registry as registry_queries
from registry.store.queries.pages import PAGE_ROWS_MAX, every
from registry.store.queries.receivables import STANDING


def world(services: Services, *, receivables: Iterable[int], members: Iterable[Address] = ()) -> World:
    """These receivables and these members, as the mirror has them; nobody has an approval."""
    with services.database.snapshot() as connection:
        registry = registry_queries.registry(connection)
        assert registry is not None  # the constructor's entries are mirrored with the first block
        found = {number: receivable(connection, number) for number in receivables}
        known = {address: _member(connection, address) for address in members}
    return World(
        registry=replace(registry.state(), members={at: member for at, member in known.items() if member is not None}),
        receivables={number: one for number, one in found.items() if one.length},
        fingerprints={
            (one.fingerprint, one.debtor, one.originator): number
            for number, one in found.items()
            if one.status in STANDING
        },
        operator=services.operator,
        approvals={},
        operators=frozenset(),
        address=services.deployment.receivables,
    )


def unsigned(services: Services, operation: Operation, pen: Pen) -> rules.Authorisation:
    """The signature that the pen would give, as the rules take it."""
    anchor, claim_key = anchor_of(services, operation)
    return rules.Authorisation(actor(pen), nonce=0, deadline=pen.deadline, anchor=anchor, claim_key=claim_key)


def arguments(operation: Operation) -> dict[str, Any]:
    """What the operation's decide_ takes besides who acts, and when."""
    values = operation.values()
    if isinstance(operation, Move):
        certificate = [values.pop(name) for name in ("receivable_id", "start", "end")]
        values["certificate_id"] = CertificateId(*certificate)
    return values


def receivable(connection: Connection, receivable_id: int) -> Receivable:
    """The folded journal; of an unknown one the empty receivable."""
    cursor = health_queries.cursor(connection)
    assert cursor is not None  # a registry that is open is mirrored
    empty = fold.empty_receivable(chain_id=cursor.chain_id, contract=cursor.contract, receivable_id=receivable_id)
    # Page by page: however long its holders make a journal, orders reach it.
    rows = every(lambda after: entry_queries.entries(connection, receivable_id, after=after, limit=PAGE_ROWS_MAX))
    return fold.fold_all(empty, (row.decode() for row in rows))


def _member(connection: Connection, address: Address) -> Member | None:
    row = member_queries.member(connection, address)
    if row is None:
        return None
    freezes = every(lambda after: order_queries.freezes(connection, after=after, scope=Scope.MEMBER, member=address))
    return replace(row.state(), orders=tuple(freeze.state() for freeze in freezes))
