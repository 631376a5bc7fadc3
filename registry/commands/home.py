"""What lies in a home folder: who runs there, and the database. Without the chain, so that reads start quickly."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from registry.errors import ServiceError
from registry.processes import alive
from registry.settings import Settings
from registry.store.database import Connection, Database
from registry.store.embedded import EmbeddedPostgres

STOP_WAIT_SECONDS = 30.0
SWITCH_POLL_SECONDS = 0.1


class NothingHere(ServiceError):
    """The home folder holds no registry and none runs."""

    code = "nothing_here"
    status = 404
    title = "No registry lives in this home folder"
    default_hint = "`counterfoil demo` fills one with samples, `counterfoil serve` starts an empty one"


class AlreadyRunning(ServiceError):
    """A long-running command already serves this home folder."""

    code = "already_running"
    status = 409
    title = "A registry already runs in this home folder"
    default_hint = "Use it from here, or end it with `counterfoil stop`"


@dataclass(frozen=True, slots=True)
class Running:
    """What a long-running command leaves for others. URLs only of what it owns; they hold no secret."""

    pid: int
    since: str
    rpc_url: str | None
    database_url: str | None
    api_url: str | None

    @property
    def owns_services(self) -> bool:
        """Whether the chain or the database ends with it."""
        return self.rpc_url is not None or self.database_url is not None

    @staticmethod
    def path(home: Path) -> Path:
        """Where it is written."""
        return home / "running.json"

    @classmethod
    def find(cls, home: Path) -> Running | None:
        """The live owner of the home folder, or None; what a dead one left behind does not count."""
        try:
            running = cls(**json.loads(cls.path(home).read_text()))
        except (OSError, ValueError, TypeError):
            return None
        return running if alive(running.pid, running.since) else None

    def write(self, home: Path) -> None:
        """Replace what stands there, as a whole."""
        temporary = self.path(home).with_suffix(f".{self.pid}.tmp")
        temporary.write_text(json.dumps({name: getattr(self, name) for name in self.__slots__}, indent=2) + "\n")
        temporary.replace(self.path(home))


class RehearsalDatabase(Database):
    """A database that takes what is written and keeps none of it."""

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is undone at its end."""
        with suppress(_Undone), super().write() as connection:
            yield connection
            raise _Undone


class _Undone(Exception):
    """Ends a transaction without a commit."""


@contextmanager
def database_only(settings: Settings) -> Iterator[Database]:
    """The database alone, migrated: for commands that need no chain. Raises NothingHere."""
    with ExitStack() as stack:
        running = Running.find(settings.home)
        database, _ = open_database(settings, running, stack)
        yield database


def open_database(
    settings: Settings, running: Running | None, stack: ExitStack, *, create: bool = False, rehearsal: bool = False
) -> tuple[Database, EmbeddedPostgres | None]:
    """The registry's database: the one the settings name, the owner's, or one started here; migrated unless the owner
    has done so. Raises NothingHere and the failures of PostgreSQL.
    """
    postgres = None
    url = settings.database_url or (running.database_url if running is not None else None)
    if url is None:
        folder = settings.home / "postgres"
        if not create and not folder.exists():
            raise NothingHere(f"{settings.home} has no database, and COUNTERFOIL_DATABASE_URL names none")
        postgres = stack.enter_context(EmbeddedPostgres.start(folder))
        url = postgres.url()
    database = RehearsalDatabase(url) if rehearsal else Database(url)
    stack.callback(database.dispose)
    if running is None or running.database_url is None:
        # Otherwise the owner, who started the database, has done so.
        database.migrate()
    return database, postgres


def stop_running(home: Path) -> int:
    """End the long-running command of the home folder and wait for it; its process id. Raises NothingHere."""
    running = Running.find(home)
    if running is None:
        raise NothingHere(f"nothing runs in {home}", hint="")
    os.kill(running.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_WAIT_SECONDS
    while alive(running.pid, running.since) and time.monotonic() < deadline:
        time.sleep(SWITCH_POLL_SECONDS)
    if alive(running.pid, running.since):
        raise ServiceError(f"process {running.pid} has not ended within {STOP_WAIT_SECONDS:.0f} s")
    return running.pid
