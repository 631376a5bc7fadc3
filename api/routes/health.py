"""What is here, whether it lives, whether its answers are up to date, its figures."""

from __future__ import annotations

from http import HTTPStatus
from importlib.metadata import version

from fastapi import APIRouter, Request, Response

from api import openapi
from api.deps import Services, ServicesDep, require_ours
from api.errors import NotReady, ReasonProblem
from api.schemas.common import BlockOut, instant
from api.schemas.health import HealthOut, IndexOut, ReadyOut, ReconciliationOut
from registry.domain.identifiers import format_receivable_id
from registry.errors import Refusal
from registry.mirror.auditor import overdue_seconds
from registry.mirror.metrics import METRICS
from registry.observe import METRICS_CONTENT_TYPE, Metrics
from registry.store.database import Connection
from registry.store.queries import health
from registry.store.queries.health import CursorRow, ReconciliationRow, SetAsideRow

router = APIRouter(tags=["Service"])

NAMED_MAX = 10
"""Journals that a reason names."""


@router.get("/", summary="See what is here", responses=openapi.problems())
def read_index() -> IndexOut:
    """Name, version and where to go on."""
    return IndexOut(
        name="Counterfoil",
        version=version("counterfoil"),
        links={
            "openapi": "/openapi.json",
            "receivables": "/v1/receivables",
            "certificates": "/v1/certificates",
            "members": "/v1/members",
            "debts": "/v1/debts",
            "orders": "/v1/orders",
            "registry": "/v1/registry",
            "parameters": "/v1/parameters",
            "witnesses": "/v1/verification/witnesses",
            "stream": "/v1/stream",
            "health": "/health",
            "ready": "/ready",
            "metrics": "/metrics",
        },
    )


@router.get("/health", summary="Ask whether the process lives", responses=openapi.problems())
async def read_health() -> HealthOut:
    """Answers as long as the process does, whatever the database and the node do."""
    return HealthOut(status="alive")


@router.get(
    "/ready", summary="Ask whether answers are up to date", responses=openapi.problems(HTTPStatus.SERVICE_UNAVAILABLE)
)
def read_ready(services: ServicesDep, response: Response) -> ReadyOut:
    """Whether the mirror is near the node's newest block, on the node's chain, and agreed with it when last compared.

    Lag is counted in blocks of the node, never by the wall clock: a quiet chain is no old mirror. Refuses: not_ready,
    with every reason by its code (database_unreachable, query_timeout, node_unreachable, rpc_failed, nothing_mirrored,
    other_registry, mirror_lags, mirror_disagrees, journals_set_aside, reconciliation_failed, reconciliation_overdue).
    """
    response.headers["Cache-Control"] = "no-store"
    reasons: list[ReasonProblem] = []
    cursor, reconciled, aside = _mirror(services, reasons)
    head = _node(services, cursor, reasons)
    if reconciled is not None and (count := len(reconciled.differences)):
        reasons.append(
            ReasonProblem(
                code="reconciliation_failed",
                detail=f"the comparison at block {reconciled.block_number} found {count} "
                f"difference{'' if count == 1 else 's'}: `counterfoil reconcile --deep` lists them anew, "
                "`counterfoil rebuild` mends the tables",
            )
        )
    if aside:
        named = ", ".join(format_receivable_id(one.journal_id) for one in aside[:NAMED_MAX])
        reasons.append(
            ReasonProblem(
                code="journals_set_aside",
                detail=f"of {len(aside)} journal{'' if len(aside) == 1 else 's'} the node does not tell what the "
                f"contract has, {named} first: `counterfoil mirror status` tells why",
            )
        )
    if reasons or cursor is None:
        raise NotReady(reasons)
    return ReadyOut(
        status="ready",
        node_block=head,
        lag_blocks=max(0, head - cursor.block_number),
        last_reconciliation=None if reconciled is None else _shown(reconciled),
        as_of_block=BlockOut.of(cursor),
    )


@router.get(
    "/metrics",
    summary="Read the figures",
    response_class=Response,
    responses={200: {"description": "Prometheus text format.", "content": {"text/plain": {}}}, **openapi.problems()},
)
def read_metrics(request: Request) -> Response:
    """Mirror, counts and request durations for Prometheus."""
    metrics = request.app.state.metrics
    assert isinstance(metrics, Metrics)  # set by create_app
    return Response(metrics.exposition() + METRICS.exposition(), media_type=METRICS_CONTENT_TYPE)


def _mirror(
    services: Services, reasons: list[ReasonProblem]
) -> tuple[CursorRow | None, ReconciliationRow | None, list[SetAsideRow]]:
    try:
        with services.database.snapshot() as connection:
            cursor = health.cursor(connection)
            reconciled = health.last_reconciliation(connection)
            aside = health.set_aside(connection)
            _compared(connection, services, reasons)
        return require_ours(cursor, services.deployment), reconciled, aside
    except Refusal as refusal:
        reasons.append(ReasonProblem(code=refusal.code, detail=refusal.detail))
        return None, None, []


def _compared(connection: Connection, services: Services, reasons: list[ReasonProblem]) -> None:
    """Whether the mirror that writes still compares itself with the chain."""
    since = health.uncompared_seconds(connection)
    newest = health.newest_reconciliation(connection, deep=False)
    limit = overdue_seconds(
        seconds=services.settings.reconcile_seconds, took_seconds=0 if newest is None else newest.seconds
    )
    if since is not None and since > limit:
        reasons.append(
            ReasonProblem(
                code="reconciliation_overdue",
                detail=f"no comparison with the chain has finished for {since:.0f} seconds; at most {limit:.0f} are "
                "allowed: the mirror's log tells why, `counterfoil reconcile` compares now",
            )
        )


def _node(services: Services, cursor: CursorRow | None, reasons: list[ReasonProblem]) -> int:
    """The node's newest block, 0 where it does not answer."""
    try:
        tips = services.node.tips()
        head = tips.latest.number
        if cursor is None:
            return head
        lag = tips.number(services.settings.mirror_follows) - services.settings.confirmations - cursor.block_number
        lag_max = services.settings.ready_lag_blocks_max
        if lag > lag_max:
            reasons.append(
                ReasonProblem(
                    code="mirror_lags", detail=f"the mirror is {lag} blocks behind; at most {lag_max} are allowed"
                )
            )
        known = services.node.block(cursor.block_number)
        if known is None or known.hash != cursor.block_hash:
            reasons.append(
                ReasonProblem(
                    code="mirror_disagrees",
                    detail=f"the node does not have the mirror's block {cursor.block_number}: a reorg that the mirror "
                    "has not undone yet, or a node that is behind",
                )
            )
        return head
    except Refusal as refusal:
        reasons.append(ReasonProblem(code=refusal.code, detail=refusal.detail))
        return 0


def _shown(row: ReconciliationRow) -> ReconciliationOut:
    return ReconciliationOut(
        block_number=row.block_number,
        deep=row.deep,
        compared=row.compared,
        differences=len(row.differences),
        finished_at=instant(int(row.finished_at.timestamp())),
    )
