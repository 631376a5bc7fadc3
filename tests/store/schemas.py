"""What alembic does to a database, and what the database says of itself then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from registry.store.database import MIGRATIONS, Database
from registry.store.tables import metadata


@contextmanager
def alembic(database: Database) -> Iterator[Config]:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        yield config


def take_back(database: Database) -> int:
    """Undo one migration after the other; how many there were."""
    revisions = [*ScriptDirectory(str(MIGRATIONS)).walk_revisions()]
    for _ in revisions:
        with alembic(database) as config:
            command.downgrade(config, "-1")
    return len(revisions)


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(
        connection, opts={"compare_type": True, "compare_server_default": True, "target_metadata": metadata}
    )
    return compare_metadata(context, metadata)


def schema(database: Database) -> dict[str, object]:
    """What the database itself says it holds."""
    with database.bulk() as connection:
        columns = connection.execute(
            "SELECT table_name, column_name, data_type, numeric_precision, numeric_scale, is_nullable, column_default"
            " FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"
        ).fetchall()
        indexes = connection.execute(
            "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"
        ).fetchall()
        constraints = connection.execute(
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2"
        ).fetchall()
    return {"columns": columns, "indexes": indexes, "constraints": constraints}
