"""Tables: rows give the claim of the invoice file, whatever the export's habits; guesses are refused by name."""

from __future__ import annotations

import codecs
import csv
import io
import json
import os
import resource
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.documents import tables
from registry.documents.columns import FIELDS, places_of
from registry.documents.commitments import document_fields
from registry.documents.fingerprint import fingerprint
from registry.documents.invoice import Invoice
from registry.documents.reading import read_invoice
from registry.documents.tables import LINE_CHARS_MAX, TABLE_BYTES_MAX, Row, TableFormat, open_table
from registry.domain.refusals import Refusal

SAMPLES = Path(__file__).resolve().parents[2] / "registry" / "samples"
MASTER = bytes(range(32))
GERMAN = TableFormat(decimal=",", date_format="DD.MM.YYYY", seller="vat:DE999000148", seller_name="Brandmühl Guss GmbH")

Write = Callable[..., Path]

HEADER = ["number", "issue_date", "due_date", "currency", "payable", "seller_vat", "buyer_vat", "buyer_name"]
VALUES = ["RE 1", "2026-10-12", "2027-02-15", "EUR", "1234.56", "DE111", "DE222", "Buyer AG"]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def make(text: str | bytes, *, encoding: str = "utf-8") -> Path:
        path = tmp_path / "table.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return path

    return make


def line(*cells: str, separator: str = ";") -> str:
    made = io.StringIO()
    csv.writer(made, delimiter=separator, lineterminator="\n").writerow(cells)
    return made.getvalue()


def table(*, separator: str = ";", rows: int = 1, **changes: str) -> str:
    """A table whose rows are VALUES with these changes; an empty change leaves the cell empty."""
    values = [changes.get(name, value) for name, value in zip(HEADER, VALUES, strict=True)]
    return line(*HEADER, separator=separator) + line(*values, separator=separator) * rows


def rows_of(path: Path, format: TableFormat | None = None) -> list[Row]:
    with open_table(path, format or TableFormat()) as opened:
        return list(opened.rows())


def one(path: Path, format: TableFormat | None = None) -> Invoice:
    (row,) = rows_of(path, format)
    assert isinstance(row.invoice, Invoice), row.invoice
    return row.invoice


def code_of_row(path: Path, format: TableFormat | None = None) -> str:
    (row,) = rows_of(path, format)
    assert isinstance(row.invoice, Refusal), row.invoice
    assert row.invoice.detail
    return row.invoice.code


def refusal_of(path: Path, format: TableFormat | None = None) -> Refusal:
    with pytest.raises(Refusal) as refused:
        rows_of(path, format)
    assert str(path.parent) not in str(refused.value)
    return refused.value


# --------------------------------------------------------------------- one claim


def test_the_row_of_an_invoice_is_the_claim_of_its_files() -> None:
    first = rows_of(SAMPLES / "batch" / "brandmuehl-offene-posten.csv", GERMAN)[0].invoice
    assert isinstance(first, Invoice)
    for syntax in ("ubl", "cii"):
        file = read_invoice(SAMPLES / "invoices" / f"brandmuehl-2026-1041.{syntax}.xml")
        assert fingerprint(first, MASTER) == fingerprint(file, MASTER)
        assert (first.payable, first.due_date, first.type_code) == (file.payable, file.due_date, file.type_code)
        assert (first.delivery_date, first.order_reference) == (file.delivery_date, file.order_reference)


def test_the_sample_has_the_rows_that_its_readme_tells() -> None:
    found = [
        (row.line, row.invoice.code if isinstance(row.invoice, Refusal) else row.invoice.number)
        for row in rows_of(SAMPLES / "batch" / "brandmuehl-offene-posten.csv", GERMAN)
    ]
    numbers = ["1041", "1062", "1063", "1067", None, "1070", "1071"]
    lines = [2, 3, 4, 5, 7, 8, 9]  # the fifth row has a line break within quotes
    assert found == [
        (number, f"RE 2026/{name}" if name else "amount_malformed") for number, name in zip(lines, numbers, strict=True)
    ]


