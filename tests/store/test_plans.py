"""Every list is answered from an index: the plans of all queries, on tables of some size, read no big table through."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import event, text

from registry.mirror.rebuild import rebuild
from registry.store.database import READING, Connection, Database
from registry.store.embedded import EmbeddedPostgres
from registry.store.queries import certificates
from registry.store.queries.receivables import Sought
from scripts.bench.lists import QUESTIONS, Book, fill

CERTIFICATES, COPIES = 200_000, 20
REBUILT = 2_000
ASKED = 12
PARTS = 20_000
PART_ROWS_MAX = 300
BIG = {"receivable", "certificate", "journal", "entry", "block"}
ROWS_MAX = 40_000
"""What a page may look at on its way, of the 150,000 receivables and 200,000 certificates: some filters leave no index
that has them all. Totals look at all that they add up by design."""


@dataclass
class Filled:
    """A database with a book in it, and the statements that were sent to it."""

    database: Database
    book: Book
    statements: list[tuple[str, Any]]

    def plans(self, name: str) -> Iterator[dict[str, Any]]:
        """The plans of one question, asked about different things."""
        rng = random.Random(name)
        with self.database.snapshot() as connection:
            for _ in range(ASKED):
                yield from self.explained(connection, lambda: QUESTIONS[name](connection, self.book, rng))

    def explained(self, connection: Connection, ask: Callable[[], object]) -> Iterator[dict[str, Any]]:
        """The plans of what is asked on a connection."""
        raw = connection.connection.dbapi_connection
        assert raw is not None
        self.statements.clear()
        ask()
        for statement, parameters in list(self.statements):
            explained = raw.cursor().execute("EXPLAIN (ANALYZE, FORMAT JSON) " + statement, parameters)
            yield explained.fetchone()[0][0]["Plan"]


@pytest.fixture(scope="module")
def filled(postgres: EmbeddedPostgres) -> Iterator[Filled]:
    postgres.create_database("book", template="template_counterfoil")
    database = Database(postgres.url("book"))
    book = fill(database, count=CERTIFICATES, copies=COPIES)
    statements: list[tuple[str, Any]] = []

    def note(*arguments: Any) -> None:
        statements.append((arguments[2], arguments[3]))

    event.listen(database.engine, "before_cursor_execute", note)
    yield Filled(database, book, statements)
    database.dispose()
    postgres.drop_database("book")


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def rows_read(plan: dict[str, Any]) -> float:
    """Rows that the scans of a plan took and threw away."""
    scans = [node for node in nodes(plan) if "Scan" in node["Node Type"] and "Relation Name" in node]
    return sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0))
        * node["Actual Loops"]
        for node in scans
    )


@pytest.mark.parametrize("name", QUESTIONS)
def test_no_list_reads_a_big_table_through(filled: Filled, name: str) -> None:
    seen = 0
    for plan in filled.plans(name):
        seen += 1
        through = [
            node["Relation Name"]
            for node in nodes(plan)
            if node["Node Type"] == "Seq Scan" and node["Relation Name"] in BIG
        ]
        assert through == [], plan
        if not name.startswith("totals"):
            assert rows_read(plan) < ROWS_MAX, plan
    assert seen >= ASKED


@pytest.mark.parametrize("by_due", [False, True])
def test_a_page_of_the_parts_of_one_receivable_is_found_at_once_wherever_it_begins(
    filled: Filled,
    by_due: bool,
) -> None:
    """Of very many parts, asked as the API asks: every filter is named, and is None."""
    sought: Sought = dict.fromkeys(Sought.__annotations__)  # type: ignore[assignment]  # None is each one's nothing
    with filled.database.engine.connect() as connection:  # never committed
        connection.execute(text("; ".join(f"SET LOCAL {name} = {value}" for name, value in READING.items())))
        number, due_at = connection.execute(text("SELECT receivable_id, due_at FROM certificate LIMIT 1")).one()
        connection.execute(
            text(
                "INSERT INTO certificate (receivable_id, start_minor, end_minor, holder, since_position, debtor, "
                "currency, due_at, claimed_minor) SELECT receivable_id, :begin + part, :begin + part + 1, holder, "
                "since_position, debtor, currency, due_at, claimed_minor FROM (SELECT * FROM certificate "
                "WHERE receivable_id = :number LIMIT 1) one, generate_series(1, :parts) part"
            ),
            {"number": number, "parts": PARTS, "begin": 10**15},
        )
        connection.execute(text("ANALYZE certificate"))

        def ask() -> None:
            start = 10**15 + PARTS // 2
            found = (
                certificates.certificates_by_due(
                    connection, receivable_id=number, after=(due_at, number, start), limit=50, **sought
                )
                if by_due
                else certificates.certificates(
                    connection, receivable_id=number, after=(number, start), limit=50, **sought
                )
            )
            assert [row.start_minor for row in found.rows] == [*range(start + 1, start + 51)]

        assert [plan for plan in filled.explained(connection, ask) if rows_read(plan) > PART_ROWS_MAX] == []


def test_the_tables_are_big_enough_to_be_read_by_an_index(filled: Filled) -> None:
    """Where no index helps, the planner does read a table through: the other tests would see it."""
    with filled.database.snapshot() as connection:
        raw = connection.connection.dbapi_connection
        assert raw is not None
        for table, column in (("receivable", "refusal_reason"), ("certificate", "since_position"), ("entry", "at")):
            explained = raw.cursor().execute(f"EXPLAIN (FORMAT JSON) SELECT * FROM {table} WHERE {column} = 7")
            (plan,) = explained.fetchone()[0]
            assert "Seq Scan" in {node["Node Type"] for node in nodes(plan["Plan"])}


def test_the_book_is_one_that_the_mirror_could_have_written(database: Database) -> None:
    fill(database, count=REBUILT)
    rebuilt = rebuild(database)
    assert rebuilt.before == rebuilt.after
