"""New heads as the node announces them: a reason for the mirror to look at once, and never more than that.

Nothing that is announced is used as data: the mirror asks the node itself. So a subscription that is silent, late or
lying costs time, and `poll_seconds` bounds how much. Source: Ethereum's JSON-RPC, eth_subscribe with "newHeads".
"""

from __future__ import annotations

import asyncio
import codecs
import errno
import json
import logging
import random
import re
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, ExitStack, asynccontextmanager, suppress
from ssl import SSLError
from types import TracebackType
from typing import Any, Final, NoReturn, Protocol, Self

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, WebSocketException

from registry.chain.urls import describe
from registry.settings import SettingsMalformed

POLL_SECONDS: Final = 0.2
POLL_SECONDS_HEALTHY: Final = 1.0
"""How long the mirror goes without a look while heads are announced: for those that are not."""
SILENCE_SECONDS_MAX = 5.0
"""After so long without a word the node is asked for one, and may take as long again to answer."""
SUBSCRIBE_SECONDS_MAX = 5.0
"""For name, connection, handshake and the answer to eth_subscribe together."""
PAUSE_SECONDS_MIN: Final = 0.1
PAUSE_SECONDS_MAX: Final = 5.0
CLOSE_SECONDS_MAX: Final = 0.5
MESSAGE_LENGTH_MAX: Final = 2**20
"""Characters of one message; a header has two thousand, and on some chains as many again of extra data."""
READ_BYTES: Final = 2**16

SUBSCRIBE_ID, HEAD_ID = 1, 2

log = logging.getLogger(__name__)


class _NotSubscribed(Exception):
    """The node answered eth_subscribe with an error of this code."""

    def __init__(self, code: object) -> None:
        super().__init__(f"error {code}")
        self.code = code


class _HeadsWithheld(Exception):
    """The node's head moves and nothing is announced."""


_FORESEEN = (OSError, EOFError, ValueError, WebSocketException, _NotSubscribed, _HeadsWithheld)


class _Connection(Protocol):
    """A JSON-RPC connection: each message one JSON text."""

    async def send(self, message: str, /) -> None: ...
    async def recv(self) -> str | bytes: ...


_Connect = Callable[[], AbstractAsyncContextManager[_Connection]]


def heads_url(rpc_url: str) -> str:
    """Where a node that answers at this HTTP URL may announce heads: many serve WebSocket on the same port.

    Not geth, which has another port for it (8546): there the URL must be given.
    """
    return re.sub("^http", "ws", rpc_url, flags=re.IGNORECASE)


class Heads:
    """Sets `nudge` at every new head, and when the subscription begins or ends; use `with Heads(url, nudge=nudge)`.

    `url` is ws://, wss://, ipc:///path or an absolute path of a Unix socket; None for a node that announces nothing.
    A node that does not answer, or knows no subscriptions, is tried again for ever. Only `describe` of the URL is
    logged. Raises SettingsMalformed for any other URL.
    """

    def __init__(self, url: str | None, *, nudge: threading.Event) -> None:
        self._connect: _Connect | None
        self._connect, self._where = (None, "") if url is None else _transport(url)
        self._nudge = nudge
        self._heard_at: float | None = None
        self._told = ""
        self._closing = ExitStack()

    @property
    def healthy(self) -> bool:
        """Whether heads are announced: subscribed, and something was heard within the time that a silence may last."""
        heard_at = self._heard_at
        return heard_at is not None and time.monotonic() - heard_at <= 2 * SILENCE_SECONDS_MAX

    @property
    def poll_seconds(self) -> float:
        """How long to wait for `nudge` before looking without it."""
        return POLL_SECONDS_HEALTHY if self.healthy else POLL_SECONDS

    def __enter__(self) -> Self:
        if self._connect is not None:
            # A loop, because whatever it waits for can be cancelled, a handshake too; and one for both transports.
            loop = asyncio.new_event_loop()
            following = loop.create_task(self._follow(self._connect))
            thread = threading.Thread(target=_run, args=(loop, following), name="heads", daemon=True)
            thread.start()
            self._closing.callback(thread.join)
            self._closing.callback(lambda: loop.call_soon_threadsafe(following.cancel))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()
        self._heard_at = None

    # ------------------------------------------------------------ internal

    async def _follow(self, connect: _Connect) -> None:
        pause = PAUSE_SECONDS_MIN
        while True:
            started = time.monotonic()
            try:
                async with AsyncExitStack() as stack:
                    async with asyncio.timeout(SUBSCRIBE_SECONDS_MAX):
                        connection = await stack.enter_async_context(connect())
                        await _subscribe(connection)
                    await self._listen(connection)
            except Exception as error:  # noqa: BLE001  (only hints are lost: the mirror polls, and we try again)
                self._lost(error)
            if time.monotonic() - started > PAUSE_SECONDS_MAX:
                pause = PAUSE_SECONDS_MIN
            # Jitter: the mirrors of a node that was restarted should not all come at once.
            await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311  (nothing to guess)
            pause = min(2 * pause, PAUSE_SECONDS_MAX)

    async def _listen(self, connection: _Connection) -> NoReturn:
        """Nudge until the connection ends, which is one of _FORESEEN."""
        self._heard_at = time.monotonic()
        self._nudge.set()  # heads may have passed before
        self._tell(logging.INFO, f"{self._where} announces new heads")
        asked = False
        # The node's head when it was last asked, if it has announced none since; and whether that had moved.
        head, moved = None, False
        while True:
            try:
                async with asyncio.timeout(SILENCE_SECONDS_MAX):
                    message = await _receive(connection)
            except TimeoutError:
                if asked:
                    raise
                # Not a WebSocket ping: a Unix socket has none, and a gateway answers it for a node that is gone.
                await _ask(connection, HEAD_ID, "eth_blockNumber")
                asked = True
                continue
            self._heard_at = time.monotonic()
            asked = False
            if message.get("method") == "eth_subscription":
                self._nudge.set()
                head, moved = None, False
            elif message.get("id") == HEAD_ID:
                if moved:  # once may be a head whose announcement was on its way
                    raise _HeadsWithheld()
                moved = head not in (None, message.get("result"))
                head = message.get("result")

    def _lost(self, error: Exception) -> None:
        if self._heard_at is not None:
            self._heard_at = None
            self._nudge.set()  # from here on shorter pauses are due
        unable = isinstance(error, InvalidHandshake | _NotSubscribed)
        self._tell(
            logging.INFO if unable else logging.WARNING,
            f"{self._where} {'announces no heads' if unable else 'is not heard'} ({_reason(error)}): the mirror polls",
            None if isinstance(error, _FORESEEN) else error,
        )

    def _tell(self, level: int, state: str, error: Exception | None = None) -> None:
        """Log a state when it is another one than before."""
        if state != self._told:
            self._told = state
            log.log(level, "heads: %s", state, exc_info=error)


