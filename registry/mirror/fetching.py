"""Ranges of the chain as one node gives them: a chain of headers, and the logs that belong to those headers.

Every range is a chain of headers whose first parent is the block before; every log belongs to one of those headers; a
header whose bloom speaks of our events and which brought no log is asked again by its hash; and the last header is
asked for once more after the logs. All of a range comes from one URL: two may be on two forks.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, Queue

from registry.chain.rpc import Block, Node, NodeUnreachable, RawLog, RpcFailed
from registry.domain.decode import ENTRY_TOPICS, RECEIVABLE_TOPICS, REGISTRY_TOPICS, LogMalformed, journal_of
from registry.domain.identifiers import Address, format_address, format_receivable_id
from registry.domain.journal import REGISTRY_JOURNAL, word
from registry.domain.keccak import keccak256
from registry.errors import ServiceError

RANGE_BLOCKS_MAX = 5_000
"""Blocks of one range. A node that refuses gets shorter ranges, down to one block."""

RANGE_BLOCKS_FIRST = 100

RANGE_LOGS = 10_000
"""Logs that a range should bring: enough to fold and write at once, few enough to hold in memory."""

WAIT_SECONDS = 5.0
"""How long a range is waited for before something else is done; its thread goes on."""

RANGES_AHEAD = 2
"""Ranges that wait to be folded, at most: enough for the node to go on while one transaction is committed."""

BLOCK_LOGS_FIRST = 50
"""Logs that a block whose bloom speaks of our events is taken to have, until others had more: what follows a quiet
stretch must not be fetched in ranges as long as those of the stretch."""

SILENT_SECONDS = 1.0
"""For how long a block is asked for again whose bloom speaks of our events and that is told without logs, until it is
believed: a node may tell of a block before it tells its logs, and the bits of other contracts' events may be ours."""

PART_SECONDS = 1.0
"""For how long a journal is fetched alone before the head is looked at again."""

BLOOM_BITS = 2048
BIGINT_MAX, INTEGER_MAX = 2**63 - 1, 2**31 - 1
"""The largest numbers that the stored log's columns hold. No chain comes near them."""


class MirrorBroken(ServiceError):
    """The node's answers do not fit together; asking again may help."""

    code = "mirror_broken"
    status = 502
    title = "The node's blocks and logs do not fit together"


@dataclass(frozen=True, slots=True)
class Range:
    """Blocks that follow each other, and their logs in the order of the chain."""

    blocks: list[Block]
    logs: list[RawLog]

    @property
    def end(self) -> Block:
        """The last block."""
        return self.blocks[-1]


@dataclass(slots=True)
class Part:
    """The logs of one journal that were fetched so far: all before block `first`. Of so many blocks one answer is."""

    journal_id: int
    first: int
    blocks_max: int = BIGINT_MAX
    logs: list[RawLog] = field(default_factory=list)


