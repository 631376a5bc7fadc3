"""A mirror for a test: of a scene, in a database, against one built from nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from registry.chain.rpc import Node
from registry.domain.journal import ENTRY_BY_OPERATION, Entry
from registry.errors import Refusal
from registry.mirror import rebuild as rebuilding
from registry.mirror.follower import Follower, MirrorBroken, Move, Step
from registry.mirror.metrics import MirrorMetrics
from registry.mirror.reconcile import reconcile
from registry.store.database import Database
from registry.store.embedded import EmbeddedPostgres
from tests.mirror.everything import every_operation
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


def require_every_operation_mirrored(scene: Scene, database: Database, postgres: EmbeddedPostgres) -> None:
    """Each operation, one round of the mirror after the other: its books are those that the chain gives."""
    follower = follower_of(scene, database)
    without_the_mirror = scene.act

    def act(person: int, data: bytes) -> Entry:
        entry = without_the_mirror(person, data)
        follower.catch_up()
        return entry

    scene.act = act  # type: ignore[method-assign]  # each operation is a round of the mirror
    every_operation(scene)
    follower.catch_up()
    with database.bulk() as connection:
        mirrored = {row[0] for row in connection.execute("SELECT DISTINCT operation FROM entry").fetchall()}
    assert mirrored == set(ENTRY_BY_OPERATION)
    rebuilt = rebuilding.rebuild(database)
    assert rebuilt.before == rebuilt.after == built_from_nothing(scene, postgres)
    report = reconcile(database, scene.node, contract=scene.deployment.receivables, deep=True)
    assert report.differences == []
    assert report.compared > 200


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
