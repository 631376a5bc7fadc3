"""The mirror against a real chain: live, after reorgs, after lies."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from registry.chain.rpc import Node, RawLog
from registry.mirror import rebuild as rebuilding
from registry.mirror import store
from registry.mirror.follower import CursorLost, Follower, MirrorBroken, Move, OtherRegistry
from registry.mirror.reconcile import reconcile
from registry.store.database import Database
from registry.store.embedded import EmbeddedPostgres
from tests.scene import BANK, SUPPLIER, Scene


def follower_of(scene: Scene, database: Database, *, owns_chain: bool = True, node: Node | None = None) -> Follower:
    return Follower(
        database,
        node or scene.node,
        contract=scene.deployment.receivables,
        first_block=scene.deployment.block_number,
        owns_chain=owns_chain,
    )


def digest(database: Database) -> str:
    with database.bulk() as connection:
        return rebuilding.digest(connection)


def built_from_nothing(scene: Scene, postgres: EmbeddedPostgres) -> str:
    """Digest of a second mirror that sees the chain as it is now."""
    postgres.create_database("fresh", template="template_counterfoil")
    fresh = Database(postgres.url("fresh"))
    try:
        follower_of(scene, fresh).catch_up()
        return digest(fresh)
    finally:
        fresh.dispose()
        postgres.drop_database("fresh")


def busy(scene: Scene, *, rounds: int = 3) -> None:
    for number in range(rounds):
        receivable_id = scene.confirmed(face=90_000 + number)
        scene.split(receivable_id, start=0, cut=60_000, to=SUPPLIER)
        scene.split(receivable_id, start=0, cut=30_000, to=BANK)
        scene.endorse(receivable_id, start=60_000, to=BANK, person=SUPPLIER)
    scene.refuse(scene.register())


def test_a_mirror_agrees_with_the_chain_in_every_field(scene: Scene, database: Database) -> None:
    busy(scene)
    follower_of(scene, database).catch_up()
    report = reconcile(database, scene.node, contract=scene.deployment.receivables, deep=True)
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
    scene.confirmed()
    scene.mine(60)
    busy(scene)
    follower = follower_of(scene, database)
    follower.catch_up()
    scene.reorg(depth=depth)
    scene.mine(1)
    step = follower.step()
    assert step.move is Move.REWOUND
    assert step.depth == depth
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
            forged = RawLog(first.block_number, bytes(32), first.log_index, first.tx_hash, first.topics, first.data)
            return [forged, *found[1:]]
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
    original = store.read_cursor
    stale: list[store.Cursor | None] = []

    def read_then_lose(connection: psycopg.Connection, *, lock: bool = False) -> store.Cursor | None:
        cursor = original(connection, lock=lock)
        if not stale:
            stale.append(cursor)
            second.catch_up()
        return cursor

    first.step()
    scene.register()
    monkeypatch.setattr("registry.mirror.follower.store.read_cursor", read_then_lose)
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

    monkeypatch.setattr("registry.mirror.projector.store.write_rows", fail)
    with pytest.raises(RuntimeError):
        follower.step()
    monkeypatch.undo()
    assert digest(database) == before
    follower.catch_up()
    assert reconcile(database, scene.node, contract=scene.deployment.receivables, deep=True).differences == []


def test_rebuild_gives_the_same_digest(scene: Scene, database: Database) -> None:
    busy(scene)
    follower_of(scene, database).catch_up()
    rebuilt = rebuilding.rebuild(database)
    assert rebuilt.before == rebuilt.after
    assert rebuilt.journals == 5
    assert rebuilt.entries == 4 + 3 * 5 + 2


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
    scene: Scene, database: Database, change: str, table: str, row: str | None, field: str
) -> None:
    busy(scene)
    follower_of(scene, database).catch_up()
    with database.bulk() as connection:
        connection.execute(change)
    found = reconcile(database, scene.node, contract=scene.deployment.receivables, deep=True).differences
    assert any(
        difference.table == table and difference.field == field and row in (None, difference.row)
        for difference in found
    )


def test_heads_alone_show_a_lost_entry(scene: Scene, database: Database) -> None:
    busy(scene, rounds=1)
    follower_of(scene, database).catch_up()
    with database.bulk() as connection:
        connection.execute("DELETE FROM entry WHERE journal_id = 1 AND position = 5")
    rebuilding.rebuild(database)
    found = reconcile(database, scene.node, contract=scene.deployment.receivables).differences
    assert [(difference.table, difference.row) for difference in found] == [("journal", "R-1")]
