"""How fast proofs are made and checked, and how large they are: `python -m scripts.bench.proof [--entries N ...]`.

One run writes receivables with so many entries on a real Anvil, in batches of splits and endorsements, each with a
document of its own; a mirror reads them into a real PostgreSQL, and of each one certificate is proven. Every figure is
printed against its target, and a missed one ends the run with status 1. The node answers from this machine: what it
takes itself is told apart.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.table import Table

from registry.chain.contract import Calls, operation_call
from registry.chain.devchain import DevChain
from registry.chain.operations import AnchoredEndorsement, EndorseMany
from registry.chain.rpc import Node, Proof
from registry.domain.identifiers import Address, CertificateId
from registry.domain.keccak import keccak256
from registry.domain.rules import Part
from registry.store.database import Database
from registry.store.embedded import EmbeddedPostgres
from registry.verification.bundle import Bundle
from registry.verification.export import export
from registry.verification.header import Header
from registry.verification.make import Gathered, Wanted, gather, make
from registry.verification.verify import KnownHash, Pins, Status, verify
from scripts.bench.mirror import Figure, follower_of
from tests.scene import BANK, SELLER, SUPPLIER, Scene

ENTRIES = (10, 1_000, 20_000)
BATCH = 100
"""Entries to a transaction."""
PART_MINOR = 1_000
ROUNDS = 5

VERIFY_SECONDS, VERIFY_SECONDS_PER_ENTRY = 0.030, 60e-6
MAKE_SECONDS = 0.150
BUNDLE_BYTES, BUNDLE_BYTES_PER_ENTRY = 25_000, 250
ZSTD_BYTES_PER_ENTRY = 110
"""Of what the entries add to the smallest bundle."""
FEW = 10
"""Entries that the fixed part of a target is for."""

Result = TypeVar("Result")


class RememberedNode(Node):
    """A node whose answers to a proof are asked for once, so that what is measured is the maker's own work."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._proofs: dict[bytes, Proof] = {}
        self._fields: dict[int, Mapping[str, Any]] = {}

    def header_fields(self, number: int) -> Mapping[str, Any]:
        """As Node's."""
        if number not in self._fields:
            self._fields[number] = super().header_fields(number)
        return self._fields[number]

    def proofs(self, contract: Address, places: Sequence[bytes], *, block: int) -> list[Proof]:
        """As Node's."""
        missing = [place for place in places if place not in self._proofs]
        if missing:
            self._proofs.update(zip(missing, super().proofs(contract, missing, block=block), strict=True))
        return [self._proofs[place] for place in places]


@dataclass(frozen=True, slots=True)
class Measured:
    """Of a journal with so many entries: seconds, and bytes full, redacted and compressed."""

    entries: int
    make_seconds: float
    make_asking_seconds: float
    verify_seconds: float
    verify_redacted_seconds: float
    alone_seconds: float
    alone_redacted_seconds: float
    size_bytes: int
    redacted_bytes: int
    zstd_bytes: int


