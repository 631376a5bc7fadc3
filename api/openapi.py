"""The description of the API: errors as problem documents, and nothing that the routes do not do."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from api.errors import PROBLEM_MEDIA_TYPE, Problem
from api.schemas.dishonours import DishonourIn
from api.schemas.operations import SignedOperationIn
from api.schemas.permits import SignedPermitIn
from api.schemas.quotes import SignedAcceptanceIn, SignedQuoteIn
from api.schemas.redemptions import RedemptionsIn
from api.schemas.verification import ClaimIn
from api.schemas.witnesses import AttestationIn

_SCHEMAS = "#/components/schemas/"

_WORDS = {
    HTTPStatus.NOT_MODIFIED: "What If-None-Match names is still so.",
    HTTPStatus.BAD_REQUEST: "An id or a parameter cannot be read (`id_malformed`, `request_malformed`).",
    HTTPStatus.FORBIDDEN: "Not from this machine, or not under a loopback name (`loopback_only`, `host_not_allowed`).",
    HTTPStatus.NOT_FOUND: "There is no such thing at as_of_block.",
    HTTPStatus.CONFLICT: "What is so now does not allow it, or the key belongs to another request.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The file is of a kind that is not read here (`document_unsupported`).",
    HTTPStatus.BAD_GATEWAY: "The node answers with something else.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The database or the node does not answer, or nothing is mirrored yet.",
}

DESCRIPTION = """
A blockchain-anchored registry of receivables: reads of what the contract accepted, as the mirror has it, and a door
for operations that members signed themselves.

* Every answer names the block it is true at (`as_of_block`) and carries an `ETag`; `If-None-Match` gets a 304.
  Exported journals have none.
* Receivables, certificates and entries say how final they are (`finality`), and a receivable or certificate whose
  journal the node tells otherwise than the contract has it says that it is `set_aside`. What one journal answers is
  also answered as it was at the newest final block (`?at=final`): a receivable, a certificate, its provenance, the
  journal. Lists are not.
* Money is `{"amount": "1250.00", "currency": "CNY"}`, exact to the minor unit. Ids are `R-42` and `R-42/0-125000`.
* Errors are RFC 9457 problem documents with a stable `code`.
* Lists go page by page by key; `next` is the link to the next page. `Accept: text/csv` or `?format=csv` gets the same
  page as CSV, and the next one in a `Link` header.
* Wherever an account is asked for, the handle of a party is as good as its address.
* Bookings of deposits, the end of a book (`close`) and the lifting of a mark (`absolve`) are the settlement bank's own
  transactions, as switches and parameters are the operator's: nobody else submits them, and they are not here.
* There is no access control yet, so the API answers this machine only.
"""


def problems(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route: these refusals, and those that every route may give."""
    every = sorted({*statuses, HTTPStatus.FORBIDDEN})
    described: dict[int | str, dict[str, Any]] = {
        int(status): {"description": _WORDS[status], "content": _CONTENT} for status in every
    }
    # `default` also keeps FastAPI from promising its own form of validation errors.
    return {**described, "default": {"description": "Any other error.", "content": _CONTENT}}


def reads(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that reads the mirror."""
    tagged: dict[int | str, dict[str, Any]] = {
        int(HTTPStatus.NOT_MODIFIED): {"description": _WORDS[HTTPStatus.NOT_MODIFIED]}
    }
    return {**tagged, **problems(HTTPStatus.BAD_REQUEST, HTTPStatus.SERVICE_UNAVAILABLE, *statuses)}


def exports(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that streams JSON lines."""
    described = media("application/x-ndjson", {"type": "string"}, *statuses)
    del described[int(HTTPStatus.NOT_MODIFIED)]
    return described


def media(media_type: str, schema: dict[str, Any], *statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that answers in another form than a model's."""
    found: dict[int | str, dict[str, Any]] = {
        int(HTTPStatus.OK): {"description": "Successful Response", "content": {media_type: {"schema": schema}}}
    }
    return {**found, **reads(*statuses)}


def file(media_type: str, *statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that hands out a file which is no state of the mirror."""
    content = {media_type: {"schema": {"type": "string"}}}
    return {int(HTTPStatus.OK): {"description": "Successful Response", "content": content}, **problems(*statuses)}


def relays(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that submits something."""
    return problems(
        *statuses,
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.CONFLICT,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.SERVICE_UNAVAILABLE,
    )


def json_body(model: type[BaseModel]) -> dict[str, Any]:
    """The request body of a route that reads it itself."""
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": _SCHEMAS + model.__name__}}},
        }
    }


_CONTENT = {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": _SCHEMAS + "Problem"}}}


def install(app: FastAPI) -> None:
    """Let the application describe itself so, computed once."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _describe(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to replace it


def _describe(app: FastAPI) -> dict[str, Any]:
    described = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes, tags=app.openapi_tags
    )
    schemas = described.setdefault("components", {}).setdefault("schemas", {})
    bodies = (SignedOperationIn, SignedQuoteIn, SignedAcceptanceIn, SignedPermitIn, RedemptionsIn, DishonourIn)
    for model in (Problem, *bodies, ClaimIn, AttestationIn):
        schema = model.model_json_schema(ref_template=_SCHEMAS + "{model}")
        schemas.update(schema.pop("$defs", {}))
        schemas[model.__name__] = schema
    described["components"]["schemas"] = dict(sorted(schemas.items()))
    whole: dict[str, Any] = _with_whole_numbers(described)
    return whole


def _with_whole_numbers(value: Any) -> Any:
    """FastAPI turns the bounds of integers into floats; no float belongs into anything that we say."""
    match value:
        case dict():
            return {key: _with_whole_numbers(part) for key, part in value.items()}
        case list():
            return [_with_whole_numbers(part) for part in value]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value
