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
from api.schemas.orders import HoldOut, Holds
from api.schemas.receivables import PhaseText
from registry.domain.identifiers import Address, format_receivable_id
from registry.store.queries.certificates import BookRow, CertificateRow
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
    frozen: bool = Field(description="Whether an order in force keeps it from moving.")
    orders: list[HoldOut] = Field(description="Those orders: on itself, on its receivable, on its holder.")
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
    """Certificates by receivable and start, and before that by due date where that is sought."""

    items: list[CertificateOut]
    next: NextLink
    as_of_block: BlockOut


class BookTotalOut(Model):
    """What a holder has in one currency and one phase."""

    currency: str = Field(examples=["CNY"])
    phase: PhaseText
    certificates: int = Field(ge=1)
    amount: MoneyOut


class BookPage(Model):
    """A holder's certificates by due date, and what all of them add up to, whatever the page and its filters."""

    holder: PartyOut
    totals: list[BookTotalOut]
    items: list[CertificateOut]
    next: NextLink
    as_of_block: BlockOut


def show(row: CertificateRow, *, names: Mapping[Address, PartyRow], holds: Holds, now: int) -> CertificateOut:
    """A row as the API shows it at `now` (seconds)."""
    orders = holds.on_certificate(row.receivable_id, row.start_minor, holder=row.holder)
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
        frozen=bool(orders),
        orders=orders,
        since_position=row.since_position,
    )


def show_total(row: BookRow) -> BookTotalOut:
    """A line of a book's totals."""
    amount = MoneyOut.of(row.amount_minor, row.currency)
    return BookTotalOut(currency=amount.currency, phase=row.phase.value, certificates=row.certificates, amount=amount)
