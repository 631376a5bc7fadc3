"""The real parts, one of each per worker: a dev chain, a PostgreSQL server, a migrated template database."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from registry.chain import devchain
from registry.chain.devchain import DevChain
from registry.chain.rpc import Node
from registry.store.database import Database
from registry.store.embedded import EmbeddedPostgres
from tests.pool import settle
from tests.postgres import InstalledPostgres
from tests.scene import Scene

LONG = {"e2e", "cli", "mirror", "store"}
"""Folders whose files take long, though no test of theirs does."""

_numbers = itertools.count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The registry's server may be another than the wheel's, but where the tests are about that one itself."""
    parser.addoption(
        "--postgresql", type=Path, metavar="FOLDER", help="postgres and initdb to run the tests on, of 15 or later"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take long come first: short ones fill up what is left of the time."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (item.path not in slow, item.path.parent.name not in LONG))


@pytest.fixture(scope="session")
def work_folder() -> Iterator[Path]:
    """A folder of this worker's own, short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="counterfoil-test-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def chain(work_folder: Path) -> Iterator[DevChain]:
    with DevChain.start(work_folder / "chain", keeps=False) as running:
        yield running


@pytest.fixture(scope="module")
def node(chain: DevChain) -> Iterator[Node]:
    """The worker's chain. Every file begins at the present, whatever the one before it did to the clock."""
    found = Node(chain.url)
    as_new = found.request("evm_snapshot")
    yield found
    settle(found.request)
    assert found.request("evm_revert", as_new)


@pytest.fixture(scope="module")
def ground(node: Node) -> Scene:
    """A registry with a seller, a buyer, a supplier and a bank, deployed once for all tests of a file."""
    return Scene.open(node)


@pytest.fixture
def scene(ground: Scene) -> Iterator[Scene]:
    """The same registry as new: what a test does with it is undone afterwards, with the clock."""
    as_new = ground.node.request("evm_snapshot")
    # Blocks of its own: anvil forgets the states of those that come again.
    devchain.advance_time(ground.node, seconds=next(_numbers))
    yield Scene(ground.node, ground.deployment)
    settle(ground.node.request)
    assert ground.node.request("evm_revert", as_new)


@pytest.fixture(scope="session")
def postgres(work_folder: Path, pytestconfig: pytest.Config) -> Iterator[EmbeddedPostgres]:
    """The wheel's server, or the one that --postgresql names."""
    binaries: Path | None = pytestconfig.getoption("postgresql")
    own = InstalledPostgres.start_with(binaries) if binaries else EmbeddedPostgres.start(work_folder / "postgres")
    with own as running:
        make_template(running)
        yield running


def make_template(postgres: EmbeddedPostgres) -> None:
    """The migrated database that the others are copies of."""
    postgres.create_database("template_counterfoil")
    template = Database(postgres.url("template_counterfoil"))
    template.migrate()
    template.dispose()


@pytest.fixture
def database(postgres: EmbeddedPostgres) -> Iterator[Database]:
    with empty_database(postgres) as made:
        yield made


@contextmanager
def empty_database(postgres: EmbeddedPostgres) -> Iterator[Database]:
    """A migrated, empty database."""
    name = f"test_{next(_numbers)}"
    postgres.create_database(name, template="template_counterfoil")
    made = Database(postgres.url(name))
    yield made
    made.dispose()
    postgres.drop_database(name)
