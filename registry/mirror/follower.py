"""The one loop for history and head: take a range of blocks, check it, fold it, commit it with the cursor.

Every range is a chain of headers whose first parent is the cursor's block; every log belongs to one of those headers;
a header whose bloom speaks of our events and which brought no log is asked again by its hash. A range that reaches the
node's head is committed only if the contract's own heads agree. A fork is found by the stored hashes, at any depth, and
what followed the fork is deleted and fetched anew in the same form.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

import psycopg

from registry.chain.contract import ReceivablesView
from registry.chain.rpc import Block, Node, NodeUnreachable, RawLog, RpcFailed
from registry.domain.decode import ENTRY_TOPICS
from registry.domain.identifiers import Address, format_address, format_receivable_id
from registry.domain.journal import ENTRY_BY_OPERATION, REGISTRY_JOURNAL
from registry.domain.keccak import keccak256
from registry.errors import Refusal, ServiceError
from registry.mirror import store
from registry.mirror.projector import Projector
from registry.mirror.store import Cursor
from registry.store.database import Database

RANGE_BLOCKS_MAX = 500
"""Blocks of one range, and so of one transaction. A node that refuses gets shorter ranges, down to one block."""

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


class OtherChain(ServiceError):
    """Not one stored block is the node's."""

    code = "other_chain"
    status = 409
    title = "The node has none of the blocks that are mirrored"
    default_hint = "The node follows another chain, or is still syncing. Nothing was changed"


