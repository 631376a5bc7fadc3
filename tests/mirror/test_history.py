"""What is kept in memory of the newest transactions: that it is used where it is whole, and bounded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from registry.chain.rpc import Node, Tips
from registry.mirror import history, store
from registry.mirror.follower import Move
from registry.mirror.projector import Projector
from registry.mirror.reconcile import reconcile
from registry.store.database import Database
from registry.store.embedded import EmbeddedPostgres
from tests.mirror.following import built_from_nothing, busy, digest, follower_of
from tests.mirror.test_standby import terminate_writer
from tests.scene import BANK, STRANGER, SUPPLIER, Scene


@pytest.fixture
def refolded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Journals that are read from the stored log again."""
    found: list[int] = []
    replay = Projector.replay

    def replayed(self: Projector, connection: psycopg.Connection, journal_ids: Any = None) -> Any:
        for journal_id, *more in replay(self, connection, journal_ids):
            found.append(journal_id)
            yield journal_id, *more

    monkeypatch.setattr(Projector, "replay", replayed)
    return found


@pytest.mark.parametrize("lost", [0, 1, 2], ids=["the first", "one between", "the last"])
def test_a_transaction_whose_commit_was_not_heard_of_is_undone_with_the_others(
    scene: Scene, database: Database, postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch, lost: int
) -> None:
    number = scene.confirmed()
    with closing(follower_of(scene, database)) as follower:
        fork = follower.catch_up()
        acts: list[Callable[[], object]] = [
            lambda: scene.endorse(number, start=0, to=BANK),
            scene.register,
            lambda: scene.admit(STRANGER),
        ]
        for at, act in enumerate(acts):
            act()
            with monkeypatch.context() as unheard:
                if at == lost:
                    unheard.setattr(follower, "_committed", lambda *_: None)
                follower.step()
        scene.reorg(depth=scene.node.head() - fork.number)
        scene.mine(1)
        assert follower.step().cursor.hash == fork.hash
        assert digest(database) == built_from_nothing(scene, postgres)


def test_what_a_mirror_had_in_memory_is_forgotten_whenever_it_takes_the_lease_anew(
    scene: Scene, database: Database
) -> None:
    scene.confirmed()
    with closing(follower_of(scene, database)) as first, closing(follower_of(scene, database)) as second:
        assert first.take_lease()
        first.catch_up()
        assert first.take_lease()
        assert len(first._history) == 1
        terminate_writer(database)
        assert second.take_lease()
        scene.register()
        second.catch_up()
        second.close()
        first.close()
        assert first.take_lease()
        assert len(first._history) == 0


def test_an_undo_from_memory_reads_nothing_from_the_stored_log_nor_does_what_comes_after(
    scene: Scene, database: Database, refolded: list[int]
) -> None:
    number = scene.confirmed()
    with closing(follower_of(scene, database)) as follower:
        fork = follower.catch_up()
        scene.split(number, start=0, cut=40_000, to=SUPPLIER)
        follower.catch_up()
        scene.reorg(depth=scene.node.head() - fork.number)
        scene.endorse(number, start=0, to=BANK)
        assert [follower.step().move for _ in range(2)] == [Move.REWOUND, Move.ADVANCED]
    assert refolded == []
    assert reconcile(database, scene.node, contract=scene.deployment.receivables, deep=True).differences == []


class Untagged(Node):
    """A node of a chain of which nothing is called final."""

    def tips(self) -> Tips:
        return replace(super().tips(), safe=None, finalized=None)


@pytest.mark.parametrize(("limit", "most"), [("HISTORY_TRANSACTIONS_MAX", 3), ("HISTORY_STATES_MAX", 4)])
def test_where_nothing_is_ever_final_few_transactions_are_kept_also_empty_ones(
    scene: Scene, database: Database, monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    monkeypatch.setattr(history, limit, most)
    scene.confirmed()
    with closing(follower_of(scene, database, node=Untagged(scene.node.url))) as follower:
        for _ in range(7):
            follower.catch_up()
            scene.mine(1)
        assert len(follower._history) == most
        follower.catch_up()
        scene.reorg(depth=8)  # of them the empty ones come again as they were
        scene.mine(1)
        assert follower.step().move is Move.REWOUND
        follower.catch_up()
    assert reconcile(database, scene.node, contract=scene.deployment.receivables, deep=True).differences == []


def test_what_is_refolded_is_written_at_once(scene: Scene, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    busy(scene)
    with closing(follower_of(scene, database)) as follower:
        follower.catch_up()
        for number in (1, 2, 3):
            scene.endorse(number, start=0, to=SUPPLIER)
        follower.catch_up()
        follower.forget()
        scene.reorg(depth=3)
        scene.mine(1)
        written: list[int] = []
        insert = store.insert_rows

        def counted(connection: psycopg.Connection, rows: Mapping[str, Sequence[store.Row]]) -> None:
            written.append(len(rows["journal"]))
            insert(connection, rows)

        monkeypatch.setattr(store, "insert_rows", counted)
        assert follower.step().move is Move.REWOUND
    assert written == [3]
