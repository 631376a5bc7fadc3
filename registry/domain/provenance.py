"""Provenance: the entries that touched a range of minor units, and who held it after each of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from registry.domain.fold import JournalBroken, walk
from registry.domain.identifiers import Address
from registry.domain.journal import (
    ENTRY_TYPES,
    Absolved,
    Closed,
    CreditNoted,
    Dishonoured,
    Disputed,
    Endorsed,
    Entry,
    Paid,
    Partitioned,
    ReceivableFrozen,
    ReceivableUnfrozen,
    Resolved,
    Sealed,
    Sold,
    Split,
)
from registry.domain.receivable import Certificate, Receivable


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of a range's history. `holder` holds [start, end), the part around the range, after it.

    It is None where there is no such part: several hold the range, or it was paid out or credited and is no more.
    `position` counts the entries of the journal from 1; `giver` is the holder before, where the entry moved the range.
    `head` is the journal's head after the entry.
    """

    position: int
    entry: Entry
    head: bytes
    start: int
    end: int
    holder: Address | None
    giver: Address | None

    @property
    def document(self) -> bytes | None:
        """Hash of the trade document behind the step, where the entry carries one and the range moved."""
        if self.giver is None or not isinstance(self.entry, Split | Endorsed):
            return None
        return self.entry.document

    @property
    def order(self) -> bytes | None:
        """Reference of the order behind the step, where it is an officer's."""
        return getattr(self.entry, "order", None)


def overlaps(entry: Entry, start: int, end: int) -> bool:
    """Whether the entry's range shares a minor unit with [start, end)."""
    entry_start, entry_end = entry.range
    return entry_start < end and start < entry_end


def bearing(entries: Sequence[Entry], *, start: int, end: int) -> list[bool]:
    """Of each entry, whether it bears on what [start, end) is now: each that does not may be sealed.

    Those of a whole receivable do. Of the others those that overlap the range, or the range of a later one that does:
    what was in one certificate with these minor units, while it was. Credit notes and disputes change what is paid on
    every minor unit, so they always do, with what made the front that they are about; and the end of a dispute with
    what made somebody else the holder of the first minor unit, who has to agree to it.
    """
    return list(bearing_back(entries, start=start, end=end))[::-1]


def bearing_back(entries: Sequence[Entry], *, start: int, end: int) -> Iterator[bool]:
    """As bearing, from the newest entry back. Costs as much as is asked for, if what bears is not sealed."""
    ranges = [(start, end)]
    for position in range(len(entries) - 1, -1, -1):
        entry = entries[position]
        kind = entry.kind if isinstance(entry, Sealed) else type(entry)
        bears = kind in _OF_ALL or any(overlaps(entry, *known) for known in ranges)
        yield bears
        if bears and kind in _WITH_RANGE:
            ranges = _joined(ranges, entry.range)
        elif kind is Resolved:
            first = _first_left(entries, position)
            ranges = _joined(ranges, (first, first + 1))


def _first_left(entries: Sequence[Entry], position: int) -> int:
    """The first minor unit that is not credited, before the entry at this index, which ends a dispute."""
    for at in range(position - 1, -1, -1):
        match entries[at]:
            case CreditNoted(start=start, amount=amount):
                return start + amount
            case Disputed(start=start):
                return start
    raise JournalBroken("a dispute ends that never began")


_WITH_RANGE = frozenset(kind for kind in ENTRY_TYPES if any(argument.name == "start" for argument in kind.arguments()))
"""Entries about one certificate."""

_OF_ALL = frozenset(ENTRY_TYPES) - _WITH_RANGE | {CreditNoted, Disputed}
"""Entries that change what is true of every minor unit."""


def _joined(ranges: Iterable[tuple[int, int]], added: tuple[int, int]) -> list[tuple[int, int]]:
    """The ranges and one more, those that share a minor unit as one: their number stays that of the pieces."""
    start, end = added
    apart = []
    for one in ranges:
        if one[0] < end and start < one[1]:
            start, end = min(start, one[0]), max(end, one[1])
        else:
            apart.append(one)
    return [*apart, (start, end)]


def provenance(journal_start: Receivable, entries: Iterable[Entry], *, start: int, end: int) -> Iterator[Step]:
    """The history of [start, end), oldest first: exactly the entries whose range overlaps it.

    What concerns a whole receivable (its registration, its freezing) overlaps all of its ranges. `journal_start` is the
    empty receivable, `entries` its whole journal: the fold is what says who held the range. Raises JournalBroken.
    """
    part: Certificate | None = None
    for receivable, entry in walk(journal_start, entries):
        if not overlaps(entry, start, end):
            continue
        before, part = part, _part(receivable.certificates, _starts(entry, part), start, end)
        holder = part.holder if part else None
        yield Step(
            position=receivable.length,
            entry=entry,
            head=receivable.head,
            start=part.start if part else entry.range[0],
            end=part.end if part else entry.range[1],
            holder=holder,
            giver=before.holder if before and before.holder != holder else None,
        )


def _starts(entry: Entry, before: Certificate | None) -> Iterable[int]:
    """Where the certificate around a range can start after an entry that overlaps it: there are one or two places."""
    match entry:
        case Split() | Partitioned() | Sold() | Disputed():
            return entry.start, entry.cut
        case CreditNoted():
            return (entry.start + entry.amount,)
        case ReceivableFrozen() | ReceivableUnfrozen() | Paid() | Resolved() | Closed() | Dishonoured() | Absolved():
            return () if before is None else (before.start,)
        case _:
            return (entry.range[0],)


def _part(certificates: Mapping[int, Certificate], starts: Iterable[int], start: int, end: int) -> Certificate | None:
    """The certificate around [start, end) that starts at one of these, or None where several share the range."""
    for at in starts:
        part = certificates.get(at)
        if part is not None and part.start <= start and end <= part.end:
            return part
    return None
