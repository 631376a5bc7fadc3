"""Receivables as the API shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from api.schemas.common import (
    BlockOut,
    DayText,
    FinalityText,
    HashText,
    InstantText,
    Model,
    MoneyOut,
    NextLink,
    PartyOut,
    ReasonOut,
    ReceivableIdText,
    day,
    hex_text,
    instant,
)
from api.schemas.orders import HoldOut, Holds
from registry.domain import rules
from registry.domain.identifiers import Address, format_receivable_id
from registry.domain.receivable import Phase, Receivable, RefusalReason, Registry, Status, reason_name
from registry.store.queries.entries import PaymentRow
from registry.store.queries.journals import Standing
from registry.store.queries.parties import PartyRow
from registry.store.queries.receivables import DebtRow, DueDayRow, ReceivableRow

STATUSES = {status.name.lower(): status for status in Status if status is not Status.NONE}
PHASES = {phase.value: phase for phase in Phase}

StatusText = Annotated[
    str,
    Field(
        description="Status on chain. What only the clock decides (due, overdue) is in the phase.",
        json_schema_extra={"enum": [*STATUSES]},
    ),
]
PhaseText = Annotated[
    str,
    Field(
        description="Where it stands at the time of as_of_block. All of the due day is `due`; then `overdue` begins, "
        "unless all that is left is in dispute, until all is `paid` that was not credited, or the settlement bank has "
        "`closed` the book.",
        json_schema_extra={"enum": [*PHASES]},
    ),
]


SetAside = Annotated[
    bool,
    Field(
        description="The node tells this journal otherwise than the contract has it; shown as it was last right.",
    ),
]


class JournalOut(Model):
    """The journal of a receivable: the head on chain commits to every entry."""

    head: HashText
    length: int = Field(ge=0, description="Number of entries.", examples=[3])


class TermsOut(Model):
    """Amount and due date, as claimed or as offered."""

    face: MoneyOut
    due_date: DayText


class OfferOut(TermsOut):
    """A debtor's counter-offer that waits for the originator's answer."""

    offered_at: InstantText


class ReceivableOut(Model):
    """A claim on a debtor."""

    id: ReceivableIdText
    status: StatusText
    phase: PhaseText
    originator: PartyOut
    debtor: PartyOut
    face: MoneyOut = Field(description="In force: the claim's, or the accepted counter-offer's.")
    due_date: DayText = Field(description="In force: the claim's, or the accepted counter-offer's.")
    claim: TermsOut
    offer: OfferOut | None
    fingerprint: HashText
    document_root: HashText
    registered_at: InstantText
    lapses_at: InstantText | None = Field(
        description="From then on anybody can end the unanswered claim, if no other pause comes. Null once it was "
        "answered, and while the registry is paused: the answer window stands still then."
    )
    answered_at: InstantText | None
    refusal: ReasonOut | None
    paid: MoneyOut = Field(description="Paid so far. What credit notes took away is no payment.")
    credited: MoneyOut = Field(description="Taken away by credit notes, of its first cents.")
    in_dispute: MoneyOut = Field(description="In dispute, and not payable until that ends; then paid last.")
    payable: MoneyOut = Field(description="What can be paid now.")
    paid_out: MoneyOut = Field(description="Of what was paid, what its certificates were paid out so far.")
    redeemed: MoneyOut = Field(description="Face of the certificates that are no more because they were paid out.")
    part_paid: bool = Field(description="Something was paid, and more may come.")
    dishonoured: bool = Field(
        description="Whether it was reported as not paid in time. Until it is paid, or made good, its debtor registers "
        "and confirms nothing."
    )
    frozen: bool = Field(description="Whether an order on the receivable itself is in force.")
    orders: list[HoldOut] = Field(description="The orders in force on the receivable itself.")
    journal: JournalOut
    finality: FinalityText = Field(description="How final the last entry of its journal is, by the node's own tags.")
    set_aside: SetAside


class ReceivableRead(ReceivableOut):
    """One receivable, and the block at which it is so."""

    as_of_block: BlockOut

    @classmethod
    def at(cls, shown: ReceivableOut, block: BlockOut) -> ReceivableRead:
        return cls(**dict(shown), as_of_block=block)


class ReceivablePage(Model):
    """Receivables by id, or by due date where that is sought."""

    items: list[ReceivableOut]
    next: NextLink
    as_of_block: BlockOut


class InboxPage(Model):
    """What waits for a debtor's answer, the nearest deadline first."""

    debtor: PartyOut
    items: list[ReceivableOut]
    next: NextLink
    as_of_block: BlockOut


class DueDayOut(Model):
    """What a debtor has yet to pay of what falls due on one day in one currency."""

    due_date: DayText
    phase: PhaseText
    receivables: int = Field(ge=1, description="Confirmed receivables that fall due on that day.")
    amount: MoneyOut = Field(description="Neither paid nor credited.")
    in_dispute: MoneyOut = Field(description="Of that, what cannot be paid as it is in dispute.")


class CalendarPage(Model):
    """What a debtor has yet to pay, by day and currency."""

    debtor: PartyOut
    items: list[DueDayOut]
    next: NextLink
    as_of_block: BlockOut


