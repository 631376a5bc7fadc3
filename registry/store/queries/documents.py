"""Names of the trade documents behind the hashes in splits and endorsements."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select

from registry.store.queries.visibility import Caller, visible_to
from registry.store.tables import trade_document as table


@dataclass(frozen=True, slots=True)
class TradeDocumentRow:
    """One trade document: its hash, the name it was handed in under, its size in bytes."""

    document: bytes
    file_name: str
    bytes: int
    created_at: datetime


def trade_document(
    connection: Connection, document: bytes, *, caller: Caller = Caller.LOCAL
) -> TradeDocumentRow | None:
    """The trade document of this hash, or None."""
    return trade_documents(connection, [document], caller=caller).get(document)


def trade_documents(
    connection: Connection, documents: Iterable[bytes], *, caller: Caller = Caller.LOCAL
) -> dict[bytes, TradeDocumentRow]:
    """The known ones of these hashes, in one statement."""
    found = connection.execute(_visible(caller).where(table.c.document.in_(set(documents))))
    return {row.document: TradeDocumentRow(**row._mapping) for row in found}


def _visible(caller: Caller) -> Select[Any]:
    return select(*table.c).where(visible_to(caller, table))
