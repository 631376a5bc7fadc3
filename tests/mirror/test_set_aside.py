"""A node that tells one journal wrong: it is found by the head, named, set aside and mended; the others go on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from registry.chain.rpc import Node, RawLog
from registry.domain.decode import journal_of
from registry.domain.journal import Endorsed, word
from registry.mirror import fetching, store
from registry.mirror import follower as following
from registry.mirror.auditor import Auditor
from registry.mirror.follower import Follower, Move
from registry.mirror.metrics import MirrorMetrics
from registry.mirror.reconcile import reconcile
from registry.store.database import Database
from registry.store.embedded import EmbeddedPostgres
from tests.mirror.following import built_from_nothing, busy, digest, follower_of, insist, running, until
from tests.scene import STRANGER, SUPPLIER, Scene

Alter = Callable[[RawLog], RawLog | None]


class Liar(Node):
    """A node that alters each log, or leaves it out, as it is told to; whichever way it is asked for it."""

    alter: Alter | None = None

    def _logs(self, *asked: Any) -> list[RawLog]:
        found = super()._logs(*asked)
        alter = self.alter
        return found if alter is None else [log for told in found if (log := alter(told)) is not None]


@pytest.fixture
def liar(scene: Scene) -> Liar:
    return Liar(scene.node.url)


def aside(database: Database) -> dict[int, str]:
    with database.bulk() as connection:
        return store.read_standing(connection)[1]


def lengths(database: Database) -> dict[int, int]:
    with database.bulk() as connection:
        return dict(connection.execute("SELECT journal_id, length FROM journal").fetchall())


def without(journal_id: int) -> Alter:
    """All logs but one journal's."""
    return lambda log: None if journal_of(log.topics) == journal_id else log


def ending_in(journal_id: int, last: bytes) -> Alter:
    """Each log of one journal, its data ending in other bytes."""

    def alter(log: RawLog) -> RawLog:
        if journal_of(log.topics) != journal_id:
            return log
        return replace(log, data=log.data[: -len(last)] + last)

    return alter


LIES = {
    "a receivable is left out": without(2),
    "a receivable is another": ending_in(2, b"\0"),
    "a receivable is no entry": ending_in(2, b"\xff" * 32),
    "members are left out": without(0),
    "members are others": ending_in(0, b"\0"),
}


@pytest.mark.parametrize("alter", LIES.values(), ids=LIES.keys())
def test_what_is_told_wrong_is_set_aside_and_the_others_go_on(
    scene: Scene, database: Database, postgres: EmbeddedPostgres, liar: Liar, alter: Alter
) -> None:
    wrong = 0 if alter in (LIES["members are left out"], LIES["members are others"]) else 2
    with closing(follower_of(scene, database, node=liar)) as follower:
        insist(follower)
        liar.alter = alter
        busy(scene)
        scene.admit(STRANGER)
        insist(follower)
        assert aside(database).keys() == {wrong}
        assert f"R-{wrong}" in aside(database)[wrong] or "log_malformed" in aside(database)[wrong]
        told = lengths(database)
        assert {number: told[number] for number in (1, 3)} == {1: 5, 3: 5}
        # More comes, of the wrong one too; all but that is as the chain has it.
        scene.endorse(3, start=0, to=SUPPLIER)
        scene.endorse(2, start=0, to=SUPPLIER)
        insist(follower)
        assert lengths(database)[3] == 6
        found = reconcile(database, scene.node, contract=scene.deployment.receivables)
        assert found.journals == [wrong]
        liar.alter = None
        mended(follower)
    assert aside(database) == {}
    assert digest(database) == built_from_nothing(scene, postgres)
    assert reconcile(database, scene.node, contract=scene.deployment.receivables, deep=True).differences == []


def mended(follower: Follower) -> None:
    """Step until what was set aside was fetched anew."""
    follower.suspect({})  # at once, not after the pause
    assert Move.REPAIRED in [follower.step().move for _ in range(3)]


def test_a_log_that_is_lost_once_costs_another_try_and_nothing_else(
    scene: Scene, database: Database, liar: Liar
) -> None:
    with closing(follower_of(scene, database, node=liar)) as follower:
        follower.catch_up()
        receivable_id = scene.confirmed()
        lost: list[RawLog] = []

        def once(log: RawLog) -> RawLog | None:
            if lost:
                return log
            lost.append(log)
            return None

        liar.alter = once
        insist(follower)
        assert len(lost) == 1
    assert aside(database) == {}
    assert lengths(database)[receivable_id] == 2


def test_what_was_lost_long_before_the_head_is_found_once_the_head_is_reached(
    scene: Scene, database: Database, postgres: EmbeddedPostgres, liar: Liar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each range is a transaction of its own, so the one with the loss ends far below the head."""
    monkeypatch.setattr(fetching, "RANGE_BLOCKS_FIRST", 5)
    monkeypatch.setattr(fetching, "RANGE_BLOCKS_MAX", 5)
    monkeypatch.setattr(following, "TRANSACTION_ENTRIES", 0)
    busy(scene)
    scene.mine(20)
    with closing(follower_of(scene, database, node=liar)) as follower:
        # Its last entry: what is left of the journal folds.
        liar.alter = lambda log: None if log.topics.startswith(Endorsed.topic() + word(1)) else log
        step = follower.step()
        while step.cursor.number + 15 < scene.node.head():
            step = follower.step()
        liar.alter = None
        insist(follower)
        assert aside(database).keys() == {1}
        mended(follower)
    assert digest(database) == built_from_nothing(scene, postgres)


def test_the_auditor_finds_rows_that_were_changed_by_hand_and_has_them_mended(
    scene: Scene, database: Database, postgres: EmbeddedPostgres
) -> None:
    busy(scene)
    right = built_from_nothing(scene, postgres)
    follower, stop = follower_of(scene, database), threading.Event()
    auditor = Auditor(
        database,
        Node(scene.node.url),
        contract=scene.deployment.receivables,
        seconds=0.05,
        leads=lambda: follower.leads,
        suspect=follower.suspect,
        metrics=(metrics := MirrorMetrics()),
    )
    auditing = threading.Thread(target=auditor.run, args=(stop,), daemon=True)
    with running(follower):
        until(lambda: digest(database) == right)
        auditing.start()
        with database.bulk() as connection:
            connection.execute("DELETE FROM entry WHERE journal_id = 1 AND position = 5")
            connection.execute("UPDATE journal SET head = '\\x00', length = 4 WHERE journal_id = 1")
        until(lambda: digest(database) == right and not aside(database), seconds=20)
        until(lambda: metrics.differences._value.get() == 0)
        stop.set()
    auditing.join()


def test_a_mirror_that_never_gets_the_truth_says_so_and_keeps_what_was_right(
    scene: Scene, database: Database, liar: Liar, caplog: pytest.LogCaptureFixture
) -> None:
    busy(scene)
    with closing(follower_of(scene, database, node=liar)) as follower:
        follower.catch_up()
        liar.alter = ending_in(2, b"\0")
        scene.endorse(2, start=0, to=SUPPLIER)
        insist(follower)
        for _ in range(3):
            follower.suspect({})
            assert follower.step().move is Move.NOTHING
    assert aside(database).keys() == {2}
    assert lengths(database)[2] == 5
    assert "R-2 is set aside" in caplog.text
    assert "still does not tell R-2" in caplog.text
