"""Reorgs of any depth while the mirror runs, rests or was started anew, and while a reader holds locks."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from random import Random

import pytest

from api.deps import Services
from registry.chain.devchain import DevChain
from registry.chain.rpc import Node
from registry.mirror import store
from registry.mirror.follower import Follower, Move, Step
from registry.mirror.reconcile import reconcile
from registry.settings import Settings
from registry.store.database import Database
from registry.store.embedded import EmbeddedPostgres
from tests.api.conftest import Api
from tests.api.conftest import opened as served
from tests.mirror.chaos import HISTORY_BLOCKS, act, depth_of, mirrored, reorg, told_by_logs
from tests.mirror.following import built_from_nothing, digest, follower_of, insist, running, until
from tests.pool import settle
from tests.scene import Scene

ROUNDS = 10
HELD_SECONDS = 0.1
"""How long a reader keeps rows from being changed."""


@pytest.fixture(scope="module")
def ground() -> Iterator[Scene]:
    """A registry on a chain that knows the states of more blocks than are final."""
    with (
        tempfile.TemporaryDirectory() as folder,
        DevChain.start(Path(folder), keeps=False, history_blocks=HISTORY_BLOCKS) as chain,
    ):
        scene = Scene.open(Node(chain.url))
        scene.mine(100)
        yield scene


@pytest.fixture
def scene(ground: Scene) -> Scene:
    return ground


@pytest.fixture(scope="module")
def undone() -> Iterator[list[tuple[float, int]]]:
    """Seconds and depth of every undo of this file, told at the end."""
    taken: list[tuple[float, int]] = []
    yield taken
    seconds = sorted(second for second, _ in taken)
    print(  # noqa: T201  (shown with -s)
        f"\n{len(seconds)} undos, the deepest of {max(depth for _, depth in taken)} blocks: "
        f"p50 {seconds[len(seconds) // 2] * 1000:.0f} ms, p99 {seconds[int(len(seconds) * 0.99)] * 1000:.0f} ms"
    )


def timed(follower: Follower, taken: list[tuple[float, int]]) -> Follower:
    step = follower.step

    def measured() -> Step:
        began = time.perf_counter()
        done = step()
        if done.move is Move.REWOUND:
            taken.append((time.perf_counter() - began, done.depth))
        return done

    follower.step = measured  # type: ignore[method-assign]
    return follower


@contextmanager
def reading(database: Database) -> Iterator[None]:
    """One who reads everything in one transaction that lasts, and one who keeps some rows as they are for a while."""
    with database.snapshot() as connection, ExitStack() as stack:
        for table in store.PROJECTIONS:
            connection.exec_driver_sql(f"SELECT * FROM {table}").all()
        holder = stack.enter_context(database.bulk())
        held = holder.execute("SELECT * FROM journal FOR SHARE").fetchall()
        assert held
        letting_go = threading.Timer(HELD_SECONDS, holder.rollback)
        letting_go.start()
        try:
            yield
        finally:
            letting_go.join()


def prepared(scene: Scene, rng: Random, *, follow: Callable[[], None]) -> Callable[[], object]:
    """What makes another chain of this one: as long, or, with blocks gone that were mirrored, shorter."""
    if rng.random() < 0.7:
        return lambda: reorg(scene, rng, depth=depth_of(rng))
    before = scene.node.request("evm_snapshot")
    for _ in range(rng.randint(1, 4)):
        scene.confirmed()
    follow()
    settle(scene.node.request)
    return lambda: scene.node.request("evm_revert", before)


def is_the_chains(scene: Scene, database: Database) -> bool:
    """Whether the mirror's block is still one of the chain."""
    with database.bulk() as connection:
        cursor = store.read_cursor(connection)
    assert cursor is not None
    block = scene.node.block(cursor.number)
    return block is not None and block.hash == cursor.hash


def ready_tells_the_truth(api: Api) -> None:
    """Where it says that the books are ready, their block is the chain's; else that they disagree."""
    answer = api.client.get("/ready").json()
    if answer["status"] == "ready":
        told = api.scene.node.block(answer["as_of_block"]["number"])
        assert told is not None
        assert "0x" + told.hash.hex() == answer["as_of_block"]["hash"]
    else:
        assert {"mirror_disagrees", "mirror_lags"} & {reason["code"] for reason in answer["reasons"]}


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["resting", "anew", "running"])
def test_after_each_reorg_the_mirror_is_the_fold_of_all_logs(
    scene: Scene,
    database: Database,
    postgres: EmbeddedPostgres,
    tmp_path: Path,
    undone: list[tuple[float, int]],
    mode: str,
) -> None:
    rng = Random(mode)
    services = Services(database, scene.node, scene.deployment, Settings(home=tmp_path, ready_lag_blocks_max=1_000))
    follower = timed(follower_of(scene, database), undone)

    def step_until_still() -> None:
        if mode == "anew":
            with closing(timed(follower_of(scene, database), undone)) as another:
                insist(another)
        elif mode == "resting":
            insist(follower)
        else:
            until(lambda: api.client.get("/ready").json().get("lag_blocks") == 0)

    with ExitStack() as stack:
        api = stack.enter_context(served(services, scene))
        if mode == "running":
            stack.enter_context(running(follower))
        else:
            stack.enter_context(closing(follower))
        for _ in range(ROUNDS):
            for _ in range(rng.randint(1, 5)):
                act(scene, rng)
            step_until_still()
            spoil = prepared(scene, rng, follow=step_until_still)
            with reading(database) if rng.random() < 0.5 else ExitStack():
                told = scene.node.block("latest")
                spoil()
                ready_tells_the_truth(api)
                # The same transactions in the same second are the same block: that is no reorg.
                if mode != "running" and scene.node.block("latest") != told:
                    # Of blocks without a change the same come again.
                    assert api.client.get("/ready").status_code == (200 if is_the_chains(scene, database) else 503)
                step_until_still()
                assert mirrored(database) == told_by_logs(scene)
                assert api.get("/ready")["lag_blocks"] == 0
        assert digest(database) == built_from_nothing(scene, postgres)
    assert reconcile(database, scene.node, contract=scene.deployment.receivables, deep=True).differences == []
