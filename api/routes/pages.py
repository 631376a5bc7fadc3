"""Parameters that all lists share, and the link to the next page."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from registry.store.queries.pages import PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX


class PageQuery(BaseModel):
    """Query parameters of a list. An unknown one is refused: a mistyped filter must not return everything."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(default=PAGE_ROWS_DEFAULT, ge=1, le=PAGE_ROWS_MAX, description="Rows of the page.")


def next_link(request: Request, after: str | None) -> str | None:
    """The same request with another `after`; None where no page follows."""
    if after is None:
        return None
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "after"]
    # Slashes may stand in a query as they are (RFC 3986, 3.4), and R-42/0-125000 stays readable.
    return f"{request.url.path}?{urlencode([*kept, ('after', after)], safe='/')}"
