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

from registry.chain.devchain import DevChain
from registry.chain.rpc import Node
from registry.store.database import Database
from registry.store.embedded import EmbeddedPostgres
from registry.store.tables import metadata
from tests.commands.desk import Desk
from tests.pool import settle
from tests.scene import Scene

_numbers = itertools.count(1)


@contextmanager
def _home() -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix="counterfoil-desk-"))
    yield home
    shutil.rmtree(home)


@contextmanager
def _furnished(node: Node, postgres: EmbeddedPostgres) -> Iterator[Desk]:
    """A desk with a copy of all its rows beside: deploying, admitting and a database of its own take half a second."""
    name = f"desk_{next(_numbers)}"
    postgres.create_database(name, template="template_counterfoil")
    database = Database(postgres.url(name))
    with _home() as home:
        desk = Desk.open(Scene.open(node, with_members=False), database, home)
        copies = (f"CREATE TABLE kept.{table} AS TABLE {table}" for table in metadata.tables)
        with database.bulk() as connection:
            connection.execute("; ".join(("CREATE SCHEMA kept", *copies)))
        yield desk
    database.dispose()
    postgres.drop_database(name)


@contextmanager
def _as_furnished(desk: Desk) -> Iterator[Desk]:
    """The desk with the rows that it was furnished with, and a home of its own; the chain is as it was then."""
    tables = [table.name for table in metadata.sorted_tables]
    emptied = (f"DELETE FROM {table}" for table in reversed(tables))
    filled = (f"INSERT INTO {table} SELECT * FROM kept.{table}" for table in tables)
    with desk.services.database.bulk() as connection:
        connection.execute("; ".join((*emptied, *filled)))
    # So that the newest block's time is the present one, which the tests count from.
    desk.scene.mine(1)
    with _home() as home:
        yield Desk(desk.scene, replace(desk.services, home=home, notices=[]), home)


@pytest.fixture(scope="session", autouse=True)
def _desks(chain: DevChain, postgres: EmbeddedPostgres) -> Iterator[tuple[Desk, Desk]]:
    """One to be shared and one that is a test's own. Before the first file, after which the chain is as it was."""
    node = Node(chain.url)
    with _furnished(node, postgres) as shared, _furnished(node, postgres) as own:
        yield shared, own


@pytest.fixture(scope="module")
def shared_desk(_desks: tuple[Desk, Desk], node: Node) -> Iterator[Desk]:
    with _as_furnished(_desks[0]) as desk:
        yield desk


@pytest.fixture
def desk(_desks: tuple[Desk, Desk], node: Node) -> Iterator[Desk]:
    snapshot = node.request("evm_snapshot")
    with _as_furnished(_desks[1]) as desk:
        yield desk
    settle(node.request)
    node.request("evm_revert", snapshot)
