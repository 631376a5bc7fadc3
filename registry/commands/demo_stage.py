"""What the acts of the demo share: who is who, what is there by now, and the papers behind a hop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from registry.commands.claims import PartyUnknown
from registry.commands.services import Services
from registry.domain.identifiers import Address, CertificateId
from registry.domain.money import Money, currency_to_show
from registry.store.queries import certificates as certificate_queries
from registry.store.queries import parties as party_queries
from registry.store.queries.certificates import CertificateRow
from registry.store.queries.pages import every
from registry.store.queries.receivables import ReceivableRow

Say = Callable[[str], None]
"""Told each thing as it happens, one line."""


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


def delivery_note(services: Services, certificate: CertificateId, giver: str, receiver: str) -> Path:
    """The trade document behind a hop: what the receiver delivered to the giver."""
    folder = services.home / "demo-documents"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"delivery-note-R-{certificate.receivable_id}-{receiver}.txt"
    path.write_text(f"Delivery note\n{receiver} delivered to {giver}; paid with a part of {certificate}.\n")
    return path
