"""The one loop for history and head: take a range of blocks, check it, fold it, commit it with the cursor.

What a node says is checked as it is fetched (registry.mirror.fetching), and where the node's head is reached the
contract's own heads must agree with the folded ones. A journal of which they do not, or whose entries cannot follow
each other, is set aside and the others go on; it is fetched anew until it agrees. A fork is found by the stored hashes,
at any depth, and what followed the fork is undone and fetched anew in the same form.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

import psycopg

from registry.chain.contract import ReceivablesView
from registry.chain.rpc import Block, Node, NodeUnreachable, RpcFailed, Tips
from registry.domain.identifiers import Address, format_address, format_receivable_id
from registry.domain.journal import ENTRY_BY_OPERATION, REGISTRY_JOURNAL
from registry.errors import Refusal, ServiceError
from registry.mirror import store
from registry.mirror.fetching import Ahead, Fetcher, MirrorBroken, Part, Range
from registry.mirror.history import History, tells
from registry.mirror.memory import seldom_collected
from registry.mirror.metrics import METRICS, MirrorMetrics
from registry.mirror.projector import Folded, Projector
from registry.mirror.store import Cursor
from registry.mirror.writer import Writer
from registry.store.database import Database, DatabaseUnreachable, QueryTimeout

POLL_SECONDS = 0.2
RETRY_SECONDS_MAX = 5.0
UNDONE_NAMED_MAX = 20

TRANSACTION_ENTRIES = 50_000
"""Entries after which a transaction ends: a receivable that lives on for many ranges is written once for all."""

DOUBTS_MAX = 3
"""How often a journal is fetched with the others before it is set aside."""

TRANSACTION_SECONDS = 5.0
"""After which one ends as well: a stretch of few entries is no reason to keep what is there from its readers."""

HEARTBEAT_SECONDS = 10.0
"""How often the database is asked something while nothing but the node is waited for."""

SKIPPED_MAX = 100
"""Receivables that may be missing before one that came; else that one is taken to be wrong."""

REPAIR_SECONDS_FIRST = 2.0
REPAIR_SECONDS_MAX = 60.0

BEHIND_SECONDS = 5.0
"""How long a node may be behind until another one is asked."""

STILL_SECONDS_FIRST, STILL_SECONDS_MAX = 30.0, 960.0
"""How long a node may stand still until the others are asked whether they are further; ever more seldom while not."""

FORK_BLOCKS_FIRST, FORK_BLOCKS_MAX = 16, 1_024
"""Stored headers that are compared with the node's at once, first and at most."""

log = logging.getLogger(__name__)


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


class HeadsDisagree(MirrorBroken):
    """The contract has other heads than the logs fold to."""

    code = "heads_disagree"
    title = "The node's logs do not give the contract's heads"


_OF_THE_DATABASE = (DatabaseUnreachable, QueryTimeout, CursorLost, OtherRegistry)
"""Failures for which no node can do anything."""


class Move(StrEnum):
    """What one step of the follower did."""

    NOTHING = "nothing"
    ADVANCED = "advanced"
    REWOUND = "rewound"
    BEHIND = "behind"
    REPAIRED = "repaired"
    FETCHING = "fetching"


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


@dataclass(slots=True)
class _Repair:
    """A journal that is fetched anew: what is there of it, when to go on, and how long to wait after a failure."""

    part: Part
    pause: float
    due: float = 0.0

    def put_off(self) -> None:
        """Try again later, and the next time later still."""
        self.due = time.monotonic() + self.pause
        self.pause = min(self.pause * 2, REPAIR_SECONDS_MAX)


