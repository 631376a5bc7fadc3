"""Reads at the newest final block: the same snapshot, of which journals are folded up to that block and no further."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Annotated, Literal

from fastapi import Depends, Query, Request

from api.deps import MirrorEmpty, Reading, ReadingDep
from registry.domain.identifiers import Address
from registry.domain.journal import REGISTRY_JOURNAL
from registry.errors import ServiceError
from registry.mirror.past import Past
from registry.store.queries import entries, health, journals
from registry.store.queries.certificates import CertificateRow
from registry.store.queries.entries import StoredEntryRow
from registry.store.queries.orders import HoldRow
from registry.store.queries.pages import Page
from registry.store.queries.receivables import ReceivableRow
from registry.store.queries.registry import RegistryRow


class NothingFinal(ServiceError):
    """No final block is mirrored: the node tells of none, or of none since the contract is there."""

    code = "nothing_final"
    title = "No final block is mirrored yet"
    default_hint = "Ask without `at=final`; a node that knows no `finalized` tag never has one"


class FinalReading(Reading):
    """The same snapshot as of its newest final block. What only the folds of journals tell is here; lists are not.

    Names, and the texts behind hashes, are as they are known now: the chain has none.
    """

    @classmethod
    def of(cls, head: Reading) -> FinalReading:
        """Raises NothingFinal."""
        cursor = health.final(head.connection, head.cursor)
        if cursor is None:
            raise NothingFinal()
        return cls(head.connection, cursor)

    @cached_property
    def past(self) -> Past:
        """The journals as of the block."""
        return Past(self.connection, self.cursor)

    @cached_property
    def registry(self) -> RegistryRow:
        """As Reading.registry. Raises MirrorEmpty, JournalTooLong."""
        if self._registry_is_unchanged:
            return super().registry
        found = self.past.registry()
        if found is None:
            raise MirrorEmpty("the first entry of R-0 is not final yet")
        return found

    @cached_property
    def _registry_is_unchanged(self) -> bool:
        """Whether the tables have R-0 as it was: mostly so, and it is long where members are many."""
        return journals.unchanged_since(self.connection, REGISTRY_JOURNAL, self.cursor.block_number)

    def _freezes_on(
        self, *, receivables: Iterable[int], certificates: Iterable[tuple[int, int]], members: Iterable[Address]
    ) -> Sequence[HoldRow]:
        if not self._registry_is_unchanged:
            return self.past.holds(receivables=receivables, certificates=certificates, members=members)
        on_members = super()._freezes_on(receivables=(), certificates=(), members=members)
        return [*self.past.holds(receivables=receivables, certificates=certificates), *on_members]

    def receivable(self, receivable_id: int) -> ReceivableRow | None:
        """One receivable, or None. Raises JournalTooLong."""
        return self.past.receivable(receivable_id)

    def certificate(self, receivable_id: int, start: int) -> CertificateRow | None:
        """The certificate that was live and starts at this minor unit, or None. Raises JournalTooLong."""
        return self.past.certificate(receivable_id, start)

    def entries(self, journal_id: int, *, after: int | None, limit: int) -> Page[StoredEntryRow, int]:
        """A page of what a journal had come to; `after` is the position that it follows."""
        until = self.cursor.block_number
        return entries.entries(self.connection, journal_id, after=after, limit=limit, until_block=until)


At = Literal["head", "final"]

AT = (
    "`final`: as it was at the newest block that is final, which is then as_of_block; what came after it is not there. "
    "Names and texts that are not on chain are as they are known now."
)


def reading_at(request: Request, reading: ReadingDep, at: Annotated[At, Query(description=AT)] = "head") -> Reading:
    """The snapshot as of its block, or of its newest final one. Raises NothingFinal."""
    if at == "head":
        return reading
    found = FinalReading.of(reading)
    request.state.as_of_block = found.as_of_block
    return found


ReadingAtDep = Annotated[Reading, Depends(reading_at)]