@pytest.mark.parametrize(
    ("column", "value", "identity"),
    [
        ("buyer_vat", "de 222", "vat:DE222"),
        ("buyer_gln", "4000001123452", "scheme:0088:4000001123452"),
        ("buyer_lei", "529900T8BM49AURSDO55", "scheme:0199:529900T8BM49AURSDO55"),
        ("buyer_uscc", "91990000MA0YLCX01Y", "scheme:USCC:91990000MA0YLCX01Y"),
        ("buyer_tax", "201/113/40209", "tax:20111340209"),
        ("buyer_local", "10001", "local:10001:buyer ag"),
        ("buyer_id", "vat:DE222", "vat:DE222"),
        ("buyer_id", "scheme:0002:999 999", "scheme:0002:999999"),
    ],
)
def test_a_party_is_identified_by_any_of_its_columns(write: Write, column: str, value: str, identity: str) -> None:
    text = table(buyer_vat=value).replace("buyer_vat", column)
    assert str(one(write(text)).buyer_identity) == identity


def test_the_first_of_several_identities_counts_as_in_a_file(write: Write) -> None:
    header = line(*HEADER, "buyer_gln", "buyer_lei")
    row = line(*VALUES, "4000001123452", "529900T8BM49AURSDO55")
    assert str(one(write(header + row)).buyer_identity) == "vat:DE222"
    assert str(one(write(header + row.replace("DE222", ""))).buyer_identity) == "scheme:0088:4000001123452"


def test_rows_that_name_no_seller_are_the_given_sellers(write: Write) -> None:
    own = TableFormat(seller="vat:DE999", seller_name="Own GmbH")
    text = table().replace("seller_vat", "Remark")
    assert str(one(write(text), own).seller_identity) == "vat:DE999"
    assert one(write(text), own).seller.name == "Own GmbH"
    assert str(one(write(table()), own).seller_identity) == "vat:DE111"
    assert str(one(write(table(seller_vat="")), own).seller_identity) == "vat:DE999"


# ----------------------------------------------------------- habits of exports

separators = st.sampled_from([";", ",", "\t", "|"])
encodings = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030", "cp1252"])
texts = st.text(alphabet="abcÄöß \"';,|\t\n.:/-", max_size=30)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    separator=separators, encoding=encodings, terms=texts, quote_all=st.booleans(), crlf=st.booleans(), data=st.data()
)
def test_one_row_is_one_claim_however_it_is_exported(
    write: Write, separator: str, encoding: str, terms: str, quote_all: bool, crlf: bool, data: st.DataObject
) -> None:
    columns = data.draw(st.permutations(list(zip([*HEADER, "payment_terms"], [*VALUES, terms], strict=True))))
    made = io.StringIO()
    writer = csv.writer(
        made,
        delimiter=separator,
        quoting=csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL,
        lineterminator="\r\n" if crlf else "\n",
    )
    writer.writerows(zip(*columns, strict=True))
    has_mark = encoding in ("utf-8-sig", "utf-16")
    path = write(made.getvalue(), encoding=encoding)
    read = one(path, TableFormat(encoding=None if has_mark else encoding))
    expected = one(write(table()))
    assert fingerprint(read, MASTER) == fingerprint(expected, MASTER)
    assert read.payment_terms == (terms.strip() or None)
    assert read.payable == expected.payable


@pytest.mark.parametrize(
    "header",
    [
        "Rechnungsnummer;Rechnungsdatum;Fälligkeit;Währung;Offener Betrag;USt-IdNr. Lieferant;USt-IdNr.;Kunde",
        "Invoice No.;Invoice Date;Due Date;Currency;Amount Due;Supplier VAT ID;Customer VAT ID;Customer",
        "发票号码;开票日期;到期日;币种;应付金额;供应商统一社会信用代码;客户统一社会信用代码;客户名称",
        "NUMBER;ISSUE-DATE;due;Currency Code;Amount;seller_vat;VAT-ID;debtor",
    ],
)
def test_columns_are_known_by_their_usual_names(write: Write, header: str) -> None:
    invoice = one(write(header + "\n" + line(*VALUES)))
    assert (invoice.number, invoice.due_date) == ("RE 1", date(2027, 2, 15))
    assert (invoice.payable_minor, invoice.buyer.name) == (123_456, "Buyer AG")


def test_a_spreadsheets_note_on_the_separator_is_followed(write: Write) -> None:
    (row,) = rows_of(write("sep=,\n" + table(separator=",")))
    assert isinstance(row.invoice, Invoice)
    assert row.line == 3


