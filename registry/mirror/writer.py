"""The one connection through which a mirror writes, and the lease that makes it the only one.

The lease is an advisory lock of the session: whoever loses the connection has lost it, and what is written goes through
that very connection, so no write outlives the lease. The cursor fences besides: whoever finds it moved writes nothing.
Whoever waits for the lease ends the session of a writer that hangs.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

from registry.store.database import (
    LEASE_KEY,
    MIRROR_APPLICATION,
    READING,
    Database,
    named_failures,
)

SESSION = {
    # Of a block's rows each is found by its key: by the default, which is for disks that turn, a book of some thousand
    # receivables would be read through for them.
    "random_page_cost": READING["random_page_cost"],
    # A writer whose machine is gone must be found out by the server within seconds: only then a standby takes over.
    "tcp_keepalives_idle": "1",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "2",
}

STUCK_SECONDS = 120.0
"""How long the mirror that writes may ask its database nothing. It asks it at every step; in a step it waits for ranges
a few seconds, and while heads are compared it asks it now and then. Between two statements lie at most the headers of
one journal that is mended, or of a part of a fork: some batches of a node that answers at all."""

LOOK_SECONDS = 5.0
"""How often one who waits looks whether the writer hangs."""

_END_STUCK = """
SELECT application_name, pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND objid = %s AND granted AND datname = current_database()
AND state <> 'active' AND state_change < clock_timestamp() - make_interval(secs => %s)
"""

log = logging.getLogger(__name__)


class Writer:
    """A lasting connection to one database. Raises DatabaseUnreachable; the next use connects anew."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: psycopg.Connection | None = None
        self._leased = False
        self._looked_at = -LOOK_SECONDS

    @property
    def leased(self) -> bool:
        """Whether the lease was taken and the connection that holds it has not failed since."""
        return self._leased

    @contextmanager
    def transaction(self) -> Iterator[psycopg.Connection]:
        """A transaction, committed at the end."""
        with self.connection() as connection, connection.transaction():
            yield connection

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection]:
        """The connection, each statement a transaction of its own; it is closed where it is what failed."""
        with named_failures():
            connection = self._connect()
            try:
                yield connection
            except (psycopg.OperationalError, psycopg.InterfaceError):
                self.close()
                raise
            except BaseException:
                if connection.closed or connection.broken:
                    self.close()
                raise

    def take_lease(self) -> bool:
        """Become the only mirror of this database; False while another one is. One that hangs loses it."""
        if self._leased:
            return True
        with self.transaction() as connection:
            row = connection.execute("SELECT pg_try_advisory_lock(%s)", (LEASE_KEY,)).fetchone()
            self._leased = row is not None and row[0]
            if not self._leased and time.monotonic() - self._looked_at >= LOOK_SECONDS:
                self._looked_at = time.monotonic()
                for name, _ in connection.execute(_END_STUCK, (LEASE_KEY, STUCK_SECONDS)):
                    log.warning("mirror: ended the session of %s, which asked nothing for %d s", name, STUCK_SECONDS)
        return self._leased

    def close(self) -> None:
        """End the connection, and with it the lease."""
        connection, self._connection, self._leased = self._connection, None, False
        if connection is not None:
            with suppress(psycopg.Error):
                connection.close()

    def _connect(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self.close()
            self._connection = psycopg.connect(
                self._database.conninfo,
                autocommit=True,  # transactions are begun by name, so that reads leave none open
                application_name=f"{MIRROR_APPLICATION} {socket.gethostname()} {os.getpid()}"[:63],
            )
            with self._connection.transaction():
                for name, value in SESSION.items():
                    self._connection.execute("SELECT set_config(%s, %s, false)", (name, value))
        return self._connection
