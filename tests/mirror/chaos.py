"""What befalls a mirror, by chance but from a seed: operations, reorgs, faults of the node, kills of whatever runs."""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import psycopg

from registry.chain.devchain import DevChain
from registry.chain.rpc import Node
from registry.domain.decode import ENTRY_TOPICS, decode
from registry.domain.fold import empty_receivable, empty_registry, fold_all, fold_registry
from registry.domain.journal import REGISTRY_JOURNAL, Entry
from registry.domain.receivable import Receivable, Status
from registry.errors import Refusal
from registry.mirror import store
from registry.processes import Child, free_port, spawn
from registry.store.database import LEASE_KEY, Database
from registry.store.embedded import EmbeddedPostgres
from tests.faults import Faults, FaultyNode
from tests.faults.kinds import IN_BATCHES, IN_LOGS
from tests.pool import settle
from tests.scene import BANK, SELLER, STRANGER, SUPPLIER, Scene

PEOPLE = (SELLER, SUPPLIER, BANK)
DEPTH_MAX = 90
"""Beyond `finalized`, which Anvil has 64 blocks below its head."""
HISTORY_BLOCKS = 256
"""Of which the chain knows the state: reorgs go that deep."""

KINDS = tuple(
    one.name for one in dataclasses.fields(Faults) if isinstance(one.default, int) and one.name != "behind_blocks"
)
"""Faults that happen by chance."""
KINDS_AT_ONCE = 4
PROBABILITY = (0.1, 0.4)
FAULT_SECONDS = 1.0
GROUPS = {
    "batches": IN_BATCHES,
    "logs": IN_LOGS,
    "heads": (*(kind for kind in KINDS if kind.startswith("head_")), "silenced", "socket_closed"),
    "the way": ("delayed", "dropped", "truncated", "duplicated", "garbage"),
    "errors": ("http_error", "rate_limited", "rpc_error"),
    "a node behind": ("stale",),
}
"""Kinds of one sort, of which a minute brings some; whether each of them depends on how busy the machine is."""
LIMITS = {"logs_max": 3, "range_blocks_max": 4}
"""Faults that happen always, as a node's limits do."""


def depth_of(rng: Random, *, most: int = DEPTH_MAX) -> int:
    """How deep the next reorg is: most are short, and any depth may come."""
    return min(most, rng.randint(1, DEPTH_MAX) if rng.random() < 0.2 else round(DEPTH_MAX ** rng.random()))


def act(scene: Scene, rng: Random) -> str:
    """One thing that somebody does, whatever there is; what it was, or why it was refused."""
    try:
        return _act(scene, rng)
    except Refusal as refusal:  # what it was about may have gone with a reorg, or belong to somebody else
        return f"refused: {refusal.code}"


