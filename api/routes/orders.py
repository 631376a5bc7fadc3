"""Orders of authorities: what they freeze, and what was done under them."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field

from api import openapi
from api.deps import OrderPath, Reading, ReadingDep, parse_hash
from api.errors import RequestMalformed
from api.lists import ListRoute, PageQuery, next_link, reads_list
from api.routes.queries import one_of
from api.schemas import orders as schemas
from api.schemas.common import hex_text
from api.schemas.entries import addresses_of
from api.schemas.entries import show as show_entry
from registry.domain.identifiers import format_receivable_id, parse_receivable_id
from registry.errors import Refusal
from registry.store.queries import entries, orders
from registry.store.queries.entries import EntryKey
from registry.store.queries.orders import parse_freeze_key

router = APIRouter(prefix="/v1/orders", tags=["Orders"], route_class=ListRoute)


class UnknownOrder(Refusal):
    """An order that is known neither by its text nor by anything that was done under it."""

    code = "unknown_order"
    status = HTTPStatus.NOT_FOUND
    title = "Nothing is known of that order"
    default_hint = "/v1/orders lists what orders freeze"


class OrdersQuery(PageQuery):
    """Filters of the list of orders."""

    after: str | None = Field(default=None, description="As the link to the next page gives it.")
    order: str | None = Field(default=None, description="What names the order on chain.")
    scope: str | None = Field(default=None, json_schema_extra={"enum": [*schemas.SCOPES, None]})
    receivable: str | None = Field(
        default=None, description="Id of a receivable: orders on it and on its certificates.", examples=["R-42"]
    )
    member: str | None = Field(default=None, description="Handle or address of a member.")
    in_force: bool | None = Field(default=None, description="At the time of as_of_block.")


@router.get("", summary="List orders", responses=reads_list(HTTPStatus.NOT_FOUND))
def list_orders(request: Request, reading: ReadingDep, query: Annotated[OrdersQuery, Query()]) -> schemas.FreezePage:
    """Orders on certificates, receivables and members, the next to expire first; one row for each thing.

    Refuses: unknown_account.
    """
    page = orders.freezes(
        reading.connection,
        after=None if query.after is None else parse_freeze_key(query.after),
        limit=query.limit,
        order_hash=None if query.order is None else parse_hash(query.order),
        scope=None if query.scope is None else one_of(schemas.SCOPES, query.scope, "scope"),
        receivable_id=None if query.receivable is None else parse_receivable_id(query.receivable),
        member=reading.party(query.member),
        in_force_at=None if query.in_force is None else (query.in_force, reading.now),
    )
    names = reading.names(row.member for row in page if row.member)
    return schemas.FreezePage(
        items=[schemas.show(row, names=names, now=reading.now) for row in page],
        next=next_link(request, None if page.after is None else page.rows[-1].key_text),
        as_of_block=reading.as_of_block,
    )


@router.get("/{order}", summary="Read an order", responses=openapi.reads(HTTPStatus.NOT_FOUND))
def read_order(order: OrderPath, reading: ReadingDep) -> schemas.OrderRead:
    """An order by its hash: authority and number where they are known here, and how much it freezes.

    Refuses: unknown_order.
    """
    reference = orders.order_reference_of(reading.connection, order)
    if reference is None:
        _require_known(reading, order)
    in_force, expired = orders.count_freezes(reading.connection, order, now=reading.now)
    return schemas.OrderRead(
        order=hex_text(order),
        **schemas.reference_texts(reference),
        in_force=in_force,
        expired=expired,
        as_of_block=reading.as_of_block,
    )


class OrderEntriesQuery(PageQuery):
    """Page of what was done under an order."""

    after: str | None = Field(
        default=None, description="Journal and position that the page follows.", examples=["R-42/7"]
    )


@router.get("/{order}/entries", summary="List what was done under an order", responses=reads_list(HTTPStatus.NOT_FOUND))
def list_order_entries(
    request: Request, order: OrderPath, reading: ReadingDep, query: Annotated[OrderEntriesQuery, Query()]
) -> schemas.OrderEntryPage:
    """Every entry that names the order, by journal and position: freezes, unfreezes, partitions, forced transfers.

    Refuses: unknown_order.
    """
    page = entries.entries_of_order(reading.connection, order, after=_entry_key(query.after), limit=query.limit)
    if not page.rows and orders.order_reference_of(reading.connection, order) is None:
        _require_known(reading, order)
    names = reading.names(address for row in page for address in addresses_of(row.decode()).values())
    return schemas.OrderEntryPage(
        items=[
            schemas.OrderEntryOut(
                **dict(show_entry(row, names=names, cursor=reading.cursor)),
                journal=format_receivable_id(row.journal_id),
            )
            for row in page
        ],
        next=next_link(
            request, None if page.after is None else f"{format_receivable_id(page.after[0])}/{page.after[1]}"
        ),
        as_of_block=reading.as_of_block,
    )


def _require_known(reading: Reading, order: bytes) -> None:
    if not entries.entries_of_order(reading.connection, order, limit=1).rows:
        raise UnknownOrder(f"no entry names {hex_text(order)}")


def _entry_key(after: str | None) -> EntryKey | None:
    """Journal and position. Raises RequestMalformed, IdMalformed."""
    if after is None:
        return None
    journal, _, position = after.partition("/")
    if re.fullmatch(r"[1-9][0-9]{0,8}", position, re.ASCII) is None:
        raise RequestMalformed("the page follows a journal and a position: after=R-42/7")
    return parse_receivable_id(journal), int(position)
