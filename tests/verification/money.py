"""Random journals with money moves: whatever the fold accepts, drawn one entry after the other.

tests/properties/journals.py decides without the fold what a contract would write, and knows no money. What is asked of
these is not whether they are right, but whether a part of them says the same as the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from registry.domain import amounts
from registry.domain.fold import JournalBroken, empty_receivable, fold
from registry.domain.identifiers import Address
from registry.domain.journal import (
    Absolved,
    CertificateFrozen,
    CertificateUnfrozen,
    Closed,
    Confirmed,
    CreditNoted,
    Dishonoured,
    Disputed,
    Endorsed,
    Entry,
    ForcedTransfer,
    Merged,
    Paid,
    Partitioned,
    Pledged,
    ReceivableFrozen,
    ReceivableUnfrozen,
    RecourseDemanded,
    Redeemed,
    Registered,
    Released,
    Repurchased,
    Resolved,
    Sold,
    Split,
)
from registry.domain.receivable import DAY_SECONDS, Certificate, Receivable
from tests.properties.journals import COUNTERSIGNER, DEBTOR, DUE, OFFICER, ORDERS, PARTIES, WHERE

Value = TypeVar("Value")

RECEIVABLE_ID = 7
REGISTERED_AT = DUE - 90 * DAY_SECONDS
DOCUMENT, QUOTE = b"\x0d" * 32, b"\x0c" * 32
BANK = b"\xba" * 20
EMPTY = empty_receivable(**WHERE, receivable_id=RECEIVABLE_ID)


@dataclass
class Writer:
    """Writes a journal: `choose` takes one of several, `number` one of a range, both ends included."""

    choose: Callable[[Sequence[Value]], Value]
    number: Callable[[int, int], int]
    state: Receivable = field(default_factory=EMPTY.copy)
    at: int = REGISTERED_AT
    entries: list[Entry] = field(default_factory=list)

    def begin(self, face: int) -> None:
        """A confirmed receivable of so many minor units."""
        claim = (face, DUE, 978, b"\x01" * 32, b"\x02" * 32)
        answer_by = self.at + 14 * DAY_SECONDS
        for entry in (
            Registered(RECEIVABLE_ID, PARTIES[0], DEBTOR, *claim, answer_by, self.at),
            Confirmed(RECEIVABLE_ID, DEBTOR, PARTIES[0], face, self.at),
        ):
            self.state = fold(self.state, entry)
            self.entries.append(entry)

    def step(self) -> None:
        """One entry more, if what is drawn can follow."""
        entry = self.choose(_KINDS)(self)
        try:
            self.state = fold(self.state, entry) if entry is not None else self.state
        except JournalBroken:
            return
        if entry is not None:
            self.entries.append(entry)

    def part(self) -> Certificate | None:
        """Some certificate."""
        parts = list(self.state.certificates.values())
        return self.choose(parts) if parts else None


def _of_part(make: Callable[[Writer, Certificate], Entry | None]) -> Callable[[Writer], Entry | None]:
    def made(writer: Writer) -> Entry | None:
        part = writer.part()
        return None if part is None else make(writer, part)

    return made


def _of_front(make: Callable[[Writer, Certificate], Entry | None]) -> Callable[[Writer], Entry | None]:
    def made(writer: Writer) -> Entry | None:
        front = writer.state.front
        return None if front is None else make(writer, front)

    return made


def _split(writer: Writer, part: Certificate) -> Entry:
    cut = writer.number(part.start, part.end)
    moved = (part.start, part.end, cut, DOCUMENT, writer.at)
    return Split(RECEIVABLE_ID, part.holder, writer.choose(PARTIES), *moved)


def _endorsed(writer: Writer, part: Certificate) -> Entry:
    return Endorsed(RECEIVABLE_ID, part.holder, writer.choose(PARTIES), part.start, part.end, DOCUMENT, writer.at)


def _merged(writer: Writer, part: Certificate) -> Entry | None:
    right = writer.state.certificates.get(part.end)
    if right is None:
        return None
    return Merged(RECEIVABLE_ID, part.holder, part.start, right.end, part.end, writer.at)


def _ordered(writer: Writer) -> tuple[int, bytes, Address, Address]:
    return RECEIVABLE_ID, writer.choose(ORDERS), OFFICER, COUNTERSIGNER


def _partitioned(writer: Writer, part: Certificate) -> Entry:
    return Partitioned(*_ordered(writer), part.start, part.end, writer.number(part.start, part.end), writer.at)


def _forced(writer: Writer, part: Certificate) -> Entry:
    return ForcedTransfer(*_ordered(writer), writer.choose(PARTIES), part.start, part.end, writer.at)


def _frozen(writer: Writer, part: Certificate) -> Entry:
    expiry = writer.at + writer.number(1, 1_000)
    return CertificateFrozen(*_ordered(writer), part.start, part.end, expiry, writer.at)


def _unfrozen(writer: Writer, part: Certificate) -> Entry:
    return CertificateUnfrozen(*_ordered(writer), part.start, part.end, writer.at)


def _pledged(writer: Writer, part: Certificate) -> Entry:
    secured = writer.number(1, part.amount)
    lien = (part.start, part.end, secured, part.amount, QUOTE, writer.at)
    return Pledged(RECEIVABLE_ID, part.holder, BANK, *lien)


def _released(writer: Writer, part: Certificate) -> Entry:
    return Released(RECEIVABLE_ID, BANK, part.start, part.end, writer.at)


def _sold(writer: Writer, part: Certificate) -> Entry:
    cut = writer.choose([part.start, writer.number(part.start, part.end - 1)])
    amount = part.end - cut
    sold = (part.start, part.end, cut, amount, writer.number(0, amount), QUOTE, writer.at)
    return Sold(RECEIVABLE_ID, part.holder, BANK, *sold)


def _paid(writer: Writer) -> Entry:
    most = amounts.payable(writer.state)
    amount = writer.choose([most, writer.number(0, most)])
    return Paid(RECEIVABLE_ID, DEBTOR, writer.state.face, amount, writer.at)


def _redeemed(writer: Writer, part: Certificate) -> Entry:
    out = amounts.payout(writer.state, part)
    paid = (part.start, part.end, out.amount, out.to_financier, writer.at)
    return Redeemed(RECEIVABLE_ID, part.holder, part.holder, *paid)


def _credit(writer: Writer, front: Certificate) -> Entry:
    credited = (front.start, front.end, writer.number(1, front.amount), writer.at)
    return CreditNoted(RECEIVABLE_ID, DEBTOR, front.holder, *credited)


def _disputed(writer: Writer, front: Certificate) -> Entry:
    cut = writer.number(front.start + 1, front.end)
    return Disputed(RECEIVABLE_ID, DEBTOR, front.holder, front.start, front.end, cut, writer.at)


def _resolved(writer: Writer) -> Entry | None:
    first = writer.state.certificates.get(writer.state.cancelled)
    if first is None:
        return None
    return Resolved(RECEIVABLE_ID, DEBTOR, first.holder, writer.state.face, writer.at)


def _demanded(writer: Writer, part: Certificate) -> Entry | None:
    if part.recourse is None:
        return None
    return RecourseDemanded(RECEIVABLE_ID, part.holder, part.recourse.seller, part.start, part.end, writer.at)


def _repurchased(writer: Writer, part: Certificate) -> Entry | None:
    if part.recourse is None:
        return None
    owed = part.recourse.amount - part.claimed
    return Repurchased(RECEIVABLE_ID, part.recourse.seller, part.start, part.end, owed, writer.at)


def _pass(writer: Writer) -> None:
    soon = writer.at + writer.number(0, 1_000)
    late = max(writer.at, DUE)
    writer.at = writer.choose([soon, soon, soon, late, late + 40 * DAY_SECONDS])


_KINDS: tuple[Callable[[Writer], Entry | None], ...] = (
    *(_of_part(make) for make in (_split, _split, _endorsed, _merged, _partitioned, _forced, _frozen, _unfrozen)),
    *(
        _of_part(make)
        for make in (_pledged, _released, _sold, _redeemed, _redeemed, _redeemed, _demanded, _repurchased)
    ),
    *(_of_front(make) for make in (_credit, _disputed, _disputed)),
    _paid,
    _resolved,
    _resolved,
    _pass,
    lambda writer: ReceivableFrozen(*_ordered(writer), writer.state.face, writer.at + 100, writer.at),
    lambda writer: ReceivableUnfrozen(*_ordered(writer), writer.state.face, writer.at),
    lambda writer: Closed(RECEIVABLE_ID, OFFICER, writer.state.face, writer.at),
    lambda writer: Dishonoured(RECEIVABLE_ID, OFFICER, writer.state.face, writer.at),
    lambda writer: Absolved(RECEIVABLE_ID, OFFICER, writer.state.face, writer.at),
)
