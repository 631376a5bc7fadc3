"""Pages by key: what comes after the last key seen, so that rows which arrive meanwhile neither repeat nor hide any."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, literal, tuple_

PAGE_ROWS_DEFAULT = 50
PAGE_ROWS_MAX = 500

Row = TypeVar("Row")
Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row, Key]):
    """Some rows in key order. `after` is the key that the next page follows, None on the last page."""

    rows: tuple[Row, ...]
    after: Key | None

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def rows_asked(limit: int) -> int:
    """Rows to fetch for a page of `limit`: one more, which says whether there is a next page."""
    if not 1 <= limit <= PAGE_ROWS_MAX:
        raise ValueError(f"a page has 1 to {PAGE_ROWS_MAX} rows, not {limit}")
    return limit + 1


def page(rows: Sequence[Row], *, limit: int, key: Callable[[Row], Key]) -> Page[Row, Key]:
    """The page out of up to `limit` + 1 rows."""
    kept = tuple(rows[:limit])
    return Page(kept, key(kept[-1]) if len(rows) > limit else None)


def beyond(
    columns: Sequence[ColumnElement[Any]], key: Sequence[int | bytes], *, inclusive: bool = False
) -> ColumnElement[bool]:
    """Rows after the key, in the order of the columns; with `inclusive` those at it too."""
    at = tuple_(*(literal(value, column.type) for column, value in zip(columns, key, strict=True)))
    return tuple_(*columns) >= at if inclusive else tuple_(*columns) > at


def every(page_after: Callable[[Key | None], Page[Row, Key]], *, after: Key | None = None) -> Iterator[Row]:
    """All rows, or all after a key, page by page: `every(lambda after: receivables(connection, after=after))`."""
    while True:
        found = page_after(after)
        yield from found
        if found.after is None:
            return
        after = found.after
