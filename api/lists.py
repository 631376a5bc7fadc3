"""Lists: JSON pages with a link to the next one, or the same page as CSV."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Literal, get_args, get_origin
from urllib.parse import urlencode

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api import openapi
from api.etags import TaggedRoute
from api.schemas.common import Model, MoneyOut
from registry.store.queries.pages import PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX
from registry.tabular import csv_lines

CSV_MEDIA_TYPE = "text/csv"


class ListQuery(BaseModel):
    """Query parameters of a list. An unknown one is refused: a mistyped filter must not return everything."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["json", "csv"] | None = Field(
        default=None, description="As the Accept header, which it overrules: `application/json` or `text/csv`."
    )


class PageQuery(ListQuery):
    """Query parameters of a list that goes page by page."""

    limit: int = Field(default=PAGE_ROWS_DEFAULT, ge=1, le=PAGE_ROWS_MAX, description="Rows of the page.")


def next_link(request: Request, after: str | None) -> str | None:
    """The same request with another `after`; None where no page follows."""
    if after is None:
        return None
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "after"]
    # Slashes may stand in a query as they are (RFC 3986, 3.4), and R-42/0-125000 stays readable.
    return f"{request.url.path}?{urlencode([*kept, ('after', after)], safe='/:')}"


class ListRoute(TaggedRoute):
    """A route whose lists - answers with `items` - also come as CSV; what is next is then a Link header (RFC 8288)."""

    def represented(self, request: Request, response: Response) -> Response:
        """The page as CSV where that was asked for."""
        if "items" not in getattr(self.response_model, "model_fields", {}):
            return response
        if not wants_csv(request):
            response.headers["Vary"] = "Accept"
            return response
        assert self.response_model is not None
        page = json.loads(bytes(response.body))
        headers = {"Vary": "Accept"}
        if page.get("next"):
            headers["Link"] = f'<{page["next"]}>; rel="next"'
        text = "".join(csv_lines(columns_of(self.response_model), page["items"]))
        return Response(text, media_type=CSV_MEDIA_TYPE, headers=headers)


def reads_list(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that reads a list."""
    return {200: {"content": {CSV_MEDIA_TYPE: {"schema": {"type": "string"}}}}, **openapi.reads(*statuses)}


def wants_csv(request: Request) -> bool:
    """By `format`, or else by the Accept header (RFC 9110, 12.5.1): where both are as welcome, JSON."""
    asked = request.query_params.get("format")
    if asked is not None:
        return asked == "csv"
    accept = request.headers.get("accept", "*/*")
    return _quality(accept, CSV_MEDIA_TYPE) > _quality(accept, "application/json")


def _quality(accept: str, media_type: str) -> float:
    """The weight of a media type; of the ranges that hold it the narrowest counts."""
    ranges = (media_type, media_type.partition("/")[0] + "/*", "*/*")
    weights: dict[str, float] = {}
    for part in accept.lower().split(","):
        name, *parameters = (word.strip() for word in part.split(";"))
        weight = next((word.removeprefix("q=") for word in parameters if word.startswith("q=")), "1")
        try:
            weights[name] = float(weight)
        except ValueError:
            weights[name] = 0
    return next((weights[name] for name in ranges if name in weights), 0)


def columns_of(page: type[BaseModel]) -> list[str]:
    """The columns of the items of a page: those that registry.tabular gives to the members of its items."""
    (item,) = get_args(page.model_fields["items"].annotation)
    return list(_columns(item))


def _columns(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if get_origin(kind) is dict:
            continue  # its keys are not known before
        choices = () if get_origin(kind) is list else (kind, *get_args(kind))
        inner = next((choice for choice in choices if isinstance(choice, type) and issubclass(choice, Model)), None)
        if inner is None:
            yield prefix + name
        elif inner is MoneyOut:
            yield from (prefix + name, f"{prefix}{name}_currency")
        else:
            yield from _columns(inner, f"{prefix}{name}_")
