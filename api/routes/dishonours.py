"""Debts that were not paid in time, whoever reports it."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter

from api import openapi
from api.relays import ContentDep, RelayDep, parsed
from api.schemas import dishonours as schemas
from api.schemas import operations as operation_schemas
from api.schemas.operations import ForecastOut
from registry.commands.relaying import Report
from registry.domain.identifiers import parse_receivable_id

router = APIRouter(prefix="/v1/dishonours", tags=["Operations"])


@router.post(
    "",
    summary="Report that a debtor has not paid",
    openapi_extra=openapi.json_body(schemas.DishonourIn),
    responses=openapi.relays(HTTPStatus.NOT_FOUND),
)
def report_dishonour(relay: RelayDep, content: ContentDep) -> schemas.DishonouredOut | ForecastOut:
    """A receivable is marked as not paid in time, at the expense of the operator's relayer. Nobody signs: it is so, or
    it is not. Until the debtor pays it registers and confirms nothing.

    `dry_run` and `Idempotency-Key` are as for operations. Refuses: relaying_off, idempotency_key_missing,
    idempotency_key_reused, request_running, id_malformed, unknown_receivable, status_forbids, payment_made,
    not_overdue, dishonour_stands, no_deposit_token.
    """
    asked = Report(parse_receivable_id(parsed(schemas.DishonourIn, content).receivable))
    if relay.dry_run:
        return ForecastOut(dry_run=True, gas=relay.rehearse(asked))
    relayed = relay.once(asked)
    names = relay.names(operation_schemas.parties_of(relayed.entries))
    entries = operation_schemas.appended(relayed.entries, names)
    return schemas.DishonouredOut(entries=entries, **operation_schemas.mined(relayed))