class Fetcher:
    """Fetches one contract's ranges, as long as the node and their logs allow. Raises NodeUnreachable, RpcFailed,
    MirrorBroken from every method.

    A block that is told without the logs that its bloom speaks of is MirrorBroken for `silent_seconds`.
    """

    def __init__(self, node: Node, contract: Address, *, silent_seconds: float | None = None) -> None:
        self._node = node
        self._contract = contract
        self._silent_seconds = SILENT_SECONDS if silent_seconds is None else silent_seconds
        self._silent: dict[bytes, float] = {}
        self._range_blocks = RANGE_BLOCKS_FIRST
        self._block_logs = BLOCK_LOGS_FIRST
        self._bloom = _bloom_of(contract)
        self._blooms = [_bloom_of(topic) for topic in ENTRY_TOPICS]

    def range(self, *, number: int, block_hash: bytes, last: int) -> Range:
        """What follows the block of this number and hash, at most up to block `last`."""
        node = self._node.current()
        while True:
            end = min(last, number + self._range_blocks)
            try:
                blocks = _chain_of_blocks(node, number, block_hash, end)
                speaking = [at for at, block in enumerate(blocks) if self._speaks(block)]
                speaking_max = max(1, RANGE_LOGS // self._block_logs)
                if len(speaking) > speaking_max:
                    del blocks[speaking[speaking_max] :]
                found = self._with_logs(node, blocks)
            except (RpcFailed, NodeUnreachable) as failure:
                # Too much for one answer, or for the time that it may take.
                shorter = (end - number) // 2
                self._range_blocks = max(1, shorter)
                if shorter == 0 or isinstance(failure, NodeUnreachable):
                    raise
                continue
            again = node.block(found.end.number)
            if again is None or again.hash != found.end.hash:
                raise MirrorBroken(f"block {found.end.number} changed while its logs were read")
            self._adapt(found, is_sparse=len(speaking) <= speaking_max // 2)
            return found

    def block(self, block: Block) -> Range:
        """One block that is known to follow: its logs by its hash."""
        logs = self._node.logs_of_block(contract=self._contract, topics=ENTRY_TOPICS, block_hash=block.hash)
        if not logs and self._speaks(block):
            logs = self._node.logs_of_block(contract=self._contract, topics=ENTRY_TOPICS, block_hash=block.hash)
            if not logs and self._doubted([block]) is not None:
                raise _contradicted(block)
        return Range([block], self._checked([block], logs))

    def journal(
        self, journal_id: int, *, first: int, number: int, block_hash: bytes
    ) -> tuple[list[Block], list[RawLog]]:
        """All logs of one journal from block `first` up to the block of this number and hash, with their headers."""
        return self.rest_of_journal(Part(journal_id, first), number=number, block_hash=block_hash)

    def rest_of_journal(self, part: Part, *, number: int, block_hash: bytes) -> tuple[list[Block], list[RawLog]]:
        """The same, on from what was fetched of it before."""
        node = self._node.current()
        while part.first <= number:
            self._go_on(node, part, number)
        blocks = node.blocks(sorted({log.block_number for log in part.logs} | {number}))
        known = [block for block in blocks if block is not None]
        if len(known) != len(blocks) or known[-1].hash != block_hash:
            raise MirrorBroken(f"block {number} changed while logs up to it were read")
        logs = self._checked(known, part.logs)
        if any(journal_of(log.topics) != part.journal_id for log in logs):
            raise MirrorBroken(f"a log of another journal came for {format_receivable_id(part.journal_id)}")
        return known, logs

    def more_of_journal(self, part: Part, *, number: int) -> bool:
        """Fetch more of one journal, for about PART_SECONDS; whether all up to block `number` is there now."""
        node, until = self._node.current(), time.monotonic() + PART_SECONDS
        while part.first <= number:
            self._go_on(node, part, number)
            if time.monotonic() >= until:
                break
        return part.first > number

    def _go_on(self, node: Node, part: Part, number: int) -> None:
        """One more answer's logs of a journal, or the next time of fewer blocks."""
        topics, second = REGISTRY_TOPICS, None
        if part.journal_id != REGISTRY_JOURNAL:
            topics, second = RECEIVABLE_TOPICS, word(part.journal_id)
        first, last = part.first, min(number, part.first + part.blocks_max - 1)
        try:
            found = node.logs(contract=self._contract, topics=topics, second=second, first=first, last=last)
        except (RpcFailed, NodeUnreachable) as failure:
            part.blocks_max = max(1, (last - first) // 2)
            if first == last or isinstance(failure, NodeUnreachable):
                raise
            return
        part.logs += found
        part.first = last + 1

    def _adapt(self, found: Range, *, is_sparse: bool) -> None:
        logs = len(found.logs)
        if logs:
            self._block_logs = max(BLOCK_LOGS_FIRST, logs // len({log.block_hash for log in found.logs}))
        if logs > RANGE_LOGS:
            self._range_blocks = max(1, self._range_blocks * RANGE_LOGS // logs)
        elif not is_sparse:
            self._range_blocks = min(self._range_blocks, len(found.blocks))
        elif logs < RANGE_LOGS // 2:
            self._range_blocks = min(self._range_blocks * 2, RANGE_BLOCKS_MAX)

    def _with_logs(self, node: Node, blocks: list[Block]) -> Range:
        """These blocks with their logs, up to the first one that is silent and not believed. Raises MirrorBroken where
        that is the first of all."""
        logs = self._checked(
            blocks,
            node.logs(contract=self._contract, topics=ENTRY_TOPICS, first=blocks[0].number, last=blocks[-1].number),
        )
        answered = {found.block_hash for found in logs}
        asked = [block for block in blocks if block.hash not in answered and self._speaks(block)]
        silent = []
        for block in asked:
            # Either the bloom is wrong (it may be) or the node left logs out: ask for this very block.
            found = node.logs_of_block(contract=self._contract, topics=ENTRY_TOPICS, block_hash=block.hash)
            logs += self._checked([block], found)
            if not found:
                silent.append(block)
        doubted = self._doubted(silent)
        if doubted is not None:
            blocks = [block for block in blocks if block.number < doubted.number]
            logs = [log for log in logs if log.block_number < doubted.number]
            if not blocks:
                raise _contradicted(doubted)
        return Range(blocks, sorted(logs, key=_place) if asked else logs)

    def _doubted(self, silent: list[Block]) -> Block | None:
        """The first of these blocks that has not been silent for long enough to be believed."""
        now = time.monotonic()
        since = {block.hash: self._silent.get(block.hash, now) for block in silent}
        doubted = [block for block in silent if now - since[block.hash] < self._silent_seconds]
        self._silent = {block.hash: since[block.hash] for block in doubted}
        return doubted[0] if doubted else None

    def _checked(self, blocks: list[Block], logs: list[RawLog]) -> list[RawLog]:
        """The logs in the order of the chain, each once. Raises MirrorBroken for one that does not belong there."""
        if any(block.number > BIGINT_MAX or block.at > BIGINT_MAX for block in blocks):
            raise MirrorBroken("a block has a number or a time that no chain comes to")
        numbers = {block.hash: block.number for block in blocks}
        in_order, before = True, (-1, -1)
        for log in logs:
            if log.address != self._contract:
                raise MirrorBroken(f"a log of {format_address(log.address)} came for {format_address(self._contract)}")
            if numbers.get(log.block_hash) != log.block_number:
                raise MirrorBroken(f"a log names block {log.block_number} by a hash that is not its header's")
            if log.log_index > INTEGER_MAX or _journal_of(log) > BIGINT_MAX:
                raise MirrorBroken(f"a log of block {log.block_number} has an index or a journal that cannot be")
            place = (log.block_number, log.log_index)
            in_order = in_order and before < place
            before = place
        return logs if in_order else _sorted(logs)

    def _speaks(self, block: Block) -> bool:
        bloom = int.from_bytes(block.logs_bloom)
        return bloom & self._bloom == self._bloom and any(bloom & wanted == wanted for wanted in self._blooms)


class Ahead:
    """Fetches the ranges that follow the one that is being folded, in a thread of its own: RANGES_AHEAD and no more."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._run: _Run | None = None

    @property
    def waiting(self) -> int:
        """Ranges that are fetched and not taken."""
        return 0 if self._run is None else self._run.found.qsize()

    def range(self, *, number: int, block_hash: bytes, last: int) -> Range | None:
        """As Fetcher.range; what follows is being fetched when this returns. None where it took WAIT_SECONDS and the
        range is still to come."""
        if self._run is None or self._run.expected != block_hash:
            self.drop()
            self._run = _Run(self._fetcher, number, block_hash, last)
        try:
            found = self._run.found.get(timeout=WAIT_SECONDS)
        except Empty:
            return None
        if isinstance(found, BaseException):
            self._run = None
            raise found
        self._run.expected = found.end.hash
        if found.end.number >= self._run.last:
            self._run = None
        return found

    def drop(self) -> None:
        """Forget what was fetched ahead: it may be of a fork, or not what it should be."""
        if self._run is not None:
            self._run.stop()
            self._run = None


class _Run:
    """A thread that fetches ranges one after the other, as far as there is room for them."""

    def __init__(self, fetcher: Fetcher, number: int, block_hash: bytes, last: int) -> None:
        self.expected = block_hash
        """The block after which the next range that is taken begins."""
        self.last = last
        self.found: Queue[Range | BaseException] = Queue(RANGES_AHEAD)
        self._stopped = threading.Event()
        thread = threading.Thread(
            target=self._fetch, args=(fetcher, number, block_hash), name="mirror-fetch", daemon=True
        )
        thread.start()

    def stop(self) -> None:
        """Let the thread end, whatever it does now; what it fetched is forgotten."""
        self._stopped.set()
        with suppress(Empty):  # room for what it is about to put there
            while True:
                self.found.get_nowait()

    def _fetch(self, fetcher: Fetcher, number: int, block_hash: bytes) -> None:
        while number < self.last and not self._stopped.is_set():
            try:
                fetched = fetcher.range(number=number, block_hash=block_hash, last=self.last)
            except Exception as failure:  # noqa: BLE001  (raised where the range is taken)
                self.found.put(failure)
                return
            number, block_hash = fetched.end.number, fetched.end.hash
            self.found.put(fetched)


def _contradicted(block: Block) -> MirrorBroken:
    return MirrorBroken(f"block {block.number} is told without logs, and its bloom speaks of some")


def _journal_of(log: RawLog) -> int:
    """The journal that a log is of. Raises MirrorBroken for one that was not asked for."""
    try:
        return journal_of(log.topics)
    except LogMalformed:
        raise MirrorBroken(f"a log of block {log.block_number} has a topic that was not asked for") from None


def _sorted(logs: Iterable[RawLog]) -> list[RawLog]:
    """The logs in the order of the chain, each once. Raises MirrorBroken for two of one place."""
    places: dict[tuple[int, int], RawLog] = {}
    for log in logs:
        if places.setdefault(_place(log), log) != log:
            raise MirrorBroken(f"log {log.log_index} of block {log.block_number} came twice, once another one")
    return [places[place] for place in sorted(places)]


def _place(log: RawLog) -> tuple[int, int]:
    return log.block_number, log.log_index


def _chain_of_blocks(node: Node, number: int, block_hash: bytes, last: int) -> list[Block]:
    """The headers after a block, up to `last`, each the parent of the next. Raises MirrorBroken."""
    blocks: list[Block] = []
    numbers = range(number + 1, last + 1)
    for wanted, block in zip(numbers, node.blocks(numbers), strict=True):
        if block is None or block.number != wanted or block.parent_hash != block_hash:
            raise MirrorBroken(f"block {wanted} does not follow the one before it")
        blocks.append(block)
        block_hash = block.hash
    return blocks


def _bloom_of(value: bytes) -> int:
    """The bits that a logs bloom has where it holds the value (yellow paper, 4.3.1)."""
    digest = keccak256(value)
    bits = 0
    for at in (0, 2, 4):
        bits |= 1 << (int.from_bytes(digest[at : at + 2]) % BLOOM_BITS)
    return bits
