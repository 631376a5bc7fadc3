"""Members of the registry, and what each has before it: claims to answer, days to pay on, certificates held."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field

from api import openapi
from api.deps import NODE_READS_MAX, MemberPath, MemberText, Reading, ReadingDep, ServicesDep, snapshot
from api.errors import RequestMalformed
from api.lists import ListQuery, ListRoute, PageQuery, next_link, reads_list
from api.routes import certificates as certificate_routes
from api.routes import receivables as receivable_routes
from api.routes.queries import certificate_due_after, certificate_due_key, currency_number, midnight, one_of
from api.schemas import certificates as certificate_schemas
from api.schemas import deposits as deposit_schemas
from api.schemas import members as schemas
from api.schemas import receivables as receivable_schemas
from api.schemas.common import BlockOut, PartyOut
from api.schemas.deposits import DepositList
from registry.chain.deposits import DepositView
from registry.commands.deposits import balance
from registry.domain.identifiers import Address, format_address, format_receivable_id, parse_receivable_id
from registry.domain.money import currency_to_show
from registry.domain.rules import UnknownMember, UnknownReceivable
from registry.store.queries import certificates, members, receivables
from registry.store.queries.pages import PAGE_ROWS_MAX
from registry.store.queries.registry import RegistryRow

router = APIRouter(prefix="/v1/members", tags=["Members"], route_class=ListRoute)


class MembersQuery(PageQuery):
    """Filters of the list of members."""

    after: str | None = Field(default=None, description="Handle or address that the page follows.")
    status: str | None = Field(
        default=None, description="Status on chain.", json_schema_extra={"enum": [*schemas.STATUSES, None]}
    )
    role: str | None = Field(
        default=None, description="A role that it has.", json_schema_extra={"enum": [*schemas.ROLES, None]}
    )


@router.get("", summary="List members", responses=reads_list(HTTPStatus.NOT_FOUND))
def list_members(request: Request, reading: ReadingDep, query: Annotated[MembersQuery, Query()]) -> schemas.MemberPage:
    """Members in the order of their addresses, suspended ones too."""
    page = members.members(
        reading.connection,
        after=reading.party(query.after),
        limit=query.limit,
        status=None if query.status is None else one_of(schemas.STATUSES, query.status, "status"),
        role=None if query.role is None else one_of(schemas.ROLES, query.role, "role"),
    )
    holds = reading.holds(members=(row.address for row in page))
    return schemas.MemberPage(
        items=[schemas.show(row, holds=holds, now=reading.now) for row in page],
        next=next_link(request, None if page.after is None else format_address(page.after)),
        as_of_block=reading.as_of_block,
    )


@router.get("/{member}", summary="Read a member", responses=openapi.reads(HTTPStatus.NOT_FOUND))
def read_member(member: MemberPath, reading: ReadingDep) -> schemas.MemberRead:
    """One member, and the debts that keep it from registering and confirming. Refuses: unknown_account,
    unknown_member.
    """
    row = members.member(reading.connection, member)
    if row is None:
        raise _unknown(member)
    shown = schemas.show(row, holds=reading.holds(members=[member]), now=reading.now)
    # A debtor has at most one row for each currency.
    debts = receivables.dishonoured(reading.connection, debtor=member, limit=PAGE_ROWS_MAX)
    names = reading.names([member])
    registry = reading.registry.state()
    dishonoured = [receivable_schemas.show_debt(row, names=names, registry=registry, now=reading.now) for row in debts]
    return schemas.MemberRead.at(shown, dishonoured=dishonoured, block=reading.as_of_block)


class InboxQuery(PageQuery):
    """Page of an inbox."""

    after: str | None = Field(default=None, description="Receivable that the page follows.", examples=["R-50"])


@router.get("/{member}/inbox", summary="List what waits for a debtor", responses=reads_list(HTTPStatus.NOT_FOUND))
def list_inbox(
    request: Request, member: MemberPath, reading: ReadingDep, query: Annotated[InboxQuery, Query()]
) -> receivable_schemas.InboxPage:
    """Claims on a debtor that wait for its answer, the nearest deadline first, with its own counter-offers so far.

    Refuses: unknown_account, unknown_member, unknown_receivable.
    """
    _require_admitted(reading, member)
    page = receivables.pending(reading.connection, member, after=_deadline_key(reading, query.after), limit=query.limit)
    return receivable_schemas.InboxPage(
        debtor=PartyOut.of(member, reading.names([member])),
        items=receivable_routes.show_all(reading, page.rows),
        next=next_link(request, None if page.after is None else format_receivable_id(page.rows[-1].receivable_id)),
        as_of_block=reading.as_of_block,
    )


class CalendarQuery(PageQuery):
    """Window of a calendar."""

    after: str | None = Field(
        default=None, description="Day and currency that the page follows.", examples=["2027-01-31/CNY"]
    )
    due_from: date | None = Field(default=None, description="First due day.")
    due_before: date | None = Field(default=None, description="First day after the last due day.")


@router.get("/{member}/calendar", summary="List what a debtor is to pay", responses=reads_list(HTTPStatus.NOT_FOUND))
def list_calendar(
    request: Request, member: MemberPath, reading: ReadingDep, query: Annotated[CalendarQuery, Query()]
) -> receivable_schemas.CalendarPage:
    """What a debtor has yet to pay, by day and currency: of how many receivables, how much in all.

    Refuses: unknown_account, unknown_member.
    """
    _require_admitted(reading, member)
    page = receivables.due_days(
        reading.connection,
        member,
        after=_due_day_key(query.after),
        limit=query.limit,
        due_from=midnight(query.due_from),
        due_before=midnight(query.due_before),
    )
    items = [receivable_schemas.show_due_day(row, now=reading.now) for row in page]
    return receivable_schemas.CalendarPage(
        debtor=PartyOut.of(member, reading.names([member])),
        items=items,
        next=next_link(request, None if page.after is None else f"{items[-1].due_date}/{items[-1].amount.currency}"),
        as_of_block=reading.as_of_block,
    )


class BookQuery(PageQuery):
    """Filters of a holder's book."""

    after: str | None = Field(
        default=None,
        description="Due day and certificate that the page follows.",
        examples=["2027-01-31/R-42/0-125000"],
    )
    debtor: str | None = Field(default=None, description="Handle or address of the debtor.")
    currency: str | None = Field(default=None, description="ISO 4217 code.", examples=["CNY"])
    due_from: date | None = Field(default=None, description="First due day.")
    due_before: date | None = Field(default=None, description="First day after the last due day.")


