"""The one loop for history and head: take a range of blocks, check it, fold it, commit it with the cursor.

Every range is a chain of headers whose first parent is the cursor's block; every log belongs to one of those headers;
a header whose bloom speaks of our events and which brought no log is asked again by its hash. A fork is found by the
stored hashes, at any depth, and what followed the fork is deleted and fetched anew in the same form.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

import psycopg

from registry.chain.rpc import Block, Node, RawLog
from registry.domain.decode import ENTRY_TOPICS
from registry.domain.identifiers import Address, format_address, format_receivable_id
from registry.domain.journal import ENTRY_BY_OPERATION
from registry.domain.keccak import keccak256
from registry.errors import Refusal, ServiceError
from registry.mirror import store
from registry.mirror.projector import Projector
from registry.mirror.store import Cursor
from registry.store.database import Database

RANGE_BLOCKS_MAX = 500
"""Blocks of one range, and so of one transaction."""

POLL_SECONDS = 0.2
RETRY_SECONDS_MAX = 5.0
UNDONE_NAMED_MAX = 20
BLOOM_BITS = 2048

log = logging.getLogger(__name__)


class MirrorBroken(ServiceError):
    """The node's answers do not fit together; asking again may help."""

    code = "mirror_broken"
    status = 502
    title = "The node's blocks and logs do not fit together"


class CursorLost(ServiceError):
    """Another writer moved the cursor."""

    code = "cursor_lost"
    status = 409
    title = "Another mirror writes to this database"
    default_hint = "One database has one mirror: stop the other one"


class OtherRegistry(ServiceError):
    """The database mirrors another contract or another chain."""

    code = "other_registry"
    status = 409
    title = "The database mirrors another registry"
    default_hint = "Use another database or, on a dev chain, start anew with `counterfoil demo --fresh`"