def write(scene: Scene, count: int) -> CertificateId:
    """A receivable with so many entries; one certificate that was handed on last."""
    face = (count + 2) * PART_MINOR
    receivable_id = scene.confirmed(face=face)
    documents = (keccak256(number.to_bytes(32)) for number in itertools.count())
    end, left = face, count - 2
    certificate = CertificateId(receivable_id, 0, face)
    while left > 0:
        cuts = [end - PART_MINOR * number for number in range(1, min(BATCH, (left + 1) // 2) + 1)]
        parts = tuple(Part(cut, scene.address(SUPPLIER), next(documents)) for cut in cuts)
        scene.send(SELLER, Calls.split_many(receivable_id=receivable_id, start=0, end=end, parts=parts))
        end, left = cuts[-1], left - len(cuts)
        handed = tuple(
            AnchoredEndorsement(
                receivable_id=receivable_id,
                start=cut,
                end=cut + PART_MINOR,
                receiver=scene.address(BANK),
                document=next(documents),
            )
            for cut in cuts[:left]
        )
        if handed:
            scene.send(SUPPLIER, operation_call(EndorseMany(endorsements=handed)))
            certificate = CertificateId(receivable_id, handed[-1].start, handed[-1].end)
        left -= len(handed)
    return certificate


def timed(task: Callable[[], Result], *, rounds: int = ROUNDS) -> tuple[float, Result]:
    """The median of seconds that a task takes, after one for warming up, and what it gives."""
    result = task()
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        result = task()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds), result


def measure(scene: Scene, database: Database, certificate: CertificateId, *, verifier: Path, folder: Path) -> Measured:
    """Everything about the proofs of one certificate."""
    remembered = RememberedNode(scene.node.url)

    def gathered(*, redact: bool = False) -> Gathered:
        with database.snapshot() as connection:
            return gather(connection, Wanted(certificate, redact=redact))

    make_seconds, full = timed(lambda: make(remembered, gathered()))
    asking_seconds, _ = timed(lambda: make(scene.node, gathered()), rounds=1)
    redacted = make(remembered, gathered(redact=True))
    compressed = subprocess.run(["zstd", "-q", "-c"], input=full, capture_output=True, check=True).stdout
    return Measured(
        entries=len(Bundle.decode(full).entries),
        make_seconds=make_seconds,
        make_asking_seconds=asking_seconds,
        verify_seconds=check(full),
        verify_redacted_seconds=check(redacted),
        alone_seconds=run_alone(verifier, full, folder=folder),
        alone_redacted_seconds=run_alone(verifier, redacted, folder=folder),
        size_bytes=len(full),
        redacted_bytes=len(redacted),
        zstd_bytes=len(compressed),
    )


def check(data: bytes) -> float:
    """Seconds that the verifier takes within this process, for who knows the block's hash."""
    witness = KnownHash(hash_of(data), "the bench")
    seconds, verdict = timed(lambda: verify(data, witness=witness))
    if verdict.status is Status.CONTRADICTED:
        raise SystemExit(f"{verdict.certificate}: {verdict.findings}")
    return seconds


def hash_of(data: bytes) -> bytes:
    """Hash of the block that a bundle is about."""
    return Header.decode(Bundle.decode(data).header).hash


def run_alone(verifier: Path, data: bytes, *, folder: Path) -> float:
    """Seconds of the exported verifier from its start to its end, with a Python that has no packages."""
    path = folder / "bundle.json"
    path.write_bytes(data)
    words = [sys.executable, "-I", "-S", str(verifier), "--block-hash", "0x" + hash_of(data).hex(), str(path)]
    began = time.perf_counter()
    done = subprocess.run(words, cwd=folder, env={}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return time.perf_counter() - began


def figures(found: Sequence[Measured]) -> Iterator[Figure]:
    """Each figure against its target."""
    least = found[0]
    for one in found:
        more, name = one.entries - least.entries, f"{one.entries:,} entries"
        limit = VERIFY_SECONDS + VERIFY_SECONDS_PER_ENTRY * max(0, one.entries - FEW)
        for what, took in (("full", one.verify_seconds), ("redacted", one.verify_redacted_seconds)):
            per_entry = f", {took / one.entries * 1e6:.0f} µs an entry" if more else ""
            yield Figure(
                f"verify, {what}, {name}", f"{took * 1e3:,.1f} ms{per_entry}", f"≤ {limit * 1e3:,.0f} ms", took <= limit
            )
        shown = f"{one.make_seconds * 1e3:,.0f} ms, asking the node {one.make_asking_seconds * 1e3:,.0f} ms"
        is_few = one.entries <= FEW
        target = f"≤ {MAKE_SECONDS * 1e3:.0f} ms" if is_few else ""
        yield Figure(f"make, {name}", shown, target, not is_few or one.make_seconds <= MAKE_SECONDS)
        size_max = BUNDLE_BYTES + BUNDLE_BYTES_PER_ENTRY * one.entries
        shown = f"{one.size_bytes / 1e3:,.1f} KB, redacted {one.redacted_bytes / 1e3:,.1f} KB"
        yield Figure(f"bundle, {name}", shown, f"≤ {size_max / 1e3:,.1f} KB", one.size_bytes <= size_max)
        if more:
            each = (one.zstd_bytes - least.zstd_bytes) / more
            yield Figure(
                f"compressed by zstd, {name}",
                f"{one.zstd_bytes / 1e3:,.1f} KB, {each:.0f} B an entry",
                f"≤ {ZSTD_BYTES_PER_ENTRY} B an entry",
                each <= ZSTD_BYTES_PER_ENTRY,
            )
        shown = f"{one.alone_seconds:.2f} s, redacted {one.alone_redacted_seconds:.2f} s"
        yield Figure(f"verifier.pyz from start to end, {name}", shown, "", True)


@contextmanager
def prepared(counts: Sequence[int], folder: Path) -> Iterator[tuple[Scene, Database, list[CertificateId]]]:
    """A chain with the receivables, mirrored."""
    with (
        DevChain.start(folder / "chain", keeps=False) as chain,
        EmbeddedPostgres.start(folder / "postgres") as postgres,
    ):
        scene = Scene.open(Node(chain.url))
        certificates = [write(scene, count) for count in counts]
        postgres.create_database("proof")
        database = Database(postgres.url("proof"))
        database.migrate()
        with closing(follower_of(database, scene.node, scene.deployment)) as follower:
            follower.catch_up()
        yield scene, database, certificates
        database.dispose()


def main(arguments: Sequence[str] | None = None) -> None:
    """Print every figure; exit status 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, nargs="+", default=ENTRIES, metavar="N", help="of each receivable")
    asked = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 120)
    with tempfile.TemporaryDirectory(prefix="counterfoil-proof-") as name:
        folder = Path(name)
        with prepared(sorted(asked.entries), folder) as (scene, database, certificates):
            contract = scene.deployment.receivables
            pins = Pins(scene.node.chain_id, contract, keccak256(scene.node.code(contract)))
            verifier = folder / "verifier.pyz"
            verifier.write_bytes(export(pins))
            found = [
                measure(scene, database, certificate, verifier=verifier, folder=folder) for certificate in certificates
            ]
    table = Table("", "measured", "target", "", box=None)
    shown = list(figures(found))
    for figure in shown:
        met = ("met" if figure.met else "MISSED") if figure.target else ""
        table.add_row(figure.what, figure.shown, figure.target, met)
    console.print(table)
    if not all(figure.met for figure in shown):
        sys.exit(1)


if __name__ == "__main__":
    main()