class Follower:
    """Follows one contract into one database.

    `first_block` is the block that created the contract. On a chain that we own (the dev chain) a lower head with known
    hashes is a rewind; elsewhere it is a node that lags behind, and the mirror waits: only another block at a height
    that is mirrored is a reorg. It follows up to the node's newest block, or the newest safe or finalized one, and
    stays `confirmations` blocks behind that.
    """

    def __init__(
        self,
        database: Database,
        node: Node,
        *,
        contract: Address,
        first_block: int,
        owns_chain: bool,
        follows: Literal["latest", "safe", "finalized"] = "latest",
        confirmations: int = 0,
        metrics: MirrorMetrics = METRICS,
    ) -> None:
        self._writer = Writer(database)
        self._node = node
        self._contract = contract
        self._first_block = first_block
        self._owns_chain = owns_chain
        self._follows = follows
        self._confirmations = confirmations
        self._metrics = metrics
        self._projector = Projector(chain_id=node.chain_id, contract=contract)
        self._view = ReceivablesView(node, contract)
        self._fetcher = Fetcher(node, contract)
        self._ahead = Ahead(self._fetcher)
        self._beside = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mirror-beside")
        self._history = History()
        self._doubts: Counter[int] = Counter()
        self._suspected: dict[int, str] = {}
        self._repairs: dict[int, _Repair] = {}
        self._stop = threading.Event()
        self._head = -1
        self._behind_since: float | None = None
        self._moved_at = time.monotonic()
        self._still_seconds = STILL_SECONDS_FIRST

    def reset_if_other(self) -> bool:
        """Empty the mirrored tables if they mirror another registry; only sensible on a chain that we own."""
        with self._writer.transaction() as connection:
            cursor = store.read_cursor(connection, lock=True)
            if cursor is None or self._is_ours(cursor):
                return False
            store.truncate(connection)
            self._projector.forget()
            self._history.clear()
            return True

    def step(self) -> Step:
        """Take the next range, or undo a reorg, or mend a journal that was set aside. Raises NodeUnreachable,
        RpcFailed, MirrorBroken, HeadsDisagree, CursorLost, OtherRegistry, OtherChain, DatabaseUnreachable; nothing is
        half done then."""
        with self._writer.connection() as connection:
            standing, aside = store.read_standing(connection)
            cursor = standing or self._first_cursor(connection)
        self._metrics.set_aside.set(len(aside))
        if not self._is_ours(cursor):
            raise OtherRegistry(f"it mirrors {format_address(cursor.contract)} on chain {cursor.chain_id}")
        tips = self._node.tips()
        target = max(tips.number(self._follows) - self._confirmations, self._first_block - 1)
        if tips.latest.hash == cursor.hash:
            step = self._stay(cursor, tips)
        elif tips.latest.parent_hash == cursor.hash and target == tips.latest.number == cursor.number + 1:
            # It names the mirror's block as its parent, so that one is the node's.
            step = self._advance(cursor, tips, self._fetcher.block(tips.latest), target=target, aside=aside)
        else:
            step = self._look_back(cursor, tips, target=target, aside=aside)
        if step.move is Move.NOTHING and (aside or self._suspected):
            return self._repair(step, aside)
        return step

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
        poll: Callable[[], float] = lambda: POLL_SECONDS,
        on_step: Callable[[Step], None] | None = None,
        on_failure: Callable[[Refusal], None] | None = None,
    ) -> None:
        """Follow until `stop` is set; `nudge` ends a pause early, whoever stops sets both.

        Only one mirror of a database runs: another one waits until it can take over. Whatever fails is reported and
        tried again, ever more slowly; what has no name is logged with its traceback and reported as MirrorFailed.
        """
        pause = 0.0
        waiting = nudge or stop
        standby = False
        self._stop = stop
        try:
            while not stop.is_set():
                try:
                    if not self.take_lease():
                        if not standby:
                            log.info("mirror: another one writes to this database; waiting to take over")
                        standby, pause = True, POLL_SECONDS
                    else:
                        if standby:
                            log.warning("mirror: took over")
                        standby = False
                        step = self._measured_step()
                        self._look_elsewhere(step)
                        if on_step is not None:
                            on_step(step)
                        is_done = step.move in (Move.NOTHING, Move.BEHIND)
                        pause = poll() if is_done else 0.0
                    self._metrics.leader.set(self.leads)
                except Exception as error:  # noqa: BLE001  (this thread is the mirror: it must outlive a bug)
                    pause = min(max(pause, POLL_SECONDS) * 2, RETRY_SECONDS_MAX)
                    if not isinstance(error, _OF_THE_DATABASE):
                        self._node.turn()
                    self._metrics.leader.set(self.leads)
                    self._metrics.failures.labels(getattr(error, "code", MirrorFailed.code)).inc()
                    _report(error, on_failure)
                if pause and waiting.wait(pause) and nudge is not None:
                    nudge.clear()
        finally:
            self.close()

    def take_lease(self) -> bool:
        """Become the only mirror of this database; False while another one is."""
        if self._writer.leased:
            return True
        if not self._writer.take_lease():
            return False
        # Whatever was done since this one had it, and whether its last commit arrived, nobody knows.
        self.forget()
        return True

    @property
    def leads(self) -> bool:
        """Whether this mirror is the one that writes."""
        return self._writer.leased

    def _measured_step(self) -> Step:
        """A step, in the figures."""
        began = time.perf_counter()
        step = self.step()
        metrics = self._metrics
        metrics.steps.labels(step.move).inc()
        metrics.block.set(step.cursor.number)
        metrics.lag_blocks.set(step.lag_blocks)
        metrics.ranges_ahead.set(self._ahead.waiting)
        if step.move is Move.ADVANCED:
            metrics.entries.inc(step.entries)
        if step.move is Move.REWOUND:
            metrics.reorg_blocks.observe(step.depth)
        if step.move is Move.REPAIRED:
            metrics.mended.inc(step.entries)
        if step.move is not Move.NOTHING:
            metrics.step_seconds.observe(time.perf_counter() - began)
        return step

    def _look_elsewhere(self, step: Step) -> None:
        """Of several nodes ask another one from now on, where this one is behind, or stands still and that is further.

        Where all stand still, this one stays: what the others have at this height may be a fork.
        """
        now = time.monotonic()
        if step.move is Move.BEHIND:
            if self._behind_since is None:
                self._behind_since = now
            if now - self._behind_since >= BEHIND_SECONDS:
                self._behind_since = None
                self._node.turn()
            return
        self._behind_since = None
        if step.move is not Move.NOTHING or step.head != self._head:
            self._moved_at, self._head, self._still_seconds = now, step.head, STILL_SECONDS_FIRST
            return
        if now - self._moved_at < self._still_seconds:
            return
        self._moved_at, here = now, self._node.url
        self._still_seconds = min(2 * self._still_seconds, STILL_SECONDS_MAX)
        while self._node.turn() and self._node.url != here:
            try:
                if self._node.current().tips().latest.number > step.head:
                    log.warning("mirror: asks %s, which is further", self._node.describe())
                    return
            except Refusal as failure:
                log.info("mirror: %s: %s", failure.code, failure)

    def suspect(self, journals: Mapping[int, str]) -> None:
        """Set journals aside at the next step, with the reason of each, and fetch them anew."""
        self._suspected = {**self._suspected, **journals}

    def forget(self) -> None:
        """Drop all that is kept in memory of the database."""
        self._projector.forget()
        self._history.clear()
        self._doubts.clear()

    def close(self) -> None:
        """End threads and connection."""
        self._ahead.drop()
        self._beside.shutdown()
        self._writer.close()

    # ------------------------------------------------------------ internal

    def _is_ours(self, cursor: Cursor) -> bool:
        return (cursor.chain_id, cursor.contract) == (self._node.chain_id, self._contract)

    def _first_cursor(self, connection: psycopg.Connection) -> Cursor:
        """The cursor before the first range: the block before the contract's."""
        before = self._require_block(self._first_block - 1)
        cursor = Cursor(self._node.chain_id, self._contract, before.number, before.hash, before.at, 0, 0, before.number)
        store.insert_cursor(connection, cursor)
        return cursor

    def _require_block(self, number: int) -> Block:
        block = self._node.block(number)
        if block is None:
            raise MirrorBroken(f"the node has no block {number}")
        return block

    @contextmanager
    def _writing(self, cursor: Cursor) -> Iterator[psycopg.Connection]:
        """A transaction in which the cursor stands where it stood: no other mirror, and no rebuild, is in between."""
        with self._writer.transaction() as connection:
            if store.read_cursor(connection, lock=True) != cursor:
                self.forget()
                raise CursorLost()
            yield connection

    def _look_back(self, cursor: Cursor, tips: Tips, *, target: int, aside: Mapping[int, str]) -> Step:
        """The node's newest block is neither the mirror's nor its child: it is further, behind, or on a fork."""
        head = tips.latest.number
        known = self._node.block(cursor.number)
        if known is None and not self._owns_chain:
            return Step(Move.BEHIND, cursor, head)
        if known is None or known.hash != cursor.hash:
            return self._undo(cursor, tips)
        if target <= cursor.number:
            # Below: behind one URL stand several nodes, and the one that told its head is not the one with the block.
            return Step(Move.BEHIND, cursor, head) if head < cursor.number else self._stay(cursor, tips)
        found = self._ahead.range(number=cursor.number, block_hash=cursor.hash, last=target)
        if found is None:
            return Step(Move.FETCHING, cursor, head)
        return self._advance(cursor, tips, found, target=target, aside=aside)

    def _stay(self, cursor: Cursor, tips: Tips) -> Step:
        """Nothing is new but, maybe, what is final."""
        to = self._with_tags(cursor, tips)
        if to != cursor:
            with self._writing(cursor) as connection:
                store.move_cursor(connection, to)
        return Step(Move.NOTHING, to, tips.latest.number)

    def _with_tags(self, cursor: Cursor, tips: Tips) -> Cursor:
        """The cursor with the node's safe and finalized blocks, at most its own; as before where there are no tags.

        Behind one URL stand nodes of different age, so elsewhere than on our own chain only an undo takes them back.
        """
        safe = cursor.safe if tips.safe is None else tips.safe
        finalized = cursor.finalized if tips.finalized is None else tips.finalized
        if not self._owns_chain:
            safe, finalized = max(safe, cursor.safe), max(finalized, cursor.finalized)
        return replace(cursor, safe=min(safe, cursor.number), finalized=min(finalized, cursor.number))

    def _advance(self, cursor: Cursor, tips: Tips, found: Range, *, target: int, aside: Mapping[int, str]) -> Step:
        """Fold ranges and commit them: up to the target, or as many as one transaction takes."""
        folded = Folded()
        suspected = self._suspected
        without = aside.keys() | suspected.keys()
        with seldom_collected(), self._writing(cursor) as connection:
            end = self._fold(connection, found, folded, tips, target=target, without=without)
            to = self._with_tags(replace(cursor, number=end.number, hash=end.hash, at=end.at), tips)
            last = store.last_receivable(connection)
            wrong = folded.broken | _skipped(folded, after=last, without=without)
            if end.number == target:
                # Only there: what the contract said at an older block only an archive node still knows.
                expected = self._expected_heads(connection, cursor, folded, last=last, without=without | wrong.keys())
                # Beside the writing: the node takes about as long.
                asked = self._beside.submit(self._view.heads, expected, block=end.hash)
                folded.changes().write(connection)
                while not wait([asked], timeout=HEARTBEAT_SECONDS).done:
                    connection.execute("SELECT 1")
                wrong |= _disagreeing(expected, asked.result(), at=end)
                to = replace(to, checked=end.number)
            else:
                folded.changes().write(connection)
            if wrong:
                self._doubt(wrong)
            store.insert_quarantine(connection, {key: suspected[key] for key in suspected.keys() - aside.keys()}, to)
            store.move_cursor(connection, to)
        self._committed(cursor, to, folded, suspected)
        return Step(Move.ADVANCED, to, tips.latest.number, entries=folded.entries)

    def _fold(
        self,
        connection: psycopg.Connection,
        found: Range,
        folded: Folded,
        tips: Tips,
        *,
        target: int,
        without: Collection[int],
    ) -> Block:
        """Fold this range and, up to the target or as many as one transaction takes, those after it that are there in
        time; the last block.

        What one range brings to the stored log is copied beside the folding of the next.
        """
        fresh: tuple[list[Block], list[bytes]] | None = None
        until = time.monotonic() + TRANSACTION_SECONDS
        while True:
            begun = self._projector.begin(connection, found.logs, folded, without=without)
            # The connection does one thing at a time: what is loaded comes before what is copied.
            copying = None if fresh is None else self._beside.submit(store.insert_log, connection, *fresh)
            try:
                rows = self._projector.fold(begun, folded)
            finally:
                if copying is not None:
                    copying.result()
            end, fresh = found.end, (_worth_keeping(found, tips), rows)
            if end.number >= target or folded.entries >= TRANSACTION_ENTRIES:
                break
            if self._stop.is_set() or time.monotonic() >= until:
                break
            try:
                following = self._ahead.range(number=end.number, block_hash=end.hash, last=target)
            except (NodeUnreachable, RpcFailed, MirrorBroken) as failure:
                # What came before is good; whether this was more than a moment the next step sees.
                log.info("mirror: commits up to block %d: %s", end.number, failure)
                break
            if following is None:
                break
            found = following
        store.insert_log(connection, *fresh)
        return end

    def _committed(self, before: Cursor, to: Cursor, folded: Folded, suspected: Mapping[int, str]) -> None:
        """Keep in memory what is now true."""
        self._projector.keep(folded.after)
        self._doubts.clear()
        self._suspected = {key: why for key, why in self._suspected.items() if key not in suspected}
        for journal_id, why in suspected.items():
            name = format_receivable_id(journal_id)
            log.error("mirror: %s is set aside: %s", name, why, extra={"journal": name, "block": to.number})
            self._repair_of(journal_id).put_off()
        if to.finalized < to.number:
            self._history.add(before, folded)
        self._history.drop_final(to.finalized)

    def _expected_heads(
        self,
        connection: psycopg.Connection,
        cursor: Cursor,
        folded: Folded,
        *,
        last: int,
        without: Collection[int],
    ) -> dict[int, bytes]:
        """The heads that the contract must have: of the journals with entries since heads were last compared, of R-0,
        and none of the next receivable: it must not be there yet."""
        following = max(last, *(folded.after.keys() - without), 0) + 1
        while following in without:
            following += 1
        expected = {REGISTRY_JOURNAL: self._projector.empty(REGISTRY_JOURNAL).head, following: bytes(32)}
        since = () if cursor.checked == cursor.number else store.journals_since(connection, cursor.checked)
        expected |= store.journal_heads(connection, {REGISTRY_JOURNAL, *since} - folded.after.keys())
        expected |= {journal_id: state.head for journal_id, state in folded.after.items()}
        return {journal_id: head for journal_id, head in expected.items() if journal_id not in without}

    def _doubt(self, wrong: Mapping[int, str]) -> None:
        """Nothing is committed, all is fetched once more; after some times those that are wrong are set aside.

        Raises HeadsDisagree.
        """
        self._doubts.update(wrong.keys())
        self._ahead.drop()
        self._suspected = {
            **self._suspected,
            **{journal_id: why for journal_id, why in wrong.items() if self._doubts[journal_id] >= DOUBTS_MAX},
        }
        raise HeadsDisagree("; ".join(list(wrong.values())[:3]))

    def _undo(self, cursor: Cursor, tips: Tips) -> Step:
        """Go back to the newest stored block that the node still has, in one transaction."""
        self._ahead.drop()
        with self._writing(cursor) as connection:
            fork = self._fork(connection, cursor)
            if isinstance(fork, Move):
                return Step(fork, cursor, tips.latest.number)
            if fork is None and not self._owns_chain:
                raise OtherChain(f"neither block {cursor.number} nor any before it is the node's")
            fork = fork or self._require_block(self._first_block - 1)
            if fork.number < cursor.finalized:
                if self._fork(connection, cursor) != fork:
                    raise MirrorBroken("the node does not say twice where its chain leaves the mirrored one")
                log.error("mirror: reorg below the finalized block %d, to block %d", cursor.finalized, fork.number)
            removed = store.delete_after(connection, fork.number)
            kept = self._history.since(fork.hash)
            if kept is None or not tells(kept, ((journal_id, position) for journal_id, position, _ in removed)):
                kept = None
                self._projector.refold(connection, sorted({journal_id for journal_id, _, _ in removed}))
            else:
                kept.undone().write(connection)
            to = replace(
                cursor,
                number=fork.number,
                hash=fork.hash,
                at=fork.at,
                safe=min(cursor.safe, fork.number),
                finalized=min(cursor.finalized, fork.number),
                checked=min(cursor.checked, fork.number),
            )
            store.move_cursor(connection, to)
        if kept is None:
            self._history.clear()
        else:
            self._history.drop_since(fork.hash)
            self._projector.keep(kept.before)
        depth = cursor.number - to.number
        names = tuple(
            f"{format_receivable_id(journal_id)} #{position} {ENTRY_BY_OPERATION[operation].__name__}"
            for journal_id, position, operation in removed[:UNDONE_NAMED_MAX]
        )
        log.warning(
            "mirror: undid %d blocks with %d entries, back to block %d: %s",
            depth,
            len(removed),
            to.number,
            ", ".join(names),
            extra={"depth": depth, "entries": len(removed), "block": to.number},
        )
        return Step(Move.REWOUND, to, tips.latest.number, entries=len(removed), depth=depth, undone=names)

    def _fork(self, connection: psycopg.Connection, cursor: Cursor) -> Block | Literal[Move.BEHIND] | None:
        """The newest stored block whose hash the node confirms, or None if it confirms none.

        BEHIND where the node, of a chain that we do not own, has no block at a height above that one.
        """
        with connection.cursor(name="fork") as rows:
            # With the block before the first header, which that header names.
            rows.execute(
                "SELECT number, hash FROM block WHERE number <= %(number)s UNION ALL"
                " (SELECT number - 1, parent_hash FROM block ORDER BY number LIMIT 1) ORDER BY number DESC",
                {"number": cursor.number},
            )
            # Most forks are short, and a header is a large thing to ask for.
            asked = FORK_BLOCKS_FIRST
            while stored := rows.fetchmany(asked):
                asked = min(4 * asked, FORK_BLOCKS_MAX)
                found = self._node.blocks(number for number, _ in stored)
                for (_, stored_hash), block in zip(stored, found, strict=True):
                    if block is not None and block.hash == stored_hash:
                        return block
                    if block is None and not self._owns_chain:
                        return Move.BEHIND
        return None

    def _repair(self, step: Step, aside: Mapping[int, str]) -> Step:
        """Go on with one of the journals that were set aside; where the contract's heads confirm it, it is back.

        What fails puts off this journal alone.
        """
        cursor, suspected = step.cursor, self._suspected
        if suspected.keys() - aside.keys():
            with self._writing(cursor) as connection:
                store.insert_quarantine(connection, suspected, cursor)
        self._suspected = {key: why for key, why in self._suspected.items() if key not in suspected}
        wanted = aside.keys() | suspected.keys()
        self._repairs = {key: repair for key, repair in self._repairs.items() if key in wanted}
        repair = min((self._repair_of(journal_id) for journal_id in wanted), key=lambda one: one.due)
        if repair.due > time.monotonic():
            return step
        journal_id = repair.part.journal_id
        try:
            if not self._fetcher.more_of_journal(repair.part, number=cursor.number):
                return step
            mended = self._mend(cursor, repair.part)
        except _OF_THE_DATABASE:
            raise
        except Exception as failure:
            if not isinstance(failure, NodeUnreachable | RpcFailed):  # else what was fetched so far goes on
                repair.part = self._part_of(journal_id)
            self._put_off(repair, f"{type(failure).__name__}: {failure}")
            if not isinstance(failure, Refusal):
                raise
            return step
        repair.part = self._part_of(journal_id)
        if not mended:
            self._put_off(repair, "its logs do not give the contract's head")
            return step
        del self._repairs[journal_id]
        return replace(step, move=Move.REPAIRED, entries=1)

    def _repair_of(self, journal_id: int) -> _Repair:
        return self._repairs.setdefault(journal_id, _Repair(self._part_of(journal_id), REPAIR_SECONDS_FIRST))

    def _part_of(self, journal_id: int) -> Part:
        return Part(journal_id, self._first_block)

    def _put_off(self, repair: _Repair, why: str) -> None:
        """Try again later, and with another node where there is one."""
        name = format_receivable_id(repair.part.journal_id)
        log.error("mirror: the node still does not tell %s as the contract has it: %s", name, why)
        repair.put_off()
        self._node.turn()

    def _mend(self, cursor: Cursor, part: Part) -> bool:
        """One journal whole from the node, at the cursor's block, in place of what is stored of it."""
        journal_id = part.journal_id
        blocks, logs = self._fetcher.rest_of_journal(part, number=cursor.number, block_hash=cursor.hash)
        with self._writing(cursor) as connection:
            folded = Folded(after={journal_id: self._projector.empty(journal_id)})
            rows = self._projector.fold(self._projector.begin(connection, logs, folded), folded)
            state = folded.after[journal_id]
            if folded.broken or self._view.heads([journal_id], block=cursor.hash)[journal_id] != (
                state.head if state.length or journal_id == REGISTRY_JOURNAL else bytes(32)
            ):
                return False
            store.delete_journal_log(connection, journal_id)
            store.delete_journals(connection, [journal_id])
            store.insert_log(connection, store.missing_blocks(connection, blocks), rows)
            store.insert_rows(connection, store.rows_of(state))
            store.delete_quarantine(connection, journal_id)
            store.move_cursor(connection, cursor)
        self.forget()
        name = format_receivable_id(journal_id)
        log.warning("mirror: %s is mended: %d entries fetched anew", name, len(rows))
        return True


