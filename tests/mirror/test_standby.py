"""Two mirrors of one database: one writes, the other takes over when it is gone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from registry.mirror import writer
from registry.mirror.follower import Move
from registry.store.database import LEASE_KEY, Database, DatabaseUnreachable
from registry.store.embedded import EmbeddedPostgres
from tests.mirror.following import built_from_nothing, busy, digest, follower_of, running, until
from tests.scene import Scene

TAKEOVER_SECONDS_MAX = 5


def terminate_writer(database: Database) -> None:
    """End the session that holds the lease, as the server does when its client is gone."""
    with database.bulk() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s", (LEASE_KEY,)
        )


def test_of_two_mirrors_one_writes_and_the_other_takes_over(
    scene: Scene, database: Database, postgres: EmbeddedPostgres
) -> None:
    first, second = follower_of(scene, database), follower_of(scene, database)
    with running(first) as (steps, failures), running(second) as (others, _):
        until(lambda: steps or others)
        writer, waiting = (first, second) if first.leads else (second, first)
        for _ in range(2):
            busy(scene, rounds=1)
            until(lambda: digest(database) == built_from_nothing(scene, postgres))
            assert (writer.leads, waiting.leads) == (True, False)
        terminate_writer(database)
        until(lambda: waiting.leads or writer.leads, seconds=TAKEOVER_SECONDS_MAX)
        busy(scene, rounds=1)
        right = built_from_nothing(scene, postgres)
        until(lambda: digest(database) == right, seconds=TAKEOVER_SECONDS_MAX)
        assert first.leads != second.leads
    # A block that was mined this very moment may be told without its logs: its bloom or its heads say so.
    assert {failure.code for failure in failures} <= {
        "database_unreachable",
        "cursor_lost",
        "heads_disagree",
        "mirror_broken",
    }


def test_a_mirror_that_lost_the_lease_tells_no_figures_of_what_it_had(scene: Scene, database: Database) -> None:
    mirror = follower_of(scene, database)
    metrics = mirror._metrics
    figures = (metrics.block, metrics.lag_blocks, metrics.set_aside, metrics.differences)
    locks = "FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND "
    with running(mirror), database.bulk() as other, database.bulk() as watching:
        until(lambda: metrics.block._value.get() == scene.node.head())
        for gauge in figures[1:]:
            gauge.set(7)
        with ThreadPoolExecutor(max_workers=1) as threads:
            # Who waits in the lock has it before the mirror can take it again.
            waiting = threads.submit(other.execute, "SELECT pg_advisory_lock(%s)", (LEASE_KEY,))
            until(lambda: watching.execute("SELECT 1 " + locks + "NOT granted", (LEASE_KEY,)).fetchone())
            watching.execute("SELECT pg_terminate_backend(pid) " + locks + "granted", (LEASE_KEY,))
            waiting.result(timeout=60)
        until(lambda: not any(gauge._value.get() for gauge in figures), seconds=30)
        assert not mirror.leads


def test_a_lease_that_is_given_up_is_free_for_the_next(scene: Scene, database: Database) -> None:
    first, second = follower_of(scene, database), follower_of(scene, database)
    assert first.take_lease()
    assert first.take_lease()
    assert not second.take_lease()
    first.close()
    until(second.take_lease)
    assert second.step().move is Move.ADVANCED
    second.close()


def test_a_writer_that_hangs_loses_the_lease_and_writes_nothing_more(
    scene: Scene, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging, waiting = follower_of(scene, database), follower_of(scene, database)
    assert hanging.take_lease()
    assert not waiting.take_lease()
    monkeypatch.setattr(writer, "LOOK_SECONDS", 1_000)
    monkeypatch.setattr(writer, "STUCK_SECONDS", -1)
    assert not waiting.take_lease()  # it has looked just before
    assert hanging.step().move is Move.ADVANCED
    scene.register()
    monkeypatch.setattr(writer, "LOOK_SECONDS", 0)
    until(waiting.take_lease)
    assert waiting.step().move is Move.ADVANCED
    with pytest.raises(DatabaseUnreachable):
        hanging.step()
    assert (hanging.leads, waiting.leads) == (False, True)
    assert not hanging.take_lease()
    hanging.close()
    waiting.close()
