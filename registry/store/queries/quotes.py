"""Quotes of financiers. They are sealed: who is neither their financier nor the holder named in them sees none."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, or_, select, true

from registry.domain.identifiers import Address, CertificateId
from registry.domain.money import Currency, Money
from registry.domain.pricing import Cost, days_until
from registry.store.queries.pages import PAGE_ROWS_DEFAULT, Page, page, rows_asked
from registry.store.queries.visibility import Caller, visible_to
from registry.store.tables import entry
from registry.store.tables import quote as table

SALE, PLEDGE = 1, 2
"""The desk's numbers of what a quote is for."""


class QuoteState(StrEnum):
    """Where a quote stands at an instant."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class QuoteRow:
    """One quote, as contracts/interfaces/IFinancingDesk.sol has it. `_minor` in minor units, `expiry_at` in seconds.

    `desk` is the one that it was signed for; `kind` is SALE or PLEDGE. `accepted_position` is the place,
    in the receivable's journal, of the entry that carried it out, `accepted_at` its time in seconds; None while there
    is none.
    """

    quote_id: int
    digest: bytes
    desk: Address
    financier: Address
    holder: Address
    receivable_id: int
    start_minor: int
    end_minor: int
    cut_minor: int
    kind: int
    token: Address
    price_minor: int
    amount_minor: int
    anchor: bytes
    nonce: int
    expiry_at: int
    signature: bytes = field(repr=False)
    offered_at: datetime
    withdrawn_at: datetime | None
    accepted_position: int | None
    accepted_at: int | None

    @property
    def certificate_id(self) -> CertificateId:
        """The certificate that it is for, whole."""
        return CertificateId(self.receivable_id, self.start_minor, self.end_minor)

    def cost(self, currency: Currency, *, due_at: int, now: int) -> Cost:
        """What its price comes to if it is accepted now, or came to when it was; instants in seconds.

        For the face of what is sold, or for what the pledge secures. What is over without that is told as it was
        offered: its rate does not rise as the due date comes near.
        """
        face = self.end_minor - self.cut_minor if self.kind == SALE else self.amount_minor
        days = days_until(due_at, now=self._paid_at(now=now))
        return Cost(Money(face, currency), Money(self.price_minor, currency), days)

    def _paid_at(self, *, now: int) -> int:
        if self.accepted_at is not None:
            return self.accepted_at
        return now if self.state(now=now) is QuoteState.OFFERED else int(self.offered_at.timestamp())

    def state(self, *, now: int) -> QuoteState:
        """Where it stands at `now` (seconds).

        That another quote with its nonce was accepted, or its nonce given up at the desk, is for the chain to say; that
        it is void, for whoever looks at its certificate too.
        """
        if self.accepted_position is not None:
            return QuoteState.ACCEPTED
        if self.withdrawn_at is not None:
            return QuoteState.WITHDRAWN
        return QuoteState.EXPIRED if now > self.expiry_at else QuoteState.OFFERED


def quote(connection: Connection, digest: bytes, *, party: Address, caller: Caller = Caller.LOCAL) -> QuoteRow | None:
    """The quote of this digest as its financier or its holder sees it; None for everybody else (DOMAIN rule 14)."""
    found = connection.execute(_sealed(party, caller).where(table.c.digest == digest)).one_or_none()
    return None if found is None else _row(found)


def quote_unopened(connection: Connection, digest: bytes, *, caller: Caller = Caller.LOCAL) -> QuoteRow | None:
    """The quote of this digest for those who tell where it stands, and nothing of what it says, to whoever asks."""
    found = connection.execute(_kept(caller).where(table.c.digest == digest)).one_or_none()
    return None if found is None else _row(found)


def quotes(
    connection: Connection,
    *,
    party: Address,
    receivable_id: int | None = None,
    open_at: int | None = None,
    after: int | None = None,
    limit: int = PAGE_ROWS_DEFAULT,
    caller: Caller = Caller.LOCAL,
) -> Page[QuoteRow, int]:
    """The quotes that this party made or may accept, the newest first; the key is the number of the quote.

    With `open_at` (seconds) only those that stand offered then.
    """
    wanted: list[ColumnElement[bool]] = []
    if receivable_id is not None:
        wanted.append(table.c.receivable_id == receivable_id)
    if open_at is not None:
        wanted += [_accepted.c.position.is_(None), table.c.withdrawn_at.is_(None), table.c.expiry_at >= open_at]
    if after is not None:
        wanted.append(table.c.quote_id < after)
    found = connection.execute(
        _sealed(party, caller).where(*wanted).order_by(table.c.quote_id.desc()).limit(rows_asked(limit))
    )
    return page([_row(row) for row in found], limit=limit, key=lambda row: row.quote_id)


_accepted = (
    # One entry at most: the desk uses up the nonce. Said all the same, so that a quote is one row whatever the log has.
    select(entry.c.position, entry.c.at).where(entry.c.quote_digest == table.c.digest).limit(1).lateral("accepted")
)


def _sealed(party: Address, caller: Caller) -> Select[Any]:
    return _kept(caller).where(or_(table.c.holder == party, table.c.financier == party))


def _kept(caller: Caller) -> Select[Any]:
    return (
        select(*table.c, _accepted.c.position.label("accepted_position"), _accepted.c.at.label("accepted_at"))
        .join_from(table, _accepted, true(), isouter=True)
        .where(visible_to(caller, table))
    )


def _row(row: Row[Any]) -> QuoteRow:
    values: dict[str, Any] = dict(row._mapping)
    return QuoteRow(**{**values, "nonce": int.from_bytes(values["nonce"])})
