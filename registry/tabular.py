"""Documents as CSV, for spreadsheets: one form for the command line and the API."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

LINE_END = "\r\n"
FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r")


def csv_lines(columns: Sequence[str], documents: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Documents as CSV: RFC 4180, a header row, then the cells of these columns, each line with its end.

    Names of nested members are joined by an underscore; an amount is two columns, the exact decimal under its own name
    and its currency (face, face_currency). Words of a list are joined by a blank, a list of objects is JSON; what is
    absent is empty.

    A text that a spreadsheet would take for a formula (it begins with = + - @, a tab or a carriage return) has an
    apostrophe put before it (OWASP, CSV injection).
    """
    line = io.StringIO(newline="")
    writer = csv.writer(line, lineterminator=LINE_END)
    writer.writerow(columns)
    for one in documents:
        cells = dict(_flat(one))
        yield line.getvalue()
        line.seek(0)
        line.truncate()
        writer.writerow([_cell(cells.get(column)) for column in columns])
    yield line.getvalue()


def _flat(members: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in members.items():
        match value:
            case {"amount": amount, "currency": currency}:
                yield prefix + name, amount
                yield f"{prefix}{name}_currency", currency
            case Mapping():
                yield from _flat(value, f"{prefix}{name}_")
            case _:
                yield prefix + name, value


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case str():
            return "'" + value if value.startswith(FORMULA_BEGINS) else value
        case [Mapping(), *_]:
            return json.dumps(value, ensure_ascii=False)
        case list():
            return " ".join(_cell(part) for part in value)
        case bytes():
            return "0x" + value.hex()
        case int():
            return str(value)
    raise TypeError(f"{type(value).__name__} has no form in a cell")
