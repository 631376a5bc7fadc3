"""Alembic's entry: the caller hands over an open connection, so that a migration is one transaction of its own."""

from __future__ import annotations

from alembic import context
from sqlalchemy import text

from registry.store.tables import metadata

LOCK_TIMEOUT_SECONDS = 10

connection = context.config.attributes["connection"]
connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'"))
context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
