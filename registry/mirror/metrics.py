"""The figures of a mirror at work, for Prometheus; what the database knows of it the API tells."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, start_http_server

STEP_SECONDS_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
DEPTH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128)
RECONCILE_SECONDS_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class MirrorMetrics:
    """What one mirror did and where it is. Labels are kinds and codes, never ids: each would be a series of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.at_work = False
        """Whether a mirror runs, or waits to take over."""
        self.block = self._gauge("block", "Newest block that it took.")
        self.lag_blocks = self._gauge("lag_blocks", "Blocks that the node has and it has not taken.")
        self.heads_announced = self._gauge("heads_announced", "Whether the node announces new blocks to it.")
        self.ranges_ahead = self._gauge("ranges_ahead", "Ranges of blocks that are fetched and not yet folded.")
        self.set_aside = self._gauge("journals_set_aside", "Journals that the node does not tell as the contract has.")
        self.differences = self._gauge("differences", "Differences that the last comparison with the chain found.")
        self.leader = _Leader(
            "counterfoil_follower_leader", "Whether this mirror is the one that writes.", registry=self.registry
        )
        self.leader.only = (self.block, self.lag_blocks, self.ranges_ahead, self.set_aside, self.differences)
        self.entries = self._counter("entries", "Journal entries written.")
        self.steps = self._counter("steps", "Steps, by what they did.", "move")
        self.failures = self._counter("failures", "Steps that failed, by the code of the failure.", "code")
        self.mended = self._counter("mended", "Journals that were fetched anew and agreed then.")
        self.step_seconds = self._histogram("step_seconds", "Time of a step that did something.", STEP_SECONDS_BUCKETS)
        self.reorg_blocks = self._histogram("reorg_blocks", "Depth of each reorg.", DEPTH_BUCKETS)
        self.reconcile_seconds = self._histogram(
            "reconcile_seconds", "Time of each comparison with the chain.", RECONCILE_SECONDS_BUCKETS
        )

    def exposition(self) -> bytes:
        """All of them in the text format of Prometheus; nothing where no mirror runs."""
        return generate_latest(self.registry) if self.at_work else b""

    def serve(self, port: int) -> None:
        """Tell them at http://127.0.0.1:port/metrics, from a thread. Raises OSError where the port is taken."""
        start_http_server(port, addr="127.0.0.1", registry=self.registry)

    def _gauge(self, name: str, description: str) -> Gauge:
        return Gauge(f"counterfoil_follower_{name}", description, registry=self.registry)

    def _counter(self, name: str, description: str, *labels: str) -> Counter:
        return Counter(f"counterfoil_follower_{name}", description, labels, registry=self.registry)

    def _histogram(self, name: str, description: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"counterfoil_follower_{name}", description, buckets=buckets, registry=self.registry)


class _Leader(Gauge):
    """Whether this mirror writes. One that does not knows nothing of what its successor found: `only` are 0 then."""

    only: tuple[Gauge, ...] = ()

    def set(self, value: float) -> None:
        """To 1 or 0."""
        super().set(value)
        if not value:
            for gauge in self.only:
                gauge.set(0)


METRICS = MirrorMetrics()
"""Those of this process, which runs one mirror or none."""