class MirrorFailed(ServiceError):
    """Something that nobody foresaw; the log has the traceback."""

    code = "mirror_failed"
    status = 500
    title = "The mirror failed in a way that was not foreseen"
    default_hint = "The log has the details; the mirror tries again, ever more slowly"


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
    hashes is a rewind; elsewhere it is a node that lags behind, and the mirror waits: only another block at a height
    that is mirrored is a reorg.
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
        self._view = ReceivablesView(node, contract)
        self._range_blocks = RANGE_BLOCKS_MAX

    def reset_if_other(self) -> bool:
        """Empty the mirrored tables if they mirror another registry; only sensible on a chain that we own."""
        with self._database.bulk() as connection:
            cursor = store.read_cursor(connection, lock=True)
            if cursor is None or self._is_ours(cursor):
                return False
            store.truncate(connection)
            self._projector.forget()
            return True

    def step(self) -> Step:
        """Take the next range, or undo a reorg. Raises NodeUnreachable, RpcFailed, MirrorBroken, CursorLost,
        OtherRegistry, OtherChain, JournalBroken, LogMalformed, DatabaseUnreachable; nothing is half done then."""
        with self._database.bulk() as connection:
            cursor = store.read_cursor(connection) or self._first_cursor(connection)
        if not self._is_ours(cursor):
            raise OtherRegistry(f"it mirrors {format_address(cursor.contract)} on chain {cursor.chain_id}")
        head = self._node.head()
        known = self._node.block(cursor.number)
        if known is None and not self._owns_chain:
            return Step(Move.BEHIND, cursor, head)
        if known is None or known.hash != cursor.hash:
            return self._undo(cursor, head)
        if head <= cursor.number:
            # Below: behind one URL stand several nodes, and the one that told its head is not the one with the block.
            return Step(Move.NOTHING if head == cursor.number else Move.BEHIND, cursor, head)
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

        Whatever fails is reported and tried again, ever more slowly; what has no name is logged with its traceback and
        reported as MirrorFailed.
        """
        pause = POLL_SECONDS
        waiting = nudge or stop
        while not stop.is_set():
            try:
                step = self.step()
                if on_step is not None:
                    on_step(step)
                pause = 0.0 if step.move in (Move.ADVANCED, Move.REWOUND) else POLL_SECONDS
            except Exception as error:  # noqa: BLE001  (this thread is the mirror: it must outlive a bug)
                pause = min(max(pause, POLL_SECONDS) * 2, RETRY_SECONDS_MAX)
                _report(error, on_failure)
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
        blocks, logs = self._next_range(cursor, head)
        end = blocks[-1]
        again = self._node.block(end.number)
        if again is None or again.hash != end.hash:
            raise MirrorBroken(f"block {end.number} changed while its logs were read")
        to = replace(
            cursor,
            number=end.number,
            hash=end.hash,
            at=end.at,
            safe=self._tagged("safe", cursor.safe, end),
            finalized=self._tagged("finalized", cursor.finalized, end),
        )
        with self._database.bulk() as connection:
            # First, so that a second writer stops here and not at a fold over rows that it did not expect.
            if not store.move_cursor(connection, previous=cursor, to=to):
                raise CursorLost()
            applied = self._projector.apply(connection, blocks, logs)
            if end.number == head:
                # Only there: what the contract said at an older block only an archive node still knows.
                self._require_heads(connection, applied.journal_ids, end)
        applied.keep()
        return Step(Move.ADVANCED, to, head, entries=len(logs))

    def _next_range(self, cursor: Cursor, head: int) -> tuple[list[Block], list[RawLog]]:
        """Headers and logs after the cursor: as many blocks as the node gives at once."""
        while True:
            last = min(head, cursor.number + self._range_blocks)
            try:
                blocks = self._chain_of_blocks(cursor, last)
                logs = self._logs(blocks)
            except (RpcFailed, NodeUnreachable) as failure:
                # Too much for one answer, or for the time that it may take.
                shorter = (last - cursor.number) // 2
                self._range_blocks = max(1, shorter)
                if shorter == 0 or isinstance(failure, NodeUnreachable):
                    raise
            else:
                self._range_blocks = min(self._range_blocks * 2, RANGE_BLOCKS_MAX)
                return blocks, logs

    def _require_heads(self, connection: psycopg.Connection, journal_ids: Iterable[int], at: Block) -> None:
        """The contract's heads of these journals against the folded ones: a log left out shows here.

        Asks for R-0 and for the next receivable too, which must not be there yet.
        """
        following = store.last_receivable(connection) + 1
        folded = {REGISTRY_JOURNAL: self._projector.empty(REGISTRY_JOURNAL).head, following: bytes(32)}
        folded |= store.journal_heads(connection, {*journal_ids, *folded})
        for journal_id, head in self._view.heads(folded, block=at.hash).items():
            if head != folded[journal_id]:
                raise MirrorBroken(
                    f"the logs up to block {at.number} do not give the head that the contract has for "
                    f"{format_receivable_id(journal_id)}"
                )

    def _tagged(self, tag: Literal["safe", "finalized"], before: int, end: Block) -> int:
        """Number of the tagged block, at most the mirror's own; as before where the chain knows no such tag."""
        try:
            block = self._node.block(tag)
        except RpcFailed:
            return before
        return before if block is None else min(block.number, end.number)

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
            if found.address != self._contract:
                raise MirrorBroken(
                    f"a log of {format_address(found.address)} came for {format_address(self._contract)}"
                )
            if hashes.get(found.block_hash) != found.block_number:
                raise MirrorBroken(f"a log names block {found.block_number} by a hash that is not its header's")
        if len({(found.block_hash, found.log_index) for found in logs}) != len(logs):
            raise MirrorBroken("a log came twice")
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
            # First, so that neither a rebuild nor another mirror writes what is deleted here, or reads half of it.
            if store.read_cursor(connection, lock=True) != cursor:
                raise CursorLost()
            fork = self._fork(connection, cursor)
            if isinstance(fork, Move):
                return Step(fork, cursor, head)
            if fork is None and not self._owns_chain:
                raise OtherChain(f"neither block {cursor.number} nor any before it is the node's")
            before = fork or self._require_block(self._first_block - 1)
            if before.number < cursor.finalized:
                if self._fork(connection, cursor) != fork:
                    raise MirrorBroken("the node does not say twice where its chain leaves the mirrored one")
                log.error("mirror: reorg below the finalized block %d, to block %d", cursor.finalized, before.number)
            removed = store.delete_after(connection, before.number)
            self._projector.refold(connection, sorted({journal_id for journal_id, _, _ in removed}))
            to = replace(
                cursor,
                number=before.number,
                hash=before.hash,
                at=before.at,
                safe=self._tagged("safe", min(cursor.safe, before.number), before),
                finalized=self._tagged("finalized", min(cursor.finalized, before.number), before),
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

    def _fork(self, connection: psycopg.Connection, cursor: Cursor) -> Block | Literal[Move.BEHIND] | None:
        """The newest stored block whose hash the node confirms, or None if it confirms none.

        BEHIND where the node, of a chain that we do not own, has no block at a height above that one.
        """
        with connection.cursor(name="fork") as rows:
            rows.itersize = RANGE_BLOCKS_MAX
            # With the block before the first header, which that header names.
            rows.execute(
                "SELECT number, hash FROM block WHERE number <= %(number)s UNION ALL"
                " (SELECT number - 1, parent_hash FROM block ORDER BY number LIMIT 1) ORDER BY number DESC",
                {"number": cursor.number},
            )
            while stored := rows.fetchmany(RANGE_BLOCKS_MAX):
                found = self._node.blocks(number for number, _ in stored)
                for (_, stored_hash), block in zip(stored, found, strict=True):
                    if block is not None and block.hash == stored_hash:
                        return block
                    if block is None and not self._owns_chain:
                        return Move.BEHIND
        return None


def _report(error: Exception, on_failure: Callable[[Refusal], None] | None) -> None:
    """Log what stopped a step and tell whoever listens, by name."""
    if isinstance(error, Refusal):
        failure = error
        log.warning("mirror: %s: %s", failure.code, failure)
    else:
        failure = MirrorFailed(f"{type(error).__name__} in the mirror")
        log.error("mirror: %s", failure.title, exc_info=error)
    if on_failure is not None:
        try:
            on_failure(failure)
        except Exception:
            log.exception("mirror: its listener failed")


def _in_bloom(bloom: bytes, value: bytes) -> bool:
    """Whether a 2,048-bit logs bloom may hold the value (yellow paper, 4.3.1)."""
    digest = keccak256(value)
    bits = int.from_bytes(bloom)
    return all(bits >> (int.from_bytes(digest[at : at + 2]) % BLOOM_BITS) & 1 for at in (0, 2, 4))
