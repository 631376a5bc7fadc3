"""Members of the registry."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field

from api import openapi
from api.deps import AddressPath, ReadingDep
from api.etags import TaggedRoute
from api.routes.pages import PageQuery, next_link
from api.schemas import members as schemas
from registry.domain.identifiers import format_address, parse_address
from registry.domain.rules import UnknownMember
from registry.store.queries import members

router = APIRouter(prefix="/v1/members", tags=["Members"], route_class=TaggedRoute)


class MembersQuery(PageQuery):
    """Page of the list of members."""

    after: str | None = Field(default=None, description="Address that the page follows.")


@router.get("", summary="List members", responses=openapi.reads())
def list_members(request: Request, reading: ReadingDep, query: Annotated[MembersQuery, Query()]) -> schemas.MemberPage:
    """Members in the order of their addresses, suspended ones too."""
    page = members.members(
        reading.connection, after=None if query.after is None else parse_address(query.after), limit=query.limit
    )
    return schemas.MemberPage(
        items=[schemas.show(row, now=reading.now) for row in page],
        next=next_link(request, None if page.after is None else format_address(page.after)),
        as_of_block=reading.as_of_block,
    )


@router.get("/{address}", summary="Read a member", responses=openapi.reads(HTTPStatus.NOT_FOUND))
def read_member(address: AddressPath, reading: ReadingDep) -> schemas.MemberRead:
    """One member. Refuses: unknown_member."""
    row = members.member(reading.connection, address)
    if row is None:
        raise UnknownMember(f"{format_address(address)} was never admitted")
    return schemas.MemberRead.at(schemas.show(row, now=reading.now), reading.as_of_block)