class PaymentOut(Model):
    """One payment of a receivable."""

    position: int = Field(ge=1, description="Place of its entry in the receivable's journal.", examples=[3])
    payer: PartyOut
    amount: MoneyOut
    at: InstantText
    transaction: HashText


class PaymentPage(Model):
    """The payments of a receivable, the oldest first."""

    receivable: ReceivableIdText
    items: list[PaymentOut]
    next: NextLink
    as_of_block: BlockOut


class DebtOut(Model):
    """What a debtor could have paid in one currency and has not."""

    debtor: PartyOut
    receivables: int = Field(ge=1, description="Of how many receivables.")
    dishonoured: int = Field(ge=0, description="How many of them bear the mark of dishonour.")
    unpaid: MoneyOut = Field(description="Neither paid nor credited nor in dispute.")
    in_dispute: MoneyOut = Field(description="Of the same receivables: it cannot be paid, and is not counted above.")
    due_date: DayText = Field(description="The first day on which one of them was due.")
    reportable_since: DayText | None = Field(
        description="From this day on - it may be still to come - the first of them that was not reported can be, by "
        "anyone: its due day and the grace in force. Null where all were, or their currency has no deposits here."
    )


class DebtPage(Model):
    """Debts by debtor and currency."""

    items: list[DebtOut]
    next: NextLink
    as_of_block: BlockOut


def show(
    row: ReceivableRow,
    *,
    names: Mapping[Address, PartyRow],
    holds: Holds,
    standing: Standing,
    registry: Registry,
    now: int,
) -> ReceivableOut:
    """A row as the API shows it at `now` (seconds)."""
    orders = holds.on_receivable(row.receivable_id)
    lapses_at = row.lapses_at(registry)

    def money(minor: int) -> MoneyOut:
        return MoneyOut.of(minor, row.currency)

    return ReceivableOut(
        id=format_receivable_id(row.receivable_id),
        status=row.status.name.lower(),
        phase=row.phase(now=now).value,
        originator=PartyOut.of(row.originator, names),
        debtor=PartyOut.of(row.debtor, names),
        face=money(row.face_minor),
        due_date=day(row.due_at),
        claim=TermsOut(face=money(row.claim_face_minor), due_date=day(row.claim_due_at)),
        offer=_offer(row),
        fingerprint=hex_text(row.fingerprint),
        document_root=hex_text(row.document_root),
        registered_at=instant(row.registered_at),
        lapses_at=None if lapses_at is None else instant(lapses_at),
        answered_at=instant(row.answered_at) if row.answered_at else None,
        refusal=_refusal(row.refusal_reason),
        paid=money(row.paid_minor),
        credited=money(row.cancelled_minor),
        in_dispute=money(row.disputed_minor),
        payable=money(row.payable_minor),
        paid_out=money(row.claimed_minor),
        redeemed=money(row.redeemed_minor),
        part_paid=row.state().is_part_paid,
        dishonoured=row.dishonoured,
        frozen=bool(orders),
        orders=orders,
        journal=JournalOut(head=hex_text(row.head), length=row.length),
        finality=standing.finality.value,
        set_aside=standing.set_aside,
    )


def show_due_day(row: DueDayRow, *, now: int) -> DueDayOut:
    """A day of a calendar as the API shows it at `now` (seconds)."""
    owed = Receivable(
        0,
        b"",
        status=Status.CONFIRMED,
        due=row.due_at,
        face=row.amount_minor,
        senior=row.disputed_minor,
        disputed=bool(row.disputed_minor),
    )
    return DueDayOut(
        due_date=day(row.due_at),
        phase=rules.phase(owed, now=now).value,
        receivables=row.receivables,
        amount=MoneyOut.of(row.amount_minor, row.currency),
        in_dispute=MoneyOut.of(row.disputed_minor, row.currency),
    )


def show_payment(row: PaymentRow, *, currency: int, names: Mapping[Address, PartyRow]) -> PaymentOut:
    """A payment as the API shows it; `currency` is the ISO 4217 number."""
    return PaymentOut(
        position=row.position,
        payer=PartyOut.of(row.payer, names),
        amount=MoneyOut.of(row.amount_minor, currency),
        at=instant(row.at),
        transaction=hex_text(row.tx_hash),
    )


def show_debt(row: DebtRow, *, names: Mapping[Address, PartyRow], registry: Registry, now: int) -> DebtOut:
    """A debt as the API shows it at `now` (seconds)."""
    since = row.reportable_since(registry, now=now)
    return DebtOut(
        debtor=PartyOut.of(row.debtor, names),
        receivables=row.receivables,
        dishonoured=row.dishonoured,
        unpaid=MoneyOut.of(row.unpaid_minor, row.currency),
        in_dispute=MoneyOut.of(row.disputed_minor, row.currency),
        due_date=day(row.due_at),
        reportable_since=None if since is None else day(since),
    )


def _offer(row: ReceivableRow) -> OfferOut | None:
    offer = row.offer
    if offer is None:
        return None
    return OfferOut(face=MoneyOut.of(offer.face, row.currency), due_date=day(offer.due), offered_at=instant(offer.at))


def _refusal(code: int) -> ReasonOut | None:
    if not code:
        return None
    return ReasonOut(code=code, reason=reason_name(RefusalReason, code))
