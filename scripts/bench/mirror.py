"""How fast the mirror is, on a real chain and a real PostgreSQL: `python -m scripts.bench.mirror [--entries N]`.

One run fills a chain with a book (scripts.bench.book) and prints, each against its target: backfill with the share of
each stage and the peak of memory, rebuild, reconciliation of heads, head to visible row, reorg of 12 blocks. The mirror
is a process of its own, as it is in service; chain, PostgreSQL and this bench share the machine with it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from registry.chain.deploy import Deployment
from registry.chain.rpc import Node, RawLog
from registry.commands.services import Services, following
from registry.domain.decode import ENTRY_TOPICS, decode
from registry.domain.keccak import keccak256
from registry.mirror import store
from registry.mirror.copying import copy_in
from registry.mirror.fetching import Ahead, Fetcher
from registry.mirror.follower import Follower, Move
from registry.mirror.projector import Projector
from registry.mirror.rebuild import rebuild
from registry.mirror.reconcile import reconcile
from registry.settings import PROJECT_ROOT
from registry.store.database import Database
from registry.store.embedded import EmbeddedPostgres
from registry.store.listening import CHANNEL
from scripts.bench import book
from scripts.bench.book import Filled, peak_bytes

HEAD_BLOCKS = 60
HEAD_SECONDS = 1.0
REORG_BLOCKS = 12
REORGS = 5
SAMPLE_LOGS = 20_000
BARE_SHARE = 0.3
"""What 30,000 entries/s are of the 64,000 to 106,000 that bare scripts reached where the targets were set: the same
target, whatever the machine."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the result: what, the figure as it is shown, the target, and whether it is met."""

    what: str
    shown: str
    target: str
    met: bool


def follower_of(database: Database, node: Node, deployment: Deployment) -> Follower:
    """A mirror of a book, on a chain that it does not own."""
    return Follower(
        database,
        node,
        contract=deployment.receivables,
        first_block=deployment.block_number,
        owns_chain=False,
    )


# ---------------------------------------------------------------- in the mirror's process