def _worth_keeping(found: Range, tips: Tips) -> list[Block]:
    """Headers to store: those that a log or the range's end refers to, and all that a fork may still leave behind."""
    spoken = {log.block_hash for log in found.logs}
    finalized = tips.finalized or 0
    return [
        block
        for block in found.blocks
        if block.number > finalized or block.hash in spoken or block.number == found.end.number
    ]


def _disagreeing(expected: Mapping[int, bytes], found: Mapping[int, bytes], *, at: Block) -> dict[int, str]:
    """Journals of which the contract has another head: a log left out, or altered, shows here."""
    return {
        journal_id: f"the logs up to block {at.number} do not give the head that the contract has for "
        f"{format_receivable_id(journal_id)}"
        for journal_id, head in expected.items()
        if found[journal_id] != head
    }


def _skipped(folded: Folded, *, after: int, without: Collection[int]) -> dict[int, str]:
    """Receivables of which no entry came, though there are later ones: ids are counted. Where too many would be missing
    before one that came, that one."""
    wrong, known = {}, {*without, *folded.broken}
    for journal_id in sorted(key for key, state in folded.before.items() if not state.length and key > after):
        if journal_id - after - 1 - sum(after < key < journal_id for key in known) > SKIPPED_MAX:
            wrong[journal_id] = f"{format_receivable_id(journal_id)} came long before its turn"
            continue
        for missing in {*range(after + 1, journal_id)} - known:
            wrong[missing] = f"the logs tell of later receivables, and nothing of {format_receivable_id(missing)}"
        after = journal_id
    return wrong


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
