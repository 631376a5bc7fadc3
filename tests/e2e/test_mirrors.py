"""Mirrors as processes: whichever ends by kill -9, and in the middle of what, another one goes on to the same books."""

from __future__ import annotations

import json
import logging
import os
import random
import re
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from registry.chain.devchain import DevChain
from registry.chain.rpc import Node
from registry.processes import free_port
from registry.store.database import Database
from registry.store.embedded import EmbeddedPostgres
from registry.store.queries import health
from registry.store.queries.health import MirrorRow
from scripts.bench import book
from scripts.bench.book import Filled
from tests.conftest import empty_database
from tests.e2e.running import Serving, get, serving, temporary_home, until
from tests.mirror.following import built_from_nothing, busy, digest
from tests.scene import Scene

ENTRIES = 2_000
TAKEOVER_SECONDS_MAX = 5
KILLS = 2

log = logging.getLogger(__name__)


@pytest.fixture(scope="module")
def filled(work_folder: Path) -> Iterator[Filled]:
    with book.chain(work_folder / "book") as chain:
        yield book.fill(chain, entries=ENTRIES, seed=11)


@pytest.fixture(scope="module")
def registry(filled: Filled) -> Scene:
    return Scene(filled.node, filled.deployment)


@pytest.fixture
def database(postgres: EmbeddedPostgres) -> Iterator[Database]:
    """A database of the test's own, which outlives the mirrors that the test starts after it."""
    with empty_database(postgres) as made:
        yield made


@contextmanager
def mirroring(scene: Scene, database: Database, *words: str, **settings: object) -> Iterator[Serving]:
    """`counterfoil mirror` in a process, with a home of its own, of this registry into this database."""
    with temporary_home() as home:
        scene.deployment.write(home / "deployments")
        given = {"rpc_url": scene.node.url, "database_url": database.url} | settings
        with serving(home, "mirror", *words, **given) as command:
            yield command


def mirrors(database: Database) -> list[MirrorRow]:
    with database.snapshot() as connection:
        return health.mirrors(connection)


def process_of(mirror: MirrorRow) -> int:
    return int(mirror.name.split()[-1])


def leaders(database: Database) -> list[int]:
    return [process_of(mirror) for mirror in mirrors(database) if mirror.leads]


def is_writing(database: Database) -> bool:
    """Whether a mirror is in the middle of a transaction that has changed something."""
    with database.bulk() as connection:
        found = connection.execute(
            "SELECT FROM pg_stat_activity WHERE datname = current_database() AND backend_xid IS NOT NULL"
            " AND application_name LIKE 'counterfoil-mirror %'"
        )
        return found.fetchone() is not None


def block(database: Database) -> int:
    with database.snapshot() as connection:
        cursor = health.cursor(connection)
    return -1 if cursor is None else cursor.block_number


