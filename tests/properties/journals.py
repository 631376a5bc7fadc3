"""Random journals, and entries of any kind: strategies for the property tests without a chain.

What is written into a journal is decided here by a small model of its own, without the fold and without the rules.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from registry.domain import rules
from registry.domain.identifiers import MINOR_MAX, Address
from registry.domain.journal import (
    ENTRY_TYPES,
    CertificateFrozen,
    CertificateUnfrozen,
    Confirmed,
    CounterOffered,
    DescriptorSet,
    Endorsed,
    Entry,
    ForcedTransfer,
    Lapsed,
    MemberAdmitted,
    MemberFrozen,
    MemberSuspended,
    MemberUnfrozen,
    Merged,
    OfferAccepted,
    ParameterSet,
    Partitioned,
    Paused,
    ReceivableFrozen,
    ReceivableUnfrozen,
    Refused,
    Registered,
    RulesSet,
    Split,
    Sunset,
    Unpaused,
    Withdrawn,
)
from registry.domain.receivable import DAY_SECONDS, Parameter

PARTIES: list[Address] = [bytes([number]) * 20 for number in range(1, 6)]
DEBTOR = b"\xdd" * 20
OPERATOR, OFFICER, COUNTERSIGNER = (bytes([number]) * 20 for number in (0xAA, 0xBB, 0xCC))
ORDERS = [bytes([number]) * 32 for number in range(1, 4)]
DUE = 20_000 * DAY_SECONDS
WINDOW_SECONDS = 14 * DAY_SECONDS
WHERE: dict[str, Any] = {"chain_id": 31337, "contract": b"\xcc" * 20}

Listed = dict[bytes, int]
"""Orders on one thing, with their expiry."""


def _holds(listed: Listed, at: int) -> bool:
    return any(at < expiry for expiry in listed.values())


@dataclass
class _Part:
    end: int
    holder: Address
    orders: Listed = field(default_factory=dict)


@dataclass
class _Writer:
    """Writes one receivable's journal, move by move, each such that the contract could have accepted it."""

    draw: st.DrawFn
    receivable_id: int
    at: int
    originator: Address
    face: int
    due: int = DUE
    answer_by: int = 0
    entries: list[Entry] = field(default_factory=list)
    cover: dict[int, _Part] = field(default_factory=dict)
    orders: Listed = field(default_factory=dict)

    def pass_time(self, seconds_max: int) -> None:
        self.at += self.draw(st.integers(0, seconds_max))

    def register(self) -> None:
        self.answer_by = self.at + WINDOW_SECONDS
        claim = (self.face, DUE, 978, b"\x01" * 32, b"\x02" * 32)
        self.entries.append(Registered(self.receivable_id, self.originator, DEBTOR, *claim, self.answer_by, self.at))

    def offer(self) -> tuple[int, int] | None:
        """The last counter-offer, if there was any."""
        offered = None
        for _ in range(self.draw(st.sampled_from([0, 0, 1, 2]))):
            face = self.draw(st.integers(1, self.face))
            days = self.draw(st.integers(0 if face < self.face else 1, 60))
            offered = face, DUE + days * DAY_SECONDS
            self.entries.append(CounterOffered(self.receivable_id, DEBTOR, self.face, *offered, self.at))
            self.pass_time(100)
        return offered

    def begin(self) -> None:
        """Confirm the claim, or accept the offer."""
        self.register()
        offered = self.offer()
        if offered is not None and self.draw(st.booleans()):
            self.face, self.due = offered
            accepted = (self.originator, DEBTOR, self.face, self.due, self.at)
            self.entries.append(OfferAccepted(self.receivable_id, *accepted))
        else:
            self.entries.append(Confirmed(self.receivable_id, DEBTOR, self.originator, self.face, self.at))
        self.cover = {0: _Part(self.face, self.originator)}

    def end(self) -> None:
        """The claim comes to nothing."""
        self.register()
        self.offer()
        number, face = self.receivable_id, self.face
        answer = self.draw(
            st.sampled_from(
                [
                    Refused(number, DEBTOR, 3, face, self.at),
                    Withdrawn(number, self.originator, face, self.at),
                    Lapsed(number, PARTIES[4], face, max(self.at, self.answer_by)),
                ]
            )
        )
        self.entries.append(answer)

    def move(self) -> None:
        """One entry about a certificate or the receivable."""
        self.pass_time(100)
        start = self.draw(st.sampled_from(sorted(self.cover)))
        part = self.cover[start]
        self.draw(st.sampled_from(self.possible(start, part)))(start, part)

    def possible(self, start: int, part: _Part) -> list[Any]:
        moves: list[Any] = [self.force, self.freeze, self.freeze_all]
        if part.end - start > 1:
            moves.append(self.partition)
        if part.orders:
            moves.append(self.unfreeze)
        if self.orders:
            moves.append(self.unfreeze_all)
        if self.at >= self.due or _holds(self.orders, self.at) or _holds(part.orders, self.at):
            return moves
        moves += [self.endorse] * 3
        if part.end - start > 1:
            moves += [self.split] * 5
        right = self.cover.get(part.end)
        if right is not None and right.holder == part.holder and not _holds(right.orders, self.at):
            moves += [self.merge] * 5
        return moves

    def split(self, start: int, part: _Part) -> None:
        cut = self.draw(st.integers(start + 1, part.end - 1))
        receiver = self.draw(st.sampled_from(PARTIES))
        moved = (part.holder, receiver, start, part.end, cut, self.document(), self.at)
        self.entries.append(Split(self.receivable_id, *moved))
        self.cover[start], self.cover[cut] = _Part(cut, part.holder), _Part(part.end, receiver)

    def endorse(self, start: int, part: _Part) -> None:
        receiver = self.other(part.holder)
        moved = (part.holder, receiver, start, part.end, self.document(), self.at)
        self.entries.append(Endorsed(self.receivable_id, *moved))
        self.cover[start] = _Part(part.end, receiver)

    def merge(self, start: int, part: _Part) -> None:
        right = self.cover.pop(part.end)
        self.entries.append(Merged(self.receivable_id, part.holder, start, right.end, part.end, self.at))
        self.cover[start] = _Part(right.end, part.holder)

    def partition(self, start: int, part: _Part) -> None:
        cut = self.draw(st.integers(start + 1, part.end - 1))
        self.entries.append(Partitioned(*self.ordered(), start, part.end, cut, self.at))
        self.cover[start] = _Part(cut, part.holder, dict(part.orders))
        self.cover[cut] = _Part(part.end, part.holder, dict(part.orders))

    def force(self, start: int, part: _Part) -> None:
        """Under an order on the certificate, the receivable or, for all that this journal says, the holder."""
        by = self.ordered()
        receiver = self.other(part.holder)
        self.entries.append(ForcedTransfer(*by, receiver, start, part.end, self.at))
        part.holder = receiver
        self.prune(part.orders)
        part.orders.pop(by[1], None)

    def freeze(self, start: int, part: _Part) -> None:
        self.list_order(part.orders, lambda by, expiry: CertificateFrozen(*by, start, part.end, expiry, self.at))

    def freeze_all(self, start: int, part: _Part) -> None:
        self.list_order(self.orders, lambda by, expiry: ReceivableFrozen(*by, self.face, expiry, self.at))

    def unfreeze(self, start: int, part: _Part) -> None:
        self.lift(part.orders, lambda by: CertificateUnfrozen(*by, start, part.end, self.at))

    def unfreeze_all(self, start: int, part: _Part) -> None:
        self.lift(self.orders, lambda by: ReceivableUnfrozen(*by, self.face, self.at))

    def list_order(self, listed: Listed, entry: Any) -> None:
        self.prune(listed)
        by = self.ordered()
        if by[1] in listed:
            return
        expiry = self.at + self.draw(st.integers(1, 300))
        self.entries.append(entry(by, expiry))
        listed[by[1]] = expiry

    def lift(self, listed: Listed, entry: Any) -> None:
        order = self.draw(st.sampled_from(sorted(listed)))
        self.entries.append(entry((self.receivable_id, order, OFFICER, COUNTERSIGNER)))
        del listed[order]
        self.prune(listed)

    def prune(self, listed: Listed) -> None:
        for order in [order for order, expiry in listed.items() if expiry <= self.at]:
            del listed[order]

    def ordered(self) -> tuple[int, bytes, Address, Address]:
        return self.receivable_id, self.draw(st.sampled_from(ORDERS)), OFFICER, COUNTERSIGNER

    def other(self, holder: Address) -> Address:
        return self.draw(st.sampled_from([party for party in PARTIES if party != holder]))

    def document(self) -> bytes:
        return self.draw(st.binary(min_size=32, max_size=32))


