"""Certificates that are paid out, whoever asks for it."""

from __future__ import annotations

from fastapi import APIRouter

from api import openapi
from api.errors import RequestMalformed
from api.relays import ContentDep, RelayDep, parsed
from api.schemas import redemptions as schemas
from api.schemas.operations import ForecastOut
from registry.commands.relaying import Redemptions
from registry.domain.identifiers import parse_certificate_id
from registry.store.queries import receivables

router = APIRouter(prefix="/v1/redemptions", tags=["Operations"])


@router.post(
    "",
    summary="Have certificates paid out",
    openapi_extra=openapi.json_body(schemas.RedemptionsIn),
    responses=openapi.relays(),
)
def redeem_certificates(relay: RelayDep, content: ContentDep) -> schemas.RedeemedOut | ForecastOut:
    """Every one of these certificates is paid its part of what the debtor paid, in one transaction at the expense of
    the operator's relayer. Nobody signs: the money goes to holders and financiers, whoever asks.

    What of several cannot be paid out now is passed over and named with its reason, as a redemption of it alone would
    be refused: frozen_by_order, nothing_due, unknown_certificate (it was paid out whole, or joined with another one).
    A suspended holder's is passed over too (holder_suspended), and paid out to it where it is asked for alone. One that
    was cut since is paid out in its present range, which the answer tells. Where none of several would be paid out
    nothing is sent. `dry_run` and `Idempotency-Key` are as for operations. Refuses: relaying_off,
    idempotency_key_missing, idempotency_key_reused, request_running, id_malformed, nothing_due, holder_suspended, and
    a certificate alone as frozen_by_order, unknown_certificate.
    """
    ids = [parse_certificate_id(text) for text in parsed(schemas.RedemptionsIn, content).certificates]
    if len({(one.receivable_id, one.start) for one in ids}) < len(ids):
        raise RequestMalformed("body.certificates: a certificate is named twice")
    asked = Redemptions(ids)
    if relay.dry_run:
        return ForecastOut(dry_run=True, gas=relay.rehearse(asked))
    relayed = relay.once(asked)
    redeemed = schemas.redeemed(relayed)
    with relay.services.database.snapshot() as connection:
        currencies = receivables.currencies(connection, (entry.receivable_id for entry in redeemed))
    return schemas.show(asked, relayed, currencies=currencies, names=relay.names({entry.holder for entry in redeemed}))
