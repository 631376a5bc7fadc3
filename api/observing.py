"""Around every request: its duration by route template, and a bug turned into a logged, silent 500."""

from __future__ import annotations

import time
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.deps import Services
from api.errors import bug_response
from registry.errors import ServiceError
from registry.observe import Metrics
from registry.store.queries import attestations, health
from registry.store.queries.attestations import WitnessRow

UNMATCHED = "unmatched"
"""Route label of requests that no route took: paths are the caller's choice and may be endless."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class ObserveMiddleware:
    """Measures each request and keeps bugs from leaking."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = time.perf_counter()
        try:
            await self._app(scope, receive, noting)
        except Exception as error:
            if status:
                # Half an answer is out; only breaking the connection tells the caller.
                raise
            await bug_response(error, method=scope["method"], path=scope["path"])(scope, receive, noting)
        finally:
            route = scope.get("route")
            self._metrics.observe_request(
                method=scope["method"] if scope["method"] in METHODS else "other",
                route=getattr(route, "path", UNMATCHED),
                status=status,
                seconds=time.perf_counter() - began,
            )


class MirrorCollector(Collector):
    """The mirror's figures, read when they are asked for. A service that does not answer is a 0, not an error."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def describe(self) -> Iterator[Metric]:
        """Nothing ahead of time: registering must not need the database."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """One snapshot of the database and one question to the node."""
        up = GaugeMetricFamily("counterfoil_up", "Whether the service answers.", labels=("service",))
        cursor, witnesses = None, []
        try:
            with self._services.database.snapshot() as connection:
                cursor = health.cursor(connection)
                counts = health.counts(connection)
                reconciled = health.last_reconciliation(connection)
                heads = health.newest_reconciliation(connection, deep=False)
                if cursor is not None:
                    named = self._services.settings.witness_addresses
                    witnesses = attestations.witnesses(connection, cursor, named)
            up.add_metric(("database",), 1)
            yield from _counted(counts)
            if cursor is not None:
                yield _gauge("counterfoil_mirror_block", "Newest mirrored block.", cursor.block_number)
                yield _gauge("counterfoil_mirror_block_timestamp_seconds", "Its time.", cursor.block_at)
                yield from _witnessed(witnesses, block_number=cursor.block_number)
            if reconciled is not None:
                yield _gauge(
                    "counterfoil_reconciliation_differences",
                    "Differences that the last comparison with the chain listed.",
                    len(reconciled.differences),
                )
            if heads is not None:
                yield _gauge(
                    "counterfoil_reconciliation_timestamp_seconds",
                    "When a comparison of heads with the chain last finished.",
                    int(heads.finished_at.timestamp()),
                )
        except ServiceError:
            up.add_metric(("database",), 0)
        try:
            head = self._services.node.head()
            up.add_metric(("node",), 1)
            yield _gauge("counterfoil_node_block", "Newest block of the node.", head)
            if cursor is not None:
                lag = max(0, head - cursor.block_number)
                yield _gauge("counterfoil_mirror_lag_blocks", "Blocks that the mirror has not taken yet.", lag)
        except ServiceError:
            up.add_metric(("node",), 0)
        yield up


def _counted(counts: health.Counts) -> Iterator[Metric]:
    receivables = GaugeMetricFamily("counterfoil_receivables", "Receivables by status.", labels=("status",))
    for status, count in counts.receivables_by_status.items():
        receivables.add_metric((status.name.lower(),), count)
    members = GaugeMetricFamily("counterfoil_members", "Members by status.", labels=("status",))
    for member_status, count in counts.members_by_status.items():
        members.add_metric((member_status.name.lower(),), count)
    yield receivables
    yield members
    yield _gauge("counterfoil_certificates", "Live certificates.", counts.certificates)
    yield _gauge("counterfoil_entries", "Journal entries.", counts.entries)


def _witnessed(witnesses: list[WitnessRow], *, block_number: int) -> Iterator[Metric]:
    signed = [one.block_number for one in witnesses if one.block_number is not None]
    yield _gauge("counterfoil_witnesses", "Witnesses that are named.", len(witnesses))
    yield _gauge("counterfoil_witnesses_silent", "Those that never signed.", len(witnesses) - len(signed))
    yield _gauge(
        "counterfoil_witness_lag_blocks",
        "Blocks that the mirror has and the slowest of the others has not signed.",
        max((block_number - number for number in signed), default=0),
    )
    yield _gauge(
        "counterfoil_witness_disagreements",
        "Blocks that witnesses signed and the mirror has otherwise.",
        sum(one.disagreements for one in witnesses),
    )


def _gauge(name: str, description: str, value: int) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, description, value=value)
