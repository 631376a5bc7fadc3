"""Ranges of a node that tells blocks before their logs, or much after little; and what waits for them."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from registry.chain.rpc import Block, Node, RawLog
from registry.mirror import fetching
from registry.mirror import follower as following
from registry.mirror.fetching import Fetcher, MirrorBroken, Range
from registry.mirror.follower import Move
from registry.mirror.reconcile import reconcile
from registry.store.database import Database
from tests.mirror.following import busy, follower_of
from tests.scene import Scene


class Slow(Node):
    """A node that tells no logs of some blocks, or no headers until it may."""

    silent: frozenset[int] = frozenset()

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.may_answer = threading.Event()
        self.may_answer.set()

    def _logs(self, *asked: Any) -> list[RawLog]:
        return [log for log in super()._logs(*asked) if log.block_number not in self.silent]

    def blocks(self, numbers: Iterable[int]) -> list[Block | None]:
        self.may_answer.wait()
        return super().blocks(numbers)


def after(scene: Scene, fetcher: Fetcher, number: int) -> Range:
    block = scene.node.block(number)
    assert block is not None
    return fetcher.range(number=number, block_hash=block.hash, last=scene.node.head())


def test_a_block_without_the_logs_that_its_bloom_speaks_of_is_asked_for_again_before_it_is_believed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = scene.node.head()
    scene.mine(2)
    scene.register()
    node, latest = Slow(scene.node.url), scene.node.block("latest")
    assert latest is not None
    node.silent = frozenset({latest.number})
    monkeypatch.setattr(fetching, "SILENT_SECONDS", 1_000)
    fetcher = Fetcher(node, scene.deployment.receivables)
    for _ in range(5):
        with pytest.raises(MirrorBroken, match="bloom"):
            fetcher.block(latest)
    assert after(scene, fetcher, start).end.number == latest.number - 1  # what is before it is good
    with pytest.raises(MirrorBroken, match="bloom"):
        after(scene, fetcher, latest.number - 1)
    node.silent = frozenset()
    assert len(fetcher.block(latest).logs) == len(after(scene, fetcher, start).logs) == 1

    # The bits of others' events may be ours.
    node.silent = frozenset({latest.number})
    patient = Fetcher(node, scene.deployment.receivables, silent_seconds=0)
    assert patient.block(latest).logs == []
    assert after(scene, patient, start).end == latest


def test_what_comes_after_a_quiet_stretch_is_fetched_in_ranges_of_few_logs(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "RANGE_LOGS", 10)
    monkeypatch.setattr(fetching, "BLOCK_LOGS_FIRST", 5)
    number = scene.node.head()
    scene.mine(150)
    busy(scene)
    scene.mine(150)
    found, fetcher = [], Fetcher(scene.node, scene.deployment.receivables)
    while number < scene.node.head():
        found.append(after(scene, fetcher, number))
        number = found[-1].end.number
    assert max(len(one.logs) for one in found) == 2
    assert sum(len(one.logs) for one in found) == sum(len(scene.journal(key)) for key in range(1, 5))
    assert max(len(one.blocks) for one in found) > 50


def test_a_header_of_a_time_that_no_column_holds_is_refused(scene: Scene, database: Database) -> None:
    class Late(Node):
        def blocks(self, numbers: Iterable[int]) -> list[Block | None]:
            return [block and replace(block, at=2**63) for block in super().blocks(numbers)]

    late = follower_of(scene, database, node=Late(scene.node.url))
    with closing(late), pytest.raises(MirrorBroken, match="time"):
        late.step()


def test_a_range_that_is_long_in_coming_holds_up_no_step(
    scene: Scene, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "WAIT_SECONDS", 0.05)
    scene.confirmed()
    node = Slow(scene.node.url)
    node.may_answer.clear()
    with closing(follower_of(scene, database, node=node)) as follower:
        assert [follower.step().move for _ in range(2)] == [Move.FETCHING] * 2
        node.may_answer.set()
        follower.catch_up()
    assert reconcile(database, scene.node, contract=scene.deployment.receivables, deep=True).differences == []


@pytest.mark.parametrize("ends", ["in time", "when it is to stop"])
def test_a_transaction_of_few_entries_ends(
    scene: Scene, database: Database, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    monkeypatch.setattr(fetching, "RANGE_BLOCKS_FIRST", 5)
    monkeypatch.setattr(fetching, "RANGE_BLOCKS_MAX", 5)
    scene.mine(20)
    with closing(follower_of(scene, database)) as follower:
        if ends == "in time":
            monkeypatch.setattr(following, "TRANSACTION_SECONDS", 0)
        else:
            follower._stop.set()
        step = follower.step()
        assert step.cursor.number == scene.deployment.block_number + 4
        assert follower.catch_up().number == scene.node.head()


def test_the_database_is_asked_something_while_heads_are_waited_for(
    scene: Scene, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "HEARTBEAT_SECONDS", 0.01)
    asked = threading.Event()

    class Waiting(Node):
        def call(self, **what: Any) -> bytes:
            while not asked.is_set():
                with database.bulk() as connection:
                    found = connection.execute(
                        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                        " AND application_name LIKE 'counterfoil-mirror%' AND query = 'SELECT 1'"
                    ).fetchone()
                if found == (1,):
                    asked.set()
            return super().call(**what)

    scene.confirmed()
    with closing(follower_of(scene, database, node=Waiting(scene.node.url))) as follower:
        assert follower.step().move is Move.ADVANCED
    assert asked.is_set()


def test_a_newest_block_that_is_not_the_next_one_is_no_child(scene: Scene, database: Database) -> None:
    class Skipping(Node):
        def tips(self) -> Any:
            found = super().tips()
            return replace(found, latest=replace(found.latest, number=found.latest.number + 1))

    with closing(follower_of(scene, database)) as follower:
        cursor = follower.catch_up()
    scene.mine(1)
    misled = follower_of(scene, database, node=Skipping(scene.node.url))
    with closing(misled), pytest.raises(MirrorBroken):
        misled.step()
    with database.bulk() as connection:
        assert connection.execute("SELECT block_number FROM cursor").fetchone() == (cursor.number,)
