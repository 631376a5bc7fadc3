"""Certificates as the API shows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import Field

from api.schemas.common import (
    BlockOut,
    CertificateIdText,
    DayText,
    FinalityText,
    Model,
    MoneyOut,
    NextLink,
    PartyOut,
    RangeOut,
    ReceivableIdText,
    day,
)
from api.schemas.orders import HoldOut, Holds
from api.schemas.receivables import PhaseText, SetAside
from registry.domain.amounts import Payout
from registry.domain.identifiers import Address, format_receivable_id
from registry.store.queries.certificates import BookRow, CertificateRow, SecurityRow
from registry.store.queries.journals import Standing
from registry.store.queries.parties import PartyRow

NOTHING = Payout(amount=0, to_financier=0, is_last=False)


class LienOut(Model):
    """A financier is paid first of a certificate, up to an amount."""

    financier: PartyOut
    secured: MoneyOut
    since_position: int = Field(
        ge=1, description="Position, in the receivable's journal, of the entry that pledged it.", examples=[4]
    )


class RecourseOut(Model):
    """Whoever sold a certificate takes it back for an amount, less what it was paid out, if the debtor does not pay."""

    seller: PartyOut
    amount: MoneyOut
    demanded: bool = Field(description="Whether the holder has asked for it.")


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
    lien: LienOut | None
    recourse: RecourseOut | None
    in_dispute: bool = Field(description="Whether it is the part of its receivable that is in dispute: paid last.")
    paid_out: MoneyOut = Field(description="Paid out on it so far.")
    redeemable: MoneyOut = Field(
        description="What it would be paid out now, whoever asks for it: its part of what the debtor paid. Nothing "
        "while an order freezes it."
    )
    redeemable_to_financier: MoneyOut = Field(description="Of `redeemable`, what goes to the one with the lien.")
    frozen: bool = Field(description="Whether an order in force keeps it from moving, and from being paid out.")
    orders: list[HoldOut] = Field(description="Those orders: on itself, on its receivable, on its holder.")
    since_position: int = Field(
        ge=1, description="Position, in the receivable's journal, of the entry that made it so.", examples=[3]
    )
    finality: FinalityText = Field(
        description="How final the last entry of the receivable's journal is, by the node's own tags: what it is worth "
        "can change with any. Orders on its holder are in R-0, which is not asked."
    )
    set_aside: SetAside


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
    frozen: MoneyOut = Field(description="Of that, what an order freezes.")
    pledged: MoneyOut = Field(description="Of that, what is pledged.")
    in_dispute: MoneyOut = Field(description="Of that, what is in dispute.")
    paid_out: MoneyOut = Field(description="Paid out on these certificates so far.")
    redeemable: MoneyOut = Field(description="What paying each out now would bring the holder.")


class BookPage(Model):
    """A holder's certificates by due date, and what all of them add up to, whatever the page and its filters."""

    holder: PartyOut
    totals: list[BookTotalOut]
    items: list[CertificateOut]
    next: NextLink
    as_of_block: BlockOut


class LienTotalOut(Model):
    """What secures a financier's loans in one currency and one phase."""

    currency: str = Field(examples=["CNY"])
    phase: PhaseText
    certificates: int = Field(ge=1)
    amount: MoneyOut
    secured: MoneyOut = Field(description="What the financier is paid first of it.")
    redeemable: MoneyOut = Field(description="What paying each out now would bring the financier.")


class LienPage(Model):
    """The certificates with a financier's lien by due date, and what all of them add up to."""

    financier: PartyOut
    totals: list[LienTotalOut]
    items: list[CertificateOut]
    next: NextLink
    as_of_block: BlockOut


def parties_of(row: CertificateRow) -> Iterator[Address]:
    """Every address that is shown with a certificate."""
    yield from (row.holder, row.originator, row.debtor)
    if row.lien is not None:
        yield row.lien.financier
    if row.recourse is not None:
        yield row.recourse.seller


def show(
    row: CertificateRow, *, names: Mapping[Address, PartyRow], holds: Holds, standing: Standing, now: int
) -> CertificateOut:
    """A row as the API shows it at `now` (seconds)."""
    orders = holds.on_certificate(row.receivable_id, row.start_minor, holder=row.holder)
    out = NOTHING if orders else row.payout()
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
        lien=_lien(row, names),
        recourse=_recourse(row, names),
        in_dispute=row.is_disputed,
        paid_out=MoneyOut.of(row.claimed_minor, row.currency),
        redeemable=MoneyOut.of(out.amount, row.currency),
        redeemable_to_financier=MoneyOut.of(out.to_financier, row.currency),
        frozen=bool(orders),
        orders=orders,
        since_position=row.since_position,
        finality=standing.finality.value,
        set_aside=standing.set_aside,
    )


def show_total(row: BookRow) -> BookTotalOut:
    """A line of a book's totals."""
    amount = MoneyOut.of(row.amount_minor, row.currency)
    return BookTotalOut(
        currency=amount.currency,
        phase=row.phase.value,
        certificates=row.certificates,
        amount=amount,
        frozen=MoneyOut.of(row.frozen_minor, row.currency),
        pledged=MoneyOut.of(row.pledged_minor, row.currency),
        in_dispute=MoneyOut.of(row.disputed_minor, row.currency),
        paid_out=MoneyOut.of(row.claimed_minor, row.currency),
        redeemable=MoneyOut.of(row.redeemable_minor, row.currency),
    )


def show_security(row: SecurityRow) -> LienTotalOut:
    """A line of the totals of liens."""
    amount = MoneyOut.of(row.amount_minor, row.currency)
    return LienTotalOut(
        currency=amount.currency,
        phase=row.phase.value,
        certificates=row.certificates,
        amount=amount,
        secured=MoneyOut.of(row.secured_minor, row.currency),
        redeemable=MoneyOut.of(row.redeemable_minor, row.currency),
    )


def _lien(row: CertificateRow, names: Mapping[Address, PartyRow]) -> LienOut | None:
    if row.lien is None:
        return None
    return LienOut(
        financier=PartyOut.of(row.lien.financier, names),
        secured=MoneyOut.of(row.lien.secured, row.currency),
        since_position=row.lien.since,
    )


def _recourse(row: CertificateRow, names: Mapping[Address, PartyRow]) -> RecourseOut | None:
    if row.recourse is None:
        return None
    return RecourseOut(
        seller=PartyOut.of(row.recourse.seller, names),
        amount=MoneyOut.of(row.recourse.amount, row.currency),
        demanded=row.recourse.demanded,
    )
