"""Certificates as the API shows them."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from api.schemas.common import (
    BlockOut,
    CertificateIdText,
    DayText,
    Model,
    MoneyOut,
    NextLink,
    PartyOut,
    RangeOut,
    ReceivableIdText,
    day,
)
from api.schemas.receivables import PhaseText
from registry.domain.identifiers import Address, format_receivable_id
from registry.store.queries.certificates import CertificateRow
from registry.store.queries.parties import PartyRow


class CertificateOut(Model):
    """A range of a confirmed receivable, with one holder."""

    id: CertificateIdText
    token_id: str = Field(
        pattern="^(0|[1-9][0-9]*)$",
        description="Id of the ERC-721 token: receivable number << 64 | start.",
        examples=["774763251095801856000"],
    )
    receivable: ReceivableIdText
    range: RangeOut
    amount: MoneyOut
    holder: PartyOut
    originator: PartyOut
    debtor: PartyOut
    due_date: DayText
    phase: PhaseText
    since_position: int = Field(
        ge=1, description="Position, in the receivable's journal, of the entry that made it so.", examples=[3]
    )


class CertificateRead(CertificateOut):
    """One certificate, and the block at which it is so."""

    as_of_block: BlockOut

    @classmethod
    def at(cls, shown: CertificateOut, block: BlockOut) -> CertificateRead:
        return cls(**dict(shown), as_of_block=block)


class CertificatePage(Model):
    """Certificates in the order of receivable and start."""

    items: list[CertificateOut]
    next: NextLink
    as_of_block: BlockOut


def show(row: CertificateRow, *, names: Mapping[Address, PartyRow], now: int) -> CertificateOut:
    """A row as the API shows it at `now` (seconds)."""
    return CertificateOut(
        id=str(row.id),
        token_id=str(row.id.token_id),
        receivable=format_receivable_id(row.receivable_id),
        range=RangeOut.of(row.start_minor, row.end_minor),
        amount=MoneyOut.of(row.amount_minor, row.currency),
        holder=PartyOut.of(row.holder, names),
        originator=PartyOut.of(row.originator, names),
        debtor=PartyOut.of(row.debtor, names),
        due_date=day(row.due_at),
        phase=row.phase(now=now).value,
        since_position=row.since_position,
    )
