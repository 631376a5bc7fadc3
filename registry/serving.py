"""The HTTP server as the registry runs it: answers without end end with it, and nobody waits for who does not read."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

SHUTDOWN_SECONDS_MAX: Final = 5
UNREAD_SECONDS_MAX = 30.0
"""How long an answer may wait for its client to read."""

ENDING: Final = "ending"
"""Where an application's lifespan state has what to call before open answers are waited for."""


class Server(uvicorn.Server):
    """Serves what `application` makes, or names as "module:function", without trust in any header about the peer."""

    def __init__(self, application: str | Callable[[], Any], *, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                factory=True,
                host=host,
                port=port,
                http=_Protocol,
                # Headers that name another peer would get around the guard; no proxy stands before a loopback address.
                proxy_headers=False,
                server_header=False,
                access_log=False,
                timeout_graceful_shutdown=SHUTDOWN_SECONDS_MAX,
                log_config=None,
            )
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End: uvicorn waits for open answers, and tells the application only afterwards."""
        end: Callable[[], None] | None = self.lifespan.state.get(ENDING)
        if end is not None:
            end()
        await super().shutdown(sockets)


class _Protocol(H11Protocol):
    """Breaks a connection off whose client leaves what it was sent unread."""

    _unread: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        super().pause_writing()
        # To close it would wait for the client once more.
        self._unread = self.loop.call_later(UNREAD_SECONDS_MAX, self.transport.abort)

    def resume_writing(self) -> None:
        self._forget()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def _forget(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
