"""Connections to the database: each notices that the database's machine is gone."""

from __future__ import annotations

import asyncio
from contextlib import closing

from psycopg.conninfo import conninfo_to_dict

from registry.mirror.writer import Writer
from registry.store.database import Database
from registry.store.listening import Listening

NOTICED = {
    "connect_timeout": "10",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}


def test_each_connection_notices_that_the_databases_machine_is_gone(database: Database) -> None:
    async def listening() -> dict[str, str]:
        async with await Listening(database)._connect() as connection:
            return connection.info.get_parameters()

    with database.bulk() as connection:
        assert NOTICED.items() <= connection.info.get_parameters().items()
    with database.engine.connect() as pooled:
        assert NOTICED.items() <= pooled.connection.driver_connection.info.get_parameters().items()
    with closing(Writer(database)) as writer, writer.connection() as connection:
        assert NOTICED.items() <= connection.info.get_parameters().items()
    assert NOTICED.items() <= asyncio.run(listening()).items()


def test_what_the_url_says_besides_is_kept() -> None:
    database = Database("postgresql://me:se%40cret@/books?host=%2Ftmp%2Fa%20b&port=7&sslmode=require")
    assert conninfo_to_dict(database.conninfo) == NOTICED | {
        "user": "me",
        "password": "se@cret",
        "dbname": "books",
        "host": "/tmp/a b",
        "port": "7",
        "sslmode": "require",
    }
