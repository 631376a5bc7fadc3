"""The mirror against a real chain: live, after reorgs, after lies."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from registry.chain.contract import Calls
from registry.chain.rpc import Block, BlockTag, Node, NodeUnreachable, RawLog, RpcFailed, Tips
from registry.domain.decode import ENTRY_TOPICS
from registry.domain.journal import Endorsed, Entry, MemberAdmitted, Registered, word
from registry.domain.keccak import keccak256
from registry.errors import Refusal
from registry.mirror import fetching, store
from registry.mirror import follower as following
from registry.mirror import rebuild as rebuilding
from registry.mirror.fetching import RANGE_BLOCKS_FIRST
from registry.mirror.follower import (
    CursorLost,
    Follower,
    MirrorBroken,
    MirrorFailed,
    Move,
    OtherChain,
    OtherRegistry,
    Step,
)
from registry.mirror.reconcile import reconcile
from registry.store.database import Database
from registry.store.embedded import EmbeddedPostgres
from tests.mirror.everything import (
    every_operation_about_money,
    every_operation_without_money,
)
from tests.mirror.following import built_from_nothing, busy, digest, follower_of, require_every_operation_mirrored
from tests.scene import BANK, OPERATOR, STRANGER, SUPPLIER, Scene


@pytest.fixture(scope="module")
def busy_scene(node: Node, postgres: EmbeddedPostgres) -> Iterator[Scene]:
    """A busy registry, and the mirror of it in a database to copy."""
    scene = Scene.open(node)
    busy(scene)
    postgres.create_database("busy", template="template_counterfoil")
    database = Database(postgres.url("busy"))
    follower_of(scene, database).catch_up()
    database.dispose()
    yield scene
    postgres.drop_database("busy")


@pytest.fixture
def busy_mirror(busy_scene: Scene, postgres: EmbeddedPostgres) -> Iterator[Database]:
    """A mirror of busy_scene, to be changed by hand; the chain is only read."""
    postgres.create_database("changed", template="busy")
    database = Database(postgres.url("changed"))
    yield database
    database.dispose()
    postgres.drop_database("changed")


def test_every_operation_is_mirrored_as_the_chain_has_it(
    scene: Scene, database: Database, postgres: EmbeddedPostgres
) -> None:
    require_every_operation_mirrored(scene, database, postgres)


@pytest.mark.parametrize("act", [every_operation_without_money, every_operation_about_money, Scene.sunset])
def test_a_reorg_of_every_operation_leaves_nothing_behind(
    scene: Scene, database: Database, postgres: EmbeddedPostgres, act: Callable[[Scene], object]
) -> None:
    """In three parts, because the chain keeps the states of few blocks."""
    scene.confirmed()
    follower = follower_of(scene, database)
    follower.catch_up()
    before, head = digest(database), scene.node.head()
    act(scene)
    follower.catch_up()
    assert digest(database) != before
    scene.reorg(depth=scene.node.head() - head)
    scene.mine(1)
    follower.catch_up()
    assert digest(database) == before == built_from_nothing(scene, postgres)


def test_a_mirror_agrees_with_the_chain_in_every_field(busy_scene: Scene, busy_mirror: Database) -> None:
    report = reconcile(busy_mirror, busy_scene.node, contract=busy_scene.deployment.receivables, deep=True)
    assert report.differences == []
    assert report.compared > 200


def test_a_mirror_that_follows_live_equals_one_built_from_nothing(
    scene: Scene, database: Database, postgres: EmbeddedPostgres
) -> None:
    follower = follower_of(scene, database)
    receivable_id = scene.confirmed()
    follower.catch_up()
    scene.split(receivable_id, start=0, cut=40_000, to=SUPPLIER)
    follower.catch_up()
    scene.endorse(receivable_id, start=40_000, to=BANK, person=SUPPLIER)
    follower.catch_up()
    assert digest(database) == built_from_nothing(scene, postgres)


@pytest.mark.parametrize("depth", [1, 5, 80])
def test_after_a_reorg_the_mirror_equals_one_built_from_nothing(
    scene: Scene, database: Database, postgres: EmbeddedPostgres, depth: int
) -> None:
    scene.register()  # 80 blocks with what follows: the first that a reorg replaces is not empty
    scene.confirmed()
    scene.mine(60)
    busy(scene)
    follower = follower_of(scene, database)
    follower.catch_up()
    scene.reorg(depth=depth)
    scene.mine(1)
    step = follower.step()
    assert step.move is Move.REWOUND
    # Of what was final few headers are kept: from there it may go back to an older one than it must.
    assert step.depth == depth if depth < 64 else step.depth >= depth
    follower.catch_up()
    scene.confirmed()
    follower.catch_up()
    assert digest(database) == built_from_nothing(scene, postgres)
    assert reconcile(database, scene.node, contract=scene.deployment.receivables, deep=True).differences == []


def test_a_rewind_deeper_than_the_registry_starts_again_from_its_first_block(scene: Scene, database: Database) -> None:
    snapshot = scene.node.request("evm_snapshot")
    busy(scene, rounds=1)
    follower = follower_of(scene, database)
    follower.catch_up()
    scene.node.request("evm_revert", snapshot)
    assert follower.step().move is Move.REWOUND
    follower.catch_up()
    assert reconcile(database, scene.node, contract=scene.deployment.receivables, deep=True).differences == []


def test_a_node_that_lags_behind_undoes_nothing(scene: Scene, database: Database) -> None:
    snapshot = scene.node.request("evm_snapshot")
    receivable_id = scene.confirmed()
    follower = follower_of(scene, database, owns_chain=False)
    follower.catch_up()
    before = digest(database)
    scene.node.request("evm_revert", snapshot)
    assert follower.step().move is Move.BEHIND
    assert digest(database) == before
    assert receivable_id == 1


class LyingNode(Node):
    """A node that leaves logs out of ranges, or answers with a log of another block."""

    drops_ranges = False
    forges_block = False

    def logs(self, **where: Any) -> list[RawLog]:
        found = super().logs(**where)
        if self.forges_block and found:
            first = found[0]
            return [replace(first, block_hash=bytes(32)), *found[1:]]
        return [] if self.drops_ranges else found


def test_an_empty_answer_that_a_bloom_contradicts_is_asked_again(scene: Scene, database: Database) -> None:
    busy(scene, rounds=1)
    node = LyingNode(scene.node.url)
    node.drops_ranges = True
    follower_of(scene, database, node=node).catch_up()
    assert reconcile(database, scene.node, contract=scene.deployment.receivables, deep=True).differences == []


def test_a_log_of_another_block_is_refused_and_nothing_is_written(scene: Scene, database: Database) -> None:
    scene.confirmed()
    node = LyingNode(scene.node.url)
    node.forges_block = True
    with pytest.raises(MirrorBroken):
        follower_of(scene, database, node=node).step()
    assert digest(database) == digest_of_nothing(database)


def digest_of_nothing(database: Database) -> str:
    with database.bulk() as connection:
        assert connection.execute("SELECT count(*) FROM entry").fetchone() == (0,)
        return rebuilding.digest(connection)


def test_a_second_writer_is_fenced_off(scene: Scene, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.confirmed()
    first, second = follower_of(scene, database), follower_of(scene, database)
    scene.register()
    original = store.read_standing
    stale: list[store.Cursor | None] = []

    def read_then_lose(connection: psycopg.Connection) -> tuple[store.Cursor | None, dict[int, str]]:
        cursor, aside = original(connection)
        if not stale:
            stale.append(cursor)
            second.catch_up()
        return cursor, aside

    first.step()
    scene.register()
    monkeypatch.setattr("registry.mirror.follower.store.read_standing", read_then_lose)
    with pytest.raises(CursorLost):
        first.step()
    monkeypatch.undo()
    assert reconcile(database, scene.node, contract=scene.deployment.receivables, deep=True).differences == []


def test_a_database_of_another_registry_is_refused(node: Node, scene: Scene, database: Database) -> None:
    follower_of(scene, database).catch_up()
    other = Scene.open(node)
    with pytest.raises(OtherRegistry):
        follower_of(other, database).step()


def test_a_crash_between_writes_leaves_nothing_half_done(
    scene: Scene, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = follower_of(scene, database)
    follower.catch_up()
    before = digest(database)
    scene.confirmed()

    def fail(*_: object) -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr("registry.mirror.projector.store.insert_rows", fail)
    with pytest.raises(RuntimeError):
        follower.step()
    monkeypatch.undo()
    assert digest(database) == before
    follower.catch_up()
    assert reconcile(database, scene.node, contract=scene.deployment.receivables, deep=True).differences == []


def test_rebuild_gives_the_same_digest(busy_scene: Scene, busy_mirror: Database) -> None:
    rebuilt = rebuilding.rebuild(busy_mirror)
    assert rebuilt.before == rebuilt.after
    assert rebuilt.journals == 5
    assert rebuilt.entries == sum(len(busy_scene.journal(number)) for number in range(5))


@pytest.mark.parametrize(
    ("change", "table", "row", "field"),
    [
        ("UPDATE receivable SET face_minor = 1 WHERE receivable_id = 2", "receivable", "R-2", "face_minor"),
        ("UPDATE certificate SET holder = '\\x01' WHERE start_minor = 0", "certificate", "R-1/0-30000", "holder"),
        ("DELETE FROM certificate WHERE receivable_id = 3 AND start_minor = 0", "certificate", "R-3/0-30000", "row"),
        ("UPDATE journal SET head = '\\x00' WHERE journal_id = 1", "journal", "R-1", "head"),
        ("UPDATE entry SET data = '\\x00' WHERE journal_id = 1 AND position = 2", "entry", "R-1 #2", "data"),
        ("UPDATE entry SET at = at + 1 WHERE journal_id = 1 AND position = 2", "entry", "R-1 #2", "at"),
        ("UPDATE entry SET tx_hash = '\\x00' WHERE journal_id = 1 AND position = 2", "entry", "R-1 #2", "tx_hash"),
        ("UPDATE entry SET log_index = 99 WHERE journal_id = 2 AND position = 1", "entry", "R-2 #1", "row"),
        ("DELETE FROM entry WHERE journal_id = 2 AND position = 5", "entry", None, "row"),
        ("UPDATE member SET roles = 7 WHERE roles = 4", "member", None, "roles"),
        ("UPDATE block SET at = 0 WHERE number = (SELECT max(number) FROM block)", "block", None, "at"),
    ],
)
def test_deep_reconciliation_names_a_row_changed_by_hand(
    busy_scene: Scene, busy_mirror: Database, change: str, table: str, row: str | None, field: str
) -> None:
    with busy_mirror.bulk() as connection:
        connection.execute(change)
    found = reconcile(busy_mirror, busy_scene.node, contract=busy_scene.deployment.receivables, deep=True).differences
    assert any(
        difference.table == table and difference.field == field and row in (None, difference.row)
        for difference in found
    )


def test_heads_alone_show_a_lost_entry(busy_scene: Scene, busy_mirror: Database) -> None:
    with busy_mirror.bulk() as connection:
        connection.execute("DELETE FROM entry WHERE journal_id = 1 AND position = 5")
    rebuilding.rebuild(busy_mirror)
    found = reconcile(busy_mirror, busy_scene.node, contract=busy_scene.deployment.receivables).differences
    assert [(difference.table, difference.row) for difference in found] == [("journal", "R-1")]


# ------------------------------------------------------- nodes that are behind


class OneOfSeveral(Node):
    """A URL with several nodes behind it: `hidden_blocks` are missing on the one that tells the head, and from
    `lagging_from` on, those above it on the one that tells the blocks."""

    hidden_blocks = 0
    lagging_from: int | None = None

    def tips(self) -> Tips:
        found = super().tips()
        number = found.latest.number - self.hidden_blocks
        if self.lagging_from is not None:
            number = max(min(number, self.lagging_from - 1), 0)
        newest = Node.block(self, number)
        assert newest is not None
        return replace(found, latest=newest)

    def block(self, which: int | bytes | BlockTag) -> Block | None:
        found = super().block(which)
        return None if found is not None and self._lags(found) else found

    def blocks(self, numbers: Iterable[int]) -> list[Block | None]:
        return [None if block is None or self._lags(block) else block for block in super().blocks(numbers)]

    def _lags(self, block: Block) -> bool:
        return self.lagging_from is not None and block.number >= self.lagging_from


@pytest.mark.parametrize("owns_chain", [True, False])
def test_a_head_below_a_block_that_the_node_has_is_a_node_behind(
    scene: Scene, database: Database, owns_chain: bool
) -> None:
    scene.confirmed()
    node = OneOfSeveral(scene.node.url)
    follower = follower_of(scene, database, node=node, owns_chain=owns_chain)
    follower.catch_up()
    before = digest(database)
    node.hidden_blocks = 1
    assert follower.step().move is Move.BEHIND
    assert digest(database) == before


def test_elsewhere_than_on_our_own_chain_a_missing_block_is_never_a_reorg(scene: Scene, database: Database) -> None:
    scene.confirmed()
    node = OneOfSeveral(scene.node.url)
    follower = follower_of(scene, database, node=node, owns_chain=False)
    cursor = follower.catch_up()
    before = digest(database)
    for lagging_from in (cursor.number, scene.deployment.block_number, 0):
        node.lagging_from = lagging_from
        assert follower.step().move is Move.BEHIND
    assert digest(database) == before


def test_a_reorg_is_not_undone_to_where_a_lagging_node_stands(
    scene: Scene, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The block at the cursor is another one, and the node that is asked for those below has none of them yet."""
    busy(scene, rounds=1)
    node = OneOfSeveral(scene.node.url)
    follower = follower_of(scene, database, node=node, owns_chain=False)
    cursor = follower.catch_up()
    before = digest(database)
    scene.reorg(depth=2)
    replaced = scene.node.block(cursor.number)
    monkeypatch.setattr(node, "block", lambda which: replaced)
    node.lagging_from = cursor.number - 4
    assert follower.step().move is Move.BEHIND
    assert digest(database) == before
    monkeypatch.undo()
    node.lagging_from = None
    step = follower.step()
    assert (step.move, step.depth) == (Move.REWOUND, 2)