def test_blank_lines_and_empty_cells_at_the_end_are_no_rows_and_no_error(write: Write) -> None:
    text = "\n;;;\n" + line(*HEADER, "", "") + "\n" + line(*VALUES, "", "") + ";;;;\n\n" + line(*VALUES)[:-1]
    rows = rows_of(write(text + ";;"))
    assert [row.line for row in rows] == [5, 8]
    assert all(isinstance(row.invoice, Invoice) for row in rows)


def test_columns_that_are_no_field_are_told(write: Write) -> None:
    with open_table(write(line(*HEADER, "Clerk", "") + line(*VALUES, "X", "")), TableFormat()) as opened:
        assert opened.unused == ("Clerk",)


# ---------------------------------------------------------------- amounts and days


@pytest.mark.parametrize(
    ("text", "decimal", "minor"),
    [
        ("1234.56", None, 123_456),
        ("1234", None, 123_400),
        ("-1234.5", None, -123_450),
        ("1234,56", ",", 123_456),
        ("1.234,56", ",", 123_456),
        ("1.234.567", ",", 123_456_700),
        ("1 234,56", ",", 123_456),
        ("1\u00a0234,56", ",", 123_456),
        ("1,234.56", ".", 123_456),
        ("1'234'567.89", ".", 123_456_789),
        ("1234.56", ".", 123_456),
    ],
)
def test_an_amount_is_read_as_declared(write: Write, text: str, decimal: Any, minor: int) -> None:
    assert one(write(table(payable=text)), TableFormat(decimal=decimal)).payable_minor == minor


@pytest.mark.parametrize(
    ("text", "decimal"),
    [
        ("1234,56", None),  # could be anything
        ("1,234", None),
        ("1.234,56", None),
        ("1.234", "."),  # one thousand or one and a bit: as declared, and then too precise
        ("1.23", ","),
        ("1.2345,00", ","),
        ("1.234 567,00", ","),
        ("1,234,56", "."),
        ("1e5", "."),
        ("1e5", None),
        ("\u0661\u0662", None),
        ("12 EUR", ","),
        ("(12,00)", ","),
        ("", None),
    ],
)
def test_an_amount_that_could_mean_something_else_is_refused(write: Write, text: str, decimal: Any) -> None:
    code = code_of_row(write(table(payable=text)), TableFormat(decimal=decimal))
    assert code in {"amount_malformed", "amount_too_precise", "document_incomplete"}


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("2026-10-12", None),
        ("2026/10/12", None),
        ("2026.10.12", None),
        ("20261012", None),
        ("2026年10月12日", None),
        ("2026-10-12 00:00:00", None),
        ("2026-10-12T00:00:00.000", None),
        ("12.10.2026", "DD.MM.YYYY"),
        ("10/12/2026", "MM/DD/YYYY"),
        ("10/12/2026", "mm/dd/yyyy"),
        ("12-10-2026", "DD-MM-YYYY"),
    ],
)
def test_a_day_is_read_as_declared(write: Write, text: str, form: str | None) -> None:
    assert one(write(table(issue_date=text, due_date="")), TableFormat(date_format=form)).issue_date == date(
        2026, 10, 12
    )


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("12.10.2026", None),
        ("10/12/2026", None),
        ("2026-13-01", None),
        ("2026-02-30", None),
        ("2026-10/12", None),
        ("2026-10-12 08:00", None),
        ("26-10-12", None),
        ("45942", None),
        ("31.02.2026", "DD.MM.YYYY"),
        ("2026-10-12", "DD.MM.YYYY"),
        ("12.10.26", "DD.MM.YYYY"),
        ("\u0661\u0662.10.2026", "DD.MM.YYYY"),
    ],
)
def test_a_day_that_is_not_written_as_declared_is_refused(write: Write, text: str, form: str | None) -> None:
    path = write(table(issue_date=text, due_date=""))
    assert code_of_row(path, TableFormat(date_format=form)) == "row_malformed"


# ------------------------------------------------------------------------ the rows


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"number": ""}, "document_incomplete"),
        ({"number": "\u00ad"}, "document_incomplete"),
        ({"currency": "XXX"}, "unknown_currency"),
        ({"currency": "JPY", "payable": "1.50"}, "amount_too_precise"),
        ({"payable": "184467440737095516.16"}, "amount_out_of_range"),
        ({"buyer_vat": ""}, "document_incomplete"),
        ({"buyer_vat": "none"}, "document_incomplete"),
    ],
)
def test_a_bad_row_is_refused_and_the_next_one_is_read(write: Write, changes: dict[str, str], code: str) -> None:
    bad, good = rows_of(write(table(**changes) + line(*VALUES)))
    assert isinstance(bad.invoice, Refusal)
    assert bad.invoice.code == code
    assert isinstance(good.invoice, Invoice)