class Move(StrEnum):
    """What one step of the follower did."""

    NOTHING = "nothing"
    ADVANCED = "advanced"
    REWOUND = "rewound"
    BEHIND = "behind"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what it did, how far the mirror is, how far the node is.

    `depth` is the number of blocks that a rewind undid, `undone` names their entries (the first UNDONE_NAMED_MAX).
    """

    move: Move
    cursor: Cursor
    head: int
    entries: int = 0
    depth: int = 0
    undone: tuple[str, ...] = ()

    @property
    def lag_blocks(self) -> int:
        """Blocks that the mirror has not taken yet."""
        return max(0, self.head - self.cursor.number)


class Follower:
    """Follows one contract into one database.

    `first_block` is the block that created the contract. On a chain that we own (the dev chain) a lower head with known
    hashes is a rewind; elsewhere it is a node that lags behind, and the mirror waits.
    """

    def __init__(
        self, database: Database, node: Node, *, contract: Address, first_block: int, owns_chain: bool
    ) -> None:
        self._database = database
        self._node = node
        self._contract = contract
        self._first_block = first_block
        self._owns_chain = owns_chain
        self._projector = Projector(chain_id=node.chain_id, contract=contract)

    def reset_if_other(self) -> bool:
        """Empty the mirrored tables if they mirror another registry; only sensible on a chain that we own."""
        with self._database.bulk() as connection:
            cursor = store.read_cursor(connection, lock=True)
            if cursor is None or self._is_ours(cursor):
                return False
            connection.execute("TRUNCATE cursor, entry, block, journal, receivable, certificate, member")
            self._projector.forget()
            return True

    def step(self) -> Step:
        """Take the next range, or undo a reorg. Raises NodeUnreachable, RpcFailed, MirrorBroken, CursorLost,
        OtherRegistry, JournalBroken, LogMalformed, DatabaseUnreachable; nothing is half done then."""
        with self._database.bulk() as connection:
            cursor = store.read_cursor(connection) or self._first_cursor(connection)
        if not self._is_ours(cursor):
            raise OtherRegistry(f"it mirrors {format_address(cursor.contract)} on chain {cursor.chain_id}")
        head = self._node.head()
        known = self._node.block(cursor.number)
        if known is None or known.hash != cursor.hash:
            return self._undo(cursor, head)
        if head == cursor.number:
            return Step(Move.NOTHING, cursor, head)
        return self._advance(cursor, head)

    def catch_up(self, *, progress: Callable[[Step], None] | None = None, until: int | None = None) -> Cursor:
        """Step until nothing is left (or block `until` is reached); the cursor then."""
        while True:
            step = self.step()
            if progress is not None:
                progress(step)
            reached = until is not None and step.cursor.number >= until
            if step.move in (Move.NOTHING, Move.BEHIND) or (reached and step.move is Move.ADVANCED):
                return step.cursor

    def run(
        self,
        stop: threading.Event,
        *,
        nudge: threading.Event | None = None,
        on_step: Callable[[Step], None] | None = None,
        on_failure: Callable[[Refusal], None] | None = None,
    ) -> None:
        """Follow until `stop` is set; `nudge` ends a pause early, whoever stops sets both.

        A node or database that fails, or a node that answers what cannot be, is reported and asked again, ever more
        slowly.
        """
        pause = POLL_SECONDS
        waiting = nudge or stop
        while not stop.is_set():
            try:
                step = self.step()
            except Refusal as failure:
                log.warning("mirror: %s: %s", failure.code, failure)
                if on_failure is not None:
                    on_failure(failure)
                pause = min(pause * 2, RETRY_SECONDS_MAX)
            else:
                if on_step is not None:
                    on_step(step)
                pause = 0.0 if step.move in (Move.ADVANCED, Move.REWOUND) else POLL_SECONDS
            if waiting.wait(pause) and nudge is not None:
                nudge.clear()

    # ------------------------------------------------------------ internal

    def _is_ours(self, cursor: Cursor) -> bool:
        return (cursor.chain_id, cursor.contract) == (self._node.chain_id, self._contract)

    def _first_cursor(self, connection: psycopg.Connection) -> Cursor:
        """The cursor before the first range: the block before the contract's."""
        before = self._require_block(self._first_block - 1)
        cursor = Cursor(self._node.chain_id, self._contract, before.number, before.hash, before.at, 0, 0)
        store.insert_cursor(connection, cursor)
        return cursor

    def _require_block(self, number: int) -> Block:
        block = self._node.block(number)
        if block is None:
            raise MirrorBroken(f"the node has no block {number}")
        return block

    def _advance(self, cursor: Cursor, head: int) -> Step:
        last = min(head, cursor.number + RANGE_BLOCKS_MAX)
        blocks = self._chain_of_blocks(cursor, last)
        logs = self._logs(blocks)
        again = self._node.block(last)
        if again is None or again.hash != blocks[-1].hash:
            raise MirrorBroken(f"block {last} changed while its logs were read")
        end = blocks[-1]
        to = replace(
            cursor,
            number=end.number,
            hash=end.hash,
            at=end.at,
            safe=self._tagged("safe", cursor.safe),
            finalized=self._tagged("finalized", cursor.finalized),
        )
        with self._database.bulk() as connection:
            # First, so that a second writer stops here and not at a fold over rows that it did not expect.
            if not store.move_cursor(connection, previous=cursor, to=to):
                raise CursorLost()
            committed = self._projector.apply(connection, blocks, logs)
        committed()
        return Step(Move.ADVANCED, to, head, entries=len(logs))

    def _tagged(self, tag: str, before: int) -> int:
        block = self._node.block("safe" if tag == "safe" else "finalized")
        return before if block is None else block.number

    def _chain_of_blocks(self, cursor: Cursor, last: int) -> list[Block]:
        blocks: list[Block] = []
        parent = cursor.hash
        for number, block in zip(
            range(cursor.number + 1, last + 1),
            self._node.blocks(range(cursor.number + 1, last + 1)),
            strict=True,
        ):
            if block is None or block.number != number or block.parent_hash != parent:
                raise MirrorBroken(f"block {number} does not follow the one before it")
            blocks.append(block)
            parent = block.hash
        return blocks

    def _logs(self, blocks: list[Block]) -> list[RawLog]:
        hashes = {block.hash: block.number for block in blocks}
        logs = self._node.logs(
            contract=self._contract, topics=ENTRY_TOPICS, first=blocks[0].number, last=blocks[-1].number
        )
        for found in logs:
            if hashes.get(found.block_hash) != found.block_number:
                raise MirrorBroken(f"a log names block {found.block_number} by a hash that is not its header's")
        answered = {found.block_hash for found in logs}
        for block in blocks:
            if block.hash not in answered and self._bloom_speaks(block.logs_bloom):
                # Either the bloom is wrong (it may be) or the node left logs out: ask for this very block.
                logs += self._node.logs_of_block(contract=self._contract, topics=ENTRY_TOPICS, block_hash=block.hash)
        return logs

    def _bloom_speaks(self, bloom: bytes) -> bool:
        return _in_bloom(bloom, self._contract) and any(_in_bloom(bloom, topic) for topic in ENTRY_TOPICS)

    def _undo(self, cursor: Cursor, head: int) -> Step:
        """Walk back to the newest stored block that the node still has, in one transaction."""
        with self._database.bulk() as connection:
            fork = self._fork(connection, head)
            if fork is None:
                before = self._require_block(self._first_block - 1)
            elif fork.number == head and not self._owns_chain:
                # All that the node has, we have: it is behind, and nothing of ours is undone.
                return Step(Move.BEHIND, cursor, head)
            else:
                before = fork
            if before.number < cursor.finalized:
                log.error("mirror: reorg below the finalized block %d, to block %d", cursor.finalized, before.number)
            removed = store.delete_after(connection, before.number)
            self._projector.refold(connection, sorted({journal_id for journal_id, _, _ in removed}))
            to = replace(
                cursor,
                number=before.number,
                hash=before.hash,
                at=before.at,
                safe=min(cursor.safe, before.number),
                finalized=min(cursor.finalized, before.number),
            )
            if not store.move_cursor(connection, previous=cursor, to=to):
                raise CursorLost()
        depth = cursor.number - before.number
        undone = tuple(
            f"{format_receivable_id(journal_id)} #{position} {ENTRY_BY_OPERATION[operation].__name__}"
            for journal_id, position, operation in removed[:UNDONE_NAMED_MAX]
        )
        log.warning(
            "mirror: undid %d blocks with %d entries, back to block %d: %s",
            depth,
            len(removed),
            before.number,
            ", ".join(undone),
        )
        return Step(Move.REWOUND, to, head, entries=len(removed), depth=depth, undone=undone)

    def _fork(self, connection: psycopg.Connection, head: int) -> Block | None:
        """The newest stored block whose hash the node confirms, or None if it confirms none."""
        with connection.cursor(name="fork") as rows:
            rows.itersize = RANGE_BLOCKS_MAX
            rows.execute("SELECT number, hash FROM block WHERE number <= %s ORDER BY number DESC", (head,))
            while stored := rows.fetchmany(RANGE_BLOCKS_MAX):
                found = self._node.blocks(number for number, _ in stored)
                for (_, stored_hash), block in zip(stored, found, strict=True):
                    if block is not None and block.hash == stored_hash:
                        return block
        return None


def _in_bloom(bloom: bytes, value: bytes) -> bool:
    """Whether a 2,048-bit logs bloom may hold the value (yellow paper, 4.3.1)."""
    digest = keccak256(value)
    bits = int.from_bytes(bloom)
    return all(bits >> (int.from_bytes(digest[at : at + 2]) % BLOOM_BITS) & 1 for at in (0, 2, 4))
