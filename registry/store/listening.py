"""Hears that the mirror moved: one connection for a process, however many wait.

What is heard is only a reason to look, and the database is looked at over the very connection that listens: where that
one breaks nothing is known until there is another, and the first thing that one does is look.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import socket
import time
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self

import psycopg
from psycopg import sql
from sqlalchemy.dialects.postgresql import psycopg as dialect

from registry.errors import ServiceError
from registry.store.database import (
    STATEMENT_TIMEOUT_SECONDS,
    Database,
    DatabaseUnreachable,
    named_failures,
)
from registry.store.queries import health
from registry.store.queries.health import CursorRow

CHANNEL = "counterfoil_mirror"
"""Where PostgreSQL tells listeners that the cursor moved: a hint to look, never the data."""

LOOK_SECONDS: Final = 15.0
"""How long to go without a look while the database tells: what hears nothing may be a dead connection."""
LOOK_SECONDS_UNTOLD: Final = 1.0
"""The same at a database that does not tell."""
PAUSE_SECONDS_MIN: Final = 0.1
PAUSE_SECONDS_MAX: Final = 5.0

APPLICATION = "counterfoil-listener"
"""What the database's list of sessions calls it, before its host and process."""

_LOOK: Final = str(health.CURSOR.compile(dialect=dialect.dialect()))  # type: ignore[no-untyped-call]  # SQLAlchemy's own

log = logging.getLogger(__name__)


class Listening:
    """Knows where the mirror is and wakes who waits for it to move; use `async with Listening(database)`.

    A database that does not answer is tried again for ever; one that knows no LISTEN is looked at every second.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cursor: CursorRow | None = None
        self._known = False
        self._failure: str | None = None
        self._ended = False
        self._changed = asyncio.Event()
        self._following: asyncio.Task[None] | None = None
        self._untold = False

    @property
    def ended(self) -> bool:
        """Whether nobody is woken any more."""
        return self._ended

    async def cursor(self) -> CursorRow | None:
        """Where the mirror is, or None before its first block.

        Raises DatabaseUnreachable while the connection is broken: nobody knows then.
        """
        while not self._known and self._failure is None and not self._ended:
            await self._changed.wait()
        if not self._known:
            raise DatabaseUnreachable(self._failure or "nobody listens any more")
        return self._cursor

    async def moved_from(self, cursor: CursorRow | None) -> CursorRow | None:
        """Wait until the mirror is elsewhere than there, or the listening has ended; where it is."""
        while self._cursor == cursor and not self._ended:
            await self._changed.wait()
        return self._cursor

    def end(self) -> None:
        """Wake all who wait, for the last time."""
        self._ended = True
        self._wake()

    async def __aenter__(self) -> Self:
        self._following = asyncio.create_task(self._follow(), name="listening")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        assert self._following is not None  # entered
        self._following.cancel()
        with suppress(asyncio.CancelledError):
            await self._following

    # ------------------------------------------------------------ internal

    def _wake(self) -> None:
        # Each who waits has the event that was there when it began to; the next wait is for the next change.
        self._changed.set()
        self._changed = asyncio.Event()

    async def _follow(self) -> None:
        pause = PAUSE_SECONDS_MIN
        while True:
            started = time.monotonic()
            try:
                with named_failures():
                    async with await self._connect() as connection:
                        await self._watch(connection, look_seconds=await self._subscribe(connection))
            except Exception as error:  # noqa: BLE001  (only hints are lost: it is told, and we try again)
                self._lost(error)
            if time.monotonic() - started > PAUSE_SECONDS_MAX:
                pause = PAUSE_SECONDS_MIN
            # Jitter: those who listen to a database that was restarted should not all come at once.
            await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311  (nothing to guess)
            pause = min(2 * pause, PAUSE_SECONDS_MAX)

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        return await psycopg.AsyncConnection.connect(
            self._database.conninfo,
            autocommit=True,
            application_name=f"{APPLICATION} {socket.gethostname()} {os.getpid()}"[:63],
        )

    async def _subscribe(self, connection: psycopg.AsyncConnection[Any]) -> float:
        """Ask to be told; seconds between two looks."""
        await connection.execute(
            "SELECT set_config('statement_timeout', %s, false)", (f"{STATEMENT_TIMEOUT_SECONDS}s",)
        )
        try:
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
        except (psycopg.ProgrammingError, psycopg.NotSupportedError, psycopg.InternalError) as error:
            if not self._untold:
                self._untold = True
                log.warning("the database tells no moves of the mirror (%s): looking every second", _reason(error))
            return LOOK_SECONDS_UNTOLD
        return LOOK_SECONDS

    async def _watch(self, connection: psycopg.AsyncConnection[Any], *, look_seconds: float) -> None:
        """Look, and again at each hint, until the connection fails."""
        while True:
            row = await (await connection.execute(_LOOK)).fetchone()
            self._found(None if row is None else CursorRow(*row))
            # Hints that came meanwhile are all taken at once.
            async for _ in connection.notifies(timeout=look_seconds, stop_after=1):
                pass

    def _found(self, cursor: CursorRow | None) -> None:
        if self._failure is not None:
            log.info("the moves of the mirror are heard again")
        if not self._known or cursor != self._cursor:
            self._known, self._failure, self._cursor = True, None, cursor
            self._wake()

    def _lost(self, error: Exception) -> None:
        foreseen = isinstance(error, ServiceError | psycopg.Error)
        reason = _reason(error) if foreseen else type(error).__name__
        if self._failure is None:
            log.warning(
                "the moves of the mirror are not heard (%s): connecting again",
                reason,
                exc_info=None if foreseen else error,
            )
        self._known, self._failure = False, reason
        self._wake()


def _reason(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
