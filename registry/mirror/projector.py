"""From entries to rows: fold each journal from where it stood, and say which rows change."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import psycopg

from registry.chain.rpc import RawLog
from registry.domain.decode import LogMalformed, decode_hashed, journal_of
from registry.domain.fold import JournalBroken, empty_receivable, empty_registry, walk, walk_hashed, walk_registry
from registry.domain.identifiers import Address
from registry.domain.journal import REGISTRY_JOURNAL, Entry
from registry.domain.receivable import Registry
from registry.mirror import store
from registry.mirror.copying import entry_row
from registry.mirror.store import Changes, State

CACHED_STATES_MAX = 30_000
"""Folded states kept in memory between rounds; what is not kept is refolded from the stored log."""

WRITTEN_JOURNALS = 5_000
"""Journals whose rows are written at once where they are folded anew."""


@dataclass(slots=True)
class Folded:
    """What one transaction folds: the journals' states before and after it, and which hold an entry that cannot be.

    Of a broken journal nothing is here that its range of blocks brought.
    """

    before: dict[int, State] = field(default_factory=dict)
    after: dict[int, State] = field(default_factory=dict)
    broken: dict[int, str] = field(default_factory=dict)
    entries: int = 0

    def changes(self) -> Changes:
        """The projection rows that are not as before."""
        changes = Changes()
        for journal_id, state in self.after.items():
            changes.add(self.before[journal_id], state)
        return changes

    def undone(self) -> Changes:
        """The projection rows that bring back what was before."""
        changes = Changes()
        for journal_id, state in self.after.items():
            changes.add(state, self.before[journal_id])
        return changes


@dataclass(frozen=True, slots=True)
class Begun:
    """Logs by journal, and the states of journals that the transaction meets for the first time."""

    by_journal: dict[int, list[RawLog]]
    loaded: dict[int, State]


class Projector:
    """Folds entries into projections of one contract on one chain. Raises JournalBroken, LogMalformed."""

    def __init__(self, *, chain_id: int, contract: Address) -> None:
        self.chain_id = chain_id
        self.contract = contract
        self._states: OrderedDict[int, State] = OrderedDict()

    def empty(self, journal_id: int) -> State:
        """A journal before its first entry."""
        if journal_id == REGISTRY_JOURNAL:
            return empty_registry(chain_id=self.chain_id, contract=self.contract)
        return empty_receivable(chain_id=self.chain_id, contract=self.contract, receivable_id=journal_id)

    def walk(self, state: State, entries: Iterable[Entry]) -> Iterator[tuple[State, Entry]]:
        """The state after each of these entries: one state, which each step changes."""
        return walk_registry(state, entries) if isinstance(state, Registry) else walk(state, entries)

    def load(self, connection: psycopg.Connection, journal_ids: Collection[int]) -> dict[int, State]:
        """The states of journals as SQL has them: kept ones where their heads agree, the others refolded."""
        heads = store.journal_heads(connection, journal_ids)
        states = {journal_id: self.empty(journal_id) for journal_id in journal_ids}
        stale = []
        for journal_id, head in heads.items():
            kept = self._states.get(journal_id)
            if kept is not None and kept.head == head:
                states[journal_id] = kept
            else:
                stale.append(journal_id)
        if stale:
            states.update((journal_id, state) for journal_id, state, _ in self.replay(connection, stale))
        return states

    def replay(
        self, connection: psycopg.Connection, journal_ids: Iterable[int] | None = None
    ) -> Iterator[tuple[int, State, list[store.StoredEntry]]]:
        """The states that the stored log gives, of the journals named or of all, each with its entries."""
        for journal_id, stored in store.stored_entries(connection, journal_ids):
            state = self.empty(journal_id)
            for reached, _ in walk_hashed(state, (row.hashed for row in stored)):
                state = reached
            yield journal_id, state, stored

    def begin(
        self, connection: psycopg.Connection, logs: Iterable[RawLog], into: Folded, *, without: Collection[int] = ()
    ) -> Begun:
        """What `fold` needs of the database for these logs, in the order of the chain, on from where `into` is.

        Journals of `without` are left out.
        """
        by_journal: dict[int, list[RawLog]] = defaultdict(list)
        for log in logs:
            by_journal[journal_of(log.topics)].append(log)
        for journal_id in {*without, *into.broken}:
            by_journal.pop(journal_id, None)
        return Begun(by_journal, self.load(connection, by_journal.keys() - into.after.keys()))

    def fold(self, begun: Begun, into: Folded) -> list[bytes]:
        """Fold what was begun; rows of copying.entry_row for the stored log. Journals that break are left out."""
        rows: list[bytes] = []
        for journal_id, found in begun.by_journal.items():
            state = into.after.get(journal_id) or begun.loaded[journal_id]
            try:
                reached, new = self._folded(state, found)
            except (JournalBroken, LogMalformed) as broken:
                into.broken[journal_id] = f"{broken.code}: {broken}"
                continue
            if reached is state:
                continue
            into.before.setdefault(journal_id, state)
            into.after[journal_id] = reached
            rows += new
        into.entries += len(rows)
        return rows

    def _folded(self, state: State, logs: Sequence[RawLog]) -> tuple[State, list[bytes]]:
        """The state after these logs of one journal, and their rows."""
        rows = []
        steps = walk_hashed(state, (decode_hashed(log.topics, log.data) for log in logs))
        for log, (reached, entry) in zip(logs, steps, strict=True):
            state = reached
            rows.append(entry_row(log, entry, reached.length, reached.head))
        return state, rows

    def refold(self, connection: psycopg.Connection, journal_ids: Sequence[int]) -> None:
        """Write the projections of these journals anew from the stored log."""
        store.delete_journals(connection, journal_ids)
        for at in range(0, len(journal_ids), WRITTEN_JOURNALS):
            changes = Changes()
            for journal_id, state, _ in self.replay(connection, journal_ids[at : at + WRITTEN_JOURNALS]):
                changes.add(self.empty(journal_id), state)
            changes.write(connection)
        for journal_id in journal_ids:
            self._states.pop(journal_id, None)

    def keep(self, states: Mapping[int, State]) -> None:
        """Keep states in memory that are now committed; those that grew last are kept longest."""
        for journal_id, state in states.items():
            self._states[journal_id] = state
            self._states.move_to_end(journal_id)
        while len(self._states) > CACHED_STATES_MAX:
            self._states.popitem(last=False)

    def forget(self) -> None:
        """Drop all kept states."""
        self._states.clear()
