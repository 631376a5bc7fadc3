"""Connections to the one PostgreSQL: an SQLAlchemy engine for reads, plain psycopg for the mirror's bulk writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import psycopg.errors
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import Connection, Engine, create_engine, exc, text

from registry.errors import ServiceError

__all__ = ["Connection", "Database", "DatabaseUnreachable", "QueryTimeout", "named_failures"]

CONNECTING = {
    "connect_timeout": 10,
    # A database whose machine is gone answers nothing, not even that: after some 10 seconds without a sign of it the
    # connection has failed, whether something was sent meanwhile or not. Sockets of this machine know none of it.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""Parameters of every connection; seconds, and milliseconds the last."""

POOL_CONNECTIONS_MAX = 10
STATEMENT_TIMEOUT_SECONDS = 30
"""For reads; the mirror's bulk writes and rebuilds have none."""

LEASE_KEY = 4712
"""The advisory lock of the one mirror that writes; the migrations' is 4711."""

MIRROR_APPLICATION = "counterfoil-mirror"
"""What the database's list of sessions calls a mirror, before its host and process."""

READING = {
    "statement_timeout": f"'{STATEMENT_TIMEOUT_SECONDS}s'",
    # One debtor has ten receivables and another ten thousand: a plan for the average serves neither.
    "plan_cache_mode": "force_custom_plan",
    # What is asked about is in memory or on a solid-state disk: an index is worth its jumps.
    "random_page_cost": "1.1",
    # Of a server with another zone too, instants come in UTC.
    "timezone": "'UTC'",
}
"""Settings of a snapshot."""

MIGRATIONS = Path(__file__).parent / "migrations"


class DatabaseUnreachable(ServiceError):
    """PostgreSQL did not answer, or broke off."""

    code = "database_unreachable"
    title = "The database does not answer"
    default_hint = (
        "Is it running? A demo or `counterfoil serve` starts one unless COUNTERFOIL_DATABASE_URL names another"
    )


class QueryTimeout(ServiceError):
    """PostgreSQL is there, and took longer over a statement than it may."""

    code = "query_timeout"
    title = "The database took too long"
    default_hint = "Ask again, or for less: a smaller page, or narrower filters"


class Database:
    """One PostgreSQL database by its URL (postgresql://…). Raises DatabaseUnreachable where it does not answer."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine: Engine = create_engine(
            _sqlalchemy_url(url),
            pool_size=POOL_CONNECTIONS_MAX,
            max_overflow=0,
            pool_pre_ping=True,
            connect_args=CONNECTING,
        )

    def migrate(self) -> None:
        """Bring the schema to the newest version. Safe to repeat, and from two processes at once."""
        with named_failures(), self.engine.begin() as connection:
            # Of two processes that start together one migrates and the other finds it done.
            connection.execute(text("SELECT pg_advisory_xact_lock(4711)"))
            if _version(connection) == newest_version():
                return
            # Here, because most commands find nothing to migrate, and alembic is slow to load.
            from alembic import command  # noqa: PLC0415
            from alembic.config import Config  # noqa: PLC0415

            config = Config()
            config.set_main_option("script_location", str(MIGRATIONS))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A read-only transaction that sees one state of the mirror: what it reads belongs to one block.

        Raises DatabaseUnreachable, QueryTimeout.
        """
        with named_failures(), self.engine.connect() as connection:
            reading = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with reading.begin():
                reading.exec_driver_sql("; ".join(f"SET LOCAL {name} = {value}" for name, value in READING.items()))
                yield reading

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction on the business tables, committed at the end."""
        with named_failures(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def bulk(self) -> Iterator[psycopg.Connection]:
        """A plain psycopg connection in one transaction, for the mirror: COPY and pipelined statements."""
        with named_failures(), psycopg.connect(self.conninfo) as connection:
            yield connection

    @property
    def conninfo(self) -> str:
        """What psycopg connects by: the URL, password and all, with CONNECTING."""
        return make_conninfo(self.url, **CONNECTING)

    def describe(self) -> str:
        """Host and database name for people; never the password."""
        parts = conninfo_to_dict(self.url)
        return f"{parts.get('dbname') or 'default database'} at {parts.get('host') or 'localhost'}"

    def dispose(self) -> None:
        """Close the pooled connections."""
        self.engine.dispose()


def newest_version() -> str:
    """The version of the schema that the migrations lead to: the number with which the last one's file begins."""
    return max(path.name for path in MIGRATIONS.glob("versions/[0-9]*.py")).partition("_")[0]


def _version(connection: Connection) -> str | None:
    """The version that alembic has noted in the database; None where it never was."""
    if connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


@contextmanager
def named_failures() -> Iterator[None]:
    """What PostgreSQL raises, by our names. Raises DatabaseUnreachable, QueryTimeout."""
    try:
        yield
    except (psycopg.OperationalError, exc.OperationalError, exc.InterfaceError, psycopg.InterfaceError) as error:
        first = str(error).strip().splitlines()
        cause = error.orig if isinstance(error, exc.DBAPIError) else error
        failure = QueryTimeout if isinstance(cause, psycopg.errors.QueryCanceled) else DatabaseUnreachable
        raise failure(first[0] if first else "") from error


def _sqlalchemy_url(url: str) -> str:
    for prefix in ("postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url
