"""From entries to rows: fold each journal from where it stood, write what changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import psycopg

from registry.chain.rpc import Block, RawLog
from registry.domain.decode import decode
from registry.domain.fold import empty_receivable, empty_registry, walk, walk_registry
from registry.domain.identifiers import Address
from registry.domain.journal import REGISTRY_JOURNAL, Entry
from registry.domain.receivable import Receivable, Registry
from registry.mirror import store

CACHED_STATES_MAX = 20_000
"""Folded states kept in memory between rounds; what is not kept is refolded from the stored log."""

State = Receivable | Registry


@dataclass(frozen=True, slots=True)
class Applied:
    """What apply wrote: the journals that grew. `keep` is called once the transaction is committed: only then may the
    new states be kept."""

    journal_ids: tuple[int, ...]
    keep: Callable[[], None]


class Projector:
    """Folds entries into projections of one contract on one chain. Raises JournalBroken, LogMalformed."""

    def __init__(self, *, chain_id: int, contract: Address) -> None:
        self.chain_id = chain_id
        self.contract = contract
        self._states: dict[int, State] = {}

    def empty(self, journal_id: int) -> State:
        """A journal before its first entry."""
        if journal_id == REGISTRY_JOURNAL:
            return empty_registry(chain_id=self.chain_id, contract=self.contract)
        return empty_receivable(chain_id=self.chain_id, contract=self.contract, receivable_id=journal_id)

    def walk(self, state: State, entries: Iterable[Entry]) -> Iterator[tuple[State, Entry]]:
        """The state after each of these entries. Only the last one may be kept: a step changes what is before it."""
        yield from walk_registry(state, entries) if isinstance(state, Registry) else walk(state, entries)

    def load(self, connection: psycopg.Connection, journal_ids: Sequence[int]) -> dict[int, State]:
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
            for reached, _ in self.walk(state, (row.entry for row in stored)):
                state = reached
            yield journal_id, state, stored

    def apply(self, connection: psycopg.Connection, blocks: Sequence[Block], logs: Sequence[RawLog]) -> Applied:
        """Append blocks and logs to the stored log and bring the projections up to them."""
        by_journal: dict[int, list[tuple[RawLog, Entry]]] = defaultdict(list)
        for log in sorted(logs, key=lambda log: (log.block_number, log.log_index)):
            entry = decode(log.topics, log.data)
            by_journal[entry.journal_id].append((log, entry))
        before = self.load(connection, list(by_journal))
        after: dict[int, State] = {}
        new: list[store.NewEntry] = []
        written: store.Rows = defaultdict(list)
        gone: store.Rows = defaultdict(list)
        for journal_id, pairs in by_journal.items():
            old = state = before[journal_id]
            for (log, _), (reached, entry) in zip(pairs, self.walk(old, (entry for _, entry in pairs)), strict=True):
                new.append(store.NewEntry(log, entry, reached.length, reached.head))
                state = reached
            after[journal_id] = state
            for into, rows in zip((written, gone), store.changed(old, state), strict=True):
                for table, values in rows.items():
                    into[table].extend(values)
        store.insert_log(connection, blocks, new)
        store.delete_rows(connection, gone)
        store.write_rows(connection, written)
        return Applied(tuple(after), lambda: self._keep(after))

    def refold(self, connection: psycopg.Connection, journal_ids: Sequence[int]) -> None:
        """Write the projections of these journals anew from the stored log."""
        store.delete_journals(connection, journal_ids)
        for _, state, _ in self.replay(connection, journal_ids):
            store.write_rows(connection, store.rows_of(state))
        for journal_id in journal_ids:
            self._states.pop(journal_id, None)

    def forget(self) -> None:
        """Drop all kept states."""
        self._states.clear()

    def _keep(self, states: dict[int, State]) -> None:
        self._states.update(states)
        while len(self._states) > CACHED_STATES_MAX:
            self._states.pop(next(iter(self._states)))
