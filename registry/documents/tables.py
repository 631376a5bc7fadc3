"""Tables of invoices (CSV): a stream of rows, each an Invoice without a file or a refusal by name.

A row gives the same fingerprint as the invoice file of the same claim, because it passes through the same parties,
numbers and amounts. What stands for the file is `row_document`: the mapped cells in a fixed form.

Whatever makes the reading of all further rows a guess (encoding, separator, columns, an unclosed quote) refuses the
table; everything else refuses one row.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path
from typing import IO, ClassVar, Final, Literal

from registry.documents.columns import (
    COLUMNS_MAX,
    FIELDS,
    IDENTITIES,
    IDENTITY_KINDS,
    TableFormatUnknown,
    places_of,
    recognised,
    require_needed,
)
from registry.documents.errors import DocumentUnreadable
from registry.documents.fields import amount_minor, required
from registry.documents.invoice import Invoice
from registry.documents.parties import Party, PartyIdentifier, identifier_of, parse_identity
from registry.documents.reading import require_identified
from registry.documents.xml import ENCODINGS
from registry.domain.money import AmountMalformed, currency
from registry.domain.refusals import Refusal

TABLE_BYTES_MAX: Final = 512 * 1024 * 1024
"""Largest table, in bytes."""

ROWS_MAX: Final = 250_000
"""Most rows of one table."""

LINE_CHARS_MAX: Final = 65_536
"""Longest line, in characters; a row with line breaks inside quotes has several."""

HEADER_LINES_MAX: Final = 20
"""Lines within which the header is looked for; those before it are empty."""

SEPARATORS: Final = (";", ",", "\t", "|")

_KIND: Final = "counterfoil/row/1"
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, None),  # before UTF-16: its mark begins with the same bytes
    (codecs.BOM_UTF32_BE, None),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_TABLE_ENCODINGS: Final = ENCODINGS | {"utf-16", "utf-16-le", "utf-16-be"}
_DAY: Final = re.compile(
    r"([0-9]{4})(?:([-/.])([0-9]{1,2})\2([0-9]{1,2})|([0-9]{2})([0-9]{2})|年([0-9]{1,2})月([0-9]{1,2})日)"
)
_MIDNIGHT: Final = re.compile(r"[T ]00:00(?::00(?:\.0+)?)?$")
_DATE_PARTS: Final = {"YYYY": "(?P<year>[0-9]{4})", "MM": "(?P<month>[0-9]{1,2})", "DD": "(?P<day>[0-9]{1,2})"}
_GROUPED: Final = {
    ".": re.compile(r"(-?)([0-9]{1,3}(?:([,'’ \u00a0\u202f])[0-9]{3}(?:\3[0-9]{3})*)?|[0-9]+)(?:\.([0-9]+))?"),
    ",": re.compile(r"(-?)([0-9]{1,3}(?:([.'’ \u00a0\u202f])[0-9]{3}(?:\3[0-9]{3})*)?|[0-9]+)(?:,([0-9]+))?"),
}


class TableMalformed(Refusal):
    code: ClassVar[str] = "table_malformed"
    title: ClassVar[str] = "The table cannot be read"
    default_hint: ClassVar[str] = "Export it again as CSV, with quotes around cells that hold quotes or line breaks."


class TableTooLarge(Refusal):
    code: ClassVar[str] = "table_too_large"
    status: ClassVar[int] = 413
    title: ClassVar[str] = "The table is too large"
    default_hint: ClassVar[str] = f"At most {ROWS_MAX} rows and {TABLE_BYTES_MAX >> 20} MiB; cut it into several."


class TableEncodingUnknown(Refusal):
    code: ClassVar[str] = "table_encoding_unknown"
    title: ClassVar[str] = "The encoding of the table is not known"
    default_hint: ClassVar[str] = "Name it, --encoding windows-1252 or gb18030 for instance, or export as UTF-8."


class RowMalformed(Refusal):
    code: ClassVar[str] = "row_malformed"
    title: ClassVar[str] = "The row is not an invoice"
    default_hint: ClassVar[str] = "Correct the row, and run the same command again."


@dataclass(frozen=True, slots=True)
class TableFormat:
    """What a table does not say of itself.

    `encoding` is by default that of the byte order mark, else UTF-8; `separator` is found by the header. Without
    `decimal` a number is plain digits with an optional point; with it groups of thousands are read too. Without
    `date_format` a day begins with its year (2026-10-12, 2026/10/12, 20261012, 2026年10月12日). `columns` maps a
    column's name to a field, `constants` a field to the value of rows in which it is empty. `seller` is the identity
    of the seller (as parse_identity takes it) of rows that do not identify theirs, `seller_name` its name.
    """

    encoding: str | None = None
    separator: str | None = None
    decimal: Literal[".", ","] | None = None
    date_format: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    seller: str | None = None
    seller_name: str = ""

    def __post_init__(self) -> None:
        """Refuses: table_format_unknown."""
        for name in (*self.columns.values(), *self.constants):
            if name not in FIELDS:
                raise TableFormatUnknown(f"{name[:40]!r} is no field", hint=f"The fields are {', '.join(FIELDS)}.")
        if self.separator is not None and self.separator not in SEPARATORS:
            raise TableFormatUnknown(f"{self.separator[:10]!r} is no separator", hint="One of ; , | or a tab.")
        if self.encoding is not None and _known_encoding(self.encoding) is None:
            raise TableFormatUnknown(
                f"{self.encoding[:40]!r} is not read", hint=f"One of {', '.join(sorted(_TABLE_ENCODINGS))}."
            )
        if self.date_format is not None:
            _date_pattern(self.date_format)

    def completed(self, values: Mapping[str, str]) -> dict[str, str]:
        """The values of a row with those that the table does not repeat in each."""
        full = {**self.constants, **values}
        if self.seller is not None and not any(f"seller_{kind}" in full for kind in IDENTITY_KINDS):
            full["seller_id"] = self.seller
            full.setdefault("seller_name", self.seller_name)
        return full


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the line it begins on, counted from 1, and what it is."""

    line: int
    document: bytes
    invoice: Invoice | Refusal