def _act(scene: Scene, rng: Random) -> str:
    roll = rng.random()
    last = scene.view.count()
    if not last or roll < 0.25:
        scene.confirmed(face=rng.randrange(50_000, 100_000))
        return "confirm"
    if roll < 0.3:
        scene.refuse(scene.register())
        return "refuse"
    if roll < 0.35:
        scene.admit(STRANGER) if rng.random() < 0.5 else scene.suspend(STRANGER)
        return "admit"
    receivable = _receivable(scene, rng.randint(max(1, last - 8), last))
    if receivable.status is not Status.CONFIRMED:
        return "nothing"
    part = rng.choice(sorted(receivable.certificates.values(), key=lambda one: one.start))
    where, start, by = receivable.receivable_id, part.start, {scene.address(one): one for one in PEOPLE}[part.holder]
    to = rng.choice([one for one in PEOPLE if one != by])
    if roll < 0.65:
        scene.split(where, start=start, cut=(start + part.end) // 2, to=to, person=by)
        return "split"
    if roll < 0.9:
        scene.endorse(where, start=start, to=to, person=by)
        return "endorse"
    if roll < 0.95:
        scene.merge(where, start=start, person=by)
        return "merge"
    (scene.unfreeze_receivable if receivable.orders else scene.freeze_receivable)(where)
    return "order"


def _receivable(scene: Scene, receivable_id: int) -> Receivable:
    state = _states(scene)[receivable_id]
    assert isinstance(state, Receivable)
    return state


def _states(scene: Scene) -> dict[int, store.State]:
    """What eth_getLogs folds to, by journal."""
    contract = scene.deployment.receivables
    journals: dict[int, list[Entry]] = defaultdict(list)
    for log in scene.node.logs(
        contract=contract, topics=ENTRY_TOPICS, first=scene.deployment.block_number, last=scene.node.head()
    ):
        entry = decode(log.topics, log.data)
        journals[entry.journal_id].append(entry)
    of = {"chain_id": scene.node.chain_id, "contract": contract}
    states: dict[int, store.State] = {
        number: fold_all(empty_receivable(**of, receivable_id=number), entries)  # type: ignore[arg-type]
        for number, entries in journals.items()
        if number != REGISTRY_JOURNAL
    }
    states[REGISTRY_JOURNAL] = fold_registry(empty_registry(**of), journals[REGISTRY_JOURNAL])  # type: ignore[arg-type]
    return states


def told_by_logs(scene: Scene) -> dict[str, set[store.Row]]:
    """Every projection as the fold of all logs gives it."""
    rows: dict[str, set[store.Row]] = {table: set() for table in store.PROJECTIONS}
    for state in _states(scene).values():
        for table, found in store.rows_of(state).items():
            rows[table].update(found)
    return rows


def mirrored(database: Database) -> dict[str, set[store.Row]]:
    """Every projection as it is stored."""
    with database.bulk() as connection:
        return {table: set(store.projection_rows(connection, table)) for table in store.PROJECTIONS}


def reorg(scene: Scene, rng: Random, *, depth: int) -> int:
    """Replace the newest blocks by as many others, in which some of their transactions come again; how many do not."""
    settle(scene.node.request)
    head, again, left_out = scene.node.head(), [], 0
    at = 0
    for offset in range(depth):
        block = scene.node.request("eth_getBlockByNumber", hex(head - depth + 1 + offset), True)
        for sent in block["transactions"]:
            if rng.random() < 0.3:
                left_out += 1
                continue
            # In another block than before, maybe, and in the same order.
            at = max(at, rng.randint(offset // 2, offset))
            again.append([{name: sent[name] for name in ("from", "to", "input", "gas") if sent.get(name)}, at])
    scene.node.request("anvil_reorg", depth, again)
    return left_out


# -------------------------------------------------------------------- chaos


@dataclass
class Chaos:
    """A mirror in a process of its own, between a faulty node and a database that is killed as well."""

    folder: Path
    scene: Scene
    proxy: FaultyNode
    postgres: EmbeddedPostgres
    rng: Random
    ground: int
    """The block that no reorg replaces: in it all members are admitted."""
    done: Counter[str] = field(default_factory=Counter)
    mirror: Child | None = None
    _kinds: list[str] = field(default_factory=list)
    _asked_before: int = 0

    @property
    def database_url(self) -> str:
        """By the link in the server's folder, which a new server renews: the mirror keeps its URL."""
        return f"postgresql://counterfoil@/chaos?host={self.folder / 'postgres' / 'socket'}&port=5432"

    def drive(self, *, seconds: float) -> None:
        """Let so many seconds of everything happen."""
        until, change_at = time.monotonic() + seconds, 0.0
        upstreams = self.proxy.upstreams
        blows: list[tuple[float, Callable[[], None]]] = [
            (9, self._kill_mirror),
            (3, self._terminate_backend),
            (18, self._kill_postgres),
            (11, self._node_down),
        ]
        due = {blow: time.monotonic() + self.rng.uniform(0.5, 1.5) * every for every, blow in blows}
        while (now := time.monotonic()) < until:
            self.keep_mirror()
            at_work = self.proxy.requests()["eth_getLogs"] > self._asked_before
            if not at_work:  # a start takes seconds and ends at the first fault: the mirror would never be at work
                self.proxy.upstreams, self.proxy.faults = upstreams, Faults()
            elif now >= change_at:
                change_at = now + FAULT_SECONDS
                self.proxy.upstreams, self.proxy.faults = upstreams, self._next_faults()
            for every, blow in blows:
                if at_work and now >= due[blow]:
                    due[blow] = now + self.rng.uniform(0.5, 1.5) * every
                    blow()
            (deed,) = self.rng.choices([self._act, self._reorg, self._pass_time, self._rest], [85, 6, 1, 8])
            deed()
        self.proxy.upstreams, self.proxy.faults = upstreams, Faults()

    def keep_mirror(self) -> None:
        """Start the mirror where none runs, as a service manager does: one that finds no node at the start ends."""
        if self.mirror is None or not self.mirror.running():
            self.done["mirrors started"] += 1
            self._asked_before = self.proxy.requests()["eth_getLogs"]
            self.mirror = spawn(
                [Path(sys.executable).with_name("counterfoil"), "mirror", "--json"],
                log=self.folder / "mirror.log",
                env=os.environ
                | {
                    "COUNTERFOIL_HOME": str(self.folder),
                    "COUNTERFOIL_RPC_URL": self.proxy.url,
                    "COUNTERFOIL_DATABASE_URL": self.database_url,
                    "COUNTERFOIL_RECONCILE_SECONDS": "2",
                },
            )

    def stop(self) -> None:
        if self.mirror is not None:
            self.mirror.terminate()
        self.postgres.stop()

    def _next_faults(self) -> Faults:
        """All kinds take turns, in an order of the seed's."""
        if len(self._kinds) < KINDS_AT_ONCE:
            self._kinds += self.rng.sample((*KINDS, *LIMITS), len(KINDS) + len(LIMITS))
        chosen, self._kinds = self._kinds[:KINDS_AT_ONCE], self._kinds[KINDS_AT_ONCE:]
        how = {kind: self.rng.uniform(*PROBABILITY) for kind in chosen if kind not in LIMITS}
        limits = {kind: LIMITS[kind] for kind in chosen if kind in LIMITS}
        return Faults(**how, **limits, behind_blocks=self.rng.randint(1, 5))  # type: ignore[arg-type]

    def _act(self) -> None:
        self.done[act(self.scene, self.rng)] += 1
        self.done["operations"] += 1

    def _reorg(self) -> None:
        depth = depth_of(self.rng, most=self.scene.node.head() - self.ground)
        self.done["transactions undone"] += reorg(self.scene, self.rng, depth=depth)
        self.done["reorgs"] += 1
        self.done["blocks undone"] += depth
        self.done["reorgs beyond finalized"] += depth > 64

    def _pass_time(self) -> None:
        self.scene.pass_time(seconds=self.rng.randrange(1, 86_400))
        self.done["jumps in time"] += 1

    def _rest(self) -> None:
        time.sleep(self.rng.uniform(0, 0.3))

    def _kill_mirror(self) -> None:
        assert self.mirror is not None
        if self.mirror.running():
            self.mirror.process.kill()
            self.mirror.process.wait()
            self.done["mirrors killed"] += 1
            self._rest()

    def _terminate_backend(self) -> None:
        with psycopg.connect(self.database_url) as connection:
            found = connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s",
                (LEASE_KEY,),
            ).fetchall()
        self.done["sessions ended"] += len(found)

    def _kill_postgres(self) -> None:
        os.kill(self.postgres.pid, signal.SIGKILL)
        self.postgres.stop()
        self.postgres = EmbeddedPostgres.start(self.folder / "postgres")
        self.done["databases killed"] += 1

    def _node_down(self) -> None:
        """Until the faults change."""
        self.proxy.upstreams = (f"http://127.0.0.1:{free_port()}",)
        self.proxy.close_sockets()
        self.done["times without a node"] += 1


@contextmanager
def opened(folder: Path, *, seed: int) -> Iterator[Chaos]:
    """A chain with a registry, a database, the faulty node between, and nothing that has happened yet."""
    with DevChain.start(folder / "chain", keeps=False, history_blocks=HISTORY_BLOCKS) as chain:
        scene = Scene.open(Node(chain.url))
        scene.deployment.write(folder / "deployments")
        with FaultyNode(chain.url, seed=seed) as proxy:
            postgres = EmbeddedPostgres.start(folder / "postgres")
            scene.mine(1)
            chaos = Chaos(folder, scene, proxy, postgres, Random(seed), ground=scene.node.head() - 1)
            try:
                for name in ("template_counterfoil", "chaos"):
                    postgres.create_database(name)
                    made = Database(postgres.url(name))
                    made.migrate()
                    made.dispose()
                yield chaos
            finally:
                with suppress(ProcessLookupError):
                    chaos.stop()