@pytest.mark.parametrize("cells", [VALUES[:-1], [*VALUES, "more"], [*VALUES[:4], "1", "234.56", *VALUES[5:]], ["x"]])
def test_a_row_of_another_width_is_refused(write: Write, cells: list[str]) -> None:
    bad, good = rows_of(write(line(*HEADER) + line(*cells) + line(*VALUES)))
    assert isinstance(bad.invoice, Refusal)
    assert bad.invoice.code == "row_malformed"
    assert "8" in bad.invoice.detail
    assert isinstance(good.invoice, Invoice)


def test_an_unquoted_decimal_comma_between_commas_is_refused_not_misread(write: Write) -> None:
    text = line(*HEADER, separator=",") + ",".join(VALUES).replace("1234.56", "1234,56") + "\n"
    assert code_of_row(write(text), TableFormat(decimal=",")) == "row_malformed"


def test_what_stands_for_the_file_is_the_mapped_cells_in_a_fixed_order(write: Write) -> None:
    first = rows_of(write(line(*HEADER, "Clerk") + line(*VALUES, "A")))[0]
    other = rows_of(write(line("Clerk", *HEADER[::-1], separator="\t") + line("B", *VALUES[::-1], separator="\t")))[0]
    assert first.document == other.document
    assert json.loads(first.document) == {"format": "counterfoil/row/1", **dict(zip(HEADER, VALUES, strict=True))}
    assert isinstance(first.invoice, Invoice)
    assert dict(document_fields(first.invoice, document=first.document))["format"] == "csv"
    assert rows_of(write(table(payable="1234.57")))[0].document != first.document


# ----------------------------------------------------------------------- the header


def test_a_mapped_column_counts_before_one_of_the_usual_name(write: Write) -> None:
    text = line(*HEADER, "Net") + line(*VALUES, "1000.00")
    assert one(write(text), TableFormat(columns={"net": "payable"})).payable_minor == 100_000


def test_a_constant_fills_what_the_table_does_not_say(write: Write) -> None:
    text = table(currency="").replace("due_date", "Clerk")
    usd = TableFormat(constants={"currency": "usd", "due_date": "2027-03-01"})
    invoice = one(write(text), usd)
    assert (invoice.currency.code, invoice.due_date) == ("USD", date(2027, 3, 1))
    assert one(write(table()), usd).currency.code == "EUR"


def test_missing_columns_are_named_beside_those_that_are_there(write: Write) -> None:
    refusal = refusal_of(write("Nr;Betrag\n1;2\n"))
    assert refusal.code == "table_columns_missing"
    for said in ("number", "issue_date", "currency", "seller_id", "buyer_id", "'Nr'", "'Betrag'"):
        assert said in refusal.detail
    assert "payable" not in refusal.detail


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ([*HEADER, "number"], {}),
        ([*HEADER, "Rechnungsnr."], {}),
        ([*HEADER, "Amount"], {}),
        ([*HEADER, "X", "x"], {"X": "payment_terms"}),
        ([*HEADER, "X", "Y"], {"X": "payment_terms", "Y": "payment_terms"}),
    ],
)
def test_two_columns_for_one_field_are_refused(write: Write, header: list[str], columns: dict[str, str]) -> None:
    path = write(line(*header) + line(*VALUES, *["1"] * (len(header) - len(VALUES))))
    assert refusal_of(path, TableFormat(columns=columns)).code == "table_columns_ambiguous"


def test_two_unused_columns_may_have_one_name(write: Write) -> None:
    assert one(write(line(*HEADER, "Note", "Note") + line(*VALUES, "", ""))).number == "RE 1"


def test_a_separator_that_is_declared_wrongly_leaves_no_columns(write: Write) -> None:
    assert refusal_of(write(table()), TableFormat(separator=",")).code == "table_columns_missing"


@pytest.mark.parametrize(
    "wrong",
    [
        {"columns": {"A": "price"}},
        {"constants": {"price": "1"}},
        {"separator": "x"},
        {"encoding": "utf-7"},
        {"encoding": "rot13"},
        {"encoding": "nonsense"},
        {"date_format": "DD.MM.YY"},
        {"date_format": "YYYY"},
        {"date_format": "DD.DD.MM.YYYY"},
    ],
)
def test_a_format_that_says_nothing_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as refused:
        TableFormat(**wrong)
    assert refused.value.code == "table_format_unknown"