class OtherHashes(Node):
    """A node of another chain with the same id: other blocks at the same heights."""

    def tips(self) -> Tips:
        found = super().tips()
        return replace(found, latest=_other(found.latest))

    def block(self, which: int | bytes | BlockTag) -> Block | None:
        found = super().block(which)
        return None if found is None else _other(found)

    def blocks(self, numbers: Iterable[int]) -> list[Block | None]:
        return [None if block is None else _other(block) for block in super().blocks(numbers)]


def _other(block: Block) -> Block:
    return replace(block, hash=keccak256(block.hash), parent_hash=keccak256(block.parent_hash))


def test_a_node_of_another_chain_wipes_nothing(busy_scene: Scene, busy_mirror: Database) -> None:
    with busy_mirror.bulk() as connection:
        cursor, before = store.read_cursor(connection), rebuilding.digest(connection)
    with pytest.raises(OtherChain) as refused:
        follower_of(busy_scene, busy_mirror, node=OtherHashes(busy_scene.node.url), owns_chain=False).step()
    assert refused.value.code == "other_chain"
    assert digest(busy_mirror) == before
    with busy_mirror.bulk() as connection:
        assert store.read_cursor(connection) == cursor


def test_a_reorg_of_everything_that_is_mirrored_goes_back_to_the_block_before(scene: Scene, database: Database) -> None:
    # One of its own: what other tests stand on must stay.
    scene = Scene.open(scene.node)
    scene.confirmed()
    follower = follower_of(scene, database, owns_chain=False)
    cursor = follower.catch_up()
    scene.reorg(depth=cursor.number - scene.deployment.block_number + 1)
    step = follower.step()
    assert (step.move, step.cursor.number) == (Move.REWOUND, scene.deployment.block_number - 1)
    with pytest.raises(RpcFailed):  # the contract is gone with its block
        follower.step()


