"""What debtors have not paid in time."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field

from api.deps import Reading, ReadingDep
from api.errors import RequestMalformed
from api.lists import ListRoute, PageQuery, next_link, reads_list
from api.routes.queries import currency_number
from api.schemas import receivables as schemas
from api.schemas.common import MoneyOut
from registry.domain.identifiers import format_address
from registry.store.queries import receivables
from registry.store.queries.receivables import DebtKey

router = APIRouter(prefix="/v1/debts", tags=["Receivables"], route_class=ListRoute)


class DebtsQuery(PageQuery):
    """Filters of the list of debts."""

    after: str | None = Field(
        default=None, description="Debtor and currency that the page follows.", examples=["voltaic/CNY"]
    )
    debtor: str | None = Field(default=None, description="Handle or address of the debtor.")
    dishonoured: bool = Field(
        default=False, description="Instead, what bears the mark of dishonour, of closed receivables too."
    )


@router.get("", summary="List what debtors have not paid in time", responses=reads_list(HTTPStatus.NOT_FOUND))
def list_debts(request: Request, reading: ReadingDep, query: Annotated[DebtsQuery, Query()]) -> schemas.DebtPage:
    """What is overdue at the time of as_of_block, can be paid and is not, by debtor and currency.

    The mark of dishonour comes when somebody reports it, which anyone may from `reportable_since` on.
    The receivables themselves: /v1/receivables?phase=overdue, or ?dishonoured=true. Refuses: unknown_account,
    unknown_currency.
    """
    debtor, after = reading.party(query.debtor), _debt_key(reading, query.after)
    if query.dishonoured:
        page = receivables.dishonoured(reading.connection, debtor=debtor, after=after, limit=query.limit)
    else:
        page = receivables.overdue(reading.connection, now=reading.now, debtor=debtor, after=after, limit=query.limit)
    names, registry = reading.names(row.debtor for row in page), reading.registry.state()
    return schemas.DebtPage(
        items=[schemas.show_debt(row, names=names, registry=registry, now=reading.now) for row in page],
        next=next_link(request, None if page.after is None else _after(page.after)),
        as_of_block=reading.as_of_block,
    )


def _after(key: DebtKey) -> str:
    debtor, currency = key
    return f"{format_address(debtor)}/{MoneyOut.of(0, currency).currency}"


def _debt_key(reading: Reading, after: str | None) -> DebtKey | None:
    if after is None:
        return None
    name, _, code = after.partition("/")
    debtor, currency = reading.party(name), currency_number(code or None)
    if debtor is None or currency is None:
        raise RequestMalformed("a list of debts goes on after a debtor and a currency: after=voltaic/CNY")
    return debtor, currency
