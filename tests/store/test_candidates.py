"""Candidates of a near claim: what is found by which likeness, and that no book is read through for it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import event, text

from registry.documents.parties import number_key
from registry.store import records
from registry.store.database import Database
from registry.store.queries.candidates import CANDIDATES_MAX, CandidateRow, candidates

SELLER, BUYER, OTHER = b"\x01" * 20, b"\x02" * 20, b"\x03" * 20
DAY = date(2026, 10, 12)
DAYS = 90
BOOK, SUPPLIERS, DAYS_OF_BOOK = 60_000, 300, 730
ROWS_MAX = 2_000
"""What the look-up may read of a book of BOOK invoices."""


def save(database: Database, number: str, **changed: Any) -> bytes:
    """An invoice of the seller to the buyer; its root."""
    root = number.encode().ljust(32, b"\x00")
    values = {
        "document_root": root,
        "fingerprint": root,
        "originator": SELLER,
        "debtor": BUYER,
        "number": number,
        "number_key": number_key(number),
        "type_code": "380",
        "format": "ubl",
        "issue_date": DAY,
        "due_date": None,
        "currency": 978,
        "payable_minor": 100_000,
        "file_name": "invoice.xml",
        "file_sha256": bytes(32),
        "fields": [],
    }
    with database.write() as connection:
        records.save_invoice(connection, **{**values, **changed})
    return root


def find(database: Database, **changed: Any) -> list[CandidateRow]:
    """The candidates of a claim of the seller on the buyer."""
    asked = {
        "originator": SELLER,
        "debtor": BUYER,
        "number_key": number_key("2026-1041"),
        "payable_minor": 100_000,
        "issue_date": DAY,
        "days": DAYS,
    }
    with database.snapshot() as connection:
        return candidates(connection, **{**asked, **changed})


LATER = DAY + timedelta(days=DAYS)
TOO_LATE = LATER + timedelta(days=1)


@pytest.mark.parametrize(
    ("number", "changed", "is_found"),
    [
        ("2026/01041", {"issue_date": LATER, "payable_minor": 1}, True),
        ("2026/01041", {"issue_date": TOO_LATE}, False),
        ("2026-1041", {"originator": OTHER, "debtor": OTHER}, True),
        ("X", {"payable_minor": 1}, True),
        ("X", {"payable_minor": 1, "debtor": OTHER}, False),
        ("X", {"issue_date": LATER}, True),
        ("X", {"issue_date": TOO_LATE}, False),
        ("X", {"issue_date": LATER, "payable_minor": 1}, False),
    ],
)
def test_a_candidate_shares_the_number_or_the_parties_with_the_day_or_the_amount(
    database: Database, number: str, changed: dict[str, Any], is_found: bool
) -> None:
    save(database, number, **changed)
    assert [row.number for row in find(database)] == [number] * is_found


def test_of_strangers_only_the_number_is_looked_for(database: Database) -> None:
    save(database, "2026-1041")
    save(database, "X")
    assert [row.number for row in find(database, originator=None, debtor=None)] == ["2026-1041"]
    assert find(database, originator=None, number_key="") == []


def test_parties_are_told_as_they_were_admitted(database: Database) -> None:
    with database.write() as connection:
        records.save_party(connection, address=SELLER, handle="us", name="Us GmbH", identity="vat:DE1")
    save(database, "2026-1041")
    (row,) = find(database)
    assert (row.seller_identity, row.seller_name, row.buyer_identity, row.buyer_name) == (
        "vat:DE1",
        "Us GmbH",
        None,
        "",
    )


def test_no_book_is_read_through(database: Database) -> None:
    """Nor where a supplier writes thousands of invoices, all of them on a day or of one amount."""
    with database.write() as connection:
        connection.execute(
            text(
                "INSERT INTO invoice (document_root, fingerprint, originator, debtor, number, number_key, type_code,"
                " format, issue_date, currency, payable_minor, file_name, file_sha256, fields)"
                " SELECT sha256(n::text::bytea), sha256(n::text::bytea),"
                " CASE WHEN n % 3 = 0 THEN :seller ELSE sha256((n % :suppliers)::text::bytea) END, :buyer, n::text,"
                " replace(n::text, '0', ''), '380', 'ubl', CAST(:day AS date) - n % :days, 978, 1000 + n % 5000, 'f',"
                " sha256('f'), '[]' FROM generate_series(1, :book) n"
            ),
            {"seller": SELLER, "buyer": BUYER, "suppliers": SUPPLIERS, "day": DAY, "days": DAYS_OF_BOOK, "book": BOOK},
        )
        connection.execute(text("ANALYZE invoice"))
    sent: list[tuple[str, Any]] = []

    def note(*arguments: Any) -> None:
        sent.append((arguments[2], arguments[3]))

    event.listen(database.engine, "before_cursor_execute", note)
    with database.snapshot() as connection:
        raw = connection.connection.dbapi_connection
        assert raw is not None
        for number, minor in (("30000", 1000), ("2026-1041", 3), ("1", 1003)):
            sent.clear()
            found = candidates(
                connection,
                originator=SELLER,
                debtor=BUYER,
                number_key=number_key(number),
                payable_minor=minor,
                issue_date=DAY,
                days=DAYS,
            )
            assert 0 < len(found) <= 3 * CANDIDATES_MAX
            ((statement, parameters),) = sent
            explained = raw.cursor().execute("EXPLAIN (ANALYZE, FORMAT JSON) " + statement, parameters)
            plan = explained.fetchone()[0][0]["Plan"]
            scans = [node for node in nodes(plan) if node.get("Relation Name") == "invoice"]
            assert scans
            assert [node["Node Type"] for node in scans if node["Node Type"] == "Seq Scan"] == []
            assert sum(rows_of(node) for node in scans) < ROWS_MAX


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """A node of a plan and all below it."""
    return [plan, *(node for below in plan.get("Plans", ()) for node in nodes(below))]


def rows_of(node: dict[str, Any]) -> float:
    """Rows that a scan took and threw away."""
    rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return float(rows * node["Actual Loops"])
