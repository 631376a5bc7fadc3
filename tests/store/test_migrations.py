"""The migrations give the schema that the tables declare, forth and back; amounts come out exactly as they went in."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import insert, inspect, select
from sqlalchemy.exc import DBAPIError

from registry.documents.parties import number_key
from registry.mirror import store
from registry.mirror.rebuild import digest, rebuild
from registry.store.database import MIGRATIONS, Database, newest_version
from registry.store.embedded import EmbeddedPostgres
from registry.store.tables import Minor, certificate, metadata
from scripts.bench.lists import fill
from tests.store.schemas import alembic, differences, schema, take_back

MINOR_MAX = 2**64 - 1
VERSION_TABLE = "alembic_version"


@pytest.fixture
def empty(postgres: EmbeddedPostgres) -> Iterator[Database]:
    """A database without any table."""
    postgres.create_database("unmigrated")
    made = Database(postgres.url("unmigrated"))
    yield made
    made.dispose()
    postgres.drop_database("unmigrated")


def test_the_migrated_schema_is_the_one_that_the_tables_declare(database: Database) -> None:
    with database.engine.connect() as connection:
        assert differences(connection) == []


def test_a_migration_of_a_migrated_database_changes_nothing(database: Database) -> None:
    before = schema(database)
    database.migrate()
    assert schema(database) == before


def test_all_constraints_follow_the_naming_convention(database: Database) -> None:
    with database.bulk() as connection:
        names = [
            row[0]
            for row in connection.execute(
                "SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'"
                " AND conrelid::regclass::text <> 'alembic_version'"
            ).fetchall()
        ]
    assert names
    assert [name for name in names if name.split("_")[0] not in {"pk", "uq", "ck", "fk"}] == []


def test_every_migration_goes_back_and_forth(empty: Database) -> None:
    empty.migrate()
    migrated = schema(empty)
    count = take_back(empty)
    assert inspect(empty.engine).get_table_names() == [VERSION_TABLE]
    for _ in range(count):
        with alembic(empty) as config:
            command.upgrade(config, "+1")
    assert schema(empty) == migrated


MIRRORED = ("block", "cursor", "entry", *store.PROJECTIONS)


def test_what_was_mirrored_before_there_was_money_is_what_its_journals_fold_to(
    empty: Database, database: Database
) -> None:
    """A mirror of the first schema, brought forward, needs nothing from the chain."""
    fill(database, count=300, with_money=False)
    with alembic(empty) as config:
        command.upgrade(config, "0001")
    columns = inspect(empty.engine)
    with database.bulk() as source, empty.bulk() as target:
        for table in MIRRORED:
            if not columns.has_table(table):
                continue
            names = ", ".join(column["name"] for column in columns.get_columns(table))
            rows = source.execute(f"SELECT {names} FROM {table}").fetchall()
            assert rows
            with target.cursor().copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
    empty.migrate()
    rebuilt = rebuild(empty)
    with database.bulk() as source:
        assert digest(source) == rebuilt.before == rebuilt.after


def test_a_mirror_that_goes_back_to_a_schema_without_money_starts_anew(empty: Database) -> None:
    empty.migrate()
    fill(empty, count=20)
    with alembic(empty) as config:
        command.downgrade(config, "0001")
    with empty.bulk() as connection:
        for table in MIRRORED:
            if table != "deposit_token":
                assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_invoices_from_before_get_the_key_of_their_number(empty: Database) -> None:
    """The migration's own copy of the rule gives what the rule gives today."""
    numbers = ["RE 2026/0041", "20-30", "ﬀ 0/7", "No\u00ad. 007", "Ünï-10", "--", "发票 0012", "9" * 5_000, "e\u0301 1"]
    with alembic(empty) as config:
        command.upgrade(config, "0003")
    with empty.bulk() as connection:
        connection.cursor().executemany(
            "INSERT INTO invoice (document_root, fingerprint, originator, debtor, number, type_code, format,"
            " issue_date, currency, payable_minor, file_name, file_sha256, fields)"
            " VALUES (sha256(%s), '', '', '', %s, '380', 'ubl', '2026-10-12', 978, 1, 'f', '', '[]')",
            [(number.encode(), number) for number in numbers],
        )
    empty.migrate()
    with empty.bulk() as connection:
        found = connection.execute("SELECT number, number_key FROM invoice").fetchall()
    assert dict(found) == {number: number_key(number) for number in numbers}


def test_a_migration_that_fails_leaves_nothing_behind(empty: Database) -> None:
    with empty.write() as connection:
        connection.exec_driver_sql("CREATE TABLE trade_document (in_the_way integer)")
    with pytest.raises(DBAPIError):
        empty.migrate()
    assert inspect(empty.engine).get_table_names() == ["trade_document"]


def test_there_is_one_head_and_the_last_file_begins_with_it() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_heads() == [newest_version()]


# ----------------------------------------------------------------------- money


def test_every_amount_column_is_an_exact_number_of_minor_units() -> None:
    amounts = [column for table in metadata.tables.values() for column in table.c if column.name.endswith("_minor")]
    assert len(amounts) >= 8
    assert [str(column) for column in amounts if not isinstance(column.type, Minor)] == []


ROW = {
    "receivable_id": 1,
    "start_minor": 0,
    "end_minor": MINOR_MAX,
    "holder": bytes(20),
    "since_position": 1,
    "debtor": bytes(20),
    "currency": 978,
    "due_at": 0,
    "claimed_minor": 0,
}


@pytest.mark.parametrize("minor", [0, 1, 2**53 + 1, 2**63 - 1, 2**63, MINOR_MAX - 1, MINOR_MAX])
def test_an_amount_comes_back_as_the_same_int(database: Database, minor: int) -> None:
    row = {**ROW, "start_minor": minor}
    with database.write() as connection:
        connection.execute(insert(certificate).values(row))
    with database.snapshot() as connection:
        start, end = connection.execute(select(certificate.c.start_minor, certificate.c.end_minor)).one()
    assert (start, end) == (minor, MINOR_MAX)
    assert type(start) is type(end) is int


def test_an_amount_that_is_too_wide_is_refused_and_not_rounded(database: Database) -> None:
    row = {**ROW, "end_minor": 10**20}
    with pytest.raises(DBAPIError), database.write() as connection:
        connection.execute(insert(certificate).values(row))


def test_the_cursor_has_one_row_at_most(database: Database) -> None:
    insertion = (
        "INSERT INTO cursor (id, chain_id, contract, block_number, block_hash, block_at, safe_block, finalized_block,"
        " checked_block) VALUES (%s, 1, '', 0, '', 0, 0, 0, 0)"
    )
    with pytest.raises(psycopg.errors.CheckViolation), database.bulk() as connection:
        connection.execute(insertion, (2,))
