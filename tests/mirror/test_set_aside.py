"""A node that tells one journal wrong: it is found by the head, named, set aside and mended; the others go on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from registry.chain.rpc import Node, NodeUnreachable, RawLog, RpcFailed
from registry.domain.decode import journal_of
from registry.domain.journal import Endorsed, Registered, word
from registry.errors import Refusal
from registry.mirror import fetching, store
from registry.mirror import follower as following
from registry.mirror.auditor import Auditor
from registry.mirror.fetching import Fetcher, MirrorBroken
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


@pytest.fixture(autouse=True)
def believed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks whose logs are all left out: what is tried here is what comes after they were asked for again."""
    monkeypatch.setattr(fetching, "SILENT_SECONDS", 0)


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


def test_an_id_far_beyond_the_last_one_is_set_aside_alone(
    scene: Scene, database: Database, postgres: EmbeddedPostgres, liar: Liar
) -> None:
    """Not the two thousand millions before it."""
    far, registered = 2**31, Registered.topic() + word(2)

    def alter(log: RawLog) -> RawLog:
        return replace(log, topics=log.topics.replace(registered, Registered.topic() + word(far)))

    with closing(follower_of(scene, database, node=liar)) as follower:
        liar.alter = alter
        busy(scene)
        insist(follower)
        assert aside(database).keys() == {2, far}
        assert "long before its turn" in aside(database)[far]
        assert lengths(database)[3] == 5
        liar.alter = None
        mended(follower)
    assert aside(database) == {}
    assert digest(database) == built_from_nothing(scene, postgres)


def mended(follower: Follower) -> None:
    """Step until what was set aside was fetched anew."""
    follower._repairs.clear()  # at once, not after the pause
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
            follower._repairs.clear()
            assert follower.step().move is Move.NOTHING
    assert aside(database).keys() == {2}
    assert lengths(database)[2] == 5
    assert "R-2 is set aside" in caplog.text
    assert "still does not tell R-2" in caplog.text


class Reluctant(Node):
    """A node that fails when it is asked for one journal alone, all of them or for too many blocks."""

    failure: type[Refusal] = RpcFailed
    journal_id: int | None = None
    blocks_max = 10**9

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.asked: list[bytes] = []

    def logs(self, **where: Any) -> list[RawLog]:
        if where.get("second") is not None:
            self.asked.append(where["second"])
            if where["second"] == word(self.journal_id or 0) or where["last"] - where["first"] >= self.blocks_max:
                raise self.failure("not this one")
        return super().logs(**where)


def spoilt(database: Database, *journals: int) -> dict[int, str]:
    """Change rows of journals by hand; what is to be suspected."""
    with database.bulk() as connection:
        connection.execute("DELETE FROM entry WHERE journal_id = ANY(%s) AND position = 5", (list(journals),))
        connection.execute(
            "UPDATE journal SET head = '\\x00', length = 4 WHERE journal_id = ANY(%s)", (list(journals),)
        )
    return dict.fromkeys(journals, "changed by hand")


@pytest.mark.parametrize("failure", [RpcFailed, NodeUnreachable])
def test_a_journal_that_cannot_be_fetched_holds_up_neither_the_others_nor_the_head(
    scene: Scene, database: Database, failure: type[Refusal]
) -> None:
    busy(scene)
    node = Reluctant(scene.node.url)
    with closing(follower_of(scene, database, node=node)) as follower:
        follower.catch_up()
        follower.suspect(spoilt(database, 1, 2, 3))
        node.journal_id, node.failure = 1, failure
        moves = [follower.step().move for _ in range(4)]
        assert sorted(moves) == [Move.NOTHING, Move.NOTHING, Move.REPAIRED, Move.REPAIRED]
        assert aside(database).keys() == {1}
        scene.endorse(2, start=0, to=SUPPLIER)
        assert follower.step().move is Move.ADVANCED
        node.journal_id = None
        mended(follower)
    assert aside(database) == {}
    assert reconcile(database, scene.node, contract=scene.deployment.receivables, deep=True).differences == []


@pytest.mark.parametrize("failure", [RpcFailed, NodeUnreachable])
def test_a_journal_is_fetched_in_parts_as_long_as_the_node_gives_them(
    scene: Scene, database: Database, monkeypatch: pytest.MonkeyPatch, failure: type[Refusal]
) -> None:
    """And between two parts the head is looked at."""
    monkeypatch.setattr(fetching, "PART_SECONDS", 0)
    monkeypatch.setattr(following, "REPAIR_SECONDS_FIRST", 0)
    monkeypatch.setattr(following, "REPAIR_SECONDS_MAX", 0)
    busy(scene)
    node = Reluctant(scene.node.url)
    node.blocks_max, node.failure = 4, failure
    with closing(follower_of(scene, database, node=node)) as follower:
        follower.catch_up()
        follower.suspect(spoilt(database, 2))
        steps = [follower.step()]
        while steps[-1].move is not Move.REPAIRED:
            steps.append(follower.step())
        assert {step.move for step in steps[:-1]} == {Move.NOTHING}
        assert len(steps) == len(node.asked) > 4
    assert reconcile(database, scene.node, contract=scene.deployment.receivables, deep=True).differences == []


def test_a_log_of_another_journal_is_no_part_of_the_one_that_is_mended(scene: Scene, liar: Liar) -> None:
    busy(scene)
    liar.alter = lambda log: replace(log, topics=log.topics.replace(word(2), word(3)))
    newest = scene.node.block("latest")
    assert newest is not None
    fetcher = Fetcher(liar, scene.deployment.receivables)
    with pytest.raises(MirrorBroken, match="another journal"):
        fetcher.journal(2, first=scene.deployment.block_number, number=newest.number, block_hash=newest.hash)
