"""What the newest transactions folded, kept in memory to undo them without the stored log."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from registry.domain.receivable import Receivable
from registry.mirror import store
from registry.mirror.projector import Folded
from registry.mirror.store import Cursor

HISTORY_STATES_MAX = 200_000
"""Certificates and members in the states that are kept for undoing; beyond, the stored log gives them again."""

HISTORY_TRANSACTIONS_MAX = 10_000
"""Transactions that are kept, whatever they hold: where nothing is called final, none ever goes by itself."""


@dataclass(frozen=True, slots=True)
class _Done:
    """A committed transaction that may have to be undone: where the cursor was before, and what it folded."""

    before: Cursor
    folded: Folded
    weight: int


class History:
    """Committed transactions, the oldest first. That they are all there were since a block nobody promises: whoever
    undoes by them asks `tells`."""

    def __init__(self) -> None:
        self._done: deque[_Done] = deque()
        self._weight = 0

    def __len__(self) -> int:
        return len(self._done)

    def add(self, before: Cursor, folded: Folded) -> None:
        """Keep one more transaction, and of the older ones as many as there is room for."""
        weight = 1 + sum(_weight(state) for states in (folded.before, folded.after) for state in states.values())
        self._done.append(_Done(before, folded, weight))
        self._weight += weight
        while self._weight > HISTORY_STATES_MAX or len(self._done) > HISTORY_TRANSACTIONS_MAX:
            self._drop_oldest()

    def drop_final(self, finalized: int) -> None:
        """Forget what ended at or below this block."""
        while len(self._done) > 1 and self._done[1].before.number <= finalized:
            self._drop_oldest()

    def since(self, block_hash: bytes) -> Folded | None:
        """The transactions after this block as one; None where none of those that are kept began there."""
        merged = Folded()
        for done in reversed(self._done):
            merged.before.update(done.folded.before)
            for journal_id, state in done.folded.after.items():
                merged.after.setdefault(journal_id, state)
            if done.before.hash == block_hash:
                return merged
        return None

    def drop_since(self, block_hash: bytes) -> None:
        """Forget the transactions after this block; all where none of those that are kept began there."""
        while self._done:
            done = self._done.pop()
            self._weight -= done.weight
            if done.before.hash == block_hash:
                return

    def clear(self) -> None:
        """Forget all."""
        self._done.clear()
        self._weight = 0

    def _drop_oldest(self) -> None:
        self._weight -= self._done.popleft().weight


def tells(folded: Folded, removed: Iterable[tuple[int, int]]) -> bool:
    """Whether undoing what was folded takes back just these entries (journal, position): another writer may have been
    in between, or a commit whose answer was lost."""
    known = {
        (journal_id, position)
        for journal_id, state in folded.after.items()
        for position in range(folded.before[journal_id].length + 1, state.length + 1)
    }
    return known == set(removed)


def _weight(state: store.State) -> int:
    return 1 + len(state.certificates if isinstance(state, Receivable) else state.members)
