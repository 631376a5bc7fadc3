"""What the bank's books call deposits and payouts, behind the hashes that deposit tokens know them by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from registry.store.queries.visibility import Caller, visible_to
from registry.store.tables import bank_reference as table


@dataclass(frozen=True, slots=True)
class BankReferenceRow:
    """A booking: its hash on chain, and what it is called."""

    reference_hash: bytes
    text: str
    recorded_at: datetime


def bank_references(
    connection: Connection, hashes: Iterable[bytes], *, caller: Caller = Caller.LOCAL
) -> dict[bytes, BankReferenceRow]:
    """The known ones of these hashes, in one statement."""
    found = connection.execute(
        select(*table.c).where(visible_to(caller, table), table.c.reference_hash.in_(set(hashes)))
    )
    return {row.reference_hash: BankReferenceRow(**row._mapping) for row in found}