def _run(loop: asyncio.AbstractEventLoop, following: asyncio.Task[None]) -> None:
    with suppress(asyncio.CancelledError):
        loop.run_until_complete(following)
    # asyncio.run would wait here for a host name that is still being looked up.
    loop.close()


class JsonTexts:
    """Cuts a stream of JSON objects into texts of one object each, however it arrives and whatever is between them."""

    def __init__(self) -> None:
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._text = ""

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the stream, any number. ValueError where they are no UTF-8."""
        self._text = (self._text + self._utf8.decode(chunk)).lstrip()

    def next(self) -> str | None:
        """The next object that is complete; None if there is none yet. ValueError for what cannot become one."""
        if not self._text:
            return None
        if self._text[0] != "{":
            raise ValueError("no JSON object")
        try:
            _, end = _decoder.raw_decode(self._text)
        except json.JSONDecodeError:
            # Of a text that is cut off nobody can say whether it will be JSON.
            if len(self._text) > MESSAGE_LENGTH_MAX:
                raise
            return None
        found, self._text = self._text[:end], self._text[end:].lstrip()
        return found


_decoder = json.JSONDecoder()


class _UnixSocket:
    """JSON-RPC over a node's IPC endpoint: JSON objects one after the other, which not every node puts on lines."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._texts = JsonTexts()

    async def send(self, message: str) -> None:
        self._writer.write(message.encode() + b"\n")
        await self._writer.drain()

    async def recv(self) -> str:
        while (text := self._texts.next()) is None:
            chunk = await self._reader.read(READ_BYTES)
            if not chunk:
                raise EOFError()
            self._texts.feed(chunk)
        return text


@asynccontextmanager
async def _unix_socket(path: str) -> AsyncIterator[_UnixSocket]:
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        yield _UnixSocket(reader, writer)
    finally:
        writer.close()


def _transport(url: str) -> tuple[_Connect, str]:
    """How to connect, and what to call the node. Raises SettingsMalformed."""
    path = url.removeprefix("ipc://")
    if path.startswith("/"):
        return lambda: _unix_socket(path), f"ipc://{path}"
    if re.match("wss?://", url, flags=re.IGNORECASE):
        return lambda: _web_socket(url), describe(url)
    raise SettingsMalformed("new heads are announced at ws://, wss:// or ipc:///path, and the URL is none of these")


def _web_socket(url: str) -> AbstractAsyncContextManager[_Connection]:
    # Neither its timeout for the handshake nor its pings: ours, which are those of the Unix socket too.
    return connect(
        url,
        compression=None,
        open_timeout=None,
        ping_interval=None,
        close_timeout=CLOSE_SECONDS_MAX,
        max_size=MESSAGE_LENGTH_MAX,
    )


async def _ask(connection: _Connection, request_id: int, method: str, *params: str) -> None:
    await connection.send(json.dumps({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}))


async def _subscribe(connection: _Connection) -> None:
    """Ask for new heads. Raises _NotSubscribed."""
    await _ask(connection, SUBSCRIBE_ID, "eth_subscribe", "newHeads")
    while (answer := await _receive(connection)).get("id") != SUBSCRIBE_ID:
        pass
    if answer.get("result") is None:
        error = answer.get("error")
        raise _NotSubscribed(error.get("code") if isinstance(error, dict) else None)


async def _receive(connection: _Connection) -> dict[str, Any]:
    """The next message. ValueError if it is no JSON object."""
    message = json.loads(await connection.recv())
    if not isinstance(message, dict):
        raise ValueError("no JSON object")
    return message


def _reason(error: Exception) -> str:
    """Why, by code or kind. What these errors say of themselves may hold the whole URL."""
    match error:
        case _NotSubscribed():
            return f"error {error.code}"
        case _HeadsWithheld():
            return "its head moves in silence"
        case InvalidStatus():
            return f"HTTP {error.response.status_code}"
        case ConnectionClosed():
            return f"closed with {error.rcvd.code if error.rcvd else 'no code'}"
        case TimeoutError():
            return "no answer in time"
        case SSLError():
            return f"TLS: {error.reason}"
        case OSError():
            return errno.errorcode.get(error.errno or 0, "unreachable")
        case _:
            return type(error).__name__