@router.get("/{member}/book", summary="List what a holder has", responses=reads_list(HTTPStatus.NOT_FOUND))
def list_book(
    request: Request, member: MemberPath, reading: ReadingDep, query: Annotated[BookQuery, Query()]
) -> certificate_schemas.BookPage:
    """The certificates of a holder by due date, and what all that it has adds up to by currency and phase.

    Refuses: unknown_account, unknown_member, unknown_currency.
    """
    _require_admitted(reading, member)
    page = certificates.certificates_by_due(
        reading.connection,
        holder=member,
        after=certificate_due_key(query.after),
        limit=query.limit,
        debtor=reading.party(query.debtor),
        currency=currency_number(query.currency),
        due_from=midnight(query.due_from),
        due_before=midnight(query.due_before),
    )
    totals = certificates.book(reading.connection, member, now=reading.now)
    return certificate_schemas.BookPage(
        holder=PartyOut.of(member, reading.names([member])),
        totals=[certificate_schemas.show_total(row) for row in totals],
        items=certificate_routes.show_all(reading, page.rows),
        next=next_link(request, None if page.after is None else certificate_due_after(page.rows[-1])),
        as_of_block=reading.as_of_block,
    )


class LiensQuery(PageQuery):
    """Page of the liens of a financier."""

    after: str | None = Field(
        default=None,
        description="Due day and certificate that the page follows.",
        examples=["2027-01-31/R-42/0-125000"],
    )


