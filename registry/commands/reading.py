"""A registry to read from: the mirror of whoever runs here, or one that has caught up just now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from registry.commands.home import NothingHere, Running, open_database
from registry.domain.identifiers import Address
from registry.settings import Settings
from registry.store.database import Database
from registry.store.queries import health

if TYPE_CHECKING:
    from registry.chain.deploy import Deployment


@dataclass(frozen=True)
class Reading:
    """A database that a mirror has filled, and what names mean in it."""

    home: Path
    database: Database

    @cached_property
    def chain_id(self) -> int | None:
        """The chain that is mirrored; None before the first block."""
        with self.database.snapshot() as connection:
            cursor = health.cursor(connection)
        return None if cursor is None else cursor.chain_id

    @property
    def is_dev_chain(self) -> bool:
        """Whether the well-known dev keys are somebody's."""
        from registry.chain.devchain import CHAIN_ID  # noqa: PLC0415

        return self.chain_id == CHAIN_ID

    @property
    def operator(self) -> Address:
        """Who administers the registry. Raises NothingHere where no deployment is recorded."""
        return self._deployment.operator

    @property
    def settlement_bank(self) -> Address:
        """Who books deposits and closes books. Raises NothingHere where no deployment is recorded."""
        return self._deployment.charter.settlement_bank

    @cached_property
    def _deployment(self) -> Deployment:
        from registry.chain.deploy import Deployment  # noqa: PLC0415

        found = None if self.chain_id is None else Deployment.read(self.home / "deployments", self.chain_id)
        if found is None:
            raise NothingHere(f"{self.home} records no deployment on chain {self.chain_id}")
        return found


@contextmanager
def reading(settings: Settings) -> Iterator[Reading]:
    """The registry of the home folder for a command that only reads, true at the newest block.

    Where one runs, its mirror follows the chain and its database is all that is needed: the chain's libraries, which
    take a second to load, stay away. Where none runs, the chain is started and the mirror catches up first.

    Raises what open_services raises, and MirrorLags.
    """
    running = Running.find(settings.home)
    if running is not None:
        with ExitStack() as stack:
            database, _ = open_database(settings, running, stack)
            yield Reading(settings.home, database)
        return
    from registry.commands.services import open_services  # noqa: PLC0415

    with open_services(settings) as services:
        services.mirrored(services.node.head())
        yield Reading(settings.home, services.database)