def _writer(draw: st.DrawFn, face_max: int) -> _Writer:
    return _Writer(
        draw=draw,
        receivable_id=draw(st.integers(1, 2**63 - 1)),
        at=draw(st.integers(DUE - 90 * DAY_SECONDS, DUE - 1_000)),
        originator=draw(st.sampled_from(PARTIES)),
        face=draw(st.integers(1, face_max) | st.sampled_from([1, 2, face_max])),
    )


@st.composite
def journals(draw: st.DrawFn, *, face_max: int = MINOR_MAX, moves_max: int = 25) -> list[Entry]:
    """A journal that the contract could have written: registered, confirmed, then moves and orders."""
    writer = _writer(draw, face_max)
    writer.begin()
    for _ in range(draw(st.integers(0, moves_max))):
        writer.move()
    return writer.entries


@st.composite
def ended_journals(draw: st.DrawFn) -> list[Entry]:
    """A journal of a claim that was refused, withdrawn or lapsed, perhaps after counter-offers."""
    writer = _writer(draw, MINOR_MAX)
    writer.end()
    return writer.entries


@st.composite
def registry_journals(draw: st.DrawFn, *, steps_max: int = 25) -> list[Entry]:
    """A journal of R-0 that the contract could have written."""
    at = draw(st.integers(DAY_SECONDS, 10 * DAY_SECONDS))
    entries: list[Entry] = [
        ParameterSet(parameter, OPERATOR, draw(st.integers(1, rules.PARAMETER_VALUES[parameter][-1])), at, at)
        for parameter in Parameter
    ]
    orders: dict[Address, Listed] = {}
    active: set[Address] = set()
    paused = sunset = False
    for _ in range(draw(st.integers(0, steps_max))):
        at += draw(st.integers(0, DAY_SECONDS) | st.sampled_from([0, DAY_SECONDS - at % DAY_SECONDS]))
        member = draw(st.sampled_from(PARTIES))
        order = draw(st.sampled_from(ORDERS))
        listed = orders.get(member, {})
        by = (member, order, OFFICER, COUNTERSIGNER)
        possible: list[Entry] = [
            MemberAdmitted(member, OPERATOR, at + draw(st.integers(1, 2**30)), 7, order, at),
            Unpaused(OPERATOR, at) if paused else Paused(OPERATOR, at),
            ParameterSet(
                draw(st.integers(1, 4)),
                OPERATOR,
                draw(st.integers(1, 65_535)),
                (at // DAY_SECONDS + draw(st.integers(1, 3))) * DAY_SECONDS,
                at,
            ),
            RulesSet(member, OPERATOR, at),
            DescriptorSet(member, OPERATOR, at),
        ]
        if member in active:
            possible.append(MemberSuspended(member, OPERATOR, 1, at))
        if member in orders and listed.get(order, 0) <= at:
            possible.append(MemberFrozen(*by, at + draw(st.integers(1, 3 * DAY_SECONDS)), at))
        if order in listed:
            possible.append(MemberUnfrozen(*by, at))
        if not sunset:
            possible.append(Sunset(OPERATOR, at))
        entry = draw(st.sampled_from(possible))
        entries.append(entry)
        match entry:
            case MemberAdmitted():
                orders.setdefault(member, {})
                active.add(member)
            case MemberSuspended():
                active.discard(member)
            case MemberFrozen():
                standing = {one: expiry for one, expiry in listed.items() if at < expiry}
                orders[member] = standing | {order: entry.expiry}
            case MemberUnfrozen():
                orders[member] = {one: expiry for one, expiry in listed.items() if at < expiry and one != order}
            case Paused() | Unpaused():
                paused = not paused
            case Sunset():
                sunset = True
    return entries


def values(abi_type: str) -> st.SearchStrategy[int | bytes]:
    """Any value of an ABI type, its extremes more often than chance would have them."""
    if abi_type.startswith("uint"):
        # The only uint256 is a receivable's id, and those are counted: a decoder may take more for a mistake.
        largest = 2 ** min(int(abi_type.removeprefix("uint")), 64) - 1
        return st.integers(0, largest) | st.sampled_from([0, 1, largest])
    size = 20 if abi_type == "address" else 32
    return st.binary(min_size=size, max_size=size) | st.sampled_from([bytes(size), b"\xff" * size])


def any_entry() -> st.SearchStrategy[Entry]:
    """An entry of any type with any values, also such as no contract would accept."""
    return st.sampled_from(ENTRY_TYPES).flatmap(
        lambda entry_type: st.builds(
            entry_type, **{argument.name: values(argument.abi_type) for argument in entry_type.arguments()}
        )
    )