class Stages:
    """Seconds that the main thread spends in functions, each without those inside it that are measured too."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._inside: list[float] = []

    def measure(self, owner: Any, name: str, stage: str) -> None:
        """Count the time of a function of a class or module."""
        measured = getattr(owner, name)

        def timed(*args: Any, **named: Any) -> Any:
            if threading.current_thread() is not threading.main_thread():
                return measured(*args, **named)
            began = time.perf_counter()
            self._inside.append(0.0)
            try:
                return measured(*args, **named)
            finally:
                took = time.perf_counter() - began
                self.seconds[stage] += took - self._inside.pop()
                if self._inside:
                    self._inside[-1] += took

        setattr(owner, name, timed)


def child_backfill(database: Database, node: Node, deployment: Deployment) -> dict[str, Any]:
    """Mirror all there is; seconds in all and by stage, entries, the peak of memory."""
    stages = Stages()
    stages.measure(Ahead, "range", "waiting for the node")
    stages.measure(Projector, "begin", "states from before")
    stages.measure(Projector, "fold", "decode, hash, fold, pack")
    stages.measure(store, "insert_log", "COPY of entries, after the folding")
    stages.measure(store.Changes, "write", "projections")
    entries = 0
    began = time.perf_counter()
    follower = follower_of(database, node, deployment)
    while (step := follower.step()).move is not Move.NOTHING:
        entries += step.entries
    seconds = time.perf_counter() - began
    follower.close()
    stages.seconds["heads, commit and the rest"] = seconds - sum(stages.seconds.values())
    return {
        "entries": entries,
        "seconds": seconds,
        "cpu": time.process_time(),
        "stages": stages.seconds,
        "bytes": peak_bytes(os.getpid()),
    }


BARE_TABLE = (
    "CREATE TABLE bare (block_number bigint, log_index int, hash bytea, topics bytea, data bytea,"
    " PRIMARY KEY (block_number, log_index))"
)


def child_bare(database: Database, node: Node, deployment: Deployment) -> dict[str, Any]:
    """The least that any indexer does: headers and logs fetched ahead, each log hashed once and copied into one table
    with one index. No decoding, no fold, no projections, no heads."""
    before = node.block(deployment.block_number - 1)
    assert before is not None  # the contract was created by a transaction
    ahead = Ahead(Fetcher(node, deployment.receivables))
    at, block_hash, last, entries, waited = before.number, before.hash, node.head(), 0, 0.0
    with psycopg.connect(database.url) as connection:
        connection.execute(BARE_TABLE)
        connection.commit()
        began = time.perf_counter()
        while at < last:
            asked = time.perf_counter()
            found = ahead.range(number=at, block_hash=block_hash, last=last)
            waited += time.perf_counter() - asked
            if found is None:
                continue
            rows = [_bare_row(log) for log in found.logs]
            copy_in(connection, "COPY bare FROM STDIN (FORMAT BINARY)", rows)
            at, block_hash = found.end.number, found.end.hash
            entries += len(rows)
        connection.commit()
        seconds = time.perf_counter() - began
        connection.execute("DROP TABLE bare")
    return {"entries": entries, "seconds": seconds, "waited": waited}


def _bare_row(log: RawLog) -> bytes:
    values = (
        log.block_number.to_bytes(8),
        log.log_index.to_bytes(4),
        keccak256(log.topics + log.data),
        log.topics,
        log.data,
    )
    return b"\0\5" + b"".join(len(value).to_bytes(4) + value for value in values)


def child_rebuild(database: Database, node: Node, deployment: Deployment) -> dict[str, Any]:  # noqa: ARG001
    """Fold the stored log anew."""
    began = time.perf_counter()
    rebuilt = rebuild(database)
    seconds = time.perf_counter() - began
    if rebuilt.before != rebuilt.after:
        raise SystemExit("a rebuild changed the books")
    return {"entries": rebuilt.entries, "seconds": seconds, "bytes": peak_bytes(os.getpid())}


def child_reconcile(database: Database, node: Node, deployment: Deployment) -> dict[str, Any]:
    """Compare all heads."""
    began = time.perf_counter()
    report = reconcile(database, node, contract=deployment.receivables)
    seconds = time.perf_counter() - began
    if report.count:
        raise SystemExit(f"the books are wrong: {report.differences[:3]}")
    return {"heads": report.compared, "seconds": seconds}


def child_follow(database: Database, node: Node, deployment: Deployment) -> dict[str, Any]:
    """Follow the head, with all that a mirror in service does besides, until standard input ends."""
    with (
        tempfile.TemporaryDirectory(prefix="counterfoil-bench-") as home,
        following(Services(Path(home), node, database, deployment)),
    ):
        sys.stdin.read()
    return {"bytes": peak_bytes(os.getpid())}


CHILDREN: dict[str, Callable[[Database, Node, Deployment], dict[str, Any]]] = {
    "backfill": child_backfill,
    "bare": child_bare,
    "rebuild": child_rebuild,
    "reconcile": child_reconcile,
    "follow": child_follow,
}


# ------------------------------------------------------------------------- the bench


class Bench:
    """A filled chain, a database for its mirror, and the mirror's process."""

    def __init__(self, filled: Filled, database: Database, folder: Path) -> None:
        self.filled = filled
        self.database = database
        self._folder = folder
        filled.deployment.write(folder)

    def start(self, task: str) -> subprocess.Popen[str]:
        """A process of the mirror."""
        command = [sys.executable, "-m", "scripts.bench.mirror", "--child", task, str(self._folder)]
        return subprocess.Popen(
            [*command, self.database.url, self.filled.node.url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=PROJECT_ROOT,
        )

    def run(self, task: str) -> dict[str, Any]:
        """The same, to its end; what it found."""
        return self.end(self.start(task))

    def end(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        """Let a process end, and read what it found. Raises SystemExit where it failed."""
        told, _ = process.communicate()
        if process.returncode:
            raise SystemExit(f"the mirror's process ended with {process.returncode}")
        found: dict[str, Any] = json.loads(told.splitlines()[-1])
        return found

    def head_to_row(self) -> list[float]:
        """Seconds from the node's word that a block is mined until its entries can be read, a block a second."""
        mirror = self.start("follow")
        with psycopg.connect(self.database.url, autocommit=True) as connection:
            connection.execute(f"LISTEN {CHANNEL}")  # the name of a channel of our own
            self._until(connection, self.filled.blocks, seconds=30)
            seconds = []
            for number in range(HEAD_BLOCKS + 2):
                self.filled.prepare()
                time.sleep(HEAD_SECONDS)
                mined = self.filled.head_block()
                self._until(connection, mined.number, seconds=10)
                if number >= 2:
                    seconds.append(time.perf_counter() - mined.answered_at)
        self.end(mirror)
        return seconds

    def bytes_on_disk(self) -> dict[str, float]:
        """Bytes of the tables that grow, with their indexes: of the stored log an entry, of the projections a
        receivable."""
        with psycopg.connect(self.database.url) as connection:
            sizes: dict[str, int] = dict(
                connection.execute(
                    "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relname = ANY(%s)",
                    (["entry", "block", "journal", "receivable", "certificate"],),
                ).fetchall()
            )
        log, rows = sizes["entry"] + sizes["block"], sizes["journal"] + sizes["receivable"] + sizes["certificate"]
        return {"entry": log / self.filled.entries, "receivable": rows / self.filled.receivables}

    def reorgs(self) -> list[float]:
        """Seconds that it takes to undo 12 blocks, by a mirror that has followed them."""
        follower = follower_of(self.database, self.filled.node, self.filled.deployment)
        follower.catch_up()
        seconds = []
        self.filled.mark()
        for _ in range(REORG_BLOCKS):
            self.filled.head_block()
            follower.catch_up()
        for _ in range(REORGS):
            depth = self.filled.reorg()
            began = time.perf_counter()
            step = follower.step()
            seconds.append(time.perf_counter() - began)
            if (step.move, step.depth) != (Move.REWOUND, depth):
                raise SystemExit(f"{depth} blocks were replaced, and the mirror {step.move} {step.depth}")
            while follower.step().move is Move.ADVANCED:
                pass
        follower.close()
        return seconds

    def _until(self, connection: psycopg.Connection, block: int, *, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            row = connection.execute("SELECT block_number FROM cursor").fetchone()
            if row is not None and row[0] >= block:
                return
            for _ in connection.notifies(timeout=1, stop_after=1):
                pass
        raise SystemExit(f"block {block} is not mirrored after {seconds} s")


def by_part(filled: Filled) -> dict[str, float]:
    """Microseconds an entry of what one stage of the backfill does, measured on logs in memory."""
    node, contract = filled.node, filled.deployment.receivables
    logs: list[RawLog] = []
    first = filled.deployment.block_number
    while len(logs) < SAMPLE_LOGS and first <= filled.blocks:
        logs += node.logs(contract=contract, topics=ENTRY_TOPICS, first=first, last=first + 199)
        first += 200
    times = {}
    began = time.perf_counter()
    entries = [decode(log.topics, log.data) for log in logs]
    times["decode"] = time.perf_counter() - began
    began = time.perf_counter()
    for entry in entries:
        entry.hash()
    times["hash"] = time.perf_counter() - began
    return {name: 1e6 * seconds / len(logs) for name, seconds in times.items()}


@contextmanager
def prepared(entries: int) -> Iterator[Bench]:
    """A chain filled with so many entries, and an empty database."""
    with (
        tempfile.TemporaryDirectory(prefix="counterfoil-bench-") as name,
        book.chain(Path(name) / "chain") as chain,
        EmbeddedPostgres.start(Path(name) / "postgres") as postgres,
    ):
        postgres.create_database("mirror")
        database = Database(postgres.url("mirror"))
        database.migrate()
        yield Bench(book.fill(chain, entries=entries), database, Path(name) / "deployment")
        database.dispose()


def measured(bench: Bench, console: Console) -> list[Figure]:
    """Every figure."""
    found = bench.run("backfill")
    rate = found["entries"] / found["seconds"]
    bare = bench.run("bare")
    floor = bare["entries"] / bare["seconds"]
    figures = [
        Figure("backfill", f"{rate:,.0f} entries/s", ">= 30,000", rate >= 30_000),
        Figure(
            "of a bare script's",
            f"{rate / floor:.0%} of {floor:,.0f}/s",
            f">= {BARE_SHARE:.0%}",
            rate / floor >= BARE_SHARE,
        ),
        Figure("its memory", f"{found['bytes'] / 1e6:,.0f} MB", "<= 300", found["bytes"] <= 300e6),
    ]
    sizes = bench.bytes_on_disk()
    console.print(
        f"on disk: {sizes['entry']:,.0f} bytes an entry of the stored log,"
        f" {sizes['receivable']:,.0f} bytes a receivable with its certificates; indexes included"
    )
    table = Table("stage of the backfill", box=None)
    table.add_column("%", justify="right")
    table.add_column("µs an entry", justify="right")
    for stage, seconds in sorted(found["stages"].items(), key=lambda item: -item[1]):
        table.add_row(stage, f"{100 * seconds / found['seconds']:.0f}", f"{1e6 * seconds / found['entries']:.1f}")
    for part, micros in by_part(bench.filled).items():
        table.add_row(f"  {part} alone", "", f"{micros:.1f}")
    console.print(table)
    found = bench.run("rebuild")
    rate = found["entries"] / found["seconds"]
    figures.append(Figure("rebuild", f"{rate:,.0f} entries/s", ">= 60,000", rate >= 60_000))
    found = bench.run("reconcile")
    each = 100_000 * found["seconds"] / found["heads"]
    figures.append(
        Figure(
            "heads reconciled",
            f"{found['heads']:,} in {found['seconds']:.2f} s: 100,000 in {each:.1f} s",
            "<= 3 s",
            each <= 3,
        )
    )
    seconds = sorted(bench.head_to_row())
    half, most = statistics.median(seconds), seconds[round(0.99 * (len(seconds) - 1))]
    figures += [
        Figure("head to row, p50", f"{1e3 * half:.1f} ms", "<= 15", half <= 0.015),
        Figure("head to row, p99", f"{1e3 * most:.1f} ms", "<= 60", most <= 0.060),
    ]
    seconds = bench.reorgs()
    half = statistics.median(seconds)
    figures.append(
        Figure(
            f"reorg of {REORG_BLOCKS} blocks",
            f"{1e3 * half:.0f} ms (at most {1e3 * max(seconds):.0f})",
            "<= 50",
            half <= 0.05,
        )
    )
    return figures


def main(arguments: Sequence[str] | None = None) -> None:
    """Print every figure; exit status 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=100_000, metavar="N", help="journal entries")
    parser.add_argument("--child", nargs=4, metavar=("TASK", "FOLDER", "DATABASE", "NODE"), help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.child:
        task, folder, url, node_url = asked.child
        node = Node(node_url)
        deployment = Deployment.read(Path(folder), node.chain_id)
        assert deployment is not None
        print(json.dumps(CHILDREN[task](Database(url), node, deployment)))
        return
    console = Console(width=None if sys.stdout.isatty() else 120)
    with prepared(asked.entries) as bench:
        console.print(
            f"{bench.filled.entries:,} entries about {bench.filled.receivables:,} receivables"
            f" in {bench.filled.blocks:,} blocks, filled in {bench.filled.seconds:.0f} s"
        )
        figures = measured(bench, console)
    table = Table("", "measured", "target", "", box=None)
    for figure in figures:
        table.add_row(figure.what, figure.shown, figure.target, "met" if figure.met else "MISSED")
    console.print(table)
    if not all(figure.met for figure in figures):
        sys.exit(1)


if __name__ == "__main__":
    main()
