"""Desks: one of a test's own, and one that a whole module may use because nothing at it succeeds."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from registry.chain.rpc import Node
from registry.store.database import Database
from registry.store.embedded import EmbeddedPostgres
from tests.commands.desk import Desk
from tests.scene import Scene

_numbers = itertools.count(1)


@contextmanager
def _open(node: Node, postgres: EmbeddedPostgres) -> Iterator[Desk]:
    name = f"desk_{next(_numbers)}"
    home = Path(tempfile.mkdtemp(prefix="counterfoil-desk-"))
    postgres.create_database(name, template="template_counterfoil")
    database = Database(postgres.url(name))
    try:
        yield Desk.open(Scene.open(node, with_members=False), database, home)
    finally:
        database.dispose()
        postgres.drop_database(name)
        shutil.rmtree(home)


@pytest.fixture
def desk(node: Node, postgres: EmbeddedPostgres) -> Iterator[Desk]:
    with _open(node, postgres) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared_desk(node: Node, postgres: EmbeddedPostgres) -> Iterator[Desk]:
    with _open(node, postgres) as opened:
        yield opened