class Wavering(Node):
    """A node that says something else the second time it is asked for blocks."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.asked: set[int] = set()

    def blocks(self, numbers: Iterable[int]) -> list[Block | None]:
        wanted = list(numbers)
        again = not self.asked.isdisjoint(wanted)
        self.asked.update(wanted)
        found = super().blocks(wanted)
        return [None if block is None else _other(block) for block in found] if again else found


def test_a_reorg_below_the_finalized_block_must_be_said_twice(
    scene: Scene, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    fork = scene.node.head()
    scene.confirmed()
    scene.mine(70)
    cursor = follower_of(scene, database).catch_up()
    assert cursor.finalized > fork
    before = digest(database)
    scene.reorg(depth=cursor.number - fork)
    scene.mine(1)
    for owns_chain in (True, False):
        with pytest.raises(MirrorBroken, match="twice"):
            follower_of(scene, database, node=Wavering(scene.node.url), owns_chain=owns_chain).step()
        assert digest(database) == before
    assert not caplog.records
    assert follower_of(scene, database, owns_chain=False).step().move is Move.REWOUND
    assert "below the finalized block" in caplog.text


# ------------------------------------------------------------ nodes that lie


class Editing(Node):
    """A node that answers with what `edit` makes of the logs."""

    def __init__(self, url: str, edit: Callable[[list[RawLog]], list[RawLog]]) -> None:
        super().__init__(url)
        self.edit = edit

    def logs(self, **where: Any) -> list[RawLog]:
        return self.edit(super().logs(**where))


@pytest.mark.parametrize(
    "edit",
    [
        lambda logs: [replace(logs[0], address=b"\x01" * 20), *logs[1:]],
        lambda logs: [*logs, replace(logs[-1], data=bytes(len(logs[-1].data)))],
        lambda logs: [*logs[:-1], replace(logs[-1], log_index=2**31)],
        lambda logs: [*logs[:-2], replace(logs[-2], topics=logs[-2].topics.replace(word(1), word(2**63))), logs[-1]],
        lambda logs: [*logs[:-1], replace(logs[-1], topics=word(1) + logs[-1].topics[32:])],
        lambda logs: [*logs[:-1], replace(logs[-1], topics=b"")],
    ],
    ids=[
        "of another contract",
        "twice, once another one",
        "at no place of a block",
        "of a journal that cannot be",
        "of a topic that was not asked for",
        "without topics",
    ],
)
def test_a_log_that_is_not_one_of_ours_is_refused_and_nothing_is_written(
    scene: Scene, database: Database, edit: Callable[[list[RawLog]], list[RawLog]]
) -> None:
    scene.confirmed()
    with pytest.raises(MirrorBroken):
        follower_of(scene, database, node=Editing(scene.node.url, edit)).step()
    assert digest(database) == digest_of_nothing(database)


def in_one_block(scene: Scene, *actions: Callable[[], object]) -> None:
    """Mine what several people do as one block."""
    scene.node.request("evm_setAutomine", False)
    threads = [threading.Thread(target=action) for action in actions]
    try:
        for thread in threads:
            thread.start()
        waiting = 0
        while waiting < len(actions):
            status = scene.node.request("txpool_status")
            waiting = int(status["pending"], 16)
            time.sleep(0.01)
        scene.mine(1)
    finally:
        scene.node.request("evm_setAutomine", True)
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("kind", ["entry", "receivable", "member"])
def test_a_log_left_out_of_a_block_that_has_others_is_missed(scene: Scene, database: Database, kind: str) -> None:
    receivable_id = scene.confirmed()
    scene.split(receivable_id, start=0, cut=40_000, to=SUPPLIER)
    left_out: type[Entry]
    if kind == "entry":
        left_out = Endorsed
        in_one_block(
            scene,
            lambda: scene.endorse(receivable_id, start=0, to=BANK),
            lambda: scene.endorse(receivable_id, start=40_000, to=BANK, person=SUPPLIER),
        )
    elif kind == "receivable":
        left_out = Registered
        in_one_block(
            scene,
            lambda: scene.endorse(receivable_id, start=0, to=BANK),
            lambda: scene.register(person=SUPPLIER),
        )
    else:
        left_out = MemberAdmitted
        in_one_block(scene, lambda: scene.endorse(receivable_id, start=0, to=BANK), lambda: scene.admit(STRANGER))

    def leave_out(logs: list[RawLog]) -> list[RawLog]:
        last = max(number for number, log in enumerate(logs) if log.topics[:32] == left_out.topic())
        return logs[:last] + logs[last + 1 :]

    assert len({log.block_hash for log in all_logs(scene)[-2:]}) == 1
    with pytest.raises(MirrorBroken, match="head"):
        follower_of(scene, database, node=Editing(scene.node.url, leave_out)).step()
    assert digest(database) == digest_of_nothing(database)
    follower_of(scene, database).catch_up()
    assert reconcile(database, scene.node, contract=scene.deployment.receivables, deep=True).differences == []


def all_logs(scene: Scene) -> list[RawLog]:
    return scene.node.logs(
        contract=scene.deployment.receivables,
        topics=ENTRY_TOPICS,
        first=scene.deployment.block_number,
        last=scene.node.head(),
    )


# ----------------------------------------------------- nodes that know or give less


class Modest(Node):
    """A node of a chain without tags, or one that gives few blocks at once."""

    tags: frozenset[str] = frozenset({"latest", "safe", "finalized"})
    blocks_max = 10**9
    failure: type[Refusal] = RpcFailed

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.given: list[int] = []

    def tips(self) -> Tips:
        found = super().tips()
        unknown = {tag: None for tag in ("safe", "finalized") if tag not in self.tags}
        return replace(found, **unknown)

    def logs(self, **where: Any) -> list[RawLog]:
        blocks = where["last"] - where["first"] + 1
        if blocks > self.blocks_max:
            raise self.failure(f"eth_getLogs: at most {self.blocks_max} blocks")
        self.given.append(blocks)
        return super().logs(**where)


def test_a_chain_without_tags_is_mirrored(scene: Scene, database: Database) -> None:
    scene.mine(80)
    follower_of(scene, database).catch_up()
    with database.bulk() as connection:
        known = store.read_cursor(connection)
    assert known is not None
    assert 0 < known.finalized < known.safe < known.number
    scene.confirmed()
    node = Modest(scene.node.url)
    node.tags = frozenset({"latest"})
    cursor = follower_of(scene, database, node=node).catch_up()
    assert cursor == replace(known, number=cursor.number, hash=cursor.hash, at=cursor.at, checked=cursor.number)
    assert cursor.number == scene.node.head()


class Tagging(Node):
    """A node that calls these blocks safe and finalized."""

    final = 0

    def tips(self) -> Tips:
        return replace(super().tips(), safe=self.final, finalized=self.final)


@pytest.mark.parametrize("confirmations", [0, 3])
def test_what_is_final_goes_on_while_nothing_else_does_and_never_back(
    scene: Scene, database: Database, confirmations: int
) -> None:
    scene.mine(10)
    node = Tagging(scene.node.url)
    follower = follower_of(scene, database, owns_chain=False, node=node, confirmations=confirmations)
    final = scene.node.head() - 5
    for told, known in ((final, final), (final + 1, final + 1), (final - 1, final + 1)):
        node.final = told
        cursor = follower.catch_up()
        assert (cursor.safe, cursor.finalized) == (known, known)


def test_a_tagged_block_that_is_not_mirrored_yet_does_not_count(
    scene: Scene, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.mine(200)
    monkeypatch.setattr(fetching, "RANGE_BLOCKS_FIRST", 50)
    monkeypatch.setattr(following, "TRANSACTION_ENTRIES", 0)
    cursor = follower_of(scene, database).step().cursor
    assert cursor.safe == cursor.finalized == cursor.number < scene.node.head()


def test_a_node_that_gives_few_blocks_at_once_is_asked_for_fewer(scene: Scene, database: Database) -> None:
    busy(scene, rounds=1)
    scene.mine(600)
    node = Modest(scene.node.url)
    node.blocks_max = 70
    follower = follower_of(scene, database, node=node)
    follower.catch_up()
    assert max(node.given) == RANGE_BLOCKS_FIRST // 2
    node.given.clear()
    node.blocks_max = 10**9
    scene.mine(3 * RANGE_BLOCKS_FIRST)
    follower.catch_up()
    assert max(node.given) > RANGE_BLOCKS_FIRST // 2
    assert reconcile(database, scene.node, contract=scene.deployment.receivables, deep=True).differences == []


def test_a_node_that_gives_nothing_is_not_asked_for_ever(scene: Scene, database: Database) -> None:
    node = Modest(scene.node.url)
    node.blocks_max = 0
    with pytest.raises(RpcFailed):
        follower_of(scene, database, node=node).step()


def test_a_node_that_takes_too_long_is_asked_for_fewer_blocks_the_next_time(scene: Scene, database: Database) -> None:
    scene.mine(40)
    node = Modest(scene.node.url)
    node.blocks_max = (scene.node.head() - scene.deployment.block_number) // 2 + 1
    node.failure = NodeUnreachable
    follower = follower_of(scene, database, node=node)
    with pytest.raises(NodeUnreachable):
        follower.step()
    assert follower.step().move is Move.ADVANCED


# ------------------------------------------------------------------ a mirror that runs


class Failing(Node):
    """A node that meets a bug of ours in the first steps."""

    failures = 0
    asked = 0

    def tips(self) -> Tips:
        self.asked += 1
        if self.failures:
            self.failures -= 1
            raise RuntimeError("a bug")
        return super().tips()


def run_until(
    follower: Follower, done: Callable[[list[Refusal], list[Step]], bool], *, seconds: float = 20
) -> tuple[list[Refusal], list[Step]]:
    """Run a mirror in its thread until `done`; failures and steps that it told."""
    stop, failures, steps = threading.Event(), list[Refusal](), list[Step]()
    thread = threading.Thread(
        target=follower.run, args=(stop,), kwargs={"on_step": steps.append, "on_failure": failures.append}
    )
    thread.start()
    deadline = time.monotonic() + seconds
    while not done(failures, steps) and time.monotonic() < deadline and thread.is_alive():
        time.sleep(0.01)
    assert thread.is_alive()
    stop.set()
    thread.join()
    return failures, steps


def test_a_bug_does_not_end_the_mirror_in_silence(
    scene: Scene, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    node = Failing(scene.node.url)
    node.failures = 2
    failures, steps = run_until(follower_of(scene, database, node=node), lambda _, steps: bool(steps))
    assert [failure.code for failure in failures] == ["mirror_failed"] * 2
    assert [type(failure) for failure in failures] == [MirrorFailed] * 2
    assert "a bug" in caplog.text  # with its traceback
    assert steps[0].move is Move.ADVANCED


def test_a_database_that_refuses_a_statement_does_not_end_the_mirror(scene: Scene, database: Database) -> None:
    with database.bulk() as connection:
        connection.execute("ALTER TABLE entry RENAME TO away")

    def repair(failures: list[Refusal], steps: list[Step]) -> bool:
        if failures:
            with database.bulk() as connection:
                connection.execute("ALTER TABLE IF EXISTS away RENAME TO entry")
        return bool(steps)

    failures, steps = run_until(follower_of(scene, database), repair)
    assert failures[0].code == "mirror_failed"
    assert steps[0].move is Move.ADVANCED


def test_a_listener_that_fails_does_not_end_the_mirror(scene: Scene, database: Database) -> None:
    stop, told = threading.Event(), list[object]()

    def fail(what: object) -> None:
        told.append(what)
        raise BrokenPipeError

    thread = threading.Thread(
        target=follower_of(scene, database).run, args=(stop,), kwargs={"on_step": fail, "on_failure": fail}
    )
    thread.start()
    while len(told) < 4 and thread.is_alive():
        time.sleep(0.01)
    assert thread.is_alive()
    stop.set()
    thread.join()


def test_a_failure_after_a_step_is_not_tried_again_at_once(scene: Scene, database: Database) -> None:
    node = Failing(scene.node.url)
    follower = follower_of(scene, database, node=node)

    def break_it(failures: list[Refusal], steps: list[Step]) -> bool:
        if steps:
            node.failures = 10**6
        return bool(failures) and time.monotonic() > enough

    enough = time.monotonic() + 2
    run_until(follower, break_it)
    assert node.asked < 12


# ----------------------------------------------------------------- two at a time


def test_a_rebuild_during_a_reorg_leaves_no_ghosts(
    scene: Scene, database: Database, postgres: EmbeddedPostgres
) -> None:
    scene.confirmed()
    scene.mine(10)
    busy(scene, rounds=1)
    follower_of(scene, database).catch_up()
    scene.reorg(depth=5)
    scene.mine(1)
    undoing: list[Step] = []
    undo = threading.Thread(target=lambda: undoing.append(follower_of(scene, database).step()))

    def meanwhile(_: int) -> None:
        if not undo.ident:
            undo.start()
            wait_for_lock(database)

    rebuilding.rebuild(database, progress=meanwhile)
    undo.join()
    assert [step.move for step in undoing] == [Move.REWOUND]
    follower_of(scene, database).catch_up()
    assert digest(database) == built_from_nothing(scene, postgres)


def wait_for_lock(database: Database, *, seconds: float = 10) -> None:
    """Return once another connection waits for a lock."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with database.bulk() as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            ).fetchone()
        if row != (0,):
            return
        time.sleep(0.01)
    raise AssertionError("nobody waits")


