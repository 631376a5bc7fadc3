"""A mirror for a test: of a scene, in a database, against one built from nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from registry.chain.rpc import Node
from registry.errors import Refusal
from registry.mirror import rebuild as rebuilding
from registry.mirror.follower import Follower, MirrorBroken, Move, Step
from registry.mirror.metrics import MirrorMetrics
from registry.store.database import Database
from registry.store.embedded import EmbeddedPostgres
from tests.scene import BANK, SUPPLIER, Scene

STEPS_MAX = 50


def follower_of(
    scene: Scene, database: Database, *, owns_chain: bool = True, node: Node | None = None, **how: Any
) -> Follower:
    return Follower(
        database,
        node or scene.node,
        contract=scene.deployment.receivables,
        first_block=scene.deployment.block_number,
        owns_chain=owns_chain,
        metrics=MirrorMetrics(),
        **how,
    )


def digest(database: Database) -> str:
    with database.bulk() as connection:
        return rebuilding.digest(connection)


def built_from_nothing(scene: Scene, postgres: EmbeddedPostgres) -> str:
    """Digest of a second mirror that sees the chain as it is now."""
    postgres.create_database("fresh", template="template_counterfoil")
    fresh = Database(postgres.url("fresh"))
    try:
        with closing(follower_of(scene, fresh)) as follower:
            follower.catch_up()
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


def insist(follower: Follower) -> list[Step]:
    """Step until nothing is left, whatever does not fit together on the way; what was done."""
    steps: list[Step] = []
    for _ in range(STEPS_MAX):
        try:
            steps.append(follower.step())
        except MirrorBroken:
            continue
        if steps[-1].move is Move.NOTHING:
            return steps
    raise AssertionError(f"the mirror does not come to rest: {steps}")


@contextmanager
def running(follower: Follower, **how: Any) -> Iterator[tuple[list[Step], list[Refusal]]]:
    """Run a mirror in a thread of its own; what it tells."""
    stop, nudge = threading.Event(), threading.Event()
    steps, failures = list[Step](), list[Refusal]()
    told = {"nudge": nudge, "on_step": steps.append, "on_failure": failures.append, **how}
    thread = threading.Thread(target=follower.run, args=(stop,), kwargs=told)
    thread.start()
    try:
        yield steps, failures
    finally:
        stop.set()
        nudge.set()
        thread.join()


def until(holds: Callable[[], object], *, seconds: float = 10) -> float:
    """Wait until something holds; the seconds that it took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, "it does not come to hold"
        time.sleep(0.005)
    return time.monotonic() - began