@dataclass(frozen=True, slots=True)
class Table:
    """An open table whose columns are known. `unused` are the names of the columns that are no field."""

    unused: tuple[str, ...]
    _places: Mapping[str, int]
    _width: int
    _lines: Iterator[str]
    _separator: str
    _first_line: int
    _format: TableFormat

    def rows(self) -> Iterator[Row]:
        """The rows, once, as they are read. Refuses: table_malformed, table_too_large, table_encoding_unknown."""
        for line, cells in self.cells():
            texts = {name: cells[place].strip() for name, place in self._places.items() if place < len(cells)}
            values = self._format.completed({name: text for name, text in texts.items() if text})
            try:
                self._require_width(cells)
                invoice: Invoice | Refusal = _invoice(values, self._format)
            except Refusal as refusal:
                invoice = refusal
            yield Row(line, row_document(values), invoice)

    def cells(self) -> Iterator[tuple[int, list[str]]]:
        """The line on which each row begins, and its cells; rows without any text are left out."""
        reader = csv.reader(self._lines, delimiter=self._separator, strict=True)
        count, line = 0, self._first_line
        try:
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    count += 1
                    if count > ROWS_MAX:
                        raise TableTooLarge(f"the table has more than {ROWS_MAX} rows")
                    yield line, cells
                line = self._first_line + reader.line_num
        except csv.Error as error:
            raise TableMalformed(f"line {line}: {error}") from error

    def _require_width(self, cells: Sequence[str]) -> None:
        """More cells than columns are a separator within a cell; empty ones at the end are an export's habit."""
        if len(cells) < self._width or any(cell.strip() for cell in cells[self._width :]):
            raise RowMalformed(
                f"{len(cells)} cells, and the header has {self._width}",
                hint="A cell that holds the separator stands in quotes; so does a decimal comma between commas.",
            )