def test_a_mapped_column_that_is_not_there_is_refused(write: Write) -> None:
    refusal = refusal_of(write(table()), TableFormat(columns={"Brutto": "payable"}))
    assert refusal.code == "table_format_unknown"
    assert "'payable'" in refusal.hint


# ------------------------------------------------------------------------- hostile


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "table_malformed"),
        (b"\n\n;;;\n", "table_malformed"),
        (b"\n" * 1000 + table().encode(), "table_malformed"),
        (b"\xef\xbb\xbf", "table_malformed"),
        (b"PK\x03\x04\x14\x00\x06\x00", "table_encoding_unknown"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "table_encoding_unknown"),
        (b"%PDF-1.7\n", "table_columns_missing"),
        (table().encode("utf-32"), "table_encoding_unknown"),
        (table().encode("utf-16-le"), "table_encoding_unknown"),
        (table(buyer_name="Müller").encode("cp1252"), "table_encoding_unknown"),
        (table().encode() + b"\0", "table_encoding_unknown"),
        (table().encode() + b'"', "table_malformed"),
        (table().encode() + b'"a"b;', "table_malformed"),
        (table().encode() + b'"' + b"x\n" * 200_000, "table_malformed"),
        (table().encode() + b"x" * (LINE_CHARS_MAX + 1), "table_malformed"),
        (b"x" * 50_000_000, "table_malformed"),
        (b";".join(b"%d" % number for number in range(300)) + b"\n", "table_too_large"),
        (b'"number;issue_date\n', "table_malformed"),
    ],
    ids=range(18),
)
def test_what_cannot_be_read_as_a_table_is_refused_in_little_memory(write: Write, data: bytes, code: str) -> None:
    path = write(data)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert refusal_of(path).code == code
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 10 * 1024


def test_utf_16_without_its_mark_is_read_if_named(write: Write) -> None:
    path = write(table().encode("utf-16-be"))
    assert refusal_of(path, TableFormat(encoding="utf-16")).code == "table_encoding_unknown"
    assert one(path, TableFormat(encoding="utf-16-be")).number == "RE 1"


def test_a_byte_order_mark_counts_before_a_named_encoding(write: Write) -> None:
    path = write(codecs.BOM_UTF8 + table(buyer_name="Müller").encode())
    assert one(path, TableFormat(encoding="cp1252")).buyer.name == "Müller"


def test_rows_beyond_the_limit_are_too_many(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "ROWS_MAX", 10)
    assert len(rows_of(write(table(rows=10)))) == 10
    assert refusal_of(write(table(rows=11))).code == "table_too_large"


def test_a_table_larger_than_the_limit_a_folder_and_a_pipe_are_not_opened(tmp_path: Path) -> None:
    with (tmp_path / "large.csv").open("wb") as file:
        file.truncate(TABLE_BYTES_MAX + 1)
    assert refusal_of(tmp_path / "large.csv").code == "table_too_large"
    os.mkfifo(tmp_path / "pipe.csv")
    for path in (tmp_path, tmp_path / "pipe.csv", tmp_path / "missing.csv", tmp_path / "a\0b.csv"):
        assert refusal_of(path).code == "document_unreadable"


@pytest.mark.slow
def test_a_hundred_thousand_rows_are_streamed(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write(line(*HEADER))
        for number in range(100_000):
            file.write(line(f"RE {number}", *VALUES[1:]))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.monotonic()
    with open_table(path, TableFormat()) as opened:
        assert sum(isinstance(row.invoice, Invoice) for row in opened.rows()) == 100_000
    assert time.monotonic() - started < 60
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 10 * 1024


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet='number;issue_date,payable\n\r"\t1 \0Ä', max_size=200))
def test_any_text_is_rows_or_a_refusal_by_name(write: Write, text: str) -> None:
    path = write(line(*HEADER) + text)
    try:
        assert all(isinstance(row.invoice, (Invoice, Refusal)) for row in rows_of(path))
    except Refusal as refusal:
        assert refusal.code.startswith("table_")  # noqa: PT017  (both outcomes are right)


def test_every_field_is_known_by_its_own_name() -> None:
    assert set(places_of(FIELDS, {})) == set(FIELDS)
