"""Provenance: the entries that touched a range of minor units, and who held it after each of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from registry.domain.fold import walk
from registry.domain.identifiers import Address
from registry.domain.journal import Endorsed, Entry, Split
from registry.domain.receivable import Certificate, Receivable


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of a range's history. `holder` holds [start, end), the part around the range, after it.

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


def overlaps(entry: Entry, start: int, end: int) -> bool:
    """Whether the entry's range shares a minor unit with [start, end)."""
    entry_start, entry_end = entry.range
    return entry_start < end and start < entry_end


def provenance(journal_start: Receivable, entries: Iterable[Entry], *, start: int, end: int) -> Iterator[Step]:
    """The history of [start, end), oldest first: exactly the entries whose range overlaps it.

    `journal_start` is the empty receivable, `entries` its whole journal: the fold is what says who held the range.
    Raises JournalBroken.
    """
    holder: Address | None = None
    for receivable, entry in walk(journal_start, entries):
        if not overlaps(entry, start, end):
            continue
        part = _part(receivable.certificates, entry, start, end)
        before, holder = holder, part.holder if part else None
        moved = before is not None and before != holder
        yield Step(
            position=receivable.length,
            entry=entry,
            head=receivable.head,
            start=part.start if part else entry.range[0],
            end=part.end if part else entry.range[1],
            holder=holder,
            giver=before if moved else None,
        )


def _part(certificates: Mapping[int, Certificate], entry: Entry, start: int, end: int) -> Certificate | None:
    """The certificate around [start, end) after an entry whose range overlaps it, or None where several share it.

    The range of an entry was one certificate, so what is around the range now begins with it or where it was cut.
    """
    starts = (entry.start, entry.cut) if isinstance(entry, Split) else (entry.range[0],)
    for at in starts:
        part = certificates.get(at)
        if part is not None and part.start <= start and end <= part.end:
            return part
    return None
