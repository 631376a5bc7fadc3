"""The registry itself: its switches, its parameters, its own journal R-0."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import Field

from api import openapi
from api.deps import ReadingDep
from api.lists import ListQuery, ListRoute, reads_list
from api.routes.journals import EntriesQuery, entry_page, exported
from api.routes.queries import one_of
from api.schemas import entries as entry_schemas
from api.schemas import registry as schemas
from registry.domain.journal import REGISTRY_JOURNAL

router = APIRouter(prefix="/v1", tags=["Registry"], route_class=ListRoute)


@router.get("/registry", summary="Read the registry's switches", responses=openapi.reads())
def read_registry(reading: ReadingDep) -> schemas.RegistryRead:
    """Pause, sunset, extra rules, descriptor, and the head of R-0."""
    return schemas.show(reading.registry, cursor=reading.cursor, block=reading.as_of_block)


@router.get("/registry/entries", summary="List the registry's own journal", responses=reads_list())
def list_registry_entries(
    request: Request, reading: ReadingDep, query: Annotated[EntriesQuery, Query()]
) -> entry_schemas.EntryPage:
    """R-0 in order: members admitted, suspended and frozen, pauses, parameters, rules, descriptor, sunset."""
    return entry_page(request, reading, REGISTRY_JOURNAL, query)


@router.get(
    "/registry/journal.jsonl",
    summary="Export the registry's own journal",
    response_class=StreamingResponse,
    responses=openapi.exports(),
)
def export_registry_journal(request: Request, reading: ReadingDep) -> StreamingResponse:
    """R-0 as JSON lines: what it belongs to in the first one, then every entry in order."""
    of = reading.registry
    return exported(request, reading, REGISTRY_JOURNAL, head=of.head, length=of.length)


class ParametersQuery(ListQuery):
    """Filters of the list of parameters, which has one page."""

    parameter: str | None = Field(default=None, json_schema_extra={"enum": [*schemas.PARAMETERS, None]})
    state: str | None = Field(
        default=None,
        description="What was, is, or is to come at the time of as_of_block.",
        json_schema_extra={"enum": [*schemas.STATES, None]},
    )


@router.get("/parameters", summary="List the parameters", responses=reads_list())
def list_parameters(reading: ReadingDep, query: Annotated[ParametersQuery, Query()]) -> schemas.ParameterList:
    """Every value of every parameter with the time in which it holds; `state=in_force` are those of now.

    What was announced and replaced before its day is in the journal alone.
    """
    names = {name: name for name in schemas.PARAMETERS}
    name = None if query.parameter is None else one_of(names, query.parameter, "parameter")
    state = None if query.state is None else one_of({state: state for state in schemas.STATES}, query.state, "state")
    items = [
        shown
        for shown in schemas.show_parameters(reading.registry, now=reading.now)
        if name in (None, shown.parameter) and state in (None, shown.state)
    ]
    return schemas.ParameterList(items=items, next=None, as_of_block=reading.as_of_block)
