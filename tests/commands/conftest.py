"""Desks: one of a test's own, and one that a whole module may use because nothing at it succeeds."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from registry.chain.rpc import Node
from registry.store.database import Database
from registry.store.embedded import EmbeddedPostgres
from registry.store.tables import metadata
from tests.commands.desk import Desk
from tests.scene import Scene

_numbers = itertools.count(1)


@contextmanager
def _home() -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix="counterfoil-desk-"))
    yield home
    shutil.rmtree(home)


@contextmanager
def _open(node: Node, postgres: EmbeddedPostgres) -> Iterator[Desk]:
    name = f"desk_{next(_numbers)}"
    postgres.create_database(name, template="template_counterfoil")
    database = Database(postgres.url(name))
    with _home() as home:
        yield Desk.open(Scene.open(node, with_members=False), database, home)
    database.dispose()
    postgres.drop_database(name)


@pytest.fixture(scope="module")
def shared_desk(node: Node, postgres: EmbeddedPostgres) -> Iterator[Desk]:
    with _open(node, postgres) as desk:
        yield desk


@pytest.fixture(scope="module")
def _furnished(node: Node, postgres: EmbeddedPostgres) -> Iterator[Desk]:
    """A desk with a copy of all its rows beside: deploying, admitting and a database of its own take half a second."""
    with _open(node, postgres) as desk:
        with desk.services.database.bulk() as connection:
            connection.execute("CREATE SCHEMA kept")
            for table in metadata.tables:
                connection.execute(f"CREATE TABLE kept.{table} AS TABLE {table}")
        yield desk


@pytest.fixture
def desk(_furnished: Desk) -> Iterator[Desk]:
    node, database = _furnished.services.node, _furnished.services.database
    with database.bulk() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(f"DELETE FROM {table.name}")
        for table in metadata.sorted_tables:
            connection.execute(f"INSERT INTO {table.name} SELECT * FROM kept.{table.name}")
    snapshot = node.request("evm_snapshot")
    # So that the newest block's time is the present one, which the tests count from.
    _furnished.scene.mine(1)
    with _home() as home:
        yield Desk(_furnished.scene, replace(_furnished.services, home=home, notices=[]), home)
    node.request("evm_revert", snapshot)
