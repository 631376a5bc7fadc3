"""What the acts of the demo share: who is who, what is there by now, and the clock."""

from __future__ import annotations

from collections.abc import Callable

from registry.commands.claims import PartyUnknown
from registry.commands.services import Services
from registry.domain.identifiers import Address
from registry.domain.money import Money, currency_to_show
from registry.store.queries import certificates as certificate_queries
from registry.store.queries import parties as party_queries
from registry.store.queries import receivables as receivable_queries
from registry.store.queries.certificates import CertificateRow
from registry.store.queries.pages import every
from registry.store.queries.receivables import ReceivableRow

Say = Callable[[str], None]
"""Told each thing as it happens, one line."""


def now(services: Services) -> int:
    """The time of the newest block, in seconds."""
    block = services.node.block("latest")
    assert block is not None  # a chain has a newest block
    return block.at


def receivable(services: Services, receivable_id: int) -> ReceivableRow:
    """A receivable that the demo registered."""
    with services.database.snapshot() as connection:
        row = receivable_queries.receivable(connection, receivable_id)
    assert row is not None  # the demo registered it
    return row


def parts(services: Services, receivable_id: int) -> list[CertificateRow]:
    """Its live certificates, by their ranges."""
    with services.database.snapshot() as connection:
        return list(
            every(lambda after: certificate_queries.certificates(connection, receivable_id=receivable_id, after=after))
        )


def handle_of(services: Services, address: Address) -> str:
    """Raises PartyUnknown."""
    with services.database.snapshot() as connection:
        party = party_queries.party_by_address(connection, address)
    if party is None:
        raise PartyUnknown("a debtor or holder is not among the parties of this database")
    return party.handle


def handle_by_identity(services: Services, identity: str) -> str:
    """Raises PartyUnknown."""
    with services.database.snapshot() as connection:
        party = party_queries.party_by_identity(connection, identity)
    if party is None:
        raise PartyUnknown(f"{identity} is not a member")
    return party.handle


def face(row: ReceivableRow) -> Money:
    """Its face amount."""
    return Money(row.face_minor, currency_to_show(row.currency))