@router.get("/{member}/liens", summary="List what secures a financier", responses=reads_list(HTTPStatus.NOT_FOUND))
def list_liens(
    request: Request, member: MemberPath, reading: ReadingDep, query: Annotated[LiensQuery, Query()]
) -> certificate_schemas.LienPage:
    """The certificates that are pledged to a financier by due date, and what all of them add up to by currency and
    phase.

    Refuses: unknown_account, unknown_member.
    """
    _require_admitted(reading, member)
    page = certificates.certificates_by_due(
        reading.connection, after=certificate_due_key(query.after), limit=query.limit, lien_financier=member
    )
    totals = certificates.security(reading.connection, member, now=reading.now)
    return certificate_schemas.LienPage(
        financier=PartyOut.of(member, reading.names([member])),
        totals=[certificate_schemas.show_security(row) for row in totals],
        items=certificate_routes.show_all(reading, page.rows),
        next=next_link(request, None if page.after is None else certificate_due_after(page.rows[-1])),
        as_of_block=reading.as_of_block,
    )


@dataclass(frozen=True, slots=True)
class Account:
    """Whose deposits the node is asked about, and the block at which it is."""

    holder: PartyOut
    address: Address
    registry: RegistryRow
    as_of_block: BlockOut
    block_hash: bytes


def account(request: Request, services: ServicesDep, member: MemberText) -> Iterator[Account]:
    """An admitted member. Its snapshot has ended when the node is asked. Raises UnknownMember, what `reading` does."""
    with snapshot(request, services) as reading:
        address = reading.party(member)
        assert address is not None  # a path has a member
        _require_admitted(reading, address)
        holder = PartyOut.of(address, reading.names([address]))
        found = Account(holder, address, reading.registry, reading.as_of_block, reading.cursor.block_hash)
    yield found


AccountDep = Annotated[Account, Depends(account, scope="function", max_concurrency=NODE_READS_MAX)]


@router.get(
    "/{member}/deposits",
    summary="List what a member has at the settlement bank",
    responses=reads_list(HTTPStatus.NOT_FOUND, HTTPStatus.BAD_GATEWAY),
)
def list_deposits(account: AccountDep, services: ServicesDep, query: Annotated[ListQuery, Query()]) -> DepositList:  # noqa: ARG001  (ListRoute reads the format)
    """The deposit of a member in every currency that has a deposit token here, and what registry and desk may take of
    it, as the tokens tell it at as_of_block: deposits move without the registry and are not mirrored.

    Refuses: unknown_account, unknown_member.
    """
    registry = account.registry
    items = [
        deposit_schemas.show(
            token,
            balance(
                DepositView(services.node, token),
                currency_to_show(numeric),
                account.address,
                registry=services.deployment.receivables,
                desk=registry.desk,
                block=account.block_hash,
            ),
        )
        for numeric, token in registry.deposit_tokens.items()
    ]
    return DepositList(holder=account.holder, items=items, next=None, as_of_block=account.as_of_block)


def _require_admitted(reading: Reading, member: Address) -> None:
    """An account that never was a member has nothing, and a mistyped address should not look like one that has."""
    if members.member(reading.connection, member) is None:
        raise _unknown(member)


def _unknown(member: Address) -> UnknownMember:
    return UnknownMember(f"{format_address(member)} was never admitted")


def _deadline_key(reading: Reading, after: str | None) -> receivables.DeadlineKey | None:
    """The deadline is the claim's own and never changes, so its id is enough. Raises UnknownReceivable, IdMalformed."""
    if after is None:
        return None
    row = receivables.receivable(reading.connection, parse_receivable_id(after))
    if row is None:
        raise UnknownReceivable(f"there is no {after}")
    return row.answer_by, row.receivable_id


def _due_day_key(after: str | None) -> receivables.DueDayKey | None:
    if after is None:
        return None
    text, _, code = after.partition("/")
    try:
        due_at = midnight(date.fromisoformat(text))
    except ValueError:
        due_at = None
    number = currency_number(code or None)
    if due_at is None or number is None:
        raise RequestMalformed("a calendar goes on after a day and a currency: after=2027-01-31/CNY")
    return due_at, number