@contextmanager
def open_table(path: Path, format: TableFormat) -> Iterator[Table]:
    """A table, opened as far as its header.

    Refuses: document_unreadable, table_too_large, table_malformed, table_encoding_unknown, table_columns_missing,
    table_columns_ambiguous, table_format_unknown (a mapped column that is not there).
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise DocumentUnreadable(f"{path.name} is not a regular file")
        if path.stat().st_size > TABLE_BYTES_MAX:
            raise TableTooLarge(f"{path.name} has more than {TABLE_BYTES_MAX} bytes")
        file = path.open("rb")
    except (OSError, ValueError) as error:
        raise DocumentUnreadable(f"{path.name} cannot be read") from error
    with file:
        lines = _lines(file, format.encoding)
        number, header, separator = _header(lines, format)
        places = places_of(header, format.columns)
        require_needed({*places, *format.constants, *(["seller_id"] if format.seller else [])}, header)
        yield Table(
            unused=tuple(name for place, name in enumerate(header) if name and place not in places.values()),
            _places=places,
            _width=len(header),
            _lines=lines,
            _separator=separator,
            _first_line=number + 1,
            _format=format,
        )


def row_document(values: Mapping[str, str]) -> bytes:
    """What stands for the file of an invoice that came as a row: its fields as JSON in UTF-8, in a fixed order.

    The cells are as they stood in the table, without blanks around them, so whoever has the table can make it again.
    """
    fields = {name: values[name] for name in FIELDS if values.get(name)}
    return json.dumps({"format": _KIND, **fields}, ensure_ascii=False, separators=(",", ":")).encode()


# ------------------------------------------------------------------------ the table


def _lines(file: IO[bytes], named: str | None) -> Iterator[str]:
    """The lines of a table, with their ends, as text."""
    head = file.read(4)
    mark, encoding = next(((mark, name) for mark, name in _MARKS if head.startswith(mark)), (b"", "utf-8"))
    if encoding is None:
        raise TableEncodingUnknown("tables in UTF-32 are not read", hint="Export it as UTF-8.")
    if not mark:
        encoding = _known_encoding(named or "utf-8") or ""  # TableFormat has refused what is not known
        if encoding == "utf-16" or (b"\0" in head and not encoding.startswith("utf-16")):
            raise TableEncodingUnknown("it may be UTF-16 without its mark", hint="--encoding utf-16-le or utf-16-be")
    file.seek(len(mark))
    text = io.TextIOWrapper(file, encoding=encoding, errors="strict", newline="")
    number = 0
    while True:
        number += 1
        try:
            line = text.readline(LINE_CHARS_MAX + 1)
        except UnicodeDecodeError as error:
            raise TableEncodingUnknown(f"near line {number} the table is not valid {encoding}") from error
        if len(line) > LINE_CHARS_MAX:
            raise TableMalformed(f"line {number} is longer than {LINE_CHARS_MAX} characters")
        if "\0" in line:
            raise TableEncodingUnknown(f"line {number} holds zero bytes: the table is not text in {encoding}")
        if not line:
            text.detach()
            return
        yield line


def _known_encoding(name: str) -> str | None:
    try:
        known = codecs.lookup(name).name
    except LookupError:
        return None
    return known if known in _TABLE_ENCODINGS else None


def _header(lines: Iterator[str], format: TableFormat) -> tuple[int, list[str], str]:
    """Line number and cells of the header, and the separator under which it says most."""
    separators = SEPARATORS if format.separator is None else (format.separator,)
    for number, line in enumerate(islice(lines, HEADER_LINES_MAX), start=1):
        text = line.strip("\r\n")
        if number == 1 and (told := re.fullmatch(r"sep=(.)", text)):  # a spreadsheet's own note
            separators = (told[1],) if told[1] in separators else separators
            continue
        if not text.strip(" \t,;|"):
            continue
        found = [
            (recognised(cells, format.columns), cells, separator)
            for separator in separators
            for cells in _cells(text, separator)
        ]
        if not found:
            raise TableMalformed(f"line {number} is no header: a quote is not closed")
        _, cells, separator = max(found, key=lambda one: one[0])
        if len(cells) > COLUMNS_MAX:
            raise TableTooLarge(f"the table has {len(cells)} columns; at most {COLUMNS_MAX} are read")
        return number, [cell.strip() for cell in cells], separator
    raise TableMalformed("the table begins with no header")


def _cells(text: str, separator: str) -> list[list[str]]:
    """The cells of a line, in a list, or no list where they cannot be told."""
    try:
        return list(csv.reader([text], delimiter=separator, strict=True))
    except csv.Error:
        return []


# -------------------------------------------------------------------------- the row


def _invoice(values: Mapping[str, str], format: TableFormat) -> Invoice:
    money = currency(required(values.get("currency"), field="currency").upper())

    def amount(name: str) -> int | None:
        text = values.get(name)
        if text is None:
            return None
        return amount_minor(_plain_number(text, format, name), currency=money, stated_currency=None, field=name)

    def day(name: str) -> date | None:
        text = values.get(name)
        return None if text is None else _day(text, format, name)

    invoice = Invoice(
        format="csv",
        number=required(values.get("number"), field="number"),
        type_code=values.get("type_code", "380"),
        issue_date=required(day("issue_date"), field="issue_date"),
        due_date=day("due_date"),
        currency=money,
        payable_minor=required(amount("payable"), field="payable"),
        seller=_party("seller", values),
        buyer=_party("buyer", values),
        tax_inclusive_minor=amount("tax_inclusive"),
        prepaid_minor=amount("prepaid"),
        order_reference=values.get("order_reference"),
        delivery_date=day("delivery_date"),
        payment_terms=values.get("payment_terms"),
    )
    require_identified(invoice)
    return invoice


def _party(role: str, values: Mapping[str, str]) -> Party:
    identifiers = [
        PartyIdentifier(kind.kind, kind.scheme, value)
        for name, kind in IDENTITIES.items()
        if (value := values.get(f"{role}_{name}"))
    ]
    typed = values.get(f"{role}_id")
    if typed:
        identifiers.append(identifier_of(parse_identity(typed)))
    return Party(values.get(f"{role}_name", ""), tuple(identifiers), values.get(f"{role}_country"))


def _plain_number(text: str, format: TableFormat, name: str) -> str:
    """The number as parse_amount takes it."""
    if format.decimal is None:
        if "," in text:
            raise AmountMalformed(
                f"{name}: {text[:40]!r} has a comma", hint="Say what it means: --decimal comma or point."
            )
        return text
    match = _GROUPED[format.decimal].fullmatch(text)
    if match is None:
        mark = "comma" if format.decimal == "," else "point"
        raise AmountMalformed(
            f"{name}: {text[:40]!r} is no number with a decimal {mark}",
            hint="Digits, between groups of thousands the same mark each time, and no currency beside them.",
        )
    sign, whole, group, fraction = match.groups()
    return sign + (whole.replace(group, "") if group else whole) + (f".{fraction}" if fraction else "")


def _day(text: str, format: TableFormat, name: str) -> date:
    text = _MIDNIGHT.sub("", text)
    if format.date_format is None:
        match = _DAY.fullmatch(text)
        parts = [int(part) for part in match.groups() if part and part.isdigit()] if match else []
        expected = "a day that begins with its year"
    else:
        match = _date_pattern(format.date_format).fullmatch(text)
        parts = [int(match[part]) for part in ("year", "month", "day")] if match else []
        expected = format.date_format
    if not parts:
        raise RowMalformed(
            f"{name}: {text[:40]!r} is not {expected}", hint="--date-format says how days are written: DD.MM.YYYY"
        )
    try:
        return date(*parts)
    except ValueError as error:
        raise RowMalformed(f"{name}: {text[:40]!r} is not in the calendar") from error


def _date_pattern(text: str) -> re.Pattern[str]:
    """The pattern of days written so: YYYY, MM and DD once each, with marks between them."""
    pattern = re.escape(text.upper())
    for part, expression in _DATE_PARTS.items():
        if pattern.count(part) != 1:
            raise TableFormatUnknown(f"{text[:40]!r} is no form of a day", hint="DD.MM.YYYY, MM/DD/YYYY, YYYY-MM-DD, …")
        pattern = pattern.replace(part, expression)
    return re.compile(pattern)
