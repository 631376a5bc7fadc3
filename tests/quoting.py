"""A signed quote in the database, as the command that makes one keeps it."""

from __future__ import annotations

from datetime import UTC, datetime

from registry.chain.quotes import SignedQuote, digest
from registry.store import records
from registry.store.database import Connection


def save_quote(connection: Connection, offered: SignedQuote) -> bytes:
    """Keep it; its digest."""
    quote, named = offered.quote, digest(offered.quote, offered.domain)
    records.save_quote(
        connection,
        digest=named,
        desk=offered.domain.contract,
        financier=quote.financier,
        holder=quote.holder,
        receivable_id=quote.receivable_id,
        start_minor=quote.start,
        end_minor=quote.end,
        cut_minor=quote.cut,
        kind=quote.kind,
        token=quote.token,
        price_minor=quote.price,
        amount_minor=quote.amount,
        anchor=quote.anchor,
        nonce=quote.nonce,
        expiry_at=quote.expiry,
        signature=offered.signature,
        offered_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return named