def soon(holds: Callable[[], bool]) -> float:
    """Wait until something holds; the seconds that it took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < 60, "it does not come to hold"
        time.sleep(0.005)
    return time.monotonic() - began


def in_order(command: Serving, number: signal.Signals) -> list[dict[str, object]]:
    """End it by a signal, which is no failure; the records that it logged."""
    code, _, err = command.end(number)
    assert code == 0, err
    assert "Traceback" not in err
    return [json.loads(line) for line in err.splitlines()]


# ------------------------------------------------------------------ two mirrors


def test_of_two_mirrors_one_writes_and_when_it_is_killed_the_other_takes_over_within_seconds(
    filled: Filled, registry: Scene, database: Database, postgres: EmbeddedPostgres
) -> None:
    with ExitStack() as stack:

        def started() -> Serving:
            return stack.enter_context(mirroring(registry, database))

        first, second = started(), started()
        assert until(lambda: len(mirrors(database)) == 2 and block(database) == filled.blocks)
        seen: set[tuple[int, ...]] = set()
        for _ in range(5):
            last = filled.head_block().number
            while block(database) < last:
                seen.add(tuple(leaders(database)))
        # Never two, and it does not change hands by itself.
        ((leader,),) = seen
        writer, waiting = (first, second) if first.process.pid == leader else (second, first)
        writer.process.kill()
        lease = soon(lambda: leaders(database) == [waiting.process.pid])
        last = filled.head_block().number
        took = lease + soon(lambda: block(database) == last)
        writer.process.communicate()
        first, second = waiting, started()
        assert until(lambda: len(mirrors(database)) == 2)
        # In order: the lease is free as soon as the writer is told to end.
        first.process.terminate()
        ended = soon(lambda: leaders(database) == [second.process.pid])
        code, _, err = first.ended()
        assert (code, "Traceback" in err) == (0, False), err
        filled.head_block()
        assert until(lambda: block(database) == filled.blocks)
        told = in_order(second, signal.SIGINT)
        assert leaders(database) == []
    messages = [record["message"] for record in told]
    waits = messages.index("mirror: another one writes to this database; waiting to take over")
    assert waits < messages.index("mirror: took over")
    assert re.fullmatch(rf"mirror: block {filled.blocks} of {filled.blocks}, \d+ entries", str(messages[-1]))
    assert digest(database) == built_from_nothing(registry, postgres)
    log.info("taken over, to the next block's rows: %.2f s; after SIGTERM: %.2f s", took, ended)
    assert max(took, ended) < TAKEOVER_SECONDS_MAX


# ------------------------------------------------------------------ kill -9


def test_a_mirror_killed_again_and_again_in_the_middle_of_its_work_ends_with_the_same_books(
    filled: Filled, registry: Scene, database: Database, postgres: EmbeddedPostgres
) -> None:
    behind = 0
    for _ in range(KILLS):
        with mirroring(registry, database) as command:
            soon(lambda: is_writing(database))
            time.sleep(random.uniform(0, 0.15))
            command.process.kill()
            soon(lambda: mirrors(database) == [])
        behind += block(database) < filled.blocks
        for _ in range(3):
            filled.head_block()
    log.info("killed %d times, %d of them before it had caught up", KILLS, behind)
    with mirroring(registry, database, "--once") as command:
        code, out, err = command.ended()
    assert (code, out) == (0, f"mirrored to block {filled.blocks}\n"), err
    assert digest(database) == built_from_nothing(registry, postgres)


def test_a_mirror_outlives_its_database(
    filled: Filled, registry: Scene, postgres: EmbeddedPostgres, work_folder: Path
) -> None:
    folder = work_folder / "killed"
    server = EmbeddedPostgres.start(folder)
    # The link leads to the socket of whichever server works in the folder.
    database = Database(server.url().replace(str(server.socket_folder), str(folder / "socket")))
    try:
        with mirroring(registry, database) as command:
            for when in ("history", "head"):
                if when == "history":
                    soon(lambda: is_writing(database))
                os.kill(server.pid, signal.SIGKILL)
                filled.head_block()
                server.stop()
                server = EmbeddedPostgres.start(folder)
                took = soon(lambda: block(database) == filled.blocks)
                log.info("database killed in the %s: caught up %.2f s after its restart", when, took)
            assert digest(database) == built_from_nothing(registry, postgres)
            told = in_order(command, signal.SIGTERM)
        assert any(str(record["message"]).startswith("mirror: database_unreachable") for record in told)
    finally:
        database.dispose()
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def test_a_mirror_outlives_its_node_and_what_the_node_forgot(
    database: Database, postgres: EmbeddedPostgres, work_folder: Path
) -> None:
    folder = work_folder / "forgetful"
    chain = DevChain.start(folder)
    port = chain.port
    try:
        scene = Scene.open(Node(chain.url))
        busy(scene, rounds=1)
        head = scene.node.head()
        with mirroring(scene, database) as command:
            assert until(lambda: block(database) == head and saved_block(folder) == head)
            # Most likely not saved: Anvil comes back without it, and with another block in its place.
            scene.register()
            soon(lambda: block(database) > head)
            os.kill(chain.pid, signal.SIGKILL)
            time.sleep(0.3)
            chain.stop()
            chain = DevChain.start(folder, port=port)
            assert chain.port == port
            busy(scene, rounds=1)
            assert until(lambda: block(database) == scene.node.head())
            assert digest(database) == built_from_nothing(scene, postgres)
            told = in_order(command, signal.SIGTERM)
        assert any(str(record["message"]).startswith("mirror: node_unreachable") for record in told)
    finally:
        chain.stop()
        shutil.rmtree(folder, ignore_errors=True)


def saved_block(folder: Path) -> int | None:
    """The newest block of the state that the chain's owner has kept; None before there is one."""
    try:
        return int(json.loads((folder / "state.json").read_text())["best_block_number"])
    except FileNotFoundError:
        return None


# ----------------------------------------------------------------- as it is set


def figures(port: int) -> dict[str, float]:
    """What a mirror tells Prometheus, by name and labels."""
    lines = get(f"http://127.0.0.1:{port}/metrics").text.splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name.removeprefix("counterfoil_follower_"): float(value) for name, value in pairs}


def test_the_figures_of_a_mirror_that_writes_and_of_one_that_waits_are_told(
    filled: Filled, registry: Scene, database: Database
) -> None:
    writes, waits = free_port(), free_port()
    with mirroring(registry, database, metrics_port=writes, heads_url="none") as writer:
        assert until(lambda: block(database) == filled.blocks)
        with mirroring(registry, database, metrics_port=waits) as waiting:
            assert until(lambda: len(mirrors(database)) == 2)
            assert until(lambda: figures(waits)["heads_announced"] == 1)
            filled.head_block()
            soon(lambda: block(database) == filled.blocks)
            with database.snapshot() as connection:
                entries = health.counts(connection).entries
            assert until(lambda: figures(writes)["block"] == filled.blocks)
            found, idle = figures(writes), figures(waits)
            in_order(waiting, signal.SIGINT)
        in_order(writer, signal.SIGINT)
    names = ("leader", "lag_blocks", "entries_total", "heads_announced")
    assert [found[name] for name in names] == [1, 0, entries, 0]
    assert [idle[name] for name in names] == [0, 0, 0, 1]
