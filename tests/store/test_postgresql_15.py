"""The registry on PostgreSQL 15, the oldest that is supported, against the wheel's.

The server is set as an operator's may be: texts in the order of a language, a zone other than UTC, and a user that is
no superuser. `pytest --postgresql FOLDER` runs the other tests on a server like this one.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import inspect

from registry.mirror.follower import Move
from registry.store.database import LEASE_KEY, Database
from registry.store.embedded import EmbeddedPostgres
from registry.store.queries import parties
from scripts.bench.lists import QUESTIONS, Book, fill
from tests.conftest import empty_database, make_template
from tests.mirror.following import (
    built_from_nothing,
    busy,
    digest,
    follower_of,
    require_every_operation_mirrored,
    running,
    until,
)
from tests.postgres import InstalledPostgres, installed
from tests.scene import Scene
from tests.store.schemas import differences, schema, take_back

VERSION = 15
CERTIFICATES = 2_000
ASKED = 5
DEPTH = 12
CREATED_SECONDS = 1_800_000_000


@pytest.fixture(scope="module")
def postgres() -> Iterator[InstalledPostgres]:
    """In place of the wheel's: `database` is one of this server."""
    binaries = installed(VERSION)
    if binaries is None:
        pytest.skip(f"no PostgreSQL {VERSION} in /usr/lib/postgresql, nor where pg_config says")
    with InstalledPostgres.start_with(binaries) as running:
        make_template(running)
        yield running


@pytest.fixture(scope="module")
def wheels(work_folder: Path) -> Iterator[EmbeddedPostgres]:
    """The server of the wheel, whatever --postgresql says."""
    with EmbeddedPostgres.start(work_folder / "wheels") as running:
        make_template(running)
        yield running


@pytest.fixture(scope="module")
def books(postgres: EmbeddedPostgres, wheels: EmbeddedPostgres) -> Iterator[tuple[tuple[Database, Book], ...]]:
    """The same book on either server."""
    with empty_database(postgres) as here, empty_database(wheels) as there:
        filled = tuple((database, fill(database, count=CERTIFICATES)) for database in (here, there))
        for database, _ in filled:
            with database.bulk() as connection:
                connection.execute("UPDATE party SET created_at = to_timestamp(%s)", (CREATED_SECONDS,))
        yield filled


def test_the_server_is_set_as_an_operators_may_be(database: Database) -> None:
    with database.bulk() as connection:
        assert connection.info.server_version // 10_000 == VERSION
        said = connection.execute(
            "SELECT rolsuper, current_setting('fsync'), current_setting('synchronous_commit'),"
            " current_setting('timezone'), 'a' < 'B' FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
    assert said == (False, "on", "on", "Asia/Kathmandu", True)


def test_instants_are_told_in_utc(books: tuple[tuple[Database, Book], ...]) -> None:
    for database, _ in books:
        with database.snapshot() as connection:
            found = {party.created_at.isoformat() for party in parties.parties(connection)}
        assert found == {datetime.fromtimestamp(CREATED_SECONDS, UTC).isoformat()}


def test_every_migration_goes_forth_and_back(database: Database) -> None:
    with database.engine.connect() as connection:
        assert differences(connection) == []
    migrated = schema(database)
    assert take_back(database) >= 3
    assert inspect(database.engine).get_table_names() == ["alembic_version"]
    database.migrate()
    assert schema(database) == migrated


def test_every_operation_is_mirrored_as_by_the_wheels_server(
    scene: Scene, database: Database, wheels: EmbeddedPostgres
) -> None:
    require_every_operation_mirrored(scene, database, wheels)


def test_a_reorg_is_undone(scene: Scene, database: Database, wheels: EmbeddedPostgres) -> None:
    busy(scene)
    follower = follower_of(scene, database)
    follower.catch_up()
    before = digest(database)
    scene.reorg(depth=DEPTH)
    scene.mine(1)
    step = follower.step()
    assert (step.move, step.depth) == (Move.REWOUND, DEPTH)
    follower.catch_up()
    assert digest(database) == built_from_nothing(scene, wheels) != before
    busy(scene, rounds=1)
    follower.catch_up()
    assert digest(database) == built_from_nothing(scene, wheels)


def test_a_second_mirror_waits_until_the_server_has_ended_the_first(
    scene: Scene, database: Database, wheels: EmbeddedPostgres
) -> None:
    first, second = follower_of(scene, database), follower_of(scene, database)
    assert first.take_lease()
    with running(second) as (steps, _):
        busy(scene, rounds=1)
        first.catch_up()
        assert digest(database) == built_from_nothing(scene, wheels)
        assert not second.leads
        assert steps == []
        with database.bulk() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s",
                (LEASE_KEY,),
            )
        until(lambda: second.leads)
        busy(scene, rounds=1)
        right = built_from_nothing(scene, wheels)
        until(lambda: digest(database) == right)
    first.close()


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_list_is_answered_as_by_the_wheels_server(books: tuple[tuple[Database, Book], ...], name: str) -> None:
    answers = []
    for database, book in books:
        rng = random.Random(name)
        with database.snapshot() as connection:
            answers.append([QUESTIONS[name](connection, book, rng) for _ in range(ASKED)])
    here, there = answers
    assert here == there
