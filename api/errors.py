"""Errors as RFC 9457 problem documents, each with the stable code of its refusal."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import Field
from starlette.exceptions import HTTPException

from api.schemas.common import BlockOut, Model
from registry.errors import Refusal, ServiceError

PROBLEM_MEDIA_TYPE = "application/problem+json"
PROBLEM_TYPE_PREFIX = "urn:counterfoil:problem:"

log = logging.getLogger(__name__)


class FieldProblem(Model):
    """What is wrong with one part of the request."""

    where: str = Field(description="path, query or body, and the name.", examples=["query.limit"])
    message: str = Field(examples=["Input should be less than or equal to 500"])


class ReasonProblem(Model):
    """One reason why the service is not ready."""

    code: str = Field(examples=["mirror_lags"])
    detail: str


class Problem(Model):
    """RFC 9457 problem. `code` is stable: it may be relied upon, titles and details may not."""

    type: str = Field(description="The code as a URN.", examples=["urn:counterfoil:problem:unknown_receivable"])
    title: str = Field(description="What happened, in general.")
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="What happened, in particular.")
    code: str = Field(examples=["unknown_receivable"])
    hint: str | None = Field(default=None, description="What to do next.")
    instance: str | None = Field(default=None, description="Names this occurrence in the log, for an internal error.")
    fields: list[FieldProblem] | None = Field(default=None, description="Of a malformed request.")
    reasons: list[ReasonProblem] | None = Field(default=None, description="Of a service that is not ready.")
    as_of_block: BlockOut | None = Field(default=None, description="The block at which it is so, where one was read.")


class RequestMalformed(Refusal):
    """The request cannot be read: a parameter is missing, unknown or not of its type."""

    code = "request_malformed"
    status = HTTPStatus.BAD_REQUEST
    title = "The request is malformed"


class RouteUnknown(Refusal):
    """There is nothing at this path."""

    code = "route_unknown"
    status = HTTPStatus.NOT_FOUND
    title = "There is nothing at this path"
    default_hint = "/openapi.json lists what there is"


class MethodNotAllowed(Refusal):
    """The path exists and does not take this method."""

    code = "method_not_allowed"
    status = HTTPStatus.METHOD_NOT_ALLOWED
    title = "This path does not take that method"
    default_hint = "The Allow header names those that it takes"


class HttpRefused(Refusal):
    """Any other refusal of the HTTP machinery."""

    code = "http_refused"
    title = "The request was refused"


class InternalError(Refusal):
    """A bug of ours. What it was stands in the log alone."""

    code = "internal_error"
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    title = "Something went wrong on our side"
    default_hint = "The log of the service has the details under the instance named here"


class NotReady(ServiceError):
    """Answers would be old, wrong or missing, for every reason named."""

    code = "not_ready"
    title = "The service is not ready"

    def __init__(self, reasons: Sequence[ReasonProblem]) -> None:
        super().__init__("; ".join(reason.detail for reason in reasons))
        self.reasons = reasons


def problem_response(
    refusal: Refusal,
    *,
    status: int | None = None,
    fields: Sequence[FieldProblem] | None = None,
    reasons: Sequence[ReasonProblem] | None = None,
    instance: str | None = None,
    as_of_block: BlockOut | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The answer that tells of a refusal."""
    problem = Problem(
        type=PROBLEM_TYPE_PREFIX + refusal.code,
        title=refusal.title,
        status=int(status or refusal.status),
        detail=refusal.detail,
        code=refusal.code,
        hint=refusal.hint or None,
        instance=instance,
        fields=list(fields) if fields else None,
        reasons=list(reasons) if reasons else None,
        as_of_block=as_of_block,
    )
    return JSONResponse(
        problem.model_dump(exclude_none=True),
        status_code=problem.status,
        media_type=PROBLEM_MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def bug_response(error: Exception, *, method: str, path: str) -> JSONResponse:
    """Log a bug with its traceback and answer without any of it."""
    instance = f"urn:uuid:{uuid.uuid4()}"
    log.error("%s %s failed (%s)", method, path, instance, exc_info=error)
    return problem_response(InternalError(), instance=instance)


def install(app: FastAPI) -> None:
    """Answer every refusal with a problem document."""
    app.add_exception_handler(Refusal, _on_refusal)
    app.add_exception_handler(RequestValidationError, _on_malformed)
    app.add_exception_handler(HTTPException, _on_http)


async def _on_refusal(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refusal)  # registered for nothing else
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("%s %s: %s: %s", request.method, request.url.path, error.code, error)
    return problem_response(
        error,
        reasons=error.reasons if isinstance(error, NotReady) else None,
        as_of_block=getattr(request.state, "as_of_block", None),
    )


async def _on_malformed(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # registered for nothing else
    fields = [
        FieldProblem(where=".".join(str(part) for part in found["loc"]), message=str(found["msg"]))
        for found in error.errors()
    ]
    detail = "; ".join(f"{field.where}: {field.message}" for field in fields)
    return problem_response(RequestMalformed(detail), fields=fields)


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # registered for nothing else
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            return problem_response(RouteUnknown(f"there is nothing at {request.url.path}"))
        case HTTPStatus.METHOD_NOT_ALLOWED:
            refusal = MethodNotAllowed(f"{request.url.path} does not take {request.method}")
            allowed = (error.headers or {}).get("Allow", "")
            return problem_response(refusal, headers={"Allow": allowed.replace("GET", "GET, HEAD")})
        case _:
            return problem_response(HttpRefused(str(error.detail)), status=error.status_code, headers=error.headers)