def test_an_undo_of_a_cursor_that_moved_meanwhile_undoes_nothing(
    scene: Scene, database: Database, postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.confirmed()
    first, second = follower_of(scene, database, node=Node(scene.node.url)), follower_of(scene, database)
    first.catch_up()
    scene.reorg(depth=1)
    scene.mine(1)

    def lose(which: int | bytes | BlockTag) -> Block | None:
        monkeypatch.undo()
        second.catch_up()
        return None

    monkeypatch.setattr(first._node, "block", lose)
    with pytest.raises(CursorLost):
        first.step()
    assert digest(database) == built_from_nothing(scene, postgres)


# ------------------------------------------------------------- widths


def test_the_widest_values_of_a_member_are_mirrored(scene: Scene, database: Database) -> None:
    scene.act(
        OPERATOR,
        Calls.admit(member=scene.address(STRANGER), kyc_expiry=2**40 - 1, roles=2**32 - 1, profile=b"\xff" * 32),
    )
    scene.act(OPERATOR, Calls.suspend(member=scene.address(STRANGER), reason=2**8 - 1))
    follower_of(scene, database).catch_up()
    assert reconcile(database, scene.node, contract=scene.deployment.receivables, deep=True).differences == []
    assert rebuilding.rebuild(database).after == digest(database)
