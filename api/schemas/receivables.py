"""Receivables as the API shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from api.schemas.common import (
    BlockOut,
    DayText,
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
from registry.domain.identifiers import Address, format_receivable_id
from registry.domain.receivable import Phase, RefusalReason, Status, reason_name
from registry.store.queries.parties import PartyRow
from registry.store.queries.receivables import ReceivableRow

STATUSES = {status.name.lower(): status for status in Status if status is not Status.NONE}
PHASES = [phase.value for phase in Phase]

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
        description="Where it stands at the time of as_of_block. All of the due day is `due`; then `overdue` begins.",
        json_schema_extra={"enum": [*PHASES]},
    ),
]


class JournalOut(Model):
    """The journal of a receivable: the head on chain commits to every entry."""

    head: HashText
    length: int = Field(ge=0, description="Number of entries.", examples=[3])


class ReceivableOut(Model):
    """A claim on a debtor."""

    id: ReceivableIdText
    status: StatusText
    phase: PhaseText
    originator: PartyOut
    debtor: PartyOut
    face: MoneyOut
    paid: MoneyOut
    cancelled: MoneyOut
    due_date: DayText
    fingerprint: HashText
    document_root: HashText
    registered_at: InstantText
    answered_at: InstantText | None
    refusal: ReasonOut | None
    journal: JournalOut


class ReceivableRead(ReceivableOut):
    """One receivable, and the block at which it is so."""

    as_of_block: BlockOut

    @classmethod
    def at(cls, shown: ReceivableOut, block: BlockOut) -> ReceivableRead:
        return cls(**dict(shown), as_of_block=block)


class ReceivablePage(Model):
    """Receivables in the order of their ids."""

    items: list[ReceivableOut]
    next: NextLink
    as_of_block: BlockOut


def show(row: ReceivableRow, *, names: Mapping[Address, PartyRow], now: int) -> ReceivableOut:
    """A row as the API shows it at `now` (seconds)."""
    return ReceivableOut(
        id=format_receivable_id(row.receivable_id),
        status=row.status.name.lower(),
        phase=row.phase(now=now).value,
        originator=PartyOut.of(row.originator, names),
        debtor=PartyOut.of(row.debtor, names),
        face=MoneyOut.of(row.face_minor, row.currency),
        paid=MoneyOut.of(row.paid_minor, row.currency),
        cancelled=MoneyOut.of(row.cancelled_minor, row.currency),
        due_date=day(row.due_at),
        fingerprint=hex_text(row.fingerprint),
        document_root=hex_text(row.document_root),
        registered_at=instant(row.registered_at),
        answered_at=instant(row.answered_at) if row.answered_at else None,
        refusal=_refusal(row.refusal_reason),
        journal=JournalOut(head=hex_text(row.head), length=row.length),
    )


def _refusal(code: int) -> ReasonOut | None:
    if not code:
        return None
    return ReasonOut(code=code, reason=reason_name(RefusalReason, code))
